//! How guessing is bounded: a wait for each source, and a total for good.
//!
//! RFC 4226 section 7.3 and NIST SP 800-63B. Counted for a person, across all sessions.
//! Waits run on the boot clock, which nobody can set; after a reboot a remaining wait
//! starts again.

use crate::{Now, Source, ThrottlePolicy};

/// How many sources with failures are told apart; newcomers beyond share one bucket.
pub const MAX_SOURCES: usize = 32;
/// How many sources that succeeded are remembered; their places in the table are kept.
const MAX_KNOWN: usize = 8;
/// How many other sources are told apart: one more place is the crowd's.
const MAX_STRANGERS: usize = MAX_SOURCES - MAX_KNOWN - 1;
/// The first wait, in seconds; it doubles with each failure.
const FIRST_WAIT: u64 = 5;
/// A source that was silent for a day starts afresh. The totals go on counting.
const FORGET_AFTER: u64 = 86_400;
/// The strangers' total falls by one in this many seconds: ten a day.
const STRANGER_FADES: u64 = 8_640;

/// Whether an attempt may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Free,
    /// Not for so many seconds.
    Wait(u32),
    /// Not until `fob unlock`, or for a stranger until the total has fallen.
    Locked,
}

/// The failures of a person's tokens, by source and in all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Throttle {
    /// The boot that the times below belong to.
    pub(crate) boot_id: [u8; 16],
    /// Boot seconds up to which the strangers' total has fallen.
    pub(crate) faded: u64,
    /// Failures from sources that never succeeded.
    pub(crate) strangers: u16,
    /// Failures from sources that did, since the last success.
    pub(crate) known_failures: u16,
    /// The lifetime is used up.
    pub(crate) locked: bool,
    /// Sources with failures.
    pub(crate) sources: Vec<Failures>,
    /// The last sources that succeeded, newest last.
    pub(crate) known: Vec<Source>,
}

/// The failures of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failures {
    pub(crate) source: Source,
    pub(crate) count: u16,
    /// Boot seconds of the last one.
    pub(crate) last: u64,
}

impl Throttle {
    /// Brings the times up to `now`. Called before anything else. Whether any was of an earlier
    /// boot: unless that is written, waits start again the next time too.
    pub fn refresh(&mut self, now: &Now) -> bool {
        let is_rebooted = self.rebase(now);
        self.sources
            .retain(|failures| now.boot.saturating_sub(failures.last) < FORGET_AFTER);
        let fallen = now
            .boot
            .saturating_sub(self.faded)
            .checked_div(STRANGER_FADES)
            .unwrap_or(0);
        self.strangers = self
            .strangers
            .saturating_sub(u16::try_from(fallen).unwrap_or(u16::MAX));
        self.faded = self
            .faded
            .saturating_add(fallen.saturating_mul(STRANGER_FADES));
        is_rebooted
    }

    /// Takes what an earlier boot noted as noted now. Whether there was any.
    fn rebase(&mut self, now: &Now) -> bool {
        // A boot without an id is taken for the one before: not every caller sees /proc, and
        // one that doesn't would make everybody's wait start again.
        let is_named = now.boot_id != [0; 16];
        if is_named && self.boot_id != now.boot_id {
            self.boot_id = now.boot_id;
            self.faded = now.boot;
            self.sources
                .iter_mut()
                .for_each(|failures| failures.last = now.boot);
            return true;
        }
        // A boot without an id: what lies in the future was noted by an earlier boot.
        let times = self.sources.iter_mut().map(|failures| &mut failures.last);
        let mut is_any = false;
        for time in times.chain([&mut self.faded]) {
            if *time > now.boot {
                *time = now.boot;
                is_any = true;
            }
        }
        is_any
    }

    /// Whether an attempt from `source` may be looked at now.
    pub fn standing(&self, policy: ThrottlePolicy, now: &Now, source: Source) -> Standing {
        let total = self.strangers.saturating_add(self.known_failures);
        let used_up = if self.is_known(source) {
            total >= policy.lifetime && self.known_failures >= policy.kept_for_known()
        } else {
            total >= policy.lifetime || self.strangers >= policy.open_to_strangers()
        };
        if self.locked || used_up {
            return Standing::Locked;
        }
        let bucket = self.bucket(source);
        let Some(failures) = self
            .sources
            .iter()
            .find(|failures| failures.source == bucket)
        else {
            return Standing::Free;
        };
        match failures.ready_at(policy).saturating_sub(now.boot) {
            0 => Standing::Free,
            left => Standing::Wait(u32::try_from(left).unwrap_or(u32::MAX)),
        }
    }

