//! The order of the requests of one test, over all connections: what comes while
//! another one of its test waits, waits behind it, for both may have the same
//! candidates. Leaves out which requests have to wait, and where they do.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::lock;

/// The requests that wait.
#[derive(Default)]
pub(super) struct Order {
    /// How many, of all tests: while none does, nothing else is looked at.
    count: AtomicUsize,
    tests: Mutex<Tests>,
}

#[derive(Default)]
struct Tests {
    next: u64,
    /// By test; of one for which nothing waits there is none.
    waiting: HashMap<String, VecDeque<Waiter>>,
}

struct Waiter {
    number: u64,
    /// Told when it is the first of its test.
    turn: Arc<Notify>,
}

impl Order {
    /// Whether a request of this test has to wait behind another one.
    pub(super) fn has_to_wait(&self, test_id: &str) -> bool {
        // One that begins to wait at this moment on another connection came together
        // with this one.
        self.count.load(Ordering::Acquire) > 0 && lock(&self.tests).waiting.contains_key(test_id)
    }

    /// The last place of a test. `turn` is told when it has become the first one.
    pub(super) fn wait(self: &Arc<Self>, test_id: &str, turn: &Arc<Notify>) -> Place {
        let mut tests = lock(&self.tests);
        let number = tests.next;
        tests.next += 1;
        let waiting = tests.waiting.entry(test_id.to_owned()).or_default();
        waiting.push_back(Waiter {
            number,
            turn: Arc::clone(turn),
        });
        self.count.fetch_add(1, Ordering::Release);
        Place {
            order: Arc::clone(self),
            test_id: test_id.to_owned(),
            number,
        }
    }
}

/// The place of one request; whoever is behind it moves up when it is dropped.
pub(super) struct Place {
    order: Arc<Order>,
    test_id: String,
    number: u64,
}

impl Place {
    /// Whether nothing of its test is before it any more.
    pub(super) fn is_first(&self) -> bool {
        let tests = lock(&self.order.tests);
        let first = tests.waiting.get(&self.test_id).and_then(VecDeque::front);
        first.is_some_and(|first| first.number == self.number)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tests = lock(&self.order.tests);
        let Some(waiting) = tests.waiting.get_mut(&self.test_id) else {
            return;
        };
        let before = waiting.front().map(|first| first.number);
        waiting.retain(|waiter| waiter.number != self.number);
        match waiting.front() {
            Some(first) if before != Some(first.number) => first.turn.notify_one(),
            Some(_) => {}
            None => {
                tests.waiting.remove(&self.test_id);
            }
        }
        self.order.count.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    /// Whether it was told, which it keeps until it is asked.
    async fn is_told(turn: &Notify) -> bool {
        timeout(std::time::Duration::ZERO, turn.notified())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn a_place_is_the_first_when_all_before_it_are_gone_in_whatever_order() {
        let order = Arc::new(Order::default());
        let turns: Vec<Arc<Notify>> = (0..4).map(|_| Arc::default()).collect();
        let mut places: Vec<Place> = turns.iter().map(|turn| order.wait("t", turn)).collect();
        assert!(order.has_to_wait("t"));
        let last = places.pop().expect("there are four");
        let (third, second) = (places.pop(), places.pop());
        assert!(places.iter().all(Place::is_first));
        drop(second);
        drop(places);
        assert!(third.as_ref().is_some_and(Place::is_first) && !last.is_first());
        drop(third);
        assert!(last.is_first());
        let mut told = Vec::new();
        for turn in &turns {
            told.push(is_told(turn).await);
        }
        assert_eq!(told, [false, false, true, true]);
        drop(last);
        assert!(!order.has_to_wait("t"));
    }

    #[tokio::test]
    async fn tests_do_not_wait_for_one_another() {
        let order = Arc::new(Order::default());
        let turn = Arc::default();
        let one = order.wait("one", &turn);
        assert!(!order.has_to_wait("other"));
        let other = order.wait("other", &turn);
        assert!(one.is_first() && other.is_first());
        drop(one);
        assert!(!order.has_to_wait("one") && order.has_to_wait("other"));
    }
}
