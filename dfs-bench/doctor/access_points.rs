//! The access points that the agent's configuration names, and whether they can be reached from here.

use io500_phases::facts::Root;
use serde::Deserialize;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

/// Where an agent has its configuration.
const AGENT: &str = "/etc/daos/daos_agent.yml";
/// The port of an access point that names none.
const PORT: u16 = 10001;
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most that are tried; a system has an odd handful.
const MOST: usize = 16;

/// The part of `daos_agent.yml` that is of interest; 2.8 has two names for it.
#[derive(Debug, Default, Deserialize)]
struct AgentConfig {
    #[serde(default, alias = "mgmt_svc_replicas")]
    access_points: Vec<String>,
    port: Option<u16>,
}

/// The access points of this node's agent; none where its configuration is not there.
///
/// # Errors
/// What cannot be looked at, where the configuration is there and may not be read.
pub fn of_agent() -> Result<Vec<String>, String> {
    let root = Root::live();
    match (root.read(AGENT), root.unread().first()) {
        (None, Some(unread)) => Err(format!("{AGENT} ({})", unread.reason)),
        (text, _) => Ok(text.map(|text| parse(&text)).unwrap_or_default()),
    }
}

fn parse(text: &str) -> Vec<String> {
    let config: AgentConfig = serde_saphyr::from_str(text).unwrap_or_default();
    let port = config.port.unwrap_or(PORT);
    let with_port = |point: String| match point.rsplit_once(':') {
        Some((_, last)) if last.parse::<u16>().is_ok() => point,
        _ => format!("{point}:{port}"),
    };
    config.access_points.into_iter().take(MOST).map(with_port).collect()
}

/// Each of them with why it cannot be reached, all asked at once.
pub fn reach(points: &[String]) -> Vec<(String, Option<String>)> {
    std::thread::scope(|scope| {
        let asked: Vec<_> = points.iter().map(|point| (point, scope.spawn(|| trouble(point)))).collect();
        let answer = |(point, asked): (&String, std::thread::ScopedJoinHandle<'_, Option<String>>)| {
            (point.clone(), asked.join().unwrap_or(None))
        };
        asked.into_iter().map(answer).collect()
    })
}

fn trouble(point: &str) -> Option<String> {
    let addresses = match point.to_socket_addrs() {
        Ok(addresses) => addresses,
        Err(error) => return Some(error.to_string()),
    };
    let mut last = "it has no address".to_owned();
    for address in addresses {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => return None,
            Err(error) => last = error.to_string(),
        }
    }
    Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_points_have_a_port_by_themselves_or_by_default() {
        assert_eq!(parse("access_points: ['a', 'b:1']\nport: 7"), ["a:7", "b:1"]);
        assert_eq!(parse("name: daos_server\nmgmt_svc_replicas:\n- server1\n"), ["server1:10001"]);
        for none in ["", "access_points: 7", "{", "access_points: []"] {
            assert_eq!(parse(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_port_that_listens_is_reached_and_one_that_does_not_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let open = listener.local_addr().unwrap().to_string();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let found = reach(&[open.clone(), closed.clone()]);
        assert_eq!(found[0], (open, None));
        assert!(found[1].0 == closed && found[1].1.as_ref().unwrap().contains("refused"), "{found:?}");
    }
}
