//! The TLS client by hand: rustls over mio, with its usual buffered sessions; see ../client.h. And a server
//! of handshakes, as ../server.c, for the key exchange that OpenSSL does not have: X25519MLKEM768.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io, mem, process, thread};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustls::client::{ClientConnection, Resumption};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

const CONCURRENT: usize = 8;
const IDLE: usize = 1000;
const MOST: usize = 64 * 1024;
const WARM_UP: Duration = Duration::from_millis(300);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    Handshakes,
    Download,
    Upload,
    Echo,
    Idle,
}

struct Connection {
    socket: TcpStream,
    tls: ClientConnection,
}

struct Client {
    work: Work,
    port: u16,
    seconds: Duration,
    size: usize,
    config: Arc<ClientConfig>,
    poll: Poll,
    connections: Vec<Option<Connection>>,
    buffer: Vec<u8>,
    started: Instant,
    window: Option<(Instant, Duration, u64)>,
    count: u64,
    secured: usize,
    first_heap: usize,
}

fn cpu_time() -> Duration {
    // SAFETY: a struct of integers, filled in by the system.
    let t = unsafe {
        let mut t: libc::timespec = mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut t);
        t
    };
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

fn heap_now() -> usize {
    // SAFETY: without arguments.
    let heap = unsafe { libc::mallinfo2() };
    heap.uordblks + heap.hblkhd
}

impl Client {
    fn add(&mut self, count: usize) {
        self.count += count as u64;
        let now = Instant::now();
        let Some((begin, cpu_begin, count_begin)) = self.window else {
            if now - self.started >= WARM_UP {
                self.window = Some((now, cpu_time(), self.count));
            }
            return;
        };
        let elapsed = now - begin;
        if elapsed < self.seconds {
            return;
        }
        let per_unit = if matches!(self.work, Work::Download | Work::Upload) { 1e6 } else { 1.0 };
        let units = (self.count - count_begin) as f64 / per_unit;
        let cpu_ns = (cpu_time() - cpu_begin).as_nanos() as f64 / units;
        let (rate, total) = (units / elapsed.as_secs_f64(), self.count as f64 / per_unit);
        println!("{{\"rate\": {rate:.3}, \"cpu_ns\": {cpu_ns:.1}, \"total\": {total:.3}}}");
        process::exit(0);
    }

