//! Rows of measurements taken in turns.

use super::Result;

/// What one thing took, round for round.
#[derive(Debug, Clone, Default)]
pub(super) struct Series(Vec<f64>);

impl Series {
    /// The middle one.
    pub(super) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        match (sorted.get(half), sorted.len() % 2) {
            (None, _) => f64::NAN,
            (Some(upper), 1) => *upper,
            (Some(upper), _) => (sorted[half - 1] + upper) / 2.0,
        }
    }

    /// The median of the rounds' ratios.
    pub(super) fn over(&self, other: &Self) -> f64 {
        self.with(other, |own, other| own / other).median()
    }

    /// What each round took beyond another thing.
    pub(super) fn beyond(&self, other: &Self) -> Self {
        self.with(other, |own, other| own - other)
    }

    fn with(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(own, other)| of(*own, *other)).collect())
    }
}

/// Measures in turns, as many things as `work` knows by their numbers. Each round has an order
/// of its own, for everything pays for what the one before it left behind. The first two
/// rounds fill caches and don't count.
pub(super) fn in_turns<const N: usize>(
    rounds: usize,
    mut work: impl FnMut(usize, usize) -> Result<f64>,
) -> Result<[Series; N]> {
    let mut all: [Series; N] = std::array::from_fn(|_| Series::default());
    let mut order: [usize; N] = std::array::from_fn(|which| which);
    let mut dice = 1;
    for round in 0..rounds + 2 {
        shuffle(&mut order, &mut dice);
        for which in order {
            let took = work(which, round)?;
            if round >= 2 {
                all[which].0.push(took);
            }
        }
    }
    Ok(all)
}

/// Fisher and Yates's, with the dice of Knuth's MMIX: the same in each run.
fn shuffle(order: &mut [usize], dice: &mut u64) {
    for left in (1..order.len()).rev() {
        *dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = (*dice >> 33) % (left as u64 + 1);
        order.swap(left, usize::try_from(other).unwrap_or(left));
    }
}
