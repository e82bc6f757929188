//! The rules of the game, played without disk or clock.
#![allow(clippy::arithmetic_side_effects)]

use proptest::prelude::*;

use super::*;
use crate::person::{Person, TIME, at, fob, now, paper, phone, token};
use crate::{Digits, Kind, Owner, Period, PrivateId, RecoveryDigest, RecoverySet};

const STEP: u64 = TIME / 30;

/// P1, R1, T16: once, also 1, 29 and 59 seconds later.
#[test]
fn totp_code_lets_in_once() {
    let mut alice = Person::with(vec![phone()]);
    let code = at(&phone(), STEP);
    assert_eq!(alice.reason(TIME, &code), None);
    for later in [0, 1, 29, 59] {
        assert_eq!(
            alice.reason(TIME + later, &code),
            Some(Reason::Spent),
            "{later} s later"
        );
    }
}

/// P1: all spellings of a code are one code.
#[test]
fn other_spelling_of_a_spent_code_is_refused() {
    let mut alice = Person::with(vec![phone()]);
    let code = at(&phone(), STEP);
    let (a, b) = code.split_at(3);
    assert_eq!(alice.reason(TIME, &code), None);
    for spelling in [format!("{a} {b}"), format!("{a}-{b}"), format!(" {code}\r")] {
        assert_eq!(
            alice.reason(TIME, &spelling),
            Some(Reason::Spent),
            "{spelling:?}"
        );
    }
}

/// R10: one step to each side, and no more.
#[test]
fn window_is_one_step_to_each_side() {
    for (offset, accepted) in [(-2i64, false), (-1, true), (0, true), (1, true), (2, false)] {
        let mut alice = Person::with(vec![phone()]);
        let code = at(&phone(), STEP.saturating_add_signed(offset));
        assert_eq!(
            alice.reason(TIME, &code).is_none(),
            accepted,
            "offset {offset}"
        );
    }
}

/// P1: a code before the spent one is spent too, and the clock going back helps nobody.
#[test]
fn earlier_codes_are_spent_with_the_later_one() {
    let mut alice = Person::with(vec![phone()]);
    assert_eq!(alice.reason(TIME, &at(&phone(), STEP + 1)), None);
    assert_eq!(alice.reason(TIME, &at(&phone(), STEP)), Some(Reason::Spent));
    assert_eq!(
        alice.reason(TIME - 600, &at(&phone(), STEP - 20)),
        Some(Reason::Spent)
    );
}

/// After a resync logins follow the clock from there, and walk it away by two steps at most.
#[test]
fn drift_stays_within_two_steps_of_what_resync_found() {
    let mut alice = Person::with(vec![phone()]);
    let step = TIME / 30;
    let tokens = alice.file.tokens.clone();
    let resynced = alice
        .ledger
        .resync(&tokens, &tokens[0], Counter(step - 30), -20, &now(TIME));
    assert!(resynced);
    let mut off = -20;
    for login in 1..10u64 {
        off -= 1;
        let shown = (step + login * 10).saturating_add_signed(off);
        let code = phone().code(Counter(shown)).to_text().to_string();
        let verdict = alice.types(TIME + login * 300, "home", &code);
        // The window reaches one step beyond the farthest drift.
        let accepted = matches!(verdict, Verdict::Accepted(_));
        assert_eq!(accepted, off >= -23, "{off}");
    }
    assert_eq!(alice.ledger.entry(phone().key()).unwrap().drift(), -22);
}

/// R11: the drift of a clock is followed within two steps, and never lowers the floor.
#[test]
fn drift_is_followed_within_two_steps() {
    let mut alice = Person::with(vec![phone()]);
    let mut worst = 0;
    for login in 1..10 {
        let time = TIME + login * 300;
        let step = time / 30;
        match alice.types(time, "192.0.2.1", &at(&phone(), step + login.min(3))) {
            Verdict::Accepted(acceptance) => worst = worst.max(acceptance.drift()),
            Verdict::Refused(refusal) => panic!("login {login}: {refusal:?}"),
        }
    }
    assert_eq!(worst, 2);
    let time = TIME + 6000;
    assert_eq!(
        alice.reason(time, &at(&phone(), time / 30 + 4)),
        Some(Reason::Wrong)
    );
}

