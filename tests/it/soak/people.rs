//! The people of the soak, each with the model of what must come of a login.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use fob_core::{Counter, Token};

use super::Disk;
use crate::fob::fob;
use crate::machine::{Machine, hotp, press, totp};

/// Numbers that are the same in each run.
pub struct Random(u64);

impl Random {
    pub fn from(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// What must have been told to the people, and what was not told to those who were killed.
#[derive(Default)]
pub struct Tally {
    accepted: AtomicU64,
    refused: AtomicU64,
    killed: AtomicU64,
    /// Who couldn't be judged, as the disk was full.
    faults: AtomicU64,
    spent_by_killed: AtomicU64,
    remembered: AtomicU64,
    enrolled: AtomicU64,
    stepped: AtomicU64,
    edits: AtomicU64,
    host_logins: AtomicU64,
    host_growth: AtomicI64,
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::SeqCst);
}

impl Tally {
    pub fn expect(&self, accepted: bool) {
        one_more(if accepted {
            &self.accepted
        } else {
            &self.refused
        });
    }

    fn count(&self, code: &str) {
        match code {
            "0" => one_more(&self.accepted),
            "7" => one_more(&self.refused),
            "sig9" => one_more(&self.killed),
            other => panic!("the answer {other}"),
        }
    }

    pub fn edit(&self) {
        one_more(&self.edits);
    }

    pub fn host(&self, logins: u64, before: i64, after: i64) {
        self.host_logins.fetch_add(logins, Ordering::SeqCst);
        self.host_growth.fetch_max(after - before, Ordering::SeqCst);
    }

    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::SeqCst)
    }

    /// Whether there was anything of each kind.
    pub fn has_seen_everything(&self) -> bool {
        let kinds = [
            &self.accepted,
            &self.refused,
            &self.killed,
            &self.remembered,
            &self.enrolled,
            &self.stepped,
            &self.edits,
            &self.host_logins,
        ];
        kinds.iter().all(|kind| kind.load(Ordering::SeqCst) > 0)
    }

    /// Accepted, refused, killed.
    pub fn totals(&self) -> (u64, u64, u64) {
        let of = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        (of(&self.accepted), of(&self.refused), of(&self.killed))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        let (accepted, refused, killed) = self.totals();
        write!(
            f,
            "{accepted} accepted, {refused} refused, {killed} killed ({} had spent their code), {} not judged for want of room, \
             {} remembered, {} enrolled at a login, {} under another clock, {} edits; \
             {} in long-lived processes, which grew by {} KB at most",
            of(&self.spent_by_killed),
            self.faults(),
            of(&self.remembered),
            of(&self.enrolled),
            of(&self.stepped),
            of(&self.edits),
            of(&self.host_logins),
            self.host_growth.load(Ordering::SeqCst),
        )
    }
}

/// A code that the token shows nowhere near this counter.
pub fn wrong(token: &Token, near: u64) -> String {
    let shown: Vec<String> = (near..near + 40).map(|c| press(token, c)).collect();
    let candidates = (0..).map(|n| format!("{:06}", (near * 7919 + n) % 1_000_000));
    candidates
        .into_iter()
        .find(|code| !shown.contains(code))
        .unwrap()
}

/// Whether the code of a counter is that of one of these counters too, as happens with six digits.
pub fn recurs(token: &Token, counter: u64, among: Range<u64>) -> bool {
    let code = press(token, counter);
    among
        .filter(|other| *other != counter)
        .any(|other| press(token, other) == code)
}

/// The codes that pam_authenticate returned, one login after the other.
pub fn codes(text: &str) -> Vec<String> {
    let calls = text
        .lines()
        .filter_map(|line| line.strip_prefix("pamdrive: authenticate "));
    calls
        .map(|rest| rest.split(' ').next().unwrap().to_owned())
        .collect()
}

