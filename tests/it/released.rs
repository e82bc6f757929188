//! What released versions wrote is read today, and means what it meant. See
//! docs/compatibility.md and tests/released/README.md.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::Machine;

const PEOPLE: [&str; 5] = ["alice", "bob", "carol", "dave", "erin"];

fn released() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released")
}

fn versions() -> Vec<PathBuf> {
    let folders = fs::read_dir(released()).unwrap();
    let paths = folders.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_dir()).collect()
}

/// Lays one file, or a folder of them, down as root's alone.
fn lay(machine: &Machine, from: &Path, inside: &str) {
    if from.is_file() {
        machine.file(inside, 0o600, fs::read(from).unwrap());
        return;
    }
    machine.folder(inside, 0o700);
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        lay(machine, &path, &format!("{inside}/{name}"));
    }
}

/// A machine as that version left it.
fn machine_of(version: &Path) -> Machine {
    let machine = Machine::with(&PEOPLE);
    for (name, inside) in [
        ("tokens", "etc/fob/tokens"),
        ("stock", "etc/fob/stock"),
        ("state", "var/lib/fob"),
        ("fob.conf", "etc/fob/fob.conf"),
        ("seal.key", "root/seal.key"),
    ] {
        lay(&machine, &version.join(name), inside);
    }
    machine
}

/// What is typed: `totp:SECRET` stands for the code that an app shows.
fn typed(machine: &Machine, answer: &str) -> String {
    match answer.split_once("totp:") {
        Some((pin, secret)) => {
            let code = machine.shell(&format!("oathtool --totp --base32 {secret}"));
            format!("{pin}{}", code.trim())
        }
        None => answer.to_owned(),
    }
}

/// P1, P10: codes that were right are right, and what was spent then is spent now.
#[test]
fn files_of_every_released_version_are_read_and_mean_the_same() {
    for version in versions() {
        let machine = machine_of(&version);
        let logins = fs::read_to_string(version.join("logins")).unwrap();
        assert!(logins.lines().count() > 10, "{version:?}");
        for line in logins.lines() {
            let [person, answer, code, word] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let said = machine.login(person, &[&typed(&machine, answer)]).code();
            let log = machine.log().join("\n");
            assert_eq!(said.to_string(), code, "{version:?}: {line}\n{log}");
            let means = match word {
                "accepted" => ": accepted user=",
                reason => &format!(": refused reason={reason} "),
            };
            assert!(log.contains(means), "{version:?}: {line}\n{log}");
            assert!(!log.contains("unusable="), "{version:?}: {log}");
            assert!(
                !log.contains("ledger=fresh") || person == "dave" || person == "erin",
                "{log}"
            );
        }
    }
}

/// The command reads all of it: policy, people, stock. Nothing is damaged or left out.
#[test]
fn command_reads_the_files_of_every_released_version() {
    for version in versions() {
        let machine = machine_of(&version);
        let check = machine.shell("fob config check --json");
        let conf = fs::read_to_string(version.join("fob.conf")).unwrap();
        let rules = conf.lines().filter_map(|line| line.strip_prefix("name = "));
        for rule in rules {
            assert!(
                check.contains(&format!("{{\"name\":{rule},")),
                "{rule}: {check}"
            );
        }
        let list = machine.shell("fob list --csv");
        assert_eq!(list.lines().count(), 1 + PEOPLE.len(), "{list}");
        assert!(!list.contains("damaged"), "{list}");
        for file in fs::read_dir(version.join("stock")).unwrap() {
            let serial = file.unwrap().file_name().into_string().unwrap();
            let stock = machine.shell("fob assign --list");
            assert!(stock.contains(&format!("{serial}: ")), "{stock}");
        }
    }
}

/// A version that is about to be released, or writes another number into a file, must have
/// a folder here: `tests/released/make` lays it down.
#[test]
fn this_version_and_its_format_numbers_have_a_folder() {
    let folder = released().join(env!("CARGO_PKG_VERSION"));
    assert!(
        folder.is_dir(),
        "{folder:?} isn't there: run tests/released/make"
    );
    let machine = Machine::with(&["alice"]);
    machine.shell(
        "echo JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP | fob enroll alice --secret-file - --no-confirm --no-recovery",
    );
    machine.login("alice", &["000000"]);
    let written = fs::read_to_string(machine.path("etc/fob/tokens/alice")).unwrap();
    let kept = fs::read_to_string(folder.join("tokens/alice")).unwrap();
    let number = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("version"));
        line.unwrap().to_owned()
    };
    assert_eq!(number(&written), number(&kept), "token file");

    let ledger = |folder: &Path| {
        let bytes = fs::read(folder.join("2000")).unwrap();
        let slot = [4096, 8192].map(|at| bytes[at..at + 6].to_vec());
        let mut used = slot.into_iter().filter(|slot| slot.starts_with(b"FOBS"));
        (bytes[..10].to_vec(), used.next_back().unwrap())
    };
    let (written, kept) = (
        ledger(&machine.path("var/lib/fob")),
        ledger(&folder.join("state")),
    );
    assert_eq!(written, kept, "ledger");
}
