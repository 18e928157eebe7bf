//! Memory of a host that an output is written to, piece by piece.

use std::mem::MaybeUninit;

/// Memory of the length of an output, written from its start, from its end, or
/// from both until nothing is free between them.
///
/// ```
/// use drift_rust_core::PieceWriter;
/// use std::mem::MaybeUninit;
/// let mut memory = [MaybeUninit::uninit(); 5];
/// let mut writer = PieceWriter::new(&mut memory);
/// writer.put(b"a");
/// writer.put_last(b"e");
/// writer.put_last(b"bcd");
/// assert!(writer.is_complete());
/// // A piece that has no room is not written, and the writer is never complete.
/// writer.put(b"f");
/// assert!(!writer.is_complete());
/// ```
pub struct PieceWriter<'m> {
    free: &'m mut [MaybeUninit<u8>],
    fits: bool,
}

impl<'m> PieceWriter<'m> {
    /// A writer to all of the memory.
    pub fn new(memory: &'m mut [MaybeUninit<u8>]) -> PieceWriter<'m> {
        PieceWriter {
            free: memory,
            fits: true,
        }
    }

    /// Writes behind what was written at the start before.
    pub fn put(&mut self, piece: &[u8]) {
        match std::mem::take(&mut self.free).split_at_mut_checked(piece.len()) {
            Some((to, free)) => {
                to.write_copy_of_slice(piece);
                self.free = free;
            }
            None => self.fits = false,
        }
    }

    /// Writes in front of what was written at the end before.
    pub fn put_last(&mut self, piece: &[u8]) {
        let free = std::mem::take(&mut self.free);
        let place = free.len().checked_sub(piece.len());
        match place.and_then(|place| free.split_at_mut_checked(place)) {
            Some((free, to)) => {
                to.write_copy_of_slice(piece);
                self.free = free;
            }
            None => self.fits = false,
        }
    }

    /// Whether all of the memory is written, and every piece had room.
    pub fn is_complete(&self) -> bool {
        self.fits && self.free.is_empty()
    }
}
