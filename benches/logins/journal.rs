//! The machine's system log. It is read as on any machine, so that everybody's line costs
//! what it costs; pam_fob's are counted by their reasons.

use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::Result;

/// How many wrong codes pam_fob has told of.
#[derive(Debug)]
pub(super) struct Journal {
    wrong: Arc<AtomicUsize>,
}

impl Journal {
    /// Takes the place of the machine's logger.
    pub(super) fn open() -> Result<Self> {
        let socket = UnixDatagram::bind("/dev/log")?;
        let wrong = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wrong);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                let line = String::from_utf8_lossy(&bytes[..length]);
                if line.contains("refused reason=wrong") {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Ok(Self { wrong })
    }

    /// How many wrong codes pam_fob has told of so far.
    pub(super) fn wrong(&self) -> usize {
        self.wrong.load(Ordering::Relaxed)
    }

    /// Fails unless pam_fob tells of `count` wrong codes after `before` ones: a login that
    /// was refused for another reason wasn't looked at, and took less.
    pub(super) fn expect_wrong(&self, before: usize, count: usize) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(1);
        while self.wrong() != before + count && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        if self.wrong() == before + count {
            return Ok(());
        }
        let told = self.wrong() - before;
        Err(format!("{count} wrong codes were typed, {told} were refused as wrong").into())
    }
}
