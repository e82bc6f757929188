//! PSKC (RFC 6030), which most servers read.

use fob_core::{Kind, Ledger};
use fob_import::pskc::{Leaving, WriteError, Written, write};
use fob_import::{Key, Used};
use fob_store::random;
use zeroize::Zeroizing;

use super::other::{Item, cannot};
use crate::output::remark;
use crate::stop::Stop;

pub(super) fn text(items: &[Item<'_>], key: Option<&Key>) -> Result<Zeroizing<String>, Stop> {
    let mut leaving = Vec::new();
    for item in items {
        let (token, ledger) = (item.token, item.ledger);
        let floor = ledger.floor(token);
        if matches!(token.kind, Kind::Hotp { .. }) && floor == Ledger::BLOCKED {
            return Err(cannot(item, "it is blocked: nobody knows its counter"));
        }
        let drift = ledger.entry(token.key()).map_or(0, |entry| entry.drift());
        leaving.push(Leaving {
            token,
            used: Used {
                floor: Some(floor).filter(|floor| floor.0 > 0),
                drift,
            },
            user: Some(item.user),
        });
    }
    if key.is_none() {
        remark("Without --key-file or --passphrase-file the secrets stand in it as they are.");
    }
    let Written { text, left_out } =
        write(&leaving, key, &mut fill).map_err(|error| match error {
            WriteError::Random => Stop::unknown("there are no random bytes"),
            WriteError::KeyLength => Stop::unknown("the key must have 16, 24 or 32 bytes")
                .remedy("Give another --key-file."),
        })?;
    for dropped in left_out {
        remark(&format!("{:?} is left out: {}", dropped.what, dropped.why));
    }
    Ok(text)
}

/// Random bytes, sixteen at a time.
fn fill(buffer: &mut [u8]) -> bool {
    buffer.chunks_mut(16).all(|piece| {
        random::<16>().is_ok_and(|bytes| {
            let bytes = Zeroizing::new(bytes);
            piece
                .iter_mut()
                .zip(bytes.iter())
                .for_each(|(to, from)| *to = *from);
            true
        })
    })
}
