//! What a person is told beside the question, and in which words.

use fob_core::{Day, Kind, Period, Token, step};

use crate::machine::{Machine, hotp, press, token_file, totp};

/// A Yubico OTP, and the token that types it.
const OTP: &str = "cccccbdefghiuujeihnhleghgvfejvugtldurguckuvk";
const YUBIKEY: &str = "\n[[token]]\nid = \"yubikey\"\ntype = \"yubico\"\n\
    secret = \"5TPBRW7HN66QYMZTB4ODKSDR3M\"\nprivate_id = \"8792ebfe26cc\"\npublic_id = \"cccccbdefghi\"\n";

fn conf(machine: &Machine, text: &str) {
    machine.file("etc/fob/fob.conf", 0o644, text);
}

/// What alice is told after the question at a login that lets her in.
fn told(machine: &Machine, words: &[&str], code: &str) -> Vec<String> {
    let report = machine.drive(&[words, &["test", "alice"]].concat(), &[code]);
    assert_eq!(report.code(), 0, "{report:?}");
    let info = |line: &&str| {
        let text = line.strip_prefix("info \"")?.strip_suffix('"')?;
        Some(text.to_owned())
    };
    let shown = report.shown();
    shown[1..].iter().map(|line| info(line).unwrap()).collect()
}

/// What alice is told at that time, in UTC.
fn told_at(machine: &Machine, time: &str, code: &str) -> String {
    let script = format!(
        "export TZ=UTC LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)
         FAKETIME='@{time}' FAKETIME_DONT_FAKE_MONOTONIC=1 pamdrive test alice {code}"
    );
    let shown = machine.shell(&script);
    let info = |line: &str| line.strip_prefix("pamdrive: info ").map(str::to_owned);
    shown.lines().filter_map(info).collect()
}

/// R4. The address is what PAM was given, and nothing in it is taken for anything else.
#[test]
fn owner_learns_where_failures_came_from() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let fail = |rhost: &str| {
        let words = ["--rhost", rhost, "test", "alice"];
        assert_eq!(machine.drive(&words, &["000000"]).code(), 7);
    };
    fail("2001:db8::1");
    let one = ["1 failed attempt since your last login, from 2001:db8::1."];
    assert_eq!(told(&machine, &[], &press(&fob, 0)), one);
    fail("2001:db8::1");
    fail("192.0.2.7");
    let two = ["2 failed attempts since your last login, the last from 192.0.2.7."];
    let words = ["--rhost", "192.0.2.1"];
    assert_eq!(told(&machine, &words, &press(&fob, 1)), two);
    assert!(told(&machine, &[], &press(&fob, 2)).is_empty());
    fail("a\n\u{1b}[31m \u{202e}{count}");
    let plain = ["1 failed attempt since your last login, from a[31m{count}."];
    assert_eq!(told(&machine, &[], &press(&fob, 3)), plain);
}

#[test]
fn token_that_expires_is_told_of_in_its_last_two_weeks() {
    let machine = Machine::with(&["alice"]);
    let ends = Token {
        expires: Day::parse("2099-12-31"),
        ..hotp("alice")
    };
    let file = token_file(&[ends.clone()]) + "expires = \"2099-12-31\"\n" + YUBIKEY;
    machine.file("etc/fob/tokens/alice", 0o600, file);
    for (press_number, (time, says)) in [
        ("2099-12-16 23:59:50", ""),
        ("2099-12-17 00:00:10", "\"Your token expires in 14 days.\""),
        ("2099-12-29 12:00:00", "\"Your token expires in 2 days.\""),
        ("2099-12-30 23:59:50", "\"Your token expires in 1 day.\""),
        ("2099-12-31 23:59:50", "\"Your token expires today.\""),
    ]
    .into_iter()
    .enumerate()
    {
        let code = press(&ends, u64::try_from(press_number).unwrap());
        assert_eq!(told_at(&machine, time, &code), says, "{time}");
    }
    // It is the token that was used that counts.
    assert_eq!(told_at(&machine, "2099-12-31 12:00:00", OTP), "");
}

