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
    let offset = offset(&zone, unix)?;
    Ok(Minute::of_local(unix.saturating_add(i64::from(offset))))
}

/// How far the zone is from UTC at that time, in seconds. Where it has no rule for times after its
/// last transition, what began then goes on, as with localtime(3).
fn offset(zone: &TimeZone, unix: i64) -> Result<i32, TzError> {
    let kind = match zone.find_local_time_type(unix) {
        Err(TzError::NoAvailableLocalTimeType) => {
            let zone = zone.as_ref();
            let last = zone.transitions().last();
            last.and_then(|last| zone.local_time_types().get(last.local_time_type_index()))
                .ok_or(TzError::NoAvailableLocalTimeType)?
        }
        found => found?,
    };
    Ok(kind.ut_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone that is an hour ahead of UTC from `at` on, with no word of what follows
    /// (RFC 9636 section 3).
    fn zone(version: u8, at: i64) -> TimeZone {
        let block = |wide: bool| {
            let mut bytes = [b"TZif".as_slice(), &[version], &[0; 15]].concat();
            // Neither indicators nor leap seconds; one transition, two types, eight letters.
            for count in [0u32, 0, 0, 1, 2, 8] {
                bytes.extend(count.to_be_bytes());
            }
            match wide {
                true => bytes.extend(at.to_be_bytes()),
                false => bytes.extend(i32::try_from(at).unwrap().to_be_bytes()),
            }
            bytes.push(1);
            bytes.extend([&0i32.to_be_bytes()[..], &[0, 0]].concat());
            bytes.extend([&3600i32.to_be_bytes()[..], &[0, 4]].concat());
            bytes.extend(b"UTC\0CET\0");
            bytes
        };
        let bytes = match version {
            0 => block(false),
            _ => [block(false), block(true), b"\n\n".to_vec()].concat(),
        };
        TimeZone::from_tz_data(&bytes).unwrap()
    }

    /// P2: the zones in /usr/share/zoneinfo/right, and those of the format's first version.
    #[test]
    fn last_type_of_a_zone_without_a_rule_goes_on() {
        for version in [0, b'2'] {
            let zone = zone(version, 1_000_000_000);
            for (unix, expected) in [
                (999_999_999, 0),
                (1_000_000_000, 3600),
                (4_000_000_000, 3600),
            ] {
                assert_eq!(offset(&zone, unix).unwrap(), expected, "{unix}");
            }
        }
    }
}
