//! One turn of a reactor: sleep, sockets that got ready, messages, timers, work that was left, delivery.
//! Messages that came before a socket got its turn are carried out before it.
//!
//! Apps with reactor delivery get their callbacks after each socket's share of a turn, or those of a few
//! sockets if they bring little, and what the callbacks call is carried out at once. Apps with a queue
//! get their events once per turn. No input of an engine can take the thread down: a failing machine
//! costs its socket, a failing turn its apps.

mod failing;
mod gathering;
mod lives;

use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use mio::{Poll, Registry};

use super::apps::{App, Apps};
use super::batch::{Batch, Message, Watched};
use super::helm::SharedHelm;
use super::inbox::SharedInbox;
use super::preparing;
use super::spin::Spin;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::delivery::{Delivery, Mode};
use crate::engine::command::{Call, Command, Send, SendData};
use crate::engine::{Engine, Setup};
use crate::net::Ready;
use crate::net::sys::{self, Passed, SysNetwork, Waiting};
use crate::resolver::Resolver;

/// Visits to sockets before the poll is asked again; what one counts that a bound has ended, as it may have written a
/// megabyte; and one that looks at an attempt to connect, as a program may make the next one at once.
const VISITS_PER_TURN: usize = 256;
const LONG_VISIT: usize = 32;
const LOOK: usize = 64;
/// Messages read before sockets get their turn; behind an unpause up to twice as many, for a pause that may follow it.
const MESSAGES_PER_READ: usize = 4096;
/// Sockets for which a list of them counts as one message more, and what a list counts that the system makes.
const SOCKETS_PER_MESSAGE: usize = 64;
const SYSTEM_LIST: usize = 64;
/// Bytes of a host for which it does.
pub(super) const HOST_PER_MESSAGE: usize = 16;
/// Small events that are delivered together.
const TOGETHER: usize = 32;
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
    /// Whether the app's callers may take the place of the sleeping reactor, which is the app's alone.
    pub(crate) helps: bool,
}

/// What the reactor's thread, or who takes its place, has at hand.
pub(super) struct Turn {
    registry: Rc<Registry>,
    inbox: SharedInbox,
    resolver: Box<dyn Resolver>,
    apps: Apps,
    batch: Box<Batch>,
    /// When engines want to be told the time; once for each slot.
    timers: BTreeSet<(Instant, u32)>,
    spin: Spin,
    /// Datagrams that are being sent.
    datagrams: Vec<Send>,
    /// Bytes of the blocks to one socket that are to be written together.
    gathered: usize,
    released: Vec<(i32, isize)>,
    /// Apps that go with their host's end of a stream. Those that are gone are left out when the next one comes.
    watched: Vec<Watched>,
    /// Callers may take the thread's place while it sleeps.
    is_helped: bool,
    /// One does so.
    is_helping: bool,
    stop: bool,
}

/// Runs a reactor until it is stopped and has no apps.
pub(super) fn run(
    poll: Poll,
    registry: Registry,
    (inbox, helm): (SharedInbox, SharedHelm),
    resolver: Box<dyn Resolver>,
) {
    inbox.own.begin();
    let turn = Passed::new(|| Turn {
        registry: Rc::new(registry),
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
        is_helped: false,
        is_helping: false,
        stop: false,
    });
    let mut waiting = Waiting::new(poll);
    helm.begin(turn);
    let has_ended = loop {
        match helm.steer(|turn| turn.run(&mut waiting)) {
            Some(Ok(Next::Sleep(due))) if waiting.wait(due).is_ok() => {}
            next => break matches!(next, Some(Ok(Next::End))),
        }
    };
    if let Some(mut turn) = helm.end()
        && !has_ended
    {
        turn.visit(Turn::fail);
    }
}

/// What comes after some turns.
enum Next {
    /// A sleep until this time at most, in which a caller may take over.
    Sleep(Option<Instant>),
    End,
}