#[test]
fn clock_that_is_minutes_off_is_told_of() {
    let machine = Machine::with(&["alice"]);
    conf(
        &machine,
        "window = 10\n[texts]\nclock_off = \"{token}: {minutes} min\"\n",
    );
    let unix = 1_800_000_000; // 2027-01-15 08:00:00
    for (seconds, steps, says) in [
        (30, 3, ""),
        (30, 4, "\"phone: 2 min\""),
        (30, -5, "\"phone: 3 min\""),
        (60, 2, "\"phone: 2 min\""),
        (60, -10, "\"phone: 10 min\""),
        // So late is a code that stood on the screen a moment ago.
        (3600, -1, ""),
    ] {
        let period = Period::new(seconds).unwrap();
        let phone = Token {
            kind: Kind::Totp { period, t0: 0 },
            ..totp(&format!("{seconds} {steps}"))
        };
        machine.enrol("alice", &[phone.clone()]);
        let shown = step(unix, 0, period).unwrap().moved(steps);
        let code = phone.code(shown).to_text().to_string();
        let told = told_at(&machine, "2027-01-15 08:00:00", &code);
        assert_eq!(told, says, "{seconds} {steps}");
    }
}

/// What somebody must know who wants to get in is told all the same.
#[test]
fn notices_are_off_by_the_conf_or_by_pam_silent() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    let file = token_file(&[fob.clone()]) + "expires = \"2099-12-31\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, file);
    conf(
        &machine,
        "notices = false\nnullok_until = \"2099-12-31\"\n[service.loud]\nnotices = true\n\
         [service.wait]\nthrottle.free = 1\n",
    );
    for service in ["loud", "wait"] {
        machine.service(service, "");
    }
    let fail = |service: &str| machine.drive(&[service, "alice"], &["000000"]);
    fail("test");
    assert_eq!(
        told_at(&machine, "2099-12-30 12:00:00", &press(&fob, 0)),
        ""
    );
    fail("test");
    let code = press(&fob, 1);
    let loud = machine.drive(&["loud", "alice"], &[&code]);
    assert!(loud.shown()[1].contains("1 failed attempt"), "{loud:?}");
    fail("wait");
    let wait = fail("wait");
    assert!(wait.shown()[1].contains("Try again in "), "{wait:?}");
    let script = "export TZ=UTC LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1)
        FAKETIME='@2099-12-30 12:00:00' FAKETIME_DONT_FAKE_MONOTONIC=1 pamdrive test bob || :";
    assert!(machine.shell(script).contains("(1 day left)"));
    fail("loud");
    let silent = machine.drive(&["--silent", "loud", "alice"], &[&press(&fob, 2)]);
    assert_eq!((silent.code(), silent.shown().len()), (0, 1));
}

