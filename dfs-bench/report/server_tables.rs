//! The tables of what the servers and libdaos's own metrics tell.

use super::figures::{count, latency, percent, significant};
use super::model::{Phase, Run};
use super::tables::{Table, or_unknown};
use io500_phases::phase_id::Kind;
use io500_phases::results::{Hottest, ServerWork, ServersResult};
use io500_phases::units::Bytes;

/// So many targets of a phase are shown.
const TARGETS_SHOWN: usize = 8;

/// The phases with what their servers told.
fn told(run: &Run) -> impl Iterator<Item = (&Phase, &ServersResult)> {
    run.phases.iter().filter_map(|phase| Some((phase, phase.servers.as_ref()?)))
}

/// What the engines did in each phase, and who did most.
pub fn servers(run: &Run) -> Table {
    let columns = [
        "Phase",
        "#Engines",
        "#Targets",
        "#Requests",
        "#Per operation",
        "#Updates",
        "#Fetches",
        "#Busiest engine",
        "#Most in queue",
        "Hottest engine",
        "Hottest target",
        "#Looks",
    ];
    let caption = "What the servers counted between a moment before and a moment after each phase. The hottest ones as multiples of the mean.";
    let mut table = Table::new("servers", caption, &columns);
    for (phase, servers) in told(run) {
        let sum = |of: fn(&ServerWork) -> u64| {
            count(servers.engines.iter().map(|engine| of(&engine.work)).sum::<u64>() as f64)
        };
        let busy = servers.engines.iter().filter_map(|engine| engine.busy).reduce(f64::max);
        let queued = servers.engines.iter().map(|engine| engine.queued_max).max();
        table.rows.push(vec![
            phase.id.to_string(),
            servers.engines.len().to_string(),
            servers.targets_in_all.to_string(),
            sum(|work| work.operations),
            or_unknown(servers.rpcs_per_operation, |rpcs| significant(rpcs, 3)),
            sum(|work| work.updates),
            sum(|work| work.fetches),
            or_unknown(busy, percent),
            or_unknown(queued, |queued| queued.to_string()),
            or_unknown(servers.hottest_engine.as_ref(), hottest),
            or_unknown(servers.hottest_target.as_ref(), hottest),
            servers.samples.to_string(),
        ]);
    }
    table.without_empty_columns()
}

fn hottest(hottest: &Hottest) -> String {
    let target = hottest.target.map(|target| format!(" target {target}")).unwrap_or_default();
    format!("{}{target}: {} {}", hottest.engine, super::figures::times(hottest.over_mean), hottest.by)
}

/// Latency by the servers' clock.
pub fn latencies(run: &Run) -> Table {
    let columns = ["Phase", "Request", "Size", "#Count", "#Mean", "#VOS", "#Block I/O", "#Bulk transfer", "#Other"];
    let caption =
        "Latency inside the engines: means, by request and size, and what they are made of as far as DAOS tells.";
    let mut table = Table::new("server-latency", caption, &columns);
    let shown = |us: f64| latency(us * 1000.0);
    for (phase, servers) in told(run) {
        for each in &servers.latency {
            let parts = [each.vos_us, each.bio_us, each.bulk_us];
            let known = parts.iter().flatten().sum::<f64>();
            let mut row =
                vec![phase.id.to_string(), each.operation.clone(), each.size.clone(), count(each.count as f64)];
            row.push(shown(each.mean_us));
            row.extend(parts.map(|part| or_unknown(part, shown)));
            row.push(shown((each.mean_us - known).max(0.0)));
            table.rows.push(row);
        }
    }
    table.without_empty_columns()
}

/// What else changed on the servers.
pub fn activity(run: &Run) -> Table {
    let caption = "What else the servers counted in each phase: how much it grew, or the highest level.";
    let mut table = Table::new("server-activity", caption, &["Phase", "Subject", "Metric", "#Value", "Kind"]);
    for (phase, servers) in told(run) {
        for figure in &servers.activity {
            let kind = if figure.level { "highest level" } else { "growth" };
            let [subject, metric] = [&figure.subject, &figure.metric].map(String::clone);
            table.rows.push(vec![phase.id.to_string(), subject, metric, significant(figure.value, 7), kind.to_owned()]);
        }
    }
    table
}

