//! `chrome.sockets.udp` over loopback: datagrams arrive whole, in order, and only while they may.

use std::net::{SocketAddr, UdpSocket};

use super::support::*;
use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::app::App;
use crate::engine::command::Command;

in_each_mode!(
    datagrams_arrive_whole_with_their_sender_5_2,
    many_datagrams_arrive_in_order_5_5,
    sends_complete_and_leave_in_call_order_7,
    what_comes_during_a_pause_comes_after_it_5_3,
    what_waited_for_an_app_that_slept_comes_after_a_pause_s4_5_3,
    a_datagram_above_the_buffer_size_pauses_the_socket_5_2,
    nothing_comes_after_close_and_the_id_is_gone_8,
    a_send_to_a_name_that_fails_is_told_in_its_turn_7,
    undelivered_datagrams_are_bounded_and_none_is_reordered_5_5,
);

const ON_RECEIVE: T = T::ChromeSocketsUdpOnReceive;

fn create(bench: &Bench, buffer_size: i32) -> i32 {
    let given = SocketProperties { buffer_size: Some(buffer_size), ..Default::default() };
    let command = Command::Create(Namespace::Udp, given);
    let create = |app: &App, t: Ticket| app.create(T::ChromeSocketsUdpCreate, command, t);
    bench.try_call(create).expect("create is accepted").1
}

fn bind(bench: &Bench, id: i32) -> SocketAddr {
    let command = Command::Bind { address: "127.0.0.1".into(), port: 0 };
    let bind = bench.call(|app, t| app.call(T::ChromeSocketsUdpBind, id, command, t));
    assert_eq!(bench.done(bind).result, Some(0));
    let command = Command::GetInfo(Namespace::Udp);
    let info = bench.call(|app, t| app.call(T::ChromeSocketsUdpGetInfo, id, command, t));
    let local = info_of(&bench.done(info)).local.clone().expect("a bound socket has an address");
    ([127, 0, 0, 1], local.port).into()
}

fn set_paused(bench: &Bench, id: i32, paused: bool) {
    let command = Command::SetPaused(Namespace::Udp, paused);
    let call = bench.call(|app, t| app.call(T::ChromeSocketsUdpSetPaused, id, command, t));
    assert_eq!(bench.done(call).message, None);
}

fn send(bench: &Bench, id: i32, data: &[u8], host: &str, port: u16) -> usize {
    let (udp_send, to) = (T::ChromeSocketsUdpSend, (host, port.into()));
    bench.call(|app, t| app.send_to(udp_send, id, data, to, DnsQueryType::Any, t))
}

fn peer() -> (UdpSocket, u16) {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let port = peer.local_addr().unwrap().port();
    (peer, port)
}

/// Waits for `number` datagrams; each with its sender.
fn wait_datagrams(bench: &Bench, id: i32, number: usize) -> Vec<(Vec<u8>, SocketAddr)> {
    bench.wait(&format!("{number} datagrams"), |seen| {
        let of_socket = |e: &&Event| e.event_type == ON_RECEIVE && e.socket_id == id;
        let datagrams: Vec<_> = seen
            .iter()
            .map(|seen| &seen.event)
            .filter(of_socket)
            .map(|event| match &event.payload {
                Payload::Datagram(data, from) => (data.to_vec(), *from),
                other => panic!("no datagram: {other:?}"),
            })
            .collect();
        (datagrams.len() >= number).then_some(datagrams)
    })
}

fn datagrams_arrive_whole_with_their_sender_5_2(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 65_536);
    let at = bind(&bench, id);
    let (peer, port) = peer();
    for (number, len) in [0, 1, 1200, 65_507, 0, 3].into_iter().enumerate() {
        peer.send_to(&pattern(len), at).unwrap();
        let got = wait_datagrams(&bench, id, number + 1);
        assert_eq!(got.len(), number + 1, "one event each");
        assert!(got[number] == (pattern(len), ([127, 0, 0, 1], port).into()), "{len} bytes");
    }
    bench.end();
}

