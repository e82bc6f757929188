//! Those who come from elsewhere: the same phone and the same fob go on working, and nothing
//! that was used there works here.

use std::time::{SystemTime, UNIX_EPOCH};

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token};

use crate::machine::{CALLS, Machine, hotp, press, totp};

fn step() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() / 30
}

fn code(token: &Token, counter: u64) -> String {
    token.code(Counter(counter)).to_text().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file that only root reads, imported with these words.
fn import(machine: &Machine, file: &str, words: &str) -> String {
    machine.file("root/file", 0o600, file);
    machine.shell(&format!("fob import {words} /root/file --yes 2>&1"))
}

/// What Debian's program made and its module used: reuse is disallowed, tries are limited, a
/// skew was learnt, and a scratch code was used.
#[test]
fn phone_of_google_authenticator_goes_on_and_nothing_used_comes_back() {
    let machine = Machine::with(&["alice"]);
    let made = "google-authenticator -t -d -f -w 17 -r 3 -R 30 -e 5 -q -Q NONE \
        -s /home/alice/.google_authenticator -C
        sed -i '2i \" TIME_SKEW 4' /home/alice/.google_authenticator
        chown alice /home/alice/.google_authenticator; cat /home/alice/.google_authenticator";
    let file = machine.shell(made);
    let mut lines = file.lines();
    let phone = Token {
        secret: Secret::from_base32(lines.next().unwrap()).unwrap(),
        ..totp("phone")
    };
    let scratch: Vec<&str> = lines.filter(|line| !line.starts_with('"')).collect();
    assert_eq!(scratch.len(), 5);
    machine.stack(
        "old",
        "auth required pam_google_authenticator.so\naccount required pam_permit.so\n",
    );
    // The skew: this phone is two minutes fast.
    let shown = step() + 4;
    for (typed, expected) in [(code(&phone, shown), 0), (scratch[0].to_owned(), 0)] {
        assert_eq!(machine.drive(&["old", "alice"], &[&typed]).code(), expected);
    }

    let told = machine.shell("fob import --all-users --yes 2>&1");
    assert!(
        told.contains("alice") && told.contains("4 scratch codes"),
        "{told}"
    );
    assert!(
        machine
            .shell("cat /home/alice/.google_authenticator")
            .contains("TIME_SKEW")
    );
    assert_eq!(machine.login("alice", &[&code(&phone, shown)]).code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("spent"));
    assert_eq!(
        machine.login("alice", &[&code(&phone, shown + 1)]).code(),
        0
    );
    assert_eq!(machine.login("alice", &[scratch[0]]).code(), 7);
    assert_eq!(machine.login("alice", &[scratch[1]]).code(), 0);
    assert_eq!(machine.login("alice", &[scratch[1]]).code(), 7);
    assert!(
        !machine
            .shell("cat /etc/fob/tokens/alice")
            .contains(scratch[2])
    );
}

/// Debian's pam_oath wrote the file: the counter in it is the one that was used.
#[test]
fn fob_of_pam_oath_goes_on_and_nothing_used_comes_back() {
    let machine = Machine::with(&["alice", "bob"]);
    let (fob, phone) = (hotp("fob"), totp("phone"));
    let (key, clock) = (hex(fob.secret.bytes()), hex(phone.secret.bytes()));
    let file = format!("HOTP alice 4711 {key}\nHOTP/T30 bob - {clock}\n");
    machine.file("etc/users.oath", 0o600, file);
    let stack = "auth required pam_oath.so usersfile=/etc/users.oath window=5 digits=6\n\
        account required pam_permit.so\n";
    machine.stack("old", stack);
    let shown = step();
    for typed in [0, 3].map(|counter| format!("4711{}", press(&fob, counter))) {
        assert_eq!(machine.drive(&["old", "alice"], &[&typed]).code(), 0);
    }
    assert_eq!(
        machine
            .drive(&["old", "bob"], &[&code(&phone, shown)])
            .code(),
        0
    );

    machine.shell("fob import users-oath /etc/users.oath --yes");
    for (counter, expected) in [(0, 7), (3, 7), (4, 0), (4, 7)] {
        let typed = format!("4711{}", press(&fob, counter));
        assert_eq!(
            machine.login("alice", &[&typed]).code(),
            expected,
            "{counter}"
        );
    }
    assert_eq!(
        machine.login("alice", &[&press(&fob, 5)]).code(),
        7,
        "without the PIN"
    );
    assert_eq!(machine.login("bob", &[&code(&phone, shown)]).code(), 7);
    assert_eq!(machine.login("bob", &[&code(&phone, shown + 1)]).code(), 0);
}

#[test]
fn every_format_brings_a_token_that_lets_in() {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/fob-import/samples");
    let of = |secret: &[u8], algorithm, digits| Token {
        secret: Secret::new(secret.to_vec()).unwrap(),
        algorithm,
        digits: Digits::new(digits).unwrap(),
        ..hotp("x")
    };
    let rfc = b"12345678901234567890";
    for (words, file, answer) in [
        (
            "otpauth --user alice",
            "otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=7".to_owned(),
            code(&of(rfc, Algorithm::Sha1, 6), 7),
        ),
        (
            "otpauth-migration --user alice",
            // Made for the samples: counter 42, the last one that was shown, SHA-256, eight digits.
            std::fs::read_to_string(format!("{samples}/otpauth-migration/parts.txt")).unwrap(),
            code(&of(b"abcdefghijklmnopqrst", Algorithm::Sha256, 8), 43),
        ),
        (
            "csv --shape linotp --user alice",
            format!("A1, {}, hotp, 8\n", hex(rfc)),
            code(&of(rfc, Algorithm::Sha1, 8), 0),
        ),
        (
            "pskc --user alice --key-file /root/key",
            // RFC 6030, figure 6.
            std::fs::read_to_string(format!("{samples}/pskc/rfc6030-figure-6.xml")).unwrap(),
            code(&of(rfc, Algorithm::Sha1, 8), 0),
        ),
        (
            "pskc --user alice --passphrase-file /root/passphrase",
            std::fs::read_to_string(format!("{samples}/pskc/rfc6030-figure-7.xml")).unwrap(),
            code(&of(rfc, Algorithm::Sha1, 8), 0),
        ),
        (
            "alpine --user alice",
            std::fs::read_to_string(format!("{samples}/alpine/tokens.xml")).unwrap(),
            "633047".into(), // compared with Python's hmac
        ),
        (
            "safeword --user alice",
            std::fs::read_to_string(format!("{samples}/safeword/tokens.dat")).unwrap(),
            "125314".into(), // compared with Python's hmac
        ),
        (
            "yubico --user alice",
            "7654321,cccccbdefghi,8792ebfe26cc,ecde18dbe76fbd0c33330f1c354871db,000000000000,2026-11-24T01:02:03,\n".into(),
            "cccccbdefghiuujeihnhleghgvfejvugtldurguckuvk".into(),
        ),
    ] {
        let machine = Machine::with(&["alice"]);
        machine.file("root/key", 0o600, "12345678901234567890123456789012\n");
        machine.file("root/passphrase", 0o600, "qwerty\n");
        let told = import(&machine, &file, words);
        assert_eq!(machine.login("alice", &[&answer]).code(), 0, "{words}: {told}");
        assert_eq!(machine.login("alice", &[&answer]).code(), 7, "{words}");
    }
}

/// A code of a clock that may have been used elsewhere a moment ago doesn't count.
#[test]
fn codes_that_were_shown_before_an_import_do_not_count() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("phone");
    let secret = phone.secret.to_base32();
    let told = import(
        &machine,
        &format!("otpauth://totp/alice?secret={}", *secret),
        "",
    );
    assert!(told.contains("don't count"), "{told}");
    let (shown, metrics) = (
        machine.shell("fob show alice"),
        machine.shell("fob metrics"),
    );
    assert!(shown.contains("last used never"), "{shown}");
    assert!(metrics.contains("\nfob_tokens_never_used 1\n"), "{metrics}");
    assert_eq!(machine.login("alice", &[&code(&phone, step())]).code(), 7);
    machine.file("etc/fob/fob.conf", 0o644, "window = 5\n");
    assert_eq!(
        machine.login("alice", &[&code(&phone, step() + 4)]).code(),
        0
    );
}

