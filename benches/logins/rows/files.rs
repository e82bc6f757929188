//! One person logs in among many who have tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::drive::{Drive, IN};
use super::series::in_turns;
use super::systems::{RIVALS, fob_text, google_text, oath_line};
use super::table::{Budget, Remark, Row};
use super::token::{Kind, Token};
use super::{Bench, Place, Result};

const WHO: &str = "p0";

/// How much longer that takes than alone.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let files = bench.options.files;
    // oath reads and writes them all at each login.
    let lines = if bench.options.effort < 1000 {
        files / 10
    } else {
        files
    };
    let places = [Place::apart("one"), Place::apart("many")];
    for place in &places {
        place.make()?;
    }
    let mut tokens = Vec::new();
    for (system, place) in pairs() {
        system.install(&places[place])?;
        tokens.extend(system.enroll_anew(&places[place], &[WHO], Kind::Hotp)?);
    }
    fill(&places[1], files, lines)?;
    let pairs: Vec<_> = pairs().collect();
    let all = in_turns::<6>(bench.options.rounds(200), |which, _| {
        let (system, place) = pairs[which];
        let code = tokens[which].press();
        let drive = Drive::new(&system.service(&places[place]), WHO, &[code]);
        Ok(drive.expect(IN)?.took)
    })?;
    let [one, many, google_one, google_many, oath_one, oath_many] = &all;
    bench.table.row(Row::ratio(
        &format!("login with {files} token files against 1 (oath: {lines} lines)"),
        many.over(one),
        Budget::AtMost(1.2),
        [
            Some(google_many.over(google_one)),
            Some(oath_many.over(oath_one)),
        ],
    ));
    let names = ["fob", "google", "oath"];
    let medians = [many, google_many, oath_many];
    bench.table.remark(Remark::medians(
        "login with many token files",
        &names,
        &medians,
    ));
    Ok(())
}

/// Each system, in the place with one file and in the place with many.
fn pairs() -> impl Iterator<Item = (super::System, usize)> {
    RIVALS
        .into_iter()
        .flat_map(|system| [(system, 0), (system, 1)])
}

/// Gives tokens to people who never log in. All the same one: nobody looks.
fn fill(place: &Place, files: usize, lines: usize) -> Result<()> {
    let token = Token::new(Kind::Hotp)?;
    let (fob, google) = (fob_text(&token), google_text(&token));
    for number in 1..files {
        let path = place.tokens.join(format!("other{number}"));
        fs::write(&path, &fob)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let home = place.homes.join(format!("other{number}"));
        fs::create_dir(&home)?;
        fs::write(home.join(".google_authenticator"), &google)?;
    }
    // The one who logs in stands in the middle.
    let own = fs::read_to_string(&place.users)?;
    let mut text = String::new();
    for number in 1..lines {
        if number == lines / 2 {
            text.push_str(&own);
        }
        text.push_str(&oath_line(&format!("other{number}"), &token));
    }
    Ok(fs::write(&place.users, text)?)
}
