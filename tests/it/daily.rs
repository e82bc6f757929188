//! What an administrator does on an ordinary day, by the command `fob`.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use fob_core::Token;
use serde_json::Value;

use crate::machine::{CALLS, Machine, hotp, press, shows, token_file, totp};

fn fob(machine: &Machine, words: &str, input: &str) -> (i32, String) {
    let words: Vec<&str> = words.split(' ').collect();
    let output = machine.with_input("fob", &words, input);
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(text).unwrap(),
    )
}

fn json(machine: &Machine, words: &str, input: &str) -> (i32, Value) {
    let words: Vec<&str> = words.split(' ').chain(["--json"]).collect();
    let output = machine.with_input("fob", &words, input);
    let value = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), value.unwrap_or(Value::Null))
}

fn done(machine: &Machine, words: &str) -> String {
    done_with(machine, words, "")
}

fn done_with(machine: &Machine, words: &str, input: &str) -> String {
    let (status, text) = fob(machine, words, input);
    assert_eq!(status, 0, "{words}: {text}");
    text
}

/// The step of a token with the usual period.
fn step() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    time.as_secs() / 30
}

/// The code that a token shows whose clock is so many steps off.
fn off(token: &Token, steps: i64) -> String {
    press(token, step().saturating_add_signed(steps))
}

/// The uid of the first person of a machine.
const LEDGER: &str = "var/lib/fob/2000";

fn ledger(machine: &Machine) -> Vec<u8> {
    fs::read(machine.path(LEDGER)).unwrap()
}

/// R6: a counter that ran far ahead comes back by two codes, which are both spent.
#[test]
fn counter_far_ahead_is_brought_back_by_two_codes() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    assert_eq!(machine.login("alice", &[&press(&token, 0)]).code(), 0);
    assert_eq!(machine.login("alice", &[&press(&token, 300)]).code(), 7);
    let pair = |first, second| format!("{}\n{}\n", press(&token, first), press(&token, second));
    machine.log();

    // Not in a row, too far, only one.
    assert_eq!(fob(&machine, "resync alice fob", &pair(300, 302)).0, 1);
    assert_eq!(fob(&machine, "resync alice fob", &pair(1500, 1501)).0, 1);
    assert_eq!(fob(&machine, "resync alice fob", &press(&token, 300)).0, 1);
    assert_eq!(fob(&machine, "resync alice other", "").0, 1);
    let log = machine.log().join("\n");
    assert!(
        log.contains("unchanged verb=resync user=alice reason=not_found token=fob"),
        "{log}"
    );

    let (status, value) = json(&machine, "resync alice fob", &pair(300, 301));
    assert_eq!((status, &value["floor"]), (0, &Value::from(302)), "{value}");
    let log = machine.log().join("\n");
    assert!(
        log.contains("changed verb=resync user=alice token=fob floor=302"),
        "{log}"
    );
    for (counter, code) in [(300, 7), (301, 7), (302, 0), (302, 7)] {
        let login = machine.login("alice", &[&press(&token, counter)]);
        assert_eq!(login.code(), code, "{counter}");
    }
    let wide = "resync alice fob --range 2000";
    assert_eq!(fob(&machine, wide, &pair(1500, 1501)).0, 0);
}

/// P1: resync never lowers a floor.
#[test]
fn resync_brings_no_spent_code_back() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    assert_eq!(machine.login("alice", &[&press(&token, 10)]).code(), 0);
    for first in [3, 9, 10] {
        let pair = format!("{}\n{}\n", press(&token, first), press(&token, first + 1));
        let (status, value) = json(&machine, "resync alice fob", &pair);
        assert_eq!((status, &value["reason"]), (1, &"spent".into()), "{first}");
        assert_eq!(value["floor"], 11);
    }
    assert_eq!(machine.login("alice", &[&press(&token, 11)]).code(), 0);
}

