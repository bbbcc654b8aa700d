//! Name resolution away from the reactor: the system's resolver on private threads.
//!
//! Threads start when there is work and end when there has been none for a while. Questions of an app that wait
//! for the same name are answered by one lookup. Apps have their turns one after the other, and none has all
//! threads: names that one asks for hold up no other. A question that nobody wants any more is skipped; a lookup
//! that hangs is left behind, holding nothing of the app, so neither the reactor nor a shutdown ever waits
//! for it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{JoinHandle, ThreadId};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};
use parking_lot::Mutex;

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::{Answer, Query};
use crate::net::sys::without_signals;

/// Lookups that run at once. One that gets no answer takes a thread for as long as the system waits: some ten seconds
/// as a rule, without end for a server that takes the question by TCP and says nothing; the engine waits for less.
const MAX_THREADS: usize = 64;
/// Of these, for one app.
const MAX_FOR_AN_APP: usize = 48;
/// Of all, if other pools have left that many lookups behind, or more.
const LEAST_THREADS: usize = 4;
/// Lookups of pools that are gone, beyond which a pool that has no thread yet begins none.
const MAX_LEFT_BEHIND: usize = 128;
/// Lookups of an app that wait; the question for one more is answered at once with NAME_NOT_RESOLVED.
const MAX_WAITING: usize = 4096;
/// How long an idle thread stays.
const IDLE: Duration = Duration::from_secs(10);

/// Receives the answer of one question, on a resolver thread or at once.
pub(crate) type OnAnswer = Box<dyn FnOnce(Answer) + Send>;

/// Who resolves names; the reactor asks, tests may answer themselves.
pub(crate) trait Resolver: Send {
    /// Answers a question of the app in the slot later, by `on_answer`, unless it is no longer wanted by then.
    fn resolve(&mut self, slot: u32, query: Query, on_answer: OnAnswer);
}

struct Question {
    query: Query,
    on_answer: OnAnswer,
}

impl Question {
    fn is_wanted(&self) -> bool {
        self.query.wanted.strong_count() > 0
    }
}

/// What is looked up, for the app in a slot.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Name {
    slot: u32,
    host: Box<str>,
    dns_query_type: DnsQueryType,
}

type LookUp = Arc<dyn Fn(&str, DnsQueryType) -> Answer + Send + Sync>;

/// A resolver on a pool of threads.
pub(crate) struct Pool {
    /// Wakes a thread that is idle; one that is not looks for more by itself.
    wake: Sender<()>,
    woken: Receiver<()>,
    state: Arc<Mutex<State>>,
    look_up: LookUp,
    left_behind: &'static AtomicUsize,
}

/// Unfinished lookups of pools that are gone, of the whole process.
static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);

#[derive(Default)]
struct State {
    /// The questions that each lookup answers that has not begun.
    questions: HashMap<Name, Vec<Question>>,
    /// The lookups that have not begun, of each app in their order; the app whose turn it is comes first.
    waiting: VecDeque<(u32, VecDeque<Name>)>,
    /// How often one was to wait beyond `MAX_WAITING`.
    refused: usize,
    /// One for each unfinished lookup, up to `MAX_THREADS`, and those that are idle.
    workers: HashMap<ThreadId, Worker>,
}

struct Worker {
    thread: JoinHandle<()>,
    /// For which app it looks something up.
    busy_for: Option<u32>,
}

impl Default for Pool {
    /// The system's resolver.
    fn default() -> Self {
        Self::with(Arc::new(look_up), &LEFT_BEHIND)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.state.lock().questions.len();
        f.debug_struct("Pool").field("waiting", &waiting).finish_non_exhaustive()
    }
}

impl Resolver for Pool {
    fn resolve(&mut self, slot: u32, query: Query, on_answer: OnAnswer) {
        let (host, dns_query_type) = (query.host.clone(), query.dns_query_type);
        let name = Name { slot, host, dns_query_type };
        let question = Question { query, on_answer };
        let left_behind = self.left_behind.load(Relaxed);
        let mut state = self.state.lock();
        if let Some(same) = state.questions.get_mut(&name) {
            if same.len() == same.capacity() {
                same.retain(Question::is_wanted);
            }
            same.push(question);
            return;
        }
        let is_hopeless = left_behind >= MAX_LEFT_BEHIND && state.workers.is_empty();
        if is_hopeless || !state.enqueue(name.clone()) {
            drop(state);
            (question.on_answer)(Err(Status::NameNotResolved));
            return;
        }
        state.questions.insert(name, vec![question]);
        // If it is full, there are as many wake-ups under way as threads at the most.
        let _ = self.wake.try_send(());
        if state.needs_worker(left_behind)
            && !self.start_worker(&mut state)
            && state.workers.is_empty()
        {
            // The system is out of resources, so nobody would ever answer.
            let unanswered = std::mem::take(&mut state.questions);
            state.waiting.clear();
            drop(state);
            answer(unanswered.into_values().flatten(), &Err(Status::NameNotResolved));
        }
    }
}

