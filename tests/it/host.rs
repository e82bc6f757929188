//! The application that the module lives in: it survives whatever happens.

use std::fs;
use std::io::IoSliceMut;
use std::os::fd::AsRawFd;
use std::process::Command;

use nix::cmsg_space;
use nix::sys::socket::sockopt::PassCred;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt};

use crate::machine::{Machine, Report, bind_log, hotp, press, totp};

fn unharmed(report: &Report) {
    assert!(report.strays.is_empty(), "{report:?}");
    let descriptors: Vec<&str> = report.line("fds ").unwrap().split(' ').collect();
    assert_eq!(descriptors[0], descriptors[1], "{report:?}");
    assert_eq!(report.line("threads "), Some("1"));
}

/// P7: a panic becomes PAM_ABORT, and says nothing to anybody.
#[test]
fn panic_becomes_pam_abort() {
    let machine = Machine::with(&["alice"]).with_panicking_module();
    machine.enrol("alice", &[totp("alice")]);
    let report = machine.login("alice", &["panic"]);
    assert_eq!(report.code(), 26);
    unharmed(&report);
    assert_eq!(machine.lines(), ["<83>pam_fob: refused reason=panic"]);
    assert_eq!(machine.login("alice", &["000000"]).code(), 7);
}

/// P7, T05, T36, T37: an application that breaks the rules.
#[test]
fn hostile_conversations_are_survived() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[totp("alice")]);
    let modes = [
        ("null", 19, "conv"),
        ("null-array", 19, "conv"),
        ("error", 19, "conv"),
        ("error-with-array", 19, "conv"),
        ("huge=513", 7, "too_long"),
        ("huge=1048576", 7, "too_long"),
        ("huge=512", 7, "malformed"),
        ("binary=fffe80c300", 7, "malformed"),
        ("binary=00", 7, "malformed"),
    ];
    for person in ["alice", "nosuch"] {
        for (mode, code, reason) in modes {
            let report = machine.drive(&["--mode", mode, "test", person], &["000000"]);
            assert_eq!(report.code(), code, "{mode}: {report:?}");
            unharmed(&report);
            let logged = machine.logged("reason").unwrap();
            let absent = person == "nosuch" && reason == "malformed";
            assert_eq!(
                logged,
                if absent { "no_such_user" } else { reason },
                "{mode}"
            );
        }
    }
    unharmed(&machine.login("alice", &["000000"]));
}

/// T12, T13: setcred succeeds, the others have no opinion, and a second authentication on
/// the same handle asks again.
#[test]
fn every_entry_point_answers_on_purpose() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let all = "authenticate,setcred,acct_mgmt,open_session,close_session,authenticate";
    let report = machine.drive(
        &["--calls", all, "test", "alice"],
        &[&press(&fob, 0), &press(&fob, 1)],
    );
    assert_eq!(report.codes("authenticate"), [0, 0]);
    let questions = report.shown();
    let questions = questions.iter().filter(|line| line.starts_with("prompt "));
    assert_eq!(questions.count(), 2, "the second asked for itself");
    assert_eq!(report.codes("setcred"), [0]);
    unharmed(&report);
    let lines: String = ["auth", "account", "session", "password"]
        .iter()
        .map(|kind| format!("{kind} required pam_fob.so\n"))
        .collect();
    machine.stack("alone", &lines);
    let rest = "setcred,acct_mgmt,open_session,close_session,chauthtok";
    let report = machine.drive(&["--calls", rest, "alone", "alice"], &[]);
    assert_eq!(report.codes("setcred"), [0]);
    for call in ["acct_mgmt", "open_session", "close_session"] {
        assert_eq!(
            report.codes(call),
            [6],
            "{call}: PAM_IGNORE alone is no permission"
        );
    }
    unharmed(&report);
}

/// Nothing but the six functions is exported, and nothing but libpam and libc is loaded.
#[test]
fn module_exports_six_symbols_and_needs_libpam_and_libc() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/machine/module.so");
    let output = Command::new("nm")
        .args(["-D", "--defined-only", file])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    names.sort_unstable();
    let expected = [
        "acct_mgmt",
        "authenticate",
        "chauthtok",
        "close_session",
        "open_session",
        "setcred",
    ];
    assert_eq!(names, expected.map(|name| format!("pam_sm_{name}")));
    let output = Command::new("readelf").args(["-d", file]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let needed: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("NEEDED"))
        .collect();
    let allowed = |line: &&str| {
        ["libpam.so.0", "libc.so.6", "ld-linux"]
            .iter()
            .any(|lib| line.contains(lib))
    };
    assert!(
        !needed.is_empty() && needed.iter().all(allowed),
        "{needed:?}"
    );
}

