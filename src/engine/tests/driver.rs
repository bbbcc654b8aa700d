//! Drives one engine over the simulated network and writes down what happens as short lines, in
//! the notation of tcp.md section 20: `> call`, `< completion`, `! event`; also `? question` to the
//! resolver and `~ system call`.
//!
//! Checks on every line what always holds: each call completes once and as what it was, ids are
//! never reused, and after a `close` nothing follows but the one event that CL-2 allows.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, Endpoint, SocketInfo};
use crate::api::table::EventType as T;
use crate::engine::accounts::Accounts;
use crate::engine::command::{
    Answer, BegunSend, Call, Command, Destination, Query, Send, SendData,
};
use crate::engine::sim::{Sim, SimDatagram, SimNetwork, SimStream};
use crate::engine::{Engine, Limits, Setup, TlsSetup};
use crate::net::{SocketSettings, address};
use crate::permissions::Grants;

/// Sends up to this size travel together, larger ones in blocks, as the reactor does it.
const MAX_BESIDE: usize = 16 * 1024;
const BLOCK: usize = 64 * 1024;

/// Datagrams of one size, from one socket to one place, that follow one another.
#[derive(Default)]
pub(super) struct Datagrams {
    sends: Vec<Send>,
    data: Vec<u8>,
    address: String,
    port: i32,
    dns_query_type: DnsQueryType,
}

impl Datagrams {
    fn destination(&self) -> Destination<'_> {
        let Self { address, port, dns_query_type, .. } = self;
        Destination { address, port: *port, dns_query_type: *dns_query_type }
    }
}

/// One engine with its program and its peers.
pub(super) struct Rig {
    pub(super) sim: Sim,
    pub(super) host: usize,
    pub(super) engine: Engine<SimNetwork>,
    pub(super) accounts: Arc<Accounts>,
    /// Lines since the last look.
    pub(super) trace: Vec<String>,
    /// The other ends, in the order they were connected; `None` = closed.
    pub(super) peers: Vec<Option<SimStream>>,
    /// The test's own datagram sockets, in the order they were bound.
    pub(super) mates: Vec<SimDatagram>,
    /// Whether the program releases received data at once, as most do.
    pub(super) releases: bool,
    /// Whether a panic costs the socket it happened in, as in the reactor.
    pub(super) contains_panics: bool,
    pub(super) quota: u64,
    /// Whether large sends are those of callbacks on the reactor's thread.
    pub(super) is_prompt: bool,
    /// What was received, by socket, over all its connections.
    pub(super) received: BTreeMap<i32, Vec<u8>>,
    /// Every piece of data ever delivered, still held, with a copy.
    pub(super) held: Vec<(Bytes, Vec<u8>)>,
    /// Whether pieces are held, to see that their memory is not used again.
    pub(super) holds: bool,
    /// Whether TLS is prepared as soon as that is asked for.
    pub(super) prepares_tls: bool,
    /// Whether lines are written; a long random conversation needs none.
    pub(super) writes_trace: bool,
    /// The events since the last look, if they are kept for the test.
    pub(super) kept: Option<Vec<Event>>,
    events: Vec<Event>,
    /// Questions not answered yet, by serial number.
    pub(super) queries: BTreeMap<u32, Query>,
    /// Calls not completed yet: ticket, type and socket.
    pending: BTreeMap<usize, (T, i32)>,
    pub(super) last_ticket: usize,
    ids: BTreeSet<i32>,
    /// Closed sockets: the close's ticket, and whether the one event that may follow has come.
    closed: BTreeMap<i32, (usize, bool)>,
}

