//! A TLS client that is fed any bytes, as a plain function: a unit test of the library runs it too, over
//! the seeds. It panics when something that always holds does not.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::api::event::{Payload, Ticket};
use super::api::properties::{DnsQueryType, NetworkInterface, SecureOptions, SocketProperties};
use super::api::table::{EventType as T, Namespace};
use super::engine::accounts::Accounts;
use super::engine::command::{Call, Command};
use super::engine::tls::TlsSetup;
use super::engine::{Engine, Limits, Setup};
use super::net::{
    Datagram, Datagrams, Listener, MulticastOptions, Network, Ready, SocketSettings, Started,
    Stream, Token,
};
use super::permissions::Grants;
use super::trust::{Store, Trust};

/// Who vouches for the server that the seeds were recorded from.
const ROOT: &str = include_str!("../seeds/root.pem");
/// A time at which its certificate counts, since 1970.
const NOW: Duration = Duration::from_secs(1_800_000_000);

const SOCKET: i32 = 1;
const ALL: Ready = Ready::READABLE.and(Ready::WRITABLE).and(Ready::READ_CLOSED);

/// The first byte says which versions are offered and how many bytes are read at once; the others come
/// from the server, which then ends the connection. What `secure` came to, and what was received.
pub(super) fn tls(data: &[u8]) -> (i32, Vec<u8>) {
    let (first, data) = data.split_first().unwrap_or((&0, &[]));
    let version = [None, Some("tls1.2"), Some("tls1.3")][usize::from(first % 3)];
    let at_once = [usize::MAX, 1, 7, 1000][usize::from(first / 3 % 4)];
    let mut client = Client::new(Server { data: Bytes::copy_from_slice(data), at_once });
    let create = Command::Create(Namespace::Tcp, SocketProperties::default());
    client.call(T::ChromeSocketsTcpCreate, create);
    client.call(T::ChromeSocketsTcpSetPaused, Command::SetPaused(Namespace::Tcp, true));
    let connect = Command::Connect {
        peer_address: "10.0.0.1".into(),
        peer_port: 443,
        dns_query_type: DnsQueryType::Any,
    };
    client.call(T::ChromeSocketsTcpConnect, connect);
    let options = SecureOptions {
        tls_version_min: version.map(Into::into),
        tls_version_max: version.map(Into::into),
    };
    client.call(T::ChromeSocketsTcpSecure, Command::Secure(options));
    client.call(T::ChromeSocketsTcpSetPaused, Command::SetPaused(Namespace::Tcp, false));
    let [result] = client.secured[..] else {
        panic!("one completion, not {:?}", client.secured);
    };
    assert!(result <= 0);
    assert_eq!(client.engine.has_socket(SOCKET), result == 0, "a failure ends the socket");
    assert_eq!(client.ends, i32::from(result == 0), "the end is told once");
    assert!(client.received.len() <= data.len(), "TLS never unpacks");
    assert!(result == 0 || client.received.is_empty(), "nothing comes before it is verified");
    (result, client.received)
}

/// A program with one socket.
struct Client {
    engine: Engine<Server>,
    /// Results of `secure`.
    secured: Vec<i32>,
    received: Vec<u8>,
    /// How often the end was told.
    ends: i32,
}

impl Client {
    fn new(server: Server) -> Self {
        let trust = Trust::new(Store::Nothing, Some(ROOT.as_bytes())).expect("a root");
        let limits = Limits {
            undelivered_per_socket: usize::MAX,
            undelivered_per_app: usize::MAX,
            count_undelivered: true,
        };
        let setup = Setup {
            tells_unasked: Arc::new(true.into()),
            accounts: Arc::new(Accounts::default()),
            limits,
            grants: Arc::new(Grants::allow_all()),
            tls: TlsSetup { trust: Arc::new(trust), is_fixed: true, ..TlsSetup::default() },
            sockets: SocketSettings::default(),
        };
        let engine = Engine::new(server, setup);
        Self { engine, secured: Vec::new(), received: Vec::new(), ends: 0 }
    }

