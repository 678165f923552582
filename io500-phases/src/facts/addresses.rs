//! The addresses of this node: whether a server that a client talks to is the client's own node.

use super::root::Root;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The addresses that this node answers to, the loopback's too; `None` where the kernel does not say. They get into no snapshot.
pub fn local_addresses() -> Option<BTreeSet<IpAddr>> {
    let root = Root::live();
    let mut addresses = v4(&root.read("/proc/net/fib_trie")?);
    addresses.extend(v6(&root.read("/proc/net/if_inet6").unwrap_or_default()));
    Some(addresses)
}

/// Of the kernel's tree of routes: an address stands before the line that calls it a local host.
fn v4(trie: &str) -> BTreeSet<IpAddr> {
    let lines = trie.lines().zip(trie.lines().skip(1));
    let local = lines.filter(|(_, below)| below.trim() == "/32 host LOCAL");
    local.filter_map(|(line, _)| line.trim().strip_prefix("|-- ")?.parse().ok()).collect()
}

fn v6(table: &str) -> BTreeSet<IpAddr> {
    let address = |line: &str| Some(u128::from_str_radix(line.split_whitespace().next()?, 16).ok()?.into());
    table.lines().filter_map(address).map(|address: std::net::Ipv6Addr| IpAddr::V6(address)).collect()
}

/// The host of an engine's address as the agent tells it, `ofi+tcp;ofi_rxm://10.8.1.11:31416`; `None` where it is no IP address, as that of a
/// Slingshot device.
pub fn host_of(uri: &str) -> Option<IpAddr> {
    let place = uri.split_once("://")?.1;
    let place = place.rsplit_once(':').map_or(place, |(host, _)| host);
    place.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 10.8.1.0/24 2 0 2\n        |-- 10.8.1.0\n           /24 link UNICAST\n        |-- 10.8.1.11\n           /32 host LOCAL\n        |-- 10.8.1.255\n           /32 link BROADCAST\n";
        assert_eq!(v4(trie), BTreeSet::from(["10.8.1.11".parse().unwrap()]));
        let table = "00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(v6(table), BTreeSet::from(["::1".parse().unwrap()]));
        assert!(local_addresses().is_none_or(|own| own.contains(&"127.0.0.1".parse().unwrap())));
    }

    #[test]
    fn an_engine_has_a_host_where_it_has_an_ip_address() {
        for (uri, host) in [
            ("ofi+tcp://10.8.1.11:31416", Some("10.8.1.11")),
            ("ofi+verbs;ofi_rxm://10.8.1.11:20000", Some("10.8.1.11")),
            ("ucx+dc_x://[fe80::1]:31416", Some("fe80::1")),
            ("ofi+cxi://0x00001a2b", None),
            ("nonsense", None),
        ] {
            assert_eq!(host_of(uri), host.map(|host| host.parse().unwrap()), "{uri}");
        }
    }
}
