//! The binomial tree over 0..size that collectives and clock offsets travel along.

/// The parent of a place other than 0: its lowest set bit cleared.
pub fn parent(place: usize) -> usize {
    place & (place - 1)
}

/// The children of a place, nearest first: together with it, their subtrees are a contiguous run of places.
pub fn children(place: usize, size: usize) -> impl DoubleEndedIterator<Item = usize> {
    let bits = if place == 0 { usize::BITS - 1 } else { place.trailing_zeros() };
    (0..bits).map(move |bit| place + (1 << bit)).filter(move |&child| child < size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_but_the_first_is_its_parents_child_and_depth_is_logarithmic() {
        for size in 1..200_usize {
            let mut depth = vec![0; size];
            for place in 1..size {
                assert!(children(parent(place), size).any(|child| child == place), "{place} of {size}");
                depth[place] = depth[parent(place)] + 1;
            }
            let edges: usize = (0..size).map(|place| children(place, size).count()).sum();
            assert_eq!(edges, size - 1);
            assert!(depth.iter().all(|&depth| depth <= size.next_power_of_two().ilog2()));
        }
    }
}