/// Rounds of logins under clocks of their own: for each round the answers.
fn race(machine: &Machine, rounds: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    let mut script = String::from("lib=$(echo /usr/lib/*/faketime/libfaketime.so.1)\n");
    for (clock, lines) in rounds {
        let clock = match clock.as_str() {
            "" => String::new(),
            clock => format!(
                "LD_PRELOAD=$lib FAKETIME_FMT=%s FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME='{clock}' TZ=UTC "
            ),
        };
        script += &format!(
            "{clock}pamdrive --race test <<'END'\n{}\nEND\n",
            lines.join("\n")
        );
    }
    let output = machine.with_input("sh", &["-s"], &script);
    let text = String::from_utf8(output.stdout).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.is_empty(), "{told}");
    let rounds_told: Vec<Vec<String>> = text
        .lines()
        .map(|line| {
            line.trim_start_matches("pamdrive:")
                .split_whitespace()
                .map(str::to_owned)
                .collect()
        })
        .collect();
    assert_eq!(rounds_told.len(), rounds.len(), "{text}");
    rounds_told
}

/// Somebody who is nobody's known place.
fn stranger(random: &mut Random) -> String {
    format!("198.51.{}.{}", random.below(100), random.below(250))
}

/// What a holder does in a round.
enum Act {
    Right(u64),
    Twice(u64),
    Replay(u64),
    Wrong,
    Killed(u64),
}

/// Who has a key fob, and is at home at one address.
pub struct Holder {
    name: String,
    token: Token,
    next: u64,
    home: String,
    /// Failures that may count against home since a login from there.
    failures: u32,
}

