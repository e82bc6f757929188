//! The lines of the log, as docs/log.md promises them (P12), and who reads them: fail2ban
//! and `fob metrics`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fob_core::{Day, RecoveryCode, Token};

use crate::machine::{Machine, hotp, press, showed, shows, token_file, totp};

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Words in the first cell of a table's row.
fn documented(section: &str) -> BTreeSet<String> {
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let words = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    words
        .map(|word| word.trim().trim_matches('`').to_owned())
        .collect()
}

fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let rest = page.split_once(&format!("## {heading}\n")).unwrap().1;
    rest.split("\n## ").next().unwrap()
}

/// What stands behind each `mark` in a source, up to its end.
fn behind(text: &str, mark: &str, end: &[char]) -> BTreeSet<String> {
    let found = text
        .split(mark)
        .skip(1)
        .map(|rest| rest.split(end).next().unwrap());
    let is_word =
        |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    found.filter(is_word).map(str::to_owned).collect()
}

/// The words of every `fn word` of a source.
fn words_of(path: &str) -> BTreeSet<String> {
    let text = source(path);
    let bodies = text.split("fn word(self)").skip(1);
    bodies
        .flat_map(|body| behind(body.split("\n    }\n").next().unwrap(), "=> \"", &['"']))
        .collect()
}

#[test]
fn every_reason_in_the_page_is_in_the_code_and_the_other_way_round() {
    let page = source("docs/log.md");
    let mut in_code = words_of("crates/fob-core/src/verdict.rs");
    in_code.extend(words_of("crates/fob-store/src/fault.rs"));
    in_code.extend(words_of("crates/fob-store/src/terms.rs"));
    in_code.extend(behind(&source("src/journal.rs"), "reason=", &['"', ' ']));
    assert_eq!(documented(section(&page, "Reasons")), in_code);
}

/// Each reason stands in a test within a whole line (`"<84>...`, or cut at `|`), not as a word only.
#[test]
fn every_reason_in_the_page_has_a_golden_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let files = fs::read_dir(folder).unwrap();
    let texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap_or_default());
    let texts: String = texts.collect();
    let whole = texts
        .split("\"<8")
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0);
    let whole: Vec<_> = whole.collect();
    let is_pinned = |word: &str| {
        let (inside, at_end) = (format!("reason={word} "), format!("reason={word}"));
        whole
            .iter()
            .any(|line| line.contains(&inside) || line.ends_with(&at_end))
            || texts.contains(&format!("reason={word}|"))
    };
    let page = source("docs/log.md");
    let mut reasons = documented(section(&page, "Reasons"));
    reasons.retain(|word| !is_pinned(word));
    assert!(reasons.is_empty(), "{reasons:?}");
}

#[test]
fn every_key_in_the_page_is_in_the_code_and_the_other_way_round() {
    let page = source("docs/log.md");
    let text = source("src/journal.rs");
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut in_code = behind(&flat, "field(&mut line, \"", &['"']);
    in_code.extend(behind(
        &flat.replace("field( &mut line,", "field(&mut line,"),
        "field(&mut line, \"",
        &['"'],
    ));
    // The first of all stands in the head.
    in_code.insert("reason".into());
    assert_eq!(documented(section(&page, "Keys")), in_code);
    let first = behind(&source("src/journal.rs"), "\"accepted", &['"']);
    assert!(first.is_empty());
    let heads = documented(section(&page, "The first word"));
    for head in &heads {
        assert!(text.contains(&format!("\"{head}")), "{head}");
    }
}

/// A machine with alice, who has a counter token and a recovery code, and others who lack
/// something.
fn machine() -> (Machine, RecoveryCode) {
    let machine = Machine::with(&["alice", "bob", "carol", "dave", "eve"]);
    let paper = RecoveryCode::new([5; 10]);
    let digests: Vec<String> = (0..10u8)
        .map(|n| RecoveryCode::new([n; 10]).digest(&[7; 16]).bytes())
        .map(|bytes| fob_core::format::hex_text(&bytes))
        .collect();
    let recovery = format!(
        "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
        "01".repeat(16),
        "07".repeat(16)
    );
    let file = token_file(&[hotp("alice")]) + &recovery;
    machine.file("etc/fob/tokens/alice", 0o600, file);
    let mut disabled = hotp("carol");
    disabled.disabled = true;
    machine.enrol("carol", &[disabled]);
    let expired = token_file(&[hotp("dave")]) + "expires = \"2026-01-31\"\n";
    assert!(Day::parse("2026-01-31").is_some());
    machine.file("etc/fob/tokens/dave", 0o600, expired);
    machine.enrol("eve", &[hotp("eve")]);
    machine.service("optional", "nullok");
    machine.service("misspelt", "nulok");
    (machine, paper)
}

