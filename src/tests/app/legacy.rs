//! `chrome.socket` over loopback: one result for each read, accept and send that was asked for.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use super::support::*;
use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketType};
use crate::api::table::{EventType as T, Namespace};
use crate::app::App;
use crate::engine::command::Command;

in_each_mode!(
    a_client_writes_reads_and_learns_of_the_end_4_6_4_7,
    a_second_read_does_not_disturb_the_first_4_6_tcp_4,
    a_server_accepts_what_it_asks_for_4_11,
    datagrams_come_one_for_each_recv_from_4_8_4_9,
    destroy_completes_what_is_pending_first_8,
);

const LOOPBACK: [u8; 4] = [127, 0, 0, 1];

fn create(bench: &Bench, socket_type: SocketType) -> i32 {
    let command = Command::CreateLegacy(socket_type);
    let create = |app: &App, t: Ticket| app.create(T::ChromeSocketCreate, command, t);
    bench.try_call(create).expect("create is accepted").1
}

fn ask(bench: &Bench, event_type: T, id: i32, command: Command) -> usize {
    bench.call(|app, t| app.call(event_type, id, command, t))
}

/// Makes a call; the number it answers with.
fn result_of(bench: &Bench, event_type: T, id: i32, command: Command) -> Option<i32> {
    bench.done(ask(bench, event_type, id, command)).result
}

fn read(bench: &Bench, id: i32) -> usize {
    ask(bench, T::ChromeSocketRead, id, Command::Read(None))
}

fn write(bench: &Bench, id: i32, data: &[u8]) -> usize {
    bench.call(|app, t| app.send(T::ChromeSocketWrite, id, data, t))
}

fn destroy(bench: &Bench, id: i32) -> usize {
    bench.call(|app, t| app.close_socket(T::ChromeSocketDestroy, Namespace::Socket, id, t))
}

fn connected(bench: &Bench) -> (i32, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let id = create(bench, SocketType::Tcp);
    let peer_port = listener.local_addr().unwrap().port().into();
    let dns_query_type = DnsQueryType::Any;
    let command = Command::Connect { peer_address: "127.0.0.1".into(), peer_port, dns_query_type };
    assert_eq!(result_of(bench, T::ChromeSocketConnect, id, command), Some(0));
    (id, with_deadline(listener.accept().unwrap().0))
}

fn local_port(bench: &Bench, id: i32) -> u16 {
    let info = ask(bench, T::ChromeSocketGetInfo, id, Command::GetInfo(Namespace::Socket));
    info_of(&bench.done(info)).local.as_ref().expect("an address").port
}

fn answer(event: &Event) -> (Option<i32>, &[u8]) {
    (event.result, data_of(event))
}

fn a_client_writes_reads_and_learns_of_the_end_4_6_4_7(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, mut peer) = connected(&bench);
    assert_eq!(bench.done(write(&bench, id, b"question")).result, Some(8));
    let mut question = [0; 8];
    peer.read_exact(&mut question).unwrap();
    assert_eq!(&question, b"question");
    let asked = read(&bench, id);
    write_to(&peer, b"answer");
    assert_eq!(answer(&bench.done(asked)), (Some(6), &b"answer"[..]));
    drop(peer);
    // Row TCP 7: the end is a read of nothing; then there is no stream.
    assert_eq!(answer(&bench.done(read(&bench, id))), (Some(0), &b""[..]));
    let not_connected = Some(Status::SocketNotConnected.number());
    assert_eq!(bench.done(read(&bench, id)).result, not_connected);
    assert_eq!(bench.done(destroy(&bench, id)).message, None);
    bench.end();
}

fn a_second_read_does_not_disturb_the_first_4_6_tcp_4(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer) = connected(&bench);
    let (first, second) = (read(&bench, id), read(&bench, id));
    assert_eq!(bench.done(second).result, Some(Status::IoPending.number()));
    write_to(&peer, b"x");
    assert_eq!(answer(&bench.done(first)), (Some(1), &b"x"[..]));
    bench.end();
}

fn a_server_accepts_what_it_asks_for_4_11(drive: Drive) {
    let bench = Bench::start(drive);
    let server = create(&bench, SocketType::Tcp);
    let listen = Command::Listen { address: "127.0.0.1".into(), port: 0, backlog: None };
    assert_eq!(result_of(&bench, T::ChromeSocketListen, server, listen), Some(0));
    let at = SocketAddr::from((LOOPBACK, local_port(&bench, server)));
    let peers = [(); 2].map(|()| with_deadline(TcpStream::connect(at).unwrap()));
    let accept = || ask(&bench, T::ChromeSocketAccept, server, Command::Accept);
    let accepted = [accept(), accept()].map(|call| bench.done(call));
    // Row 4: while the first is pending the other is refused; it may be too late for that.
    let [first, second] = &accepted;
    assert_eq!(first.result, Some(0));
    assert!(matches!(second.result, Some(0 | -2)), "{second:?}");
    let client = first.client_socket_id;
    write_to(&peers[0], b"hello");
    let got = bench.done(read(&bench, client));
    assert_eq!(answer(&got), (Some(5), &b"hello"[..]), "the one that came first");
    bench.end();
}

fn datagrams_come_one_for_each_recv_from_4_8_4_9(drive: Drive) {
    let bench = Bench::start(drive);
    let id = create(&bench, SocketType::Udp);
    let bind = Command::Bind { address: "127.0.0.1".into(), port: 0 };
    assert_eq!(result_of(&bench, T::ChromeSocketBind, id, bind), Some(0));
    let at = SocketAddr::from((LOOPBACK, local_port(&bench, id)));
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    for number in 0..40_u8 {
        peer.send_to(&[number; 3], at).unwrap();
    }
    for number in 0..40_u8 {
        let got = bench.done(ask(&bench, T::ChromeSocketRecvFrom, id, Command::RecvFrom(None)));
        assert_eq!(answer(&got), (Some(3), &[number; 3][..]));
        let Payload::Datagram(_, from) = got.payload else { panic!("{got:?}") };
        assert_eq!(from, peer.local_addr().unwrap());
    }
    let to = ("127.0.0.1", peer.local_addr().unwrap().port().into());
    let (send_to, any) = (T::ChromeSocketSendTo, DnsQueryType::Any);
    let sent = bench.call(|app, t| app.send_to(send_to, id, b"back", to, any, t));
    assert_eq!(bench.done(sent).result, Some(4));
    let mut buffer = [0; 10];
    let (len, from) = peer.recv_from(&mut buffer).expect("a datagram");
    assert_eq!((&buffer[..len], from), (&b"back"[..], at));
    bench.end();
}

fn destroy_completes_what_is_pending_first_8(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer) = connected(&bench);
    let pending = [read(&bench, id), write(&bench, id, &vec![1; UNSENDABLE]), destroy(&bench, id)];
    let results = pending.map(|call| bench.done(call).result);
    let closed = Some(Status::ConnectionClosed.number());
    assert_eq!(results, [closed, Some(Status::SocketNotConnected.number()), None]);
    let seen = bench.seen();
    let at = |call| seen.iter().position(|seen| ticket_of(&seen.event) == call).unwrap();
    assert!(at(pending[0]) < at(pending[2]) && at(pending[1]) < at(pending[2]));
    wait_end_of(peer);
    bench.end();
}
