//! What a file is encrypted with: its `EncryptionKey` and its `MACMethod`.

use std::cell::Cell;

use zeroize::Zeroizing;

use super::cipher::{Cipher, Hash, Padding, last_part};
use crate::xml::{self, Node};
use crate::{Key, Problem};

/// The most rounds of PBKDF2: some seconds.
const MAX_ROUNDS: u32 = 10_000_000;
const KEY_OPTIONS: &str = "Give the key that its maker sent apart from it: --key-file FILE (a \
    pre-shared key, in hexadecimal) or --passphrase-file FILE.";

/// The key of a file.
pub(super) struct Lock {
    key: Zeroizing<Vec<u8>>,
    hash: Hash,
    mac_key: Zeroizing<Vec<u8>>,
    /// Whether a MAC was right; `None` before the first.
    fits: Cell<Option<bool>>,
    padding: Padding,
}

/// An opened value.
pub(super) struct Opened {
    pub(super) bytes: Zeroizing<Vec<u8>>,
    /// Whether it may as well be a byte shorter, by the padding.
    pub(super) is_open: bool,
}

impl Lock {
    /// The lock of a file; nothing if the file has none.
    pub(super) fn of(container: Node<'_>, key: Option<&Key>) -> Result<Option<Self>, Problem> {
        for name in ["EncryptionMethod", "DigestMethod", "MACAlgorithm"] {
            if xml::all(container, name).next().is_some() {
                return Err(problem(
                    "is encrypted after a draft from before RFC 6030",
                    "Ask its maker for a file after RFC 6030.",
                ));
            }
        }
        let encryption = xml::one(container, "EncryptionKey").map_err(plain)?;
        let method = xml::one(container, "MACMethod").map_err(plain)?;
        if encryption.is_none() && method.is_none() {
            return Ok(None);
        }
        let key = unlocked(encryption, key)?;
        let Some(method) = method else {
            return Err(problem(
                "MACMethod is missing: nothing would show that the secrets are unchanged",
                "Ask its maker for a file with MACs, as RFC 6030 wants it.",
            ));
        };
        let hash = xml::attribute(method, &["Algorithm"]).unwrap_or_default();
        let hash = Hash::from_uri(hash).map_err(|what| plain(format!("MACMethod: {what}")))?;
        let mac_key = match xml::one(method, "MACKey").map_err(plain)? {
            None => key.clone(),
            Some(node) => mac_key(node, &key)?,
        };
        let fits = Cell::new(None);
        let mut lock = Self {
            key,
            hash,
            mac_key,
            fits,
            padding: Padding::default(),
        };
        lock.padding = lock.padding(container);
        Ok(Some(lock))
    }

    /// How the secrets of the file are padded: what one of them can't tell, all of them may.
    fn padding(&self, container: Node<'_>) -> Padding {
        let secrets = container
            .descendants()
            .filter(|node| xml::is(*node, "Secret"));
        let plain = secrets.filter_map(|secret| {
            let value = xml::one(secret, "EncryptedValue").ok()??;
            let (cipher, sealed) = encrypted(value).ok()?;
            let mac = xml::base64(xml::text_of(secret, "ValueMAC").ok()??).ok()?;
            check_length(cipher, &self.key).ok()?;
            let is_right = self.hash.is_mac(&self.mac_key, &sealed, &mac);
            is_right.then(|| cipher.decrypt(&self.key, &sealed))?
        });
        plain.fold(Padding::default(), |padding, plain| padding.with(&plain))
    }

    /// What an `EncryptedValue` holds, after its MAC was found right.
    pub(super) fn open(&self, value: Node<'_>, mac: Option<&str>) -> Result<Opened, String> {
        let (cipher, sealed) = encrypted(value)?;
        let mac = mac.ok_or("its ValueMAC is missing")?;
        let mac = xml::base64(mac).map_err(|what| format!("its ValueMAC {what}"))?;
        let right = self.hash.is_mac(&self.mac_key, &sealed, &mac);
        self.fits.set(Some(right || self.fits.get() == Some(true)));
        if !right {
            return Err(
                "its ValueMAC is wrong: this is not the key of the file, or the file was \
                changed"
                    .into(),
            );
        }
        check_length(cipher, &self.key)?;
        let is_open = cipher
            .decrypt(&self.key, &sealed)
            .is_some_and(|plain| self.padding.is_open(&plain));
        let bytes = cipher.open(&self.key, &sealed, self.padding);
        let bytes = bytes.ok_or("has a wrong padding or length")?;
        Ok(Opened { bytes, is_open })
    }

    /// Whether the key belongs to another file, as far as one can tell: no MAC was right.
    pub(super) fn is_wrong(&self) -> bool {
        self.fits.get() == Some(false)
    }
}

