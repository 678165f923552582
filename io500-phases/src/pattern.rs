//! The data that IO500 writes and what a read must return: four packet types, byte for byte.
//!
//! A buffer is a row of little-endian words. It depends on the seed of the phase family, on the rank that wrote it (`writer`)
//! and, for three of the types, on the `item`: the file offset of an ior transfer, the file's number in mdtest.

use crate::buffer::{poison, ramp_fill, ramp_matches};
use serde::{Deserialize, Serialize};

/// The `dataPacketType` of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PacketType {
    /// Rank and a counter; the default.
    #[default]
    Timestamp,
    /// As `timestamp`, with a word that depends on the offset in every 4 KiB.
    Offset,
    /// One pseudo-random word repeated, with the offset words of `offset`.
    Incompressible,
    /// A multiplicative generator started at rank and offset.
    Random,
}

impl PacketType {
    /// As the configuration spells it.
    pub const fn name(self) -> &'static str {
        match self {
            PacketType::Timestamp => "timestamp",
            PacketType::Offset => "offset",
            PacketType::Incompressible => "incompressible",
            PacketType::Random => "random",
        }
    }
}

const WORD: usize = 8;
/// Words between two words that carry the item.
const ITEM_PERIOD: usize = 512;
/// The multiplier of the `random` type.
const MULTIPLIER: u64 = 0x9e37_ffff_fffc_0001;

/// The data signature of one phase family of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// The packet type.
    pub kind: PacketType,
    /// The seed: the phase hash as the signed 32-bit number that the rules make of it.
    pub seed: i32,
}

/// The first difference between what a read returned and what it had to return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Mismatch {
    /// Index of the first wrong byte in the transfer.
    pub at: usize,
    /// The byte that must be there.
    pub expected: u8,
    /// The byte that is there.
    pub found: u8,
    /// How many bytes of the transfer are wrong.
    pub wrong: usize,
}

impl Signature {
    /// Fills `data` with what `writer` writes as `item`.
    pub fn fill(&self, data: &mut [u8], writer: u32, item: u64) {
        match self.kind {
            PacketType::Timestamp | PacketType::Offset => {
                let mut at = 0;
                for (first, words) in self.ramps(writer, data.len() / WORD) {
                    ramp_fill(&mut data[at..at + words * WORD], first, 1);
                    at += words * WORD;
                }
            }
            PacketType::Incompressible => ramp_fill(data, self.constant(writer), 0),
            PacketType::Random => {
                for (word, value) in data.chunks_exact_mut(WORD).zip(self.generator(writer, item)) {
                    word.copy_from_slice(&value.to_le_bytes());
                }
            }
        }
        let tail = data.len() / WORD * WORD;
        for (at, byte) in data.iter_mut().enumerate().skip(tail) {
            *byte = at as u8;
        }
        self.set_item_words(data, writer, item);
    }

    /// Whether [`Signature::refill`] has anything to do.
    pub fn depends_on_item(&self) -> bool {
        self.kind != PacketType::Timestamp
    }

    /// Turns a buffer that `fill` made for this writer and any item into the one for `item`, touching only what differs.
    #[inline]
    pub fn refill(&self, data: &mut [u8], writer: u32, item: u64) {
        match self.kind {
            PacketType::Timestamp => {}
            PacketType::Offset | PacketType::Incompressible => self.set_item_words(data, writer, item),
            PacketType::Random => self.fill(data, writer, item),
        }
    }

    /// Makes sure that `data` does not pass [`Signature::verify`] for this writer and item, nor any sector of it, until it was read: whatever it
    /// holds, and however often.
    #[inline]
    pub fn poison(&self, data: &mut [u8], writer: u32, item: u64) {
        match self.kind {
            PacketType::Timestamp => self.poison_with(data, |at| self.ramp_at(writer, at).0),
            PacketType::Offset => self.poison_with(data, |at| match at % ITEM_PERIOD {
                0 => item_word(writer, item, (at / ITEM_PERIOD) as u64 + 1),
                _ => self.ramp_at(writer, at).0,
            }),
            PacketType::Incompressible => {
                let constant = self.constant(writer);
                self.poison_with(data, |at| match at % ITEM_PERIOD {
                    0 => item_word(writer, item, (at / ITEM_PERIOD) as u64 + 1),
                    _ => constant,
                });
            }
            // its words have three zeros at the top: the complement of 0 is none of them, and neither is its last byte
            PacketType::Random => self.poison_with(data, |_| 0),
        }
    }

    #[inline]
    fn poison_with(&self, data: &mut [u8], word: impl Fn(usize) -> u64) {
        let (words, len) = (data.len() / WORD, data.len());
        let last = match len % WORD {
            0 if words > 0 => (word(words - 1) >> 56) as u8,
            _ => len.wrapping_sub(1) as u8,
        };
        poison(data, word, last);
    }

