//! What people who aren't enrolled are judged against, so that they see and wait for the
//! same as everybody else.

use std::path::{Path, PathBuf};

use fob_core::format::TokenFile;
use sha2::{Digest, Sha256};

use crate::places::Read;
use crate::trusted::{Kept, read_stamped};
use crate::way::Way;
use crate::{Fault, FaultKind, create};

/// A token file with one token that lets nobody in. Its secret also keys the choice of the
/// ledger, so that nobody can tell which names share one.
const FILE: &str = "dummy";

pub(crate) struct Dummy {
    pub(crate) file: TokenFile,
    pub(crate) read: Read,
    pub(crate) ledger: PathBuf,
}

/// The dummy for `name`: one of 256 ledgers.
pub(crate) fn find(way: &Way, state: &Path, name: &str) -> Result<Dummy, Fault> {
    let path = state.join(FILE);
    let (text, stamp) = match read_stamped(way, &path, Kept::Secret)? {
        Some(found) => found,
        None => {
            create::create_file(&path, new_file()?.as_bytes())?;
            read_stamped(way, &path, Kept::Secret)?
                .ok_or_else(|| Fault::at(FaultKind::StateMissing, &path, "vanished"))?
        }
    };
    let file = TokenFile::parse(&text).map_err(|error| {
        let remedy = format!("{error}; remove the file, and it is made anew");
        Fault::at(FaultKind::StateDamaged, &path, remedy)
    })?;
    let mut hash = Sha256::new();
    file.tokens
        .iter()
        .for_each(|token| hash.update(token.secret.bytes()));
    hash.update(name.as_bytes());
    let number = hash.finalize().first().copied().unwrap_or_default();
    Ok(Dummy {
        file,
        read: Read::new(path, stamp),
        ledger: state.join(format!("dummy-{number:02x}")),
    })
}

fn new_file() -> Result<String, Fault> {
    let secret = fob_core::Secret::new(create::random::<20>()?.to_vec())
        .map_err(|error| Fault::new(FaultKind::StateWrite, error.to_string()))?;
    Ok(format!(
        "# What people who aren't enrolled are judged against. Lets nobody in.\n\
         version = 1\n\n[[token]]\nid = \"dummy\"\ntype = \"totp\"\nsecret = \"{}\"\ndisabled = true\n",
        secret.to_base32().as_str()
    ))
}