/// The engines of each phase.
pub fn engines(run: &Run) -> Table {
    let columns =
        ["Phase", "#Engine", "Server", "#Operations", "#Updated", "#Fetched", "#Requests", "#Bulk transfers", "#Busy"];
    let mut table = Table::new("engines", "What each engine did.", &columns);
    for (phase, servers) in told(run) {
        for engine in &servers.engines {
            let mut row = vec![phase.id.to_string(), engine.engine.to_string(), engine.server.clone()];
            row.extend(work(&engine.work));
            row.extend([count(engine.rpcs as f64), count(engine.bulks as f64), or_unknown(engine.busy, percent)]);
            table.rows.push(row);
        }
    }
    table.without_empty_columns()
}

/// The busiest targets of each phase.
pub fn targets(run: &Run) -> Table {
    let columns = ["Phase", "#Engine", "#Target", "#Operations", "#Updated", "#Fetched", "#Most at once"];
    let caption = format!("What the targets did, in each phase the {TARGETS_SHOWN} with most operations.");
    let mut table = Table::new("targets", caption, &columns);
    for (phase, servers) in told(run) {
        let mut targets: Vec<_> = servers.targets.iter().collect();
        targets.sort_by_key(|target| std::cmp::Reverse(target.work.operations));
        for target in targets.into_iter().take(TARGETS_SHOWN) {
            let mut row = vec![phase.id.to_string(), target.engine.to_string(), target.target.to_string()];
            row.extend(work(&target.work));
            row.push(target.active_max.to_string());
            table.rows.push(row);
        }
    }
    table
}

fn work(work: &ServerWork) -> [String; 3] {
    [count(work.operations as f64), Bytes(work.bytes_updated).to_string(), Bytes(work.bytes_fetched).to_string()]
}

/// Sentences: what the clients' latency is made of, and which servers are missing.
pub fn words(run: &Run) -> Vec<String> {
    let mut words: Vec<String> = run.phases.iter().filter_map(split).collect();
    for (phase, servers) in told(run) {
        words.extend(servers.silent.iter().map(|server| format!("{}: nothing is known of {server}.", phase.id)));
        if servers.unread_lines > 0 {
            words.push(format!(
                "{}: {} lines of the answers are no metrics and were left out.",
                phase.id, servers.unread_lines
            ));
        }
    }
    words
}

/// The mean latency of the clients' transfers, divided into the engines' part and the rest; none where a transfer is not one request.
fn split(phase: &Phase) -> Option<String> {
    let operation = match phase.id.kind() {
        Kind::Write => "update",
        Kind::Read => "fetch",
        _ => return None,
    };
    let client = phase.latency.iter().find(|latency| ["write", "read", "transfer"].contains(&&*latency.operation))?;
    let all: Vec<_> = phase.servers.as_ref()?.latency.iter().filter(|latency| latency.operation == operation).collect();
    let requests = all.iter().map(|latency| latency.count).sum::<u64>() as f64;
    // some more go to open files and sizes
    if requests < client.count as f64 || requests > client.count as f64 * 1.05 {
        return None;
    }
    let mean = |of: &dyn Fn(&io500_phases::results::ServerLatency) -> f64| {
        all.iter().map(|latency| of(latency) * latency.count as f64).sum::<f64>() / requests * 1000.0
    };
    let engine = mean(&|latency| latency.mean_us);
    let parts = [
        mean(&|latency| latency.vos_us.unwrap_or(0.0)),
        mean(&|latency| latency.bio_us.unwrap_or(0.0)),
        mean(&|latency| latency.bulk_us.unwrap_or(0.0)),
    ];
    let [vos, bio, bulk] = parts.map(latency);
    Some(format!(
        "{}: a mean latency of {} on the clients is {} in the engines (VOS {vos}, block I/O {bio}, bulk transfer {bulk}, other {}) and {} \
         of network, queues and client.",
        phase.id,
        latency(client.mean),
        latency(engine),
        latency((engine - parts.iter().sum::<f64>()).max(0.0)),
        latency((client.mean - engine).max(0.0)),
    ))
}