impl Holder {
    pub fn new(name: &str) -> Self {
        let number = name.trim_start_matches('p');
        Self {
            name: name.into(),
            token: hotp(name),
            next: 0,
            home: format!("192.0.2.{number}"),
            failures: 0,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lowest counter that may still count.
    pub fn next(&self) -> u64 {
        self.next
    }

    fn line(&self, counter: u64, more: &str) -> String {
        format!(
            "{}\t{}\t{}{more}",
            self.name,
            press(&self.token, counter),
            self.home
        )
    }

    fn choose(&mut self, random: &mut Random) -> Act {
        let ahead = self.next..self.next + 20;
        let mut counter = self.next + random.below(3);
        // Used twice, it must not be right twice.
        while recurs(&self.token, counter, ahead.clone()) {
            counter += 1;
        }
        match random.below(10) {
            _ if self.failures > 1 => Act::Right(counter),
            0..=3 => Act::Right(counter),
            4 => Act::Twice(counter),
            5 | 6 => match random.below(self.next) {
                spent if recurs(&self.token, spent, ahead) => Act::Wrong,
                spent => Act::Replay(spent),
            },
            7 => Act::Wrong,
            _ => Act::Killed(counter),
        }
    }

    /// A killed one tries the same code again.
    fn rounds(&self, act: &Act, random: &mut Random) -> Vec<Vec<String>> {
        let from = |code: String, rhost: String| format!("{}\t{code}\t{rhost}", self.name);
        match act {
            Act::Right(counter) => vec![vec![self.line(*counter, "")]],
            Act::Twice(counter) => {
                let other = format!("203.0.113.{}", random.below(4));
                vec![vec![
                    self.line(*counter, ""),
                    from(press(&self.token, *counter), other),
                ]]
            }
            Act::Replay(counter) => {
                vec![vec![from(press(&self.token, *counter), stranger(random))]]
            }
            Act::Wrong => vec![vec![from(wrong(&self.token, self.next), stranger(random))]],
            Act::Killed(counter) => {
                let micros = 1 + random.below(6000);
                vec![
                    vec![self.line(*counter, &format!("\t{micros}"))],
                    vec![self.line(*counter, "")],
                ]
            }
        }
    }

    /// Holds what came of it against the model.
    fn judge(&mut self, act: &Act, told: &[String], tally: &Tally) {
        let who = format!("{} at {}: {told:?}", self.name, self.next);
        told.iter().for_each(|code| tally.count(code));
        let successes = told.iter().filter(|code| *code == "0").count();
        match act {
            Act::Right(counter) => {
                assert_eq!(told, ["0"], "right, {who}");
                self.next = counter + 1;
                self.failures = 0;
            }
            Act::Twice(counter) => {
                assert_eq!(successes, 1, "twice, {who}");
                self.next = counter + 1;
                self.failures += 1;
            }
            Act::Replay(counter) => assert_eq!(told, ["7"], "replay of {counter}, {who}"),
            Act::Wrong => assert_eq!(told, ["7"], "wrong, {who}"),
            Act::Killed(counter) => {
                assert!(successes <= 1, "killed, {who}");
                if told[0] == "sig9" && told[1] == "7" {
                    one_more(&tally.spent_by_killed);
                }
                assert!(
                    told[0] == "sig9" || (told[0] == "0" && told[1] == "7"),
                    "killed, {who}"
                );
                self.next = counter + 1;
                self.failures += 2;
            }
        }
    }
}

/// A round for each holder, all in one go, now and then under a clock that is off.
pub fn round_of_holders(
    machine: &Machine,
    share: &mut [Holder],
    random: &mut Random,
    tally: &Tally,
) {
    let mut rounds = vec![];
    let mut acts = vec![];
    for holder in share.iter_mut() {
        let act = holder.choose(random);
        let clock = match random.below(4) {
            0 => format!("{:+}", random.below(200_000) as i64 - 100_000),
            _ => String::new(),
        };
        let own = holder.rounds(&act, random);
        if !clock.is_empty() {
            one_more(&tally.stepped);
        }
        acts.push((act, own.len()));
        rounds.extend(own.into_iter().map(|lines| (clock.clone(), lines)));
    }
    let mut told = race(machine, &rounds).into_iter();
    for (holder, (act, count)) in share.iter_mut().zip(&acts) {
        let own: Vec<String> = told.by_ref().take(*count).flatten().collect();
        holder.judge(act, &own, tally);
    }
}

const PHONES_HOME: &str = "192.0.2.200";

/// Who has a phone. The clock of the machine goes on by minutes from login to login, and
/// sometimes back by an hour.
pub struct Phone {
    name: String,
    token: Token,
    /// What the clock was at the last login that succeeded.
    time: u64,
}

impl Phone {
    pub fn new(name: &str) -> Self {
        // The middle of a step.
        Self {
            name: name.into(),
            token: totp(name),
            time: 60_000_000 * 30 + 15,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    fn line(&self, time: u64, rhost: &str) -> String {
        let code = self.token.code(Counter(time / 30)).to_text().to_string();
        format!("{}\t{code}\t{rhost}", self.name)
    }

    /// Right; the same again; the clock an hour back, with the code that is right then; and
    /// two at once when it is forward again.
    pub fn some(&mut self, machine: &Machine, random: &mut Random, tally: &Tally) {
        let home = PHONES_HOME;
        let later_by = |time: u64, random: &mut Random| {
            let mut time = time + 30 * (3 + random.below(10));
            while recurs(&self.token, time / 30, time / 30 - 4..time / 30 + 5) {
                time += 30;
            }
            time
        };
        let time = later_by(self.time, random);
        let later = later_by(time, random);
        let rounds = [
            (format!("@{time}"), vec![self.line(time, home)]),
            (format!("@{time}"), vec![self.line(time, &stranger(random))]),
            (
                format!("@{}", time - 3600),
                vec![self.line(time - 3600, &stranger(random))],
            ),
            (
                format!("@{later}"),
                vec![self.line(later, home), self.line(later, "203.0.113.9")],
            ),
        ];
        let told = race(machine, &rounds);
        let who = format!("{} at {time}: {told:?}", self.name);
        assert_eq!(told[..3], [["0"], ["7"], ["7"]], "{who}");
        let mut both = told[3].clone();
        both.sort();
        assert_eq!(both, ["0", "7"], "{who}");
        told.iter().flatten().for_each(|code| tally.count(code));
        rounds.iter().for_each(|_| one_more(&tally.stepped));
        self.time = later;
    }
}

/// The first login of each, which makes a ledger.
pub fn first(machine: &Machine, holders: &mut [Holder], phones: &mut [Phone], tally: &Tally) {
    all_right(machine, holders, tally);
    let round = |phone: &Phone| {
        (
            format!("@{}", phone.time),
            vec![phone.line(phone.time, PHONES_HOME)],
        )
    };
    let rounds: Vec<_> = phones.iter().map(round).collect();
    for (phone, told) in phones.iter().zip(race(machine, &rounds)) {
        assert_eq!(told, ["0"], "{} at {}", phone.name, phone.time);
        tally.expect(true);
    }
}

/// The next code of each holder, typed at home.
pub fn all_right(machine: &Machine, holders: &mut [Holder], tally: &Tally) {
    let round = |holder: &Holder| (String::new(), vec![holder.line(holder.next, "")]);
    let rounds: Vec<_> = holders.iter().map(round).collect();
    for (holder, told) in holders.iter_mut().zip(race(machine, &rounds)) {
        holder.judge(&Act::Right(holder.next), &told, tally);
    }
}

/// Who isn't asked again at a place.
pub struct Desk {
    name: String,
    token: Token,
    next: u64,
}

impl Desk {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            token: hotp(name),
            next: 0,
        }
    }

    pub fn first(&mut self, machine: &Machine, tally: &Tally) {
        let report = machine.login(&self.name, &[&press(&self.token, 0)]);
        assert_eq!(report.code(), 0, "{report:?}");
        tally.expect(true);
        self.next = 1;
    }

    /// Asked at a place; not again there, but anywhere else; and asked again once forgotten.
    pub fn some(&mut self, machine: &Machine, random: &mut Random, tally: &Tally) {
        let place = format!("192.0.2.{}", 100 + random.below(50));
        let script = format!(
            "login() {{ pamdrive --rhost $1 desk {0} $2; }}
             login {place} {1}; login {place}; login 192.0.2.99 {2}; fob forget {0} >/dev/null; login {place} {3}",
            self.name,
            press(&self.token, self.next),
            wrong(&self.token, self.next),
            press(&self.token, self.next + 1),
        );
        let output = machine.with_input("sh", &["-s"], &script);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(codes(&text), ["0", "0", "7", "0"], "{text}");
        for accepted in [true, false, true] {
            tally.expect(accepted);
        }
        one_more(&tally.remembered);
        self.next += 2;
    }
}

/// Who enrols at a login, gets in, and has it all taken away again.
pub struct Enrolling {
    name: String,
    times: u32,
}

/// What an app shows that takes the secret from the question, and keeps it.
const APP: &str = r#"|s=$(echo "$PROMPT" | sed -n "s/.*into the app: //p" | tr -d " "); echo $s >/tmp/$PAM_PERSON; oathtool --totp -b $s | tee /tmp/code-$PAM_PERSON"#;

impl Enrolling {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            times: 0,
        }
    }