#[test]
fn dry_run_and_damaged_file_write_nothing() {
    let machine = Machine::with(&["alice"]);
    let key = hex(hotp("fob").secret.bytes());
    machine.file("root/good", 0o600, format!("HOTP alice - {key}\n"));
    machine.file(
        "root/bad",
        0o600,
        format!("HOTP alice - {key}\nHOTP nosuch - {key}1f\nHOTP alice - zz\n"),
    );
    let before = machine.shell("ls -laR /etc/fob /var/lib/fob");
    let dry = machine.shell("fob import /root/good --dry-run");
    assert!(dry.contains("alice  fob    hotp"), "{dry}");
    let bad = machine.shell("fob import /root/bad --yes 2>&1; [ $? = 2 ]");
    for told in [
        "line 2: this system knows nobody",
        "line 3: secret",
        "nothing was imported",
    ] {
        assert!(bad.contains(told), "{bad}");
    }
    assert_eq!(machine.shell("ls -laR /etc/fob /var/lib/fob"), before);
    machine.shell("fob import /root/good --yes");
    let again = machine.shell("fob import /root/good --yes 2>&1; [ $? = 1 ]");
    assert!(again.contains("everything is here already"), "{again}");
    let log = machine.log().join("\n");
    assert!(
        log.contains("import") && log.contains("from=users-oath"),
        "{log}"
    );
}

