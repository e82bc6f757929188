//! Sealed token files: they open here, for their person and token, with the key; and nowhere
//! else.

use crate::machine::{Machine, hotp, press, token_file};

const CONF: &str = "seal = \"/root/fob-seal.key\"\n";

/// A machine with alice, whose token and PIN are sealed; her PIN is 4711.
fn sealed() -> Machine {
    let machine = Machine::with(&["alice", "bob"]);
    machine.file("etc/fob/fob.conf", 0o644, CONF);
    machine.enrol("alice", &[hotp("alice")]);
    machine.shell("echo 4711 | fob pin alice; :");
    let said = machine.shell("fob seal --new-key && echo 4711 | fob pin alice && fob seal alice");
    assert!(said.contains("0 token files sealed"), "{said}");
    machine
}

fn file_of(machine: &Machine, name: &str) -> String {
    machine.shell(&format!("cat /etc/fob/tokens/{name}"))
}

/// Every writer seals: here `fob pin` did.
#[test]
fn sealed_person_logs_in_as_ever() {
    let machine = sealed();
    let file = file_of(&machine, "alice");
    assert_eq!(file.matches("\"sealed:").count(), 2, "{file}");
    let secret = hotp("alice").secret.to_base32();
    assert!(!file.contains(secret.as_str()), "{file}");
    let typed = format!("4711{}", press(&hotp("alice"), 0));
    assert_eq!(machine.login("alice", &[&typed]).code(), 0);
    assert_eq!(machine.login("alice", &[&typed]).code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("spent"));
    let shown = machine.shell("fob show alice; fob rename alice fob new; fob unseal alice");
    assert!(shown.contains("secrets: sealed"), "{shown}");
    assert!(file_of(&machine, "alice").contains(secret.as_str()));
    let typed = format!("4711{}", press(&hotp("alice"), 1));
    assert_eq!(machine.login("alice", &[&typed]).code(), 0);
}

/// A copied backup is worth nothing; nor is a line moved to somebody else.
#[test]
fn sealed_secret_counts_for_its_person_and_key_alone() {
    let machine = sealed();
    machine.shell("cp -p /etc/fob/tokens/alice /etc/fob/tokens/bob");
    assert_ne!(
        machine
            .login("bob", &[&format!("4711{}", press(&hotp("alice"), 0))])
            .code(),
        0
    );
    machine.shell("rm /etc/fob/tokens/bob; mv /root/fob-seal.key /root/kept; fob seal --new-key");
    let typed = format!("4711{}", press(&hotp("alice"), 0));
    assert_ne!(machine.login("alice", &[&typed]).code(), 0);
    machine.shell("mv /root/kept /root/fob-seal.key");
    assert_eq!(machine.login("alice", &[&typed]).code(), 0);
}

/// P9: the log says which file is missing and what to do; who has nothing sealed gets in.
#[test]
fn missing_key_refuses_those_who_need_it_and_is_named() {
    let machine = sealed();
    machine.enrol("bob", &[hotp("bob")]);
    machine.shell("mv /root/fob-seal.key /root/kept");
    let typed = format!("4711{}", press(&hotp("alice"), 0));
    assert_ne!(machine.login("alice", &[&typed]).code(), 0);
    let log = machine.log().join("\n");
    assert!(log.contains("reason=state_missing"), "{log}");
    assert!(log.contains("/root/fob-seal.key"), "{log}");
    assert_eq!(machine.login("bob", &[&press(&hotp("bob"), 0)]).code(), 0);
    let doctor = machine.shell("fob doctor 2>&1; fob recovery --yes bob 2>&1; :");
    assert!(
        doctor.contains("/root/fob-seal.key: there is no such key"),
        "{doctor}"
    );
    assert!(!file_of(&machine, "bob").contains("recovery"));
    machine.shell("cp /root/kept /root/fob-seal.key; chmod 644 /root/fob-seal.key");
    assert_ne!(machine.login("alice", &[&typed]).code(), 0);
    machine.shell("chmod 600 /root/fob-seal.key");
    assert_eq!(machine.login("alice", &[&typed]).code(), 0);
}

