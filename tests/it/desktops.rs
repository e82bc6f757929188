//! The files of pam.d-examples for desktops, in the programs that they are for: LightDM, and xrdp with a
//! client of remote desktops. `make try-desktops` brings these; they are large.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::enrolment::{REQUIRE, code, recovery_codes, secret};
use crate::examples::{PASSWORD, asks_for_both, debian, example};
use crate::machine::{Machine, Server, press, wait_until};

/// What the packages have for /etc.
fn package(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/machine/desktops/root")
        .join(file)
}

fn with_files(machine: Machine, files: &[&str]) -> Machine {
    let machine = machine.with_part("desktops/root");
    for file in files {
        let from = package(file);
        assert!(from.exists(), "{file}: run make try-desktops");
        let to = machine.path(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
    machine
}

/// LightDM, and its greeter, which the test types at.
struct LightDm {
    machine: Machine,
    heard: Cell<usize>,
    _server: Server,
}

impl LightDm {
    fn start(machine: Machine) -> Self {
        let files = [
            "etc/pam.d/lightdm-greeter",
            "etc/dbus-1/system.d/org.freedesktop.DisplayManager.conf",
            "etc/lightdm/lightdm.conf",
        ];
        let machine = with_files(machine, &files);
        let greeter = include_str!("desktops/greeter");
        machine.file("etc/lightdm/greeter", 0o755, greeter);
        let script = include_str!("desktops/lightdm.sh");
        let server = machine.start("sh", &["-c", script]);
        Self {
            machine,
            heard: Cell::new(0),
            _server: server,
        }
    }

    /// What the greeter was told, up to the next question or the end.
    fn hears(&self) -> Vec<String> {
        let file = self.machine.path("var/lib/lightdm/said");
        let mut heard = vec![];
        wait_until("the greeter hears of LightDM", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            let whole = text
                .split_inclusive('\0')
                .filter(|said| said.ends_with('\0'));
            let new = whole.map(|said| said.trim_end_matches('\0').to_owned());
            let new: Vec<_> = new.skip(self.heard.get()).collect();
            let end = new.iter().position(|said| !said.starts_with("says "));
            heard = end.map_or(vec![], |end| new[..=end].to_vec());
            end.is_some()
        });
        self.heard.set(self.heard.get() + heard.len());
        heard
    }

    fn hears_last(&self) -> String {
        self.hears().pop().unwrap()
    }

    /// Answers what was asked last.
    fn types(&self, line: &str) {
        let pipe = self.machine.path("var/lib/lightdm/typed");
        let mut open = OpenOptions::new();
        // Fails until the greeter reads.
        open.write(true).custom_flags(libc::O_NONBLOCK);
        wait_until("the greeter reads", || {
            open.open(&pipe)
                .is_ok_and(|mut pipe| pipe.write_all(format!("{line}\n").as_bytes()).is_ok())
        });
    }

    /// Whose session it became, if any.
    fn session(&self) -> Option<String> {
        match self.hears_last().as_str() {
            "accepted" => {}
            "refused" => return None,
            other => panic!("{other}"),
        }
        let homes = ["alice", "bob"].map(|name| self.machine.path(&format!("home/{name}/session")));
        wait_until("a session", || homes.iter().any(|file| file.exists()));
        let file = homes.iter().find(|file| file.exists()).unwrap();
        let name = fs::read_to_string(file).unwrap().trim().to_owned();
        fs::remove_file(file).unwrap();
        Some(name)
    }
}

/// Lines that aren't comments, with one space between their words.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.join(" ")
    });
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// The real LightDM under Xvfb, with Debian's own settings; its greeter has no window.
#[test]
#[ignore = "needs large programs; make try-desktops"]
fn lightdm_asks_for_password_and_then_for_the_code() {
    let name = "lightdm";
    let debians = fs::read_to_string(package("etc/pam.d/lightdm")).unwrap();
    let mut ours = lines(&example(name));
    ours.retain(|line| line != "auth required pam_fob.so");
    assert_eq!(ours, lines(&debians), "differs in more than one line");

    let (machine, [fob, _]) = debian(name, name);
    let lightdm = LightDm::start(machine);
    let login = |password: &str, code: &str| {
        assert_eq!(lightdm.hears_last(), "asks name");
        lightdm.types("alice");
        assert_eq!(lightdm.hears_last(), "asks Password: ");
        lightdm.types(password);
        // common-auth refuses a wrong password before the code is asked for.
        if password == PASSWORD {
            assert_eq!(lightdm.hears_last(), "asks Verification code: ");
            lightdm.types(code);
        }
        let name = lightdm.session();
        assert!(matches!(name.as_deref(), None | Some("alice")), "{name:?}");
        name.is_some()
    };
    asks_for_both(&login, &fob);
    let log = lightdm.machine.log();
    let accepted =
        |line: &String| line.contains("accepted user=alice service=lightdm rhost=- tty=:");
    assert!(log.iter().any(accepted), "{log:?}");
}

