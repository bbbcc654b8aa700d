//! One turn of a reactor: sleep, sockets that got ready, messages, timers, work that was left, delivery.
//! Messages that came before a socket got its turn are carried out before it.
//!
//! Apps with reactor delivery get their callbacks after each socket's share of a turn, or those of a few
//! sockets if they bring little, and what the callbacks call is carried out at once. Apps with a queue
//! get their events once per turn. No input of an engine can take the thread down: a failing machine
//! costs its socket, a failing turn its apps.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry};

use super::inbox::{Batch, Change, Message, SharedInbox};
use super::life::{self, Asleep};
use super::slots::Slots;
use super::spin::Spin;
use crate::api::event::{Event, Ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::delivery::{Delivery, Mode};
use crate::engine::accounts::Accounts;
use crate::engine::command::{Call, Command, Send, SendData};
use crate::engine::{Engine, Setup};
use crate::net::sys::{self, SysNetwork};
use crate::resolver::Resolver;

/// Readiness events taken per turn.
const EVENTS: usize = 256;
/// Visits to sockets before the poll is asked again.
const VISITS_PER_TURN: usize = 256;
/// Messages read before sockets get their turn.
const MESSAGES_PER_READ: usize = 4096;
/// Bytes of sends to one socket that are written together.
const MAX_GATHERED: usize = 256 * 1024;
/// Datagrams that one system call sends at most, and their bytes (the limits of UDP_SEGMENT).
const MAX_SEGMENTS: usize = 64;
const MAX_JOINED: usize = 65_000;
/// Events of at most `SMALL` bytes that are delivered together.
const TOGETHER: usize = 16;
const SMALL: usize = 1024;
/// Times that callbacks' calls are carried out before other sockets get their turn.
const ROUNDS: usize = 16;
/// Events of an app that are queued before the turn ends.
const EVENTS_PER_PUSH: usize = 512;

/// What an app is made from on the reactor's thread.
pub(crate) struct Seat {
    pub(crate) setup: Setup,
    pub(crate) delivery: Arc<Delivery>,
    /// How long to look for work before sleeping.
    pub(crate) busy_poll: Duration,
}

/// One app on its reactor.
struct App {
    engine: Engine<SysNetwork>,
    delivery: Arc<Delivery>,
    accounts: Arc<Accounts>,
    events: Vec<Event>,
    asleep: Option<Asleep>,
    /// Whether the slot stands in `Turn::dirty`.
    dirty: bool,
    /// When the slot is due in `Turn::timers`.
    due: Option<Instant>,
    busy_poll: Duration,
}

/// The reactor's thread.
pub(super) struct Turn {
    poll: Poll,
    registry: Rc<Registry>,
    inbox: SharedInbox,
    resolver: Box<dyn Resolver>,
    apps: Slots<App>,
    batch: Batch,
    /// Slots whose engines had an input or have work left; no other is looked at.
    dirty: Vec<u32>,
    /// When engines want to be told the time; once for each slot.
    timers: BTreeSet<(Instant, u32)>,
    sends: Vec<Send>,
    spin: Spin,
    datagrams: Vec<Call>,
    released: Vec<(i32, isize)>,
    /// Apps that go with their host's end of a stream. Those that are gone are left out when the next one comes.
    watched: Vec<(u32, Weak<Delivery>)>,
    stop: bool,
}

/// Runs a reactor until it is stopped and has no apps.
pub(super) fn run(poll: Poll, registry: Registry, inbox: SharedInbox, resolver: Box<dyn Resolver>) {
    let mut turn = Turn {
        poll,
        registry: Rc::new(registry),
        inbox,
        resolver,
        apps: Slots::default(),
        batch: Batch::default(),
        dirty: Vec::new(),
        timers: BTreeSet::new(),
        sends: Vec::new(),
        spin: Spin::default(),
        datagrams: Vec::new(),
        released: Vec::new(),
        watched: Vec::new(),
        stop: false,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| turn.run()));
    if !matches!(outcome, Ok(Ok(()))) {
        turn.fail();
    }
}

