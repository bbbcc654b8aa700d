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

use mio::{Poll, Registry};

use super::apps::{App, Apps};
use super::batch::{Batch, Change, Message, Watched};
use super::inbox::SharedInbox;
use super::life::{self, Asleep};
use super::own::Own;
use super::preparing;
use super::spin::Spin;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::delivery::{Delivery, Mode};
use crate::engine::command::{Call, Command, Send, SendData};
use crate::engine::{Engine, Setup};
use crate::net::Ready;
use crate::net::sys::{self, SysNetwork, Waiting};
use crate::resolver::Resolver;

/// Visits to sockets before the poll is asked again, and what one counts that a bound has ended: it may have written
/// a megabyte.
const VISITS_PER_TURN: usize = 256;
const LONG_VISIT: usize = 32;
/// Messages read before sockets get their turn.
const MESSAGES_PER_READ: usize = 4096;
/// Bytes of sends to one socket that are written together.
const MAX_GATHERED: usize = 256 * 1024;
/// Datagrams that one system call sends at most, and their bytes (the limits of UDP_SEGMENT).
const MAX_SEGMENTS: usize = 64;
const MAX_JOINED: usize = 65_000;
/// Small events that are delivered together.
const TOGETHER: usize = 16;
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

/// The reactor's thread.
pub(super) struct Turn {
    registry: Rc<Registry>,
    inbox: SharedInbox,
    own: Rc<Own>,
    resolver: Box<dyn Resolver>,
    apps: Apps,
    batch: Box<Batch>,
    /// When engines want to be told the time; once for each slot.
    timers: BTreeSet<(Instant, u32)>,
    spin: Spin,
    datagrams: Vec<Call>,
    /// Bytes of the blocks to one socket that are to be written together.
    gathered: usize,
    released: Vec<(i32, isize)>,
    /// Apps that go with their host's end of a stream. Those that are gone are left out when the next one comes.
    watched: Vec<Watched>,
    stop: bool,
}

/// Runs a reactor until it is stopped and has no apps.
pub(super) fn run(poll: Poll, registry: Registry, inbox: SharedInbox, resolver: Box<dyn Resolver>) {
    let mut turn = Turn {
        registry: Rc::new(registry),
        own: Own::begin(&inbox),
        inbox,
        resolver,
        apps: Apps::default(),
        batch: Box::default(),
        timers: BTreeSet::new(),
        spin: Spin::default(),
        datagrams: Vec::new(),
        gathered: 0,
        released: Vec::new(),
        watched: Vec::new(),
        stop: false,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| turn.run(&mut Waiting::new(poll))));
    if !matches!(outcome, Ok(Ok(()))) {
        turn.fail();
    }
}

impl Turn {
    fn run(&mut self, waiting: &mut Waiting) -> std::io::Result<()> {
        while !self.stop || !self.apps.is_empty() {
            let timeout = self.time_to_sleep();
            waiting.wait(timeout)?;
            if timeout != Some(Duration::ZERO) {
                self.inbox.stay_awake();
            }
            for (slot, token, ready) in waiting.found() {
                // A call is carried out before what comes later is read.
                self.read_messages();
                if sys::is_watched(token) {
                    self.free_if_left(slot, ready.has(Ready::READ_CLOSED));
                    continue;
                }
                let is_due = self.apps.input(slot, token.owner, |engine| {
                    engine.handle_ready(token, ready);
                    is_much(engine)
                });
                if is_due == Some(true) {
                    self.settle(slot);
                }
            }
            self.read_messages();
            self.run_timers();
            self.work();
            self.finish();
        }
        Ok(())
    }

    /// Zero while there is anything to do; the announcement of sleep is the last thing before it.
    fn time_to_sleep(&mut self) -> Option<Duration> {
        let busy = self.has_messages() || !self.apps.dirty.is_empty();
        if busy || self.spin.looks_again(Instant::now) || !self.inbox.go_to_sleep() {
            return Some(Duration::ZERO);
        }
        let (due, _) = *self.timers.first()?;
        // Rounded up to poll's milliseconds, or it would wake too early and spin.
        Some(due.saturating_duration_since(Instant::now()) + Duration::from_millis(1))
    }

    // --- messages

    #[inline]
    fn has_messages(&self) -> bool {
        self.own.has_calls() || self.inbox.has_messages()
    }

    /// Whether there were any.
    #[inline(always)]
    fn read_messages(&mut self) -> bool {
        let any = self.has_messages();
        if any {
            self.read();
        }
        any
    }