/// LightDM hands on a kilobyte at most, and its greeter waits in vain for the rest of what is longer:
/// no picture is drawn at a display, and all that must be read is in the questions.
#[test]
#[ignore = "needs large programs; make try-desktops"]
fn lightdm_lets_people_enrol_without_a_picture() {
    let (machine, [alice, _]) = debian("lightdm", "lightdm");
    machine.file("etc/fob/fob.conf", 0o644, REQUIRE);
    fs::remove_file(machine.path("etc/fob/tokens/bob")).unwrap();
    let lightdm = LightDm::start(machine);
    for answer in ["bob", PASSWORD] {
        lightdm.hears();
        lightdm.types(answer);
    }
    let asked = lightdm.hears();
    assert_eq!(
        asked.len(),
        1,
        "a greeter may show the first thing alone: {asked:?}"
    );
    assert!(
        asked[0].starts_with("asks From now on you need a code"),
        "{asked:?}"
    );
    lightdm.types(&code(&secret(&asked[0])));
    let papers = recovery_codes(&lightdm.hears_last());
    lightdm.types("");
    assert_eq!(lightdm.session().as_deref(), Some("bob"));
    for answer in ["bob", PASSWORD, &papers[0]] {
        lightdm.hears();
        lightdm.types(answer);
    }
    assert_eq!(lightdm.session().as_deref(), Some("bob"));
    // Who is enrolled is asked as ever, and told what happened meanwhile.
    for answer in [
        "alice",
        PASSWORD,
        "000000",
        "alice",
        PASSWORD,
        &press(&alice, 0),
    ] {
        let heard = lightdm.hears_last();
        if heard == "refused" {
            lightdm.hears();
        }
        lightdm.types(answer);
    }
    let end = lightdm.hears();
    assert_eq!(
        end,
        ["says 1 failed attempt since your last login.", "accepted"]
    );
}

/// FreeRDP's client, xrdp, its sesman and Xvnc, with Debian's own settings. PAM isn't told where they
/// come from, as the example's head says.
#[test]
#[ignore = "needs large programs; make try-desktops"]
fn xrdp_takes_password_and_code_in_one_field() {
    let (machine, [fob, _]) = debian("xrdp-sesman", "xrdp-sesman");
    let files = [
        "xrdp.ini",
        "sesman.ini",
        "xrdp_keyboard.ini",
        "km-00000409.ini",
    ]
    .map(|file| format!("etc/xrdp/{file}"));
    let machine = with_files(machine, &files.each_ref().map(String::as_str));
    machine.file("root/xrdp.sh", 0o755, include_str!("desktops/xrdp.sh"));
    let login = |password: &str, code: &str| {
        let text = format!("{password}{code}");
        let said = machine.shell(&format!("unshare --net bash /root/xrdp.sh '{text}'"));
        assert!(
            said == "alice\n" || said.starts_with("AUTHFAIL: user=alice "),
            "{said}"
        );
        said == "alice\n"
    };
    asks_for_both(&login, &fob);
    assert!(!login(PASSWORD, ""));
    let log = machine.log();
    let accepted = |line: &String| {
        line.contains("accepted user=alice service=xrdp-sesman rhost=- tty=xrdp-sesman ")
    };
    assert!(log.iter().any(accepted), "{log:?}");
}
