//! The same code from many processes at the same instant. `FOB_ROUNDS` for more rounds.

use fob_core::{RecoveryCode, Token};

use crate::machine::{Machine, hotp, press, shows, token_file, totp};

const ROUNDS: usize = 200;

fn rounds() -> usize {
    std::env::var("FOB_ROUNDS").map_or(ROUNDS, |text| text.parse().unwrap())
}

fn people(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("p{n}")).collect()
}

fn machine_of(people: &[String]) -> Machine {
    Machine::with(&people.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Exactly one success a round, and nothing but refusals beside it.
fn assert_once(codes: &[Vec<String>], processes: usize, kind: &str) {
    for (round, codes) in codes.iter().enumerate() {
        let successes = codes.iter().filter(|code| *code == "0").count();
        let refusals = codes.iter().filter(|code| *code == "7").count();
        assert_eq!(
            (successes, refusals),
            (1, processes - 1),
            "{kind}, {processes} processes, round {round}: {codes:?}"
        );
    }
}

/// From a place of its own each, so that no wait is in the way.
fn simultaneous(person: &str, answer: &str, processes: usize) -> Vec<String> {
    (0..processes)
        .map(|n| format!("{person}\t{answer}\t198.51.100.{n}"))
        .collect()
}

/// How many log in at once; a hundred where there are thousands of rounds.
fn crowds() -> impl Iterator<Item = usize> {
    let most = (rounds() > ROUNDS).then_some(100);
    [2, 8, 32].into_iter().chain(most)
}

/// P1.
#[test]
fn hotp_code_in_a_race_lets_in_exactly_one() {
    let machine = machine_of(&people(1));
    let fob = hotp("p0");
    machine.enrol("p0", &[fob.clone()]);
    let mut counter = 0;
    for processes in crowds() {
        let lines: Vec<_> = (0..rounds())
            .map(|_| {
                counter += 1;
                simultaneous("p0", &press(&fob, counter), processes)
            })
            .collect();
        assert_once(&machine.race("test", &lines), processes, "HOTP");
    }
}

/// P1.
#[test]
fn totp_code_in_a_race_lets_in_exactly_one() {
    let people = people(rounds());
    for processes in crowds() {
        let machine = machine_of(&people);
        for person in &people {
            machine.enrol(person, &[totp(person)]);
        }
        // A few at a time: each code must still be shown when its round comes.
        for chunk in people.chunks(50) {
            let lines: Vec<_> = chunk
                .iter()
                .map(|person| simultaneous(person, &shows(&totp(person)), processes))
                .collect();
            assert_once(&machine.race("test", &lines), processes, "TOTP");
        }
    }
}

/// P1.
#[test]
fn recovery_code_in_a_race_lets_in_exactly_one() {
    let people = people(rounds().div_ceil(10));
    for (set, processes) in crowds().enumerate() {
        let machine = machine_of(&people);
        let paper = |n: usize| RecoveryCode::new([set as u8, n as u8, 3, 4, 5, 6, 7, 8, 9, 10]);
        let digests: Vec<_> = (0..10)
            .map(|n| fob_core::format::hex_text(&paper(n).digest(&[7; 16]).bytes()))
            .collect();
        let table = format!(
            "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
            "01".repeat(16),
            "07".repeat(16)
        );
        for person in &people {
            let file = format!("etc/fob/tokens/{person}");
            machine.file(&file, 0o600, token_file(&[totp(person)]) + &table);
        }
        let lines: Vec<_> = people
            .iter()
            .flat_map(|person| (0..10).map(move |n| (person, n)))
            .map(|(person, n)| simultaneous(person, &paper(n).to_text(), processes))
            .collect();
        assert_once(&machine.race("test", &lines), processes, "recovery");
    }
}

/// P2.
#[test]
fn sixteen_people_at_once_all_get_in() {
    let people = people(16);
    let machine = machine_of(&people);
    let fobs: Vec<Token> = people.iter().map(|person| hotp(person)).collect();
    for (person, fob) in people.iter().zip(&fobs) {
        machine.enrol(person, &[fob.clone()]);
    }
    let lines: Vec<_> = (0..rounds() as u64)
        .map(|round| {
            let login =
                |(person, fob): (&String, &Token)| format!("{person}\t{}", press(fob, round));
            people.iter().zip(&fobs).map(login).collect()
        })
        .collect();
    for (round, codes) in machine.race("test", &lines).iter().enumerate() {
        assert!(
            codes.iter().all(|code| code == "0"),
            "round {round}: {codes:?}"
        );
    }
}

/// P10, T18: no more are looked at than the limit allows, each that is, is recorded, and another
/// service is no way round it.
#[test]
fn parallel_guesses_are_all_counted() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 3\n");
    machine.service("second", "");
    for counter in 0..10 {
        let _ = std::fs::remove_file(machine.path("var/lib/fob/2000"));
        machine.log();
        let right = counter as usize * 7;
        let guess = |n| {
            if n == right {
                press(&fob, counter)
            } else {
                format!("{:06}", n + 500_000)
            }
        };
        let lines = (0..64)
            .map(|n| format!("alice\t{}\t192.0.2.7", guess(n)))
            .collect();
        let codes = &machine.race("test", &[lines])[0];
        assert!(
            codes.iter().all(|code| code == "0" || code == "7"),
            "{codes:?}"
        );
        let accepted = codes.iter().filter(|code| *code == "0").count();
        let log = machine.log();
        let count = |reason: &str| log.iter().filter(|line| line.contains(reason)).count();
        // A success clears its source: then three more may be looked at.
        assert!(
            count("reason=wrong") <= 3 + 3 * accepted,
            "{}",
            count("reason=wrong")
        );
        assert_eq!(count("accepted "), accepted);
        assert_eq!(
            count("reason=wrong") + count("reason=throttled") + accepted,
            64
        );
        if accepted == 0 {
            let right = [press(&fob, counter + 1)];
            let there = ["--rhost", "192.0.2.7", "second", "alice"];
            assert_eq!(machine.drive(&there, &[&right[0]]).code(), 7);
            assert_eq!(machine.logged("reason").as_deref(), Some("throttled"));
        }
        let told = machine.drive(
            &["--rhost", "203.0.113.1", "test", "alice"],
            &[&press(&fob, counter + 1)],
        );
        assert_eq!(told.code(), 0);
        if accepted == 0 {
            assert!(told.shown()[1].contains("3 failed attempts"), "{told:?}");
        }
    }
}

/// P1: no other name for a token brings a spent code back.
#[test]
fn renamed_readded_or_doubled_token_keeps_its_codes_spent() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let code = press(&fob, 3);
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
    let renamed = Token {
        id: "renamed".into(),
        ..fob.clone()
    };
    for tokens in [
        vec![renamed.clone()],
        vec![],
        vec![fob.clone()],
        vec![fob.clone(), renamed],
    ] {
        machine.enrol("alice", &tokens);
        machine.shell("rm -f /etc/fob/tokens/gone");
        assert_eq!(machine.login("alice", &[&code]).code(), 7, "{tokens:?}");
    }
    assert_eq!(machine.login("alice", &[&press(&fob, 4)]).code(), 0);
}
