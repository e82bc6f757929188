//! Before the throwaway machine: makes it, and starts the measuring in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::unistd::Uid;

use super::machine::{CROWD, STRANGER};
use super::{Options, Result, must};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");
const WORK: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/bench");
const PEERS: [&str; 2] = ["libpam-google-authenticator", "libpam-oath"];

/// Runs the benchmark in a machine made for it. Says whether all budgets were kept.
pub(super) fn run(options: &Options) -> Result<bool> {
    if !Uid::effective().is_root() {
        return Err("needs root: the peers log people in under their own uid".into());
    }
    let work = Path::new(WORK);
    let (root, layer, peers) = (work.join("root"), work.join("layer"), work.join("peers"));
    remove(&root)?;
    remove(&layer)?;
    fs::create_dir_all(work)?;
    let packages = PEERS.iter().chain(&["strace"]);
    must(sandbox("packages").arg(&peers).args(packages))?;
    lay(&layer, &peers.join("root"), &module(options)?)?;
    must(sandbox("people").arg(&root).args(CROWD).arg(STRANGER))?;
    let inside = Options {
        file_system: file_system(&root)?,
        ..options.clone()
    };
    let status = sandbox("enter")
        .arg(&root)
        .arg("--layer")
        .arg(&layer)
        .arg("--layer")
        .arg(peers.join("root"))
        .args(["--", "logins"])
        .args(inside.words())
        .status()?;
    remove(&root)?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(format!("the machine ended with {status}").into()),
    }
}

/// What is laid over the machine's own programs: the module, the driver, and this program.
fn lay(layer: &Path, peers: &Path, module: &Path) -> Result<()> {
    let bin = layer.join("usr/bin");
    let security = layer.join(security(peers)?);
    fs::create_dir_all(&bin)?;
    fs::create_dir_all(&security)?;
    fs::copy(module, security.join("pam_fob.so"))?;
    fs::copy(std::env::current_exe()?, bin.join("logins"))?;
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-o"]).arg(bin.join("pamdrive"));
    cc.arg(Path::new(PROJECT).join("tests/driver/pamdrive.c"));
    must(cc.arg("-lpam"))
}

/// Where the peers have their modules, which differs between architectures.
fn security(peers: &Path) -> Result<PathBuf> {
    for entry in fs::read_dir(peers.join("usr/lib"))? {
        let folder = entry?.path().join("security");
        if folder.join("pam_oath.so").exists() {
            return Ok(folder.strip_prefix(peers)?.to_owned());
        }
    }
    Err("the packages of the peers have no modules".into())
}

/// The module under test: the one that was named, or else the one that cargo built beside
/// this program.
fn module(options: &Options) -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let built = || Some(own.parent()?.parent()?.join("libpam_fob.so"));
    let path = options.module.clone().or_else(built);
    path.filter(|path| path.exists())
        .ok_or_else(|| "no module; run: cargo build --release".into())
}

fn file_system(folder: &Path) -> Result<String> {
    let told = Command::new("df")
        .arg("--output=fstype")
        .arg(folder)
        .output()?;
    let text = String::from_utf8_lossy(&told.stdout);
    Ok(text.lines().nth(1).unwrap_or("unknown").trim().to_owned())
}

fn sandbox(script: &str) -> Command {
    Command::new(Path::new(PROJECT).join("tests/sandbox").join(script))
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
