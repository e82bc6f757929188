//! Every system call of a login failed with each error that it can give, interrupted, cut
//! short, and killed at. `make faults` for all of it; `make check` takes a sample.
//!
//! A kind of login is one test: how the machine stands before it, what is typed, what PAM says
//! to that, and what the owner types afterwards. Whatever fails:
//!
//! - the answer is never 25, and never 0 for what isn't right (T01, T02);
//! - what was answered with 0 is spent, and no sync that failed lets anybody in (P1, P3);
//! - the host lives, no descriptor stays open, and nothing is printed (P7);
//! - the next login works, and can't be repeated; nothing is left behind (P4).

use std::collections::BTreeMap;
use std::fmt::Write;

use fob_core::{RecoveryCode, Token};

use crate::machine::{CALLS, Machine, hotp, press, token_file};

/// Every so many-th fault is tried in `make check`, beside all the kills.
const SAMPLE: usize = 25;

/// A kind of login.
struct Kind<'a> {
    /// Whose login it is.
    user: &'a str,
    /// The machine as the login finds it.
    machine: Machine,
    /// What is typed.
    answers: &'a [String],
    /// What PAM says where nothing fails.
    code: i32,
    /// What PAM says to the same answers again, from elsewhere.
    again: i32,
    /// What alice types afterwards; it must let her in, once.
    next: &'a [String],
    /// Whether `make check` kills at every call, or at some.
    kills: bool,
}

