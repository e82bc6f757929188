//! The real hosts of the module, treated badly. `FOB_DROPS` for more connections
//! (`make hosts`).

use std::collections::HashMap;
use std::fs;
use std::net::TcpStream;
use std::time::Instant;

use crate::machine::{Machine, descendants, hotp, press, wait_until};
use crate::ssh::Site;

const DROPS: u64 = 64;
/// How many connections at once.
const AT_ONCE: u64 = 8;

fn drops() -> u64 {
    std::env::var("FOB_DROPS").map_or(DROPS, |text| text.parse().unwrap())
}

/// The counters that the log has as accepted, each with how often.
fn accepted(log: &[String]) -> HashMap<u64, usize> {
    let mut counters = HashMap::new();
    for line in log.iter().filter(|line| line.contains(": accepted ")) {
        let counter = line.split_once(" counter=").unwrap().1;
        let counter = counter.split(' ').next().unwrap().parse().unwrap();
        *counters.entry(counter).or_default() += 1;
    }
    counters
}

/// P1, P2, P4, P7: connections that break off at any moment around the answer, eight with the
/// same code at once, and some that sit there until LoginGraceTime is over. The listener lives,
/// nobody is left hanging, no lock stays, and no code is accepted twice.
#[test]
fn connections_that_break_off_leave_nothing_behind_in_sshd() {
    let site = Site::new(
        "publickey,keyboard-interactive\nLoginGraceTime 3\nMaxStartups 200",
        "auth required pam_fob.so\n",
    );
    let machine = &site.machine;
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    // Some break off before they have read the question, some after the answer.
    machine.file(
        "root/ask",
        0o755,
        "#!/bin/sh\n[ \"$CODE\" ] || sleep 20\nprintf '%s\\n' \"$CODE\"\n",
    );
    machine.file(
        "root/drop",
        0o755,
        "#!/bin/bash\n\
         # drop PORT CODE SEED MS: eight connections, each killed within twice the usual MS.\n\
         export SSH_ASKPASS=/root/ask SSH_ASKPASS_REQUIRE=force\nRANDOM=$3\n\
         for n in 0 1 2 3 4 5 6 7; do\n\
         code=$2; [ $((RANDOM % 16)) = 0 ] && code=\n\
         ms=$((RANDOM * 2 * $4 / 32768 + 10)); at=$((ms / 1000)).$(printf %03d $((ms % 1000)))\n\
         CODE=$code timeout -s KILL $at \
         ssh -i /root/key -p $1 -o StrictHostKeyChecking=no -o NumberOfPasswordPrompts=1 \
         -o LogLevel=QUIET alice@127.0.0.1 true >/dev/null 2>&1 &\ndone\nwait\n",
    );
    let port = site.port.to_string();
    let whole_login = |counter: u64| {
        let start = Instant::now();
        let name = site.login(&[&press(&fob, counter)]);
        assert_eq!(name.as_deref(), Some("alice"), "{:#?}", site.logged());
        start.elapsed().as_millis().to_string()
    };
    let mut usual = whole_login(0);
    site.logged();
    let mut next = 1;
    let mut seen: HashMap<u64, usize> = HashMap::new();
    for round in 0..drops() / AT_ONCE {
        let code = press(&fob, next);
        let status = machine
            .command("/root/drop")
            .args([port.as_str(), &code, &round.to_string(), &usual])
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        let log = site.logged();
        for (counter, times) in accepted(&log) {
            *seen.entry(counter).or_default() += times;
        }
        // Where the line of the one that got in was lost, those of the others tell of it.
        if seen.contains_key(&next) || log.iter().any(|line| line.contains("reason=spent")) {
            next += 1;
        }
        if round % 16 == 15 {
            // A process of sshd may still be at the last code.
            usual = whole_login(next + 1);
            next += 2;
        }
    }
    wait_until("every process of a connection has ended", || {
        let all = descendants(site.server.id());
        all.iter()
            .filter(|(_, name, _)| name.starts_with("sshd"))
            .count()
            == 1
    });
    for (counter, times) in accepted(&site.logged()) {
        *seen.entry(counter).or_default() += times;
    }
    assert!(!seen.is_empty(), "all broke off too early");
    assert!(
        seen.values().all(|times| *times == 1),
        "accepted twice: {seen:?}"
    );
    assert!(TcpStream::connect(("127.0.0.1", site.port)).is_ok());
    whole_login(next + 1);
    eprintln!(
        "hosts: {} connections dropped, {} codes accepted",
        drops(),
        seen.len()
    );
}

