//! Many people: `fob enroll --from` and `fob list`.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;

use fob_core::Secret;
use serde_json::Value;

use crate::machine::{Machine, hotp, press, shows, totp};

/// A machine with `count` people, `p1` and so on.
fn machine(count: usize) -> Machine {
    let machine = Machine::with(&[]);
    let mut passwd = String::new();
    for n in 1..=count {
        writeln!(passwd, "p{n}:x:{}:100::/:/bin/sh", 3000 + n).unwrap();
    }
    machine.file("tmp/people", 0o644, passwd);
    machine.shell("cat /tmp/people >>/etc/passwd");
    machine
}

/// Exit status, stdout, stderr.
fn fob(machine: &Machine, words: &str) -> (i32, String, String) {
    let words: Vec<&str> = words.split(' ').collect();
    let output = machine.with_input("fob", &words, "");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = output.status.code().unwrap();
    (status, text(output.stdout), text(output.stderr))
}

fn people(machine: &Machine, words: &str) -> Vec<Value> {
    let (status, out, error) = fob(machine, format!("list --json {words}").trim_end());
    assert_eq!(status, 0, "{error}");
    let value: Value = serde_json::from_str(&out).unwrap();
    value["people"].as_array().unwrap().clone()
}

fn state(machine: &Machine, user: &str) -> String {
    let all = people(machine, "");
    let person = all.iter().find(|person| person["user"] == user).unwrap();
    person["state"].as_str().unwrap().to_owned()
}

fn mode(machine: &Machine, path: &str) -> u32 {
    let about = std::fs::metadata(machine.path(path)).unwrap();
    about.permissions().mode() & 0o7777
}

fn read(machine: &Machine, path: &str) -> String {
    std::fs::read_to_string(machine.path(path)).unwrap()
}

fn is_nobody_enrolled(machine: &Machine) -> bool {
    machine
        .path("etc/fob/tokens")
        .read_dir()
        .unwrap()
        .next()
        .is_none()
        && !machine.path("root/letters").exists()
}

/// The secret that a letter tells lets in, and so does a recovery code on it.
#[test]
fn everybody_in_a_file_is_enrolled_with_a_letter_that_lets_in() {
    let machine = machine(200);
    let names: Vec<String> = (1..=200).map(|n| format!("p{n},S{n}")).collect();
    machine.file(
        "root/people.csv",
        0o644,
        format!("name,serial\n{}\n", names.join("\n")),
    );
    let (status, out, error) = fob(
        &machine,
        "enroll --from /root/people.csv --letters /root/letters",
    );
    assert_eq!(status, 0, "{error}");
    assert_eq!(out.lines().count(), 201, "{out}");
    assert!(
        !error.contains("warning") && error.contains("200 tokens enrolled"),
        "{error}"
    );

    assert_eq!(mode(&machine, "root/letters"), 0o700);
    assert_eq!(mode(&machine, "root/letters/letters.html"), 0o600);
    assert_eq!(mode(&machine, "root/letters/report.csv"), 0o600);
    assert_eq!(mode(&machine, "etc/fob/tokens/p200"), 0o600);
    let report = read(&machine, "root/letters/report.csv");
    assert_eq!(report.lines().count(), 201);
    assert!(
        report.contains("p77,phone,totp,S77,no,letters.html\n"),
        "{report}"
    );

    let letters = read(&machine, "root/letters/letters.html");
    let letter = letters.split("<section>").nth(77).unwrap();
    assert!(
        letter.contains("<h1>p77</h1>") && letter.contains("<svg"),
        "{letter}"
    );
    let mut codes = letter.split("class=\"code\">");
    let secret = codes.nth(1).unwrap().split('<').next().unwrap();
    let recovery = codes.next().unwrap().split("<li>").nth(3).unwrap();
    let mut phone = totp("x");
    phone.secret = Secret::from_base32(secret).unwrap();
    assert_eq!(machine.login("p77", &[&shows(&phone)]).code(), 0);
    assert_eq!(machine.login("p77", &[&recovery[..19]]).code(), 0);
    assert_eq!(machine.login("p78", &[&recovery[..19]]).code(), 7);
    let log = machine.log();
    let logged = |line: &&String| line.contains("changed verb=enroll");
    assert_eq!(log.iter().filter(logged).count(), 200);
    assert!(!log.join("\n").contains(secret));
}

