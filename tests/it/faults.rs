//! Every system call of a login failed with each error that it can give, interrupted, cut
//! short, and killed at. `make faults` for all of it; `make check` takes a sample.
//!
//! A kind of login is one test: how the machine stands before it, what is typed, what PAM says
//! to that, and what must hold afterwards. Whatever fails:
//!
//! - the answer is never 25, and never 0 for what isn't right (T01, T02);
//! - what was answered with 0 is spent, and no sync that failed lets anybody in (P1, P3);
//! - the host lives, no descriptor stays open, nothing is printed (P7), and its ids are what they
//!   were (T31);
//! - the next login works, and can't be repeated; nothing is left behind (P4).
//!
//! Where the module itself says "ignore", after an enrolment and at a remembered place, 0 is
//! the stack's word. What must hold then stands beside those kinds.

use fob_core::{RecoveryCode, Token};

use crate::machine::{Machine, hotp, press, token_file};

mod errors;
mod kind;

use kind::{Fault, HOME, Kind, Place, Seen, quoted};

/// A machine of alice's, who has a fob and recovery codes.
fn machine(conf: &str) -> Machine {
    let machine = Machine::with(&["alice", "bob"]);
    let digests: Vec<_> = (0..10)
        .map(|n| fob_core::format::hex_text(&paper(n).digest(&[7; 16]).bytes()))
        .collect();
    let recovery = format!(
        "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
        "01".repeat(16),
        "07".repeat(16)
    );
    machine.file(
        "etc/fob/tokens/alice",
        0o600,
        token_file(&[fob()]) + &recovery,
    );
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine.service("test", "nullok");
    machine
}

fn fob() -> Token {
    hotp("alice")
}

fn paper(n: u8) -> RecoveryCode {
    RecoveryCode::new([n, 2, 3, 4, 5, 6, 7, 8, 9, 10])
}

fn presses(counters: &[u64]) -> Vec<String> {
    counters
        .iter()
        .map(|counter| press(&fob(), *counter))
        .collect()
}

/// Alice's machine after her first login, and another one, so that both slots are written.
fn used(conf: &str) -> Machine {
    let machine = machine(conf);
    for code in presses(&[0, 1]) {
        assert_eq!(machine.login("alice", &[&code]).code(), 0);
    }
    machine
}

/// A login with a code of alice's, or of somebody else's, and what she types afterwards: it must
/// let her in, once.
fn login<'a>(machine: Machine, answers: &'a [String], next: &[String]) -> Kind<'a> {
    let after = format!(
        "again=$(login 203.0.113.9 alice {}); echo ${{again:--}} $({})",
        quoted(answers),
        twice(next)
    );
    Kind {
        user: "alice",
        real_uid: 0,
        machine,
        calls: "authenticate",
        answers,
        code: 0,
        after,
        holds: code_counts_once,
        files: &["2000"],
        strict: "strict",
        kills: false,
    }
}

fn twice(next: &[String]) -> String {
    let next = quoted(next);
    format!("echo $(login 203.0.113.10 alice {next}) $(login 203.0.113.11 alice {next})")
}

/// What the same answers come to again, from elsewhere; what the next ones do, and these again.
fn code_counts_once(fault: &Fault, seen: &Seen) -> Result<(), &'static str> {
    let [again, next, next_again] = seen.after[..] else {
        return Err("no answer");
    };
    let killed_behind = fault.kills() && fault.place >= Place::Behind;
    match again {
        "7" => {}
        "0" if !seen.is_in() && !killed_behind => {}
        _ => return Err("accepted twice"),
    }
    if (next, next_again) != ("0", "7") {
        return Err("the next login");
    }
    Ok(())
}

/// A refusal, whatever fails: later as well.
fn refusal(kind: Kind) -> Kind {
    Kind {
        code: 7,
        holds: |fault, seen| {
            let same = seen.after.first() == Some(&"7");
            code_counts_once(fault, seen)?;
            same.then_some(()).ok_or("another answer to the same later")
        },
        ..kind
    }
}

