//! Conversations over loopback: what arrives, and in which order (tcp.md section 6).

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use super::support::*;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::properties::SocketProperties;
use crate::api::table::{EventType as T, Namespace};

in_each_mode!(
    two_apps_connect_echo_and_close,
    a_raw_peer_gets_every_byte_before_the_end_cl_4,
    what_a_peer_says_late_costs_it_no_byte_dc_7_cl_4,
    immediate_completions_come_in_call_order_o_1,
    sends_complete_in_call_order_o_2,
    all_data_comes_before_the_end_of_the_stream_o_3,
    connect_completes_before_events_of_the_connection_o_4,
    listen_completes_before_the_first_accept_o_4,
    accept_comes_before_any_event_of_the_client_o_5,
    disconnect_completes_what_it_cancels_first_o_6,
    close_completes_what_it_cancels_first_o_6,
    a_write_error_fails_the_send_then_those_behind_it_o_7,
    end_of_stream_cancels_sends_after_the_last_data_o_8,
    the_socket_is_disconnected_when_its_error_arrives_o_9,
    a_connect_that_is_refused_says_so,
);

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;
const ON_RECEIVE_ERROR: T = T::ChromeSocketsTcpOnReceiveError;

/// What an event is, its result and its call.
fn brief(event: &Event) -> (T, Option<i32>, usize) {
    (event.event_type, event.result, ticket_of(event))
}

fn number(status: Status) -> Option<i32> {
    Some(status.number())
}

/// An app that sends back what it receives.
pub(super) fn echo_plan(drive: Drive) -> Plan {
    Plan::new(drive).reacting(|bench, event, _| {
        // Refused when the app is closing: then there is nothing to do.
        let _ = match event.event_type {
            T::ChromeSocketsTcpServerOnAccept => bench.try_call(|app, t| {
                app.set_paused(Namespace::Tcp, event.client_socket_id, false, t)
            }),
            ON_RECEIVE => {
                bench.try_call(|app, t| app.send_data(event.socket_id, data_of(event), t))
            }
            ON_RECEIVE_ERROR => {
                bench.try_call(|app, t| app.shut(Namespace::Tcp, event.socket_id, t))
            }
            _ => return,
        };
    })
}

fn two_apps_connect_echo_and_close(drive: Drive) {
    let server = echo_plan(drive).start();
    let client = Bench::start(drive);
    let (_, port) = server.listen();
    let id = client.create(Namespace::Tcp);
    let connect = client.connect(id, "127.0.0.1", port);
    assert_eq!(client.done(connect).result, Some(0));
    let sent = pattern(1_000_000);
    for block in sent.chunks(30_000) {
        client.send(id, block);
    }
    assert!(client.wait_received(id, sent.len()) == sent, "bytes differ");
    client.close_socket(id);
    // CL-2: a read was in flight.
    let error = client.wait_event(ON_RECEIVE_ERROR, id);
    assert_eq!(error.result, number(Status::ConnectionClosed));
    let accepted = server.wait("onAccept", |seen| {
        let id = seen.iter().map(|seen| seen.event.client_socket_id).max()?;
        (id > 0).then_some(id)
    });
    let error = server.wait_event(ON_RECEIVE_ERROR, accepted);
    assert_eq!(error.result, number(Status::ConnectionClosed), "R-6");
    client.end();
    server.end();
}

fn a_raw_peer_gets_every_byte_before_the_end_cl_4(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, mut peer) = bench.connected();
    write_to(&peer, b"never read: the socket is closed before");
    let sent = pattern(300_000);
    let send = bench.send(id, &sent);
    let mut got = vec![0; sent.len()];
    peer.read_exact(&mut got[..100_000]).unwrap();
    assert_eq!(bench.done(send).result, Some(0));
    bench.close_socket(id);
    peer.read_exact(&mut got[100_000..]).unwrap();
    assert!(got == sent, "bytes differ");
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "an orderly end");
    bench.end();
}

/// The system would answer it with a reset, and forget what it has not transmitted yet.
fn what_a_peer_says_late_costs_it_no_byte_dc_7_cl_4(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, mut peer) = bench.connected();
    let sent = pattern(1_000_000);
    let send = bench.send(id, &sent);
    assert_eq!(bench.done(send).result, Some(0));
    let close = bench.close_socket(id);
    bench.done(close);
    write_to(&peer, b"unheard");
    let mut got = vec![0; sent.len()];
    peer.read_exact(&mut got).unwrap();
    assert!(got == sent, "bytes differ");
    assert_eq!(peer.read(&mut [0]).unwrap(), 0, "an orderly end");
    bench.end();
}

