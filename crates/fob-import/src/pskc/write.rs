//! A key container for other systems: plain, or under a pre-shared key or a passphrase, with
//! AES-128 to 256 in CBC mode and HMAC-SHA-1, as RFC 6030 section 6 has it and pskctool
//! reads it.

use std::fmt::Write;

use data_encoding::BASE64;
use fob_core::{Algorithm, Counter, Kind, Token};
use zeroize::Zeroizing;

use super::cipher::{Cipher, Hash};
use crate::Key;

/// The rounds of PBKDF2 for a passphrase.
const ROUNDS: u32 = 100_000;
/// The length of a key that is made of a passphrase, in bytes.
const DERIVED: usize = 16;
/// The length of the MAC's key, in bytes.
const MAC_KEY: usize = 20;

/// A token that is written.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Whose it is.
    pub user: &'a str,
    /// The token; not one that types Yubico OTPs.
    pub token: &'a Token,
    /// Its next counter; 0 for a clock.
    pub counter: Counter,
    /// How far its clock is off, in steps.
    pub drift: i32,
}

/// Writes a container. `random` fills a buffer with random bytes.
///
/// # Errors
/// The key has a length that AES doesn't take; or those of `random`.
pub fn write<E: From<&'static str>>(
    tokens: &[Leaving<'_>],
    key: Option<&Key>,
    mut random: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<Zeroizing<String>, E> {
    // Room for all of it: a text that grew would leave secrets behind.
    let room = tokens.len().saturating_mul(2048).saturating_add(4096);
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(HEAD);
    let lock = key
        .map(|key| Lock::new(key, &mut text, &mut random))
        .transpose()?;
    for (leaving, number) in tokens.iter().zip(1usize..) {
        package(leaving, number, lock.as_ref(), &mut text, &mut random)?;
    }
    text.push_str("</KeyContainer>\n");
    Ok(text)
}

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"\n  \
    xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"\n  \
    xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\"\n  \
    xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n";

/// What secrets are sealed with.
struct Lock {
    cipher: Cipher,
    key: Zeroizing<Vec<u8>>,
    mac_key: Zeroizing<[u8; MAC_KEY]>,
}

impl Lock {
    fn new<E: From<&'static str>>(
        key: &Key,
        text: &mut String,
        random: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        text.push_str("  <EncryptionKey>");
        let key = match key {
            Key::Preshared(key) => {
                text.push_str("<ds:KeyName>Pre-shared-key</ds:KeyName>");
                key.clone()
            }
            Key::Passphrase(passphrase) => {
                let mut salt = [0; 16];
                random(&mut salt)?;
                let mut key = Zeroizing::new(vec![0; DERIVED]);
                Hash::Sha1.pbkdf2(passphrase, &salt, ROUNDS, &mut key);
                let salt = BASE64.encode(&salt);
                // Writing to a String doesn't fail.
                let _ = write!(
                    text,
                    "<xenc11:DerivedKey><xenc11:KeyDerivationMethod Algorithm=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2\">\
                     <pkcs5:PBKDF2-params><Salt><Specified>{salt}</Specified></Salt><IterationCount>{ROUNDS}</IterationCount>\
                     <KeyLength>{DERIVED}</KeyLength><PRF/></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod>\
                     <xenc11:MasterKeyName>Passphrase</xenc11:MasterKeyName></xenc11:DerivedKey>"
                );
                key
            }
        };
        text.push_str("</EncryptionKey>\n");
        let cipher = Cipher::for_key(&key).ok_or("the key must have 16, 24 or 32 bytes")?;
        let mut mac_key = Zeroizing::new([0; MAC_KEY]);
        random(mac_key.as_mut_slice())?;
        let lock = Self {
            cipher,
            key,
            mac_key,
        };
        let (value, _) = lock.seal(lock.mac_key.as_slice(), random)?;
        let _ = writeln!(
            text,
            "  <MACMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#hmac-sha1\"><MACKey>{value}</MACKey></MACMethod>"
        );
        Ok(lock)
    }

    /// The encrypted element's content, and its MAC.
    fn seal<E: From<&'static str>>(
        &self,
        plain: &[u8],
        random: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(String, String), E> {
        let mut iv = [0; 16];
        random(&mut iv)?;
        let sealed = self.cipher.seal(&self.key, iv, plain);
        let sealed = sealed.ok_or("the secret could not be encrypted")?;
        let mac = Hash::Sha1.mac(self.mac_key.as_slice(), &sealed);
        let value = format!(
            "<xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#{}\"/>\
             <xenc:CipherData><xenc:CipherValue>{}</xenc:CipherValue></xenc:CipherData>",
            self.cipher.name(),
            BASE64.encode(&sealed)
        );
        Ok((value, BASE64.encode(&mac)))
    }
}

fn package<E: From<&'static str>>(
    leaving: &Leaving<'_>,
    number: usize,
    lock: Option<&Lock>,
    text: &mut String,
    random: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let token = leaving.token;
    let secret = match lock {
        None => {
            let plain = Zeroizing::new(BASE64.encode(token.secret.bytes()));
            Zeroizing::new(format!("<PlainValue>{}</PlainValue>", *plain))
        }
        Some(lock) => {
            let (value, mac) = lock.seal(token.secret.bytes(), random)?;
            Zeroizing::new(format!(
                "<EncryptedValue>{value}</EncryptedValue><ValueMAC>{mac}</ValueMAC>"
            ))
        }
    };
    let suite = match token.algorithm {
        Algorithm::Sha1 => "",
        Algorithm::Sha256 => "<Suite>HMAC-SHA256</Suite>",
        Algorithm::Sha512 => "<Suite>HMAC-SHA512</Suite>",
    };
    let moving = match token.kind {
        Kind::Totp { period, .. } => {
            let drift = match leaving.drift {
                0 => String::new(),
                steps => format!("<TimeDrift><PlainValue>{steps}</PlainValue></TimeDrift>"),
            };
            let (time, period) = ("<Time><PlainValue>0</PlainValue></Time>", period.seconds());
            format!("{time}<TimeInterval><PlainValue>{period}</PlainValue></TimeInterval>{drift}")
        }
        Kind::Hotp { .. } | Kind::Yubico { .. } => {
            format!(
                "<Counter><PlainValue>{}</PlainValue></Counter>",
                leaving.counter
            )
        }
    };
    let policy = token.expires.map_or_else(String::new, |day| {
        format!("<Policy><ExpiryDate>{day}T23:59:59Z</ExpiryDate></Policy>")
    });
    let serial = token
        .serial
        .clone()
        .unwrap_or_else(|| format!("{}-{}", leaving.user, token.id));
    let _ = writeln!(
        text,
        "  <KeyPackage>\n    <DeviceInfo><Manufacturer>oath.pam_fob</Manufacturer><SerialNo>{}</SerialNo></DeviceInfo>\n    \
         <Key Id=\"key-{number}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{}\">\n      \
         <AlgorithmParameters>{suite}<ResponseFormat Length=\"{}\" Encoding=\"DECIMAL\"/></AlgorithmParameters>\n      \
         <Data><Secret>{}</Secret>{moving}</Data>\n      <UserId>UID={}</UserId>{policy}\n    </Key>\n  </KeyPackage>",
        escaped(&serial),
        token.kind.name(),
        token.digits.count(),
        *secret,
        escaped(&distinguished(leaving.user)),
    );
    Ok(())
}

/// A value of a distinguished name (RFC 4514 section 2.4).
fn distinguished(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | '#') {
            safe.push('\\');
        }
        safe.push(c);
    }
    safe
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            c => safe.push(c),
        }
    }
    safe
}
