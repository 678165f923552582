//! Asks the servers: exact values around each phase, and a look now and then while it runs, from a thread of its own on rank 0.
//!
//! A round takes no longer than its deadline, whatever a server or a name service does: who has not answered by then is named.

use super::figures::{Around, figures};
use super::snapshot::Snapshot;
use io500_phases::results::PhaseResult;
use io500_phases::text;
use std::collections::BTreeSet;
use std::io::BufReader;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a round may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// Servers that are asked at once.
const AT_ONCE: usize = 16;
/// A server that did not answer so often in a row is not asked again.
const TRIES: usize = 2;
/// More servers than a system has.
const MOST_SERVERS: usize = 4096;
/// A pause between two looks is at least so many times as long as a look: reading must not cost the ranks their processors.
const PAUSE_PER_LOOK: u32 = 50;

/// The servers of a run.
pub struct Servers {
    shared: Arc<Shared>,
    before: Option<(Instant, Vec<Result<Snapshot, String>>)>,
    /// Dropped to end the thread.
    over: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    addresses: Vec<String>,
    /// Whether a request to this server is still under way, and how often in a row it did not answer.
    states: Vec<(AtomicBool, AtomicUsize)>,
    deadline: Duration,
    /// One round at a time. What the looks of a phase saw is kept here; none while no phase runs.
    looks: Mutex<Option<Looks>>,
}

#[derive(Default)]
struct Looks {
    levels: Snapshot,
    samples: u64,
}

impl Servers {
    /// Asks once, says who does not answer, and looks at the servers every `interval` while a phase runs.
    pub fn start(addresses: Vec<String>, interval: Duration) -> Servers {
        Servers::with_deadline(addresses, interval, DEADLINE)
    }

    fn with_deadline(addresses: Vec<String>, interval: Duration, deadline: Duration) -> Servers {
        let states = addresses.iter().map(|_| Default::default()).collect();
        let shared = Arc::new(Shared { addresses, states, deadline, looks: Mutex::default() });
        for (address, answer) in shared.addresses.iter().zip(round(&shared)) {
            if let Err(error) = answer {
                eprintln!("warning: telemetry: {address}: {error}");
            }
        }
        let (over, ended) = mpsc::channel();
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || look_now_and_then(&shared, interval, &ended)
        });
        Servers { shared, before: None, over: Some(over), thread: Some(thread) }
    }

    /// A phase begins: takes the values before it. Outside of every window.
    pub fn phase_begins(&mut self) {
        let mut looks = self.shared.looks();
        let before = round(&self.shared);
        *looks = Some(Looks::default());
        self.before = Some((Instant::now(), before));
    }

    /// A phase is over: takes the values after it and puts the figures into its result. Likewise.
    pub fn phase_over(&mut self, phase: &mut PhaseResult) {
        let looks = self.shared.looks().take().unwrap_or_default();
        let Some((since, before)) = self.before.take() else { return };
        let span_s = since.elapsed().as_secs_f64();
        let after = round(&self.shared);
        let around = Around {
            servers: &self.shared.addresses,
            before: &before,
            after: &after,
            span_s,
            levels: &looks.levels,
            samples: looks.samples,
        };
        phase.servers = Some(figures(&around, phase));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn looks(&self) -> MutexGuard<'_, Option<Looks>> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look_now_and_then(shared: &Arc<Shared>, interval: Duration, ended: &mpsc::Receiver<()>) {
    let mut pause = interval;
    while let Err(mpsc::RecvTimeoutError::Timeout) = ended.recv_timeout(pause) {
        let mut looks = shared.looks();
        let Some(looks) = &mut *looks else { continue };
        let began = Instant::now();
        for answer in round(shared).into_iter().flatten() {
            looks.levels.raise(&answer);
        }
        looks.samples += 1;
        pause = interval.max(began.elapsed() * PAUSE_PER_LOOK);
    }
}

/// Asks all servers at once, as far as they answer. Who is not done by the deadline is left behind with its thread, and not asked before
/// that has ended: there is never more than one request to a server.
fn round(shared: &Arc<Shared>) -> Vec<Result<Snapshot, String>> {
    let until = Instant::now() + shared.deadline;
    let mut answers: Vec<Result<Snapshot, String>> = shared
        .states
        .iter()
        .map(|(_, failures)| {
            let given_up = failures.load(SeqCst) >= TRIES;
            Err(if given_up {
                format!("not asked after {TRIES} times without an answer")
            } else {
                "no answer in time".into()
            })
        })
        .collect();
    let asked: Vec<usize> = (0..answers.len()).filter(|&i| shared.states[i].1.load(SeqCst) < TRIES).collect();
    let asked: Arc<[usize]> = asked.into();
    let (next, (tell, told)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel());
    for _ in 0..asked.len().min(AT_ONCE) {
        let (shared, asked, next, tell) = (shared.clone(), asked.clone(), next.clone(), tell.clone());
        std::thread::spawn(move || {
            while let Some(&server) = asked.get(next.fetch_add(1, SeqCst)) {
                if Instant::now() >= until || shared.states[server].0.swap(true, SeqCst) {
                    continue;
                }
                let answer = ask(&shared.addresses[server], shared.deadline);
                shared.states[server].0.store(false, SeqCst);
                let _ = tell.send((server, answer));
            }
        });
    }
    drop(tell);
    while let Ok((server, answer)) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        answers[server] = answer;
    }
    for &server in &*asked {
        let failures = &shared.states[server].1;
        failures.store(if answers[server].is_ok() { 0 } else { failures.load(SeqCst) + 1 }, SeqCst);
    }
    answers
}

