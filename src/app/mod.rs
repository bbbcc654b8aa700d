//! An app: it owns sockets and one event queue, and may do what its manifest allows. The C functions and the
//! Rust tests use it.

mod calls;

use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::api::net_error::Status;
use crate::delivery::{Delivery, Host, Mode};
use crate::engine::accounts::Accounts;
use crate::engine::tls::TlsSetup;
use crate::engine::{Limits, Setup};
use crate::net::SocketSettings;
use crate::permissions::Grants;
use crate::reactor::{Change, Line, Reactor, Seat};
use crate::resolver::{Pool, Resolver};

/// The options of an app.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Who empties its event queue.
    pub mode: Mode,
    /// What its manifest allows.
    pub grants: Arc<Grants>,
    /// How its connections are secured.
    pub tls: TlsSetup,
    /// Most bytes of unfinished sends (tcp.md Q-1).
    pub write_quota: u64,
    /// Received bytes of one socket, not yet released by the host, above which it is not read.
    pub undelivered_per_socket: u64,
    /// The same for the whole app.
    pub undelivered_per_app: u64,
    /// How long its reactor looks for work before it sleeps; of several apps the longest time counts.
    pub busy_poll: Duration,
    /// Settings of its sockets that the API does not know.
    pub sockets: SocketSettings,
    /// Whether it is freed when the host closes its end of the stream of wake-ups.
    pub freed_with_stream: bool,
    /// Whether callers may carry out calls while its reactor sleeps, which then is its alone (`App::run_calls`).
    pub helps: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::Queue,
            grants: Arc::new(Grants::allow_all()),
            tls: TlsSetup::default(),
            write_quota: 200 * 1024 * 1024,
            undelivered_per_socket: 1024 * 1024,
            undelivered_per_app: 16 * 1024 * 1024,
            busy_poll: Duration::ZERO,
            sockets: SocketSettings::default(),
            freed_with_stream: false,
            helps: false,
        }
    }
}

/// A reactor that several apps may share.
#[derive(Clone)]
pub(crate) struct SharedReactor(Arc<Reactor>);

impl SharedReactor {
    /// Starts a reactor that asks the system's resolver.
    pub(crate) fn start() -> Result<Self, Status> {
        Self::start_with(Box::new(Pool::default()))
    }

    /// Starts a reactor that asks `resolver`.
    pub(crate) fn start_with(resolver: Box<dyn Resolver>) -> Result<Self, Status> {
        match Reactor::start(resolver) {
            Ok(reactor) => Ok(Self(Arc::new(reactor))),
            // No more threads.
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(Status::InsufficientResources)
            }
            Err(error) => Err(crate::net::os_error::status(&error)),
        }
    }

    #[cfg(test)]
    pub(crate) fn is_asleep(&self) -> bool {
        self.0.is_asleep()
    }

    #[cfg(test)]
    pub(crate) fn may_be_helped(&self) -> bool {
        self.0.may_be_helped()
    }
}

impl std::fmt::Debug for SharedReactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedReactor").finish_non_exhaustive()
    }
}

/// One app: Open, then closing from `close` on, gone after `free`.
pub(crate) struct App {
    line: Line,
    accounts: Arc<Accounts>,
    delivery: Arc<Delivery>,
    grants: Arc<Grants>,
    write_quota: u64,
    freed_with_stream: bool,
    /// Runs at least as long as the app lives.
    _reactor: Arc<Reactor>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").finish_non_exhaustive()
    }
}

/// Counters of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stats {
    /// Calls accepted.
    pub calls_accepted: u64,
    /// Calls completed.
    pub calls_completed: u64,
    /// Live socket ids.
    pub sockets_open: u64,
    /// Bytes of unfinished sends.
    pub unsent_bytes: u64,
    /// Received bytes that are not delivered yet, or that the host keeps.
    pub undelivered_bytes: u64,
    /// Events that wait in the queue.
    pub undelivered_events: u64,
}