fn immediate_completions_come_in_call_order_o_1(drive: Drive) {
    let bench = Bench::start(drive);
    let id = bench.create(Namespace::Tcp);
    let server = bench.create(Namespace::TcpServer);
    for _ in 0..50 {
        bench.call(|app, t| app.update(Namespace::Tcp, id, SocketProperties::default(), t));
        bench.call(|app, t| app.set_paused(Namespace::TcpServer, server, true, t));
        bench.get_info(id);
        bench.call(|app, t| app.get_sockets(Namespace::TcpServer, t));
        bench.disconnect(id);
        bench.connect(999, "127.0.0.1", 1);
        bench.call(|app, t| app.listen(id, "127.0.0.1", 0, None, t));
    }
    bench.close_socket(id);
    bench.close_socket(id);
    let last = bench.get_info(id);
    bench.done(last);
    let calls: Vec<_> = bench.seen().iter().map(|s| ticket_of(&s.event)).collect();
    assert_eq!(calls, (1..=last).collect::<Vec<_>>());
    let not_found = Some(c"Socket not found");
    assert_eq!(bench.done(last).message, not_found);
    assert_eq!(bench.done(last - 1).message, not_found, "closed twice");
    assert_eq!(bench.done(last - 2).message, None);
    bench.end();
}

fn sends_complete_in_call_order_o_2(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, mut peer) = bench.connected();
    let mut all = Vec::new();
    let mut calls = Vec::new();
    // Small ones travel beside the calls, larger ones in blocks; some do not fit the kernel's buffer.
    for len in [1, 0, 4096, 17_000, 300_000, 5, 0, 9_000_000, 3, 70_000, 0, 2] {
        let data = pattern(len);
        calls.push((bench.send(id, &data), len));
        all.extend(data);
    }
    let mut got = vec![0; all.len()];
    peer.read_exact(&mut got).unwrap();
    assert!(got == all, "bytes differ (S-4)");
    for (call, len) in &calls {
        let done = bench.done(*call);
        let crate::api::event::Payload::BytesSent(sent) = done.payload else {
            panic!("no count: {done:?}");
        };
        assert_eq!((done.result, sent), (Some(0), *len as u64), "S-1");
    }
    let order: Vec<_> = bench
        .seen()
        .iter()
        .filter(|seen| seen.event.event_type == T::ChromeSocketsTcpSend)
        .map(|seen| ticket_of(&seen.event))
        .collect();
    let expected: Vec<_> = calls.iter().map(|(call, _)| *call).collect();
    assert_eq!(order, expected);
    bench.end();
}

fn all_data_comes_before_the_end_of_the_stream_o_3(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer) = bench.connected();
    let data = pattern(500_000);
    write_to(&peer, &data);
    drop(peer);
    let error = bench.wait_event(ON_RECEIVE_ERROR, id);
    assert_eq!(error.result, number(Status::ConnectionClosed));
    assert!(bench.received(id) == data, "bytes differ (R-5)");
    let seen = bench.seen();
    let too_long = |seen: &Seen| seen.event.data_len() > 4096;
    assert!(!seen.iter().any(too_long), "R-1");
    assert_eq!(seen.last().unwrap().event.event_type, ON_RECEIVE_ERROR);
    // nothing more until it is connected again.
    let resumed = bench.resume(id);
    bench.done(resumed);
    let info = bench.get_info(id);
    bench.done(info);
    assert_eq!(bench.count(ON_RECEIVE_ERROR), 1);
    bench.end();
}

fn connect_completes_before_events_of_the_connection_o_4(drive: Drive) {
    for _ in 0..20 {
        let bench = Bench::start(drive);
        let (id, connect, peer) = bench.connecting();
        write_to(&peer, b"early");
        drop(peer);
        bench.wait_event(ON_RECEIVE_ERROR, id);
        let seen = bench.seen();
        let at = |event_type| seen.iter().position(|s| s.event.event_type == event_type);
        let order = [at(T::ChromeSocketsTcpConnect), at(ON_RECEIVE), at(ON_RECEIVE_ERROR)];
        assert!(order.is_sorted() && order[0].is_some(), "{order:?}");
        assert_eq!(bench.done(connect).result, Some(0));
        assert_eq!(bench.received(id), b"early");
        bench.end();
    }
}

