//! P8: what is left in the memory of the application once the module has returned.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::{Arc, Mutex};

use fob_core::{Digits, RecoveryCode, Token};

use crate::machine::{Machine, descendants, hotp, press, shows, token_file, totp, wait_until};

const CONTROL: &str = "control";

/// A login of the test application that stops itself before it ends the transaction.
struct Stopped {
    child: Child,
    answers: ChildStdin,
    said: Arc<Mutex<Vec<u8>>>,
}

/// Where something was found, as `/proc/PID/maps` calls it.
type Places = Vec<(String, String)>;

impl Stopped {
    fn start(machine: &Machine, words: &[&str]) -> Self {
        let mut command = machine.command("pamdrive");
        command.arg("--stop").args(words).arg("-");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let answers = child.stdin.take().unwrap();
        let mut out = child.stdout.take().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = out.read(&mut buffer) {
                sink.lock().unwrap().extend(&buffer[..length]);
            }
        });
        Self {
            child,
            answers,
            said,
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }

    fn answer(&mut self, text: &str) {
        self.answers
            .write_all(format!("{text}\n").as_bytes())
            .unwrap();
    }

    /// The process, once it has stopped itself.
    fn process(&self) -> u32 {
        let mut found = None;
        wait_until("the application has stopped", || {
            let all = descendants(self.child.id());
            found = all
                .into_iter()
                .find(|(_, name, state)| name == "pamdrive" && *state == 'T');
            found.is_some()
        });
        found.unwrap().0
    }

    /// Where any of these bytes lie in what the process can write to.
    fn holds(&self, user: &str, needles: &[(String, Vec<u8>)]) -> Places {
        let control = [(CONTROL.to_owned(), format!("{user}\0").into_bytes())];
        let mut by_first = vec![vec![]; 256];
        for named in needles.iter().chain(&control) {
            by_first[usize::from(named.1[0])].push(named);
        }
        let process = self.process();
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let maps = BufReader::new(File::open(format!("/proc/{process}/maps")).unwrap());
        let mut places = Places::new();
        let mut scanned = 0;
        for line in maps.lines().map(Result::unwrap) {
            let mut fields = line.split_whitespace();
            let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
            if !rights.starts_with("rw") {
                continue;
            }
            let name = fields.nth(3).unwrap_or("anonymous");
            let (from, to) = range.split_once('-').unwrap();
            let from = u64::from_str_radix(from, 16).unwrap();
            let to = u64::from_str_radix(to, 16).unwrap();
            let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
            memory.read_exact_at(&mut bytes, from).unwrap();
            scanned += bytes.len();
            for (at, byte) in bytes.iter().enumerate() {
                for (what, needle) in &by_first[usize::from(*byte)] {
                    if bytes[at..].starts_with(needle) {
                        let place = format!("{name} {:#x} (of {range})", from + at as u64);
                        places.push((what.clone(), place));
                    }
                }
            }
        }
        assert!(scanned > 100_000, "{scanned} bytes only");
        // libpam keeps the name until pam_end: who doesn't find that finds nothing.
        let control = places.iter().position(|(what, _)| what == CONTROL);
        assert!(control.is_some(), "the name of the person isn't found");
        places.swap_remove(control.unwrap());
        places.retain(|(what, _)| what != CONTROL);
        places
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = std::process::Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let _ = self.child.wait();
    }
}

/// What knows a token's secret, in every form that it takes on its way through HMAC.
fn of_secret(token: &Token) -> Vec<(String, Vec<u8>)> {
    let secret = token.secret.bytes().to_vec();
    let padded = |byte: u8| {
        let mut block = secret.clone();
        block.resize(64, 0);
        block.iter_mut().for_each(|each| *each ^= byte);
        <[u8; 64]>::try_from(block).unwrap()
    };
    let base32 = token.secret.to_base32().to_string();
    vec![
        ("secret".into(), secret.clone()),
        ("half a secret".into(), secret[..10].to_vec()),
        ("base32".into(), base32.clone().into_bytes()),
        ("half the base32".into(), base32[..16].into()),
        (
            "hex".into(),
            fob_core::format::hex_text(&secret).into_bytes(),
        ),
        ("inner pad".into(), padded(0x36)[..secret.len()].to_vec()),
        ("outer pad".into(), padded(0x5c)[..secret.len()].to_vec()),
        ("inner state".into(), sha1_state(&padded(0x36))),
        ("outer state".into(), sha1_state(&padded(0x5c))),
    ]
}

