#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::{Algorithm, Digits, Kind, Owner, Secret};

const DAY: u64 = 86_400;

fn at(day: u64) -> Now {
    Now {
        unix: 1_800_000_000 + day * DAY,
        boot: 1,
        boot_id: [1; 16],
    }
}

fn token(seed: u8) -> Token {
    Token {
        id: format!("t{seed}"),
        kind: Kind::Totp {
            period: Period::DEFAULT,
            t0: 0,
        },
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret: Secret::new((seed..seed + 20).collect()).unwrap(),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}

fn ledger() -> Ledger {
    Ledger::new(Owner {
        uid: 1,
        name: "alice".into(),
    })
}

fn drift(ledger: &Ledger, token: &Token) -> i32 {
    ledger.entry(token.key()).unwrap().drift()
}

#[test]
fn resync_sets_the_drift_within_a_day() {
    let (mut ledger, token) = (ledger(), token(1));
    for (found, kept) in [(-20, -20), (2, 2), (9_999, 2880), (-9_999, -2880)] {
        assert!(ledger.resync(&[], &token, Counter(5), found, &at(0)));
        assert_eq!(drift(&ledger, &token), kept);
        let read = Ledger::from_bytes(&ledger.to_bytes().unwrap()).unwrap();
        assert_eq!(read, ledger);
    }
}

/// P1.
#[test]
fn floor_never_falls() {
    let (mut ledger, token) = (ledger(), token(1));
    assert!(ledger.resync(&[], &token, Counter(50), 9, &at(0)));
    assert!(ledger.resync(&[], &token, Counter(40), -9, &at(0)));
    assert_eq!(ledger.floor(&token), Counter(50));
}

/// Threats: who hands codes on ever later doesn't walk the window away.
#[test]
fn drift_does_not_move_faster_than_a_bad_clock() {
    let (mut ledger, token) = (ledger(), token(1));
    for login in 0..60i32 {
        let now = at(u64::try_from(login).unwrap());
        let counter = Counter(u64::try_from(login).unwrap() + 1);
        assert!(ledger.raise_floor(&token, counter, -login, &now));
        let most = 2 + login / 30;
        assert!(drift(&ledger, &token) >= -most, "day {login}");
    }
    assert_eq!(drift(&ledger, &token), -3);
}

/// A fob that drifts two minutes a year, used every day for five years.
#[test]
fn slow_clock_is_followed_for_years() {
    let (mut ledger, token) = (ledger(), token(1));
    for day in 0..5 * 365u64 {
        let offset = i32::try_from(day * 120 / 365 / 30).unwrap();
        if day > 0 {
            assert!((drift(&ledger, &token) - offset).abs() <= 1, "day {day}");
        }
        assert!(ledger.raise_floor(&token, Counter(day), offset, &at(day)));
    }
}

/// Years of punctual logins are no credit for a leap.
#[test]
fn base_moves_ten_steps_at_once_at_most() {
    let (mut ledger, token) = (ledger(), token(1));
    assert!(ledger.raise_floor(&token, Counter(1), 0, &at(0)));
    assert!(ledger.raise_floor(&token, Counter(2), 500, &at(5_000)));
    assert_eq!(drift(&ledger, &token), 12);
}

#[test]
fn usual_clock_goes_wrong_by_two_minutes_a_year() {
    let year = 365 * DAY;
    let minute = Period::new(60).unwrap();
    assert_eq!(usual_drift(year, Period::DEFAULT), 4);
    assert_eq!(usual_drift(year / 4 - DAY, Period::DEFAULT), 0);
    assert_eq!(usual_drift(5 * year, minute), 10);
    assert_eq!(
        usual_drift(u64::MAX, Period::new(1).unwrap()),
        u64::MAX / YEAR
    );
}
