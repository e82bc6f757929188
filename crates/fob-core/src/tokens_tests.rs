//! The rules for each kind of token, PIN and scratch code.
#![allow(clippy::arithmetic_side_effects)]

use crate::person::{Person, TIME, at, fob, paper, phone, token};
use crate::{
    Attempt, Code, Counter, Day, Digits, Kind, Pin, PrivateId, Reason, RecoveryDigest, RecoverySet,
    Secret, Token, Verdict,
};

const DAY: u64 = 86_400;
const YEAR: u64 = 365 * DAY;

/// Made with OpenSSL's AES: plugged in for the first time and touched, touched 256 times,
/// plugged in again.
const FIRST: &str = "uujeihnhleghgvfejvugtldurguckuvk";
const LAST_OF_SESSION: &str = "fhndkbjjevketnidjudhhdkvleijlggl";
const NEXT_SESSION: &str = "kghrdrinchkberldlchrltucnbvvjvfg";

fn yubikey() -> Token {
    let kind = Kind::Yubico {
        private_id: PrivateId([0x87, 0x92, 0xeb, 0xfe, 0x26, 0xcc]),
        counter: Counter(0),
    };
    Token {
        secret: Secret::from_hex("ecde18dbe76fbd0c33330f1c354871db").unwrap(),
        public_id: Some("dteffuje".into()),
        ..token("yubikey", kind, 4)
    }
}

fn step(unix: u64) -> u64 {
    unix / 30
}

/// P1: also after the session counter began again at 0.
#[test]
fn yubico_otp_lets_in_once_and_spends_all_before_it() {
    let mut alice = Person::with(vec![yubikey()]);
    assert_eq!(
        alice.reason(TIME, &format!("dteffuje{LAST_OF_SESSION}")),
        None
    );
    for (otp, reason) in [
        (LAST_OF_SESSION, Some(Reason::Spent)),
        (FIRST, Some(Reason::Spent)),
        (NEXT_SESSION, None),
        (NEXT_SESSION, Some(Reason::Spent)),
    ] {
        assert_eq!(alice.reason(TIME + 1, &format!("DTEFFUJE{otp}")), reason);
    }
}

#[test]
fn yubico_otp_comes_with_its_public_id_or_without() {
    for (front, accepted) in [
        ("", true),
        ("dteffuje", true),
        ("cccccccc", false),
        ("e", false),
    ] {
        let mut alice = Person::with(vec![yubikey()]);
        let reason = alice.reason(TIME, &format!("{front}{FIRST}"));
        assert_eq!(reason.is_none(), accepted, "{front}");
    }
}

#[test]
fn public_id_in_front_of_an_hotp_code_is_passed_over() {
    let token = Token {
        public_id: Some("ubhe01234567".into()),
        ..fob(16)
    };
    for (front, accepted) in [("", true), ("UBHE01234567", true), ("ubhe01234568", false)] {
        let mut alice = Person::with(vec![token.clone()]);
        let reason = alice.reason(TIME, &format!("{front}{}", at(&token, 16)));
        assert_eq!(reason.is_none(), accepted, "{front}");
    }
}

#[test]
fn expired_token_lets_in_on_its_last_day_and_not_after() {
    let day = Day::of(TIME).unwrap();
    let token = Token {
        expires: Some(day),
        ..phone()
    };
    for (time, reason) in [(day.end() - 1, None), (day.end(), Some(Reason::Expired))] {
        let mut alice = Person::with(vec![token.clone()]);
        assert_eq!(alice.reason(time, &at(&token, step(time))), reason);
    }
}

/// A PIN in front of the code: a wrong or a missing one is a wrong code, and spends nothing.
#[test]
fn pin_is_asked_for_before_every_code() {
    let mut alice = Person::with(vec![phone(), yubikey()]);
    alice.file.pin = Pin::new(b"4711", [5; 16]);
    let code = at(&phone(), step(TIME));
    for wrong in ["", "4712", "471", "0"] {
        let typed = format!("{wrong}{code}");
        assert_eq!(alice.reason(TIME, &typed), Some(Reason::Wrong), "{wrong}");
    }
    assert_eq!(alice.ledger.throttle.failures(), 4);
    assert_eq!(alice.reason(TIME, &format!("4711 {code}")), None);
    assert_eq!(
        alice.reason(TIME, &format!("4711{code}")),
        Some(Reason::Spent)
    );
    assert_eq!(alice.reason(TIME, FIRST), Some(Reason::Wrong));
    assert_eq!(alice.reason(TIME, &format!("4711dteffuje{FIRST}")), None);
}