    fn start(&mut self) -> Result<(), Box<dyn Error>> {
        let mut socket = TcpStream::connect(([127, 0, 0, 1], self.port).into())?;
        let _ = socket.set_nodelay(true);
        // SAFETY: the text outlives the call. Where reno is missing the system's choice stays.
        unsafe {
            let reno = c"reno".as_ptr().cast();
            libc::setsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_CONGESTION, reno, 4);
        }
        let name = ServerName::try_from("127.0.0.1")?;
        let tls = ClientConnection::new(Arc::clone(&self.config), name)?;
        let free = self.connections.iter().position(Option::is_none);
        let at = free.unwrap_or(self.connections.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(at), interest)?;
        if at == self.connections.len() {
            self.connections.push(None);
        }
        self.connections[at] = Some(Connection { socket, tls });
        Ok(())
    }

    /// Edge-triggered: goes on until the kernel has nothing to give and takes nothing.
    fn visit(&mut self, at: usize) -> Result<(), Box<dyn Error>> {
        let Some(mut connection) = self.connections[at].take() else { return Ok(()) };
        let Connection { socket, tls } = &mut connection;
        let mut readable = true;
        let mut writable = true;
        let was_handshaking = tls.is_handshaking();
        let mut greeted = false;
        loop {
            if self.work == Work::Upload && !tls.is_handshaking() && !tls.wants_write() {
                let taken = tls.writer().write(&self.buffer[..self.size])?;
                self.add(taken);
            }
            while writable && tls.wants_write() {
                match tls.write_tls(socket) {
                    Ok(_) => {}
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::WouldBlock | ErrorKind::NotConnected
                        ) =>
                    {
                        writable = false;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if readable {
                match tls.read_tls(socket) {
                    Ok(0) => return Err("the connection ended".into()),
                    Ok(_) => {
                        tls.process_new_packets()?;
                    }
                    Err(error)
                        if matches!(
                            error.kind(),
                            ErrorKind::WouldBlock | ErrorKind::NotConnected
                        ) =>
                    {
                        readable = false;
                    }
                    Err(error) => return Err(error.into()),
                }
                while let Ok(n @ 1..) = tls.reader().read(&mut self.buffer) {
                    if self.work == Work::Echo {
                        assert_eq!(n, self.size, "a part of a message");
                        self.add(1);
                        tls.writer().write_all(&self.buffer[..n])?;
                    } else {
                        self.add(n);
                    }
                }
                if self.work == Work::Echo && was_handshaking && !tls.is_handshaking() && !greeted {
                    greeted = true;
                    tls.writer().write_all(&self.buffer[..self.size])?;
                }
            }
            let can_write =
                tls.wants_write() || (self.work == Work::Upload && !tls.is_handshaking());
            if !(readable || writable && can_write) {
                break;
            }
        }
        let done = was_handshaking && !tls.is_handshaking();
        if done && self.work == Work::Handshakes {
            tls.send_close_notify();
            tls.write_tls(socket)?;
            self.add(1);
            drop(connection);
            return self.start();
        }
        self.connections[at] = Some(connection);
        if done && self.work == Work::Idle {
            self.secured += 1;
            if self.secured == 1 {
                self.first_heap = heap_now();
            } else if self.secured == 1 + IDLE {
                println!("{{\"bytes\": {}}}", (heap_now() - self.first_heap) / IDLE);
                process::exit(0);
            }
            return self.start();
        }
        Ok(())
    }
}

/// The hybrid key exchange, before the others or alone.
fn provider(only: bool) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    let best = aws_lc_rs::kx_group::X25519MLKEM768;
    provider.kx_groups.retain(|group| group.name() != best.name() && !only);
    provider.kx_groups.insert(0, best);
    Arc::new(provider)
}

/// Serves one connection after the other, until the standard input ends.
fn serve(certificate: &str, key: &str) -> Result<(), Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let mut config = ServerConfig::builder_with_provider(provider(true))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.send_tls13_tickets = 0;
    let config = Arc::new(config);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(|| {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    for socket in listener.incoming() {
        let tls = ServerConnection::new(Arc::clone(&config))?;
        let mut stream = StreamOwned::new(tls, socket?);
        // Clients leave as they like.
        let _ = io::copy(&mut stream, &mut io::sink());
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    if let [_, command, certificate, key] = &arguments[..]
        && command == "serve"
    {
        return serve(certificate, key);
    }
    let [_, work, port, roots, seconds, size] = &arguments[..] else {
        return Err(
            "usage: tls-rustls handshakes|download|upload|echo|idle PORT ROOTS SECONDS SIZE".into(),
        );
    };
    let work = match work.as_str() {
        "handshakes" => Work::Handshakes,
        "download" => Work::Download,
        "upload" => Work::Upload,
        "echo" => Work::Echo,
        _ => Work::Idle,
    };
    let mut trusted = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(roots)? {
        trusted.add(certificate?)?;
    }
    let mut config = ClientConfig::builder_with_provider(provider(false))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let mut client = Client {
        work,
        port: port.parse()?,
        seconds: Duration::from_secs_f64(seconds.parse()?),
        size: size.parse()?,
        config: Arc::new(config),
        poll: Poll::new()?,
        connections: Vec::new(),
        buffer: vec![b'x'; MOST],
        started: Instant::now(),
        window: None,
        count: 0,
        secured: 0,
        first_heap: 0,
    };
    let at_once = if matches!(work, Work::Handshakes | Work::Echo) { CONCURRENT } else { 1 };
    for _ in 0..at_once {
        client.start()?;
    }
    let mut events = Events::with_capacity(64);
    loop {
        client.poll.poll(&mut events, None)?;
        for event in &events {
            client.visit(event.token().0)?;
        }
    }
}
