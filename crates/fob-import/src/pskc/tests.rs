use fob_core::{Counter, Day, Kind, Period, PrivateId, Secret, Token};
use proptest::prelude::*;
use zeroize::Zeroizing;

use super::cipher::Hash;
use super::*;
use crate::{Key, Used, mutants, samples};

/// What a sample says in a comment that it is opened with.
fn key(text: &str) -> Option<Key> {
    let said = |name: &str| {
        let (_, rest) = text.split_once(name)?;
        rest.split(" -->").next()
    };
    let hex = said("key: ").map(|hex| Secret::from_hex(hex).unwrap().bytes().to_vec());
    let preshared = hex.map(|key| Key::Preshared(Zeroizing::new(key)));
    let passphrase = said("passphrase: ").map(|text| text.as_bytes().to_vec());
    preshared.or(passphrase.map(|text| Key::Passphrase(Zeroizing::new(text))))
}

fn read_sample(bytes: &[u8], options: &Options) -> Batch {
    let options = Options {
        now: options.now,
        key: key(&String::from_utf8_lossy(bytes)),
        ..Options::default()
    };
    read(bytes, &options)
}

#[test]
fn samples_are_read_as_expected() {
    samples::compare("pskc", read_sample);
}

/// RFC 6030, figures 6 and 7.
#[test]
fn encrypted_examples_of_the_standard_open() {
    for (name, key) in [
        (
            "6",
            Key::Preshared(Zeroizing::new(vec![
                0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78,
                0x90, 0x12,
            ])),
        ),
        ("7", Key::Passphrase(Zeroizing::new(b"qwerty".to_vec()))),
    ] {
        let paths = samples::all("pskc");
        let name = format!("rfc6030-figure-{name}.xml");
        let path = paths.iter().find(|path| path.ends_with(&name)).unwrap();
        let options = Options {
            key: Some(key),
            ..Options::default()
        };
        let batch = read(&std::fs::read(path).unwrap(), &options);
        assert_eq!(batch.problems, []);
        let token = &batch.tokens.first().unwrap().token;
        assert_eq!(token.secret.bytes(), b"12345678901234567890");
        assert_eq!(token.digits.count(), 8);
    }
}

/// A container with these secrets, each encrypted as it is: its padding is part of it.
fn sealed(secrets: &[Vec<u8>]) -> String {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit};
    let key = [0x12; 16];
    let value = |plain: &[u8]| {
        let mut body = plain.to_vec();
        let (blocks, rest) = aes::cipher::array::Array::slice_as_chunks_mut(&mut body);
        assert!(rest.is_empty());
        cbc::Encryptor::<aes::Aes128>::new_from_slices(&key, &[7; 16])
            .unwrap()
            .encrypt_blocks(blocks);
        let body = [[7; 16].as_slice(), &body].concat();
        let mac = data_encoding::BASE64.encode(&Hash::Sha1.mac(&key, &body));
        let body = data_encoding::BASE64.encode(&body);
        format!(
            "<EncryptedValue><EncryptionMethod Algorithm=\"aes128-cbc\"/><CipherData>\
            <CipherValue>{body}</CipherValue></CipherData></EncryptedValue><ValueMAC>{mac}</ValueMAC>"
        )
    };
    let package = |secret: &Vec<u8>| {
        let value = value(secret);
        format!(
            "<KeyPackage><Key Algorithm=\"hotp\"><Data><Secret>{value}</Secret></Data></Key>\
            </KeyPackage>"
        )
    };
    let packages: String = secrets.iter().map(package).collect();
    format!(
        "<KeyContainer><EncryptionKey><KeyName>k</KeyName></EncryptionKey>\
        <MACMethod Algorithm=\"hmac-sha1\"/>{packages}</KeyContainer>"
    )
}

