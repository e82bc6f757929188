//! The encryption of a file that is written.

use std::fmt::Write;

use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::WriteError;
use crate::Key;
use crate::pskc::cipher::{Cipher, Hash};

/// Rounds of PBKDF2 for a passphrase.
const ROUNDS: u32 = 100_000;
const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";

/// What encrypts the secrets of a file.
pub(super) struct Seal<'r> {
    cipher: Cipher,
    key: Zeroizing<Vec<u8>>,
    mac_key: Zeroizing<[u8; 20]>,
    random: &'r mut dyn FnMut(&mut [u8]) -> bool,
}

impl<'r> Seal<'r> {
    /// Makes the keys, and writes what a reader needs to have them too.
    pub(super) fn new(
        key: &Key,
        random: &'r mut dyn FnMut(&mut [u8]) -> bool,
        text: &mut String,
    ) -> Result<Self, WriteError> {
        let key = match key {
            Key::Preshared(key) => {
                let name = "<ds:KeyName>Pre-shared-key</ds:KeyName>";
                line!(text, "  <EncryptionKey>\n    {name}\n  </EncryptionKey>");
                key.clone()
            }
            Key::Passphrase(passphrase) => {
                let mut salt = [0; 16];
                fill(random, &mut salt)?;
                derivation(&salt, text);
                let mut key = Zeroizing::new(vec![0; 16]);
                Hash::Sha1.pbkdf2(passphrase, &salt, ROUNDS, &mut key);
                key
            }
        };
        let cipher = Cipher::for_key(&key).ok_or(WriteError::KeyLength)?;
        let mut mac_key = Zeroizing::new([0; 20]);
        fill(random, mac_key.as_mut_slice())?;
        let mut seal = Self {
            cipher,
            key,
            mac_key,
            random,
        };
        line!(
            text,
            "  <MACMethod Algorithm=\"{HMAC_SHA1}\">\n    <MACKey>"
        );
        let sealed = seal.sealed(&*seal.mac_key.clone())?;
        seal.encrypted(&sealed, text);
        line!(text, "    </MACKey>\n  </MACMethod>");
        Ok(seal)
    }

    pub(super) fn value(&mut self, plain: &[u8], text: &mut String) -> Result<(), WriteError> {
        let sealed = self.sealed(plain)?;
        line!(text, "          <EncryptedValue>");
        self.encrypted(&sealed, text);
        let mac = BASE64.encode(&Hash::Sha1.mac(self.mac_key.as_slice(), &sealed));
        line!(
            text,
            "          </EncryptedValue>\n          <ValueMAC>{mac}</ValueMAC>"
        );
        Ok(())
    }

    fn sealed(&mut self, plain: &[u8]) -> Result<Vec<u8>, WriteError> {
        let mut iv = [0; 16];
        fill(self.random, &mut iv)?;
        self.cipher
            .seal(&self.key, iv, plain)
            .ok_or(WriteError::KeyLength)
    }

    fn encrypted(&self, sealed: &[u8], text: &mut String) {
        let (name, sealed) = (self.cipher.name(), BASE64.encode(sealed));
        let uri = format!("http://www.w3.org/2001/04/xmlenc#{name}");
        line!(
            text,
            "            <xenc:EncryptionMethod Algorithm=\"{uri}\"/>"
        );
        let value = format!("<xenc:CipherValue>{sealed}</xenc:CipherValue>");
        line!(
            text,
            "            <xenc:CipherData>{value}</xenc:CipherData>"
        );
    }
}

fn fill(random: &mut dyn FnMut(&mut [u8]) -> bool, bytes: &mut [u8]) -> Result<(), WriteError> {
    if random(bytes) {
        Ok(())
    } else {
        Err(WriteError::Random)
    }
}

fn derivation(salt: &[u8], text: &mut String) {
    let salt = BASE64.encode(salt);
    line!(text, "  <EncryptionKey>\n    <xenc11:DerivedKey>");
    line!(
        text,
        "      <xenc11:KeyDerivationMethod Algorithm=\"{PBKDF2}\">"
    );
    line!(text, "        <pkcs5:PBKDF2-params>");
    line!(text, "          <Salt><Specified>{salt}</Specified></Salt>");
    line!(text, "          <IterationCount>{ROUNDS}</IterationCount>");
    line!(
        text,
        "          <KeyLength>16</KeyLength>\n          <PRF/>"
    );
    line!(
        text,
        "        </pkcs5:PBKDF2-params>\n      </xenc11:KeyDerivationMethod>"
    );
    line!(
        text,
        "      <xenc11:MasterKeyName>Passphrase</xenc11:MasterKeyName>"
    );
    line!(text, "    </xenc11:DerivedKey>\n  </EncryptionKey>");
}
