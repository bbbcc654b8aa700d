//! Names: resolvers that answer at once, late, never, or after the question has gone; the real pool.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::support::*;
use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::api::table::{EventType as T, Namespace};
use crate::app::SharedReactor;
use crate::engine::command::Query;
use crate::resolver::{OnAnswer, Resolver};

in_each_mode!(
    an_answer_at_once_connects,
    a_late_answer_connects,
    answers_reach_the_app_that_asked,
    failures_keep_their_code_dn_7,
    a_question_is_no_longer_wanted_after_close,
    an_answer_that_is_dropped_leaves_the_call_to_disconnect,
    a_flood_of_questions_does_not_block_the_end,
);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A raw server, its port, and an app whose questions the test answers.
fn asked(drive: Drive) -> (std::net::TcpListener, u16, Questions, Arc<Bench>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let questions = Questions::default();
    let bench = Plan::new(drive).on(&questions.reactor()).start();
    (listener, port, questions, bench)
}

fn an_answer_at_once_connects(drive: Drive) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let resolver = Scripted(|_, on_answer: OnAnswer| on_answer(Ok(vec![LOOPBACK])));
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let bench = Plan::new(drive).on(&reactor).start();
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "at-once.example", port);
    assert_eq!(bench.done(connect).result, Some(0));
    let info = bench.get_info(id);
    let peer = info_of(&bench.done(info)).peer.clone().unwrap();
    assert_eq!((&*peer.address, peer.port), (c"127.0.0.1", port));
    drop(listener);
    bench.end();
}

fn a_late_answer_connects(drive: Drive) {
    let (_listener, port, questions, bench) = asked(drive);
    let id = bench.create(Namespace::Tcp);
    let connect =
        bench.call(|app, t| app.connect(id, "Late.EXAMPLE", port.into(), DnsQueryType::Ipv4, t));
    let (query, on_answer) = questions.take();
    assert_eq!((&*query.host, query.dns_query_type), ("late.example", DnsQueryType::Ipv4), "DN-4");
    // Other calls go on meanwhile; one on the same socket knows no connection.
    let send = bench.send(id, b"x");
    assert_eq!(bench.done(send).result, Some(Status::SocketNotConnected.number()));
    assert!(bench.seen().iter().all(|seen| ticket_of(&seen.event) != connect));
    std::thread::spawn(move || on_answer(Ok(vec![LOOPBACK]))).join().unwrap();
    assert_eq!(bench.done(connect).result, Some(0));
    bench.end();
}

fn answers_reach_the_app_that_asked(drive: Drive) {
    let questions = Questions::default();
    let reactor = questions.reactor();
    let benches = [(); 2].map(|()| Plan::new(drive).on(&reactor).start());
    // The same socket id, and the first question of each.
    let calls = [0, 1].map(|n: usize| {
        let id = benches[n].create(Namespace::Tcp);
        let call = benches[n].connect(id, "name.example", 1);
        questions.wait(n + 1);
        call
    });
    let answers = [questions.take(), questions.take()];
    assert_eq!(answers[0].0.id, answers[1].0.id, "only the slots differ");
    let [(_, first), (_, second)] = answers;
    second(Err(Status::InternetDisconnected));
    let done = benches[1].done(calls[1]);
    assert_eq!(done.result, Some(Status::InternetDisconnected.number()));
    first(Err(Status::NameNotResolved));
    let done = benches[0].done(calls[0]);
    assert_eq!(done.result, Some(Status::NameNotResolved.number()));
    benches.iter().for_each(|bench| bench.end());
}

/// Its app is gone, and another one has its place on the reactor, its ids and its number of questions.
#[test]
fn an_answer_that_comes_after_its_app_is_for_nobody() {
    let questions = Questions::default();
    let reactor = questions.reactor();
    let asking = || {
        let bench = Plan::new(Drive::Reactor).on(&reactor).start();
        let id = bench.create(Namespace::Tcp);
        let connect = bench.connect(id, "name.example", 1);
        (bench, connect, questions.take().1)
    };
    // More than there are places before one comes again.
    let late: Vec<_> = (0..5000)
        .map(|_| {
            let (bench, _, on_answer) = asking();
            bench.end();
            on_answer
        })
        .collect();
    let (bench, connect, on_answer) = asking();
    late.into_iter().for_each(|late| late(Err(Status::InternetDisconnected)));
    on_answer(Err(Status::NameNotResolved));
    assert_eq!(bench.done(connect).result, Some(Status::NameNotResolved.number()));
    bench.end();
}