#[test]
fn pin_asked_for_on_its_own_is_judged_with_the_code() {
    let code = at(&phone(), step(TIME));
    for (pin, front, accepted) in [
        ("4711", "", true),
        ("4712", "", false),
        ("", "", false),
        ("4711", "4711", false),
        ("", "4711", false),
    ] {
        let mut alice = Person::with(vec![phone()]);
        alice.file.pin = Pin::new(b"4711", [5; 16]);
        let typed = Attempt::parse(format!("{front}{code}").as_bytes()).with_pin(pin.as_bytes());
        let verdict = alice.tries(TIME, "192.0.2.1", &typed);
        assert_eq!(
            matches!(verdict, Verdict::Accepted(_)),
            accepted,
            "{pin} {front}"
        );
    }
    let mut bob = Person::with(vec![phone()]);
    let typed = Attempt::parse(code.as_bytes()).with_pin(b"whatever");
    let verdict = bob.tries(TIME, "192.0.2.1", &typed);
    assert!(matches!(verdict, Verdict::Accepted(_)), "who has no PIN");
}

/// In a joined answer the password stands where a PIN would.
#[test]
fn password_in_front_is_no_pin() {
    let code = at(&phone(), step(TIME));
    for (pin, front, accepted) in [(None, "secret", true), (Some("4711"), "secret", false)] {
        let mut alice = Person::with(vec![phone()]);
        alice.file.pin = pin.and_then(|pin| Pin::new(pin.as_bytes(), [5; 16]));
        let typed = Attempt::parse_joined(format!("{front}{code}").as_bytes());
        let verdict = alice.tries(TIME, "192.0.2.1", &typed);
        assert_eq!(matches!(verdict, Verdict::Accepted(_)), accepted);
    }
}

/// P1, P10: a scratch code is spent once, and is throttled, as short as it is.
#[test]
fn scratch_code_lets_in_once_and_is_throttled() {
    let digest = |code: &str| {
        let code = Code::parse(code.as_bytes()).unwrap();
        RecoveryDigest::of_scratch(&code, &[6; 16])
    };
    let mut digests = vec![digest("12345678"), digest("87654321")];
    digests.sort();
    let mut alice = Person::with(vec![phone()]);
    alice.file.scratch = Some(RecoverySet {
        id: [7; 16],
        salt: [6; 16],
        digests,
    });
    match alice.types(TIME, "192.0.2.1", "12345678") {
        Verdict::Accepted(accepted) => assert_eq!(accepted.recovery_left(), Some(11)),
        Verdict::Refused(refusal) => panic!("{refusal:?}"),
    }
    assert_eq!(alice.reason(TIME, "1234 5678"), Some(Reason::Spent));
    for _ in 0..4 {
        assert_eq!(alice.reason(TIME, "11111111"), Some(Reason::Wrong));
    }
    assert_eq!(alice.reason(TIME, "87654321"), Some(Reason::Throttled));
    assert_eq!(alice.reason(TIME + 60, "87654321"), None);
}

/// A fob that goes wrong by two minutes a year, unused for a while: its window grows with
/// the time since, on both sides of where its clock was, and never below the floor.
#[test]
fn window_grows_with_the_time_since_the_last_use() {
    for (years, reach) in [(0, 1), (1, 5), (2, 9), (9, 10)] {
        for (offset, accepted) in [
            (-reach - 1, false),
            (-reach, true),
            (reach, true),
            (reach + 1, false),
        ] {
            let mut alice = Person::with(vec![phone()]);
            assert_eq!(alice.reason(TIME, &at(&phone(), step(TIME))), None);
            let later = TIME + years * YEAR + 600;
            let code = at(&phone(), step(later).saturating_add_signed(offset));
            let reason = alice.reason(later, &code);
            assert_eq!(reason.is_none(), accepted, "{offset} after {years} years");
        }
    }
}

#[test]
fn window_does_not_grow_before_the_first_use() {
    let mut alice = Person::with(vec![phone()]);
    let code = at(&phone(), step(TIME) + 2);
    assert_eq!(alice.reason(TIME, &code), Some(Reason::Wrong));
}

/// Two codes in a row, the first beyond the window, where the administrator allows it.
fn two_in_a_row(alice: &mut Person, first: (u64, &str), second: (u64, &str)) -> Option<Reason> {
    assert_eq!(alice.reason(first.0, first.1), Some(Reason::OutOfWindow));
    let attempt = Attempt::parse(first.1.as_bytes());
    let pair = attempt.followed_by(Attempt::parse(second.1.as_bytes()));
    match alice.tries(second.0, "192.0.2.1", &pair) {
        Verdict::Accepted(acceptance) => {
            assert_eq!(acceptance.notice().failures, 0);
            None
        }
        Verdict::Refused(refusal) => Some(refusal.reason),
    }
}

