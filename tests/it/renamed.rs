//! Accounts that are renamed: the token file goes by name, the ledger by uid. `usermod -l`
//! changes neither.

use crate::fob::{fob, json};
use crate::machine::{CALLS, Machine, hotp, press};

/// What `usermod -l carol alice` does.
const RENAME: &str = "sed -i s/^alice:/carol:/ /etc/passwd /etc/shadow";

/// A machine on which alice logged in once, and is called carol now.
fn renamed(conf: &str) -> Machine {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    assert_eq!(machine.login("alice", &[&code(0)]).code(), 0);
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine.shell(RENAME);
    machine
}

fn code(counter: u64) -> String {
    press(&hotp("alice"), counter)
}

/// P9: they have a token, and pass nowhere for want of one.
#[test]
fn renamed_account_does_not_pass_as_not_enrolled() {
    let machine = renamed("");
    let skip = "[[rule]]\nname = \"r\"\naction = \"skip-if-not-enrolled\"\n";
    let offer = format!("{skip}enroll = \"offer\"\n");
    for (conf, arguments) in [
        ("", "nullok"),
        ("nullok_until = \"2099-12-31\"\n", ""),
        (skip, ""),
        (&offer, ""),
    ] {
        machine.file("etc/fob/fob.conf", 0o644, conf);
        machine.service("test", arguments);
        let login = machine.login("carol", &[]);
        assert_eq!(
            (login.code(), login.shown().len()),
            (4, 0),
            "{conf}{arguments}"
        );
        let log = machine.log().join("\n");
        let told = "reason=state_owner user=carol";
        let remedy = "run: fob rebind carol";
        assert!(log.contains(told) && log.contains(remedy), "{log}");
    }
    machine.file("etc/fob/fob.conf", 0o644, "");
    machine.service("test", "nullok");
    assert_eq!(fob(&machine, "rebind carol --yes", "").0, 0);
    assert_eq!(machine.login("carol", &[&code(0)]).code(), 7);
    assert_eq!(machine.login("carol", &[&code(1)]).code(), 0);
}

/// P13: who really isn't enrolled passes, whoever had the uid before; also where a caller's
/// limit would keep a ledger from being written.
#[test]
fn uid_of_somebody_who_was_revoked_passes_as_not_enrolled() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    assert_eq!(machine.login("alice", &[&code(0)]).code(), 0);
    machine.service("test", "nullok");
    machine.shell("fob revoke alice --yes");
    let passes = |name: &str| {
        let seen = machine.shell(&format!("ulimit -f 0; pamdrive test {name} 2>&1 | cat"));
        assert!(seen.contains("authenticate 0 "), "{name}: {seen}");
        assert_eq!(machine.logged("reason").as_deref(), Some("not_enrolled"));
    };
    passes("alice");
    machine.shell(RENAME);
    passes("carol");
    machine.shell("rm /var/lib/fob/2000");
    passes("carol");
}

/// Whoever looks is told what to do, and that command does it all.
#[test]
fn rebind_takes_the_token_file_along() {
    let machine = renamed("");
    for words in ["show carol", "explain carol --service test"] {
        let (_, text) = fob(&machine, words, "");
        assert!(text.contains("run: fob rebind carol"), "{words}: {text}");
    }
    machine.log();
    let (status, value) = json(&machine, "rebind carol --yes", "");
    assert_eq!((status, &value["moved"]), (0, &true.into()), "{value}");
    let log = machine.log().join("\n");
    let told = "changed verb=rebind user=carol before=alice file=moved";
    assert!(log.contains(told), "{log}");
    assert!(!machine.path("etc/fob/tokens/alice").exists());
    assert_eq!(fob(&machine, "show carol", "").0, 0);
    assert_eq!(machine.login("carol", &[&code(0)]).code(), 7);
    assert_eq!(machine.login("carol", &[&code(1)]).code(), 0);
}

/// What belongs to somebody else stays theirs: a token file of carol's own, and that of an
/// alice who is there again.
#[test]
fn rebind_takes_no_token_file_that_is_somebody_elses() {
    let machine = renamed("");
    machine.enrol("carol", &[hotp("carol")]);
    let (status, text) = fob(&machine, "rebind carol --yes", "");
    assert!(status == 0 && text.contains("fob revoke alice"), "{text}");
    assert!(machine.path("etc/fob/tokens/alice").exists());
    assert_eq!(
        machine.login("carol", &[&press(&hotp("carol"), 0)]).code(),
        0
    );

    let machine = renamed("");
    machine.shell("echo 'alice:x:2007:2007::/:/bin/sh' >>/etc/passwd");
    assert_eq!(fob(&machine, "rebind carol --yes", "").0, 0);
    assert!(!machine.path("etc/fob/tokens/carol").exists());
    assert_eq!(machine.login("alice", &[&code(1)]).code(), 0);
}

