//! The manual, and what `make install` lays down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All that isn't a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn make(verb: &str, root: &Path) {
    let mut make = Command::new("make");
    let destination = format!("DESTDIR={}", root.display());
    make.current_dir(project())
        .args(["--silent", verb])
        .arg(destination);
    let output = make.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
}

#[test]
fn pages_of_the_manual_are_well_formed() {
    let mut lint = Command::new("mandoc");
    lint.args(["-T", "lint", "-W", "warning"]);
    let output = lint.args(files(&project().join("man"))).output().unwrap();
    let remarks = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{remarks}");
}

#[test]
fn uninstall_takes_away_all_that_install_laid_down() {
    let name = format!("install-{}", std::process::id());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&root).unwrap();
    make("install", &root);
    let laid = files(&root);
    let pages = files(&project().join("man")).len();
    let installed = |path: &&PathBuf| path.components().any(|part| part.as_os_str() == "man");
    assert_eq!(laid.iter().filter(installed).count(), pages, "{laid:?}");
    // Module, command, a unit, completions for three shells.
    assert_eq!(laid.len(), pages + 6, "{laid:?}");
    assert!(laid.iter().all(|path| path.metadata().unwrap().len() > 0));
    make("uninstall", &root);
    assert_eq!(files(&root), Vec::<PathBuf>::new());
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn bash_completes_verbs_and_options() {
    let fob = project().join("target/command/release/fob");
    let complete = |words: &str, current: &str| {
        let script = format!(
            ". <({} completions bash); COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             COMP_LINE='{words}'; COMP_POINT=${{#COMP_LINE}}; _fob fob '{current}' ''; echo ${{COMPREPLY[@]}}",
            fob.display()
        );
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete("fob unl", "unl"), "unlock");
    assert!(complete("fob revoke --", "--").contains("--id"));
}
