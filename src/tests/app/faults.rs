//! Faults that were found and mended, each with the rule it broke: panics, and ends that met.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::support::*;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::DnsQueryType;
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor};
use crate::delivery::{Due, Host, Mode, Release};
use crate::engine::command::{Command, SendData};

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;

/// Text of chromesock_app_dispatch: CONTEXT_SHUT_DOWN once the last event was handed out. A thread
/// that waits for events while another one frees the app has to be told, too.
fn a_thread_that_waits_for_events_is_told_when_the_app_is_freed(drive: Drive) {
    // A race: the thread that frees must come first to what the end has queued.
    for _ in 0..500 {
        let bench = Bench::start(drive);
        bench.drive_on_a_thread();
        bench.drive_on_a_thread();
        let id = bench.create(Namespace::Tcp);
        bench.wait_event(T::ChromeSocketsTcpCreate, id);
        bench.free();
        bench.wait_driver();
        bench.wait_gone();
        bench.check();
    }
}

#[test]
fn a_thread_that_dispatches_is_told_when_the_app_is_freed() {
    a_thread_that_waits_for_events_is_told_when_the_app_is_freed(Drive::Dispatch);
}

#[test]
fn a_thread_that_pulls_is_told_when_the_app_is_freed() {
    a_thread_that_waits_for_events_is_told_when_the_app_is_freed(Drive::Pull);
}

/// The same when the app is freed inside a callback of another one.
#[test]
fn a_thread_that_dispatches_returns_when_another_app_s_callback_frees_the_app() {
    for _ in 0..300 {
        let victim = Bench::start(Drive::Dispatch);
        victim.drive_on_a_thread();
        let target = Arc::clone(&victim);
        let plan = Plan::new(Drive::Reactor).reacting(move |_, event, _| {
            if event.event_type == T::ChromeSocketsTcpCreate {
                target.free();
            }
        });
        let bench = plan.start();
        // Afterwards its driver waits, or is about to.
        let id = victim.create(Namespace::Tcp);
        victim.wait_event(T::ChromeSocketsTcpCreate, id);
        bench.create(Namespace::Tcp);
        victim.wait_gone();
        victim.wait_driver();
        victim.check();
        bench.end();
    }
}

/// Text of chromesock_app_free: completions that remain go to their callbacks, "notifications are
/// dropped" (and no call may use the app any more, which their callbacks are made for).
fn no_notification_follows_free_in_a_callback(drive: Drive) {
    let freed = Arc::new(AtomicBool::new(false));
    let once = Arc::clone(&freed);
    let plan = Plan::new(drive).reacting(move |bench, event, _| {
        if event.event_type == ON_RECEIVE && !once.swap(true, Ordering::SeqCst) {
            bench.free();
        }
    });
    // Several events in one batch: one read, cut into pieces of 4096 bytes.
    let bench = plan.undriven().start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let id = bench.create(Namespace::Tcp);
    bench.connect(id, "127.0.0.1", listener.local_addr().unwrap().port());
    let (peer, _) = listener.accept().unwrap();
    write_to(&peer, &pattern(40_000));
    if drive == Drive::Dispatch {
        until("all data is queued", || bench.stats().undelivered_bytes == 40_000);
        bench.drive_on_a_thread();
    }
    bench.wait_gone();
    bench.check();
    assert_eq!(bench.count(ON_RECEIVE), 1, "{}", bench.trace());
}

#[test]
fn no_notification_follows_free_in_a_dispatched_callback() {
    no_notification_follows_free_in_a_callback(Drive::Dispatch);
}

#[test]
fn no_notification_follows_free_in_a_callback_of_the_reactor() {
    no_notification_follows_free_in_a_callback(Drive::Reactor);
}

/// Closing never deadlocks, whoever calls it and wherever. A release function is host
/// code; it runs when the handlers of a batch are looked up anew, on the thread that delivers.
fn freeing_in_a_release_function_does_not_deadlock(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, _, handler| {
        if handler == 2 {
            let everything = Ticket { callback: DEFAULT, user_data: 0 };
            bench.delivery().set_default_handler(Some((everything, None)));
        }
    });
    let bench = plan.start();
    let freeing = Arc::downgrade(&bench);
    let release: Release = Box::new(move || {
        if let Some(bench) = freeing.upgrade() {
            bench.free();
        }
    });
    let first = Ticket { callback: 2, user_data: 0 };
    bench.delivery().set_default_handler(Some((first, Some(release))));
    bench.create(Namespace::Tcp);
    bench.wait_gone();
    bench.check();
}

