//! How much memory a thread holds: an allocator that counts, so that a script can be stopped before it takes all.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread what it took and gave back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

/// Bytes that this thread has allocated and not freed; what it freed for others counts against it. `None` in a program
/// whose global allocator is not [`Counting`].
pub fn held_bytes() -> Option<u64> {
    let held = HELD.try_with(Cell::get).unwrap_or(0);
    (held != 0).then(|| held.max(0) as u64)
}

fn count(change: isize) {
    // A thread that is ending has no counter any more, and needs none.
    let _ = HELD.try_with(|held| held.set(held.get().wrapping_add(change)));
}

// SAFETY: every call goes on to the system's allocator unchanged; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps `GlobalAlloc`'s contract, which is the system's, too.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }
}
