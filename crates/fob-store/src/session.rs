//! The session of this process, as the kernel tells it: what the caller says of its terminal
//! counts for nothing.

use std::fs;

use fob_core::Session;

/// Fields of proc_pid_stat(5), counted from the state, the first one behind the name.
const SESSION: usize = 3;
const TERMINAL: usize = 4;
const STARTED: usize = 19;

/// The session that this process belongs to. None where it has no terminal, where the process
/// that leads the session is gone, or where the kernel doesn't tell.
pub(crate) fn session() -> Option<Session> {
    let own = stat("self")?;
    let leader: u32 = own.get(SESSION)?.parse().ok()?;
    // Signed, for historical reasons; 0 is none.
    let terminal: i32 = own.get(TERMINAL)?.parse().ok().filter(|tty| *tty != 0)?;
    let started = stat(&leader.to_string())?.get(STARTED)?.parse().ok()?;
    Some(Session {
        terminal: u32::from_ne_bytes(terminal.to_ne_bytes()),
        leader,
        started,
    })
}

fn stat(process: &str) -> Option<Vec<String>> {
    fields(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// The fields behind the name. The name is the caller's to choose, blanks and brackets too:
/// it ends at the last bracket (CVE-2017-1000367's class).
fn fields(stat: &str) -> Option<Vec<String>> {
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_of_a_process_forges_no_field() {
        let stat =
            "17 (a) R 1 1 1 34816 ) S 16 17 18 34817 17 4194304 1 2 3 4 5 6 7 8 20 0 1 0 99 0\n";
        let fields = fields(stat).unwrap();
        assert_eq!((&*fields[SESSION], &*fields[TERMINAL]), ("18", "34817"));
        assert_eq!(fields[STARTED], "99");
    }
}
