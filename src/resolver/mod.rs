//! Name resolution away from the reactor: the system's resolver on private threads.
//!
//! Threads start when there is work and end when there has been none for a while. Questions of an app that wait
//! for the same name are answered by one lookup. Apps have their turns one after the other, and none has all
//! threads: names that a few ask for hold up no other. A question that nobody wants any more is skipped; a lookup
//! that hangs is left behind, holding nothing of the app, so neither the reactor nor a shutdown ever waits
//! for it.

mod lookups;
mod system;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::{Answer, Query};
use crate::net::sys::without_signals;
use lookups::{Lookups, Name, Question, Worker};
use system::look_up;

/// Lookups that run at once. One that gets no answer takes a thread for as long as the system waits: some ten seconds
/// as a rule, without end for a server that takes the question by TCP and says nothing; the engine waits for less.
const MAX_THREADS: usize = 128;
/// Of all, if other pools have left that many lookups behind, or more.
const LEAST_THREADS: usize = 8;
/// Lookups of pools that are gone, beyond which a pool that has no thread yet begins none.
const MAX_LEFT_BEHIND: usize = 256;
/// How long an idle thread stays.
const IDLE: Duration = Duration::from_secs(10);

/// Receives the answer of one question, on a resolver thread or at once.
pub(crate) type OnAnswer = Box<dyn FnOnce(Answer) + Send>;

/// Who resolves names; the reactor asks, tests may answer themselves.
pub(crate) trait Resolver: Send {
    /// Answers a question of the app in the slot later, by `on_answer`, unless it is no longer wanted by then.
    fn resolve(&mut self, slot: u32, query: Query, on_answer: OnAnswer);

    /// The app in the slot has ended: it wants no answer any more.
    fn forget(&mut self, _slot: u32) {}
}

type LookUp = Arc<dyn Fn(&str, DnsQueryType) -> Answer + Send + Sync>;

/// A resolver on a pool of threads.
pub(crate) struct Pool {
    /// Wakes a thread that is idle; one that is not looks for more by itself.
    wake: Sender<()>,
    woken: Receiver<()>,
    lookups: Arc<Mutex<Lookups>>,
    look_up: LookUp,
    left_behind: &'static AtomicUsize,
}

/// Unfinished lookups of pools that are gone, of the whole process.
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

impl Default for Pool {
    /// The system's resolver.
    fn default() -> Self {
        Self::with(Arc::new(look_up), &LEFT_BEHIND)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.lookups.lock().questions.len();
        f.debug_struct("Pool").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl Resolver for Pool {
    fn resolve(&mut self, slot: u32, query: Query, on_answer: OnAnswer) {
        let (host, dns_query_type) = (query.host.clone(), query.dns_query_type);
        let name = Name { slot, host, dns_query_type };
        let question = Question { query, on_answer };
        let left_behind = self.left_behind.load(Relaxed);
        let mut lookups = self.lookups.lock();
        let Some(question) = lookups.join(&name, question) else { return };
        let is_hopeless = left_behind >= MAX_LEFT_BEHIND && lookups.workers.is_empty();
        let refused = if is_hopeless { Some(question) } else { lookups.add(name, question) };
        if refused.is_some() {
            drop(lookups);
            return answer(refused, &Err(Status::NameNotResolved));
        }
        // If it is full, there are as many wake-ups under way as threads at the most.
        let _ = self.wake.try_send(());
        if lookups.needs_worker(left_behind)
            && !self.start_worker(&mut lookups)
            && lookups.workers.is_empty()
        {
            // The system is out of resources, so nobody would ever answer.
            let unanswered = lookups.give_up();
            drop(lookups);
            answer(unanswered, &Err(Status::NameNotResolved));
        }
    }

    fn forget(&mut self, slot: u32) {
        // Dropped without the lock: what is behind an answer may be the last of something.
        let unanswered = self.lookups.lock().forget(slot);
        drop(unanswered);
    }
}

impl Pool {
    fn with(look_up: LookUp, left_behind: &'static AtomicUsize) -> Self {
        let (wake, woken) = bounded(MAX_THREADS);
        Self { wake, woken, lookups: Arc::default(), look_up, left_behind }
    }

    /// Whether it could be started.
    fn start_worker(&self, lookups: &mut Lookups) -> bool {
        let (woken, shared) = (self.woken.clone(), Arc::clone(&self.lookups));
        let (look_up, left_behind) = (Arc::clone(&self.look_up), self.left_behind);
        let thread = std::thread::Builder::new().name("chromesock-dns".into());
        let started =
            without_signals(|| thread.spawn(move || work(&woken, &shared, &*look_up, left_behind)));
        let Ok(thread) = started else { return false };
        lookups.workers.insert(thread.thread().id(), Worker { thread, busy_for: None });
        true
    }
}

impl Drop for Pool {
    /// Waits for the threads, so that none of the library's is left behind its last app; but for those that look
    /// something up, which takes as long as the system likes.
    fn drop(&mut self) {
        let mut lookups = self.lookups.lock();
        let Lookups { workers, .. } = std::mem::take(&mut *lookups);
        let (busy, idle): (Vec<_>, Vec<_>) =
            workers.into_values().partition(|worker| worker.busy_for.is_some());
        self.left_behind.fetch_add(busy.len(), Relaxed);
        drop(lookups);
        // Without the last sender, those that wait for a lookup end.
        self.wake = bounded(0).0;
        for worker in idle {
            let _ = worker.thread.join();
        }
    }
}

fn work(
    woken: &Receiver<()>,
    lookups: &Mutex<Lookups>,
    look_up: &dyn Fn(&str, DnsQueryType) -> Answer,
    left_behind: &AtomicUsize,
) {
    let this = std::thread::current().id();
    loop {
        let begun = lookups.lock().begin(this, left_behind.load(Relaxed));
        if let Some((name, questions)) = begun {
            let found = look_up(&name.host, name.dns_query_type);
            if !lookups.lock().note(this, None) {
                left_behind.fetch_sub(1, Relaxed);
            }
            answer(questions, &found);
            continue;
        }
        if woken.recv_timeout(IDLE).is_err() {
            let mut lookups = lookups.lock();
            // A lookup that came since the time-out counts on this thread.
            if lookups.questions.is_empty() {
                lookups.workers.remove(&this);
                return;
            }
        }
    }
}

fn answer(questions: impl IntoIterator<Item = Question>, found: &Answer) {
    questions.into_iter().for_each(|question| (question.on_answer)(found.clone()));
}

#[cfg(test)]
mod tests;
