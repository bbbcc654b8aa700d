//! When the kernel tells of a fast stream: not of each piece, but of a good deal at once. A reader that is faster than
//! its sender otherwise wakes up, and reads, for whatever is there.
//!
//! The end of a burst would lie there untold. So a timer looks whether anything came, and if not, the mark is lifted and
//! what is there is read. The last bytes of a burst are late by that; so the next one has to be twice as long before the
//! mark is set again, up to a bound. Who answers is told of whatever comes: the peer may wait for that.

use std::time::Duration;

/// What a read brings at least that counts as one of a fast stream.
pub(super) const LARGE: usize = 32 * 1024;
/// The mark: half of what a read takes at most.
pub(super) const MARK: usize = 128 * 1024;
/// How often the timer looks.
pub(super) const LOOK: Duration = Duration::from_millis(1);

/// Large reads in a row before the mark is set, first and at most, as powers of two.
const FIRST: u8 = 5;
const MOST: u8 = 15;
const NEVER: u8 = 31;

/// One connection's.
#[derive(Debug)]
pub(super) struct LowWater {
    /// Large reads in a row; while the mark is set, one more than since the last look.
    streak: u16,
    /// How many it takes, as a power of two.
    needed: u8,
    is_set: bool,
    /// Something was written since the last read.
    answered: bool,
}

impl Default for LowWater {
    fn default() -> Self {
        Self { streak: 0, needed: FIRST, is_set: false, answered: false }
    }
}

impl LowWater {
    /// Whether the next read is likely to find much.
    #[inline]
    pub(super) fn is_fast(&self) -> bool {
        self.streak > 0
    }

    #[inline(always)]
    pub(super) fn note_read(&mut self, n: usize) {
        if n < LARGE {
            self.streak = 0;
        } else {
            self.note_large();
        }
    }

    #[inline(never)]
    fn note_large(&mut self) {
        if self.answered && !self.is_set {
            (self.streak, self.answered) = (0, false);
        }
        self.streak = self.streak.saturating_add(1);
    }

    #[inline]
    pub(super) fn note_write(&mut self) {
        self.answered = true;
    }

    /// Whether the mark is to be lifted because of an answer.
    pub(super) fn is_answered(&self) -> bool {
        self.is_set && self.answered
    }

    /// Whether the mark is worth being set.
    pub(super) fn is_due(&self) -> bool {
        !self.is_set && u32::from(self.streak) >= 1 << self.needed
    }

    /// It is set.
    pub(super) fn note_set(&mut self) {
        self.streak = 1;
        self.is_set = true;
    }

    /// It cannot be set.
    pub(super) fn note_refused(&mut self) {
        self.needed = NEVER;
    }

    pub(super) fn is_set(&self) -> bool {
        self.is_set
    }

    /// Whether nothing has come since the last look: then it is to be lifted.
    pub(super) fn is_idle(&mut self) -> bool {
        std::mem::replace(&mut self.streak, 1) <= 1
    }

    /// Whether it was set; now it is lifted. `is_late`: what lay there untold is late.
    pub(super) fn lift(&mut self, is_late: bool) -> bool {
        if self.is_set && is_late {
            self.needed = MOST.min(self.needed + 1);
        }
        self.streak = 0;
        self.answered = false;
        std::mem::take(&mut self.is_set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bursts_have_to_be_longer_up_to_a_bound() {
        let mut it = LowWater::default();
        for needed in (FIRST..=MOST).chain([MOST; 3]) {
            (0..1 << needed).for_each(|_| {
                assert!(!it.is_due());
                it.note_read(LARGE);
            });
            assert!(it.is_due());
            it.note_set();
            assert!(it.is_idle() && it.lift(true) && !it.lift(true));
        }
    }

    #[test]
    fn what_the_system_refuses_is_not_asked_for_again() {
        let mut it = LowWater::default();
        it.note_refused();
        (0..=u32::from(u16::MAX)).for_each(|_| it.note_read(LARGE));
        assert!(!it.is_due() && !it.lift(true));
    }
}
