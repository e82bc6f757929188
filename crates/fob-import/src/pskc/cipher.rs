//! What PSKC files are encrypted and authenticated with.

use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// The block of AES, in bytes.
const BLOCK: usize = 16;
/// The lengths of secrets that some makers don't pad, or pad with zeros.
const BARE: [usize; 4] = [16, 20, 32, 64];
/// So many equal bytes at the end are padding, whatever the other values of a file have: no
/// secret ends so by chance.
const SURE: usize = 4;

/// AES in CBC mode, the IV in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl Cipher {
    const ALL: [Self; 3] = [Self::Aes128, Self::Aes192, Self::Aes256];

    /// The cipher of that URI.
    pub(super) fn from_uri(uri: &str) -> Result<Self, String> {
        let name = last_part(uri);
        let mut all = Self::ALL.into_iter();
        all.find(|cipher| cipher.name() == name)
            .ok_or_else(|| "is encrypted with something else than AES in CBC mode".into())
    }

    /// The cipher for a key of so many bytes.
    pub(super) fn for_key(key: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.key_bytes() == key.len())
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Aes128 => "aes128-cbc",
            Self::Aes192 => "aes192-cbc",
            Self::Aes256 => "aes256-cbc",
        }
    }

    pub(super) fn key_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// Encrypts, with the IV in front.
    pub(super) fn seal(self, key: &[u8], iv: [u8; BLOCK], plain: &[u8]) -> Option<Vec<u8>> {
        let short = plain.len().checked_rem(BLOCK)?;
        let padding = BLOCK.checked_sub(short)?;
        let mut body = Zeroizing::new(Vec::with_capacity(plain.len().checked_add(padding)?));
        body.extend_from_slice(plain);
        body.extend(std::iter::repeat_n(u8::try_from(padding).ok()?, padding));
        match self {
            Self::Aes128 => encrypt::<cbc::Encryptor<aes::Aes128>>(key, &iv, &mut body)?,
            Self::Aes192 => encrypt::<cbc::Encryptor<aes::Aes192>>(key, &iv, &mut body)?,
            Self::Aes256 => encrypt::<cbc::Encryptor<aes::Aes256>>(key, &iv, &mut body)?,
        }
        Some([iv.as_slice(), &body].concat())
    }

    /// Decrypts what has its IV in front, and takes the padding off.
    pub(super) fn open(
        self,
        key: &[u8],
        sealed: &[u8],
        padding: Padding,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let mut plain = self.decrypt(key, sealed)?;
        let length = padding.length_without(&plain)?;
        plain.truncate(length);
        Some(plain)
    }

    /// Decrypts what has its IV in front; the padding stays.
    pub(super) fn decrypt(self, key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, body) = sealed.split_first_chunk::<BLOCK>()?;
        if body.is_empty() || body.len().checked_rem(BLOCK)? != 0 {
            return None;
        }
        let mut plain = Zeroizing::new(body.to_vec());
        match self {
            Self::Aes128 => decrypt::<cbc::Decryptor<aes::Aes128>>(key, iv, &mut plain)?,
            Self::Aes192 => decrypt::<cbc::Decryptor<aes::Aes192>>(key, iv, &mut plain)?,
            Self::Aes256 => decrypt::<cbc::Decryptor<aes::Aes256>>(key, iv, &mut plain)?,
        }
        Some(plain)
    }
}

fn encrypt<M: BlockModeEncrypt + KeyIvInit>(key: &[u8], iv: &[u8], body: &mut [u8]) -> Option<()> {
    let (blocks, _) = Array::slice_as_chunks_mut(body);
    M::new_from_slices(key, iv).ok()?.encrypt_blocks(blocks);
    Some(())
}

fn decrypt<M: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: &[u8], body: &mut [u8]) -> Option<()> {
    let (blocks, _) = Array::slice_as_chunks_mut(body);
    M::new_from_slices(key, iv).ok()?.decrypt_blocks(blocks);
    Some(())
}

/// Whether the secrets of a file are padded after PKCS #7, as the standard wants it. Some makers
/// leave the padding out, or fill up with zeros. A secret that isn't padded and ends in 01, one
/// of 256, must not lose that byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Padding {
    /// No value says it.
    #[default]
    Unsaid,
    /// One has a whole block of it, which only who pads always adds.
    Always,
    /// One that would need it has none.
    Missing,
}

