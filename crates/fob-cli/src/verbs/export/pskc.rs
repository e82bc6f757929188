//! PSKC (RFC 6030), which most servers read.

use fob_core::{Kind, Ledger};
use fob_import::Key;
use fob_import::pskc::{Leaving, write};
use fob_store::random;
use zeroize::Zeroizing;

use super::other::{Item, cannot};
use crate::output::remark;
use crate::stop::Stop;

pub(super) fn text(items: &[Item<'_>], key: Option<&Key>) -> Result<Zeroizing<String>, Stop> {
    let mut leaving = Vec::new();
    for item in items {
        let (token, ledger) = (item.token, item.ledger);
        let counter = ledger.floor(token);
        match token.kind {
            Kind::Yubico { .. } => {
                return Err(cannot(item, "a YubiKey's own file says more of it"));
            }
            Kind::Totp { t0, .. } if t0 > 0 => {
                return Err(cannot(item, "other systems know time from 1970 on alone"));
            }
            Kind::Hotp { .. } if counter == Ledger::BLOCKED => {
                return Err(cannot(item, "it is blocked: nobody knows its counter"));
            }
            Kind::Hotp { .. } | Kind::Totp { .. } => {}
        }
        if token.disabled {
            let (user, id) = (item.user, &token.id);
            remark(&format!("{user}'s token {id:?} is disabled, and left out."));
            continue;
        }
        leaving.push(Leaving {
            user: item.user,
            token,
            counter,
            drift: ledger.entry(token.key()).map_or(0, |entry| entry.drift()),
        });
    }
    if key.is_none() {
        remark("Without --key-file or --passphrase-file the secrets stand in it as they are.");
    }
    write(&leaving, key, fill).map_err(|Failed(stop)| stop)
}

/// Why nothing was written.
struct Failed(Stop);

impl From<&'static str> for Failed {
    fn from(what: &'static str) -> Self {
        Self(Stop::unknown(what))
    }
}

/// Random bytes, sixteen at a time.
fn fill(buffer: &mut [u8]) -> Result<(), Failed> {
    for piece in buffer.chunks_mut(16) {
        let bytes: Zeroizing<[u8; 16]> =
            Zeroizing::new(random().map_err(|fault| Failed(fault.into()))?);
        piece
            .iter_mut()
            .zip(bytes.iter())
            .for_each(|(to, from)| *to = *from);
    }
    Ok(())
}
