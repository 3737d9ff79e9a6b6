//! What was seen of a counter, however it arrived: the greatest, and a window below it (protocol.md §9.3, RFC 6479).

/// Words of the window: one more than it is long, so that a word can be cleared while the others are asked.
const WORDS: usize = 17;

/// Numbers below the greatest that may still come.
pub(super) const WINDOW: u64 = 1_024;

/// Numbers below the first that was heard that may still come.
const OVERTAKEN: u64 = 8;

/// A sliding window over a counter that may be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Window {
    greatest: u64,
    bits: [u64; WORDS],
}

impl Window {
    /// Everything up to `greatest` counts as seen.
    pub(super) fn after(greatest: u64) -> Self {
        let mut bits = [u64::MAX; WORDS];
        let (word, bit) = Self::place(greatest);
        // Those beyond it in its word are to come yet.
        bits[word] = bit | (bit - 1);
        Self { greatest, bits }
    }

    /// `first` is the first that was heard. What was sent just before may have been overtaken; what was sent long before
    /// was for others, and who sends it now is somebody else.
    pub(super) fn from(first: u64) -> Self {
        let mut window = Self::after(first);
        for overtaken in first.saturating_sub(OVERTAKEN)..first {
            let (word, bit) = Self::place(overtaken);
            window.bits[word] &= !bit;
        }
        window
    }

    /// What was sent long before `number` counts as seen from here on.
    pub(super) fn raise(&mut self, number: u64) {
        let floor = number.saturating_sub(OVERTAKEN);
        for older in self.greatest.saturating_sub(WINDOW - 1)..floor.min(self.greatest) {
            self.set(older);
        }
    }

    /// A counter of which nothing was seen.
    pub(super) fn empty() -> Self {
        Self { greatest: 0, bits: [0; WORDS] }
    }

    pub(super) fn greatest(&self) -> u64 {
        self.greatest
    }

    /// True for a number that was not seen, and is not so old that nobody knows.
    pub(super) fn is_new(&self, number: u64) -> bool {
        if number > self.greatest {
            return true;
        }
        let (word, bit) = Self::place(number);
        self.greatest - number < WINDOW && self.bits[word] & bit == 0
    }

    /// Notes a number as seen.
    pub(super) fn note(&mut self, number: u64) {
        if number > self.greatest {
            let steps = (number >> 6) - (self.greatest >> 6);
            for step in 1..=steps.min(WORDS as u64) {
                self.bits[(((self.greatest >> 6) + step) % WORDS as u64) as usize] = 0;
            }
            self.greatest = number;
        }
        if self.greatest - number < WINDOW {
            self.set(number);
        }
    }

    fn set(&mut self, number: u64) {
        let (word, bit) = Self::place(number);
        self.bits[word] |= bit;
    }

    fn place(number: u64) -> (usize, u64) {
        (((number >> 6) % WORDS as u64) as usize, 1 << (number & 63))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn each_number_is_new_once() {
        let mut rng = StdRng::seed_from_u64(7);
        let (mut window, mut seen, mut greatest) = (Window::empty(), BTreeSet::new(), 0);
        for _ in 0..50_000 {
            let ahead = u64::from(rng.next_u32() % if rng.next_u32().is_multiple_of(50) { 3_000 } else { 40 });
            let number = (greatest + ahead).saturating_sub(u64::from(rng.next_u32() % 1_200));
            let old = greatest.saturating_sub(number) >= WINDOW;
            assert_eq!(window.is_new(number), !old && !seen.contains(&number), "{number} after {greatest}");
            if window.is_new(number) {
                window.note(number);
                seen.insert(number);
                greatest = greatest.max(number);
            }
        }
    }

    #[test]
    fn what_was_seen_before_a_restart_is_not_new() {
        let window = Window::after(5_000);
        assert!((0..=5_000).all(|number| !window.is_new(number)));
        assert!(window.is_new(5_001));
        let mut window = Window::after(5_000);
        window.note(5_003);
        assert!(window.is_new(5_001) && !window.is_new(5_000) && !window.is_new(4_999) && !window.is_new(5_003));
    }

    #[test]
    fn what_was_overtaken_by_the_first_may_still_come() {
        let window = Window::from(2_000);
        assert!(window.is_new(1_999) && window.is_new(1_992) && !window.is_new(1_991) && !window.is_new(2_000));
        assert!(window.is_new(2_001) && !Window::from(3).is_new(3) && Window::from(3).is_new(0));
    }

    #[test]
    fn what_was_sent_long_before_counts_as_seen() {
        let mut window = Window::after(1_000);
        window.note(1_500);
        window.raise(1_500);
        assert!(window.is_new(1_499) && window.is_new(1_492) && !window.is_new(1_491) && !window.is_new(1_001));
        assert!(window.is_new(1_501) && window.is_new(1_600) && !window.is_new(1_500));
        let mut window = Window::after(3);
        window.note(5);
        window.raise(5);
        assert!(window.is_new(4) && window.is_new(6) && !window.is_new(3));
    }

    #[test]
    fn the_greatest_numbers_of_all_do_no_harm() {
        let mut window = Window::from(1);
        window.note(u64::MAX);
        assert!(!window.is_new(u64::MAX) && window.is_new(u64::MAX - 1) && !window.is_new(1));
    }
}
