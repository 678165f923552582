//! Faults and delays, asked for by environment, so that what happens on errors and on slow storage can be tested.
//!
//! `DAOS_STANDIN_FAULT` is a list, separated by commas, of `call:nth:errno[:rank]`: the `nth` call (from 1; `nth+` for that one
//! and all later ones) of that kind in a process fails with `errno`, a name such as `EIO` or a number. With a rank, only in the process that
//! its launcher gave that rank.
//!
//! `DAOS_STANDIN_DELAY_US` is a list of `call:microseconds[:nth]`: calls of that kind, or only the `nth`, take that much longer. A call
//! with an event returns at once and completes that much later.
//!
//! The calls are `connect create open lookup mkdir remove stat readdir read write get_size punch`, and `*` for any of them; `open` means
//! opening what exists, `create` an open with `O_CREAT`. `poll`, looking for what a queue has completed, is not in `*`: when it fails the
//! queue is broken.

use super::sys::{Errno, Result};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The calls that can be made to fail or to wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Call {
    Connect,
    Create,
    Open,
    Lookup,
    Mkdir,
    Remove,
    Stat,
    Readdir,
    Read,
    Write,
    GetSize,
    Punch,
    Poll,
}

const NAMES: [&str; 13] = [
    "connect", "create", "open", "lookup", "mkdir", "remove", "stat", "readdir", "read", "write", "get_size", "punch",
    "poll",
];

#[derive(Debug, PartialEq)]
struct Rule {
    /// `None` is any call.
    call: Option<usize>,
    /// Which call of the kind, from 1; 0 is each.
    nth: u64,
    and_later: bool,
    effect: Effect,
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Effect {
    Fail(Errno),
    Delay(Duration),
}

/// What is to happen to one call.
#[derive(Default)]
pub(super) struct Plan {
    pub delay: Option<Duration>,
    pub fault: Option<Errno>,
}

impl Plan {
    /// What a blocking call does with it.
    pub fn wait(self) -> Result<()> {
        if let Some(delay) = self.delay {
            std::thread::sleep(delay);
        }
        self.fault.map_or(Ok(()), Err)
    }
}

struct Rules {
    rules: Vec<Rule>,
    counts: [AtomicU64; NAMES.len()],
}

/// Counts a call and says what is to happen to it. Without rules this is one load.
pub(super) fn plan(call: Call) -> Plan {
    static RULES: OnceLock<Rules> = OnceLock::new();
    let rules = RULES.get_or_init(|| {
        let read = |name| std::env::var(name).unwrap_or_default();
        let mut rules = parse(&read("DAOS_STANDIN_FAULT"), fault, rank_of_launcher());
        rules.extend(parse(&read("DAOS_STANDIN_DELAY_US"), delay, None));
        Rules { rules, counts: Default::default() }
    });
    if rules.rules.is_empty() { Plan::default() } else { rules.apply(call) }
}

/// Waits and fails as the rules say; for blocking calls.
pub(super) fn before(call: Call) -> Result<()> {
    plan(call).wait()
}

impl Rules {
    fn apply(&self, call: Call) -> Plan {
        let count = self.counts[call as usize].fetch_add(1, Ordering::Relaxed) + 1;
        let mut plan = Plan::default();
        let is_meant = |rule: &&Rule| rule.call.map_or(call != Call::Poll, |index| index == call as usize);
        for rule in self.rules.iter().filter(is_meant) {
            if rule.nth == 0 || rule.nth == count || (rule.and_later && count > rule.nth) {
                match rule.effect {
                    Effect::Fail(errno) => plan.fault = Some(errno),
                    Effect::Delay(time) => plan.delay = Some(time),
                }
            }
        }
        plan
    }
}

type ParseRule = fn(&[&str], Option<u64>) -> Option<Option<Rule>>;

/// A rule that does not parse ends the program: a test whose fault never comes would pass for the wrong reason.
fn parse(text: &str, rule: ParseRule, rank: Option<u64>) -> Vec<Rule> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items
        .filter_map(|item| {
            let parts: Vec<&str> = item.split(':').collect();
            rule(&parts, rank).unwrap_or_else(|| panic!("stand-in for libdfs: cannot understand the rule {item:?}"))
        })
        .collect()
}

