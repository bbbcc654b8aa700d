//! Apps that may have only so many sockets with a descriptor: beyond it all is as if the process had none left, and
//! whatever ends gives its descriptor back.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::num::NonZeroU32;

use super::support::*;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SecureOptions, SocketProperties, SocketType};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor};
use crate::engine::command::Command;
use crate::net::SocketSettings;

in_each_mode!(
    connects_beyond_the_limit_fail_until_another_socket_ends,
    connections_beyond_the_limit_wait_for_their_server,
    listening_and_bound_sockets_count,
    sockets_of_the_old_namespace_count,
    the_addresses_of_localhost_need_one_descriptor_in_turn,
    what_fails_gives_its_descriptor_back,
    a_connection_that_outlives_its_socket_gives_its_descriptor_back,
    sockets_closed_by_suspend_and_unload_give_theirs_back,
);

const NONE_LEFT: Option<i32> = Some(Status::InsufficientResources.number());

fn limited(drive: Drive, max_open: u32) -> Plan {
    let sockets = SocketSettings { max_open: NonZeroU32::new(max_open), ..Default::default() };
    Plan::new(drive).with(Options { sockets, ..Options::default() })
}

fn create(bench: &Bench, event_type: T, command: Command) -> i32 {
    let create = |app: &App, t: Ticket| app.create(event_type, command, t);
    bench.try_call(create).expect("create is accepted").1
}

fn new_udp(bench: &Bench) -> i32 {
    let command = Command::Create(Namespace::Udp, SocketProperties::default());
    create(bench, T::ChromeSocketsUdpCreate, command)
}

/// Makes a call; the number it answers with.
fn result_of(bench: &Bench, event_type: T, id: i32, command: Command) -> Option<i32> {
    bench.done(bench.call(|app, t| app.call(event_type, id, command, t))).result
}

fn listen_to(port: u16) -> Command {
    Command::Listen { address: "127.0.0.1".into(), port: port.into(), backlog: None }
}

fn bind_to(port: u16) -> Command {
    Command::Bind { address: "127.0.0.1".into(), port: port.into() }
}

fn close(bench: &Bench, namespace: Namespace, id: i32) {
    let event_type = match namespace {
        Namespace::Tcp => T::ChromeSocketsTcpClose,
        Namespace::TcpServer => T::ChromeSocketsTcpServerClose,
        Namespace::Udp => T::ChromeSocketsUdpClose,
        Namespace::Socket => T::ChromeSocketDestroy,
    };
    let call = bench.call(|app, t| app.close_socket(event_type, namespace, id, t));
    assert_eq!(bench.done(call).message, None);
}

/// How many more sockets the app can have: so many are connected, and closed again.
fn room(bench: &Bench) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut connected = Vec::new();
    loop {
        let id = bench.create(Namespace::Tcp);
        let result = bench.done(bench.connect(id, "127.0.0.1", port)).result;
        if result != Some(0) {
            assert_eq!(result, NONE_LEFT);
            break;
        }
        connected.push(id);
    }
    connected.iter().for_each(|id| close(bench, Namespace::Tcp, *id));
    connected.len()
}

fn connects_beyond_the_limit_fail_until_another_socket_ends(drive: Drive) {
    let bench = limited(drive, 2).start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let [first, second, third] = [(); 3].map(|()| bench.create(Namespace::Tcp));
    let connect = |id| bench.done(bench.connect(id, "127.0.0.1", port)).result;
    assert_eq!([first, second, third].map(connect), [Some(0), Some(0), NONE_LEFT]);
    assert_eq!(connect(third), NONE_LEFT);
    bench.done(bench.disconnect(first));
    assert_eq!([third, first].map(connect), [Some(0), NONE_LEFT]);
    close(&bench, Namespace::Tcp, second);
    assert_eq!(connect(first), Some(0), "the same socket, connected again");
    // The other side ends one.
    for _ in 0..2 {
        drop(listener.accept().unwrap());
    }
    let (peer, _) = listener.accept().unwrap();
    drop(peer);
    bench.wait_event(T::ChromeSocketsTcpOnReceiveError, third);
    assert_eq!(room(&bench), 1);
    bench.end();
}