/// The first login of all, which makes the ledger.
#[test]
fn first_login_endures_every_fault() {
    Kind {
        kills: true,
        ..login(machine(""), &presses(&[1]), &presses(&[2]))
    }
    .endures();
}

/// One that lets in.
#[test]
fn accepted_login_endures_every_fault() {
    Kind {
        kills: true,
        ..login(used(""), &presses(&[2]), &presses(&[3]))
    }
    .endures();
}

/// One after a login that was killed before its sync.
#[test]
fn login_after_an_unsynced_one_endures_every_fault() {
    let machine = used("");
    let killed = format!(
        "strace -f -qq -o /dev/null -e inject=fdatasync:signal=KILL pamdrive test alice {}; true",
        presses(&[2])[0]
    );
    machine.shell(&killed);
    Kind {
        kills: true,
        ..login(machine, &presses(&[3]), &presses(&[4]))
    }
    .endures();
}

/// A wrong code.
#[test]
fn refused_login_endures_every_fault() {
    refusal(login(used(""), &["000000".into()], &presses(&[2]))).endures();
}

/// A right code from where it isn't looked at; it stays good elsewhere.
#[test]
fn throttled_login_endures_every_fault() {
    let machine = used("");
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 100\n");
    for _ in 0..12 {
        machine.drive(&["--rhost", HOME, "test", "alice"], &["000000"]);
    }
    // So many are not free any more: a wait of 15 minutes.
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 2\n");
    Kind {
        code: 7,
        holds: |fault, seen| {
            let good = seen.after.first() == Some(&"0");
            code_counts_once(fault, seen)?;
            good.then_some(()).ok_or("the code was looked at")
        },
        ..login(machine, &presses(&[2]), &presses(&[3]))
    }
    .endures();
}

/// Bob's uid.
const BOB: u32 = 2001;

/// T31: one that lets in, by way of su or sudo: the real uid is that of who started it, and is
/// root's only while the ledger is locked.
#[test]
fn accepted_login_that_somebody_else_started_endures_every_fault() {
    Kind {
        real_uid: BOB,
        ..login(used(""), &presses(&[2]), &presses(&[3]))
    }
    .endures();
}

/// T31: a wrong code by that way.
#[test]
fn refused_login_that_somebody_else_started_endures_every_fault() {
    refusal(Kind {
        real_uid: BOB,
        ..login(used(""), &["000000".into()], &presses(&[2]))
    })
    .endures();
}

/// A recovery code.
#[test]
fn recovery_endures_every_fault() {
    let code = [paper(4).to_text().to_string()];
    login(used(""), &code, &presses(&[2])).endures();
}

/// Two codes in a row from beyond the window.
#[test]
fn resync_at_the_prompt_endures_every_fault() {
    // In step or not, the next two let her in: together, or the first alone.
    let machine = used("resync = \"prompt\"\n");
    login(machine, &presses(&[40, 41]), &presses(&[50, 51])).endures();
}

/// Somebody whom the system doesn't know: the first one makes what such people are judged by.
#[test]
fn login_of_nobody_endures_every_fault() {
    let wrong = ["000000".into()];
    let nobody = refusal(login(used(""), &wrong, &presses(&[2])));
    Kind {
        user: "nosuch",
        after: nobody.after.replacen("alice", "nosuch", 1),
        ..nobody
    }
    .endures();
}

const REMEMBER: &str = "[[rule]]\nname = \"a day\"\naction = \"require\"\nremember = \"24h\"\n";

/// Prints what a login from [`HOME`] says where nothing is typed: 0 where the place is remembered,
/// 19 where a code is asked. Then the rest.
fn at_home(rest: &str) -> String {
    format!("home=$(login {HOME} alice); echo ${{home:--}} $({rest})")
}