/// More than one system call takes, of sizes that the system may have joined.
fn many_datagrams_arrive_in_order_5_5(drive: Drive) {
    const NUMBER: u32 = 100;
    let bench = Bench::start(drive);
    let id = create(&bench, 4096);
    let at = bind(&bench, id);
    let (peer, _) = peer();
    for round in 0..10 {
        for number in 0..NUMBER {
            peer.send_to(&(round * NUMBER + number).to_le_bytes(), at).unwrap();
        }
        wait_datagrams(&bench, id, ((round + 1) * NUMBER) as usize);
    }
    let got = wait_datagrams(&bench, id, (10 * NUMBER) as usize);
    let numbers: Vec<_> =
        got.iter().map(|(data, _)| u32::from_le_bytes(data[..].try_into().unwrap())).collect();
    assert_eq!(numbers, (0..10 * NUMBER).collect::<Vec<_>>());
    bench.end();
}

fn sends_complete_and_leave_in_call_order_7(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 4096);
    bind(&bench, id);
    let (peer, port) = peer();
    // Runs of equal sizes, which may leave together, between others.
    let sizes = [5, 5, 5, 0, 700, 700, 1, 30_000, 5, 5];
    let sends: Vec<_> = sizes
        .iter()
        .map(|len| (send(&bench, id, &pattern(*len), "127.0.0.1", port), *len))
        .collect();
    let mut buffer = vec![0; 65_536];
    for (call, len) in &sends {
        let (got, _) = peer.recv_from(&mut buffer).expect("a datagram");
        assert!(buffer[..got] == pattern(*len), "{len} bytes");
        let done = bench.done(*call);
        assert!(
            matches!(done.payload, Payload::BytesSent(sent) if sent == *len as u64),
            "{done:?}"
        );
    }
    let completed: Vec<_> = bench
        .seen()
        .iter()
        .filter(|seen| seen.event.event_type == T::ChromeSocketsUdpSend)
        .map(|seen| ticket_of(&seen.event))
        .collect();
    assert_eq!(completed, sends.iter().map(|(call, _)| *call).collect::<Vec<_>>());
    bench.end();
}

fn what_comes_during_a_pause_comes_after_it_5_3(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 4096);
    let at = bind(&bench, id);
    let (peer, _) = peer();
    set_paused(&bench, id, true);
    for number in 0..20_u8 {
        peer.send_to(&[number], at).unwrap();
    }
    // Turns of the reactor in which the datagrams could have come.
    for _ in 0..20 {
        let command = Command::GetSockets(Namespace::Udp);
        let call = bench.call(|app, t| app.call(T::ChromeSocketsUdpGetSockets, 0, command, t));
        bench.done(call);
    }
    assert_eq!(bench.count(ON_RECEIVE), 0);
    set_paused(&bench, id, false);
    let got = wait_datagrams(&bench, id, 20);
    assert!(got.iter().enumerate().all(|(number, (data, _))| data[..] == [number as u8]));
    bench.end();
}

fn a_datagram_above_the_buffer_size_pauses_the_socket_5_2(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 100);
    let at = bind(&bench, id);
    let (peer, _) = peer();
    for len in [100, 101, 7] {
        peer.send_to(&pattern(len), at).unwrap();
    }
    let error = bench.wait_event(T::ChromeSocketsUdpOnReceiveError, id);
    assert_eq!(error.result, Some(Status::MsgTooBig.number()));
    assert_eq!(wait_datagrams(&bench, id, 1).len(), 1, "paused behind the error");
    set_paused(&bench, id, false);
    let got = wait_datagrams(&bench, id, 2);
    assert_eq!((got[0].0.len(), got[1].0.len()), (100, 7), "the long one is lost");
    bench.end();
}

