//! A wrong code that is looked at: neither throttled nor malformed.

use super::drive::{Drive, IN, REFUSED};
use super::series::in_turns;
use super::systems::{RIVALS, System};
use super::table::{Budget, Remark, Row};
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

const WHO: &str = "p0";
/// After so many wrong codes the person is given a new ledger: after 80 they would be locked.
const BATCH: usize = 20;

/// What it takes against a login without a code.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let (place, journal) = (&bench.place, &bench.journal);
    let mut tokens = Vec::new();
    for system in RIVALS {
        tokens.extend(system.enroll_anew(place, &[WHO], Kind::Totp)?);
    }
    let all = in_turns::<4>(bench.options.rounds(400), |which, round| {
        let Some(at) = which.checked_sub(1) else {
            let drive = Drive::new(&System::Permit.service(place), WHO, &[]);
            return Ok(drive.expect(IN)?.took);
        };
        let (system, token) = (RIVALS[at], &tokens[at]);
        if round % BATCH == 0 && system == System::Fob {
            start_afresh(place, token)?;
        }
        let told = journal.wrong();
        let drive = Drive::new(&system.service(place), WHO, &[token.wrong()?]);
        let drive = drive.from(&format!("192.0.2.{}", round % BATCH));
        let took = drive.expect(REFUSED)?.took;
        if system == System::Fob {
            journal.expect_wrong(told, 1)?;
        }
        Ok(took)
    })?;
    let [permit, fob, google, oath] = &all;
    bench.table.row(Row::ratio(
        "wrong code against pam_permit",
        fob.over(permit),
        Budget::AtMost(2.0),
        [Some(google.over(permit)), Some(oath.over(permit))],
    ));
    let names = ["permit", "fob", "google", "oath"];
    let medians = [permit, fob, google, oath];
    bench
        .table
        .remark(Remark::medians("wrong code", &names, &medians));
    Ok(())
}

/// A new ledger, as it stands after a login.
fn start_afresh(place: &Place, token: &Token) -> Result<()> {
    System::Fob.enroll(place, &[(WHO, token)])?;
    let codes = [token.shown(0)?];
    Drive::new(&System::Fob.service(place), WHO, &codes).expect(IN)?;
    Ok(())
}
