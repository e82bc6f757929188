//! The simulated disk as the ledger sees it: at each step something may happen.

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use nix::errno::Errno;

use super::disk::Disk;
use super::world::{Fate, Shared, World};
use crate::pages::{MARK_AT, Medium};
use crate::slot::{PAGE, Page, from_page};
use crate::{Fault, FaultKind};

/// Where a write that isn't finished may have come to: inside the head, in the middle of the
/// ledger, and beyond its end.
const CUTS: [usize; 3] = [9, 300, 1500];

/// The disk, for one process.
pub(super) struct Sim {
    world: Shared,
    who: usize,
    boot: u8,
    dead: Cell<bool>,
}

impl Sim {
    pub(super) fn new(world: &Shared, who: usize) -> Self {
        Self {
            world: Rc::clone(world),
            who,
            boot: world.borrow().boot,
            dead: Cell::new(false),
        }
    }

    /// `Err` for a process that is killed or without power: it does nothing any more.
    fn moment(&self) -> io::Result<bool> {
        if self.dead.get() {
            return Err(gone());
        }
        let fate = World::moment(&self.world, self.who);
        if self.world.borrow().boot != self.boot {
            self.dead.set(true);
            return Err(gone());
        }
        self.dead.set(fate == Fate::Killed);
        Ok(fate == Fate::Go)
    }

    fn write(&self, bytes: &[u8], at: usize) {
        self.world
            .borrow_mut()
            .disk
            .as_mut()
            .unwrap()
            .write(bytes, at);
    }
}

impl Medium for Sim {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        if !self.moment()? {
            return Err(gone());
        }
        read(&self.world.borrow().disk.as_ref().unwrap().cache, bytes, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let goes = self.moment()?;
        let at_byte = usize::try_from(at).unwrap();
        if at == MARK_AT {
            // Sixteen bytes of a sector: there, or not.
            if goes || self.world.borrow().pick(2) == 1 {
                self.write(bytes, at_byte);
            }
            return if goes { Ok(()) } else { Err(gone()) };
        }
        let Page::Slot(slot) = from_page(bytes) else {
            panic!("what is written is no slot");
        };
        assert_eq!(bytes.len(), PAGE);
        if goes {
            self.write(bytes, at_byte);
            self.world.borrow_mut().note(*slot, true);
            return Ok(());
        }
        let cut = self.world.borrow().pick(1 + CUTS.len());
        if cut > 0 {
            self.write(&bytes[..CUTS[cut - 1]], at_byte);
            self.world.borrow_mut().note(*slot, false);
        }
        Err(gone())
    }

    fn sync_data(&self) -> io::Result<()> {
        let goes = self.moment()?;
        let mut world = self.world.borrow_mut();
        let mut disk = world.disk.take().unwrap();
        if goes {
            disk.sync();
        } else if !self.dead.get() {
            let count = world.pick(2);
            disk.fail_sync(&mut super::Bytes(std::iter::once(
                u8::try_from(count).unwrap(),
            )));
        }
        world.disk = Some(disk);
        if goes { Ok(()) } else { Err(gone()) }
    }

    fn sync_name(&self, _: &Path) -> Result<(), Fault> {
        let goes = self.moment().unwrap_or(false);
        if !goes {
            return Err(Fault::new(FaultKind::StateWrite, "simulated"));
        }
        self.world
            .borrow_mut()
            .disk
            .as_mut()
            .unwrap()
            .name_is_durable = true;
        Ok(())
    }
}

/// A disk on which nothing happens, to be read.
pub(super) struct Still(pub(super) Disk);

impl Medium for Still {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        read(&self.0.cache, bytes, at)
    }

    fn write_all_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(gone())
    }

    fn sync_data(&self) -> io::Result<()> {
        Err(gone())
    }

    fn sync_name(&self, _: &Path) -> Result<(), Fault> {
        Err(Fault::new(FaultKind::StateWrite, "simulated"))
    }
}

pub(super) fn read(from: &[u8], bytes: &mut [u8], at: u64) -> io::Result<usize> {
    let rest = &from[usize::try_from(at).unwrap()..];
    let length = rest.len().min(bytes.len());
    bytes[..length].copy_from_slice(&rest[..length]);
    Ok(length)
}

fn gone() -> io::Error {
    Errno::EIO.into()
}