/// RFC 6238 section 6: a clock that is ten minutes slow, as it is and as it goes on.
#[test]
fn clock_ten_minutes_slow_works_after_resync() {
    let machine = Machine::with(&["alice"]);
    let token = totp("alice");
    machine.enrol("alice", &[token.clone()]);
    assert_eq!(machine.login("alice", &[&off(&token, -20)]).code(), 7);
    let pair = format!("{}\n{}\n", off(&token, -22), off(&token, -21));
    let (status, value) = json(&machine, "resync alice phone", &pair);
    assert_eq!(status, 0, "{value}");
    assert!(value["seconds"].as_i64().unwrap() <= -600, "{value}");
    assert_eq!(machine.login("alice", &[&off(&token, -22)]).code(), 7);
    let fresh = off(&token, -20);
    assert_eq!(machine.login("alice", &[&fresh]).code(), 0);
    assert_eq!(machine.login("alice", &[&fresh]).code(), 7);
    // Where everybody else's clock is, it isn't looked at.
    assert_eq!(machine.login("alice", &[&shows(&token)]).code(), 7);
    let (_, value) = json(&machine, "show alice", "");
    let drift = value["tokens"][0]["drift"].as_i64().unwrap();
    assert!((-22..=-19).contains(&drift), "{value}");
}

/// P1: the ledger knows a token by its secret.
#[test]
fn renamed_token_keeps_its_floor_and_the_file_its_comments() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    let text = token_file(&[token.clone(), totp("other")]);
    let text = text.replace("id = \"fob\"", "id = \"fob\" # on her key ring");
    machine.file("etc/fob/tokens/alice", 0o600, text);
    assert_eq!(machine.login("alice", &[&press(&token, 0)]).code(), 0);
    assert_eq!(fob(&machine, "rename alice fob phone", "").0, 2);
    assert_eq!(fob(&machine, "rename alice none x", "").0, 1);
    assert_eq!(fob(&machine, "rename alice fob recovery", "").0, 2);
    done(&machine, "rename alice fob key");
    assert_eq!(machine.login("alice", &[&press(&token, 0)]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&token, 1)]).code(), 0);
    let text = fs::read_to_string(machine.path("etc/fob/tokens/alice")).unwrap();
    assert!(text.contains("id = \"key\" # on her key ring"), "{text}");
    let log = machine.log().join("\n");
    assert!(
        log.contains("changed verb=rename user=alice token=fob new=key"),
        "{log}"
    );
}

/// Twice is as good as once, and the other token works on.
#[test]
fn disabled_token_lets_nobody_in_until_it_is_enabled() {
    let machine = Machine::with(&["alice"]);
    let (key, phone) = (hotp("alice"), totp("alice2"));
    machine.enrol("alice", &[key.clone(), phone.clone()]);
    let file = "etc/fob/tokens/alice";
    let before = fs::read_to_string(machine.path(file)).unwrap();
    for changed in [true, false] {
        let (status, value) = json(&machine, "disable alice --id fob", "");
        assert_eq!((status, &value["changed"]), (0, &Value::from(changed)));
    }
    assert_eq!(machine.login("alice", &[&press(&key, 0)]).code(), 7);
    assert_eq!(machine.login("alice", &[&shows(&phone)]).code(), 0);
    for changed in [true, false] {
        let (status, value) = json(&machine, "enable alice --id fob", "");
        assert_eq!((status, &value["changed"]), (0, &Value::from(changed)));
    }
    assert_eq!(machine.login("alice", &[&press(&key, 0)]).code(), 0);
    assert_eq!(fob(&machine, "disable alice --id none", "").0, 1);
    assert_eq!(fob(&machine, "disable bob", "").0, 1);
    let after = fs::read_to_string(machine.path(file)).unwrap();
    let phone = |text: &str| text.split("[[token]]").nth(2).unwrap().to_owned();
    assert_eq!(phone(&before), phone(&after));
}

/// P7: a token file that is replaced just while a login opens it is no reason to refuse.
#[test]
fn login_goes_on_with_the_new_file_when_the_old_one_is_replaced() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    let script = r#"
        file=/etc/fob/tokens/alice
        cp -p $file $file.new
        strace -f -qq -o /tmp/seen -P $file -e trace=openat,statx \
            -e inject=statx:delay_enter=400000 \
            pamdrive test alice $0 >/tmp/out &
        until grep -q openat /tmp/seen 2>/dev/null; do sleep 0.01; done
        mv $file.new $file
        wait
        sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p' /tmp/out
        grep -c openat /tmp/seen
    "#;
    let output = machine
        .command("sh")
        .args(["-c", script, &press(&token, 0)])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n2\n");
}