/// The golden lines: whole, from the built module.
#[test]
fn line_of_each_outcome_is_the_promised_one() {
    let (machine, paper) = machine();
    let alice = hotp("alice");
    let from = ["--rhost", "192.0.2.7", "--tty", "ssh", "--ruser", "-"];
    let rest = "rhost=192.0.2.7 tty=ssh ruser=-";
    let expect = |service: &str, user: &str, answers: &[&str], level: u8, line: &str| {
        machine.log();
        let words = [&from[..], &[service, user]].concat();
        machine.drive(&words, answers);
        let (head, more) = line.split_once('|').unwrap();
        let golden = format!(
            "<{level}>{service}(pam_fob:auth): {head} user={user} service={service} {rest}{more}"
        );
        assert_eq!(machine.lines(), [golden]);
    };
    let (info, warning, error) = (86, 84, 83);
    let press = |counter| press(&alice, counter);
    expect(
        "test",
        "alice",
        &[&press(0)],
        info,
        "accepted| token=fob counter=0 drift=0 ledger=fresh",
    );
    expect(
        "test",
        "alice",
        &[&press(0)],
        warning,
        "refused reason=spent|",
    );
    expect(
        "test",
        "alice",
        &["000000"],
        warning,
        "refused reason=wrong|",
    );
    expect(
        "test",
        "alice",
        &["what"],
        warning,
        "refused reason=malformed|",
    );
    expect(
        "test",
        "alice",
        &[&"1".repeat(513)],
        warning,
        "refused reason=too_long|",
    );
    expect("test", "alice", &[], warning, "refused reason=conv|");
    expect(
        "test",
        "alice",
        &[&paper.to_text()],
        info,
        "accepted| token=recovery left=9",
    );
    expect(
        "test",
        "bob",
        &["000000"],
        warning,
        "refused reason=not_enrolled|",
    );
    expect("optional", "bob", &[], info, "ignored reason=not_enrolled|");
    expect(
        "test",
        "nosuch",
        &["000000"],
        warning,
        "refused reason=no_such_user|",
    );
    let press_of = |name| crate::machine::press(&hotp(name), 0);
    expect(
        "test",
        "carol",
        &[&press_of("carol")],
        warning,
        "refused reason=disabled| ledger=fresh",
    );
    expect(
        "test",
        "dave",
        &[&press_of("dave")],
        warning,
        "refused reason=expired| ledger=fresh",
    );

    // Throttled, and then locked.
    for _ in 0..4 {
        expect(
            "test",
            "alice",
            &["000001"],
            warning,
            "refused reason=wrong|",
        );
    }
    machine.log();
    for _ in 0..3 {
        machine.drive(&[&from[..], &["test", "alice"]].concat(), &["000002"]);
    }
    let throttled = machine.lines().pop().unwrap();
    let (line, wait) = throttled.rsplit_once(" wait=").unwrap();
    assert_eq!(
        line,
        format!("<84>test(pam_fob:auth): refused reason=throttled user=alice service=test {rest}")
    );
    assert!((1..=20).contains(&wait.parse::<u32>().unwrap()), "{wait}");
    machine.file(
        "etc/fob/fob.conf",
        0o644,
        "[throttle]\nlifetime = 10\nfree = 10\n",
    );
    for _ in 0..11 {
        machine.drive(&[&from[..], &["test", "eve"]].concat(), &["000003"]);
    }
    expect(
        "test",
        "eve",
        &["000003"],
        warning,
        "refused reason=locked|",
    );

    // What fob.conf says.
    let rules = "[service.strict]\ntypes = [\"totp\"]\n[service.both]\nmin_tokens = 2\n\
        [[rule]]\nname = \"never bob\"\nuser = \"bob\"\naction = \"deny\"\n\
        [[rule]]\nname = \"a \\\"quoted\\\" one\"\nuser = \"carol\"\naction = \"skip\"\n";
    machine.file("etc/fob/fob.conf", 0o644, rules);
    for service in ["strict", "both"] {
        machine.service(service, "");
    }
    expect(
        "test",
        "bob",
        &["000000"],
        warning,
        "refused reason=denied| rule=\"never bob\"",
    );
    let skipped = r#"ignored reason=skip| rule="a \x22quoted\x22 one""#;
    expect("test", "carol", &[], info, skipped);
    machine.shell("fob unlock alice");
    expect(
        "strict",
        "alice",
        &[&press(5)],
        warning,
        "refused reason=type|",
    );
    expect(
        "both",
        "alice",
        &[&press(6)],
        warning,
        "refused reason=too_few_tokens|",
    );

    // No verdict.
    machine.file("etc/fob/fob.conf", 0o644, "");
    let open = "refused reason=state_too_open| detail=\"/etc/fob/tokens/alice: is too open (mode 0644); run: chmod 600 on it\"";
    machine.shell("chmod 644 /etc/fob/tokens/alice");
    expect("test", "alice", &["000000"], error, open);
    machine.shell("chmod 600 /etc/fob/tokens/alice; mv /var/lib/fob/2000 /root; echo x >/var/lib/fob/2000; chmod 600 /var/lib/fob/2000");
    machine.drive(&["test", "alice"], &["000000"]);
    let damaged = machine.lines().pop().unwrap();
    assert!(damaged.starts_with("<83>test(pam_fob:auth): refused reason=state_damaged user=alice service=test rhost=- tty=- ruser=- detail=\"/var/lib/fob/2000: "), "{damaged}");
    machine.drive(&["misspelt", "alice"], &["000000"]);
    let config = "<83>misspelt(pam_fob:auth): refused reason=config user=? service=misspelt \
        rhost=- tty=- ruser=- detail=\"unknown argument `nulok`\"";
    assert_eq!(machine.lines(), [config]);
}

