//! Everything that reads what others wrote, under libFuzzer (P7: no bytes make it panic). The environment variable
//! `FUZZ_TARGET` says which; fuzz/run runs them all.
//!
//! A reader is one line in `targets!`: its name, where its seeds are, and what is called.
#![no_main]

#[allow(dead_code)] // of a binary; what isn't fuzzed is used there
mod command;
#[path = "../../src/ffi/conversation.rs"]
#[allow(dead_code)] // styles that nobody asks with here
mod conversation;
mod import;
mod login;
#[path = "../../crates/fob-cli/src/stop.rs"]
#[allow(dead_code)] // likewise
mod stop;

use std::sync::LazyLock;

use fob_core::format::{Conf, Pending, TokenFile};
use fob_core::{Attempt, Digits, Ledger, SealKey};
use fob_import::detect;
use fob_store::{Recalled, Receipt};

/// A name, the folder of its seeds, and what takes the bytes.
type Target = (&'static str, &'static str, fn(&[u8]));

macro_rules! targets {
    ($($name:literal $seeds:literal $call:expr;)*) => {
        const TARGETS: &[Target] = &[$(($name, $seeds, $call)),*];
    };
}

targets! {
    "token-file" "fuzz/seeds/token-file" |bytes| text(bytes, |text| drop(TokenFile::parse(text)));
    "conf" "fuzz/seeds/conf" |bytes| text(bytes, |text| drop(Conf::parse(text)));
    "ledger" "fuzz/seeds/ledger" ledger;
    "pages" "fuzz/seeds/pages" fob_store::model::read_file;
    "ledger-file" "fuzz/seeds/ledger-file" fob_store::model::read_damaged;
    "login" "fuzz/seeds/login" login::live;
    "arguments" "fuzz/seeds/arguments" login::arguments;
    "answer" "fuzz/seeds/answer" login::answer;
    "rules" "fuzz/seeds/rules" login::rules;
    "attempt" "fuzz/seeds/attempt" attempt;
    "pending" "fuzz/seeds/pending" |bytes| text(bytes, pending);
    "pam-environment" "fuzz/seeds/pam-environment" |bytes| text(bytes, pam_environment);
    "zone" "fuzz/seeds/zone" fob_store::model::read_zone;
    "seal-key" "fuzz/seeds/seal-key" |bytes| text(bytes, seal_key);
    "sealed" "fuzz/seeds/sealed" |bytes| text(bytes, command::sealed);
    "token-text" "fuzz/seeds/token-text" |bytes| text(bytes, command::token_text);
    "pam-line" "fuzz/seeds/pam-line" |bytes| text(bytes, command::pam_file);
    "user-database" "fuzz/seeds/user-database" |bytes| text(bytes, command::user_database);
    "sshd-config" "fuzz/seeds/sshd-config" |bytes| text(bytes, command::sshd_config);
    "given" "fuzz/seeds/given" |bytes| text(bytes, import::given);
    "columns" "fuzz/seeds/columns" |bytes| import::columns(bytes);
    "detect" "crates/fob-import/samples" |bytes| drop(detect::detect(bytes));
    "csv" "crates/fob-import/samples/csv" |bytes| import::csv(bytes);
    "foreign" "crates/fob-import/samples" |bytes| { std::hint::black_box(fob_import::foreign(bytes)); };
    "freeipa" "crates/fob-import/samples/freeipa" |bytes| import::read(bytes, fob_import::freeipa::read);
    "google-authenticator" "crates/fob-import/samples/google-authenticator" |bytes| import::read(bytes, fob_import::google_authenticator::read);
    "alpine" "crates/fob-import/samples/alpine" |bytes| import::read(bytes, fob_import::alpine::read);
    "dualshield" "crates/fob-import/samples/dualshield" |bytes| import::read(bytes, fob_import::dualshield::read);
    "migration" "crates/fob-import/samples/otpauth-migration" |bytes| import::read(bytes, fob_import::otpauth_migration::read);
    "people" "fuzz/seeds/people" |bytes| drop(fob_import::people::read(bytes));
    "picture" "fuzz/seeds/picture" |bytes| drop(fob_import::picture::uris(bytes));
    "pskc" "crates/fob-import/samples/pskc" |bytes| import::pskc(bytes);
    "safeword" "crates/fob-import/samples/safeword" |bytes| import::read(bytes, fob_import::safeword::read);
    "users-oath" "crates/fob-import/samples/users-oath" |bytes| import::read(bytes, fob_import::users_oath::read);
    "otpauth" "crates/fob-import/samples/otpauth" |bytes| import::read(bytes, fob_import::otpauth::read);
    "yubico" "crates/fob-import/samples/yubico" |bytes| import::read(bytes, fob_import::yubico::read);
}

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
    if let Some((_, _, call)) = TARGETS.iter().find(|(name, _, _)| *name == wanted) {
        return *call;
    }
    for (name, seeds, _) in TARGETS {
        println!("{name} {seeds}");
    }
    std::process::exit(0)
});

libfuzzer_sys::fuzz_target!(init: LazyLock::force(&TARGET), |bytes: &[u8]| TARGET(bytes));

fn text(bytes: &[u8], call: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        call(text);
    }
}

/// What was read is written, and is read again as the same.
fn ledger(bytes: &[u8]) {
    let Ok(ledger) = Ledger::from_bytes(bytes) else {
        return;
    };
    if let Ok(written) = ledger.to_bytes() {
        assert_eq!(Ledger::from_bytes(&written).ok(), Some(ledger));
    }
}

/// What a login leaves to its end is found as it was left.
fn pending(text: &str) {
    if let Ok(pending) = Pending::parse(text) {
        let written = Pending::parse(&pending.to_text());
        assert_eq!(written.ok(), Some(pending));
    }
}

/// What an application may set in PAM's environment: a receipt names a file of its folder and
/// nothing else (T29), a remembered place is one word for one place.
fn pam_environment(text: &str) {
    if let Some(receipt) = Receipt::parse(text) {
        assert_eq!(receipt.text(), text);
        let is_plain = |b: u8| b == b'-' || b.is_ascii_digit() || matches!(b, b'a'..=b'f');
        assert!(text.len() <= 43 && text.bytes().all(is_plain));
        let uid = text.split('-').next().and_then(|uid| uid.parse().ok());
        assert_eq!(receipt.uid(), uid);
    }
    if let Some(recalled) = Recalled::from_text(text) {
        assert_eq!(recalled.to_text(), text);
    }
}

/// A key is written as it is read again, and all zeros are none.
fn seal_key(text: &str) {
    if let Some(key) = SealKey::from_text(text) {
        let written = key.to_text();
        let again = SealKey::from_text(&written).map(|key| key.to_text());
        assert!(again.is_some_and(|again| again == written));
        assert!(written.trim_end().bytes().any(|byte| byte != b'A'));
    }
}

/// What is both a code and a recovery code has something in front of the code, and a
/// password is what stands in front.
pub(crate) fn attempt(bytes: &[u8]) {
    let plain = Attempt::parse(bytes);
    let length = bytes
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .count();
    assert!(!(plain.has_code() && plain.recovery().is_some()) || length == 16);
    drop(Attempt::parse_joined(bytes));
    for count in 6..=10 {
        if let Some(digits) = Digits::new(count) {
            assert!(bytes.starts_with(Attempt::password(bytes, digits.count())));
        }
    }
    assert!(bytes.starts_with(Attempt::likely_password(bytes)));
}