    /// Counts a failure of `source`.
    pub(crate) fn fail(&mut self, policy: ThrottlePolicy, now: &Now, source: Source) {
        if self.is_known(source) {
            self.known_failures = self.known_failures.saturating_add(1);
        } else if !source.is_masked() {
            self.strangers = self.strangers.saturating_add(1);
        }
        self.locked |= self.strangers.saturating_add(self.known_failures) >= policy.lifetime
            && self.known_failures >= policy.kept_for_known();
        let bucket = self.bucket(source);
        match self
            .sources
            .iter_mut()
            .find(|failures| failures.source == bucket)
        {
            Some(failures) => {
                failures.count = failures.count.saturating_add(1);
                failures.last = now.boot;
            }
            None => self.list(bucket, now),
        }
    }

    /// A success clears its own source and breaks the row of known failures. What
    /// strangers did goes on counting. Called on a throttle in which it is no failure.
    pub(crate) fn succeed(&mut self, source: Source) {
        let own = self
            .sources
            .iter()
            .find(|failures| failures.source == source);
        if let Some(own) = own.filter(|_| !self.is_known(source)) {
            self.strangers = self.strangers.saturating_sub(own.count);
        }
        self.sources.retain(|failures| failures.source != source);
        self.known_failures = 0;
        self.known.retain(|known| *known != source);
        self.known.push(source);
        let surplus = self.known.len().saturating_sub(MAX_KNOWN);
        self.known.drain(..surplus);
    }

    /// `fob unlock`: forgets every failure. Sources that succeeded stay known.
    pub fn unlock(&mut self) {
        *self = Self {
            known: std::mem::take(&mut self.known),
            ..Self::default()
        };
    }

    /// Failures that count against the lifetime.
    pub fn failures(&self) -> u32 {
        u32::from(self.strangers).saturating_add(u32::from(self.known_failures))
    }

    /// Whether only `fob unlock` helps.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// Sources with failures, how many, and how long each must wait, in seconds.
    pub fn sources(&self, policy: ThrottlePolicy, now: &Now) -> Vec<(Source, u16, u64)> {
        let wait = |failures: &Failures| failures.ready_at(policy).saturating_sub(now.boot);
        self.sources
            .iter()
            .map(|f| (f.source, f.count, wait(f)))
            .collect()
    }

    fn is_known(&self, source: Source) -> bool {
        self.known.contains(&source)
    }

    /// Where the failures of `source` are counted. A source that succeeded is never put
    /// among strangers. Nor is a dummy's: one name's failures must not make another wait.
    fn bucket(&self, source: Source) -> Source {
        let listed = self
            .sources
            .iter()
            .any(|failures| failures.source == source);
        let strangers = self
            .sources
            .iter()
            .filter(|failures| !self.is_known(failures.source));
        let full = strangers.count() >= MAX_STRANGERS;
        if full && !listed && !self.is_known(source) && !source.is_masked() {
            Source::CROWD_SOURCE
        } else {
            source
        }
    }

    /// Lists a source. In a full table the oldest that is no known one makes room.
    fn list(&mut self, source: Source, now: &Now) {
        if self.sources.len() >= MAX_SOURCES {
            let others = self
                .sources
                .iter()
                .filter(|failures| !self.is_known(failures.source));
            let oldest = others
                .min_by_key(|failures| failures.last)
                .map(|oldest| oldest.source);
            self.sources
                .retain(|failures| Some(failures.source) != oldest);
        }
        self.sources.push(Failures {
            source,
            count: 1,
            last: now.boot,
        });
    }
}