impl App {
    /// Opens an app whose events go to `host`.
    pub(crate) fn new(
        options: &Options,
        reactor: SharedReactor,
        host: Box<dyn Host>,
    ) -> Result<Self, Status> {
        options.sockets.check()?;
        let SharedReactor(reactor) = reactor;
        let slot = reactor.new_slot()?;
        let accounts = Arc::new(Accounts::default());
        let delivery = Arc::new(Delivery::new(options.mode, host, reactor.asker(&slot)));
        // At least 1, or nothing could ever be read.
        let bytes = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
        let setup = Setup {
            accounts: Arc::clone(&accounts),
            limits: Limits {
                undelivered_per_socket: bytes(options.undelivered_per_socket),
                undelivered_per_app: bytes(options.undelivered_per_app),
                count_undelivered: options.mode == Mode::Queue,
            },
            grants: Arc::clone(&options.grants),
            tls: options.tls.clone(),
            tells_unasked: delivery.tells_unasked(),
            sockets: options.sockets,
        };
        let (busy_poll, helps) = (options.busy_poll, options.helps);
        let seat = Seat { setup, delivery: Arc::clone(&delivery), busy_poll, helps };
        let line = reactor.attach(slot, seat)?;
        Ok(Self {
            line,
            accounts,
            delivery,
            grants: Arc::clone(&options.grants),
            write_quota: options.write_quota,
            freed_with_stream: options.freed_with_stream,
            _reactor: reactor,
        })
    }

    /// The app's events and handlers.
    #[must_use]
    pub(crate) fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// A new stream of wake-ups for the host, in place of the last one.
    pub(crate) fn event_stream(&self) -> Result<OwnedFd, Status> {
        let stream = self.delivery.stream()?;
        if self.freed_with_stream {
            self.line.watch_stream(&self.delivery);
        }
        Ok(stream)
    }

    /// Holds calls back, certainly from one that unpauses or connects a socket on; or ends that, and those that wait start.
    pub(crate) fn hold_calls(&self, hold: bool) {
        self.line.hold(hold);
    }

    /// Ends a hold. What waits is carried out before this returns, if the reactor sleeps and it is little.
    pub(crate) fn run_calls(&self) {
        self.line.run();
    }

    /// Starts the end: pending calls complete, later ones are refused, APP_CLOSED is the last event.
    pub(crate) fn close(&self) {
        self.line.close();
    }

    /// The app goes to sleep (tcp.md LC-1 to LC-3): sockets that are not persistent close, the others
    /// keep working, and their notifications wait for `resume`; the first one raises APP_WANTED.
    pub(crate) fn suspend(&self) -> Result<(), Status> {
        self.line.change(Change::Suspend)
    }

    /// The app is awake again: what waited is delivered.
    pub(crate) fn resume(&self) -> Result<(), Status> {
        self.line.change(Change::Resume)
    }

    /// All sockets close, and no notification raised so far is delivered any more (tcp.md LC-6). The
    /// app is awake afterwards and may create sockets anew.
    pub(crate) fn unload(&self) -> Result<(), Status> {
        self.delivery.note_unloading();
        let posted = self.line.change(Change::Unload);
        if posted.is_err() {
            self.delivery.unloaded();
        }
        posted
    }

    /// What the app's manifest allows.
    #[must_use]
    pub(crate) fn grants(&self) -> &Grants {
        &self.grants
    }

    /// Its counters as of now.
    #[must_use]
    pub(crate) fn stats(&self) -> Stats {
        // Completed first: a call that completes in between must not look as if it had done so twice.
        let calls_completed = self.accounts.completed();
        Stats {
            calls_accepted: self.accounts.accepted(),
            calls_completed,
            sockets_open: self.accounts.open_sockets(),
            unsent_bytes: self.accounts.unsent(),
            undelivered_bytes: self.delivery.undelivered_bytes(),
            undelivered_events: self.delivery.undelivered_events(),
        }
    }
}
