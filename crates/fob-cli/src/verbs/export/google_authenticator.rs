//! `~/.google_authenticator`, as google-authenticator-libpam reads it.

use fob_core::{Algorithm, Digits, Kind, Ledger};
use zeroize::Zeroizing;

use super::other::{Item, cannot};
use crate::output::remark;
use crate::stop::Stop;

/// The longest step that its module takes, in seconds.
const MAX_PERIOD: u64 = 60;
/// So many of the last spent steps are said: more than its window holds.
const SPENT: u64 = 8;

pub(super) fn text(items: &[Item<'_>]) -> Result<Zeroizing<String>, Stop> {
    let [item] = items else {
        return Err(
            Stop::no("a .google_authenticator holds one token of one person")
                .remedy("Name the person, and the token with --id."),
        );
    };
    let token = item.token;
    if token.algorithm != Algorithm::Sha1 || token.digits != Digits::MIN {
        return Err(cannot(
            item,
            "google-authenticator knows SHA-1 and six digits alone",
        ));
    }
    let floor = item.ledger.floor(token);
    let moving = match token.kind {
        Kind::Totp { period, t0 } if period.seconds() <= MAX_PERIOD && t0 == 0 => {
            let drift = item
                .ledger
                .entry(token.key())
                .map_or(0, |entry| entry.drift());
            let first = floor.0.saturating_sub(SPENT);
            let spent: Vec<String> = (first..floor.0).map(|step| step.to_string()).collect();
            format!(
                "\" DISALLOW_REUSE {}\n\" STEP_SIZE {}\n\" TIME_SKEW {drift}\n\" TOTP_AUTH\n",
                spent.join(" "),
                period.seconds()
            )
        }
        Kind::Totp { .. } => {
            return Err(cannot(
                item,
                "google-authenticator knows steps of 60 s at most, from 1970 on",
            ));
        }
        Kind::Hotp { .. } if floor == Ledger::BLOCKED => {
            return Err(cannot(item, "it is blocked: nobody knows its counter"));
        }
        Kind::Hotp { .. } => {
            if floor.0 == 0 {
                remark(
                    "google-authenticator counts from 1: the first code of the token doesn't count there.",
                );
            }
            format!("\" HOTP_COUNTER {}\n", floor.0.max(1))
        }
        Kind::Yubico { .. } => {
            return Err(cannot(item, "google-authenticator knows no Yubico OTPs"));
        }
    };
    Ok(Zeroizing::new(format!(
        "{}\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n{moving}",
        *token.secret.to_base32()
    )))
}
