//! Name resolution away from the reactor: the system's resolver on a few private threads.
//!
//! Threads start when there is work and end when there has been none for a while. A question that
//! nobody wants any more is skipped; a lookup that hangs is left behind, holding nothing of the app,
//! so neither the reactor nor a shutdown ever waits for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::{Answer, Query};
use crate::net::sys::without_signals;

/// Lookups that run at once.
const MAX_THREADS: usize = 8;
/// Lookups that wait; one more is answered at once with NAME_NOT_RESOLVED.
const MAX_WAITING: usize = 4096;
/// How long an idle thread stays.
const IDLE: Duration = Duration::from_secs(10);

/// Receives the answer of one question, on a resolver thread or at once.
pub type OnAnswer = Box<dyn FnOnce(Answer) + Send>;

/// Who resolves names; the reactor asks, tests may answer themselves.
pub trait Resolver: Send {
    /// Answers later, by `on_answer`, unless the question is no longer wanted by then.
    fn resolve(&mut self, query: Query, on_answer: OnAnswer);
}

struct Job {
    query: Query,
    on_answer: OnAnswer,
}

/// The system's resolver on a pool of threads.
pub struct Pool {
    jobs: Sender<Job>,
    waiting: Receiver<Job>,
    counts: Arc<Counts>,
}

/// There is a thread for each unfinished job, up to `MAX_THREADS`.
#[derive(Default)]
struct Counts {
    unfinished: AtomicUsize,
    threads: AtomicUsize,
}

impl Default for Pool {
    fn default() -> Self {
        let (jobs, waiting) = bounded(MAX_WAITING);
        Self { jobs, waiting, counts: Arc::default() }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.counts.threads).finish_non_exhaustive()
    }
}

impl Resolver for Pool {
    fn resolve(&mut self, query: Query, on_answer: OnAnswer) {
        self.counts.unfinished.fetch_add(1, SeqCst);
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.jobs.try_send(Job { query, on_answer })
        {
            self.counts.refuse(job);
            return;
        }
        self.start_thread_if_needed();
    }
}

impl Pool {
    fn start_thread_if_needed(&self) {
        let threads = self.counts.threads.load(SeqCst);
        if threads >= self.counts.unfinished.load(SeqCst).min(MAX_THREADS) {
            return;
        }
        self.counts.threads.fetch_add(1, SeqCst);
        let (waiting, counts) = (self.waiting.clone(), Arc::clone(&self.counts));
        let thread = std::thread::Builder::new().name("chromesock-dns".into());
        let started = without_signals(|| thread.spawn(move || work(&waiting, &counts)));
        if started.is_err() && self.counts.threads.fetch_sub(1, SeqCst) == 1 {
            // No thread at all: the system is out of resources, and so nobody would ever answer.
            while let Ok(job) = self.waiting.try_recv() {
                self.counts.refuse(job);
            }
        }
    }
}

impl Counts {
    fn refuse(&self, job: Job) {
        (job.on_answer)(Err(Status::NameNotResolved));
        self.unfinished.fetch_sub(1, SeqCst);
    }
}

fn work(waiting: &Receiver<Job>, counts: &Counts) {
    loop {
        match waiting.recv_timeout(IDLE) {
            Ok(job) => {
                if job.query.wanted.strong_count() > 0 {
                    let answer = look_up(&job.query.host, job.query.dns_query_type);
                    (job.on_answer)(answer);
                }
                counts.unfinished.fetch_sub(1, SeqCst);
            }
            Err(_) => {
                counts.threads.fetch_sub(1, SeqCst);
                // A job that came between the time-out and the count was left to this thread.
                if waiting.is_empty() {
                    return;
                }
                counts.threads.fetch_add(1, SeqCst);
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
            // The address that says a name collides with a new top-level domain.
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

    /// A question whose look-up tells that it runs and then hangs until its end is dropped.
    fn hang(pool: &mut Pool, wanted: &Arc<()>, runs: &End<()>) -> End<()> {
        let (runs, (end, ended)) = (runs.clone(), channel());
        let query = Query {
            id: QueryId { socket_id: 1, serial: 1 },
            host: "127.0.0.1".into(),
            dns_query_type: DnsQueryType::Ipv4,
            wanted: Arc::downgrade(wanted),
        };
        let on_answer = move |_| {
            runs.send(()).unwrap();
            let _ = ended.recv();
        };
        pool.resolve(query, Box::new(on_answer));
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
            drop(hang(&mut pool, &wanted, &runs));
            ran("the first");
            let _first = hang(&mut pool, &wanted, &runs);
            (0..10 * round).for_each(|_| std::hint::spin_loop());
            let _second = hang(&mut pool, &wanted, &runs);
            ran("one of two");
            ran("both");
        }
    }
}
