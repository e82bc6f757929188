//! A module is loaded and not used: what everybody pays at each login, and who logs in with
//! something else pays too.

use super::drive::{Drive, IN};
use super::series::{Series, in_turns};
use super::systems::{RIVALS, System};
use super::table::{Budget, Remark, Row};
use super::{Bench, Result};

/// Processes in a round. They are forked, so that what is left is mostly the loading.
const TIMES: usize = 20;

/// What loading takes beyond that of pam_permit.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    let all = in_turns::<4>(bench.options.rounds(200), |which, _| {
        let system = [&[System::Permit][..], &RIVALS].concat()[which];
        let drive = Drive::new(&system.loading(), "p0", &[]).forked(TIMES);
        let took = drive.expect(IN)?.took;
        Ok(took / f64::from(u32::try_from(TIMES)?))
    })?;
    let [permit, fob, google, oath] = &all;
    let own = |series: &Series| series.beyond(permit).median();
    bench.table.row(Row::ratio(
        "load time",
        own(fob) / own(google),
        Budget::AtMost(1.1),
        [Some(1.0), Some(own(oath) / own(google))],
    ));
    let [fob, google, oath] = [fob, google, oath].map(|series| series.beyond(permit));
    let names = ["fob", "google", "oath"];
    let medians = [&fob, &google, &oath];
    bench
        .table
        .remark(Remark::medians("loading, beyond permit", &names, &medians));
    Ok(())
}