/// Ids of the connections that a server has accepted, once there are so many.
fn wait_accepted(bench: &Bench, number: usize) -> Vec<i32> {
    bench.wait(&format!("{number} connections"), |seen| {
        let events = seen.iter().map(|seen| &seen.event);
        let accepted = events.filter(|event| event.event_type == T::ChromeSocketsTcpServerOnAccept);
        let ids: Vec<_> = accepted.map(|event| event.client_socket_id).collect();
        (ids.len() == number).then_some(ids)
    })
}

/// tcp.md AC-6 to AC-8: the server is paused, and nobody who waits is turned away.
fn connections_beyond_the_limit_wait_for_their_server(drive: Drive) {
    const ON_ACCEPT_ERROR: T = T::ChromeSocketsTcpServerOnAcceptError;
    let bench = limited(drive, 3).start();
    let (server, port) = bench.listen();
    let is_paused = || {
        let info = bench.call(|app, t| app.get_info(Namespace::TcpServer, server, t));
        info_of(&bench.done(info)).paused
    };
    let go_on = || bench.call(|app, t| app.set_paused(Namespace::TcpServer, server, false, t));
    let peers = [(); 3].map(|()| with_deadline(TcpStream::connect(("127.0.0.1", port)).unwrap()));
    let [first, _second, third] = peers;
    write_to(&third, b"patience");
    assert_eq!(bench.wait_event(ON_ACCEPT_ERROR, server).result, NONE_LEFT);
    let clients = wait_accepted(&bench, 2);
    assert!(is_paused());
    // Too early.
    bench.done(go_on());
    bench.wait("another error", |seen| {
        let errors = seen.iter().filter(|seen| seen.event.event_type == ON_ACCEPT_ERROR);
        (errors.count() == 2).then_some(())
    });
    assert!(is_paused());
    close(&bench, Namespace::Tcp, clients[0]);
    wait_end_of(first);
    bench.done(go_on());
    let third_id = wait_accepted(&bench, 3)[2];
    bench.resume(third_id);
    assert_eq!(bench.wait_received(third_id, 8), b"patience");
    assert!(!is_paused(), "nobody waits any more");
    assert_eq!(bench.count(ON_ACCEPT_ERROR), 2);
    bench.end();
}

fn listening_and_bound_sockets_count(drive: Drive) {
    let bench = limited(drive, 2).start();
    let (server, port) = bench.listen();
    let other = bench.create(Namespace::TcpServer);
    let [udp, other_udp] = [(); 2].map(|()| new_udp(&bench));
    let listen = || result_of(&bench, T::ChromeSocketsTcpServerListen, other, listen_to(0));
    let bind = |id| result_of(&bench, T::ChromeSocketsUdpBind, id, bind_to(0));
    assert_eq!([udp, other_udp].map(bind), [Some(0), NONE_LEFT]);
    assert_eq!(listen(), NONE_LEFT);
    let stop = bench.call(|app, t| app.disconnect(Namespace::TcpServer, server, t));
    bench.done(stop);
    assert_eq!(listen(), Some(0));
    assert_eq!(bind(other_udp), NONE_LEFT);
    close(&bench, Namespace::Udp, udp);
    assert_eq!(bind(other_udp), Some(0));
    close(&bench, Namespace::TcpServer, other);
    let again = result_of(&bench, T::ChromeSocketsTcpServerListen, server, listen_to(port));
    assert_eq!(again, Some(0), "the same server once more");
    assert_eq!(room(&bench), 0);
    bench.end();
}