/// R6: lost presses are forgiven up to the look-ahead.
#[test]
fn hotp_looks_ahead_ten_presses() {
    for (counter, accepted) in [(0, true), (10, true), (11, false)] {
        let mut alice = Person::with(vec![fob(0)]);
        assert_eq!(
            alice.reason(TIME, &at(&fob(0), counter)).is_none(),
            accepted,
            "{counter}"
        );
    }
}

/// P1, P11: from 0 to the end of 64 bits; the last counter has no floor above it.
#[test]
fn hotp_counts_from_zero_to_the_end_of_64_bits() {
    let mut alice = Person::with(vec![fob(0)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 0)), None);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 0)), Some(Reason::Spent));
    let mut old = Person::with(vec![fob(u64::MAX - 1)]);
    assert_eq!(old.reason(TIME, &at(&fob(0), u64::MAX - 1)), None);
    assert_eq!(
        old.reason(TIME, &at(&fob(0), u64::MAX)),
        Some(Reason::Spent)
    );
}

/// R5, T20: a thousand wrong codes leave the counter where it was.
#[test]
fn wrong_codes_move_no_counter() {
    let mut alice = Person::with(vec![fob(7)]);
    for n in 0..1000u32 {
        alice.types(TIME, &format!("192.0.2.{}", n % 250), "000000");
    }
    assert_eq!(alice.ledger.floor(&fob(7)), Counter(7));
    alice.ledger.throttle.unlock();
    assert_eq!(alice.reason(TIME, &at(&fob(0), 7)), None);
}

/// P1: neither a new name nor a second enrolment brings a spent code back.
#[test]
fn renamed_and_readded_token_keeps_its_floor() {
    let mut alice = Person::with(vec![fob(0)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 5)), None);
    alice.file.tokens = Vec::new();
    assert_eq!(alice.reason(TIME, &at(&fob(0), 5)), Some(Reason::Wrong));
    alice.file.tokens = vec![Token {
        id: "again".into(),
        ..fob(0)
    }];
    assert_eq!(alice.reason(TIME, &at(&fob(0), 5)), Some(Reason::Spent));
    assert_eq!(alice.reason(TIME, &at(&fob(0), 6)), None);
}

#[test]
fn counter_in_the_token_file_only_raises_the_floor() {
    let mut alice = Person::with(vec![fob(0)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 5)), None);
    assert_eq!(alice.ledger.floor(&fob(0)), Counter(6));
    assert_eq!(alice.ledger.floor(&fob(100)), Counter(100));
}

#[test]
fn any_token_of_the_person_lets_in() {
    let mut alice = Person::with(vec![phone(), fob(0)]);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 0)), None);
    assert_eq!(alice.reason(TIME, &at(&phone(), STEP)), None);
}

#[test]
fn disabled_token_lets_nobody_in() {
    let mut alice = Person::with(vec![Token {
        disabled: true,
        ..phone()
    }]);
    assert_eq!(
        alice.reason(TIME, &at(&phone(), STEP)),
        Some(Reason::Disabled)
    );
}

/// T07: a dummy token refuses all codes, the right one too.
#[test]
fn dummy_path_accepts_no_code_of_all_six_digit_codes() {
    let dummy = Token {
        disabled: true,
        ..phone()
    };
    let ledger = Ledger::new(Owner {
        uid: 0,
        name: String::new(),
    });
    for code in 0..1_000_000u32 {
        let attempt = Attempt::parse(format!("{code:06}").as_bytes());
        let accepted = confirm(&Policy::default(), &dummy, &ledger, &now(TIME), &attempt);
        assert_eq!(accepted, None);
    }
}

/// P11: the length of the code is enforced.
#[test]
fn code_of_another_length_is_wrong() {
    let eight = Token {
        digits: Digits::new(8).unwrap(),
        ..phone()
    };
    let mut alice = Person::with(vec![eight.clone()]);
    assert_eq!(
        alice.reason(TIME, &at(&eight, STEP)[2..]),
        Some(Reason::Wrong)
    );
    assert_eq!(alice.reason(TIME, &at(&eight, STEP)), None);
}

