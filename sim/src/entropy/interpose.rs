//! The C symbols through which programs reach the machine's entropy and clocks, defined here so that the linker takes
//! ours before libc's. Each answers from the simulation if this thread has one, else falls through to libc's own
//! function, found once with `dlsym(RTLD_NEXT, …)`: a live run keeps the clock that needs no system call.
//!
//! With `heap` the only unsafe code of the crate. Left out: what the answers are (`entropy`); other platforms, where the machine
//! answers and `supported` says so.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![allow(unsafe_code, reason = "C symbols can be interposed in no other way")]

use super::{fill, monotonic_clock, wall_clock};
use libc::{c_char, c_int, c_uint, c_void, clockid_t, size_t, ssize_t, time_t, timespec, timeval};
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

/// A libc function behind ours, looked up once.
struct Real {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Real {
    const fn new(name: &'static CStr) -> Real {
        Real { name, found: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// The address of libc's function. Two threads may both look it up: they find the same.
    fn address(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        // SAFETY: the name is a C string; dlsym neither keeps nor writes it.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr().cast::<c_char>()) };
        // Every libc that we build for has these five; without one nothing in the process could tell the time.
        if found.is_null() {
            std::process::abort();
        }
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

static GETRANDOM: Real = Real::new(c"getrandom");
static GETENTROPY: Real = Real::new(c"getentropy");
static CLOCK_GETTIME: Real = Real::new(c"clock_gettime");
static GETTIMEOFDAY: Real = Real::new(c"gettimeofday");
static TIME: Real = Real::new(c"time");

/// The caller's buffer as a slice; empty for a null pointer.
///
/// # Safety
/// `buffer` is null or valid for writing `length` bytes, as the C interface demands of every caller.
unsafe fn buffer_of<'a>(buffer: *mut c_void, length: size_t) -> &'a mut [u8] {
    if buffer.is_null() || length == 0 {
        return &mut [];
    }
    // SAFETY: as demanded above. The bytes are zeroed first since a C caller may hand over uninitialised memory.
    unsafe {
        buffer.cast::<u8>().write_bytes(0, length);
        std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    // SAFETY: the caller keeps getrandom's contract.
    if super::is_simulating() && fill(unsafe { buffer_of(buffer, length) }) {
        return length as ssize_t;
    }
    type Getrandom = unsafe extern "C" fn(*mut c_void, size_t, c_uint) -> ssize_t;
    // SAFETY: libc's function has this signature, and the caller keeps its contract.
    unsafe { std::mem::transmute::<*mut c_void, Getrandom>(GETRANDOM.address())(buffer, length, flags) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut c_void, length: size_t) -> c_int {
    // SAFETY: the caller keeps getentropy's contract.
    if super::is_simulating() && fill(unsafe { buffer_of(buffer, length) }) {
        return 0;
    }
    type Getentropy = unsafe extern "C" fn(*mut c_void, size_t) -> c_int;
    // SAFETY: libc's function has this signature, and the caller keeps its contract.
    unsafe { std::mem::transmute::<*mut c_void, Getentropy>(GETENTROPY.address())(buffer, length) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let simulated = match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => wall_clock(),
        libc::CLOCK_MONOTONIC | libc::CLOCK_MONOTONIC_RAW | libc::CLOCK_MONOTONIC_COARSE | libc::CLOCK_BOOTTIME => {
            monotonic_clock()
        }
        // Processor time has no meaning in virtual time, and no program under test asks for it.
        _ => None,
    };
    if let (Some(now), false) = (simulated, time.is_null()) {
        // SAFETY: the pointer is not null, and the caller lets us write a timespec there.
        unsafe { time.write(timespec { tv_sec: seconds(now), tv_nsec: now.subsec_nanos().into() }) };
        return 0;
    }
    type ClockGettime = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;
    // SAFETY: libc's function has this signature, and the caller keeps its contract.
    unsafe { std::mem::transmute::<*mut c_void, ClockGettime>(CLOCK_GETTIME.address())(clock, time) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(time: *mut timeval, zone: *mut c_void) -> c_int {
    if let (Some(now), false) = (wall_clock(), time.is_null()) {
        // SAFETY: the pointer is not null, and the caller lets us write a timeval there.
        unsafe { time.write(timeval { tv_sec: seconds(now), tv_usec: now.subsec_micros().into() }) };
        return 0;
    }
    type Gettimeofday = unsafe extern "C" fn(*mut timeval, *mut c_void) -> c_int;
    // SAFETY: libc's function has this signature, and the caller keeps its contract.
    unsafe { std::mem::transmute::<*mut c_void, Gettimeofday>(GETTIMEOFDAY.address())(time, zone) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn time(result: *mut time_t) -> time_t {
    if let Some(now) = wall_clock() {
        if !result.is_null() {
            // SAFETY: the pointer is not null, and the caller lets us write a time_t there.
            unsafe { result.write(seconds(now)) };
        }
        return seconds(now);
    }
    type Time = unsafe extern "C" fn(*mut time_t) -> time_t;
    // SAFETY: libc's function has this signature, and the caller keeps its contract.
    unsafe { std::mem::transmute::<*mut c_void, Time>(TIME.address())(result) }
}

/// Whole seconds; a simulation's epoch is far from the end of `time_t`.
fn seconds(time: Duration) -> time_t {
    time_t::try_from(time.as_secs()).unwrap_or(time_t::MAX)
}
