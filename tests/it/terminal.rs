//! `fob` at a real terminal: what shows is scanned from its picture, and what is typed is
//! typed into it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

use crate::machine::{Machine, hotp, shows, totp, wait_until};
use crate::screen::{DARK, LIGHT, Scheme, picture};

pub const CTRL_C: &str = "\x03";

/// A terminal at which a shell script of the machine runs.
pub struct Terminal {
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

impl Terminal {
    pub fn run(machine: &Machine, script: &str) -> Self {
        let size = Winsize {
            ws_row: 50,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(Some(&size), None).unwrap();
        let (keyboard, line) = (File::from(pair.master), File::from(pair.slave));
        // As a login does: a session whose terminal this is, so that Ctrl-C is a signal.
        let mut command = machine.command("setsid");
        command.args(["--ctty", "--wait", "sh", "-c", script]);
        command.stdin(line.try_clone().unwrap());
        command
            .stdout(line.try_clone().unwrap())
            .stderr(Stdio::from(line));
        let child = command.spawn().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, sink) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // Ends with an error once nobody has the terminal open any more.
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                sink.lock().unwrap().extend(&buffer[..length]);
            }
        });
        Self {
            keyboard,
            shown,
            child,
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    pub fn wait_for(&self, what: &str) -> String {
        wait_until(what, || self.text().contains(what));
        self.text()
    }

    pub fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).unwrap().local_flags;
        modes.contains(LocalFlags::ECHO)
    }

    pub fn ended(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// How it ended, and all that was shown.
    pub fn result(mut self) -> (i32, String) {
        let status = self.child.wait().unwrap().code().unwrap();
        let shown = Arc::clone(&self.shown);
        // The reader is the other one who has it, and gives it back at the end.
        wait_until("the rest is read", || Arc::strong_count(&shown) == 2);
        let text = self.text();
        (status, text)
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Ends what still runs.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a phone reads from the screen.
pub fn scanned(machine: &Machine, shown: &str, scheme: Scheme) -> Vec<String> {
    machine.file("tmp/screen.pgm", 0o600, picture(shown, scheme));
    let mut zbarimg = machine.command("zbarimg");
    zbarimg.args(["--quiet", "--raw", "--nodbus", "/tmp/screen.pgm"]);
    let output = zbarimg.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// The URI that is printed below the picture.
fn printed(shown: &str) -> &str {
    let uri = shown.lines().find(|line| line.starts_with("otpauth://"));
    uri.unwrap().trim_end()
}

/// The code that an app shows which took the URI.
pub fn code_of(uri: &str) -> String {
    let secret = uri.split_once("secret=").unwrap().1;
    let secret = secret.split('&').next().unwrap();
    let mut phone = totp("x");
    phone.secret = fob_core::Secret::from_base32(secret).unwrap();
    shows(&phone)
}

#[test]
fn phone_scans_the_terminal_and_its_code_confirms() {
    let machine = Machine::with(&["alice"]);
    let mut terminal = Terminal::run(&machine, "TERM=xterm fob enroll alice");
    let shown = terminal.wait_for("Code: ");
    let uri = printed(&shown);
    let few_colours = |scheme| Scheme {
        bright: false,
        ..scheme
    };
    for scheme in [DARK, LIGHT, few_colours(DARK), few_colours(LIGHT)] {
        assert_eq!(scanned(&machine, &shown, scheme), [uri], "{scheme:?}");
    }
    terminal.types(&format!("{}\n", code_of(uri)));
    terminal.wait_for("alice is enrolled");
    assert_eq!(terminal.ended(), 0);
    assert!(machine.path("etc/fob/tokens/alice").exists());
}

/// Where no colours are wished or known, one of two pictures is right on every screen.
#[test]
fn phone_scans_a_terminal_without_colours() {
    for environment in ["TERM=xterm NO_COLOR=1", "TERM=dumb"] {
        let machine = Machine::with(&["alice"]);
        let terminal = Terminal::run(&machine, &format!("{environment} fob enroll alice"));
        let shown = terminal.wait_for("Code: ");
        assert!(!shown.contains('\x1b'), "{environment}");
        for scheme in [DARK, LIGHT] {
            let read = scanned(&machine, &shown, scheme);
            let uri = printed(&shown);
            assert!(
                read.iter().all(|text| text == uri) && !read.is_empty(),
                "{read:?}"
            );
        }
    }
}

#[test]
fn phone_scans_what_a_pipe_took_to_paper() {
    let machine = Machine::with(&["alice"]);
    let output = machine.with_input("fob", &["enroll", "alice", "--no-confirm"], "");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains('\x1b'), "{text}");
    assert_eq!(scanned(&machine, &text, LIGHT), [printed(&text)]);
}

/// P4's sister: an enrolment that a person breaks off isn't there.
#[test]
fn ctrl_c_at_the_prompt_leaves_nothing() {
    let machine = Machine::with(&["alice"]);
    let script = "trap : INT; fob enroll alice; echo status=$?";
    let mut terminal = Terminal::run(&machine, script);
    terminal.wait_for("Code: ");
    terminal.types(CTRL_C);
    let shown = terminal.wait_for("status=");
    assert!(shown.contains("status=1"), "{shown}");
    assert!(shown.contains("cancelled: nothing was changed"), "{shown}");
    assert!(terminal.echoes());
    terminal.ended();
    let tokens = std::fs::read_dir(machine.path("etc/fob/tokens")).unwrap();
    assert_eq!(tokens.count(), 0);
    assert!(!machine.log().iter().any(|line| line.contains("changed")));
}

/// P8: a code is not shown where it is judged, and the terminal gets its echo back.
#[test]
fn hidden_prompt_shows_nothing_and_gives_the_echo_back() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("seed")]);
    for (keys, status) in [("135790\n", "status=1"), (CTRL_C, "status=1")] {
        let script = "trap : INT; fob check alice; echo status=$?";
        let mut terminal = Terminal::run(&machine, script);
        terminal.wait_for("Code: ");
        assert!(!terminal.echoes());
        terminal.types(keys);
        let shown = terminal.wait_for("status=");
        assert!(shown.contains(status), "{shown}");
        assert!(!shown.contains("135790"), "{shown}");
        assert!(terminal.echoes());
        terminal.ended();
    }
}

/// What can't be undone waits for a yes.
#[test]
fn question_takes_no_for_an_answer() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("seed")]);
    for (typed, status, there) in [("n\n", 1, true), ("\n", 1, true), ("y\n", 0, false)] {
        let mut terminal = Terminal::run(&machine, "fob revoke alice");
        terminal.wait_for("[y/N] ");
        terminal.types(typed);
        assert_eq!(terminal.ended(), status);
        assert_eq!(machine.path("etc/fob/tokens/alice").exists(), there);
    }
}
