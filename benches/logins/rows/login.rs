//! One person logs in with right codes.

use super::drive::{Drive, IN};
use super::series::{Series, in_turns};
use super::systems::{RIVALS, System};
use super::table::{Budget, Remark, Row};
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

const WHO: &str = "p0";
const NAMES: [&str; 4] = ["permit", "fob", "google", "oath"];
/// Logins in one process, where the process is to be left out.
const WARM: usize = 10;

/// Whole logins, each in a new process, on the disk.
pub(super) fn on_disk(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.rounds(400);
    let fresh = logins(&bench.place, rounds, 1)?;
    let [_, fob, google, oath] = &fresh;
    bench.table.row(Row::ratio(
        &format!("login, right code, {}", bench.options.file_system),
        fob.over(google),
        Budget::AtMost(0.60),
        [Some(1.0), Some(oath.over(google))],
    ));
    let what = "login on the disk, new process";
    remark(bench, what, &fresh);
    let warm = logins(&bench.place, rounds / WARM + 1, WARM)?;
    remark(bench, "login on the disk, warm process", &warm);
    Ok(())
}

/// What the module adds to pam_permit's login where the disk takes no time.
pub(super) fn in_memory(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.rounds(400);
    let (place, memory) = (bench.place.clone(), |times: usize| {
        bench
            .place
            .in_memory(|| logins(&bench.place, rounds / times + 1, times))
    });
    let (fresh, warm) = (memory(1)?, memory(WARM)?);
    place.make()?;
    let [permit, fob, google, oath] = &fresh;
    let own = |series: &Series| series.beyond(permit).median();
    bench.table.row(Row::ratio(
        "the module's own time in a login, tmpfs",
        own(fob) / own(google),
        Budget::AtMost(0.60),
        [Some(1.0), Some(own(oath) / own(google))],
    ));
    remark(bench, "login on tmpfs, new process", &fresh);
    remark(bench, "login on tmpfs, warm process", &warm);
    Ok(())
}

fn remark(bench: &mut Bench<'_>, what: &str, all: &[Series; 4]) {
    let all: Vec<&Series> = all.iter().collect();
    bench.table.remark(Remark::medians(what, &NAMES, &all));
}

/// What one login takes, with `times` of them in a process: without a code, and by each system.
fn logins(place: &Place, rounds: usize, times: usize) -> Result<[Series; 4]> {
    let mut tokens = Vec::new();
    for system in RIVALS {
        tokens.extend(system.enroll_anew(place, &[WHO], Kind::Hotp)?);
    }
    in_turns(rounds, |which, _| {
        let (system, codes) = match which {
            0 => (System::Permit, Vec::new()),
            _ => (RIVALS[which - 1], codes(&mut tokens[which - 1], times)),
        };
        let drive = Drive::new(&system.service(place), WHO, &codes);
        let drive = if times > 1 { drive.warm(times) } else { drive };
        let took = drive.expect(IN)?.took;
        Ok(took / f64::from(u32::try_from(times)?))
    })
}

fn codes(token: &mut Token, times: usize) -> Vec<String> {
    (0..times).map(|_| token.press()).collect()
}
