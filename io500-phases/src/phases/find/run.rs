//! The find phase as all ranks run it.

use super::balance::{Balance, Stand};
use super::judge::Judge;
use super::options::FindOptions;
use super::pool::{EndsPool, Next, Pool};
use super::seed;
use super::tally::{FindTally, Method};
use super::work::Work;
use super::worker::{Ground, Worker};
use crate::backend::{Backend, DirBatch, ServerFilter};
use crate::clock::now_ns;
use crate::engine::{BEAT_NS, Failure, Recorder, catch};
use crate::error::{Error, Result};
use crate::phases::context::failed;
use crate::phases::{Cx, RankTally, WindowParts};
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
pub fn run<B, R>(
    cx: &Cx<'_, B>,
    plan: &FindPlan,
    options: &FindOptions,
    recorder: &mut R,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    run_telling(cx, plan, options, recorder, None)
}

/// What gets the path of a match, from the plan's directory on; called by all threads of a rank.
pub type Tell<'a> = &'a (dyn Fn(&[u8]) + Sync);

/// Like [`run`], and tells what matches.
pub fn run_telling<B, R>(
    cx: &Cx<'_, B>,
    plan: &FindPlan,
    options: &FindOptions,
    recorder: &mut R,
    tell: Option<Tell<'_>>,
) -> Result<(RankTally, FindTally)>
where
    B: Backend + Sync,
    B::Dir: Send + Sync,
    R: Recorder + Send,
{
    if plan.newer_than_timestamp && plan.predicate.not_before.is_none() {
        return Err(Error::Config("find: the time of the timestamp file is not known".into()));
    }
    let ranks = options.ranks.unwrap_or(cx.ranks());
    let takes_part = cx.rank() < ranks;
    let threads = if takes_part { options.threads_on(cx.comm().topology().ppn_max()) } else { 1 };
    let helpers = cx.team.agree(helpers(threads - 1))?;

    let begin = cx.edge();
    let began_ns = now_ns();
    let start = cx.team.agree(open_start(cx, &plan.below))?;
    let start = start.as_ref().unwrap_or(cx.root);
    let filter = agree_on_filter(cx, start, &plan.predicate);
    let method = if filter.is_some() { Method::Server } else { Method::NameFirst };
    let judge = Judge::new(&plan.predicate);
    let ground = Ground { backend: cx.backend, start, below: &plan.below, judge, filter, tell, began_ns, timed: R::ON };
    let pool = Pool::new(options.queue_length, recorder);
    let mut worker = Worker::new(&ground);
    deal(cx, &pool, &mut worker, ranks)?;
    let mut balance = Balance::new(cx.comm(), ranks, options.steal_next);
    let mut drive = || {
        let idle_ns = drive(cx, &pool, &mut worker, &mut balance, began_ns);
        let (end, end_ns) = (cx.edge(), now_ns());
        // the others hear of a failure before this rank waits for its own threads
        cx.team.agree(idle_ns).map(|idle_ns| (end, end_ns, idle_ns))
    };
    let (end, end_ns, idle_ns) = match &helpers {
        None => drive(),
        Some(helpers) => helpers.in_place_scope(|scope| {
            // dropped before the scope waits for its threads, by a panic too
            let _ends = EndsPool(&pool);
            for _ in 1..threads {
                scope.spawn(|_| help(&pool, &ground));
            }
            drive()
        }),
    }?;

    let (counts, first_error) = pool.counted();
    pool.look(counts.total, end_ns - began_ns);
    let loop_ns = (end_ns - began_ns).saturating_sub(idle_ns);
    let parts = WindowParts { operations_ns: loop_ns, waiting_ns: idle_ns, ..WindowParts::default() };
    let tally = RankTally { operations: counts.total, loop_ns, parts, ..cx.tally(begin, end) };
    let rank = cx.rank();
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
fn open_start<B: Backend>(cx: &Cx<'_, B>, below: &str) -> std::result::Result<Option<B::Dir>, Failure> {
    let mut dir: Option<B::Dir> = None;
    for part in below.split('/').filter(|part| !part.is_empty()) {
        let name = CString::new(part).map_err(|_| Failure::Config(format!("find: {below:?} has a NUL")))?;
        let opened = cx.backend.open_dir(dir.as_ref().unwrap_or(cx.root), &name);
        dir = Some(opened.map_err(failed("open", below))?);
    }
    Ok(dir)
}

/// What the servers filter by, if they do: rank 0 tries it once.
fn agree_on_filter<B: Backend>(cx: &Cx<'_, B>, start: &B::Dir, predicate: &Predicate) -> Option<ServerFilter> {
    let name = predicate.name.as_ref().filter(|name| name.is_bytewise())?;
    let filter = ServerFilter { name: name.as_str().to_owned() };
    let works = cx.rank() == 0 && {
        let mut batch = DirBatch::default();
        let cursor = cx.backend.filtered_cursor(start, 0, cx.backend.shards(start).unwrap_or(1).max(1), &filter);
        cursor.and_then(|mut cursor| cx.backend.read_dir(&mut cursor, &mut batch)).is_ok()
    };
    let mut answer = vec![u8::from(works)];
    cx.comm().broadcast(0, &mut answer);
    (answer == [1]).then_some(filter)
}

/// Gives every rank its first work.
fn deal<'a, B: Backend, R: Recorder>(
    cx: &Cx<'_, B>,
    pool: &Pool<'a, B::Dir, R>,
    worker: &mut Worker<'a, '_, B>,
    ranks: usize,
) -> Result<()> {
    if cx.rank() == 0 {
        pool.add([seed::start()]);
    }
    if ranks == 1 {
        return Ok(());
    }
    let look_around = || Ok(seed::encode(&seed::spread(pool, worker, ranks)));
    let mut works = cx.team.agree(if cx.rank() == 0 { catch(look_around) } else { Ok(Vec::new()) })?;
    cx.comm().broadcast(0, &mut works);
    if cx.rank() < ranks {
        pool.add(seed::share(Work::decode_all(&works), cx.rank(), ranks));
    }
    Ok(())
}

