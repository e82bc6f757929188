//! The machine's own time zone. Never the caller's TZ.

use std::path::Path;

use fob_core::Now;
use fob_core::rule::Minute;
use tz::{TimeZone, TzError};

use crate::trusted::{Kept, read_bytes};
use crate::way::Way;
use crate::{Fault, FaultKind};

/// localtime(5).
const LOCALTIME: &str = "/etc/localtime";

/// The minute of the week here. Without /etc/localtime the zone is UTC, as localtime(5) has
/// it.
pub(crate) fn minute(way: &Way, now: &Now) -> Result<Minute, Fault> {
    let path = Path::new(LOCALTIME);
    let bytes = read_bytes(way, path, Kept::Public)?;
    let minute = minute_of(bytes.as_ref().map(|bytes| &bytes[..]), now.unix);
    minute.map_err(|error| Fault::at(FaultKind::StateDamaged, path, error))
}

/// The minute of the week in the zone of such a file (RFC 9636).
pub(crate) fn minute_of(file: Option<&[u8]>, unix: u64) -> Result<Minute, TzError> {
    let zone = file.map_or_else(|| Ok(TimeZone::utc()), TimeZone::from_tz_data)?;
    let unix = i64::try_from(unix).unwrap_or(i64::MAX);
    let kind = zone.find_local_time_type(unix)?;
    let local = unix.saturating_add(i64::from(kind.ut_offset()));
    Ok(Minute::of_local(local))
}