#[test]
fn freeing_in_a_release_function_while_dispatching_does_not_deadlock() {
    freeing_in_a_release_function_does_not_deadlock(Drive::Dispatch);
}

#[test]
fn freeing_in_a_release_function_on_the_reactor_does_not_deadlock() {
    freeing_in_a_release_function_does_not_deadlock(Drive::Reactor);
}

/// A panic never leaves a caller waiting. The resolver fails for both apps in the same turn:
/// the second failure comes while the first one is being answered for.
#[test]
fn a_resolver_that_panics_again_leaves_nobody_waiting() {
    let door = Arc::new(Door::default());
    let entering = Arc::clone(&door);
    let mut asked = 0;
    let resolver = Scripted(move |_, _| {
        asked += 1;
        // The first question holds the turn until both apps have asked.
        if asked == 1 {
            entering.pass();
        } else {
            panic!("the resolver fails");
        }
    });
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let benches = [(); 2].map(|()| Plan::new(Drive::Dispatch).on(&reactor).start());
    let ask = |bench: &Bench| {
        let id = bench.create(Namespace::Tcp);
        bench.connect(id, "name.example", 80)
    };
    ask(&benches[0]);
    door.wait_for_visitor();
    benches.iter().for_each(|bench| {
        ask(bench);
    });
    door.open();
    for bench in &benches {
        let closed = bench.wait_event(T::ChromesockAppClosed, 0);
        assert_eq!(closed.result, Some(Status::Unexpected.number()));
        bench.end();
    }
}

/// G-20: an accepted call completes, and nothing of it is unsent any more. Here the turn fails while an app
/// and its first calls still lie in the inbox.
#[test]
fn calls_of_an_app_that_a_failed_reactor_never_met_complete() {
    let door = Arc::new(Door::default());
    let entering = Arc::clone(&door);
    let resolver = Scripted(move |_, _| {
        entering.pass();
        panic!("the resolver fails");
    });
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let first = Plan::new(Drive::Dispatch).on(&reactor).start();
    let id = first.create(Namespace::Tcp);
    first.connect(id, "name.example", 80);
    door.wait_for_visitor();
    let second = Plan::new(Drive::Dispatch).on(&reactor).start();
    let create = second.call(|app, t| app.make(Namespace::Tcp, Default::default(), t).map(|_| ()));
    let sends = [3, 100_000].map(|len| second.send(1, &vec![1; len]));
    let to = ("127.0.0.1", 9);
    let send_to = T::ChromeSocketsUdpSend;
    let datagram = second.call(|app, t| app.send_to(send_to, 2, b"data", to, DnsQueryType::Any, t));
    door.open();
    second.wait_event(T::ChromesockAppClosed, 0);
    assert_eq!(second.done(create).event_type, T::ChromeSocketsTcpCreate);
    for send in sends {
        assert_eq!(second.done(send).event_type, T::ChromeSocketsTcpSend);
    }
    assert_eq!(second.done(datagram).event_type, send_to);
    assert_eq!(second.stats().unsent_bytes, 0);
    second.end();
    first.end();
}