impl Turn {
    /// Goes on until a caller may take over.
    fn run(&mut self, waiting: &mut Waiting) -> io::Result<Next> {
        self.inbox.stay_awake();
        loop {
            for (slot, token, ready) in waiting.found() {
                // A call is carried out before what comes later is read.
                self.read_messages();
                // Or the waker, in whose slot there is no app.
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
            self.follow_up();
            if self.stop && self.apps.is_empty() {
                return Ok(Next::End);
            }
            if !self.may_sleep() {
                waiting.look()?;
                continue;
            }
            let due = self.timers.first().map(|(due, _)| *due);
            if self.is_helped {
                return Ok(Next::Sleep(due));
            }
            waiting.wait(due)?;
            self.inbox.stay_awake();
        }
    }

    /// A caller's turn in place of the sleeping reactor: carries out what was called. False if that is to be woken, for
    /// what a bound has left or for an earlier time.
    pub(super) fn help(&mut self) -> bool {
        let was_due = self.timers.first().copied();
        self.is_helping = true;
        self.follow_up();
        self.is_helping = false;
        let is_due_earlier = match (self.timers.first(), was_due) {
            (Some(due), Some(was_due)) => *due < was_due,
            (due, _) => due.is_some(),
        };
        !(is_due_earlier || self.has_messages() || !self.apps.dirty.is_empty() || self.stop)
    }

    /// What a turn does after sockets got ready.
    fn follow_up(&mut self) {
        self.read_messages();
        // An end that is left to the thread finds what was called before it under way.
        if self.is_helping && self.batch.next_is_close() {
            return;
        }
        self.run_timers();
        self.work();
        self.finish();
    }

    /// False while there is anything to do; the announcement of sleep is the last thing before it.
    fn may_sleep(&mut self) -> bool {
        let busy = self.has_messages() || !self.apps.dirty.is_empty();
        !busy && !self.spin.looks_again(Instant::now) && self.inbox.go_to_sleep()
    }

    // --- messages

    #[inline]
    fn has_messages(&self) -> bool {
        self.inbox.own.has_calls() || self.inbox.has_messages()
    }

    #[inline(always)]
    fn read_messages(&mut self) {
        if self.has_messages() {
            self.read();
        }
    }

    #[inline(never)]
    fn read(&mut self) {
        if self.batch.is_empty() {
            self.take_batch();
        }
        let mut read = 0;
        loop {
            let mut may_leave = true;
            if let Some(done) = self.send(MESSAGES_PER_READ.saturating_sub(read)) {
                read += done;
            } else if let Some(done) = self.send_datagrams() {
                read += done;
            } else if self.is_helping && self.batch.next_is_close() {
                // An app's end may be its reactor's, too, for which the thread is waited for.
                return self.inbox.own.leave();
            } else if let Some(message) = self.batch.pop() {
                let weight = self.weight(&message);
                if let Message::Call(slot, _) = message {
                    self.wind_down(slot, weight);
                }
                read += weight;
                may_leave = !is_unpause(&message) || read >= 2 * MESSAGES_PER_READ;
                self.carry_out(message);
            }
            if self.batch.is_empty() {
                self.batch.recycle();
                if may_leave {
                    return;
                }
                // A pause that follows an unpause comes before any read of the socket.
                self.take_batch();
                if self.batch.is_empty() {
                    return;
                }
            } else if read >= MESSAGES_PER_READ && may_leave {
                return self.inbox.own.leave();
            }
        }
    }

    /// What a message counts: lists take long, and as long as many are made in one go nobody frees any. So do hosts, if
    /// they are long.
    fn weight(&mut self, message: &Message) -> usize {
        let Message::Call(slot, call) = message else { return 1 };
        match &call.command {
            Command::GetSockets(_) => {
                let sockets = self.apps.get_mut(*slot).map_or(0, |app| app.engine.sockets());
                1 + sockets / SOCKETS_PER_MESSAGE
            }
            Command::GetNetworkList => SYSTEM_LIST,
            command => 1 + command.host().len() / HOST_PER_MESSAGE,
        }
    }

    /// Carries out the sends of an app that come next, if sends do: at most so many, those to one socket that follow
    /// one another together; how many they were.
    #[inline(always)]
    fn send(&mut self, most: usize) -> Option<usize> {
        let Self { apps, batch, .. } = self;
        let mut runs = batch.next_sends(most)?;
        if apps.get_mut(runs.slot).is_none() {
            while runs.next(true).is_some() {}
        }
        apps.input(runs.slot, 0, |engine| {
            let gathers = engine.gathers_sends();
            loop {
                if let Some((send, bytes)) = runs.next_alone() {
                    engine.handle_send(bytes, send);
                } else if let Some(run) = runs.next(gathers) {
                    engine.handle_sends(run.bytes, run.sends);
                } else {
                    break;
                }
            }
        });
        let (slot, taken) = (runs.slot, runs.taken());
        let number = batch.drop_taken(taken);
        self.wind_down(slot, number);
        Some(number)
    }

    /// What callbacks have called came before what is in the inbox, where their calls may go on.
    fn take_batch(&mut self) {
        if self.inbox.own.has_calls() {
            self.inbox.own.take(&mut self.batch);
        }
        if self.inbox.has_messages() {
            self.inbox.take(&mut self.batch);
        }
    }

    #[inline(never)]
    fn carry_out(&mut self, message: Message) {
        match message {
            // They were read before.
            Message::Sends(_) | Message::Datagram(..) => {}
            Message::Call(slot, call) => self.call(slot, call),
            Message::Attach(slot, seat, gate) => self.attach(slot, *seat, gate),
            Message::Change(slot, change) => self.change(slot, change),
            Message::Close(slot) => self.close(slot, Status::Ok),
            Message::WatchStream(app) => self.watch_stream(app),
            Message::Answer(slot, query, answer) => {
                let input = |engine: &mut Engine<_>| engine.handle_answer(query, answer);
                self.apps.input(slot, query.socket_id, input);
            }
            Message::TlsPrepared(slot, is_prepared) => {
                self.apps.input(slot, 0, |engine| engine.handle_tls_prepared(is_prepared));
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
            _ => {
                self.apps.input(slot, socket_id, |engine| engine.handle_call(call));
            }
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
                    let has_looked = self.apps.input(slot, id, Engine::handle_next_work);
                    let app = self.apps.get_mut(slot);
                    let was_long = app.is_some_and(|app| app.engine.has_work(id));
                    visits = visits.saturating_sub(match has_looked {
                        Some(true) => LOOK,
                        _ if was_long => LONG_VISIT,
                        _ => 1,
                    });
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
            let Some(app) = self.apps.get_mut(slot).filter(|app| app.engine.events() > 0) else {
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
            if mode == Mode::Queue {
                return;
            }
            self.read_messages();
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
            // What callbacks sent may be written already.
            app.dirty = app.engine.next_work().is_some() || app.engine.events() > 0;
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
        if delivery.queue().any_released() || engine.wants_release() || engine.has_errands() {
            self.take_credit(slot);
            self.run_errands(slot);
        }
    }

    #[inline(never)]
    fn take_credit(&mut self, slot: u32) {
        let Some(App { engine, delivery, .. }) = self.apps.get_mut(slot) else { return };
        while delivery.queue().any_released() || engine.wants_release() {
            delivery.queue().take_released(&mut self.released, engine.wants_release());
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
            preparing::TLS.run(prepare, move |is_prepared| {
                if let Some(inbox) = inbox.upgrade() {
                    inbox.post(Message::TlsPrepared(slot, is_prepared));
                }
            });
        }
        for query in app.engine.take_queries() {
            // A lookup that hangs keeps nothing of the reactor.
            let (id, inbox) = (query.id, Arc::downgrade(&self.inbox));
            let wanted = Weak::clone(&query.wanted);
            let on_answer = move |answer| {
                // Another app may have the slot by now.
                if wanted.strong_count() > 0
                    && let Some(inbox) = inbox.upgrade()
                {
                    inbox.post(Message::Answer(slot, id, answer));
                }
            };
            self.resolver.resolve(slot, query, Box::new(on_answer));
        }
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
