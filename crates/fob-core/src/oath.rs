//! HOTP (RFC 4226) and the step of TOTP (RFC 6238).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::{Code, Counter, Digits, Period, Secret};

/// The hash under a token's HMAC (RFC 6238 section 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC-SHA-1, the only one of RFC 4226 and of most tokens.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name in a token file, and in lower case the one of an `otpauth://` URI.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// The algorithm of that name: `sha1`, `sha256`, `sha512`.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512]
            .into_iter()
            .find(|a| a.name() == name)
    }

    /// The length of its output in bytes, which is the length a new secret should have
    /// (RFC 6238 section 5.1).
    pub fn output_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// The codes of a key, one for each counter (RFC 4226 section 5.3). The key has been worked
/// into the hash already, which is half of the work for each code. Wiped when dropped.
pub struct Codes {
    keyed: Keyed,
    digits: Digits,
}

enum Keyed {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    /// A YubiKey that types Yubico OTPs has no codes.
    Nothing,
}

impl Codes {
    /// The codes of `secret`.
    pub fn new(secret: &Secret, algorithm: Algorithm, digits: Digits) -> Self {
        let keyed = match algorithm {
            Algorithm::Sha1 => keyed(secret).map(Keyed::Sha1),
            Algorithm::Sha256 => keyed(secret).map(Keyed::Sha256),
            Algorithm::Sha512 => keyed(secret).map(Keyed::Sha512),
        };
        Self {
            keyed: keyed.unwrap_or(Keyed::Nothing),
            digits,
        }
    }

    /// None that can be typed.
    pub(crate) fn untypable(digits: Digits) -> Self {
        Self {
            keyed: Keyed::Nothing,
            digits,
        }
    }

    /// The code of `counter`.
    pub fn at(&self, counter: Counter) -> Code {
        let moving = counter.0.to_be_bytes();
        let bits = match &self.keyed {
            Keyed::Sha1(keyed) => truncated(keyed, &moving),
            Keyed::Sha256(keyed) => truncated(keyed, &moving),
            Keyed::Sha512(keyed) => truncated(keyed, &moving),
            Keyed::Nothing => None,
        };
        bits.map_or_else(
            || Code::untypable(self.digits),
            |bits| Code::truncated(u64::from(bits), self.digits),
        )
    }
}

/// The step T of RFC 6238 section 4.2: whole periods since `t0`, or `None` before it.
pub fn step(unix_seconds: u64, t0: u64, period: Period) -> Option<Counter> {
    unix_seconds
        .checked_sub(t0)?
        .checked_div(period.seconds())
        .map(Counter)
}

/// HMAC takes keys of every length, so there is always one.
fn keyed<M: KeyInit>(secret: &Secret) -> Option<M> {
    M::new_from_slice(secret.bytes()).ok()
}

fn truncated<M: Mac + Clone>(keyed: &M, message: &[u8]) -> Option<u32> {
    let mut mac = keyed.clone();
    mac.update(message);
    let output = Zeroizing::new(mac.finalize().into_bytes().to_vec());
    dynamic_truncation(&output)
}

/// RFC 4226 section 5.3, step 2: 31 bits at the offset that the last nibble names.
fn dynamic_truncation(mac: &[u8]) -> Option<u32> {
    let offset = usize::from(mac.last()? & 0x0f);
    let bytes = mac.get(offset..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*bytes) & 0x7fff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(bytes: usize) -> Secret {
        let digits = b"1234567890".iter().copied().cycle().take(bytes).collect();
        Secret::new(digits).unwrap()
    }

    /// RFC 4226 appendix D, table 2.
    #[test]
    fn rfc_4226_vectors_hold() {
        let expected = [
            "755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
            "399871", "520489",
        ];
        for (counter, code) in (0u64..).zip(expected) {
            let shown = Codes::new(&secret(20), Algorithm::Sha1, Digits::MIN).at(Counter(counter));
            assert_eq!(shown.to_text().as_str(), code, "counter {counter}");
        }
    }

    /// RFC 6238 appendix B, with the keys of its erratum 2866 (20, 32, 64 bytes).
    #[test]
    fn rfc_6238_vectors_hold() {
        let vectors = [
            (59, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, ["65353130", "77737706", "47863826"]),
        ];
        let algorithms = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
        for (time, codes) in vectors {
            let counter = step(time, 0, Period::DEFAULT).unwrap();
            for (algorithm, expected) in algorithms.into_iter().zip(codes) {
                let key = secret(algorithm.output_bytes());
                let code = Codes::new(&key, algorithm, Digits::new(8).unwrap()).at(counter);
                assert_eq!(code.to_text().as_str(), expected, "{algorithm:?} at {time}");
            }
        }
    }

    #[test]
    fn steps_count_whole_periods_from_t0() {
        let minute = Period::new(60).unwrap();
        assert_eq!(step(946_684_800, 946_684_800, minute), Some(Counter(0)));
        assert_eq!(step(946_684_799, 946_684_800, minute), None);
        assert_eq!(
            step(u64::MAX, 0, Period::new(1).unwrap()),
            Some(Counter(u64::MAX))
        );
    }

    #[test]
    fn ten_digits_hold_all_31_bits() {
        let code = Codes::new(&secret(20), Algorithm::Sha1, Digits::MAX).at(Counter(0));
        assert_eq!(code.to_text().as_str(), "1284755224"); // RFC 4226 appendix D, table 1
    }
}