/// Threats 4.3: a clock that nobody set proves nothing, but a counter still does.
#[test]
fn unset_clock_refuses_time_based_codes_only() {
    let mut alice = Person::with(vec![phone(), fob(0)]);
    assert_eq!(alice.reason(60, &at(&phone(), 2)), Some(Reason::ClockUnset));
    assert_eq!(alice.reason(60, "000000"), Some(Reason::ClockUnset));
    assert_eq!(alice.reason(60, &at(&fob(0), 0)), None);
    assert_eq!(alice.reason(60, &paper(0).to_text()), None);
}

/// R16: each recovery code once, in either case, with or without its dashes.
#[test]
fn recovery_codes_let_in_once_each() {
    let mut alice = Person::with(vec![phone()]);
    for n in 0..10 {
        let code = paper(n).to_text();
        let Verdict::Accepted(acceptance) =
            alice.types(TIME, "192.0.2.1", &code.to_ascii_lowercase())
        else {
            panic!("code {n}");
        };
        assert_eq!(acceptance.recovery_left(), Some(9 - usize::from(n)));
        assert_eq!(
            alice.reason(TIME, &code.replace('-', "")),
            Some(Reason::Spent)
        );
    }
}

/// P1: the codes of an old set that is laid down again stay spent.
#[test]
fn spent_recovery_code_of_an_old_set_stays_spent() {
    let mut alice = Person::with(vec![phone()]);
    let old = alice.file.recovery.clone();
    assert_eq!(alice.reason(TIME, &paper(0).to_text()), None);
    alice.file.recovery = Some(RecoverySet {
        id: [8; 16],
        ..old.clone().unwrap()
    });
    assert_eq!(alice.reason(TIME, &paper(0).to_text()), None);
    alice.file.recovery = old;
    assert_eq!(alice.reason(TIME, &paper(0).to_text()), Some(Reason::Spent));
}

/// P1: the ledger remembers a few sets only. One that is still enrolled isn't forgotten,
/// however often the other one is made anew.
#[test]
fn spent_scratch_code_outlasts_all_recovery_sets() {
    let mut alice = Person::with(vec![phone()]);
    let code = Attempt::parse(b"12345678").lone_code(RecoverySet::SCRATCH);
    alice.file.scratch = Some(RecoverySet {
        id: [200; 16],
        salt: [6; 16],
        digests: vec![RecoveryDigest::of_scratch(&code.unwrap(), &[6; 16])],
    });
    assert_eq!(alice.reason(TIME, "12345678"), None);
    for id in 0..20 {
        alice.file.recovery.as_mut().unwrap().id = [id; 16];
        assert_eq!(alice.reason(TIME, &paper(0).to_text()), None);
    }
    assert_eq!(alice.reason(TIME, "12345678"), Some(Reason::Spent));
}

/// P10: throttled attempts aren't looked at, but recovery codes always are.
#[test]
fn recovery_code_works_while_throttled() {
    let mut alice = Person::with(vec![phone()]);
    for _ in 0..5 {
        assert_eq!(alice.reason(TIME, "000000"), Some(Reason::Wrong));
    }
    let code = at(&phone(), STEP);
    let debits = alice.debits;
    assert_eq!(
        alice.types(TIME, "192.0.2.1", &code),
        Verdict::Refused(Refusal {
            reason: Reason::Throttled,
            wait: 5
        })
    );
    assert_eq!(alice.debits, debits);
    assert_eq!(
        alice.types(TIME, "192.0.2.1", "BCDEFGHIJKLMNOPQ"),
        Verdict::Refused(Reason::Wrong.into())
    );
    assert_eq!(alice.reason(TIME, &paper(0).to_text()), None);
    assert_eq!(alice.reason(TIME, &code), None);
}

