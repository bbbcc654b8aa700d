//! When the kernel tells of a fast stream: not of each piece, but of a good deal at once. A reader that is faster than
//! its sender otherwise wakes up, and reads, for whatever is there.
//!
//! The end of a burst would lie there untold. So a timer looks whether anything came, and if not, the mark is lifted and
//! what is there is read. The last bytes of a burst are late by that; so the next one has to be twice as long before the
//! mark is set again, up to a bound. Who answers what comes, every few reads, is told of whatever comes: the peer may
//! wait for that.

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
/// After so many large reads an answer tells no more than that the peer goes on.
const FEW: u8 = 3;
/// One of them, in `state`.
const UNANSWERED: u8 = 16;

/// `state`: the mark is set.
const SET: u8 = 1;
/// A look is to come.
const LOOKED_AT: u8 = 2;
/// Something was written since the last large read.
const ANSWERED: u8 = 4;
/// The last large read came soon after an answer, and that soon after another.
const TWO_WAY: u8 = 8;

/// One connection's, of which there are many: small.
#[derive(Debug)]
pub(super) struct LowWater {
    /// Large reads in a row; while the mark is set, one more than since the last look.
    streak: u16,
    /// How many it takes, as a power of two.
    needed: u8,
    /// The bits above, and over them the large reads since the last answer, at most `FEW`.
    state: u8,
}

impl Default for LowWater {
    fn default() -> Self {
        Self { streak: 0, needed: FIRST, state: 0 }
    }
}

impl LowWater {
    fn is(&self, bits: u8) -> bool {
        self.state & bits == bits
    }

    /// Sets a bit or clears it; what it was.
    fn put(&mut self, bit: u8, on: bool) -> bool {
        let was = self.is(bit);
        self.state = if on { self.state | bit } else { self.state & !bit };
        was
    }

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
        let answered = self.is(ANSWERED);
        let unanswered = self.state / UNANSWERED;
        let is_two_way = answered && unanswered < FEW;
        if is_two_way && !self.is(SET) {
            self.streak = 0;
        }
        self.streak = self.streak.saturating_add(1);
        self.state &= SET | LOOKED_AT;
        self.put(TWO_WAY, is_two_way);
        self.state += UNANSWERED * if answered { 1 } else { FEW.min(unanswered + 1) };
    }

    #[inline]
    pub(super) fn note_write(&mut self) {
        self.state |= ANSWERED;
    }

    /// Whether the mark is to be lifted because of answers.
    pub(super) fn is_in_the_way(&self) -> bool {
        self.is(SET | TWO_WAY)
    }

    /// Whether the mark is worth being set.
    pub(super) fn is_due(&self) -> bool {
        !self.is(SET) && u32::from(self.streak) >= 1 << self.needed
    }

    /// It is set; whether a look has to be asked for.
    pub(super) fn note_set(&mut self) -> bool {
        // A look that is left from the last mark comes too early to find that nothing came.
        self.streak = if self.is(LOOKED_AT) { 2 } else { 1 };
        self.put(SET, true);
        !self.put(LOOKED_AT, true)
    }

    /// It cannot be set.
    pub(super) fn note_refused(&mut self) {
        self.needed = NEVER;
    }

    /// It is time to look: whether the mark is set.
    pub(super) fn look(&mut self) -> bool {
        self.put(LOOKED_AT, false);
        self.is(SET)
    }

    /// A look at it while it is set: whether it stays, because something has come since the last look. Then another
    /// look follows.
    pub(super) fn stays(&mut self) -> bool {
        let stays = std::mem::replace(&mut self.streak, 1) > 1;
        self.put(LOOKED_AT, stays);
        stays
    }

    /// Whether it was set; now it is lifted. `is_late`: what lay there untold is late.
    pub(super) fn lift(&mut self, is_late: bool) -> bool {
        if self.is(SET) && is_late {
            self.needed = MOST.min(self.needed + 1);
        }
        self.streak = 0;
        self.put(SET, false)
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
            assert!(it.note_set());
            assert!(it.look() && !it.stays() && it.lift(true) && !it.lift(true));
        }
    }

    /// Nor are there ever two looks to come.
    #[test]
    fn a_look_that_is_left_does_not_come_too_early() {
        let mut it = LowWater::default();
        assert!(it.note_set());
        (0..2).for_each(|_| {
            it.note_write();
            it.note_read(LARGE);
        });
        assert!(it.is_in_the_way() && it.lift(false));
        assert!(!it.note_set(), "a look is to come");
        assert!(it.look() && it.stays(), "that one");
        assert!(it.look() && !it.stays());
    }

    #[test]
    fn what_the_system_refuses_is_not_asked_for_again() {
        let mut it = LowWater::default();
        it.note_refused();
        (0..=u32::from(u16::MAX)).for_each(|_| it.note_read(LARGE));
        assert!(!it.is_due() && !it.lift(true));
    }
}
