//! How many bytes of requests and answers an instance holds at a time.
//!
//! What is counted is a request's body, the database's answers, and the response until the client has it, each as long as it
//! is in transit. What is made of them in between, mostly copies in another form, is not: an instance takes up to about three
//! times as much.

use std::cell::Cell;
use std::rc::Rc;

/// What an instance may hold.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    held: Cell<usize>,
}

/// There is no room at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

/// What one request holds of it; given back when dropped.
#[derive(Debug)]
pub struct Held {
    budget: Rc<Budget>,
    bytes: Cell<usize>,
}

impl Default for Budget {
    /// Without a limit.
    fn default() -> Self {
        Budget::new(usize::MAX)
    }
}

impl Budget {
    /// Nothing is held yet.
    pub fn new(limit: usize) -> Self {
        Budget { limit, held: Cell::new(0) }
    }

    /// For one request, which holds nothing yet.
    pub fn hold(self: &Rc<Self>) -> Held {
        Held { budget: Rc::clone(self), bytes: Cell::new(0) }
    }

    /// How many bytes are held.
    pub fn held(&self) -> usize {
        self.held.get()
    }
}

impl Held {
    /// Holds more, where there is room.
    ///
    /// # Errors
    /// There is not enough room; nothing has changed.
    pub fn grow(&self, bytes: usize) -> Result<(), OverBudget> {
        if bytes > self.budget.limit.saturating_sub(self.budget.held()) {
            return Err(OverBudget);
        }
        self.set(self.bytes.get() + bytes);
        Ok(())
    }

    /// Holds more in any case: what cannot be refused any more.
    pub fn force(&self, bytes: usize) {
        self.set(self.bytes.get().saturating_add(bytes));
    }

    /// Holds less.
    pub fn shrink(&self, bytes: usize) {
        self.set(self.bytes.get().saturating_sub(bytes));
    }

    /// Holds so much and no more.
    pub fn set(&self, bytes: usize) {
        let before = self.bytes.replace(bytes);
        let held = self.budget.held.get().saturating_sub(before).saturating_add(bytes);
        self.budget.held.set(held);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_refused_to_others_until_it_is_given_back() {
        let budget = Rc::new(Budget::new(10));
        let (first, second) = (budget.hold(), budget.hold());
        assert_eq!(first.grow(6), Ok(()));
        assert_eq!(second.grow(5), Err(OverBudget));
        assert_eq!(second.grow(4), Ok(()));
        assert_eq!(first.grow(1), Err(OverBudget));
        first.shrink(1);
        assert_eq!(second.grow(1), Ok(()));
        drop(first);
        assert_eq!(second.grow(5), Ok(()));
        second.set(3);
        assert_eq!(budget.held(), 3);
        drop(second);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_cannot_be_refused_counts_all_the_same() {
        let budget = Rc::new(Budget::new(10));
        let (answer, other) = (budget.hold(), budget.hold());
        answer.force(25);
        assert_eq!(other.grow(1), Err(OverBudget));
        drop(answer);
        assert_eq!(other.grow(10), Ok(()));
    }
}
