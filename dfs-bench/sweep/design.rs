//! A campaign's cells: the combinations of the axes' values that the design wants and no expression excludes. Pure.

use super::axis::{Axis, Value};
use super::campaign::{Campaign, Design};
use crate::exit::UsageError;
use minijinja::Environment;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// One combination of values: the index of each axis's value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// For each axis of the campaign, in its order.
    pub levels: Vec<usize>,
}

impl Cell {
    /// The value on each axis.
    pub fn values<'a>(&self, campaign: &'a Campaign) -> Vec<(&'a Axis, &'a Value)> {
        campaign.axes.iter().zip(&self.levels).map(|(axis, &level)| (axis, &axis.values[level])).collect()
    }

    /// `oclass=SX transfer=4m`.
    pub fn words(&self, campaign: &Campaign) -> String {
        let words: Vec<String> =
            self.values(campaign).iter().map(|(axis, value)| format!("{}={value}", axis.name)).collect();
        words.join(" ")
    }

    /// A name for its directory and its place in the journal. It depends on the names and values only, so that it stays when
    /// axes get more values.
    pub fn id(&self, campaign: &Campaign) -> String {
        let mut words: Vec<String> = self
            .values(campaign)
            .iter()
            .map(|(axis, value)| format!("{:?}={:?}", axis.name, value.to_string()))
            .collect();
        words.sort();
        Sha256::digest(words.join(" ")).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The cell that others are compared with.
pub fn baseline(campaign: &Campaign) -> Cell {
    let level = |axis: &Axis| {
        let value = campaign.baseline_of(axis);
        axis.values.iter().position(|other| other == value).expect("the campaign was checked")
    };
    Cell { levels: campaign.axes.iter().map(level).collect() }
}

/// The cells of the design, the baseline first, without those that are excluded.
pub fn cells(campaign: &Campaign) -> anyhow::Result<Vec<Cell>> {
    check_expressions(campaign)?;
    let base = baseline(campaign);
    let sizes: Vec<usize> = campaign.axes.iter().map(|axis| axis.values.len()).collect();
    let excluded = Excluded::new(campaign)?;
    let mut kept = Vec::new();
    let wanted = match campaign.design {
        Design::Full | Design::Adaptive => full(&sizes),
        Design::OneAtATime => one_at_a_time(&sizes, &base),
        Design::Pairs => {
            // pairs are covered by cells that can run
            let mut possible = Vec::new();
            for cell in full(&sizes) {
                if !excluded.holds(&cell)? {
                    possible.push(cell);
                }
            }
            pairs(&sizes, &possible)
        }
    };
    for cell in wanted {
        if cell != base && !excluded.holds(&cell)? {
            kept.push(cell);
        }
    }
    if excluded.holds(&base)? {
        return Err(UsageError::new(format!("the baseline {} is excluded", base.words(campaign)))
            .hint("name another one under [baseline]")
            .into());
    }
    kept.insert(0, base);
    Ok(kept)
}

fn full(sizes: &[usize]) -> Vec<Cell> {
    let mut cells = vec![Vec::new()];
    for &size in sizes {
        cells =
            cells.iter().flat_map(|cell| (0..size).map(move |level| [cell.as_slice(), &[level]].concat())).collect();
    }
    cells.into_iter().map(|levels| Cell { levels }).collect()
}

fn one_at_a_time(sizes: &[usize], base: &Cell) -> Vec<Cell> {
    let mut cells = vec![base.clone()];
    for (axis, &size) in sizes.iter().enumerate() {
        for level in (0..size).filter(|&level| level != base.levels[axis]) {
            let mut levels = base.levels.clone();
            levels[axis] = level;
            cells.push(Cell { levels });
        }
    }
    cells
}

/// A greedy covering: the possible cell that covers most uncovered pairs, again and again.
fn pairs(sizes: &[usize], possible: &[Cell]) -> Vec<Cell> {
    let of = |cell: &Cell| -> Vec<(usize, usize, usize, usize)> {
        let axes = 0..cell.levels.len();
        let levels = &cell.levels;
        axes.clone().flat_map(|a| (a + 1..sizes.len()).map(move |b| (a, levels[a], b, levels[b]))).collect()
    };
    if sizes.len() < 2 {
        return possible.to_vec();
    }
    let mut open: std::collections::BTreeSet<_> = possible.iter().flat_map(of).collect();
    let mut chosen = Vec::new();
    while !open.is_empty() {
        let covers = |cell: &&Cell| of(cell).iter().filter(|pair| open.contains(pair)).count();
        // the first of the best, so that the design is the same every time
        let best = possible.iter().rev().max_by_key(covers).expect("open pairs come from possible cells").clone();
        for pair in of(&best) {
            open.remove(&pair);
        }
        chosen.push(best);
    }
    chosen
}

/// The expressions of `exclude`, ready to be asked.
struct Excluded<'a> {
    campaign: &'a Campaign,
    environment: Environment<'a>,
}