/// P10: a password in front of a code can look like the front of a recovery code. Nobody
/// gets round the throttle that way.
#[test]
fn joined_answer_that_looks_like_a_recovery_code_is_throttled_as_a_code() {
    let like_base32 = |code: &str| code.bytes().all(|digit| (b'2'..=b'7').contains(&digit));
    let start = (0..1000)
        .find(|counter| like_base32(&at(&fob(0), *counter)))
        .unwrap();
    let mut alice = Person::with(vec![fob(start)]);
    for _ in 0..5 {
        assert_eq!(alice.reason(TIME, "000000"), Some(Reason::Wrong));
    }
    let typed = |code: &str| Attempt::parse_joined(format!("correcthorse{code}").as_bytes());
    let joined = typed(&at(&fob(0), start));
    assert!(joined.recovery().is_some());
    let throttled = Refusal {
        reason: Reason::Throttled,
        wait: 5,
    };
    assert_eq!(
        alice.tries(TIME, "192.0.2.1", &joined),
        Verdict::Refused(throttled)
    );
    let accepted = |verdict| matches!(verdict, Verdict::Accepted(_));
    assert!(accepted(alice.tries(
        TIME,
        "192.0.2.1",
        &typed(&paper(0).to_text())
    )));
    assert!(accepted(alice.tries(TIME, "192.0.2.1", &joined)));
}

/// P10: malformed answers and the junk that sshd feeds for barred users count nothing.
#[test]
fn malformed_answers_count_nothing() {
    let mut alice = Person::with(vec![phone()]);
    for _ in 0..200 {
        assert_eq!(
            alice.reason(TIME, "\u{8}\n\r\u{7f}INCORRECT"),
            Some(Reason::Malformed)
        );
        assert_eq!(alice.reason(TIME, ""), Some(Reason::Malformed));
    }
    assert_eq!(alice.debits, 400);
    assert_eq!(
        (
            alice.ledger.throttle.failures(),
            alice.ledger.notice.failures
        ),
        (0, 0)
    );
    assert_eq!(alice.reason(TIME, &at(&phone(), STEP)), None);
}

/// R9: a spent code counts once for its counter.
#[test]
fn spent_code_counts_once() {
    let mut alice = Person::with(vec![phone()]);
    let code = at(&phone(), STEP);
    assert_eq!(alice.reason(TIME, &code), None);
    for _ in 0..20 {
        assert_eq!(alice.reason(TIME, &code), Some(Reason::Spent));
    }
    assert_eq!(alice.ledger.throttle.failures(), 1);
}

/// P10: its digits are a guess at other tokens, so that it doesn't stay free.
#[test]
fn spent_code_is_no_free_guess_at_another_token() {
    let mut alice = Person::with(vec![fob(0), phone()]);
    let code = at(&fob(0), 0);
    assert_eq!(alice.reason(TIME, &code), None);
    let mut judged = 0;
    for try_ in 1..2000 {
        match alice.reason(TIME + try_ * 90, &code) {
            Some(Reason::Spent) => judged += 1,
            reason => assert!(
                matches!(reason, Some(Reason::Throttled | Reason::Locked)),
                "{reason:?}"
            ),
        }
    }
    assert!(judged <= 100 + 30, "{judged}");
}

/// R4: the owner learns of the failures at the next success.
#[test]
fn success_tells_of_the_failures_before_it() {
    let mut alice = Person::with(vec![phone()]);
    for n in 1..4 {
        alice.types(TIME, &format!("198.51.100.{n}"), "000000");
    }
    let Verdict::Accepted(acceptance) = alice.types(TIME + 1, "192.0.2.1", &at(&phone(), STEP))
    else {
        panic!("refused");
    };
    let notice = acceptance.notice();
    assert_eq!(
        (notice.failures, notice.at, notice.from.as_str()),
        (3, TIME, "198.51.100.3")
    );
    assert_eq!(alice.ledger.notice.failures, 0);
}

