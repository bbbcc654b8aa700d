//! Closing sockets and apps: from inside callbacks, with work pending, and what is refused after.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::support::*;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::app::SharedReactor;

in_each_mode!(
    a_socket_may_be_closed_in_its_own_callback_d14,
    closing_the_app_completes_what_is_pending,
    the_app_may_be_closed_in_a_callback,
    calls_after_close_are_refused,
    closing_twice_is_closing_once,
    ids_are_never_used_again_g_1,
    a_reactor_may_be_freed_before_its_apps,
    apps_sharing_a_reactor_are_strangers_g_4,
    a_thousand_connections_open_and_close,
);

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;

fn a_socket_may_be_closed_in_its_own_callback_d14(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, event, _| {
        if event.event_type == ON_RECEIVE {
            bench.close_socket(event.socket_id);
            // Called twice: the second is answered like any unknown id.
            bench.close_socket(event.socket_id);
        }
    });
    let bench = plan.start();
    for _ in 0..10 {
        let before = bench.count(ON_RECEIVE);
        let (id, peer) = bench.connected();
        write_to(&peer, &pattern(60_000));
        bench.wait_event(T::ChromeSocketsTcpOnReceiveError, id);
        wait_end_of(peer);
        let info = bench.get_info(id);
        assert_eq!(bench.done(info).message, Some(c"Socket not found"));
        assert_eq!(bench.count(ON_RECEIVE), before + 1, "{}", bench.trace());
    }
    bench.end();
}

/// The same when another thread closes while data is queued.
#[test]
fn queued_data_of_a_closed_socket_is_not_delivered_d14() {
    for drive in [Drive::Dispatch, Drive::Pull] {
        let bench = Plan::new(drive).undriven().start();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let id = bench.create(Namespace::Tcp);
        let connect = bench.connect(id, "127.0.0.1", listener.local_addr().unwrap().port());
        let (peer, _) = listener.accept().unwrap();
        write_to(&peer, &pattern(20_000));
        until("20,000 bytes", || bench.stats().undelivered_bytes == 20_000);
        let close = bench.close_socket(id);
        bench.drive_on_a_thread();
        let done = bench.done(close);
        assert_eq!((done.event_type, done.message), (T::ChromeSocketsTcpClose, None));
        assert_eq!(bench.done(connect).result, Some(0));
        assert_eq!(bench.count(ON_RECEIVE), 0, "{}", bench.trace());
        until("no byte is held any more", || bench.stats().undelivered_bytes == 0);
        bench.end();
    }
}

/// Even while the unload has to wait for its turn.
#[test]
fn queued_data_is_not_delivered_once_unload_is_called_lc_6() {
    for drive in [Drive::Dispatch, Drive::Pull] {
        let bench = Plan::new(drive).undriven().start();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let id = bench.create(Namespace::Tcp);
        bench.connect(id, "127.0.0.1", listener.local_addr().unwrap().port());
        let (peer, _) = listener.accept().unwrap();
        write_to(&peer, &pattern(20_000));
        until("20,000 bytes", || bench.stats().undelivered_bytes == 20_000);
        bench.app().hold_calls(true);
        bench.app().unload().unwrap();
        bench.drive_on_a_thread();
        until("all is taken", || bench.stats().undelivered_events == 0);
        bench.app().hold_calls(false);
        wait_end_of(peer);
        bench.end();
        assert_eq!(bench.count(ON_RECEIVE), 0, "{}", bench.trace());
    }
}