#[test]
fn everybody_and_the_stock_are_sealed_and_opened_again() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.enrol("bob", &[hotp("bob")]);
    machine.folder("etc/fob/stock", 0o700);
    machine.file("etc/fob/stock/77", 0o600, token_file(&[hotp("stock")]));
    let before = machine.shell("cat /etc/fob/tokens/* /etc/fob/stock/*");
    machine.file("etc/fob/fob.conf", 0o644, CONF);
    let said = machine.shell("fob seal --new-key; fob doctor 2>&1; fob seal --everybody");
    assert!(said.contains("2 people's secrets aren't sealed"), "{said}");
    assert!(
        said.contains("3 token files sealed, 0 token files left"),
        "{said}"
    );
    let sealed = machine.shell("cat /etc/fob/tokens/* /etc/fob/stock/*");
    assert_eq!(sealed.matches("secret = \"sealed:").count(), 3, "{sealed}");
    machine.shell("fob assign 77 alice --id spare && fob unseal --everybody");
    assert_eq!(machine.login("bob", &[&press(&hotp("bob"), 0)]).code(), 0);
    assert_eq!(
        machine.login("alice", &[&press(&hotp("stock"), 0)]).code(),
        0
    );
    let after = machine.shell("cat /etc/fob/tokens/*");
    let secrets = before.lines().filter(|line| line.starts_with("secret"));
    secrets.for_each(|line| assert!(after.contains(line), "{after}"));
}

/// The key that systemd-creds encrypted, laid out as the unit does it.
#[test]
fn systemd_keeps_the_key() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, "seal = \"systemd-creds\"\n");
    machine.enrol("alice", &[hotp("alice")]);
    // What a booted system has.
    machine.folder("var/lib/systemd", 0o755);
    machine.file(
        "etc/machine-id",
        0o444,
        "0123456789abcdef0123456789abcdef\n",
    );
    let said = machine.shell("fob seal --new-key >&2 && ! fob seal alice 2>&1");
    assert!(said.contains("systemctl start fob-seal"), "{said}");
    machine.shell(
        "mkdir -m 0700 /run/fob; systemd-creds decrypt --name=fob-seal /etc/fob/seal.cred /run/fob/seal.key; \
         chmod 400 /run/fob/seal.key; fob seal alice",
    );
    assert!(file_of(&machine, "alice").contains("secret = \"sealed:"));
    assert_eq!(
        machine.login("alice", &[&press(&hotp("alice"), 0)]).code(),
        0
    );
}

/// What is sealed with a key that is away belongs to its id. Renamed, it could never be
/// opened again.
#[test]
fn token_that_no_key_opens_is_neither_renamed_nor_said_to_be_open() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, CONF);
    machine.enrol("alice", &[hotp("alice")]);
    machine.shell("fob seal --new-key; fob seal alice; mv /root/fob-seal.key /root/kept");
    machine.shell("fob seal --new-key");
    let before = file_of(&machine, "alice");
    let said = machine.shell("fob rename alice fob new 2>&1; [ $? = 2 ]");
    assert!(said.contains("can't be opened"), "{said}");
    for whose in ["alice", "--everybody"] {
        let said = machine.shell(&format!("fob unseal {whose} 2>&1; [ $? = 2 ]"));
        assert!(said.contains("1 sealed value can't be opened"), "{said}");
    }
    assert_eq!(file_of(&machine, "alice"), before);
    machine.shell("mv /root/kept /root/fob-seal.key");
    let code = press(&hotp("alice"), 0);
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}

/// "Left as they were" must mean that nothing is left to read in a backup.
#[test]
fn secret_of_a_token_that_this_version_cannot_use_is_sealed_too() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/fob.conf", 0o644, CONF);
    let later = "version = 1\n\n[[token]]\nid = \"x\"\ntype = \"later\"\n\
        secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, later);
    machine.shell("fob seal --new-key; fob seal alice");
    assert!(!file_of(&machine, "alice").contains("GEZDG"));
    machine.shell("fob unseal alice");
    assert_eq!(file_of(&machine, "alice"), later);
}