impl Pool {
    fn with(look_up: LookUp, left_behind: &'static AtomicUsize) -> Self {
        let (wake, woken) = bounded(MAX_THREADS);
        Self { wake, woken, state: Arc::default(), look_up, left_behind }
    }

    /// Whether it could be started.
    fn start_worker(&self, state: &mut State) -> bool {
        let (woken, shared) = (self.woken.clone(), Arc::clone(&self.state));
        let (look_up, left_behind) = (Arc::clone(&self.look_up), self.left_behind);
        let thread = std::thread::Builder::new().name("chromesock-dns".into());
        let started =
            without_signals(|| thread.spawn(move || work(&woken, &shared, &*look_up, left_behind)));
        let Ok(thread) = started else { return false };
        state.workers.insert(thread.thread().id(), Worker { thread, busy_for: None });
        true
    }
}

impl Drop for Pool {
    /// Waits for the threads, so that none of the library's is left behind its last app; but for those that look
    /// something up, which takes as long as the system likes.
    fn drop(&mut self) {
        let mut state = self.state.lock();
        let State { workers, .. } = std::mem::take(&mut *state);
        let (busy, idle): (Vec<_>, Vec<_>) =
            workers.into_values().partition(|worker| worker.busy_for.is_some());
        self.left_behind.fetch_add(busy.len(), Relaxed);
        drop(state);
        // Without the last sender, those that wait for a lookup end.
        self.wake = bounded(0).0;
        for worker in idle {
            let _ = worker.thread.join();
        }
    }
}

impl State {
    fn needs_worker(&self, left_behind: usize) -> bool {
        let busy = self.workers.values().filter(|worker| worker.busy_for.is_some()).count();
        let most = MAX_THREADS.saturating_sub(left_behind).max(LEAST_THREADS);
        self.workers.len() < (self.questions.len() + busy).min(most)
    }

    /// False if too many of the app wait.
    fn enqueue(&mut self, name: Name) -> bool {
        let found = self.waiting.iter_mut().find(|(slot, _)| *slot == name.slot);
        let Some((_, names)) = found else {
            self.waiting.push_back((name.slot, [name].into()));
            return true;
        };
        if names.len() >= MAX_WAITING {
            self.refused += 1;
        }
        // Not for each of many that are refused: all may be wanted.
        if names.len() >= MAX_WAITING && self.refused % MAX_WAITING == 1 {
            let questions = &mut self.questions;
            names.retain(|name| {
                let is_wanted = questions[name].iter().any(Question::is_wanted);
                if !is_wanted {
                    questions.remove(name);
                }
                is_wanted
            });
        }
        let has_room = names.len() < MAX_WAITING;
        if has_room {
            names.push_back(name);
        }
        has_room
    }

    /// Takes the next lookup, the apps' in turns; none if those that wait have enough under way.
    fn next(&mut self) -> Option<Name> {
        for _ in 0..self.waiting.len() {
            let (slot, mut names) = self.waiting.pop_front()?;
            let busy = self.workers.values().filter(|worker| worker.busy_for == Some(slot)).count();
            let name = if busy < MAX_FOR_AN_APP { names.pop_front() } else { None };
            if !names.is_empty() {
                self.waiting.push_back((slot, names));
            }
            if name.is_some() {
                return name;
            }
        }
        None
    }

    /// Begins a lookup that is still wanted: what, and the questions that it answers.
    fn begin(&mut self, worker: ThreadId) -> Option<(Name, Vec<Question>)> {
        loop {
            let name = self.next()?;
            let mut questions = self.questions.remove(&name).unwrap_or_default();
            questions.retain(Question::is_wanted);
            if !questions.is_empty() {
                self.note(worker, Some(name.slot));
                return Some((name, questions));
            }
        }
    }

