//! What people who log in meet.

use crate::machine::{Machine, hotp, press, shows, token_file, totp};

const PROMPT: &str = "prompt off \"Verification code: \"";

/// P1, P12.
#[test]
fn right_code_lets_in_once_and_is_logged() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("alice");
    machine.enrol("alice", &[phone.clone()]);
    let code = shows(&phone);
    let words = ["--rhost", "192.0.2.7", "--tty", "ssh", "test", "alice"];
    assert_eq!(machine.drive(&words, &[&code]).code(), 0);
    let log = machine.log();
    assert_eq!(log.len(), 1, "{log:?}");
    let expected =
        " accepted user=alice service=test rhost=192.0.2.7 tty=ssh ruser=- token=phone counter=";
    assert!(
        log[0].contains(expected) && log[0].starts_with("<86>test(pam_fob:auth)["),
        "{log:?}"
    );

    // R22: who types it again sees what anybody sees whose code is wrong.
    let again = machine.drive(&words, &[&code]);
    assert_eq!((again.code(), again.shown()), (7, vec![PROMPT]));
    assert!(again.line("delay ").is_some());
    let log = machine.log();
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(
        log[0].contains("refused reason=spent user=alice"),
        "{log:?}"
    );
}

/// P13: the same prompts and the same answer, whoever it is.
#[test]
fn wrong_code_absent_token_and_unknown_person_look_the_same() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[totp("alice")]);
    for (person, reason) in [
        ("alice", "wrong"),
        ("bob", "not_enrolled"),
        ("nosuch", "no_such_user"),
    ] {
        let report = machine.login(person, &["000000"]);
        assert_eq!(
            (report.code(), report.shown()),
            (7, vec![PROMPT]),
            "{person}"
        );
        assert!(report.line("delay ").is_some(), "{person}");
        assert_eq!(machine.logged("reason").as_deref(), Some(reason));
    }
}

/// T07: what absent people are judged against lets nobody in, whoever knows its code, and also
/// where somebody edits it.
#[test]
fn code_of_the_dummy_lets_nobody_in() {
    let machine = Machine::with(&["bob"]);
    machine.login("nosuch", &["000000"]);
    let code = "oathtool --totp -b $(sed -n 's/^secret = \"\\(.*\\)\"/\\1/p' /var/lib/fob/dummy)";
    for edit in [
        ":",
        "sed -i 's/^disabled = true/disabled = false/' /var/lib/fob/dummy",
    ] {
        machine.shell(edit);
        for (person, reason) in [("bob", "not_enrolled"), ("nosuch", "no_such_user")] {
            let report = machine.login(person, &[&format!("|{code}")]);
            assert_eq!(report.code(), 7, "{edit}: {person}");
            assert_eq!(machine.logged("reason").as_deref(), Some(reason), "{edit}");
        }
    }
    let file = machine.shell("cat /var/lib/fob/dummy");
    assert!(file.contains("disabled = false"), "{file}");
}

/// P13: also the wait after too many failures.
#[test]
fn absent_people_wait_like_others() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[totp("alice")]);
    for person in ["alice", "bob", "nosuch"] {
        let words = ["--rhost", "192.0.2.7", "test", person];
        for _ in 0..5 {
            assert_eq!(machine.drive(&words, &["000000"]).shown(), [PROMPT]);
        }
        let throttled = machine.drive(&words, &["000000"]);
        assert_eq!(throttled.code(), 7);
        let told = throttled.shown()[1];
        assert!(
            told.starts_with("info \"Too many attempts. Try again in "),
            "{person}: {told}"
        );
    }
}

/// P2: after a reboot a wait begins again, and ends.
#[test]
fn wait_ends_after_a_reboot() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let out = machine.shell(&format!(
        "for n in 1 2 3 4 5; do pamdrive test alice 000000 >/dev/null; done
         cat /proc/sys/kernel/random/uuid >/tmp/boot
         mount --bind /tmp/boot /proc/sys/kernel/random/boot_id
         pamdrive test alice {code}
         unshare --time --boottime 6 pamdrive test alice {code}",
        code = press(&fob, 0)
    ));
    let codes: Vec<_> = out.split("authenticate ").skip(1).collect();
    assert!(
        codes[0].starts_with("7 ") && codes[1].starts_with("0 "),
        "{out}"
    );
}