/// Nobody makes root read what isn't theirs.
#[test]
fn homes_are_read_with_their_owners_rights() {
    let machine = Machine::with(&["alice", "bob", "carol", "dora"]);
    machine.shell(
        "ln -s /etc/shadow /home/alice/.google_authenticator
         mkfifo /home/bob/.google_authenticator; chown bob /home/bob/.google_authenticator
         echo GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ >/home/carol/.google_authenticator",
    );
    let told = machine.shell("fob import --all-users --dry-run 2>&1; [ $? = 2 ]");
    for problem in [
        "alice: ",
        "is a symbolic link",
        "is no plain file",
        "belongs to somebody else",
    ] {
        assert!(told.contains(problem), "{problem}: {told}");
    }
    assert!(!told.contains("dora"), "{told}");
}

/// One person's home doesn't keep the others from being taken over, and no secret
/// is two people's.
#[test]
fn homes_with_a_problem_are_left_out_where_that_is_wished() {
    let machine = Machine::with(&["alice", "bob", "carol", "dora", "erin"]);
    machine.shell(
        "put() { cat >/home/$1/.google_authenticator; chown $1 /home/$1/.google_authenticator; }
         good=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ
         echo $good | put alice
         ln -s /etc/shadow /home/bob/.google_authenticator
         echo $good | put carol
         echo GEZDGNBVGY3TQOJQ | put dora
         echo '?' | put erin",
    );
    let told = machine.shell("fob import --all-users --yes 2>&1; [ $? = 2 ]");
    assert!(told.contains("--skip-broken"), "{told}");
    assert_eq!(machine.shell("ls /etc/fob/tokens"), "");

    let told = machine.shell("fob import --all-users --skip-broken --yes 2>&1");
    for (person, why) in [
        ("bob", "is a symbolic link"),
        ("carol, line 1", "secret: is that of alice, line 1 too"),
        ("dora, line 1", "the secret has 80 bits"),
        ("erin, line 1", "secret"),
    ] {
        let line = format!("not imported: {person}: ");
        let line = told.lines().find(|told| told.starts_with(&line));
        assert!(line.is_some_and(|line| line.contains(why)), "{why}: {told}");
    }
    assert!(told.contains("1 token imported."), "{told}");
    assert_eq!(machine.shell("ls /etc/fob/tokens").trim(), "alice");
}