fn failures_keep_their_code_dn_7(drive: Drive) {
    let (_listener, _, questions, bench) = asked(drive);
    for (answer, expected, message) in [
        (Err(Status::NameNotResolved), -105, c"net::ERR_NAME_NOT_RESOLVED"),
        (Err(Status::InternetDisconnected), -106, c"net::ERR_INTERNET_DISCONNECTED"),
        (Ok(Vec::new()), -105, c"net::ERR_NAME_NOT_RESOLVED"),
    ] {
        let id = bench.create(Namespace::Tcp);
        let connect = bench.connect(id, "name.example", 80);
        (questions.take().1)(answer);
        let done = bench.done(connect);
        assert_eq!((done.result, done.message), (Some(expected), Some(message)), "DN-8");
    }
    bench.end();
}

fn a_question_is_no_longer_wanted_after_close(drive: Drive) {
    let (listener, port, questions, bench) = asked(drive);
    let mut late = Vec::new();
    for end in [Bench::close_socket, Bench::disconnect] {
        let id = bench.create(Namespace::Tcp);
        bench.connect(id, "name.example", port);
        let (query, on_answer) = questions.take();
        assert_eq!(query.wanted.strong_count(), 1);
        let ended = end(&bench, id);
        bench.done(ended);
        until("the question is not wanted", || query.wanted.strong_count() == 0);
        late.push(on_answer);
    }
    // The second socket is asked for anew; the answers to the old questions must not be taken for it.
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "name.example", port);
    let (_, current) = questions.take();
    late.into_iter().for_each(|on_answer| on_answer(Ok(vec![LOOPBACK])));
    let info = bench.get_info(id);
    assert_eq!(info_of(&bench.done(info)).connected, Some(false));
    current(Err(Status::NameNotResolved));
    assert_eq!(bench.done(connect).result, Some(Status::NameNotResolved.number()));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "nobody has connected");
    bench.end();
    // And one that comes after the app has gone, and its reactor with it.
    let (query, on_answer) = {
        let (_listener, port, questions, bench) = asked(drive);
        let id = bench.create(Namespace::Tcp);
        bench.connect(id, "name.example", port);
        let question = questions.take();
        bench.end();
        question
    };
    assert_eq!(query.wanted.strong_count(), 0);
    on_answer(Ok(vec![LOOPBACK]));
}

fn an_answer_that_is_dropped_leaves_the_call_to_disconnect(drive: Drive) {
    let (_listener, port, questions, bench) = asked(drive);
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "name.example", port);
    drop(questions.take());
    let disconnect = bench.disconnect(id);
    assert_eq!(bench.done(connect).result, Some(Status::Aborted.number()), "D9");
    bench.done(disconnect);
    bench.end();
}

fn a_flood_of_questions_does_not_block_the_end(drive: Drive) {
    const FLOOD: usize = 10_000;
    let (_listener, port, questions, bench) = asked(drive);
    let calls: Vec<_> = (0..FLOOD)
        .map(|n| {
            let id = bench.create(Namespace::Tcp);
            bench.connect(id, &format!("host{n}.example"), port)
        })
        .collect();
    questions.wait(FLOOD);
    bench.close();
    bench.wait_event(T::ChromesockAppClosed, 0);
    let mut completed: Vec<_> = bench
        .seen()
        .iter()
        .filter(|s| s.event.event_type == T::ChromeSocketsTcpConnect)
        .map(|s| (ticket_of(&s.event), s.event.result))
        .collect();
    completed.sort_unstable();
    let aborted = Some(Status::Aborted.number());
    assert!(completed == calls.iter().map(|call| (*call, aborted)).collect::<Vec<_>>());
    bench.end();
}

