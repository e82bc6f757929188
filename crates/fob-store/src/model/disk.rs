//! The disk: what programs read, and what is left of it when the power goes.

use std::ops::Range;

use super::Chances;
use crate::pages::MARK_AT;
use crate::slot::PAGE;

/// What a disk writes as one.
const SECTOR: usize = 512;

/// A file that was created whole and synced, as `create_file` does.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    /// What is read.
    pub(super) cache: Vec<u8>,
    /// What a power cut leaves at least.
    durable: Vec<u8>,
    /// What was written since the last sync, which may be on the disk or not.
    pending: Vec<(usize, Vec<u8>)>,
    /// Whether the file's name would be found again.
    pub(super) name_is_durable: bool,
}

impl Disk {
    pub(super) fn new(content: Vec<u8>) -> Self {
        Self {
            cache: content.clone(),
            durable: content,
            pending: Vec::new(),
            name_is_durable: false,
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8], at: usize) {
        self.cache[at..at + bytes.len()].copy_from_slice(bytes);
        let (start, end) = (
            at / SECTOR * SECTOR,
            (at + bytes.len()).div_ceil(SECTOR) * SECTOR,
        );
        // The kernel writes whole sectors, in any order.
        self.pending.push((start, self.cache[start..end].to_vec()));
    }

    pub(super) fn sync(&mut self) {
        for (at, bytes) in std::mem::take(&mut self.pending) {
            self.durable[at..at + bytes.len()].copy_from_slice(&bytes);
        }
    }

    /// A sync that fails: pages look clean afterwards, and are on the disk or not.
    pub(super) fn fail_sync(&mut self, chances: &mut dyn Chances) {
        if chances.pick(2) == 1 {
            self.sync();
        }
        self.pending.clear();
    }

    /// What the disk has for certain.
    pub(super) fn worst(&self) -> Self {
        Self {
            cache: self.durable.clone(),
            durable: self.durable.clone(),
            pending: Vec::new(),
            name_is_durable: self.name_is_durable,
        }
    }

    /// The power goes. Of each part that was written, some version is on the disk, or of a
    /// page one half of each.
    pub(super) fn cut(&mut self, chances: &mut dyn Chances) {
        let mark = usize::try_from(MARK_AT).unwrap();
        self.cut_part(mark..mark + SECTOR, false, chances);
        self.cut_part(PAGE..2 * PAGE, true, chances);
        self.cut_part(2 * PAGE..3 * PAGE, true, chances);
        self.pending.clear();
        self.cache.clone_from(&self.durable);
    }

    fn cut_part(&mut self, part: Range<usize>, tears: bool, chances: &mut dyn Chances) {
        let old = self.durable[part.clone()].to_vec();
        let mut versions = vec![old.clone()];
        for (at, bytes) in &self.pending {
            if part.contains(at) {
                let mut version = versions.last().unwrap_or(&old).clone();
                let start = at - part.start;
                version[start..start + bytes.len()].copy_from_slice(bytes);
                versions.push(version);
            }
        }
        if versions.len() == 1 {
            return;
        }
        if tears {
            let newest = versions.last().unwrap_or(&old).clone();
            for (first, rest) in [(&newest, &old), (&old, &newest)] {
                versions.push([&first[..SECTOR], &rest[SECTOR..]].concat());
            }
        }
        let picked = chances.pick(versions.len());
        self.durable[part].copy_from_slice(&versions[picked]);
    }
}