/// Edits beside logins and beside each other lose nothing.
#[test]
fn edits_beside_logins_lose_nothing() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol(
        "alice",
        &[token.clone(), totp("a"), {
            let mut third = totp("b");
            third.id = "tablet".into();
            third
        }],
    );
    let codes: Vec<String> = (0..12).map(|counter| press(&token, counter)).collect();
    let script = format!(
        "for n in 1 2 3 4 5 6; do fob rename alice phone p$n; fob rename alice p$n phone; done >/dev/null &\n\
         for n in 1 2 3 4 5 6; do fob disable alice --id tablet; fob enable alice --id tablet; done >/dev/null &\n\
         for code in {}; do pamdrive test alice $code | sed -n 's/^pamdrive: authenticate \\([0-9]*\\) .*/\\1/p'; done; wait",
        codes.join(" ")
    );
    let seen = machine.shell(&script);
    assert_eq!(seen.split_whitespace().collect::<Vec<_>>(), ["0"; 12]);
    let (_, value) = json(&machine, "show alice", "");
    let ids: Vec<&str> = value["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["fob", "phone", "tablet"]);
    assert!(value["tokens"][2]["disabled"] == false, "{value}");
}

/// P1: what one person spent, the next can't use.
#[test]
fn given_back_fob_goes_on_where_it_was() {
    let machine = Machine::with(&["alice", "bob"]);
    let mut token = hotp("alice");
    token.serial = Some("2601443".into());
    let mut text = token_file(&[token.clone()]);
    text.push_str("serial = \"2601443\"\n");
    machine.file("etc/fob/tokens/alice", 0o600, text);
    for counter in [0, 7] {
        assert_eq!(machine.login("alice", &[&press(&token, counter)]).code(), 0);
    }
    assert_eq!(fob(&machine, "assign 2601443 bob", "").0, 1);
    done(&machine, "revoke alice --id fob --to-stock");
    assert_eq!(machine.login("alice", &[&press(&token, 8)]).code(), 7);
    assert!(done(&machine, "assign --list").contains("2601443: hotp, 6 digits"));
    done(&machine, "assign 2601443 bob --id key");
    assert_eq!(done(&machine, "assign --list").lines().count(), 1);
    assert_eq!(machine.login("bob", &[&press(&token, 7)]).code(), 7);
    assert_eq!(machine.login("bob", &[&press(&token, 8)]).code(), 0);
    let log = machine.log().join("\n");
    assert!(
        log.contains("changed verb=assign user=bob token=key serial=2601443"),
        "{log}"
    );

    // Back to alice: her ledger takes no floor back by itself. Half done on a full disk, which is
    // said, it goes on.
    let full = machine.shell(
        "cp -a /etc/fob/tokens /root/; mount -t tmpfs -o size=16k,mode=0700 tmpfs /etc/fob/tokens
         cp -a /root/tokens/bob /etc/fob/tokens/; cat /dev/zero >/etc/fob/tokens/full 2>/dev/null
         fob revoke bob --id key --to-stock 2>&1; umount /etc/fob/tokens",
    );
    assert!(full.contains("bob's token \"key\" is blocked"), "{full}");
    assert!(
        full.contains("fob revoke bob --id key --to-stock"),
        "{full}"
    );
    assert_eq!(machine.login("bob", &[&press(&token, 9)]).code(), 7);
    done(&machine, "revoke bob --id key --to-stock");
    let text = done(&machine, "assign 2601443 alice");
    assert!(text.contains("fob repair alice --counter key=9"), "{text}");
    assert_eq!(machine.login("alice", &[&press(&token, 9)]).code(), 7);
    done(&machine, "repair alice --counter key=9 --yes");
    assert_eq!(machine.login("alice", &[&press(&token, 8)]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&token, 9)]).code(), 0);
}