fn closing_the_app_completes_what_is_pending(drive: Drive) {
    let questions = Questions::default();
    let bench = Plan::new(drive).on(&questions.reactor()).start();
    let (id, peer) = bench.connected();
    let sends = [0; 2].map(|_| bench.send(id, &vec![1; UNSENDABLE]));
    let resolving = bench.create(Namespace::Tcp);
    let connect = bench.connect(resolving, "slow.example", 80);
    let (server, port) = bench.listen();
    questions.wait(1);
    bench.close();
    let closed = bench.wait_event(T::ChromesockAppClosed, 0);
    assert_eq!(closed.result, Some(0));
    for send in sends {
        assert_eq!(bench.done(send).result, Some(Status::SocketNotConnected.number()), "DC-5");
    }
    assert_eq!(bench.done(connect).result, Some(Status::Aborted.number()));
    wait_end_of(peer);
    // The server is gone too, and no socket has raised anything.
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    for notification in [T::ChromeSocketsTcpOnReceiveError, T::ChromeSocketsTcpServerOnAcceptError]
    {
        assert_eq!(bench.count(notification), 0, "{server} {}", bench.trace());
    }
    bench.end();
}

fn the_app_may_be_closed_in_a_callback(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, event, _| {
        if event.event_type == ON_RECEIVE {
            let pending = bench.get_info(event.socket_id);
            bench.close();
            assert!(pending > 0);
            let late = bench.try_call(|app, t| app.get_info(Namespace::Tcp, event.socket_id, t));
            if late != Err(Status::ContextShutDown) {
                bench.fault(format!("a call after close: {late:?}"));
            }
        }
    });
    let bench = plan.start();
    let (_, peer) = bench.connected();
    write_to(&peer, b"x");
    bench.wait_event(T::ChromesockAppClosed, 0);
    assert_eq!(bench.count(T::ChromeSocketsTcpGetInfo), 1);
    wait_end_of(peer);
    bench.end();
}

fn calls_after_close_are_refused(drive: Drive) {
    let bench = Bench::start(drive);
    let id = bench.create(Namespace::Tcp);
    let app = bench.app();
    let accepted = app.stats().calls_accepted;
    bench.close();
    let t = crate::api::event::Ticket::default;
    let (tcp, server) = (Namespace::Tcp, Namespace::TcpServer);
    let any = DnsQueryType::Any;
    let refused = [
        app.make(tcp, SocketProperties::default(), t()).map(|_| ()),
        app.update(tcp, id, SocketProperties::default(), t()),
        app.set_paused(server, id, true, t()),
        app.disconnect(tcp, id, t()),
        app.shut(tcp, id, t()),
        app.get_info(tcp, id, t()),
        app.get_sockets(server, t()),
        app.set_keep_alive(id, true, 1, t()),
        app.set_no_delay(id, true, t()),
        app.connect(id, "127.0.0.1", 1, any, t()),
        app.send_data(id, b"small", t()),
        app.send_data(id, &[0; 100_000], t()),
        app.listen(id, "127.0.0.1", 0, None, t()),
        app.suspend(),
        app.resume(),
        app.unload(),
    ];
    assert_eq!(refused, [Err(Status::ContextShutDown); 16]);
    assert_eq!((app.stats().calls_accepted, app.stats().unsent_bytes), (accepted, 0));
    drop(app);
    bench.wait_event(T::ChromesockAppClosed, 0);
    let again = bench.try_call(|app, t| app.get_sockets(Namespace::Tcp, t));
    assert_eq!(again, Err(Status::ContextShutDown), "after the end, too");
    bench.end();
}

fn closing_twice_is_closing_once(drive: Drive) {
    let bench = Bench::start(drive);
    for _ in 0..3 {
        bench.close();
    }
    bench.wait_event(T::ChromesockAppClosed, 0);
    bench.close();
    bench.end();
    assert_eq!(bench.count(T::ChromesockAppClosed), 1);
}

/// What a queue says when its last event has been taken; the reactor's own delivery has none.
#[test]
fn taking_after_the_last_event_says_shut_down() {
    for drive in DRIVES {
        let bench = Plan::new(drive).undriven().start();
        bench.create(Namespace::Tcp);
        bench.close();
        let delivery = bench.delivery();
        if drive == Drive::Reactor {
            let wrong = Err(Status::WrongDelivery);
            assert_eq!(delivery.dispatch(1, Some(Duration::ZERO)), wrong);
            assert_eq!(delivery.next(None).map(|_| 0), wrong);
            bench.end();
            continue;
        }
        bench.drive_on_a_thread();
        bench.wait_event(T::ChromesockAppClosed, 0);
        for timeout in [Some(Duration::ZERO), Some(DEADLINE), None] {
            let shut_down = Err(Status::ContextShutDown);
            assert_eq!(delivery.dispatch(usize::MAX, timeout), shut_down);
            assert_eq!(delivery.next(timeout).map(|_| 0), shut_down);
        }
        bench.end();
    }
}