/// The golden lines of what goes wrong with a machine: each is provoked in a shell of its own,
/// after which the good state is put back.
#[test]
fn line_of_each_fault_is_the_promised_one() {
    let machine = Machine::with(&["alice", "bob"]);
    let (alice, phone) = (hotp("alice"), totp("bob"));
    machine.enrol("alice", &[alice.clone()]);
    machine.enrol("bob", &[phone]);
    machine.login("alice", &[&press(&alice, 0)]);
    machine.shell("cp /etc/passwd /root; cp -a /var/lib/fob /root/fob; cp -a /etc/fob /root/conf");
    let code = press(&alice, 1);
    let faked = "env LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=-30y";
    let login = format!("pamdrive test alice {code}");
    let mut wrong = Vec::new();
    for (what, drive, line) in [
        (
            "rm -r /var/lib/fob",
            login.clone(),
            "alice refused reason=state_missing| detail=\"/var/lib/fob: there is no such folder\"",
        ),
        (
            "mount --bind /var/lib/fob /var/lib/fob; mount -o remount,bind,ro /var/lib/fob",
            login.clone(),
            "alice refused reason=state_unreadable| detail=\"/var/lib/fob/2000: Read-only file system\"",
        ),
        (
            ":",
            format!("prlimit --fsize=0 {login} | cat"),
            "alice refused reason=state_write| detail=\"/var/lib/fob/2000: the caller's limit on the size of files (ulimit -f) is too low\"",
        ),
        (
            "printf 'version = 9\\n' >/etc/fob/tokens/alice",
            login.clone(),
            "alice refused reason=newer_version| detail=\"/etc/fob/tokens/alice: line 1, column 11: `version`: a later version of pam_fob wrote this\"",
        ),
        (
            ":",
            format!("setpriv --reuid 2000 --regid 2000 --clear-groups {login}"),
            "alice refused reason=not_root| detail=\"only root can read token files\"",
        ),
        (
            r"{ printf '\377:x:2000:2000::/:/bin/sh\n'; cat /root/passwd; } >/etc/passwd",
            login,
            "alice refused reason=user_database| detail=\"a name is not UTF-8 text\"",
        ),
        (
            ":",
            format!("{faked} pamdrive test bob 123456"),
            "bob refused reason=clock_unset| ledger=fresh",
        ),
    ] {
        machine.log();
        machine.shell(&format!(
            "{what}; {drive} >/dev/null || :
             umount /var/lib/fob 2>/dev/null; rm -rf /etc/fob /var/lib/fob
             cp -a /root/conf /etc/fob; cp -a /root/fob /var/lib/fob; cp /root/passwd /etc/passwd"
        ));
        let (user, line) = line.split_once(' ').unwrap();
        let (head, more) = line.split_once('|').unwrap();
        // No verdict could be reached, or one was.
        let level = if more.contains("detail=") { 83 } else { 84 };
        let golden = format!(
            "<{level}>test(pam_fob:auth): {head} user={user} service=test rhost=- tty=- ruser=-{more}"
        );
        let lines = machine.lines();
        if lines != [golden] {
            wrong.push((what, lines));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}

/// R13: a clock that was set back brings no spent code back, and the log tells what is wrong.
#[test]
fn clock_that_was_set_back_is_named() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("alice");
    machine.enrol("alice", &[phone.clone()]);
    assert_eq!(machine.login("alice", &[&shows(&phone)]).code(), 0);
    for (ago, is_told) in [(60, false), (600, true)] {
        machine.log();
        let code = showed(&phone, ago);
        let out = machine.shell(&format!(
            "LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME=-{ago}s \
             FAKETIME_DONT_FAKE_MONOTONIC=1 pamdrive test alice {code} || :"
        ));
        assert!(out.contains("authenticate 7 "), "{out}");
        let line = machine.log().pop().unwrap();
        let behind = line.split_once(" clock_behind=");
        let behind = behind.map(|(_, seconds)| seconds.parse::<u64>().unwrap());
        let expected = (540..=600).contains(&behind.unwrap_or_default());
        assert_eq!((behind.is_some(), expected), (is_told, is_told), "{line}");
    }
}

/// P1: the ledger forgets no token to make room for another.
#[test]
fn line_of_a_ledger_without_room_is_the_promised_one() {
    let machine = Machine::with(&["alice"]);
    let token = |n: u32| Token {
        id: format!("t{n}"),
        ..hotp(&format!("token {n}"))
    };
    let front = "user=alice service=test rhost=- tty=- ruser=-";
    // A person has 16 tokens at most at a time.
    for numbers in [0..16, 16..32] {
        let tokens: Vec<Token> = numbers.clone().map(token).collect();
        machine.enrol("alice", &tokens);
        let codes: Vec<String> = tokens.iter().map(|token| press(token, 0)).collect();
        let codes = codes.join(" ");
        machine.shell(&format!(
            "for code in {codes}; do pamdrive test alice $code >/dev/null; done"
        ));
        let accepted = numbers.map(|n| format!("accepted {front} token=t{n} counter=0 drift=0"));
        for (line, accepted) in machine.lines().iter().zip(accepted) {
            assert!(line.contains(&accepted), "{line}");
        }
    }
    machine.enrol("alice", &[token(32)]);
    machine.login("alice", &[&press(&token(32), 0)]);
    let golden = "<84>test(pam_fob:auth): refused reason=no_room user=alice service=test rhost=- tty=- ruser=-";
    assert_eq!(machine.lines(), [golden]);
}

/// What the log has of a few logins, as a syslog file has it.
fn syslog_file(machine: &Machine) -> String {
    let line = |line: String| format!("Nov 25 16:00:01 host {}\n", line.split_once('>').unwrap().1);
    machine.log().into_iter().map(line).collect()
}

/// The shipped filter bans guessers, and nobody else; names and other programs can't lie to it.
#[test]
fn fail2ban_finds_the_addresses_of_guessers() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let from = |address: &str, user: &str, code: &str| {
        machine.drive(&["--rhost", address, "test", user], &[code]);
    };
    from("192.0.2.1", "alice", &press(&fob, 0));
    from("192.0.2.2", "alice", &press(&fob, 0));
    from("192.0.2.3", "alice", "000000");
    from("2001:db8::4", "nosuch", "000000");
    from("192.0.2.5", "x rhost=192.0.2.99 tty=", "000000");
    from("a.name.example", "alice", "000001");
    let mut text = syslog_file(&machine);
    // What strangers can get into a log.
    let refused = "refused reason=wrong user=a service=b rhost=192.0.2.98 tty=c";
    text +=
        &format!("\nNov 25 16:00:01 host sshd[1]: Invalid user test(pam_fob:auth)[1]: {refused}\n");
    text += &format!("Nov 25 16:00:01 host sshd(pam_unix:auth)[1]: {refused}\n");
    machine.file("root/log", 0o600, &text);
    let filter = source("packaging/fail2ban/filter.d/pam_fob.conf");
    machine.folder("etc/fail2ban/filter.d", 0o755);
    machine.file("etc/fail2ban/filter.d/pam_fob.conf", 0o644, filter);
    machine.file(
        "etc/fail2ban/fail2ban.conf",
        0o644,
        "[DEFAULT]\n[Definition]\n",
    );
    // Another Python than that of the machine's /usr would look elsewhere.
    let printed = machine.shell(
        "PYTHONPATH=/usr/lib/python3/dist-packages /usr/bin/python3 /usr/bin/fail2ban-regex \
         -c /etc/fail2ban -o ip /root/log /etc/fail2ban/filter.d/pam_fob.conf",
    );
    let mut found: Vec<&str> = printed.lines().filter(|line| !line.is_empty()).collect();
    found.sort_unstable();
    assert_eq!(found, ["192.0.2.3", "192.0.2.5", "2001:db8::4"], "{text}");
}

