//! What is measured, each budget in a file of its own.

mod crowd;
mod files;
mod load;
mod login;
mod parity;
mod race;
mod rate;
mod system_calls;
mod wrong;

use super::journal::Journal;
use super::machine::Place;
use super::options::Options;
use super::systems::System;
use super::table::Table;
use super::token::{Kind, Token};
use super::{Result, drive, machine, series, systems, table, token};

/// What measurements share.
pub(super) struct Bench<'a> {
    /// How much is wanted.
    pub(super) options: &'a Options,
    /// The usual place.
    pub(super) place: Place,
    /// The machine's log.
    pub(super) journal: Journal,
    /// What was found out.
    pub(super) table: Table,
}

type Measure = fn(&mut Bench<'_>) -> Result<()>;

/// All measurements by name, in the table's order.
pub(super) const ALL: [(&str, Measure); 10] = [
    ("race", race::measure),
    ("crowd", crowd::measure),
    ("login", login::on_disk),
    ("memory", login::in_memory),
    ("files", files::measure),
    ("wrong", wrong::measure),
    ("rate", rate::measure),
    ("load", load::measure),
    ("calls", system_calls::measure),
    ("parity", parity::measure),
];

impl System {
    /// Gives each of these people a token of their own.
    fn enroll_anew(self, place: &Place, names: &[&str], kind: Kind) -> Result<Vec<Token>> {
        let tokens: Vec<Token> = names
            .iter()
            .map(|_| Token::new(kind))
            .collect::<Result<_>>()?;
        self.enroll_all(place, names, &tokens)?;
        Ok(tokens)
    }

    /// Gives people these tokens, as they stand now.
    fn enroll_all(self, place: &Place, names: &[&str], tokens: &[Token]) -> Result<()> {
        let people: Vec<(&str, &Token)> = names.iter().copied().zip(tokens).collect();
        self.enroll(place, &people)
    }
}