    #[inline(never)]
    fn read(&mut self) {
        if self.batch.is_empty() {
            self.take_batch();
        }
        let mut read = 0;
        loop {
            let mut unpaused = false;
            if let Some(done) = self.send(MESSAGES_PER_READ.saturating_sub(read)) {
                read += done;
            } else if let Some(message) = self.batch.pop() {
                read += 1;
                unpaused = is_unpause(&message);
                self.carry_out(message);
            }
            if self.batch.is_empty() {
                self.batch.recycle();
                if !unpaused {
                    return;
                }
                // A pause that follows an unpause comes before any read of the socket.
                self.take_batch();
                if self.batch.is_empty() {
                    return;
                }
            } else if read >= MESSAGES_PER_READ && !unpaused {
                return self.own.leave();
            }
        }
    }

    /// Carries out the sends of an app that come next, if sends do: at most so many, those to one socket that follow
    /// one another together; how many they were.
    #[inline(always)]
    fn send(&mut self, most: usize) -> Option<usize> {
        let Self { apps, batch, .. } = self;
        let mut runs = batch.next_sends(most)?;
        if apps.get_mut(runs.slot).is_none() {
            while runs.next(usize::MAX).is_some() {}
        }
        apps.input(runs.slot, 0, |engine| {
            while let Some(run) = runs.next(MAX_GATHERED) {
                engine.handle_sends(run.bytes, run.sends);
            }
        });
        let taken = runs.taken();
        Some(batch.drop_taken(taken))
    }

    /// What callbacks have called came before what is in the inbox, where their calls may go on.
    fn take_batch(&mut self) {
        if self.own.has_calls() {
            self.own.take(&mut self.batch);
        }
        if self.inbox.has_messages() {
            self.inbox.take(&mut self.batch);
        }
    }

    #[inline(never)]
    fn carry_out(&mut self, message: Message) {
        match message {
            // They were read before.
            Message::Sends(_) => {}
            Message::Call(slot, call) => self.call(slot, call),
            Message::Attach(slot, seat) => self.attach(slot, *seat),
            Message::Change(slot, change) => self.change(slot, change),
            Message::Close(slot) => self.close(slot, Status::Ok),
            Message::WatchStream(app) => self.watch_stream(app),
            Message::Answer(slot, query, answer) => {
                let input = |engine: &mut Engine<_>| engine.handle_answer(query, answer);
                self.apps.input(slot, query.socket_id, input);
            }
            Message::TlsPrepared(slot) => {
                self.apps.input(slot, 0, Engine::handle_tls_prepared);
            }
            Message::Released(slot) => {
                self.apps.input(slot, 0, |_| {});
            }
            Message::Stop => self.stop = true,
        }
    }

    fn call(&mut self, slot: u32, call: Call) {
        let socket_id = call.socket_id;
        match call.command {
            Command::Send(SendData::Blocks(_)) => self.gather_block(slot, call),
            Command::SendTo { data: Some(_), .. } => self.gather_datagrams(slot, call),
            _ => {
                self.apps.input(slot, socket_id, |engine| engine.handle_call(call));
            }
        }
    }

    /// Blocks to the same socket that follow one another are written together.
    fn gather_block(&mut self, slot: u32, call: Call) {
        let socket_id = call.socket_id;
        self.gathered += call.unsent_bytes();
        let is_full = self.gathered >= MAX_GATHERED;
        let more_follow = !is_full && self.batch.next_is_block_like(slot, &call);
        self.apps.input(slot, socket_id, |engine| engine.handle_block(call, more_follow));
        if more_follow {
            return;
        }
        self.gathered = 0;
        // A host on another thread makes its next sends while those behind are written.
        let is_queued = |app: &mut App| app.delivery.mode() == Mode::Queue;
        if is_full && self.apps.get_mut(slot).is_some_and(is_queued) {
            self.flush(slot);
        }
    }

    /// Datagrams of equal size to one address that follow one another go out together.
    fn gather_datagrams(&mut self, slot: u32, call: Call) {
        let Self { apps, batch, datagrams, .. } = self;
        let socket_id = call.socket_id;
        datagrams.push(call);
        while datagrams.len() < MAX_SEGMENTS {
            let last = &datagrams[datagrams.len() - 1];
            let fits = |len: usize| (datagrams.len() + 1) * len <= MAX_JOINED;
            let Some(next) = batch.pop_datagram_like(slot, last, fits) else { break };
            datagrams.push(next);
        }
        if datagrams.len() > 1 {
            let are_sent =
                apps.input(slot, socket_id, |engine| engine.handle_equal_datagrams(datagrams));
            if are_sent == Some(true) {
                datagrams.clear();
            }
        }
        for call in datagrams.drain(..) {
            apps.input(slot, socket_id, |engine| engine.handle_call(call));
        }
    }

