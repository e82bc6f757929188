//! Whether an attempt lets a person in. Total: every attempt gets an answer, and no
//! answer is open before the ledger that belongs to it has been written.
//!
//! **The rule against replay.** A token's floor is the lowest counter still acceptable.
//! A match at *c* sets the floor to *c* + 1. HOTP looks at the counters from the floor on,
//! TOTP at the steps round now, from the floor on: a spent code is outside the range, so
//! there is no check to forget. The floor never falls.

use subtle::{Choice, ConstantTimeEq};

use crate::ledger::MAX_DRIFT;
use crate::{
    Acceptance, Attempt, Bypass, Code, Counter, Kind, Ledger, Notice, Now, Policy, Reason,
    RecoveryDigest, RecoverySet, Refusal, Source, Standing, Token, Verdict, step,
};

/// How far back an HOTP code is recognised as spent rather than wrong.
const HOTP_LOOK_BACK: i64 = 10;
/// For so many seconds after its use a spent code that comes again counts once.
const REPLAY_GRACE: u64 = 60;
/// How much of `PAM_RHOST` is kept for the notice.
const MAX_FROM: usize = 64;

/// What an attempt is held against: what the person is enrolled with.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The person's tokens.
    pub tokens: &'a [Token],
    /// The person's recovery codes.
    pub recovery: Option<&'a RecoverySet>,
    /// What was typed, stretched with that set's salt, if it looks like a recovery code.
    pub stretched: Option<&'a RecoveryDigest>,
    /// Whether the person as a whole is disabled: then nothing lets them in.
    pub disabled: bool,
}

/// Whether an attempt may be looked at.
#[derive(Debug)]
pub enum Admission {
    /// It may, once it is written down as failed.
    Debit(Box<Debit>),
    /// It may not; nothing is written.
    Refused(Refusal),
}

/// A ledger in which the attempt already counts as a failure. Must be written before the
/// attempt is looked at: one that is never seen to fail can't be tried for free.
#[derive(Debug)]
pub struct Debit {
    before: Ledger,
    after: Ledger,
    source: Source,
    /// Why codes may not be looked at; a recovery code may.
    barred: Option<Refusal>,
}

/// Proof that the debit was written.
#[derive(Debug)]
pub struct Debited(Debit);

impl Debit {
    /// Hands the ledger to `write`; its success is the proof. No sync is needed: a killed
    /// process keeps its page cache, and an accept is synced.
    ///
    /// # Errors
    /// Those of `write`: the attempt is refused without having been looked at.
    pub fn settle<E>(self, write: impl FnOnce(&Ledger) -> Result<(), E>) -> Result<Debited, E> {
        write(&self.after).map(|()| Debited(self))
    }
}

/// Judges whether the attempt may be looked at, and counts it as failed in advance.
///
/// Recovery codes are never throttled; what can also be read as one (a joined answer) is then
/// looked at as a recovery code alone. A malformed attempt is admitted like any other, so
/// that it costs the same, but counts nowhere.
pub fn admit(
    policy: &Policy,
    mut ledger: Ledger,
    now: &Now,
    source: Source,
    from: &str,
    attempt: &Attempt,
) -> Admission {
    ledger.throttle.refresh(now);
    let barred = match ledger.throttle.standing(policy.throttle, now, source) {
        Standing::Free => None,
        Standing::Wait(wait) => Some(Refusal {
            reason: Reason::Throttled,
            wait,
        }),
        Standing::Locked => Some(Reason::Locked.into()),
    };
    if let Some(refusal) = barred.filter(|_| attempt.recovery().is_none()) {
        return Admission::Refused(refusal);
    }
    let mut after = ledger.clone();
    if attempt.has_code() && barred.is_none() {
        after.throttle.fail(policy.throttle, now, source);
    }
    if !attempt.is_malformed() {
        after.notice = Notice {
            failures: after.notice.failures.saturating_add(1),
            at: now.unix,
            from: from
                .chars()
                .filter(char::is_ascii_graphic)
                .take(MAX_FROM)
                .collect(),
        };
    }
    Admission::Debit(Box::new(Debit {
        before: ledger,
        after,
        source,
        barred,
    }))
}

/// How a ledger must be written before its decision can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// In the file; a power cut may take it back.
    Written,
    /// On the disk.
    Synced,
}

/// A sealed decision. Success without a durable ledger does not compile.
#[derive(Debug)]
pub struct Decision {
    verdict: Verdict,
    /// The ledger that belongs to it; none if the debit already says it all.
    next: Option<Ledger>,
}

impl Decision {
    /// Opens the decision: `write` gets the ledger and how it must be written. A refusal
    /// whose debit says it all needs no write.
    ///
    /// # Errors
    /// Those of `write`. The verdict is then lost, whatever it was.
    pub fn settle<E>(
        self,
        write: impl FnOnce(&Ledger, Durability) -> Result<(), E>,
    ) -> Result<Verdict, E> {
        let durability = match self.verdict {
            Verdict::Accepted(_) => Durability::Synced,
            Verdict::Refused(_) => Durability::Written,
        };
        if let Some(next) = &self.next {
            write(next, durability)?;
        }
        Ok(self.verdict)
    }
}

