//! A kind of login, and the trying of its faults.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::errors::{ERRORS, SYNCS};
use crate::machine::{CALLS, Machine};

/// Every so many-th fault is tried in `make check`, beside the kills and cuts of some kinds and
/// what changes the ids.
const SAMPLE: usize = 53;

/// Where the login comes from in which something fails.
pub const HOME: &str = "192.0.2.7";

/// What PAM may say to a login in which something failed. 5 and 28 are libpam's own: it has no
/// memory, or can't load a module. Never 26: nothing that fails makes the module panic.
const REFUSALS: [i32; 6] = [3, 4, 5, 7, 19, 28];

/// A kind of login.
pub struct Kind<'a> {
    /// Whose login it is.
    pub user: &'a str,
    /// Whose uid the real one of the application is: that of who started su, or root's.
    pub real_uid: u32,
    /// The machine as the login finds it.
    pub machine: Machine,
    /// What the application calls, one after the other until something is refused.
    pub calls: &'a str,
    /// What is typed.
    pub answers: &'a [String],
    /// What PAM says where nothing fails.
    pub code: i32,
    /// Shell commands that print the words of [`Seen::after`]. `login FROM USER ANSWER...`
    /// prints what another login says.
    pub after: String,
    /// What must hold of them.
    pub holds: fn(&Fault, &Seen) -> Result<(), &'static str>,
    /// What may be left in the state folder, beside what absent people are judged by. A name
    /// with a slash at its end stands for what is in that folder.
    pub files: &'a [&'a str],
    /// The service whose login is tried where a file isn't there: one without `nullok`.
    pub strict: &'a str,
    /// Whether `make check` kills at every call and cuts every one short, or some.
    pub kills: bool,
}

/// What is done to which call.
#[derive(Debug)]
pub struct Fault {
    /// `error`, `signal`, `cut` or `none`.
    pub what: &'static str,
    pub call: String,
    /// The k-th of its name; of the module's own, where it is cut.
    which: usize,
    pub error: &'static str,
    /// Where in the login.
    pub place: Place,
    /// Whether it is libpam's, which tells the kernel's audit of each answer.
    pub is_audit: bool,
}

/// The parts of a login, for what is known when it is killed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Up to the last sync of pam_authenticate.
    Before,
    /// Behind it: whatever was accepted is spent.
    Behind,
    /// After pam_authenticate.
    Later,
}

impl Fault {
    pub fn kills(&self) -> bool {
        self.what == "signal"
    }

    fn cuts(&self) -> bool {
        self.what == "cut"
    }

    /// Whether the login must come out as if nothing had happened. So it must where a read or a
    /// write was cut short, or one of the ledger interrupted: the rest is there for the asking.
    pub fn is_harmless(&self) -> bool {
        let ledgers = ["pread64", "pwrite64"].contains(&self.call.as_str());
        self.what == "none" || self.cuts() || ledgers && self.error == "EINTR"
    }
}

/// What was seen of one try.
#[derive(Debug)]
pub struct Seen<'a> {
    /// What pam_authenticate said; none where it was killed.
    pub said: Option<i32>,
    /// What came of it afterwards.
    pub after: Vec<&'a str>,
    /// What is left in the state folder.
    pub files: Vec<&'a str>,
}

impl Seen<'_> {
    pub fn is_in(&self) -> bool {
        self.said == Some(0)
    }
}

