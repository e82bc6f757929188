//! Where what decides has its edges: each of these notices a change that no other test did.
#![allow(clippy::arithmetic_side_effects)]

use crate::person::{Person, TIME, at, fob, now, phone, token};
use crate::{Attempt, Counter, Kind, Period, Pin, Reason, Token, Verdict, confirm};

/// The code that confirms an enrolment: where it stands, and how far the clock is off.
#[test]
fn confirming_code_is_placed_by_its_floor_and_its_drift() {
    let alice = Person::with(vec![]);
    let place = |token: &Token, text: &str| {
        let attempt = Attempt::parse(text.as_bytes());
        confirm(&alice.policy, token, &alice.ledger, &now(TIME), &attempt)
    };
    let step = TIME / 30;
    let (fob, phone) = (fob(3), phone());
    assert_eq!(place(&fob, &at(&fob, 5)), Some((Counter(6), 0)));
    assert_eq!(place(&fob, &at(&fob, 2)), None);
    assert_eq!(
        place(&phone, &at(&phone, step + 1)),
        Some((Counter(step + 2), 1))
    );
    assert_eq!(
        place(&phone, &at(&phone, step - 1)),
        Some((Counter(step), -1))
    );
    assert_eq!(place(&phone, "000000"), None);
}

/// R9: a spent code that comes again counts once within a minute of its use, and each time from
/// then on.
#[test]
fn spent_code_counts_each_time_once_a_minute_has_gone_by() {
    for (later, counted) in [(59, 1), (60, 2), (61, 2)] {
        let mut alice = Person::with(vec![fob(0)]);
        let code = at(&fob(0), 0);
        assert_eq!(alice.reason(TIME, &code), None);
        assert_eq!(alice.reason(TIME, &code), Some(Reason::Spent));
        assert_eq!(alice.reason(TIME + later, &code), Some(Reason::Spent));
        assert_eq!(alice.ledger.throttle.failures(), counted, "{later} s later");
    }
}

/// What is handed on as the password is all that isn't the token's.
#[test]
fn length_of_what_was_typed_is_the_code_and_the_public_id() {
    let keyed = Token {
        public_id: Some("ubhe01234567".into()),
        ..fob(0)
    };
    for (token, typed, length) in [
        (fob(0), "secret", 6),
        (keyed.clone(), "secret", 6),
        (keyed, "secretubhe01234567", 18),
    ] {
        let mut alice = Person::with(vec![token.clone()]);
        let answer = format!("{typed}{}", at(&token, 0));
        let attempt = Attempt::parse_joined(answer.as_bytes());
        let Verdict::Accepted(acceptance) = alice.tries(TIME, "192.0.2.1", &attempt) else {
            panic!("{answer}");
        };
        assert_eq!(acceptance.length(), length, "{answer}");
        assert_eq!(Attempt::password(answer.as_bytes(), length), b"secret");
    }
}

/// Two codes in a row: in front of the second stands nothing, or what stood before the first.
#[test]
fn second_code_has_the_front_of_the_first_or_none() {
    for (front, accepted) in [
        ("4711", true),
        ("", true),
        ("4712", false),
        ("47114711", false),
    ] {
        let mut alice = Person::with(vec![fob(0)]);
        alice.policy.resync_at_prompt = true;
        alice.file.pin = Pin::new(b"4711", [5; 16]);
        let first = Attempt::parse(format!("4711{}", at(&fob(0), 50)).as_bytes());
        let Verdict::Refused(refusal) = alice.tries(TIME, "192.0.2.1", &first) else {
            panic!("in step already");
        };
        assert_eq!(refusal.reason, Reason::OutOfWindow);
        let second = Attempt::parse(format!("{front}{}", at(&fob(0), 51)).as_bytes());
        let verdict = alice.tries(TIME, "192.0.2.1", &first.followed_by(second));
        assert_eq!(matches!(verdict, Verdict::Accepted(_)), accepted, "{front}");
    }
}

/// P2: two presses in a row that show the same digits: the spent one hides no other.
#[test]
fn fresh_code_with_the_digits_of_a_spent_one_lets_in() {
    let (spent, fresh) = (258_761, 258_762);
    assert_eq!(at(&fob(0), spent), at(&fob(0), fresh));
    let mut alice = Person::with(vec![fob(fresh)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), fresh)), None);
    assert_eq!(alice.reason(TIME, &at(&fob(0), fresh)), Some(Reason::Spent));
}

/// A clock is said to be off from two steps and two minutes on, in whole minutes: so late a
/// code is typed.
#[test]
fn clock_is_off_from_two_steps_and_two_minutes_on() {
    for (seconds, drift, minutes) in [
        (30, 0, None),
        (30, 3, None),
        (30, -4, Some(2)),
        (30, 20, Some(10)),
        (300, 1, None),
        (300, -2, Some(10)),
    ] {
        let period = Period::new(seconds).unwrap();
        let phone = token("phone", Kind::Totp { period, t0: 0 }, 2);
        let mut alice = Person::with(vec![phone.clone()]);
        let tokens = alice.file.tokens.clone();
        let ledger = &mut alice.ledger;
        assert!(ledger.resync(&tokens, &phone, Counter(0), drift, &now(TIME)));
        let shown = (TIME / seconds).saturating_add_signed(drift.into());
        let Verdict::Accepted(acceptance) = alice.types(TIME, "home", &at(&phone, shown)) else {
            panic!("refused: {drift}");
        };
        assert_eq!(acceptance.minutes_off(), minutes, "{drift} of {seconds} s");
    }
}
