//! Times of the week: `Mon-Fri 08:00-18:00`.

const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;
/// From Monday to 1970-01-01, a Thursday.
const MONDAY: i64 = 3 * 24 * 60;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A minute of the week. 0 is Monday at midnight, 10079 the last of Sunday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute(u16);

/// A part of each day named, or of every day. One whose end isn't later than its start goes
/// on until the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    days: [bool; 7],
    start: u16,
    /// In minutes; 1 to 1440.
    length: u16,
}

impl Minute {
    /// The minute of a local time, in seconds since 1970-01-01 00:00 of the zone's own
    /// clock.
    pub fn of_local(seconds: i64) -> Self {
        let minutes = seconds
            .div_euclid(60)
            .saturating_add(MONDAY)
            .rem_euclid(i64::from(WEEK));
        Self(u16::try_from(minutes).unwrap_or_default())
    }
}

impl Span {
    /// Reads `[DAY[-DAY][,…]] HH:MM-HH:MM`; days are the first three letters in English,
    /// the end may be 24:00. `None` if it isn't one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (days, hours) = match text.rsplit_once(' ') {
            Some((days, hours)) => (days_of(days.trim())?, hours),
            None => ([true; 7], text),
        };
        let (start, end) = hours.split_once('-')?;
        let (start, end) = (clock(start)?, clock(end)?);
        let length = match end.checked_sub(start) {
            None | Some(0) => end.saturating_add(DAY).saturating_sub(start),
            Some(length) => length,
        };
        (start < DAY).then_some(Self {
            days,
            start,
            length,
        })
    }

    /// Whether the minute is in it.
    pub fn contains(&self, minute: Minute) -> bool {
        let starts = (0u16..).map(|day| day.saturating_mul(DAY).saturating_add(self.start));
        let days = self.days.iter().zip(starts).filter(|(named, _)| **named);
        days.map(|(_, start)| start).any(|start| {
            let since = minute.0.saturating_add(WEEK).saturating_sub(start) % WEEK;
            since < self.length
        })
    }
}

fn days_of(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first.trim())?, day(last.trim())?);
        for (number, named) in days.iter_mut().enumerate() {
            *named |= if first <= last {
                (first..=last).contains(&number)
            } else {
                number >= first || number <= last
            };
        }
    }
    Some(days)
}

fn day(text: &str) -> Option<usize> {
    DAYS.iter().position(|day| day.eq_ignore_ascii_case(text))
}

/// Minutes since midnight of `HH:MM`, up to 24:00.
fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u16>().ok().filter(|_| plain)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let whole = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && whole <= DAY).then_some(whole)
}
