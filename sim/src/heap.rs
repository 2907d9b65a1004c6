//! The heap of a program that simulates: what a seed's thread takes comes from mimalloc, everything else from the C library.
//! A seed takes some three thousand small blocks in a millisecond, on a thread of its own; the C library's malloc spends a
//! fifth of the seed's time on them, mimalloc half of that. A load, which holds memory for long and on many threads, takes
//! less of it from the C library (`rehearsal_loadgen::live::heap`).
//!
//! A program chooses it with `#[global_allocator]`; without it a seed plays the same, more slowly. Invariants: a block goes back
//! to the heap that it came from, on whatever thread; neither heap looks at a simulated clock or takes of a seed's
//! randomness, so that nothing of a seed depends on it. Neighbours: `seed` says which threads are a seed's.
#![allow(unsafe_code, reason = "an allocator can be written in no other way")]

use libmimalloc_sys::{
    mi_free, mi_is_in_heap_region, mi_malloc, mi_malloc_aligned, mi_option_set, mi_option_t, mi_realloc,
    mi_realloc_aligned, mi_zalloc, mi_zalloc_aligned,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// The allocator. It has no state of its own.
pub struct SeedHeap;

thread_local! {
    // Without a destructor, so that it can be read at any time of a thread's life.
    static IS_OF_SEED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a seed has been played at all: a program that only plays loads need not ask where a block came from.
static HAS_PLAYED: AtomicBool = AtomicBool::new(false);

/// What every block of mimalloc is aligned to: nearly all that is asked for, and then there is less to look at.
const ALIGNED_ANYWAY: usize = 8;

/// mimalloc's `mi_option_purge_delay`: after how many milliseconds it gives memory back to the machine.
const PURGE_DELAY: mi_option_t = 15;
/// Never: the next seed needs it at once, and to wait for a time it would have to ask a clock.
const NEVER: std::ffi::c_long = -1;

/// From now on this thread, which plays one seed and ends, takes its memory from the seeds' heap.
pub(crate) fn use_on_this_thread() {
    static CHOOSES: Once = Once::new();
    CHOOSES.call_once(|| {
        // SAFETY: it writes one number of mimalloc's, before any thread of a seed reads it.
        unsafe { mi_option_set(PURGE_DELAY, NEVER) };
        HAS_PLAYED.store(true, Ordering::Relaxed);
    });
    IS_OF_SEED.set(true);
}

/// Whether this block came from mimalloc. Whoever was handed a block sees what was set before it was taken.
fn is_of_seed(block: *mut u8) -> bool {
    // SAFETY: it looks the address up, and reads nothing behind it.
    HAS_PLAYED.load(Ordering::Relaxed) && unsafe { mi_is_in_heap_region(block.cast()) }
}

// SAFETY: both heaps keep the contract, and each block goes back to the one that it came from.
unsafe impl GlobalAlloc for SeedHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if IS_OF_SEED.get() {
            // SAFETY: a layout's alignment is a power of two.
            let block = match layout.align() {
                ..=ALIGNED_ANYWAY => unsafe { mi_malloc(layout.size()) },
                align => unsafe { mi_malloc_aligned(layout.size(), align) },
            };
            return block.cast();
        }
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if IS_OF_SEED.get() {
            // SAFETY: a layout's alignment is a power of two.
            let block = match layout.align() {
                ..=ALIGNED_ANYWAY => unsafe { mi_zalloc(layout.size()) },
                align => unsafe { mi_zalloc_aligned(layout.size(), align) },
            };
            return block.cast();
        }
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_of_seed(block) {
            // SAFETY: it came from mimalloc, and the caller gives it back once.
            return unsafe { mi_free(block.cast()) };
        }
        // SAFETY: it came from the C library, and the caller keeps the contract.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_of_seed(block) {
            // SAFETY: it came from mimalloc, with this alignment.
            let block = match layout.align() {
                ..=ALIGNED_ANYWAY => unsafe { mi_realloc(block.cast(), size) },
                align => unsafe { mi_realloc_aligned(block.cast(), size, align) },
            };
            return block.cast();
        }
        // SAFETY: it came from the C library, and the caller keeps the contract.
        unsafe { System.realloc(block, layout, size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_of(layout: Layout) -> *mut u8 {
        // SAFETY: the layouts of these tests have a size.
        let block = unsafe { SeedHeap.alloc(layout) };
        assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()));
        // SAFETY: the block is as long as its layout says.
        unsafe { block.write_bytes(7, layout.size()) };
        block
    }

    /// The bytes of a block, which goes back.
    fn returned(block: *mut u8, layout: Layout) -> Vec<u8> {
        // SAFETY: all of it was written, and nobody uses it afterwards.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) }.to_vec();
        // SAFETY: it came from here, with this layout.
        unsafe { SeedHeap.dealloc(block, layout) };
        bytes
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "threads are what is tested")]
    fn blocks_go_back_to_where_they_came_from_on_any_thread() {
        for layout in [(1, 1), (24, 8), (4_096, 64), (3 << 20, 4_096)] {
            let layout = Layout::from_size_align(layout.0, layout.1).unwrap();
            let before = block_of(layout);
            let before = before.expose_provenance();
            let of_seed = std::thread::spawn(move || {
                use_on_this_thread();
                let of_system = std::ptr::with_exposed_provenance_mut(before);
                assert!(!is_of_seed(of_system), "taken before, from the C library");
                assert_eq!(returned(of_system, layout), vec![7; layout.size()]);
                let block = block_of(layout);
                assert!(is_of_seed(block));
                // SAFETY: it came from here, with this layout.
                let longer = unsafe { SeedHeap.realloc(block, layout, layout.size() + 100) };
                let longer_layout = Layout::from_size_align(layout.size() + 100, layout.align()).unwrap();
                assert_eq!(returned_up_to(longer, longer_layout, layout.size()), vec![7; layout.size()]);
                block_of(layout).expose_provenance()
            });
            let of_seed = std::ptr::with_exposed_provenance_mut(of_seed.join().unwrap());
            assert!(is_of_seed(of_seed), "its thread is gone, it is not");
            assert_eq!(returned(of_seed, layout), vec![7; layout.size()]);
        }
    }

    fn returned_up_to(block: *mut u8, layout: Layout, length: usize) -> Vec<u8> {
        // SAFETY: so much of it was written.
        let bytes = unsafe { std::slice::from_raw_parts(block, length) }.to_vec();
        // SAFETY: it came from here, with this layout.
        unsafe { SeedHeap.dealloc(block, layout) };
        bytes
    }
}