fn call_index(name: &str) -> Option<Option<usize>> {
    if name == "*" { Some(None) } else { NAMES.iter().position(|&known| known == name).map(Some) }
}

/// `call:nth:errno[:rank]`; the inner `None` is a rule for another rank.
fn fault(parts: &[&str], rank: Option<u64>) -> Option<Option<Rule>> {
    let (&[call, nth, errno], rest) = parts.split_first_chunk::<3>()?;
    let for_rank = match rest {
        [] => None,
        [only] => Some(only.parse::<u64>().ok()?),
        _ => return None,
    };
    let rule = Rule {
        call: call_index(call)?,
        nth: nth.trim_end_matches('+').parse().ok().filter(|&n| n > 0)?,
        and_later: nth.ends_with('+'),
        effect: Effect::Fail(errno_of(errno)?),
    };
    Some((for_rank.is_none() || for_rank == rank).then_some(rule))
}

/// `call:microseconds[:nth]`.
fn delay(parts: &[&str], _rank: Option<u64>) -> Option<Option<Rule>> {
    let (&[call, micros], rest) = parts.split_first_chunk::<2>()?;
    let nth = match rest {
        [] => 0,
        [nth] => nth.parse().ok()?,
        _ => return None,
    };
    let effect = Effect::Delay(Duration::from_micros(micros.parse().ok()?));
    Some(Some(Rule { call: call_index(call)?, nth, and_later: false, effect }))
}

fn errno_of(text: &str) -> Option<Errno> {
    let known = [
        ("EPERM", libc::EPERM),
        ("ENOENT", libc::ENOENT),
        ("EIO", libc::EIO),
        ("EAGAIN", libc::EAGAIN),
        ("ENOMEM", libc::ENOMEM),
        ("EBUSY", libc::EBUSY),
        ("EEXIST", libc::EEXIST),
        ("EINVAL", libc::EINVAL),
        ("ENOSPC", libc::ENOSPC),
        ("ETIMEDOUT", libc::ETIMEDOUT),
        ("EHOSTUNREACH", libc::EHOSTUNREACH),
        ("ECANCELED", libc::ECANCELED),
        ("ENOTSUP", libc::ENOTSUP),
    ];
    let by_name = known.iter().find(|&&(name, _)| name == text).map(|&(_, errno)| errno);
    by_name.or_else(|| text.parse().ok().filter(|&errno| errno > 0))
}

fn rank_of_launcher() -> Option<u64> {
    ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"]
        .iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(faults: &str, delays: &str, rank: Option<u64>) -> Rules {
        let mut rules = parse(faults, fault, rank);
        rules.extend(parse(delays, delay, None));
        Rules { rules, counts: Default::default() }
    }

    #[test]
    fn the_nth_call_fails_and_no_other() {
        let rules = rules("write:2:EIO,read:3+:28", "", None);
        let faults = |call| (0..5).map(|_| rules.apply(call).fault).collect::<Vec<_>>();
        assert_eq!(faults(Call::Write), [None, Some(libc::EIO), None, None, None]);
        assert_eq!(faults(Call::Read), [None, None, Some(28), Some(28), Some(28)]);
        assert_eq!(faults(Call::Stat), [None; 5]);
    }

    #[test]
    fn a_rule_for_another_rank_is_none_of_ours() {
        assert_eq!(rules("stat:1:EIO:3", "", Some(3)).apply(Call::Stat).fault, Some(libc::EIO));
        assert_eq!(rules("stat:1:EIO:3", "", Some(2)).apply(Call::Stat).fault, None);
        assert_eq!(rules("stat:1:EIO:3", "", None).apply(Call::Stat).fault, None);
    }

    #[test]
    fn delays_are_for_each_call_or_one() {
        let rules = rules("", "*:10, mkdir:500:2", None);
        let delays = |call| (0..3).map(|_| rules.apply(call).delay.unwrap().as_micros()).collect::<Vec<_>>();
        assert_eq!(delays(Call::Mkdir), [10, 500, 10]);
        assert_eq!(delays(Call::Remove), [10, 10, 10]);
    }

    #[test]
    #[should_panic(expected = "cannot understand the rule \"wrte:1:EIO\"")]
    fn a_misspelt_rule_does_not_pass_silently() {
        parse("wrte:1:EIO", fault, None);
    }
}
