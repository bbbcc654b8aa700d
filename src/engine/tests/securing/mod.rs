//! `secure` (tcp.md 7, socket-legacy.md 7) against servers good and bad, on the simulated network.
//!
//! Each bad server has a twin that differs in one thing and is served.

mod after;
mod alerts;
mod bounds;
mod certificates;
mod damaged;
mod dates;
mod ending;
mod goodbyes;
mod names;
mod peer;
mod preparing;
mod protocol;
mod ranks;
mod rules;
mod search;
mod seeds;
mod sending;
mod trust;
mod usage;

use std::io::{ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConnection, SupportedProtocolVersion};

use super::driver::{LIMITS, Rig};
use crate::engine::{Engine, Setup, TlsSetup};
use crate::net::{SocketSettings, Stream};
use crate::permissions::Grants;
use crate::trust::Trust;
use certificates::{AS_USUAL, Authority, Identity};
use peer::{ClientCertificate, Record, Server, records, wire};

/// The name that servers have if nothing else is said.
const NAME: &str = "server.test";
/// What a server says as soon as it may.
const WELCOME: &str = "welcome";

/// Changes what the server writes; the first argument counts its flights from 0.
type Wire = Rc<dyn Fn(usize, &mut Vec<Record>)>;

/// A server and what is known of it.
#[derive(Clone)]
struct Case {
    host: &'static str,
    /// Roots that the host has added.
    roots: Vec<CertificateDer<'static>>,
    /// Whether they count as roots of the web.
    are_public: bool,
    /// Seconds since 1970, if another time than usual.
    now: Option<u64>,
    /// `tlsVersion.min` and `.max`
    options: &'static str,
    server: Server,
    wire: Option<Wire>,
    /// Whether the connection is made at once, without an event.
    is_prompt: bool,
}

impl Case {
    fn new(root: &Authority, identity: &Identity) -> Self {
        let server = Server {
            identity: identity.clone(),
            versions: vec![&TLS13, &TLS12],
            client_certificate: ClientCertificate::NotAsked,
            twist: None,
            fragment: None,
            suites: |_| true,
            groups: |_| true,
            is_fixed: false,
        };
        Self {
            host: NAME,
            roots: vec![root.certificate.clone()],
            are_public: false,
            now: None,
            options: "",
            server,
            wire: None,
            is_prompt: false,
        }
    }

    /// A server with nothing wrong.
    fn good() -> Self {
        let root = Authority::root("Root");
        Self::new(&root, &root.server(&[NAME], AS_USUAL))
    }

