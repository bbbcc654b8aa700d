//! Name resolution away from the reactor: the system's resolver on private threads.
//!
//! Threads start when there is work and end when there has been none for a while. Questions that wait for
//! the same name are answered by one lookup. A question that nobody wants any more is skipped; a lookup
//! that hangs is left behind, holding nothing of the app, so neither the reactor nor a shutdown ever waits
//! for it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};
use parking_lot::Mutex;

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::{Answer, Query};
use crate::net::sys::without_signals;

/// Lookups that run at once. One that gets no answer takes a thread for as long as the system waits, some ten seconds.
const MAX_THREADS: usize = 64;
/// Lookups that wait; the question for one more is answered at once with NAME_NOT_RESOLVED.
const MAX_WAITING: usize = 4096;
/// How long an idle thread stays.
const IDLE: Duration = Duration::from_secs(10);

/// Receives the answer of one question, on a resolver thread or at once.
pub(crate) type OnAnswer = Box<dyn FnOnce(Answer) + Send>;

/// Who resolves names; the reactor asks, tests may answer themselves.
pub(crate) trait Resolver: Send {
    /// Answers later, by `on_answer`, unless the question is no longer wanted by then.
    fn resolve(&mut self, query: Query, on_answer: OnAnswer);
}

struct Question {
    query: Query,
    on_answer: OnAnswer,
}

/// What is looked up.
type Name = (Box<str>, DnsQueryType);

/// The system's resolver on a pool of threads.
pub(crate) struct Pool {
    lookups: Sender<Name>,
    waiting: Receiver<Name>,
    shared: Arc<Shared>,
}

/// What the threads share. There is one for each unfinished lookup, up to `MAX_THREADS`.
///
/// The counters are SeqCst, since one is written before the other, or the channel, is read: a thread that ends
/// counts itself out and then looks for lookups once more; who asks puts its lookup there and then counts the
/// threads. One of the two sees the other.
#[derive(Default)]
struct Shared {
    unfinished: AtomicUsize,
    threads: AtomicUsize,
    /// The questions that each waiting lookup answers.
    questions: Mutex<HashMap<Name, Vec<Question>>>,
}

impl Default for Pool {
    fn default() -> Self {
        let (lookups, waiting) = bounded(MAX_WAITING);
        Self { lookups, waiting, shared: Arc::default() }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.shared.threads).finish_non_exhaustive()
    }
}

impl Resolver for Pool {
    fn resolve(&mut self, query: Query, on_answer: OnAnswer) {
        let name = (query.host.clone(), query.dns_query_type);
        let question = Question { query, on_answer };
        let mut questions = self.shared.questions.lock();
        if let Some(same) = questions.get_mut(&name) {
            same.push(question);
            return;
        }
        if self.lookups.try_send(name.clone()).is_err() {
            drop(questions);
            (question.on_answer)(Err(Status::NameNotResolved));
            return;
        }
        self.shared.unfinished.fetch_add(1, SeqCst);
        questions.insert(name, vec![question]);
        drop(questions);
        self.start_thread_if_needed();
    }
}

impl Pool {
    fn start_thread_if_needed(&self) {
        let threads = self.shared.threads.load(SeqCst);
        if threads >= self.shared.unfinished.load(SeqCst).min(MAX_THREADS) {
            return;
        }
        self.shared.threads.fetch_add(1, SeqCst);
        let (waiting, shared) = (self.waiting.clone(), Arc::clone(&self.shared));
        let thread = std::thread::Builder::new().name("chromesock-dns".into());
        let started = without_signals(|| thread.spawn(move || work(&waiting, &shared)));
        if started.is_err() && self.shared.threads.fetch_sub(1, SeqCst) == 1 {
            // No thread at all: the system is out of resources, and so nobody would ever answer.
            while let Ok(name) = self.waiting.try_recv() {
                self.shared.finish(&name, |_| Err(Status::NameNotResolved));
            }
        }
    }
}

impl Shared {
    /// Answers all that wait for this name, if any of them still wants it.
    fn finish(&self, name: &Name, look_up: impl FnOnce(&Name) -> Answer) {
        let mut questions = self.questions.lock().remove(name).unwrap_or_default();
        questions.retain(|question| question.query.wanted.strong_count() > 0);
        if !questions.is_empty() {
            let answer = look_up(name);
            questions.into_iter().for_each(|question| (question.on_answer)(answer.clone()));
        }
        self.unfinished.fetch_sub(1, SeqCst);
    }
}

