//! Name resolution away from the reactor: the system's resolver on a few private threads.
//!
//! Threads start when there is work and end when there has been none for a while. A question that
//! nobody wants any more is skipped; a lookup that hangs is left behind, holding nothing of the app,
//! so neither the reactor nor a shutdown ever waits for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use dns_lookup::{AddrFamily, AddrInfoHints, LookupErrorKind, SockType};

use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::engine::command::{Answer, Query};

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
    threads: Arc<AtomicUsize>,
    idle: Arc<AtomicUsize>,
}

impl Default for Pool {
    fn default() -> Self {
        let (jobs, waiting) = bounded(MAX_WAITING);
        Self { jobs, waiting, threads: Arc::default(), idle: Arc::default() }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl Resolver for Pool {
    fn resolve(&mut self, query: Query, on_answer: OnAnswer) {
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.jobs.try_send(Job { query, on_answer })
        {
            (job.on_answer)(Err(Status::NameNotResolved));
            return;
        }
        self.start_thread_if_needed();
    }
}

impl Pool {
    fn start_thread_if_needed(&self) {
        let threads = self.threads.load(Ordering::Relaxed);
        if self.waiting.len() <= self.idle.load(Ordering::Acquire) || threads >= MAX_THREADS {
            return;
        }
        self.threads.fetch_add(1, Ordering::Relaxed);
        let (waiting, count, idle) =
            (self.waiting.clone(), Arc::clone(&self.threads), Arc::clone(&self.idle));
        let started = std::thread::Builder::new()
            .name("chromesock-dns".into())
            .spawn(move || work(&waiting, &count, &idle));
        if started.is_err() && self.threads.fetch_sub(1, Ordering::Relaxed) == 1 {
            // No thread at all: the system is out of resources, and so nobody would ever answer.
            while let Ok(job) = self.waiting.try_recv() {
                (job.on_answer)(Err(Status::NameNotResolved));
            }
        }
    }
}

fn work(waiting: &Receiver<Job>, threads: &AtomicUsize, idle: &AtomicUsize) {
    crate::net::sys::block_signals();
    loop {
        idle.fetch_add(1, Ordering::Release);
        let job = waiting.recv_timeout(IDLE);
        idle.fetch_sub(1, Ordering::Release);
        match job {
            Ok(job) if job.query.wanted.strong_count() == 0 => {}
            Ok(job) => {
                let answer = look_up(&job.query.host, job.query.dns_query_type);
                (job.on_answer)(answer);
            }
            Err(_) => {
                threads.fetch_sub(1, Ordering::Relaxed);
                // A job that came between the time-out and the count found this thread idle.
                if waiting.is_empty() {
                    return;
                }
                threads.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// tcp.md DN-5 and DN-7.
fn look_up(host: &str, dns_query_type: DnsQueryType) -> Answer {
    let (address, flags) = match dns_query_type {
        // Families that the machine has no address of are not asked for.
        DnsQueryType::Any => (0, ADDRCONFIG),
        DnsQueryType::Ipv4 => (AddrFamily::Inet.into(), 0),
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

/// Whether the machine is known to have no network: no address beyond loopback.
fn is_offline() -> bool {
    if_addrs::get_if_addrs().is_ok_and(|all| all.iter().all(if_addrs::Interface::is_loopback))
}
