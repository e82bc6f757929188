//! Owner and mode of each file and folder.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fob_store::{DEFAULT_CONF, Store, is_temporary};

use super::{Finding, Fix, Level, ask};
use crate::everybody::uid_min;

const SELINUX: &str = "/sys/fs/selinux/enforce";
/// Set where everybody may make files, and nobody may take away another's.
const STICKY: u32 = 0o1000;
/// Where fob's files are unless fob.conf says otherwise; nobody keeps anything else below.
const USUAL: [&str; 2] = ["/etc/fob", "/var/lib/fob"];

pub(super) fn examine(store: &Store) -> Vec<Finding> {
    let mut findings = Vec::new();
    let own = store.own_folders();
    let is_wanted = |folder: &Path| {
        let demanded = store.must_have_enrolled() && store.enrolled() == Some(folder);
        demanded || folder.symlink_metadata().is_ok()
    };
    let there = own.iter().filter(|folder| is_wanted(folder));
    for folder in [&store.conf.tokens, &store.conf.state]
        .into_iter()
        .chain(there)
    {
        let before = findings.len();
        let there = examine_folder(folder, true, &mut findings);
        if there {
            let theirs = folder.metadata().is_ok_and(|stat| !is_ours(folder, &stat));
            let safe = !theirs && findings.iter().skip(before).all(is_harmless);
            let mut inside = Vec::new();
            files_in(folder, &own, &mut inside);
            findings.extend(inside.into_iter().map(|finding| if_safe(safe, finding)));
            findings.extend(label(folder));
        }
        if there && findings.len() == before {
            findings.push(Finding::fine(
                "files.safe",
                format!("{}: root's alone", folder.display()),
            ));
        }
    }
    // The store's own opinion, should it be stricter than ours.
    if findings.iter().all(is_harmless) {
        if let Err(fault) = store.who("root") {
            findings.push(Finding::error("files.way", fault.detail));
        }
    }
    findings
}

/// fob.conf and the folders above it. It need not be there.
pub(super) fn examine_conf(path: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folder = path.parent().unwrap_or(Path::new("/"));
    if folder.exists() {
        // A file may be named by --conf anywhere.
        let is_usual = Path::new(DEFAULT_CONF).parent() == Some(folder);
        examine_folder(folder, is_usual, &mut findings);
        // Readable for all is right: it holds no secrets.
        findings.retain(|finding| finding.code != "files.folder_readable");
    }
    let Ok(stat) = fs::metadata(path) else {
        return findings;
    };
    let safe = findings.iter().all(is_harmless);
    findings.extend(owner(path, &stat).map(|finding| if_safe(safe, finding)));
    if stat.mode() & 0o022 != 0 {
        let what = format!(
            "{}: others may write it (mode {:04o}), so everybody is refused",
            path.display(),
            stat.mode() & 0o7777
        );
        let mode = stat.mode() & 0o7755;
        let open = Finding::error("files.too_open", what).fix(Fix::Mode(path.into(), mode));
        findings.push(if_safe(safe, open));
    }
    findings
}

/// The folder and those above it; says whether it is there. What is above is others' too, and
/// so is the folder itself unless it is for fob's files alone: a change there could harm what
/// fob knows nothing of.
fn examine_folder(folder: &Path, for_fob: bool, findings: &mut Vec<Finding>) -> bool {
    let mut safe = true;
    let mut way: Vec<&Path> = folder.ancestors().collect();
    way.reverse();
    for path in way {
        let found = match fs::metadata(path) {
            Ok(stat) => {
                let ours = (path == folder && for_fob) || is_usual(path);
                let found = judge_folder(path, path == folder, &stat);
                found.map(|found| {
                    if ours && is_ours(path, &stat) {
                        found
                    } else {
                        left_alone(found, &stat)
                    }
                })
            }
            Err(_) if path == folder => {
                let what = format!(
                    "{}: there is no such folder, so everybody is refused",
                    path.display()
                );
                let missing = Finding::error("files.no_folder", what);
                findings.push(if_safe(safe, missing.fix(Fix::Create(path.into()))));
                return false;
            }
            Err(_) => None,
        };
        if let Some(finding) = found {
            let harmless = is_harmless(&finding);
            findings.push(if_safe(safe, finding));
            safe = safe && harmless;
        }
    }
    true
}

fn is_usual(path: &Path) -> bool {
    USUAL.iter().any(|usual| path.starts_with(usual))
}

/// Whether a folder is for fob's files alone, so far as can be told: one of everybody's, of a
/// person or of the system isn't, whatever fob.conf says.
fn is_ours(path: &Path, stat: &Metadata) -> bool {
    let at_the_top = path.parent().is_none_or(|parent| parent.parent().is_none());
    let is_others = stat.mode() & STICKY != 0 || is_person(stat.uid()) || at_the_top;
    !is_others || (is_usual(path) && !path.is_symlink())
}

