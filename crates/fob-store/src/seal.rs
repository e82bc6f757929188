//! The key that opens sealed token files. Read for everybody where fob.conf names one, so
//! that nobody can tell whose file is sealed (P13).

use std::path::Path;

use fob_core::SealKey;
use fob_core::format;

use crate::trusted::{Kept, read};
use crate::way::Way;
use crate::{Fault, FaultKind};

/// What opens sealed token files.
#[derive(Debug, Clone)]
pub(crate) enum Seal {
    /// fob.conf names no key.
    Unset,
    /// This key.
    Key(SealKey),
    /// The key can't be read. Whoever has nothing sealed doesn't need it.
    Missing(Fault),
}

impl Seal {
    pub(crate) fn read(way: &Way, named: Option<&format::Seal>) -> Self {
        let Some(named) = named else {
            return Self::Unset;
        };
        let path = named.path();
        let text = match read(way, path, Kept::Secret) {
            Ok(Some(text)) => text,
            Ok(None) => return Self::Missing(missing(named)),
            Err(fault) if fault.kind == FaultKind::StateMissing => {
                return Self::Missing(missing(named));
            }
            Err(fault) => return Self::Missing(fault),
        };
        SealKey::from_text(&text).map_or_else(
            || {
                let what = "is no key; it must be the line that fob seal --new-key wrote";
                Self::Missing(Fault::at(FaultKind::StateDamaged, path, what))
            },
            Self::Key,
        )
    }

    pub(crate) fn key(&self) -> Option<&SealKey> {
        match self {
            Self::Key(key) => Some(key),
            _ => None,
        }
    }

    /// Why the sealed token file at `path` can't be opened.
    pub(crate) fn fault(&self, path: &Path) -> Fault {
        match self {
            Self::Missing(fault) => Fault {
                kind: fault.kind,
                detail: format!("{} is sealed; {}", path.display(), fault.detail),
            },
            _ => Fault::at(
                FaultKind::StateMissing,
                path,
                "is sealed, and fob.conf names no key; put its line `seal` back",
            ),
        }
    }
}

fn missing(named: &format::Seal) -> Fault {
    let what = match named {
        format::Seal::File(_) => {
            "there is no such key; put it back, or for the first one run: fob seal --new-key"
        }
        format::Seal::SystemdCreds => "there is no such key; run: systemctl start fob-seal",
    };
    Fault::at(FaultKind::StateMissing, named.path(), what)
}
