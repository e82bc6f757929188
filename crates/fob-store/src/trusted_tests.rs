use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use zeroize::Zeroizing;

use super::{Kept, MAX_FILE, is_link, is_there, open_checked, read, read_bytes};
use crate::root_folder::{RootFolder, set_mode};
use crate::way::Way;
use crate::{Fault, FaultKind};

const KEPT: [Kept; 2] = [Kept::Secret, Kept::Public];

fn bytes_of(path: &Path, kept: Kept) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    read_bytes(&Way::default(), path, kept)
}

fn refused(path: &Path, kept: Kept, kind: FaultKind, what: &str) {
    let fault = Fault::at(kind, path, what);
    assert_eq!(bytes_of(path, kept), Err(fault), "{kept:?}");
}

/// Threats 4.4: huge files, and what is no text.
#[test]
#[ignore = "needs root: tests/root-units"]
fn file_is_read_whole_up_to_64_kib_and_as_text_if_it_is_text() {
    let home = RootFolder::new();
    for kept in KEPT {
        let (way, file) = (Way::default(), home.file("file", "text\n"));
        assert_eq!(
            bytes_of(&file, kept).unwrap().unwrap().as_slice(),
            b"text\n"
        );
        assert_eq!(read(&way, &file, kept).unwrap().unwrap().as_str(), "text\n");
        assert_eq!(bytes_of(&home.path("none"), kept), Ok(None));
        assert_eq!(read(&way, &home.path("none"), kept), Ok(None));

        let largest = vec![b'x'; usize::try_from(MAX_FILE).unwrap()];
        let file = home.file("file", &largest);
        assert_eq!(bytes_of(&file, kept).unwrap().unwrap().as_slice(), largest);
        let file = home.file("file", [&largest[..], b"x"].concat());
        refused(
            &file,
            kept,
            FaultKind::StateDamaged,
            "is larger than 64 KiB",
        );

        let file = home.file("file", b"\xff");
        let fault = read(&way, &file, kept).unwrap_err();
        assert_eq!(fault.kind, FaultKind::StateDamaged);
    }
}

/// P9; threats 4.4: wrong owner, wrong mode, a second name.
#[test]
#[ignore = "needs root: tests/root-units"]
fn file_that_others_could_have_read_or_written_is_refused() {
    let home = RootFolder::new();
    let file = home.file("file", "text");
    for mode in 0..0o1000 {
        set_mode(&file, mode);
        let what = format!("is too open (mode {mode:04o}); run: chmod 600 on it");
        for (kept, forbidden) in [(Kept::Secret, 0o077), (Kept::Public, 0o022)] {
            if mode & forbidden == 0 {
                assert!(bytes_of(&file, kept).is_ok(), "{mode:o}");
            } else {
                refused(&file, kept, FaultKind::StateTooOpen, &what);
            }
        }
    }
    set_mode(&file, 0o600);
    chown(&file, Some(1), None).unwrap();
    for kept in KEPT {
        let what = "does not belong to root; run: chown root: on it";
        refused(&file, kept, FaultKind::StateTooOpen, what);
    }
    chown(&file, Some(0), None).unwrap();
    fs::hard_link(&file, home.path("second")).unwrap();
    let what = "has a second name (a hard link)";
    refused(&file, Kept::Secret, FaultKind::StateTooOpen, what);
    assert!(bytes_of(&file, Kept::Public).is_ok());
}

