//! A question that an instance asks at most once a second, however many requests need the answer.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use fenced_cache::Platform;

/// How long an answer is used, and how long nobody asks again.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often a request checks whether the first answer has arrived.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The last answer, and when it was asked for.
pub struct OnceASecond<T> {
    asked: Cell<Option<Duration>>,
    asking: Cell<bool>,
    answer: RefCell<Option<T>>,
}

impl<T> Default for OnceASecond<T> {
    fn default() -> Self {
        OnceASecond { asked: Cell::new(None), asking: Cell::new(false), answer: RefCell::new(None) }
    }
}

/// Says that nobody asks any more, also where the one who asked was dropped before it had its answer.
struct Asking<'a>(&'a Cell<bool>);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl<T: Clone> OnceASecond<T> {
    /// The answer: `ask`'s, or the last one. Where another request is asking and there is no answer yet, this one looks
    /// again by its own timer: requests of one instance cannot wake one another.
    pub async fn get(&self, platform: &impl Platform, ask: impl AsyncFn() -> T) -> T {
        loop {
            let now = platform.now();
            let just_asked = self.asked.get().is_some_and(|asked| now.saturating_sub(asked) < INTERVAL);
            if !just_asked && !self.asking.get() {
                self.asked.set(Some(now));
                self.asking.set(true);
                let _asking = Asking(&self.asking);
                let answer = ask().await;
                self.answer.replace(Some(answer.clone()));
                return answer;
            }
            let known = self.answer.borrow().clone();
            match known {
                Some(answer) => return answer,
                None => platform.sleep(POLL_INTERVAL).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// A clock that is set by hand; a sleep is one turn.
    #[derive(Default)]
    struct Clock(Cell<Duration>);

    impl Platform for Clock {
        fn now(&self) -> Duration {
            self.0.get()
        }

        async fn sleep(&self, _: Duration) {
            let mut slept = false;
            poll_fn(|_| if std::mem::replace(&mut slept, true) { Poll::Ready(()) } else { Poll::Pending }).await;
        }

        fn random(&self) -> u64 {
            0
        }
    }

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn within_a_second_it_is_asked_once() {
        let (clock, question, asked) = (Clock::default(), OnceASecond::default(), Cell::new(0));
        for (millisecond, expected) in [(0, 1), (1, 1), (999, 1), (1000, 2), (1500, 2), (9000, 3)] {
            clock.0.set(Duration::from_millis(millisecond));
            let get = pin!(question.get(&clock, async || {
                asked.set(asked.get() + 1);
                asked.get()
            }));
            assert_eq!(poll(get), Poll::Ready(expected), "{millisecond}");
        }
    }

    #[test]
    fn while_one_asks_the_others_have_the_last_answer_or_look_again() {
        let (clock, question) = (Clock::default(), OnceASecond::default());
        {
            let mut first = pin!(question.get(&clock, async || pending().await));
            assert_eq!(poll(first.as_mut()), Poll::Pending);
            clock.0.set(Duration::from_secs(2));
            let mut second = pin!(question.get(&clock, async || 2));
            assert_eq!(poll(second.as_mut()), Poll::Pending);
            assert_eq!(poll(second.as_mut()), Poll::Pending);
        }
        // The first one was dropped without an answer.
        assert_eq!(poll(pin!(question.get(&clock, async || 3))), Poll::Ready(3));
        clock.0.set(Duration::from_secs(4));
        let mut slow = pin!(question.get(&clock, async || pending().await));
        assert_eq!(poll(slow.as_mut()), Poll::Pending);
        clock.0.set(Duration::from_secs(9));
        assert_eq!(poll(pin!(question.get(&clock, async || 4))), Poll::Ready(3));
    }

    #[test]
    fn who_gives_up_does_not_make_others_ask_within_the_second() {
        let (clock, question) = (Clock::default(), OnceASecond::default());
        {
            let mut dropped = pin!(question.get(&clock, async || pending().await));
            assert_eq!(poll(dropped.as_mut()), Poll::Pending);
        }
        let mut next = pin!(question.get(&clock, async || 1));
        assert_eq!(poll(next.as_mut()), Poll::Pending);
        clock.0.set(Duration::from_secs(1));
        assert_eq!(poll(next.as_mut()), Poll::Ready(1));
    }
}
