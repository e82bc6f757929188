//! The built release module under the real libpam, in throwaway machines.

mod durable;
mod host;
mod login;
mod machine;
mod oathtool;
mod once;
mod silence;
mod ssh;