fn work(waiting: &Receiver<Name>, shared: &Shared) {
    loop {
        match waiting.recv_timeout(IDLE) {
            Ok(name) => shared.finish(&name, |(host, families)| look_up(host, *families)),
            Err(_) => {
                shared.threads.fetch_sub(1, SeqCst);
                // A lookup that came between the time-out and the count was left to this thread.
                if waiting.is_empty() {
                    return;
                }
                shared.threads.fetch_add(1, SeqCst);
            }
        }
    }
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
    use std::sync::mpsc::{Sender as End, channel};

    use super::*;
    use crate::engine::command::QueryId;

    const DEADLINE: Duration = Duration::from_secs(60);

    fn ask(pool: &mut Pool, host: &str, wanted: &Arc<()>, on_answer: OnAnswer) {
        let query = Query {
            id: QueryId { socket_id: 1, serial: 1 },
            host: host.into(),
            dns_query_type: DnsQueryType::Ipv4,
            wanted: Arc::downgrade(wanted),
        };
        pool.resolve(query, on_answer);
    }

    /// A question whose look-up tells that it runs and then hangs until its end is dropped.
    fn hang(pool: &mut Pool, host: &str, wanted: &Arc<()>, runs: &End<()>) -> End<()> {
        let (runs, (end, ended)) = (runs.clone(), channel());
        let on_answer = move |_| {
            runs.send(()).unwrap();
            let _ = ended.recv();
        };
        ask(pool, host, wanted, Box::new(on_answer));
        end
    }

    /// No question waits behind one that hangs while there may be a thread for it, in whatever moment
    /// of a thread's life it comes.
    #[test]
    fn as_many_look_ups_run_at_once_as_may() {
        let wanted = Arc::new(());
        let (runs, run) = channel();
        let ran = |what| assert_eq!(run.recv_timeout(DEADLINE), Ok(()), "{what}");
        for round in 0..2000 {
            let mut pool = Pool::default();
            drop(hang(&mut pool, "127.0.0.1", &wanted, &runs));
            ran("the first");
            let _first = hang(&mut pool, "127.0.0.1", &wanted, &runs);
            (0..10 * round).for_each(|_| std::hint::spin_loop());
            let _second = hang(&mut pool, "127.0.0.2", &wanted, &runs);
            ran("one of two");
            ran("both");
        }
    }

    /// Names of a zone whose servers say nothing hold up no others, unless they are very many.
    #[test]
    fn many_look_ups_that_hang_hold_up_no_other() {
        let (mut pool, wanted) = (Pool::default(), Arc::new(()));
        let (runs, run) = channel();
        let ends: Vec<_> = (1..64)
            .map(|hangs| hang(&mut pool, &format!("127.0.0.{hangs}"), &wanted, &runs))
            .collect();
        ends.iter().for_each(|_| run.recv_timeout(DEADLINE).unwrap());
        let (answers, answer) = channel();
        let on_answer = Box::new(move |found| answers.send(found).unwrap());
        ask(&mut pool, "127.0.0.64", &wanted, on_answer);
        assert_eq!(answer.recv_timeout(DEADLINE), Ok(Ok(vec![IpAddr::from([127, 0, 0, 64])])));
    }

    /// However many ask for a name at once, it takes one place among the lookups that wait, and none is refused.
    #[test]
    fn questions_that_wait_for_the_same_name_share_a_look_up_dn_7() {
        let (mut pool, wanted, unwanted) = (Pool::default(), Arc::new(()), Arc::new(()));
        let (runs, run) = channel();
        let ends: Vec<_> = (0..MAX_THREADS)
            .map(|busy| hang(&mut pool, &format!("127.0.0.{busy}"), &wanted, &runs))
            .collect();
        ends.iter().for_each(|_| run.recv_timeout(DEADLINE).unwrap());
        let (answers, answer) = channel();
        for number in 0..2 * MAX_WAITING {
            let answers = answers.clone();
            let on_answer = Box::new(move |answer| answers.send((number, answer)).unwrap());
            let wanted = if number == 5 { &unwanted } else { &wanted };
            ask(&mut pool, &format!("127.0.1.{}", number % 2), wanted, on_answer);
        }
        assert_eq!(pool.waiting.len(), 2);
        drop((unwanted, ends, answers));
        let mut all: Vec<_> = answer.iter().collect();
        all.sort_unstable_by_key(|(number, _)| *number);
        let expected = (0..2 * MAX_WAITING)
            .filter(|number| *number != 5)
            .map(|number| (number, Ok(vec![IpAddr::from([127, 0, 1, u8::from(number % 2 == 1)])])));
        assert!(all.into_iter().eq(expected));
    }
}
