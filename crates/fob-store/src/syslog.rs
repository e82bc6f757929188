//! The system log: one datagram that never waits.
//!
//! `syslog(3)` isn't used: it blocks when nobody reads the socket, reads TZ from the
//! caller's environment, and leaves its descriptor open in the host.

use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, send, socket,
};

/// Facility AUTHPRIV (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;
/// How long a full socket is waited for, in milliseconds.
const PATIENCE: u8 = 100;

/// How grave a message is (RFC 5424 section 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Somebody couldn't be judged.
    Error,
    /// A refusal.
    Warning,
    /// A login, or a change by an administrator.
    Info,
}

/// Sends a message as `ident[pid]: message`. A log that isn't there, or that nobody reads,
/// changes nothing.
pub fn log(level: Level, ident: &str, message: &str) {
    let _ = try_log(level, ident, message);
}

fn try_log(level: Level, ident: &str, message: &str) -> nix::Result<usize> {
    let severity = match level {
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => 6,
    };
    let priority = AUTHPRIV << 3 | severity;
    let line = format!("<{priority}>{ident}[{}]: {message}", std::process::id());
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    connect(
        std::os::fd::AsRawFd::as_raw_fd(&socket),
        &UnixAddr::new("/dev/log")?,
    )?;
    let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
    // However that ends, the sending itself doesn't wait.
    let _ = poll(&mut ready, PollTimeout::from(PATIENCE));
    send(
        std::os::fd::AsRawFd::as_raw_fd(&socket),
        line.as_bytes(),
        MsgFlags::MSG_NOSIGNAL,
    )
}
