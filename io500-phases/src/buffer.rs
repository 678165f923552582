//! Page-aligned transfer buffers, and the word kernels that fill and check them at the speed of memory.
//!
//! The kernels are plain loops over little-endian words. Where the CPU has wider vectors than the build's baseline, the
//! same loop compiled for them is chosen at run time; a test holds the versions together.
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
/// Words per step of the kernels: two cache lines, enough independent lanes for every vector width.
const LANES: usize = 16;

/// Defines a kernel and its dispatcher: the portable loop, the same loop for AVX2 and for AVX-512, chosen at run time.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident, $avx2:ident, $avx512:ident, $portable:ident, ($($arg:ident: $ty:ty),*) $(-> $out:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($arg: $ty),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                if std::arch::is_x86_feature_detected!("avx512f") {
                    // SAFETY: the feature was detected on this CPU.
                    return unsafe { $avx512($($arg),*) };
                }
                if std::arch::is_x86_feature_detected!("avx2") {
                    // SAFETY: the feature was detected on this CPU.
                    return unsafe { $avx2($($arg),*) };
                }
            }
            $portable($($arg),*)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2")]
        fn $avx2($($arg: $ty),*) $(-> $out)? {
            $portable($($arg),*)
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f")]
        fn $avx512($($arg: $ty),*) $(-> $out)? {
            $portable($($arg),*)
        }
    };
}

kernel! {
    /// Whether the words of `bytes` are `first, first + step, first + 2·step, …`. Bytes after the last whole word are not looked at.
    ramp_matches, ramp_matches_avx2, ramp_matches_avx512, ramp_matches_portable, (bytes: &[u8], first: u64, step: u64) -> bool
}

kernel! {
    /// Makes the words of `bytes` `first, first + step, first + 2·step, …`. Bytes after the last whole word are left alone.
    ramp_fill, ramp_fill_avx2, ramp_fill_avx512, ramp_fill_portable, (bytes: &mut [u8], first: u64, step: u64)
}

/// [`ramp_matches`] without wider vectors: what the other versions are tested and measured against.
#[inline(always)]
pub fn ramp_matches_portable(bytes: &[u8], first: u64, step: u64) -> bool {
    let mut expected: [u64; LANES] = std::array::from_fn(|lane| first.wrapping_add(step.wrapping_mul(lane as u64)));
    let stride = step.wrapping_mul(LANES as u64);
    let mut differ = [0u64; LANES];
    let mut blocks = bytes.chunks_exact(LANES * WORD);
    for block in &mut blocks {
        for lane in 0..LANES {
            let word = u64::from_le_bytes(block[lane * WORD..(lane + 1) * WORD].try_into().expect("eight bytes"));
            differ[lane] |= word ^ expected[lane];
            expected[lane] = expected[lane].wrapping_add(stride);
        }
    }
    let mut all = differ.iter().fold(0, |all, lane| all | lane);
    for (lane, word) in blocks.remainder().chunks_exact(WORD).enumerate() {
        all |= u64::from_le_bytes(word.try_into().expect("eight bytes")) ^ expected[lane];
    }
    all == 0
}

#[inline(always)]
fn ramp_fill_portable(bytes: &mut [u8], first: u64, step: u64) {
    let mut value: [u64; LANES] = std::array::from_fn(|lane| first.wrapping_add(step.wrapping_mul(lane as u64)));
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

/// Distance in bytes between two words that `poison` inverts. Every sector and page that a read may have left out has one.
const POISON_STRIDE: usize = 512;

/// Inverts a word in every 512 bytes and the last byte, so that a buffer that still holds the data of the read before
/// cannot pass verification where a read did nothing. Costs a store per 512 bytes instead of a second pass over memory.
#[inline]
pub fn poison(bytes: &mut [u8]) {
    for sector in bytes.chunks_mut(POISON_STRIDE) {
        if let Some(word) = sector.first_chunk_mut::<WORD>() {
            *word = (!u64::from_le_bytes(*word)).to_le_bytes();
        }
    }
    if let Some(last) = bytes.last_mut() {
        *last = !*last;
    }
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
        fn kernels_agree_with_the_definition(len in 0usize..2000, first: u64, step: u64, flip in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let mut expected = vec![0xa5; len];
            for (i, word) in expected.chunks_exact_mut(8).enumerate() {
                word.copy_from_slice(&first.wrapping_add(step.wrapping_mul(i as u64)).to_le_bytes());
            }
            let mut portable = vec![0xa5; len];
            ramp_fill_portable(&mut portable, first, step);
            let mut chosen = vec![0xa5; len];
            ramp_fill(&mut chosen, first, step);
            prop_assert_eq!(&portable, &expected);
            prop_assert_eq!(&chosen, &expected);
            prop_assert!(ramp_matches(&chosen, first, step) && ramp_matches_portable(&chosen, first, step));
            if len >= 8 {
                let at = flip.index(len);
                chosen[at] ^= 1 << bit;
                let in_a_word = at < len / 8 * 8;
                prop_assert_eq!(ramp_matches(&chosen, first, step), !in_a_word);
                prop_assert_eq!(ramp_matches_portable(&chosen, first, step), !in_a_word);
            }
        }

        #[test]
        fn poison_reaches_every_sector_and_the_tail(len in 1usize..5000, hole in any::<proptest::sample::Index>()) {
            let clean: Vec<u8> = (0..len).map(|i| (i * 7) as u8).collect();
            let mut poisoned = clean.clone();
            poison(&mut poisoned);
            let sector = hole.index(len) / POISON_STRIDE * POISON_STRIDE;
            let end = (sector + POISON_STRIDE).min(len);
            if end - sector >= 8 || end == len {
                prop_assert_ne!(&poisoned[sector..end], &clean[sector..end]);
            }
        }
    }
}