/// P7: limits that the caller set. The attempt isn't evaluated where it can't be recorded.
#[test]
fn limits_of_the_caller_refuse_and_harm_nobody() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    // Also one that would cut a write in two: whoever runs su chooses it.
    machine.login("alice", &["000000"]);
    machine.log();
    for bytes in [0, 100, 520, 4196, 8292, 12287] {
        let code = press(&fob, 1);
        let script = format!("prlimit --fsize={bytes} pamdrive test alice {code} | cat");
        let out = machine.shell(&script);
        assert!(out.contains("authenticate 4 "), "{bytes}: {out}");
        assert_eq!(machine.logged("reason").as_deref(), Some("state_write"));
    }
    let told = machine.login("alice", &[&press(&fob, 1)]);
    assert!(told.shown()[1].contains("1 failed attempt"), "{told:?}");
    let with_files = |files: u32, code: &str| {
        // What whoever runs the tests left open is none of the machine's.
        let closed: String = (3..=9).map(|number| format!(" {number}<&-")).collect();
        machine.shell(&format!(
            "exec{closed}; prlimit --nofile={files} pamdrive --rhost 192.0.2.{files} test alice {code}; echo status=$?"
        ))
    };
    // The loader can't open libpam, or libpam a module.
    assert_eq!(with_files(3, "000000"), "status=127\n");
    for (files, answer) in (4..12).zip([28].into_iter().chain([7; 7])) {
        let out = with_files(files, "000000");
        assert!(
            out.contains(&format!("authenticate {answer} ")),
            "{files} files: {out}"
        );
        assert!(out.ends_with("status=1\n"), "{files} files: {out}");
    }
    let out = with_files(5, &press(&fob, 2));
    assert!(
        out.contains("authenticate 0 ") && out.ends_with("status=0\n"),
        "{out}"
    );
}

/// P7, threats 4.1: where there is no ledger yet, a write is tried under any `ulimit -f`. The
/// signal that it brings about would end the host.
#[test]
fn limit_on_files_does_not_end_a_host_at_a_first_login() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let limited = |command: &str| {
        let script = format!("{{ prlimit --fsize=0 {command}; echo status=$?; }} 2>&1 | cat");
        machine.shell(&script)
    };
    // By the signal, which nobody here ignores.
    let out = limited("dd if=/dev/zero of=/tmp/file count=1");
    assert!(out.ends_with("status=153\n"), "{out}");
    let code = press(&fob, 0);
    // The second makes what absent people are judged by.
    for (user, file) in [("alice", "2000"), ("nosuch", "dummy")] {
        let out = limited(&format!("pamdrive test {user} {code}"));
        assert!(
            out.contains("authenticate 4 ") && out.ends_with("status=1\n"),
            "{user}: {out}"
        );
        let line = machine.log().pop().unwrap();
        let detail = format!("detail=\"/var/lib/fob/{file}: File too large\"");
        assert!(
            line.contains("reason=state_write") && line.contains(&detail),
            "{line}"
        );
        assert_eq!(machine.shell("ls -A /var/lib/fob"), "");
    }
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}

/// P10: a caller that can't see the boot's id (systemd's ProcSubset=pid) doesn't pass for a
/// reboot, after which everybody's wait starts again.
#[test]
fn boot_is_the_same_for_a_caller_that_cannot_see_its_id() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    // Both slots are written.
    for counter in 0..2 {
        assert_eq!(machine.login("alice", &[&press(&fob, counter)]).code(), 0);
    }
    let blind = "unshare -m --propagation unchanged sh -c 'mount -t tmpfs none /proc/sys && pamdrive test alice 000000; true'";
    assert!(machine.shell(blind).contains("authenticate 7 "));
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let id = u128::from_str_radix(&id.trim().replace('-', ""), 16).unwrap();
    let ledger = fs::read(machine.path("var/lib/fob/2000")).unwrap();
    for slot in ledger.chunks(4096).skip(1) {
        assert!(slot.windows(16).any(|bytes| bytes == id.to_be_bytes()));
    }
}

/// Threats 4.4: a log that isn't there, or that nobody reads.
#[test]
fn log_that_nobody_reads_stops_nobody() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    // A socket's queue holds a few lines only, and nobody empties this one.
    std::fs::remove_file(machine.path("dev/log")).unwrap();
    let _unread = bind_log(&machine.path("dev"));
    for counter in 0..30 {
        assert_eq!(machine.login("alice", &[&press(&fob, counter)]).code(), 0);
    }
    std::fs::remove_file(machine.path("dev/log")).unwrap();
    assert_eq!(machine.login("alice", &[&press(&fob, 30)]).code(), 0);
}

