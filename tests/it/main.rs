//! The built release module under the real libpam, in throwaway machines.

#![allow(unreachable_pub, reason = "the modules of one program")]

mod durable;
mod host;
mod login;
mod machine;
mod oathtool;
mod once;
mod silence;
mod ssh;
