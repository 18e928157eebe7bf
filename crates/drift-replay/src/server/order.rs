//! The order of the requests of one test, over all connections: what comes while
//! another one of its test waits, waits behind it, for both may have the same
//! candidates. Leaves out which requests have to wait, and where they do.

use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// By test, and there by the numbers of their places, so that one in the middle
    /// leaves as cheaply as the first; of a test for which nothing waits there is none.
    waiting: HashMap<String, BTreeMap<u64, Arc<Turns>>>,
}

/// Which of the requests of one connection have become the first of their tests.
#[derive(Default)]
pub(super) struct Turns {
    /// By the numbers of their places: the one that came first is the first one.
    numbers: Mutex<BTreeSet<u64>>,
    told: Notify,
}

impl Turns {
    fn tell(&self, number: u64) {
        lock(&self.numbers).insert(number);
        self.told.notify_one();
    }

    /// Waits until there may be a next one.
    pub(super) async fn wait(&self) {
        self.told.notified().await;
    }

    /// The number of the next place whose turn it is; given once.
    pub(super) fn next(&self) -> Option<u64> {
        lock(&self.numbers).pop_first()
    }

    /// Forgets those that were not asked for.
    pub(super) fn forget(&self) {
        lock(&self.numbers).clear();
    }
}

impl Order {
    /// Whether a request of this test has to wait behind another one.
    pub(super) fn has_to_wait(&self, test_id: &str) -> bool {
        // One that begins to wait at this moment on another connection came together
        // with this one.
        self.count.load(Ordering::Acquire) > 0 && lock(&self.tests).waiting.contains_key(test_id)
    }

    /// The last place of a test. `turns` is told when it is the first one, which it may
    /// be from the beginning.
    pub(super) fn wait(self: &Arc<Self>, test_id: &str, turns: &Arc<Turns>) -> Place {
        let mut tests = lock(&self.tests);
        let number = tests.next;
        tests.next += 1;
        let waiting = tests.waiting.entry(test_id.to_owned()).or_default();
        if waiting.is_empty() {
            turns.tell(number);
        }
        waiting.insert(number, Arc::clone(turns));
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
    /// Later places have greater ones, of whatever test they are.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tests = lock(&self.order.tests);
        let Some(waiting) = tests.waiting.get_mut(&self.test_id) else {
            return;
        };
        waiting.remove(&self.number);
        match waiting.first_key_value() {
            // Whoever was behind another one than this had been told already.
            Some((number, turns)) if self.number < *number => turns.tell(*number),
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
    use std::time::{Duration, Instant};

    #[test]
    fn a_place_is_the_first_when_all_before_it_are_gone_in_whatever_order() {
        let order = Arc::new(Order::default());
        let turns: Vec<Arc<Turns>> = (0..4).map(|_| Arc::default()).collect();
        let told = |turns: &[Arc<Turns>]| turns.iter().map(|turn| turn.next()).collect::<Vec<_>>();
        let mut places: Vec<Place> = turns.iter().map(|turn| order.wait("t", turn)).collect();
        assert!(order.has_to_wait("t"));
        assert_eq!(told(&turns), [Some(0), None, None, None]);
        let last = places.pop().expect("there are four");
        let (third, second) = (places.pop(), places.pop());
        drop(second);
        assert_eq!(told(&turns), [None; 4]);
        drop(places);
        assert_eq!(told(&turns), [None, None, Some(2), None]);
        drop(third);
        assert_eq!(told(&turns), [None, None, None, Some(3)]);
        drop(last);
        assert_eq!(told(&turns), [None; 4]);
        assert!(!order.has_to_wait("t"));
    }

    #[test]
    fn tests_do_not_wait_for_one_another() {
        let order = Arc::new(Order::default());
        let turns = Arc::default();
        let one = order.wait("one", &turns);
        assert!(!order.has_to_wait("other"));
        let _other = order.wait("other", &turns);
        assert_eq!([turns.next(), turns.next()], [Some(0), Some(1)]);
        drop(one);
        assert!(!order.has_to_wait("one") && order.has_to_wait("other"));
    }

    #[tokio::test]
    async fn a_turn_that_comes_before_it_is_waited_for_is_not_missed() {
        let order = Arc::new(Order::default());
        let turns = Arc::default();
        let _place = order.wait("t", &turns);
        tokio::time::timeout(Duration::from_secs(30), turns.wait())
            .await
            .expect("it was told");
        assert_eq!(turns.next(), Some(0));
    }

    #[test]
    fn a_hundred_thousand_places_of_one_test_are_left_in_no_time_from_either_end() {
        const PLACES: usize = 100_000;
        let order = Arc::new(Order::default());
        let turns = Arc::default();
        for from_the_end in [false, true] {
            let mut places: Vec<Place> = (0..PLACES).map(|_| order.wait("t", &turns)).collect();
            let begin = Instant::now();
            if from_the_end {
                places.reverse();
            }
            for place in places {
                drop(place);
                // Looking through all that wait would take minutes.
                assert!(begin.elapsed() < Duration::from_secs(20));
            }
            assert!(!order.has_to_wait("t"));
        }
    }
}
