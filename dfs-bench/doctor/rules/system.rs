//! The system as a client meets it: its agent, access points and engines, the clocks of the nodes.

use super::super::rule::{Outcome, Rule, Severity, Side, View};

pub const RULES: &[Rule] = &[
    Rule {
        id: "system.access-point",
        severity: Severity::Error,
        side: Side::Client,
        why: "the agent of this node asks the access points where the engines are: without one nobody here finds a pool, and with one of them only while that one lives",
        mend: "open the port of {device} between clients and servers (firewall-cmd --permanent --add-port=10001/tcp on the server, then --reload), or correct access_points in daos_agent.yml",
        source: "DAOS, docs/admin/predeployment_check.md, Firewall: \"DAOS uses port 10001\"; utils/config/daos_agent.yml on access_points",
        look: access_point,
    },
    Rule {
        id: "system.interface",
        severity: Severity::Error,
        side: Side::Client,
        why: "the ranks are told to use an interface that this node does not have: their first call to an engine fails",
        mend: "unset D_INTERFACE, so that the agent chooses; or export D_INTERFACE={expected}",
        source: "DAOS, docs/admin/env_variables.md, Server and Client environment variables; docs/admin/deployment.md, Defining fabric interfaces manually",
        look: interface,
    },
    Rule {
        id: "system.engines-idle",
        severity: Severity::Hint,
        side: Side::Store,
        why: "engines that the pool does not span hold none of its data: their links and devices add nothing to any rate",
        mend: "dmg pool extend {device} --ranks=…, or a pool of all engines: dmg pool create --size=100% without --ranks",
        source: "DAOS, docs/admin/pool_operations.md, Creating a Pool, Pool Extension",
        look: engines_idle,
    },
    Rule {
        id: "system.clock-skew",
        severity: Severity::Finding,
        side: Side::Client,
        why: "wall clocks a second and more apart make the rates by the C suite's formula wrong, and logs of servers and clients cannot be put side by side",
        mend: "systemctl enable --now chronyd on every node, with the same servers in /etc/chrony.conf; chronyc tracking shows the distance",
        source: "DAOS, docs/admin/predeployment_check.md, Time Synchronization; this project, docs/METHODOLOGY.md on wall clocks",
        look: clock_skew,
    },
];

/// Distances of wall clocks that the strict verdict lets pass.
const SKEW_S: f64 = 1.0;

fn access_point(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    if let Some(unread) = &view.job.unread_agent {
        outcome.known(None::<()>, unread)?;
    }
    for (address, trouble) in &view.job.access_points {
        if let Some(trouble) = trouble {
            outcome.found(address, trouble, "a connection");
        }
    }
    Some(())
}

fn interface(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let network = &view.node.network;
    let asked = view.ranks.iter().find_map(|rank| rank.variable("D_INTERFACE"))?;
    outcome.known((!network.interfaces.is_empty()).then_some(()), "network interfaces")?;
    // devices of Slingshot are no network interfaces by this name
    let missing = |name: &&str| !name.starts_with("cxi") && network.interface(name).is_none();
    for name in asked.split(',').map(str::trim).filter(|name| !name.is_empty()).filter(missing) {
        let physical = network.interfaces.iter().filter(|interface| interface.physical);
        let names: Vec<&str> = physical.map(|interface| interface.name.as_str()).collect();
        outcome.found("D_INTERFACE", format!("no interface {name}"), names.join(" or "));
    }
    Some(())
}

fn engines_idle(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let store = &view.store?.described;
    let pool = store.pool.as_ref()?;
    let attach =
        outcome.known(store.attach.as_ref(), "the engines of the system: libdaos has no call for them before 2.6")?;
    let (spans, all) = (pool.engines as usize, attach.engines.len());
    if spans < all {
        let name = store.facts.iter().find(|(key, _)| key == "pool").map_or("the pool", |(_, name)| name.as_str());
        outcome.found(name, format!("{spans} of the system's {all} engines"), "all of them");
    }
    Some(())
}

fn clock_skew(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let skew = view.job.clock_skew_s?;
    if skew > SKEW_S {
        outcome.found("wall clocks", format!("{skew:.3} s apart"), format!("at most {SKEW_S:.0} s"));
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::{Case, Machine};

    pub fn cases() -> Vec<Case> {
        vec![
            Case::job(
                "system.access-point",
                |m| m.job.access_points = vec![("server1:10001".into(), Some("Connection refused".into()))],
                |m| m.job.access_points = vec![("server1:10001".into(), None)],
            ),
            Case {
                needs_no_node: false,
                ..Case::job(
                    "system.interface",
                    |m| m.variable("D_INTERFACE", "ib7"),
                    |m| m.variable("D_INTERFACE", "ib0,ib1"),
                )
            },
            Case {
                machine: Machine::with_pool,
                ..Case::job("system.engines-idle", |m| m.pool().engines = 1, |m| m.pool().engines = 2)
            },
            Case::job("system.clock-skew", |m| m.job.clock_skew_s = Some(1.5), |m| m.job.clock_skew_s = Some(0.5)),
        ]
    }
}
