//! The way out to the Data API: a port, since a component has HTTP only through its host.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use super::DatabaseError;
use crate::budget::{Held, OverBudget};
use crate::trace_context::TraceContext;

/// The way out: one HTTP exchange. `spin::outbound` is the adapter.
pub trait Upstream {
    /// Posts JSON, and gives the status and the whole body of the answer, which is asked for as Extended JSON.
    ///
    /// # Errors
    /// [`DatabaseError::Unreachable`] where no connection could be made, [`DatabaseError::Failed`] where it broke; and what the
    /// allowance says.
    fn post(&self, post: Post<'_>) -> impl Future<Output = Result<(u16, Bytes), DatabaseError>>;
}

/// A request to the Data API.
pub struct Post<'a> {
    /// Where to.
    pub url: &'a str,
    /// The Data API's key.
    pub api_key: &'a str,
    /// JSON.
    pub body: Vec<u8>,
    /// The trace that it is part of.
    pub trace: &'a TraceContext,
    /// How long the connection may take.
    pub connect_timeout: Duration,
    /// How much may be answered.
    pub allowance: Allowance<'a>,
}

/// How many bytes of an answer are taken.
#[derive(Clone, Copy)]
pub struct Allowance<'a> {
    largest: usize,
    held: &'a Held,
    /// Whether the instance's budget may refuse the answer: not that of a write, which is done by then.
    refusable: bool,
}

impl<'a> Allowance<'a> {
    /// At most `largest` bytes, and what the instance has room for where the answer may be refused for want of it.
    pub fn new(largest: usize, held: &'a Held, refusable: bool) -> Self {
        Allowance { largest, held, refusable }
    }

    /// Takes a piece of the answer; `already` and `piece` are in bytes.
    ///
    /// # Errors
    /// [`DatabaseError::TooLarge`] or [`DatabaseError::OverBudget`].
    pub fn take(&self, already: usize, piece: usize) -> Result<(), DatabaseError> {
        if already + piece > self.largest {
            return Err(DatabaseError::TooLarge(self.largest));
        }
        if self.refusable {
            return self.held.grow(piece).map_err(|OverBudget| DatabaseError::OverBudget);
        }
        self.held.force(piece);
        Ok(())
    }

    /// Gives back what was taken of an answer that did not come to its end.
    pub fn give_back(&self, already: usize) {
        self.held.shrink(already);
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::budget::Budget;

    #[test]
    fn an_answer_is_taken_up_to_its_limit_and_as_far_as_there_is_room() {
        let budget = Rc::new(Budget::new(100));
        let (held, other) = (budget.hold(), budget.hold());
        let read = Allowance::new(60, &held, true);
        assert_eq!((read.take(0, 40), read.take(40, 20)), (Ok(()), Ok(())));
        assert_eq!(read.take(60, 1), Err(DatabaseError::TooLarge(60)));
        assert_eq!(Allowance::new(60, &other, true).take(0, 41), Err(DatabaseError::OverBudget));
        read.give_back(60);
        assert_eq!(budget.held(), 0);
        assert_eq!(Allowance::new(60, &other, true).take(0, 41), Ok(()));
    }

    #[test]
    fn what_a_write_has_done_is_not_lost_for_want_of_room() {
        let budget = Rc::new(Budget::new(10));
        let (held, other) = (budget.hold(), budget.hold());
        assert_eq!(Allowance::new(60, &held, false).take(0, 50), Ok(()));
        assert_eq!(Allowance::new(60, &other, true).take(0, 1), Err(DatabaseError::OverBudget));
        assert_eq!(Allowance::new(60, &held, false).take(50, 11), Err(DatabaseError::TooLarge(60)));
    }
}
