use std::os::unix::fs::{chown, lchown};
use std::path::Path;

use super::Way;
use crate::root_folder::{RootFolder, set_mode};
use crate::{Fault, FaultKind};

fn check(path: &Path) -> Result<(), Fault> {
    Way::default().check_folder(path)
}

fn too_open(path: &Path, what: &str) -> Fault {
    Fault::at(FaultKind::StateTooOpen, path, what)
}

/// P9; threats 4.4: wrong owner, wrong mode, one part of the way at a time.
#[test]
#[ignore = "needs root: tests/root-units"]
fn folder_and_each_above_it_is_roots_alone_or_it_is_refused() {
    let home = RootFolder::new();
    let above = home.folder("above");
    let folder = home.folder("above/folder");
    for path in [&above, &folder] {
        for mode in [0o720, 0o702, 0o1777] {
            set_mode(path, mode);
            let what = format!("others may write to it (mode {mode:04o}); run: chmod go-w on it");
            assert_eq!(check(&folder), Err(too_open(path, &what)));
        }
        set_mode(path, 0o755);
        assert_eq!(check(&folder), Ok(()));
        chown(path, Some(1), None).unwrap();
        let what = "does not belong to root; run: chown root: on it";
        assert_eq!(check(&folder), Err(too_open(path, what)));
        chown(path, Some(0), None).unwrap();
    }
}

/// Threats 4.4. A file where a folder must be, and nothing at all, above and at the end.
#[test]
#[ignore = "needs root: tests/root-units"]
fn what_is_no_folder_or_is_not_there_is_named() {
    let home = RootFolder::new();
    let file = home.file("file", "");
    let wrong = too_open(&file, "is not a folder");
    assert_eq!(check(&file), Err(wrong.clone()));
    assert_eq!(check(&file.join("below")), Err(wrong));
    let gone = home.path("gone");
    let missing = Fault::at(FaultKind::StateMissing, &gone, "there is no such folder");
    assert_eq!(check(&gone), Err(missing.clone()));
    assert_eq!(check(&gone.join("below")), Err(missing.clone()));
    assert_eq!(Way::default().resolve(&gone), Ok(None));
    assert_eq!(Way::default().resolve(&gone.join("below")), Err(missing));
}

/// NixOS: fob.conf lies in a sticky folder that a group may write to, behind links.
#[test]
#[ignore = "needs root: tests/root-units"]
fn file_may_lie_in_a_sticky_folder_and_a_folder_may_not() {
    let home = RootFolder::new();
    let shared = home.folder("shared");
    let file = home.file("shared/file", "");
    let folder = home.folder("shared/folder");
    set_mode(&shared, 0o1775);
    let resolved = Way::default().resolve(&file);
    assert_eq!(resolved, Ok(Some(file.clone())));
    assert!(check(&folder).is_err());
    set_mode(&shared, 0o775);
    assert!(Way::default().resolve(&file).is_err());
    set_mode(&shared, 0o1755);
    assert_eq!(check(&folder), Ok(()));
}

/// Threats 4.4: a link is followed if root made it, wherever it leads from there.
#[test]
#[ignore = "needs root: tests/root-units"]
fn roots_own_links_are_followed_and_no_others() {
    let home = RootFolder::new();
    let folder = home.folder("folder");
    let file = home.file("folder/file", "");
    home.folder("side");
    let resolve = |path: &Path| Way::default().resolve(path);
    for (name, target) in [
        ("absolute", file.clone()),
        ("relative", "folder/file".into()),
        ("side/up", "../side/.././folder/file".into()),
    ] {
        assert_eq!(resolve(&home.link(name, target)), Ok(Some(file.clone())));
    }
    let link = home.link("link", "folder");
    assert_eq!(resolve(&link.join("file")), Ok(Some(file.clone())));
    assert_eq!(check(&link), Ok(()));
    set_mode(&folder, 0o777);
    assert!(resolve(&link.join("file")).is_err());
    set_mode(&folder, 0o755);
    lchown(&link, Some(1), None).unwrap();
    let wrong = too_open(&link, "does not belong to root");
    assert_eq!(resolve(&link.join("file")), Err(wrong.clone()));
    assert_eq!(check(&link), Err(wrong));
}

/// P7: links that lead round in a circle are no endless loop.
#[test]
#[ignore = "needs root: tests/root-units"]
fn way_has_forty_links_at_most_as_in_linux() {
    let home = RootFolder::new();
    let file = home.file("0", "");
    for number in 1..=41 {
        home.link(&number.to_string(), (number - 1).to_string());
    }
    assert_eq!(Way::default().resolve(&home.path("40")), Ok(Some(file)));
    let fault = Way::default().resolve(&home.path("41")).unwrap_err();
    assert_eq!(fault.kind, FaultKind::StateUnreadable);
}

/// P13: a login looks at each folder once, whoever has the file in it.
#[test]
#[ignore = "needs root: tests/root-units"]
fn folder_in_order_is_looked_at_once_in_a_login() {
    let home = RootFolder::new();
    let folder = home.folder("folder");
    let way = Way::default();
    way.check_folder(&folder).unwrap();
    assert!(way.knows(Path::new("/")));
    set_mode(&folder, 0o777);
    assert_eq!(way.check_folder(&folder), Ok(()));
    assert!(check(&folder).is_err());
}