fn listen_completes_before_the_first_accept_o_4(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, port) = bench.listen();
    let stop = bench.call(|app, t| app.disconnect(Namespace::TcpServer, id, t));
    bench.done(stop);
    // Somebody is already trying when the port opens again.
    let client = std::thread::spawn(move || {
        let start = Instant::now();
        loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => return stream,
                Err(error) => assert!(start.elapsed() < DEADLINE, "{error}"),
            }
        }
    });
    let again = bench.call(|app, t| app.listen(id, "127.0.0.1", port.into(), None, t));
    bench.wait_event(T::ChromeSocketsTcpServerOnAccept, id);
    let seen = bench.seen();
    let listened = seen.iter().position(|s| ticket_of(&s.event) == again);
    let is_accept = |s: &Seen| s.event.event_type == T::ChromeSocketsTcpServerOnAccept;
    let accepted = seen.iter().position(is_accept);
    assert!(listened.is_some() && listened < accepted, "{}", bench.trace());
    drop(client.join().unwrap());
    bench.end();
}

fn accept_comes_before_any_event_of_the_client_o_5(drive: Drive) {
    let bench = echo_plan(drive).start();
    let (server, port) = bench.listen();
    let mut peers = Vec::new();
    for n in 0..20_u8 {
        let peer = with_deadline(TcpStream::connect(("127.0.0.1", port)).unwrap());
        write_to(&peer, &[n]);
        peers.push(peer);
    }
    for (n, mut peer) in peers.into_iter().enumerate() {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        assert_eq!(usize::from(byte[0]), n);
    }
    let mut known = vec![server];
    for seen in bench.seen() {
        let event = seen.event;
        if event.event_type == T::ChromeSocketsTcpServerOnAccept {
            assert!(!known.contains(&event.client_socket_id), "G-1");
            known.push(event.client_socket_id);
        }
        assert!(known.contains(&event.socket_id), "O-5: {event:?}");
    }
    assert_eq!(known.len(), 21);
    bench.end();
}

/// A connected socket with two sends that cannot finish.
fn with_unfinished_sends(bench: &Bench) -> (i32, TcpStream, [usize; 2]) {
    let (id, peer) = bench.connected();
    let data = vec![7; UNSENDABLE];
    let sends = [bench.send(id, &data), bench.send(id, &data)];
    // Carried out, not only accepted.
    let after = bench.get_info(id);
    bench.done(after);
    (id, peer, sends)
}

/// The events after the first that is about `id` and of a pending call.
fn from_first_of(bench: &Bench, call: usize) -> Vec<(T, Option<i32>, usize)> {
    let seen = bench.seen();
    let first = seen.iter().position(|s| ticket_of(&s.event) == call);
    let first = first.expect("the call has completed");
    seen[first..].iter().map(|s| brief(&s.event)).collect()
}

fn ended_locally(drive: Drive, ending: T, end: impl Fn(&Bench, i32) -> usize) {
    let bench = Bench::start(drive);
    let (id, peer, [one, two]) = with_unfinished_sends(&bench);
    let end = end(&bench, id);
    bench.wait_event(ON_RECEIVE_ERROR, id);
    let expected = [
        (T::ChromeSocketsTcpSend, number(Status::SocketNotConnected), one),
        (T::ChromeSocketsTcpSend, number(Status::SocketNotConnected), two),
        (ending, None, end),
        (ON_RECEIVE_ERROR, number(Status::ConnectionClosed), 0),
    ];
    assert_eq!(from_first_of(&bench, one), expected);
    wait_end_of(peer);
    bench.end();
}

fn disconnect_completes_what_it_cancels_first_o_6(drive: Drive) {
    ended_locally(drive, T::ChromeSocketsTcpDisconnect, Bench::disconnect);
    resolving_ended(drive, Bench::disconnect, |event| {
        (event.result, event.message) == (number(Status::Aborted), Some(c"net::ERR_ABORTED"))
    });
}