/// R4.
#[test]
fn owner_learns_of_failures_at_the_next_login() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.login("alice", &["000000"]);
    machine.login("alice", &["000000"]);
    let report = machine.login("alice", &[&press(&fob, 0)]);
    assert_eq!(
        report.shown()[1],
        "info \"2 failed attempts since your last login.\""
    );
    machine.login("alice", &["000000"]);
    let silent = machine.drive(&["--silent", "test", "alice"], &[&press(&fob, 1)]);
    assert_eq!((silent.code(), silent.shown().len()), (0, 1));
}

#[test]
fn forward_pass_hands_the_password_on() {
    let machine = Machine::with(&["alice:correct horse"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.stack(
        "joined",
        "auth required pam_fob.so forward_pass\nauth required pam_unix.so use_first_pass\n",
    );
    let joined = |password: &str, code: &str| {
        machine.drive(&["joined", "alice"], &[&format!("{password}{code}")])
    };
    let report = joined("correct horse", &press(&fob, 0));
    assert_eq!(report.code(), 0, "{report:?}");
    assert_eq!(
        report.shown(),
        ["prompt off \"Password & verification code: \""]
    );
    // Each factor alone is not enough, and nobody is asked twice.
    for (password, code) in [
        ("wrong horse", press(&fob, 1)),
        ("correct horse", "000000".into()),
        ("", press(&fob, 2)),
    ] {
        let refused = joined(password, &code);
        let prompts = refused
            .shown()
            .iter()
            .filter(|line| line.starts_with("prompt"))
            .count();
        assert_eq!((refused.code(), prompts), (7, 1), "{password:?}");
    }
}

/// The password that an earlier module asked for.
#[test]
fn first_pass_is_tried_or_used() {
    let machine = Machine::with(&["alice:pw"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    for (service, words) in [
        ("try", "try_first_pass forward_pass"),
        ("use", "use_first_pass forward_pass"),
    ] {
        machine.stack(
            service,
            &format!("auth optional pam_unix.so\nauth required pam_fob.so {words}\n"),
        );
    }
    let typed = format!("pw{}", press(&fob, 0));
    let report = machine.drive(&["use", "alice"], &[&typed]);
    assert_eq!((report.code(), report.shown().len()), (0, 1), "{report:?}");
    let refused = machine.drive(&["use", "alice"], &["pw"]);
    assert_eq!((refused.code(), refused.shown().len()), (7, 1));
    // T05: an earlier module was told nothing, and hands that on.
    for (service, answers) in [("use", &[""][..]), ("try", &["", ""])] {
        let empty = machine.drive(&[service, "alice"], answers);
        assert_ne!(empty.code(), 0, "{service}");
        assert_eq!(empty.shown().len(), answers.len(), "{service}");
    }
    let typed = format!("pw{}", press(&fob, 1));
    assert_eq!(machine.drive(&["try", "alice"], &[&typed]).shown().len(), 1);
    let asked = machine.drive(&["try", "alice"], &["pw", &press(&fob, 2)]);
    assert_eq!((asked.code(), asked.shown().len()), (0, 2), "{asked:?}");
}

/// P9, T03: only who really isn't enrolled is passed on, and never as a success.
#[test]
fn nullok_passes_only_those_who_have_no_file() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[totp("alice")]);
    machine.service("test", "nullok");
    machine.stack("alone", "auth required pam_fob.so nullok\n");
    let passed = machine.login("bob", &[]);
    assert_eq!((passed.code(), passed.shown().len()), (0, 0));
    assert!(
        machine
            .log()
            .pop()
            .unwrap()
            .contains("ignored reason=not_enrolled user=bob")
    );
    assert_eq!(machine.drive(&["alone", "bob"], &[]).code(), 6); // PAM_IGNORE is no success
    assert_eq!(machine.login("alice", &["000000"]).code(), 7);
    assert_eq!(machine.login("nosuch", &["000000"]).code(), 7);
    // Enrolled with a file that can't be used is not "not enrolled".
    for content in [
        "",
        "garbage",
        "version = 2\n",
        "version = 1\nsecret = \"x\"\n",
    ] {
        machine.file("etc/fob/tokens/bob", 0o600, content);
        assert_eq!(machine.login("bob", &["000000"]).code(), 4, "{content:?}");
    }
    machine.file("etc/fob/tokens/bob", 0o600, "version = 1\n");
    assert_eq!(machine.login("bob", &["000000"]).code(), 7);
    // Nor is somebody whose folder is gone.
    std::fs::remove_dir_all(machine.path("etc/fob/tokens")).unwrap();
    assert_eq!(machine.login("bob", &["000000"]).code(), 4);
    assert_eq!(machine.logged("reason").as_deref(), Some("state_missing"));
}

/// P9, T03: a fob.conf that is a link to nowhere isn't the same as none.
#[test]
fn link_to_no_fob_conf_refuses_everybody() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.service("test", "nullok");
    assert_eq!(machine.login("bob", &[]).code(), 0);
    for target in ["gone.conf", "/not-mounted/fob.conf"] {
        machine.shell(&format!("ln -sf {target} /etc/fob/fob.conf"));
        assert_eq!(machine.login("bob", &[]).code(), 3, "{target}");
        let line = machine.log().pop().unwrap();
        assert!(
            line.contains("reason=config") && line.contains("leads nowhere"),
            "{line}"
        );
    }
}

/// T09: what isn't known may have been meant to make the login stricter.
#[test]
fn unknown_arguments_and_settings_refuse_everybody() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let code = press(&fob, 0);
    for words in [
        "alwaysok",
        "nullok=1",
        "debug=1",
        "window=20",
        "prompt=",
        "conf=relative",
        "conf=/none",
        "try_first_pass use_first_pass",
    ] {
        machine.service("test", words);
        let report = machine.login("alice", &[&code]);
        assert_eq!((report.code(), report.shown().len()), (3, 0), "{words}");
        assert_eq!(
            machine.logged("reason").as_deref(),
            Some("config"),
            "{words}"
        );
    }
    machine.service("test", "");
    for conf in [
        "allow_readonly = true\n",
        "window = 0x\n",
        "[service.test]\nstate = \"/srv\"\n",
    ] {
        machine.file("etc/fob/fob.conf", 0o644, conf);
        assert_eq!(machine.login("alice", &[&code]).code(), 3, "{conf}");
        let line = machine.log().pop().unwrap();
        assert!(
            line.contains("reason=config") && line.contains("fob.conf: line "),
            "{line}"
        );
    }
    machine.file("etc/fob/fob.conf", 0o666, "");
    assert_eq!(machine.login("alice", &[&code]).code(), 3);
    machine.file("etc/fob/fob.conf", 0o644, "");
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}

