//! The addresses of this machine, as the kernel tells them.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// Whether an interface of this machine has that address. Also where nobody can tell.
pub(crate) fn may_have(address: IpAddr) -> bool {
    let Ok(mut all) = getifaddrs() else {
        return true;
    };
    all.any(|one| one.address.as_ref().and_then(ip) == Some(address))
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}