fn ask(address: &str, deadline: Duration) -> Result<Snapshot, String> {
    let request = minreq::get(address)
        .with_timeout(deadline.as_secs().max(1))
        .with_max_headers_size(64 << 10)
        .with_max_status_line_length(4 << 10)
        .with_follow_redirects(false);
    let answer = request.send_lazy().map_err(|error| error.to_string())?;
    if answer.status_code != 200 {
        return Err(format!("the answer is {} {}", answer.status_code, answer.reason_phrase));
    }
    Snapshot::read(BufReader::new(answer)).map_err(|error| error.to_string())
}

/// The port of `telemetry_port` in most configurations of servers.
const USUAL_PORT: u16 = 9191;

/// The addresses of a list with commas, or of a file that `@` names, one a line. For `auto` those of the servers whose engines `engines`
/// tells, at port 9191 or at that of `auto:PORT`.
pub fn addresses(
    list: &str,
    engines: impl FnOnce() -> Result<Vec<(u32, String)>, String>,
) -> Result<Vec<String>, String> {
    let port = match list.strip_prefix("auto") {
        Some("") => Some(USUAL_PORT),
        Some(port) => Some(
            port.strip_prefix(':')
                .and_then(|port| port.parse().ok())
                .ok_or_else(|| format!("telemetry: {list:?} is not like auto or auto:9191"))?,
        ),
        None => None,
    };
    if let Some(port) = port {
        let engines = engines().map_err(|error| format!("telemetry: auto: {error}"))?;
        let hosts: BTreeSet<&str> = engines.iter().filter_map(|(_, uri)| host_of(uri)).collect();
        return match hosts.len() {
            0 => Err("telemetry: auto: libdaos names no engine with an address of IP: list the servers instead".into()),
            _ => Ok(hosts.into_iter().map(|host| format!("http://{host}:{port}/metrics")).collect()),
        };
    }
    let text = match list.strip_prefix('@') {
        Some(path) => {
            std::fs::read_to_string(text::path(path)).map_err(|error| format!("telemetry: {path}: {error}"))?
        }
        None => list.to_owned(),
    };
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut addresses: Vec<String> = Vec::new();
    for word in lines.flat_map(|line| line.split([',', ' ', '\t'])).filter(|word| !word.is_empty()) {
        let Some(host) = word.strip_prefix("http://") else {
            return Err(format!("telemetry: {word:?} is not like http://server:9191/metrics"));
        };
        let (host, path) = host.split_once('/').unwrap_or((host, "metrics"));
        let fit = |text: &str| text.chars().all(|c| c.is_ascii_graphic() && c != '@');
        if host.is_empty() || !fit(host) || !fit(path) {
            return Err(format!("telemetry: {word:?} is not like http://server:9191/metrics"));
        }
        let address = format!("http://{host}/{path}");
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    match addresses.len() {
        0 => Err(format!("telemetry: {list:?} names no server")),
        1..=MOST_SERVERS => Ok(addresses),
        more => Err(format!("telemetry: {more} servers are more than {MOST_SERVERS}")),
    }
}

/// The host in the address of an engine, `ofi+tcp;ofi_rxm://10.8.1.74:31416`. Other kinds of addresses have none that HTTP reaches.
fn host_of(uri: &str) -> Option<&str> {
    let (host, port) = uri.split_once("://")?.1.rsplit_once(':')?;
    let numeric = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok();
    (numeric && port.parse::<u16>().is_ok()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::super::testing::answer;
    use super::*;
    use io500_phases::phase_id::PhaseId;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A server that answers with `reply(n)` to its n-th request and ends with the test's process; its address.
    fn server(reply: impl Fn(u64) -> String + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/metrics", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (n, stream) in listener.incoming().take(100).enumerate() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
                    request.push(byte[0]);
                }
                let _ = stream.write_all(reply(n as u64 + 1).as_bytes());
            }
        });
        address
    }

    fn ok(body: &str) -> String {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    fn chunked(body: &str) -> String {
        let parts = body
            .as_bytes()
            .chunks(500)
            .map(|part| format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part)));
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", parts.collect::<String>())
    }

    #[test]
    fn a_phase_gets_what_changed_between_its_edges() {
        let addresses = vec![server(|n| ok(&answer(0, 10 * n))), server(|n| chunked(&answer(1, 10 * n)))];
        let mut servers = Servers::start(addresses, Duration::from_secs(60));
        servers.phase_begins();
        let mut phase = PhaseResult::new(PhaseId::MdtestEasyWrite);
        phase.operations = 80;
        servers.phase_over(&mut phase);
        let found = phase.servers.unwrap();
        assert_eq!(found.silent, Vec::<String>::new());
        assert_eq!(found.engines.iter().map(|engine| engine.work.updates).collect::<Vec<_>>(), [40, 40]);
        assert_eq!((found.rpcs_per_operation, found.samples), (Some(1.0), 0));
    }

    #[test]
    fn while_a_phase_runs_the_highest_levels_are_kept() {
        // the third answer is the first look
        let mut servers =
            Servers::start(vec![server(|n| ok(&answer(0, if n == 3 { 500 } else { n })))], Duration::from_millis(50));
        std::thread::sleep(Duration::from_millis(200));
        servers.phase_begins();
        let until = Instant::now() + Duration::from_secs(20);
        while servers.shared.looks().as_ref().unwrap().samples == 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut phase = PhaseResult::new(PhaseId::MdtestEasyWrite);
        servers.phase_over(&mut phase);
        let found = phase.servers.unwrap();
        assert!(found.samples >= 1);
        assert_eq!(found.engines[0].queued_max, 500);
    }

    #[test]
    fn servers_that_do_not_answer_are_named_and_not_waited_for() {
        let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        // accepts, by the kernel, and never answers
        let mute = TcpListener::bind("127.0.0.1:0").unwrap();
        let addresses = vec![
            format!("http://{refused}/metrics"),
            format!("http://{}/metrics", mute.local_addr().unwrap()),
            server(|_| "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned()),
            server(|_| ok("<html>\n")),
            server(|n| ok(&answer(4, n))),
        ];
        let mut servers = Servers::with_deadline(addresses, Duration::from_secs(60), Duration::from_secs(1));
        let began = Instant::now();
        servers.phase_begins();
        let mut phase = PhaseResult::new(PhaseId::MdtestEasyWrite);
        servers.phase_over(&mut phase);
        let found = phase.servers.unwrap();
        // the second round is the last that asks the mute one
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert_eq!(found.engines.iter().map(|engine| engine.engine).collect::<Vec<_>>(), [4]);
        assert_eq!(found.silent.len(), 4, "{:?}", found.silent);
        assert!(found.silent[2].contains("404"), "{:?}", found.silent);
        assert!(servers.shared.states[..4].iter().all(|(_, failures)| failures.load(SeqCst) == TRIES));
    }

    #[test]
    fn lists_of_servers_are_read() {
        let listed = |list: &str| addresses(list, || panic!("nobody asks for engines"));
        assert_eq!(listed("http://a:1/metrics,http://b:2").unwrap(), ["http://a:1/metrics", "http://b:2/metrics"]);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "# servers\nhttp://a:1/m\n\nhttp://b:2/m # second\nhttp://a:1/m\n").unwrap();
        assert_eq!(listed(&format!("@{}", file.path().display())).unwrap(), ["http://a:1/m", "http://b:2/m"]);
        for wrong in ["", "server:9191", "https://a/metrics", "http://", "@/nonexistent", "http://u@h/", "http://a b"] {
            assert!(listed(wrong).unwrap_err().starts_with("telemetry: "), "{wrong}");
        }
    }

    #[test]
    fn servers_are_found_by_their_engines() {
        let uris = [
            "ofi+tcp;ofi_rxm://10.8.1.2:31416",
            "ofi+tcp;ofi_rxm://10.8.1.2:31516",
            "ofi+verbs://[fe80::1]:31416",
            "x",
        ];
        let engines = || Ok(uris.iter().enumerate().map(|(rank, uri)| (rank as u32, (*uri).to_owned())).collect());
        assert_eq!(
            addresses("auto", engines).unwrap(),
            ["http://10.8.1.2:9191/metrics", "http://[fe80::1]:9191/metrics"]
        );
        assert_eq!(addresses("auto:99", engines).unwrap()[0], "http://10.8.1.2:99/metrics");
        for (list, engines) in [
            ("auto", Ok(vec![(0, "cxi:0xabc".to_owned())])),
            ("auto", Err("no agent".to_owned())),
            ("auto:x", Ok(vec![])),
        ] {
            assert!(addresses(list, || engines).unwrap_err().starts_with("telemetry: "), "{list}");
        }
    }
}
