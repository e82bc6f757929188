//! The built release module under the real libpam, in throwaway machines.

#![allow(
    unknown_lints,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cloned_ref_to_slice_refs,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests: a panic is how they fail"
)]

mod assurance;
mod bypass;
mod daily;
mod desktops;
mod doctor;
mod durable;
mod enrolment;
mod examples;
mod explain;
mod faults;
mod fleet;
mod fob;
mod host;
mod hosts;
mod import;
mod log;
mod login;
mod machine;
mod manual;
mod memory;
mod notices;
mod oathtool;
mod once;
mod one_field;
mod owners;
mod packaging;
mod powercut;
mod released;
mod remember;
mod renamed;
mod residue;
mod rules;
mod screen;
mod seal;
mod silence;
mod soak;
mod ssh;
mod stacks;
mod starved;
mod terminal;
mod timing;
mod tokens;
mod transcripts;
mod withdrawn;