/// What shell scripts print that run at once as these uids. PAM lets a refusal wait for
/// seconds, which all do together.
fn at_once(machine: &Machine, scripts: &[(usize, String)]) -> Vec<String> {
    let mut all = String::from("cd /tmp\n");
    for (number, (uid, script)) in scripts.iter().enumerate() {
        machine.file(&format!("tmp/script{number}"), 0o755, script);
        all += &format!(
            "setpriv --reuid {uid} --regid {uid} --clear-groups sh script{number} >out{number} 2>err{number} &\n"
        );
    }
    machine.shell(&format!("{all}wait"));
    let out =
        |number: usize| fs::read_to_string(machine.path(&format!("tmp/out{number}"))).unwrap();
    (0..scripts.len()).map(out).collect()
}

fn by_alice(scripts: impl IntoIterator<Item = String>) -> Vec<(usize, String)> {
    scripts.into_iter().map(|script| (2000, script)).collect()
}

/// P7, T33: limits, closed descriptors and an environment that whoever starts su chooses. None
/// of it gets him in or ends su by a signal, and no environment keeps out who has the code.
#[test]
fn whoever_starts_su_cannot_hurt_it_by_limits_descriptors_or_environment() {
    let machine = Machine::with(&["alice", "bob"]);
    let bob = hotp("bob");
    machine.enrol("bob", &[bob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 90\n");
    machine.service("su", "");
    assert_eq!(machine.login("bob", &[&press(&bob, 0)]).code(), 0);
    machine.log();
    let code = press(&bob, 1);
    let script = format!("ulimit -f 0; echo {code} | su bob -c 'echo in' 2>&1 | cat");
    let told = at_once(&machine, &by_alice([script]));
    let log = machine.log();
    assert!(
        log.iter().any(|line| line.contains("reason=state_write")),
        "{log:?}"
    );
    assert_eq!(told, [""]);
    machine.file("tmp/wrong", 0o644, "000000\n");
    let limits = (3..=12)
        .map(|files| format!("prlimit --nofile={files} su bob -c 'echo in' </tmp/wrong; echo $?"));
    let closed = [
        "<&-",
        ">&-",
        "2>&-",
        "<&- >&-",
        "<&- 2>&-",
        ">&- 2>&-",
        "<&- >&- 2>&-",
    ];
    let closed = closed.map(|closed| format!("su bob -c 'echo in' {closed}; echo $?"));
    let scripts = by_alice(limits.chain(closed));
    for (told, (_, script)) in at_once(&machine, &scripts).iter().zip(&scripts) {
        let status = told.trim().parse::<u32>();
        // 127: the loader itself has too few descriptors.
        assert!(matches!(status, Ok(1..=127)), "{script}: {told}");
    }
    machine.log();
    let environments = [
        "LD_PRELOAD=/tmp/evil.so LD_LIBRARY_PATH=/tmp LD_AUDIT=/tmp/evil.so LD_DEBUG=all",
        "RUST_BACKTRACE=full RUST_LOG=trace RUST_MIN_STACK=1 RUST_LIB_BACKTRACE=1",
        "TZ=:/etc/shadow LANG=xx_YY.UTF-16 LC_ALL=../../tmp LANGUAGE=%s%s%n NLSPATH=/tmp/%N",
        "MALLOC_CHECK_=3 MALLOC_PERTURB_=165 MALLOC_ARENA_MAX=0 GLIBC_TUNABLES=glibc.malloc.check=3",
        "HOME=/nonexistent TMPDIR=/nonexistent PATH=/nonexistent:/usr/bin IFS=x FOB_CONF=/tmp/fob.conf",
    ];
    let su = |environment: &str, code: &str| {
        format!("echo {code} | env {environment} su bob -c 'id -un'")
    };
    let wrong = environments.map(|environment| su(environment, "000000"));
    assert_eq!(at_once(&machine, &by_alice(wrong)), [""; 5]);
    let log = machine.log();
    assert_eq!(
        log.iter()
            .filter(|line| line.contains("reason=wrong"))
            .count(),
        5,
        "{log:?}"
    );
    for (counter, environment) in (1..).zip(environments) {
        let right = su(environment, &press(&bob, counter));
        let told = at_once(&machine, &by_alice([right]));
        assert!(told[0].ends_with("bob\n"), "{environment}: {told:?}");
        let log = machine.log();
        let line = log
            .iter()
            .find(|line| line.contains("accepted user=bob"))
            .unwrap();
        assert!(
            line.contains("service=su") && line.contains("ruser=alice"),
            "{line}"
        );
    }
}

/// P2, P7: few descriptors and closed ones keep nobody out who has the code. Where root starts su,
/// libc opens nothing in the place of those that are closed, and the ledger becomes one of them:
/// the prompt, what the person is told, and what su says are written to these.
#[test]
fn limits_and_closed_descriptors_keep_nobody_out_who_has_the_code() {
    let machine = Machine::with(&["alice", "bob"]);
    let bob = hotp("bob");
    machine.enrol("bob", &[bob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 90\n");
    machine.service("su", "");
    machine.folder("tmp", 0o777);
    let alice = "setpriv --reuid alice --regid alice --clear-groups";
    // The last line: who came in, and su's status. A shell with so few descriptors can't redirect.
    let su = |starter: &str, closed: &str, code: &str| {
        let su = format!("{starter} su bob -c 'touch /tmp/in'");
        machine.shell(&format!(
            "rm -f /tmp/in; echo {code} | {su} {closed}; status=$?
             echo $(stat -c %U /tmp/in || echo nobody) $status"
        ))
    };
    let mut codes = (0..).map(|counter| press(&bob, counter));
    assert!(su(alice, "", &codes.next().unwrap()).ends_with("bob 0\n"));
    let spent = |code: &str| {
        assert_eq!(machine.login("bob", &[code]).code(), 7);
        let ledger = fs::read(machine.path("var/lib/fob/2001")).unwrap();
        // The first page: what it is, its version, the mark in a sector of its own.
        assert_eq!((&ledger[..8], ledger.len()), (&b"FOBLEDGE"[..], 3 * 4096));
        assert!(
            ledger[10..512]
                .iter()
                .chain(&ledger[528..4096])
                .all(|byte| *byte == 0)
        );
    };
    for starter in [alice, ""] {
        // What is told of a failed attempt can't be written, and su says so at its end.
        for closed in [">&-", "2>&-", ">&- 2>&-"] {
            let code = codes.next().unwrap();
            let told = su(starter, closed, &code);
            let is_in = ["bob 0\n", "bob 1\n"].iter().any(|end| told.ends_with(end));
            assert!(is_in, "{starter} {closed}: {told}");
            spent(&code);
        }
    }
    for files in 5..=12 {
        let code = codes.next().unwrap();
        let told = su(&format!("{alice} prlimit --nofile={files}"), "", &code);
        assert!(told.ends_with("bob 0\n"), "{files} files: {told}");
        spent(&code);
    }
    // Neither the loader nor libpam comes as far as the module: the code stays good.
    let code = codes.next().unwrap();
    for (files, status) in [(3, 127), (4, 1)] {
        let told = su(&format!("{alice} prlimit --nofile={files}"), "", &code);
        assert!(told.ends_with(&format!("nobody {status}\n")), "{told}");
    }
    assert_eq!(machine.login("bob", &[&code]).code(), 0);
}

/// T34: su asks for the token of whom one wants to become, sudo for that of who asks. The code
/// of another of the three opens neither, and is still good afterwards.
#[test]
fn su_and_sudo_between_three_people_ask_for_the_right_token() {
    let people = ["alice", "bob", "carol"];
    let machine = Machine::with(&people);
    let fobs = people.map(hotp);
    for (person, fob) in people.iter().zip(&fobs) {
        machine.enrol(person, &[fob.clone()]);
    }
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 90\n");
    machine.service("su", "");
    machine.service("sudo", "");
    let sudoers = "ALL ALL=(ALL) ALL\nDefaults timestamp_timeout=0, lecture=never\n";
    machine.file("etc/sudoers", 0o440, sudoers);
    // Who, what, whose token, what is printed.
    let mut doors = vec![];
    for from in 0..3 {
        for to in (0..3).filter(|to| *to != from) {
            let whom = people[to];
            doors.push((from, format!("su {whom} -c 'id -un'"), to, whom));
            doors.push((from, format!("sudo -S -u {whom} id -un"), from, whom));
        }
    }
    let opened = |told: &str, whom: &str| told.lines().any(|line| line == whom);
    let script =
        |from: usize, code: &str, command: &str| (2000 + from, format!("echo {code} | {command}"));
    let all_refused = |scripts: Vec<(usize, String)>| {
        for (told, script) in at_once(&machine, &scripts).iter().zip(&scripts) {
            let is_in = people.iter().any(|person| opened(told, person));
            assert!(!is_in, "{script:?}: {told}");
        }
    };
    let of_others = |(from, command, owner, _): &(usize, String, usize, &str)| {
        let others: Vec<usize> = (0..3).filter(|other| other != owner).collect();
        let line = |other: &usize| script(*from, &press(&fobs[*other], 0), command);
        others.iter().map(line).collect::<Vec<_>>()
    };
    all_refused(doors.iter().flat_map(of_others).collect());
    let mut next = [0; 3];
    let mut again = vec![];
    for (from, command, owner, whom) in &doors {
        let line = script(*from, &press(&fobs[*owner], next[*owner]), command);
        let told = at_once(&machine, std::slice::from_ref(&line));
        assert!(opened(&told[0], whom), "{line:?} {told:?}");
        again.push(line);
        next[*owner] += 1;
    }
    assert_eq!(next, [4, 4, 4]);
    all_refused(again);
}

/// T12, T13: another application, through the whole of a login; and PAM_SUCCESS of setcred
/// alone lets nobody in.
#[test]
fn pamtester_goes_through_authentication_credentials_and_session() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let kinds = ["auth", "account", "session"];
    let lines: String = kinds
        .iter()
        .map(|kind| format!("{kind} required pam_fob.so\n{kind} required pam_permit.so\n"))
        .collect();
    machine.stack("test", &lines);
    let all = "authenticate setcred acct_mgmt open_session close_session";
    let run = |code: &str, calls: &str| {
        let script = format!(
            "echo {code} | pamtester -I rhost=192.0.2.7 test alice {calls} 2>&1; echo status=$?"
        );
        machine.shell(&script)
    };
    let told = run(&press(&fob, 0), all);
    assert!(told.contains("successfully authenticated"), "{told}");
    assert!(told.contains("successfully opened a session"), "{told}");
    assert!(told.ends_with("status=0\n"), "{told}");
    for code in [press(&fob, 0), "000000".into(), String::new()] {
        let told = run(&code, all);
        assert!(
            told.contains("Authentication failure") && !told.contains("success"),
            "{told}"
        );
        assert!(told.ends_with("status=1\n"), "{told}");
    }
    // PAM_IGNORE of every module but pam_permit: an account and a session, but no login.
    assert!(run("", "open_session close_session").ends_with("status=0\n"));
}

/// P9: the control that many stacks have for directory modules ignores two answers. None of the
/// doubts of this module is among them.
#[test]
fn control_that_ignores_unavailable_and_unknown_lets_in_only_who_has_a_code() {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.stack(
        "test",
        "auth [success=ok authinfo_unavail=ignore user_unknown=ignore default=bad] pam_fob.so\n\
         auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n",
    );
    assert_eq!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    assert_ne!(machine.login("alice", &[&press(&fob, 0)]).code(), 0);
    let code = press(&fob, 1);
    for person in ["bob", "nosuch", "", "root", "alice\n"] {
        assert_ne!(machine.login(person, &[&code]).code(), 0, "{person:?}");
    }
    let harms = [
        (
            "mv /var/lib/fob /var/lib/away",
            "mv /var/lib/away /var/lib/fob",
        ),
        (
            "mv /etc/fob/tokens /etc/fob/away",
            "mv /etc/fob/away /etc/fob/tokens",
        ),
        (
            "mv /etc/fob/tokens/alice /root",
            "mv /root/alice /etc/fob/tokens",
        ),
        (
            "chmod 0644 /etc/fob/tokens/alice",
            "chmod 0600 /etc/fob/tokens/alice",
        ),
        (
            "cp /var/lib/fob/2000 /root; : >/var/lib/fob/2000",
            "cat /root/2000 >/var/lib/fob/2000",
        ),
        ("echo nonsense >/etc/fob/fob.conf", "rm /etc/fob/fob.conf"),
        ("mv /etc/passwd /etc/away", "mv /etc/away /etc/passwd"),
    ];
    for (harm, mend) in harms {
        machine.shell(harm);
        assert_ne!(machine.login("alice", &[&code]).code(), 0, "{harm}");
        machine.shell(mend);
    }
    assert_eq!(machine.login("alice", &[&code]).code(), 0);
}
