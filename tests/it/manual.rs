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

/// The name that a forge gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept
        .chars()
        .filter(|sign| sign.is_alphanumeric() || " -_".contains(*sign));
    kept.collect::<String>().replace(' ', "-")
}

/// Where the links and pictures of a page lead, but for other sites.
fn links(page: &str) -> Vec<&str> {
    let markdown = page
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let html = page
        .split("src=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next());
    let here = |link: &&str| !link.contains("://") && !link.starts_with("mailto:");
    markdown.chain(html).filter(here).collect()
}

#[test]
fn every_link_within_the_project_leads_somewhere() {
    let mut pages = files(&project().join("docs"));
    pages.extend(
        [
            "README.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
            "SECURITY.md",
        ]
        .map(|name| project().join(name)),
    );
    pages.push(project().join("tests/released/README.md"));
    pages.retain(|path| path.extension().is_some_and(|end| end == "md"));
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in links(&text) {
            seen += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(path)
            };
            let is_there = target.exists()
                && (heading.is_empty() || {
                    let text = fs::read_to_string(&target).unwrap();
                    text.lines()
                        .any(|line| line.starts_with('#') && anchor(line) == heading)
                });
            if !is_there {
                wrong.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 50, "only {seen} links were found");
}

/// Pages are read on forges, by phone, in the light and in the dark.
#[test]
fn pictures_are_light_and_say_what_they_show() {
    let pictures = files(&project().join("docs/pictures"));
    let drawn = pictures
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "svg"));
    let mut seen = 0;
    for picture in drawn {
        seen += 1;
        let text = fs::read_to_string(picture).unwrap();
        assert!(text.len() < 150_000, "{picture:?} has {} bytes", text.len());
        // Scripts and other sites' files are not let in there.
        for word in ["<script", "http://127", "@import", "<image"] {
            assert!(!text.contains(word), "{picture:?}: {word}");
        }
    }
    assert!(seen >= 3, "only {seen} pictures");
}

#[test]
fn uninstall_takes_away_all_that_install_laid_down() {
    let name = format!("install-{}", std::process::id());
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&root).unwrap();
    make("install", &root);
    let laid = files(&root);
    let pages = files(&project().join("man")).len();
    let under = |folder: &str| {
        let folder = root.join("usr/share").join(folder);
        laid.iter().filter(|path| path.starts_with(&folder)).count()
    };
    assert_eq!(under("man"), pages, "{laid:?}");
    let doc = under("doc/fob");
    assert!(doc > 40, "{laid:?}");
    // Module, command, a unit, completions for three shells.
    assert_eq!(laid.len(), pages + doc + 6, "{laid:?}");
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