/// The key that the administrator gave, fit for this file.
fn unlocked(
    encryption: Option<Node<'_>>,
    key: Option<&Key>,
) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let derived = match encryption {
        None => None,
        Some(encryption) => xml::one(encryption, "DerivedKey").map_err(plain)?,
    };
    let named = encryption.is_none_or(|node| xml::all(node, "KeyName").next().is_some());
    match (derived, key) {
        (None, _) if !named => Err(problem(
            "is encrypted for a certificate, which isn't read",
            "Ask its maker for a file with a pre-shared key or a passphrase.",
        )),
        (None, None) => Err(problem("is encrypted with a pre-shared key", KEY_OPTIONS)),
        (Some(_), None) => Err(problem("is encrypted with a passphrase", KEY_OPTIONS)),
        (None, Some(Key::Preshared(key))) => Ok(key.clone()),
        (Some(node), Some(Key::Passphrase(text))) => {
            derive(node, text).map_err(|what| plain(format!("EncryptionKey: {what}")))
        }
        (None, Some(Key::Passphrase(_))) => Err(problem(
            "is encrypted with a pre-shared key, not with a passphrase",
            "Give its key in hexadecimal: --key-file FILE.",
        )),
        (Some(_), Some(Key::Preshared(_))) => Err(problem(
            "is encrypted with a passphrase, not with a pre-shared key",
            "Give its passphrase: --passphrase-file FILE.",
        )),
    }
}

/// PBKDF2, as `DerivedKey` describes it.
fn derive(node: Node<'_>, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, String> {
    let method = xml::one(node, "KeyDerivationMethod")?.ok_or("KeyDerivationMethod is missing")?;
    if last_part(xml::attribute(method, &["Algorithm"]).unwrap_or_default()) != "pbkdf2" {
        return Err("must be derived with PBKDF2".into());
    }
    let node = xml::one(method, "PBKDF2-params")?.ok_or("PBKDF2-params is missing")?;
    let salt = match xml::one(node, "Salt")? {
        Some(salt) => xml::text_of(salt, "Specified")?,
        None => None,
    };
    let salt =
        xml::base64(salt.ok_or("Salt is missing")?).map_err(|what| format!("Salt {what}"))?;
    let rounds = xml::text_of(node, "IterationCount")?.and_then(|text| text.parse().ok());
    let rounds = rounds.filter(|rounds| (1..=MAX_ROUNDS).contains(rounds));
    let rounds = rounds.ok_or_else(|| format!("IterationCount must be 1 to {MAX_ROUNDS}"))?;
    let length = xml::text_of(node, "KeyLength")?.unwrap_or("16");
    let length = length
        .parse()
        .ok()
        .filter(|length| matches!(length, 16 | 24 | 32));
    let length: usize = length.ok_or("KeyLength must be 16, 24 or 32")?;
    let prf = xml::one(node, "PRF")?.and_then(|prf| xml::attribute(prf, &["Algorithm"]));
    let hash = prf.map_or(Ok(Hash::Sha1), Hash::from_uri);
    let hash = hash.map_err(|what| format!("PRF {what}"))?;
    let mut key = Zeroizing::new(vec![0; length]);
    hash.pbkdf2(passphrase, &salt, rounds, &mut key);
    Ok(key)
}

fn mac_key(node: Node<'_>, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let wrong = |what: String| plain(format!("MACKey: {what}"));
    let (cipher, sealed) = encrypted(node).map_err(wrong)?;
    check_length(cipher, key).map_err(wrong)?;
    cipher
        .open(key, &sealed, Padding::default())
        .ok_or_else(|| {
            problem(
                "MACKey: this is not the key of the file, or the file was changed",
                "Compare the key with what the maker sent. If it is right, get the file again.",
            )
        })
}

/// The cipher and the bytes of an encrypted element.
fn encrypted(node: Node<'_>) -> Result<(Cipher, Zeroizing<Vec<u8>>), String> {
    let method = xml::one(node, "EncryptionMethod")?.ok_or("EncryptionMethod is missing")?;
    let cipher = Cipher::from_uri(xml::attribute(method, &["Algorithm"]).unwrap_or_default())?;
    let data = xml::one(node, "CipherData")?.ok_or("CipherData is missing")?;
    let value = xml::text_of(data, "CipherValue")?.ok_or("CipherValue is missing")?;
    let sealed = xml::base64(value).map_err(|what| format!("CipherValue {what}"))?;
    Ok((cipher, sealed))
}

fn check_length(cipher: Cipher, key: &[u8]) -> Result<(), String> {
    let (wanted, given) = (cipher.key_bytes(), key.len());
    if wanted == given {
        return Ok(());
    }
    let name = cipher.name();
    Err(format!(
        "{name} takes a key of {wanted} bytes, and this one has {given}"
    ))
}

fn plain(what: String) -> Problem {
    Problem {
        place: String::new(),
        what,
        remedy: None,
    }
}

fn problem(what: &str, remedy: &str) -> Problem {
    Problem {
        place: String::new(),
        what: what.into(),
        remedy: Some(remedy.into()),
    }
}