impl Failures {
    /// Boot seconds from which the next attempt is looked at:
    /// min(max_wait, 5 s · 2^(n − free)) after the last failure.
    fn ready_at(&self, policy: ThrottlePolicy) -> u64 {
        let Some(doublings) = self.count.checked_sub(policy.free) else {
            return 0;
        };
        let factor = 1u64.checked_shl(u32::from(doublings)).unwrap_or(u64::MAX);
        let wait = FIRST_WAIT
            .saturating_mul(factor)
            .min(u64::from(policy.max_wait));
        self.last.saturating_add(wait)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::Policy;

    const BOOT: [u8; 16] = [1; 16];

    fn at(boot: u64) -> Now {
        Now {
            unix: 1_800_000_000,
            boot,
            boot_id: BOOT,
        }
    }

    fn policy() -> ThrottlePolicy {
        Policy::default().throttle
    }

    fn address(n: usize) -> Source {
        Source::remote(&format!("192.0.2.{n}"))
    }

    /// Tries as often as it is let, for `seconds`; says how often it was looked at.
    fn hammer(throttle: &mut Throttle, source: Source, from: u64, seconds: u64) -> u32 {
        let mut evaluated = 0;
        for second in from..from + seconds {
            throttle.refresh(&at(second));
            while throttle.standing(policy(), &at(second), source) == Standing::Free {
                throttle.fail(policy(), &at(second), source);
                evaluated += 1;
                assert!(evaluated < 1_000, "no end to it");
            }
        }
        evaluated
    }

    /// P10, R3.
    #[test]
    fn waits_double_after_the_free_failures() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        let mut waits = Vec::new();
        for _ in 0..14 {
            throttle.fail(policy(), &at(0), address(1));
            match throttle.standing(policy(), &at(0), address(1)) {
                Standing::Wait(seconds) => waits.push(seconds),
                standing => assert_eq!(standing, Standing::Free),
            }
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        let sources = throttle.sources(policy(), &at(100));
        assert_eq!(sources, [(address(1), 14, 800)]);
        assert_eq!(
            throttle.standing(policy(), &at(899), address(1)),
            Standing::Wait(1)
        );
        assert_eq!(
            throttle.standing(policy(), &at(900), address(1)),
            Standing::Free
        );
        assert_eq!(
            throttle.standing(policy(), &at(0), address(2)),
            Standing::Free
        );
    }

    /// P10: one address that never stops gets few tries a day.
    #[test]
    fn one_source_is_slowed_to_a_trickle() {
        let evaluated = hammer(&mut Throttle::default(), address(1), 0, 86_400);
        assert!(evaluated <= 80 + 10, "{evaluated}");
    }

    /// P10, T18: a thousand addresses have no more than the total between them.
    #[test]
    fn strangers_cannot_lock_the_owner_out() {
        let mut throttle = Throttle::default();
        let home = address(250);
        throttle.refresh(&at(0));
        throttle.succeed(home);
        let mut evaluated = 0;
        for n in 0..200 {
            evaluated += hammer(&mut throttle, address(n), 0, 10);
        }
        assert_eq!(evaluated, 80);
        assert_eq!(
            throttle.standing(policy(), &at(0), address(1)),
            Standing::Locked
        );
        assert_eq!(throttle.standing(policy(), &at(0), home), Standing::Free);
        assert!(!throttle.is_locked());
    }

    /// R8: at most 100 in a row, then only `fob unlock` helps.
    #[test]
    fn lifetime_ends_in_a_lock_that_only_unlock_lifts() {
        let mut throttle = Throttle::default();
        let home = address(250);
        throttle.refresh(&at(0));
        throttle.succeed(home);
        let mut second = 0;
        let mut evaluated = 0;
        while !throttle.is_locked() {
            evaluated += hammer(&mut throttle, home, second, 900);
            second += 900;
            assert!(second < 1_000_000, "no end to it");
        }
        assert_eq!(evaluated, 100);
        throttle.refresh(&at(second + 30 * 86_400));
        assert_eq!(
            throttle.standing(policy(), &at(second), home),
            Standing::Locked
        );
        throttle.unlock();
        assert_eq!(
            throttle.standing(policy(), &at(second), home),
            Standing::Free
        );
        assert_eq!(throttle.failures(), 0);
        assert_eq!(throttle.known, [home]);
    }

    #[test]
    fn strangers_total_falls_by_ten_a_day() {
        let mut throttle = Throttle::default();
        for n in 0..80 {
            throttle.refresh(&at(0));
            throttle.fail(policy(), &at(0), address(n));
        }
        throttle.refresh(&at(86_400));
        assert_eq!(throttle.failures(), 70);
    }

    /// Threats 4.3: a reboot doesn't shorten a wait.
    #[test]
    fn wait_starts_again_after_a_reboot() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(5000));
        for _ in 0..6 {
            throttle.fail(policy(), &at(5000), address(1));
        }
        let rebooted = Now {
            boot_id: [2; 16],
            ..at(3)
        };
        throttle.refresh(&rebooted);
        assert_eq!(
            throttle.standing(policy(), &rebooted, address(1)),
            Standing::Wait(10)
        );
        // Also when that boot is already older than the other was.
        let rebooted = Now {
            boot_id: [3; 16],
            ..at(6000)
        };
        throttle.refresh(&rebooted);
        assert_eq!(
            throttle.standing(policy(), &rebooted, address(1)),
            Standing::Wait(10)
        );
    }

    #[test]
    fn source_that_was_silent_for_a_day_starts_afresh() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(5000));
        throttle.fail(policy(), &at(5000), address(1));
        throttle.refresh(&at(5000 + 86_399));
        assert_eq!(throttle.sources.len(), 1);
        throttle.refresh(&at(5000 + 86_400));
        assert_eq!(throttle.sources.len(), 0);
    }

    /// P10: failures that strangers are to blame for leave the owner the last twenty.
    #[test]
    fn total_that_strangers_used_up_stops_no_known_source() {
        let mut throttle = Throttle::default();
        let home = address(250);
        throttle.refresh(&at(0));
        throttle.succeed(home);
        for n in 0..95 {
            throttle.fail(policy(), &at(0), address(n));
        }
        for _ in 0..19 {
            throttle.fail(policy(), &at(0), home);
        }
        assert!(!throttle.is_locked());
        assert_eq!(throttle.standing(policy(), &at(900), home), Standing::Free);
        throttle.fail(policy(), &at(900), home);
        assert!(throttle.is_locked());
    }

    /// P10: a caller that can't read the boot's id starts nobody's wait again, and lets the
    /// strangers' total fall as ever.
    #[test]
    fn boot_without_an_id_is_no_other_boot() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(5000));
        for _ in 0..6 {
            throttle.fail(policy(), &at(5000), address(1));
        }
        let nameless = |boot| Now {
            boot_id: [0; 16],
            ..at(boot)
        };
        throttle.refresh(&nameless(5009));
        throttle.refresh(&at(5010));
        let standing = throttle.standing(policy(), &at(5010), address(1));
        assert_eq!(standing, Standing::Free);
        throttle.refresh(&nameless(5000 + 8_640));
        throttle.refresh(&at(5000 + 8_640));
        assert_eq!(throttle.failures(), 5);
    }

    #[test]
    fn full_table_puts_newcomers_into_one_bucket() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        for n in 0..60 {
            throttle.fail(policy(), &at(0), address(n));
        }
        // 8 of the 32 are for sources that succeeded, and one is the crowd's.
        assert_eq!(throttle.sources.len(), 24);
        assert!(matches!(
            throttle.standing(policy(), &at(0), address(99)),
            Standing::Wait(_)
        ));
        assert_eq!(
            throttle.standing(policy(), &at(0), address(3)),
            Standing::Free
        );
    }

    /// P10: a crowd of strangers makes no source wait that succeeded before, however many
    /// sources there are, and the table never outgrows the ledger.
    #[test]
    fn known_source_never_waits_for_the_crowd() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        for home in 200..220 {
            throttle.succeed(address(home));
            throttle.fail(policy(), &at(0), address(home));
            for n in 0..4 {
                throttle.fail(policy(), &at(0), address(home * 4 % 100 + n));
            }
            assert_eq!(
                throttle.standing(policy(), &at(0), address(home)),
                Standing::Free
            );
            assert!(throttle.sources.len() <= MAX_SOURCES);
        }
    }

    /// What there is room for isn't forgotten: every stranger of a full table, beside those who
    /// succeeded and the crowd.
    #[test]
    fn full_table_forgets_nobody() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        for n in 0..60 {
            throttle.fail(policy(), &at(0), address(n));
        }
        for home in 200..208 {
            throttle.succeed(address(home));
            throttle.fail(policy(), &at(0), address(home));
        }
        assert_eq!(throttle.sources.len(), MAX_SOURCES);
        let counts = throttle.sources.iter().map(|failures| failures.count);
        assert_eq!(counts.sum::<u16>(), 60 + 8);
    }

    #[test]
    fn last_eight_sources_that_succeeded_are_known() {
        let mut throttle = Throttle::default();
        for n in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 5] {
            throttle.succeed(address(n));
        }
        assert_eq!(throttle.known, [2, 3, 4, 6, 7, 8, 9, 5].map(address));
    }

    /// P13: names that share a dummy ledger neither wait for nor lock one another.
    #[test]
    fn names_of_a_dummy_ledger_know_nothing_of_each_other() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        for n in 0..500 {
            throttle.fail(policy(), &at(0), address(1).masked(&format!("name{n}")));
        }
        assert_eq!(throttle.sources.len(), MAX_SOURCES);
        let standing = throttle.standing(policy(), &at(0), address(1).masked("other"));
        assert_eq!(standing, Standing::Free);
    }

    #[test]
    fn success_clears_its_own_source_and_no_other() {
        let mut throttle = Throttle::default();
        throttle.refresh(&at(0));
        for _ in 0..4 {
            throttle.fail(policy(), &at(0), address(1));
        }
        throttle.fail(policy(), &at(0), address(2));
        throttle.succeed(address(1));
        assert_eq!(throttle.failures(), 1);
        assert_eq!(throttle.sources.len(), 1);
    }
}
