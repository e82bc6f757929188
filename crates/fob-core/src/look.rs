//! Where tokens show the code that was typed.

use subtle::{Choice, ConstantTimeEq};

use crate::range::Range;
use crate::{
    Attempt, Code, Counter, Evidence, KeyedToken, Kind, Ledger, Now, Pair, PairSearch, Policy,
    PrivateId, Reason, Token,
};

/// What a look takes into account.
#[derive(Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) ledger: &'a Ledger,
    pub(crate) now: &'a Now,
    pub(crate) attempt: &'a Attempt,
}

/// A token that shows the code at one of the positions looked at.
pub(crate) struct Finding<'t> {
    pub(crate) token: KeyedToken<'t>,
    pub(crate) counter: Counter,
    /// The lowest counter that is acceptable once this one is spent.
    pub(crate) floor: Counter,
    /// How far the token's clock is off, in steps; 0 for a counter.
    pub(crate) offset: i32,
    /// Why it is refused all the same.
    pub(crate) reason: Option<Reason>,
}

impl Look<'_> {
    /// The tokens that show the code.
    pub(crate) fn findings<'t>(&self, evidence: &Evidence<'t>) -> Vec<Finding<'t>> {
        evidence
            .tokens()
            .filter_map(|(token, fits)| match token.kind {
                Kind::Yubico { private_id, .. } => self.otp(token, private_id, fits),
                Kind::Hotp { .. } | Kind::Totp { .. } => self.code(token, fits),
            })
            .collect()
    }

    /// Compares the code with every position of `token`. An acceptable one is preferred to
    /// a spent one.
    fn code<'t>(&self, token: KeyedToken<'t>, fits: bool) -> Option<Finding<'t>> {
        let range = Range::window(self.policy, self.ledger, self.now, token)?;
        let floor = self.ledger.floor(token);
        let (codes, typed) = (token.codes(), self.typed(&token, fits));
        let matches: Vec<(Counter, Choice)> = range
            .counters()
            .map(|counter| (counter, codes.at(counter).ct_eq(&typed)))
            .collect();
        let counter = |spent: bool| {
            let hit = matches
                .iter()
                .find(|(counter, hit)| bool::from(*hit) && (*counter < floor) == spent);
            hit.map(|(counter, _)| *counter)
        };
        let counter = counter(false).or_else(|| counter(true))?;
        Some(self.finding(token, counter, range.offset(counter)))
    }

    fn otp<'t>(&self, token: KeyedToken<'t>, id: PrivateId, fits: bool) -> Option<Finding<'t>> {
        let otp = self.attempt.otp().filter(|_| fits)?;
        let counter = otp.counter(&token.secret, id)?;
        Some(self.finding(token, counter, 0))
    }

    fn finding<'t>(&self, token: KeyedToken<'t>, counter: Counter, offset: i32) -> Finding<'t> {
        let next = counter.next();
        let is_spent = counter < self.ledger.floor(token) || next.is_none();
        Finding {
            token,
            counter,
            floor: next.unwrap_or(counter),
            offset,
            reason: self
                .unusable(&token)
                .map(Reason::from)
                .or(is_spent.then_some(Reason::Spent)),
        }
    }

    /// Why a token lets nobody in, whatever it shows.
    pub(crate) fn unusable(&self, token: &Token) -> Option<Unusable> {
        unusable(self.policy, self.now, token)
    }

    /// What was typed as this token's code; else, so that the same work is done, a code
    /// that equals none.
    fn typed(&self, token: &Token, fits: bool) -> Code {
        let typed = self.attempt.code(token.digits).filter(|_| fits);
        typed.unwrap_or_else(|| Code::untypable(token.digits))
    }

    /// Where this code and the one before it stand side by side, if there was one.
    pub(crate) fn pair<'t>(&self, evidence: &Evidence<'t>) -> Option<Finding<'t>> {
        let first = self.attempt.first()?;
        let mut tokens = evidence.tokens().filter(|(_, fits)| *fits);
        tokens.find_map(|(token, _)| {
            let search = PairSearch {
                token,
                ledger: self.ledger,
                now: self.now,
                range: 0,
            };
            let range = Range::resync(self.ledger, self.now, token)?;
            let range = range.while_waiting(self.ledger.floor(token));
            let found = search.find_in(range, first, self.attempt);
            let Pair::Found { floor, .. } = found else {
                return None;
            };
            let counter = floor.moved(-1);
            let finding = self.finding(token, counter, range.offset(counter));
            finding.reason.is_none().then_some(finding)
        })
    }

    /// Why nothing was found.
    pub(crate) fn no_match(&self, evidence: &Evidence<'_>) -> Reason {
        let is_timed = |token: &Token| token.kind.is_timed();
        if self.attempt.is_malformed() {
            Reason::Malformed
        } else if self.attempt.has_code()
            && !self.now.clock_is_set()
            && evidence.file.tokens.iter().any(is_timed)
        {
            Reason::ClockUnset
        } else if self.is_beyond(evidence) {
            Reason::OutOfWindow
        } else {
            Reason::Wrong
        }
    }

    /// Whether the code is one that a second one after it would make right.
    fn is_beyond(&self, evidence: &Evidence<'_>) -> bool {
        let is_off = !self.policy.resync_at_prompt || evidence.file.disabled;
        if is_off || self.attempt.first().is_some() {
            return false;
        }
        let beyond = evidence.tokens().filter(|(token, fits)| {
            let (codes, typed) = (token.codes(), self.typed(token, *fits));
            let range = Range::resync(self.ledger, self.now, *token);
            let shown = range.is_some_and(|range| {
                let hits = range.counters().map(|c| codes.at(c).ct_eq(&typed));
                bool::from(hits.fold(Choice::from(0), |any, hit| any | hit))
            });
            shown && self.unusable(token).is_none()
        });
        beyond.count() > 0
    }
}

/// Why a token lets nobody in, whatever it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It is disabled.
    Disabled,
    /// Tokens of its type don't count.
    Type,
    /// The machine's clock was never set.
    ClockUnset,
    /// Its last day is over.
    Expired,
}

impl From<Unusable> for Reason {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::Disabled => Self::Disabled,
            Unusable::Type => Self::Type,
            Unusable::ClockUnset => Self::ClockUnset,
            Unusable::Expired => Self::Expired,
        }
    }
}

/// Why a token lets nobody in, whatever it shows; the first that applies.
pub(crate) fn unusable(policy: &Policy, now: &Now, token: &Token) -> Option<Unusable> {
    let is_past = token.expires.is_some_and(|day| now.unix >= day.end());
    if token.disabled {
        Some(Unusable::Disabled)
    } else if !policy.types.has(token.kind) {
        Some(Unusable::Type)
    } else if token.kind.is_timed() && !now.clock_is_set() {
        Some(Unusable::ClockUnset)
    } else if is_past {
        Some(Unusable::Expired)
    } else {
        None
    }
}
