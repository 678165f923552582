//! What is kept of one answer of a server.

use super::exposition;
use super::metrics::{How, METRICS, SIZES, index};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Read as _};

/// More than an answer has: an engine with 16 targets has some 3 MiB.
const LONGEST_ANSWER: u64 = 64 << 20;
/// More than a line has.
const LONGEST_LINE: u64 = 8 << 10;
/// More values than the engines of a server have.
const MOST_VALUES: usize = 1 << 19;
/// More pools than a system has.
const MOST_POOLS: usize = 4096;

/// Where a value belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Position of the metric in [`METRICS`].
    pub metric: u16,
    /// Rank of the engine.
    pub engine: u32,
    /// Target or execution stream; -1 for the engine as a whole.
    pub place: i32,
    /// Position of the size class in [`SIZES`], 0 without one.
    pub size: u8,
}

/// The values of one answer, or of several servers' answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Counts are summed over pools, devices and contexts of a place; of levels it is the highest.
    pub values: BTreeMap<Key, f64>,
    /// Object requests by pool.
    pub pools: BTreeMap<String, f64>,
    /// Lines that are no samples.
    pub unread_lines: u64,
}

/// Why an answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("the answer is longer than {} MiB", LONGEST_ANSWER >> 20)]
    TooLong,
    #[error("the answer has more than {MOST_VALUES} values")]
    TooMany,
    #[error("the answer ends within a line")]
    Cut,
    #[error("the answer has no metrics of a DAOS engine")]
    NoEngine,
}

impl Snapshot {
    /// Reads an answer. Takes no more memory than the values need.
    pub fn read(answer: impl BufRead) -> Result<Snapshot, AnswerError> {
        let mut answer = answer.take(LONGEST_ANSWER + 1);
        let mut snapshot = Snapshot::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut answer).take(LONGEST_LINE).read_until(b'\n', &mut line)?;
            if answer.limit() == 0 {
                return Err(AnswerError::TooLong);
            }
            match line.last() {
                None => break,
                Some(b'\n') => snapshot.take(&line)?,
                Some(_) if (read as u64) < LONGEST_LINE => return Err(AnswerError::Cut),
                Some(_) => {
                    snapshot.unread_lines += 1;
                    skip_line(&mut answer)?;
                }
            }
        }
        if snapshot.values.is_empty() { Err(AnswerError::NoEngine) } else { Ok(snapshot) }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), AnswerError> {
        // most lines are comments and metrics that nobody keeps
        let engine = line.strip_prefix(b"engine_");
        let name = engine.map(|rest| &rest[..rest.iter().position(|c| b"{ \t".contains(c)).unwrap_or(rest.len())]);
        let known = name.and_then(|name| index(std::str::from_utf8(name).ok()?));
        let plain = line.starts_with(b"#") || line.starts_with(b"go_") || line.starts_with(b"process_");
        if known.is_none() && (plain || engine.is_some()) {
            return Ok(());
        }
        let sample = std::str::from_utf8(line).map_err(|_| exposition::Malformed).and_then(exposition::sample);
        let Ok(sample) = sample else {
            self.unread_lines += 1;
            return Ok(());
        };
        if let (Some(sample), Some(metric)) = (sample, known) {
            self.enter(metric, &sample)?;
        }
        Ok(())
    }

    fn enter(&mut self, metric: usize, sample: &exposition::Sample<'_>) -> Result<(), AnswerError> {
        let about = &METRICS[metric];
        let number = |label: &str| sample.label(label).map(str::parse::<i32>);
        let place = match number("target").or_else(|| number("xstream")) {
            None => Some(-1),
            Some(place) => place.ok(),
        };
        let size = match about.how {
            How::BySize => sample.label("size").and_then(|size| SIZES.iter().position(|known| *known == size)),
            _ => Some(0),
        };
        let engine = sample.label("rank").and_then(|rank| rank.parse().ok());
        let (Some(engine), Some(place), Some(size), true) = (engine, place, size, sample.value.is_finite()) else {
            self.unread_lines += 1;
            return Ok(());
        };
        let key = Key { metric: metric as u16, engine, place, size: size as u8 };
        if self.values.len() >= MOST_VALUES && !self.values.contains_key(&key) {
            return Err(AnswerError::TooMany);
        }
        self.add(key, sample.value);
        if about.subject == super::metrics::Subject::Operation
            && let Some(pool) = sample.label("pool")
            && (self.pools.len() < MOST_POOLS || self.pools.contains_key(pool))
        {
            *self.pools.entry(pool.to_owned()).or_default() += sample.value;
        }
        Ok(())
    }

    fn add(&mut self, key: Key, value: f64) {
        let how = METRICS[usize::from(key.metric)].how;
        let entry = self.values.entry(key).or_insert(if how == How::Level { value } else { 0.0 });
        match how {
            How::Level | How::Stamp => *entry = entry.max(value),
            How::Count | How::BySize => *entry += value,
        }
    }

    /// Takes in the levels of another one, where they are higher.
    pub fn raise(&mut self, other: &Snapshot) {
        let levels = other.values.iter().filter(|(key, _)| METRICS[usize::from(key.metric)].how == How::Level);
        levels.for_each(|(key, value)| self.add(*key, *value));
    }

    /// The engines it tells of.
    pub fn engines(&self) -> BTreeSet<u32> {
        self.values.keys().map(|key| key.engine).collect()
    }
}

