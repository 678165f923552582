//! What this process talks to its servers with, seen from outside libdaos: the devices it has opened, and the congestion control
//! that the kernel really uses on its TCP connections, whichever way they are routed.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::mem::size_of;
use std::os::fd::RawFd;

/// The network of this process.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fabric {
    /// `cxi`, `verbs`, `psm2` or `tcp`; none where nothing was recognised.
    pub kind: Option<&'static str>,
    /// Connections to other hosts or other processes, by their congestion control.
    pub congestion: BTreeMap<String, usize>,
}

/// Congestion controls that pace what they send, which takes a millisecond where the network needs microseconds.
const PACING: [&str; 2] = ["bbr", "bbr2"];

impl Fabric {
    /// Looks at the open descriptors of this process.
    pub(super) fn of_this_process() -> Fabric {
        let mut fabric = Fabric::default();
        for entry in std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten() {
            let Ok(target) = std::fs::read_link(entry.path()) else { continue };
            let target = target.to_string_lossy();
            fabric.kind = fabric.kind.or(device(&target));
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(control) = number.filter(|_| target.starts_with("socket:")).and_then(congestion_of) {
                *fabric.congestion.entry(control).or_default() += 1;
            }
        }
        if !fabric.congestion.is_empty() {
            fabric.kind = fabric.kind.or(Some("tcp"));
        }
        fabric
    }

    /// Why the network may be slower than it has to be.
    pub(super) fn question(&self) -> Option<String> {
        let paced = self.congestion.iter().find(|(control, _)| PACING.contains(&control.as_str()))?;
        (self.kind == Some("tcp")).then(|| {
            format!(
                "{} TCP connections of rank 0 use the congestion control {}, which paces messages: another one for the route to \
                 the engines (ip route … congctl reno) can make small ones far faster",
                paced.1, paced.0
            )
        })
    }
}

/// The provider that a device file belongs to.
fn device(path: &str) -> Option<&'static str> {
    let kinds = [("/dev/cxi", "cxi"), ("/dev/infiniband/uverbs", "verbs"), ("/dev/hfi1", "psm2")];
    kinds.into_iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, kind)| kind)
}

/// The congestion control of a connected TCP socket; none for every other descriptor.
fn congestion_of(fd: RawFd) -> Option<String> {
    let mut peer = [0u8; size_of::<libc::sockaddr_storage>()];
    let mut length = peer.len() as libc::socklen_t;
    // SAFETY: a buffer of the length given; a descriptor that is no socket is an error, not a fault.
    if unsafe { libc::getpeername(fd, peer.as_mut_ptr().cast(), &mut length) } != 0 {
        return None;
    }
    let mut name = [0u8; 32];
    let mut length = name.len() as libc::socklen_t;
    // SAFETY: as above.
    let failed =
        unsafe { libc::getsockopt(fd, libc::IPPROTO_TCP, libc::TCP_CONGESTION, name.as_mut_ptr().cast(), &mut length) };
    let name = name.get(..length as usize).filter(|_| failed == 0)?;
    let text = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;

    #[test]
    fn a_connection_tells_its_congestion_control_and_other_descriptors_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let control = congestion_of(stream.as_raw_fd()).unwrap();
        let fabric = Fabric::of_this_process();
        assert!(fabric.congestion.contains_key(&control), "{fabric:?}");
        assert_eq!(congestion_of(listener.as_raw_fd()), None);
        assert_eq!(congestion_of(0), None);
    }

    #[test]
    fn pacing_is_asked_about_on_tcp_only() {
        let paced = |kind| Fabric { kind, congestion: [("bbr".to_owned(), 3)].into() };
        assert!(paced(Some("tcp")).question().unwrap().contains("bbr"));
        assert_eq!(paced(Some("cxi")).question(), None);
        assert_eq!(Fabric { kind: Some("tcp"), congestion: [("cubic".to_owned(), 3)].into() }.question(), None);
    }

    #[test]
    fn devices_name_their_provider() {
        assert_eq!(device("/dev/cxi0"), Some("cxi"));
        assert_eq!(device("/dev/infiniband/uverbs1"), Some("verbs"));
        assert_eq!(device("/dev/null"), None);
    }
}
