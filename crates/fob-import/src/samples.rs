//! The samples: what is read of each must be what the file `NAME.expected` beside it says.
//! With `FOB_BLESS=1` in the environment those are written anew.
//!
//! The codes in them were compared once with those of Python's `hmac`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use fob_core::{Counter, Kind, step};

use crate::{Batch, Found, Options};

/// The time of RFC 6238's fourth vector.
pub(crate) const NOW: u64 = 1_234_567_890;

/// Compares what `read` makes of each sample in a folder.
pub(crate) fn compare(folder: &str, read: fn(&[u8], &Options) -> Batch) {
    let options = Options {
        now: NOW,
        ..Options::default()
    };
    for path in all(folder) {
        let told = tell(&read(&std::fs::read(&path).unwrap(), &options));
        let expected = path.with_extension("expected");
        if std::env::var_os("FOB_BLESS").is_some() {
            std::fs::write(&expected, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(told, expected, "{}", path.display());
    }
}

/// The samples of a folder.
pub(crate) fn all(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(folder);
    let files = std::fs::read_dir(&folder).unwrap();
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end != "expected"));
    assert!(!paths.is_empty(), "no samples in {folder:?}");
    paths.sort();
    paths
}

/// A batch, a line for each thing in it.
pub(crate) fn tell(batch: &Batch) -> String {
    let mut told = String::new();
    for found in &batch.tokens {
        writeln!(told, "{}", token(found)).unwrap();
    }
    for dropped in &batch.dropped {
        writeln!(
            told,
            "dropped {}: {}: {}",
            dropped.place, dropped.what, dropped.why
        )
        .unwrap();
    }
    for problem in &batch.problems {
        let remedy = problem.remedy.as_deref().unwrap_or("-");
        writeln!(
            told,
            "problem {}: {} [{remedy}]",
            problem.place, problem.what
        )
        .unwrap();
    }
    for remark in &batch.remarks {
        writeln!(told, "remark {remark}").unwrap();
    }
    told
}

fn token(found: &Found) -> String {
    let token = &found.token;
    let (counter, mover) = match token.kind {
        Kind::Hotp { counter } => (counter, format!("hotp from {counter}")),
        Kind::Totp { period, t0 } => {
            let counter = step(NOW, t0, period).unwrap();
            (
                counter,
                format!("totp each {} s from {t0}", period.seconds()),
            )
        }
        Kind::Yubico {
            private_id,
            counter,
        } => {
            let id: String = private_id.0.iter().map(|b| format!("{b:02x}")).collect();
            (Counter(0), format!("yubico {id} from {counter}"))
        }
    };
    let code = token.code(counter).to_text();
    let code = if token.kind.name() == "yubico" {
        "no code"
    } else {
        code.as_str()
    };
    let mut line = format!(
        "token {}: {:?} {mover} {} {} digits {} bytes, shows {code}",
        found.place,
        token.id,
        token.algorithm.name(),
        token.digits.count(),
        token.secret.bytes().len()
    );
    let pin = found.pin.as_ref().map(|pin| pin.to_string());
    for (name, value) in [
        ("user", &found.user),
        ("serial", &token.serial),
        ("public id", &token.public_id),
        ("issuer", &found.issuer),
        ("floor", &found.used.floor.map(|floor| floor.to_string())),
        (
            "drift",
            &Some(found.used.drift)
                .filter(|d| *d != 0)
                .map(|d| d.to_string()),
        ),
        ("expires", &token.expires.map(|day| format!("{day:?}"))),
        ("disabled", &token.disabled.then(|| "yes".to_owned())),
        ("PIN", &pin),
    ] {
        if let Some(value) = value {
            write!(line, ", {name} {value:?}").unwrap();
        }
    }
    for code in &found.scratch {
        write!(line, ", scratch {}", code.as_str()).unwrap();
    }
    for remark in &found.remarks {
        write!(line, "; {remark}").unwrap();
    }
    line
}