/// Fobs from a maker's file go to people by a second file, and the rest into the stock.
#[test]
fn serials_find_their_people_or_the_stock() {
    let machine = Machine::with(&["alice"]);
    let fob = Token {
        kind: Kind::Totp {
            period: Period::new(60).unwrap(),
            t0: 0,
        },
        ..totp("fob")
    };
    let rows = format!(
        "serial number,secret key,time interval,manufacturer,model\n\
         1001,{},60,Acme,X\n1002,MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U,30,Acme,X\n",
        *fob.secret.to_base32()
    );
    machine.file("root/people", 0o600, "serial,user\n1001,alice\n");
    let told = import(&machine, &rows, "--people /root/people");
    assert!(
        told.contains("1 token imported, 1 token put in stock"),
        "{told}"
    );
    assert!(
        machine
            .shell("fob show alice")
            .contains("fob-1001: totp, 6 digits, 60 s, serial 1001")
    );
    assert!(machine.shell("fob assign --list").contains("1002"));
    machine.file("root/file", 0o600, &rows);
    let again = machine.shell("fob import /root/file --yes 2>&1; [ $? = 1 ]");
    assert!(
        again.contains("1001 is alice's already") && again.contains("1002 is in stock already"),
        "{again}"
    );
}

/// Usual for a device with a key for each of two slots, and for PSKC packages: neither is lost, in
/// a folder with something that is called like the format either.
#[test]
fn two_keys_under_one_serial_are_both_in_stock() {
    let machine = Machine::with(&["alice"]);
    let key = |secret: &str, algorithm: &str, data: &str| {
        format!(
            "<Key Id=\"{secret}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{algorithm}\">\
            <Policy><ExpiryDate>2020-01-31T00:00:00Z</ExpiryDate></Policy>\
            <Data><Secret><PlainValue>{secret}</PlainValue></Secret>{data}</Data></Key>"
        )
    };
    let file = format!(
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage>\
        <DeviceInfo><SerialNo>888</SerialNo></DeviceInfo>{}{}</KeyPackage></KeyContainer>",
        key("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=", "hotp", ""),
        key(
            "YWJjZGVmZ2hpamtsbW5vcHFyc3Q=",
            "totp",
            "<TimeDrift><PlainValue>7</PlainValue></TimeDrift>"
        ),
    );
    machine.file("root/file", 0o600, &file);
    let told = machine.shell("cd /root && mkdir pskc && fob import pskc file --yes 2>&1");
    for part in [
        "into the stock: 2 tokens: 888, 888-2",
        "1 token with the serial of another before it, in stock called: 888-2",
        "2 tokens: 888, 888-2: It expired on 2020-01-31 and lets nobody in.",
        "888-2: By the file its clock is off",
        "2 tokens put in stock",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let secrets =
        machine.shell("grep -h ^secret /etc/fob/stock/888 /etc/fob/stock/888-2 | sort -u");
    assert_eq!(secrets.lines().count(), 2);
    let told = machine.shell("fob assign 888 alice 2>&1; fob assign 888-2 alice 2>&1");
    assert_eq!(
        told.matches("It expired after 2020-01-31").count(),
        2,
        "{told}"
    );
    let again = machine.shell("fob import /root/file --yes 2>&1; [ $? = 1 ]");
    assert!(again.contains("888-2 is alice's already"), "{again}");
}

#[test]
fn weak_secret_needs_a_word() {
    let machine = Machine::with(&["alice"]);
    machine.file("root/weak", 0o600, "GEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n");
    let told = machine.shell("fob import /root/weak --user alice --yes 2>&1; [ $? = 2 ]");
    assert!(
        told.contains("80 bits") && told.contains("--allow-weak"),
        "{told}"
    );
    machine.shell("fob import /root/weak --user alice --yes --allow-weak");
    assert!(machine.log().join("\n").contains("weak=yes"));
}

/// Nobody is locked in: what was used here is refused there, and the next code lets in.
#[test]
fn exported_files_are_taken_by_the_other_systems() {
    let machine = Machine::with(&["alice", "bob"]);
    let (fob, phone) = (hotp("fob"), totp("phone"));
    machine.enrol("alice", &[fob.clone()]);
    machine.enrol("bob", &[phone.clone()]);
    let shown = step();
    assert_eq!(machine.login("alice", &[&press(&fob, 4)]).code(), 0);
    assert_eq!(machine.login("bob", &[&code(&phone, shown)]).code(), 0);
    machine.shell(
        "for name in alice bob; do
             fob export $name --to google-authenticator --out /home/$name/.google_authenticator --yes
             chown $name /home/$name/.google_authenticator
         done
         fob export --everybody --to users-oath --out /etc/users.oath --yes",
    );
    assert_eq!(machine.shell("stat -c %a /etc/users.oath").trim(), "600");
    let rest = "account required pam_permit.so\n";
    machine.stack(
        "google",
        &format!("auth required pam_google_authenticator.so\n{rest}"),
    );
    let oath = format!("auth required pam_oath.so usersfile=/etc/users.oath window=2\n{rest}");
    machine.stack("oath", &oath);
    for service in ["google", "oath"] {
        for (name, typed, expected) in [
            // The right one first: there a wrong one moves the counter.
            ("alice", press(&fob, 5), 0),
            ("alice", press(&fob, 4), 7),
            ("bob", code(&phone, shown), 7),
            ("bob", code(&phone, shown + 1), 0),
        ] {
            let report = machine.drive(&[service, name], &[&typed]);
            assert_eq!(report.code(), expected, "{service} {name}");
        }
    }
    let overwritten = machine
        .shell("fob export alice --to users-oath --out /etc/users.oath --yes 2>&1; [ $? = 2 ]");
    assert!(
        overwritten.contains("there is such a file already"),
        "{overwritten}"
    );
}

/// RFC 6030: what is written here, pskctool reads; and what it wrote, is read here.
#[test]
fn pskc_files_are_those_of_pskctool() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[hotp("fob")]);
    machine.enrol("bob", &[totp("phone")]);
    assert_eq!(machine.login("alice", &[&press(&hotp("fob"), 4)]).code(), 0);
    machine.shell(
        "echo 00112233445566778899aabbccddeeff >/root/key
         fob export --everybody --to pskc --key-file /root/key --out /root/sealed.xml --yes
         fob export --everybody --to pskc --out /root/plain.xml --yes",
    );
    // It decrypts nothing.
    let told = machine.shell("pskctool --info /root/plain.xml 2>&1");
    for part in [
        "Algorithm: urn:ietf:params:xml:ns:keyprov:pskc:hotp",
        "Key Secret (base64): Zm9iKioqKioqKioqKioqKioqKio=",
        "Key Counter: 5",
        "Key TimeInterval: 30",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let schema = machine.shell("pskctool --validate --strict /root/plain.xml 2>&1; true");
    assert!(!schema.contains("FAIL"), "{schema}");
    machine.shell("fob revoke alice --yes; fob revoke bob --yes");
    let told = machine.shell("fob import /root/sealed.xml --key-file /root/key --yes 2>&1");
    assert!(told.contains("2 tokens imported"), "{told}");
    for (counter, expected) in [(4, 7), (5, 0)] {
        let typed = press(&hotp("fob"), counter);
        assert_eq!(
            machine.login("alice", &[&typed]).code(),
            expected,
            "{counter}"
        );
    }
}

