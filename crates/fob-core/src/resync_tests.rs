#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::{Algorithm, Digits, Owner, Period, Secret, Token};
use proptest::prelude::*;

const NOW: Now = Now {
    unix: 1_800_000_000,
    boot: 1,
    boot_id: [1; 16],
};
/// The step of `NOW` with the usual period.
const STEP: u64 = 60_000_000;

fn token(kind: Kind) -> Token {
    Token {
        id: "t".into(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret: Secret::new(b"12345678901234567890".to_vec()).unwrap(),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}

fn hotp() -> Token {
    token(Kind::Hotp {
        counter: Counter(0),
    })
}

fn totp() -> Token {
    token(Kind::Totp {
        period: Period::DEFAULT,
        t0: 0,
    })
}

fn floored(token: &Token, floor: u64) -> Ledger {
    let mut ledger = Ledger::new(Owner {
        uid: 1,
        name: "alice".into(),
    });
    assert!(ledger.raise_floor(token, Counter(floor), 0, &NOW));
    ledger
}

fn shown(token: &Token, counter: u64) -> Attempt {
    Attempt::parse(token.code(Counter(counter)).to_text().as_bytes())
}

fn find(token: &Token, floor: u64, range: u32, pair: [u64; 2]) -> Pair {
    let ledger = floored(token, floor);
    let search = PairSearch {
        token: token.into(),
        ledger: &ledger,
        now: &NOW,
        range,
    };
    search.find(&shown(token, pair[0]), &shown(token, pair[1]))
}

#[test]
fn counter_far_ahead_is_found_and_both_codes_are_spent() {
    let found = Pair::Found {
        floor: Counter(902),
        drift: 0,
    };
    assert_eq!(find(&hotp(), 5, 1000, [900, 901]), found);
    assert_eq!(find(&hotp(), 5, 800, [900, 901]), Pair::NotFound);
}

#[test]
fn codes_that_are_not_neighbours_are_not_found() {
    for pair in [[900, 902], [901, 900], [900, 900]] {
        assert_eq!(find(&hotp(), 5, 1000, pair), Pair::NotFound, "{pair:?}");
    }
}

/// P1: the first of the two must not be spent, be it the very last that was.
#[test]
fn spent_code_and_the_next_are_no_pair() {
    let spent = Pair::Spent {
        second: Counter(900),
    };
    assert_eq!(find(&hotp(), 900, 1000, [899, 900]), spent);
    let found = Pair::Found {
        floor: Counter(902),
        drift: 0,
    };
    assert_eq!(find(&hotp(), 900, 1000, [900, 901]), found);
}

#[test]
fn slow_clock_is_found_as_far_as_a_ledger_remembers() {
    for off in [-2880i64, -20, 0, 3, 2879] {
        let first = STEP.saturating_add_signed(off.max(-2879) - 1);
        let found = Pair::Found {
            floor: Counter(first + 2),
            drift: i32::try_from(off.max(-2879)).unwrap(),
        };
        assert_eq!(find(&totp(), 0, 9999, [first, first + 1]), found, "{off}");
    }
    let far = STEP - 2890;
    assert_eq!(find(&totp(), 0, 9999, [far, far + 1]), Pair::NotFound);
}

/// P11: at the end of 64 bits nothing is found that couldn't be spent.
#[test]
fn last_counter_of_all_is_not_found() {
    let end = u64::MAX;
    assert_eq!(
        find(&hotp(), end - 5, 1000, [end - 1, end]),
        Pair::Spent {
            second: Counter(end)
        }
    );
    assert!(matches!(
        find(&hotp(), end - 5, 1000, [end - 2, end - 1]),
        Pair::Found { .. }
    ));
}

proptest! {
    /// P1: no pair whose first code is below the floor is ever found.
    #[test]
    fn nothing_below_the_floor_is_found(floor in 0u64..3000, first in 0u64..3000, range in 0u32..2000) {
        let expected = if first < floor {
            prop_assume!(first + 1000 > floor);
            Pair::Spent { second: Counter(first + 1) }
        } else if first <= floor + u64::from(range) {
            Pair::Found { floor: Counter(first + 2), drift: 0 }
        } else {
            Pair::NotFound
        };
        prop_assert_eq!(find(&hotp(), floor, range, [first, first + 1]), expected);
    }

    /// P1, for a clock.
    #[test]
    fn no_step_below_the_floor_is_found(back in 0u64..100, off in 0u64..100) {
        let (floor, first) = (STEP + 50 - back, STEP + 50 - off);
        let expected = if first < floor {
            Pair::Spent { second: Counter(first + 1) }
        } else {
            Pair::Found { floor: Counter(first + 2), drift: 51 - i32::try_from(off).unwrap() }
        };
        prop_assert_eq!(find(&totp(), floor, 2880, [first, first + 1]), expected);
    }
}
