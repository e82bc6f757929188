//! The module's own memory: wiped when it is given back, and its stack when it returns.
//!
//! Secrets and codes are wiped where we hold them. Libraries that read and draw them keep
//! copies of their own, which nobody else could wipe (P8).

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::mem::MaybeUninit;

use super::{registers, reserve::Reserve};

/// The system's allocator, but for the wiping, and for the reserve where the system has nothing
/// left. `realloc` is the trait's own: it takes new memory, copies, and gives the old back
/// through `dealloc`.
struct Wiping;

#[global_allocator]
static MEMORY: Wiping = Wiping;

static RESERVE: Reserve = Reserve::new();

// SAFETY: all memory comes from the system's allocator or the reserve, and goes back to where it
// came from with the layout it came with; before that only its own bytes are written.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() {
            return RESERVE.alloc(layout);
        }
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if memory.is_null() {
            return RESERVE.alloc(layout);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller gives back memory of this layout, which nobody uses any more.
        unsafe { libc::explicit_bzero(memory.cast(), layout.size()) };
        if !RESERVE.take_back(memory, layout) {
            // SAFETY: the caller's promise.
            unsafe { System.dealloc(memory, layout) };
        }
    }
}

/// How much of the stack is wiped. libpam itself has just used more than this (27 KB), so no
/// thread's stack is too small for it; a login leaves nothing deeper that knows a secret.
const STACK: usize = 20 * 1024;

/// As many bytes as libc copies with the most registers, whatever the processor: for fewer it needs
/// fewer, for more it uses instructions without any.
const COPIED: usize = 1024;

/// Overwrites the stack below the caller: HMAC and the hashes keep their blocks and states
/// there, and what a function leaves on the stack nobody wipes (P8). And the vector registers:
/// where a host binds its functions late, the dynamic linker stores them on the stack at the
/// next call of a new function.
#[inline(never)]
pub(super) fn stack() {
    let mut area = MaybeUninit::<[u8; STACK]>::uninit();
    // SAFETY: its own bytes; explicit_bzero isn't optimised away.
    unsafe { libc::explicit_bzero(area.as_mut_ptr().cast(), STACK) };
    // The widest registers are those that libc copies with: it copies zeros now.
    let from = area.as_mut_ptr().cast::<u8>();
    let to = black_box(from.wrapping_add(COPIED));
    // SAFETY: two parts of the area, both written a moment ago.
    unsafe { to.copy_from(from, COPIED) };
    black_box(&area);
    registers::clear();
}