/// A thread beside the rank's own: works until the walk is over.
fn help<'a, B: Backend, R: Recorder>(pool: &Pool<'a, B::Dir, R>, ground: &Ground<'a, B>) {
    let mut worker = Worker::new(ground);
    while let Some(next) = pool.exchange_or_sleep(&mut worker.outcome, &mut worker.standing) {
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
    cx: &Cx<'_, B>,
    pool: &Pool<'a, B::Dir, R>,
    worker: &mut Worker<'a, '_, B>,
    balance: &mut Balance<'_>,
    began_ns: u64,
) -> std::result::Result<u64, Failure> {
    let mut idle_ns = 0;
    let (mut looked_ns, mut looked_total) = (began_ns, 0);
    let mut idle_since = None;
    let mut patience = Patience::default();
    loop {
        while let Some((from, message)) = cx.comm().try_recv() {
            patience = Patience::default();
            match balance.receive(from, &message, pool, &worker.standing) {
                Stand::On => {}
                Stand::Over => return Ok(idle_ns + idle_since.map_or(0, |since| now_ns() - since)),
                Stand::Failed => {
                    cx.team.read(&message); // passes it on
                    return Err(Failure::Elsewhere);
                }
            }
        }
        balance.feed(pool, &worker.standing);
        let (next, glance) = pool.exchange(&mut worker.outcome, &mut worker.standing);
        cx.progress.advance(glance.total);
        if glance.total != looked_total && now_ns() - looked_ns >= BEAT_NS {
            (looked_ns, looked_total) = (now_ns(), glance.total);
            pool.look(glance.total, looked_ns - began_ns);
        }
        if let Some(failure) = pool.failure() {
            return Err(failure);
        }
        // once it has answered, the others may be leaving, and would not hear that it failed
        if cx.progress.stop_requested() && !(glance.idle && balance.has_answered()) {
            return Err(Failure::Interrupted);
        }
        if !glance.idle {
            idle_ns += idle_since.take().map_or(0, |since| now_ns() - since);
        }
        if !matches!(next, Next::Nothing) {
            patience = Patience::default();
            catch(|| {
                worker.step(next);
                Ok(())
            })?;
            continue;
        }
        if glance.idle {
            // it waits for work of the others: that is not standing still
            cx.progress.beat();
            idle_since.get_or_insert_with(now_ns);
            if balance.idle() == Stand::Over {
                return Ok(idle_ns + idle_since.map_or(0, |since| now_ns() - since));
            }
        }
        patience.wait(pool);
    }
}

/// How long a thread with nothing to do waits before it looks at its mail again: first not at all, then longer and longer.
#[derive(Debug, Default)]
struct Patience {
    looks: u32,
}

impl Patience {
    /// Looks that only give way to other threads.
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
