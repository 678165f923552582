//! The find phase as all ranks run it.

use super::balance::{Balance, WalkStatus};
use super::judge::Judge;
use super::options::FindOptions;
use super::pool::{EndsPool, Next, Pool};
use super::seed;
use super::tally::{FindTally, Method};
use super::work::Work;
use super::worker::{OnMatch, WalkContext, Worker};
use crate::backend::{Backend, DirBatch, ServerFilter};
use crate::clock::now_ns;
use crate::engine::{BEAT_NS, Failure, Recorder, catch};
use crate::error::{Error, Result};
use crate::phases::context::failed;
use crate::phases::{PhaseContext, RankTally, WindowParts};
use crate::plan::{FindPlan, Predicate};
use std::ffi::CString;
use std::time::Duration;

/// Walks everything below the plan's directory with all ranks; all call it, and all get the same error or none. What cannot be
/// looked at is counted and does not end the phase; a walk that cannot begin, a panic and a stop do.
///
/// The tally's `operations` are the entries that are not directories, its window is what the C suite calls the run time, from
/// before the start is opened until the rank knows that no rank has work: the rate is the sum of all `operations` by the
/// longest window. Its `loop_ns` is the time in which the rank had work.
///
/// If the plan is `newer_than_timestamp`, the caller has put the time into the predicate.
///
/// # Errors
/// As above; the same on all ranks.
pub fn run<B, R>(
    context: &PhaseContext<'_, B>,
    plan: &FindPlan,
    options: &FindOptions,
    recorder: &mut R,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    run_reporting(context, plan, options, recorder, None)
}

/// Like [`run`], and tells what matches.
///
/// # Errors
/// As for [`run`].
pub fn run_reporting<B, R>(
    context: &PhaseContext<'_, B>,
    plan: &FindPlan,
    options: &FindOptions,
    recorder: &mut R,
    on_match: Option<OnMatch<'_>>,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    if plan.newer_than_timestamp && plan.predicate.not_before.is_none() {
        return Err(Error::Config("find: the time of the timestamp file is not known".into()));
    }
    let ranks = options.ranks.unwrap_or(context.ranks());
    let takes_part = context.rank() < ranks;
    let threads = if takes_part { options.threads_on(context.comm().topology().ppn_max()) } else { 1 };
    let helpers = context.team.barrier_with_status(helpers(threads - 1))?;

    let begin = context.edge();
    let began_ns = now_ns();
    let start = context.team.barrier_with_status(open_start(context, &plan.below))?;
    let start = start.as_ref().unwrap_or(context.root);
    let filter = common_filter(context, start, &plan.predicate);
    let method = if filter.is_some() { Method::Server } else { Method::NameFirst };
    let judge = Judge::new(&plan.predicate);
    let walk = WalkContext {
        backend: context.backend,
        start,
        below: &plan.below,
        judge,
        filter,
        on_match,
        began_ns,
        timed: R::ON,
    };
    let pool = Pool::new(options.queue_length, recorder);
    let mut worker = Worker::new(&walk);
    deal(context, &pool, &mut worker, ranks)?;
    let mut balance = Balance::new(context.comm(), ranks, options.steal_next);
    let mut drive = || {
        let idle_ns = drive(context, &pool, &mut worker, &mut balance, began_ns);
        let (end, end_ns) = (context.edge(), now_ns());
        // the others hear of a failure before this rank waits for its own threads
        context.team.barrier_with_status(idle_ns).map(|idle_ns| (end, end_ns, idle_ns))
    };
    let (end, end_ns, idle_ns) = match &helpers {
        None => drive(),
        Some(helpers) => helpers.in_place_scope(|scope| {
            // dropped before the scope waits for its threads, by a panic too
            let _ends = EndsPool(&pool);
            for _ in 1..threads {
                scope.spawn(|_| help(&pool, &walk));
            }
            drive()
        }),
    }?;

    let (counts, first_error) = pool.counted();
    pool.look(counts.total, end_ns - began_ns);
    let loop_ns = (end_ns - began_ns).saturating_sub(idle_ns);
    let parts = WindowParts { operations_ns: loop_ns, waiting_ns: idle_ns, ..WindowParts::default() };
    let tally = RankTally { operations: counts.total, loop_ns, parts, ..context.tally(begin, end) };
    let rank = context.rank();
    let traffic = balance.traffic();
    Ok((tally, FindTally { rank, takes_part, counts, method, threads, traffic, idle_ns, first_error }))
}

/// Threads beside the rank's own.
fn helpers(count: usize) -> std::result::Result<Option<rayon::ThreadPool>, Failure> {
    if count == 0 {
        return Ok(None);
    }
    let name = |thread| format!("find {}", thread + 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).thread_name(name).build();
    pool.map(Some).map_err(|error| Failure::Config(format!("find: cannot start {count} threads: {error}")))
}

/// Opens the start of the walk; none when it is the data directory.
fn open_start<B: Backend>(context: &PhaseContext<'_, B>, below: &str) -> std::result::Result<Option<B::Dir>, Failure> {
    let mut dir: Option<B::Dir> = None;
    for part in below.split('/').filter(|part| !part.is_empty()) {
        let name = CString::new(part).map_err(|_| Failure::Config(format!("find: {below:?} has a NUL")))?;
        let opened = context.backend.open_dir(dir.as_ref().unwrap_or(context.root), &name);
        dir = Some(opened.map_err(failed("open", below))?);
    }
    Ok(dir)
}