/// The login that makes its place a remembered one. The place is never worth more than the code
/// that was given there: refused, it isn't remembered; remembered, its code is spent, whoever
/// was killed meanwhile.
#[test]
fn login_that_is_remembered_endures_every_fault() {
    let (answers, next) = (presses(&[2]), presses(&[3]));
    let code = login(used(REMEMBER), &answers, &next);
    Kind {
        real_uid: BOB,
        calls: "authenticate,setcred",
        after: at_home(&code.after),
        holds: |fault, seen| {
            let [home, again, next, next_again] = seen.after[..] else {
                return Err("no answer");
            };
            let after = vec![again, next, next_again];
            let code = Seen {
                after,
                files: vec![],
                ..*seen
            };
            code_counts_once(fault, &code)?;
            // The audit is libpam's: the code had been accepted.
            let accepted = seen.is_in() || fault.is_audit || fault.kills() && again == "7";
            match home {
                "0" if accepted => Ok(()),
                "0" => Err("remembered, and the code wasn't accepted"),
                "19" if !fault.is_harmless() => Ok(()),
                _ => Err("the next login there"),
            }
        },
        ..code
    }
    .endures();
}

/// A machine where alice's code was remembered at [`HOME`], and 19 of the uses since then weren't
/// confirmed: one more, and a code is asked.
fn with_one_use_left() -> Machine {
    let machine = used(REMEMBER);
    machine.service("test", "");
    let at_home = ["--rhost", HOME, "test", "alice"];
    assert_eq!(machine.drive(&at_home, &[&presses(&[2])[0]]).code(), 0);
    for _ in 0..19 {
        assert_eq!(machine.drive(&at_home, &[]).code(), 0);
    }
    machine
}

/// A login at [`HOME`] where the place stands in for the code.
fn remembered<'a>(calls: &'a str, next: &[String]) -> Kind<'a> {
    Kind {
        real_uid: BOB,
        calls,
        after: at_home(&twice(next)),
        holds: use_counts,
        strict: "test",
        ..login(with_one_use_left(), &[], next)
    }
}

/// A use that let somebody in is written down, so that the place isn't worth another one; one
/// that failed is written down or not. Elsewhere codes count as ever.
fn use_counts(_: &Fault, seen: &Seen) -> Result<(), &'static str> {
    match seen.after[..] {
        ["19", "0", "7"] => Ok(()),
        ["0", "0", "7"] if !seen.is_in() => Ok(()),
        ["0", "0", "7"] => Err("let in, and the use isn't written down"),
        _ => Err("the next login"),
    }
}

/// The use of a remembered place, by a login that ends before setcred.
#[test]
fn use_of_a_remembered_place_endures_every_fault() {
    Kind {
        kills: true,
        ..remembered("authenticate", &presses(&[3]))
    }
    .endures();
}

/// The same with setcred, which takes the use off again: where that fails, a code is asked a
/// little sooner.
#[test]
fn confirmed_use_of_a_remembered_place_endures_every_fault() {
    Kind {
        holds: |fault, seen| match seen.after[..] {
            ["0", "0", "7"] => Ok(()),
            ["19", "0", "7"] if !fault.is_harmless() => Ok(()),
            _ => Err("the next login"),
        },
        ..remembered("authenticate,setcred", &presses(&[3]))
    }
    .endures();
}

/// Whoever comes from elsewhere is asked, and a wrong code refused: nothing that fails makes
/// another place of it.
#[test]
fn refused_login_beside_a_remembered_place_endures_every_fault() {
    let machine = used(REMEMBER);
    let elsewhere = ["--rhost", "192.0.2.8", "test", "alice"];
    assert_eq!(machine.drive(&elsewhere, &[&presses(&[2])[0]]).code(), 0);
    refusal(login(machine, &["000000".into()], &presses(&[3]))).endures();
}

const DEMAND: &str = "[[rule]]\nname = \"demanded\"\naction = \"require\"\nenroll = \"require\"\n";
const OFFER: &str =
    "[[rule]]\nname = \"offered\"\naction = \"skip-if-not-enrolled\"\nenroll = \"offer\"\n";

/// Takes the secret into the app, and types the code that it shows; keeps the recovery codes.
const ENROLS: [&str; 2] = [
    r#"|secret=$(echo "$PROMPT" | sed -n 's/.*into the app: //p'); oathtool --totp -b "$secret" 2>/dev/null | tee /tmp/code"#,
    r#"|echo "$PROMPT" >/tmp/shown; echo"#,
];

