//! The addresses of a batch's datagrams in order, each once for those that follow one another.

use std::ops::Range;

/// Those of one batch.
#[derive(Default)]
pub(super) struct Addresses {
    text: String,
    /// The one that was pushed last, if any was.
    last: Option<Range<usize>>,
    /// The one that was read last.
    read: Range<usize>,
}

impl Addresses {
    /// How long it is, unless it is the last one again.
    pub(super) fn push(&mut self, address: &str) -> Option<usize> {
        let last = self.last.clone().and_then(|last| self.text.get(last));
        if last == Some(address) {
            return None;
        }
        let begin = self.text.len();
        self.text.push_str(address);
        self.last = Some(begin..self.text.len());
        Some(address.len())
    }

    /// Goes on to the next one, so long, or stays.
    pub(super) fn read(&mut self, next: Option<usize>) -> &str {
        if let Some(len) = next {
            let begin = self.read.end;
            self.read = begin..begin + len;
        }
        self.text.get(self.read.clone()).unwrap_or_default()
    }

    /// Takes over what `next` has, of which nothing was read.
    pub(super) fn append(&mut self, next: &mut Self) {
        if let Some(last) = next.last.take() {
            let begin = self.text.len();
            self.last = Some(begin + last.start..begin + last.end);
        }
        self.text.push_str(&next.text);
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.last = None;
        self.read = 0..0;
    }

    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    pub(super) fn shrink_to(&mut self, kept: usize) {
        self.text.shrink_to(kept);
    }
}
