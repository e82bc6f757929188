//! Whether somebody can tell from the time who is enrolled.

use std::fs;

use super::drive::{Drive, REFUSED};
use super::machine::{STRANGER, UNKNOWN};
use super::series::{Series, in_turns};
use super::systems::{System, forget};
use super::table::{Budget, Remark, Row};
use super::token::Kind;
use super::{Bench, Result};

/// Somebody enrolled, somebody who isn't, nobody.
const WHO: [&str; 3] = ["p0", STRANGER, UNKNOWN];
/// After so many wrong codes everybody is given a new ledger, or they would be locked.
const BATCH: usize = 20;

/// What part of an enrolled person's time the others' times are away from it.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.rounds(600);
    let judging = times(bench, rounds, &|drive| Ok(drive.expect(REFUSED)?.judging()))?;
    let away = |all: &[Series; 3]| {
        let [enrolled, stranger, unknown] = all;
        let ratios = [stranger.over(enrolled), unknown.over(enrolled)];
        ratios.map(|ratio| (ratio - 1.0).abs())
    };
    let [stranger, unknown] = away(&judging);
    bench.table.row(Row::ratio(
        "wrong code, time to the answer: not enrolled from enrolled",
        stranger,
        Budget::AtMost(0.10),
        [None, None],
    ));
    bench.table.row(Row::ratio(
        "wrong code, time to the answer: unknown from enrolled",
        unknown,
        Budget::AtMost(0.10),
        [None, None],
    ));
    let names = ["enrolled", "not enrolled", "unknown"];
    let all: Vec<_> = judging.iter().collect();
    bench.table.remark(Remark::medians(
        "wrong code, from typing to the answer",
        &names,
        &all,
    ));
    let rest = times(bench, rounds, &|drive| {
        let driven = drive.expect(REFUSED)?;
        Ok(driven.took - driven.judging())
    })?;
    let all: Vec<_> = rest.iter().collect();
    bench.table.remark(Remark::medians(
        "the same login's rest, mostly before the prompt",
        &names,
        &all,
    ));
    Ok(())
}

fn times(
    bench: &Bench<'_>,
    rounds: usize,
    of: &dyn Fn(&Drive) -> Result<f64>,
) -> Result<[Series; 3]> {
    let service = System::Fob.service(&bench.place);
    let tokens = System::Fob.enroll_anew(&bench.place, &WHO[..1], Kind::Totp)?;
    let mut fresh = None;
    in_turns(rounds, |which, round| {
        let code = tokens[0].wrong()?;
        let drives = WHO.map(|name| Drive::new(&service, name, std::slice::from_ref(&code)));
        if fresh != Some(round / BATCH) {
            fresh = Some(round / BATCH);
            start_afresh(bench, &drives)?;
        }
        let told = bench.journal.wrong();
        let rhost = format!("192.0.2.{}", round % BATCH);
        let took = of(&drives[which].clone().from(&rhost))?;
        bench.journal.expect_wrong(told, usize::from(which == 0))?;
        Ok(took)
    })
}

/// New ledgers for all. A first attempt creates them, which takes longer.
fn start_afresh(bench: &Bench<'_>, drives: &[Drive]) -> Result<()> {
    for entry in fs::read_dir(&bench.place.ledgers)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "dummy") {
            forget(&path)?;
        }
    }
    let told = bench.journal.wrong();
    for drive in drives {
        drive.clone().from("198.51.100.1").expect(REFUSED)?;
    }
    bench.journal.expect_wrong(told, 1)
}