fn nothing_comes_after_close_and_the_id_is_gone_8(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 4096);
    let at = bind(&bench, id);
    let (peer, _) = peer();
    for _ in 0..50 {
        // Once it is closed the system may refuse.
        let _ = peer.send_to(b"x", at);
    }
    let close = |bench: &Bench| {
        let udp_close = T::ChromeSocketsUdpClose;
        bench.call(|app, t| app.close_socket(udp_close, Namespace::Udp, id, t))
    };
    let (first, second) = (close(&bench), close(&bench));
    assert_eq!(bench.done(first).message, None);
    assert_eq!(bench.done(second).message, Some(c"Socket not found"));
    let seen = bench.seen();
    let is_close = |seen: &Seen| ticket_of(&seen.event) == first;
    let closed = seen.iter().position(is_close).unwrap();
    assert!(!seen[closed..].iter().any(|seen| seen.event.event_type == ON_RECEIVE), "D14");
    bench.end();
}

fn a_send_to_a_name_that_fails_is_told_in_its_turn_7(drive: Drive) {
    let questions = Questions::default();
    let bench = Plan::new(drive).on(&questions.reactor()).start();
    let id = create(&bench, 4096);
    bind(&bench, id);
    let (peer, port) = peer();
    let first = send(&bench, id, b"first", "first.example", port);
    let second = send(&bench, id, b"second", "second.example", port);
    let (_, answer_first) = questions.take();
    let (_, answer_second) = questions.take();
    answer_second(Err(Status::NameNotResolved));
    answer_first(Ok(vec![[127, 0, 0, 1].into()]));
    assert_eq!(bench.done(second).result, Some(Status::NameNotResolved.number()));
    let done = bench.wait("the first one, before", |seen| {
        let sends = seen.iter().map(|seen| &seen.event);
        sends.filter(|e| e.event_type == T::ChromeSocketsUdpSend).map(ticket_of).next()
    });
    assert_eq!(done, first);
    let mut buffer = [0; 10];
    let (len, _) = peer.recv_from(&mut buffer).expect("the first datagram");
    assert_eq!(&buffer[..len], b"first");
    bench.end();
}

/// README "Limits on memory": with little credit the socket is read little by little.
fn undelivered_datagrams_are_bounded_and_none_is_reordered_5_5(drive: Drive) {
    let bench = Plan::new(drive).holding(1, 1).start();
    let id = create(&bench, 4096);
    let at = bind(&bench, id);
    let (peer, _) = peer();
    for number in 0..100_u8 {
        peer.send_to(&[number], at).unwrap();
    }
    let got = wait_datagrams(&bench, id, 100);
    assert!(got.iter().enumerate().all(|(number, (data, _))| data[..] == [number as u8]));
    until("all credit is back", || bench.stats().undelivered_bytes == 0);
    bench.end();
}

/// Spec README S4: nothing while paused, also of what came before while the app was suspended.
fn what_waited_for_an_app_that_slept_comes_after_a_pause_s4_5_3(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, 4096);
    let to = bind(&bench, id);
    let persistent = SocketProperties { persistent: Some(true), ..Default::default() };
    let command = Command::Update(Namespace::Udp, persistent);
    bench.call(|app, t| app.call(T::ChromeSocketsUdpUpdate, id, command, t));
    let (peer, _) = peer();
    bench.app().suspend().unwrap();
    for text in ["one", "two"] {
        peer.send_to(text.as_bytes(), to).unwrap();
    }
    bench.wait_event(T::ChromesockAppWanted, 0);
    until("both wait", || bench.stats().undelivered_bytes == 6);
    set_paused(&bench, id, true);
    bench.app().resume().unwrap();
    peer.send_to(b"three", to).unwrap();
    set_paused(&bench, id, true);
    assert_eq!(bench.count(ON_RECEIVE), 0, "{}", bench.trace());
    set_paused(&bench, id, false);
    let come = wait_datagrams(&bench, id, 3);
    assert_eq!(
        come.iter().map(|(data, _)| &data[..]).collect::<Vec<_>>(),
        [b"one".as_slice(), b"two", b"three"]
    );
    until("all credit is back", || bench.stats().undelivered_bytes == 0);
    bench.end();
}
