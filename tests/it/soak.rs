//! An hour of everything at once (`make soak`), seconds of it in `make check`: fifty people
//! who log in rightly and wrongly, twice at the same instant, and are killed on the way, while
//! the disk fills and empties, clocks step and an administrator works. A model says beside
//! each login what must come of it.

mod people;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::fob::{fob, json};
use crate::machine::{Machine, hotp, press, totp};
use people::{Desk, Enrolling, Holder, Phone, Random, Tally};

const RULES: &str = r#"
[[rule]]
name = "roll-out"
service = "roll"
action = "require"
enroll = "require"

[[rule]]
name = "desk"
service = "desk"
action = "require"
remember = "12h"
"#;

const HOLDERS: usize = 36;
const PHONES: usize = 10;
/// What those who share the work of holders have each.
const SHARE: usize = 12;

fn seconds() -> u64 {
    std::env::var("FOB_SOAK").map_or(8, |text| text.parse().unwrap())
}

/// A small disk under the state folder: ext4 in the long run, tmpfs in the short one.
struct Disk {
    root: PathBuf,
    full: AtomicBool,
    /// How often it was full.
    times: AtomicU64,
}

impl Disk {
    fn under(machine: &Machine, is_long: bool) -> Self {
        machine.folder("small", 0o700);
        let root = machine.path("small");
        if is_long {
            let image = machine.path("image");
            fs::File::create(&image).unwrap().set_len(8 << 20).unwrap();
            run(Command::new("mkfs.ext4").arg("-q").arg(&image));
            run(Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(&root));
        } else {
            run(Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"])
                .arg(&root));
        }
        machine.folder("small/state", 0o700);
        run(Command::new("mount")
            .arg("--bind")
            .arg(root.join("state"))
            .arg(machine.path("var/lib/fob")));
        Self {
            root,
            full: AtomicBool::new(false),
            times: AtomicU64::new(0),
        }
    }

    /// Leaves not a byte, then gives it all back.
    fn fill(&self, random: &mut Random) {
        self.full.store(true, Ordering::SeqCst);
        self.times.fetch_add(1, Ordering::SeqCst);
        let ballast = self.root.join("ballast");
        let _ = Command::new("dd")
            .arg("if=/dev/zero")
            .arg(format!("of={}", ballast.display()))
            .args(["bs=4096", "status=none"])
            .stderr(std::process::Stdio::null())
            .status();
        std::thread::sleep(Duration::from_millis(200 + random.below(1500)));
        fs::remove_file(&ballast).unwrap();
        // ext4 gives the room back once this is in its journal.
        run(Command::new("sync").arg("-f").arg(&self.root));
        self.full.store(false, Ordering::SeqCst);
    }