/// Each text that people see, in words of another language; one service has its own.
#[test]
fn every_text_can_be_said_in_other_words() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    let file = token_file(&[fob.clone()]) + "expires = \"2099-12-31\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, file);
    let texts = "code_prompt = \"Prüfcode: \"\njoined_prompt = \"Passwort und Prüfcode: \"\n\
        pin_prompt = \"Geheimzahl: \"\nnext_code_prompt = \"Nächster Prüfcode: \"\n\
        throttled = \"Zu viele Versuche. In {seconds} s wieder.\"\n\
        failed_one = \"Fehlversuche: {count}\"\n\
        failed_many_from = \"{count} Fehlversuche, zuletzt {from} am {date}\"\n\
        recovery_none = \"Keine Codes mehr.\"\n\
        expires_many = \"{token} gilt bis {date}, noch {days} Tage\"\n\
        grace_many = \"Noch {days} Tage.\"\n";
    conf(
        &machine,
        &format!(
            "resync = \"prompt\"\nnullok_until = \"2099-12-31\"\n[texts]\n{texts}\
             [service.joined]\nforward_pass = true\n\
             [service.pin]\npin = \"prompt\"\ntexts.code_prompt = \"Code: \"\n\
             [service.named]\nforward_pass = true\nprompt = \"VPN: \"\n"
        ),
    );
    for service in ["joined", "pin", "named"] {
        machine.service(service, "");
    }
    let shown = |words: &[&str], answers: &[&str]| machine.drive(words, answers).shown().join("\n");
    let utf8 = |text: &str| {
        let byte = |byte: u8| match byte {
            b' '..=b'~' => char::from(byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let asked = |text: &str| format!("prompt off \"{}\"", utf8(text));
    assert_eq!(shown(&["test", "alice"], &["000000"]), asked("Prüfcode: "));
    assert_eq!(
        shown(&["joined", "alice"], &["pw"]),
        asked("Passwort und Prüfcode: ")
    );
    assert_eq!(shown(&["named", "alice"], &["pw"]), asked("VPN: "));
    let pin = shown(&["pin", "alice"], &["1", "x"]);
    assert_eq!(pin, [asked("Geheimzahl: "), asked("Code: ")].join("\n"));
    let told = shown(&["test", "alice"], &[&press(&fob, 0)]);
    assert!(told.contains("info \"Fehlversuche: 1\""), "{told}");
    let next = shown(&["test", "alice"], &[&press(&fob, 60), &press(&fob, 61)]);
    assert!(next.contains(&asked("Nächster Prüfcode: ")), "{next}");
    for _ in 0..5 {
        shown(&["--rhost", "192.0.2.7", "test", "alice"], &["000000"]);
    }
    let wait = shown(&["--rhost", "192.0.2.7", "test", "alice"], &["000000"]);
    assert!(wait.contains("info \"Zu viele Versuche. In "), "{wait}");
    let told = shown(&["test", "alice"], &[&press(&fob, 62)]);
    let many = "info \"5 Fehlversuche, zuletzt 192.0.2.7 am 20";
    assert!(told.contains(many), "{told}");
    let end = told_at(&machine, "2099-12-20 12:00:00", &press(&fob, 63));
    assert_eq!(end, "\"fob gilt bis 2099-12-31, noch 11 Tage\"");
    let grace = shown(&["test", "bob"], &[]);
    assert!(grace.starts_with("info \"Noch "), "{grace}");
}

/// T09: a text that lacks what it must say refuses everybody, with its place in the log.
#[test]
fn wrong_text_refuses_everybody() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    conf(&machine, "[texts]\nthrottled = \"Wait.\"\n");
    let report = machine.login("alice", &[&press(&fob, 0)]);
    assert_eq!((report.code(), report.shown().len()), (3, 0));
    let line = machine.log().pop().unwrap();
    let says = "fob.conf: line 2, column 13: `throttled`: must have the placeholder {seconds}";
    assert!(line.contains(says), "{line}");
}

#[test]
fn any_of_several_tokens_works_at_the_one_question() {
    let machine = Machine::with(&["alice"]);
    let (fob, phone) = (hotp("alice"), totp("alice's phone"));
    let file = token_file(&[fob.clone(), phone.clone()]) + YUBIKEY;
    machine.file("etc/fob/tokens/alice", 0o600, file);
    for (code, token) in [
        (OTP.to_owned(), "yubikey"),
        (crate::machine::shows(&phone), "phone"),
        (press(&fob, 0), "fob"),
    ] {
        let report = machine.login("alice", &[&code]);
        assert_eq!(report.code(), 0, "{token}");
        assert_eq!(report.shown(), ["prompt off \"Verification code: \""]);
        assert_eq!(machine.logged("token").as_deref(), Some(token));
    }
}

/// P10: a code that comes too early is neither looked at nor spent, nor counted.
#[test]
fn throttled_person_is_told_how_long_and_nothing_is_evaluated() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    for _ in 0..6 {
        machine.login("alice", &["000000"]);
    }
    let ledger = || std::fs::read(machine.path("var/lib/fob/2000")).unwrap();
    let before = ledger();
    machine.log();
    let throttled = machine.login("alice", &[&press(&fob, 0)]);
    assert_eq!(throttled.code(), 7);
    let told = throttled.shown()[1];
    let seconds = told
        .strip_prefix("info \"Too many attempts. Try again in ")
        .and_then(|rest| rest.strip_suffix(" s.\""))
        .and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(matches!(seconds, Some(1..=10)), "{told}");
    let logged = machine.logged("wait");
    assert_eq!(logged, seconds.map(|seconds| seconds.to_string()));
    assert!(ledger() == before);
    machine.shell("fob unlock alice");
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
}
