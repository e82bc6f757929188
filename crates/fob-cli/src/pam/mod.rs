//! The PAM configuration of a machine, as Linux-PAM reads it (pam.conf(5)).

mod line;
mod stack;
mod walk;

pub(crate) use line::{Control, Placed};
pub(crate) use stack::Folders;
pub(crate) use walk::{Module, Role, Trail, past_in_setcred, walk};

use crate::stop::Stop;

/// How the module is named in a stack.
pub(crate) const MODULE: &str = "pam_fob.so";

/// The module's line in the auth stack of a service.
#[derive(Debug)]
pub(crate) struct ModuleLine {
    /// The words behind the module's name.
    pub(crate) arguments: Vec<String>,
    /// File, line number and the line, for a person to read.
    pub(crate) shown: String,
}

/// The first line of the auth stack of `service` that names this module.
///
/// # Errors
/// A file of the stack can't be read, or files include each other.
pub(crate) fn module_line(service: &str) -> Result<Option<ModuleLine>, Stop> {
    let stack = Folders::default().stack(service)?;
    let ours = stack.auth.into_iter().find(|placed| placed.line.is_ours());
    Ok(ours.map(|placed| ModuleLine {
        shown: format!("{}: {}", placed.place(), placed.line.shown()),
        arguments: placed.line.arguments,
    }))
}

/// Whether any service asks for codes. One whose files can't be read may.
pub(crate) fn any_asks() -> bool {
    let services = Folders::default().services();
    services
        .iter()
        .any(|service| module_line(service).map_or(true, |line| line.is_some()))
}
