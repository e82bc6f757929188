//! The parts of the benchmark, from the command line to the table.

mod drive;
mod inside;
mod journal;
mod machine;
mod options;
mod outside;
mod rows;
mod series;
mod systems;
mod table;
mod token;

use options::Options;

/// Whatever keeps something from being measured.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Runs the benchmark. Says whether all budgets were kept.
pub(crate) fn main() -> Result<bool> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        print!("{}", options::USAGE);
        return Ok(true);
    };
    if options.inside {
        inside::measure(&options)
    } else {
        outside::run(&options)
    }
}

/// Runs a command that must succeed.
fn must(command: &mut std::process::Command) -> Result<()> {
    let status = command.status()?;
    if status.success() {
        return Ok(());
    }
    let program = command.get_program().to_string_lossy();
    Err(format!("{program}: {status}").into())
}