/// A legacy server that asks for a connection gets one when there is a descriptor for it.
fn sockets_of_the_old_namespace_count(drive: Drive) {
    let bench = limited(drive, 2).start();
    let new = |kind| create(&bench, T::ChromeSocketCreate, Command::CreateLegacy(kind));
    let udp_peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let peer_port = udp_peer.local_addr().unwrap().port().into();
    let connect = |id| {
        let dns_query_type = DnsQueryType::Any;
        let command =
            Command::Connect { peer_address: "127.0.0.1".into(), peer_port, dns_query_type };
        result_of(&bench, T::ChromeSocketConnect, id, command)
    };
    let accept = |id| {
        bench.done(bench.call(|app, t| app.call(T::ChromeSocketAccept, id, Command::Accept, t)))
    };
    let (server, datagrams) = (new(SocketType::Tcp), new(SocketType::Udp));
    let others = [SocketType::Tcp, SocketType::Udp].map(new);
    assert_eq!(result_of(&bench, T::ChromeSocketListen, server, listen_to(0)), Some(0));
    let info = Command::GetInfo(Namespace::Socket);
    let info = bench.done(bench.call(|app, t| app.call(T::ChromeSocketGetInfo, server, info, t)));
    let port = info_of(&info).local.as_ref().expect("an address").port;
    assert_eq!(connect(datagrams), Some(0));
    assert_eq!(others.map(connect), [NONE_LEFT; 2]);
    let bound = result_of(&bench, T::ChromeSocketBind, others[1], bind_to(0));
    assert_eq!(bound, NONE_LEFT);
    let peer = with_deadline(TcpStream::connect(("127.0.0.1", port)).unwrap());
    write_to(&peer, b"hello");
    assert_eq!(accept(server).result, NONE_LEFT);
    close(&bench, Namespace::Socket, datagrams);
    let accepted = accept(server);
    assert_eq!(accepted.result, Some(0));
    let client = accepted.client_socket_id;
    let read = bench.call(|app, t| app.call(T::ChromeSocketRead, client, Command::Read(None), t));
    assert_eq!(data_of(&bench.done(read)), b"hello");
    assert_eq!(connect(others[1]), NONE_LEFT);
    for id in [server, client] {
        close(&bench, Namespace::Socket, id);
    }
    assert_eq!(connect(others[1]), Some(0));
    assert_eq!(room(&bench), 1);
    bench.end();
}

fn the_addresses_of_localhost_need_one_descriptor_in_turn(drive: Drive) {
    let bench = limited(drive, 1).start();
    // Nobody listens at the other address, which comes first.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let [id, other] = [(); 2].map(|()| bench.create(Namespace::Tcp));
    for _ in 0..5 {
        assert_eq!(bench.done(bench.connect(id, "localhost", port)).result, Some(0));
        assert_eq!(bench.done(bench.connect(other, "localhost", port)).result, NONE_LEFT);
        bench.done(bench.disconnect(id));
    }
    assert_eq!(room(&bench), 1);
    bench.end();
}

/// Failures of the other side, and of the system after the descriptor was made.
fn what_fails_gives_its_descriptor_back(drive: Drive) {
    let bench = limited(drive, 1).start();
    let (busy, busy_udp) =
        (TcpListener::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let port = busy.local_addr().unwrap().port();
    let udp_port = busy_udp.local_addr().unwrap().port();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (client, server) = (bench.create(Namespace::Tcp), bench.create(Namespace::TcpServer));
    let udp = new_udp(&bench);
    let in_use = Some(Status::AddressInUse.number());
    let refused = Some(Status::ConnectionRefused.number());
    for _ in 0..5 {
        for host in ["127.0.0.1", "localhost"] {
            assert_eq!(bench.done(bench.connect(client, host, nobody)).result, refused);
        }
        let listen = result_of(&bench, T::ChromeSocketsTcpServerListen, server, listen_to(port));
        assert_eq!(listen, in_use);
        let bind = result_of(&bench, T::ChromeSocketsUdpBind, udp, bind_to(udp_port));
        assert_eq!(bind, in_use);
        // Ends while it connects, and while it agrees upon TLS.
        let (id, connect, _peer) = bench.connecting();
        close(&bench, Namespace::Tcp, id);
        bench.done(connect);
        let id = bench.create(Namespace::Tcp);
        bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t));
        assert_eq!(bench.done(bench.connect(id, "127.0.0.1", port)).result, Some(0));
        let options = SecureOptions::default();
        let secure = bench.call(|app, t| app.secure(T::ChromeSocketsTcpSecure, id, options, t));
        let peer = busy.accept().unwrap().0;
        write_to(&peer, b"no TLS at all, but text");
        assert_eq!(bench.done(secure).result, Some(Status::SslProtocolError.number()));
        assert_eq!(room(&bench), 1);
    }
    bench.end();
}