#[test]
fn words_in_fob_conf_and_on_the_line_mean_the_same() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[totp("alice")]);
    machine.service("test", "[prompt=Your fob says: ] echo");
    assert_eq!(
        machine.login("alice", &["000000"]).shown()[0],
        "prompt on \"Your fob says: \""
    );
    machine.service("test", "");
    machine.file(
        "etc/fob/fob.conf",
        0o644,
        "prompt = \"For all: \"\n[service.test]\nprompt = \"For this: \"\necho = true\n",
    );
    assert_eq!(
        machine.login("alice", &["000000"]).shown()[0],
        "prompt on \"For this: \""
    );
    machine.service("other", "");
    assert_eq!(
        machine.drive(&["other", "alice"], &["000000"]).shown()[0],
        "prompt off \"For all: \""
    );
}

#[test]
fn conf_names_other_folders() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.folder("srv/tokens", 0o700);
    machine.folder("srv/state", 0o700);
    machine.file(
        "srv/fob.conf",
        0o644,
        "tokens = \"/srv/tokens\"\nstate = \"/srv/state\"\n",
    );
    machine.file("srv/tokens/alice", 0o600, token_file(&[fob.clone()]));
    machine.service("test", "conf=/srv/fob.conf");
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    assert!(machine.path("srv/state/2000").exists());
}

/// NixOS: fob.conf may be a symbolic link, if every part of the way is root's. The store is
/// sticky, so that nobody can replace what is root's there.
#[test]
fn conf_may_be_a_link_on_a_way_that_is_roots() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[totp("alice")]);
    machine.folder("nix/store/abc", 0o755);
    machine.folder("nix/store", 0o1775);
    machine.file("nix/store/abc/fob.conf", 0o444, "prompt = \"Linked: \"\n");
    machine.shell("ln -s /nix/store/abc /etc/static; ln -s ../static/fob.conf /etc/fob/fob.conf");
    let linked = || machine.login("alice", &["000000"]);
    assert_eq!(linked().shown()[0], "prompt off \"Linked: \"");
    machine.folder("nix/store/abc", 0o777);
    assert_eq!(linked().code(), 3);
    machine.folder("nix/store/abc", 0o755);
    machine.shell("chown -h 2000 /etc/static");
    assert_eq!(linked().code(), 3);
    // As if the disk weren't mounted: that is not the same as no fob.conf.
    machine.shell("rm /etc/static");
    assert_eq!(linked().code(), 3);
}

