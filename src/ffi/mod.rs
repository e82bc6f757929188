//! The border to C: the only place with `unsafe`.

#![allow(unsafe_code)]

mod conversation;
mod host;
mod module;
mod registers;
mod reserve;
mod shield;
mod wipe;

pub(crate) use conversation::{Answer, NoAnswer};
pub(crate) use host::Host;
pub(crate) use shield::shielded;