impl<'a> Excluded<'a> {
    fn new(campaign: &'a Campaign) -> anyhow::Result<Self> {
        let mut environment = Environment::new();
        // a name that is no axis is a mistake, not an empty value
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        Ok(Excluded { campaign, environment })
    }

    fn holds(&self, cell: &Cell) -> anyhow::Result<bool> {
        let values: BTreeMap<String, minijinja::Value> = cell
            .values(self.campaign)
            .into_iter()
            .map(|(axis, value)| (axis.name.replace('-', "_"), minijinja::Value::from_serialize(value)))
            .collect();
        for text in &self.campaign.exclude {
            let told = |error: minijinja::Error| {
                let what = error.detail().map_or_else(|| error.to_string(), str::to_owned);
                UsageError::new(format!("exclude = {text:?}: {what}")).hint(format!(
                    "the names are {} (a dash becomes _); for instance \"nodes < 3 and oclass == 'SX'\"",
                    self.campaign.axes.iter().map(|axis| axis.name.replace('-', "_")).collect::<Vec<_>>().join(", ")
                ))
            };
            let expression = self.environment.compile_expression(text).map_err(told)?;
            if expression.eval(&values).map_err(told)?.is_true() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether the expressions can be read and name axes.
fn check_expressions(campaign: &Campaign) -> anyhow::Result<()> {
    let known: Vec<String> = campaign.axes.iter().map(|axis| axis.name.replace('-', "_")).collect();
    let excluded = Excluded::new(campaign)?;
    for text in &campaign.exclude {
        // an `and` may hide an unknown name from the baseline
        let names = excluded.environment.compile_expression(text).map(|e| e.undeclared_variables(false));
        if let Some(name) = names.into_iter().flatten().find(|name| !known.contains(name)) {
            return Err(UsageError::new(format!("exclude = {text:?}: {name:?} is no axis"))
                .hint(format!("the axes are {}", known.join(", ")))
                .into());
        }
    }
    excluded.holds(&baseline(campaign)).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::super::testing::campaign;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn full_is_the_product_without_what_is_excluded() {
        let all = cells(&campaign("", &[2, 3, 2])).unwrap();
        assert_eq!(all.len(), 12);
        assert_eq!(all[0].levels, [0, 0, 0]);
        let kept = cells(&campaign("exclude = [\"a0 == 1 and a1 > 0\"]", &[2, 3, 2])).unwrap();
        assert_eq!(kept.len(), 8);
        assert!(kept.iter().all(|cell| cell.levels[0] == 0 || cell.levels[1] == 0));
    }

    #[test]
    fn one_at_a_time_leaves_the_baseline_on_one_axis() {
        let found = cells(&campaign("design = \"one-at-a-time\"", &[2, 3, 4])).unwrap();
        assert_eq!(found.len(), 1 + 1 + 2 + 3);
        assert!(found.iter().all(|cell| cell.levels.iter().filter(|&&level| level != 0).count() <= 1));
    }

    #[test]
    fn an_expression_that_cannot_be_read_or_names_no_axis_is_an_error() {
        for (text, words) in
            [("a0 <", "exclude"), ("b == 3", "\"b\" is no axis"), ("a0 == 9 and b == 3", "\"b\" is no axis")]
        {
            let error = cells(&campaign(&format!("exclude = [\"{text}\"]"), &[2, 2])).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn an_excluded_baseline_is_an_error() {
        assert!(cells(&campaign("exclude = [\"a0 == 0\"]", &[2, 2])).unwrap_err().to_string().contains("baseline"));
    }

    #[test]
    fn the_name_of_a_cell_stays_when_values_are_added() {
        let (small, large) = (campaign("", &[2, 2]), campaign("", &[3, 4]));
        let cell = Cell { levels: vec![1, 1] };
        assert_eq!(cell.id(&small), cell.id(&large));
        let ids: std::collections::BTreeSet<String> =
            cells(&large).unwrap().iter().map(|cell| cell.id(&large)).collect();
        assert_eq!(ids.len(), 12);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pairs_holds_every_pair_with_fewer_cells(sizes in prop::collection::vec(1usize..5, 2..5)) {
            let found = cells(&campaign("design = \"pairs\"", &sizes)).unwrap();
            for a in 0..sizes.len() {
                for b in a + 1..sizes.len() {
                    for x in 0..sizes[a] {
                        for y in 0..sizes[b] {
                            prop_assert!(found.iter().any(|cell| cell.levels[a] == x && cell.levels[b] == y));
                        }
                    }
                }
            }
            prop_assert!(found.len() <= sizes.iter().product::<usize>() + 1);
        }
    }
}