/// P6: the token file may lie on a read-only root.
#[test]
fn token_file_is_never_written_at_login() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let script = format!(
        "mount --bind /etc/fob /etc/fob && mount -o remount,bind,ro /etc/fob && pamdrive test alice {}",
        press(&fob, 0)
    );
    assert!(machine.shell(&script).contains("pamdrive: authenticate 0 "));
}

/// CVE-2020-12812's class, T27: aliases of one uid share tokens, floor and limit.
#[test]
fn aliases_of_a_person_are_one_person() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let passwd = std::fs::read_to_string(machine.path("etc/passwd")).unwrap();
    let alias = "Alice:x:2000:2000::/home/alice:/bin/sh\n";
    machine.file("etc/passwd", 0o644, format!("{passwd}{alias}"));
    assert_eq!(machine.login("Alice", &[&press(&fob, 0)]).code(), 0);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 7);
    let report = machine.login("Alice", &["000000"]);
    assert_eq!(report.line("user "), Some("Alice")); // T28: PAM_USER is never changed
}

/// Another person under a uid that was used before.
#[test]
fn ledger_of_another_name_under_the_uid_is_refused() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    let passwd = std::fs::read_to_string(machine.path("etc/passwd")).unwrap();
    machine.file("etc/passwd", 0o644, passwd.replace("alice", "carol"));
    let carol = hotp("carol");
    machine.enrol("carol", &[carol.clone()]);
    machine.log();
    assert_eq!(machine.login("carol", &[&press(&carol, 0)]).code(), 4);
    let golden = "<83>test(pam_fob:auth): refused reason=state_owner user=carol service=test rhost=- tty=- ruser=- detail=";
    assert_eq!(
        machine.lines(),
        [format!(
            "{golden}\"/var/lib/fob/2000: the uid was \\x22alice\\x22 when this was made; run: fob rebind carol\""
        )]
    );
}

#[test]
fn lost_ledger_is_a_fresh_start_unless_the_administrator_says_no() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    assert_eq!(machine.logged("ledger").as_deref(), Some("fresh"));
    machine.file("etc/fob/fob.conf", 0o644, "fresh_ledger = \"refuse\"\n");
    assert_eq!(machine.login("alice", &[&press(&fob, 1)]).code(), 0);
    std::fs::remove_file(machine.path("var/lib/fob/2000")).unwrap();
    assert_eq!(machine.login("alice", &[&press(&fob, 2)]).code(), 4);
    assert_eq!(machine.logged("reason").as_deref(), Some("state_missing"));
}

/// T29: no name leads out of the folder; T37.
#[test]
fn strange_names_are_unknown_people() {
    let machine = Machine::with(&[]);
    let (most, long) = ("x".repeat(255), "x".repeat(10_000));
    for name in ["..", "../x", "a/b", "%41", "a\nb", " ", &most, &long] {
        let report = machine.login(name, &["000000"]);
        assert_eq!(report.code(), 7, "{name:.20}");
        let line = machine.log().pop().unwrap();
        assert!(line.len() < 600 && !line.contains('\n'), "{line}");
        assert!(line.contains("reason=no_such_user"), "{line}");
    }
}

/// An entry of the user database may be longer than any buffer that one begins with.
#[test]
fn person_with_a_long_entry_is_known() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let long = "x".repeat(60_000);
    let passwd = std::fs::read_to_string(machine.path("etc/passwd")).unwrap();
    let passwd = passwd.replace("alice:x:2000:2000:", &format!("alice:x:2000:2000:{long}"));
    assert!(passwd.contains(&long), "{passwd}");
    machine.file("etc/passwd", 0o644, passwd);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
}

/// A token that this version can't use refuses itself, not the person.
#[test]
fn unusable_token_is_named_in_the_log() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    let text =
        token_file(&[fob.clone()]) + "\n[[token]]\nid = \"new\"\ntype = \"ocra\"\nsecret = \"x\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, text);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    let line = machine.log().pop().unwrap();
    assert!(
        line.contains("unusable=\"new: line 14, column 8: `type`: must be"),
        "{line}"
    );
}
