//! New recovery codes.

use fob_core::{RECOVERY_CODES, RecoveryCode, RecoverySet};
use zeroize::Zeroizing;

use crate::{Fault, random};

/// A new set: what its owner keeps, and what the token file keeps.
#[derive(Debug)]
pub struct NewCodes {
    /// The codes as they are shown, once.
    pub texts: Vec<Zeroizing<String>>,
    /// Their digests.
    pub set: RecoverySet,
}

impl NewCodes {
    /// Makes a set.
    ///
    /// # Errors
    /// There are no random bytes.
    pub fn make() -> Result<Self, Fault> {
        let mut new = Self {
            texts: Vec::with_capacity(RECOVERY_CODES),
            set: RecoverySet {
                id: random()?,
                salt: random()?,
                digests: Vec::with_capacity(RECOVERY_CODES),
            },
        };
        for _ in 0..RECOVERY_CODES {
            let code = RecoveryCode::new(random()?);
            new.texts.push(code.to_text());
            new.set.digests.push(code.digest(&new.set.salt));
        }
        Ok(new)
    }

    /// The codes as they are shown.
    pub fn list(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.as_str()).collect()
    }
}