    /// False after the pool's end, when nobody asks any more.
    fn note(&mut self, worker: ThreadId, busy_for: Option<u32>) -> bool {
        let worker = self.workers.get_mut(&worker);
        worker.map(|worker| worker.busy_for = busy_for).is_some()
    }
}

fn work(
    woken: &Receiver<()>,
    state: &Mutex<State>,
    look_up: &dyn Fn(&str, DnsQueryType) -> Answer,
    left_behind: &AtomicUsize,
) {
    let this = std::thread::current().id();
    loop {
        let begun = state.lock().begin(this);
        if let Some((name, questions)) = begun {
            let found = look_up(&name.host, name.dns_query_type);
            if !state.lock().note(this, None) {
                left_behind.fetch_sub(1, Relaxed);
            }
            answer(questions, &found);
            continue;
        }
        if woken.recv_timeout(IDLE).is_err() {
            let mut state = state.lock();
            // A lookup that came since the time-out counts on this thread.
            if state.questions.is_empty() {
                state.workers.remove(&this);
                return;
            }
        }
    }
}

fn answer(questions: impl IntoIterator<Item = Question>, found: &Answer) {
    questions.into_iter().for_each(|question| (question.on_answer)(found.clone()));
}

/// tcp.md DN-5 and DN-7.
fn look_up(host: &str, dns_query_type: DnsQueryType) -> Answer {
    let (address, flags) = match dns_query_type {
        // A family that no interface has an address of is not asked for.
        DnsQueryType::Any if has_global_ipv6() => (0, ADDRCONFIG),
        // For the system a link-local address is one, too.
        DnsQueryType::Any | DnsQueryType::Ipv4 => (AddrFamily::Inet.into(), 0),
        DnsQueryType::Ipv6 => (AddrFamily::Inet6.into(), 0),
    };
    let socktype = SockType::Stream.into();
    let hints = AddrInfoHints { socktype, address, flags, protocol: 0 };
    match dns_lookup::getaddrinfo(Some(host), None, Some(hints)) {
        Ok(found) => {
            let mut addresses: Vec<IpAddr> = Vec::new();
            for entry in found.flatten() {
                if !addresses.contains(&entry.sockaddr.ip()) {
                    addresses.push(entry.sockaddr.ip());
                }
            }
            // ICANN's address for names that collide with a new top-level domain.
            let collides = addresses.contains(&NAME_COLLISION);
            if addresses.is_empty() || collides {
                Err(Status::NameNotResolved)
            } else {
                Ok(addresses)
            }
        }
        // The resolver is sure that the name does not exist.
        Err(error) if matches!(error.kind(), LookupErrorKind::NoName) => {
            Err(Status::NameNotResolved)
        }
        Err(_) if is_offline() => Err(Status::InternetDisconnected),
        Err(_) => Err(Status::NameNotResolved),
    }
}

const NAME_COLLISION: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 53, 53));

const ADDRCONFIG: i32 = libc::AI_ADDRCONFIG;