    /// Compares `data` with what `writer` wrote as `item`. The fast path says yes or no; the exact place is looked for only after a no.
    ///
    /// # Errors
    /// The first place where the data differ.
    #[inline]
    pub fn verify(&self, data: &[u8], writer: u32, item: u64) -> Result<(), Mismatch> {
        if self.matches(data, writer, item) { Ok(()) } else { Err(self.locate(data, writer, item)) }
    }

    fn matches(&self, data: &[u8], writer: u32, item: u64) -> bool {
        let words = data.len() / WORD;
        let body = match self.kind {
            PacketType::Timestamp => {
                let mut at = 0;
                self.ramps(writer, words).all(|(first, words)| {
                    let part = &data[at..at + words * WORD];
                    at += words * WORD;
                    ramp_matches(part, first, first, 1)
                })
            }
            PacketType::Offset => periods(data, writer, item).all(|(period, head, from)| {
                let (first, run) = self.ramp_at(writer, from);
                if run >= period.len() / WORD {
                    return ramp_matches(period, head, first, 1);
                }
                // a negative seed counts through zero here
                let (before, after) = period.split_at(run * WORD);
                let (zero, _) = self.ramp_at(writer, from + run);
                ramp_matches(before, head, first, 1) && ramp_matches(after, zero, zero, 1)
            }),
            PacketType::Incompressible => {
                let constant = self.constant(writer);
                periods(data, writer, item).all(|(period, head, _)| ramp_matches(period, head, constant, 0))
            }
            // if the first word is right and every other one follows from the one before it, all are; unlike making them, that can be checked
            // for many words at once
            PacketType::Random => {
                let words = data[..words * WORD].as_chunks::<WORD>().0;
                let first = words.first().zip(self.generator(writer, item).next());
                first.is_none_or(|(word, value)| u64::from_le_bytes(*word) == value) && random_follows(words)
            }
        };
        body && data.iter().enumerate().skip(words * WORD).all(|(at, &byte)| byte == at as u8)
    }

    fn set_item_words(&self, data: &mut [u8], writer: u32, item: u64) {
        if matches!(self.kind, PacketType::Offset | PacketType::Incompressible) {
            let whole = data.len() / WORD * WORD;
            for (k, period) in data[..whole].chunks_mut(ITEM_PERIOD * WORD).enumerate() {
                period[..WORD].copy_from_slice(&item_word(writer, item, k as u64 + 1).to_le_bytes());
            }
        }
    }

    /// Slow and exact: builds the expected transfer and compares byte by byte.
    #[cold]
    fn locate(&self, data: &[u8], writer: u32, item: u64) -> Mismatch {
        let mut expected = vec![0; data.len()];
        self.fill(&mut expected, writer, item);
        let mut wrong = expected.iter().zip(data).enumerate().filter(|(_, (want, have))| want != have);
        let (at, (&expected_byte, &found)) = wrong.next().expect("verify saw a difference");
        Mismatch { at, expected: expected_byte, found, wrong: 1 + wrong.count() }
    }

    /// The counter words `(writer << 32) | sign-extended(seed + i)` as runs that grow by one: the value at word `from`, and how
    /// many words go on like it. There are at most two runs, because the OR changes its meaning only where a negative seed
    /// counts up through zero.
    fn ramp_at(&self, writer: u32, from: usize) -> (u64, usize) {
        let count = i64::from(self.seed) + from as i64;
        let first = (u64::from(writer) << 32) | count as u64;
        let run = if count < 0 { count.unsigned_abs() as usize } else { usize::MAX };
        (first, run)
    }

    fn ramps(&self, writer: u32, words: usize) -> impl Iterator<Item = (u64, usize)> {
        let mut at = 0;
        let this = *self;
        std::iter::from_fn(move || {
            (at < words).then(|| {
                let (first, run) = this.ramp_at(writer, at);
                let run = run.min(words - at);
                at += run;
                (first, run)
            })
        })
    }

    fn constant(&self, writer: u32) -> u64 {
        let mut state = (self.seed as u32).wrapping_add(writer);
        let high = rand_r(&mut state);
        let low = rand_r(&mut state);
        (u64::from(high) << 32) | u64::from(low)
    }

    fn generator(&self, writer: u32, item: u64) -> impl Iterator<Item = u64> {
        let mut state = (self.seed as u32).wrapping_add(writer).wrapping_add(item as u32);
        let mut x = u64::from(rand_r(&mut state));
        std::iter::repeat_with(move || {
            x = random_after(x);
            x
        })
    }
}

/// The whole words of `data` in periods, each with the item word that it begins with and the index of that word.
fn periods(data: &[u8], writer: u32, item: u64) -> impl Iterator<Item = (&[u8], u64, usize)> {
    let whole = &data[..data.len() / WORD * WORD];
    let numbered = whole.chunks(ITEM_PERIOD * WORD).enumerate();
    numbered.map(move |(k, period)| (period, item_word(writer, item, k as u64 + 1), k * ITEM_PERIOD))
}

/// The word after `x` in the `random` type.
#[inline]
fn random_after(x: u64) -> u64 {
    x.wrapping_mul(MULTIPLIER) >> 3
}

