//! New recovery codes.

use fob_core::{RECOVERY_CODES, RecoveryCode, RecoverySet};
use fob_store::{Fault, random};
use zeroize::Zeroizing;

/// A new set: what its owner keeps, and what the token file keeps.
pub(crate) struct NewCodes {
    /// The codes as they are printed.
    pub(crate) texts: Vec<Zeroizing<String>>,
    /// Their digests.
    pub(crate) set: RecoverySet,
}

impl NewCodes {
    /// Makes a set.
    ///
    /// # Errors
    /// There are no random bytes.
    pub(crate) fn make() -> Result<Self, Fault> {
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

    /// The codes for a person to write down.
    pub(crate) fn page(&self, name: &str) -> Zeroizing<String> {
        let mut page = Zeroizing::new(format!(
            "Recovery codes of {name}: each lets {name} in once, without a token.\n\
             Keep them apart from the phone. They are not shown again.\n"
        ));
        for text in &self.texts {
            page.push_str("\n    ");
            page.push_str(text);
        }
        page.push('\n');
        page
    }

    /// The codes as JSON takes them.
    pub(crate) fn list(&self) -> Vec<&str> {
        self.texts.iter().map(|text| text.as_str()).collect()
    }
}
