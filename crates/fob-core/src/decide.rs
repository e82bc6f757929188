//! Whether an attempt lets a person in. Total: every attempt gets an answer, and no
//! answer is open before the ledger that belongs to it has been written.
//!
//! **The rule against replay.** A token's floor is the lowest counter still acceptable.
//! A match at *c* sets the floor to *c* + 1. HOTP looks at the counters from the floor on,
//! TOTP at the steps round now, from the floor on: a spent code is outside the range, so
//! there is no check to forget. The floor never falls.

use crate::evidence::{Fronts, Hit};
use crate::format::TokenFile;
use crate::ledger::Visit;
use crate::look::{Finding, Look};
use crate::{
    Acceptance, Attempt, Bypass, Counter, Evidence, Kind, Ledger, Notice, Now, Policy, Reason,
    Refusal, Source, Standing, Stay, Ticket, Token, Verdict,
};

/// For so many seconds after its use a spent code that comes again counts once.
const REPLAY_GRACE: u64 = 60;
/// How much of `PAM_RHOST` is kept for the notice.
const MAX_FROM: usize = 64;

/// Whether an attempt may be looked at.
#[derive(Debug)]
pub enum Admission {
    /// It may, once it is written down as failed.
    Debit(Box<Debit>),
    /// It may not. Something is to be written only once after a reboot.
    Refused(Box<Decision>),
}

/// A ledger in which the attempt already counts as a failure. Must be written before the
/// attempt is looked at: one that is never seen to fail can't be tried for free.
#[derive(Debug)]
pub struct Debit {
    before: Ledger,
    after: Ledger,
    visit: Visit,
    /// Why codes may not be looked at; a recovery code may.
    barred: Option<Refusal>,
}

/// Proof that the debit was written.
#[derive(Debug)]
pub struct Debited(Debit);

impl Debit {
    /// The ledger in which the attempt is no failure, what it tells its owner of others, and
    /// where it came from.
    fn lifted(self) -> (Ledger, Notice, Visit) {
        let Self {
            before,
            mut after,
            visit,
            ..
        } = self;
        after.throttle = before.throttle;
        (after, before.notice, visit)
    }

