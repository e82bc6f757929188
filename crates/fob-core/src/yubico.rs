//! The one-time password of a YubiKey: 16 bytes under AES-128, typed in modhex
//! (YubiKey manual, "Yubico OTP").

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{Counter, PrivateId, Secret};

/// The characters that stand for 0 to 15: where most keyboards have the same letters.
const MODHEX: &[u8; 16] = b"cbdefghijklnrtuv";
/// What the CRC over all 16 bytes comes to (ISO 13239).
const RESIDUE: u16 = 0xf0b8;
/// The highest bit of the use counter is no part of it.
const USES: u16 = 0x7fff;

/// What a YubiKey typed behind its public id. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct YubicoOtp(Zeroizing<[u8; 16]>);

impl YubicoOtp {
    /// How many characters it has.
    pub(crate) const CHARACTERS: usize = 32;

    /// Reads exactly 32 characters of modhex, in either case.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != Self::CHARACTERS {
            return None;
        }
        let mut bytes = Zeroizing::new([0; 16]);
        for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
            let mut nibbles = pair.iter().map(|c| nibble(*c));
            *byte = nibbles.next()?? << 4 | nibbles.next()??;
        }
        Some(Self(bytes))
    }

    /// Whether this is a character of modhex, in either case.
    pub(crate) fn is_modhex(c: u8) -> bool {
        nibble(c).is_some()
    }

    /// The counter that it holds, if it was made with this key: how often the YubiKey was
    /// plugged in, and behind that how often it was touched since.
    pub(crate) fn counter(&self, key: &Secret, private_id: PrivateId) -> Option<Counter> {
        let cipher = <Aes128 as KeyInit>::new_from_slice(key.bytes()).ok()?;
        let mut block = aes::Block::from(*self.0);
        cipher.decrypt_block(&mut block);
        let plain = Zeroizing::new(<[u8; 16]>::from(block));
        block.zeroize();
        let [
            i0,
            i1,
            i2,
            i3,
            i4,
            i5,
            use_low,
            use_high,
            _,
            _,
            _,
            session,
            _,
            _,
            _,
            _,
        ] = *plain;
        let is_right =
            crc(plain.as_slice()).ct_eq(&RESIDUE) & [i0, i1, i2, i3, i4, i5].ct_eq(&private_id.0);
        let uses = u64::from(u16::from_le_bytes([use_low, use_high]) & USES);
        bool::from(is_right).then_some(Counter(uses << 8 | u64::from(session)))
    }
}

impl std::fmt::Debug for YubicoOtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("YubicoOtp")
    }
}

fn nibble(c: u8) -> Option<u8> {
    let c = c.to_ascii_lowercase();
    let place = MODHEX.iter().position(|modhex| *modhex == c)?;
    u8::try_from(place).ok()
}

/// CRC-16 of ISO 13239, as the YubiKey computes it.
fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| {
            let shifted = crc >> 1;
            if crc & 1 == 1 {
                shifted ^ 0x8408
            } else {
                shifted
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: PrivateId = PrivateId([0x87, 0x92, 0xeb, 0xfe, 0x26, 0xcc]);

    fn key() -> Secret {
        Secret::from_hex("ecde18dbe76fbd0c33330f1c354871db").unwrap()
    }

    fn counter(otp: &str) -> Option<u64> {
        let otp = YubicoOtp::parse(otp.as_bytes())?;
        otp.counter(&key(), ID).map(|counter| counter.0)
    }

    /// The first is the example of Yubico's manual; the others come from OpenSSL's AES.
    #[test]
    fn counter_is_how_often_it_was_plugged_in_and_then_touched() {
        for (otp, uses, session) in [
            ("hknhfjbrjnlnldnhcujvddbikngjrtgh", 19, 17),
            ("HKNHFJBRJNLNLDNHCUJVDDBIKNGJRTGH", 19, 17),
            ("uujeihnhleghgvfejvugtldurguckuvk", 1, 0),
            ("fhndkbjjevketnidjudhhdkvleijlggl", 1, 255),
            ("kghrdrinchkberldlchrltucnbvvjvfg", 2, 0),
            ("trldttvjjcedlriikiehriulrkvetjnn", 0x7fff, 255),
            ("vfednnjkrbbdnvgvvvtrcjhlfrnctbcn", 1, 0), // the highest bit of 0x8001 doesn't count
        ] {
            assert_eq!(counter(otp), Some(uses * 256 + session), "{otp}");
        }
    }

    #[test]
    fn wrong_checksum_id_or_key_is_no_otp() {
        assert_eq!(counter("cbnrvklbujetdjfkbvvnfrceicrhftlk"), None); // checksum
        assert_eq!(counter("jbueeedrbbrkigutklgurgnckhtbuckh"), None); // private id
        let otp = YubicoOtp::parse(b"hknhfjbrjnlnldnhcujvddbikngjrtgh").unwrap();
        let other = Secret::from_hex("ecde18dbe76fbd0c33330f1c354871dc").unwrap();
        assert_eq!(otp.counter(&other, ID), None);
        let long = Secret::new((0..20).collect()).unwrap();
        assert_eq!(otp.counter(&long, ID), None);
    }

    #[test]
    fn what_is_not_32_characters_of_modhex_is_no_otp() {
        let wrong = [
            "",
            "cccc",
            "cccccccccccccccccccccccccccccccx",
            "ccccccccccccccccccccccccccccccccc",
            "0000000000000000000000000000000\u{e9}",
        ];
        for text in wrong {
            assert!(YubicoOtp::parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    /// P8.
    #[test]
    fn debug_output_shows_nothing_of_what_was_typed() {
        let otp = YubicoOtp::parse(b"hknhfjbrjnlnldnhcujvddbikngjrtgh").unwrap();
        assert_eq!(format!("{otp:?}"), "YubicoOtp");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(otp) = YubicoOtp::parse(&text) {
                prop_assert_eq!(otp.counter(&key(), ID), None);
            }
        }
    }
}
