//! A TLS session as a stream over a stream, driven by readiness alone.
//!
//! Records are read into, and decrypted in, a buffer that all sessions of the app share; a session
//! keeps only what is not a whole record yet. Written bytes count as taken when their records are with
//! the kernel, so that a send completes neither early nor twice.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Buf, Bytes, BytesMut};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, Error, ProtocolVersion};

use super::Common;
use super::failure::{self, Progress};
use crate::api::net_error::Status;
use crate::api::properties::TlsSession;
use crate::net::Stream;

/// Most bytes that one system call reads.
const READ: usize = 64 * 1024;
/// Most bytes that wait for the rest of a message: the longest handshake message and its records.
const MAX_INCOMPLETE: usize = 128 * 1024;
/// Bytes encrypted for one system call.
const CHUNK: usize = 64 * 1024;
/// Room for what records, alerts and key updates add to a chunk.
const OVERHEAD: usize = 4 * 1024;
/// The type of a record that may come before an alert.
const CHANGE_CIPHER_SPEC: u8 = 20;
/// System calls of one turn that bring no data.
const MAX_ROUNDS: usize = 16;

/// A secured stream.
pub(in crate::engine) struct TlsStream<S> {
    stream: S,
    session: UnbufferedClientConnection,
    common: Rc<Common>,
    name: ServerName<'static>,
    /// Received, not decrypted.
    incoming: Vec<u8>,
    /// Whether `incoming` may have whole records.
    has_records: bool,
    /// Decrypted, not taken.
    plain: BytesMut,
    outgoing: Outgoing,
    /// Whether the last read has emptied the kernel's buffer.
    drained: bool,
    /// Whether the peer has said that it ends.
    ended: bool,
    failure: Option<Status>,
    asked_for_certificate: bool,
}

/// Records on their way to the kernel.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Of full length once used, so that it is zeroed only once.
    block: Vec<u8>,
    filled: usize,
    sent: usize,
    /// Bytes of the program that lie within.
    covers: usize,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.sent == self.filled
    }

    /// Room for `len` more bytes.
    fn room(&mut self, len: usize) -> &mut [u8] {
        if self.block.len() < self.filled + len {
            self.block.resize(self.filled + len, 0);
        }
        &mut self.block[self.filled..]
    }

    fn push(&mut self, data: &mut EncodeTlsData<'_, impl Sized>) {
        let mut written = data.encode(self.room(0));
        if let Err(EncodeError::InsufficientSize(size)) = &written {
            written = data.encode(self.room(size.required_size));
        }
        self.filled += written.unwrap_or(0);
    }
}

impl<S: fmt::Debug> fmt::Debug for TlsStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// Whether a record begins here that says, not encrypted, that the peer ends (`close_notify`).
fn is_goodbye(input: &[u8]) -> bool {
    matches!(input, [21, _, _, 0, 2, _, 0, ..])
}

/// Where decrypted bytes go: `max` of them to the reader, the rest of a record waits.
struct Sink<'a> {
    buffer: &'a mut BytesMut,
    max: usize,
    rest: BytesMut,
}

impl Sink<'_> {
    fn is_full(&self) -> bool {
        self.buffer.len() >= self.max
    }

    fn take(&mut self, data: &[u8]) {
        let (now, later) = data.split_at(data.len().min(self.max - self.buffer.len()));
        self.buffer.extend_from_slice(now);
        self.rest.extend_from_slice(later);
    }
}

impl<S: Stream> TlsStream<S> {
    pub(super) fn new(
        stream: S,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
        common: Rc<Common>,
    ) -> Result<Self, (S, Status)> {
        let Ok(session) = UnbufferedClientConnection::new(config, name.clone()) else {
            return Err((stream, Status::Unexpected));
        };
        Ok(Self {
            stream,
            session,
            common,
            name,
            incoming: Vec::new(),
            // Nothing is received, but there is a hello to say.
            has_records: true,
            plain: BytesMut::new(),
            outgoing: Outgoing::default(),
            drained: false,
            ended: false,
            failure: None,
            asked_for_certificate: false,
        })
    }