    pub fn some(&mut self, machine: &Machine, disk: &Disk, tally: &Tally) {
        let name = &self.name;
        self.times += 1;
        if self.times % 25 == 0 {
            // The account is made anew: a ledger has room for 32 tokens in 30 days.
            let uid = 2000 + name.trim_start_matches('p').parse::<u32>().unwrap();
            let _ = std::fs::remove_file(machine.path(&format!("var/lib/fob/{uid}")));
        }
        let script = format!(
            "export PAM_PERSON={name}
             pamdrive --calls authenticate,setcred roll {name} '{APP}' ''
             pamdrive test {name} $(cat /tmp/code-{name})
             pamdrive test {name} $(oathtool --totp -N 'now + 30 seconds' -b $(cat /tmp/{name}))"
        );
        let (out, was_full) = disk.during(|| machine.with_input("sh", &["-s"], &script));
        let text = String::from_utf8(out.stdout).unwrap();
        let told = codes(&text);
        let confirmed = text.contains("setcred 0") && told.first().is_some_and(|code| code == "0");
        if !was_full {
            assert!(confirmed, "{text}");
            assert_eq!(told[1..], ["7", "0"], "{text}");
        }
        if told.len() == 3 {
            // The code that confirmed it is spent, whatever else could be kept.
            assert_ne!(told[1], "0", "{text}");
        }
        for (number, code) in told.iter().enumerate() {
            match code.as_str() {
                "0" if number == 0 => {} // "ignored", for the time being
                "4" | "19" => one_more(&tally.faults),
                code => tally.count(code),
            }
        }
        if told.len() == 3 && told[2] == "0" {
            one_more(&tally.enrolled);
        }
        let ((status, text), is_full) =
            disk.during(|| fob(machine, &format!("revoke {name} --yes"), ""));
        assert!(
            status == 0 || was_full || is_full || !confirmed,
            "{status} {text}"
        );
    }
}
