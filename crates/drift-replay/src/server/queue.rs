//! The requests of one connection that wait to be answered: those that take long, and
//! those that come behind one of their test that does. Leaves out how they are answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tusk_drift_schemas::tusk::drift::core::v1 as contract;

use super::order::{Order, Place, Turns};

/// How many large requests wait on one connection; it is not read from while there are
/// as many.
const MAX_LARGE: usize = 16;

/// The same of requests of any size.
const MAX_REQUESTS: usize = 1024;

/// The same of their bytes, as they came: one more may come while there are fewer. Read,
/// a request of many small values takes about seven times its bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A mock request with the identifier of its envelope.
pub(super) struct MockQuestion {
    pub(super) envelope_id: String,
    pub(super) request: contract::GetMockRequest,
    /// As it came.
    pub(super) length_bytes: usize,
    pub(super) patience: Patience,
    /// Its place among those of its test that wait, while it waits and until it is
    /// answered. `None` also when it has lost it.
    pub(super) place: Option<Place>,
}

/// How long a request may be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// On the task of its connection: not long.
    AtOnce,
    /// On a thread that nobody else waits for.
    Unlimited,
}

/// The requests that wait.
pub(super) struct Queue {
    order: Arc<Order>,
    /// From this size on one is large.
    large_bytes: usize,
    turns: Arc<Turns>,
    /// By the numbers of their places.
    placed: BTreeMap<u64, MockQuestion>,
    /// Those of `placed` that take long, and whose turn it is.
    long: BTreeSet<u64>,
    /// Those that have lost their places, in their order.
    lost: VecDeque<MockQuestion>,
    /// How many of all are large.
    large: usize,
    /// What all have together.
    bytes: usize,
}

impl Queue {
    pub(super) fn new(order: &Arc<Order>, large_bytes: usize) -> Queue {
        Queue {
            order: Arc::clone(order),
            large_bytes,
            turns: Arc::default(),
            placed: BTreeMap::new(),
            long: BTreeSet::new(),
            lost: VecDeque::new(),
            large: 0,
            bytes: 0,
        }
    }

