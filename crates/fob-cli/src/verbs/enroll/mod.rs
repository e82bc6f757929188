//! `fob enroll`: gives a person a token, or many people at once.

mod folder;
mod image;
mod letters;
mod many;
mod one;
mod roster;
mod rows;
mod wish;

pub(crate) use wish::Wish;

use crate::output::remark;
use crate::pam;
use crate::stop::Stop;
use crate::verbs::Desk;

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    match (&wish.from, &wish.name) {
        (Some(file), _) => many::run(desk, wish, file),
        (None, Some(name)) => one::run(desk, wish, name),
        (None, None) => Err(Stop::unknown("whom?").remedy("Say a name, or --from FILE.")),
    }?;
    if !desk.json && !pam::any_asks() {
        remark(
            "No service asks for codes yet: no PAM file names pam_fob.so. Which line to put where: \
             man pam_fob",
        );
    }
    Ok(())
}