/// Whether every word follows from the one before it.
fn random_follows(words: &[[u8; WORD]]) -> bool {
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs.fold(0, |differ, (x, next)| differ | (random_after(u64::from_le_bytes(*x)) ^ u64::from_le_bytes(*next))) == 0
}

#[inline]
fn item_word(writer: u32, item: u64, k: u64) -> u64 {
    u64::from(item.wrapping_mul(k) as u32) | (u64::from(writer) << 32)
}

/// The C library's `rand_r`: three steps of one linear congruential generator give 11, 10 and 10 bits.
pub fn rand_r(state: &mut u32) -> u32 {
    let mut step = |bits: u32| {
        *state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        (*state >> 16) & ((1 << bits) - 1)
    };
    let (high, middle, low) = (step(11), step(10), step(10));
    (high << 20) | (middle << 10) | low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KINDS: [PacketType; 4] =
        [PacketType::Timestamp, PacketType::Offset, PacketType::Incompressible, PacketType::Random];

    /// The definition, word by word, without runs or periods.
    fn by_definition(signature: Signature, len: usize, writer: u32, item: u64) -> Vec<u8> {
        let mut data: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let mut generator = signature.generator(writer, item);
        for (i, word) in data.chunks_exact_mut(8).enumerate() {
            let high = u64::from(writer) << 32;
            let counter = high | (i64::from(signature.seed) + i as i64) as u64;
            let special = u64::from(item.wrapping_mul(i as u64 / 512 + 1) as u32) | high;
            let value = match signature.kind {
                PacketType::Timestamp => counter,
                PacketType::Offset | PacketType::Incompressible if i % 512 == 0 => special,
                PacketType::Offset => counter,
                PacketType::Incompressible => signature.constant(writer),
                PacketType::Random => generator.next().unwrap(),
            };
            word.copy_from_slice(&value.to_le_bytes());
        }
        data
    }

    fn seeds() -> impl Strategy<Value = i32> {
        // near zero and near the ends is where signs and carries change
        prop_oneof![any::<i32>(), -2000i32..2000, (i32::MAX - 2000)..=i32::MAX, i32::MIN..(i32::MIN + 2000)]
    }

    proptest! {
        #[test]
        fn fill_is_the_definition(kind in 0usize..4, seed in seeds(), len in 0usize..20_000, writer in 0u32..70_000, item: u64, other: u64) {
            let signature = Signature { kind: KINDS[kind], seed };
            let expected = by_definition(signature, len, writer, item);
            let mut data = vec![0; len];
            signature.fill(&mut data, writer, item);
            prop_assert_eq!(&data, &expected);
            prop_assert_eq!(signature.verify(&data, writer, item), Ok(()));
            signature.refill(&mut data, writer, other);
            signature.refill(&mut data, writer, item);
            prop_assert_eq!(&data, &expected);
        }

        #[test]
        fn every_flipped_bit_is_found_where_it_is(kind in 0usize..4, seed in seeds(), len in 1usize..20_000, writer in 0u32..70_000, item: u64, at in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let signature = Signature { kind: KINDS[kind], seed };
            let mut data = vec![0; len];
            signature.fill(&mut data, writer, item);
            let at = at.index(len);
            let expected = data[at];
            data[at] ^= 1 << bit;
            prop_assert_eq!(signature.verify(&data, writer, item), Err(Mismatch { at, expected, found: data[at], wrong: 1 }));
        }

        #[test]
        fn a_poisoned_buffer_never_passes(kind in 0usize..4, seed in seeds(), len in 1usize..9000, writer in 0u32..70_000, item: u64, hole in any::<proptest::sample::Index>()) {
            let signature = Signature { kind: KINDS[kind], seed };
            let mut data = vec![0; len];
            signature.fill(&mut data, writer, item);
            let whole = data.clone();
            // two reads in a row that do nothing
            for _ in 0..2 {
                signature.poison(&mut data, writer, item);
                prop_assert!(signature.verify(&data, writer, item).is_err());
            }
            // and one that leaves out a sector
            let sector = hole.index(len) / 512 * 512;
            let end = (sector + 512).min(len);
            if end - sector >= 8 || end == len {
                data[..sector].copy_from_slice(&whole[..sector]);
                data[end..].copy_from_slice(&whole[end..]);
                prop_assert!(signature.verify(&data, writer, item).is_err());
            }
        }
    }

    #[test]
    fn rand_r_is_the_c_librarys() {
        // What glibc 2.36 returns, four calls from each state.
        let known: [(u32, [u32; 4]); 5] = [
            (0x0, [1012484, 1716955679, 1792309082, 229610924]),
            (0x1, [476707713, 1186278907, 505671508, 2137716191]),
            (0x2a, [681191333, 928546885, 1457394273, 941445650]),
            (0xffffffff, [1670702726, 99100226, 931463008, 467940729]),
            (0x80000000, [1012484, 1716955679, 1792309082, 229610924]),
        ];
        for (mut state, values) in known {
            for value in values {
                assert_eq!(rand_r(&mut state), value);
            }
        }
    }
}