    /// Told when there may be a next one.
    pub(super) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.placed.is_empty() && self.lost.is_empty()
    }

    /// Whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
            || self.large >= MAX_LARGE
            || self.placed.len() + self.lost.len() >= MAX_REQUESTS
    }

    /// The last place of its test for this one. Whoever lost theirs takes them before.
    pub(super) fn push(&mut self, question: MockQuestion) {
        self.add(&question);
        self.place(question);
    }

    fn add(&mut self, question: &MockQuestion) {
        self.bytes += question.length_bytes;
        self.large += usize::from(question.length_bytes >= self.large_bytes);
    }

    fn place(&mut self, mut question: MockQuestion) {
        let place = self.order.wait(&question.request.test_id, &self.turns);
        let number = place.number();
        question.place = Some(place);
        self.placed.insert(number, question);
    }

    /// The last places of their tests, for the requests that have lost theirs.
    pub(super) fn take_places(&mut self) {
        while let Some(question) = self.lost.pop_front() {
            self.place(question);
        }
    }

    /// Lets others pass the requests that wait: a client that does not read its answers
    /// must not keep those that do waiting.
    pub(super) fn lose_places(&mut self) {
        if self.placed.is_empty() {
            return;
        }
        let placed = std::mem::take(&mut self.placed);
        let mut questions: VecDeque<MockQuestion> = placed.into_values().collect();
        // From the last one on, so that none is told that is about to go itself.
        for question in questions.iter_mut().rev() {
            question.place = None;
        }
        self.lost.append(&mut questions);
        self.long.clear();
        self.turns.forget();
    }

    /// The next one whose turn it is and that may be answered at once.
    pub(super) fn next_at_once(&mut self) -> Option<MockQuestion> {
        while let Some(number) = self.turns.next() {
            match self.placed.get(&number).map(|question| question.patience) {
                Some(Patience::AtOnce) => return self.remove(number),
                Some(Patience::Unlimited) => {
                    self.long.insert(number);
                }
                None => {}
            }
        }
        None
    }

    /// Puts back one that turned out to take long. It is the first of its test still; one
    /// that had not to wait before has no place yet, and takes the last.
    pub(super) fn put_back(&mut self, mut question: MockQuestion) {
        question.patience = Patience::Unlimited;
        let Some(number) = question.place.as_ref().map(Place::number) else {
            return self.push(question);
        };
        self.add(&question);
        self.placed.insert(number, question);
        self.long.insert(number);
    }

    /// The next one whose turn it is and that takes long, of those that
    /// [`next_at_once`](Self::next_at_once) has passed.
    pub(super) fn next_long(&mut self) -> Option<MockQuestion> {
        let number = self.long.pop_first()?;
        self.remove(number)
    }

    fn remove(&mut self, number: u64) -> Option<MockQuestion> {
        let question = self.placed.remove(&number)?;
        self.bytes -= question.length_bytes;
        self.large -= usize::from(question.length_bytes >= self.large_bytes);
        Some(question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(test_id: &str, length_bytes: usize, patience: Patience) -> MockQuestion {
        MockQuestion {
            envelope_id: String::new(),
            request: contract::GetMockRequest {
                test_id: test_id.to_owned(),
                ..Default::default()
            },
            length_bytes,
            patience,
            place: None,
        }
    }

    #[test]
    fn as_many_requests_and_bytes_wait_as_is_documented() {
        const LARGE: usize = 64 * 1024;
        const SMALL: usize = LARGE - 1;
        for (length_bytes, at_most) in [
            (1, MAX_REQUESTS),
            (SMALL, MAX_BYTES.div_ceil(SMALL)),
            (LARGE, MAX_LARGE),
            (MAX_BYTES / 4, 4),
            (MAX_BYTES, 1),
            (MAX_BYTES * 2, 1),
        ] {
            let order = Arc::default();
            let mut queue = Queue::new(&order, LARGE);
            // All of these wait behind it.
            let _first = order.wait("t", &Arc::default());
            let mut count = 0;
            while !queue.is_full() {
                queue.push(question("t", length_bytes, Patience::AtOnce));
                count += 1;
            }
            assert_eq!(count, at_most, "of {length_bytes} bytes");
            queue.lose_places();
            assert!(queue.is_full());
            queue.take_places();
            assert!(queue.is_full());
        }
        assert_eq!((MAX_REQUESTS, MAX_LARGE, MAX_BYTES), (1024, 16, 8_388_608));
    }

    #[test]
    fn what_leaves_makes_room_and_what_is_put_back_takes_it() {
        let order = Arc::default();
        let mut queue = Queue::new(&order, 100);
        queue.push(question("t", MAX_BYTES, Patience::AtOnce));
        assert!(queue.is_full());
        let next = queue.next_at_once().expect("it is the first");
        assert!(queue.is_empty() && !queue.is_full() && order.has_to_wait("t"));
        queue.put_back(next);
        assert!(queue.is_full() && queue.next_at_once().is_none());
        assert!(queue.next_long().is_some() && queue.next_long().is_none());
        assert!(queue.is_empty() && !order.has_to_wait("t"));
    }

    #[test]
    fn whoever_loses_the_places_lets_all_others_pass_and_keeps_the_own_order() {
        let order = Arc::default();
        let mut queue = Queue::new(&order, 100);
        for length_bytes in 1..=3 {
            queue.push(question("t", length_bytes, Patience::AtOnce));
        }
        let others: Arc<Turns> = Arc::default();
        let other = order.wait("t", &others);
        assert!(others.next().is_none());
        queue.lose_places();
        assert!(others.next().is_some() && !queue.is_empty());
        queue.take_places();
        assert!(queue.next_at_once().is_none());
        drop(other);
        let mut lengths = Vec::new();
        while let Some(question) = queue.next_at_once() {
            lengths.push(question.length_bytes);
        }
        assert_eq!(lengths, [1, 2, 3]);
    }
}