/// The errors that a call can give by the word of its manual, as far as they say something about
/// this machine. That a file isn't there is no fault but a fact, and tried without `nullok`.
const ERRORS: &[(&str, &[&str])] = &[
    ("access", &["EACCES", "EIO", "ENOENT"]),
    ("bind", &["EACCES", "EADDRINUSE", "ENOMEM"]),
    ("brk", &["ENOMEM"]),
    ("clock_gettime", &["EINVAL"]),
    ("clock_nanosleep", &["EINTR"]),
    ("close", &["EIO", "EINTR"]),
    (
        "connect",
        &["EACCES", "ECONNREFUSED", "EAGAIN", "EINTR", "ENOENT"],
    ),
    ("fchmod", &["EIO", "EPERM", "EROFS"]),
    ("fcntl", &["EINVAL"]),
    ("fdatasync", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"]),
    ("flock", &["EINTR", "ENOLCK", "EAGAIN"]),
    ("fstat", &["EIO", "ENOMEM", "EOVERFLOW"]),
    ("fsync", &["EIO", "ENOSPC", "EDQUOT", "EROFS", "EINTR"]),
    ("futex", &["EINTR", "EAGAIN"]),
    ("geteuid", &[]),
    ("getpid", &[]),
    ("getrandom", &["EAGAIN", "EINTR", "ENOSYS"]),
    ("getsockname", &["ENOBUFS"]),
    ("getuid", &[]),
    ("ioctl", &["ENOTTY", "EIO"]),
    (
        "linkat",
        &[
            "EEXIST", "ENOSPC", "EDQUOT", "EIO", "EROFS", "EPERM", "ENOMEM", "ENOENT",
        ],
    ),
    ("lseek", &["EINVAL", "EOVERFLOW"]),
    ("madvise", &["ENOMEM", "EAGAIN"]),
    ("mmap", &["ENOMEM", "EACCES", "ENODEV"]),
    ("mprotect", &["ENOMEM", "EACCES"]),
    ("mremap", &["ENOMEM", "EAGAIN"]),
    ("munmap", &["ENOMEM"]),
    (
        "newfstatat",
        &["EACCES", "EIO", "ELOOP", "ENOMEM", "ENOTDIR", "ENOENT"],
    ),
    (
        "openat",
        &[
            "EACCES",
            "EINTR",
            "EIO",
            "ELOOP",
            "EMFILE",
            "ENFILE",
            "ENOMEM",
            "ENOSPC",
            "EPERM",
            "EROFS",
            "EOPNOTSUPP",
            "ENOENT",
        ],
    ),
    ("poll", &["EINTR", "ENOMEM"]),
    ("pread64", &["EIO", "EINTR", "EISDIR"]),
    ("prlimit64", &["EPERM", "EINVAL"]),
    (
        "pwrite64",
        &[
            "EIO", "ENOSPC", "EDQUOT", "EFBIG", "EROFS", "EINTR", "ENOMEM",
        ],
    ),
    ("read", &["EIO", "EINTR", "EISDIR", "EAGAIN"]),
    ("readlink", &["EACCES", "EIO", "ENOENT"]),
    ("recvfrom", &["EAGAIN", "ECONNREFUSED", "EINTR", "ENOMEM"]),
    ("recvmsg", &["EAGAIN", "EINTR", "ENOMEM"]),
    ("rt_sigaction", &["EINVAL"]),
    ("rt_sigprocmask", &["EINVAL"]),
    ("rt_sigtimedwait", &["EAGAIN", "EINTR"]),
    (
        "sendto",
        &["EAGAIN", "ECONNREFUSED", "ENOBUFS", "EPERM", "EINTR"],
    ),
    (
        "socket",
        &["EACCES", "EMFILE", "ENFILE", "ENOBUFS", "EPERM"],
    ),
    (
        "statx",
        &["EACCES", "EIO", "ELOOP", "ENOMEM", "ENOTDIR", "ENOENT"],
    ),
    ("unlink", &["EACCES", "EIO", "EROFS", "ENOENT"]),
    ("write", &["EIO", "ENOSPC", "EDQUOT", "EFBIG", "EINTR"]),
];

/// What can be cut short, as the module calls it.
const CUT: [&str; 4] = ["read", "write", "pread64", "pwrite64"];

/// What PAM may say to a login in which something failed. 5 and 28 are libpam's own: it has no
/// memory, or can't load a module. Never 26: nothing that fails makes the module panic.
const REFUSALS: [i32; 6] = [3, 4, 5, 7, 19, 28];

/// Runs the login with each fault of /tmp/list: its number, what is done, to which call, to the
/// k-th of them, the error, and the service. `SEEN` lines: the number, what the login said,
/// whether descriptors stayed open, how many lines a stranger printed; then what the same
/// answers, the next ones and these again come to; and the files.
const TRIES: &str = r#"
said() { awk '/^pamdrive: authenticate /{c=$3} /^pamdrive: fds /{f=$3==$4?"ok":"leak"} !/^pamdrive: /{s++} END{print c==""?"-":c, f==""?"-":f, s+0}' "$1"; }
login() { pamdrive --rhost 203.0.113.9 "$@" 2>/dev/null | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
mkdir /tmp/before; cp -p /var/lib/fob/* /tmp/before 2>/dev/null
mount -t tmpfs -o mode=0700 tmpfs /var/lib/fob
while read -r n what name k error service <&3; do
    rm -f /var/lib/fob/*; cp -p /tmp/before/* /var/lib/fob 2>/dev/null
    case $what in
    none) set -- ;;
    cut) set -- env LD_PRELOAD=/usr/lib/cut.so FOB_CUT=$name:$k ;;
    # A signal isn't sent by way of seccomp.
    signal) set -- strace -f -qq -o /dev/null -e trace=$name -e inject=$name:signal=KILL:when=$k ;;
    *) set -- strace --seccomp-bpf -f -qq -o /dev/null -e trace=$name -e inject=$name:$what=$error:when=$k ;;
    esac
    timeout 20 "$@" pamdrive --rhost 192.0.2.7 $service $user $answers >/tmp/out 2>&1
    again=$(login test $user $answers)
    echo SEEN $n $(said /tmp/out) ${again:--} $(login test alice $next) $(login test alice $next) \
        $(ls -A /var/lib/fob | tr '\n' ,)
done 3</tmp/list
"#;

/// What is done to which call.
#[derive(Debug)]
struct Fault {
    /// `error`, `signal`, `cut` or `none`.
    what: &'static str,
    call: String,
    /// The k-th of its name.
    which: usize,
    error: &'static str,
    /// Whether it stands behind the last sync: whatever was accepted is spent then.
    behind: bool,
}

impl Kind<'_> {
    /// Tries every fault, or a sample.
    fn endures(&self) {
        self.machine.service("strict", "");
        let faults: Vec<Fault> = self.faults();
        assert!(faults.len() > 400, "{}", faults.len());
        let all = std::env::var("FOB_FAULTS").is_ok();
        let tried = faults.iter().enumerate().filter(|(n, fault)| {
            let is_kill = fault.what == "signal" && self.kills;
            all || n % SAMPLE == 0 || is_kill
        });
        let tried: BTreeMap<usize, &Fault> = tried.collect();
        let mut list = String::new();
        for (n, fault) in &tried {
            let service = if fault.error == "ENOENT" {
                "strict"
            } else {
                "test"
            };
            let Fault {
                what,
                call,
                which,
                error,
                ..
            } = fault;
            writeln!(list, "{n} {what} {call} {which} {error} {service}").unwrap();
        }
        self.machine.file("tmp/list", 0o600, list);
        let script = format!(
            "user={} answers='{}' next='{}'\n{TRIES}",
            self.user,
            self.answers.join(" "),
            self.next.join(" ")
        );
        let out = self.machine.shell(&script);
        let seen: Vec<&str> = out
            .lines()
            .filter(|line| line.starts_with("SEEN "))
            .collect();
        assert_eq!(seen.len(), tried.len(), "{out}");
        let mut answers = BTreeMap::new();
        let mut wrong = Vec::new();
        for line in seen {
            let words: Vec<&str> = line.split(' ').collect();
            let fault = tried[&words[1].parse().unwrap()];
            if let Err(what) = self.judge(fault, &words[2..]) {
                wrong.push(format!("{what}: {fault:?}: {line}"));
            }
            *answers.entry(words[2].to_owned()).or_insert(0) += 1;
        }
        println!("{} faults: {answers:?}", tried.len());
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            tried.len(),
            wrong.join("\n")
        );
    }

    /// All that can happen to each call between the loading of the module and its end.
    fn faults(&self) -> Vec<Fault> {
        let script = format!(
            "{CALLS}
             cp -a /var/lib/fob /tmp/kept
             strace -f -qq -o /tmp/all pamdrive --rhost 192.0.2.7 test {} {} >/tmp/out
             rm -rf /var/lib/fob; mv /tmp/kept /var/lib/fob
             grep -v ' execve(' /tmp/all | sed -n '/pam_fob.so/=' | head -n 1
             grep -v ' execve(' /tmp/all | sed -n '/\"\\/proc\\/self\\/fd\"/=' | tail -n 1
             calls /tmp/all",
            self.user,
            self.answers.join(" ")
        );
        let out = self.machine.shell(&script);
        let mut lines = out.lines();
        let mut number = || -> usize { lines.next().unwrap().parse().unwrap() };
        let (first, last) = (number(), number());
        let calls: Vec<(&str, usize)> = lines
            .map(|line| line.split_once(' ').unwrap())
            .map(|(name, which)| (name, which.parse().unwrap()))
            .collect();
        let synced = calls.iter().rposition(|(name, _)| *name == "fdatasync");
        let mut faults = vec![Fault {
            what: "none",
            call: "-".into(),
            which: 0,
            error: "-",
            behind: true,
        }];
        for (at, (call, which)) in calls.iter().enumerate().take(last - 1).skip(first - 1) {
            let known = ERRORS.iter().find(|(name, _)| name == call);
            let (_, errors) = known.unwrap_or_else(|| panic!("{call} has no row in ERRORS"));
            let kinds = errors.iter().map(|error| ("error", *error));
            let cuts = CUT.contains(call).then_some(("cut", "-"));
            faults.extend(
                kinds
                    .chain([("signal", "KILL")])
                    .chain(cuts)
                    .map(|(what, error)| Fault {
                        what,
                        call: (*call).into(),
                        which: *which,
                        error,
                        behind: synced.is_some_and(|synced| at > synced),
                    }),
            );
        }
        faults
    }

    /// `Err` with what is wrong.
    fn judge(&self, fault: &Fault, seen: &[&str]) -> Result<(), &'static str> {
        let [said, descriptors, strangers, again, next, next_again, files] = *seen else {
            return Err("no answer");
        };
        let said: Option<i32> = said.parse().ok();
        match said {
            Some(0) if self.code != 0 => return Err("let in"),
            Some(0) if fault.call == "fdatasync" && self.is_last_sync(fault) => {
                return Err("let in without a sync");
            }
            Some(0) => {}
            Some(code) if fault.what == "none" => {
                if code != self.code {
                    return Err("refused without a fault");
                }
            }
            Some(code) if !REFUSALS.contains(&code) => return Err("an answer that isn't ours"),
            Some(_) => {}
            None if fault.what == "signal" => {}
            None => return Err("the host is dead"),
        }
        if said.is_some() && (fault.call != "close" && descriptors != "ok" || strangers != "0") {
            return Err("a descriptor is open, or something was printed");
        }
        let spent = said == Some(0) || self.code == 0 && fault.behind && fault.what == "signal";
        if again != "0" && again != "7" || spent && again == "0" {
            return Err("accepted twice");
        }
        if self.code != 0 && again != self.again.to_string() {
            return Err("another answer to the same later");
        }
        if (next, next_again) != ("0", "7") {
            return Err("the next login");
        }
        if fault.what == "signal" && said.is_some() {
            return Err("not killed");
        }
        let mut files = files.split(',').filter(|file| !file.is_empty());
        // Where nothing could be found, the person passed for somebody unknown.
        if !files.all(|file| file == "2000" || file.starts_with("dummy")) {
            return Err("left behind");
        }
        Ok(())
    }

    /// Every sync of a login that lets in must succeed.
    fn is_last_sync(&self, fault: &Fault) -> bool {
        fault.error != "EINTR"
    }
}

/// A machine of alice's, who has a fob and recovery codes.
fn machine(conf: &str) -> Machine {
    let machine = Machine::with(&["alice", "bob"]);
    let digests: Vec<_> = (0..10)
        .map(|n| fob_core::format::hex_text(&paper(n).digest(&[7; 16]).bytes()))
        .collect();
    let recovery = format!(
        "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
        "01".repeat(16),
        "07".repeat(16)
    );
    machine.file(
        "etc/fob/tokens/alice",
        0o600,
        token_file(&[fob()]) + &recovery,
    );
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine.service("test", "nullok");
    machine
}

fn fob() -> Token {
    hotp("alice")
}

fn paper(n: u8) -> RecoveryCode {
    RecoveryCode::new([n, 2, 3, 4, 5, 6, 7, 8, 9, 10])
}

fn presses(counters: &[u64]) -> Vec<String> {
    counters
        .iter()
        .map(|counter| press(&fob(), *counter))
        .collect()
}

/// Alice's machine after her first login, and another one, so that both slots are written.
fn used(conf: &str) -> Machine {
    let machine = machine(conf);
    for code in presses(&[0, 1]) {
        assert_eq!(machine.login("alice", &[&code]).code(), 0);
    }
    machine
}

/// The first login of all, which makes the ledger.
#[test]
fn first_login_endures_every_fault() {
    Kind {
        user: "alice",
        machine: machine(""),
        answers: &presses(&[1]),
        code: 0,
        again: 7,
        next: &presses(&[2]),
        kills: true,
    }
    .endures();
}

/// One that lets in.
#[test]
fn accepted_login_endures_every_fault() {
    Kind {
        user: "alice",
        machine: used(""),
        answers: &presses(&[2]),
        code: 0,
        again: 7,
        next: &presses(&[3]),
        kills: true,
    }
    .endures();
}

/// One after a login that was killed before its sync.
#[test]
fn login_after_an_unsynced_one_endures_every_fault() {
    let machine = used("");
    let killed = format!(
        "strace -f -qq -o /dev/null -e inject=fdatasync:signal=KILL pamdrive test alice {}; true",
        presses(&[2])[0]
    );
    machine.shell(&killed);
    Kind {
        user: "alice",
        machine,
        answers: &presses(&[3]),
        code: 0,
        again: 7,
        next: &presses(&[4]),
        kills: true,
    }
    .endures();
}

/// A wrong code.
#[test]
fn refused_login_endures_every_fault() {
    Kind {
        user: "alice",
        machine: used(""),
        answers: &["000000".into()],
        code: 7,
        again: 7,
        next: &presses(&[2]),
        kills: false,
    }
    .endures();
}

/// A right code from where it isn't looked at; it stays good elsewhere.
#[test]
fn throttled_login_endures_every_fault() {
    let machine = used("");
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 100\n");
    for _ in 0..12 {
        machine.drive(&["--rhost", "192.0.2.7", "test", "alice"], &["000000"]);
    }
    // So many are not free any more: a wait of 15 minutes.
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 2\n");
    Kind {
        user: "alice",
        machine,
        answers: &presses(&[2]),
        code: 7,
        again: 0,
        next: &presses(&[3]),
        kills: false,
    }
    .endures();
}

/// A recovery code.
#[test]
fn recovery_endures_every_fault() {
    Kind {
        user: "alice",
        machine: used(""),
        answers: &[paper(4).to_text().to_string()],
        code: 0,
        again: 7,
        next: &presses(&[2]),
        kills: false,
    }
    .endures();
}

/// Two codes in a row from beyond the window.
#[test]
fn resync_at_the_prompt_endures_every_fault() {
    Kind {
        user: "alice",
        machine: used("resync = \"prompt\"\n"),
        answers: &presses(&[40, 41]),
        code: 0,
        again: 7,
        // In step or not, these two let her in: together, or the first alone.
        next: &presses(&[50, 51]),
        kills: false,
    }
    .endures();
}

/// Somebody whom the system doesn't know: the first one makes what such people are judged by.
#[test]
fn login_of_nobody_endures_every_fault() {
    Kind {
        user: "nosuch",
        machine: used(""),
        answers: &["000000".into()],
        code: 7,
        again: 7,
        next: &presses(&[2]),
        kills: false,
    }
    .endures();
}