/// P4, P1: killed at any system call, what was used at the old place never counts here, and
/// the same command goes on.
#[test]
fn import_killed_at_any_system_call_brings_nothing_used_back() {
    let machine = Machine::with(&["alice", "bob"]);
    let (one, two) = (hotp("one"), hotp("two"));
    let line = |name: &str, token: &Token| {
        let last = press(token, 4);
        let key = hex(token.secret.bytes());
        format!("HOTP {name} - {key}\t4\t{last}\t2026-11-24T01:02:03L\n")
    };
    let file = line("alice", &one) + &line("bob", &two);
    machine.file("root/users", 0o600, file);
    let script = format!(
        "{CALLS}
        fresh() {{ rm -rf /etc/fob/tokens /var/lib/fob; mkdir -m 0700 /etc/fob/tokens /var/lib/fob; }}
        strace -f -qq -o /tmp/all fob import /root/users --yes >/dev/null 2>&1
        calls /tmp/all >/tmp/calls
        while read -r name k <&3; do
            fresh
            strace -f -qq -o /dev/null -e inject=$name:signal=KILL:when=$k \\
                fob import /root/users --yes >/dev/null 2>&1 && [ -e /etc/fob/tokens/bob ] || true
            for code in {} {}; do
                for name_ in alice bob; do
                    pamdrive test $name_ $code 2>&1 | grep -q 'authenticate 0 ' && echo \"$name $k: used\"
                done
            done
            fob import /root/users --yes >/tmp/again 2>&1 || grep -q already /tmp/again || cat /tmp/again
            fob unlock alice >/dev/null 2>&1; fob unlock bob >/dev/null 2>&1
            pamdrive test alice {} 2>&1 | grep -q 'authenticate 0 ' || echo \"$name $k: alice is out\"
            pamdrive test bob {} 2>&1 | grep -q 'authenticate 0 ' || echo \"$name $k: bob is out\"
        done 3</tmp/calls
        wc -l </tmp/calls",
        press(&one, 4),
        press(&two, 4),
        press(&one, 5),
        press(&two, 5),
    );
    let told = machine.shell(&script);
    let calls: u32 = told.trim().parse().unwrap_or_else(|_| panic!("{told}"));
    assert!(calls > 100, "{calls}");
}