/// What libdaos counted on the clients.
pub fn clients(run: &Run) -> Table {
    let Some(metrics) = &run.client_metrics else { return Table::new("clients", "", &["What"]) };
    let about = match metrics.phase {
        Some(phase) => format!("in {phase}, with its setup and clean-up"),
        None => "in all phases together, from connecting to disconnecting".to_owned(),
    };
    let caption = format!("What libdaos counted on {} ranks {about}.", metrics.ranks);
    let mut table = Table::new("clients", caption, &["What", "#Count", "#Mean latency"]);
    let mut row = |name: String, value: String, mean: Option<f64>| {
        table.rows.push(vec![name, value, or_unknown(mean, |us| latency(us * 1000.0))]);
    };
    row("requests".into(), count(metrics.rpcs as f64), None);
    if let Some(rpcs) = metrics.rpcs_per_operation {
        row("requests per operation".into(), significant(rpcs, 3), None);
    }
    for (name, value) in
        [("bulk transfers", metrics.bulks), ("sent again", metrics.resends), ("timeouts", metrics.timeouts)]
    {
        row(name.into(), count(value as f64), None);
    }
    row("fetched".into(), Bytes(metrics.bytes_fetched).to_string(), None);
    row("updated".into(), Bytes(metrics.bytes_updated).to_string(), None);
    if metrics.ranks_without > 0 {
        row("ranks without metrics".into(), metrics.ranks_without.to_string(), None);
    }
    metrics
        .requests
        .iter()
        .for_each(|each| row(format!("request {}", each.kind), count(each.count as f64), each.mean_us));
    metrics
        .calls
        .iter()
        .for_each(|each| row(format!("call of libdfs {}", each.kind), count(each.count as f64), each.mean_us));
    table.without_empty_columns()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;
    use io500_phases::results::{ClientCount, ClientMetrics, ServerLatency};

    #[test]
    fn the_clients_latency_is_divided_where_a_transfer_is_a_request() {
        let mut run = testing::run("a");
        let phase = &mut run.phases[0];
        let (count, mean) = (phase.latency[0].count, phase.latency[0].mean);
        let latency = ServerLatency {
            operation: "update".into(),
            size: "2MB".into(),
            count,
            mean_us: 100.0,
            vos_us: Some(60.0),
            ..Default::default()
        };
        phase.servers = Some(ServersResult {
            latency: vec![latency],
            silent: vec!["http://x: refused".into()],
            ..Default::default()
        });
        assert_eq!(mean, 180_000.0);
        let found = words(&run);
        assert!(found[0].contains("180 \u{b5}s on the clients is 100 \u{b5}s in the engines (VOS 60.0"), "{found:?}");
        assert!(found[0].contains("and 80.0 \u{b5}s of network"), "{found:?}");
        assert!(found[1].contains("nothing is known of http://x: refused"), "{found:?}");
        run.phases[0].servers.as_mut().unwrap().latency[0].count *= 2;
        assert_eq!(words(&run).len(), 1);
        assert_eq!((servers(&run).rows.len(), latencies(&run).rows.len()), (1, 1));
    }

    #[test]
    fn what_the_clients_counted_is_a_table_with_what_it_is_about() {
        let mut run = testing::run("a");
        assert_eq!(clients(&run).rows, Vec::<Vec<String>>::new());
        let requests = vec![ClientCount { kind: "fetch".into(), count: 9, mean_us: Some(5.0) }];
        run.client_metrics =
            Some(ClientMetrics { rpcs: 30, rpcs_per_operation: Some(1.5), ranks: 2, requests, ..Default::default() });
        let table = clients(&run);
        assert!(table.caption.contains("all phases together"), "{}", table.caption);
        assert!(table.rows.iter().any(|row| row[..2] == ["requests per operation", "1.50"]), "{:?}", table.rows);
        assert!(
            table.rows.iter().any(|row| row[0] == "request fetch" && row[2].starts_with("5.00")),
            "{:?}",
            table.rows
        );
    }
}
