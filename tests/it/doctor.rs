//! `fob doctor` on machines in good and in bad order.

use serde_json::Value;

use crate::fob::{fob, json};
use crate::machine::{Machine, hotp};

/// A machine with nothing to find: a module, a stack, somebody enrolled.
fn sound() -> Machine {
    let machine = Machine::with(&["alice:secret"]);
    machine.shell("rm -f /etc/pam.d/*");
    machine.stack("other", "auth required pam_deny.so\n");
    // What the services of the distribution include.
    for kind in ["auth", "account", "password", "session"] {
        machine.stack(&format!("common-{kind}"), "");
        machine.stack(&format!("common-{kind}-noninteractive"), "");
    }
    machine.stack(
        "su",
        "auth required pam_unix.so\nauth required pam_fob.so\n",
    );
    machine.enrol("alice", &[hotp("alice")]);
    machine
}

fn codes(machine: &Machine, words: &str, level: &str) -> Vec<String> {
    let (_, value) = json(machine, words, "");
    let findings = value["findings"].as_array().unwrap().iter();
    let of_level = findings.filter(|finding| finding["level"] == level);
    of_level
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

/// What is wrong with the files under /etc and /var: their names, modes, owners, contents.
fn state(machine: &Machine) -> String {
    machine.shell("find /etc /var/lib/fob -printf '%p %m %u %l\\n' | sort; find /etc /var/lib/fob -type f -exec cksum {} + | sort")
}

#[test]
fn sound_machine_has_no_errors() {
    let machine = sound();
    let (status, value) = json(&machine, "doctor", "");
    assert_eq!(codes(&machine, "doctor", "error"), [""; 0], "{value}");
    // Whether the clock is synchronised is the machine's own affair.
    let warnings = codes(&machine, "doctor", "warning");
    let of_ours = warnings.iter().filter(|code| !code.starts_with("clock."));
    assert_eq!(of_ours.count(), 0, "{value}");
    assert!(status == 0 || !warnings.is_empty(), "{value}");
    for code in [
        "module.there",
        "stack.asks",
        "files.safe",
        "people.counted",
        "space.enough",
    ] {
        assert!(value.to_string().contains(code), "{code}: {value}");
    }
}

/// Each is one thing that is wrong, and how the doctor calls it.
const WRONG: [(&str, &str, &str); 28] = [
    ("chmod 666 /etc/fob/tokens/alice", "error", "files.too_open"),
    ("chown 2000 /etc/fob/tokens/alice", "error", "files.owner"),
    ("chmod 777 /etc/fob", "error", "files.folder_too_open"),
    ("chmod 755 /etc/fob/tokens", "note", "files.folder_readable"),
    (
        "ln /etc/fob/tokens/alice /root/second",
        "error",
        "files.links",
    ),
    (
        "mv /etc/fob/tokens/alice /root/a; ln -s /root/a /etc/fob/tokens/alice",
        "error",
        "files.kind",
    ),
    (
        "touch /etc/fob/tokens/.new-0011223344556677",
        "note",
        "files.leftover",
    ),
    ("rm -r /etc/fob/tokens", "error", "files.no_folder"),
    (
        "echo 'window = 99' >/etc/fob/fob.conf",
        "error",
        "files.conf",
    ),
    (
        "echo rubbish >/etc/fob/tokens/alice",
        "error",
        "people.token_file",
    ),
    (
        "sed -i 's/^type.*/type = \"sms\"/' /etc/fob/tokens/alice",
        "warning",
        "people.token",
    ),
    (
        "printf 'version = 1\\n' >/etc/fob/tokens/alice",
        "warning",
        "people.nothing",
    ),
    ("fob repair alice --yes", "warning", "people.blocked"),
    (
        "cp -p /etc/fob/tokens/alice /etc/fob/tokens/ghost",
        "warning",
        "people.gone",
    ),
    (
        "pamdrive su alice secret 000000; sed -i s/^alice:/carol:/ /etc/passwd /etc/shadow",
        "error",
        "people.renamed",
    ),
    (
        "echo 'bob:*:2001:2001::/:/bin/sh' >>/etc/passwd; echo x >/var/lib/fob/2001; chmod 600 /var/lib/fob/2001",
        "warning",
        "people.ledger",
    ),
    (
        "cp -p /etc/fob/tokens/alice '/etc/fob/tokens/a b'",
        "warning",
        "people.stray_file",
    ),
    (
        "head -c 12288 /dev/urandom >/var/lib/fob/2000; chmod 600 /var/lib/fob/2000",
        "error",
        "people.ledger",
    ),
    (
        "echo 'auth required pam_fob.so nulok' >/etc/pam.d/vsftpd",
        "error",
        "stack.bad_argument",
    ),
    (
        "printf 'auth sufficient pam_unix.so\\nauth required pam_fob.so\\n' >/etc/pam.d/su",
        "error",
        "stack.skipped",
    ),
    (
        "printf 'auth required pam_unix.so\\nauth optional pam_fob.so\\n' >/etc/pam.d/su",
        "error",
        "stack.not_enforced",
    ),
    (
        "printf 'auth include a\\n' >/etc/pam.d/a",
        "warning",
        "stack.unreadable",
    ),
    ("rm /etc/pam.d/su", "warning", "stack.none"),
    (
        "sed -i s/pam_unix/pam_unxi/ /etc/pam.d/su",
        "warning",
        "stack.module_missing",
    ),
    (
        "echo 'auth required pam_oath.so' >>/etc/pam.d/su",
        "note",
        "stack.other_codes",
    ),
    (
        "printf '[[rule]]\nname = \"a\"\ngroup = \"nosuch\"\naction = \"skip\"\n' >/etc/fob/fob.conf",
        "warning",
        "rules.no_group",
    ),
    (
        "echo 'bob:*:2001:2001::/:/bin/sh' >>/etc/passwd",
        "note",
        "people.not_enrolled",
    ),
    (
        "echo 'auth required pam_unix.so' >/etc/pam.d/sudo",
        "note",
        "stack.not_reached",
    ),
];

/// Found, said with what to do, and nothing changed by it.
#[test]
fn whatever_is_wrong_is_found_and_left_alone() {
    for (done, level, code) in WRONG {
        let machine = sound();
        machine.shell(done);
        let before = state(&machine);
        let (status, value) = json(&machine, "doctor", "");
        assert_eq!(state(&machine), before, "{done}");
        let findings = value["findings"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["code"] == code);
        let found = found.unwrap_or_else(|| panic!("{done}: {value}"));
        assert_eq!(found["level"], level, "{done}");
        if code != "stack.not_reached" {
            let remedy = found["remedy"].as_str().unwrap_or_default();
            assert!(!remedy.is_empty(), "{done}: {found}");
        }
        if level != "note" {
            assert_eq!(status, 1, "{done}");
        }
    }
}

/// Shown first; done only with a yes; and then the people get in again.
#[test]
fn fix_mends_owners_and_modes_and_nothing_else() {
    let machine = sound();
    machine.shell(
        "chmod 644 /etc/fob/tokens/alice; chown 2000 /etc/fob/tokens/alice; chmod 775 /etc/fob; \
         touch /etc/fob/tokens/.new-0011223344556677; echo rubbish >/etc/fob/tokens/ghost",
    );
    let before = state(&machine);
    // Nobody is there to say yes.
    let (status, text) = fob(&machine, "doctor --fix", "");
    assert_eq!(status, 2, "{text}");
    assert!(text.contains("chmod 0755 /etc/fob"), "{text}");
    assert_eq!(state(&machine), before);
    let (_, value) = json(&machine, "doctor --fix --yes", "");
    let fixed = value["fixed"].as_array().unwrap();
    assert!(
        fixed.contains(&Value::from("chmod 0755 /etc/fob")),
        "{value}"
    );
    assert!(
        codes(&machine, "doctor", "error")
            .iter()
            .all(|code| !code.starts_with("files."))
    );
    assert_eq!(machine.shell("cat /etc/fob/tokens/ghost"), "rubbish\n");
    assert!(machine.log().join("\n").contains("changed verb=doctor"));
    let code = crate::machine::press(&hotp("alice"), 0);
    machine.service("test", "");
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}

/// The settings that sshd itself says it has.
#[test]
fn sshd_that_lets_in_without_a_code_is_found() {
    let good = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n";
    let both = "AuthenticationMethods publickey,keyboard-interactive\n";
    for (config, level, code) in [
        (format!("{good}{both}"), "ok", "sshd.asks"),
        (good.to_owned(), "error", "sshd.no_code"),
        (format!("UsePAM no\n{both}"), "error", "sshd.no_pam"),
        (
            format!(
                "UsePAM yes\nKbdInteractiveAuthentication no\nPasswordAuthentication yes\n{both}"
            ),
            "error",
            "sshd.broken",
        ),
        (
            format!("{good}{both}Match User backup\n  AuthenticationMethods publickey\n"),
            "error",
            "sshd.no_code",
        ),
        (
            format!("{good}{both}Match Address 10.0.0.0/8\n  AuthenticationMethods publickey\n"),
            "error",
            "sshd.no_code",
        ),
        (
            format!("{good}{both}Match User old\n  KbdInteractiveAuthentication no\n"),
            "error",
            "sshd.locked_out",
        ),
        (
            format!("{good}{both}Match Group staff\n  PermitTTY no\n"),
            "note",
            "sshd.match_not_tried",
        ),
        (
            format!("{good}{both}Nonsense yes\n"),
            "error",
            "sshd.broken",
        ),
    ] {
        let machine = sound();
        machine.stack(
            "sshd",
            "auth required pam_unix.so\nauth required pam_fob.so\n",
        );
        machine.shell(
            "mkdir -p /etc/ssh; ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key",
        );
        machine.file("etc/ssh/sshd_config", 0o644, &config);
        let (_, value) = json(&machine, "doctor", "");
        let findings = value["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .any(|finding| finding["code"] == code && finding["level"] == level);
        assert!(found, "{code}: {config}\n{value}");
        if level == "ok" {
            assert!(
                !value.to_string().contains("\"level\":\"error\""),
                "{value}"
            );
        }
    }
}

/// In a folder that is somebody else's nothing is touched before the folder is root's: its
/// owner could put a link in a file's place meanwhile.
#[test]
fn files_of_a_foreign_folder_are_not_touched_before_the_folder_is_roots() {
    let machine = sound();
    machine.shell("chown 2000 /etc/fob/tokens; chmod 644 /etc/fob/tokens/alice");
    let (_, value) = json(&machine, "doctor", "");
    let findings = value["findings"].as_array().unwrap();
    let fix = |code: &str| {
        let mut found = findings.iter().filter(|finding| finding["code"] == code);
        found.next().unwrap_or_else(|| panic!("{code}: {value}"))["fix"].clone()
    };
    assert_eq!(fix("files.owner"), "chown root:root /etc/fob/tokens");
    assert_eq!(fix("files.too_open"), Value::Null);
    let (_, value) = json(&machine, "doctor --fix --yes", "");
    let fixed = [
        "chown root:root /etc/fob/tokens",
        "chmod 0600 /etc/fob/tokens/alice",
    ];
    assert_eq!(value["fixed"], Value::from(fixed.to_vec()));
}

/// A folder that is others' as well is never changed, whatever was put there: `--fix` ran `chmod` on
/// /tmp and `chown` on a home once.
#[test]
fn fix_leaves_folders_that_are_not_fobs_alone() {
    let machine = sound();
    machine.shell(
        "mkdir -p /tmp/x /home/alice/f /srv/open/fob && chmod 1777 /tmp && chmod 700 /tmp/x && \
         chown 2000 /home/alice && chmod 777 /srv/open && chmod 755 /home/alice /srv",
    );
    let look = "stat -c '%n %a %u' / /tmp /tmp/x /home /home/alice /home/alice/f /srv /srv/open";
    let before = machine.shell(look);
    for (conf, said, named) in [
        ("/tmp/x/fob.conf", "", "/tmp: others"),
        ("/home/alice/f/fob.conf", "", "/home/alice: belongs"),
        ("/srv/open/fob/fob.conf", "", "/srv/open: others"),
        ("/etc/fob/fob.conf", "tokens = '/tmp'", "/tmp: others"),
        (
            "/etc/fob/fob.conf",
            "tokens = '/home/alice'",
            "/home/alice: belongs",
        ),
        ("/etc/fob/fob.conf", "tokens = '/etc'", "/etc/"),
    ] {
        machine.file(&conf[1..], 0o644, format!("{said}\n"));
        let etc = machine.shell("stat -c '%n %a %u' /etc/* | grep -v fob");
        let words = format!("--conf {conf} doctor --fix --yes");
        let (_, value) = json(&machine, &words, "");
        assert_eq!(machine.shell(look), before, "{conf} {said}: {value}");
        let after = machine.shell("stat -c '%n %a %u' /etc/* | grep -v fob");
        assert_eq!(after, etc, "{said}: {value}");
        let mut findings = value["findings"].as_array().unwrap().iter();
        let found = findings.any(|finding| {
            let what = finding["what"].as_str().unwrap();
            what.starts_with(named) && finding["fix"] == Value::Null
        });
        assert!(found, "{conf} {said}: {value}");
    }
}