/// Decides on an attempt that has been debited.
///
/// All positions and all tokens are computed, and compared in constant time.
pub fn decide(
    policy: &Policy,
    evidence: Evidence<'_>,
    debited: Debited,
    now: &Now,
    attempt: &Attempt,
) -> Decision {
    let Debited(debit) = debited;
    let findings: Vec<Finding<'_>> = evidence
        .tokens
        .iter()
        .filter_map(|token| find(policy, &debit.after, now, attempt, token))
        .collect();
    let recovered = evidence
        .recovery
        .zip(evidence.stretched)
        .and_then(|(set, typed)| set.position(typed).map(|position| (set, position)));

    if recovered.is_some() && evidence.disabled {
        return refuse(Reason::Disabled);
    }
    if let Some((set, position)) = recovered {
        return recover(debit, now, set, position);
    }
    if let Some(refusal) = debit.barred.filter(|_| attempt.has_code()) {
        return refuse(refusal);
    }
    let acceptable = findings.iter().find(|finding| finding.reason.is_none());
    let bypass = bypassed(&debit.after, now, attempt);
    if evidence.disabled && (acceptable.is_some() || bypass.is_some()) {
        return refuse(Reason::Disabled);
    }
    if let Some(finding) = acceptable {
        return accept(debit, now, evidence.tokens, finding);
    }
    if let Some(None) = bypass {
        return use_bypass(debit, now);
    }
    if let Some(finding) = findings.iter().find(|f| f.reason == Some(Reason::Spent)) {
        return spent(debit, now, finding);
    }
    refuse(
        findings
            .first()
            .and_then(|f| f.reason)
            .or(bypass.flatten())
            .unwrap_or_else(|| no_match(evidence, now, attempt)),
    )
}

/// Where a code that a person types at enrolment stands, so that it can be spent: the
/// floor above it and the drift that it shows. No throttle, no ledger but `ledger`'s floor.
pub fn confirm(
    policy: &Policy,
    token: &Token,
    ledger: &Ledger,
    now: &Now,
    attempt: &Attempt,
) -> Option<(Counter, i32)> {
    let finding = find(policy, ledger, now, attempt, token).filter(|f| f.reason.is_none())?;
    Some((finding.floor, finding.drift))
}

/// A token that shows the code at one of the positions looked at.
struct Finding<'a> {
    token: &'a Token,
    counter: Counter,
    floor: Counter,
    drift: i32,
    /// Why it is refused all the same.
    reason: Option<Reason>,
}

/// The positions of a token that are looked at, and what drift each would mean.
struct Range {
    first: Counter,
    last: Counter,
    /// The step of the machine's clock; none for HOTP.
    expected: Option<Counter>,
    /// What the drift stays near.
    base: i32,
}

impl Range {
    fn new(policy: &Policy, ledger: &Ledger, now: &Now, token: &Token) -> Option<Self> {
        match token.kind {
            Kind::Hotp { .. } => {
                let floor = ledger.floor(token);
                Some(Self {
                    first: floor.moved(HOTP_LOOK_BACK.saturating_neg()),
                    last: floor.moved(i64::from(policy.look_ahead)),
                    expected: None,
                    base: 0,
                })
            }
            Kind::Totp { period, t0 } => {
                let expected = step(now.unix, t0, period)?;
                let drift = ledger.entry(token.key()).map_or(0, |entry| entry.drift);
                let center = expected.moved(i64::from(drift));
                let window = i64::from(policy.window);
                Some(Self {
                    first: center.moved(window.saturating_neg()),
                    last: center.moved(window),
                    expected: Some(expected),
                    base: ledger.base(token.key()),
                })
            }
        }
    }

    fn drift(&self, counter: Counter) -> i32 {
        let offset = self
            .expected
            .map_or(0, |expected| counter.offset_from(expected));
        let least = self.base.saturating_sub(MAX_DRIFT);
        let most = self.base.saturating_add(MAX_DRIFT);
        i32::try_from(offset).map_or(self.base, |offset| offset.clamp(least, most))
    }
}