impl Padding {
    /// What is known with one value more.
    pub(super) fn with(self, plain: &[u8]) -> Self {
        match unfilled(plain) {
            None => Self::Missing,
            Some(length) if length.checked_add(BLOCK) == Some(plain.len()) => match self {
                Self::Missing => Self::Missing,
                Self::Unsaid | Self::Always => Self::Always,
            },
            Some(_) => self,
        }
    }

    /// Whether a value may be a byte longer than what its padding leaves. Nobody makes secrets of
    /// 31 or 63 bytes, so the longer one is taken. One of 15 is 24 characters of base32: there
    /// the standard holds.
    pub(super) fn is_open(self, plain: &[u8]) -> bool {
        let is_cut = unfilled(plain).and_then(|length| length.checked_add(1)) == Some(plain.len());
        self == Self::Unsaid && is_cut && matches!(plain.len(), 32 | 64)
    }

    /// How long the value is without its padding.
    fn length_without(self, plain: &[u8]) -> Option<usize> {
        if self.is_open(plain) {
            return Some(plain.len());
        }
        let is_sure = |length: &usize| {
            let count = plain.len().checked_sub(*length);
            self != Self::Missing || count >= Some(SURE)
        };
        unfilled(plain).filter(is_sure).or_else(|| bare(plain))
    }
}

/// How long a secret without padding is, or one that is filled up with zeros: its length must
/// be that of a secret.
fn bare(plain: &[u8]) -> Option<usize> {
    let zeros = plain.iter().rev().take_while(|byte| **byte == 0).count();
    let fits = |bare: &usize| {
        let filled = plain.len().checked_sub(*bare);
        filled.is_some_and(|filled| filled < BLOCK && filled <= zeros)
    };
    BARE.into_iter().find(fits)
}

/// How long the text is without PKCS #7's padding, if it has that.
fn unfilled(plain: &[u8]) -> Option<usize> {
    let count = *plain.last()?;
    let length = plain.len().checked_sub(usize::from(count))?;
    let padding = plain.get(length..)?;
    let is_padding = (1..=16).contains(&count) && padding.iter().all(|byte| *byte == count);
    is_padding.then_some(length)
}

/// The hash under an HMAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

impl Hash {
    /// The hash of an HMAC's URI: of XML signatures, or of PKCS #5's pseudorandom functions.
    pub(super) fn from_uri(uri: &str) -> Result<Self, String> {
        match last_part(uri).as_str() {
            "hmac-sha1" | "hmacwithsha1" => Ok(Self::Sha1),
            "hmac-sha256" | "hmacwithsha256" => Ok(Self::Sha256),
            "hmac-sha512" | "hmacwithsha512" => Ok(Self::Sha512),
            _ => Err("must be HMAC with SHA-1, SHA-256 or SHA-512".into()),
        }
    }

    /// The MAC of a message.
    pub(super) fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, message),
        }
    }

    /// Whether that is the MAC of the message.
    pub(super) fn is_mac(self, key: &[u8], message: &[u8], tag: &[u8]) -> bool {
        match self {
            Self::Sha1 => is_mac::<Hmac<Sha1>>(key, message, tag),
            Self::Sha256 => is_mac::<Hmac<Sha256>>(key, message, tag),
            Self::Sha512 => is_mac::<Hmac<Sha512>>(key, message, tag),
        }
    }

    /// A key from a passphrase.
    pub(super) fn pbkdf2(self, passphrase: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(passphrase, salt, rounds, key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(passphrase, salt, rounds, key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(passphrase, salt, rounds, key),
        }
    }
}

/// HMAC takes keys of every length; if it didn't, there would be no MAC.
fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mac = <M as KeyInit>::new_from_slice(key);
    mac.map_or_else(
        |_| Vec::new(),
        |mac| mac.chain_update(message).finalize().into_bytes().to_vec(),
    )
}

fn is_mac<M: Mac + KeyInit>(key: &[u8], message: &[u8], tag: &[u8]) -> bool {
    let mac = <M as KeyInit>::new_from_slice(key);
    mac.is_ok_and(|mac| mac.chain_update(message).verify_slice(tag).is_ok())
}

/// The name at the end of a URI, in lower case.
pub(super) fn last_part(uri: &str) -> String {
    let part = uri.rsplit([':', '#', '/']).next();
    part.unwrap_or_default().to_ascii_lowercase()
}