/// P1: what can't be remembered can't be accepted; a stale time-based token makes room,
/// an HOTP floor never does.
#[test]
fn full_ledger_keeps_hotp_floors() {
    let mut alice = Person::with(vec![]);
    for n in 0..32 {
        let spare = token(
            "spare",
            Kind::Hotp {
                counter: Counter(0),
            },
            100 + n,
        );
        assert!(alice.ledger.raise_floor(&spare, Counter(1), 0, &now(TIME)));
    }
    alice.file.tokens = vec![phone()];
    assert_eq!(
        alice.reason(TIME, &at(&phone(), STEP)),
        Some(Reason::NoRoom)
    );

    let mut bob = Person::with(vec![]);
    for n in 0..32 {
        let spare = token(
            "spare",
            Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            },
            100 + n,
        );
        assert!(bob.ledger.raise_floor(&spare, Counter(STEP), 0, &now(TIME)));
    }
    bob.file.tokens = vec![phone()];
    let later = TIME + 31 * 86_400;
    assert_eq!(bob.reason(later, &at(&phone(), later / 30)), None);
}

/// P1: a clock that was far ahead spent codes of a later time. They aren't forgotten before
/// that time is over.
#[test]
fn floor_of_a_fast_clock_is_not_forgotten_before_its_codes_are_past() {
    let hour = Period::new(3600).unwrap();
    let fast = token(
        "fast",
        Kind::Totp {
            period: hour,
            t0: 0,
        },
        5,
    );
    let ahead = 2000;
    let mut alice = Person::with(vec![phone()]);
    let spent = Counter(TIME / 3600 + ahead);
    let floor = spent.next().unwrap();
    assert!(alice.ledger.resync(&[], &fast, floor, 2000, &now(TIME)));
    for n in 0..31 {
        let spare = token(
            "spare",
            Kind::Hotp {
                counter: Counter(0),
            },
            100 + n,
        );
        assert!(alice.ledger.raise_floor(&spare, Counter(1), 0, &now(TIME)));
    }
    let later = TIME + 31 * 86_400;
    assert_eq!(
        alice.reason(later, &at(&phone(), later / 30)),
        Some(Reason::NoRoom)
    );
    alice.file.tokens = vec![fast.clone()];
    let then = TIME + ahead * 3600;
    assert!(alice.reason(then, &at(&fast, spent.0)).is_some());
    alice.file.tokens = vec![phone()];
    let past = TIME + (ahead + 25) * 86_400;
    assert_eq!(alice.reason(past, &at(&phone(), past / 30)), None);
}

#[derive(Debug, Clone)]
enum Act {
    Type(u64),
    Wrong,
    Clock(i64),
    Reboot,
    ReAdd,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..40u64).prop_map(Act::Type),
        1 => Just(Act::Wrong),
        2 => (-200i64..400).prop_map(Act::Clock),
        1 => Just(Act::Reboot),
        1 => Just(Act::ReAdd),
    ];
    proptest::collection::vec(act, 1..60)
}

proptest! {
    /// P1, T14: whatever the history, no counter lets in twice, and the floor never falls.
    #[test]
    fn no_history_accepts_a_counter_twice(history in acts(), timed in any::<bool>()) {
        let token = if timed { phone() } else { fob(STEP) };
        let mut alice = Person::with(vec![token.clone()]);
        let mut clock = TIME;
        let mut accepted = std::collections::BTreeSet::new();
        let mut floor = Counter(0);
        for act in history {
            match act {
                Act::Type(ahead) => {
                    let counter = if timed { clock / 30 + ahead % 4 - 2 } else { STEP + ahead };
                    if let Verdict::Accepted(a) = alice.types(clock, "192.0.2.1", &at(&token, counter)) {
                        prop_assert!(accepted.insert(a.counter().unwrap()));
                    }
                }
                Act::Wrong => { alice.types(clock, "192.0.2.2", "000000"); }
                Act::Clock(by) => clock = clock.saturating_add_signed(by),
                Act::Reboot => alice.ledger.throttle.boot_id[0] ^= 1,
                Act::ReAdd => alice.file.tokens = vec![Token { id: "other".into(), ..token.clone() }],
            }
            prop_assert!(alice.ledger.floor(&token) >= floor);
            floor = alice.ledger.floor(&token);
        }
    }
}

fn bypass(person: &mut Person, seconds: u64, uses: u8) -> String {
    let (bypass, code) = Bypass::new(12_345_678, [4; 16], &now(TIME), seconds, uses, "carol");
    person.ledger.bypass = Some(bypass);
    code.to_text().to_string()
}