/// What the servers filter by, if they do: rank 0 tries it once.
fn common_filter<B: Backend>(
    context: &PhaseContext<'_, B>,
    start: &B::Dir,
    predicate: &Predicate,
) -> Option<ServerFilter> {
    let filter = ServerFilter { name: predicate.name.as_ref()?.for_servers()?.to_owned() };
    let works = context.rank() == 0 && {
        let mut batch = DirBatch::default();
        let cursor =
            context.backend.filtered_cursor(start, 0, context.backend.shards(start).unwrap_or(1).max(1), &filter);
        cursor.and_then(|mut cursor| context.backend.read_dir(&mut cursor, &mut batch)).is_ok()
    };
    let mut answer = vec![u8::from(works)];
    context.comm().broadcast(0, &mut answer);
    (answer == [1]).then_some(filter)
}

/// Gives every rank its first work.
fn deal<'a, B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    pool: &Pool<'a, B::Dir, R>,
    worker: &mut Worker<'a, '_, B>,
    ranks: usize,
) -> Result<()> {
    if context.rank() == 0 {
        pool.add([seed::start()]);
    }
    if ranks == 1 {
        return Ok(());
    }
    let look_around = || Ok(seed::encode(&seed::spread(pool, worker, ranks)));
    let mut works =
        context.team.barrier_with_status(if context.rank() == 0 { catch(look_around) } else { Ok(Vec::new()) })?;
    context.comm().broadcast(0, &mut works);
    if context.rank() < ranks {
        pool.add(seed::share(Work::decode_all(&works), context.rank(), ranks));
    }
    Ok(())
}

/// A thread beside the rank's own: works until the walk is over.
fn help<'a, B: Backend, R: Recorder>(pool: &Pool<'a, B::Dir, R>, walk: &WalkContext<'a, B>) {
    let mut worker = Worker::new(walk);
    while let Some(next) = pool.exchange_or_sleep(&mut worker.outcome, &mut worker.status) {
        if let Err(failure) = catch(|| {
            worker.step(next);
            Ok(())
        }) {
            return pool.fail(failure);
        }
    }
}

/// The rank's own thread: works, and speaks with the other ranks. Returns the time without work.
fn drive<'a, B: Backend, R: Recorder>(
    context: &PhaseContext<'_, B>,
    pool: &Pool<'a, B::Dir, R>,
    worker: &mut Worker<'a, '_, B>,
    balance: &mut Balance<'_>,
    began_ns: u64,
) -> std::result::Result<u64, Failure> {
    let mut idle_ns = 0;
    let (mut looked_ns, mut looked_total) = (began_ns, 0);
    let mut idle_since = None;
    let mut backoff = Backoff::default();
    loop {
        while let Some((from, message)) = context.comm().try_recv() {
            backoff = Backoff::default();
            match balance.receive(from, &message, pool, &worker.status) {
                WalkStatus::On => {}
                WalkStatus::Over => return Ok(idle_ns + idle_since.map_or(0, |since| now_ns() - since)),
                WalkStatus::Failed => {
                    context.team.read(&message); // passes it on
                    return Err(Failure::Elsewhere);
                }
            }
        }
        balance.feed(pool, &worker.status);
        let (next, snapshot) = pool.exchange(&mut worker.outcome, &mut worker.status);
        context.progress.advance(snapshot.total);
        if snapshot.total != looked_total && now_ns() - looked_ns >= BEAT_NS {
            (looked_ns, looked_total) = (now_ns(), snapshot.total);
            pool.look(snapshot.total, looked_ns - began_ns);
        }
        if let Some(failure) = pool.failure() {
            return Err(failure);
        }
        // once it has answered, the others may be leaving, and would not hear that it failed
        if context.progress.stop_requested() && !(snapshot.idle && balance.has_answered()) {
            return Err(Failure::Interrupted);
        }
        if !snapshot.idle {
            idle_ns += idle_since.take().map_or(0, |since| now_ns() - since);
        }
        if !matches!(next, Next::Nothing) {
            backoff = Backoff::default();
            catch(|| {
                worker.step(next);
                Ok(())
            })?;
            continue;
        }
        if snapshot.idle {
            // waiting for work of other ranks is not a stall
            context.progress.beat();
            idle_since.get_or_insert_with(now_ns);
            if balance.idle() == WalkStatus::Over {
                return Ok(idle_ns + idle_since.map_or(0, |since| now_ns() - since));
            }
        }
        backoff.wait(pool);
    }
}

/// How long an idle thread waits before it polls for messages again: first not at all, then longer and longer.
#[derive(Debug, Default)]
struct Backoff {
    looks: u32,
}

impl Backoff {
    /// Polls that only yield to other threads.
    const EAGER: u32 = 16;
    /// The first real wait.
    const FIRST: Duration = Duration::from_micros(20);
    /// Doublings of it, up to 640 microseconds: short against a walk, and a thousandth of a core.
    const DOUBLINGS: u32 = 5;

    fn wait<D, R: Recorder>(&mut self, pool: &Pool<'_, D, R>) {
        match self.looks.checked_sub(Self::EAGER) {
            None => std::thread::yield_now(),
            Some(beyond) => pool.wait(Self::FIRST * (1 << beyond.min(Self::DOUBLINGS))),
        }
        self.looks = self.looks.saturating_add(1);
    }
}