#[test]
fn wrong_lines_are_all_named_and_nothing_is_written() {
    let machine = machine(9);
    machine.enrol("p9", &[totp("nine")]);
    machine.shell("fob revoke p9 --yes");
    let seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (file, wanted) in [
        ("", vec!["is empty"]),
        ("p1\np2\n", vec!["line 1: no column is called \"p1\""]),
        ("name,id\np1,a,b\n", vec!["line 2: has 3 fields"]),
        (
            "name\np1\nnosuch\n\np1\n",
            vec!["line 3: this system knows nobody", "line 5: p1 gets"],
        ),
        (
            "name,digits\np1,6\np2,5\np3,x\n",
            vec!["line 3: digits:", "line 4: digits:"],
        ),
        (
            "name,secret\np1,GEZDGNBVGY3TQOJQ\n",
            vec!["line 2: the secret has 80 bits"],
        ),
        (
            &format!("name,secret\np1,{seed}\np2,base32:{seed}\n"),
            vec!["line 3: has the secret of line 2"],
        ),
        (
            "name,type,period\np1,hotp,30\n",
            vec!["line 2: --period means nothing"],
        ),
        (
            "name,id\np1,recovery\n,x\n",
            vec!["line 2: \"recovery\" means", "line 3: name: is empty"],
        ),
    ] {
        machine.file("root/people.csv", 0o600, file);
        let (status, _, error) = fob(
            &machine,
            "enroll --from /root/people.csv --letters /root/letters",
        );
        assert_eq!(status, 2, "{file}");
        for wanted in wanted {
            assert!(error.contains(wanted), "{file}\n{error}");
        }
        assert!(
            !error.contains(seed) && is_nobody_enrolled(&machine),
            "{file}\n{error}"
        );
    }
    // Nobody would see the secrets; somebody may have the letters already.
    machine.file("root/people.csv", 0o600, "name\np1\n");
    assert_eq!(fob(&machine, "enroll --from /root/people.csv").0, 2);
    machine.folder("root/full/x", 0o700);
    let (status, _, error) = fob(
        &machine,
        "enroll --from /root/people.csv --letters /root/full",
    );
    assert!(status == 2 && error.contains("is not empty"), "{error}");
    assert!(is_nobody_enrolled(&machine));
}

/// Given secrets need no letters; a second run goes on where the first was cut off.
#[test]
fn second_run_passes_over_those_who_have_the_token() {
    let machine = machine(3);
    let mut text = String::from("name,type,id,secret\n");
    for n in 1..=3 {
        writeln!(
            text,
            "p{n},hotp,key,{}",
            *hotp(&format!("seed{n}")).secret.to_base32()
        )
        .unwrap();
    }
    machine.file("root/people.csv", 0o644, &text);
    let words = "enroll --from /root/people.csv --no-recovery";
    let (status, _, error) = fob(&machine, words);
    assert!(
        status == 0 && error.contains("can be read by others"),
        "{error}"
    );
    assert_eq!(machine.login("p2", &[&press(&hotp("seed2"), 0)]).code(), 0);
    machine.shell("fob revoke p3 --yes");
    let (status, _, error) = fob(&machine, words);
    assert!(
        status == 2 && error.contains("line 2: p1 has a token \"key\""),
        "{error}"
    );
    let (status, out, error) = fob(&machine, &format!("{words} --skip-enrolled --json"));
    assert_eq!(status, 0, "{error}");
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["skipped"], serde_json::json!(["p1", "p2"]));
    assert_eq!(value["enrolled"][0]["user"], "p3");
    assert_eq!(machine.login("p3", &[&press(&hotp("seed3"), 0)]).code(), 0);
}

/// Who has two tokens gets two images, and the recovery codes once.
#[test]
fn images_are_one_a_token() {
    let machine = machine(2);
    machine.file("root/people.csv", 0o600, "name,id\np1,\np1,tablet\np2,\n");
    for format in ["svg", "png"] {
        let words =
            format!("enroll --from /root/people.csv --letters /root/{format} --format {format}");
        assert_eq!(fob(&machine, &words).0, 0);
        let mut files = machine.shell(&format!("ls /root/{format}"));
        files.retain(|c| c != '\r');
        let wanted = format!(
            "p1+tablet.{format}\np1+tablet.txt\np1.{format}\np1.txt\np2.{format}\np2.txt\nreport.csv\n"
        );
        assert_eq!(files, wanted);
        let text = read(&machine, &format!("root/{format}/p1.txt"));
        assert!(
            text.contains("otpauth://totp/") && text.contains("Recovery codes of p1"),
            "{text}"
        );
        machine.shell("fob revoke p1 --yes; fob revoke p2 --yes");
    }
}

