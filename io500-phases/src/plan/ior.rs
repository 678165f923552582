//! The ior phases: which bytes of which file each rank writes and reads.

use super::Hints;
use crate::pattern::Signature;
use crate::phase_id::Family;

/// ior-easy or ior-hard.
#[derive(Debug, Clone, PartialEq)]
pub struct IorPlan {
    /// `IorEasy` or `IorHard`; its name is the directory below the data directory.
    pub family: Family,
    /// A file for every rank, or one for all.
    pub file_per_process: bool,
    /// Every rank's file in a directory of its own, named after the rank.
    pub unique_dir: bool,
    /// Writers stop together: rank 0 decides after every transfer and tells the others.
    pub collective: bool,
    /// Bytes per transfer.
    pub transfer: u64,
    /// Bytes per block: what a rank writes in one piece of the file.
    pub block: u64,
    /// Blocks per rank.
    pub segments: u64,
    /// What is written.
    pub signature: Signature,
    /// Object class and chunk size.
    pub hints: Hints,
}

impl IorPlan {
    /// Transfers of each rank when nothing stops it.
    pub fn transfers(&self) -> u64 {
        (self.block / self.transfer) * self.segments
    }

    /// Name of the file that `owner` writes.
    pub fn file_name(&self, owner: usize) -> String {
        match (self.family, self.file_per_process) {
            (Family::IorHard, false) => "file".to_owned(),
            (Family::IorHard, true) => format!("file.{owner:08}"),
            (_, true) => format!("ior_file_easy.{owner:08}"),
            (_, false) => "ior_file_easy".to_owned(),
        }
    }

    /// The directory of `owner`'s file below the family's directory, if it has one of its own.
    pub fn own_dir(&self, owner: usize) -> Option<String> {
        self.unique_dir.then(|| owner.to_string())
    }

    /// Path of `owner`'s file below the data directory.
    pub fn path(&self, owner: usize) -> String {
        let family = self.family.name();
        let name = self.file_name(owner);
        match self.own_dir(owner) {
            Some(dir) => format!("{family}/{dir}/{name}"),
            None => format!("{family}/{name}"),
        }
    }

    /// The offsets of `owner`'s transfers among `ranks`, from transfer `from` on.
    pub fn offsets(&self, owner: usize, ranks: usize, from: u64) -> Offsets {
        let per_block = self.block / self.transfer;
        let (stride, base) = if self.file_per_process {
            (self.block, 0)
        } else {
            (self.block * ranks as u64, self.block * owner as u64)
        };
        let (segment, within) = (from / per_block, from % per_block);
        Offsets {
            offset: base + segment * stride + within * self.transfer,
            transfer: self.transfer,
            left_in_block: per_block - within,
            per_block,
            // from the last transfer of a block to the first of the next
            skip: stride - self.block + self.transfer,
        }
    }

    /// Bytes of all files when every rank has done `transfers`.
    pub fn bytes(&self, ranks: usize, transfers: u64) -> u64 {
        transfers * self.transfer * ranks as u64
    }
}

/// The row of offsets of one rank; one addition each.
#[derive(Debug, Clone)]
pub struct Offsets {
    offset: u64,
    transfer: u64,
    left_in_block: u64,
    per_block: u64,
    skip: u64,
}

impl Offsets {
    /// The next offset.
    #[inline]
    pub fn advance(&mut self) -> u64 {
        let now = self.offset;
        self.left_in_block -= 1;
        if self.left_in_block == 0 {
            self.left_in_block = self.per_block;
            self.offset += self.skip;
        } else {
            self.offset += self.transfer;
        }
        now
    }
}

/// The row of offsets of ior-rnd4K: blocks of a file in random order, with repetition. SplitMix64, seeded per rank, so that two
/// runs with one seed read the same blocks.
#[derive(Debug, Clone)]
pub struct RandomReads {
    state: u64,
    blocks: u64,
    transfer: u64,
}

impl RandomReads {
    /// Bytes per read.
    pub const TRANSFER: u64 = 4096;
    /// Reads of each rank when the stonewall does not come first.
    pub const COUNT: u64 = 10_000_000;

    /// Reads of a file of `size` bytes; none if it holds no whole block.
    pub fn new(seed: i32, rank: usize, size: u64) -> Option<Self> {
        let blocks = size / Self::TRANSFER;
        let state = (u64::from(seed as u32) << 32) ^ (rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (blocks > 0).then_some(RandomReads { state, blocks, transfer: Self::TRANSFER })
    }

    /// The next offset.
    #[inline]
    pub fn advance(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * u128::from(self.blocks)) >> 64) as u64 * self.transfer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::PacketType;
    use proptest::prelude::*;

    fn plan(file_per_process: bool, per_block: u64, segments: u64) -> IorPlan {
        IorPlan {
            family: Family::IorEasy,
            file_per_process,
            unique_dir: false,
            collective: false,
            transfer: 1000,
            block: 1000 * per_block,
            segments,
            signature: Signature { kind: PacketType::Timestamp, seed: 1 },
            hints: Hints::default(),
        }
    }

    proptest! {
        #[test]
        fn offsets_are_the_formula(fpp: bool, per_block in 1u64..5, segments in 1u64..6, ranks in 1usize..5, from in 0u64..30) {
            let plan = plan(fpp, per_block, segments);
            let from = from % plan.transfers();
            for owner in 0..ranks {
                let mut offsets = plan.offsets(owner, ranks, from);
                for k in from..plan.transfers() {
                    let (i, j) = (k / per_block, k % per_block);
                    let expected = if fpp { i * plan.block + j * 1000 } else { (i * ranks as u64 + owner as u64) * plan.block + j * 1000 };
                    prop_assert_eq!(offsets.advance(), expected);
                }
            }
        }

        #[test]
        fn the_ranks_of_a_shared_file_cover_it_exactly_once(per_block in 1u64..5, segments in 1u64..6, ranks in 1usize..5) {
            let plan = plan(false, per_block, segments);
            let mut all: Vec<u64> = (0..ranks).flat_map(|owner| {
                let mut offsets = plan.offsets(owner, ranks, 0);
                (0..plan.transfers()).map(move |_| offsets.advance()).collect::<Vec<_>>()
            }).collect();
            all.sort_unstable();
            let expected: Vec<u64> = (0..plan.transfers() * ranks as u64).map(|k| k * 1000).collect();
            prop_assert_eq!(all, expected);
        }

        #[test]
        fn random_reads_stay_inside_the_file(seed: i32, rank in 0usize..2000, size in 4096u64..1 << 45) {
            let mut reads = RandomReads::new(seed, rank, size).unwrap();
            for _ in 0..50 {
                let offset = reads.advance();
                prop_assert!(offset.is_multiple_of(4096) && offset + 4096 <= size);
            }
        }
    }

    #[test]
    fn random_reads_spread_over_the_file_and_differ_by_rank() {
        let row = |rank| {
            let mut reads = RandomReads::new(7, rank, 1 << 20).unwrap();
            (0..4096).map(|_| reads.advance() / 4096).collect::<Vec<_>>()
        };
        let mut hit = [false; 256];
        row(0).into_iter().for_each(|block| hit[block as usize] = true);
        assert!(hit.iter().all(|&hit| hit), "4,096 draws reach all of 256 blocks");
        assert_ne!(row(0), row(1));
        assert!(RandomReads::new(7, 0, 4095).is_none());
    }
}