/// Whether alice is enrolled, by her file and by `fob`; what an enrolment comes to if she isn't;
/// whether she is then; and what the code that confirmed it, a recovery code, and this one again
/// come to.
fn whether_enrolled(answers: &[String]) -> String {
    format!(
        r#"
enrolled() {{ [ -e /var/lib/fob/tokens/alice ] && echo whole || echo none; }}
first=$(enrolled); fob show alice --json >/dev/null 2>&1 && shown=whole || shown=none
anew=-; [ $first = whole ] || anew=$(pamdrive --rhost 203.0.113.9 --until-refused \
    --calls authenticate,setcred test alice {} 2>/dev/null | sed -n 's/.* authenticate \([0-9]*\) .*/\1/p')
paper=$(grep -Eom1 '([0-9A-Za-z]{{4}}-){{3}}[0-9A-Za-z]{{4}}' /tmp/shown)
echo $first $shown ${{anew:--}} $(enrolled) $(login 203.0.113.10 alice "$(cat /tmp/code)") \
    $(login 203.0.113.11 alice "$paper") $(login 203.0.113.12 alice "$paper")
"#,
        quoted(answers)
    )
}

/// An enrolment is whole or absent. Whole, its code is spent and a recovery code counts once;
/// absent, alice can be enrolled.
fn is_enrolled(seen: &Seen) -> Result<bool, &'static str> {
    match seen.after[..] {
        ["whole", "whole", "-", "whole", "7", "0", "7"] => Ok(true),
        ["none", "none", "0", "whole", "7", "0", "7"] => Ok(false),
        _ => Err("the enrolment is neither whole nor absent"),
    }
}

/// A login that enrols alice.
fn enrolment(conf: &str, answers: &[String]) {
    let machine = Machine::with(&["alice", "bob"]);
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine.service("test", "nullok");
    Kind {
        real_uid: BOB,
        calls: "authenticate,setcred",
        after: whether_enrolled(answers),
        holds: |fault, seen| match (is_enrolled(seen)?, seen.is_in()) {
            (false, _) if fault.is_harmless() => Err("not enrolled without a fault"),
            (false, true) if fault.place < Place::Later => Err("in, and not enrolled"),
            (true, false) if fault.place < Place::Later => Err("refused, and enrolled"),
            (true, true) if seen.files.iter().any(|file| file.starts_with("pending/")) => {
                Err("enrolled, and still pending")
            }
            _ => Ok(()),
        },
        // What waits for the end of a login that never came is swept away by others.
        files: &["2000", "tokens", "tokens/alice", "pending", "pending/"],
        ..login(machine, answers, &[])
    }
    .endures();
}

/// An enrolment that is demanded. Nobody is let in who isn't enrolled after setcred, unless it
/// is setcred that failed.
#[test]
fn demanded_enrolment_endures_every_fault() {
    enrolment(DEMAND, &ENROLS.map(str::to_owned));
}

/// An enrolment that is offered.
#[test]
fn offered_enrolment_endures_every_fault() {
    enrolment(OFFER, &ENROLS.map(str::to_owned));
}

/// Who was enrolled at a login doesn't look new, whatever fails: neither as somebody who may
/// pass, nor as somebody to be enrolled.
#[test]
fn refused_login_of_somebody_enrolled_at_a_login_endures_every_fault() {
    let demanded = DEMAND.replace("action", "service = \"strict\"\naction");
    let machine = used("");
    machine.file("etc/fob/fob.conf", 0o644, demanded + OFFER);
    machine.folder("var/lib/fob/tokens", 0o700);
    machine.shell("mv /etc/fob/tokens/alice /var/lib/fob/tokens/alice");
    Kind {
        files: &["2000", "tokens", "tokens/alice"],
        ..refusal(login(machine, &["000000".into()], &presses(&[2])))
    }
    .endures();
}
