//! Memory for when the system has none left. An allocation that fails ends a Rust program, and
//! so would end sshd or sudo (P7); this much is always there, since it came with the library.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a block's size is a multiple of, in bytes, and where it begins.
const UNIT: usize = 16;

/// In units; a megabyte in all. Untouched pages of it cost nothing.
const UNITS: u16 = u16::MAX;

const SIZE: usize = UNITS as usize * UNIT;

/// A megabyte to give out.
#[repr(C, align(16))]
pub(super) struct Reserve {
    memory: UnsafeCell<[u8; SIZE]>,
    state: AtomicU32,
}

// SAFETY: each byte of `memory` belongs to the one block that `state` gave it to.
unsafe impl Sync for Reserve {}

/// How far the memory is given out, in units, and in how many blocks. It starts over when all
/// of them are back, and falls when the last one comes back: enough for a login.
#[derive(Clone, Copy)]
struct State {
    end: u16,
    blocks: u16,
}

impl State {
    fn of(bits: u32) -> Self {
        let [a, b, c, d] = bits.to_ne_bytes();
        Self {
            end: u16::from_ne_bytes([a, b]),
            blocks: u16::from_ne_bytes([c, d]),
        }
    }

    fn bits(self) -> u32 {
        let [a, b] = self.end.to_ne_bytes();
        let [c, d] = self.blocks.to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }

    /// With one more block, which begins at `self.end`.
    fn with(self, units: u16) -> Option<Self> {
        Some(Self {
            end: self.end.checked_add(units)?,
            blocks: self.blocks.checked_add(1)?,
        })
    }

    /// Without the block at `start`.
    fn without(self, start: u16, units: u16) -> Option<Self> {
        let blocks = self.blocks.checked_sub(1)?;
        let end = if blocks == 0 {
            0
        } else if start.checked_add(units)? == self.end {
            start
        } else {
            self.end
        };
        Some(Self { end, blocks })
    }
}

/// How much a block takes. Nothing asks for more than 16 bytes' alignment.
fn units(layout: Layout) -> Option<u16> {
    if layout.align() > UNIT {
        return None;
    }
    u16::try_from(layout.size().div_ceil(UNIT)).ok()
}

impl Reserve {
    pub(super) const fn new() -> Self {
        Self {
            memory: UnsafeCell::new([0; SIZE]),
            state: AtomicU32::new(0),
        }
    }

    fn base(&self) -> *mut u8 {
        self.memory.get().cast()
    }

    /// Memory of that layout, or NULL. Its bytes are 0: the module wipes what it gives back.
    pub(super) fn alloc(&self, layout: Layout) -> *mut u8 {
        let taken = units(layout)
            .and_then(|units| self.change(Ordering::Acquire, |state| state.with(units)));
        match taken {
            // Within the array: nothing ends beyond UNITS.
            Some(before) => self
                .base()
                .wrapping_add(usize::from(before.end).wrapping_mul(UNIT)),
            None => ptr::null_mut(),
        }
    }

    /// Takes a block back; says whether it was one of its own.
    pub(super) fn take_back(&self, block: *mut u8, layout: Layout) -> bool {
        let offset = block.addr().wrapping_sub(self.base().addr());
        if offset >= SIZE {
            return false;
        }
        let start = u16::try_from(offset / UNIT).ok();
        if let (Some(start), Some(units)) = (start, units(layout)) {
            self.change(Ordering::Release, |state| state.without(start, units));
        }
        true
    }

    /// The state before the change, if there was one.
    fn change(&self, order: Ordering, next: impl Fn(State) -> Option<State>) -> Option<State> {
        let bits = self
            .state
            .fetch_update(order, Ordering::Relaxed, |bits| {
                Some(next(State::of(bits))?.bits())
            })
            .ok()?;
        Some(State::of(bits))
    }
}