/// T24: somebody who can put another folder in the place of the new one (here it stands in a
/// folder of hers) gets no letter.
#[test]
fn letters_go_into_no_folder_that_took_the_place_of_theirs() {
    let machine = machine(2);
    machine.file("root/people.csv", 0o600, "name\np1\np2\n");
    let script = "mkdir /tmp/hers && chown 3001 /tmp/hers
        { until mv /tmp/hers/l /tmp/hers/old 2>/dev/null; do :; done
          mkdir -m 777 /tmp/hers/l; chown 3001 /tmp/hers/l; } &
        strace -f -qq -o /dev/null -P /tmp/hers/l -e inject=mkdir:delay_exit=2000000 \
            fob enroll --from /root/people.csv --letters /tmp/hers/l >/dev/null 2>/tmp/said
        echo $?; cat /tmp/said; wait; ls /tmp/hers/l /etc/fob/tokens";
    let text = machine.shell(script);
    assert!(text.starts_with("2\n"), "{text}");
    assert!(
        text.contains("/tmp/hers/l: does not belong to root"),
        "{text}"
    );
    assert!(
        text.ends_with("/etc/fob/tokens:\n\n/tmp/hers/l:\n"),
        "{text}"
    );
}

/// P4: whoever is enrolled after a kill has a letter, and a second run enrols the others.
#[test]
fn run_that_is_killed_at_any_system_call_leaves_nobody_without_a_letter() {
    let machine = machine(2);
    machine.file("root/people.csv", 0o600, "name\np1\np2\n");
    let script = r#"
        trace() { strace -f -qq "$@" fob enroll --from /root/people.csv --letters /root/l1 --no-recovery >/dev/null 2>&1; }
        clean() { rm -rf /etc/fob/tokens/* /etc/fob/tokens/.new* /root/l1 /root/l2; }
        trace -o /tmp/all -e trace=fsync,syncfs,rename,write,openat,mkdir
        calls /tmp/all | sort -u >/tmp/calls
        while read -r name k <&3; do
            clean
            trace -o /dev/null -e inject=$name:signal=KILL:when=$k
            n=0
            for p in p1 p2; do
                [ -e /etc/fob/tokens/$p ] || continue
                n=$((n + 1))
                grep -q "<h1>$p</h1>" /root/l1/letters.html || echo LOST $name $k
            done
            [ $n = 2 ] || fob enroll --from /root/people.csv --letters /root/l2 --skip-enrolled --no-recovery >/dev/null 2>&1
            echo SEEN $n $(ls -A /etc/fob/tokens)
        done 3</tmp/calls
    "#;
    let text = machine.shell(&format!("{}{script}", crate::machine::CALLS));
    let seen: Vec<&str> = text.lines().collect();
    assert!(seen.len() > 50, "{text}");
    for line in &seen {
        assert!(
            line.starts_with("SEEN") && line.ends_with("p1 p2"),
            "{line}"
        );
    }
    for count in ["SEEN 0", "SEEN 1", "SEEN 2"] {
        assert!(seen.iter().any(|line| line.starts_with(count)), "{text}");
    }
}

#[test]
fn list_tells_everybodys_state_and_hides_nobody() {
    let machine = machine(10);
    for n in 1..=6 {
        machine.enrol(&format!("p{n}"), &[hotp(&format!("seed{n}"))]);
    }
    let mut off = hotp("seed2");
    off.disabled = true;
    machine.enrol("p2", &[off]);
    machine.file("etc/fob/tokens/p3", 0o600, "version = 1\n[[token");
    machine.enrol("left", &[hotp("left")]);
    machine.enrol("p1~", &[hotp("old")]);
    machine.file("etc/fob/tokens/.new-1", 0o600, "");
    assert_eq!(machine.login("p1", &[&press(&hotp("seed1"), 0)]).code(), 0);
    (0..6).for_each(|_| drop(machine.login("p4", &["000000"])));
    machine.login("p5", &["000000"]);
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/$(id -u p5)");

    // What they have is in order, and lets nobody in any more.
    machine.enrol("p7", &[hotp("seed7")]);
    machine.enrol("p8", &[hotp("seed8")]);
    machine.shell("echo 'expires = \"2020-01-31\"' >>/etc/fob/tokens/p7; fob repair p8 --yes");

    let states = [
        ("p1", "ok"),
        ("p2", "disabled"),
        ("p3", "damaged"),
        ("p4", "throttled"),
        ("p5", "damaged"),
        ("p6", "never"),
        ("p7", "unusable"),
        ("p8", "unusable"),
        ("left", "gone"),
        ("p1~", "damaged"),
    ];
    for (user, word) in states {
        assert_eq!(state(&machine, user), word, "{user}");
    }
    let (status, out, error) = fob(&machine, "list");
    assert_eq!((status, out.lines().count()), (0, 11), "{out}");
    assert!(error.contains("3 people's files can't be used"), "{error}");
    assert!(out.contains("line 2, column"), "{out}");
    assert!(
        out.contains("fob: its last day is over") && out.contains("fob: blocked"),
        "{out}"
    );
    let metrics = machine.shell("fob metrics | grep 'state=\"[nu].*[1-9]$'");
    let counted = "fob_people{state=\"never\"} 1\nfob_people{state=\"unusable\"} 2\n";
    assert_eq!(metrics, counted);
    let (_, out, _) = fob(&machine, "list --csv --state ok");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[0],
        "name,uid,tokens,state,last_success,days_unused,recovery_left,problem"
    );
    assert!(lines[1].starts_with("p1,3001,fob (hotp),ok,20"), "{out}");
    assert!(lines[1].ends_with("Z,0,,") && lines.len() == 2, "{out}");
    assert_eq!(people(&machine, "--state damaged").len(), 3);
    assert_eq!(people(&machine, "--unused 1 --state never").len(), 1);
    assert!(
        people(&machine, "--unused 1")
            .iter()
            .all(|person| person["user"] != "p1")
    );
    let missing: Vec<Value> = people(&machine, "--not-enrolled");
    let names: Vec<&str> = missing
        .iter()
        .map(|p| p["user"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["p9", "p10"]);
    assert_eq!(fob(&machine, "list --state tired").0, 2);
}

/// Hundreds of fobs from a maker: in stock by serial, and given out one by one.
#[test]
fn tokens_without_a_name_go_to_the_stock_until_they_are_assigned() {
    let machine = machine(2);
    let secret = |n: u8| format!("hex:{n:02x}3132333435363738393031323334353637383930");
    let lines: String = (1..=3)
        .map(|n| format!("S{n},hotp,{},\n", secret(n)))
        .collect();
    let file = |more: &str| {
        let text = format!("serial,type,secret,name\n{lines}{more}");
        machine.file("root/fobs.csv", 0o600, text);
    };
    file(&format!(
        "S3,hotp,{},\n,hotp,{},\nS9,hotp,,\n",
        secret(4),
        secret(5)
    ));
    let (status, _, error) = fob(&machine, "enroll --from /root/fobs.csv");
    assert_eq!(status, 2);
    for part in [
        "line 5: has the serial of line 4",
        "line 6: name: is empty",
        "line 7: name: is empty",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!machine.path("etc/fob/stock/S1").exists());

    file("");
    let (status, _, error) = fob(&machine, "enroll --from /root/fobs.csv");
    assert_eq!(status, 0, "{error}");
    assert!(error.contains("3 tokens put in stock"), "{error}");
    assert_eq!(mode(&machine, "etc/fob/stock"), 0o700);
    assert_eq!(mode(&machine, "etc/fob/stock/S2"), 0o600);
    assert_eq!(fob(&machine, "enroll --from /root/fobs.csv").0, 2);
    assert_eq!(
        fob(&machine, "enroll --from /root/fobs.csv --skip-enrolled").0,
        0
    );
    assert_eq!(fob(&machine, "assign S2 p1").0, 0);
    let mut token = hotp("x");
    token.secret = Secret::from_hex(secret(2).trim_start_matches("hex:")).unwrap();
    assert_eq!(machine.login("p1", &[&press(&token, 0)]).code(), 0);
    assert_eq!(fob(&machine, "assign S2 p2").0, 1);
}
