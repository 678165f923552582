//! Where a row of figures changes its level: the largest difference of mean ranks before and after, against what chance makes of as many
//! figures in any order; then the same in both parts.
//!
//! Ranks, because figures of storage have outliers that no bell curve knows. What chance makes of so many figures does not depend on them,
//! so it is drawn once for each number, by a fixed seed. A. N. Pettitt, A non-parametric approach to the change-point problem, 1979.

use std::collections::BTreeMap;

/// Fewer figures than this are no level.
pub const FEWEST: usize = 3;
/// Orders that are drawn.
const DRAWN: usize = 1999;

/// Finds changes; keeps what it has drawn.
#[derive(Debug, Default)]
pub struct Finder {
    /// For a number of figures what the statistic is by chance, rising.
    drawn: BTreeMap<usize, Vec<f64>>,
}

impl Finder {
    /// The places where a new level begins, rising. Rows without any change have one with a probability of `level`.
    pub fn changes(&mut self, values: &[f64], level: f64) -> Vec<usize> {
        let mut found = Vec::new();
        self.part(values, 0, level, &mut found);
        found.sort_unstable();
        // the first cut of a row with several levels lies where it divides all of it: each is moved to where it divides its neighbours
        for _ in 0..2 {
            for index in 0..found.len() {
                let from = if index == 0 { 0 } else { found[index - 1] };
                let to = found.get(index + 1).copied().unwrap_or(values.len());
                if let Some(place) = cut(&values[from..to], FEWEST) {
                    found[index] = from + place;
                }
            }
        }
        found
    }

    fn part(&mut self, values: &[f64], offset: usize, level: f64, found: &mut Vec<usize>) {
        let Some((place, _)) = self.strongest(values).filter(|(_, p)| *p < level) else { return };
        found.push(offset + place);
        self.part(&values[..place], offset, level, found);
        self.part(&values[place..], offset + place, level, found);
    }

    /// The most likely place of a change and the probability of one as strong by chance; none for too few figures.
    pub fn strongest(&mut self, values: &[f64]) -> Option<(usize, f64)> {
        let (place, statistic) = split(&ranks(values))?;
        let drawn = self.drawn.entry(values.len()).or_insert_with(|| draw(values.len()));
        let above = drawn.len() - drawn.partition_point(|by_chance| *by_chance < statistic - 1e-12);
        Some((place, (above + 1) as f64 / (DRAWN + 1) as f64))
    }
}

fn draw(count: usize) -> Vec<f64> {
    let mut rng = fastrand::Rng::with_seed(count as u64);
    let mut order: Vec<f64> = (1..=count).map(|rank| rank as f64).collect();
    let mut drawn: Vec<f64> = (0..DRAWN)
        .filter_map(|_| {
            rng.shuffle(&mut order);
            split(&order).map(|(_, statistic)| statistic)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    drawn
}

/// Where a row is best told by two medians, each of `least` figures or more; of places that do as well the last one.
pub fn cut(values: &[f64], least: usize) -> Option<usize> {
    let far = |part: &[f64]| {
        let middle = median(part);
        part.iter().map(|value| (value - middle).abs()).sum::<f64>()
    };
    let mut best = None::<(usize, f64)>;
    for place in (least..=values.len().saturating_sub(least)).rev().filter(|place| *place > 0 && *place < values.len())
    {
        let distance = far(&values[..place]) + far(&values[place..]);
        if best.is_none_or(|(_, least)| distance < 0.999 * least) {
            best = Some((place, distance));
        }
    }
    best.map(|(place, _)| place)
}

/// The middle one; the mean of both where there are two.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Ranks from 1; equal values share theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    while from < order.len() {
        let to = from + order[from..].partition_point(|&index| values[index] == values[order[from]]);
        order[from..to].iter().for_each(|&index| ranks[index] = (from + to + 1) as f64 / 2.0);
        from = to;
    }
    ranks
}

/// The split with the largest difference in units of its own scatter.
fn split(ranks: &[f64]) -> Option<(usize, f64)> {
    let n = ranks.len();
    let (mut sum, mut best) = (0.0, None::<(usize, f64)>);
    for (index, rank) in ranks.iter().enumerate() {
        sum += rank;
        let k = index + 1;
        if k < FEWEST || n - k < FEWEST {
            continue;
        }
        let (first, all) = (k as f64, n as f64);
        let variance = first * (all - first) * (all + 1.0) / 12.0;
        let statistic = (sum - first * (all + 1.0) / 2.0).abs() / variance.sqrt();
        if best.is_none_or(|(_, most)| statistic > most) {
            best = Some((k, statistic));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(seed: u64, count: usize) -> Vec<f64> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..count).map(|_| (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos()).collect()
    }

    #[test]
    fn planted_steps_are_found_where_they_are() {
        let mut finder = Finder::default();
        let mut right = 0;
        for seed in 0..100 {
            let row = normals(seed, 60).into_iter().enumerate();
            let row: Vec<f64> = row.map(|(at, noise)| noise + if (20..45).contains(&at) { 4.0 } else { 0.0 }).collect();
            right += usize::from(finder.changes(&row, 0.01) == [20, 45]);
        }
        assert!(right >= 85, "{right} of 100");
    }

    #[test]
    fn rows_without_a_change_seldom_have_one() {
        let mut finder = Finder::default();
        let false_alarms = (0..1000)
            .filter(|seed| {
                // a few wild values are no change either
                let mut row = normals(*seed, 40);
                row[7] *= 30.0;
                !finder.changes(&row, 0.05).is_empty()
            })
            .count();
        // 50 are expected, four standard deviations are 28
        assert!(false_alarms <= 78, "{false_alarms} of 1000");
    }

    #[test]
    fn few_or_equal_figures_have_no_change() {
        let mut finder = Finder::default();
        assert!(finder.changes(&[1.0, 1.0, 1.0, 9.0, 9.0], 0.05).is_empty());
        assert!(finder.changes(&[2.0; 30], 0.05).is_empty());
    }
}
