//! What is printed.

use super::series::Series;

/// What pam_fob must reach.
#[derive(Debug, Clone, Copy)]
pub(super) enum Budget {
    /// This or less.
    AtMost(f64),
    /// This or more.
    AtLeast(f64),
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Row {
    what: String,
    ours: f64,
    budget: Budget,
    /// google-authenticator and oath.
    peers: [Option<f64>; 2],
    counts: bool,
}

impl Row {
    /// A row of ratios.
    pub(super) fn ratio(what: &str, ours: f64, budget: Budget, peers: [Option<f64>; 2]) -> Self {
        Self {
            what: what.into(),
            ours,
            budget,
            peers,
            counts: false,
        }
    }

    /// A row of numbers of things.
    pub(super) fn count(what: String, counts: [usize; 3], most: usize) -> Self {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        Self {
            what,
            ours: number(counts[0]),
            budget: Budget::AtMost(number(most)),
            peers: [Some(number(counts[1])), Some(number(counts[2]))],
            counts: true,
        }
    }

    /// Whether pam_fob reaches what it must.
    pub(super) fn is_kept(&self) -> bool {
        match self.budget {
            Budget::AtMost(limit) => self.ours <= limit,
            Budget::AtLeast(limit) => self.ours >= limit,
        }
    }

    fn print(&self) {
        let number = |value: f64| match self.counts {
            true => format!("{value:.0}"),
            false => format!("{value:.2}"),
        };
        let budget = match self.budget {
            Budget::AtMost(limit) => format!("<= {}", number(limit)),
            Budget::AtLeast(limit) => format!(">= {}", number(limit)),
        };
        let [google, oath] = self.peers.map(|peer| peer.map_or("-".into(), number));
        let verdict = if self.is_kept() { "ok" } else { "MISSED" };
        let (what, ours) = (&self.what, number(self.ours));
        println!("{what:<58} {ours:>7} {budget:>8} {verdict:<6} {google:>7} {oath:>7}");
    }
}

/// A line that helps to understand the table.
#[derive(Debug)]
pub(super) struct Remark(String);

impl Remark {
    /// Some words and a number.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// What things take at the median, in microseconds.
    pub(super) fn medians(what: &str, names: &[&str], series: &[&Series]) -> Self {
        let each = names.iter().zip(series);
        let each = each.map(|(name, series)| format!("{name} {:.0}", series.median()));
        let all = each.collect::<Vec<_>>().join(", ");
        Self(format!("{what}: {all} us"))
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
    remarks: Vec<Remark>,
}

impl Table {
    /// Adds a row.
    pub(super) fn row(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Adds a remark.
    pub(super) fn remark(&mut self, remark: Remark) {
        self.remarks.push(remark);
    }

    /// Prints everything. Says whether all budgets were kept.
    pub(super) fn print(&self) -> bool {
        let head = ["pam_fob", "budget", "", "google", "oath"];
        let [ours, budget, verdict, google, oath] = head;
        println!(
            "\n{:<58} {ours:>7} {budget:>8} {verdict:<6} {google:>7} {oath:>7}",
            ""
        );
        self.rows.iter().for_each(Row::print);
        println!("\nMedians, for orientation:");
        self.remarks
            .iter()
            .for_each(|Remark(text)| println!("  {text}"));
        self.rows.iter().all(Row::is_kept)
    }
}
