//! `pam_fob.so`: asks for a code from a hardware or a software token, and lets each code in
//! once.
//!
//! This code runs as root inside sshd, sudo and login. Whatever happens, it never ends or
//! blocks its host: every entry point is guarded against panics, every wait has a limit,
//! nothing is printed, and nothing that belongs to the host (environment, umask, folder,
//! signal handlers) is read or changed. It never answers "success" unless the code that was
//! typed is spent on the disk.
//!
//! [`login`] tells an attempt from top to bottom; [`outcome`] is the table of answers. What a
//! code is stands in `fob-core`, where things are kept in `fob-store`. `unsafe` is in
//! [`ffi`] alone.
#![deny(unsafe_code)]

mod enrolment;
mod ffi;
mod journal;
mod login;
mod notices;
mod outcome;
mod remembered;