/// tcp.md DN-1 to DN-3: what is not a name, or is the machine itself, is no question.
#[test]
fn addresses_and_localhost_never_reach_the_resolver_dn_2() {
    let (listener, port, questions, bench) = asked(Drive::Dispatch);
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.b.localhost",
        "a.LocalHost.",
        "127.0.0.1",
        "127.1",
    ] {
        let id = bench.create(Namespace::Tcp);
        let connect =
            bench.call(|app, t| app.connect(id, host, port.into(), DnsQueryType::Ipv4, t));
        assert_eq!(bench.done(connect).result, Some(0), "{host}");
        listener.accept().unwrap();
    }
    // Without a family given, ::1 comes first and 127.0.0.1 after it.
    let id = bench.create(Namespace::Tcp);
    let connect = bench.connect(id, "localhost", port);
    assert_eq!(bench.done(connect).result, Some(0));
    for (host, family) in [
        ("", DnsQueryType::Any),
        ("a..b", DnsQueryType::Any),
        ("no spaces", DnsQueryType::Any),
        ("name.-", DnsQueryType::Any),
        ("fe80::1%lo", DnsQueryType::Any),
        ("127.0.0.1", DnsQueryType::Ipv6),
        ("::1", DnsQueryType::Ipv4),
    ] {
        let id = bench.create(Namespace::Tcp);
        let connect = bench.call(|app, t| app.connect(id, host, port.into(), family, t));
        assert_eq!(bench.done(connect).result, Some(-105), "{host:?}");
    }
    assert_eq!(questions.number(), 0);
    bench.end();
}

/// The system's own resolver; where there is no network it may know that (-106).
#[test]
fn the_pool_says_that_a_name_does_not_exist_dn_7() {
    let bench = Bench::start(Drive::Dispatch);
    let connects: Vec<_> = (0..4)
        .map(|n| {
            let id = bench.create(Namespace::Tcp);
            // No such top-level domain can exist (RFC 6761); the last dot spares search lists.
            bench.connect(id, &format!("{n}.no-such-host.test."), 80)
        })
        .collect();
    for connect in connects {
        let done = bench.done(connect);
        assert!(matches!(done.result, Some(-105 | -106)), "{done:?}");
    }
    bench.end();
}

#[test]
fn the_pool_resolves_a_name_of_the_hosts_file() {
    let names = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    // A name other than localhost that means an IPv4 address of this machine, if there is one.
    let own = names.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: Ipv4Addr = words.next()?.parse().ok()?;
        let name = words.find(|name| !name.contains("localhost"))?;
        let listener = std::net::TcpListener::bind((address, 0)).ok()?;
        Some((listener, address, name.to_owned()))
    });
    let Some((listener, address, name)) = own else {
        return; // The other test asks the pool, too.
    };
    let bench = Bench::start(Drive::Dispatch);
    let id = bench.create(Namespace::Tcp);
    let port = listener.local_addr().unwrap().port();
    let connect = bench.call(|app, t| app.connect(id, &name, port.into(), DnsQueryType::Ipv4, t));
    assert_eq!(bench.done(connect).result, Some(0), "{name} is {address}");
    bench.end();
}

/// A lookup that hangs is left behind: the end does not wait for the pool.
#[test]
fn the_end_does_not_wait_for_the_pool() {
    let bench = Bench::start(Drive::Reactor);
    for n in 0..200 {
        let id = bench.create(Namespace::Tcp);
        bench.connect(id, &format!("{n}.left-behind.test."), 80);
    }
    bench.end();
}

/// Notes the apps that ask, and those that it is to forget.
struct Noting(std::sync::mpsc::Sender<(&'static str, u32)>);

impl Resolver for Noting {
    fn resolve(&mut self, slot: u32, _: Query, _: OnAnswer) {
        self.0.send(("asks", slot)).unwrap();
    }

    fn forget(&mut self, slot: u32) {
        self.0.send(("ends", slot)).unwrap();
    }
}

/// Otherwise what waits for an app that has gone would be kept as long as others' look-ups hang.
#[test]
fn a_shared_resolver_hears_that_an_app_has_ended() {
    let (notes, noted) = std::sync::mpsc::channel();
    let reactor = SharedReactor::start_with(Box::new(Noting(notes))).unwrap();
    let (first, second) = (
        Plan::new(Drive::Dispatch).on(&reactor).start(),
        Plan::new(Drive::Dispatch).on(&reactor).start(),
    );
    let slots = [&first, &second].map(|bench| {
        bench.connect(bench.create(Namespace::Tcp), "name.example", 80);
        noted.recv_timeout(DEADLINE).unwrap().1
    });
    for (bench, slot) in [first, second].into_iter().zip(slots) {
        bench.end();
        assert_eq!(noted.recv_timeout(DEADLINE), Ok(("ends", slot)));
    }
}