fn is_person(uid: u32) -> bool {
    uid >= uid_min(&fs::read_to_string("/etc/login.defs").unwrap_or_default())
}

/// The same without a change that `--fix` makes: who keeps other things there decides.
fn left_alone(finding: Finding, stat: &Metadata) -> Finding {
    if is_harmless(&finding) {
        return Finding {
            fix: None,
            remedy: None,
            ..finding
        };
    }
    let first = if stat.mode() & STICKY != 0 || is_person(stat.uid()) {
        "Leave it as it is, and put"
    } else {
        "Let root alone own it and write there; or, where others need it as it is, put"
    };
    let remedy =
        format!("{first} fob's files elsewhere: such as in /etc/fob, and ledgers in /var/lib/fob.");
    Finding {
        fix: None,
        ..finding
    }
    .remedy(remedy)
}

fn is_harmless(finding: &Finding) -> bool {
    finding.level < Level::Warning
}

/// Below a folder that others may change nothing is mended yet: they could put a link to
/// something else in its place meanwhile.
fn if_safe(safe: bool, finding: Finding) -> Finding {
    if safe {
        return finding;
    }
    Finding {
        fix: None,
        ..finding
    }
}

fn judge_folder(path: &Path, is_last: bool, stat: &Metadata) -> Option<Finding> {
    let (shown, mode) = (path.display(), stat.mode() & 0o7777);
    if stat.uid() != 0 {
        return owner(path, stat);
    }
    if mode & 0o022 != 0 {
        let what = format!("{shown}: others may write there (mode {mode:04o})");
        let fix = Fix::Mode(path.into(), mode & 0o7755);
        return Some(Finding::error("files.folder_too_open", what).fix(fix));
    }
    (is_last && mode & 0o077 != 0).then(|| {
        let what = format!(
            "{shown}: others may look in, and hold its lock against every change (mode {mode:04o})"
        );
        Finding::note("files.folder_readable", what).fix(Fix::Mode(path.into(), 0o700))
    })
}

fn owner(path: &Path, stat: &Metadata) -> Option<Finding> {
    (stat.uid() != 0).then(|| {
        let what = format!(
            "{}: belongs to uid {}, not to root",
            path.display(),
            stat.uid()
        );
        Finding::error("files.owner", what).fix(Fix::Own(path.into()))
    })
}

/// The files in a folder; `own` are looked at by themselves.
fn files_in(folder: &Path, own: &[PathBuf], findings: &mut Vec<Finding>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            return findings.push(Finding::unknown(
                "files.unreadable",
                format!("{}: {error}", folder.display()),
            ));
        }
    };
    let entries: Vec<_> = entries.flatten().collect();
    let leftovers: BTreeSet<(u64, u64)> = entries
        .iter()
        .filter(|entry| is_temporary(&entry.file_name()))
        .filter_map(|entry| Some(which(&entry.metadata().ok()?)))
        .collect();
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let Ok(stat) = fs::symlink_metadata(&path) else {
            continue;
        };
        if own.contains(&path) {
            continue;
        }
        let shown = path.display();
        if is_temporary(&name) {
            let what = format!("{shown}: left by a fob or a login that was killed");
            findings.push(Finding::note("files.leftover", what).fix(Fix::Remove(path)));
        } else if !stat.is_file() {
            let what = format!("{shown}: is no plain file, so its owner is refused");
            findings.push(Finding::error("files.kind", what).remedy("Put the file itself there."));
        } else if stat.nlink() == 2 && leftovers.contains(&which(&stat)) {
            // The next login takes the other name away.
        } else if stat.nlink() != 1 {
            let what = format!(
                "{shown}: has {} names (hard links), so its owner is refused",
                stat.nlink()
            );
            findings.push(
                Finding::error("files.links", what)
                    .remedy("Copy it to a new file, and put that in its place."),
            );
        } else {
            findings.extend(owner(&path, &stat));
            if stat.mode() & 0o077 != 0 {
                let what = format!(
                    "{shown}: is too open (mode {:04o}), so its owner is refused",
                    stat.mode() & 0o7777
                );
                findings.push(Finding::error("files.too_open", what).fix(Fix::Mode(path, 0o600)));
            }
        }
    }
}

fn which(stat: &Metadata) -> (u64, u64) {
    (stat.dev(), stat.ino())
}

/// The SELinux label, where that decides who may write.
fn label(folder: &Path) -> Option<Finding> {
    if !Path::new(SELINUX).exists() {
        return None;
    }
    let (_, label, _) = ask("stat", &["-c", "%C", &folder.display().to_string()])?;
    Some(Finding::note("files.label", format!("{}: SELinux label {}", folder.display(), label.trim()))
        .remedy("Login programs must be allowed to write ledgers. If logins say state_write, see: ausearch -m avc"))
}
