#![allow(clippy::arithmetic_side_effects)]

use super::*;
use crate::person::{Person, TIME, at, fob, now, paper, phone};
use crate::rule::Action;
use crate::{Day, Session, ThrottlePolicy};

const HOUR: u32 = 3600;
const HOME: &str = "192.0.2.7";

fn stay(rhost: &str) -> Stay {
    Stay {
        place: Place::remote("sshd", rhost),
        seconds: Some(HOUR),
    }
}

/// Alice, who gave a code at home at `TIME`.
fn alice() -> Person {
    let mut alice = Person::with(vec![phone(), fob(0)]);
    assert!(alice.visits(TIME, HOME, stay(HOME), &at(&fob(0), 0)));
    alice
}

fn remembered(person: &Person, now: &Now, stay: Stay) -> bool {
    let source = Source::remote(HOME);
    let (policy, file) = (&person.policy, &person.file);
    person.ledger.remembers(policy, file, now, source, stay)
}

#[test]
fn place_is_remembered_for_its_time_and_no_other_place_is() {
    let alice = alice();
    let hour = u64::from(HOUR);
    for (later, held) in [(0, true), (hour - 1, true), (hour, false)] {
        assert_eq!(
            remembered(&alice, &now(TIME + later), stay(HOME)),
            held,
            "{later}"
        );
    }
    let session = Session {
        terminal: 1,
        leader: 2,
        started: 3,
    };
    for place in [
        Place::remote("sshd", "192.0.2.8"),
        Place::remote("su", HOME),
        Place::local("sshd", 1000, session),
        None,
    ] {
        let other = Stay {
            place,
            ..stay(HOME)
        };
        assert!(!remembered(&alice, &now(TIME), other), "{place:?}");
    }
    let no_rule = Stay {
        seconds: None,
        ..stay(HOME)
    };
    assert!(!remembered(&alice, &now(TIME), no_rule));
}

/// The shorter of the two times that the rule had holds.
#[test]
fn rule_that_changed_shortens_and_never_prolongs() {
    let alice = alice();
    let of = |seconds| Stay {
        seconds: Some(seconds),
        ..stay(HOME)
    };
    assert!(!remembered(&alice, &now(TIME + 90), of(90)));
    assert!(remembered(&alice, &now(TIME + 89), of(90)));
    let hour = u64::from(HOUR);
    assert!(!remembered(&alice, &now(TIME + hour), of(12 * HOUR)));
}

/// Threats 4.3: neither a clock that is set nor a reboot prolongs it.
#[test]
fn no_clock_prolongs_it_and_no_boot_survives_it() {
    let alice = alice();
    let base = now(TIME);
    let hour = u64::from(HOUR);
    let at = |boot, unix| Now { unix, boot, ..base };
    assert!(remembered(
        &alice,
        &at(base.boot, TIME - 86_400),
        stay(HOME)
    ));
    for (boot, unix) in [
        (base.boot + hour, TIME),
        (base.boot + hour, TIME - 86_400),
        (base.boot, TIME + hour),
        (base.boot - 1, TIME),
    ] {
        assert!(!remembered(&alice, &at(boot, unix), stay(HOME)));
    }
    for boot_id in [[2; 16], [0; 16]] {
        let other = Now { boot_id, ..base };
        assert!(!remembered(&alice, &other, stay(HOME)));
    }
    let mut nameless = Person::with(vec![fob(0)]);
    let unnamed = Now {
        boot_id: [0; 16],
        ..base
    };
    let place = stay(HOME).place.unwrap();
    let file = &nameless.file;
    nameless
        .ledger
        .remember(file, &unnamed, place, HOUR, Ticket([1; 8]));
    assert!(!remembered(&nameless, &unnamed, stay(HOME)));
}

/// Nobody is let pass whose code would be refused.
#[test]
fn who_could_not_get_in_is_asked() {
    type Change = fn(&mut Person);
    let changes: [(&str, Change); 8] = [
        ("disabled", |p| p.file.disabled = true),
        ("no token", |p| p.file.tokens.clear()),
        ("tokens disabled", |p| {
            p.file.tokens.iter_mut().for_each(|t| t.disabled = true)
        }),
        ("expired", |p| {
            let day = Day::parse("2026-01-01");
            p.file.tokens.iter_mut().for_each(|t| t.expires = day);
        }),
        ("too few", |p| p.policy.min_tokens = 3),
        ("types", |p| {
            p.policy.types = crate::Types::of("yubico").unwrap()
        }),
        ("token file", |p| p.file.digest = [1; 16]),
        ("throttled", |p| {
            let policy = ThrottlePolicy {
                free: 1,
                ..p.policy.throttle
            };
            let source = Source::remote(HOME);
            p.ledger.throttle.fail(policy, &now(TIME), source);
            p.policy.throttle = policy;
        }),
    ];
    for (what, change) in changes {
        let mut alice = alice();
        change(&mut alice);
        assert!(!remembered(&alice, &now(TIME), stay(HOME)), "{what}");
    }
    let mut locked = alice();
    locked.ledger.throttle.locked = true;
    assert!(!remembered(&locked, &now(TIME), stay(HOME)));
}

