//! The moment of an attempt.

use std::fs::File;
use std::io::Read;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use fob_core::Now;
use nix::time::{ClockId, clock_gettime};

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The machine's clocks, read now.
pub fn now() -> Now {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| time.tv_sec());
    Now {
        unix,
        boot: u64::try_from(boot).unwrap_or_default(),
        boot_id: boot_id().unwrap_or_default(),
    }
}

/// Without /proc all boots look the same, and a wait may end early after a reboot. No process
/// outlives its boot, so that it is read once.
fn boot_id() -> Option<[u8; 16]> {
    static BOOT_ID: OnceLock<[u8; 16]> = OnceLock::new();
    if let Some(known) = BOOT_ID.get() {
        return Some(*known);
    }
    let id = read_boot_id()?;
    Some(*BOOT_ID.get_or_init(|| id))
}

fn read_boot_id() -> Option<[u8; 16]> {
    let mut text = [0; 36];
    File::open(BOOT_ID)
        .and_then(|mut file| file.read_exact(&mut text))
        .ok()?;
    let digits: Vec<u8> = text.iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let mut id = [0; 16];
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(id)
}
