//! Where an attempt comes from, for the throttle.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sha2::{Digest, Sha256};

/// Where an attempt comes from: an IPv4 address, an IPv6 /64, "a name that is no
/// address", or on this machine a service and the real uid that called it. Never a
/// name that needs DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source(pub(crate) [u8; 17]);

impl Source {
    const V4: u8 = 1;
    const V6: u8 = 2;
    const NAMED: u8 = 3;
    const LOCAL: u8 = 4;
    const DUMMY: u8 = 5;
    const CROWD: u8 = 6;

    /// All newcomers while the table of sources is full.
    pub(crate) const CROWD_SOURCE: Self =
        Self([Self::CROWD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

    /// The source of a remote login: `rhost` is `PAM_RHOST`.
    pub fn remote(rhost: &str) -> Self {
        match address(rhost) {
            Some(IpAddr::V4(ip)) => Self::with(Self::V4, &ip.octets()),
            Some(IpAddr::V6(ip)) => Self::with(Self::V6, ip.octets().get(..8).unwrap_or_default()),
            None => Self::with(Self::NAMED, &[]),
        }
    }

    /// The source of a login on this machine: the service and the uid that called it.
    pub fn local(service: &str, uid: u32) -> Self {
        let mut bytes = [0; 16];
        let hash = Sha256::digest(service.as_bytes());
        let parts = uid.to_be_bytes().into_iter().chain(hash);
        bytes
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = from);
        Self::with(Self::LOCAL, &bytes)
    }

    /// The same source as a dummy ledger keeps it, where several names share a ledger:
    /// one name's failures must not make another wait.
    pub fn masked(self, name: &str) -> Self {
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(name.as_bytes())
            .finalize();
        Self::with(Self::DUMMY, hash.get(..16).unwrap_or_default())
    }

    /// Whether it is a source as a dummy ledger keeps it.
    pub(crate) fn is_masked(&self) -> bool {
        self.0.first() == Some(&Self::DUMMY)
    }

    fn with(kind: u8, value: &[u8]) -> Self {
        let mut bytes = [0; 17];
        let parts = std::iter::once(&kind).chain(value);
        bytes
            .iter_mut()
            .zip(parts)
            .for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

/// The address in `PAM_RHOST`; none where it is a name. A v4-mapped address is the IPv4
/// address; a zone behind the `%` of an IPv6 address doesn't count.
pub fn address(rhost: &str) -> Option<IpAddr> {
    let (plain, has_zone) = match rhost.split_once('%') {
        Some((plain, _)) => (plain, true),
        None => (rhost, false),
    };
    let found = plain.parse::<IpAddr>().ok();
    let whole = found.filter(|ip| ip.is_ipv6() || !has_zone);
    whole.map(|ip| ip.to_canonical())
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [kind, rest @ ..] = &self.0;
        match (*kind, rest) {
            (Self::V4, [a, b, c, d, ..]) => write!(f, "{}", Ipv4Addr::new(*a, *b, *c, *d)),
            (Self::V6, octets) => {
                let mut net = [0; 16];
                net.iter_mut()
                    .zip(octets)
                    .take(8)
                    .for_each(|(to, from)| *to = *from);
                write!(f, "{}/64", Ipv6Addr::from(net))
            }
            (Self::NAMED, _) => f.write_str("named"),
            (Self::LOCAL, [a, b, c, d, ..]) => {
                write!(f, "local uid {}", u32::from_be_bytes([*a, *b, *c, *d]))
            }
            (Self::CROWD, _) => f.write_str("others"),
            _ => f.write_str("hidden"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_behind_one_network_is_one_source() {
        assert_eq!(
            Source::remote("::ffff:192.0.2.7"),
            Source::remote("192.0.2.7")
        );
        assert_eq!(
            Source::remote("2001:db8::1"),
            Source::remote("2001:db8::ffff:2")
        );
        assert_eq!(Source::remote("fe80::1%eth0"), Source::remote("fe80::2"));
        assert_eq!(
            Source::remote("host.example"),
            Source::remote("other.example")
        );
        assert_ne!(Source::remote("192.0.2.7"), Source::remote("192.0.2.8"));
        let name = Source::remote("192.0.2.7%evil.example");
        assert_eq!(name, Source::remote("evil.example"));
        assert_ne!(Source::local("su", 1000), Source::local("sudo", 1000));
        assert_ne!(Source::local("su", 1000), Source::local("su", 1001));
    }

    #[test]
    fn source_is_shown_as_far_as_it_is_told_apart() {
        for (source, shown) in [
            (Source::remote("::ffff:192.0.2.7"), "192.0.2.7"),
            (Source::remote("2001:db8::1"), "2001:db8::/64"),
            (Source::remote("host.example"), "named"),
            (Source::local("su", 1000), "local uid 1000"),
            (Source::CROWD_SOURCE, "others"),
            (Source::remote("192.0.2.7").masked("alice"), "hidden"),
        ] {
            assert_eq!(source.to_string(), shown);
        }
    }
}