/// The limits most tests run under: never reached.
pub(super) const LIMITS: Limits = Limits {
    undelivered_per_socket: 1024 * 1024,
    undelivered_per_app: 16 * 1024 * 1024,
    count_undelivered: true,
};

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(&Sim::new(), 0, LIMITS, Grants::allow_all())
    }

    pub(super) fn with(sim: &Sim, host: usize, limits: Limits, grants: Grants) -> Self {
        let accounts = Arc::new(Accounts::default());
        let setup = Setup {
            tells_unasked: Arc::new(true.into()),
            accounts: Arc::clone(&accounts),
            limits,
            grants: Arc::new(grants),
            tls: TlsSetup::default(),
            sockets: SocketSettings::default(),
        };
        Self {
            sim: sim.clone(),
            host,
            engine: Engine::new(sim.network(host), setup),
            accounts,
            trace: Vec::new(),
            peers: Vec::new(),
            mates: Vec::new(),
            releases: true,
            contains_panics: false,
            quota: 200 * 1024 * 1024,
            is_prompt: false,
            received: BTreeMap::new(),
            held: Vec::new(),
            holds: false,
            prepares_tls: true,
            writes_trace: true,
            kept: None,
            events: Vec::new(),
            queries: BTreeMap::new(),
            pending: BTreeMap::new(),
            last_ticket: 0,
            ids: BTreeSet::new(),
            closed: BTreeMap::new(),
        }
    }

    // --- in

    pub(super) fn next_id(&mut self) -> i32 {
        let id = self.accounts.next_id().unwrap();
        self.note_new(id);
        id
    }

    /// Issues one call other than a small send.
    pub(super) fn call(&mut self, event_type: T, socket_id: i32, command: Command) {
        let call = self.accept(event_type, socket_id, command);
        self.input(socket_id, |engine| engine.handle_call(call));
    }

    pub(super) fn accept(&mut self, event_type: T, socket_id: i32, command: Command) -> Call {
        let ticket = self.ticket(event_type, socket_id);
        Call { event_type, socket_id, ticket, command }
    }

    /// A call is accepted.
    fn ticket(&mut self, event_type: T, socket_id: i32) -> Ticket {
        self.last_ticket += 1;
        self.accounts.count_accepted();
        self.pending.insert(self.last_ticket, (event_type, socket_id));
        Ticket { callback: 7, user_data: self.last_ticket }
    }

    /// Issues sends to one socket, as they come from the inbox: small ones together.
    pub(super) fn send(&mut self, id: i32, sends: &[Vec<u8>]) {
        self.send_as(T::ChromeSocketsTcpSend, id, sends);
    }

    /// The same for `sockets.tcp.send` or `socket.write`.
    pub(super) fn send_as(&mut self, event_type: T, id: i32, sends: &[Vec<u8>]) {
        let mut together = Vec::new();
        let mut bytes = Vec::new();
        let mut blocks = Vec::new();
        for data in sends {
            let len = data.len();
            if !self.accounts.take_unsent(len as u64, self.quota) {
                self.send_together(id, &mut bytes, &mut together);
                self.send_blocks(id, &mut blocks);
                self.call(event_type, id, Command::Send(SendData::OverQuota));
            } else if len > MAX_BESIDE {
                self.send_together(id, &mut bytes, &mut together);
                if self.is_prompt {
                    self.send_blocks(id, &mut blocks);
                    self.send_promptly(event_type, id, data);
                    continue;
                }
                let pieces = data.chunks(BLOCK).map(Bytes::copy_from_slice);
                let block = SendData::Blocks(pieces.collect());
                blocks.push(self.accept(event_type, id, Command::Send(block)));
            } else {
                self.send_blocks(id, &mut blocks);
                let ticket = self.ticket(event_type, id);
                together.push(Send { event_type, socket_id: id, len, ticket });
                bytes.extend_from_slice(data);
            }
        }
        self.send_together(id, &mut bytes, &mut together);
        self.send_blocks(id, &mut blocks);
    }

    /// As callbacks on the reactor's thread do it.
    fn send_promptly(&mut self, event_type: T, socket_id: i32, data: &[u8]) {
        let (len, ticket) = (data.len(), self.ticket(event_type, socket_id));
        let send = Send { event_type, socket_id, len, ticket };
        let rest = |taken| data[taken..].chunks(BLOCK).map(Bytes::copy_from_slice).collect();
        let left = match self.engine.begin_send(&send, data) {
            Ok(()) => return self.input(socket_id, |_| {}),
            Err(None) => SendData::Blocks(rest(0)),
            Err(Some(first)) => {
                let rest = rest(*first.as_ref().unwrap_or(&0));
                SendData::Begun(Box::new(BegunSend { len, first, rest }))
            }
        };
        self.input(socket_id, |engine| engine.handle_call(send.with_data(left)));
    }

    fn send_blocks(&mut self, id: i32, blocks: &mut Vec<Call>) {
        let mut blocks = std::mem::take(blocks).into_iter();
        while let Some(call) = blocks.next() {
            let more_follow = blocks.len() > 0;
            self.input(id, |engine| engine.handle_block(call, more_follow));
        }
    }

    fn send_together(&mut self, id: i32, bytes: &mut Vec<u8>, sends: &mut Vec<Send>) {
        let (bytes, sends) = (std::mem::take(bytes), std::mem::take(sends));
        if sends.len() > 1 && self.engine.gathers_sends() {
            return self.input(id, |engine| engine.handle_sends(&bytes, &sends));
        }
        let mut bytes = bytes.as_slice();
        for send in &sends {
            let own = bytes.split_off(..send.len).expect("the bytes of each send");
            self.input(id, |engine| engine.handle_send(own, send));
        }
    }

    /// Issues `sockets.udp.send` or `socket.sendTo`: behind those `before` that it may leave with, as the reactor does it.
    pub(super) fn send_to(
        &mut self,
        (event_type, socket_id): (T, i32),
        data: &[u8],
        to: Destination<'_>,
        before: &mut Datagrams,
    ) {
        let len = data.len();
        let fits = self.accounts.take_unsent(len as u64, self.quota);
        let joins = |last: &Send| {
            (last.event_type, last.socket_id, last.len) == (event_type, socket_id, len)
                && before.destination() == to
                && len > 0
        };
        if !(fits && before.sends.last().is_some_and(joins)) {
            self.flush_datagrams(before);
        }
        let Destination { address, port, dns_query_type } = to;
        if !fits {
            let address = address.into();
            let command = Command::SendToOverQuota { address, port, dns_query_type };
            return self.call(event_type, socket_id, command);
        }
        let ticket = self.ticket(event_type, socket_id);
        before.sends.push(Send { event_type, socket_id, len, ticket });
        before.data.extend_from_slice(data);
        (before.address, before.port) = (address.to_owned(), port);
        before.dns_query_type = dns_query_type;
    }

    pub(super) fn flush_datagrams(&mut self, datagrams: &mut Datagrams) {
        let datagrams = std::mem::take(datagrams);
        let Datagrams { sends, data, .. } = &datagrams;
        if let Some(Send { socket_id, .. }) = sends.first() {
            let to = datagrams.destination();
            self.input(*socket_id, |engine| engine.handle_datagrams(data, to, sends));
        }
    }

    pub(super) fn answer(&mut self, serial: u32, answer: Answer) {
        let query = self.queries.remove(&serial).expect("a question asked");
        self.input(query.id.socket_id, |engine| {
            engine.handle_answer(query.id, answer);
        });
    }

    /// One input to the engine; what it says is taken up at once.
    pub(super) fn input(&mut self, id: i32, input: impl FnOnce(&mut Engine<SimNetwork>)) {
        let engine = &mut self.engine;
        if self.contains_panics {
            if catch_unwind(AssertUnwindSafe(|| input(engine))).is_err() {
                engine.abandon(id);
            }
        } else {
            input(engine);
        }
        self.take_events();
    }

    /// Moves the clock and lets everything happen that is due.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        self.sim.advance(Duration::from_millis(milliseconds));
        self.run();
    }

    /// One pass over readiness, timers and work; whether anything was done.
    pub(super) fn turn(&mut self) -> bool {
        let mut busy = false;
        for (token, ready) in self.sim.take_ready(self.host) {
            busy = true;
            self.input(token.owner, |engine| engine.handle_ready(token, ready));
        }
        if self.time_is_up() {
            busy = true;
            self.input(0, Engine::handle_time);
        }
        if let Some(id) = self.engine.next_work() {
            busy = true;
            self.input(id, |engine| _ = engine.handle_next_work());
        }
        self.ask();
        busy
    }

    fn time_is_up(&self) -> bool {
        use crate::net::Network;
        let now = self.sim.network(self.host).now();
        self.engine.next_due().is_some_and(|due| due <= now)
    }

    /// Runs until nothing is left to do.
    pub(super) fn run(&mut self) {
        for _ in 0..1_000_000 {
            if !self.turn() {
                return;
            }
        }
        panic!("the engine does not come to rest:\n{}", self.trace.join("\n"));
    }

    /// Connections that came to the test become peers.
    pub(super) fn meet(&mut self) {
        self.peers.extend(self.sim.accept().into_iter().map(Some));
    }

    /// Asks as the host for what TLS has agreed upon.
    pub(super) fn ask_tls_session(&mut self, id: i32) {
        self.call(T::ChromesockTlsSession, id, Command::GetTlsSession);
    }

    // --- out

    pub(super) fn say(&mut self, line: String) {
        if self.writes_trace {
            self.trace.push(line);
        }
    }

    fn ask(&mut self) {
        if self.prepares_tls && self.engine.take_tls_preparation().is_some() {
            self.input(0, |engine| engine.handle_tls_prepared(true));
        }
        for query in self.engine.take_queries() {
            let Query { id, host, dns_query_type, .. } = &query;
            let (serial, socket) = (id.serial, id.socket_id);
            self.say(format!("? q{serial} of {socket}: {host} {dns_query_type:?}"));
            self.queries.insert(serial, query);
        }
        let given_up = |query: &Query| query.wanted.strong_count() == 0;
        let unwanted: Vec<u32> = self
            .queries
            .extract_if(.., |_, query| given_up(query))
            .map(|(serial, _)| serial)
            .collect();
        for serial in unwanted {
            self.say(format!("? q{serial} unwanted"));
        }
    }

    fn take_events(&mut self) {
        let mut events = std::mem::take(&mut self.events);
        self.engine.take_events(&mut events);
        for event in events.drain(..) {
            self.note(&event);
            if self.writes_trace {
                self.trace.push(render(&event));
            }
            if let Some(kept) = &mut self.kept {
                kept.push(event);
                continue;
            }
            let weight = event.weight().cast_signed();
            if let Payload::Data(data) | Payload::Datagram(data, _) = event.payload {
                let id = event.socket_id;
                self.received.entry(id).or_default().extend_from_slice(&data);
                if self.holds {
                    let copy = data.to_vec();
                    self.held.push((data, copy));
                }
                if self.releases {
                    self.release(id, weight);
                }
            }
        }
        self.events = events;
    }

    /// The program releases (or, negative, keeps) received bytes.
    pub(super) fn release(&mut self, id: i32, bytes: isize) {
        self.engine.release(id, bytes);
        if self.engine.wants_release() {
            self.engine.retry_stalled();
        }
    }

    /// The id given last.
    pub(super) fn newest_id(&self) -> i32 {
        self.ids.last().copied().unwrap()
    }

    fn note_new(&mut self, id: i32) {
        assert!(self.ids.last().is_none_or(|last| *last < id), "G-1: {id} is no new id");
        self.ids.insert(id);
    }

    fn note(&mut self, event: &Event) {
        let id = event.socket_id;
        if let Some(Ticket { user_data, .. }) = event.ticket {
            let call = self.pending.remove(&user_data);
            assert_eq!(call, Some((event.event_type, id)), "G-20: one completion per call");
            if let Some((close, _)) = self.closed.get(&id) {
                assert!(user_data > *close, "O-6: a call of {id} completed after its close");
            }
            let is_close = matches!(
                event.event_type,
                T::ChromeSocketsTcpClose
                    | T::ChromeSocketsTcpServerClose
                    | T::ChromeSocketsUdpClose
                    | T::ChromeSocketDestroy
            );
            if is_close && event.message.is_none() {
                self.closed.insert(id, (user_data, false));
            }
            return;
        }
        if let Payload::Data(data) = &event.payload {
            assert!((1..=65536).contains(&data.len()), "R-1, R-4: {}", data.len());
        }
        if event.client_socket_id != 0 {
            self.note_new(event.client_socket_id);
        }
        if let Some((_, raised)) = self.closed.get_mut(&id) {
            let allowed =
                event.event_type == T::ChromeSocketsTcpOnReceiveError && event.result == Some(-100);
            assert!(allowed && !*raised, "CL-2: after close of {id}: {}", render(event));
            *raised = true;
        }
    }
}

