//! With whom a rank exchanges heartbeats, and by which addresses.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// So many addresses of a host are tried.
const ADDRESSES: usize = 4;

/// Where a rank can be reached, as it tells the others at the start.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Card {
    pub(super) host: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) port: u16,
}

/// The ranks 1, 2, 4, 8 … before and after a rank, the nearest first.
pub(super) fn partners(rank: usize, ranks: usize) -> Vec<usize> {
    let mut partners = Vec::new();
    let mut distance = 1;
    while distance < ranks {
        for partner in [(rank + distance) % ranks, (rank + ranks - distance) % ranks] {
            if !partners.contains(&partner) {
                partners.push(partner);
            }
        }
        distance *= 2;
    }
    partners
}

/// How to reach a rank from here.
pub(super) fn reach(own: &Card, other: &Card) -> Vec<SocketAddr> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let here = own.host == other.host && own.addresses == other.addresses;
    let addresses = if here { &loopback[..] } else { &other.addresses };
    let known = addresses.iter().filter(|_| other.port != 0);
    known.map(|&address| SocketAddr::new(address, other.port)).collect()
}

/// The IPv4 addresses of this host in the kernel's table (`/proc/net/fib_trie`), without loopback.
pub(super) fn own_addresses(table: &str) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let mut last = None;
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if let (true, Some(address)) = (line.ends_with("/32 host LOCAL"), last)
            && !address.is_loopback()
            && !addresses.contains(&address.into())
        {
            addresses.push(address.into());
        }
    }
    addresses.truncate(ADDRESSES);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_few_partners_and_each_is_its_partners_partner() {
        assert!(partners(0, 1).is_empty());
        assert_eq!(partners(0, 3), [1, 2]);
        assert_eq!(partners(2, 8), [3, 1, 4, 0, 6]);
        for ranks in [2, 3, 5, 64, 1000] {
            for rank in 0..ranks {
                let own = partners(rank, ranks);
                assert!(own.len() <= 2 * ranks.next_power_of_two().ilog2() as usize);
                assert!(own.iter().all(|&partner| partner != rank && partners(partner, ranks).contains(&rank)));
            }
        }
    }

    #[test]
    fn addresses_are_those_of_the_kernel_without_loopback() {
        let table = "Main:\n  |-- 0.0.0.0\n /0 universe UNICAST\n |-- 127.0.0.1\n /32 host LOCAL\n |-- 10.1.2.3\n /32 host LOCAL\n\
                     |-- 10.1.2.255\n /32 link BROADCAST\nLocal:\n |-- 10.1.2.3\n /32 host LOCAL\n";
        assert_eq!(own_addresses(table), [IpAddr::from([10, 1, 2, 3])]);
        let own = Card { host: "a".into(), addresses: own_addresses(table), port: 7 };
        let other = Card { host: "b".into(), addresses: vec![[10, 1, 2, 4].into()], port: 8 };
        assert_eq!(reach(&own, &own), [SocketAddr::from(([127, 0, 0, 1], 7))]);
        assert_eq!(reach(&own, &other), [SocketAddr::from(([10, 1, 2, 4], 8))]);
    }
}
