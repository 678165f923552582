//! The pool that a job names: its targets, rebuilds and space, as libdfs tells them.

use super::super::rule::{Outcome, Rule, Severity, Side, View};
use io500_phases::backend::PoolState;

pub const RULES: &[Rule] = &[
    Rule {
        id: "pool.targets-out",
        severity: Severity::Finding,
        side: Side::Store,
        why: "targets that are out of service serve nothing, and their share of the data is on the others: the rate falls by more than their share",
        mend: "dmg pool query {device} and dmg system query show which; dmg pool reintegrate {device} --ranks=N brings them back",
        source: "DAOS, docs/admin/pool_operations.md, Querying a Pool, Reintegration",
        look: targets_out,
    },
    Rule {
        id: "pool.rebuild",
        severity: Severity::Finding,
        side: Side::Store,
        why: "a rebuild moves data between the targets with all they have: what is measured now is what it leaves",
        mend: "wait until dmg pool query {device} says that the rebuild is done, then measure",
        source: "DAOS, docs/admin/pool_operations.md, Querying a Pool; docs/admin/rebuild_controls.md",
        look: rebuild,
    },
    Rule {
        id: "pool.full",
        severity: Severity::Hint,
        side: Side::Store,
        why: "with less than a tenth of its space left a pool spends time on aggregation and on finding room, and a large phase can end in an error",
        mend: "remove containers that nobody needs (daos container list {device}), or dmg pool extend {device}",
        source: "DAOS, docs/admin/pool_operations.md, Querying a Pool; worth a look only, there is no documented threshold",
        look: full,
    },
    Rule {
        id: "pool.pipeline",
        severity: Severity::Hint,
        side: Side::Store,
        why: "find asks the servers for the type of every entry, one round trip each; servers that filter names themselves answer for a thousand \
              entries at once, which made find five to fifteen times as fast on a DAOS 2.8.0 of one node",
        mend: "DAOS 2.8: DAOS_PIPELINE=1 under env_vars of every engine in daos_server.yml, a restart, and export DAOS_PIPELINE=1 for the ranks",
        source: "DAOS 2.8, src/engine/init.c on DAOS_PIPELINE; measured by this project, docs/DAOS.md",
        look: pipeline,
    },
];

/// The pool's health, with its name.
fn pool<'a>(view: &View<'a>, outcome: &mut Outcome) -> Option<(String, &'a PoolState)> {
    let store = view.store?;
    let store = &store.described;
    let name = store.facts.iter().find(|(key, _)| key == "pool").map_or("the pool", |(_, name)| name.as_str());
    Some((name.to_owned(), outcome.known(store.pool.as_ref(), "health of the pool")?))
}

fn targets_out(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let (name, state) = pool(view, outcome)?;
    if state.disabled_targets > 0 {
        outcome.found(
            name,
            format!("{} of {} targets out of service", state.disabled_targets, state.targets),
            "all in service",
        );
    }
    Some(())
}

fn rebuild(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let (name, state) = pool(view, outcome)?;
    if state.rebuilds() {
        outcome.found(name, "a rebuild is running", "none");
    }
    Some(())
}

fn full(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let (name, _) = pool(view, outcome)?;
    let space = outcome.known(view.store?.described.space, "space of the pool")?;
    if space.free < space.total / 10 {
        let percent = space.free as f64 / space.total as f64 * 100.0;
        outcome.found(name, format!("{percent:.0} % free"), "at least 10 % free");
    }
    Some(())
}

fn pipeline(view: &View<'_>, outcome: &mut Outcome) -> Option<()> {
    let without = view.ranks.iter().filter(|rank| rank.variable("DAOS_PIPELINE").is_none_or(|value| value == "0"));
    if let count @ 1.. = without.count() {
        outcome.found("DAOS_PIPELINE", format!("not set for {count} ranks"), "1 for engines and ranks");
    }
    Some(())
}

#[cfg(test)]
pub mod tests {
    use super::super::super::testing::Case;

    pub fn cases() -> Vec<Case> {
        vec![
            Case::store("pool.targets-out", |m| m.pool().disabled_targets = 1, |_| {}),
            Case::store("pool.rebuild", |m| m.pool().rebuild = "busy".into(), |m| m.pool().rebuild = "done".into()),
            Case::store(
                "pool.pipeline",
                |m| m.ranks[1].environment.retain(|(name, _)| name != "DAOS_PIPELINE"),
                |_| {},
            ),
            Case::store("pool.full", |m| m.space().free = 1 << 36, |m| m.space().free = 1 << 38),
        ]
    }
}