/// tcp.md CL-4: it is drained until its peer is done.
fn a_connection_that_outlives_its_socket_gives_its_descriptor_back(drive: Drive) {
    let bench = limited(drive, 1).start();
    let (id, peer) = bench.connected();
    bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t));
    bench.done(bench.send(id, b"sent"));
    // The read that was in flight, and what nobody reads.
    write_to(&peer, b"read");
    bench.wait_received(id, 4);
    write_to(&peer, b"not read");
    close(&bench, Namespace::Tcp, id);
    wait_end_of(peer);
    until("its descriptor is back", || room(&bench) == 1);
    bench.end();
}

/// tcp.md LC-1, LC-6.
fn sockets_closed_by_suspend_and_unload_give_theirs_back(drive: Drive) {
    let bench = limited(drive, 4).start();
    for (round, unloads) in [false, true].repeat(3).into_iter().enumerate() {
        let (_, port) = bench.listen();
        let peer = with_deadline(TcpStream::connect(("127.0.0.1", port)).unwrap());
        wait_accepted(&bench, round + 1);
        let udp = new_udp(&bench);
        assert_eq!(result_of(&bench, T::ChromeSocketsUdpBind, udp, bind_to(0)), Some(0));
        let (_, other) = bench.connected();
        assert_eq!(room(&bench), 0);
        if unloads {
            bench.app().unload().unwrap();
        } else {
            bench.app().suspend().unwrap();
            bench.app().resume().unwrap();
        }
        wait_end_of(peer);
        wait_end_of(other);
        assert_eq!(room(&bench), 4);
    }
    bench.end();
}

#[test]
fn apps_of_one_reactor_have_limits_of_their_own() {
    let reactor = SharedReactor::start().unwrap();
    let start = |max_open| limited(Drive::Dispatch, max_open).on(&reactor).start();
    let [one, three, unlimited] = [1, 3, 0].map(start);
    let _connected = one.connected();
    for _ in 0..2 {
        assert_eq!([room(&one), room(&three)], [0, 3]);
    }
    let many: Vec<_> = (0..20).map(|_| unlimited.connected()).collect();
    assert_eq!([room(&one), room(&three)], [0, 3]);
    one.end();
    assert_eq!(room(&three), 3);
    three.end();
    unlimited.end();
    many.into_iter().for_each(|(_, peer)| wait_end_of(peer));
}

/// A host whose first address does not answer is tried at the second one beside it.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn each_attempt_of_a_connect_counts() {
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    full.listen(0).unwrap();
    let port = full.local_addr().unwrap().as_socket().unwrap().port();
    let _filler = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let _listener = TcpListener::bind(("127.0.0.2", port)).unwrap();
    let questions = Questions::default();
    let bench = limited(Drive::Dispatch, 3).on(&questions.reactor()).start();
    let (id, pending) = (bench.create(Namespace::Tcp), bench.create(Namespace::Tcp));
    let pending_connect = bench.connect(pending, "127.0.0.1", port);
    let connect = bench.connect(id, "name.example", port);
    let (_, answer) = questions.take();
    answer(Ok(vec![[127, 0, 0, 1].into(), [127, 0, 0, 2].into()]));
    assert_eq!(bench.done(connect).result, Some(0));
    assert_eq!(room(&bench), 1, "the slower attempt is over");
    close(&bench, Namespace::Tcp, pending);
    assert_eq!(bench.done(pending_connect).result, Some(Status::Aborted.number()));
    assert_eq!(room(&bench), 2);
    bench.end();
}