/// P1: a clock token counts for the next person once all that was shown is past; and nobody
/// shares one.
#[test]
fn clock_token_from_the_stock_counts_from_a_fresh_code_on() {
    let machine = Machine::with(&["alice", "bob"]);
    let token = totp("stock");
    machine.folder("etc/fob/stock", 0o700);
    let stock = "etc/fob/stock/77-1";
    machine.file(stock, 0o600, token_file(&[token.clone()]));
    let shown = off(&token, 1);
    let (status, value) = json(&machine, "assign 77-1 alice", "");
    assert_eq!(status, 0, "{value}");
    assert!(value["floor"].as_u64().unwrap() >= step() + 4, "{value}");
    assert_eq!(machine.login("alice", &[&shown]).code(), 7);
    assert!(!machine.path(stock).exists());

    // As if it had been killed before the stock file went.
    machine.file(stock, 0o600, token_file(&[token.clone()]));
    let (status, text) = fob(&machine, "assign 77-1 bob", "");
    assert!(
        status == 1 && text.contains("alice has this token"),
        "{text}"
    );
    assert!(!machine.path("etc/fob/tokens/bob").exists());
    done(&machine, "assign 77-1 alice");
    assert!(!machine.path(stock).exists());
}

/// P4: killed at any system call, the token is somewhere, and the same command goes on; no
/// spent code comes back.
#[test]
fn giving_back_killed_at_any_system_call_goes_on() {
    let machine = Machine::with(&["alice", "bob"]);
    let mut token = hotp("alice");
    token.serial = Some("2601443".into());
    let mut text = token_file(&[token.clone()]);
    text.push_str("serial = \"2601443\"\n");
    machine.file("root/alice", 0o600, text);
    let script = r#"
        login() { pamdrive test "$1" "$2" | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
        clean() { rm -rf /etc/fob/stock /etc/fob/tokens/* /var/lib/fob/*; cp -p /root/alice /etc/fob/tokens/; }
        give="fob revoke alice --id fob --to-stock"
        take="fob assign 2601443 bob"
        clean; login alice $0 >/dev/null
        strace -f -qq -o /tmp/give $give >/dev/null; strace -f -qq -o /tmp/take $take >/dev/null
        for step in give take; do
            calls /tmp/$step | grep -E '^(openat|write|pwrite64|fsync|fdatasync|rename|unlink|linkat|flock|fchmod|mkdir) ' >/tmp/calls.$step
            while read -r name k <&3; do
                clean; login alice $0 >/dev/null
                [ $step = give ] || $give >/dev/null
                eval strace -f -qq -o /dev/null -e inject=$name:signal=KILL:when=$k \$$step >/dev/null 2>&1
                [ $step = take ] || $give >/dev/null 2>&1
                sed -i s/^disabled.*true// /etc/fob/stock/2601443 2>/dev/null
                $take >/tmp/out 2>&1 || grep -q 'no token 2601443 in stock' /tmp/out || cat /tmp/out
                echo SEEN $step $name $k $(login bob $0) $(login bob $1) $(login bob $1)
            done 3</tmp/calls.$step
        done
    "#;
    let codes = [press(&token, 3), press(&token, 4)];
    let output = machine
        .command("sh")
        .arg("-c")
        .arg(format!("{CALLS}{script}"))
        .args(&codes)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    let seen: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("SEEN"))
        .collect();
    assert!(seen.len() > 80, "{text}{error}");
    for line in seen {
        let codes = line.splitn(5, ' ').nth(4).unwrap();
        assert_eq!(codes, "7 0 7", "{line}\n{text}");
    }
}

/// A new phone shows what the old one shows, and a counter goes on where it was.
#[test]
fn exported_secret_makes_the_same_codes() {
    let machine = Machine::with(&["alice"]);
    let (key, phone) = (hotp("alice"), totp("alice2"));
    machine.enrol("alice", &[key.clone(), phone.clone()]);
    assert_eq!(machine.login("alice", &[&press(&key, 4)]).code(), 0);
    assert_eq!(fob(&machine, "export alice", "").0, 2);
    machine.log();
    let text = done(&machine, "export alice --id phone --yes --issuer Example");
    let secret = phone.secret.to_base32();
    let uri = format!("otpauth://totp/Example:alice?secret={}", secret.as_str());
    assert!(text.contains(&uri) && text.contains('▀'), "{text}");
    assert!(!text.contains(key.secret.to_base32().as_str()));
    let log = machine.log().join("\n");
    assert!(
        log.contains("changed verb=export user=alice token=phone"),
        "{log}"
    );
    assert!(!log.contains(secret.as_str()), "{log}");

    let (status, value) = json(&machine, "export alice --yes", "");
    assert_eq!(status, 0);
    let uri = value["tokens"][0]["uri"].as_str().unwrap();
    assert!(uri.contains("&counter=5"), "{uri}");
    let secret = value["tokens"][1]["secret"].as_str().unwrap();
    let mut again = totp("x");
    again.secret = fob_core::Secret::from_base32(secret).unwrap();
    assert_eq!(machine.login("alice", &[&shows(&again)]).code(), 0);
}

/// What is asked in a dry run is not written anywhere, and each reason is told.
#[test]
fn dry_run_spends_nothing_and_says_why_not() {
    let machine = Machine::with(&["alice"]);
    let (key, phone) = (hotp("alice"), totp("alice2"));
    machine.enrol("alice", &[key.clone(), phone.clone()]);
    let ask = |code: &str| json(&machine, "check alice --dry-run", code);
    machine.log();
    // Not even a ledger is made.
    assert_eq!(ask(&press(&key, 0)).0, 0);
    assert!(!machine.path(LEDGER).exists());
    assert_eq!(machine.login("alice", &[&press(&key, 500)]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&key, 5)]).code(), 0);
    machine.log();

    let before = ledger(&machine);
    for (code, accepted, id, found, offset) in [
        (press(&key, 6), true, "fob", "fresh", 0),
        (press(&key, 5), false, "fob", "spent", -1),
        (press(&key, 400), false, "fob", "ahead", 394),
        (off(&phone, 0), true, "phone", "fresh", 0),
        (off(&phone, -8), false, "phone", "too_old", -8),
        (off(&phone, 9), false, "phone", "too_new", 9),
    ] {
        let (status, value) = ask(&code);
        assert_eq!(status, i32::from(!accepted), "{found}: {value}");
        assert_eq!(value["accepted"], accepted, "{value}");
        let seen = &value["tokens"][0];
        assert_eq!((&seen["id"], &seen["found"]), (&id.into(), &found.into()));
        // A step may end between the code and the question.
        let away = (seen["offset"].as_i64().unwrap() - offset).abs();
        assert!(away <= i64::from(id == "phone"), "{value}");
    }
    assert_eq!(ask("000000").1["reason"], "wrong");
    assert_eq!(ask("hello").1["reason"], "malformed");
    let (_, text) = fob(&machine, "check alice --dry-run", &off(&phone, -8));
    assert!(text.contains("phone: right, but too old: shown"), "{text}");
    assert!(text.contains("fob resync alice phone"), "{text}");
    assert_eq!(ledger(&machine), before);
    assert_eq!(machine.log(), Vec::<String>::new());

    done(&machine, "disable alice --id fob");
    let (_, value) = ask(&press(&key, 6));
    assert_eq!(value["tokens"][0]["found"], "disabled", "{value}");
    // In the throttle's way, and the code is explained all the same.
    done(&machine, "enable alice --id fob");
    for _ in 0..6 {
        fob(&machine, "check alice", "000000");
    }
    let (status, value) = ask(&press(&key, 6));
    assert_eq!((status, &value["reason"]), (1, &"throttled".into()));
    assert_eq!(value["tokens"][0]["found"], "fresh");
    done(&machine, "unlock alice");
    assert_eq!(machine.login("alice", &[&press(&key, 6)]).code(), 0);
}

/// A used recovery code is told from a wrong one.
#[test]
fn dry_run_knows_recovery_codes() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    let (_, value) = json(&machine, "recovery alice --yes", "");
    let paper = value["recovery"][0].as_str().unwrap();
    for (seen, status) in [("unused", 0), ("spent", 1)] {
        let (code, value) = json(&machine, "check alice --dry-run", paper);
        assert_eq!(
            (code, &value["recovery"]),
            (status, &seen.into()),
            "{value}"
        );
        machine.login("alice", &[paper]);
    }
}

/// P1: whatever `window=` the module's line gave, and however far a clock was followed.
#[test]
fn repair_brings_no_code_of_a_wide_window_back() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("alice");
    machine.enrol("alice", &[phone.clone()]);
    machine.service("test", "window=10");
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let ahead = press(&phone, time.as_secs() / 30 + 9);
    assert_eq!(machine.login("alice", &[&ahead]).code(), 0);
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
    done(&machine, "repair alice --yes");
    assert_eq!(machine.login("alice", &[&ahead]).code(), 7);
}

/// P1: a clock that is fast has shown codes of a time that is yet to come. How fast it is, nobody
/// knows any more, unless somebody says it.
#[test]
fn repair_brings_no_code_of_a_fast_clock_back() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("alice");
    machine.enrol("alice", &[phone.clone()]);
    let pair = format!("{}\n{}\n", off(&phone, 100), off(&phone, 101));
    done_with(&machine, "resync alice phone", &pair);
    let used = step() + 102;
    assert_eq!(machine.login("alice", &[&press(&phone, used)]).code(), 0);
    let floor = |words: &str| {
        machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
        let (status, value) = json(&machine, &format!("repair alice --yes{words}"), "");
        assert_eq!(status, 0, "{words}: {value}");
        value["tokens"][0]["floor"].as_u64().unwrap()
    };
    for wrong in [
        "--drift fob=1",
        "--drift phone=2881",
        "--drift phone=1 --drift phone=2",
    ] {
        machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
        assert_eq!(
            fob(&machine, &format!("repair alice --yes {wrong}"), "").0,
            2,
            "{wrong}"
        );
    }
    let unknown = floor("");
    assert!(unknown > step() + 2880 + 24, "{unknown}");
    assert_eq!(fob(&machine, "repair alice --yes --drift phone=0", "").0, 1);
    let said = floor(" --drift phone=102");
    assert!(used < said && said < used + 30, "{used} {said}");
    let (_, value) = json(&machine, "show alice", "");
    assert_eq!(value["tokens"][0]["drift"], 102, "{value}");
    assert_eq!(machine.login("alice", &[&press(&phone, used)]).code(), 7);
}

/// P1: nobody knows which of its codes were used, and no verb guesses.
#[test]
fn blocked_token_stays_blocked() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    assert_eq!(machine.login("alice", &[&press(&token, 0)]).code(), 0);
    machine.shell("rm /var/lib/fob/2000");
    done(&machine, "repair alice --yes");
    let pair = format!("{}\n{}\n", press(&token, 1), press(&token, 2));
    let (status, text) = fob(&machine, "resync alice fob", &pair);
    assert!(
        status == 2 && text.contains("fob repair alice --counter"),
        "{text}"
    );
    let (_, value) = json(&machine, "check alice --dry-run", &press(&token, 1));
    assert_eq!(value["tokens"][0]["found"], "blocked", "{value}");
    assert_eq!(fob(&machine, "export alice --yes", "").0, 1);
}

/// What is to be run next can be pasted, whatever somebody is called.
#[test]
fn commands_that_are_named_survive_a_shell() {
    let machine = Machine::with(&["alice"]);
    machine.shell(r"printf '%s\n' 'DOM\bob:x:2100:2100::/:/bin/sh' >>/etc/passwd");
    let (_, told) = fob(&machine, "show alice", "");
    assert!(told.contains("fob enroll alice\n"), "{told}");
    let (_, told) = fob(&machine, r"show DOM\bob", "");
    assert!(told.contains(r"Run: fob enroll 'DOM\bob'"), "{told}");
    let command = told.split("Run: ").nth(1).unwrap().trim_end();
    machine.shell(&format!("{command} --no-confirm"));
    assert_eq!(fob(&machine, r"show DOM\bob", "").0, 0);
}
