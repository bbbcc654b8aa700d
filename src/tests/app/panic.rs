//! Panics where the reactor calls out: they end apps in order, and never leave a caller waiting.
//!
//! C hosts cannot cause them: a C callback that unwinds aborts. Rust hosts and resolvers can.

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::support::*;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor};
use crate::delivery::{Delivery, Due, Host, Mode, Release};

in_each_mode!(a_panicking_resolver_ends_its_apps_with_unexpected);

const UNEXPECTED: Option<i32> = Some(Status::Unexpected.number());

fn a_panicking_resolver_ends_its_apps_with_unexpected(drive: Drive) {
    let resolver = Scripted(|_, _| panic!("the resolver fails"));
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let bench = Plan::new(drive).on(&reactor).start();
    let bystander = Plan::new(drive).on(&reactor).start();
    let (id, peer) = bench.connected();
    let send = bench.send(id, &vec![1; UNSENDABLE]);
    let resolving = bench.create(Namespace::Tcp);
    let connect = bench.connect(resolving, "name.example", 80);
    for app in [&bench, &bystander] {
        assert_eq!(app.wait_event(T::ChromesockAppClosed, 0).result, UNEXPECTED);
        let late = app.try_call(|app, t| app.get_sockets(Namespace::Tcp, t));
        assert_eq!(late, Err(Status::ContextShutDown));
    }
    assert_eq!(bench.done(send).result, Some(Status::SocketNotConnected.number()));
    assert!(bench.done(connect).result.is_some_and(|result| result < 0));
    wait_end_of(peer);
    // Nobody can move in any more.
    struct Nobody;
    impl crate::delivery::Host for Nobody {
        fn deliver(&self, _: Due<'_>) {}
        fn wake_up(&self) {}
        fn gone(&self) {}
    }
    let refused = App::new(&Options::default(), reactor, Box::new(Nobody));
    assert_eq!(refused.map(|_| ()), Err(Status::Unexpected));
    bench.end();
    bystander.end();
}

/// A callback that panics on the reactor's thread ends every app of that
/// reactor with UNEXPECTED, and calls that were still to be carried out complete.
#[test]
fn a_callback_that_panics_on_the_reactor_s_thread_ends_its_apps() {
    let reactor = SharedReactor::start().unwrap();
    let plan = Plan::new(Drive::Reactor).on(&reactor).reacting(|bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpOnReceive {
            bench.get_info(event.socket_id);
            panic!("the callback fails");
        }
    });
    let bench = plan.start();
    let bystander = Plan::new(Drive::Dispatch).on(&reactor).start();
    let (id, peer) = bench.connected();
    write_to(&peer, b"x");
    for app in [&bench, &bystander] {
        assert_eq!(app.wait_event(T::ChromesockAppClosed, 0).result, UNEXPECTED);
    }
    let unread = bench.wait_event(T::ChromeSocketsTcpGetInfo, id);
    assert_eq!((unread.result, unread.message), (UNEXPECTED, Some(c"net::ERR_UNEXPECTED")));
    wait_end_of(peer);
    bench.end();
    bystander.end();
}

/// The hook runs on the reactor's thread, too.
#[test]
fn a_hook_that_panics_ends_the_apps_of_its_reactor() {
    let door = Arc::new(Door::default());
    struct Failing(Arc<Door>);
    impl crate::delivery::Host for Failing {
        fn deliver(&self, _: Due<'_>) {}
        fn wake_up(&self) {
            if !self.0.is_visited() {
                self.0.visit();
                panic!("the hook fails");
            }
        }
        fn gone(&self) {
            self.0.open();
        }
    }
    let reactor = SharedReactor::start().unwrap();
    let bystander = Plan::new(Drive::Reactor).on(&reactor).start();
    let host = Box::new(Failing(Arc::clone(&door)));
    let app = App::new(&Options::default(), reactor, host).unwrap();
    app.get_sockets(Namespace::Tcp, crate::api::event::Ticket::default()).unwrap();
    assert_eq!(bystander.wait_event(T::ChromesockAppClosed, 0).result, UNEXPECTED);
    let stats = app.stats();
    assert_eq!(stats.calls_accepted, stats.calls_completed);
    let delivery = Arc::clone(app.delivery());
    let first = delivery.next(Some(DEADLINE)).unwrap();
    assert_eq!(first.event_type, T::ChromeSocketsTcpGetSockets);
    let last = delivery.next(Some(DEADLINE)).unwrap();
    assert_eq!((last.event_type, last.result), (T::ChromesockAppClosed, UNEXPECTED));
    app.close();
    must_return("free", move || delivery.free(|| ()));
    door.pass();
    bystander.end();
}

/// The last event is no exception: what a default handler holds is let go of before the app is gone.
#[test]
fn a_default_handler_that_frees_its_app_and_panics_is_released_before_the_app_is_gone() {
    #[derive(Default)]
    struct Failing {
        delivery: OnceLock<Weak<Delivery>>,
        seen: Mutex<Vec<&'static str>>,
        door: Door,
    }
    impl Host for Arc<Failing> {
        fn deliver(&self, due: Due<'_>) {
            due.for_each(|_, _, _| {
                self.delivery.get().and_then(Weak::upgrade).unwrap().free(|| ());
                panic!("the callback fails");
            });
        }
        fn wake_up(&self) {}
        fn gone(&self) {
            self.seen.lock().push("gone");
            self.door.open();
        }
    }
    let host = Arc::new(Failing::default());
    let options = Options { mode: Mode::Reactor, ..Options::default() };
    let reactor = SharedReactor::start().unwrap();
    let app = App::new(&options, reactor, Box::new(Arc::clone(&host))).unwrap();
    let _ = host.delivery.set(Arc::downgrade(app.delivery()));
    let seen = Arc::clone(&host);
    let release: Release = Box::new(move || seen.seen.lock().push("released"));
    let target = Ticket { callback: DEFAULT, user_data: 0 };
    app.delivery().set_default_handler(Some((target, Some(release))));
    app.close();
    host.door.pass();
    // Waits for the reactor's thread.
    drop(app);
    assert_eq!(*host.seen.lock(), ["released", "gone"]);
}

/// What its last events call is refused, since nobody would carry it out.
#[test]
fn a_callback_on_a_reactor_that_has_failed_calls_in_vain() {
    let reactor = SharedReactor::start().unwrap();
    let late = Arc::new(Mutex::new(None));
    let told = Arc::clone(&late);
    let plan = Plan::new(Drive::Reactor).on(&reactor).reacting(move |bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpOnReceive {
            bench.get_info(event.socket_id);
            panic!("the callback fails");
        } else if event.event_type == T::ChromeSocketsTcpGetInfo {
            let call = bench.try_call(|app, t| app.get_sockets(Namespace::Tcp, t));
            *told.lock() = Some(call.map(|_| ()));
        }
    });
    let bench = plan.start();
    let (_, peer) = bench.connected();
    write_to(&peer, b"x");
    assert_eq!(bench.wait_event(T::ChromesockAppClosed, 0).result, UNEXPECTED);
    assert_eq!(*late.lock(), Some(Err(Status::ContextShutDown)));
    bench.end();
}
