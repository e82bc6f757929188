use proptest::prelude::*;

use super::*;
use crate::mutants;
use crate::samples::{self, tell};

#[test]
fn samples_are_read_as_expected() {
    samples::compare("csv", read);
}

/// The same file means another thing at each place, and who says which is believed.
#[test]
fn shape_that_is_said_decides() {
    let text = b"W0001,3132333435363738393031323334353637383930,hotp,6,30\n";
    let with = |shape| {
        let options = Options {
            shape: Some(shape),
            ..Options::default()
        };
        tell(&read(text, &options))
    };
    assert!(with(Shape::PrivacyIdea).contains("hotp from 30 "));
    assert!(with(Shape::LinOtp).contains("hotp from 0 "));
    assert!(with(Shape::Entra).starts_with("problem line 1: no column"));
    assert!(with(Shape::MultiOtp).starts_with("problem line 1: has 5 fields"));
    for shape in Shape::ALL {
        assert_eq!(Shape::from_name(shape.name()), Some(shape));
    }
}

/// P8: nothing of a secret is in what is told, whatever is wrong with its line.
#[test]
fn no_problem_repeats_a_secret() {
    let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ1";
    for text in [
        format!("serial number,{secret},secret key\n"),
        format!("serial number,secret key,time interval\n1,{secret},{secret}\n2,=1,{secret}\n"),
        format!("{secret},3132333435363738393031323334353637383930,tan\n"),
        format!("{secret};x;motp;3132333435363738393031323334353637383930;6;1\n"),
    ] {
        for shape in [None].into_iter().chain(Shape::ALL.map(Some)) {
            let options = Options {
                shape,
                ..Options::default()
            };
            let batch = read(text.as_bytes(), &options);
            let told = format!("{:?} {:?}", batch.problems, batch.dropped);
            assert!(
                !told.contains("GEZDGNBV") && !told.contains("31323334"),
                "{told}"
            );
        }
    }
}

#[test]
fn endless_problems_are_counted_and_not_kept() {
    let text = "serial number,secret key,time interval\n".to_owned() + &"1,,\n".repeat(1000);
    let batch = read(text.as_bytes(), &Options::default());
    assert_eq!(batch.problems.len(), crate::MAX_PROBLEMS);
    assert_eq!(batch.more_problems, 1900);
}

#[test]
fn endless_file_is_not_read_to_its_end() {
    let text = "F1,3132333435363738393031323334353637383930\n".repeat(MAX + 10);
    let batch = read(text.as_bytes(), &Options::default());
    assert_eq!(batch.tokens.len(), MAX + 1);
    assert_eq!(
        batch.problems[0].what,
        "is beyond the 100000 tokens of a file"
    );
}
const MAX: usize = crate::MAX_TOKENS;

proptest! {
    #[test]
    fn no_bytes_panic(bytes in mutants::of("csv"), shape in prop::sample::select(&Shape::ALL[..])) {
        for shape in [None, Some(shape)] {
            let options = Options { shape, ..Options::default() };
            let batch = read(&bytes, &options);
            prop_assert!(batch.tokens.len() <= bytes.len());
        }
    }
}
