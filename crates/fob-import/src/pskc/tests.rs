use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::{Key, mutants, samples};

/// The keys of RFC 6030, figures 6 and 7.
fn with_key(bytes: &[u8], options: &Options) -> Batch {
    let is_derived = bytes.windows(10).any(|part| part == b"DerivedKey");
    let key = if is_derived {
        Key::Passphrase(Zeroizing::new(b"qwerty".to_vec()))
    } else {
        let key = 0x1234_5678_9012_3456_7890_1234_5678_9012u128.to_be_bytes();
        Key::Preshared(Zeroizing::new(key.to_vec()))
    };
    let options = Options {
        now: options.now,
        key: Some(key),
        ..Options::default()
    };
    read(bytes, &options)
}

#[test]
fn samples_are_read_as_expected() {
    samples::compare("pskc", with_key);
}

/// The samples have the ciphertexts and MACs of RFC 6030, figures 6 and 7.
#[test]
fn codes_are_those_of_rfc_6030() {
    for sample in ["preshared.xml", "passphrase.xml"] {
        let paths = samples::all("pskc");
        let path = paths.iter().find(|path| path.ends_with(sample)).unwrap();
        let batch = with_key(&std::fs::read(path).unwrap(), &Options::default());
        let token = &batch.tokens[0].token;
        assert_eq!(token.secret.bytes(), b"12345678901234567890", "{sample}");
        assert_eq!(
            token.code(fob_core::Counter(0)).to_text().as_str(),
            "84755224"
        );
    }
}

#[test]
fn missing_key_is_asked_for() {
    for (sample, option) in [
        ("preshared.xml", "--key-file"),
        ("passphrase.xml", "--passphrase-file"),
    ] {
        let path = samples::all("pskc")
            .into_iter()
            .find(|path| path.ends_with(sample))
            .unwrap();
        let batch = read(&std::fs::read(path).unwrap(), &Options::default());
        assert!(batch.tokens.is_empty());
        assert!(batch.problems[0].remedy.as_ref().unwrap().contains(option));
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in mutants::of("pskc")) {
        let batch = with_key(&bytes, &Options { now: samples::NOW, ..Options::default() });
        prop_assert!(batch.problems.len() <= crate::MAX_PROBLEMS);
    }
}

/// What is written reads back, under each kind of key.
#[test]
fn written_container_reads_back() {
    let path = samples::all("pskc")
        .into_iter()
        .find(|path| path.ends_with("plain.xml"))
        .unwrap();
    let before = read(&std::fs::read(path).unwrap(), &Options::default());
    let leaving: Vec<Leaving<'_>> = before
        .tokens
        .iter()
        .map(|found| Leaving {
            user: "a & <b>",
            token: &found.token,
            counter: found.used.floor.unwrap_or(fob_core::Counter(0)),
            drift: found.used.drift,
        })
        .collect();
    for key in [
        None,
        Some(Key::Preshared(Zeroizing::new(vec![9; 32]))),
        Some(Key::Passphrase(Zeroizing::new(b"correct horse".to_vec()))),
    ] {
        let mut next = 0u8;
        let random = |buffer: &mut [u8]| {
            buffer.iter_mut().for_each(|byte| {
                next = next.wrapping_add(7);
                *byte = next;
            });
            Ok::<(), &'static str>(())
        };
        let text = write(&leaving, key.as_ref(), random).unwrap();
        let options = Options {
            key,
            ..Options::default()
        };
        let after = read(text.as_bytes(), &options);
        assert_eq!(after.problems, [], "{}", *text);
        for (a, b) in before.tokens.iter().zip(&after.tokens) {
            assert_eq!(a.token.secret.bytes(), b.token.secret.bytes());
            assert_eq!(
                (a.token.kind, a.token.digits),
                (b.token.kind, b.token.digits)
            );
            assert_eq!((a.token.expires, a.used), (b.token.expires, b.used));
            assert_eq!(b.user.as_deref(), Some("a & <b>"));
        }
        assert_eq!(before.tokens.len(), after.tokens.len());
    }
}