    /// The same debit for an attempt from a place: a refusal forgets it, and a success is
    /// remembered where `stay` says so, as `ticket`.
    #[must_use]
    pub fn at(mut self, stay: Stay, ticket: Ticket, attempt: &Attempt) -> Self {
        self.visit = self.visit.at(stay, ticket, attempt, &mut self.after);
        self
    }

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
    let is_rebooted = ledger.throttle.refresh(now);
    let barred = match ledger.throttle.standing(policy.throttle, now, source) {
        Standing::Free => None,
        Standing::Wait(wait) => Some(Refusal {
            reason: Reason::Throttled,
            wait,
        }),
        Standing::Locked => Some(Reason::Locked.into()),
    };
    if let Some(refusal) = barred.filter(|_| attempt.recovery().is_none()) {
        // Else the wait would start again with each attempt, and never be over.
        let next = is_rebooted.then_some(ledger);
        let verdict = Verdict::Refused(refusal);
        return Admission::Refused(Box::new(Decision { verdict, next }));
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
        visit: Visit::from(source),
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
    evidence: &Evidence<'_>,
    debited: Debited,
    now: &Now,
    attempt: &Attempt,
) -> Decision {
    let Debited(debit) = debited;
    let look = Look {
        policy,
        ledger: &debit.after,
        now,
        attempt,
    };
    let findings = look.findings(evidence);
    let file = evidence.file;
    let recovered = evidence.recovery();

    if recovered.is_some() && file.disabled {
        return refuse(Reason::Disabled);
    }
    if let Some(hit) = recovered {
        return recover(debit, now, file, hit, "recovery");
    }
    if let Some(refusal) = debit.barred.filter(|_| attempt.has_code()) {
        return refuse(refusal);
    }
    let acceptable = findings.iter().find(|finding| finding.reason.is_none());
    let paired = look.pair(evidence);
    let accepted = acceptable.or(paired.as_ref());
    let bypass = bypassed(&debit.after, now, attempt);
    let scratch = evidence.scratch();
    let is_right = accepted.is_some() || bypass.is_some() || scratch.is_some();
    if file.disabled && is_right {
        return refuse(Reason::Disabled);
    }
    if let Some(finding) = accepted {
        let usable = file.tokens.iter().filter(|t| look.unusable(t).is_none());
        if usable.count() < usize::from(policy.min_tokens) {
            return refuse(Reason::TooFewTokens);
        }
        return accept(policy, debit, now, attempt, file, finding);
    }
    if let Some(hit) = scratch {
        return recover(debit, now, file, hit, "scratch");
    }
    if let Some(None) = bypass {
        return use_bypass(debit, now, file);
    }
    if let Some(finding) = findings.iter().find(|f| f.reason == Some(Reason::Spent)) {
        return spent(debit, now, finding);
    }
    refuse(
        findings
            .first()
            .and_then(|f| f.reason)
            .or(bypass.flatten())
            .unwrap_or_else(|| look.no_match(evidence)),
    )
}

/// Where a code that a person types at enrolment stands, so that it can be spent: the
/// floor above it and how far the token's clock is off. No throttle, no ledger but
/// `ledger`'s floor.
pub fn confirm(
    policy: &Policy,
    token: &Token,
    ledger: &Ledger,
    now: &Now,
    attempt: &Attempt,
) -> Option<(Counter, i32)> {
    let file = TokenFile {
        tokens: vec![token.clone()],
        ..TokenFile::default()
    };
    let look = Look {
        policy,
        ledger,
        now,
        attempt,
    };
    let evidence = Evidence::gather(&file, attempt);
    let findings = look.findings(&evidence);
    let finding = findings.first().filter(|f| f.reason.is_none())?;
    Some((finding.floor, finding.offset))
}

fn accept(
    policy: &Policy,
    debit: Debit,
    now: &Now,
    attempt: &Attempt,
    file: &TokenFile,
    finding: &Finding<'_>,
) -> Decision {
    let (mut next, mut notice, visit) = debit.lifted();
    next.make_room(&file.tokens, now);
    // A token whose clock isn't followed stays as it is, unless it was just resynced.
    let follow = policy.follows_drift || attempt.first().is_some();
    let before = next.entry(finding.token.key()).map_or(0, |e| e.drift());
    let offset = if follow { finding.offset } else { before };
    if !next.raise_floor(finding.token, finding.floor, offset, now) {
        return refuse(Reason::NoRoom);
    }
    if attempt.first().is_some() {
        // The first of two codes in a row was a failure of nobody's.
        notice.failures = notice.failures.saturating_sub(1);
        // Where those before it came from isn't known any more.
        notice.from.clear();
    }
    let drift = next.entry(finding.token.key()).map_or(0, |e| e.drift());
    let acceptance = Acceptance {
        token: finding.token.id.clone(),
        counter: Some(finding.counter),
        drift,
        length: Fronts::length(attempt.first().unwrap_or(attempt), &finding.token),
        notice,
        recovery_left: next.recovery_left(file),
        is_recovery: false,
        issued_by: None,
        expires: finding.token.expires,
        clock_off: clock_off(finding),
    };
    succeed(next, visit, now, file, acceptance)
}

/// How far a token's clock was off, in seconds. A step is nothing: so late a code is typed.
fn clock_off(finding: &Finding<'_>) -> u64 {
    let steps = u64::from(finding.offset.unsigned_abs());
    match finding.token.kind {
        Kind::Totp { period, .. } if steps > 1 => steps.saturating_mul(period.seconds()),
        _ => 0,
    }
}

/// Whether the code is the person's bypass code, and if so why it is refused all the same.
fn bypassed(ledger: &Ledger, now: &Now, attempt: &Attempt) -> Option<Option<Reason>> {
    let bypass = ledger.bypass.as_ref()?;
    let typed = attempt.lone_code(Bypass::DIGITS)?;
    bool::from(bypass.is(&typed)).then(|| bypass.ended(now))
}

fn use_bypass(debit: Debit, now: &Now, file: &TokenFile) -> Decision {
    let (mut next, notice, visit) = debit.lifted();
    let mut issued_by = None;
    if let Some(bypass) = &mut next.bypass {
        bypass.uses = bypass.uses.saturating_sub(1);
        issued_by = Some(bypass.by.clone());
    }
    let acceptance = Acceptance {
        token: "bypass".into(),
        counter: None,
        drift: 0,
        length: Bypass::DIGITS.count(),
        notice,
        recovery_left: next.recovery_left(file),
        is_recovery: false,
        issued_by,
        expires: None,
        clock_off: 0,
    };
    succeed(next, visit, now, file, acceptance)
}

fn recover(debit: Debit, now: &Now, file: &TokenFile, hit: Hit<'_>, name: &str) -> Decision {
    let (mut next, notice, visit) = debit.lifted();
    let before = next.spent_recovery(hit.set.id);
    next.spend_recovery(hit.set, hit.position, file);
    if before == next.spent_recovery(hit.set.id) {
        return refuse(Reason::Spent);
    }
    let acceptance = Acceptance {
        token: name.into(),
        counter: None,
        drift: 0,
        length: hit.length,
        notice,
        recovery_left: next.recovery_left(file),
        is_recovery: true,
        issued_by: None,
        expires: None,
        clock_off: 0,
    };
    succeed(next, visit, now, file, acceptance)
}

/// The one place where an acceptance becomes a decision.
fn succeed(
    mut next: Ledger,
    visit: Visit,
    now: &Now,
    file: &TokenFile,
    acceptance: Acceptance,
) -> Decision {
    next.throttle.succeed(visit.source);
    visit.succeed(&mut next, file, now, acceptance.issued_by.is_some());
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

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