fn refused(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Refused(refusal) => Some(refusal.reason),
        Verdict::Accepted(_) => None,
    }
}

/// P1 for what an administrator read out: as often as was said, and no more.
#[test]
fn bypass_code_lets_in_as_often_as_was_said() {
    let mut person = Person::with(vec![phone()]);
    let code = bypass(&mut person, 3600, 2);
    assert_eq!(code, "12345678");
    for _ in 0..2 {
        match person.types(TIME + 5, "192.0.2.7", "1234 5678") {
            Verdict::Accepted(acceptance) => {
                assert_eq!(acceptance.token(), "bypass");
                assert_eq!(acceptance.issued_by(), Some("carol"));
            }
            other => panic!("{other:?}"),
        }
    }
    let third = person.types(TIME + 6, "192.0.2.7", &code);
    assert_eq!(refused(&third), Some(Reason::Spent));
}

#[test]
fn bypass_code_ends_with_its_time_and_does_not_last_under_a_clock_set_back() {
    for (at, reason) in [
        (TIME + 3599, None),
        (TIME + 3600, Some(Reason::Expired)),
        (TIME - 1, Some(Reason::Expired)),
        (1_000_000_000, Some(Reason::ClockUnset)),
    ] {
        let mut person = Person::with(vec![fob(0)]);
        let code = bypass(&mut person, 3600, 1);
        assert_eq!(
            refused(&person.types(at, "192.0.2.7", &code)),
            reason,
            "{at}"
        );
    }
}

/// P10: a bypass code is guessed no more often than any other.
#[test]
fn bypass_code_is_throttled_like_any_code() {
    let mut person = Person::with(vec![phone()]);
    let code = bypass(&mut person, 3600, 1);
    for _ in 0..5 {
        person.types(TIME, "192.0.2.7", "87654321");
    }
    let verdict = person.types(TIME, "192.0.2.7", &code);
    assert_eq!(refused(&verdict), Some(Reason::Throttled));
}

#[test]
fn nothing_lets_a_disabled_person_in() {
    let mut person = Person::with(vec![phone(), fob(0)]);
    let code = bypass(&mut person, 3600, 1);
    person.file.disabled = true;
    let press = fob(0).code(Counter(0)).to_text().to_string();
    for answer in [code, press.clone(), paper(3).to_text().to_string()] {
        let verdict = person.types(TIME, "192.0.2.7", &answer);
        assert_eq!(refused(&verdict), Some(Reason::Disabled), "{answer}");
    }
    person.file.disabled = false;
    let verdict = person.types(TIME, "192.0.2.7", &press);
    assert_eq!(refused(&verdict), None);
}

/// A token whose type doesn't count is refused, unspent, and so is one of too few.
#[test]
fn service_says_which_tokens_count_and_how_many_there_must_be() {
    let mut alice = Person::with(vec![phone(), fob(0)]);
    alice.policy.types = crate::Types::of("hotp").unwrap();
    let code = at(&phone(), STEP);
    assert_eq!(alice.reason(TIME, &code), Some(Reason::Type));
    assert_eq!(alice.reason(TIME, &at(&fob(0), 0)), None);
    alice.policy.min_tokens = 2;
    let few = Some(Reason::TooFewTokens);
    assert_eq!(alice.reason(TIME, &at(&fob(0), 1)), few);
    alice.policy.types = crate::Types::ALL;
    alice.file.tokens[1].disabled = true;
    assert_eq!(alice.reason(TIME, &code), few);
    // A recovery code is no token.
    let recovery = paper(0).to_text().to_string();
    assert_eq!(alice.reason(TIME, &recovery), None);
    alice.file.tokens[1].disabled = false;
    assert_eq!(alice.reason(TIME, &code), None, "it wasn't spent");
    assert_eq!(alice.reason(TIME, &at(&fob(0), 1)), None);
}

