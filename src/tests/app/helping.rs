//! Callers that take the place of their sleeping reactor. All else that they may see of it is in the cases of the other
//! files, in the mode `helped`.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::support::*;
use crate::api::net_error::Status;
use crate::api::properties::SocketProperties;
use crate::api::table::{EventType as T, Namespace};
use crate::app::{Options, SharedReactor};
use crate::engine::command::Query;
use crate::resolver::{OnAnswer, Resolver};

/// An app that helps on a reactor that the test knows.
fn helped_on(reactor: &SharedReactor, drive: Drive) -> Plan {
    let options = Options { helps: true, ..Options::default() };
    Plan::new(drive).with(options).on(reactor)
}

fn fall_asleep(reactor: &SharedReactor) {
    until("the reactor sleeps", || reactor.may_be_helped());
}

/// Says on which thread it was asked, and answers that there is no such name.
fn telling(threads: Sender<Option<String>>) -> Box<dyn Resolver> {
    Box::new(Scripted(move |_: Query, on_answer: OnAnswer| {
        let _ = threads.send(thread::current().name().map(str::to_owned));
        on_answer(Err(Status::NameNotResolved));
    }))
}

#[test]
fn what_a_caller_carries_out_is_done_when_run_calls_returns() {
    let reactor = SharedReactor::start().unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).undriven().start();
    for round in 1..=3 {
        fall_asleep(&reactor);
        bench.app().hold_calls(true);
        bench.create(Namespace::Tcp);
        assert_eq!(bench.stats().calls_completed, round - 1);
        bench.app().run_calls();
        let stats = bench.stats();
        assert_eq!((stats.calls_completed, stats.undelivered_events), (round, round));
        assert!(reactor.is_asleep(), "it was not woken for that");
    }
    bench.drive_on_a_thread();
    bench.end();
}

#[test]
fn with_more_calls_than_few_the_reactor_does_it_where_it_has_a_cpu() {
    let (threads, asked) = channel();
    let reactor = SharedReactor::start_with(telling(threads)).unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).start();
    let has_one_cpu = thread::available_parallelism().is_ok_and(|cpus| cpus.get() == 1);
    let this = thread::current().name().map(str::to_owned);
    for (others, by_caller) in [(0, true), (7, true), (8, has_one_cpu)] {
        let id = bench.create(Namespace::Tcp);
        fall_asleep(&reactor);
        bench.app().hold_calls(true);
        let others: Vec<_> = (0..others).map(|_| bench.get_info(id)).collect();
        let connect = bench.connect(id, "name.example", 80);
        bench.app().run_calls();
        let thread = asked.recv().unwrap();
        let wanted = if by_caller { this.clone() } else { Some("chromesock".into()) };
        assert_eq!(thread, wanted, "{others:?}");
        assert_eq!(bench.done(connect).result, Some(Status::NameNotResolved.number()));
        others.into_iter().for_each(|call| drop(bench.done(call)));
    }
    bench.end();
}

#[test]
fn an_app_that_may_not_help_leaves_its_calls_to_the_reactor() {
    for drive in [Drive::Dispatch, Drive::Reactor] {
        let (threads, asked) = channel();
        let reactor = SharedReactor::start_with(telling(threads)).unwrap();
        let bench = Plan::new(drive).on(&reactor).start();
        let id = bench.create(Namespace::Tcp);
        until("the reactor sleeps", || reactor.is_asleep());
        bench.app().hold_calls(true);
        let connect = bench.connect(id, "name.example", 80);
        bench.app().run_calls();
        assert_eq!(asked.recv().unwrap().as_deref(), Some("chromesock"));
        bench.done(connect);
        bench.end();
    }
}

#[test]
fn a_panic_in_the_reactor_s_place_ends_the_app_with_unexpected() {
    let resolver = Scripted(|_, _| panic!("the resolver fails"));
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).start();
    let id = bench.create(Namespace::Tcp);
    fall_asleep(&reactor);
    bench.app().hold_calls(true);
    let connect = bench.connect(id, "name.example", 80);
    let behind = bench.get_info(id);
    // Nobody goes on with what the first one has left.
    (0..50).for_each(|_| bench.app().run_calls());
    let closed = bench.wait_event(T::ChromesockAppClosed, 0);
    assert_eq!(closed.result, Some(Status::Unexpected.number()));
    bench.done(connect);
    bench.done(behind);
    bench.end();
}

