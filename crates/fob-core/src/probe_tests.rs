#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::format::TokenFile;
use crate::{Algorithm, Digits, Owner, Period, Reason, RecoveryCode, RecoverySet, Secret, Types};

const NOW: Now = Now {
    unix: 1_800_000_000,
    boot: 1,
    boot_id: [1; 16],
};
const STEP: u64 = 60_000_000;

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

fn fob() -> Token {
    token(
        "fob",
        Kind::Hotp {
            counter: Counter(0),
        },
    )
}

fn phone() -> Token {
    token(
        "phone",
        Kind::Totp {
            period: Period::DEFAULT,
            t0: 0,
        },
    )
}

fn ledger(token: &Token, floor: u64, drift: i32) -> Ledger {
    let mut ledger = Ledger::new(Owner {
        uid: 1,
        name: "alice".into(),
    });
    assert!(ledger.resync(&[], token, Counter(floor), drift, &NOW));
    ledger
}

fn source() -> Source {
    Source::local("fob", 0)
}

fn look(ledger: &Ledger, token: &Token, counter: u64) -> (bool, Option<(Found, i64)>) {
    let attempt = Attempt::parse(token.code(Counter(counter)).to_text().as_bytes());
    let file = TokenFile {
        tokens: vec![token.clone()],
        ..TokenFile::default()
    };
    let evidence = Evidence::gather(&file, &attempt);
    let probe = probe(
        &Policy::default(),
        &evidence,
        ledger,
        &NOW,
        source(),
        &attempt,
    );
    let sight = probe
        .sights
        .first()
        .map(|sight| (sight.found, sight.offset));
    (probe.outcome.is_ok(), sight)
}

#[test]
fn counter_is_placed_by_presses_from_the_floor() {
    let (token, no) = (fob(), false);
    let ledger = ledger(&token, 500, 0);
    assert_eq!(look(&ledger, &token, 500), (true, Some((Found::Fresh, 0))));
    assert_eq!(look(&ledger, &token, 510), (true, Some((Found::Fresh, 10))));
    assert_eq!(look(&ledger, &token, 511), (no, Some((Found::Ahead, 11))));
    assert_eq!(
        look(&ledger, &token, 1500),
        (no, Some((Found::Ahead, 1000)))
    );
    assert_eq!(look(&ledger, &token, 1501), (no, None));
    assert_eq!(look(&ledger, &token, 499), (no, Some((Found::Spent, -1))));
    assert_eq!(look(&ledger, &token, 0), (no, Some((Found::Spent, -500))));
}

#[test]
fn step_is_placed_by_the_clock() {
    let (token, no) = (phone(), false);
    let fresh = ledger(&token, 0, 0);
    for (off, accepted, found) in [
        (0, true, Found::Fresh),
        (-1, true, Found::Fresh),
        (-2, no, Found::TooOld),
        (-2880, no, Found::TooOld),
        (2, no, Found::TooNew),
        (2880, no, Found::TooNew),
    ] {
        let counter = STEP.saturating_add_signed(off);
        assert_eq!(
            look(&fresh, &token, counter),
            (accepted, Some((found, off)))
        );
    }
    let used = ledger(&token, STEP + 1, 0);
    assert_eq!(look(&used, &token, STEP), (no, Some((Found::Spent, 0))));
}

/// After a resync the window is where the token's clock is.
#[test]
fn far_drift_moves_the_window() {
    let token = phone();
    let slow = ledger(&token, STEP - 25, -20);
    assert!(look(&slow, &token, STEP - 20).0 && look(&slow, &token, STEP - 21).0);
    assert_eq!(look(&slow, &token, STEP), (false, Some((Found::TooNew, 0))));
}

#[test]
fn disabled_and_blocked_tokens_say_so() {
    let mut token = fob();
    let mut ledger = ledger(&token, 5, 0);
    assert!(ledger.block(&token, &NOW));
    assert_eq!(look(&ledger, &token, 5), (false, Some((Found::Blocked, 0))));
    token = phone();
    token.disabled = true;
    let (accepted, sight) = look(&ledger, &token, STEP);
    assert_eq!((accepted, sight), (false, Some((Found::Disabled, 0))));
}

/// The reason that a dry run gives is the one that a login has.
#[test]
fn token_whose_type_does_not_count_says_so() {
    let token = phone();
    let ledger = ledger(&token, 0, 0);
    let attempt = Attempt::parse(token.code(Counter(STEP)).to_text().as_bytes());
    let file = TokenFile {
        tokens: vec![token],
        ..TokenFile::default()
    };
    let policy = Policy {
        types: Types::of("hotp").unwrap(),
        ..Policy::default()
    };
    let evidence = Evidence::gather(&file, &attempt);
    let probe = probe(&policy, &evidence, &ledger, &NOW, source(), &attempt);
    assert_eq!(probe.outcome.unwrap_err().reason, Reason::Type);
    assert_eq!(probe.sights[0].found, Found::Type);
    assert_eq!(Found::Type.word(), "type");
}

#[test]
fn throttle_and_recovery_codes_are_told() {
    let token = fob();
    let mut ledger = ledger(&token, 0, 0);
    let code = RecoveryCode::new([7; 10]);
    let set = RecoverySet {
        id: [1; 16],
        salt: [2; 16],
        digests: vec![code.digest(&[2; 16])],
    };
    for _ in 0..6 {
        ledger
            .throttle
            .fail(Policy::default().throttle, &NOW, source());
    }
    let file = TokenFile {
        tokens: vec![token.clone()],
        recovery: Some(set.clone()),
        ..TokenFile::default()
    };
    let look = |ledger: &Ledger, typed: &str| {
        let attempt = Attempt::parse(typed.as_bytes());
        let evidence = Evidence::gather(&file, &attempt);
        let probe = probe(
            &Policy::default(),
            &evidence,
            ledger,
            &NOW,
            source(),
            &attempt,
        );
        let reason = probe.outcome.as_ref().err().map(|refusal| refusal.reason);
        (reason, probe.recovery, probe.sights.len())
    };
    let shown = token.code(Counter(0)).to_text();
    assert_eq!(look(&ledger, &shown), (Some(Reason::Throttled), None, 1));
    let paper = code.to_text();
    assert_eq!(
        look(&ledger, &paper),
        (None, Some(RecoverySight::Unused), 0)
    );
    ledger.spend_recovery(&set, 0, &file);
    assert_eq!(
        look(&ledger, &paper),
        (Some(Reason::Spent), Some(RecoverySight::Spent), 0)
    );
}