/// A machine whose renamed person has a sealed secret and a sealed PIN, 4711.
fn sealed() -> Machine {
    let machine = renamed("seal = \"/root/fob-seal.key\"\n");
    machine.shell(
        "fob seal --new-key; sed -i s/^carol:/alice:/ /etc/passwd; echo 4711 | fob pin alice; \
         sed -i s/^alice:/carol:/ /etc/passwd",
    );
    let file = machine.shell("cat /etc/fob/tokens/alice");
    assert_eq!(file.matches("\"sealed:").count(), 2, "{file}");
    machine
}

/// What is sealed opens for one name alone, and is sealed anew for the other.
#[test]
fn rebind_seals_anew_what_was_sealed_for_the_former_name() {
    let machine = sealed();
    machine.shell("mv /root/fob-seal.key /root/kept");
    let before = machine.shell("cat /etc/fob/tokens/alice");
    let (status, text) = fob(&machine, "rebind carol --yes", "");
    assert!(status == 2 && text.contains("/root/fob-seal.key"), "{text}");
    assert_eq!(machine.shell("cat /etc/fob/tokens/*"), before);
    machine.shell("mv /root/kept /root/fob-seal.key; fob rebind carol --yes");
    let file = machine.shell("cat /etc/fob/tokens/*");
    assert_eq!(file.matches("\"sealed:").count(), 2, "{file}");
    assert_eq!(
        machine
            .login("carol", &[&format!("4711{}", code(0))])
            .code(),
        7
    );
    assert_eq!(
        machine
            .login("carol", &[&format!("4711{}", code(1))])
            .code(),
        0
    );
}

/// Who moved it by hand is told the way out.
#[test]
fn sealed_file_that_was_moved_by_hand_names_the_way_out() {
    let machine = sealed();
    machine.shell("mv /etc/fob/tokens/alice /etc/fob/tokens/carol");
    let (status, text) = fob(&machine, "show carol", "");
    assert!(status == 2 && text.contains("fob-unseal(1)"), "{text}");
    machine.shell("mv /etc/fob/tokens/carol /etc/fob/tokens/alice; fob rebind carol --yes");
    assert_eq!(
        machine
            .login("carol", &[&format!("4711{}", code(1))])
            .code(),
        0
    );
}

/// P4: killed at any moment, nobody passes without a code, and the same command goes on.
#[test]
fn rebind_killed_at_any_system_call_goes_on() {
    let machine = sealed();
    machine.service("test", "nullok");
    let script = r#"
        login() { pamdrive test carol $1 | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
        cp -a /etc/fob/tokens /var/lib/fob /root
        clean() { rm -rf /etc/fob/tokens/* /var/lib/fob/*; cp -a /root/tokens/. /etc/fob/tokens; cp -a /root/fob/. /var/lib/fob; }
        strace -f -qq -o /tmp/all fob rebind carol --yes >/dev/null
        calls /tmp/all | grep -E '^(write|pwrite64|fsync|fdatasync|unlink|linkat|flock|fchmod) ' >/tmp/calls
        while read -r name k <&3; do
            clean
            strace -f -qq -o /dev/null -e inject=$name:signal=KILL:when=$k fob rebind carol --yes >/dev/null 2>&1
            before=$(login $0)
            fob rebind carol --yes >/tmp/out 2>&1 || grep -q 'already' /tmp/out || cat /tmp/out
            echo SEEN $name $k $(ls /etc/fob/tokens | tr '\n' ,) $before $(login $0) $(login $1)
        done 3</tmp/calls
    "#;
    // Each is the right one once: the first attempt may have been let in.
    let codes = [format!("4711{}", code(1)), format!("4711{}", code(2))];
    let output = machine
        .command("sh")
        .arg("-c")
        .arg(format!("{CALLS}{script}"))
        .args(&codes)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen = text.lines().filter(|line| line.starts_with("SEEN"));
    let mut number = 0;
    for line in seen {
        let fields: Vec<&str> = line.split(' ').skip(3).collect();
        let whole = [["carol,", "4", "0", "0"], ["carol,", "0", "7", "0"]];
        assert!(whole.iter().any(|whole| fields == whole), "{line}\n{text}");
        number += 1;
    }
    assert!(number > 10, "{text}");
}
