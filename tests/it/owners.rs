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