/// Compares the attempt with every position of `token`. An acceptable one is preferred
/// to a spent one.
fn find<'a>(
    policy: &Policy,
    ledger: &Ledger,
    now: &Now,
    attempt: &Attempt,
    token: &'a Token,
) -> Option<Finding<'a>> {
    let range = Range::new(policy, ledger, now, token)?;
    let floor = ledger.floor(token);
    let untypable = Code::untypable(token.digits);
    let typed = attempt.code(token.digits).unwrap_or(&untypable);
    let matches: Vec<(Counter, Choice)> = (range.first.0..=range.last.0)
        .map(Counter)
        .map(|counter| (counter, token.code(counter).ct_eq(typed)))
        .collect();
    let counter = |spent: bool| {
        let hit = matches
            .iter()
            .find(|(counter, hit)| bool::from(*hit) && (*counter < floor) == spent);
        hit.map(|(counter, _)| *counter)
    };
    let (counter, spent) = counter(false)
        .map(|c| (c, false))
        .or_else(|| counter(true).map(|c| (c, true)))?;
    let next = counter.next();
    let reason = if token.disabled {
        Some(Reason::Disabled)
    } else if matches!(token.kind, Kind::Totp { .. }) && !now.clock_is_set() {
        Some(Reason::ClockUnset)
    } else if spent || next.is_none() {
        Some(Reason::Spent)
    } else {
        None
    };
    Some(Finding {
        token,
        counter,
        floor: next.unwrap_or(counter),
        drift: range.drift(counter),
        reason,
    })
}

fn accept(debit: Debit, now: &Now, enrolled: &[Token], finding: &Finding<'_>) -> Decision {
    let mut next = debit.after;
    next.make_room(enrolled, now);
    if !next.raise_floor(finding.token, finding.floor, finding.drift, now) {
        return refuse(Reason::NoRoom);
    }
    let acceptance = Acceptance {
        token: finding.token.id.clone(),
        counter: Some(finding.counter),
        drift: finding.drift,
        digits: Some(finding.token.digits),
        notice: debit.before.notice,
        recovery_left: None,
        issued_by: None,
    };
    succeed(next, debit.source, now, acceptance)
}

/// Whether the code is the person's bypass code, and if so why it is refused all the same.
fn bypassed(ledger: &Ledger, now: &Now, attempt: &Attempt) -> Option<Option<Reason>> {
    let bypass = ledger.bypass.as_ref()?;
    let mut hits = attempt.codes().iter().map(|typed| bypass.is(typed));
    hits.any(bool::from).then(|| bypass.ended(now))
}

fn use_bypass(debit: Debit, now: &Now) -> Decision {
    let mut next = debit.after;
    let mut issued_by = None;
    if let Some(bypass) = &mut next.bypass {
        bypass.uses = bypass.uses.saturating_sub(1);
        issued_by = Some(bypass.by.clone());
    }
    let acceptance = Acceptance {
        token: "bypass".into(),
        counter: None,
        drift: 0,
        digits: Some(Bypass::digits()),
        notice: debit.before.notice,
        recovery_left: None,
        issued_by,
    };
    succeed(next, debit.source, now, acceptance)
}

fn recover(debit: Debit, now: &Now, set: &RecoverySet, position: usize) -> Decision {
    let mut next = debit.after;
    let before = next.spent_recovery(set.id);
    next.spend_recovery(set.id, position);
    let after = next.spent_recovery(set.id);
    if before == after {
        return refuse(Reason::Spent);
    }
    let spent = usize::try_from(after.count_ones()).unwrap_or(usize::MAX);
    let acceptance = Acceptance {
        token: "recovery".into(),
        counter: None,
        drift: 0,
        digits: None,
        notice: debit.before.notice,
        recovery_left: Some(set.digests.len().saturating_sub(spent)),
        issued_by: None,
    };
    succeed(next, debit.source, now, acceptance)
}

/// The one place where an acceptance becomes a decision.
fn succeed(mut next: Ledger, source: Source, now: &Now, acceptance: Acceptance) -> Decision {
    next.throttle.succeed(source);
    next.notice = Notice::default();
    next.last_success = now.unix;
    Decision {
        verdict: Verdict::Accepted(acceptance),
        next: Some(next),
    }
}

/// A spent code counts as a failure the first time it comes again, and then, for a while,
/// not: a double press or a race locks nobody. After that it counts each time, for the same
/// digits are a guess at the person's other tokens.
fn spent(debit: Debit, now: &Now, finding: &Finding<'_>) -> Decision {
    let Debit {
        before, mut after, ..
    } = debit;
    let first = after.note_replay(finding.token.key(), finding.counter);
    let used = before
        .entry(finding.token.key())
        .map_or(0, |entry| entry.last_used);
    if !first && now.unix.abs_diff(used) < REPLAY_GRACE {
        after.throttle = before.throttle;
    }
    Decision {
        verdict: Verdict::Refused(Reason::Spent.into()),
        next: Some(after),
    }
}

fn refuse(refusal: impl Into<Refusal>) -> Decision {
    Decision {
        verdict: Verdict::Refused(refusal.into()),
        next: None,
    }
}

fn no_match(evidence: Evidence<'_>, now: &Now, attempt: &Attempt) -> Reason {
    let timed = |token: &Token| matches!(token.kind, Kind::Totp { .. });
    if attempt.is_malformed() {
        Reason::Malformed
    } else if attempt.has_code() && !now.clock_is_set() && evidence.tokens.iter().any(timed) {
        Reason::ClockUnset
    } else {
        Reason::Wrong
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
