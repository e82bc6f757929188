//! One code lets in one person, and once, whoever had the token before.

use fob_core::Token;

use crate::fob::fob;
use crate::machine::{Machine, hotp, press};

/// What the command says where all goes well.
fn done(machine: &Machine, words: &str) -> String {
    let (status, text) = fob(machine, words, "");
    assert_eq!(status, 0, "{words}: {text}");
    text
}

fn secret(token: &Token) -> String {
    format!("base32:{}", *token.secret.to_base32())
}

/// P1: a ledger protects one person, so two can't have one secret; who laid it down twice by
/// hand is told. A damaged file is named, and holds nobody up.
#[test]
fn secret_of_one_person_is_given_to_nobody_else() {
    let machine = Machine::with(&["alice", "bob", "carol"]);
    let token = hotp("shared");
    machine.file("root/s", 0o600, secret(&token));
    machine.file("etc/fob/tokens/carol", 0o600, "rubbish\n");
    let words = "--type hotp --secret-file /root/s --no-confirm --no-recovery";
    let told = done(&machine, &format!("enroll alice {words}"));
    assert!(
        told.contains("fob: warning: /etc/fob/tokens/carol"),
        "{told}"
    );

    let rows = "name,serial,type,secret";
    for (words, file) in [
        (format!("enroll bob {words}"), String::new()),
        (
            "enroll --from /root/rows --no-recovery".to_owned(),
            format!("{rows}\nbob,,hotp,{}\n", secret(&token)),
        ),
        (
            "enroll --from /root/rows".to_owned(),
            format!("{rows}\n,6001,hotp,{}\n", secret(&token)),
        ),
        (
            "import otpauth /root/rows --user bob --yes".to_owned(),
            format!("otpauth://totp/x?secret={}\n", *token.secret.to_base32()),
        ),
    ] {
        machine.file("root/rows", 0o600, file);
        let (status, told) = fob(&machine, &words, "");
        assert_ne!(status, 0, "{words}: {told}");
        assert!(
            told.contains("alice has this token, as \"fob\""),
            "{words}: {told}"
        );
    }
    assert_eq!(machine.shell("ls /etc/fob/tokens"), "alice\ncarol\n");
    assert_eq!(machine.login("alice", &[&press(&token, 0)]).code(), 0);

    machine.shell("cp -p /etc/fob/tokens/alice /etc/fob/tokens/bob");
    let (_, told) = fob(&machine, "doctor", "");
    let what = "error    alice's token \"fob\" and bob's \"fob\" have the same secret";
    assert!(told.contains(what), "{told}");
}

/// P1: whoever gets a token that somebody had before begins where that one stopped, also where
/// it was revoked and the maker's file comes again; and where nobody knows where that was,
/// nothing of it counts.
#[test]
fn codes_that_one_person_used_let_in_nobody_who_has_the_token_next() {
    let machine = Machine::with(&["alice", "bob", "carol", "dora", "erin"]);
    let token = hotp("fob");
    let enroll = |name: &str| {
        let words = "--type hotp --secret-file /root/s --no-confirm --no-recovery";
        done(&machine, &format!("enroll {name} {words}"))
    };
    let try_at = |name: &str, counters: &[(u64, i32)]| {
        for (counter, expected) in counters {
            let code = machine.login(name, &[&press(&token, *counter)]).code();
            assert_eq!(code, *expected, "{name}, {counter}");
        }
        machine.shell(&format!("fob revoke {name} --yes"));
    };
    machine.file("root/s", 0o600, secret(&token));
    let rows = |name: &str| {
        let row = format!(
            "name,serial,type,secret\n{name},6001,hotp,{}\n",
            secret(&token)
        );
        machine.file("root/rows", 0o600, row);
    };
    let hex: String = token
        .secret
        .bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let maker = format!("6001, {hex}, hotp, 6\n");
    machine.file("root/maker", 0o600, maker);

    enroll("alice");
    try_at("alice", &[(0, 0), (2, 0)]);
    done(&machine, "import csv --shape linotp /root/maker --yes");
    done(&machine, "assign 6001 bob");
    try_at("bob", &[(1, 7), (2, 7), (3, 0)]);
    enroll("carol");
    try_at("carol", &[(3, 7), (4, 0)]);
    rows("dora");
    done(&machine, "enroll --from /root/rows --no-recovery");
    try_at("dora", &[(4, 7), (5, 0)]);
    rows("");
    machine.file("var/lib/fob/99999", 0o600, "rubbish");
    let told = done(&machine, "enroll --from /root/rows");
    assert!(told.contains("fob: warning: /var/lib/fob/99999"), "{told}");
    done(&machine, "assign 6001 alice");
    try_at("alice", &[(5, 7), (6, 0)]);

    // Given back by bob, who doesn't know its counter any more.
    enroll("bob");
    machine.shell("uid=$(id -u bob); echo rubbish >/var/lib/fob/$uid; fob repair bob --yes");
    machine.shell("fob revoke bob --yes");
    let told = fob(&machine, "import csv --shape linotp /root/maker --yes", "").1;
    assert!(told.contains("6001") && told.contains("blocked"), "{told}");
    assert!(!machine.path("etc/fob/stock/6001").exists(), "{told}");
    let told = done(
        &machine,
        "import csv --shape linotp /root/maker --user erin --yes",
    );
    let how = "fob repair erin --counter fob-6001=N";
    assert!(
        told.contains(how) && !told.contains("next counter"),
        "{told}"
    );
    assert_eq!(
        machine.login("erin", &[&press(&token, 9)]).code(),
        7,
        "{told}"
    );
    done(&machine, "repair erin --counter fob-6001=9 --yes");
    try_at("erin", &[(9, 0)]);
}