#[test]
fn counter_far_ahead_is_resynced_by_two_codes_in_a_row() {
    for (counter, gap, accepted) in [(11, 1, true), (100, 1, true), (50, 2, false)] {
        let mut alice = Person::with(vec![fob(0)]);
        alice.policy.resync_at_prompt = true;
        let (first, second) = (at(&fob(0), counter), at(&fob(0), counter + gap));
        let reason = two_in_a_row(&mut alice, (TIME, &first), (TIME, &second));
        assert_eq!(reason.is_none(), accepted, "{counter}");
        if accepted {
            assert_eq!(alice.reason(TIME, &second), Some(Reason::Spent));
            assert_eq!(alice.reason(TIME, &at(&fob(0), counter + 2)), None);
        }
    }
}

#[test]
fn clock_beyond_the_window_is_resynced_by_two_codes_in_a_row() {
    for offset in [-2i64, 2] {
        let mut alice = Person::with(vec![phone()]);
        alice.policy.resync_at_prompt = true;
        let code = |time| at(&phone(), step(time).saturating_add_signed(offset));
        let (first, second) = (code(TIME), code(TIME + 30));
        let reason = two_in_a_row(&mut alice, (TIME, &first), (TIME + 30, &second));
        assert_eq!(reason, None, "{offset}");
        assert_eq!(
            alice.reason(TIME + 60, &code(TIME + 60)),
            None,
            "drift is kept"
        );
    }
}

/// R4: the owner's own first code is no failure, and its address not that of the others.
#[test]
fn resync_at_the_prompt_tells_of_other_peoples_failures_alone() {
    let mut alice = Person::with(vec![fob(0)]);
    alice.policy.resync_at_prompt = true;
    alice.types(TIME, "203.0.113.9", "000000");
    let first = Attempt::parse(at(&fob(0), 50).as_bytes());
    alice.tries(TIME, "192.0.2.1", &first);
    let pair = first.followed_by(Attempt::parse(at(&fob(0), 51).as_bytes()));
    let Verdict::Accepted(acceptance) = alice.tries(TIME, "192.0.2.1", &pair) else {
        panic!("refused");
    };
    let notice = acceptance.notice();
    assert_eq!((notice.failures, notice.from.as_str()), (1, ""));
}

/// P1: never at or below the floor. And off unless somebody turned it on.
#[test]
fn resync_at_the_prompt_has_its_limits() {
    let mut alice = Person::with(vec![fob(0)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 50)), Some(Reason::Wrong));
    alice.policy.resync_at_prompt = true;
    assert_eq!(alice.reason(TIME, &at(&fob(0), 102)), Some(Reason::Wrong));
    assert_eq!(alice.reason(TIME, &at(&fob(0), 5)), None);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 4)), Some(Reason::Spent));
    let spent = Attempt::parse(at(&fob(0), 4).as_bytes());
    let pair = spent.followed_by(Attempt::parse(at(&fob(0), 5).as_bytes()));
    assert!(matches!(
        alice.tries(TIME, "192.0.2.1", &pair),
        Verdict::Refused(_)
    ));
    alice.file.tokens[0].disabled = true;
    assert_eq!(
        alice.reason(TIME + 60, &at(&fob(0), 60)),
        Some(Reason::Wrong)
    );
}

/// A code from before the last one that let in is no reason to ask for a second one.
#[test]
fn code_below_the_floor_is_not_beyond_the_window() {
    let mut alice = Person::with(vec![phone()]);
    alice.policy.resync_at_prompt = true;
    let old = at(&phone(), step(TIME) - 2);
    assert_eq!(alice.reason(TIME, &old), Some(Reason::OutOfWindow));
    assert_eq!(alice.reason(TIME, &at(&phone(), step(TIME))), None);
    assert_eq!(alice.reason(TIME, &old), Some(Reason::Wrong));
}

/// Of a hundred presses two may show the same code.
#[test]
fn code_that_stands_twice_beyond_the_window_is_beyond_it() {
    let mut seen = std::collections::HashMap::new();
    let twice = (0..50_000).find_map(|n| {
        let before: u64 = seen.insert(at(&fob(0), n), n)?;
        (n - before < 80).then_some(before)
    });
    let twice = twice.unwrap();
    let mut alice = Person::with(vec![fob(twice - 15)]);
    alice.policy.resync_at_prompt = true;
    let reason = alice.reason(TIME, &at(&fob(0), twice));
    assert_eq!(reason, Some(Reason::OutOfWindow));
}

/// P11: each token cuts the answer by its own length.
#[test]
fn tokens_of_several_lengths_are_one_persons() {
    let long = Token {
        digits: Digits::EIGHT,
        ..fob(0)
    };
    let mut alice = Person::with(vec![phone(), long.clone()]);
    assert_eq!(alice.reason(TIME, &at(&long, 0)), None);
    assert_eq!(alice.reason(TIME, &at(&phone(), step(TIME))), None);
}

