//! A day of the calendar, as token files and vendors write it: `2027-01-31`.

use std::fmt;

/// A day in UTC, 1970-01-01 to 9999-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u64);

const SECONDS: u64 = 86_400;
/// 9999-12-31.
const LAST: u64 = 2_932_896;
/// Days in 400 years, after which the calendar repeats itself.
const ERA: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: u64 = 719_468;

impl Day {
    /// The day that these Unix seconds are in, if it is one of the range.
    pub fn of(unix: u64) -> Option<Self> {
        let day = unix.checked_div(SECONDS)?;
        (day <= LAST).then_some(Self(day))
    }

    /// Reads `YYYY-MM-DD`. `None` for a day that isn't in the calendar.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut number = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            let plain = part.bytes().all(|b| b.is_ascii_digit());
            part.parse::<u64>().ok().filter(|_| plain)
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let parsed = Self::civil(year, month, day)?;
        // A day that the month doesn't have comes back as another.
        (parts.next().is_none() && parsed.to_string() == text).then_some(parsed)
    }

    /// Days since 1970-01-01.
    pub(crate) fn since_1970(self) -> u64 {
        self.0
    }

    /// The first Unix second after this day.
    pub fn end(self) -> u64 {
        self.0.saturating_add(1).saturating_mul(SECONDS)
    }

    /// The day after; the last of the calendar has none, and gives itself.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1).min(LAST))
    }

    /// How many days `earlier` was before this one; 0 if it wasn't earlier.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Years run from March here, so that the leap day is the last.
    fn civil(year: u64, month: u64, day: u64) -> Option<Self> {
        let year = year.checked_sub(u64::from(month <= 2))?;
        let month = month.checked_add(9)?.checked_rem(12)?;
        let of_year = month
            .checked_mul(153)?
            .checked_add(2)?
            .checked_div(5)?
            .checked_add(day)?
            .checked_sub(1)?;
        let leap = (year / 4)
            .checked_sub(year / 100)?
            .checked_add(year / 400)?;
        let days = year
            .checked_mul(365)?
            .checked_add(leap)?
            .checked_add(of_year)?;
        days.checked_sub(EPOCH).filter(|d| *d <= LAST).map(Self)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.saturating_add(EPOCH);
        let (era, of_era) = (days / ERA, days % ERA);
        let leaps = (of_era / 1460)
            .saturating_add(of_era / (ERA - 1))
            .saturating_sub(of_era / 36_524);
        let year_of_era = of_era.saturating_sub(leaps) / 365;
        let before = year_of_era
            .saturating_mul(365)
            .saturating_add(year_of_era / 4)
            .saturating_sub(year_of_era / 100);
        let of_year = of_era.saturating_sub(before);
        let from_march = of_year.saturating_mul(5).saturating_add(2) / 153;
        let first = from_march.saturating_mul(153).saturating_add(2) / 5;
        let day = of_year.saturating_sub(first).saturating_add(1);
        let month = (from_march.saturating_add(2) % 12).saturating_add(1);
        let year = era
            .saturating_mul(400)
            .saturating_add(year_of_era)
            .saturating_add(u64::from(month <= 2));
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (unix, text) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_767_225_600, "2026-01-01"),
            (4_107_542_400, "2100-03-01"),
            (253_402_214_400, "9999-12-31"),
        ] {
            let day = Day::of(unix).unwrap();
            assert_eq!(day.to_string(), text);
            assert_eq!(Day::parse(text), Some(day));
            assert_eq!(day.end(), unix + 86_400);
        }
        assert_eq!(Day::of(253_402_300_800), None);
    }

    #[test]
    fn what_is_no_day_is_none() {
        for text in [
            "",
            "2027",
            "2027-1-31",
            "2027-02-29",
            "2100-02-29",
            "2027-00-10",
            "2027-13-01",
            "2027-01-00",
            "2027-04-31",
            "1969-12-31",
            "2027-01-31-",
            "+027-01-31",
            "2027-01-31T00:00:00Z",
            "2027/01/31",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_day_reads_back(day in 0u64..=LAST) {
            let day = Day(day);
            prop_assert_eq!(Day::parse(&day.to_string()), Some(day));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,20}") {
            let _ = Day::parse(&text);
        }
    }
}