    /// One call, and everything that follows from it.
    fn call(&mut self, event_type: T, command: Command) {
        let ticket = Ticket::default();
        self.engine.handle_call(Call { event_type, socket_id: SOCKET, ticket, command });
        if self.engine.take_tls_preparation().is_some() {
            self.engine.handle_tls_prepared(true);
        }
        self.engine.handle_ready(Token { owner: SOCKET, lane: 0 }, ALL);
        let mut turns = 0;
        while self.engine.next_work().is_some() {
            self.engine.handle_next_work();
            turns += 1;
            assert!(turns < 1_000_000, "it does not come to rest");
        }
        let mut events = Vec::new();
        self.engine.take_events(&mut events);
        for event in events {
            match (event.event_type, event.payload) {
                (T::ChromeSocketsTcpSecure, _) => self.secured.extend(event.result),
                (T::ChromeSocketsTcpOnReceive, Payload::Data(data)) => {
                    assert!(self.secured == [0] && event.secured);
                    self.received.extend_from_slice(&data);
                }
                (T::ChromeSocketsTcpOnReceiveError, _) => self.ends += 1,
                _ => {}
            }
        }
    }
}

/// The network, in which there is one server, whose bytes are known; and the connection to it, which
/// takes whatever is written.
#[derive(Clone, Debug)]
struct Server {
    data: Bytes,
    at_once: usize,
}

fn none<T>() -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

fn here() -> SocketAddr {
    ([10, 0, 0, 1], 443).into()
}

impl Network for Server {
    type Stream = Self;
    type Datagram = Nothing;
    type Listener = Nothing;

    fn connect(&mut self, _: SocketAddr, _: Token) -> io::Result<Started<Self>> {
        Ok(Started { stream: self.clone(), is_watched: true })
    }

    fn listen(&mut self, _: SocketAddr, _: i32, _: Token) -> io::Result<Nothing> {
        none()
    }

    fn watch(&mut self, _: &mut Self, _: Token) -> io::Result<()> {
        Ok(())
    }

    fn rewatch(&mut self, _: &mut Self, _: Token) -> io::Result<()> {
        Ok(())
    }

    fn set_low_water(&mut self, _: &mut Self, _: usize) -> io::Result<()> {
        none()
    }

    fn bind(&mut self, _: SocketAddr, _: MulticastOptions, _: Token) -> io::Result<Nothing> {
        none()
    }

    fn connect_datagram(
        &mut self,
        _: SocketAddr,
        _: MulticastOptions,
        _: Token,
    ) -> io::Result<Nothing> {
        none()
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn interfaces(&mut self) -> io::Result<Vec<NetworkInterface>> {
        none()
    }

    fn calendar_time(&self) -> Duration {
        NOW
    }
}

impl Stream for Server {
    fn read(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<usize> {
        let len = self.data.len().min(max).min(self.at_once);
        buffer.extend_from_slice(&self.data[..len]);
        self.data.advance(len);
        Ok(len)
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        Ok(data.len())
    }

    fn write_blocks(&mut self, blocks: &[Bytes]) -> io::Result<usize> {
        Ok(blocks.iter().map(Bytes::len).sum())
    }

    fn shut_down_write(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn take_error(&mut self) -> io::Result<Option<io::Error>> {
        Ok(None)
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(here())
    }

    fn peer_address(&self) -> io::Result<SocketAddr> {
        Ok(here())
    }

    fn set_no_delay(&mut self, _: bool) -> io::Result<()> {
        Ok(())
    }

    fn unacknowledged(&self) -> usize {
        0
    }

    fn peer_has_ended(&self) -> bool {
        false
    }

    fn set_keep_alive(&mut self, _: bool, _: i32) -> io::Result<()> {
        Ok(())
    }
}

/// Sockets that there are none of.
#[derive(Debug)]
enum Nothing {}

impl Listener for Nothing {
    type Stream = Server;

    fn accept(&mut self) -> io::Result<(Server, SocketAddr)> {
        match *self {}
    }

    fn has_more(&self) -> bool {
        match *self {}
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        match *self {}
    }
}

impl Datagram for Nothing {
    fn receive(&mut self, _: &mut Datagrams) -> io::Result<bool> {
        match *self {}
    }

    fn send(&mut self, _: &[u8], _: Option<SocketAddr>) -> io::Result<()> {
        match *self {}
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        match *self {}
    }

    fn join(&mut self, _: std::net::IpAddr) -> io::Result<()> {
        match *self {}
    }

    fn leave(&mut self, _: std::net::IpAddr) -> io::Result<()> {
        match *self {}
    }

    fn set_broadcast(&mut self, _: bool) -> io::Result<()> {
        match *self {}
    }
}
