//! Completions that nobody would hear of: with reactor delivery no event is made of them until there is
//! a default handler, and they count all the same.

use std::net::TcpListener;
use std::sync::mpsc::{Sender, channel};

use super::support::*;
use crate::api::event::Ticket;
use crate::api::properties::{DnsQueryType, SecureOptions};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor};
use crate::delivery::{Due, Host, Mode};
use crate::engine::command::Command;

const UNASKED: Ticket = Ticket { callback: 0, user_data: 0 };
const ASKED: Ticket = Ticket { callback: 1, user_data: 0 };

struct Telling(Sender<T>);

impl Host for Telling {
    fn deliver(&self, due: Due<'_>) {
        due.for_each(|event, _, _| self.0.send(event.event_type).unwrap());
    }

    fn wake_up(&self) {}

    fn gone(&self) {}
}

#[test]
fn what_nobody_asked_for_counts_and_is_told_only_to_a_default_handler_q_2() {
    let (sender, told) = channel();
    let options = Options { mode: Mode::Reactor, ..Options::default() };
    let reactor = SharedReactor::start().unwrap();
    let app = App::new(&options, reactor, Box::new(Telling(sender))).unwrap();
    let next = || told.recv_timeout(DEADLINE).unwrap();
    let send = |id| app.send(T::ChromeSocketsTcpSend, id, b"to nobody", UNASKED).unwrap();

    send(99);
    app.close_socket(T::ChromeSocketsTcpClose, Namespace::Tcp, 99, UNASKED).unwrap();
    app.get_info(Namespace::Tcp, 99, ASKED).unwrap();
    assert_eq!(next(), T::ChromeSocketsTcpGetInfo, "the first that anybody asked for");
    let stats = app.stats();
    assert_eq!((stats.calls_accepted, stats.calls_completed, stats.unsent_bytes), (3, 3, 0));

    app.delivery().set_default_handler(Some((ASKED, None)));
    send(99);
    assert_eq!(next(), T::ChromeSocketsTcpSend, "from the first call after it was set");

    app.close();
    app.delivery().free(|| ());
}

#[test]
fn what_was_sent_whole_counts_and_a_failed_secure_ends_though_nobody_asked_q_2_tls_3() {
    let (sender, told) = channel();
    let options = Options { mode: Mode::Reactor, ..Options::default() };
    let reactor = SharedReactor::start().unwrap();
    let app = App::new(&options, reactor, Box::new(Telling(sender))).unwrap();
    let next = || told.recv_timeout(DEADLINE).unwrap();
    app.delivery().add_listener(T::ChromeSocketsTcpOnReceive, ASKED);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let create = Command::Create(Namespace::Tcp, Default::default());
    let id = app.create(T::ChromeSocketsTcpCreate, create, UNASKED).unwrap();
    app.secure(T::ChromeSocketsTcpSecure, id, SecureOptions::default(), UNASKED).unwrap();
    let connect = Command::Connect {
        peer_address: "127.0.0.1".into(),
        peer_port: port.into(),
        dns_query_type: DnsQueryType::Any,
    };
    app.call(T::ChromeSocketsTcpConnect, id, connect, ASKED).unwrap();
    assert_eq!(next(), T::ChromeSocketsTcpConnect);
    app.send(T::ChromeSocketsTcpSend, id, b"to nobody", UNASKED).unwrap();
    app.get_info(Namespace::Tcp, id, ASKED).unwrap();
    assert_eq!(next(), T::ChromeSocketsTcpGetInfo);
    let stats = app.stats();
    assert_eq!((stats.calls_accepted, stats.calls_completed, stats.unsent_bytes), (5, 5, 0));

    let (peer, _) = listener.accept().unwrap();
    write_to(&peer, b"not secured");
    assert_eq!(next(), T::ChromeSocketsTcpOnReceive);

    app.close();
    app.delivery().free(|| ());
}