#[test]
fn an_app_that_ends_has_its_calls_carried_out_before() {
    let reactor = SharedReactor::start().unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).start();
    let id = bench.create(Namespace::Tcp);
    fall_asleep(&reactor);
    bench.app().hold_calls(true);
    let before = bench.get_info(id);
    bench.app().close();
    bench.app().run_calls();
    bench.done(before);
    let closed = bench.wait_event(T::ChromesockAppClosed, 0);
    assert_eq!(closed.result, Some(Status::Ok.number()));
    bench.end();
}

/// Threads that help, threads that call, and a reactor that data wakes meanwhile.
/// Also to the own host, where it soon is connected.
#[test]
fn a_connect_is_under_way_when_the_app_ends_behind_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let reactor = SharedReactor::start().unwrap();
    for _ in 0..50 {
        let bench = helped_on(&reactor, Drive::Dispatch).start();
        let id = bench.create(Namespace::Tcp);
        fall_asleep(&reactor);
        bench.app().hold_calls(true);
        let connect = bench.connect(id, "127.0.0.1", port);
        bench.close();
        bench.app().run_calls();
        assert_eq!(bench.done(connect).result, Some(Status::Aborted.number()));
        bench.end();
    }
}

#[test]
fn helpers_callers_and_the_reactor_take_turns() {
    let bench = Bench::start(Drive::Helped);
    let (id, peer) = bench.connected();
    let echo = thread::spawn(move || io::copy(&mut &peer, &mut &peer).unwrap());
    bench.done(bench.resume(id));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let bench = Arc::clone(&bench);
            thread::spawn(move || {
                for _ in 0..500 {
                    let send = bench.send(id, b"hello");
                    let info = bench.get_info(id);
                    assert_eq!(bench.done(send).result, Some(0));
                    bench.done(info);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    bench.wait_received(id, 4 * 500 * 5);
    bench.done(bench.close_socket(id));
    echo.join().unwrap();
    bench.end();
}

#[test]
fn reading_that_begins_in_the_reactor_s_place_goes_on_r_5() {
    const SENT: usize = 60_000;
    let reactor = SharedReactor::start().unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).holding(u64::MAX, u64::MAX).start();
    let (id, peer) = bench.connected();
    let small = SocketProperties { buffer_size: Some(4), ..SocketProperties::default() };
    bench.done(bench.call(|app, t| app.update(Namespace::Tcp, id, small, t)));
    write_to(&peer, &pattern(SENT));
    // The reactor has heard of it.
    bench.done(bench.get_info(id));
    fall_asleep(&reactor);
    bench.app().hold_calls(true);
    bench.resume(id);
    bench.app().run_calls();
    assert_eq!(bench.wait_received(id, SENT), pattern(SENT));
    bench.end();
}

/// Data that a closed socket has not read is waited out for two seconds (tcp.md CL-4).
#[test]
fn a_connection_that_is_closed_in_the_reactor_s_place_drains_cl_4() {
    let reactor = SharedReactor::start().unwrap();
    let bench = helped_on(&reactor, Drive::Dispatch).start();
    let (id, peer) = bench.connected();
    bench.done(bench.send(id, b"sent"));
    bench.done(bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t)));
    write_to(&peer, b"read, since that was begun");
    bench.wait_received(id, 1);
    write_to(&peer, b"not read");
    // The reactor has heard of it.
    bench.done(bench.get_info(id));
    fall_asleep(&reactor);
    bench.app().hold_calls(true);
    bench.close_socket(id);
    bench.app().run_calls();
    let port = peer.peer_addr().unwrap().port();
    until("the socket is closed", || !is_open(port));
    drop(peer);
    bench.end();
}

/// Whether this process has a socket of IPv4 with this port; what the system alone still knows has no file.
fn is_open(port: u16) -> bool {
    let sockets = std::fs::read_to_string("/proc/self/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    sockets
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .any(|line| line.len() > 9 && line[1].ends_with(&local) && line[9] != "0")
}
