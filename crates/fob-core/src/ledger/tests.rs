//! Which tokens a ledger remembers, and how far.
#![allow(clippy::arithmetic_side_effects)]

use crate::person::{Person, TIME, fob, now, token};
use crate::{Counter, Kind, Ledger, Owner, Period, Token};

use super::{MAX_ENTRIES, STALE_AFTER};

fn ledger() -> Ledger {
    Ledger::new(Owner {
        uid: 1000,
        name: "alice".into(),
    })
}

fn timed(key: u8) -> Token {
    let kind = Kind::Totp {
        period: Period::DEFAULT,
        t0: 0,
    };
    token("phone", kind, key)
}

fn counting(key: u8) -> Token {
    token(
        "fob",
        Kind::Hotp {
            counter: Counter(0),
        },
        key,
    )
}

/// With three time-based tokens among these many, used one second after the other.
fn with(tokens: usize) -> Ledger {
    let mut ledger = ledger();
    for (n, key) in (0..tokens as u64).zip(100u8..) {
        let token = if n < 3 { timed(key) } else { counting(key) };
        assert!(ledger.raise_floor(&token, Counter(5), 0, &now(TIME + n)));
    }
    ledger
}

/// P1: room is made by the one whose codes are long past, and by no counter token.
#[test]
fn full_ledger_forgets_the_oldest_that_is_long_gone_and_no_other() {
    let mut ledger = with(MAX_ENTRIES);
    let enrolled = [timed(100)];
    let stale = TIME + 30 * 86_400;
    assert_eq!(stale, TIME + STALE_AFTER);
    ledger.make_room(&enrolled, &now(stale + 1));
    assert!(!ledger.raise_floor(&counting(9), Counter(1), 0, &now(stale)));
    ledger.make_room(&enrolled, &now(stale + 3));
    let is_there = |token: &Token| ledger.entry(token.key()).is_some();
    assert!(is_there(&timed(100)) && !is_there(&timed(101)) && is_there(&timed(102)));
    assert!((103..132).all(|key| is_there(&counting(key))));
    assert!(ledger.raise_floor(&counting(9), Counter(1), 0, &now(stale)));
}

#[test]
fn ledger_with_room_forgets_nobody() {
    let mut ledger = with(MAX_ENTRIES - 1);
    ledger.make_room(&[], &now(TIME + 10 * STALE_AFTER));
    assert!(ledger.entry(timed(100).key()).is_some());
}

/// The one floor that falls is one that stood for "nobody knows".
#[test]
fn blocked_token_takes_the_floor_that_somebody_vouches_for_and_no_other_does() {
    let mut ledger = with(5);
    assert!(ledger.block(&counting(104), &now(TIME)));
    assert_eq!(ledger.floor(&counting(104)), Ledger::BLOCKED);
    assert!(!ledger.unblock(&counting(103), Counter(2)));
    assert!(!ledger.unblock(&counting(9), Counter(2)));
    assert!(ledger.unblock(&counting(104), Counter(2)));
    assert_eq!(ledger.floor(&counting(104)), Counter(2));
    assert!(!ledger.unblock(&counting(104), Counter(1)));
    assert_eq!(ledger.floor(&counting(104)), Counter(2));
    assert_eq!(ledger.floor(&counting(103)), Counter(5));
}

#[test]
fn voided_recovery_codes_are_all_spent() {
    let mut alice = Person::with(vec![fob(0)]);
    assert_eq!(alice.ledger.recovery_left(&alice.file), Some(10));
    alice.ledger.void_recovery(&alice.file);
    assert_eq!(alice.ledger.recovery_left(&alice.file), Some(0));
}

/// What an import or a repair spends is no use: no window grows by it in a drawer, and what it
/// spent isn't forgotten at once.
#[test]
fn floor_that_somebody_vouches_for_is_no_use_of_the_token() {
    let (phone, now_) = (timed(99), now(TIME));
    let mut ledger = ledger();
    assert!(ledger.vouch_floor(&phone, Counter(TIME / 30 + 3), Some(2), &now_));
    let entry = *ledger.entry(phone.key()).unwrap();
    assert_eq!((entry.last_used, entry.drift()), (0, 2));
    let policy = crate::Policy::default();
    let year = now(TIME + 4 * 31_536_000);
    let window = |ledger: &Ledger| crate::window_steps(&policy, ledger, &year, &phone);
    assert_eq!(window(&ledger), u64::from(policy.window));
    for key in 100..99 + MAX_ENTRIES as u8 {
        assert!(ledger.raise_floor(&counting(key), Counter(1), 0, &now_));
    }
    ledger.make_room(&[], &now(TIME + 1000));
    assert!(ledger.entry(phone.key()).is_some());

    let mut used = super::Ledger {
        entries: Vec::new(),
        ..ledger.clone()
    };
    assert!(used.raise_floor(&phone, Counter(5), 0, &now_));
    assert!(window(&used) > u64::from(policy.window));
    assert!(used.vouch_floor(&phone, Counter(9), None, &year));
    assert_eq!(used.entry(phone.key()).unwrap().last_used, TIME);

    ledger.make_room(&[], &now(TIME + STALE_AFTER + 40 * 86_400));
    assert!(ledger.entry(phone.key()).is_none());
}

/// What `fob repair --forget-revoked` takes out: all but what the person has now.
#[test]
fn others_are_forgotten_and_those_of_the_person_are_not() {
    let mut ledger = with(5);
    assert_eq!(ledger.forget_others(&[timed(100), counting(104)]), 3);
    let left = [100u8, 101, 102, 103, 104].map(|key| {
        let token = if key < 103 { timed(key) } else { counting(key) };
        ledger.entry(token.key()).is_some()
    });
    assert_eq!(left, [true, false, false, false, true]);
}

/// Whoever is revoked has no bypass code and no remembered place any more.
#[test]
fn leave_ends_with_the_bypass_code_and_every_place() {
    let mut alice = Person::with(vec![fob(0)]);
    let stay = crate::Stay {
        place: crate::Place::remote("sshd", "192.0.2.1"),
        seconds: Some(3600),
    };
    assert!(alice.visits(TIME, "192.0.2.1", stay, &crate::person::at(&fob(0), 0)));
    let (bypass, _) = crate::Bypass::new(1, [0; 16], &now(TIME), 60, 1, "root");
    alice.ledger.bypass = Some(bypass);
    let places = alice.ledger.remembered.entries.len();
    alice.ledger.end_leave();
    let left = alice.ledger.remembered.entries.len();
    assert_eq!((places, left, alice.ledger.bypass.is_some()), (1, 0, false));
}