/// G-20: completions that were already handed to a batch are not lost with it. Rust hosts only.
#[test]
fn a_callback_that_panics_loses_no_completion_of_other_calls() {
    let door = Arc::new(Door::default());
    let entering = Arc::clone(&door);
    let plan = Plan::new(Drive::Reactor).reacting(move |_, event, _| {
        match (event.event_type, ticket_of(event)) {
            // Holds the reactor until the other calls are there, so that they make one batch.
            (T::ChromeSocketsTcpCreate, _) => entering.pass(),
            (T::ChromeSocketsTcpGetSockets, 2) => panic!("the callback fails"),
            _ => {}
        }
    });
    let bench = plan.start();
    bench.create(Namespace::Tcp);
    door.wait_for_visitor();
    for _ in 0..5 {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    door.open();
    bench.wait_event(T::ChromesockAppClosed, 0);
    bench.end();
}

/// No caller waits in vain, even if the last callback panics as well. Rust hosts only.
#[test]
fn an_app_whose_every_callback_panics_can_be_freed() {
    struct Panicking(Arc<Door>);
    impl Host for Panicking {
        fn deliver(&self, due: Due<'_>) {
            due.for_each(|_, _, _| panic!("every callback fails"));
        }
        fn wake_up(&self) {}
        fn gone(&self) {
            self.0.open();
        }
    }
    let door = Arc::new(Door::default());
    let options = Options { mode: Mode::Reactor, ..Options::default() };
    let reactor = SharedReactor::start().unwrap();
    let app = App::new(&options, reactor, Box::new(Panicking(Arc::clone(&door)))).unwrap();
    let own = Ticket { callback: 1, user_data: 0 };
    app.delivery().set_default_handler(Some((own, None)));
    app.get_sockets(Namespace::Tcp, own).unwrap();
    app.close();
    let delivery = Arc::clone(app.delivery());
    must_return("free", move || delivery.free(|| ()));
    door.pass();
}

/// The same where the host dispatches: its own panic comes back to it, and the app can be freed.
#[test]
fn an_app_whose_dispatched_callback_panicked_can_be_freed() {
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(|_, event, _| {
        assert_ne!(event.event_type, T::ChromeSocketsTcpGetSockets, "the callback fails");
    });
    let bench = plan.start();
    bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    let delivery = bench.delivery();
    let dispatching = std::panic::AssertUnwindSafe(|| delivery.dispatch(1, Some(DEADLINE)));
    assert!(std::panic::catch_unwind(dispatching).is_err());
    let freeing = Arc::clone(&bench);
    must_return("free", move || freeing.free());
    bench.wait_gone();
    bench.check();
}

/// G-20: an app that starts when descriptors have run out works as far as it needs none. In a
/// process of its own, since that runs out of descriptors.
#[test]
fn an_app_on_a_running_reactor_needs_no_descriptor() {
    const CHILD: &str = "CHROMESOCK_TEST_WITHOUT_DESCRIPTORS";
    if std::env::var_os(CHILD).is_none() {
        let own_path = std::env::current_exe().unwrap();
        let name = "tests::app::faults::an_app_on_a_running_reactor_needs_no_descriptor";
        let child = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 64; exec \"$0\" --exact \"$1\" --nocapture"])
            .arg(own_path)
            .arg(name)
            .env(CHILD, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&child.stdout).into_owned()
            + &String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let reactor = SharedReactor::start().unwrap();
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    assert!(SharedReactor::start().is_err(), "a reactor needs some");
    let bench = Plan::new(Drive::Dispatch).on(&reactor).start();
    let asked = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    assert_eq!(bench.done(asked).event_type, T::ChromeSocketsTcpGetSockets);
    drop(files);
    bench.end();
}

/// Data of a send that panics when it is given up.
struct Bomb(Vec<u8>);

impl AsRef<[u8]> for Bomb {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the end of a socket fails");
    }
}

/// Three connections, of which two fail when they are closed.
fn with_bombs(bench: &Bench) -> [(i32, std::net::TcpStream); 3] {
    let connections = [(); 3].map(|()| bench.connected());
    for (id, _) in &connections[..2] {
        let block = bytes::Bytes::from_owner(Bomb(vec![1; UNSENDABLE]));
        let command = Command::Send(SendData::Blocks(vec![block]));
        bench.call(|app, t| app.call(T::ChromeSocketsTcpSend, *id, command, t));
        let after = bench.get_info(*id);
        bench.done(after);
    }
    connections
}

/// A machine that fails costs its socket; tcp.md LC-6: all others are closed, too.
fn sockets_that_fail_at_an_unload_do_not_keep_the_others_open(drive: Drive) {
    let bench = Bench::start(drive);
    let connections = with_bombs(&bench);
    bench.app().unload().unwrap();
    connections.into_iter().for_each(|(_, peer)| wait_end_of(peer));
    until("no socket is left", || bench.stats().sockets_open == 0);
    bench.create(Namespace::Tcp);
    bench.free();
    bench.wait_gone();
    bench.check();
}

/// The same at the end of the app, which is an orderly one.
fn sockets_that_fail_at_the_end_do_not_spoil_it(drive: Drive) {
    let bench = Bench::start(drive);
    let connections = with_bombs(&bench);
    bench.close();
    assert_eq!(bench.wait_event(T::ChromesockAppClosed, 0).result, Some(Status::Ok.number()));
    connections.into_iter().for_each(|(_, peer)| wait_end_of(peer));
    assert_eq!(bench.stats().sockets_open, 0);
    bench.free();
    bench.wait_gone();
    bench.check();
}

in_each_mode!(
    sockets_that_fail_at_an_unload_do_not_keep_the_others_open,
    sockets_that_fail_at_the_end_do_not_spoil_it,
);
