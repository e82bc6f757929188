use proptest::prelude::*;

use super::*;
use crate::{mutants, samples};

#[test]
fn samples_are_read_as_expected() {
    samples::compare("yubico", read);
}

/// The key's own bits: 0x10 for one byte, 0x40 for two, both for all.
#[test]
fn public_id_is_what_the_key_types() {
    for (flags, typed) in [
        ((false, false, false), "e10601000012"),
        ((true, false, false), "ub0601000012"),
        ((false, true, false), "ubch01000012"),
        ((true, true, false), "ubchcbccccbd"),
        ((false, false, true), "ubchcbccccbd"),
    ] {
        let how = Typed::of(flags.0, flags.1, flags.2);
        let id = fields::typed("UBCHCBCCCCBD", how).unwrap().unwrap();
        assert_eq!(id, typed, "{flags:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in mutants::of("yubico")) {
        let batch = read(&bytes, &Options::default());
        prop_assert!(batch.tokens.len() <= bytes.len());
    }

    #[test]
    fn no_bytes_panic_the_detection(bytes in mutants::of("csv")) {
        crate::detect::detect(&bytes);
    }
}
