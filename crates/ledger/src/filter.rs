//! A filter that tells ids that are certainly new from ids that may be old.

use std::hash::BuildHasher;

use hashbrown::DefaultHashBuilder;

const BITS_PER_ID: usize = 12;
const BLOCK_BITS: usize = 512;
const FIRST_GENERATION_IDS: usize = 1 << 16;
const GENERATION_GROWTH: usize = 4;

/// A split-block Bloom filter that grows by generations.
///
/// An id sets one bit in each of the eight words of one cache line, so a test costs one cache
/// miss per generation. At 12 bits an id a full generation takes a new id for an old one in
/// about 0.4 % of the cases, which costs one needless look-up; the other mistake cannot happen.
/// The block layout is that of Apache Parquet with 64-bit words,
/// <https://parquet.apache.org/docs/file-format/bloomfilter/>.
#[derive(Default)]
pub struct IdFilter {
    hasher: DefaultHashBuilder,
    generations: Vec<Generation>,
}

struct Generation {
    blocks: Vec<Block>,
    id_count: usize,
    id_count_max: usize,
}

/// One cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([u64; 8]);

/// Where an id's bits are: `block` picks the line, each six bits of `bits` a bit of a word.
struct Place {
    block: u64,
    bits: u64,
}

impl Place {
    fn block_index(&self, block_count: usize) -> usize {
        ((u128::from(self.block) * block_count as u128) >> 64) as usize
    }

    /// The bit of each word.
    fn mask(&self) -> [u64; 8] {
        std::array::from_fn(|word| 1 << ((self.bits >> (6 * word)) & 63))
    }
}

impl Generation {
    fn new(id_count_max: usize) -> Self {
        let block_count = (id_count_max * BITS_PER_ID).div_ceil(BLOCK_BITS);
        Self { blocks: vec![Block([0; 8]); block_count], id_count: 0, id_count_max }
    }

    fn insert(&mut self, place: &Place) {
        let index = place.block_index(self.blocks.len());
        for (word, bit) in self.blocks[index].0.iter_mut().zip(place.mask()) {
            *word |= bit;
        }
        self.id_count += 1;
    }

    fn may_contain(&self, place: &Place) -> bool {
        let block = &self.blocks[place.block_index(self.blocks.len())];
        block.0.iter().zip(place.mask()).all(|(word, bit)| word & bit != 0)
    }
}

impl IdFilter {
    fn place(&self, id: u128) -> Place {
        Place { block: self.hasher.hash_one(id), bits: self.hasher.hash_one(!id) }
    }

    /// Adds an id.
    pub fn insert(&mut self, id: u128) {
        let place = self.place(id);
        match self.generations.last_mut() {
            Some(generation) if generation.id_count < generation.id_count_max => {
                generation.insert(&place);
            }
            full => {
                let id_count_max =
                    full.map_or(FIRST_GENERATION_IDS, |full| full.id_count_max * GENERATION_GROWTH);
                let mut generation = Generation::new(id_count_max);
                generation.insert(&place);
                self.generations.push(generation);
            }
        }
    }

    /// `false`: the id was never inserted.
    #[must_use]
    pub fn may_contain(&self, id: u128) -> bool {
        if self.generations.is_empty() {
            return false;
        }
        let place = self.place(id);
        self.generations.iter().any(|generation| generation.may_contain(&place))
    }

    /// How often [`Self::insert`] was called.
    #[must_use]
    pub fn id_count(&self) -> usize {
        self.generations.iter().map(|generation| generation.id_count).sum()
    }

    /// What the filter occupies.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.generations.iter().map(|generation| size_of_val(generation.blocks.as_slice())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inserted_id_is_never_taken_for_new_and_a_new_one_seldom_for_old() {
        let mut filter = IdFilter::default();
        let id = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
        let count = FIRST_GENERATION_IDS as u128 * 3;
        assert!(!filter.may_contain(id(1)));
        for n in 1..=count {
            filter.insert(id(n));
        }
        assert_eq!(filter.generations.len(), 2);
        assert_eq!(filter.id_count(), count as usize);
        assert!((1..=count).all(|n| filter.may_contain(id(n))));
        let mistaken = (count + 1..=count + 100_000).filter(|n| filter.may_contain(id(*n))).count();
        assert!(mistaken < 1_500, "{mistaken} of 100000 new ids were taken for old ones");
    }
}