/// SHA-1 after one block (FIPS 180-4 section 6.1.2), as it lies in memory: with it codes can be
/// made without the secret.
fn sha1_state(block: &[u8; 64]) -> Vec<u8> {
    let start: [u32; 5] = [
        0x6745_2301,
        0xefcd_ab89,
        0x98ba_dcfe,
        0x1032_5476,
        0xc3d2_e1f0,
    ];
    let mut words: Vec<u32> = block
        .chunks(4)
        .map(|w| u32::from_be_bytes(w.try_into().unwrap()))
        .collect();
    for n in 16..80 {
        words.push((words[n - 3] ^ words[n - 8] ^ words[n - 14] ^ words[n - 16]).rotate_left(1));
    }
    let [mut a, mut b, mut c, mut d, mut e] = start;
    for (n, word) in words.iter().enumerate() {
        let (mix, add) = match n {
            0..20 => ((b & c) | (!b & d), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6_u32),
        };
        let next = a
            .rotate_left(5)
            .wrapping_add(mix)
            .wrapping_add(e)
            .wrapping_add(add)
            .wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    [a, b, c, d, e]
        .iter()
        .zip(start)
        .flat_map(|(word, by)| word.wrapping_add(by).to_ne_bytes())
        .collect()
}

fn text(what: &str, text: &str) -> (String, Vec<u8>) {
    (what.into(), text.as_bytes().to_vec())
}

/// Ten digits, which nothing else consists of by chance.
fn long(token: Token) -> Token {
    let secret = std::fs::read("/proc/sys/kernel/random/uuid").unwrap()[..20].to_vec();
    Token {
        digits: Digits::new(10).unwrap(),
        secret: fob_core::Secret::new(secret).unwrap(),
        ..token
    }
}

/// Logs alice in and looks for all that is secret, in the moment before pam_end.
fn nothing_is_left(
    machine: &Machine,
    words: &[&str],
    answers: &[&str],
    needles: &[(String, Vec<u8>)],
) {
    let mut login = Stopped::start(machine, words);
    for answer in answers {
        login.answer(answer);
    }
    let places = login.holds(words[words.len() - 1], needles);
    assert!(places.is_empty(), "{words:?}: {places:#?}");
}

/// P8.
#[test]
fn nothing_typed_and_no_secret_is_left_in_memory_after_a_login() {
    let machine = Machine::with(&["alice", "bob"]);
    let (fob, phone) = (long(hotp("alice")), long(totp("alice")));
    let paper = RecoveryCode::new(*b"\x91\x07\xe3\x5a\xc8\x11\x7f\x42\xb6\x2d");
    let digests: Vec<_> = (0..10u8)
        .map(|n| {
            if n == 3 {
                paper.digest(&[7; 16])
            } else {
                RecoveryCode::new([n; 10]).digest(&[7; 16])
            }
        })
        .map(|digest| fob_core::format::hex_text(&digest.bytes()))
        .collect();
    let recovery = format!(
        "\n[recovery]\nset = \"{}\"\nsalt = \"{}\"\ndigests = {digests:?}\n",
        "01".repeat(16),
        "07".repeat(16)
    );
    machine.file(
        "etc/fob/tokens/alice",
        0o600,
        token_file(&[fob.clone(), phone.clone()]) + &recovery,
    );
    machine.with_input("fob", &["pin", "alice"], "83920174\n");
    machine.service("asking", "pin=prompt");
    machine.service("forward", "forward_pass");
    let mut needles = [of_secret(&fob), of_secret(&phone)].concat();
    needles.push(text("PIN", "83920174"));
    needles.push(text("recovery code", &paper.to_text()));
    needles.push(text(
        "recovery code in small letters",
        &paper.to_text().to_lowercase(),
    ));
    needles.push(text(
        "recovery code without its dashes",
        &paper.to_text().replace('-', ""),
    ));
    needles.push((
        "recovery code's bytes".into(),
        b"\x91\x07\xe3\x5a\xc8\x11\x7f\x42\xb6\x2d".to_vec(),
    ));
    for counter in 0..8 {
        needles.push(text(&format!("code {counter}"), &press(&fob, counter)));
    }
    needles.push(text("code of now", &shows(&phone)));
    needles.push(text("wrong code", "9182736450"));
    let (first, second) = (press(&fob, 0), press(&fob, 1));
    let joined = format!("83920174{second}");
    nothing_is_left(
        &machine,
        &["asking", "alice"],
        &["83920174", &first],
        &needles,
    );
    nothing_is_left(&machine, &["test", "alice"], &[&joined], &needles);
    nothing_is_left(
        &machine,
        &["test", "alice"],
        &[&format!("83920174{}", shows(&phone))],
        &needles,
    );
    nothing_is_left(
        &machine,
        &["test", "alice"],
        &["839201749182736450"],
        &needles,
    );
    nothing_is_left(
        &machine,
        &["asking", "alice"],
        &["83920174", &first],
        &needles,
    );
    nothing_is_left(
        &machine,
        &["test", "alice"],
        &[&paper.to_text().to_lowercase()],
        &needles,
    );
    // The password is the next module's, and libpam keeps it until pam_end.
    let other = long(hotp("bob"));
    machine.enrol("bob", &[other.clone()]);
    let joined = format!("hunter2{}", press(&other, 0));
    let mut needles = of_secret(&other);
    needles.push(text("code", &press(&other, 0)));
    needles.push(text("password and code", &joined));
    nothing_is_left(&machine, &["forward", "bob"], &[&joined], &needles);
    let log = machine.log();
    let accepted = log
        .iter()
        .filter(|line| line.contains(": accepted "))
        .count();
    assert_eq!(accepted, 5, "{log:#?}");
}

/// P8: an enrolment at a login shows the secret and the recovery codes, and forgets them.
#[test]
fn nothing_that_an_enrolment_showed_is_left_in_memory() {
    let machine = Machine::with(&["alice"]);
    let rule = "[[rule]]\nname = \"roll-out\"\naction = \"require\"\nenroll = \"require\"\n";
    machine.file("etc/fob/fob.conf", 0o644, rule);
    let calls = ["--calls", "authenticate,setcred", "test", "alice"];
    let mut login = Stopped::start(&machine, &calls);
    let told = "type this secret into the app: ";
    wait_until("asked", || login.said().contains("shows: "));
    let said = login.said();
    let secret = said
        .rsplit(told)
        .next()
        .unwrap()
        .lines()
        .next()
        .unwrap()
        .trim()
        .to_owned();
    let mut phone = totp("alice");
    phone.secret = fob_core::Secret::from_base32(&secret).unwrap();
    let code = shows(&phone);
    login.answer(&code);
    wait_until("shown", || login.said().contains("once you have them"));
    let said = login.said();
    let papers: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|l| l.len() == 19 && l.matches('-').count() == 3)
        .collect();
    assert_eq!(papers.len(), 10, "{said}");
    login.answer("");
    let mut needles = of_secret(&phone);
    needles.push(text("secret in groups", &secret));
    for paper in papers {
        needles.push(text("recovery code", paper));
        needles.push(text(
            "recovery code without its dashes",
            &paper.replace('-', ""),
        ));
        let bytes = fob_core::Secret::from_base32(paper)
            .unwrap()
            .bytes()
            .to_vec();
        needles.push(("recovery code's bytes".into(), bytes));
    }
    let places = login.holds("alice", &needles);
    assert!(places.is_empty(), "{places:#?}");
    assert!(machine.path("var/lib/fob/tokens/alice").exists());
}

