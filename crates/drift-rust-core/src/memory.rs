//! Buffers that outputs are written in, kept from call to call.
//!
//! A large block that the allocator gives back to the system costs a page
//! fault for every 4 KiB when it is taken again, as much as the writing. The
//! buffers kept are few ([`KEPT`]) and bounded ([`MAX_KEPT_BYTES`]).

use std::sync::Mutex;

/// How many buffers are kept.
const KEPT: usize = 8;

/// A larger buffer is not kept.
const MAX_KEPT_BYTES: usize = 1 << 22;

/// Buffers that nothing uses now. Taking and giving back never waits: a place
/// that another thread holds at this moment, or that was locked by a thread of
/// a process before it forked, is passed over.
static BUFFERS: [Mutex<Vec<u8>>; KEPT] = [const { Mutex::new(Vec::new()) }; KEPT];

/// A buffer of at least so many bytes; what stands in it is left over.
pub(crate) fn take(capacity: usize) -> Vec<u8> {
    if capacity <= MAX_KEPT_BYTES {
        for place in &BUFFERS {
            if let Ok(mut place) = place.try_lock()
                && place.len() >= capacity
            {
                return std::mem::take(&mut place);
            }
        }
    }
    vec![0; capacity]
}

/// Whether a buffer is small enough to be kept.
pub(crate) fn is_kept(buffer: &[u8]) -> bool {
    buffer.len() <= MAX_KEPT_BYTES
}

/// Keeps a buffer for another call where there is a place for it.
pub(crate) fn give_back(buffer: Vec<u8>) {
    if buffer.is_empty() || !is_kept(&buffer) {
        return;
    }
    for place in &BUFFERS {
        if let Ok(mut place) = place.try_lock()
            && place.len() < buffer.len()
        {
            // A smaller one makes room.
            *place = buffer;
            return;
        }
    }
}
