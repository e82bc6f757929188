//! Codes on paper, for the day the phone is gone (NIST SP 800-63B's look-up secrets).

use std::fmt;

use hmac::Hmac;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::tag::tag;
use crate::{Code, Digits, Secret};

/// How many codes a set has.
pub const RECOVERY_CODES: usize = 10;

/// The most scratch codes in a set: what the ledger has bits for.
pub const MAX_SCRATCH: usize = 16;

/// 80 random bits need no slow hash (NIST wants one below 112 bits for what isn't
/// throttled by cost): this many rounds stay under 5 ms and out of reach of tables.
const ROUNDS: u32 = 4096;

const BYTES: usize = 10;
const CHARACTERS: usize = 16;

/// One recovery code: 80 random bits, written `XXXX-XXXX-XXXX-XXXX` in base32. Wiped when
/// dropped.
#[derive(Clone)]
pub struct RecoveryCode(Zeroizing<[u8; BYTES]>);

impl RecoveryCode {
    /// The code made of these random bytes.
    pub fn new(random: [u8; BYTES]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads 16 base32 characters in either case. Blanks and dashes must be gone.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != CHARACTERS {
            return None;
        }
        let upper = Zeroizing::new(std::str::from_utf8(text).ok()?.to_ascii_uppercase());
        if !upper
            .bytes()
            .all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
        {
            return None;
        }
        let bytes = base32::decode(base32::Alphabet::Rfc4648 { padding: false }, &upper)?;
        let bytes = Zeroizing::new(bytes);
        bytes.first_chunk::<BYTES>().copied().map(Self::new)
    }

    /// The code in groups of four, as it is printed for its owner.
    pub fn to_text(&self) -> Zeroizing<String> {
        let plain = Zeroizing::new(base32::encode(
            base32::Alphabet::Rfc4648 { padding: false },
            self.0.as_slice(),
        ));
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS.saturating_add(3)));
        for (index, c) in plain.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push('-');
            }
            text.push(c);
        }
        text
    }

    /// What the token file keeps of the code: PBKDF2-HMAC-SHA-256 with the set's salt.
    pub fn digest(&self, salt: &[u8; 16]) -> RecoveryDigest {
        stretch(self.0.as_slice(), salt)
    }
}

fn stretch(code: &[u8], salt: &[u8; 16]) -> RecoveryDigest {
    let mut digest = [0; 16];
    // HMAC takes keys of every length; were it not to, no digest would match.
    match pbkdf2::pbkdf2::<Hmac<Sha256>>(code, salt, ROUNDS, &mut digest) {
        Ok(()) => RecoveryDigest(Some(digest)),
        Err(_) => RecoveryDigest(None),
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode")
    }
}

/// A stretched recovery code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecoveryDigest(Option<[u8; 16]>);

impl RecoveryDigest {
    /// Takes the bytes that a token file keeps.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Some(bytes))
    }

    /// The bytes that a token file keeps.
    pub fn bytes(&self) -> [u8; 16] {
        self.0.unwrap_or_default()
    }

    /// What the token file keeps of a scratch code.
    pub fn of_scratch(code: &Code, salt: &[u8; 16]) -> Self {
        stretch(code.to_text().as_bytes(), salt)
    }

    fn matches(&self, other: &Self) -> Choice {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.ct_eq(b),
            _ => Choice::from(0),
        }
    }
}

impl fmt::Debug for RecoveryDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryDigest")
    }
}

/// The recovery codes of a person, or the scratch codes that came with them from
/// google-authenticator, as the token file keeps them.
#[derive(Debug, Clone)]
pub struct RecoverySet {
    /// Names the set in the ledger, so that an old set's spent codes stay spent.
    pub id: [u8; 16],
    /// One salt for the set: one stretching tells about all its codes.
    pub salt: [u8; 16],
    /// The digests, [`RECOVERY_CODES`] of them (1 to [`MAX_SCRATCH`] scratch codes), in order of their bytes: the ledger knows a
    /// spent code by its place, which must not change when the file is edited.
    pub digests: Vec<RecoveryDigest>,
}

impl RecoverySet {
    /// How long a scratch code is: eight digits. Short enough to be guessed, so it is
    /// throttled like any code, and a recovery code isn't.
    pub const SCRATCH: Digits = Digits::EIGHT;

    /// The set of the scratch codes that came with a token. The same codes make the same set,
    /// so that those spent stay spent when they come again.
    pub fn of_scratch(codes: &[Code], secret: &Secret) -> Self {
        let texts = sorted(codes);
        let (id, salt) = scratch_names(&texts, secret);
        let digest = |text: &Zeroizing<String>| stretch(text.as_bytes(), &salt);
        let mut digests: Vec<RecoveryDigest> = texts.iter().map(digest).collect();
        digests.sort();
        Self { id, salt, digests }
    }

    /// The id that [`of_scratch`](Self::of_scratch) gives, without what is slow.
    pub fn scratch_id(codes: &[Code], secret: &Secret) -> [u8; 16] {
        scratch_names(&sorted(codes), secret).0
    }

    /// Whether two sets of scratch codes came with the same secret.
    pub fn are_of_one_secret(one: &[u8; 16], other: &[u8; 16]) -> bool {
        one.first_chunk::<8>() == other.first_chunk::<8>()
    }

