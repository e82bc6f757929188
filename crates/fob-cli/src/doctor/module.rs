//! The module: there, loadable, root's alone.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Finding, Fix, ask};
use crate::pam::MODULE;

/// A module of Linux-PAM itself: where it is, libpam looks for modules.
const NEIGHBOUR: &str = "pam_permit.so";

pub(super) fn examine() -> Vec<Finding> {
    let folders = folders();
    let (with, without): (Vec<_>, Vec<_>) = folders
        .iter()
        .partition(|folder| folder.join(MODULE).exists());
    let mut findings: Vec<Finding> = with.iter().flat_map(|folder| look_at(folder)).collect();
    if with.is_empty() {
        findings.push(
            Finding::error(
                "module.missing",
                format!("{MODULE} is in no folder of PAM modules"),
            )
            .remedy("Install it: a stack that names it refuses everybody. See README.md"),
        );
    } else {
        findings.extend(without.iter().map(|folder| {
            let what = format!(
                "{} has no {MODULE}: programs of that kind refuse everybody",
                folder.display()
            );
            Finding::note("module.missing_abi", what).remedy(
                "Only if programs of that architecture ask for passwords: install it there too.",
            )
        }));
    }
    findings
}

/// The folders that libpam takes modules from, each once.
pub(super) fn folders() -> Vec<PathBuf> {
    let roots = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
    let mut folders: Vec<PathBuf> = Vec::new();
    for root in roots {
        let mut candidates = vec![Path::new(root).join("security")];
        let triplets = fs::read_dir(root).into_iter().flatten().flatten();
        candidates.extend(triplets.map(|entry| entry.path().join("security")));
        let real = candidates
            .iter()
            .filter_map(|folder| folder.canonicalize().ok());
        folders.extend(real.filter(|folder| folder.join(NEIGHBOUR).exists()));
    }
    folders.sort();
    folders.dedup();
    folders
}

fn look_at(folder: &Path) -> Vec<Finding> {
    let path = folder.join(MODULE);
    let shown = path.display();
    let stat = match fs::metadata(&path) {
        Ok(stat) => stat,
        Err(error) => {
            return vec![Finding::error(
                "module.unreadable",
                format!("{shown}: {error}"),
            )];
        }
    };
    if stat.uid() != 0 {
        return vec![
            Finding::error("module.owner", format!("{shown} is not root's")).fix(Fix::Own(path)),
        ];
    }
    if stat.mode() & 0o022 != 0 {
        let what = format!(
            "{shown}: others may write it (mode {:04o})",
            stat.mode() & 0o7777
        );
        return vec![Finding::error("module.too_open", what).fix(Fix::Mode(path, 0o644))];
    }
    let kind = elf_kind(&path);
    if kind.is_none() || kind != elf_kind(&folder.join(NEIGHBOUR)) {
        let what = format!("{shown} is not a library of the kind of its neighbours");
        return vec![
            Finding::error("module.wrong_abi", what)
                .remedy("Install the one of this architecture."),
        ];
    }
    // Root's own file: ldd may run its loader.
    let missing = ask("ldd", &[&path.display().to_string()]).map(|(_, text, errors)| {
        let lines = text.lines().chain(errors.lines());
        let missing = lines.filter(|line| line.contains("not found"));
        missing.map(str::trim).collect::<Vec<_>>().join("; ")
    });
    vec![match missing {
        Some(missing) if !missing.is_empty() => {
            Finding::error("module.unloadable", format!("{shown}: {missing}"))
                .remedy("Install what is missing, or build it here.")
        }
        _ => Finding::fine("module.there", format!("{shown} is there")),
    }]
}

/// Class, byte order and machine of an ELF file.
fn elf_kind(path: &Path) -> Option<(u8, u8, u8, u8)> {
    let mut head = [0; 20];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    match head {
        [0x7f, b'E', b'L', b'F', class, order, .., m1, m2] => Some((class, order, m1, m2)),
        _ => None,
    }
}