/// P4: whoever made a file and was killed before its first name was gone keeps nobody out. Only
/// such a name goes.
#[test]
#[ignore = "needs root: tests/root-units"]
fn temporary_name_beside_a_files_own_is_taken_away_and_no_other() {
    let home = RootFolder::new();
    home.folder("other");
    let file = home.file("file", "text");
    let stranger = home.file(".new-0123456789abcdef", "stranger");
    let twin = home.path(".new-0011223344556677");
    fs::hard_link(&file, &twin).unwrap();
    assert!(bytes_of(&file, Kept::Public).is_ok());
    assert!(twin.exists());
    assert_eq!(
        bytes_of(&file, Kept::Secret).unwrap().unwrap().as_slice(),
        b"text"
    );
    assert!(!twin.exists() && stranger.exists());
    let what = "has a second name (a hard link)";
    for twin in ["new-0011223344556677", "other/.new-0011223344556677"] {
        fs::hard_link(&file, home.path(twin)).unwrap();
        refused(&file, Kept::Secret, FaultKind::StateTooOpen, what);
        fs::remove_file(home.path(twin)).unwrap();
    }
    for twin in [".new-0011223344556677", "third"] {
        fs::hard_link(&file, home.path(twin)).unwrap();
    }
    refused(&file, Kept::Secret, FaultKind::StateTooOpen, what);
}

/// Threats 4.4: a pipe, a socket, a folder or a link where a file must be. Nothing of it blocks.
#[test]
#[ignore = "needs root: tests/root-units"]
fn what_is_no_plain_file_is_refused_at_once() {
    let home = RootFolder::new();
    let pipe = home.path("pipe");
    mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let folder = home.folder("folder");
    for kept in KEPT {
        for path in [&pipe, &folder] {
            refused(path, kept, FaultKind::StateTooOpen, "is not a plain file");
        }
    }
    let socket = home.path("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    assert!(bytes_of(&socket, Kept::Secret).is_err());
    let file = home.file("file", "text");
    let link = home.link("link", &file);
    let what = "is a symbolic link";
    refused(&link, Kept::Secret, FaultKind::StateTooOpen, what);
    assert!(bytes_of(&link, Kept::Public).unwrap().is_some());
}

/// P9: for a secret the folder must be root's alone; the file could be swapped.
#[test]
#[ignore = "needs root: tests/root-units"]
fn file_in_a_folder_that_others_may_write_to_is_refused() {
    let home = RootFolder::new();
    let folder = home.folder("folder");
    let file = home.file("folder/file", "text");
    set_mode(&folder, 0o757);
    for kept in KEPT {
        let fault = bytes_of(&file, kept).unwrap_err();
        assert_eq!(fault.kind, FaultKind::StateTooOpen);
        assert!(fault.detail.starts_with(folder.to_str().unwrap()));
    }
    assert!(is_there(&Way::default(), &file).is_err());
}

/// P7: a host that starts other programs doesn't hand them the file.
#[test]
#[ignore = "needs root: tests/root-units"]
fn file_is_opened_as_asked_and_for_this_program_alone() {
    let home = RootFolder::new();
    let path = home.file("file", "text");
    for (access, writable) in [(OFlag::O_RDONLY, false), (OFlag::O_RDWR, true)] {
        let opened = open_checked(&Way::default(), &path, Kept::Secret, access);
        let (file, stat) = opened.unwrap().unwrap();
        assert_eq!(stat.len(), 4);
        assert_eq!(io::Write::write(&mut &file, b"t").is_ok(), writable);
        let flags = FdFlag::from_bits_truncate(fcntl(&file, FcntlArg::F_GETFD).unwrap());
        assert!(flags.contains(FdFlag::FD_CLOEXEC));
    }
}

/// Threats 4.4: what has the name counts, whatever it is.
#[test]
#[ignore = "needs root: tests/root-units"]
fn name_is_there_or_not_whatever_has_it() {
    let home = RootFolder::new();
    let way = Way::default();
    let there = [
        home.file("file", ""),
        home.folder("folder"),
        home.link("link", "nowhere"),
    ];
    for (path, link) in there.iter().zip([false, false, true]) {
        assert_eq!(is_there(&way, path), Ok(true));
        assert_eq!(is_link(path), link);
    }
    for name in ["none", &"n".repeat(256)] {
        assert_eq!(is_there(&way, &home.path(name)), Ok(false));
        assert!(!is_link(&home.path(name)));
    }
    assert!(is_there(&way, &home.path("none/file")).is_err());
}
