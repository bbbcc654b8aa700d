//! Apps by slot, found without searching: each message and each event of a socket names one.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::net::sys;

/// Slots are given out in turn, up to this number or four times that of live apps: what was meant for the app
/// that had a slot before is long gone when the slot comes again.
const LEAST_ROUND: usize = 4096;

/// The slots of one reactor, of which no two live apps have the same.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<Given>);

#[derive(Debug, Default)]
struct Given {
    taken: BTreeSet<u32>,
    last: u32,
}

/// A slot, taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(super) number: u32,
    numbers: Arc<Numbers>,
}

impl Numbers {
    /// The next one, if any is left.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let Given { taken, last } = &mut *self.0.lock();
        let most = sys::MAX_SLOTS as usize;
        let round = (4 * taken.len()).next_power_of_two().clamp(LEAST_ROUND, most) as u32;
        // No app has slot 0.
        let mut next = (0..round).map(|step| (*last + step) % (round - 1) + 1);
        let number = next.find(|number| taken.insert(*number))?;
        *last = number;
        Some(Slot { number, numbers: Arc::clone(self) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.numbers.0.lock().taken.remove(&self.number);
    }
}

/// Values by small numbers.
#[derive(Debug)]
pub(super) struct Slots<T> {
    values: Vec<Option<Box<T>>>,
    used: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new(), used: 0 }
    }
}

impl<T> Slots<T> {
    pub(super) fn insert(&mut self, slot: u32, value: T) {
        let at = slot as usize;
        if self.values.len() <= at {
            self.values.resize_with(at + 1, || None);
        }
        self.used += usize::from(self.values[at].replace(Box::new(value)).is_none());
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.values.get_mut(slot as usize)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Box<T>> {
        let value = self.values.get_mut(slot as usize)?.take()?;
        self.used -= 1;
        if self.is_empty() {
            self.values = Vec::new();
        }
        Some(value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// The highest slot that is taken.
    pub(super) fn last(&self) -> Option<u32> {
        self.values.iter().rposition(Option::is_some).map(|last| last as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_removed_is_gone_and_leaves_nothing_behind() {
        let mut slots = Slots::default();
        for slot in [7, 2, 5] {
            slots.insert(slot, slot * 10);
        }
        assert_eq!(slots.get_mut(5).copied(), Some(50));
        assert!(slots.get_mut(6).is_none() && slots.get_mut(900).is_none());
        assert_eq!(slots.last(), Some(7));
        assert_eq!(slots.remove(5).as_deref(), Some(&50));
        assert_eq!(slots.remove(5), None);
        assert_eq!(slots.remove(7).as_deref(), Some(&70));
        assert_eq!(slots.last(), Some(2));
        assert!(!slots.is_empty());
        slots.remove(2);
        assert!(slots.is_empty() && slots.last().is_none());
        assert_eq!(slots.values.capacity(), 0);
    }

    #[test]
    fn a_number_comes_again_late_and_never_while_it_is_taken() {
        let numbers = Arc::new(Numbers::default());
        let kept = numbers.take().unwrap();
        let given: Vec<_> = (0..3 * LEAST_ROUND).map(|_| numbers.take().unwrap().number).collect();
        assert!(!given.contains(&kept.number) && !given.contains(&0));
        for (at, number) in given.iter().enumerate() {
            let again = given[at + 1..].iter().position(|other| other == number);
            assert!(again.is_none_or(|later| later > LEAST_ROUND / 2), "{number} after {again:?}");
        }
    }

    #[test]
    fn there_are_as_many_numbers_as_sockets_can_tell_apart() {
        let numbers = Arc::new(Numbers::default());
        let mut all: Vec<_> = std::iter::from_fn(|| numbers.take()).collect();
        assert_eq!(all.len(), sys::MAX_SLOTS as usize - 1);
        let left = all.swap_remove(1000).number;
        assert_eq!(numbers.take().map(|slot| slot.number), Some(left));
        drop(all);
        let few = numbers.take().unwrap();
        assert!(few.number < LEAST_ROUND as u32, "slots are no larger than apps are many");
    }
}