    fn attach(&mut self, slot: u32, seat: Seat) {
        let Seat { setup, delivery, busy_poll } = seat;
        let accounts = Arc::clone(&setup.accounts);
        let network = SysNetwork::new(Rc::clone(&self.registry), slot, setup.sockets);
        let engine = Engine::new(network, setup);
        self.spin.add(slot, busy_poll);
        self.apps.insert(slot, App::new(engine, delivery, accounts, busy_poll));
    }

    fn change(&mut self, slot: u32, change: Change) {
        // What was raised before belongs to the time before; work that this finds is done in this turn.
        self.apps.input(slot, 0, |_| {});
        self.flush(slot);
        let is_asleep = self.apps.get_mut(slot).is_some_and(|app| app.asleep.is_some());
        match change {
            Change::Suspend if is_asleep => return,
            Change::Suspend => {
                self.apps.input(slot, 0, Engine::suspend);
            }
            Change::Resume => {
                self.apps.input(slot, 0, Engine::resume);
            }
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
            self.apps.input(slot, 0, Engine::shut_down);
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
        while catch_unwind(AssertUnwindSafe(|| app.hand_out_taken())).is_err() {}
        app.delivery.end();
        debug_assert_eq!(
            app.accounts.accepted(),
            app.accounts.completed(),
            "every call completes once"
        );
    }

    // --- hosts that may go without a word

    fn watch_stream(&mut self, app: Watched) {
        self.watched.retain(|known| known.slot != app.slot && known.delivery.strong_count() > 0);
        if let Some(delivery) = app.delivery.upgrade() {
            // Where the system cannot, the app stays.
            let _ = delivery.with_stream(|stream| sys::watch(&self.registry, stream, app.slot));
        }
        self.watched.push(app);
    }

    fn free_if_left(&mut self, slot: u32, is_closed: bool) {
        let app = self.watched.iter().find(|app| is_closed && app.slot == slot);
        if let Some(app) = app
            && let Some(delivery) = app.delivery.upgrade()
            // It may be the end of a stream before, which is open still in a thread that writes to it, or a forked child.
            && delivery.with_stream(sys::has_ended) == Some(true)
        {
            self.inbox.close(slot, &app.gate);
            delivery.free_for_host();
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
            self.apps.input(slot, 0, Engine::handle_time);
        }
    }

    /// Lets sockets work: one visit for each app in turn, as long as any has something to do.
    fn work(&mut self) {
        for next in 0..self.apps.dirty.len() {
            self.settle(self.apps.dirty[next]);
        }
        let mut visits = VISITS_PER_TURN;
        let mut some_worked = true;
        while visits > 0 && some_worked {
            some_worked = false;
            for next in 0..self.apps.dirty.len() {
                let slot = self.apps.dirty[next];
                let work = self.apps.get_mut(slot).and_then(|app| app.engine.next_work());
                if let Some(id) = work {
                    some_worked = true;
                    self.apps.input(slot, id, Engine::handle_next_work);
                    let app = self.apps.get_mut(slot);
                    let was_long = app.is_some_and(|app| app.engine.has_work(id));
                    visits = visits.saturating_sub(if was_long { LONG_VISIT } else { 1 });
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
            let mode = app.delivery.mode();
            let is_due = app.engine.look_at_events(|events| match mode {
                Mode::Queue => events.len() > EVENTS_PER_PUSH,
                // What nobody asked for waits for the next event, or the end of the turn.
                Mode::Reactor => !events.iter().all(Event::is_unasked),
            });
            if !is_due {
                return;
            }
            self.flush(slot);
            if mode == Mode::Queue || !self.read_messages() {
                return;
            }
        }
    }

    // --- output

    /// Hands out what is left, and notes which apps have work left by a bound.
    fn finish(&mut self) {
        if !self.apps.dirty.is_empty() {
            self.spin.note_work();
        }
        let mut left = 0;
        for next in 0..self.apps.dirty.len() {
            let slot = self.apps.dirty[next];
            self.flush(slot);
            let Some(app) = self.apps.get_mut(slot) else { continue };
            let due = app.engine.next_due();
            if due != app.due {
                self.timers.extend(due.map(|due| (due, slot)));
                if let Some(old) = std::mem::replace(&mut app.due, due) {
                    self.timers.remove(&(old, slot));
                }
            }
            app.dirty = app.engine.next_work().is_some();
            if app.dirty {
                self.apps.dirty[left] = slot;
                left += 1;
            }
        }
        self.apps.dirty.truncate(left);
    }

    /// Hands out an app's events and questions, and takes back what its host has released.
    fn flush(&mut self, slot: u32) {
        let Some(app) = self.apps.get_mut(slot) else {
            return;
        };
        app.hand_out();
        let App { engine, delivery, .. } = app;
        if delivery.any_released() || engine.wants_release() || engine.has_errands() {
            self.take_credit(slot);
            self.run_errands(slot);
        }
    }

    #[inline(never)]
    fn take_credit(&mut self, slot: u32) {
        let Some(App { engine, delivery, .. }) = self.apps.get_mut(slot) else { return };
        while delivery.any_released() || engine.wants_release() {
            delivery.take_released(&mut self.released, engine.wants_release());
            if self.released.is_empty() {
                return;
            }
            self.released.drain(..).for_each(|(id, bytes)| engine.release(id, bytes));
            engine.retry_stalled();
            // If it was too little for any, the next release is waited for from now on.
            if engine.next_work().is_some() {
                return;
            }
        }
    }

    #[inline(never)]
    fn run_errands(&mut self, slot: u32) {
        let Some(app) = self.apps.get_mut(slot) else { return };
        if let Some(prepare) = app.engine.take_tls_preparation() {
            // Another app that has the slot by then is told what is true for it as well.
            let inbox = Arc::downgrade(&self.inbox);
            preparing::TLS.run(prepare, move || {
                if let Some(inbox) = inbox.upgrade() {
                    inbox.post(Message::TlsPrepared(slot));
                }
            });
        }
        for query in app.engine.take_queries() {
            let (id, inbox) = (query.id, Arc::clone(&self.inbox));
            let wanted = Weak::clone(&query.wanted);
            let on_answer = move |answer| {
                // Another app may have the slot by now.
                if wanted.strong_count() > 0 {
                    inbox.post(Message::Answer(slot, id, answer));
                }
            };
            self.resolver.resolve(query, Box::new(on_answer));
        }
    }

    /// The turn itself has failed: every app ends, and no caller is left waiting.
    fn fail(&mut self) {
        let own = self.own.end();
        for mut batch in [std::mem::take(&mut self.batch), own, self.inbox.die()] {
            loop {
                if let Some(mut runs) = batch.next_sends(usize::MAX) {
                    while let Some(run) = runs.next(usize::MAX) {
                        for send in run.sends {
                            self.leave_unanswered(runs.slot, *send);
                        }
                    }
                    let taken = runs.taken();
                    batch.drop_taken(taken);
                    continue;
                }
                match batch.pop() {
                    Some(Message::Attach(slot, seat)) => self.attach(slot, *seat),
                    Some(Message::Call(slot, call)) => {
                        let len = call.unsent_bytes();
                        let Call { event_type, socket_id, ticket, .. } = call;
                        self.leave_unanswered(slot, Send { event_type, socket_id, len, ticket });
                    }
                    Some(_) => {}
                    None => break,
                }
            }
        }
        while let Some(slot) = self.apps.last() {
            self.close(slot, Status::Unexpected);
        }
    }

    /// Completes a call that no engine will see; its length is what it has taken from the write quota.
    fn leave_unanswered(&mut self, slot: u32, call: Send) {
        let Some(app) = self.apps.get_mut(slot) else { return };
        app.accounts.count_completed();
        app.accounts.give_back_unsent(call.len as u64);
        let mut event =
            Event::notification(call.event_type, call.socket_id, Some(Status::Unexpected));
        event.message = Some(Status::Unexpected.name());
        event.ticket = Some(call.ticket);
        app.events.push(event);
    }
}

fn is_unpause(message: &Message) -> bool {
    matches!(message, Message::Call(_, Call { command: Command::SetPaused(_, false), .. }))
}

/// Whether the events of an engine should not wait for more.
#[inline]
fn is_much(engine: &Engine<SysNetwork>) -> bool {
    engine.events() >= TOGETHER || engine.brings_much()
}

fn app_closed(status: Status) -> Event {
    Event::notification(EventType::ChromesockAppClosed, 0, Some(status))
}