impl Turn {
    fn run(&mut self) -> std::io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.stop || !self.apps.is_empty() {
            let timeout = self.time_to_sleep();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => events.clear(),
                result => result?,
            }
            if timeout != Some(Duration::ZERO) {
                self.inbox.stay_awake();
            }
            for event in events.iter().filter(|event| event.token() != sys::WAKER) {
                // A call is carried out before what comes later is read.
                self.read_messages();
                let (slot, token) = sys::unpack(event.token());
                if sys::is_watched(token) {
                    self.free_if_left(slot, event.is_read_closed());
                    continue;
                }
                let ready = sys::ready(event);
                self.input(slot, token.owner, |engine| engine.handle_ready(token, ready));
                if self.apps.get_mut(slot).is_some_and(|app| is_much(&app.engine)) {
                    self.settle(slot);
                }
            }
            self.read_messages();
            self.run_timers();
            self.work();
            self.flush_all();
        }
        Ok(())
    }

    /// Zero while there is anything to do; the announcement of sleep is the last thing before it.
    fn time_to_sleep(&mut self) -> Option<Duration> {
        let busy = !self.batch.messages.is_empty() || !self.dirty.is_empty();
        if busy || self.spin.looks_again(Instant::now) || !self.inbox.go_to_sleep() {
            return Some(Duration::ZERO);
        }
        let (due, _) = *self.timers.first()?;
        // Rounded up to poll's milliseconds, or it would wake too early and spin.
        Some(due.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
    }

    /// Gives one input to an app's engine. A panic costs the socket it was about.
    fn input(&mut self, slot: u32, socket_id: i32, input: impl FnOnce(&mut Engine<SysNetwork>)) {
        let Some(app) = self.apps.get_mut(slot) else {
            return;
        };
        let engine = &mut app.engine;
        if catch_unwind(AssertUnwindSafe(|| input(engine))).is_err() {
            engine.abandon(socket_id);
        }
        if !app.dirty {
            app.dirty = true;
            self.dirty.push(slot);
        }
    }

    // --- messages

    /// Whether there were any.
    fn read_messages(&mut self) -> bool {
        if self.batch.messages.is_empty() {
            if !self.inbox.has_messages() {
                return false;
            }
            self.inbox.take(&mut self.batch);
        }
        let mut read = 0;
        while let Some(message) = self.batch.messages.pop_front() {
            read += 1;
            // A pause that follows an unpause comes before any read of the socket.
            let may_stop = read >= MESSAGES_PER_READ && !is_unpause(&message);
            match message {
                Message::Send(slot, send) => self.send(slot, send),
                Message::Call(slot, call) => self.call(slot, call),
                Message::Attach(slot, seat) => self.attach(slot, *seat),
                Message::Change(slot, change) => self.change(slot, change),
                Message::Close(slot) => self.close(slot, Status::Ok),
                Message::WatchStream(slot, delivery) => self.watch_stream(slot, delivery),
                Message::Answer(slot, query, answer) => {
                    self.input(slot, query.socket_id, |engine| engine.handle_answer(query, answer));
                }
                Message::Released(slot) => self.input(slot, 0, |_| {}),
                Message::Stop => self.stop = true,
            }
            if may_stop {
                break;
            }
        }
        true
    }

    fn call(&mut self, slot: u32, call: Call) {
        let socket_id = call.socket_id;
        match call.command {
            Command::Send(SendData::Blocks(_)) => {
                // Blocks to the same socket that follow one another are written together.
                let more_follow = self.batch.next_is_block_like(slot, &call);
                self.input(slot, socket_id, |engine| engine.handle_block(call, more_follow));
            }
            Command::SendTo { data: Some(_), .. } => self.gather_datagrams(slot, call),
            _ => self.input(slot, socket_id, |engine| engine.handle_call(call)),
        }
    }

    /// Datagrams of equal size to one address that follow one another go out together.
    fn gather_datagrams(&mut self, slot: u32, call: Call) {
        let socket_id = call.socket_id;
        let mut datagrams = std::mem::take(&mut self.datagrams);
        datagrams.push(call);
        let mut total = 0;
        while let Some(Message::Call(next_slot, next)) = self.batch.messages.front() {
            let last = &datagrams[datagrams.len() - 1];
            let len = last.datagram_to_join(next).filter(|_| *next_slot == slot);
            let Some(len) = len.filter(|len| total + 2 * len <= MAX_JOINED) else { break };
            if datagrams.len() == MAX_SEGMENTS {
                break;
            }
            total += len;
            if let Some(Message::Call(_, call)) = self.batch.messages.pop_front() {
                datagrams.push(call);
            }
        }
        let mut are_sent = false;
        if datagrams.len() > 1 {
            self.input(slot, socket_id, |engine| {
                are_sent = engine.handle_equal_datagrams(&datagrams);
            });
        }
        if are_sent {
            datagrams.clear();
        }
        for call in datagrams.drain(..) {
            self.input(slot, socket_id, |engine| engine.handle_call(call));
        }
        self.datagrams = datagrams;
    }

    /// Sends to the same socket that follow one another go out together: their bytes already lie
    /// side by side.
    fn send(&mut self, slot: u32, send: Send) {
        let bytes = std::mem::take(&mut self.batch.bytes);
        let rest = &bytes[self.batch.consumed..];
        let mut total = send.len;
        if self.batch.next_send_like(slot, &send).is_none() {
            self.input(slot, send.socket_id, |engine| engine.handle_send(&rest[..total], &send));
        } else {
            let mut sends = std::mem::take(&mut self.sends);
            sends.push(send);
            while total < MAX_GATHERED
                && let Some(next) = self.batch.next_send_like(slot, &send)
            {
                self.batch.messages.pop_front();
                total += next.len;
                sends.push(next);
            }
            self.input(slot, send.socket_id, |engine| engine.handle_sends(&rest[..total], &sends));
            sends.clear();
            self.sends = sends;
        }
        self.batch.consumed += total;
        self.batch.bytes = bytes;
    }

    fn attach(&mut self, slot: u32, seat: Seat) {
        let Seat { setup, delivery, busy_poll } = seat;
        let accounts = Arc::clone(&setup.accounts);
        let network = SysNetwork::new(Rc::clone(&self.registry), slot, setup.sockets);
        let engine = Engine::new(network, setup);
        let events = Vec::new();
        let (asleep, dirty, due) = (None, false, None);
        self.spin.add(slot, busy_poll);
        let app = App { engine, delivery, accounts, events, asleep, dirty, due, busy_poll };
        self.apps.insert(slot, app);
    }

    fn change(&mut self, slot: u32, change: Change) {
        // What was raised before belongs to the time before; work that this finds is done in this turn.
        self.input(slot, 0, |_| {});
        self.flush(slot);
        let is_asleep = self.apps.get_mut(slot).is_some_and(|app| app.asleep.is_some());
        match change {
            Change::Suspend if is_asleep => return,
            Change::Suspend => self.input(slot, 0, Engine::suspend),
            Change::Resume => self.input(slot, 0, Engine::resume),
            Change::Unload => self.shut_down(slot),
        }
        let Some(app) = self.apps.get_mut(slot) else { return };
        let App { engine, delivery, events, asleep, .. } = app;
        match change {
            Change::Suspend => {
                engine.take_events(events);
                *asleep = Some(Asleep::begin(engine, delivery, events));
            }
            Change::Resume => {
                if let Some(asleep) = asleep.take() {
                    events.extend(asleep.end(engine, delivery));
                }
            }
            Change::Unload => {
                if let Some(asleep) = asleep.take() {
                    asleep.drop_all(engine, delivery);
                }
                life::drop_queued(engine, delivery);
                delivery.unloaded();
            }
        }
        self.flush(slot);
    }

    /// Closes all sockets of an app. One that fails at it is given up, and the others have their turn.
    fn shut_down(&mut self, slot: u32) {
        let mut before = usize::MAX;
        while let Some(app) = self.apps.get_mut(slot)
            && app.engine.sockets() < before
        {
            before = app.engine.sockets();
            self.input(slot, 0, Engine::shut_down);
        }
    }

    fn close(&mut self, slot: u32, status: Status) {
        self.shut_down(slot);
        let Some(mut app) = self.apps.remove(slot) else { return };
        self.spin.remove(slot, app.busy_poll);
        if let Some(due) = app.due {
            self.timers.remove(&(due, slot));
        }
        app.engine.take_events(&mut app.events);
        if let Some(asleep) = app.asleep.take() {
            asleep.drop_all(&mut app.engine, &app.delivery);
            app.events.retain(|event| !event.event_type.is_notification());
        }
        app.events.push(app_closed(status));
        // A callback that panics costs itself only: the app is ending.
        while catch_unwind(AssertUnwindSafe(|| hand_out(&app.delivery, &mut app.events))).is_err() {
        }
        app.delivery.end();
        debug_assert_eq!(
            app.accounts.accepted(),
            app.accounts.completed(),
            "every call completes once"
        );
    }

    // --- hosts that may go without a word

    fn watch_stream(&mut self, slot: u32, delivery: Weak<Delivery>) {
        self.watched.retain(|(known, app)| *known != slot && app.strong_count() > 0);
        if let Some(app) = delivery.upgrade() {
            // Where the system cannot, the app stays.
            let _ = app.with_stream(|stream| sys::watch(&self.registry, stream, slot));
        }
        self.watched.push((slot, delivery));
    }

    fn free_if_left(&mut self, slot: u32, is_closed: bool) {
        let watched = self.watched.iter().find(|(known, _)| is_closed && *known == slot);
        let app = watched.and_then(|(_, app)| app.upgrade());
        if app.is_some_and(|app| app.free_for_host()) {
            self.inbox.post_close_of_left(slot);
        }
    }

    // --- time and work

    fn run_timers(&mut self) {
        while let Some((due, slot)) = self.timers.first().copied()
            && due <= Instant::now()
        {
            self.timers.remove(&(due, slot));
            if let Some(app) = self.apps.get_mut(slot) {
                app.due = None;
            }
            self.input(slot, 0, Engine::handle_time);
        }
    }

    /// Lets sockets work: one visit for each app in turn, as long as any has something to do.
    fn work(&mut self) {
        for next in 0..self.dirty.len() {
            self.settle(self.dirty[next]);
        }
        let mut visits = VISITS_PER_TURN;
        let mut some_worked = true;
        while visits > 0 && some_worked {
            some_worked = false;
            for next in 0..self.dirty.len() {
                let slot = self.dirty[next];
                let work = self.apps.get_mut(slot).and_then(|app| app.engine.next_work());
                if let Some(id) = work {
                    some_worked = true;
                    visits = visits.saturating_sub(1);
                    self.input(slot, id, Engine::handle_next_work);
                    if self.is_worth_settling(slot) {
                        self.settle(slot);
                    }
                }
            }
        }
    }

    /// Small events of several sockets are delivered together, as long as others have work.
    fn is_worth_settling(&mut self, slot: u32) -> bool {
        let Some(app) = self.apps.get_mut(slot) else { return false };
        app.engine.next_work().is_none() || is_much(&app.engine)
    }

    /// Delivers what an app's engine has produced, and carries out what the callbacks then call.
    fn settle(&mut self, slot: u32) {
        for _ in 0..ROUNDS {
            let Some(app) = self.apps.get_mut(slot) else {
                return;
            };
            app.engine.take_events(&mut app.events);
            if app.delivery.mode() == Mode::Queue {
                if app.events.len() > EVENTS_PER_PUSH {
                    self.flush(slot);
                }
                return;
            }
            // What nobody asked for waits for the next event, or the end of the turn.
            if app.events.iter().all(Event::is_unasked) {
                return;
            }
            self.flush(slot);
            if !self.read_messages() {
                return;
            }
        }
    }

    // --- output

    fn flush_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        if !dirty.is_empty() {
            self.spin.note_work();
        }
        for slot in &dirty {
            self.flush(*slot);
        }
        // Work left by a bound must be found again next turn.
        dirty.retain(|slot| {
            let Some(app) = self.apps.get_mut(*slot) else { return false };
            let due = app.engine.next_due();
            if due != app.due {
                if let Some(old) = app.due {
                    self.timers.remove(&(old, *slot));
                }
                self.timers.extend(due.map(|due| (due, *slot)));
                app.due = due;
            }
            app.dirty = app.engine.next_work().is_some();
            app.dirty
        });
        self.dirty = dirty;
    }

    /// Hands out an app's events and questions, and takes back what its host has released.
    fn flush(&mut self, slot: u32) {
        let Some(app) = self.apps.get_mut(slot) else {
            return;
        };
        let App { engine, delivery, events, asleep, .. } = app;
        engine.take_events(events);
        if let Some(asleep) = asleep {
            asleep.withhold(engine, delivery, events);
        }
        hand_out(delivery, events);
        if delivery.any_released() || engine.wants_release() {
            delivery.take_released(&mut self.released, engine.wants_release());
            if !self.released.is_empty() {
                self.released.drain(..).for_each(|(id, bytes)| engine.release(id, bytes));
                engine.retry_stalled();
            }
        }
        if !engine.has_queries() {
            return;
        }
        for query in engine.take_queries() {
            let (id, inbox) = (query.id, Arc::clone(&self.inbox));
            let on_answer = move |answer| {
                inbox.post(Message::Answer(slot, id, answer));
            };
            self.resolver.resolve(query, Box::new(on_answer));
        }
    }

    /// The turn itself has failed: every app ends, and no caller is left waiting.
    fn fail(&mut self) {
        let unread = self.inbox.die();
        for batch in [std::mem::take(&mut self.batch), unread] {
            for message in batch.messages {
                match message {
                    Message::Attach(slot, seat) => self.attach(slot, *seat),
                    Message::Call(slot, call) => {
                        self.leave_unanswered(slot, call.event_type, call.socket_id, call.ticket);
                    }
                    Message::Send(slot, send) => {
                        self.leave_unanswered(slot, send.event_type, send.socket_id, send.ticket);
                    }
                    _ => {}
                }
            }
        }
        while let Some(slot) = self.apps.last() {
            self.close(slot, Status::Unexpected);
        }
    }

    /// Completes a call that no engine will see.
    fn leave_unanswered(&mut self, slot: u32, call: EventType, socket_id: i32, ticket: Ticket) {
        let Some(app) = self.apps.get_mut(slot) else { return };
        app.accounts.count_completed();
        let mut event = Event::notification(call, socket_id, Some(Status::Unexpected));
        event.message = Some(Status::Unexpected.name());
        event.ticket = Some(ticket);
        app.events.push(event);
    }
}

fn hand_out(delivery: &Delivery, events: &mut Vec<Event>) {
    match delivery.mode() {
        Mode::Queue => delivery.push(events),
        Mode::Reactor => delivery.deliver_now(events),
    }
}

fn is_unpause(message: &Message) -> bool {
    matches!(message, Message::Call(_, Call { command: Command::SetPaused(_, false), .. }))
}

/// Whether the events of an engine should not wait for more.
fn is_much(engine: &Engine<SysNetwork>) -> bool {
    engine.look_at_events(|events| {
        events.len() >= TOGETHER || events.last().is_some_and(|last| last.data_len() > SMALL)
    })
}

fn app_closed(status: Status) -> Event {
    Event::notification(EventType::ChromesockAppClosed, 0, Some(status))
}
