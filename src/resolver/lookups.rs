//! The lookups of a pool: those that wait, and for whom its threads look something up. Apps have their turns, and
//! none has more threads than it leaves to the others.

use std::collections::{HashMap, VecDeque};
use std::thread::{JoinHandle, ThreadId};

use super::{LEAST_THREADS, MAX_THREADS, OnAnswer};
use crate::api::properties::DnsQueryType;
use crate::engine::command::Query;

/// Lookups of an app that wait; the question for one more is answered at once with NAME_NOT_RESOLVED.
pub(super) const MAX_WAITING: usize = 4096;
/// Lookups beyond that which are refused although some that wait may not be wanted any more.
pub(super) const REFUSALS: usize = 15;

pub(super) struct Question {
    pub(super) query: Query,
    pub(super) on_answer: OnAnswer,
}

impl Question {
    pub(super) fn is_wanted(&self) -> bool {
        self.query.wanted.strong_count() > 0
    }
}

/// What is looked up, for the app in a slot.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Name {
    pub(super) slot: u32,
    pub(super) host: Box<str>,
    pub(super) dns_query_type: DnsQueryType,
}

#[derive(Default)]
pub(super) struct Lookups {
    /// The questions that each lookup answers that has not begun.
    pub(super) questions: HashMap<Name, Vec<Question>>,
    /// The lookups that have not begun, of each app in their order; the app whose turn it is comes first.
    waiting: VecDeque<Waiting>,
    /// One for each unfinished lookup, up to `MAX_THREADS`, and those that are idle.
    pub(super) workers: HashMap<ThreadId, Worker>,
}

/// The lookups of an app that have not begun.
struct Waiting {
    slot: u32,
    names: VecDeque<Name>,
    /// How many more are refused before those that nobody wants are looked for again: it takes a look at each.
    refusals: usize,
}

pub(super) struct Worker {
    pub(super) thread: JoinHandle<()>,
    /// For which app it looks something up.
    pub(super) busy_for: Option<u32>,
}

impl Lookups {
    /// Whether a lookup that waits may begin and no thread is there for it. Those that are idle count for every app:
    /// they are about to begin what waits.
    pub(super) fn needs_worker(&self, left_behind: usize) -> bool {
        let (all, most) = (self.workers.len(), most_threads(left_behind));
        let idle = all - self.busy();
        let may_begin = |of: &Waiting| self.busy_for(of.slot) + idle < most - all;
        idle < self.questions.len() && all < most && self.waiting.iter().any(may_begin)
    }

    fn busy(&self) -> usize {
        self.workers.values().filter(|worker| worker.busy_for.is_some()).count()
    }

    fn busy_for(&self, slot: u32) -> usize {
        self.workers.values().filter(|worker| worker.busy_for == Some(slot)).count()
    }

    /// Adds a question to those that wait for the same name; gives it back if there are none.
    pub(super) fn join(&mut self, name: &Name, question: Question) -> Option<Question> {
        let Some(same) = self.questions.get_mut(name) else { return Some(question) };
        if same.len() == same.capacity() {
            same.retain(Question::is_wanted);
        }
        same.push(question);
        None
    }

    /// Adds a lookup for a question; gives it back if too many of the app wait.
    pub(super) fn add(&mut self, name: Name, question: Question) -> Option<Question> {
        if !self.enqueue(name.clone()) {
            return Some(question);
        }
        self.questions.insert(name, vec![question]);
        None
    }

    /// Gives up all lookups that have not begun: their questions.
    pub(super) fn give_up(&mut self) -> impl Iterator<Item = Question> + use<> {
        self.waiting.clear();
        std::mem::take(&mut self.questions).into_values().flatten()
    }

    /// An app has ended: gives up its lookups that have not begun.
    pub(super) fn forget(&mut self, slot: u32) -> Vec<Question> {
        let of_app = self.waiting.iter().position(|waiting| waiting.slot == slot);
        let names = of_app.and_then(|at| self.waiting.remove(at)).map(|waiting| waiting.names);
        let questions = names.into_iter().flatten().filter_map(|name| self.questions.remove(&name));
        questions.flatten().collect()
    }

    /// False if too many of the app wait.
    fn enqueue(&mut self, name: Name) -> bool {
        let found = self.waiting.iter_mut().find(|waiting| waiting.slot == name.slot);
        let Some(Waiting { names, refusals, .. }) = found else {
            let (slot, names) = (name.slot, [name].into());
            self.waiting.push_back(Waiting { slot, names, refusals: 0 });
            return true;
        };
        if names.len() >= MAX_WAITING {
            if *refusals > 0 {
                *refusals -= 1;
                return false;
            }
            let questions = &mut self.questions;
            names.retain(|name| {
                let is_wanted = questions[name].iter().any(Question::is_wanted);
                if !is_wanted {
                    questions.remove(name);
                }
                is_wanted
            });
            *refusals = REFUSALS;
        }
        let has_room = names.len() < MAX_WAITING;
        if has_room {
            names.push_back(name);
        }
        has_room
    }

    /// Takes the next lookup, the apps' in turns; none if those that wait have enough under way. The first app may
    /// take half of the threads, the next one half of the rest: it takes many to leave none.
    fn next(&mut self, left_behind: usize) -> Option<Name> {
        // Threads that there are count, also if no more might be started.
        let free = most_threads(left_behind).max(self.workers.len()) - self.busy();
        for _ in 0..self.waiting.len() {
            let mut waiting = self.waiting.pop_front()?;
            let may_begin = self.busy_for(waiting.slot) < free;
            let name = if may_begin { waiting.names.pop_front() } else { None };
            if !waiting.names.is_empty() {
                self.waiting.push_back(waiting);
            }
            if name.is_some() {
                return name;
            }
        }
        None
    }

    /// Begins a lookup that is still wanted: what, and the questions that it answers.
    pub(super) fn begin(
        &mut self,
        worker: ThreadId,
        left_behind: usize,
    ) -> Option<(Name, Vec<Question>)> {
        loop {
            let name = self.next(left_behind)?;
            let mut questions = self.questions.remove(&name).unwrap_or_default();
            questions.retain(Question::is_wanted);
            if !questions.is_empty() {
                self.note(worker, Some(name.slot));
                return Some((name, questions));
            }
        }
    }

    /// False after the pool's end, when nobody asks any more.
    pub(super) fn note(&mut self, worker: ThreadId, busy_for: Option<u32>) -> bool {
        let worker = self.workers.get_mut(&worker);
        worker.map(|worker| worker.busy_for = busy_for).is_some()
    }
}

/// Threads of a pool while others have left that many lookups behind.
fn most_threads(left_behind: usize) -> usize {
    MAX_THREADS.saturating_sub(left_behind).max(LEAST_THREADS)
}