    fn at(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    fn when(self, now: u64) -> Self {
        Self { now: Some(now), ..self }
    }

    fn trusting(mut self, roots: &[&CertificateDer<'static>]) -> Self {
        self.roots = roots.iter().map(|root| (*root).clone()).collect();
        self
    }

    fn showing(mut self, identity: &Identity) -> Self {
        self.server.identity = identity.clone();
        self
    }

    fn speaking(mut self, version: &'static SupportedProtocolVersion) -> Self {
        self.server.versions = vec![version];
        self
    }

    fn wired(self, wire: impl Fn(usize, &mut Vec<Record>) + 'static) -> Self {
        Self { wire: Some(Rc::new(wire)), ..self }
    }

    fn twisted(mut self, twist: impl FnMut(&mut u8, &mut Vec<u8>) + Send + 'static) -> Self {
        self.server.twist = Some(Arc::new(std::sync::Mutex::new(twist)));
        self
    }

    /// The socket connects, paused, and calls `secure`; nothing was written yet.
    fn begin(&self) -> Talk {
        let mut talk = self.connect();
        talk.rig.issue(&format!("secure(1{})", self.options));
        talk
    }

    /// Socket 1 is connected to the server, paused.
    fn connect(&self) -> Talk {
        self.connect_by("create()> setPaused(1, true)> connect")
    }

    fn connect_by(&self, calls: &str) -> Talk {
        let mut rig = Rig::new();
        rig.sim.world().is_prompt = self.is_prompt;
        let trust =
            if self.are_public { Trust::of_web(&self.roots) } else { Trust::of_host(&self.roots) };
        let setup = Setup {
            tells_unasked: Arc::new(true.into()),
            accounts: Arc::clone(&rig.accounts),
            limits: LIMITS,
            grants: Arc::new(Grants::allow_all()),
            tls: TlsSetup {
                trust: Arc::new(trust),
                is_fixed: self.server.is_fixed,
                ..TlsSetup::default()
            },
            sockets: SocketSettings::default(),
        };
        rig.engine = Engine::new(rig.sim.network(rig.host), setup);
        if let Some(now) = self.now {
            rig.sim.set_calendar_time(Duration::from_secs(now));
        }
        let address = match self.host.parse() {
            Ok(address) => address,
            Err(_) => std::net::IpAddr::from([10, 0, 0, 1]),
        };
        rig.sim.serve(&std::net::SocketAddr::new(address, 443).to_string());
        rig.issue(&format!("{calls}(1, \"{}\", 443)", self.host));
        rig.run();
        for serial in rig.queries.keys().copied().collect::<Vec<_>>() {
            rig.answer(serial, Ok(vec![address]));
        }
        rig.run();
        rig.meet();
        assert_eq!(rig.peers.len(), 1, "{:?}", rig.trace);
        rig.trace.clear();
        rig.sim.take_calls();
        let mut server = self.server.start();
        server.set_buffer_limit(None);
        server.writer().write_all(WELCOME.as_bytes()).unwrap();
        Talk { rig, server, wire: self.wire.clone(), flight: 0, heard: Vec::new(), error: None }
    }

    /// The server is served by both versions, or by the one it speaks.
    #[track_caller]
    fn is_served(&self) {
        for version in &self.server.versions {
            self.clone().speaking(version).begin().succeeds();
        }
    }

    /// It is refused with this code (tcp.md 7.7, 7.8), by both versions or by the one it speaks: not a
    /// byte is delivered, and the id is gone (TLS-10).
    #[track_caller]
    fn is_refused(&self, code: i32) {
        for version in &self.server.versions {
            self.clone().speaking(version).begin().fails(code);
        }
    }
}

/// One thing is wrong with `bad` that is right with `good`.
#[track_caller]
fn differ(good: &Case, code: i32, bad: &Case) {
    good.is_served();
    bad.is_refused(code);
}

/// A socket and its server.
struct Talk {
    rig: Rig,
    server: ServerConnection,
    wire: Option<Wire>,
    flight: usize,
    /// What the server was told within TLS.
    heard: Vec<u8>,
    error: Option<rustls::Error>,
}

impl Talk {
    /// What the server has to say now, as it goes over the wire.
    fn take_flight(&mut self) -> Vec<u8> {
        let mut flight = Vec::new();
        while self.server.wants_write() {
            self.server.write_tls(&mut flight).unwrap();
        }
        if !flight.is_empty() {
            if let Some(change) = &self.wire {
                let mut all = records(&flight);
                change(self.flight, &mut all);
                flight = wire(&all);
            }
            self.flight += 1;
        }
        flight
    }

    /// The server takes what has come; whether that was anything.
    fn hear(&mut self) -> bool {
        let Some(peer) = &mut self.rig.peers[0] else { return false };
        let (bytes, _) = peer.take();
        let mut rest = &bytes[..];
        while !rest.is_empty() && self.error.is_none() {
            self.server.read_tls(&mut rest).unwrap();
            self.error = self.server.process_new_packets().err();
            let mut buffer = [0; 4096];
            loop {
                match self.server.reader().read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => self.heard.extend_from_slice(&buffer[..n]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        !bytes.is_empty()
    }

    /// The peer writes these bytes, and the engine does what it can.
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some(peer) = &mut self.rig.peers[0] else { return };
            match peer.write(bytes) {
                Ok(taken) => bytes = &bytes[taken..],
                // The client has gone.
                Err(error) if error.kind() != ErrorKind::WouldBlock => return,
                Err(_) => {
                    let heard = self.hear();
                    self.rig.run();
                    let calls = self.rig.sim.take_calls();
                    assert!(heard || !calls.is_empty(), "nobody reads");
                }
            }
            self.rig.run();
        }
    }

    /// Lets both talk until neither has anything to say.
    fn run(&mut self) {
        loop {
            self.rig.run();
            let heard = self.hear();
            let flight = self.take_flight();
            self.feed(&flight);
            if !heard && flight.is_empty() {
                return;
            }
        }
    }

    /// The events so far.
    fn events(&mut self) -> Vec<String> {
        std::mem::take(&mut self.rig.trace)
    }

    #[track_caller]
    fn succeeds(mut self) {
        self.run();
        assert_eq!(self.events(), ["< secure 1: 0"], "{:?}", self.error);
        self.works();
    }

    /// Bytes go both ways.
    #[track_caller]
    fn works(&mut self) {
        self.rig.issue("setPaused(1, false)> send(1, \"hello\")");
        self.run();
        assert_eq!(
            self.events(),
            ["< setPaused 1: ok", "< send 1: sent 5", "! onReceive 1: \"welcome\""]
        );
        assert_eq!(self.heard, b"hello");
    }

    #[track_caller]
    fn fails(mut self, code: i32) {
        self.run();
        self.has_failed(code);
    }

    #[track_caller]
    fn has_failed(&mut self, code: i32) {
        assert_eq!(self.events(), [format!("< secure 1: {code}")]);
        self.is_gone();
    }

    #[track_caller]
    fn is_gone(&mut self) {
        assert!(self.rig.received.is_empty(), "something was delivered");
        assert!(self.heard.is_empty(), "something was sent");
        assert_eq!(self.rig.accounts.open_sockets(), 0);
        self.rig.play("> close(1)\n < close 1: \"Socket not found\"");
    }
}
