//! Page-aligned transfer buffers, and the word kernels that fill and check them at the speed of memory.
//!
//! The kernels are plain loops over little-endian words. Comparing, which happens inside the timed window, has a version for CPUs with wider vectors
//! than the build's baseline, chosen at run time; a test holds the two together.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The alignment of every transfer buffer in bytes: a page, which `O_DIRECT` and RDMA registration both want.
pub const ALIGNMENT: usize = 4096;

/// A zeroed, page-aligned buffer of fixed length.
pub struct AlignedBuf {
    start: NonNull<u8>,
    len: usize,
}

impl AlignedBuf {
    /// A zeroed buffer of `len` bytes.
    pub fn new(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: alloc's contract, a layout of non-zero size: `layout` rounds up to at least one page.
        let start = unsafe { alloc_zeroed(layout) };
        let Some(start) = NonNull::new(start) else { handle_alloc_error(layout) };
        AlignedBuf { start, len }
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len.max(1).next_multiple_of(ALIGNMENT), ALIGNMENT)
            .expect("a transfer fits the address space")
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        // SAFETY: dealloc's contract, the pointer and the layout of the allocation made in `new`.
        unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points to `len` initialised bytes that this value owns.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and `&mut self` makes the access exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

// SAFETY: the buffer owns its memory and has no interior mutability.
unsafe impl Send for AlignedBuf {}
// SAFETY: as for Send: shared references only read.
unsafe impl Sync for AlignedBuf {}

const WORD: usize = size_of::<u64>();
/// Words per step of the kernels: two cache lines, enough independent SIMD lanes for every vector width.
const LANES: usize = 16;

/// Whether the first word of `bytes` is `head` and those after it are `first + step, first + 2·step, …`. Bytes after the last whole word are
/// not looked at.
#[inline]
pub fn ramp_matches(bytes: &[u8], head: u64, first: u64, step: u64) -> bool {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the feature was detected on this CPU.
        return unsafe { avx2::ramp_matches(bytes, head, first, step) };
    }
    ramp_matches_portable(bytes, head, first, step)
}

/// [`ramp_matches`] for CPUs without wider vectors.
pub fn ramp_matches_portable(bytes: &[u8], head: u64, first: u64, step: u64) -> bool {
    let Some((word, rest)) = bytes.split_first_chunk() else { return true };
    let mut all = u64::from_le_bytes(*word) ^ head;
    let mut expected: [u64; LANES] = std::array::from_fn(|lane| ramp(first, step, 1 + lane));
    let stride = step.wrapping_mul(LANES as u64);
    let mut differ = [0u64; LANES];
    let mut blocks = rest.chunks_exact(LANES * WORD);
    for block in &mut blocks {
        for lane in 0..LANES {
            let word = u64::from_le_bytes(block[lane * WORD..(lane + 1) * WORD].try_into().expect("eight bytes"));
            differ[lane] |= word ^ expected[lane];
            expected[lane] = expected[lane].wrapping_add(stride);
        }
    }
    all |= differ.iter().fold(0, |all, lane| all | lane);
    for (lane, word) in blocks.remainder().chunks_exact(WORD).enumerate() {
        all |= u64::from_le_bytes(word.try_into().expect("eight bytes")) ^ expected[lane];
    }
    all == 0
}

#[inline]
fn ramp(first: u64, step: u64, at: usize) -> u64 {
    first.wrapping_add(step.wrapping_mul(at as u64))
}

