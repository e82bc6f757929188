//! The readers of fob-import.

use fob_import::columns::Columns;
use fob_import::csv::Shape;
use fob_import::given::Given;
use fob_import::{Batch, Key, MAX_PROBLEMS, Options};
use zeroize::Zeroizing;

/// Calls a reader, and looks at what it found.
pub(crate) fn read(bytes: &[u8], read: fn(&[u8], &Options) -> Batch) {
    look_at(&read(bytes, &options(None)));
}

/// The reader of CSV in every shape.
pub(crate) fn csv(bytes: &[u8]) {
    for shape in [None].into_iter().chain(Shape::ALL.map(Some)) {
        look_at(&fob_import::csv::read(bytes, &options(shape)));
    }
}

/// The reader of PSKC, with the keys of the samples.
pub(crate) fn pskc(bytes: &[u8]) {
    let key = 0x1234_5678_9012_3456_7890_1234_5678_9012u128.to_be_bytes();
    for key in [
        Key::Preshared(Zeroizing::new(key.to_vec())),
        Key::Passphrase(Zeroizing::new(b"qwerty".to_vec())),
    ] {
        let options = Options {
            key: Some(key),
            ..options(None)
        };
        look_at(&fob_import::pskc::read(bytes, &options));
    }
}

/// A secret, which is known by its shape: one spelling of it is another, and what is no
/// secret isn't repeated (P8).
pub(crate) fn given(text: &str) {
    match Given::parse(text) {
        Ok(Given::Secret(secret)) => {
            let spelled = format!(" BASE32:{}\n", *secret.to_base32());
            let again = Given::parse(&spelled);
            assert!(matches!(again, Ok(Given::Secret(again)) if again.bytes() == secret.bytes()));
        }
        Ok(Given::Uri(uri)) => assert!(!uri.secret.bytes().is_empty()),
        Err(error) => assert!(error.len() < 200),
    }
}

/// A CSV file of people: each line says something of the columns, and once at most.
pub(crate) fn columns(bytes: &[u8]) {
    let Ok(mut columns) = Columns::read(bytes, &["name", "id", "digits", "serial", "secret"])
    else {
        return;
    };
    let names = columns.names().to_vec();
    let mut last = 0;
    while let Some((line, said)) = columns.next() {
        assert!(line > last);
        last = line;
        for (name, text) in said.unwrap_or_default() {
            assert!(names.contains(&name) && !text.is_empty());
        }
    }
}

fn options(shape: Option<Shape>) -> Options {
    Options {
        now: 1_800_000_000,
        shape,
        ..Options::default()
    }
}

/// What every reader promises: what it found can be written to a token file, and there are
/// never endless problems.
fn look_at(batch: &Batch) {
    assert!(batch.problems.len() <= MAX_PROBLEMS);
    for found in &batch.tokens {
        let token = &found.token;
        let public_id = token.public_id.as_deref();
        let names = [Some(token.id.as_str()), token.serial.as_deref(), public_id];
        for name in names.into_iter().flatten() {
            assert!(name.len() <= 64 && !name.chars().any(char::is_control));
        }
        let is_typed = |id: &str| !id.is_empty() && id.len() <= 32 && id.is_ascii();
        assert!(public_id.is_none_or(is_typed));
    }
}