/// How long each secret is that is read of such a container, and whether something is said of it.
fn lengths(secrets: &[Vec<u8>]) -> Vec<(usize, bool)> {
    let key = Some(Key::Preshared(Zeroizing::new(vec![0x12; 16])));
    let options = Options {
        key,
        ..Options::default()
    };
    let batch = read(sealed(secrets).as_bytes(), &options);
    assert_eq!(batch.problems, []);
    let of = |found: &Found| {
        let is_said = found.remarks.iter().any(|text| text.contains("padding"));
        (found.token.secret.bytes().len(), is_said)
    };
    batch.tokens.iter().map(of).collect()
}

/// The last byte of a secret without padding may be 01: it isn't padding, and isn't lost.
#[test]
fn secret_that_ends_like_padding_is_not_cut() {
    let secret = |first: u8, length: u8| (first..).take(length.into()).collect::<Vec<u8>>();
    let ending = |first, length, end: &[u8]| [&secret(first, length), end].concat();
    let padded20 = ending(90, 20, &[12; 12]);
    // The others of the file have none.
    let bare = [
        secret(1, 32),
        ending(50, 31, &[1]),
        ending(60, 30, &[2, 2]),
        ending(70, 63, &[1]),
        ending(80, 15, &[1]),
        padded20.clone(),
        ending(100, 20, &[0; 12]),
    ];
    let expected = [32, 32, 32, 64, 16, 20, 20].map(|length| (length, false));
    assert_eq!(lengths(&bare), expected);
    // By itself it leaves open what it is.
    assert_eq!(lengths(&[ending(1, 31, &[1])]), [(32, true)]);
    let mixed = [ending(1, 63, &[1]), padded20, ending(50, 15, &[1])];
    assert_eq!(lengths(&mixed), [(64, true), (20, false), (15, false)]);
    // Whoever pads a secret that needs no padding always pads.
    let padded = [ending(1, 32, &[16; 16]), ending(50, 31, &[1])];
    assert_eq!(lengths(&padded), [(32, false), (31, false)]);
}

/// RFC 6030, figure 7: 651e63cd57008476af1ff6422cd02e41.
#[test]
fn passphrase_becomes_the_key_of_the_standard() {
    let mut key = [0; 16];
    let salt = crate::xml::base64("Ej7/PEpyEpw=").unwrap();
    Hash::Sha1.pbkdf2(b"qwerty", &salt, 1000, &mut key);
    assert_eq!(
        fob_core::format::hex_text(&key),
        "651e63cd57008476af1ff6422cd02e41"
    );
}

#[test]
fn element_that_is_nested_a_million_times_is_no_problem_for_the_stack() {
    let deep = "<KeyContainer>".repeat(1_000_000);
    let batch = read(deep.as_bytes(), &Options::default());
    assert_eq!(batch.problems.len(), 1);
}

#[test]
fn tag_with_endless_attributes_is_refused_at_once() {
    let attributes: String = (0..200_000).map(|n| format!(" a{n}=\"\"")).collect();
    let batch = read(
        format!("<KeyContainer{attributes}/>").as_bytes(),
        &Options::default(),
    );
    let problem = batch.problems.first().unwrap();
    assert_eq!(problem.what, "holds a tag or a text of more than 8 KiB");
}

/// Bytes that are different each time, and known.
fn counting() -> impl FnMut(&mut [u8]) -> bool {
    let mut next = 0u8;
    move |bytes: &mut [u8]| {
        bytes.fill_with(|| {
            next = next.wrapping_add(1);
            next
        });
        true
    }
}

fn tokens() -> Vec<Token> {
    let secret = |text: &[u8]| Secret::new(text.to_vec()).unwrap();
    let hotp = Kind::Hotp {
        counter: Counter(7),
    };
    let mut first = crate::entry::token(hotp, secret(b"12345678901234567890"));
    first.id = "fob-S1".into();
    first.serial = Some("S1".into());
    first.expires = Day::parse("2037-12-31");
    let totp = Kind::Totp {
        period: Period::new(60).unwrap(),
        t0: 0,
    };
    let mut second = crate::entry::token(totp, secret(b"98765432109876543210987654321098"));
    second.algorithm = fob_core::Algorithm::Sha256;
    second.id = "phone <&> \"co\"".into();
    let yubico = Kind::Yubico {
        private_id: PrivateId([1, 2, 3, 4, 5, 6]),
        counter: Counter(0),
    };
    let mut third = crate::entry::token(yubico, secret(b"0123456789abcdef"));
    third.id = "yubikey".into();
    third.public_id = Some("ccccccbcgujh".into());
    vec![first, second, third]
}

