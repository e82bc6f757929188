//! P7, T01: each allocation of a login fails, alone or with all that follow. `make faults` for
//! every one of them; `make check` takes a sample.
//!
//! The module's own are met from its reserve; those of the libraries that it calls fail. Whatever
//! fails, the host lives, nobody gets in by it, and the next login works.

use fob_core::Token;

use crate::enrolment::{APP, REQUIRE};
use crate::machine::{Machine, hotp, press};

/// Every so many-th allocation is tried in `make check`.
const SAMPLE: usize = 40;

/// What PAM may say to a login in which something failed.
const REFUSALS: [&str; 4] = ["4", "5", "7", "19"];

/// Runs the login of `user` with each starvation of /tmp/list. `SEEN` lines: which, what the
/// login said, how many lines a stranger printed; then what the same answer and the next one, twice,
/// come to.
const TRIES: &str = r#"
login() { pamdrive --rhost 203.0.113.9 test "$@" 2>/dev/null | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
cp -a /var/lib/fob /tmp/before
while read -r which <&3; do
    rm -rf /var/lib/fob; cp -a /tmp/before /var/lib/fob
    FOB_STARVE=$which LD_PRELOAD=/usr/lib/starve.so \
        pamdrive --rhost 192.0.2.7 test $user $answer >/tmp/out 2>/tmp/err
    said=$(sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p' /tmp/out)
    strangers=$(cat /tmp/out /tmp/err | grep -vc '^pamdrive: \|^starve: ')
    echo SEEN $which ${said:-dead} $strangers $(login $user $answer) $(login alice $next) $(login alice $next)
done 3</tmp/list
"#;

/// Whether all went as it must, with each starvation; `right` if the answer lets in.
fn endures(user: &str, answer: &str, right: bool) {
    let machine = Machine::with(&["alice", "bob"]);
    let fob = hotp("alice");
    machine.enrol("alice", std::slice::from_ref(&fob));
    machine.service("test", "nullok");
    machine.login("alice", &[&press(&fob, 0)]);
    let answer = answer.replace("RIGHT", &press(&fob, 1));
    let told = machine.shell(&format!(
        "cp -a /var/lib/fob /tmp/kept
         LD_PRELOAD=/usr/lib/starve.so pamdrive --rhost 192.0.2.7 test {user} {answer} 2>&1 >/dev/null
         rm -rf /var/lib/fob; mv /tmp/kept /var/lib/fob"
    ));
    let total: usize = told.trim().trim_start_matches("starve: ").parse().unwrap();
    assert!(total > 100, "{told}");
    let step = match std::env::var("FOB_FAULTS") {
        Ok(_) => 1,
        Err(_) => SAMPLE,
    };
    let list: String = (1..=total)
        .step_by(step)
        .map(|which| format!("{which}\n{which}+\n"))
        .collect();
    machine.file("tmp/list", 0o600, list);
    let next = press(&fob, 2);
    let out = machine.shell(&format!("user={user} answer={answer} next={next}\n{TRIES}"));
    let seen: Vec<Vec<&str>> = out
        .lines()
        .filter_map(|line| line.strip_prefix("SEEN "))
        .map(|line| line.split(' ').collect())
        .collect();
    assert_eq!(seen.len(), total.div_ceil(step) * 2, "{out}");
    let mut accepted = 0;
    for line in &seen {
        let [_, said, strangers, again, next, next_again] = line[..] else {
            panic!("{line:?}");
        };
        let is_accepted = said == "0";
        accepted += usize::from(is_accepted);
        assert!(is_accepted && right || REFUSALS.contains(&said), "{line:?}");
        assert_eq!(strangers, "0", "{line:?}");
        assert!(
            again == "7" || again == "0" && right && !is_accepted,
            "{line:?}"
        );
        assert_eq!((next, next_again), ("0", "7"), "{line:?}");
    }
    println!("{} of {total} allocations, {accepted} accepted", seen.len());
    // Where only the module's own fail, nobody notices.
    assert!(!right || accepted > seen.len() / 2, "{accepted}");
}

/// A right code.
#[test]
fn login_without_memory_lets_in_or_refuses_and_harms_nobody() {
    endures("alice", "RIGHT", true);
}

/// A wrong code.
#[test]
fn wrong_code_without_memory_lets_nobody_in() {
    endures("alice", "000000", false);
}

/// The reserve is enough for the largest logins: of somebody with sixteen tokens, and an
/// enrolment with its picture.
#[test]
fn whole_logins_do_with_the_reserve_alone() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    let fobs: Vec<_> = (0..16)
        .map(|n| Token {
            id: format!("fob-{n}"),
            ..hotp(&format!("{n}"))
        })
        .collect();
    machine.enrol("alice", &fobs);
    let code = press(&fobs[15], 0);
    let app = APP.replace('\'', "'\\''");
    let out = machine.shell(&format!(
        "starved() {{ FOB_STARVE=own LD_PRELOAD=/usr/lib/starve.so \
             pamdrive --calls authenticate,setcred test \"$@\" 2>&1; }}
         starved alice {code}; starved alice {code}; starved bob '{app}' ''"
    ));
    let results: Vec<&str> = out
        .lines()
        .filter_map(|line| line.strip_prefix("pamdrive: "))
        .filter(|line| line.starts_with("authenticate ") || line.starts_with("setcred "))
        .filter_map(|line| line.rsplit_once(' ').map(|(result, _)| result))
        .collect();
    let once = ["authenticate 0", "setcred 0"];
    // libpam itself answers 6 to setcred after a refusal.
    let refused = ["authenticate 7", "setcred 6"];
    assert_eq!(results, [once, refused, once].concat(), "{out}");
    assert!(machine.path("var/lib/fob/tokens/bob").exists(), "{out}");
}
