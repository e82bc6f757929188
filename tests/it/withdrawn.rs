//! What was taken from somebody lets in no login that is judged afterwards, not even one that had
//! begun, and was stopped by whoever types.

use crate::fob::json;
use crate::machine::{Machine, hotp, press};

/// Shell functions. `stopped CALL:K WORD...` begins a login that stops right behind that call;
/// `goes_on` prints what PAM says to it then.
const STOPPED: &str = r#"
stopped() {
    where=$1; shift
    rm -f /tmp/trace
    strace -f -qq -o /tmp/trace -e inject=${where%:*}:signal=STOP:when=${where#*:} pamdrive "$@" >/tmp/out &
    for n in $(seq 500); do
        pid=$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' /tmp/trace 2>/dev/null)
        [ -z "$pid" ] || return 0
        sleep 0.02
    done
}
goes_on() { kill -CONT $pid; wait; sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p' /tmp/out; }
"#;

/// Alice, with a ledger, and the call in front of the one that locks it.
fn machine() -> (Machine, String) {
    let machine = Machine::with(&["alice"]);
    let rule = "[[rule]]\nname = \"all\"\naction = \"require\"\nremember = \"12h\"\n";
    machine.file("etc/fob/fob.conf", 0o644, rule);
    machine.enrol("alice", &[hotp("alice")]);
    assert_eq!(
        machine.login("alice", &[&press(&hotp("alice"), 0)]).code(),
        0
    );
    let calls =
        "strace -qq -o /tmp/all -e trace=prlimit64,flock pamdrive test alice 000000 >/dev/null
        awk '/^prlimit64/ { n++ } /^flock/ { print \"prlimit64:\" n; exit }' /tmp/all";
    let before_lock = machine.shell(calls).trim().to_owned();
    (machine, before_lock)
}

/// P9: a token, the whole person, a recovery code, a remembered place. P2: another change of the
/// file refuses nobody.
#[test]
fn login_under_way_goes_by_what_holds_when_it_is_judged() {
    let (machine, before_lock) = machine();
    let fob = hotp("alice");
    let says = |words: &str, change: &str| {
        let script = format!(
            "{STOPPED}
             fob unlock alice >/dev/null
             stopped {before_lock} {words}
             {change} >/dev/null || echo not changed
             goes_on"
        );
        machine.shell(&script).trim().to_owned()
    };
    let code = |counter| format!("test alice {}", press(&fob, counter));
    assert_eq!(says(&code(1), "fob disable alice"), "7");
    machine.shell("fob enable alice");
    assert_eq!(says(&code(1), "fob revoke alice --id fob --yes"), "7");
    machine.enrol("alice", &[fob.clone()]);
    assert_eq!(says(&code(1), "fob revoke alice --yes"), "7");
    machine.enrol("alice", &[fob.clone()]);
    let remark = "printf '# a word\\n' >>/etc/fob/tokens/alice";
    assert_eq!(says(&code(1), remark), "0");
    let (_, codes) = json(&machine, "recovery alice --yes", "");
    let paper = format!("test alice '{}'", codes["recovery"][0].as_str().unwrap());
    assert_eq!(says(&paper, "fob recovery alice --yes"), "7");

    machine.enrol("alice", &[fob.clone()]);
    let home = |answer: &str| format!("--rhost 192.0.2.7 test alice {answer}");
    let out = machine.shell(&format!("pamdrive {}", home(&press(&fob, 2))));
    assert!(out.contains("authenticate 0 "), "{out}");
    assert_eq!(says(&home(""), "true"), "0");
    let answer = says(&home(""), "fob revoke alice --id fob --yes");
    assert!(!["0", ""].contains(&answer.as_str()), "{answer}");
}

/// A login that is being judged still goes by what was before: so `fob` says "revoked" once that is
/// over.
#[test]
fn revoking_waits_for_the_login_that_is_being_judged() {
    let (machine, _) = machine();
    let script = format!(
        "{STOPPED}
         stopped pwrite64:1 test alice {}
         fob revoke alice --id fob --yes >/tmp/fob 2>&1 &
         fob=$!
         for n in $(seq 200); do
             ls -l /proc/$fob/fd 2>/dev/null | grep -q /var/lib/fob/2000 && echo waits && break
             sleep 0.02
         done
         grep -c secret /etc/fob/tokens/alice
         goes_on
         cat /tmp/fob",
        press(&hotp("alice"), 1)
    );
    let out = machine.shell(&script);
    let lines: Vec<&str> = out.lines().collect();
    let [waits, secrets, said, ..] = lines[..] else {
        panic!("{out}");
    };
    assert_eq!((waits, secrets, said), ("waits", "0", "0"), "{out}");
    assert!(out.contains("is revoked"), "{out}");
    assert!(!out.contains("warning"), "{out}");
}
