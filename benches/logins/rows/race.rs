//! One code, typed by two people at the same instant.

use super::drive::{IN, race};
use super::systems::{RIVALS, System};
use super::table::Row;
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

const WHO: &str = "p0";

/// How often both get in.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let rounds = bench.options.races;
    for (kind, name) in [(Kind::Hotp, "HOTP"), (Kind::Totp, "TOTP")] {
        let mut twice = [0; 3];
        for (system, twice) in RIVALS.iter().zip(&mut twice) {
            *twice = count_twice(*system, &bench.place, kind, rounds)?;
        }
        let what = format!("{name} code accepted twice in {rounds} races");
        bench.table.row(Row::count(what, twice, 0));
    }
    Ok(())
}

fn count_twice(system: System, place: &Place, kind: Kind, rounds: usize) -> Result<usize> {
    let mut token = Token::new(kind)?;
    let mut twice = 0;
    for round in 0..rounds {
        let code = prepare(system, place, &mut token, round)?;
        let codes = race(&system.service(place), &[(WHO, code.clone()), (WHO, code)])?;
        match codes.iter().filter(|&&code| code == IN).count() {
            0 if system == System::Fob => return Err("nobody got in with a right code".into()),
            0 | 1 => {}
            _ => twice += 1,
        }
    }
    Ok(twice)
}

/// The code of a round. TOTP tokens have three codes that are right at the same time, and are
/// replaced when these are spent. After an HOTP race a peer's counter may stand anywhere, and
/// is put right; pam_fob's is left as it is.
fn prepare(system: System, place: &Place, token: &mut Token, round: usize) -> Result<String> {
    let of_three = round % 3;
    let anew = match token.kind {
        Kind::Hotp => round == 0 || system != System::Fob,
        Kind::Totp => of_three == 0,
    };
    if anew && token.kind == Kind::Totp {
        *token = Token::new(Kind::Totp)?;
    }
    if anew {
        system.enroll(place, &[(WHO, token)])?;
    }
    match token.kind {
        Kind::Hotp => Ok(token.press()),
        Kind::Totp => token.shown(i64::try_from(of_three)? - 1),
    }
}