fn skip_line(answer: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let bytes = answer.fill_buf()?;
        let (used, over) = match bytes.iter().position(|&c| c == b'\n') {
            Some(at) => (at + 1, true),
            None => (bytes.len(), bytes.is_empty()),
        };
        answer.consume(used);
        if over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, real};
    use super::*;
    use proptest::prelude::*;
    use std::io::BufReader;

    fn value(snapshot: &Snapshot, name: &str, place: i32, size: u8) -> Option<f64> {
        let metric = index(name).unwrap() as u16;
        snapshot.values.get(&Key { metric, engine: 0, place, size }).copied()
    }

    #[test]
    fn counts_are_summed_over_contexts_and_levels_are_the_highest() {
        let text = "engine_net_hg_req_recv{context=\"0\",rank=\"0\"} 5\nengine_net_hg_req_recv{context=\"1\",rank=\"0\"} 7\n\
                    engine_net_waitq_depth{context=\"0\",rank=\"0\"} 2\nengine_net_waitq_depth{context=\"1\",rank=\"0\"} 9\n\
                    engine_io_latency_fetch_sum{rank=\"0\",target=\"3\",size=\"1MB\"} 1e+03\ngo_goroutines 30\n<html>\n";
        let found = Snapshot::read(text.as_bytes()).unwrap();
        assert_eq!(value(&found, "net_hg_req_recv", -1, 0), Some(12.0));
        assert_eq!(value(&found, "net_waitq_depth", -1, 0), Some(9.0));
        assert_eq!(value(&found, "io_latency_fetch_sum", 3, 12), Some(1000.0));
        assert_eq!(found.unread_lines, 1);
    }

    #[test]
    fn what_is_no_answer_is_refused_in_words() {
        let read = |text: &str| Snapshot::read(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(read("go_goroutines 30\n"), "the answer has no metrics of a DAOS engine");
        assert_eq!(read(&answer(0, 1)[..100]), "the answer ends within a line");
        assert_eq!(read("<!DOCTYPE html>\n<p>hello\n"), "the answer has no metrics of a DAOS engine");
    }

    /// Answers without an end, and lines without one, take no memory.
    #[test]
    fn answers_without_an_end_are_given_up() {
        let endless = BufReader::new(std::io::repeat(b'x'));
        assert!(matches!(Snapshot::read(endless), Err(AnswerError::TooLong)));
        let mut long = format!("engine_net_glitch{{rank=\"0\",x=\"{}\"}} 1\n", "y".repeat(100_000));
        long += &answer(0, 1);
        assert_eq!(Snapshot::read(long.as_bytes()).unwrap().unread_lines, 1);
    }

    #[test]
    fn the_real_answers_are_read_without_a_rest() {
        for name in ["before", "during-3", "during-4", "after"] {
            let Some(text) = real(&format!("daos-2.8.0-{name}.prom")) else { return };
            let found = Snapshot::read(text.as_bytes()).unwrap();
            assert_eq!((found.unread_lines, found.engines().into_iter().collect::<Vec<_>>()), (0, vec![0]), "{name}");
        }
        let after = Snapshot::read(real("daos-2.8.0-after.prom").unwrap().as_bytes()).unwrap();
        assert_eq!(value(&after, "pool_ops_fetch", 0, 0), Some(148_739.0));
        assert_eq!(value(&after, "net_hg_req_recv", -1, 0), Some(275_957.0));
        // names that this engine does not have belong to devices that it does not have
        let has = |index: usize| after.values.keys().any(|key| usize::from(key.metric) == index);
        let missing: Vec<&str> = (0..METRICS.len()).filter(|&i| !has(i)).map(|i| METRICS[i].name).collect();
        assert!(missing.iter().all(|name| name.starts_with("nvme_")), "{missing:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_answers_are_read_or_refused(at in 0usize..3000, byte: u8, cut in 0usize..3000) {
            let mut bytes = answer(0, 2).into_bytes();
            let (at, cut) = (at % bytes.len(), cut % bytes.len());
            bytes[at] = byte;
            let _ = Snapshot::read(&bytes[..]);
            let _ = Snapshot::read(&bytes[..cut]);
        }
    }
}
