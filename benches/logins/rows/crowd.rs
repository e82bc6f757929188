//! Sixteen people log in at the same instant, each with a right code of their own.

use super::drive::{REFUSED, race};
use super::machine::CROWD;
use super::systems::{RIVALS, System};
use super::table::Row;
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

/// How many are refused.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.rounds(40);
    let mut refused = [0; 3];
    for (system, refused) in RIVALS.iter().zip(&mut refused) {
        *refused = count_refused(*system, &bench.place, rounds)?;
    }
    let logins = rounds * CROWD.len();
    let what = format!("right codes refused of {logins}, 16 at once");
    bench.table.row(Row::count(what, refused, 0));
    Ok(())
}

fn count_refused(system: System, place: &Place, rounds: usize) -> Result<usize> {
    let mut tokens = system.enroll_anew(place, &CROWD, Kind::Hotp)?;
    let mut refused = 0;
    for _ in 0..rounds {
        if system != System::Fob {
            // Or a counter that another login wrote over would stay behind for good.
            system.enroll_all(place, &CROWD, &tokens)?;
        }
        let codes = tokens.iter_mut().map(Token::press);
        let racers: Vec<_> = CROWD.iter().copied().zip(codes).collect();
        let codes = race(&system.service(place), &racers)?;
        refused += codes.iter().filter(|&&code| code == REFUSED).count();
    }
    Ok(refused)
}
