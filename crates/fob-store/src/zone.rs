//! The machine's own time zone. Never the caller's TZ.

use std::path::Path;

use fob_core::Now;
use fob_core::rule::Minute;
use tz::TimeZone;

use crate::trusted::{Kept, read_bytes};
use crate::way::Way;
use crate::{Fault, FaultKind};

/// localtime(5).
const LOCALTIME: &str = "/etc/localtime";

/// The minute of the week here. Without /etc/localtime the zone is UTC, as localtime(5) has
/// it.
pub(crate) fn minute(way: &Way, now: &Now) -> Result<Minute, Fault> {
    let path = Path::new(LOCALTIME);
    let damaged = |error| Fault::at(FaultKind::StateDamaged, path, error);
    let zone = match read_bytes(way, path, Kept::Public)? {
        Some(bytes) => TimeZone::from_tz_data(&bytes).map_err(damaged)?,
        None => TimeZone::utc(),
    };
    let unix = i64::try_from(now.unix).unwrap_or(i64::MAX);
    let kind = zone.find_local_time_type(unix).map_err(damaged)?;
    let local = unix.saturating_add(i64::from(kind.ut_offset()));
    Ok(Minute::of_local(local))
}
