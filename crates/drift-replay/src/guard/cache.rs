//! Remembers what was made of a text, within a bound: services send the same
//! statements again and again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Forms by the digest of what they were made of.
///
/// At most `2 * GENERATION_BYTES` of texts, counted by the size that the maker
/// reports: when the young generation is full it becomes the old one, and what
/// was in the old one and not asked for since is dropped.
pub(super) struct FormCache<T> {
    generations: Mutex<Generations<T>>,
}

struct Generations<T> {
    young: HashMap<[u8; 16], (Arc<T>, usize)>,
    young_bytes: usize,
    old: HashMap<[u8; 16], (Arc<T>, usize)>,
}

/// 4 MiB: some ten thousand statements of usual length.
const GENERATION_BYTES: usize = 4 << 20;

/// What one entry costs besides its text.
const ENTRY_BYTES: usize = 128;

impl<T> FormCache<T> {
    pub(super) fn new() -> FormCache<T> {
        FormCache {
            generations: Mutex::new(Generations {
                young: HashMap::new(),
                young_bytes: 0,
                old: HashMap::new(),
            }),
        }
    }

    /// The form of `text`, made by `make` unless it is remembered. `variant`
    /// tells apart the ways of making. Nothing is locked while it is made; two
    /// threads may make one form at the same time, and either is kept.
    pub(super) fn get_or_make(
        &self,
        variant: u8,
        text: &str,
        make: impl FnOnce() -> T,
        size_bytes: impl FnOnce(&T) -> usize,
    ) -> Arc<T> {
        let mut key = [0; 16];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[variant]).update(text.as_bytes());
        hasher.finalize_xof().fill(&mut key);
        if let Some(form) = self.get(&key) {
            return form;
        }
        let form = Arc::new(make());
        let size = size_bytes(&form).saturating_add(ENTRY_BYTES);
        self.put(key, Arc::clone(&form), size);
        form
    }

    fn get(&self, key: &[u8; 16]) -> Option<Arc<T>> {
        // A panic while the lock was held leaves two maps that are whole.
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((form, _)) = generations.young.get(key) {
            return Some(Arc::clone(form));
        }
        let (form, size) = generations.old.remove(key)?;
        generations.put_young(*key, Arc::clone(&form), size);
        Some(form)
    }

    fn put(&self, key: [u8; 16], form: Arc<T>, size: usize) {
        // A form as large as that would push everything else out.
        if size > GENERATION_BYTES / 4 {
            return;
        }
        self.generations
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .put_young(key, form, size);
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let generations = self
            .generations
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let old: usize = generations.old.values().map(|(_, size)| size).sum();
        generations.young_bytes + old
    }
}

impl<T> Generations<T> {
    fn put_young(&mut self, key: [u8; 16], form: Arc<T>, size: usize) {
        if self.young_bytes.saturating_add(size) > GENERATION_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if self.young.insert(key, (form, size)).is_none() {
            self.young_bytes += size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_made_once_and_the_cache_stays_within_its_bound() {
        let cache: FormCache<String> = FormCache::new();
        let mut made = 0;
        for _ in 0..3 {
            let form = cache.get_or_make(
                0,
                "a",
                || {
                    made += 1;
                    "A".to_owned()
                },
                String::len,
            );
            assert_eq!(form.as_str(), "A");
        }
        assert_eq!(made, 1);
        let large = "x".repeat(100_000);
        for number in 0..200 {
            let text = format!("{number}{large}");
            cache.get_or_make(0, &text, || text.clone(), String::len);
            assert!(cache.bytes() <= 2 * GENERATION_BYTES);
        }
        let huge = "y".repeat(GENERATION_BYTES);
        let before = cache.bytes();
        cache.get_or_make(0, &huge, || huge.clone(), String::len);
        assert_eq!(cache.bytes(), before);
    }

    #[test]
    fn the_same_text_made_in_two_ways_is_two_forms() {
        let cache: FormCache<u8> = FormCache::new();
        assert_eq!(*cache.get_or_make(0, "a", || 1, |_| 1), 1);
        assert_eq!(*cache.get_or_make(1, "a", || 2, |_| 1), 2);
    }
}
