//! Datagrams that were received: those that the system has joined stay together until they are taken one by one.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

/// Received datagrams, in order.
#[derive(Debug, Default)]
pub struct Datagrams(VecDeque<Run>);

/// One, or several of one sender.
#[derive(Debug)]
struct Run {
    data: Bytes,
    /// The size of all of them but the last, which may be shorter.
    each: usize,
    from: SocketAddr,
}

impl Datagrams {
    /// Appends one.
    pub fn push(&mut self, data: Bytes, from: SocketAddr) {
        let each = data.len();
        self.push_joined(data, each, from);
    }

    /// Appends several of this size, which lie in `data` one after the other; the last may be shorter.
    pub fn push_joined(&mut self, data: Bytes, each: usize, from: SocketAddr) {
        self.0.push_back(Run { data, each, from });
    }

    /// Puts one back, before all others.
    pub fn put_back(&mut self, data: Bytes, from: SocketAddr) {
        let each = data.len();
        self.0.push_front(Run { data, each, from });
    }

    /// Takes the first one and its sender.
    #[inline]
    pub fn take(&mut self) -> Option<(Bytes, SocketAddr)> {
        let run = self.0.front_mut()?;
        if run.data.len() > run.each {
            return Some((run.data.split_to(run.each), run.from));
        }
        self.0.pop_front().map(|run| (run.data, run.from))
    }

    /// Moves all of `others` to the end.
    pub fn append(&mut self, others: &mut Self) {
        self.0.append(&mut others.0);
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_datagrams_are_taken_one_by_one() {
        let from = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let mut datagrams = Datagrams::default();
        datagrams.push_joined(Bytes::from("aabbc"), 2, from(1));
        datagrams.push(Bytes::new(), from(2));
        let mut others = Datagrams::default();
        others.push_joined(Bytes::from("ddee"), 2, from(3));
        datagrams.append(&mut others);
        datagrams.put_back(Bytes::from("first"), from(4));
        let taken: Vec<_> = std::iter::from_fn(|| datagrams.take()).collect();
        let expected =
            [("first", 4), ("aa", 1), ("bb", 1), ("c", 1), ("", 2), ("dd", 3), ("ee", 3)];
        assert_eq!(taken, expected.map(|(data, port)| (Bytes::from(data), from(port))));
    }
}
