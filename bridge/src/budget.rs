//! A budget for the memory that requests take, from the first byte of a body until MongoDB has it.
//!
//! What is counted: the text of a body as it arrives, the BSON that it becomes, and the form that the driver wants for all
//! that MongoDB interprets, which is many times as large. It is counted before the memory is taken, so that a few large
//! requests cannot have the process killed for all others.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// What is counted: blocks, so that the numbers stay within what a semaphore can count.
const BLOCK: usize = 1024;

/// The memory that all requests share.
pub struct Budget {
    free: Arc<Semaphore>,
    blocks: usize,
}

/// What one request has taken of it. Given back when it is dropped.
pub struct Reservation<'a> {
    budget: &'a Budget,
    taken: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Budget {
    /// So many bytes for all requests together.
    pub fn new(bytes: usize) -> Self {
        let blocks = bytes.div_ceil(BLOCK).min(Semaphore::MAX_PERMITS);
        Budget { free: Arc::new(Semaphore::new(blocks)), blocks }
    }

    /// Nothing yet.
    pub fn reserve(&self) -> Reservation<'_> {
        Reservation { budget: self, taken: None, bytes: 0 }
    }
}

impl Reservation<'_> {
    /// Takes so many more bytes.
    ///
    /// # Errors
    /// 503 where others have them; 413 where there are not as many at all. It never waits: those who wait would keep what
    /// they have.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Error> {
        let bytes = self.bytes.saturating_add(bytes);
        let blocks = bytes.div_ceil(BLOCK);
        if blocks > self.budget.blocks {
            return Err(Error::TooMuchMemory(self.budget.blocks.saturating_mul(BLOCK)));
        }
        let have = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if let Some(more) = blocks.checked_sub(have).filter(|more| *more > 0) {
            let more = u32::try_from(more).map_err(|_| Error::OutOfMemory)?;
            let more = Arc::clone(&self.budget.free).try_acquire_many_owned(more).map_err(|_| Error::OutOfMemory)?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                None => self.taken = Some(more),
            }
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Gives everything back.
    pub fn clear(&mut self) {
        self.taken = None;
        self.bytes = 0;
    }

    /// Takes so many bytes instead of those that it has.
    ///
    /// # Errors
    /// As when it grows.
    pub fn resize(&mut self, bytes: usize) -> Result<(), Error> {
        if let Some(more) = bytes.checked_sub(self.bytes) {
            return self.grow(more);
        }
        self.bytes = bytes;
        if let Some(taken) = &mut self.taken {
            drop(taken.split(taken.num_permits().saturating_sub(bytes.div_ceil(BLOCK))));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_given_back() {
        let budget = Budget::new(10 * BLOCK);
        let mut first = budget.reserve();
        first.grow(1).unwrap();
        first.grow(6 * BLOCK).unwrap();
        let mut second = budget.reserve();
        second.grow(3 * BLOCK).unwrap();
        assert!(matches!(second.grow(1), Err(Error::OutOfMemory)));
        assert!(matches!(second.grow(8 * BLOCK), Err(Error::TooMuchMemory(_))));
        first.resize(1).unwrap();
        second.grow(6 * BLOCK).unwrap();
        drop(second);
        first.resize(10 * BLOCK).unwrap();
        drop(first);
        assert_eq!(budget.free.available_permits(), 10);
    }
}
