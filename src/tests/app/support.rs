//! What the tests over real sockets share: an app with a host that records, driven in one of the
//! three ways, and what must hold of each at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketInfo, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor, Stats};
use crate::delivery::{Charge, Delivery, Due, Host, Mode};

pub(super) use super::calls::Calls;
pub(super) use super::tools::*;

/// More than the kernel's buffers of a loopback connection hold: a send of it stays unfinished.
pub(super) const UNSENDABLE: usize = 16 * 1024 * 1024;

/// The handler that gets what nobody else takes.
pub(super) const DEFAULT: usize = 1;

/// How an app's events reach the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drive {
    /// A thread that dispatches.
    Dispatch,
    /// A thread that pulls events.
    Pull,
    /// The reactor's thread.
    Reactor,
    /// A thread that dispatches, and who calls takes the place of the sleeping reactor.
    Helped,
}

pub(super) const DRIVES: [Drive; 4] = [Drive::Dispatch, Drive::Pull, Drive::Reactor, Drive::Helped];

/// Makes a test of each case in each way of delivery: of one that holds calls itself, as a hold ends with the first
/// call that is helped with.
macro_rules! in_each_delivery {
    ($($case:ident),* $(,)?) => {
        mod dispatch { $( #[test] fn $case() { super::$case(super::Drive::Dispatch); } )* }
        mod pull { $( #[test] fn $case() { super::$case(super::Drive::Pull); } )* }
        mod reactor { $( #[test] fn $case() { super::$case(super::Drive::Reactor); } )* }
    };
}
pub(super) use in_each_delivery;

/// The same, and with callers that help.
macro_rules! in_each_mode {
    ($($case:ident),* $(,)?) => {
        in_each_delivery!($($case),*);
        mod helped { $( #[test] fn $case() { super::$case(super::Drive::Helped); } )* }
    };
}
pub(super) use in_each_mode;

/// An event as it reached the host.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) event: Event,
    /// Which callback it was given to; 0 = it was pulled.
    pub(super) handler: usize,
    pub(super) on_reactor: bool,
}

type Reaction = Box<dyn Fn(&Bench, &Event, usize) + Send + Sync>;

#[derive(Default)]
struct Log {
    seen: Vec<Seen>,
    /// What must never happen, and did.
    faults: Vec<String>,
    wakeups: usize,
    gone: usize,
    drivers: usize,
    calls: Vec<usize>,
}

impl Log {
    /// Accepted calls that were not completed exactly once.
    fn unanswered(&self) -> Vec<usize> {
        let mut completed: BTreeMap<usize, usize> = BTreeMap::new();
        for seen in self.seen.iter().filter(|seen| seen.event.ticket.is_some()) {
            *completed.entry(ticket_of(&seen.event)).or_default() += 1;
        }
        let bad = self.calls.iter().filter(|call| completed.get(call) != Some(&1));
        bad.copied().collect()
    }

    fn number_of(&self, event_type: T) -> usize {
        self.seen.iter().filter(|seen| seen.event.event_type == event_type).count()
    }
}

/// One app under test, with its host.
pub(super) struct Bench {
    drive: Drive,
    /// Gone with the app, as the C boundary has it.
    pub(super) app: Mutex<Option<Arc<App>>>,
    log: Mutex<Log>,
    changed: Condvar,
    reaction: Reaction,
    last_ticket: AtomicUsize,
    in_callback: AtomicBool,
    freed: AtomicBool,
}

struct Leaving<'a>(&'a AtomicBool);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct Recording(Arc<Bench>);

impl Host for Recording {
    fn deliver(&self, due: Due<'_>) {
        due.for_each(|event, beside, handlers| {
            let mut taken = event.clone();
            taken.own_data(&Bytes::copy_from_slice(beside));
            for handler in handlers {
                self.0.take(&taken, handler.callback);
            }
        });
    }

    fn wake_up(&self) {
        self.0.log.lock().wakeups += 1;
        self.0.changed.notify_all();
    }

    fn gone(&self) {
        let app = self.0.app.lock().take();
        drop(app);
        self.0.log.lock().gone += 1;
        self.0.changed.notify_all();
    }
}

/// How a bench is to be.
pub(super) struct Plan {
    drive: Drive,
    driven: bool,
    options: Options,
    reactor: Option<SharedReactor>,
    reaction: Reaction,
}

impl Plan {
    pub(super) fn new(drive: Drive) -> Self {
        Self {
            drive,
            driven: true,
            options: Options::default(),
            reactor: None,
            reaction: Box::new(|_, _, _| {}),
        }
    }

    /// What the host does in each of its callbacks, or with each event it pulled.
    pub(super) fn reacting(
        mut self,
        reaction: impl Fn(&Bench, &Event, usize) + Send + Sync + 'static,
    ) -> Self {
        self.reaction = Box::new(reaction);
        self
    }

    pub(super) fn on(mut self, reactor: &SharedReactor) -> Self {
        self.reactor = Some(reactor.clone());
        self
    }

    /// Bounds of undelivered bytes.
    pub(super) fn holding(mut self, per_socket: u64, per_app: u64) -> Self {
        self.options.undelivered_per_socket = per_socket;
        self.options.undelivered_per_app = per_app;
        self
    }

    pub(super) fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The test empties the queue itself.
    pub(super) fn undriven(mut self) -> Self {
        self.driven = false;
        self
    }

    pub(super) fn start(self) -> Arc<Bench> {
        let bench = Arc::new(Bench {
            drive: self.drive,
            app: Mutex::default(),
            log: Mutex::default(),
            changed: Condvar::new(),
            reaction: self.reaction,
            last_ticket: AtomicUsize::new(0),
            in_callback: AtomicBool::new(false),
            freed: AtomicBool::new(false),
        });
        let mut options = self.options;
        options.mode = match self.drive {
            Drive::Reactor => Mode::Reactor,
            Drive::Dispatch | Drive::Pull | Drive::Helped => Mode::Queue,
        };
        options.helps |= self.drive == Drive::Helped && self.reactor.is_none();
        let reactor = self.reactor.unwrap_or_else(|| SharedReactor::start().unwrap());
        let app = App::new(&options, reactor, Box::new(Recording(Arc::clone(&bench)))).unwrap();
        let everything = Ticket { callback: DEFAULT, user_data: 0 };
        app.delivery().set_default_handler(Some((everything, None)));
        *bench.app.lock() = Some(Arc::new(app));
        if self.driven && self.drive != Drive::Reactor {
            bench.drive_on_a_thread();
        }
        bench
    }
}

/// Pulling as a host in Rust does it.
pub(super) trait Pulling {
    fn next(&self, timeout: Option<Duration>) -> Result<Event, Status>;
    fn release(&self, event: &Event);
}

impl Pulling for Delivery {
    fn next(&self, timeout: Option<Duration>) -> Result<Event, Status> {
        match self.pull_at_once(|event, _| event)? {
            Some(event) => Ok(event),
            None => self.pull(timeout, |event, _| event),
        }
    }

    fn release(&self, event: &Event) {
        drop(self.queue().done_with(Charge::of(event), None));
    }
}

impl Bench {
    pub(super) fn start(drive: Drive) -> Arc<Self> {
        Plan::new(drive).start()
    }

    /// The app, until it is gone.
    pub(super) fn app(&self) -> Arc<App> {
        let app = self.app.lock().clone();
        app.expect("the app is not gone")
    }

    pub(super) fn delivery(&self) -> Arc<Delivery> {
        Arc::clone(self.app().delivery())
    }

    pub(super) fn stats(&self) -> Stats {
        self.app().stats()
    }

    // --- events

    /// Empties the queue on a thread of its own until the app has ended.
    pub(super) fn drive_on_a_thread(self: &Arc<Self>) {
        let (bench, delivery) = (Arc::clone(self), self.delivery());
        self.log.lock().drivers += 1;
        std::thread::spawn(move || {
            loop {
                match bench.drain_some(&delivery) {
                    Ok(()) => {}
                    Err(Status::ContextShutDown) => break,
                    Err(other) => {
                        bench.fault(format!("the driver got {other:?}"));
                        break;
                    }
                }
            }
            bench.log.lock().drivers -= 1;
            bench.changed.notify_all();
        });
    }

    fn drain_some(&self, delivery: &Delivery) -> Result<(), Status> {
        if self.drive == Drive::Pull {
            let event = delivery.next(None)?;
            self.take(&event, 0);
            delivery.release(&event);
            Ok(())
        } else {
            delivery.dispatch(usize::MAX, None).map(|_| ())
        }
    }

    fn take(&self, event: &Event, handler: usize) {
        // A pulled event is in the host's own hands: callbacks may run meanwhile.
        let _leaving = (handler != 0).then(|| {
            if self.in_callback.swap(true, Ordering::SeqCst) {
                self.fault(format!("callbacks overlap: {}", line(event)));
            }
            Leaving(&self.in_callback)
        });
        let on_reactor = std::thread::current().name() == Some("chromesock");
        {
            let mut log = self.log.lock();
            let closed = |seen: &Seen| seen.event.event_type == T::ChromesockAppClosed;
            // Who pulls may still hold an event while another thread frees the app.
            let in_order = handler != 0 || !self.freed.load(Ordering::SeqCst);
            if in_order && handler <= DEFAULT && log.seen.iter().rev().take(3).any(closed) {
                log.faults.push(format!("after the end: {}", line(event)));
            }
            if in_order && log.gone > 0 {
                log.faults.push(format!("after gone: {}", line(event)));
            }
            log.seen.push(Seen { event: event.clone(), handler, on_reactor });
        }
        self.changed.notify_all();
        (self.reaction)(self, event, handler);
    }

    /// Records an event that the test has pulled itself.
    pub(super) fn see_pulled(&self, event: &Event) {
        self.take(event, 0);
    }

    pub(super) fn fault(&self, text: String) {
        self.log.lock().faults.push(text);
    }

    /// Waits until `find` finds something in what was seen so far.
    pub(super) fn wait<R>(&self, what: &str, find: impl Fn(&[Seen]) -> Option<R>) -> R {
        self.wait_log(what, |log| find(&log.seen))
    }

    fn wait_log<R>(&self, what: &str, find: impl Fn(&Log) -> Option<R>) -> R {
        let until = Instant::now() + DEADLINE;
        let mut log = self.log.lock();
        loop {
            if let Some(found) = find(&log) {
                return found;
            }
            if self.changed.wait_until(&mut log, until).timed_out() {
                drop(log);
                panic!("{what}: never came ({:?}). {}", self.drive, self.trace());
            }
        }
    }

    /// All that has reached the host, for messages.
    pub(super) fn trace(&self) -> String {
        let log = self.log.lock();
        let mut text = format!(
            "{} events, {} wake-ups, {} drivers, gone {}, faults {:?}",
            log.seen.len(),
            log.wakeups,
            log.drivers,
            log.gone,
            log.faults
        );
        // The end is where it went wrong.
        for seen in log.seen.iter().skip(log.seen.len().saturating_sub(60)) {
            let _ = write!(text, "\n  {}", line(&seen.event));
        }
        text
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.log.lock().seen.clone()
    }

    pub(super) fn count(&self, event_type: T) -> usize {
        self.log.lock().number_of(event_type)
    }

    pub(super) fn wakeups(&self) -> usize {
        self.log.lock().wakeups
    }

    pub(super) fn wait_wakeups(&self, number: usize) {
        self.wait_log("wake-up", |log| (log.wakeups >= number).then_some(()));
    }

    pub(super) fn wait_driver(&self) {
        self.wait_log("end of the driver", |log| (log.drivers == 0).then_some(()));
    }

    pub(super) fn wait_gone(&self) {
        self.wait_log("gone", |log| {
            // Who pulls may have taken an event, and not recorded it yet.
            let is_recorded = self.drive != Drive::Pull
                || (log.unanswered().is_empty() && log.number_of(T::ChromesockAppClosed) > 0);
            (log.gone > 0 && is_recorded).then_some(())
        });
    }

    pub(super) fn wait_event(&self, event_type: T, socket_id: i32) -> Event {
        let is = |e: &Event| e.event_type == event_type && e.socket_id == socket_id;
        self.wait(&format!("{event_type:?} of {socket_id}"), |seen| {
            let found = seen.iter().find(|seen| is(&seen.event));
            found.map(|seen| seen.event.clone())
        })
    }

    /// All bytes that a socket has received so far.
    pub(super) fn received(&self, socket_id: i32) -> Vec<u8> {
        received_in(&self.log.lock().seen, socket_id)
    }

    pub(super) fn wait_received(&self, socket_id: i32, number: usize) -> Vec<u8> {
        self.wait(&format!("{number} bytes of {socket_id}"), |seen| {
            let bytes = received_in(seen, socket_id);
            (bytes.len() >= number).then_some(bytes)
        })
    }

    // --- calls

    /// Makes a call; the number its completion will bear.
    pub(super) fn try_call<R>(
        &self,
        call: impl FnOnce(&App, Ticket) -> Result<R, Status>,
    ) -> Result<(usize, R), Status> {
        let number = self.last_ticket.fetch_add(1, Ordering::SeqCst) + 1;
        let ticket = Ticket { callback: 0, user_data: number };
        let app = self.app.lock().clone().ok_or(Status::ContextShutDown)?;
        let result = if self.drive == Drive::Helped {
            app.hold_calls(true);
            let result = call(&app, ticket);
            app.run_calls();
            result
        } else {
            call(&app, ticket)
        }?;
        self.log.lock().calls.push(number);
        Ok((number, result))
    }

    pub(super) fn call(&self, call: impl FnOnce(&App, Ticket) -> Result<(), Status>) -> usize {
        self.try_call(call).expect("the call is accepted").0
    }

    /// The completion of a call.
    pub(super) fn done(&self, number: usize) -> Event {
        self.wait(&format!("completion of call {number}"), |seen| {
            let found = seen.iter().find(|seen| ticket_of(&seen.event) == number);
            found.map(|seen| seen.event.clone())
        })
    }

    pub(super) fn create(&self, namespace: Namespace) -> i32 {
        let create = |app: &App, ticket| app.make(namespace, SocketProperties::default(), ticket);
        self.try_call(create).expect("create is accepted").1
    }

    pub(super) fn connect(&self, id: i32, host: &str, port: u16) -> usize {
        self.call(|app, t| app.connect(id, host, port.into(), DnsQueryType::Any, t))
    }

    pub(super) fn send(&self, id: i32, data: &[u8]) -> usize {
        self.call(|app, t| app.send_data(id, data, t))
    }

    pub(super) fn resume(&self, id: i32) -> usize {
        self.call(|app, t| app.set_paused(Namespace::Tcp, id, false, t))
    }

    pub(super) fn disconnect(&self, id: i32) -> usize {
        self.call(|app, t| app.disconnect(Namespace::Tcp, id, t))
    }

    pub(super) fn close_socket(&self, id: i32) -> usize {
        self.call(|app, t| app.shut(Namespace::Tcp, id, t))
    }

    pub(super) fn get_info(&self, id: i32) -> usize {
        self.call(|app, t| app.get_info(Namespace::Tcp, id, t))
    }

    /// A server on a port that the system chooses.
    pub(super) fn listen(&self) -> (i32, u16) {
        let id = self.create(Namespace::TcpServer);
        let listen = self.call(|app, t| app.listen(id, "127.0.0.1", 0, None, t));
        assert_eq!(self.done(listen).result, Some(0));
        let info = self.call(|app, t| app.get_info(Namespace::TcpServer, id, t));
        let local = info_of(&self.done(info)).local.clone();
        (id, local.expect("a listening server has an address").port)
    }

    /// A connected socket, and its peer in the hands of the test.
    pub(super) fn connected(&self) -> (i32, TcpStream) {
        let (id, connect, peer) = self.connecting();
        assert_eq!(self.done(connect).result, Some(0));
        (id, peer)
    }

    /// The same, without waiting for the completion, whose number comes second.
    pub(super) fn connecting(&self) -> (i32, usize, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let id = self.create(Namespace::Tcp);
        let connect = self.connect(id, "127.0.0.1", listener.local_addr().unwrap().port());
        let (peer, _) = listener.accept().unwrap();
        (id, connect, with_deadline(peer))
    }

    // --- the end

    pub(super) fn close(&self) {
        self.app().close();
    }

    /// Frees the app as the C boundary does.
    pub(super) fn free(&self) {
        self.freed.store(true, Ordering::SeqCst);
        let app = self.app();
        let delivery = Arc::clone(app.delivery());
        delivery.free(|| app.close());
    }

    /// Closes and frees the app, and checks what must hold of every app at its end.
    pub(super) fn end(&self) {
        let app = self.app();
        app.close();
        self.wait_event(T::ChromesockAppClosed, 0);
        self.wait_driver();
        let stats = app.stats();
        assert_eq!(
            (stats.calls_accepted, stats.sockets_open, stats.unsent_bytes),
            (stats.calls_completed, 0, 0),
            "{}",
            self.trace()
        );
        drop(app);
        self.free();
        self.wait_gone();
        self.check();
    }

    /// Every accepted call was completed exactly once; APP_CLOSED came once, and last; nothing odd.
    pub(super) fn check(&self) {
        let log = self.log.lock();
        let bad = log.unanswered();
        let ends = log.number_of(T::ChromesockAppClosed);
        let good = bad.is_empty() && ends == 1 && log.faults.is_empty() && log.gone == 1;
        drop(log);
        assert!(good, "{:?}: not completed exactly once: {bad:?}; {}", self.drive, self.trace());
    }
}

impl Drop for Bench {
    /// Says what went wrong unseen, unless the test fails already.
    fn drop(&mut self) {
        let faults = &self.log.get_mut().faults;
        if !faults.is_empty() && !std::thread::panicking() {
            eprintln!("faults nobody looked at: {faults:?}");
        }
    }
}

pub(super) fn ticket_of(event: &Event) -> usize {
    event.ticket.map_or(0, |ticket| ticket.user_data)
}

pub(super) fn data_of(event: &Event) -> &[u8] {
    event.data(&[])
}

pub(super) fn info_of(event: &Event) -> &SocketInfo {
    match &event.payload {
        Payload::Sockets(infos) => &infos[0],
        other => panic!("no info: {other:?}"),
    }
}

fn received_in(seen: &[Seen], socket_id: i32) -> Vec<u8> {
    seen.iter()
        .map(|seen| &seen.event)
        .filter(|e| e.event_type == T::ChromeSocketsTcpOnReceive && e.socket_id == socket_id)
        .flat_map(|e| data_of(e).to_vec())
        .collect()
}

fn line(event: &Event) -> String {
    format!(
        "{:?} id {} client {} result {:?} {:?} {} bytes, call {}",
        event.event_type,
        event.socket_id,
        event.client_socket_id,
        event.result,
        event.message,
        event.data_len(),
        ticket_of(event)
    )
}