/// P10: who guesses the password from there has so many tries, and no more.
#[test]
fn uses_that_nobody_confirms_end_it() {
    let mut alice = alice();
    let source = Source::remote(HOME);
    let mut uses = 0;
    let mut guess = |alice: &mut Person| {
        let Person {
            policy,
            file,
            ledger,
            ..
        } = alice;
        let ticket = ledger.use_place(policy, file, &now(TIME), source, stay(HOME));
        uses += u32::from(ticket.is_some());
        ticket
    };
    // The owner's own logins, confirmed, cost nothing.
    for _ in 0..100 {
        let ticket = guess(&mut alice).unwrap();
        assert!(alice.ledger.confirm(ticket));
        assert!(!alice.ledger.confirm(Ticket([99; 8])));
    }
    // One who shares the address, between the owner's logins.
    for _ in 0..50 {
        guess(&mut alice);
        if let Some(ticket) = guess(&mut alice) {
            alice.ledger.confirm(ticket);
        }
    }
    assert!(!remembered(&alice, &now(TIME), stay(HOME)));
    assert!((120..=140).contains(&uses), "{uses}");
    assert!(alice.visits(TIME, HOME, stay(HOME), &at(&fob(0), 1)));
    assert!(remembered(&alice, &now(TIME), stay(HOME)));
}

#[test]
fn refused_attempt_forgets_its_place_and_an_empty_answer_does_not() {
    let mut alice = alice();
    let office = "198.51.100.1";
    assert!(alice.visits(TIME, office, stay(office), &at(&fob(0), 1)));
    assert!(!alice.visits(TIME, HOME, stay(HOME), "no code"));
    assert!(remembered(&alice, &now(TIME), stay(HOME)));
    assert!(!alice.visits(TIME, HOME, stay(HOME), "000000"));
    assert!(!remembered(&alice, &now(TIME), stay(HOME)));
    assert!(remembered(&alice, &now(TIME), stay(office)));
}

/// A success under another rule, which doesn't remember, leaves the place as it was.
#[test]
fn success_without_remember_changes_nothing() {
    let mut alice = alice();
    let hour = u64::from(HOUR);
    let no_rule = Stay {
        seconds: None,
        ..stay(HOME)
    };
    assert!(alice.visits(TIME + 600, HOME, no_rule, &at(&fob(0), 1)));
    assert!(remembered(&alice, &now(TIME + hour - 1), stay(HOME)));
    assert!(!remembered(&alice, &now(TIME + hour), stay(HOME)));
}

#[test]
fn recovery_code_is_remembered_and_a_bypass_code_is_not() {
    let mut alice = Person::with(vec![fob(0)]);
    let (bypass, code) = crate::Bypass::new(12_345, [1; 16], &now(TIME), 600, 1, "carol");
    alice.ledger.bypass = Some(bypass);
    assert!(alice.visits(TIME, HOME, stay(HOME), &code.to_text()));
    assert!(!remembered(&alice, &now(TIME), stay(HOME)));
    let paper = paper(0).to_text();
    assert!(alice.visits(TIME, HOME, stay(HOME), &paper));
    assert!(remembered(&alice, &now(TIME), stay(HOME)));
}

#[test]
fn oldest_of_seventeen_places_goes() {
    let mut alice = Person::with(vec![fob(0)]);
    let rhost = |n| format!("192.0.2.{n}");
    for n in 0..17u64 {
        let stay = stay(&rhost(n));
        let code = at(&fob(0), n);
        assert!(alice.visits(TIME + n, &rhost(n), stay, &code));
    }
    let now = now(TIME + 17);
    let held = |n| remembered(&alice, &now, stay(&rhost(n)));
    assert!(!held(0) && (1..17).all(held));
    let until = alice.ledger.places(&alice.file, &now);
    assert_eq!(until.len(), 16);
    assert_eq!(until[0], TIME + 1 + u64::from(HOUR));
    // A code there for which nothing is remembered makes the oldest no newer.
    let unasked = Stay {
        seconds: None,
        ..stay(&rhost(1))
    };
    assert!(alice.visits(TIME + 17, &rhost(1), unasked, &at(&fob(0), 17)));
    assert!(remembered(&alice, &now, stay(&rhost(1))));
    let code = at(&fob(0), 18);
    assert!(alice.visits(TIME + 17, &rhost(17), stay(&rhost(17)), &code));
    let held = |n| remembered(&alice, &now, stay(&rhost(n)));
    assert!(!held(1) && (2..18).all(held));
    alice.ledger.forget_places();
    assert!(alice.ledger.places(&alice.file, &now).is_empty());
}

/// Where no code is asked there is nothing to remember, and times have limits.
#[test]
fn remember_stands_beside_an_action_that_asks() {
    let read = |action: &str, remember: &str| {
        let text =
            format!("[[rule]]\nname = \"it\"\naction = \"{action}\"\nremember = {remember}\n");
        crate::format::Conf::parse(&text).map(|conf| conf.rules[0].remember)
    };
    for action in Action::ALL {
        let asks = matches!(action, Action::Require | Action::SkipIfNotEnrolled);
        let read = read(action.word(), "\"12h\"");
        match read {
            Ok(seconds) => assert!(asks && seconds == Some(43_200)),
            Err(error) => {
                assert!(!asks);
                assert_eq!((error.line, error.column), (4, 12), "{error}");
                assert!(error.to_string().contains("`remember`"), "{error}");
            }
        }
    }
    assert_eq!(read("require", "\"90s\"").unwrap(), Some(90));
    assert_eq!(read("require", "\"30d\"").unwrap(), Some(2_592_000));
    for wrong in [
        "\"89s\"", "\"31d\"", "0", "true", "\"\"", "\"12\"", "\"-1h\"",
    ] {
        assert!(read("require", wrong).is_err(), "{wrong}");
    }
}
