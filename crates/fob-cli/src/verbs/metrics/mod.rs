//! `fob metrics`: numbers for a monitoring system, in the text format of Prometheus.
//!
//! The module keeps no counters: a login writes one ledger and nothing else. What happened
//! at logins is counted from the log's lines, which are an interface (docs/log.md).

mod attempts;
mod figures;
mod text;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use clap::Args;
use nix::fcntl::OFlag;
use serde::Serialize;

use self::attempts::Attempts;
use self::text::Metric;
use crate::output::{say, say_json};
use crate::stop::Stop;
use crate::verbs::Desk;

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob metrics --to /var/lib/prometheus/node-exporter/fob.prom")]
pub(crate) struct Wish {
    /// Write them into this file, in one step
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    to: Option<PathBuf>,
    /// Count attempts in these lines of the log; - is stdin
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Add to the attempts that the file of --to has
    #[arg(long, requires = "to", requires = "journal")]
    add: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    metrics: &'a [Metric],
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let mut metrics = figures::figures(&desk.store)?;
    if let Some(lines) = &wish.journal {
        let mut attempts = Attempts::default();
        if let Some(before) = wish.to.as_ref().filter(|_| wish.add) {
            attempts.recall(&written_before(before)?);
        }
        count(&mut attempts, lines).map_err(|error| unreadable(lines, &error))?;
        metrics.push(attempts.metric());
    }
    if desk.json {
        return say_json(&Answer { metrics: &metrics });
    }
    let text = text::text(&metrics);
    match &wish.to {
        Some(path) => replace(path, &text).map_err(|error| {
            Stop::unknown(format!("{}: can't be written: {error}", path.display()))
        }),
        None => say(text.trim_end()),
    }
}

/// Bytes that are no text are in no line of ours.
fn count(attempts: &mut Attempts, lines: &Path) -> io::Result<()> {
    let reader: Box<dyn BufRead> = if lines == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(lines)?))
    };
    for line in reader.split(b'\n') {
        attempts.count(&String::from_utf8_lossy(&line?));
    }
    Ok(())
}

/// Only from a plain file of that very name: a link could lead to one that not everybody may
/// read, and what is in it is written where everybody may.
fn written_before(path: &Path) -> Result<String, Stop> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        opened => opened.map_err(|error| unreadable(path, &error))?,
    };
    let about = file.metadata().map_err(|error| unreadable(path, &error))?;
    if !about.is_file() {
        let what = format!("{}: is not a plain file", path.display());
        return Err(Stop::unknown(what).remedy("Name the file that --to wrote."));
    }
    io::read_to_string(file).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &io::Error) -> Stop {
    Stop::unknown(format!("{}: can't be read: {error}", path.display()))
}

/// Whoever reads the file meanwhile sees the old one or the new one. Its mode lets the
/// collector read it: nothing in it is secret.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(name);
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| file.set_permissions(Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