/// P10, T18: however long the PIN and the public id in front are, a guess counts.
#[test]
fn guess_behind_the_longest_front_counts() {
    let token = Token {
        digits: Digits::MAX,
        public_id: Some("c".repeat(32)),
        ..phone()
    };
    let pin = "p".repeat(Pin::MAX);
    let front = format!("{pin}{}", "c".repeat(32));
    let mut alice = Person::with(vec![token.clone()]);
    alice.file.pin = Pin::new(pin.as_bytes(), [5; 16]);
    let guess = format!("{front}0000000000");
    assert_eq!(alice.reason(TIME, &guess), Some(Reason::Wrong));
    assert_eq!(alice.ledger.throttle.failures(), 1);
    let code = at(&token, step(TIME));
    assert_eq!(alice.reason(TIME, &format!("{front}{code}")), None);
}

/// What goes on to the next module is the whole password, though its end and the scratch
/// code look like a recovery code together.
#[test]
fn scratch_code_leaves_the_password_in_front_whole() {
    let code = Code::parse(b"23456723").unwrap();
    let mut alice = Person::with(vec![phone()]);
    alice.file.scratch = Some(RecoverySet {
        id: [7; 16],
        salt: [6; 16],
        digests: vec![RecoveryDigest::of_scratch(&code, &[6; 16])],
    });
    let answer = b"correcthorse23456723";
    let typed = Attempt::parse_joined(answer);
    let Verdict::Accepted(accepted) = alice.tries(TIME, "192.0.2.1", &typed) else {
        panic!("refused");
    };
    assert_eq!(
        Attempt::password(answer, accepted.length()),
        b"correcthorse"
    );
}

/// The same with a recovery code, however its groups are written.
#[test]
fn recovery_code_leaves_the_password_in_front_whole() {
    for spelled in [
        paper(3).to_text().to_string(),
        paper(3).to_text().replace('-', "").to_lowercase(),
    ] {
        let mut alice = Person::with(vec![phone()]);
        let answer = format!("correct horse{spelled}");
        let typed = Attempt::parse_joined(answer.as_bytes());
        let Verdict::Accepted(accepted) = alice.tries(TIME, "192.0.2.1", &typed) else {
            panic!("refused: {answer}");
        };
        let password = Attempt::password(answer.as_bytes(), accepted.length());
        assert_eq!(password, b"correct horse", "{answer}");
    }
}

/// Where nothing is right, the password of the next module is what stands in front of
/// whatever looks like a code.
#[test]
fn likely_password_stands_in_front_of_what_looks_like_a_code() {
    let otp = "dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh";
    let longer = format!("ccccccccccccc{otp}");
    for (code, is_one) in [
        ("123456", true),
        (&otp[..32], true),
        (&longer[..44], true),
        (&paper(3).to_text(), true),
        ("12345", false),
        ("dteffujehknhfjbrjnlnldnhcujvdd!b", false),
        ("", false),
    ] {
        let answer = format!("Horse!{code}");
        let password = Attempt::likely_password(answer.as_bytes());
        let expected = if is_one { "Horse!" } else { answer.as_str() };
        assert_eq!(password, expected.as_bytes(), "{answer}");
    }
}

/// The same with a token's code, and the public id of a YubiKey before it.
#[test]
fn code_leaves_the_password_in_front_whole() {
    let mut with_id = fob(0);
    with_id.public_id = Some("ccccccbcgujh".into());
    for (fob, id) in [(fob(0), ""), (with_id, "CCCCCCBCGUJH")] {
        let mut alice = Person::with(vec![fob.clone()]);
        let answer = format!("horse7{id}{}", at(&fob, 0));
        let typed = Attempt::parse_joined(answer.as_bytes());
        let Verdict::Accepted(accepted) = alice.tries(TIME, "192.0.2.1", &typed) else {
            panic!("refused: {answer}");
        };
        let password = Attempt::password(answer.as_bytes(), accepted.length());
        assert_eq!(password, b"horse7", "{answer}");
    }
}

/// Of two codes in a row the second has the same in front as the first, or nothing.
#[test]
fn second_of_two_codes_needs_no_pin_but_takes_no_wrong_one() {
    for (front, accepted) in [("", true), ("1234", true), ("9999", false)] {
        let mut alice = Person::with(vec![fob(0)]);
        alice.policy.resync_at_prompt = true;
        alice.file.pin = Pin::new(b"1234", [5; 16]);
        let first = format!("1234{}", at(&fob(0), 50));
        let second = format!("{front}{}", at(&fob(0), 51));
        let reason = two_in_a_row(&mut alice, (TIME, &first), (TIME, &second));
        assert_eq!(reason.is_none(), accepted, "{front:?}");
    }
}
