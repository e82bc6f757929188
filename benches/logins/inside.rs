//! In the throwaway machine: measures all that is wanted.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::thread::available_parallelism;
use std::time::Instant;

use super::drive::micros;
use super::journal::Journal;
use super::machine::Place;
use super::rows::{self, Bench};
use super::series::in_turns;
use super::systems::{RIVALS, System};
use super::table::Table;
use super::{Options, Result};

/// Measures, and prints the table. Says whether all budgets were kept.
pub(super) fn measure(options: &Options) -> Result<bool> {
    print_machine(options)?;
    let place = Place::usual();
    place.make()?;
    for system in [&[System::Permit][..], &RIVALS].concat() {
        system.install(&place)?;
    }
    let mut bench = Bench {
        options,
        place,
        journal: Journal::open()?,
        table: Table::default(),
    };
    for (name, row) in rows::ALL {
        if options.wants(name) {
            let since = Instant::now();
            row(&mut bench).map_err(|error| format!("{name}: {error}"))?;
            eprintln!("{name}: measured in {} s", since.elapsed().as_secs());
        }
    }
    Ok(bench.table.print())
}

fn print_machine(options: &Options) -> Result<()> {
    let cores = available_parallelism()?;
    let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    println!(
        "{cores} cores ({}), Linux {}, load {load}",
        model.unwrap_or("of an unknown kind"),
        kernel.trim()
    );
    println!(
        "Disk: {}; writing a page and fdatasync take {:.0} us",
        options.file_system,
        sync_time()?
    );
    Ok(())
}

/// What the disk takes to keep a page that is overwritten in place.
fn sync_time() -> Result<f64> {
    let path = "/var/tmp/sync";
    let mut open = OpenOptions::new();
    let file = open.write(true).create_new(true).open(path)?;
    let [series] = in_turns(50, |_, _| {
        let since = Instant::now();
        file.write_all_at(&[1; 4096], 0)?;
        file.sync_data()?;
        Ok(micros(since.elapsed()))
    })?;
    fs::remove_file(path)?;
    Ok(series.median())
}