/// The compiler's own version of this loop for wide vectors keeps the ramps in scalars and is slower than the portable one, hence by hand.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{WORD, ramp};
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi64, _mm256_insert_epi64, _mm256_loadu_si256, _mm256_or_si256, _mm256_set1_epi64x,
        _mm256_setr_epi64x, _mm256_setzero_si256, _mm256_testz_si256, _mm256_xor_si256,
    };

    /// Bytes of a vector.
    const VECTOR: usize = size_of::<__m256i>();
    /// Vectors per step: two cache lines, enough independent ones to keep every unit busy.
    const VECTORS: usize = 4;
    /// Words of a vector.
    const LANES: usize = VECTOR / WORD;

    #[target_feature(enable = "avx2")]
    pub fn ramp_matches(bytes: &[u8], head: u64, first: u64, step: u64) -> bool {
        let [mut a, mut b, mut c, mut d] =
            [vector(first, step, 0), vector(first, step, 4), vector(first, step, 8), vector(first, step, 12)];
        let stride = _mm256_set1_epi64x(step.wrapping_mul((VECTORS * LANES) as u64) as i64);
        let [mut differ_a, mut differ_b, mut differ_c, mut differ_d] = [_mm256_setzero_si256(); VECTORS];
        // only the first word of all is not of the ramp
        let ramp_a = a;
        a = _mm256_insert_epi64::<0>(a, head as i64);
        let (blocks, rest) = bytes.as_chunks::<{ VECTORS * VECTOR }>();
        if let Some((block, blocks)) = blocks.split_first() {
            let [w, x, y, z] = load(block);
            differ_a = _mm256_xor_si256(w, a);
            differ_b = _mm256_xor_si256(x, b);
            differ_c = _mm256_xor_si256(y, c);
            differ_d = _mm256_xor_si256(z, d);
            a = ramp_a;
            for block in blocks {
                [a, b, c, d] = advance([a, b, c, d], stride);
                let [w, x, y, z] = load(block);
                differ_a = _mm256_or_si256(differ_a, _mm256_xor_si256(w, a));
                differ_b = _mm256_or_si256(differ_b, _mm256_xor_si256(x, b));
                differ_c = _mm256_or_si256(differ_c, _mm256_xor_si256(y, c));
                differ_d = _mm256_or_si256(differ_d, _mm256_xor_si256(z, d));
            }
            [a, b, c, d] = advance([a, b, c, d], stride);
        }
        let (vectors, rest) = rest.as_chunks::<VECTOR>();
        for (vector, expected) in vectors.iter().zip([a, b, c, d]) {
            differ_a = _mm256_or_si256(differ_a, _mm256_xor_si256(load_one(vector), expected));
        }
        let done = blocks.len() * VECTORS * LANES + vectors.len() * LANES;
        let mut differ = 0;
        for (i, word) in rest.as_chunks::<WORD>().0.iter().enumerate() {
            let expected = if done + i == 0 { head } else { ramp(first, step, done + i) };
            differ |= u64::from_le_bytes(*word) ^ expected;
        }
        let all = _mm256_or_si256(_mm256_or_si256(differ_a, differ_b), _mm256_or_si256(differ_c, differ_d));
        _mm256_testz_si256(all, all) == 1 && differ == 0
    }

    /// The words of a ramp from the word `at` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn vector(first: u64, step: u64, at: usize) -> __m256i {
        let [a, b, c, d] =
            [ramp(first, step, at), ramp(first, step, at + 1), ramp(first, step, at + 2), ramp(first, step, at + 3)];
        _mm256_setr_epi64x(a as i64, b as i64, c as i64, d as i64)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn advance([a, b, c, d]: [__m256i; VECTORS], by: __m256i) -> [__m256i; VECTORS] {
        [_mm256_add_epi64(a, by), _mm256_add_epi64(b, by), _mm256_add_epi64(c, by), _mm256_add_epi64(d, by)]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(block: &[u8; VECTORS * VECTOR]) -> [__m256i; VECTORS] {
        let (vectors, _) = block.as_chunks::<VECTOR>();
        [load_one(&vectors[0]), load_one(&vectors[1]), load_one(&vectors[2]), load_one(&vectors[3])]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_one(vector: &[u8; VECTOR]) -> __m256i {
        // SAFETY: the pointer is to as many bytes as a vector has; the load wants no alignment.
        unsafe { _mm256_loadu_si256(vector.as_ptr().cast()) }
    }
}

/// Makes the words of `bytes` `first, first + step, first + 2·step, …`. Bytes after the last whole word are left alone.
pub fn ramp_fill(bytes: &mut [u8], first: u64, step: u64) {
    let mut value: [u64; LANES] = std::array::from_fn(|lane| ramp(first, step, lane));
    let stride = step.wrapping_mul(LANES as u64);
    let mut blocks = bytes.chunks_exact_mut(LANES * WORD);
    for block in &mut blocks {
        for lane in 0..LANES {
            block[lane * WORD..(lane + 1) * WORD].copy_from_slice(&value[lane].to_le_bytes());
            value[lane] = value[lane].wrapping_add(stride);
        }
    }
    for (lane, word) in blocks.into_remainder().chunks_exact_mut(WORD).enumerate() {
        word.copy_from_slice(&value[lane].to_le_bytes());
    }
}

/// Distance in bytes between two poisoned words. Every sector and page that a read may have left out has one.
const POISON_STRIDE: usize = 512;

/// Makes a word in every 512 bytes and the last byte what a read cannot bring: the complement of what it must. `expected` gives that by the
/// index of the word; `last` is the last byte. It does not matter what the buffer held, so that neither a read that does nothing passes
/// nor one after another that did nothing. Costs a store per 512 bytes instead of a second pass over memory.
#[inline]
pub fn poison(bytes: &mut [u8], mut expected: impl FnMut(usize) -> u64, last: u8) {
    let mut at = 0;
    for sector in bytes.chunks_mut(POISON_STRIDE) {
        if let Some(word) = sector.first_chunk_mut::<WORD>() {
            *word = (!expected(at)).to_le_bytes();
        }
        at += POISON_STRIDE / WORD;
    }
    if let Some(byte) = lone_last(bytes) {
        *byte = !last;
    }
}

/// Inverts what [`poison`] sets: poisons a buffer that holds what is expected, and takes it back. For stores that keep no data, where the
/// reader brings it.
#[inline]
pub fn toggle_poison(bytes: &mut [u8]) {
    for sector in bytes.chunks_mut(POISON_STRIDE) {
        if let Some(word) = sector.first_chunk_mut::<WORD>() {
            *word = (!u64::from_le_bytes(*word)).to_le_bytes();
        }
    }
    if let Some(byte) = lone_last(bytes) {
        *byte = !*byte;
    }
}

/// The last byte, unless a poisoned word ends with it.
#[inline]
fn lone_last(bytes: &mut [u8]) -> Option<&mut u8> {
    if bytes.len() % POISON_STRIDE == WORD { None } else { bytes.last_mut() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buffers_are_page_aligned_zeroed_and_exact() {
        for len in [0, 1, 3901, 4096, 47008] {
            let buffer = AlignedBuf::new(len);
            assert_eq!(buffer.len(), len);
            assert_eq!(buffer.as_ptr() as usize % ALIGNMENT, 0);
            assert!(buffer.iter().all(|&byte| byte == 0));
        }
    }

    proptest! {
        #[test]
        fn kernels_agree_with_the_definition(len in 0usize..2000, head: u64, first: u64, step: u64, flip in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let mut expected = vec![0xa5; len];
            for (i, word) in expected.chunks_exact_mut(8).enumerate() {
                word.copy_from_slice(&first.wrapping_add(step.wrapping_mul(i as u64)).to_le_bytes());
            }
            let mut data = vec![0xa5; len];
            ramp_fill(&mut data, first, step);
            prop_assert_eq!(&data, &expected);
            let both = |data: &[u8], head| (ramp_matches(data, head, first, step), ramp_matches_portable(data, head, first, step));
            prop_assert_eq!(both(&data, first), (true, true));
            if len >= 8 {
                prop_assert_eq!(both(&data, head), (head == first, head == first));
                data[..8].copy_from_slice(&head.to_le_bytes());
                prop_assert_eq!(both(&data, head), (true, true));
                let at = flip.index(len);
                data[at] ^= 1 << bit;
                let beyond_the_words = at >= len / 8 * 8;
                prop_assert_eq!(both(&data, head), (beyond_the_words, beyond_the_words));
            }
        }

        #[test]
        fn poison_reaches_every_sector_and_the_tail(len in 1usize..5000, hole in any::<proptest::sample::Index>()) {
            let clean: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let expected = |at: usize| u64::from_le_bytes(clean[at * WORD..(at + 1) * WORD].try_into().unwrap());
            let last = *clean.last().unwrap();
            let mut poisoned = clean.clone();
            poison(&mut poisoned, expected, last);
            let once = poisoned.clone();
            poison(&mut poisoned, expected, last);
            prop_assert_eq!(&poisoned, &once, "twice is as once");
            let sector = hole.index(len) / POISON_STRIDE * POISON_STRIDE;
            let end = (sector + POISON_STRIDE).min(len);
            if end - sector >= 8 || end == len {
                prop_assert_ne!(&poisoned[sector..end], &clean[sector..end]);
            }
            toggle_poison(&mut poisoned);
            prop_assert_eq!(poisoned, clean);
        }
    }
}