/// Runs the login with each fault of /tmp/list: its number, what is done, to which call, to the
/// k-th of them, the error, and the service. `SEEN` lines: the number, what the calls said,
/// whether descriptors stayed open, how many lines a stranger printed, whose ids the process had at
/// the end, what was cut; what came of it; and the files.
///
/// What the test application starts to find its answers isn't meant: strace goes without `-f`
/// then, and so can't be quick.
const TRIES: &str = r#"
said() { awk '/^pamdrive: authenticate /{c=$3} /^pamdrive: setcred /{e=$3} /^pamdrive: fds /{f=$3==$4?"ok":"leak"} /^pamdrive: ids /{i=$3} !/^pamdrive: /{s++} END{print c==""?"-":c, e==""?"-":e, f==""?"-":f, s+0, i==""?"-":i}' "$1"; }
login() { from=$1; shift; pamdrive --rhost "$from" test "$@" 2>/dev/null | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
mkdir /tmp/before; cp -a /var/lib/fob/. /tmp/before
mount -t tmpfs -o mode=0700 tmpfs /var/lib/fob
while read -r n what name k error service <&3; do
    : >/tmp/cuts; rm -rf /var/lib/fob/* /tmp/code /tmp/shown; cp -a /tmp/before/. /var/lib/fob
    case $what in
    none) set -- ;;
    cut) set -- env LD_PRELOAD=/usr/lib/cut.so FOB_CUT=$name:$k ;;
    # A signal isn't sent by way of seccomp.
    signal) set -- strace -qq -o /dev/null -e trace=$name -e inject=$name:signal=KILL:when=$k ;;
    *) set -- strace $quick -qq -o /dev/null -e trace=$name -e inject=$name:$what=$error:when=$k ;;
    esac
    drives "$@" >/tmp/out 2>&1
    [ -s /tmp/cuts ] || echo - >/tmp/cuts
    echo SEEN $n $(said /tmp/out) $(tr ' \n' : </tmp/cuts) $(after) '|' $(cd /var/lib/fob; find . -mindepth 1 -printf '%P ')
done 3</tmp/list
"#;

impl Kind<'_> {
    /// Tries every fault with `FOB_FAULTS=all`, those of one call or one error with
    /// its name, else a sample.
    pub fn endures(&self) {
        self.machine.service("strict", "");
        let faults: Vec<Fault> = self.faults();
        assert!(faults.len() > 400, "{}", faults.len());
        let wanted = std::env::var("FOB_FAULTS").ok();
        let is_tried = |n: usize, fault: &Fault| match wanted.as_deref() {
            Some("all") => true,
            Some(name) => {
                [fault.call.as_str(), fault.error].contains(&name) || fault.what == "none"
            }
            None => {
                n % SAMPLE == 0
                    || fault.call == "setresuid"
                    || (fault.kills() || fault.cuts()) && self.kills
            }
        };
        let tried: BTreeMap<usize, &Fault> = faults
            .iter()
            .enumerate()
            .filter(|(n, fault)| is_tried(*n, fault))
            .collect();
        let out = self.tries(&tried);
        let mut said = BTreeMap::new();
        let mut wrong = Vec::new();
        for line in &out {
            let (number, words) = line.split_once(' ').unwrap();
            let fault = tried[&number.parse().unwrap()];
            if let Err(what) = self.judge(fault, words) {
                wrong.push(format!("{what}: {fault:?}: {line}"));
            }
            let word = words.split(' ').next().unwrap();
            *said.entry(word.to_owned()).or_insert(0) += 1;
        }
        println!("{} faults: {said:?}", tried.len());
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            tried.len(),
            wrong.join("\n")
        );
    }

    /// The lines of what was seen, without their first word.
    fn tries(&self, tried: &BTreeMap<usize, &Fault>) -> Vec<String> {
        let mut list = String::new();
        for (n, fault) in tried {
            let Fault {
                what,
                call,
                which,
                error,
                ..
            } = fault;
            let service = if *error == "ENOENT" {
                self.strict
            } else {
                "test"
            };
            writeln!(list, "{n} {what} {call} {which} {error} {service}").unwrap();
        }
        self.machine.file("tmp/list", 0o600, list);
        let starts = self.answers.iter().any(|answer| answer.starts_with('|'));
        let quick = if starts { "" } else { "--seccomp-bpf -f" };
        let script = format!(
            "quick='{quick}'\ndrives() {{ timeout 60 \"$@\" {}; }}\nafter() {{ {}\n}}\n{TRIES}",
            self.drives("$service"),
            self.after
        );
        let out = self.machine.shell(&script);
        let seen = out.lines().filter_map(|line| line.strip_prefix("SEEN "));
        let seen: Vec<String> = seen.map(str::to_owned).collect();
        assert_eq!(seen.len(), tried.len(), "{out}");
        seen
    }

    fn drives(&self, service: &str) -> String {
        format!(
            "pamdrive --real-uid {} --rhost {HOME} --until-refused --calls {} {service} {} {}",
            self.real_uid,
            self.calls,
            self.user,
            quoted(self.answers)
        )
    }

    /// All that can happen to each call between the loading of the module and its end.
    fn faults(&self) -> Vec<Fault> {
        let script = format!(
            "{CALLS}
             cp -a /var/lib/fob /tmp/kept
             strace -qq -o /tmp/all {0} >/tmp/out
             restored() {{ rm -rf /var/lib/fob; cp -a /tmp/kept /var/lib/fob; }}
             restored
             LD_PRELOAD=/usr/lib/cut.so FOB_CUT=count {0} >/tmp/out
             restored
             echo $(cat /tmp/cuts)
             grep '^[a-z_0-9]*(' /tmp/all | grep -v '^execve(' >/tmp/those
             sed -n '/pam_fob.so/=' /tmp/those | head -n 1
             sed -n '/\"\\/proc\\/self\\/fd\"/=' /tmp/those | tail -n 1
             echo $(sed -n '/NETLINK_AUDIT/=' /tmp/those)
             calls /tmp/those",
            self.drives("test")
        );
        let out = self.machine.shell(&script);
        let mut lines = out.lines();
        let cuts: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let mut number = || -> usize { lines.next().unwrap().parse().unwrap() };
        let (first, last) = (number(), number());
        let audits = lines.next().unwrap().split_whitespace();
        let audits: Vec<usize> = audits.map(|line| line.parse().unwrap()).collect();
        let calls: Vec<(&str, usize)> = lines
            .map(|line| line.split_once(' ').unwrap())
            .map(|(name, which)| (name, which.parse().unwrap()))
            .collect();
        let mut faults = vec![Fault {
            what: "none",
            call: "-".into(),
            which: 0,
            error: "-",
            place: Place::Later,
            is_audit: false,
        }];
        let places = places(&calls, &audits);
        let module = calls.iter().zip(places).take(last - 1).skip(first - 1);
        for ((call, which), place) in module {
            let Some((place, is_audit)) = place else {
                continue;
            };
            let known = ERRORS.iter().find(|(name, _)| name == call);
            let (_, errors) = known.unwrap_or_else(|| panic!("{call} has no row in ERRORS"));
            let kinds = errors.iter().map(|error| ("error", *error));
            let all = kinds.chain([("signal", "KILL")]);
            faults.extend(all.map(|(what, error)| Fault {
                what,
                call: (*call).into(),
                which: *which,
                error,
                place,
                is_audit,
            }));
        }
        faults.extend(all_cuts(&cuts));
        faults
    }

    /// `Err` with what is wrong.
    fn judge(&self, fault: &Fault, words: &str) -> Result<(), &'static str> {
        let (words, files) = words.split_once('|').ok_or("no answer")?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let [
            said,
            established,
            descriptors,
            strangers,
            ids,
            cut,
            after @ ..,
        ] = words.as_slice()
        else {
            return Err("no answer");
        };
        let wanted = if fault.cuts() {
            format!("{}:{}:", fault.call, fault.which)
        } else {
            "-:".to_owned()
        };
        if *cut != wanted {
            return Err("not cut, or something else");
        }
        let seen = Seen {
            said: said.parse().ok(),
            after: after.to_vec(),
            files: files.split_whitespace().collect(),
        };
        self.judge_answer(fault, &seen)?;
        let ended = *descriptors != "-";
        if ended && (fault.call != "close" && *descriptors != "ok" || *strangers != "0") {
            return Err("a descriptor is open, or something was printed");
        }
        if ended {
            seen.said.ok_or("the application got no answer")?;
            self.judge_ids(fault, ids, seen.is_in())?;
        }
        if fault.kills() == ended {
            return Err(if ended {
                "not killed"
            } else {
                "the host is dead"
            });
        }
        let establishes = self.calls.ends_with("setcred") && seen.is_in() && ended;
        let by_libpam = establishes && fault.is_audit && *established == "4";
        if !by_libpam && *established != if establishes { "0" } else { "-" } {
            return Err("setcred failed a login that succeeded");
        }
        (self.holds)(fault, &seen)?;
        // Where nothing could be found, the person passed for somebody unknown.
        let known = |file: &&str| {
            let is_in =
                |known: &&str| file == known || known.ends_with('/') && file.starts_with(*known);
            self.files.iter().any(is_in) || file.starts_with("dummy")
        };
        if !seen.files.iter().all(known) {
            return Err("left behind");
        }
        Ok(())
    }

    /// T31: who the process is afterwards. Where the system refuses to put the real uid back,
    /// nobody is let in.
    fn judge_ids(&self, fault: &Fault, ids: &str, is_in: bool) -> Result<(), &'static str> {
        let ids_with = |real: u32| format!("{real},0,0,0,0,0");
        let is_refused = fault.call == "setresuid" && fault.what == "error" && !is_in;
        if ids == ids_with(self.real_uid) || is_refused && ids == ids_with(0) {
            Ok(())
        } else {
            Err("other ids than before")
        }
    }

    fn judge_answer(&self, fault: &Fault, seen: &Seen) -> Result<(), &'static str> {
        // A sync that was interrupted is done again.
        let unsynced = SYNCS.contains(&fault.call.as_str())
            && fault.what == "error"
            && fault.error != "EINTR"
            && fault.place != Place::Later;
        match seen.said {
            Some(0) if self.code != 0 => Err("let in"),
            Some(0) if unsynced => Err("let in without a sync"),
            Some(0) => Ok(()),
            Some(code) if fault.is_harmless() && code != self.code => {
                Err("refused without a fault")
            }
            Some(_) if fault.place == Place::Later && !fault.is_harmless() => {
                Err("refused before something failed")
            }
            Some(code) if !REFUSALS.contains(&code) => Err("an answer that isn't ours"),
            _ => Ok(()),
        }
    }
}

/// Each of the module's reads and writes cut short, by the names and how many there are of each.
fn all_cuts(counts: &[&str]) -> Vec<Fault> {
    let fault = |call: &str, which| Fault {
        what: "cut",
        call: call.into(),
        which,
        error: "-",
        place: Place::Later,
        is_audit: false,
    };
    let of_name = |name: &[&str]| -> Vec<Fault> {
        let [call, count] = name else {
            panic!("{counts:?}: no name and number");
        };
        let count = count.parse().unwrap();
        (1..=count).map(|which| fault(call, which)).collect()
    };
    let all: Vec<Fault> = counts.chunks(2).flat_map(of_name).collect();
    // Of the token file, and of the ledger.
    for call in ["read", "pread64"] {
        assert!(all.iter().any(|fault| fault.call == call), "{counts:?}");
    }
    all
}

/// Where each call stands, and whether it is of the audit, which libpam tells after the module's
/// answer. `None` for what isn't the module's or libpam's: the mark of a call of the
/// application's, and what it does to find an answer, from its pipe to the end of the process.
fn places(calls: &[(&str, usize)], audits: &[usize]) -> Vec<Option<(Place, bool)>> {
    let names: Vec<&str> = calls.iter().map(|(name, _)| *name).collect();
    let marks = names
        .iter()
        .enumerate()
        .filter(|(_, name)| **name == "getppid");
    let later = marks.map(|(at, _)| at).nth(1).unwrap_or(names.len());
    let synced = names[..later].iter().rposition(|name| SYNCS.contains(name));
    let (mut answers, mut audit) = (false, false);
    let place = |(at, name): (usize, &&str)| {
        audit = audits.contains(&(at + 1)) || audit && *name != "getppid";
        answers = answers && *name != "wait4" || *name == "pipe2";
        let place = if at > later {
            Place::Later
        } else if synced.is_some_and(|synced| at > synced) {
            Place::Behind
        } else {
            Place::Before
        };
        let ours = !answers && !["wait4", "getppid"].contains(name);
        ours.then_some((place, audit))
    };
    names.iter().enumerate().map(place).collect()
}

/// As words of a shell.
pub fn quoted(words: &[String]) -> String {
    let quoted = words
        .iter()
        .map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}