/// Whether the machine can be the source of IPv6 beyond its links; if that cannot be told, it may.
fn has_global_ipv6() -> bool {
    let is_global = |interface: &if_addrs::Interface| match interface.ip() {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    if_addrs::get_if_addrs().map_or(true, |all| all.iter().any(is_global))
}

/// Whether the machine is known to have no network: no address beyond loopback.
fn is_offline() -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().all(if_addrs::Interface::is_loopback))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

    use crossbeam_channel::unbounded;

    use super::*;
    use crate::engine::command::QueryId;

    const DEADLINE: Duration = Duration::from_secs(60);
    const FOUND: Answer = Ok(Vec::new());

    /// A pool in which the look-up of a name that begins with "hang" lasts until `end` is dropped.
    struct Hanging {
        pool: Pool,
        /// The look-ups that have begun.
        begun: Receiver<String>,
        end: Sender<()>,
        wanted: Arc<()>,
    }

    impl Hanging {
        fn new() -> Self {
            let (begins, begun) = unbounded();
            let (end, ended) = unbounded();
            let look_up = move |host: &str, _| {
                begins.send(host.to_owned()).unwrap();
                if host.starts_with("hang") {
                    let _ = ended.recv();
                }
                FOUND
            };
            let left_behind = Box::leak(Box::default());
            let pool = Pool::with(Arc::new(look_up), left_behind);
            Self { pool, begun, end, wanted: Arc::new(()) }
        }

        fn ask(&mut self, host: &str, on_answer: impl FnOnce(Answer) + Send + 'static) {
            let wanted = Arc::clone(&self.wanted);
            self.ask_while(&wanted, host, on_answer);
        }

        fn ask_while(
            &mut self,
            wanted: &Arc<()>,
            host: &str,
            on_answer: impl FnOnce(Answer) + Send + 'static,
        ) {
            self.ask_for(1, wanted, host, on_answer);
        }

        fn ask_for(
            &mut self,
            slot: u32,
            wanted: &Arc<()>,
            host: &str,
            on_answer: impl FnOnce(Answer) + Send + 'static,
        ) {
            let query = Query {
                id: QueryId { socket_id: 1, serial: 1 },
                host: host.into(),
                dns_query_type: DnsQueryType::Ipv4,
                wanted: Arc::downgrade(wanted),
            };
            self.pool.resolve(slot, query, Box::new(on_answer));
        }

        fn hang(&mut self, look_ups: usize) {
            (0..look_ups).for_each(|look_up| self.ask(&format!("hang {look_up}"), drop));
        }

        fn see_begun(&self, look_ups: usize) {
            (0..look_ups).for_each(|_| {
                self.begun.recv_timeout(DEADLINE).unwrap();
            });
        }
    }

    /// No question waits behind one that hangs while there may be a thread for it, in whatever moment
    /// of a thread's life it comes.
    #[test]
    fn as_many_look_ups_run_at_once_as_may() {
        for round in 0..2000 {
            let mut hanging = Hanging::new();
            hanging.ask("quick", drop);
            hanging.see_begun(1);
            hanging.ask("hangs", drop);
            (0..10 * round).for_each(|_| std::hint::spin_loop());
            hanging.ask("hangs, too", drop);
            hanging.see_begun(2);
        }
    }

    /// Names of a zone whose servers say nothing hold up no others, unless they are very many.
    #[test]
    fn many_look_ups_that_hang_hold_up_no_other() {
        let mut hanging = Hanging::new();
        hanging.hang(MAX_FOR_AN_APP - 1);
        hanging.see_begun(MAX_FOR_AN_APP - 1);
        let (answers, answer) = unbounded();
        hanging.ask("quick", move |found| answers.send(found).unwrap());
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
    }

    /// An app whose names hang, very many of them, neither takes all threads nor the place of another in the queue.
    #[test]
    fn names_of_one_app_hold_up_no_other() {
        let (mut hanging, wanted) = (Hanging::new(), Arc::new(()));
        let (answers, answer) = unbounded();
        let ask = |hanging: &mut Hanging, slot, host: &str| {
            let answers = answers.clone();
            // Those that hang to the end are answered after it.
            hanging.ask_for(slot, &wanted, host, move |found| drop(answers.send(found)));
        };
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(MAX_FOR_AN_APP);
        hanging.hang(MAX_WAITING);
        ask(&mut hanging, 1, "one too many");
        assert_eq!(answer.try_recv(), Ok(Err(Status::NameNotResolved)));
        ask(&mut hanging, 2, "hang 0");
        hanging.see_begun(1);
        ask(&mut hanging, 3, "quick");
        hanging.see_begun(1);
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
        // All threads are busy: whoever waits is served in turns, not behind the thousands.
        for number in 1..MAX_THREADS - MAX_FOR_AN_APP {
            ask(&mut hanging, 2, &format!("hang {number}"));
        }
        hanging.see_begun(MAX_THREADS - MAX_FOR_AN_APP - 1);
        ask(&mut hanging, 4, "quick");
        assert!(hanging.begun.try_recv().is_err());
        let mut begun = Vec::new();
        while !begun.contains(&"quick".to_owned()) {
            assert!(begun.len() < 3, "{begun:?}");
            hanging.end.send(()).unwrap();
            begun.push(hanging.begun.recv_timeout(DEADLINE).unwrap());
        }
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
    }

    /// Calls that have ended keep neither memory nor the places of others, however long look-ups hang.
    #[test]
    fn questions_that_nobody_wants_any_more_take_no_place() {
        let mut hanging = Hanging::new();
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(MAX_FOR_AN_APP);
        (0..100_000).for_each(|_| hanging.ask_while(&Arc::default(), "again", drop));
        let all = |pool: &Pool| pool.state.lock().questions.values().map(Vec::len).sum::<usize>();
        assert!(all(&hanging.pool) < 100);
        (0..MAX_WAITING).for_each(|n| hanging.ask_while(&Arc::default(), &n.to_string(), drop));
        let (answers, answer) = unbounded();
        hanging.ask("quick", move |found| answers.send(found).unwrap());
        assert!(all(&hanging.pool) < 100);
        hanging.end = unbounded().0;
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
    }

    /// However many ask for a name at once, it takes one place among the lookups that wait, and none is refused.
    #[test]
    fn questions_that_wait_for_the_same_name_share_a_look_up_dn_7() {
        let (mut hanging, unwanted) = (Hanging::new(), Arc::new(()));
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(MAX_FOR_AN_APP);
        let wanted = Arc::clone(&hanging.wanted);
        let (answers, answer) = unbounded();
        for number in 0..2 * MAX_WAITING {
            let answers = answers.clone();
            let on_answer = move |found| answers.send((number, found)).unwrap();
            let wanted = if number == 5 { &unwanted } else { &wanted };
            hanging.ask_while(wanted, ["even", "odd"][number % 2], on_answer);
        }
        assert_eq!(hanging.pool.state.lock().questions.len(), 2);
        drop((unwanted, answers));
        hanging.end = unbounded().0;
        let mut all: Vec<_> = answer.iter().collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        let expected = (0..2 * MAX_WAITING).filter(|number| *number != 5);
        assert!(all.into_iter().eq(expected.map(|number| (number, FOUND))));
        let begun: Vec<_> = hanging.begun.try_iter().collect();
        assert!(begun == ["even", "odd"] || begun == ["odd", "even"], "{begun:?}");
    }

    /// Look-ups that outlive their pool take the place of some that the next one begins, but for a few; and beyond a
    /// bound those of a new pool are refused.
    #[test]
    fn threads_that_are_left_behind_are_bounded() {
        let mut hanging = Hanging::new();
        hanging.hang(MAX_FOR_AN_APP);
        hanging.see_begun(MAX_FOR_AN_APP);
        let left_behind = hanging.pool.left_behind;
        for expected in [MAX_THREADS - MAX_FOR_AN_APP, LEAST_THREADS, LEAST_THREADS] {
            // The next app of the process, whose look-ups hang as well.
            hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
            hanging.hang(MAX_FOR_AN_APP);
            hanging.see_begun(expected);
            assert_eq!(hanging.pool.state.lock().workers.len(), expected);
        }
        let (answers, answer) = unbounded();
        let ask = |hanging: &mut Hanging| {
            let answers = answers.clone();
            hanging.ask("quick", move |found| answers.send(found).unwrap());
        };
        while left_behind.load(Relaxed) < MAX_LEFT_BEHIND {
            hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
            hanging.hang(MAX_FOR_AN_APP);
            hanging.see_begun(LEAST_THREADS);
            hanging.pool = Pool::with(Arc::clone(&hanging.pool.look_up), left_behind);
        }
        assert!(left_behind.load(Relaxed) < MAX_LEFT_BEHIND + LEAST_THREADS);
        ask(&mut hanging);
        assert_eq!(answer.try_recv(), Ok(Err(Status::NameNotResolved)));
        hanging.end = unbounded().0;
        let deadline = std::time::Instant::now() + DEADLINE;
        while left_behind.load(Relaxed) > 0 {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
        ask(&mut hanging);
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(FOUND));
    }

    /// CL-3: what a thread holds is given back when the last app has gone, as those find who look for leaks then;
    /// a look-up that hangs is not waited for.
    #[test]
    fn the_end_waits_for_threads_that_look_nothing_up() {
        struct Ended(Arc<AtomicBool>);
        impl Drop for Ended {
            fn drop(&mut self) {
                // Long enough that an end which does not wait comes first.
                (0..100).for_each(|_| std::thread::yield_now());
                self.0.store(true, SeqCst);
            }
        }
        thread_local!(static LAST: std::cell::OnceCell<Ended> = const { std::cell::OnceCell::new() });

        let (mut hanging, ended) = (Hanging::new(), Arc::new(AtomicBool::new(false)));
        hanging.hang(1);
        let (last, (answers, answer)) = (Ended(Arc::clone(&ended)), unbounded());
        hanging.ask("quick", move |_| {
            LAST.with(|place| place.set(last).unwrap_or_else(|_| unreachable!()));
            answers.send(()).unwrap();
        });
        hanging.see_begun(2);
        answer.recv_timeout(DEADLINE).unwrap();
        drop(hanging.pool);
        assert!(ended.load(SeqCst));
        drop(hanging.end);
    }
}
