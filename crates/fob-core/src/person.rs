//! A person for the tests, who logs in without disk or clock.
#![allow(clippy::arithmetic_side_effects)]

use crate::format::TokenFile;
use crate::{
    Admission, Algorithm, Attempt, Counter, Digits, Evidence, Kind, Ledger, Now, Owner, Period,
    Policy, Reason, RecoveryCode, RecoverySet, Secret, Source, Stay, Ticket, Token, Verdict, admit,
    decide,
};

pub(crate) const TIME: u64 = 1_800_000_000;
pub(crate) const SALT: [u8; 16] = [3; 16];

pub(crate) fn token(id: &str, kind: Kind, key: u8) -> Token {
    let mut bytes = vec![key; 20];
    bytes[0] = 1;
    Token {
        id: id.into(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret: Secret::new(bytes).unwrap(),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}

pub(crate) fn phone() -> Token {
    token(
        "phone",
        Kind::Totp {
            period: Period::DEFAULT,
            t0: 0,
        },
        2,
    )
}

pub(crate) fn fob(counter: u64) -> Token {
    token(
        "fob",
        Kind::Hotp {
            counter: Counter(counter),
        },
        3,
    )
}

pub(crate) fn now(unix: u64) -> Now {
    Now {
        unix,
        boot: unix.saturating_sub(TIME - 1000),
        boot_id: [1; 16],
    }
}

/// A person with tokens, recovery codes and a ledger.
pub(crate) struct Person {
    pub(crate) file: TokenFile,
    pub(crate) ledger: Ledger,
    pub(crate) policy: Policy,
    pub(crate) debits: u32,
    /// Tickets are drawn from it.
    pub(crate) drawn: u8,
}

impl Person {
    pub(crate) fn with(tokens: Vec<Token>) -> Self {
        let mut digests: Vec<_> = (0..10).map(|n| paper(n).digest(&SALT)).collect();
        digests.sort();
        Self {
            file: TokenFile {
                tokens,
                recovery: Some(RecoverySet {
                    id: [9; 16],
                    salt: SALT,
                    digests,
                }),
                ..TokenFile::default()
            },
            ledger: Ledger::new(Owner {
                uid: 1000,
                name: "alice".into(),
            }),
            policy: Policy::default(),
            debits: 0,
            drawn: 0,
        }
    }

    pub(crate) fn types(&mut self, unix: u64, from: &str, answer: &str) -> Verdict {
        self.tries(unix, from, &Attempt::parse(answer.as_bytes()))
    }

    pub(crate) fn tries(&mut self, unix: u64, from: &str, attempt: &Attempt) -> Verdict {
        self.tries_at(unix, from, Stay::default(), attempt)
    }

    /// Whether the answer lets in at that place.
    pub(crate) fn visits(&mut self, unix: u64, from: &str, stay: Stay, answer: &str) -> bool {
        let attempt = Attempt::parse(answer.as_bytes());
        matches!(
            self.tries_at(unix, from, stay, &attempt),
            Verdict::Accepted(_)
        )
    }

    fn tries_at(&mut self, unix: u64, from: &str, stay: Stay, attempt: &Attempt) -> Verdict {
        self.tries_when(&now(unix), from, stay, attempt)
    }

    pub(crate) fn tries_when(
        &mut self,
        now: &Now,
        from: &str,
        stay: Stay,
        attempt: &Attempt,
    ) -> Verdict {
        let policy = self.policy;
        let source = Source::remote(from);
        let admission = admit(&policy, self.ledger.clone(), now, source, from, attempt);
        let keep = |to: &mut Ledger, ledger: &Ledger| {
            *to = Ledger::from_bytes(&ledger.to_bytes().unwrap()).unwrap();
            Ok::<(), ()>(())
        };
        let decision = match admission {
            Admission::Refused(decision) => *decision,
            Admission::Debit(debit) => {
                let debit = debit.at(stay, Ticket([self.drawn; 8]), attempt);
                let debited = debit
                    .settle(|ledger| keep(&mut self.ledger, ledger))
                    .unwrap();
                self.debits += 1;
                self.drawn = self.drawn.wrapping_add(1);
                let evidence = Evidence::gather(&self.file, attempt);
                decide(&policy, &evidence, debited, now, attempt)
            }
        };
        decision
            .settle(|ledger, _| keep(&mut self.ledger, ledger))
            .unwrap()
    }

    pub(crate) fn reason(&mut self, unix: u64, answer: &str) -> Option<Reason> {
        match self.types(unix, "192.0.2.1", answer) {
            Verdict::Accepted(_) => None,
            Verdict::Refused(refusal) => Some(refusal.reason),
        }
    }
}

pub(crate) fn paper(n: u8) -> RecoveryCode {
    RecoveryCode::new([n + 1; 10])
}

pub(crate) fn at(token: &Token, counter: u64) -> String {
    token.code(Counter(counter)).to_text().to_string()
}
