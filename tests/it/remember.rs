//! `remember`: no second code at the same place, for a while.

use crate::fob::{fob, json};
use crate::machine::{Machine, Report, hotp, press};

const HOME: &str = "192.0.2.7";
const RULE: &str = "[[rule]]\nname = \"twelve hours\"\naction = \"require\"\nremember = \"12h\"\n";
const HOURS: u32 = 43_200;

/// A machine where alice's code is remembered.
fn machine() -> Machine {
    let machine = Machine::with(&["alice:correct horse", "bob"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.file("etc/fob/fob.conf", 0o644, RULE);
    machine
}

/// One where she gave the code of counter 0 at home.
fn at_home() -> Machine {
    let machine = machine();
    let code = press(&hotp("alice"), 0);
    assert_eq!(from(&machine, HOME, &[&code]).code(), 0);
    assert!(machine.log()[0].contains("accepted user=alice"));
    machine
}

fn from(machine: &Machine, rhost: &str, answers: &[&str]) -> Report {
    machine.drive(&["--rhost", rhost, "test", "alice"], answers)
}

/// Whether nothing was asked, as the log has it too.
fn is_remembered(machine: &Machine, report: &Report) -> bool {
    let line = machine.log().pop().unwrap();
    let ignored = line.contains("ignored reason=remembered user=alice")
        && line.contains("rule=\"twelve hours\"");
    assert_eq!(ignored, report.shown().is_empty(), "{line} {report:?}");
    assert_eq!(ignored, report.code() == 0, "{line} {report:?}");
    ignored
}

fn is_asked_at_home(machine: &Machine) -> bool {
    !is_remembered(machine, &from(machine, HOME, &[]))
}

/// The exact address and the service; never a name, whatever it looks like. And the module
/// does what was explained.
#[test]
fn second_code_is_not_asked_at_the_same_place_and_at_no_other() {
    let machine = at_home();
    from(&machine, HOME, &[]);
    assert_eq!(
        machine.lines(),
        [
            "<86>test(pam_fob:auth): ignored reason=remembered user=alice service=test rhost=192.0.2.7 tty=- ruser=- rule=\"twelve hours\""
        ]
    );
    machine.service("other", "");
    for (service, person, rhost, remembered) in [
        ("test", "alice", HOME, true),
        ("test", "alice", "::ffff:192.0.2.7", true),
        ("test", "alice", "192.0.2.8", false),
        ("test", "alice", "192.0.2.7.evil.example", false),
        ("test", "alice", "192.0.2.7%evil.example", false),
        ("test", "alice", "localhost", false),
        ("other", "alice", HOME, false),
        ("test", "bob", HOME, false),
        ("test", "nosuch", HOME, false),
    ] {
        let words = format!("explain {person} --service {service} --rhost {rhost}");
        let (_, told) = json(&machine, &words, "");
        assert_eq!(told["reason"] == "remembered", remembered, "{told}");
        assert_eq!(told["outcome"] == "ignored", remembered, "{told}");
        let report = machine.drive(&["--rhost", rhost, service, person], &[]);
        assert_eq!(is_remembered(&machine, &report), remembered, "{words}");
    }
    // A name is never remembered, nor is this machine's own address.
    let fob = hotp("alice");
    for (counter, rhost) in [
        (1, "192.0.2.7.evil.example"),
        (2, "127.0.0.1"),
        (3, "fe80::1%lo"),
    ] {
        assert_eq!(from(&machine, rhost, &[&press(&fob, counter)]).code(), 0);
        machine.log();
        assert!(
            !is_remembered(&machine, &from(&machine, rhost, &[])),
            "{rhost}"
        );
    }
    let (_, shown) = json(&machine, "show alice", "");
    assert_eq!(shown["remembered"]["places"], 1, "{shown}");
    assert!(shown["remembered"]["until"].is_string(), "{shown}");
}

/// By the boot clock, which nobody can set, and by the other one.
#[test]
fn code_is_asked_again_when_the_time_is_over() {
    let machine = at_home();
    let at = |clock: &str| {
        let script = format!("{clock} pamdrive --rhost {HOME} test alice || :");
        let shown = machine.shell(&script);
        let line = machine.log().pop().unwrap();
        assert_eq!(
            line.contains("reason=remembered"),
            !shown.contains("prompt"),
            "{line}"
        );
        line.contains("reason=remembered")
    };
    assert!(at(&format!("unshare --time --boottime {}", HOURS - 600)));
    assert!(!at(&format!("unshare --time --boottime {HOURS}")));
    let fake = |by: &str| {
        format!(
            "env LD_PRELOAD=$(echo /usr/lib/*/faketime/libfaketime.so.1) FAKETIME={by} \
             FAKETIME_DONT_FAKE_MONOTONIC=1"
        )
    };
    assert!(!at(&fake(&format!("+{HOURS}s"))));
    assert!(at(&fake("-2h")));
    let back = format!("unshare --time --boottime {HOURS} {}", fake("-12h"));
    assert!(!at(&back), "setting the clock back brings nothing back");
}

/// What speaks against a place ends it for good.
#[test]
fn place_is_forgotten_when_something_speaks_against_it() {
    let other_rule = format!(
        "printf '%s' '[[rule]]\nname = \"ask\"\naction = \"require\"\n{RULE}' >/etc/fob/fob.conf"
    );
    let rule = format!("printf '%s' '{RULE}' >/etc/fob/fob.conf");
    let answer = |answer: &str| {
        format!("{other_rule}; pamdrive --rhost {HOME} test alice \"{answer}\" || :; {rule}")
    };
    for (what, script, asked) in [
        ("nothing", ":".to_owned(), false),
        ("fob forget", "fob forget alice".into(), true),
        (
            "disabled for a while",
            "fob disable alice; fob enable alice".into(),
            true,
        ),
        (
            "another PIN",
            "printf '8351\\n8351\\n' | fob pin alice".into(),
            true,
        ),
        (
            "any change",
            "echo '# hello' >>/etc/fob/tokens/alice".into(),
            true,
        ),
        ("wrong code", answer("000000"), true),
        ("spent code", answer(&press(&hotp("alice"), 0)), true),
        ("no answer", answer(""), false),
        (
            "a right code under another rule",
            answer(&press(&hotp("alice"), 1)),
            false,
        ),
    ] {
        let machine = at_home();
        machine.shell(&script);
        machine.log();
        assert_eq!(is_asked_at_home(&machine), asked, "{what}");
    }
    let machine = at_home();
    let (status, text) = fob(&machine, "forget alice", "");
    assert_eq!((status, text.trim()), (0, "alice: 1 place forgotten."));
    let log = machine.log();
    assert!(
        log[0].contains("changed verb=forget user=alice places=1 by="),
        "{log:?}"
    );
    let (_, again) = json(&machine, "forget alice", "");
    assert_eq!(again["forgotten"], 0);
}

/// P9: neither a skip nor a question as if nothing were wrong.
#[test]
fn damaged_ledger_refuses_before_the_question() {
    let machine = at_home();
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
    let report = from(&machine, HOME, &[]);
    assert_eq!(report.code(), 4);
    assert!(report.shown().is_empty(), "{report:?}");
    assert_eq!(machine.logged("reason").as_deref(), Some("state_damaged"));
}

/// P10: whoever shares the place can't guess the password for ever; logins that succeed as a
/// whole cost nothing.
#[test]
fn wrong_passwords_end_it_and_right_ones_do_not() {
    let machine = at_home();
    let stack =
        "auth required pam_unix.so\nauth required pam_fob.so\naccount required pam_permit.so\n";
    machine.stack("test", stack);
    let login = |calls: &str, password: &str| {
        let words = ["--rhost", HOME, "--calls", calls, "test", "alice"];
        let report = machine.drive(&words, &[password]);
        let log = machine.log();
        let ours = log.iter().find(|line| line.contains("pam_fob:auth"));
        (report, ours.unwrap().contains("reason=remembered"))
    };
    for _ in 0..30 {
        let (report, remembered) = login("authenticate,setcred", "correct horse");
        assert!(remembered && report.code() == 0, "{report:?}");
        assert_eq!(report.codes("setcred"), [0]);
    }
    let mut guesses = 0;
    while guesses < 40 {
        let (report, remembered) = login("authenticate", "wrong");
        assert_ne!(report.code(), 0);
        if !remembered {
            break;
        }
        guesses += 1;
    }
    assert_eq!(guesses, 20);
    // The right password alone is worth nothing any more.
    let (report, remembered) = login("authenticate,setcred", "correct horse");
    assert!(!remembered && report.code() != 0, "{report:?}");
    let code = press(&hotp("alice"), 1);
    let words = ["--rhost", HOME, "test", "alice"];
    assert_eq!(machine.drive(&words, &["correct horse", &code]).code(), 0);
    machine.log();
    assert!(login("authenticate,setcred", "correct horse").1);
}

/// P2: nobody is refused because others log in at the same time, and no use is lost.
#[test]
fn parallel_logins_are_all_counted_and_none_is_refused() {
    let machine = at_home();
    let one = format!("pamdrive --calls authenticate,setcred --rhost {HOME} test alice");
    let shown = machine.shell(&format!("seq 96 | xargs -P 16 -I N {one}"));
    assert_eq!(shown.matches("authenticate 0 ").count(), 96, "{shown}");
    assert_eq!(shown.matches("setcred 0 ").count(), 96);
    let remembered = |log: Vec<String>| {
        let lines = log.iter().filter(|line| line.contains("reason=remembered"));
        lines.count()
    };
    assert_eq!(remembered(machine.log()), 96);
    let line = format!("alice\tnone\t{HOME}");
    let codes = machine.race("test", &[vec![line.clone(); 16], vec![line; 16]]);
    assert_eq!(codes[0], vec!["0"; 16]);
    assert_eq!(codes[1].iter().filter(|code| *code == "0").count(), 4);
    assert_eq!(remembered(machine.log()), 20);
    let (status, text) = fob(&machine, "show alice", "");
    assert_eq!(status, 0, "{text}");
}

/// On this machine a place is a session at a terminal: the numbers of terminals come back.
#[test]
fn session_at_a_terminal_is_a_place_and_its_number_is_not() {
    let machine = machine();
    machine.service("sudo", "");
    let fob = hotp("alice");
    // The real uid is alice's, as under sudo; what PAM_TTY says is the caller's word.
    let drive = |tty: &str, answer: &str| {
        format!(
            "setpriv --ruid 2000 pamdrive --tty {tty} sudo alice {answer} | grep -o 'authenticate [0-9]*'"
        )
    };
    let explain = "fob explain alice --service sudo --json";
    let session = |lines: &[String]| {
        machine.file(
            "root/session",
            0o755,
            format!("tty\n{}\n", lines.join("\n")),
        );
        machine.log();
        let shown =
            machine.shell("setsid --wait script -qec 'sh /root/session' /dev/null </dev/null");
        let lines: Vec<String> = shown.lines().map(|line| line.trim().to_owned()).collect();
        let log = machine.log();
        let remembered = log.iter().map(|line| line.contains("reason=remembered"));
        (lines, remembered.collect::<Vec<_>>())
    };
    let explained =
        |caller: &str| format!("{explain} --caller {caller} | grep -o 'reason\":[^,]*'");
    let (first, remembered) = session(&[
        drive("/dev/pts/7", &press(&fob, 0)),
        explained("alice"),
        explained("bob"),
        explained("root"),
        drive("/dev/pts/8", ""),
        format!("setsid --wait sh -c \"{}\"", drive("/dev/pts/7", "")),
        "setpriv --ruid 2001 pamdrive sudo alice || :".into(),
        "pamdrive sudo alice || :".into(),
        drive("/dev/pts/7", ""),
    ]);
    assert_eq!(
        first[2..5],
        ["reason\":\"remembered\"", "reason\":null", "reason\":null"],
        "{first:?}"
    );
    assert_eq!(
        remembered,
        [false, true, false, false, false, true],
        "{first:?}"
    );
    let (second, remembered) = session(&[drive(&first[0], "")]);
    assert_eq!(first[0], second[0], "the terminal's number came back");
    assert_eq!(remembered, [false], "{second:?}");
    // Without a terminal there is no place.
    let code = press(&fob, 1);
    let script = format!("{}\n{} || :\n", drive("pts/1", &code), drive("pts/1", ""));
    machine.file("root/detached", 0o755, script);
    machine.shell("setsid --wait sh /root/detached </dev/null");
    let log = machine.log();
    assert!(
        log[0].contains("accepted") && log[1].contains("reason=conv"),
        "{log:?}"
    );
}

/// Real sudo, where PAM_USER is another one when the login is confirmed.
#[test]
fn sudo_asks_once_in_a_session() {
    let machine = machine();
    let stack = "auth required pam_fob.so\nauth required pam_permit.so\n\
                 account required pam_permit.so\nsession required pam_permit.so\n";
    machine.stack("sudo", stack);
    let sudoers = "ALL ALL=(ALL) ALL\nDefaults timestamp_timeout=0, lecture=never\n";
    machine.file("etc/sudoers", 0o440, sudoers);
    let session = |answer: &str, times: u32| {
        let run = format!(
            "echo {answer} >/tmp/answer; for n in $(seq {times}); do sudo -S env </tmp/answer; done 2>&1"
        );
        machine.file("tmp/session", 0o755, run);
        let id = "--reuid 2000 --regid 2000 --init-groups";
        machine.log();
        let shown = machine.shell(&format!(
            "setsid --wait setpriv {id} script -qec 'sh /tmp/session' /dev/null </dev/null || :"
        ));
        assert!(!shown.contains("PAM_FOB"), "{shown}");
        let log = machine.log();
        let count = |word: &str| log.iter().filter(|line| line.contains(word)).count();
        (
            count("accepted"),
            count("reason=remembered"),
            count("refused"),
        )
    };
    let fob = hotp("alice");
    assert_eq!(session(&press(&fob, 0), 26), (1, 25, 0));
    let (accepted, remembered, refused) = session("000000", 1);
    assert!(
        accepted == 0 && remembered == 0 && refused > 0,
        "another session"
    );
}

/// Real sshd: `pam_sm_setcred` runs in another process than the question, and the session's
/// environment has no trace of it.
#[test]
fn sshd_confirms_in_another_process() {
    let machine = machine();
    let stack = "auth required pam_fob.so\nauth required pam_permit.so\n\
                 account required pam_permit.so\nsession required pam_permit.so\n";
    machine.stack("sshd", stack);
    machine.folder("etc/ssh", 0o755);
    machine.file(
        "etc/ssh/sshd_config",
        0o644,
        "ListenAddress 0.0.0.0\nHostKey /etc/ssh/host\nUsePAM yes\nPidFile none\n\
         KbdInteractiveAuthentication yes\nPasswordAuthentication no\n\
         AuthenticationMethods keyboard-interactive\n",
    );
    let fob = hotp("alice");
    let script = format!(
        r#"
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/host
printf '#!/bin/sh\necho asked >>/tmp/asked\ncat /tmp/answer\n' >/root/askpass; chmod 755 /root/askpass
cat >/root/net <<'EOF'
ip link set lo up
# Other machines' addresses, though they lead here; one interface has the first.
ip route add local 192.0.2.0/24 dev lo
ip addr add 192.0.2.1/32 dev lo
/usr/sbin/sshd -f /etc/ssh/sshd_config -D & sshd=$!
until bash -c 'exec 3<>/dev/tcp/192.0.2.1/22' 2>/dev/null; do sleep 0.05; done
try() {{
    echo "$2" >/tmp/answer; : >/tmp/asked
    SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force ssh -b $1 -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -o LogLevel=ERROR alice@192.0.2.1 env >/tmp/env 2>/dev/null
    echo $1 $? $(cat /tmp/asked) $(grep -c PAM_FOB /tmp/env)
}}
try 192.0.2.7 {code}
for n in $(seq 24); do try 192.0.2.7 none; done
try 192.0.2.9 none
try 192.0.2.1 {next}
try 192.0.2.1 none
kill $sshd
EOF
unshare --net sh /root/net
"#,
        code = press(&fob, 0),
        next = press(&fob, 1)
    );
    let shown = machine.shell(&script);
    let mut expected = String::from("192.0.2.7 0 asked 0\n");
    expected += &"192.0.2.7 0 0\n".repeat(24);
    expected += "192.0.2.9 255 asked 0\n";
    // Whoever comes through a tunnel of this machine has an address of its own.
    expected += "192.0.2.1 0 asked 0\n192.0.2.1 255 asked 0\n";
    assert_eq!(shown, expected, "{:?}", machine.log());
    let log = machine.log();
    let remembered = log.iter().filter(|line| line.contains("reason=remembered"));
    assert_eq!(remembered.count(), 24, "{log:?}");
}
