//! What a person types, or a script writes to stdin.

use std::io::{IsTerminal, Stdin, Write, stderr, stdin};
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;
use zeroize::Zeroizing;

use crate::stop::Stop;

/// The longest line that is read, in bytes: an `otpauth://` URI is shorter.
const MAX_LINE: usize = 4096;

/// Whether what is typed shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Echo {
    /// A code that is spent a moment later.
    Shown,
    /// A secret, or the answer to a trial login.
    Hidden,
}

/// Whether a person types.
pub(crate) fn is_person() -> bool {
    stdin().is_terminal()
}

/// One line, without its end. A person is asked on stderr; a script isn't. `None` at the
/// end of the input.
///
/// # Errors
/// Cancelled with Ctrl-C; the input can't be read, or is too long.
pub(crate) fn ask(prompt: &str, echo: Echo) -> Result<Option<Zeroizing<Vec<u8>>>, Stop> {
    if !is_person() {
        return line(|| Ok(()));
    }
    let input = stdin();
    // Before the prompt: what is typed once it shows is neither lost nor shown, and Ctrl-C
    // is noticed.
    let watch = Watch::begin(&input, echo).map_err(unreadable)?;
    let _ = write!(stderr(), "{prompt}");
    let typed = line(|| watch.wait());
    let cancelled = matches!(typed, Err(_) | Ok(None));
    if echo == Echo::Hidden || cancelled {
        let _ = writeln!(stderr());
    }
    typed
}

/// Asks a yes-or-no question, unless `yes` says that the answer is known.
///
/// # Errors
/// The answer is no, or nobody is there to give one.
pub(crate) fn agree(question: &str, yes: bool) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    if !is_person() {
        return Err(Stop::unknown("this needs a yes, and stdin is no terminal")
            .remedy("Add --yes if that is what you want."));
    }
    let answer = ask(&format!("{question} [y/N] "), Echo::Shown)?;
    match answer.as_ref().map(|answer| answer.to_ascii_lowercase()) {
        Some(answer) if answer == b"y" || answer == b"yes" => Ok(()),
        _ => Err(Stop::no("cancelled: nothing was changed")),
    }
}

/// Reads byte by byte, so that nothing stays in a buffer and nothing is taken from the
/// next line.
fn line(ready: impl Fn() -> Result<(), Stop>) -> Result<Option<Zeroizing<Vec<u8>>>, Stop> {
    let input = stdin();
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE));
    loop {
        ready()?;
        let mut byte = Zeroizing::new([0; 1]);
        match read(input.as_fd(), &mut *byte) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(unreadable(errno)),
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => return Ok(Some(line)),
            Ok(_) if *byte == *b"\n" => return Ok(Some(line)),
            Ok(_) if line.len() == MAX_LINE => {
                return Err(Stop::unknown("what came from stdin is too long for a line"));
            }
            Ok(_) => line.extend(*byte),
        }
    }
}

fn unreadable(errno: Errno) -> Stop {
    Stop::unknown(format!("stdin can't be read: {}", errno.desc()))
}

/// While this lives, signals that would end the process are waited for instead, so that
/// the terminal always gets its echo back.
struct Watch<'a> {
    terminal: &'a Stdin,
    before: Termios,
    mask: SigSet,
    signals: SignalFd,
}

impl<'a> Watch<'a> {
    fn begin(terminal: &'a Stdin, echo: Echo) -> nix::Result<Self> {
        let mask = SigSet::thread_get_mask()?;
        let before = tcgetattr(terminal)?;
        let ending: SigSet = [
            Signal::SIGINT,
            Signal::SIGTERM,
            Signal::SIGHUP,
            Signal::SIGQUIT,
        ]
        .into_iter()
        .collect();
        let watch = Self {
            terminal,
            mask,
            signals: SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC)?,
            before: before.clone(),
        };
        ending.thread_block()?;
        if echo == Echo::Hidden {
            let mut hidden = before;
            hidden.local_flags.remove(LocalFlags::ECHO);
            tcsetattr(terminal, SetArg::TCSAFLUSH, &hidden)?;
        }
        Ok(watch)
    }

    /// Until there is something to read.
    fn wait(&self) -> Result<(), Stop> {
        let mut sources = [
            PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut sources, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(unreadable(errno)),
        }
        let [_, signals] = sources;
        if signals.any().unwrap_or(true) {
            // Taken, so that it doesn't end the process once it is let through again.
            let _ = self.signals.read_signal();
            return Err(Stop::no("cancelled: nothing was changed"));
        }
        Ok(())
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
        let _ = self.mask.thread_set_mask();
    }
}