/// P2: where a token shows the same digits twice within its window, which six digits now and
/// then do, the code that isn't spent counts, wherever the spent one stands.
#[test]
fn digits_that_recur_count_for_the_code_that_is_not_spent() {
    let mut fob = fob(80_460);
    fob.secret = crate::Secret::new(b"p49*****************".to_vec()).unwrap();
    assert_eq!(at(&fob, 80_460), at(&fob, 80_466));
    for spent_up_to in [80_460, 80_463, 80_465] {
        let mut alice = Person::with(vec![fob.clone()]);
        assert_eq!(alice.reason(TIME, &at(&fob, spent_up_to)), None);
        let verdict = alice.types(TIME, "192.0.2.1", &at(&fob, 80_466));
        let Verdict::Accepted(acceptance) = verdict else {
            panic!("refused after {spent_up_to}");
        };
        assert_eq!(acceptance.counter(), Some(Counter(80_466)));
        assert_eq!(alice.reason(TIME, &at(&fob, 80_466)), Some(Reason::Spent));
    }
}

/// P2: after a reboot a wait starts again, once; it doesn't with each attempt of somebody who
/// must wait. So too where the caller sees no id of the boot.
#[test]
fn wait_ends_after_a_reboot() {
    let wait = |wait| {
        let reason = Reason::Throttled;
        Verdict::Refused(Refusal { reason, wait })
    };
    for boot_id in [[2; 16], [0; 16]] {
        let mut alice = Person::with(vec![phone()]);
        for _ in 0..5 {
            assert_eq!(alice.reason(TIME, "000000"), Some(Reason::Wrong));
        }
        let code = Attempt::parse(at(&phone(), STEP).as_bytes());
        for (boot, waits) in [(30, Some(5)), (33, Some(2)), (34, Some(1)), (35, None)] {
            let later = Now {
                boot,
                boot_id,
                ..now(TIME)
            };
            let verdict = alice.tries_when(&later, "192.0.2.1", Stay::default(), &code);
            match waits {
                Some(seconds) => assert_eq!(verdict, wait(seconds), "{boot_id:?} {boot}"),
                None => assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}"),
            }
        }
    }
}

/// P2: a right code is no failure, not even the one that would have been the last: strangers and
/// a mistake of the owner's had used up all but one.
#[test]
fn right_code_as_the_last_try_locks_nobody_out() {
    let mut alice = Person::with(vec![fob(0)]);
    alice.policy.throttle.lifetime = 10;
    let home = "192.0.2.1";
    let enters = |alice: &mut Person, counter| {
        let verdict = alice.types(TIME, home, &at(&fob(0), counter));
        assert!(matches!(verdict, Verdict::Accepted(_)), "{verdict:?}");
        assert!(!alice.ledger.throttle.is_locked());
    };
    enters(&mut alice, 0);
    for n in 0..8 {
        alice.types(TIME, &format!("198.51.100.{n}"), "000000");
    }
    alice.types(TIME, home, "000000");
    enters(&mut alice, 1);
    enters(&mut alice, 2);
}

/// P2: right codes from new places count nowhere, also once the table of places is full.
#[test]
fn right_codes_from_new_places_are_no_failures_in_a_full_table() {
    let mut alice = Person::with(vec![fob(0)]);
    for n in 0..24 {
        alice.types(TIME, &format!("198.51.100.{n}"), "000000");
    }
    for n in 0..8 {
        let verdict = alice.types(TIME, &format!("203.0.113.{n}"), &at(&fob(0), n));
        assert!(matches!(verdict, Verdict::Accepted(_)), "{n}: {verdict:?}");
        assert_eq!(alice.ledger.throttle.failures(), 24);
    }
}

/// What `fob bypass` shows of a code is what it was made with, and nothing shows the code.
#[test]
fn bypass_says_how_long_how_often_and_by_whom() {
    let (bypass, code) = Bypass::new(12_345_678, [1; 16], &now(TIME), 3600, 3, "root");
    assert_eq!(
        (bypass.expires(), bypass.uses(), bypass.by()),
        (TIME + 3600, 3, "root")
    );
    assert_eq!(Bypass::MAX_SECONDS, 604_800);
    let shown = format!("{bypass:?} {code:?} {:?}", PrivateId([0xA7; 6]));
    assert_eq!(
        shown,
        format!(
            "Bypass(until {}, 3 uses) Code(8 digits) PrivateId",
            TIME + 3600
        )
    );
}