    /// Which code of the set this is; all are compared, in constant time.
    pub(crate) fn position(&self, typed: &RecoveryDigest) -> Option<usize> {
        let matches: Vec<Choice> = self
            .digests
            .iter()
            .map(|kept| kept.matches(typed))
            .collect();
        matches.into_iter().position(bool::from)
    }
}

/// The codes in order, each once.
fn sorted(codes: &[Code]) -> Vec<Zeroizing<String>> {
    let mut texts: Vec<_> = codes.iter().map(Code::to_text).collect();
    texts.sort_by(|a, b| a.as_str().cmp(b));
    texts.dedup_by(|a, b| a.as_str() == b.as_str());
    texts
}

/// The id and the salt of a set of scratch codes. The first half of the id is the secret's
/// alone: where the codes are others, nobody can tell which of them are spent, but that some
/// were.
fn scratch_names(texts: &[Zeroizing<String>], secret: &Secret) -> ([u8; 16], [u8; 16]) {
    let (mut id, mut salt) = ([0; 16], [0; 16]);
    let mut all: Vec<&[u8]> = vec![b"fob scratch"];
    let of_secret: [u8; 8] = tag(secret.bytes(), &all);
    all.extend(texts.iter().map(|text| text.as_bytes()));
    let of_codes: [u8; 32] = tag(secret.bytes(), &all);
    let parts = id.iter_mut().chain(&mut salt);
    parts.zip(of_codes).for_each(|(to, from)| *to = from);
    let half = id.iter_mut().zip(of_secret);
    half.for_each(|(to, from)| *to = from);
    (id, salt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_code_reads_back_in_any_case() {
        let code = RecoveryCode::new([7, 1, 255, 3, 0, 9, 200, 31, 90, 64]);
        let text = code.to_text();
        assert_eq!(text.len(), 19);
        let typed = text.replace('-', "").to_ascii_lowercase();
        let read = RecoveryCode::parse(typed.as_bytes()).unwrap();
        assert_eq!(read.0, code.0);
    }

    #[test]
    fn what_is_not_sixteen_base32_characters_is_no_recovery_code() {
        for text in [
            "",
            "ABCDEFGHIJKLMNO",
            "ABCDEFGHIJKLMNOPQ",
            "ABCDEFGHIJKLMN01",
            "ÄBCDEFGHIJKLMNO",
        ] {
            assert!(RecoveryCode::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn digest_depends_on_code_and_salt() {
        let code = RecoveryCode::new([1; 10]);
        let other = RecoveryCode::new([2; 10]);
        let same = code.digest(&[5; 16]).matches(&code.digest(&[5; 16]));
        assert!(bool::from(same));
        assert!(!bool::from(
            code.digest(&[5; 16]).matches(&code.digest(&[6; 16]))
        ));
        assert!(!bool::from(
            code.digest(&[5; 16]).matches(&other.digest(&[5; 16]))
        ));
    }

    /// R16: PBKDF2-HMAC-SHA-256 of 4,096 rounds, as OpenSSL computes it. Another number would
    /// make every code that was printed wrong.
    #[test]
    fn digest_is_the_same_in_every_version_and_kept_as_its_bytes() {
        let code = RecoveryCode::new([7, 1, 255, 3, 0, 9, 200, 31, 90, 64]);
        let bytes = [
            0x0b, 0xb8, 0xaf, 0x8c, 0x04, 0x7a, 0x25, 0xa1, 0x46, 0xa5, 0x56, 0xcc, 0xd1, 0x1c,
            0xf7, 0xe7,
        ];
        let digest = code.digest(&[5; 16]);
        assert_eq!(digest.bytes(), bytes);
        assert_eq!(digest, RecoveryDigest::from_bytes(bytes));
    }

    /// P8.
    #[test]
    fn debug_output_shows_neither_a_code_nor_its_digest() {
        let code = RecoveryCode::new([65; 10]);
        assert_eq!(format!("{code:?}"), "RecoveryCode");
        assert_eq!(format!("{:?}", code.digest(&[5; 16])), "RecoveryDigest");
    }

    /// P1: codes that come again, in another order or twice, are the set that some were spent of.
    #[test]
    fn same_scratch_codes_of_a_token_are_the_same_set() {
        let [a, b] = [b"12345678", b"01234567"].map(|code| Code::parse(code).unwrap());
        let secret = Secret::new((0..20).collect()).unwrap();
        let set = RecoverySet::of_scratch(&[a.clone(), b.clone()], &secret);
        assert_eq!(set.digests.len(), 2);
        let again = RecoverySet::of_scratch(&[b.clone(), a.clone(), b.clone()], &secret);
        assert_eq!((again.id, again.salt), (set.id, set.salt));
        assert_eq!(again.digests, set.digests);
        for code in [&a, &b] {
            let typed = RecoveryDigest::of_scratch(code, &set.salt);
            assert!(set.position(&typed).is_some());
        }
        let both = [a.clone(), b];
        assert_eq!(RecoverySet::scratch_id(&both, &secret), set.id);
        let other = Secret::new((1..21).collect()).unwrap();
        let other = RecoverySet::of_scratch(&both, &other);
        assert_ne!((other.id, other.salt), (set.id, set.salt));
        assert!(!RecoverySet::are_of_one_secret(&other.id, &set.id));
        let fewer = RecoverySet::of_scratch(&[a], &secret);
        assert_ne!(fewer.id, set.id);
        assert!(RecoverySet::are_of_one_secret(&fewer.id, &set.id));
    }
}
