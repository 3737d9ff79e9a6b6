//! Which numbers of somebody were seen (protocol.md §11.6).

/// Words of 64 numbers each.
const WORDS: usize = 16;

/// What is known of the numbers that one start of somebody gives to what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    start: Option<u64>,
    greatest: u64,
    bits: [u64; WORDS],
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was never seen.
    New,
    /// It was seen.
    Again,
    /// So many greater ones were seen that nobody knows.
    Lost,
}

impl Window {
    /// Numbers that are remembered below the greatest, at least.
    #[cfg(test)]
    pub(super) const SPAN: u64 = 64 * (WORDS as u64 - 1);

    /// What a number of that start is. Nothing is known of one that was not seen yet.
    pub(super) fn look(&self, start: u64, number: u64) -> Seen {
        if self.start != Some(start) || number > self.greatest {
            Seen::New
        } else if number / 64 + (WORDS as u64) <= self.greatest / 64 {
            Seen::Lost
        } else if self.bits[word(number)] & bit(number) != 0 {
            Seen::Again
        } else {
            Seen::New
        }
    }

    /// Notes a number, and tells what it was.
    pub(super) fn note(&mut self, start: u64, number: u64) -> Seen {
        let seen = self.look(start, number);
        if seen != Seen::New {
            return seen;
        }
        if self.start != Some(start) {
            *self = Self { start: Some(start), greatest: number, bits: [0; WORDS] };
        }
        if number > self.greatest {
            let steps = (number / 64 - self.greatest / 64).min(WORDS as u64);
            for step in 0..steps {
                self.bits[word(number - 64 * step)] = 0;
            }
            self.greatest = number;
        }
        self.bits[word(number)] |= bit(number);
        Seen::New
    }
}

fn word(number: u64) -> usize {
    (number / 64) as usize % WORDS
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn another_start_begins_anew() {
        let mut window = Window::default();
        assert_eq!(window.note(1, 7), Seen::New);
        assert_eq!(window.note(1, 7), Seen::Again);
        assert_eq!(window.note(2, 7), Seen::New);
        assert_eq!(window.note(2, 7), Seen::Again);
    }

    #[test]
    fn the_greatest_of_all_is_a_number_too() {
        let mut window = Window::default();
        assert_eq!(window.note(1, u64::MAX), Seen::New);
        assert_eq!(window.note(1, u64::MAX), Seen::Again);
        assert_eq!(window.note(1, 0), Seen::Lost);
    }

    proptest! {
        #[test]
        fn no_number_is_new_twice(steps in proptest::collection::vec((0_u64..3_000, 0_u64..200), 1..200)) {
            let (mut window, mut seen) = (Window::default(), BTreeSet::new());
            for (at, back) in steps {
                let number = at.saturating_sub(back);
                let greatest = seen.last().copied().unwrap_or(0_u64);
                let told = window.note(9, number);
                if seen.contains(&number) {
                    prop_assert_ne!(told, Seen::New);
                }
                if number + Window::SPAN > greatest {
                    prop_assert_eq!(told == Seen::New, !seen.contains(&number));
                }
                if told == Seen::New {
                    seen.insert(number);
                }
            }
        }
    }
}
