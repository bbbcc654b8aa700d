//! Small tools of the tests: peers, waiting that fails loudly, doors, scripted resolvers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::app::SharedReactor;
use crate::engine::command::Query;
use crate::resolver::{OnAnswer, Resolver};

/// How long anything may take. Nothing waits that long unless it is broken.
pub(super) const DEADLINE: Duration = Duration::from_secs(60);

/// Bytes in which a gap or a swap shows.
pub(super) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 7 + n / 251) as u8).collect()
}

pub(super) fn with_deadline(peer: TcpStream) -> TcpStream {
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    peer.set_write_timeout(Some(DEADLINE)).unwrap();
    peer
}

/// Waits until the other side has ended the connection, by whatever means.
pub(super) fn wait_end_of(mut peer: TcpStream) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match peer.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the connection did not end")
            }
            Err(_) => return,
        }
    }
}

pub(super) fn write_to(peer: &TcpStream, data: &[u8]) {
    (&*peer).write_all(data).unwrap();
}

/// Waits for a state that nothing announces.
pub(super) fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < DEADLINE, "never: {what}");
        std::thread::yield_now();
    }
}

/// Runs something that must not hang on a thread of its own, and waits for it.
pub(super) fn must_return(what: &str, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        let _ = done.send(outcome);
    });
    match wait.recv_timeout(DEADLINE) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("{what}: has not returned"),
    }
}

/// A door that a thread waits at until the test opens it.
#[derive(Default)]
pub(super) struct Door {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Door {
    /// Waits until the door is open.
    pub(super) fn pass(&self) {
        self.visit();
        self.wait("an open door", |state| state.1);
    }

    pub(super) fn visit(&self) {
        self.set(|state| state.0 = true);
    }

    pub(super) fn is_visited(&self) -> bool {
        self.state.lock().0
    }

    /// Waits until somebody stands at the door.
    pub(super) fn wait_for_visitor(&self) {
        self.wait("a visitor", |state| state.0);
    }

    pub(super) fn open(&self) {
        self.set(|state| state.1 = true);
    }

    fn set(&self, set: impl FnOnce(&mut (bool, bool))) {
        set(&mut self.state.lock());
        self.changed.notify_all();
    }

    fn wait(&self, what: &str, reached: impl Fn(&(bool, bool)) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut state = self.state.lock();
        while !reached(&state) {
            let late = self.changed.wait_until(&mut state, until).timed_out();
            assert!(!late, "never: {what}");
        }
    }
}

/// A resolver that does what a test says.
pub(super) struct Scripted<F>(pub(super) F);

impl<F: FnMut(Query, OnAnswer) + Send> Resolver for Scripted<F> {
    fn resolve(&mut self, _slot: u32, query: Query, on_answer: OnAnswer) {
        (self.0)(query, on_answer);
    }
}

/// A reactor whose resolver only keeps the questions, and the questions.
#[derive(Clone, Default)]
pub(super) struct Questions(Arc<Asked>);

#[derive(Default)]
struct Asked {
    waiting: Mutex<Vec<(Query, OnAnswer)>>,
    changed: Condvar,
}

impl Questions {
    pub(super) fn reactor(&self) -> SharedReactor {
        let questions = self.clone();
        let resolver = Scripted(move |query: Query, on_answer: OnAnswer| {
            questions.0.waiting.lock().push((query, on_answer));
            questions.0.changed.notify_all();
        });
        SharedReactor::start_with(Box::new(resolver)).unwrap()
    }

    /// The oldest question.
    pub(super) fn take(&self) -> (Query, OnAnswer) {
        self.wait(1);
        self.0.waiting.lock().remove(0)
    }

    /// Waits until this many questions are there.
    pub(super) fn wait(&self, number: usize) {
        let until = Instant::now() + DEADLINE;
        let mut questions = self.0.waiting.lock();
        while questions.len() < number {
            let late = self.0.changed.wait_until(&mut questions, until).timed_out();
            assert!(!late, "{} of {number} questions came", questions.len());
        }
    }

    pub(super) fn number(&self) -> usize {
        self.0.waiting.lock().len()
    }
}
