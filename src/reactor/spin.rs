//! Spinning: looking for work for a while before going to sleep, so that what comes soon finds the
//! reactor awake. It costs a CPU meanwhile, and spares callers the wake-up: only sleep is announced.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Looks in vain between two of the time.
const LOOKS_PER_TIME: u32 = 8;

/// How long a reactor looks before it sleeps: as long as that of its apps which asks for most.
#[derive(Debug, Default)]
pub(super) struct Spin {
    /// What apps ask for, by slot.
    asked: BTreeSet<(Duration, u32)>,
    /// The most of it.
    longest: Duration,
    /// Looks in vain since there was work, or since the last one at the time.
    looks: u32,
    /// When the time was first looked at since there was work.
    idle_since: Option<Instant>,
}

impl Spin {
    /// An app has come that asks for `time`.
    pub(super) fn add(&mut self, slot: u32, time: Duration) {
        if !time.is_zero() {
            self.asked.insert((time, slot));
            self.note_longest();
        }
    }

    /// It has gone.
    pub(super) fn remove(&mut self, slot: u32, time: Duration) {
        self.asked.remove(&(time, slot));
        self.note_longest();
    }

    fn note_longest(&mut self) {
        self.longest = self.asked.last().map_or(Duration::ZERO, |(longest, _)| *longest);
    }

    /// There was work.
    pub(super) fn note_work(&mut self) {
        self.looks = 0;
        self.idle_since = None;
    }

    /// Whether to look once more instead of sleeping.
    pub(super) fn looks_again(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if self.longest.is_zero() {
            return false;
        }
        if self.looks < LOOKS_PER_TIME {
            self.looks += 1;
            return true;
        }
        let now = now();
        let in_time = now.duration_since(*self.idle_since.get_or_insert(now)) < self.longest;
        if in_time {
            self.looks = 1;
        }
        in_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// How many times it looks before it sleeps, if each look takes a millisecond.
    fn looks(spin: &mut Spin) -> u64 {
        let start = Instant::now();
        (0..).find(|look| !spin.looks_again(|| start + ms(*look))).unwrap()
    }

    #[test]
    fn who_was_not_asked_sleeps_at_once_and_looks_at_no_clock() {
        let mut spin = Spin::default();
        spin.add(1, Duration::ZERO);
        spin.note_work();
        assert!(!spin.looks_again(|| unreachable!()));
    }

    #[test]
    fn it_looks_for_as_long_as_was_asked_after_the_last_work() {
        let mut spin = Spin::default();
        spin.add(1, ms(50));
        let (all, step) = (looks(&mut spin), u64::from(LOOKS_PER_TIME));
        assert!((50..=50 + 2 * step).contains(&all), "{all}");
        spin.note_work();
        assert_eq!(looks(&mut spin), all, "work starts it anew");
    }

    #[test]
    fn once_asleep_it_stays_so_until_there_is_work() {
        let mut spin = Spin::default();
        spin.add(1, ms(50));
        looks(&mut spin);
        let later = Instant::now() + ms(60_000);
        assert!(!spin.looks_again(|| later), "a wake-up in vain is none");
        spin.note_work();
        assert!(spin.looks_again(|| unreachable!()));
    }

    #[test]
    fn the_clock_is_looked_at_once_in_a_few_looks() {
        let mut spin = Spin::default();
        spin.add(1, ms(1_000_000));
        let (mut times, now) = (0, Instant::now());
        for _ in 0..80 {
            spin.looks_again(|| {
                times += 1;
                now
            });
        }
        assert_eq!(times, (80 - 1) / LOOKS_PER_TIME);
    }

    #[test]
    fn of_several_apps_the_longest_time_counts_while_it_lives() {
        let mut spin = Spin::default();
        for (slot, time) in [(3, 40), (1, 400), (2, 40)] {
            spin.add(slot, ms(time));
        }
        let with_all = looks(&mut spin);
        spin.remove(1, ms(400));
        spin.remove(2, ms(40));
        spin.note_work();
        let with_one = looks(&mut spin);
        assert!(with_all >= 400 && (40..400).contains(&with_one), "{with_all} {with_one}");
        spin.remove(3, ms(40));
        assert!(!spin.looks_again(|| unreachable!()));
    }
}
