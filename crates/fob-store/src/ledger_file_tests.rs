use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use fob_core::{Ledger, Owner};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::LedgerFile;
use crate::pages::{Medium, SIZE};
use crate::root_folder::RootFolder;
use crate::{Fault, FaultKind};

fn owner(name: &str) -> Owner {
    Owner {
        uid: 1000,
        name: name.into(),
    }
}

/// The name in the ledger that is on the disk now.
fn kept(path: &Path) -> String {
    LedgerFile::open(path).unwrap().unwrap().1.owner.name
}

/// P3, P4: what is written down is what the next login reads, and a ledger is made once.
#[test]
#[ignore = "needs root: tests/root-units"]
fn ledger_is_made_once_and_each_write_is_there_for_the_next_login() {
    let home = RootFolder::new();
    let path = home.path("1000");
    assert!(LedgerFile::open(&path).unwrap().is_none());
    for is_fresh in [true, false] {
        let opened = LedgerFile::open_or_create(&path, &owner("alice"));
        let (_file, ledger, fresh) = opened.unwrap();
        assert_eq!((ledger, fresh), (Ledger::new(owner("alice")), is_fresh));
    }
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.nlink()), (0o600, 1));
    LedgerFile::create(&path, &Ledger::new(owner("late"))).unwrap();
    assert_eq!(kept(&path), "alice");
    let (mut file, _) = LedgerFile::open(&path).unwrap().unwrap();
    file.debit(&Ledger::new(owner("debited"))).unwrap();
    drop(file);
    assert_eq!(kept(&path), "debited");
    let (mut file, _) = LedgerFile::open(&path).unwrap().unwrap();
    file.settle(&Ledger::new(owner("settled"))).unwrap();
    drop(file);
    assert_eq!(kept(&path), "settled");
    LedgerFile::replace(&path, &Ledger::new(owner("repaired"))).unwrap();
    assert_eq!(kept(&path), "repaired");
    assert_eq!(fs::metadata(&path).unwrap().len(), SIZE as u64);
}

/// P3: a sync that the system refuses is no success. A pipe has no disk to go to.
#[test]
fn disk_that_does_not_confirm_is_told_of() {
    let name = format!("fob-pipe-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let pipe = fs::File::options().read(true).write(true).open(&path);
    let locked = crate::lock::lock(pipe.unwrap(), &path).unwrap();
    fs::remove_file(&path).unwrap();
    assert!(locked.sync_data().is_err());
    assert!(locked.write_all_at(b"x", 0).is_err());
    let nowhere = path.join("below");
    assert!(locked.sync_name(&nowhere).is_err());
}

/// Threats 4.1, RLIMIT_FSIZE: whoever runs su chooses how long a file may be.
#[test]
#[ignore = "needs root: tests/root-units"]
fn limit_inside_the_file_keeps_the_ledger_from_being_opened() {
    const PATH: &str = "FOB_LEDGER_UNDER_A_LIMIT";
    if let Some(path) = std::env::var_os(PATH) {
        let path = Path::new(&path);
        let opened = LedgerFile::open(path).map(|opened| opened.is_some());
        let what = "the caller's limit on the size of files (ulimit -f) is too low";
        let fault = Fault::at(FaultKind::StateWrite, path, what);
        assert_eq!(opened, Err(fault));
        return;
    }
    let home = RootFolder::new();
    let path = home.path("1000");
    LedgerFile::create(&path, &Ledger::new(owner("alice"))).unwrap();
    let is_refused_under = |limit: usize| {
        let name = "limit_inside_the_file_keeps_the_ledger_from_being_opened";
        let status = Command::new("prlimit")
            .arg(format!("--fsize={limit}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--ignored", name])
            .env(PATH, &path)
            .output();
        status.unwrap().status.success()
    };
    assert!(is_refused_under(0));
    assert!(is_refused_under(SIZE - 1));
    assert!(!is_refused_under(SIZE));
    assert!(!is_refused_under(SIZE + 1));
}
