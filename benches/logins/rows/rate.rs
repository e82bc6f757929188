//! Many people log in for a while, each again and again.

use std::time::Instant;

use super::drive::{Drive, IN, micros};
use super::machine::CROWD;
use super::series::{Series, in_turns};
use super::systems::System;
use super::table::{Budget, Remark, Row};
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

/// Logins of each person in a round, each in a process of its own.
const TIMES: usize = 10;

/// How many logins a second that makes.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.rounds(30);
    for people in [1, 2, 4, 8, 16] {
        let [fob, google] = rates(&bench.place, rounds, people)?;
        if people == 16 {
            bench.table.row(Row::ratio(
                "logins a second, 16 processes",
                fob.over(&google),
                Budget::AtLeast(1.4),
                [Some(1.0), None],
            ));
        }
        let (fob, google) = (fob.median(), google.median());
        bench.table.remark(Remark::new(format!(
            "logins a second, {people} processes: fob {fob:.0}, google {google:.0}"
        )));
    }
    Ok(())
}

fn rates(place: &Place, rounds: usize, people: usize) -> Result<[Series; 2]> {
    let (names, systems) = (&CROWD[..people], [System::Fob, System::Google]);
    let mut tokens = Vec::new();
    for system in systems {
        tokens.push(system.enroll_anew(place, names, Kind::Hotp)?);
    }
    in_turns(rounds, |which, _| {
        let service = systems[which].service(place);
        rate(&service, names, &mut tokens[which])
    })
}

/// Logins a second. Nobody may be refused.
fn rate(service: &str, names: &[&str], tokens: &mut [Token]) -> Result<f64> {
    let drives = names.iter().zip(tokens).map(|(name, token)| {
        let codes: Vec<String> = (0..TIMES).map(|_| token.press()).collect();
        Drive::new(service, name, &codes).forked(TIMES)
    });
    let drives: Vec<Drive> = drives.collect();
    let since = Instant::now();
    let mut children = Vec::new();
    for drive in &drives {
        children.push(drive.start()?);
    }
    let mut all = Vec::new();
    for (drive, child) in drives.iter().zip(children) {
        all.push((drive, drive.end(child, since)?));
    }
    let took = micros(since.elapsed());
    for (drive, driven) in &all {
        drive.check(driven, IN)?;
    }
    let logins = u32::try_from(names.len() * TIMES)?;
    Ok(f64::from(logins) * 1e6 / took)
}