fn ids_are_never_used_again_g_1(drive: Drive) {
    let bench = Bench::start(drive);
    let mut last = 0;
    for n in 0..200 {
        let namespace = if n % 2 == 0 { Namespace::Tcp } else { Namespace::TcpServer };
        let id = bench.create(namespace);
        assert_eq!(id, last + 1, "S2: one counter");
        last = id;
        bench.call(|app, t| app.shut(namespace, id, t));
    }
    bench.end();
}

fn a_reactor_may_be_freed_before_its_apps(drive: Drive) {
    struct Ends(Arc<AtomicUsize>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let ended = Arc::new(AtomicUsize::new(0));
    let ends = Ends(Arc::clone(&ended));
    let resolver = Scripted(move |_, _| {
        let _moved_in = &ends;
    });
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let one = Plan::new(drive).on(&reactor).start();
    let two = Plan::new(drive).on(&reactor).start();
    drop(reactor);
    one.end();
    drop(one);
    assert_eq!(ended.load(Ordering::SeqCst), 0, "the other app still needs its thread");
    let (id, peer) = two.connected();
    write_to(&peer, b"still served");
    two.wait_received(id, 12);
    two.end();
    until("the end of the reactor's thread", || ended.load(Ordering::SeqCst) == 1);
}

#[test]
fn freeing_a_reactor_without_apps_ends_its_thread() {
    let ended = Arc::new(());
    let token = Arc::clone(&ended);
    let resolver = Scripted(move |_, _| {
        let _moved_in = &token;
    });
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    drop(reactor);
    assert_eq!(Arc::strong_count(&ended), 1, "the thread was waited for");
}

fn apps_sharing_a_reactor_are_strangers_g_4(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let one = Plan::new(drive).on(&reactor).start();
    let two = Plan::new(drive).on(&reactor).start();
    // Both count from 1; the same number is another socket in each.
    let (id, peer) = one.connected();
    let foreign = two.get_info(id);
    assert_eq!(two.done(foreign).message, Some(c"Socket not found"), "G-4");
    let (same, other_peer) = two.connected();
    assert_eq!(id, same);
    write_to(&peer, b"one");
    write_to(&other_peer, b"two");
    assert_eq!(one.wait_received(id, 3), b"one");
    assert_eq!(two.wait_received(id, 3), b"two");
    one.close_socket(id);
    wait_end_of(peer);
    write_to(&other_peer, b"more");
    assert_eq!(two.wait_received(id, 7), b"twomore");
    one.end();
    two.end();
}

fn a_thousand_connections_open_and_close(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let server = super::conversation::echo_plan(drive).on(&reactor).start();
    let plan = Plan::new(drive).on(&reactor).reacting(|bench, event, _| {
        let id = event.socket_id;
        match event.event_type {
            T::ChromeSocketsTcpConnect => bench.send(id, b"ping"),
            ON_RECEIVE => bench.close_socket(id),
            _ => 0,
        };
    });
    let client = plan.start();
    let (_, port) = server.listen();
    for round in 1..=10 {
        for _ in 0..100 {
            let id = client.create(Namespace::Tcp);
            client.connect(id, "127.0.0.1", port);
        }
        client.wait("closed sockets", |seen| {
            let closed = |s: &&Seen| s.event.event_type == T::ChromeSocketsTcpClose;
            (seen.iter().filter(closed).count() == round * 100).then_some(())
        });
    }
    client.end();
    server.end();
}