/// Numbers for a monitoring system, from files and from the log, with a file that is
/// replaced as a whole.
#[test]
fn metrics_count_what_is_there_and_what_was_logged() {
    let (machine, _) = machine();
    let phone = totp("phone");
    machine.enrol("bob", &[phone.clone()]);
    let alice = hotp("alice");
    machine.login("alice", &[&press(&alice, 0)]);
    machine.login("bob", &[&shows(&phone)]);
    for code in ["000000", "000001"] {
        machine.login("alice", &[code]);
    }
    machine.login("eve", &["000000"]);
    machine.shell("echo damaged >/var/lib/fob/2004");
    machine.file("root/log", 0o600, syslog_file(&machine));
    let file = "/tmp/fob.prom";
    let run = |more: &str| machine.shell(&format!("fob metrics {more} && cat {file}"));
    let text = run(&format!("--to {file} --journal /root/log"));
    for line in [
        "fob_clock_set 1",
        "fob_people_enrolled 5",
        "fob_people{state=\"ok\"} 2",
        "fob_people{state=\"never\"} 0",
        "fob_people{state=\"unusable\"} 1",
        "fob_people{state=\"disabled\"} 1",
        "fob_people{state=\"damaged\"} 1",
        "fob_people{state=\"locked\"} 0",
        "fob_people_without_recovery_codes 3",
        "fob_failed_attempts 2",
        "fob_ledgers_damaged 1",
        "fob_tokens{type=\"hotp\"} 4",
        "fob_tokens{type=\"totp\"} 1",
        "fob_tokens{type=\"yubico\"} 0",
        "fob_tokens_never_used 3",
        "fob_tokens_expired 1",
        "fob_tokens_expire_soon 0",
        "# TYPE fob_attempts_total counter",
        "fob_attempts_total{service=\"test\",outcome=\"accepted\",reason=\"\"} 2",
        "fob_attempts_total{service=\"test\",outcome=\"refused\",reason=\"wrong\"} 3",
    ] {
        assert!(text.lines().any(|seen| seen == line), "{line}\n{text}");
    }
    let oldest = text
        .lines()
        .find_map(|line| line.strip_prefix("fob_token_oldest_use_seconds "));
    assert!(oldest.unwrap().parse::<u64>().unwrap() < 600, "{text}");
    assert!(!text.contains("alice") && !text.contains("bob"), "{text}");
    let stat = machine.shell(&format!("stat -c %a {file}; ls /tmp"));
    assert_eq!(stat, "644\nfob.prom\n");
    // Lines that are given once each add up; without --add, the file starts anew.
    let twice = "outcome=\"accepted\",reason=\"\"} 4\n";
    assert!(run(&format!("--to {file} --journal - --add </root/log")).contains(twice));
    assert!(!run(&format!("--to {file} --journal /root/log")).contains(twice));
    let json = machine.shell("fob metrics --json --journal /root/log");
    assert!(
        json.contains("\"name\":\"fob_people_enrolled\",\"type\":\"gauge\""),
        "{json}"
    );
    let output = machine
        .command("fob")
        .args(["metrics", "--to", "/nowhere/x"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/x: can't be written: "));
    // Nothing is taken over from what isn't a plain file of that name.
    let said = machine.shell(
        "cd /tmp; ln -s /etc/shadow link; mkfifo fifo; for file in link fifo; do \
             fob metrics --to /tmp/$file --journal /root/log --add 2>&1; done; true",
    );
    for told in ["/tmp/link: can't be read", "/tmp/fifo: is not a plain file"] {
        assert!(said.contains(told), "{said}");
    }
}