/// T03's class: the files of other systems can't say that somebody is disabled, or until when
/// a token holds. Who isn't let in here isn't let in there.
#[test]
fn who_gets_in_no_longer_is_not_exported() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.enrol("bob", &[hotp("fob"), totp("phone")]);
    machine.shell(
        "printf '\\n[[token]]\\nid = \"old\"\\ntype = \"totp\"\\nexpires = \"2020-01-31\"\\n\
         secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\\n\
         [[token]]\\nid = \"later\"\\ntype = \"later\"\\n' >>/etc/fob/tokens/bob
         fob disable alice; fob disable bob --id fob",
    );
    for target in ["users-oath", "pskc"] {
        let words = format!("fob export --everybody --to {target} --yes 2>/tmp/told");
        let text = machine.shell(&words);
        let told = machine.shell("cat /tmp/told");
        for (id, why) in [
            ("alice's token \"fob\"", "disabled"),
            ("bob's token \"fob\"", "disabled"),
            ("bob's token \"old\"", "expired"),
            ("bob's token \"later\"", "can't be used"),
        ] {
            let said = |line: &str| line.contains(id) && line.contains(why);
            assert!(told.lines().any(said), "{id}: {told}");
        }
        assert!(!text.contains("alice"), "{text}");
        assert_eq!(text.matches("bob").count(), 1, "{text}");
    }
    // Nor does the file of somebody who is gone, or a damaged one, keep the others here.
    machine.shell("cp -p /etc/fob/tokens/bob /etc/fob/tokens/left");
    let words = "fob export --everybody --to pskc --out /root/1 --yes 2>&1; echo status $?";
    let told = machine.shell(words);
    assert!(
        told.contains("left is left out: ") && told.ends_with("status 0\n"),
        "{told}"
    );
    machine.shell("echo '[[' >/etc/fob/tokens/alice");
    let told = machine.shell(&words.replace("/1", "/2"));
    assert!(
        told.contains("alice is left out: ") && told.ends_with("status 2\n"),
        "{told}"
    );
    assert_eq!(
        machine
            .shell("grep -c 'bob' /root/1 /root/2")
            .lines()
            .count(),
        2
    );
    let words = "fob export bob --id fob --to google-authenticator --yes 2>&1; [ $? = 1 ]";
    assert!(!machine.shell(words).contains("HOTP_COUNTER"));
}