/// P12: who believes lines of root alone, such as `journalctl _UID=0`, gets those of su too. The
/// kernel by itself would name the uid of whoever started it.
#[test]
fn line_of_su_comes_from_root() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("bob");
    machine.enrol("bob", &[fob.clone()]);
    machine.service("su", "");
    std::fs::remove_file(machine.path("dev/log")).unwrap();
    let log = bind_log(&machine.path("dev"));
    setsockopt(&log, PassCred, &true).unwrap();
    let alice = "setpriv --reuid alice --regid alice --init-groups";
    let code = press(&fob, 0);
    let told = machine.shell(&format!("{alice} sh -c 'echo {code} | su bob -c id'; :"));
    assert!(told.contains("(bob)"), "{told}");
    let mut senders = vec![];
    loop {
        let mut line = [0; 4096];
        let mut beside = cmsg_space!(UnixCredentials);
        let mut parts = [IoSliceMut::new(&mut line)];
        let flags = MsgFlags::empty();
        let Ok(got) = recvmsg::<()>(log.as_raw_fd(), &mut parts, Some(&mut beside), flags) else {
            break;
        };
        let Some(ControlMessageOwned::ScmCredentials(sender)) = got.cmsgs().unwrap().next() else {
            panic!("nobody's line");
        };
        if String::from_utf8_lossy(&line).contains("(pam_fob:auth)") {
            senders.push(sender.uid());
        }
    }
    assert_eq!(senders, [0]);
}

/// P7: the lock is waited for 5 s and no longer, and its holder is named.
#[test]
fn lock_that_is_held_refuses_and_names_the_holder() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    machine.log();
    let script = format!(
        "flock /var/lib/fob/2000 pamdrive test alice {}; true",
        press(&fob, 1)
    );
    assert!(machine.shell(&script).contains("authenticate 4 "));
    let line = machine.lines().pop().unwrap();
    let (front, holder) = line.split_once(" by process ").unwrap();
    assert_eq!(
        front,
        "<83>test(pam_fob:auth): refused reason=lock_timeout user=alice service=test rhost=- tty=- ruser=- detail=\"/var/lib/fob/2000: was locked for 5 s"
    );
    assert!(
        holder.trim_end_matches('"').parse::<u32>().is_ok(),
        "{holder}"
    );
}

/// T33, T39: a caller that isn't root gets nothing, and no secret comes near it.
#[test]
fn caller_that_is_not_root_is_refused() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let script = format!(
        "setpriv --reuid 2000 --regid 2000 --clear-groups pamdrive test alice {}; true",
        press(&fob, 0)
    );
    assert!(machine.shell(&script).contains("authenticate 4 "));
    assert_eq!(machine.logged("reason").as_deref(), Some("not_root"));
}

/// T34: su asks for the token of the person one wants to become. What one started can't
/// be stopped while it holds that person's lock.
#[test]
fn su_asks_the_token_of_the_target_and_cannot_be_stopped_with_its_lock() {
    let machine = Machine::with(&["alice", "bob"]);
    let (alice, bob) = (hotp("alice"), hotp("bob"));
    machine.enrol("alice", &[alice.clone()]);
    machine.enrol("bob", &[bob.clone()]);
    machine.service("su", "");
    let su = |code: &str| {
        let script = format!(
            "echo {code} | setpriv --reuid 2000 --regid 2000 --clear-groups su bob -c 'id -un' 2>/dev/null; true"
        );
        machine.shell(&script)
    };
    assert_eq!(su(&press(&alice, 0)), "");
    assert!(su(&press(&bob, 0)).ends_with("since your last login.\nbob\n"));
    let log = machine.log();
    let accepted = |line: &String| {
        line.contains("accepted user=bob service=su") && line.contains("ruser=alice")
    };
    assert!(log.iter().any(accepted), "{log:?}");

    // The sync takes two seconds; meanwhile its owner tries to stop it.
    let script = format!(
        "echo {} | strace -f -qq -o /tmp/trace -e trace=fdatasync -e inject=fdatasync:delay_enter=2000000 \
         setpriv --reuid 2000 --regid 2000 --clear-groups su bob -c 'id -un' &
         while ! pid=$(pgrep -x su) || ! grep -q fdatasync /tmp/trace; do sleep 0.01; done
         setpriv --reuid 2000 --regid 2000 --clear-groups kill -STOP $pid && echo stopped
         wait",
        press(&bob, 1)
    );
    let out = machine.shell(&script);
    assert!(out.contains("bob") && !out.contains("stopped"), "{out}");
}
