//! Whose ledger it is: one person with a fob, a phone and recovery codes.

use std::sync::LazyLock;

use fob_core::format::TokenFile;
use fob_core::{
    Algorithm, Counter, Digits, Kind, Owner, Period, RecoveryCode, RecoverySet, Secret, Token,
};

const SALT: [u8; 16] = [3; 16];
/// Names the set of recovery codes.
pub(super) const SET: [u8; 16] = [9; 16];

/// The fob, which counts, is the first; the phone, which has a clock, the second.
pub(super) static FILE: LazyLock<TokenFile> = LazyLock::new(|| {
    let mut digests: Vec<_> = (0..10).map(|n| paper(n).digest(&SALT)).collect();
    digests.sort();
    TokenFile {
        tokens: vec![
            token(
                "fob",
                Kind::Hotp {
                    counter: Counter(0),
                },
            ),
            token(
                "phone",
                Kind::Totp {
                    period: Period::DEFAULT,
                    t0: 0,
                },
            ),
        ],
        recovery: Some(RecoverySet {
            id: SET,
            salt: SALT,
            digests,
        }),
        ..TokenFile::default()
    }
});

/// Where the n-th recovery code stands in the ledger.
pub(super) fn place(n: u8) -> usize {
    static PLACES: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let digests = &FILE.recovery.as_ref().unwrap().digests;
        let place = |n| {
            digests
                .iter()
                .position(|digest| *digest == paper(n).digest(&SALT))
        };
        (0..10).map(|n| place(n).unwrap()).collect()
    });
    PLACES[usize::from(n)]
}

pub(super) fn paper(n: u8) -> RecoveryCode {
    RecoveryCode::new([n + 1; 10])
}

pub(super) fn fob() -> &'static Token {
    &FILE.tokens[0]
}

pub(super) fn phone() -> &'static Token {
    &FILE.tokens[1]
}

/// The code of a counter, as it is typed.
pub(super) fn code(token: &Token, counter: u64) -> String {
    token.code(Counter(counter)).to_text().to_string()
}

/// A long name, so that a slot has more than one sector and can be torn.
pub(super) fn owner() -> Owner {
    Owner {
        uid: 1000,
        name: "a".repeat(600),
    }
}

fn token(id: &str, kind: Kind) -> Token {
    Token {
        id: id.into(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret: Secret::new(format!("{id:*<20}").into_bytes()).unwrap(),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}