fn close_completes_what_it_cancels_first_o_6(drive: Drive) {
    ended_locally(drive, T::ChromeSocketsTcpClose, Bench::close_socket);
    resolving_ended(drive, Bench::close_socket, |event| {
        (event.result, event.message) == (None, Some(c"Socket not found"))
    });
}

/// D9 and CL-3: a connect that is still resolving. No read was in flight, so no event follows.
fn resolving_ended(
    drive: Drive,
    end: impl Fn(&Bench, i32) -> usize,
    is_right: impl Fn(&Event) -> bool,
) {
    let questions = Questions::default();
    let bench = Plan::new(drive).on(&questions.reactor()).start();
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "slow.example", 80);
    questions.wait(1);
    let end = end(&bench, id);
    assert_eq!(bench.done(end).message, None);
    let done = bench.done(connect);
    assert!(is_right(&done), "{done:?}");
    let order: Vec<_> = bench.seen().iter().map(|s| ticket_of(&s.event)).collect();
    assert_eq!(order, [1, connect, end]);
    bench.end();
    assert_eq!(bench.count(ON_RECEIVE_ERROR), 0);
}

fn a_write_error_fails_the_send_then_those_behind_it_o_7(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer, [one, two]) = with_unfinished_sends(&bench);
    until("bytes at the peer", || peer.peek(&mut [0]).is_ok());
    // Unread bytes make the kernel reset the connection.
    drop(peer);
    bench.wait_event(ON_RECEIVE_ERROR, id);
    let expected = [
        (T::ChromeSocketsTcpSend, number(Status::ConnectionReset), one),
        (T::ChromeSocketsTcpSend, number(Status::SocketNotConnected), two),
        (ON_RECEIVE_ERROR, number(Status::ConnectionReset), 0),
    ];
    assert_eq!(from_first_of(&bench, one), expected);
    bench.end();
}

fn end_of_stream_cancels_sends_after_the_last_data_o_8(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer, [one, two]) = with_unfinished_sends(&bench);
    let data = pattern(100_000);
    write_to(&peer, &data);
    peer.shutdown(Shutdown::Write).unwrap();
    bench.wait_event(ON_RECEIVE_ERROR, id);
    assert!(bench.received(id) == data, "bytes differ");
    let expected = [
        (T::ChromeSocketsTcpSend, number(Status::SocketNotConnected), one),
        (T::ChromeSocketsTcpSend, number(Status::SocketNotConnected), two),
        (ON_RECEIVE_ERROR, number(Status::ConnectionClosed), 0),
    ];
    assert_eq!(from_first_of(&bench, one), expected, "no data after them");
    let refused = bench.send(id, b"late");
    assert_eq!(bench.done(refused).result, number(Status::SocketNotConnected), "S-6");
    bench.end();
}

fn the_socket_is_disconnected_when_its_error_arrives_o_9(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, event, _| {
        if event.event_type == ON_RECEIVE_ERROR {
            bench.get_info(event.socket_id);
        }
    });
    let bench = plan.start();
    let (id, mut peer) = bench.connected();
    peer.write_all(b"last").unwrap();
    drop(peer);
    let info = bench.wait_event(T::ChromeSocketsTcpGetInfo, id);
    let info = info_of(&info);
    assert_eq!((info.connected, info.paused), (Some(false), true));
    assert_eq!((&info.local, &info.peer), (&None, &None));
    bench.end();
}

fn a_connect_that_is_refused_says_so(drive: Drive) {
    let bench = Bench::start(drive);
    // Bound and not listening: refuses, and nobody else can get the port.
    let closed = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    closed.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let port = closed.local_addr().unwrap().as_socket().unwrap().port();
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "127.0.0.1", port);
    let done = bench.done(connect);
    assert_eq!(done.result, number(Status::ConnectionRefused));
    assert_eq!(done.message, Some(c"net::ERR_CONNECTION_REFUSED"));
    bench.end();
}

/// The tests' own host must notice what it is there to notice.
#[test]
fn the_bench_notices_a_call_without_completion() {
    let bench = Bench::start(Drive::Dispatch);
    let never = bench.try_call(|_, _| Ok(())).unwrap();
    assert_eq!(never.0, 1);
    let ended = Arc::clone(&bench);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || ended.end()));
    let text = outcome.unwrap_err();
    let text = text.downcast_ref::<String>().unwrap();
    assert!(text.contains("not completed exactly once: [1]"), "{text}");
}
