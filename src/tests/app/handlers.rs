//! Whom events go to: listeners in order, the default handler, and its release, exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::*;
use crate::api::event::Ticket;
use crate::api::table::{EventType as T, Namespace};
use crate::delivery::Release;

mod dispatch {
    use super::Drive::Dispatch;

    #[test]
    fn listeners_run_in_the_order_they_were_added() {
        super::listeners_run_in_the_order_they_were_added(Dispatch);
    }
    #[test]
    fn a_listener_added_or_removed_while_running_counts_from_the_next_event() {
        super::a_listener_added_or_removed_while_running_counts_from_the_next_event(Dispatch);
    }
    #[test]
    fn events_go_to_the_nearest_handler() {
        super::events_go_to_the_nearest_handler(Dispatch);
    }
    #[test]
    fn a_default_handler_is_released_once() {
        super::a_default_handler_is_released_once(Dispatch);
    }
    #[test]
    fn a_default_handler_replaced_inside_itself_is_released_once() {
        super::a_default_handler_replaced_inside_itself_is_released_once(Dispatch);
    }
}

mod reactor {
    use super::Drive::Reactor;

    #[test]
    fn listeners_run_in_the_order_they_were_added() {
        super::listeners_run_in_the_order_they_were_added(Reactor);
    }
    #[test]
    fn a_listener_added_or_removed_while_running_counts_from_the_next_event() {
        super::a_listener_added_or_removed_while_running_counts_from_the_next_event(Reactor);
    }
    #[test]
    fn events_go_to_the_nearest_handler() {
        super::events_go_to_the_nearest_handler(Reactor);
    }
    #[test]
    fn a_default_handler_is_released_once() {
        super::a_default_handler_is_released_once(Reactor);
    }
    #[test]
    fn a_default_handler_replaced_inside_itself_is_released_once() {
        super::a_default_handler_replaced_inside_itself_is_released_once(Reactor);
    }
}

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;

fn listener(callback: usize, user_data: usize) -> Ticket {
    Ticket { callback, user_data }
}

/// The handlers that got data so far, in order.
fn receivers(bench: &Bench) -> Vec<usize> {
    let seen = bench.seen();
    seen.iter().filter(|s| s.event.event_type == ON_RECEIVE).map(|s| s.handler).collect()
}

/// Sends one byte to the app, and waits until it and a call made after it have come.
fn one_event(bench: &Bench, id: i32, peer: &std::net::TcpStream) {
    let before = bench.received(id).len();
    write_to(peer, b"x");
    bench.wait_received(id, before + 1);
    // The other listeners of that event have run when the next completion comes.
    let after = bench.get_info(id);
    bench.done(after);
}

fn listeners_run_in_the_order_they_were_added(drive: Drive) {
    let bench = Bench::start(drive);
    let delivery = bench.delivery();
    for (callback, user_data) in [(5, 0), (3, 0), (4, 0), (5, 0), (3, 0)] {
        delivery.add_listener(ON_RECEIVE, listener(callback, user_data));
    }
    let (id, peer) = bench.connected();
    one_event(&bench, id, &peer);
    assert_eq!(receivers(&bench), [5, 3, 4], "added twice counts once, at its first place");
    // Other user_data is another listener; another event's listener is none of this one.
    delivery.add_listener(ON_RECEIVE, listener(5, 1));
    delivery.add_listener(T::ChromeSocketsTcpOnReceiveError, listener(9, 0));
    assert!(delivery.has_listener(ON_RECEIVE, listener(5, 1)));
    assert!(!delivery.has_listener(ON_RECEIVE, listener(9, 0)));
    delivery.remove_listener(ON_RECEIVE, listener(3, 0));
    delivery.remove_listener(ON_RECEIVE, listener(7, 7));
    assert!(!delivery.has_listener(ON_RECEIVE, listener(3, 0)));
    one_event(&bench, id, &peer);
    assert_eq!(receivers(&bench)[3..], [5, 4, 5]);
    // Removed and added again: last.
    delivery.remove_listener(ON_RECEIVE, listener(5, 0));
    delivery.add_listener(ON_RECEIVE, listener(5, 0));
    delivery.remove_listener(ON_RECEIVE, listener(5, 1));
    one_event(&bench, id, &peer);
    assert_eq!(receivers(&bench)[6..], [4, 5]);
    drop(delivery);
    bench.end();
}

