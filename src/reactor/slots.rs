//! Apps by slot, found without searching: each message and each event of a socket names one.

/// Values by small numbers.
#[derive(Debug)]
pub(super) struct Slots<T> {
    values: Vec<Option<Box<T>>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { values: Vec::new() }
    }
}

impl<T> Slots<T> {
    pub(super) fn insert(&mut self, slot: u32, value: T) {
        let at = slot as usize;
        if self.values.len() <= at {
            self.values.resize_with(at + 1, || None);
        }
        self.values[at] = Some(Box::new(value));
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.values.get_mut(slot as usize)?.as_deref_mut()
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<Box<T>> {
        let value = self.values.get_mut(slot as usize)?.take();
        while self.values.last().is_some_and(Option::is_none) {
            self.values.pop();
        }
        value
    }

    /// The last one is never empty.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The highest slot that is taken.
    pub(super) fn last(&self) -> Option<u32> {
        self.values.len().checked_sub(1).map(|last| last as u32)
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
    }
}