    /// Does something, and says whether the disk may have been full meanwhile.
    fn during<T>(&self, work: impl FnOnce() -> T) -> (T, bool) {
        let before = self.times.load(Ordering::SeqCst);
        let was_full = self.full.load(Ordering::SeqCst);
        let result = work();
        let is_full = was_full || self.times.load(Ordering::SeqCst) != before;
        (result, is_full)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let state = self.root.with_file_name("var").join("lib/fob");
        for place in [&state, &self.root] {
            let _ = Command::new("umount").arg("-l").arg(place).status();
        }
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// P1, P2, P4, P5, P7: whatever happens at once, the model is right about each login.
#[test]
fn whatever_happens_at_once_each_code_counts_once_and_its_owner_gets_in() {
    let seconds = seconds();
    let names: Vec<String> = (0..50).map(|n| format!("p{n}")).collect();
    let machine = Machine::with(&names.iter().map(String::as_str).collect::<Vec<_>>());
    machine.file("etc/fob/fob.conf", 0o644, RULES);
    machine.service("roll", "");
    machine.service("desk", "");
    let disk = Disk::under(&machine, seconds >= 60);
    let tally = Tally::default();
    let mut holders: Vec<Holder> = names[..HOLDERS].iter().map(|n| Holder::new(n)).collect();
    let mut phones: Vec<Phone> = names[HOLDERS..HOLDERS + PHONES]
        .iter()
        .map(|n| Phone::new(n))
        .collect();
    for name in names
        .iter()
        .filter(|name| !["p46", "p47"].contains(&name.as_str()))
    {
        let is_phone = phones.iter().any(|phone| phone.name() == *name);
        machine.enrol(name, &[if is_phone { totp(name) } else { hotp(name) }]);
    }
    // Whoever has a ledger is stopped by no full disk: all have one.
    people::first(&machine, &mut holders, &mut phones, &tally);
    let mut desk = Desk::new("p48");
    desk.first(&machine, &tally);
    assert_eq!(machine.login("p49", &[&press(&hotp("p49"), 0)]).code(), 0);
    tally.expect(true);
    let log = &Log::default();
    let until = Instant::now() + Duration::from_secs(seconds);
    let enrolling = &mut [Enrolling::new("p46"), Enrolling::new("p47")];
    let (phones_now, desk) = (&mut phones, &mut desk);
    std::thread::scope(|scope| {
        let going = move || Instant::now() < until;
        let (machine, tally, disk) = (&machine, &tally, &disk);
        for (seed, share) in holders.chunks_mut(SHARE).enumerate() {
            scope.spawn(move || {
                let mut random = Random::from(seed as u64);
                while going() {
                    people::round_of_holders(machine, share, &mut random, tally);
                }
            });
        }
        scope.spawn(move || {
            let mut random = Random::from(10);
            while going() {
                for phone in phones_now.iter_mut() {
                    phone.some(machine, &mut random, tally);
                }
            }
        });
        scope.spawn(move || {
            let mut random = Random::from(11);
            while going() {
                desk.some(machine, &mut random, tally);
                for person in enrolling.iter_mut() {
                    person.some(machine, disk, tally);
                }
            }
        });
        scope.spawn(move || {
            let mut counter = 1;
            let logins = if seconds >= 60 { 5_000 } else { 300 };
            while going() {
                counter = host_process(machine, counter, logins, tally);
            }
        });
        scope.spawn(move || {
            let mut random = Random::from(12);
            while going() {
                std::thread::sleep(Duration::from_millis(300 + random.below(3000)));
                disk.fill(&mut random);
            }
        });
        scope.spawn(move || {
            let mut random = Random::from(13);
            while going() {
                administrator(machine, disk, &mut random, tally);
            }
        });
        scope.spawn(move || {
            while going() {
                log.take(machine);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    });
    log.take(&machine);
    log.agrees(&tally);
    for holder in &holders {
        let (_, shown) = json(&machine, &format!("show {}", holder.name()), "");
        let next = shown["tokens"][0]["floor"].as_u64();
        assert_eq!(next, Some(holder.next()), "{shown}");
    }
    // At the end each gets in at once, from where he always came.
    people::all_right(&machine, &mut holders, &tally);
    assert!(tally.has_seen_everything(), "{tally}");
    eprintln!(
        "soak: {seconds} s, {tally}, disk full {} times",
        disk.times.load(Ordering::SeqCst)
    );
    eprintln!("soak: {}", log.told());
    nothing_is_left(&machine, &names);
}

/// One process that lives through many logins, as a display manager or a mail server does. Of
/// four, the second is a code that was spent just before, the third a wrong one. Returns the
/// next counter.
fn host_process(machine: &Machine, first: u64, logins: u64, tally: &Tally) -> u64 {
    let token = hotp("p49");
    let counters = first..first + logins / 2;
    let mut answers = String::new();
    for counter in counters.clone() {
        let right = press(&token, counter);
        let is_spent_for_good = !people::recurs(&token, counter, counter..counter + 40);
        let other = if counter % 2 == 0 && is_spent_for_good {
            right.clone()
        } else {
            people::wrong(&token, counter)
        };
        answers += &format!("{right}\n{other}\n");
    }
    let repeat = logins.to_string();
    let words = [
        "--repeat",
        &repeat,
        "--rhost",
        "192.0.2.49",
        "test",
        "p49",
        "-",
    ];
    let output = machine.with_input("pamdrive", &words, &answers);
    let text = String::from_utf8(output.stdout).unwrap();
    let codes = people::codes(&text);
    assert_eq!(codes.len() as u64, logins, "{text}");
    for (number, code) in codes.iter().enumerate() {
        assert_eq!(
            code,
            if number % 2 == 0 { "0" } else { "7" },
            "login {number} of one process"
        );
        tally.expect(number % 2 == 0);
    }
    let two = |word: &str| -> (i64, i64) {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(word))
            .unwrap();
        let (first, last) = line.trim().split_once(' ').unwrap();
        (first.parse().unwrap(), last.parse().unwrap())
    };
    let (before, after) = two("pamdrive: fds ");
    assert_eq!(before, after, "descriptors");
    let (before, after) = two("pamdrive: memory ");
    assert!(
        after - before <= 256,
        "{before} KB grew to {after} KB in {logins} logins"
    );
    tally.host(logins, before, after);
    counters.end
}

/// What an administrator does meanwhile; none of it may fail, but for want of room.
fn administrator(machine: &Machine, disk: &Disk, random: &mut Random, tally: &Tally) {
    let person = format!("p{}", random.below(46));
    let words = match random.below(8) {
        0 => "list".to_owned(),
        1 => format!("show {person}"),
        2 => format!("explain {person} --rhost 192.0.2.7"),
        3 | 4 => {
            let held = random.below(HOLDERS as u64);
            let to = format!("fob-{}", random.below(1000));
            let id = json(machine, &format!("show p{held}"), "").1["tokens"][0]["id"]
                .as_str()
                .unwrap()
                .to_owned();
            format!("rename p{held} {id} {to}")
        }
        _ => format!("unlock {person}"),
    };
    let ((status, text), was_full) = disk.during(|| fob(machine, &words, ""));
    // A dead lock and an absent file would be no 0 and no 1.
    assert!(
        status == 0 || was_full || words.starts_with("explain"),
        "{words}: {status} {text}"
    );
    tally.edit();
}

/// What the log says of each code.
#[derive(Default)]
struct Log(std::sync::Mutex<Counted>);

#[derive(Default)]
struct Counted {
    accepted: u64,
    refused: u64,
    faults: u64,
    /// Enrolments for which there was no room.
    lost: u64,
    reasons: HashMap<String, u64>,
    codes: HashSet<String>,
}

impl Log {
    fn take(&self, machine: &Machine) {
        let mut counted = self.0.lock().unwrap();
        for line in machine.log() {
            let value = |key: &str| {
                let rest = line.split_once(&format!(" {key}="))?.1;
                rest.split_whitespace().next().map(str::to_owned)
            };
            if line.contains(": enrolment_lost ") {
                assert!(line.contains("No space left"), "{line}");
                counted.lost += 1;
            }
            if line.contains(": accepted ") {
                counted.accepted += 1;
                let user = value("user").unwrap();
                // An enrolment at a login makes a new token each time.
                let is_new = ["p46", "p47"].contains(&user.as_str());
                let code = format!("{user} {}", value("counter").unwrap_or_default());
                assert!(
                    is_new || counted.codes.insert(code),
                    "accepted twice: {line}"
                );
            } else if line.contains(": refused ") {
                let reason = value("reason").unwrap();
                if reason.starts_with("state_") || reason == "conv" {
                    counted.faults += 1;
                } else {
                    counted.refused += 1;
                }
                *counted.reasons.entry(reason).or_default() += 1;
            }
        }
    }

    /// Who was killed may have been logged or not.
    fn agrees(&self, tally: &Tally) {
        let counted = self.0.lock().unwrap();
        let (accepted, refused, unknown) = tally.totals();
        let lost = (accepted + refused).saturating_sub(counted.accepted + counted.refused);
        assert!(
            counted.accepted <= accepted + unknown,
            "{} logged, {tally}",
            counted.accepted
        );
        assert!(
            counted.refused <= refused + unknown,
            "{} logged, {tally}",
            counted.refused
        );
        assert!(
            counted.faults <= tally.faults() + unknown,
            "{} logged, {tally}",
            counted.faults
        );
        // The system log's queue is short, and nobody waits for it.
        assert!(
            lost <= (accepted + refused) / 20,
            "{lost} lines lost, {tally}"
        );
    }

    fn told(&self) -> String {
        let counted = self.0.lock().unwrap();
        format!(
            "logged {} accepted, {} refused: {:?}; {} enrolments lost for want of room",
            counted.accepted, counted.refused, counted.reasons, counted.lost
        )
    }
}

fn names_in(folder: &Path) -> Vec<String> {
    let list = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = list
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// No file that a killed process should have taken away.
fn nothing_is_left(machine: &Machine, people: &[String]) {
    for name in names_in(&machine.path("etc/fob/tokens")) {
        assert!(people.contains(&name), "left in the tokens folder: {name}");
    }
    let state = machine.path("var/lib/fob");
    for name in names_in(&state) {
        let is_ledger = name.parse::<u32>().is_ok();
        let is_known = ["dummy", "tokens", "pending"].contains(&name.as_str());
        // Of people whose tokens were revoked while they typed.
        let is_dummy = name.starts_with("dummy-");
        assert!(
            is_ledger || is_known || is_dummy,
            "left in the state folder: {name}"
        );
    }
}