    /// Carries the handshake on; whether it is done. `WouldBlock`: only an event can bring it further.
    pub(in crate::engine) fn handshake(&mut self) -> io::Result<bool> {
        let mut write_failure = None;
        for _ in 0..MAX_ROUNDS {
            match self.flush_own() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // What the peer said before it went away tells more.
                Err(error) => {
                    self.give_back_block();
                    write_failure = Some(error);
                }
                Ok(_) => {}
            }
            let is_done = !self.session.is_handshaking() && self.outgoing.is_empty();
            if is_done && write_failure.is_none() {
                return Ok(true);
            }
            let mut early = std::mem::take(&mut self.plain);
            let max = early.len() + CHUNK;
            let received = self.receive(&mut early, max);
            early.unsplit(std::mem::take(&mut self.plain));
            self.plain = early;
            // One after the handshake is for the reader, behind what came before it.
            if let Some(status) = self.failure
                && (self.session.is_handshaking() || write_failure.is_some())
            {
                return Err(failure::to_io(status));
            }
            match (received, write_failure.take()) {
                (Ok(true), _) if self.ended && self.session.is_handshaking() => {
                    return Err(failure::to_io(Status::ConnectionClosed));
                }
                (Ok(true), error) => write_failure = error,
                (_, Some(error)) => return Err(error),
                (Ok(false), None) => return Err(failure::to_io(Status::ConnectionClosed)),
                (Err(error), None) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Something has come since the last read; it may be a while until it is this stream's turn to
    /// read again, as decrypted bytes go first.
    pub(in crate::engine) fn on_readable(&mut self) {
        self.drained = false;
    }

    /// Whether bytes may be left although a read came short.
    pub(in crate::engine) fn has_more(&self) -> bool {
        !self.drained
            || self.has_records
            || self.ended
            || self.failure.is_some()
            || !self.plain.is_empty()
    }

    /// Writes records that wait; the program's bytes that are with the kernel now.
    pub(in crate::engine) fn flush_own(&mut self) -> io::Result<usize> {
        while !self.outgoing.is_empty() {
            let Outgoing { block, filled, sent, .. } = &self.outgoing;
            let n = self.stream.write(&block[*sent..*filled])?;
            if n == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.outgoing.sent += n;
        }
        let covered = self.outgoing.covers;
        self.give_back_block();
        Ok(covered)
    }

    fn give_back_block(&mut self) {
        let mut used = std::mem::take(&mut self.outgoing);
        let mut shared = self.common.outgoing.borrow_mut();
        if used.block.len() > shared.block.len() {
            (used.filled, used.sent, used.covers) = (0, 0, 0);
            *shared = used;
        }
    }

    /// Whether the handshake is done and nothing has failed since.
    pub(in crate::engine) fn is_agreed(&self) -> bool {
        self.failure.is_none() && !self.session.is_handshaking()
    }

    /// Says goodbye as far as that is possible at once; the connection below.
    pub(in crate::engine) fn into_plain(mut self) -> S {
        if self.is_agreed() && self.flush_own().is_ok() {
            let _ = self.encrypt(|traffic, room| traffic.queue_close_notify(room), OVERHEAD);
            let _ = self.flush_own();
        }
        self.stream
    }

    /// What was agreed upon.
    pub(in crate::engine) fn session(&self) -> TlsSession {
        let text = |text: String| CString::new(text).unwrap_or_default().into_boxed_c_str();
        let version = match self.session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "tls1.2",
            Some(ProtocolVersion::TLSv1_3) => "tls1.3",
            _ => "",
        };
        let suite = self.session.negotiated_cipher_suite().map(|suite| suite.suite());
        let suite = suite.and_then(|suite| suite.as_str()).unwrap_or_default();
        let group = self.session.negotiated_key_exchange_group().map(|group| group.name());
        let chain = self.session.peer_certificates().unwrap_or_default();
        TlsSession {
            version: text(version.into()),
            // The registered names; `rustls` has its own for those of TLS 1.3, and for one group.
            cipher_suite: text(suite.replacen("TLS13_", "TLS_", 1)),
            key_exchange_group: text(match group.and_then(|group| group.as_str()) {
                Some("X25519") => "x25519".into(),
                group => group.unwrap_or_default().into(),
            }),
            verified_name: text(self.name.to_str().into_owned()),
            chain: chain.iter().map(|der| Bytes::copy_from_slice(der)).collect(),
        }
    }

    /// Reads what is there and decrypts it, at most until the buffer has `max` bytes; false: the end.
    fn receive(&mut self, buffer: &mut BytesMut, max: usize) -> io::Result<bool> {
        let common = Rc::clone(&self.common);
        let mut input = common.incoming.borrow_mut();
        input.clear();
        input.extend_from_slice(&self.incoming);
        if !self.has_records {
            if input.len() > MAX_INCOMPLETE {
                self.failure = Some(Status::SslProtocolError);
                return Ok(true);
            }
            match self.stream.read(&mut input, READ) {
                Ok(0) => return Ok(false),
                Ok(n) => self.drained = n < READ,
                Err(error) => {
                    self.drained = true;
                    return Err(error);
                }
            }
        }
        let mut sink = Sink { buffer, max, rest: std::mem::take(&mut self.plain) };
        let used = self.process(&mut input, &mut sink);
        self.has_records = sink.is_full() && used < input.len();
        self.plain = sink.rest;
        let rest = &input[used..];
        if rest.is_empty() {
            self.incoming = Vec::new();
        } else {
            self.incoming.clear();
            self.incoming.extend_from_slice(rest);
        }
        Ok(true)
    }

    /// Gives records to the session; how many bytes of them it is done with.
    fn process(&mut self, input: &mut [u8], sink: &mut Sink<'_>) -> usize {
        let mut used = 0;
        while !self.ended && self.failure.is_none() && !sink.is_full() {
            // To `rustls` it is a warning like others, after which more may come.
            if self.session.is_handshaking() && is_goodbye(&input[used..]) {
                self.failure = Some(Status::SslProtocolError);
                break;
            }
            let status = self.session.process_tls_records(&mut input[used..]);
            let UnbufferedStatus { mut discard, state } = status;
            let mut is_waiting = false;
            let mut failed = None;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        match record {
                            Ok(record) => {
                                discard += record.discard;
                                sink.take(record.payload);
                            }
                            Err(error) => failed = Some(error),
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => self.outgoing.push(&mut data),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => self.ended = true,
                Ok(_) => is_waiting = true,
                Err(error) => failed = Some(error),
            }
            used += discard;
            if let Some(error) = failed {
                self.fail(&error, &mut input[used..]);
            }
            if is_waiting {
                break;
            }
        }
        self.hear();
        used
    }

    /// What `rustls` has told the listener is about this session.
    fn hear(&mut self) {
        let listener = &self.common.listener;
        self.asked_for_certificate |= listener.asked_for_certificate.swap(false, Ordering::Relaxed);
    }

    /// The session has failed; the peer is told why, if it still listens. What is left of the input has
    /// to be there: messages that the session knows of lie in it.
    fn fail(&mut self, error: &Error, rest: &mut [u8]) {
        self.hear();
        let progress = Progress {
            answered: self.session.protocol_version().is_some(),
            asked_for_certificate: self.asked_for_certificate,
        };
        self.failure = Some(failure::status(error, progress));
        // An alert is the last that it has to say: asked for more, it would read on.
        let mut said = CHANGE_CIPHER_SPEC;
        while said == CHANGE_CIPHER_SPEC
            && let UnbufferedStatus { state: Ok(ConnectionState::EncodeTlsData(mut data)), .. } =
                self.session.process_tls_records(rest)
        {
            let at = self.outgoing.filled;
            self.outgoing.push(&mut data);
            said = self.outgoing.block.get(at).map_or(0, |kind| *kind);
        }
        let _ = self.flush_own();
    }

    /// Puts what `seal` writes behind whatever the session itself has to say.
    fn encrypt<E>(
        &mut self,
        seal: impl FnOnce(&mut WriteTraffic<'_, ClientConnectionData>, &mut [u8]) -> Result<usize, E>,
        room: usize,
    ) -> io::Result<()> {
        if self.outgoing.block.is_empty() {
            self.outgoing = std::mem::take(&mut *self.common.outgoing.borrow_mut());
        }
        loop {
            let UnbufferedStatus { mut discard, state } =
                self.session.process_tls_records(&mut self.incoming);
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let sealed = seal(&mut traffic, self.outgoing.room(room));
                    self.outgoing.filled +=
                        sealed.map_err(|_| failure::to_io(Status::SslProtocolError))?;
                    self.incoming.drain(..discard);
                    return Ok(());
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(Ok(record)) = traffic.next_record() {
                        discard += record.discard;
                        self.plain.extend_from_slice(record.payload);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => self.outgoing.push(&mut data),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.ended = true,
                Ok(_) => return Err(failure::to_io(Status::SocketNotConnected)),
                Err(error) => {
                    let mut rest = self.incoming.split_off(discard);
                    self.fail(&error, &mut rest);
                    let status = self.failure.unwrap_or(Status::SslProtocolError);
                    return Err(failure::to_io(status));
                }
            }
            self.incoming.drain(..discard);
        }
    }

    /// `Stream::read`.
    pub(in crate::engine) fn read(
        &mut self,
        buffer: &mut BytesMut,
        max: usize,
    ) -> io::Result<usize> {
        let before = buffer.len();
        if !self.plain.is_empty() {
            let now = self.plain.len().min(max);
            buffer.extend_from_slice(&self.plain[..now]);
            self.plain.advance(now);
            if self.plain.is_empty() {
                self.plain = BytesMut::new();
            }
            return Ok(now);
        }
        for _ in 0..MAX_ROUNDS {
            if let Some(status) = self.failure {
                return Err(failure::to_io(status));
            }
            if self.ended || !self.receive(buffer, before + max)? {
                return Ok(0);
            }
            // Answers of the session, such as a new key; a failure will show in the next call.
            if self.outgoing.covers == 0 {
                let _ = self.flush_own();
            }
            if buffer.len() > before {
                return Ok(buffer.len() - before);
            }
        }
        self.drained = false;
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// `Stream::write`; called again with the same bytes at first after `WouldBlock`.
    pub(in crate::engine) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.outgoing.is_empty() {
            let covered = self.flush_own()?;
            if covered > 0 {
                return Ok(covered);
            }
        }
        if let Some(status) = self.failure {
            return Err(failure::to_io(status));
        }
        let chunk = &data[..data.len().min(CHUNK)];
        self.encrypt(|traffic, room| traffic.encrypt(chunk, room), chunk.len() + OVERHEAD)?;
        self.outgoing.covers = chunk.len();
        self.flush_own()
    }

    /// `Stream::local_address`.
    pub(in crate::engine) fn local_address(&self) -> io::Result<SocketAddr> {
        self.stream.local_address()
    }

    /// `Stream::peer_has_ended`.
    pub(in crate::engine) fn peer_has_ended(&self) -> bool {
        self.stream.peer_has_ended()
    }
}
