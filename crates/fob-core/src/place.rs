//! Where somebody logs in, so exactly that a code given there may be good for a while.
//!
//! Stricter than [`Source`](crate::Source), which may put many people together: what can't be
//! told for certain, or is shared by everybody, is no place.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::source::address;

/// A service, and the one remote address or the one session at a terminal that uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub(crate) [u8; 16]);

/// The session of a process on this machine, as the kernel tells it. The numbers of terminals
/// and of sessions come back; the time at which a session's first process started doesn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The device of its terminal.
    pub terminal: u32,
    /// The process that leads it.
    pub leader: u32,
    /// When that process started, in the kernel's ticks since boot.
    pub started: u64,
}

impl Place {
    /// The place of a remote login: `rhost` is `PAM_RHOST`. None for a name, which anybody
    /// may have; for an address with a zone, which names no host by itself; and for
    /// `localhost`, behind which a tunnel may bring the whole world. The machine's other
    /// addresses are for the caller to leave out.
    pub fn remote(service: &str, rhost: &str) -> Option<Self> {
        let address = address(rhost).filter(|_| !rhost.contains('%'))?;
        let shared = address.is_loopback() || address.is_unspecified();
        let octets: &[u8] = match &address {
            IpAddr::V4(v4) => &v4.octets(),
            IpAddr::V6(v6) => &v6.octets(),
        };
        (!shared).then(|| Self::of(service, b"remote", octets))
    }

    /// The place of a login on this machine, of the real uid of the process that asks. None
    /// for root, whom nobody asks at a terminal: what root starts there may serve anybody.
    pub fn local(service: &str, uid: u32, session: Session) -> Option<Self> {
        let parts = [
            &uid.to_be_bytes()[..],
            &session.terminal.to_be_bytes(),
            &session.leader.to_be_bytes(),
            &session.started.to_be_bytes(),
        ];
        (uid != 0).then(|| Self::of(service, b"local", &parts.concat()))
    }

    /// A service has no NUL in its name, so that no two places are the same bytes.
    fn of(service: &str, kind: &[u8], value: &[u8]) -> Self {
        let hash = Sha256::new()
            .chain_update(b"fob place\0")
            .chain_update(service)
            .chain_update(b"\0")
            .chain_update(kind)
            .chain_update(value)
            .finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_one_address_and_one_service() {
        let at = |rhost| Place::remote("sshd", rhost);
        assert_eq!(at("::ffff:192.0.2.7"), at("192.0.2.7"));
        assert_eq!(at("2001:db8::1"), at("2001:0db8:0::1"));
        assert_ne!(at("192.0.2.7"), at("192.0.2.8"));
        assert_ne!(at("2001:db8::1"), at("2001:db8::2"));
        assert_ne!(at("192.0.2.7"), Place::remote("sudo", "192.0.2.7"));
    }

    /// Threats: a host name that looks like an address, and addresses that are nobody's own.
    #[test]
    fn what_is_no_single_host_is_no_place() {
        for rhost in [
            "",
            "localhost",
            "10.0.0.1.evil.example",
            "10.0.0.1%evil.example",
            "10.0.0.1 ",
            "010.0.0.1",
            "10.1",
            "fe80::1%eth0",
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "::",
        ] {
            assert_eq!(Place::remote("sshd", rhost), None, "{rhost}");
        }
    }

    #[test]
    fn session_is_told_apart_by_each_of_its_parts() {
        let session = Session {
            terminal: 0x8803,
            leader: 4711,
            started: 99,
        };
        let place = Place::local("sudo", 1000, session);
        assert!(place.is_some());
        let again = Session {
            started: 100,
            ..session
        };
        let terminal = Session {
            terminal: 0x8804,
            ..session
        };
        let leader = Session {
            leader: 4712,
            ..session
        };
        for other in [
            Place::local("sudo", 1000, again),
            Place::local("sudo", 1000, terminal),
            Place::local("sudo", 1000, leader),
            Place::local("sudo", 1001, session),
            Place::local("su", 1000, session),
        ] {
            assert_ne!(place, other);
        }
        assert_eq!(Place::local("sudo", 0, session), None);
    }
}
