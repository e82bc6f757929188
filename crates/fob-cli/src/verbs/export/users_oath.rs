//! `users.oath`, as OATH Toolkit's pam_oath reads it.

use std::fmt::Write;

use fob_core::{Algorithm, Counter, Kind, Ledger};
use fob_store::now;
use zeroize::Zeroizing;

use super::other::{Item, cannot};
use crate::output::time;
use crate::stop::Stop;

/// The longest secret that liboath takes, in bytes.
const MAX_SECRET: usize = 32;

pub(super) fn text(items: &[Item<'_>]) -> Result<Zeroizing<String>, Stop> {
    // Room for all of it: a text that grew would leave secrets behind.
    let room = items.len().saturating_mul(512);
    let mut text = Zeroizing::new(String::with_capacity(room));
    for item in items {
        line(item, &mut text)?;
    }
    Ok(text)
}

fn line(item: &Item<'_>, text: &mut String) -> Result<(), Stop> {
    let Item {
        user,
        token,
        ledger,
    } = item;
    let digits = token.digits.count();
    let (secret, floor) = (token.secret.bytes(), ledger.floor(*token));
    if token.algorithm != Algorithm::Sha1 || digits > 8 || secret.len() > MAX_SECRET {
        return Err(cannot(
            item,
            "pam_oath knows SHA-1, six to eight digits and 32 bytes alone",
        ));
    }
    let hex = Zeroizing::new(fob_core::format::hex_text(secret));
    let (kind, state) = match token.kind {
        // Without a code that was used, the number is the counter that comes next.
        Kind::Hotp { .. } if floor != Ledger::BLOCKED => {
            (format!("E/{digits}"), format!("\t{floor}"))
        }
        Kind::Hotp { .. } => return Err(cannot(item, "it is blocked: nobody knows its counter")),
        Kind::Totp { period, t0: 0 } if matches!(period.seconds(), 30 | 60) => (
            format!("T{}/{digits}", period.seconds()),
            last_used(item, floor),
        ),
        Kind::Totp { .. } => return Err(cannot(item, "pam_oath knows steps of 30 and 60 s alone")),
        Kind::Yubico { .. } => return Err(cannot(item, "pam_oath knows no Yubico OTPs")),
    };
    // Writing to a String doesn't fail.
    let _ = writeln!(text, "HOTP/{kind}\t{user}\t-\t{}{state}", *hex);
    Ok(())
}

/// The code that was used last, so that pam_oath refuses it and those before it.
fn last_used(item: &Item<'_>, floor: Counter) -> String {
    if floor.0 == 0 {
        return String::new();
    }
    let code = item.token.code(floor.moved(-1));
    let at = time(now().unix).unwrap_or_default();
    format!("\t0\t{}\t{}L", *code.to_text(), at.trim_end_matches('Z'))
}