impl Drop for Rig {
    /// After every test: the app ends, every call was completed, nothing is left open.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.trace.clear();
        self.engine.shut_down();
        self.take_events();
        assert!(self.pending.is_empty(), "G-20: not completed: {:?}", self.pending);
        assert_eq!(self.accounts.accepted(), self.accounts.completed(), "G-20");
        assert_eq!(self.accounts.unsent(), 0, "Q-2: all bytes are given back");
        assert_eq!(self.accounts.open_sockets(), 0);
        assert!(!self.trace.iter().any(|line| line.starts_with('!')), "LC-6: {:?}", self.trace);
        assert_eq!(self.sim.live_streams(self.host).0, 0, "streams leaked");
        assert_eq!(self.sim.live_listeners(self.host), 0, "listeners leaked");
        assert_eq!(self.sim.live_datagrams(self.host), 0, "datagram sockets leaked");
        for (data, copy) in &self.held {
            assert!(data == copy, "delivered data was overwritten");
        }
    }
}

// --- rendering

fn endpoint(at: &Endpoint) -> String {
    format!("{} {}", at.address.to_str().unwrap(), at.port)
}

fn info(info: &SocketInfo) -> String {
    let mut words = Vec::new();
    if let Some(socket_type) = info.socket_type {
        words.push(format!("{socket_type:?}").to_lowercase());
    }
    if let Some(connected) = info.connected {
        words.push(if connected { "connected" } else { "-" }.to_owned());
    }
    // `chrome.socket` has no such member; see faults.rs.
    let paused = info.paused && info.socket_type.is_none();
    for (is, word) in [(paused, "paused"), (info.persistent, "persistent")] {
        if is {
            words.push(word.into());
        }
    }
    if let Some(name) = &info.name {
        words.push(format!("name {:?}", name.to_str().unwrap()));
    }
    if let Some(size) = info.buffer_size {
        words.push(format!("bufferSize {size}"));
    }
    words.extend(info.local.iter().map(|at| format!("local {}", endpoint(at))));
    words.extend(info.peer.iter().map(|at| format!("peer {}", endpoint(at))));
    words.join(" ")
}