fn a_listener_added_or_removed_while_running_counts_from_the_next_event(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, _, handler| match handler {
        2 => {
            bench.delivery().remove_listener(ON_RECEIVE, listener(2, 0));
            bench.delivery().add_listener(ON_RECEIVE, listener(3, 0));
        }
        3 => bench.delivery().add_listener(ON_RECEIVE, listener(3, 0)),
        _ => {}
    });
    let bench = plan.start();
    bench.delivery().add_listener(ON_RECEIVE, listener(2, 0));
    let (id, peer) = bench.connected();
    // Many events in one batch, so that the change comes in its middle.
    write_to(&peer, &pattern(40_000));
    bench.wait_received(id, 40_000);
    let receivers = receivers(&bench);
    assert_eq!((receivers[0], receivers[1]), (2, 3));
    assert!(receivers[1..].iter().all(|handler| *handler == 3), "{receivers:?}");
    bench.end();
}

fn events_go_to_the_nearest_handler(drive: Drive) {
    let bench = Bench::start(drive);
    let (id, peer) = bench.connected();
    one_event(&bench, id, &peer);
    bench.delivery().add_listener(ON_RECEIVE, listener(2, 0));
    one_event(&bench, id, &peer);
    assert_eq!(receivers(&bench), [DEFAULT, 2], "a listener takes its events from the default");
    bench.delivery().remove_listener(ON_RECEIVE, listener(2, 0));
    one_event(&bench, id, &peer);
    assert_eq!(receivers(&bench), [DEFAULT, 2, DEFAULT]);
    // A call's own callback takes its completion; one without goes to the default handler.
    let own = listener(6, 77);
    bench.app().get_info(Namespace::Tcp, id, own).unwrap();
    let without = bench.get_info(id);
    bench.done(without);
    let seen = bench.seen();
    let infos = seen.iter().filter(|s| s.event.event_type == T::ChromeSocketsTcpGetInfo);
    let last_two: Vec<_> = infos.rev().take(2).map(|s| (s.handler, s.event.ticket)).collect();
    let plain = listener(0, without);
    assert_eq!(last_two, [(DEFAULT, Some(plain)), (6, Some(own))]);
    // Without a default handler, what nobody takes is dropped; the call is completed all the same.
    bench.delivery().set_default_handler(None);
    let before = bench.seen().len();
    bench.app().get_info(Namespace::Tcp, id, Ticket::default()).unwrap();
    bench.app().get_info(Namespace::Tcp, id, listener(6, 78)).unwrap();
    bench.wait("the call with a callback", |seen| (seen.len() > before).then_some(()));
    assert_eq!(bench.seen()[before].handler, 6);
    bench.delivery().set_default_handler(Some((listener(DEFAULT, 0), None)));
    bench.end();
}

/// A release function, and how often it has run.
fn counted() -> (Option<Release>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let release: Release = Box::new(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (Some(release), count)
}

fn a_default_handler_is_released_once(drive: Drive) {
    let bench = Bench::start(drive);
    let delivery = bench.delivery();
    let set = |handler| {
        let (release, count) = counted();
        delivery.set_default_handler(Some((listener(handler, 0), release)));
        count
    };
    let released = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    let (replaced, cleared) = (set(DEFAULT), set(DEFAULT));
    until("the replaced handler is released", || released(&replaced) == 1);
    delivery.set_default_handler(None);
    until("the cleared handler is released", || released(&cleared) == 1);
    // The same function and user_data again is a handler of its own.
    let kept = set(DEFAULT);
    let call = bench.create(Namespace::Tcp);
    assert_eq!(call, 1);
    bench.wait_event(T::ChromeSocketsTcpCreate, 1);
    assert_eq!(released(&kept), 0, "while it may be called");
    drop(delivery);
    bench.end();
    assert_eq!([&replaced, &cleared, &kept].map(|count| released(count)), [1, 1, 1]);
}

fn a_default_handler_replaced_inside_itself_is_released_once(drive: Drive) {
    let (release, count) = counted();
    let (second, second_count) = counted();
    let next = parking_lot::Mutex::new(Some(second));
    let seen_inside = Arc::clone(&count);
    let plan = Plan::new(drive).reacting(move |bench, _, handler| {
        if handler == 2
            && let Some(second) = next.lock().take()
        {
            bench.delivery().set_default_handler(Some((listener(DEFAULT, 0), second)));
            if seen_inside.load(Ordering::SeqCst) > 0 {
                bench.fault("released while it runs".into());
            }
        }
    });
    let bench = plan.start();
    bench.delivery().set_default_handler(Some((listener(2, 0), release)));
    let id = bench.create(Namespace::Tcp);
    bench.wait_event(T::ChromeSocketsTcpCreate, id);
    let next_event = bench.get_info(id);
    bench.done(next_event);
    until("the first one is released", || count.load(Ordering::SeqCst) == 1);
    assert_eq!(bench.seen().last().unwrap().handler, DEFAULT);
    assert_eq!(second_count.load(Ordering::SeqCst), 0);
    bench.end();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(second_count.load(Ordering::SeqCst), 1, "with the app");
}
