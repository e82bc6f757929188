//! docs/assurance.md says which test shows what: each of its rows holds. And the few rows that no
//! other file is about.

use std::collections::BTreeSet;
use std::path::Path;

use crate::machine::{Machine, hotp, press};

const PAGE: &str = include_str!("../../docs/assurance.md");

/// A row: its name, and the rest of it.
fn rows() -> Vec<(&'static str, &'static str)> {
    let cells = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    cells.filter(|(name, _)| *name != "#").collect()
}

/// `FILE::NAME` for each test that a row names.
fn cited(row: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let quoted = row.split('`').skip(1).step_by(2);
    quoted.filter_map(|text| text.split_once(".rs::"))
}

/// Each test that the page names is there, each row names one or says why not, and no row of a
/// series is missing.
#[test]
fn every_row_of_the_assurance_page_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for (name, row) in rows() {
        let mut count = 0;
        for (file, test) in cited(row) {
            count += 1;
            let text = std::fs::read_to_string(root.join(format!("{file}.rs")));
            let function = format!("fn {test}(");
            let found = text.as_ref().is_ok_and(|text| {
                let before = text.split(&function).next().unwrap_or_default();
                let last = before.rsplit("\n\n").next().unwrap_or_default();
                text.contains(&function) && last.contains("#[test]")
            });
            if !found {
                wrong.push(format!("{name}: there is no test {file}.rs::{test}"));
            }
        }
        let is_said = ["Open: ", "Doesn't apply: "]
            .iter()
            .any(|word| row.contains(word));
        if count == 0 && !is_said {
            wrong.push(format!("{name}: shown by nothing, and no word of why"));
        }
    }
    let names: BTreeSet<&str> = rows().iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), rows().len(), "a name twice");
    for (series, last) in [("T", 40), ("R", 25), ("A", 23)] {
        for n in 1..=last {
            let name = if series == "T" {
                format!("T{n:02}")
            } else {
                format!("{series}{n}")
            };
            if !names.contains(name.as_str()) {
                wrong.push(format!("{name}: has no row"));
            }
        }
    }
    for name in FAULTS {
        if !names.contains(name) {
            wrong.push(format!("{name}: has no row"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The faults that were thought of.
const FAULTS: &[&str] = &[
    "full disk",
    "failing disk",
    "read-only disk",
    "quota",
    "poor file system",
    "interrupted, cut short",
    "killed",
    "torn or stale slot",
    "power cut",
    "limits of the caller",
    "no memory",
    "time on the processor",
    "stopped with the lock",
    "a helper doesn't start",
    "clock back or ahead",
    "clock never set",
    "reboot",
    "time passes at the question",
    "two hosts, one secret",
    "things in the way",
    "homes",
    "taken away under way",
    "zone that ends",
    "huge group",
    "lists of rights",
    "walls",
    "log missing or full",
    "odd answers",
    "signals at the question",
    "odd names",
    "unknown, absent, wrong",
    "uid used again, account renamed",
    "user database fails",
    "user database hangs",
    "caller without rights",
];

/// T02, T10: in stacks that take a missing word for consent, nobody gets in but by a code.
#[test]
fn stacks_that_overlook_a_word_let_nobody_in() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let lenient = "[success=ok authinfo_unavail=ignore user_unknown=ignore default=bad]";
    let stacks = [
        (
            "lenient",
            format!("auth required pam_permit.so\nauth {lenient} pam_fob.so\n"),
        ),
        (
            "helpers",
            "auth required pam_env.so\nauth required pam_fob.so\nauth required pam_permit.so\n"
                .to_owned(),
        ),
    ];
    for (name, stack) in &stacks {
        machine.stack(name, stack);
        for person in ["alice", "bob", "nosuch"] {
            assert_ne!(
                machine.drive(&[name, person], &["000000"]).code(),
                0,
                "{name} {person}"
            );
        }
    }
    let damage = [
        "echo x >/etc/fob/fob.conf",
        "echo x >/etc/fob/tokens/alice",
        "rm -r /etc/fob/tokens",
        "rm -r /var/lib/fob",
    ];
    machine.shell("cp -a /etc/fob /root/etc; cp -a /var/lib/fob /root/lib");
    for what in damage {
        for (name, _) in &stacks {
            let script = format!(
                "{what}; pamdrive {name} alice {}; rm -rf /etc/fob /var/lib/fob
                 cp -a /root/etc /etc/fob; cp -a /root/lib /var/lib/fob",
                press(&fob, 0)
            );
            let out = machine.shell(&script);
            assert!(!out.contains("authenticate 0 "), "{what} {name}: {out}");
            assert!(out.contains("authenticate "), "{what} {name}: {out}");
        }
    }
    for (counter, (name, _)) in (0..).zip(&stacks) {
        assert_eq!(
            machine
                .drive(&[name, "alice"], &[&press(&fob, counter)])
                .code(),
            0
        );
    }
}

/// T31, T32, P6: a login of root's starts no process and changes nobody's ids, and writes
/// nothing but the ledger.
#[test]
fn login_starts_nothing_and_writes_only_the_ledger() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    let calls = "execve,execveat,clone,clone3,fork,vfork,%creds,openat,chdir,umask,kill,tgkill";
    let script = format!(
        "strace -f -qq -o /tmp/trace -e trace={calls} pamdrive test alice {} >/dev/null; cat /tmp/trace",
        press(&fob, 1)
    );
    let out = machine.shell(&script);
    let after: Vec<&str> = out
        .lines()
        .skip_while(|line| !line.contains("pam_fob.so"))
        .collect();
    assert!(after.len() > 5, "{out}");
    for line in &after {
        let reads = line.contains("openat(") && line.contains("O_RDONLY");
        let ledger = line.contains("\"/var/lib/fob/2000\"");
        let asks = [
            "getuid",
            "geteuid",
            "getgid",
            "getegid",
            "getresuid",
            "getresgid",
        ]
        .iter()
        .any(|call| line.contains(call));
        assert!(reads || ledger || asks, "{line}");
    }
}

/// T26: the second factor can't be read by the person whose first one was stolen.
#[test]
fn person_cannot_read_the_own_secret_or_ledger() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    let out = machine.shell(
        "setpriv --reuid 2000 --regid 2000 --clear-groups cat /etc/fob/tokens/alice /var/lib/fob/2000 \
         2>/dev/null || echo refused",
    );
    assert_eq!(out.trim(), "refused");
}

/// T37: an application that sets nothing, and has nobody to ask.
#[test]
fn application_without_items_or_conversation_is_survived() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    let report = machine.drive(&["--no-conv", "test", "alice"], &[]);
    assert_eq!(report.code(), 19);
    assert!(report.strays.is_empty(), "{report:?}");
    assert_eq!(
        machine
            .drive(&["--rhost", "", "--tty", "", "test", "alice"], &["000000"])
            .code(),
        7
    );
}