/// The API's name without `chrome.sockets.tcp`; `server.`, `udp.` and `socket.` for the other
/// namespaces.
fn name(event_type: T) -> String {
    let name = event_type.chrome_name().to_str().unwrap();
    name.replace("chrome.sockets.", "")
        .replace("chrome.socket.", "socket.")
        .replace("tcpServer.on", "on")
        .replace("tcpServer.", "server.")
        .replace("tcp.", "")
}

/// Short data as text, long data as its length.
pub(super) fn shown(data: &[u8]) -> String {
    match data.len() {
        0..=32 => format!("{:?}", String::from_utf8_lossy(data)),
        many => format!("{many} bytes"),
    }
}

pub(super) fn render(event: &Event) -> String {
    let id = event.socket_id;
    let sign = if event.ticket.is_some() { '<' } else { '!' };
    let mut line = format!("{sign} {}", name(event.event_type));
    let is_list = id == 0 && matches!(event.payload, Payload::Sockets(_));
    if !is_list {
        line += &format!(" {id}");
    }
    line += ":";
    match &event.payload {
        Payload::Sockets(infos) if is_list => {
            let ids: Vec<i32> = infos.iter().map(|info| info.socket_id).collect();
            line += &format!(" {ids:?}");
        }
        Payload::Sockets(infos) => {
            assert!(infos.len() == 1 && infos[0].socket_id == id);
            line += &format!(" {}", info(&infos[0]));
        }
        Payload::Data(data) => line += &format!(" {}", shown(data)),
        Payload::Datagram(data, from) => {
            let (ip, port) = (address::text(from.ip()), from.port());
            line += &format!(" {} from {} {port}", shown(data), ip.to_str().unwrap());
        }
        Payload::Groups(groups) => {
            let texts: Vec<_> = groups.iter().map(|text| text.to_str().unwrap()).collect();
            line += &format!(" [{}]", texts.join(", "));
        }
        Payload::Text(text) => line += &format!(" {text:?}"),
        Payload::Interfaces(_) => line += " interfaces",
        Payload::TlsSession(session) => {
            line += &format!(" {:?} {:?}", session.version, session.verified_name);
        }
        Payload::BytesSent(number) => line += &format!(" sent {number}"),
        Payload::Denied(denied) => {
            line += &format!(" {:?} {}", denied.host.to_str().unwrap(), denied.port);
        }
        Payload::None => {}
        Payload::Piece(_) => unreachable!("its data was taken with it"),
    }
    if event.client_socket_id != 0 {
        line += &format!(" client {}", event.client_socket_id);
    }
    match (event.result, event.message) {
        (None, None) if event.ticket.is_some() && matches!(event.payload, Payload::None) => {
            line += " ok";
        }
        (Some(0), None) if matches!(event.payload, Payload::BytesSent(_)) => {}
        (None, None) => {}
        (Some(number), None) => {
            let says_more = event.ticket.is_some() && !event.event_type.is_legacy();
            assert!(!says_more || number == 0, "a failure without a message");
            line += &format!(" {number}");
        }
        (None, Some(message)) => line += &format!(" {message:?}"),
        (Some(number), Some(message)) => {
            let is_false = number == 0 && event.event_type.is_legacy();
            assert!(number < 0 || is_false, "a success with a message");
            line += &format!(" {number}");
            if event.event_type.is_legacy()
                || Status::from_number(number).unwrap().name() != message
            {
                line += &format!(" {message:?}");
            }
        }
    }
    line.trim_end().to_owned()
}