/// P8: the key of sealed token files, what it opens, and the AES key of a YubiKey.
#[test]
fn no_key_of_sealed_files_and_yubikeys_is_left_in_memory() {
    let machine = Machine::with(&["alice"]);
    let fob = long(hotp("alice"));
    let aes = fob_core::Secret::from_base32("5TPBRW7HN66QYMZTB4ODKSDR3M").unwrap();
    let yubikey = "\n[[token]]\nid = \"yubikey\"\ntype = \"yubico\"\n\
        secret = \"5TPBRW7HN66QYMZTB4ODKSDR3M\"\nprivate_id = \"8792ebfe26cc\"\n\
        public_id = \"cccccbdefghi\"\n";
    machine.file("etc/fob/fob.conf", 0o644, "seal = \"/root/fob-seal.key\"\n");
    let file = token_file(&[fob.clone()]) + yubikey;
    machine.file("etc/fob/tokens/alice", 0o600, file);
    machine.shell("fob seal --new-key && fob seal alice");
    let sealed = machine.shell("cat /etc/fob/tokens/alice");
    assert_eq!(sealed.matches("\"sealed:").count(), 2, "{sealed}");
    let key = machine.shell("cat /root/fob-seal.key").trim().to_owned();
    let raw = fob_core::Secret::from_base32(&key)
        .unwrap()
        .bytes()
        .to_vec();
    let otp = "cccccbdefghiuujeihnhleghgvfejvugtldurguckuvk";
    let mut needles = of_secret(&fob);
    needles.push(text("seal key as its file has it", &key));
    needles.push(text("half of it", &key[key.len() / 2..]));
    needles.push(("half the seal key".into(), raw[..16].to_vec()));
    needles.push(("seal key".into(), raw));
    needles.push(("AES key".into(), aes.bytes().to_vec()));
    needles.push(text("AES key in base32", "5TPBRW7HN66QYMZTB4ODKSDR3M"));
    needles.push(("private id".into(), b"\x87\x92\xeb\xfe\x26\xcc".to_vec()));
    needles.push(text("private id in hex", "8792ebfe26cc"));
    needles.push(text("OTP", otp));
    needles.push(text("code", &press(&fob, 0)));
    let code = press(&fob, 0);
    for answer in [code.as_str(), otp, otp, "9182736450"] {
        nothing_is_left(&machine, &["test", "alice"], &[answer], &needles);
    }
    let log = machine.log();
    let accepted = log
        .iter()
        .filter(|line| line.contains(": accepted "))
        .count();
    assert_eq!(accepted, 2, "{log:#?}");
}