fn leaving(tokens: &[Token]) -> Vec<Leaving<'_>> {
    let used = [(Some(12), 0), (None, -2), (None, 0)];
    let users = [Some("alice"), Some("a,b \\c@example"), None];
    let states = tokens.iter().zip(used).zip(users);
    let leaving = states.map(|((token, (floor, drift)), user)| Leaving {
        token,
        used: Used {
            floor: floor.map(Counter),
            drift,
        },
        user,
    });
    leaving.collect()
}

#[test]
fn what_is_written_is_read_again() {
    let tokens = tokens();
    let preshared = |length| Some(Key::Preshared(Zeroizing::new((1..=length).collect())));
    let passphrase = Some(Key::Passphrase(Zeroizing::new(b"correct horse".to_vec())));
    for key in [
        None,
        preshared(16),
        preshared(24),
        preshared(32),
        passphrase,
    ] {
        let written = write(&leaving(&tokens), key.as_ref(), &mut counting()).unwrap();
        assert_eq!(written.left_out, []);
        let is_plain = written.text.contains("MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=");
        assert_eq!(is_plain, key.is_none());
        let batch = read(
            written.text.as_bytes(),
            &Options {
                now: 0,
                key,
                ..Options::default()
            },
        );
        assert_eq!(batch.problems, []);
        assert_eq!(batch.dropped, []);
        assert_eq!(batch.tokens.len(), 3);
        for ((found, token), leaving) in batch.tokens.iter().zip(&tokens).zip(leaving(&tokens)) {
            let read = &found.token;
            assert_eq!(read.secret.bytes(), token.secret.bytes());
            assert_eq!(
                (read.algorithm, read.digits),
                (token.algorithm, token.digits)
            );
            assert_eq!(
                (read.expires, &read.public_id),
                (token.expires, &token.public_id)
            );
            assert_eq!(found.user.as_deref(), leaving.user);
            assert_eq!(found.used, leaving.used);
        }
        let kinds: Vec<Kind> = batch.tokens.iter().map(|found| found.token.kind).collect();
        let next = Kind::Hotp {
            counter: Counter(12),
        };
        assert_eq!(kinds, [next, tokens[1].kind, tokens[2].kind]);
    }
}

#[test]
fn what_pskc_would_not_say_is_left_out() {
    let mut tokens = tokens();
    tokens[0].disabled = true;
    tokens[1].kind = Kind::Totp {
        period: Period::DEFAULT,
        t0: 946_684_800,
    };
    let written = write(&leaving(&tokens), None, &mut counting()).unwrap();
    let places: Vec<&str> = written
        .left_out
        .iter()
        .map(|out| out.place.as_str())
        .collect();
    assert_eq!(places, ["1", "2"]);
}

#[test]
fn nothing_is_written_without_random_bytes_or_with_a_key_of_a_wrong_length() {
    let tokens = tokens();
    let key = |length| Key::Preshared(Zeroizing::new(vec![1; length]));
    let failed = write(&leaving(&tokens), Some(&key(16)), &mut |_| false);
    assert_eq!(failed.unwrap_err(), WriteError::Random);
    let failed = write(&leaving(&tokens), Some(&key(20)), &mut counting());
    assert_eq!(failed.unwrap_err(), WriteError::KeyLength);
}

proptest! {
    /// Without passphrases: a changed file may ask for millions of rounds.
    #[test]
    fn no_bytes_panic(bytes in mutants::of("pskc")) {
        let key = Key::Preshared(Zeroizing::new(vec![0x12; 16]));
        let batch = read(&bytes, &Options { key: Some(key), ..Options::default() });
        prop_assert!(batch.tokens.len() <= bytes.len());
    }
}