/// T21, R14: a secret that is made here has 160 bits, and is nobody else's.
#[test]
fn new_secrets_have_160_bits_and_differ() {
    let machine = Machine::with(&["alice", "bob"]);
    let out = machine.shell(
        "for name in alice bob; do fob enroll $name --no-confirm >/dev/null; done
         sed -n 's/^secret = \"\\([A-Z2-7]*\\)\".*/\\1/p' /etc/fob/tokens/*",
    );
    let secrets: Vec<&str> = out.lines().collect();
    assert_eq!(secrets.len(), 2, "{out}");
    assert!(secrets.iter().all(|secret| secret.len() >= 32), "{out}");
    assert_ne!(secrets[0], secrets[1]);
}

/// A12: an argument that is no text is pamsm's to refuse, without a word in the log; `fob doctor`
/// finds it.
#[test]
fn argument_that_is_no_text_refuses_everybody_and_doctor_finds_it() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.file(
        "etc/pam.d/test",
        0o644,
        b"auth required pam_fob.so prompt=C\xf3digo\nauth required pam_permit.so\n",
    );
    let code = press(&hotp("alice"), 0);
    assert_eq!(machine.login("alice", &[&code]).code(), 3);
    let output = machine.command("fob").arg("doctor").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let line = told.lines().find(|line| line.contains("/etc/pam.d/test:1"));
    assert!(
        line.is_some_and(|line| line.starts_with("error") && line.contains("isn't UTF-8")),
        "{told}"
    );
}

/// A list of rights that lets somebody read a token file shows in its mode, and is refused;
/// one that the mode leaves without effect lets nobody read it, and stops nobody.
#[test]
fn list_of_rights_that_lets_others_read_is_refused() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", std::slice::from_ref(&fob));
    let file = "/etc/fob/tokens/alice";
    machine.shell(&format!(
        "chmod 0755 /etc/fob/tokens; setfacl -m u:bob:r {file}; getfacl -c {file} | grep bob; \
         setpriv --reuid bob --clear-groups cat {file} | grep -q secret"
    ));
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 4);
    let line = machine.log().pop().unwrap();
    assert!(line.contains("reason=state_too_open"), "{line}");
    machine.shell(&format!(
        "chmod 0600 {file}; ! setpriv --reuid bob --clear-groups cat {file} 2>/dev/null"
    ));
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
}
