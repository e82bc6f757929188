//! What a login asks of the kernel.

use std::process::{Command, Stdio};

use super::drive::{Drive, IN};
use super::systems::{RIVALS, System};
use super::table::{Remark, Row};
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

const WHO: &str = "p0";

/// System calls of one process.
struct Calls(Vec<String>);

/// System calls of a login beyond those of pam_permit's, and the expensive ones among them.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let permit = calls(System::Permit, &bench.place)?;
    let mut all = Vec::new();
    for system in RIVALS {
        all.push(calls(system, &bench.place)?);
    }
    let each = |of: &dyn Fn(&Calls) -> usize| [of(&all[0]), of(&all[1]), of(&all[2])];
    let beyond = each(&|calls| calls.0.len().saturating_sub(permit.0.len()));
    let syncs = each(&|calls| calls.count(&["fsync", "fdatasync", "sync", "syncfs"]));
    let renames = each(&|calls| calls.count(&["rename", "renameat", "renameat2"]));
    if syncs[0] == 0 {
        return Err("somebody got in without a sync".into());
    }
    let table = &mut bench.table;
    table.row(Row::count(
        "system calls over pam_permit, right code".into(),
        beyond,
        40,
    ));
    table.row(Row::count("of these, syncs".into(), syncs, 1));
    table.row(Row::count("of these, renames".into(), renames, 0));
    let whole = each(&|calls| calls.0.len());
    table.remark(Remark::new(format!(
        "system calls of a login: permit {}, fob {}, google {}, oath {}",
        permit.0.len(),
        whole[0],
        whole[1],
        whole[2]
    )));
    Ok(())
}

/// Those of the second login in a process: sshd, sudo and login have looked people up before
/// they ask PAM, and so have paid for the C library's first look.
fn calls(system: System, place: &Place) -> Result<Calls> {
    let mut tokens = system.enroll_anew(place, &[WHO], Kind::Hotp)?;
    let one = traced(system, place, &mut tokens[0], 1)?;
    let mut two = traced(system, place, &mut tokens[0], 2)?;
    for name in one.0 {
        let at = two.0.iter().position(|other| *other == name);
        two.0
            .remove(at.ok_or("a second login does less than a first one")?);
    }
    Ok(two)
}

/// Those of a process with some logins. The person has logged in before.
fn traced(system: System, place: &Place, token: &mut Token, times: usize) -> Result<Calls> {
    let service = system.service(place);
    Drive::new(&service, WHO, &[token.press()]).expect(IN)?;
    let codes: Vec<String> = (0..times).map(|_| token.press()).collect();
    let path = "/tmp/calls";
    let status = Command::new("strace")
        .args(["-f", "-o", path])
        .args(Drive::new(&service, WHO, &codes).warm(times).command())
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{service}: refused under strace").into());
    }
    let text = std::fs::read_to_string(path)?;
    Ok(Calls(text.lines().filter_map(call).collect()))
}

/// `4711  openat(AT_FDCWD, ...`
fn call(line: &str) -> Option<String> {
    let (_, call) = line.split_once(' ')?;
    let (name, _) = call.trim_start().split_once('(')?;
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| name.to_owned())
}

impl Calls {
    fn count(&self, names: &[&str]) -> usize {
        let named = self.0.iter().filter(|name| names.contains(&name.as_str()));
        named.count()
    }
}
