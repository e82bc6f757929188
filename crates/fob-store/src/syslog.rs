//! The system log: one datagram that never waits.
//!
//! `syslog(3)` isn't used: it blocks when nobody reads the socket, reads TZ from the
//! caller's environment, and leaves its descriptor open in the host.

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::libc::ucred;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, UnixAddr, UnixCredentials,
    connect, send, sendmsg, socket,
};
use nix::unistd::{getegid, geteuid, getpid};

/// Facility AUTHPRIV (RFC 5424 section 6.2.1).
const AUTHPRIV: u8 = 10;
/// How often, and how long each time in milliseconds, a full socket is waited for.
const PATIENCE: (u8, u8) = (10, 50);

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
    let sender = ucred {
        pid: getpid().as_raw(),
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
    };
    let line = format!("<{priority}>{ident}[{}]: {message}", sender.pid);
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Unix, SockType::Datagram, flags, None)?;
    connect(socket.as_raw_fd(), &UnixAddr::new("/dev/log")?)?;
    let descriptor = socket.as_raw_fd();
    let mut sent = send_as(sender, descriptor, line.as_bytes());
    for _ in 0..PATIENCE.0 {
        if sent != Err(Errno::EAGAIN) {
            break;
        }
        // Others wait too: room that is seen may be gone when we come to use it.
        let mut ready = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
        let _ = poll(&mut ready, PollTimeout::from(PATIENCE.1));
        sent = send_as(sender, descriptor, line.as_bytes());
    }
    sent
}

/// Sends with the sender's effective uid beside the line. The kernel would add the real one,
/// which in su and sudo is the caller's: whoever believes root alone (`journalctl _UID=0`) would
/// pass the line over. It lets nobody but root claim to be root.
fn send_as(sender: ucred, socket: RawFd, line: &[u8]) -> nix::Result<usize> {
    let sender = UnixCredentials::from(sender);
    let beside = [ControlMessage::ScmCredentials(&sender)];
    let flags = MsgFlags::MSG_NOSIGNAL;
    let sent = sendmsg::<()>(socket, &[IoSlice::new(line)], &beside, flags, None);
    match sent {
        // Some sandboxes forbid it.
        Err(Errno::EPERM) => send(socket, line, flags),
        sent => sent,
    }
}