/// P1: a scratch code that was used here is spent, also when its person is revoked and comes
/// over again from the same file.
#[test]
fn scratch_code_used_here_stays_spent_when_it_is_imported_again() {
    let machine = Machine::with(&["alice", "bob"]);
    let phone = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" HOTP_COUNTER 1\n";
    let file = format!("{phone}12345678\n87654321\n11112222\n");
    import(&machine, &file, "--user alice");
    assert_eq!(machine.login("alice", &["12345678"]).code(), 0);
    machine.shell("fob revoke alice --yes");
    import(&machine, &file, "--user alice");
    assert_eq!(machine.login("alice", &["12345678"]).code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("spent"));
    assert_eq!(machine.login("alice", &["87654321"]).code(), 0);
    // The phone is somebody else's.
    machine.shell("fob revoke alice --yes");
    import(&machine, &file, "--user bob");
    assert_eq!(machine.login("bob", &["87654321"]).code(), 7);
    assert_eq!(machine.login("bob", &["11112222"]).code(), 0);
    // A code was used elsewhere meanwhile, and is gone from the file.
    machine.shell("fob revoke bob --yes");
    let told = import(
        &machine,
        &format!("{phone}12345678\n87654321\n"),
        "--user alice",
    );
    assert!(told.contains("its scratch codes are left out"), "{told}");
    for code in ["12345678", "87654321"] {
        assert_eq!(machine.login("alice", &[code]).code(), 7, "{code}");
    }
}

/// What is told of a file is text: it commands nobody's terminal.
#[test]
fn names_in_a_hostile_file_command_no_terminal() {
    let machine = Machine::with(&["alice"]);
    let key = hex(hotp("alice").secret.bytes());
    let file = format!("MOTP \x1b[2J - {key}\nMOTP \u{9b}2J - {key}\nHOTP alice - {key}\n");
    machine.file("root/file", 0o600, file);
    let told = machine.shell("fob import users-oath /root/file --dry-run 2>&1");
    assert!(told.contains("[2J: Mobile-OTP"), "{told:?}");
    let is_text = |c: char| c == '\n' || !c.is_control();
    assert!(told.chars().all(is_text), "{told:?}");
}

/// T08's class: a passphrase that is empty protects nothing, and looks as if it did.
#[test]
fn empty_passphrase_is_none() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.file("root/passphrase", 0o600, "\nsecond line\n");
    let words =
        "fob export alice --to pskc --passphrase-file /root/passphrase --yes 2>&1; [ $? = 2 ]";
    let told = machine.shell(words);
    assert!(told.contains("first line is empty"), "{told}");
}

/// P8: what a killed import left in the stock is full of secrets, and goes with the next use.
#[test]
fn killed_import_leaves_no_secrets_in_the_stock() {
    let machine = Machine::with(&["alice"]);
    machine.shell("fob assign --list; touch /etc/fob/stock/.new-00; fob assign --list");
    assert_eq!(machine.shell("ls -A /etc/fob/stock"), "");
}

/// One order of locks for every command, or two would wait for each other: the stock's, then
/// the token files'.
#[test]
fn import_locks_the_stock_before_the_token_files() {
    let machine = Machine::with(&["alice"]);
    let [hers, nobodys] = ["a", "b"].map(|name| totp(name).secret.to_base32());
    let file = format!(
        "serial number,secret key,time interval,manufacturer,model\n\
         1001,{},30,M,X\n1002,{},30,M,X\n",
        *hers, *nobodys
    );
    machine.file("root/file", 0o600, file);
    machine.file("root/people", 0o600, "serial,user\n1001,alice\n");
    machine.folder("etc/fob/stock", 0o700);
    let seen = machine.shell(
        "strace -y -qq -o /tmp/all -e trace=flock -e signal=none \
         fob import /root/file --people /root/people --yes >/dev/null 2>&1; cat /tmp/all",
    );
    let mut held: Vec<&str> = vec![];
    let mut taken = 0;
    for line in seen.lines() {
        let path = line.split(['<', '>']).nth(1).unwrap();
        if line.contains("LOCK_UN") {
            held.retain(|other| *other != path);
        } else {
            let in_order = held.iter().all(|other| rank(other) < rank(path));
            assert!(in_order, "{path} while {held:?} is held:\n{seen}");
            held.push(path);
            taken += 1;
        }
    }
    assert!(taken >= 3 && held.is_empty(), "{seen}");
}

fn rank(locked: &str) -> usize {
    ["/etc/fob/stock", "/etc/fob/tokens"]
        .iter()
        .position(|folder| *folder == locked)
        .unwrap_or(2)
}
