//! Undelivered and kept bytes: reading stops above the bound, and goes on when they are released.

use std::net::TcpStream;
use std::sync::Arc;

use parking_lot::Mutex;

use super::support::*;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::table::{EventType as T, Namespace};
use crate::app::Options;
use crate::delivery::Charge;

const BOUND: u64 = 50_000;
/// Most that one read takes beyond the bound.
const ONE_READ: u64 = 64 * 1024;
/// More than the bound, and little enough for the kernel to take at once.
const DATA: usize = 400_000;

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;

/// An app that nobody drives, with a socket to which all of `data` is already on its way.
fn flooded(plan: Plan, data: &[u8]) -> (Arc<Bench>, i32, TcpStream) {
    let bench = plan.undriven().start();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let id = bench.create(Namespace::Tcp);
    bench.connect(id, "127.0.0.1", listener.local_addr().unwrap().port());
    let peer = with_deadline(listener.accept().unwrap().0);
    write_to(&peer, data);
    (bench, id, peer)
}

/// Many turns of the reactor, in each of which it could read.
fn turns(bench: &Bench) {
    for _ in 0..50 {
        let accepted = bench.stats().calls_accepted;
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        until("a call is carried out", || bench.stats().calls_completed > accepted);
    }
}

fn stops_at_the_bound(bench: &Bench) {
    until("the bound", || bench.stats().undelivered_bytes >= BOUND);
    turns(bench);
    let held = bench.stats().undelivered_bytes;
    assert!(held < BOUND + ONE_READ, "{held} bytes were read");
}

#[test]
fn reading_stops_while_nobody_dispatches_and_then_goes_on() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Dispatch).holding(BOUND, u64::MAX);
    let (bench, id, _peer) = flooded(plan, &data);
    stops_at_the_bound(&bench);
    bench.drive_on_a_thread();
    assert!(bench.wait_received(id, DATA) == data, "bytes differ");
    until("all credit is back", || bench.stats().undelivered_bytes == 0);
    bench.end();
}

#[test]
fn the_bound_of_the_app_counts_all_its_sockets() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Dispatch).holding(u64::MAX, BOUND);
    let (bench, id, _peer) = flooded(plan, &data);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = bench.create(Namespace::Tcp);
    bench.connect(other, "127.0.0.1", listener.local_addr().unwrap().port());
    let (second, _) = listener.accept().unwrap();
    write_to(&second, &data);
    stops_at_the_bound(&bench);
    bench.drive_on_a_thread();
    for id in [id, other] {
        assert!(bench.wait_received(id, DATA) == data, "bytes differ");
    }
    bench.end();
}

/// Pulled events count until they are released, whether their socket lives or not.
#[test]
fn pulled_events_hold_reading_until_they_are_released() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Pull).holding(BOUND, u64::MAX);
    let (bench, id, _peer) = flooded(plan, &data);
    let delivery = bench.delivery();
    let mut kept = Vec::new();
    let mut got = Vec::new();
    while got.len() < DATA {
        // Everything that comes without a release: at most the bound and one read.
        while bench.stats().undelivered_events > 0 || held(&kept) < BOUND as usize {
            let event = delivery.next(Some(DEADLINE)).unwrap();
            got.extend_from_slice(data_of(&event));
            bench.see_pulled(&event);
            kept.push(event);
            if got.len() == DATA {
                break;
            }
        }
        turns_of_pulled(&bench, &delivery);
        let held_now = held(&kept) as u64;
        assert!(held_now < BOUND + ONE_READ, "{held_now} bytes were read");
        let bytes: usize = kept.iter().map(Event::data_len).sum();
        assert_eq!(bench.stats().undelivered_bytes, bytes as u64);
        for event in kept.drain(..) {
            delivery.release(&event);
        }
    }
    assert!(got == data, "bytes differ");
    assert_eq!(bench.stats().undelivered_bytes, 0);
    bench.close_socket(id);
    bench.drive_on_a_thread();
    bench.end();
}

/// A host that keeps what it has and waits gets what it has given back room for (tcp.md R-10).
#[test]
fn a_host_that_keeps_an_event_and_waits_still_gets_data_r_10() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Pull).holding(BOUND, u64::MAX);
    let (bench, id, _peer) = flooded(plan, &data);
    let delivery = bench.delivery();
    let mut got = Vec::new();
    let mut kept = None;
    while got.len() < DATA {
        // The first of those that are queued is given back at once, the last one kept until there is more.
        let first = delivery.next(Some(DEADLINE)).unwrap();
        got.extend_from_slice(data_of(&first));
        bench.see_pulled(&first);
        delivery.release(&first);
        kept.take().iter().for_each(|event| delivery.release(event));
        while bench.stats().undelivered_events > 0 {
            let event = delivery.next(Some(DEADLINE)).unwrap();
            got.extend_from_slice(data_of(&event));
            bench.see_pulled(&event);
            kept.replace(event).iter().for_each(|event| delivery.release(event));
        }
    }
    assert!(got == data, "bytes differ");
    kept.iter().for_each(|event| delivery.release(event));
    assert_eq!(bench.stats().undelivered_bytes, 0);
    bench.close_socket(id);
    bench.drive_on_a_thread();
    bench.end();
}

/// What is given back piece by piece, each too little to go on with, is enough in the end (tcp.md R-10).
#[test]
fn room_that_comes_bit_by_bit_is_found_r_10() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Pull).holding(u64::MAX, BOUND);
    let (bench, id, _peer) = flooded(plan, &data);
    stops_at_the_bound(&bench);
    let delivery = bench.delivery();
    let (mut kept, mut got) = (Vec::new(), 0);
    while bench.stats().undelivered_events > 0 {
        let event = delivery.next(Some(DEADLINE)).unwrap();
        bench.see_pulled(&event);
        got += event.data_len();
        kept.push(event);
    }
    for event in kept {
        delivery.release(&event);
        // Once more is queued, credit may wait.
        let is_taken = || !delivery.queue().any_released() || bench.stats().undelivered_events > 0;
        until("the reactor takes it up", is_taken);
    }
    while got < DATA {
        let event = delivery.next(Some(DEADLINE)).unwrap();
        bench.see_pulled(&event);
        got += event.data_len();
        delivery.release(&event);
    }
    drop(delivery);
    bench.close_socket(id);
    bench.drive_on_a_thread();
    bench.end();
}

fn held(events: &[Event]) -> usize {
    events.iter().map(|event| event.weight()).sum()
}

/// Turns of the reactor whose completions are pulled; nothing else may come while all is held.
fn turns_of_pulled(bench: &Bench, delivery: &crate::delivery::Delivery) {
    for _ in 0..20 {
        let call = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        let event = delivery.next(Some(DEADLINE)).unwrap();
        assert_eq!(ticket_of(&event), call, "{event:?} came although all was held");
        bench.see_pulled(&event);
    }
}

/// Events that callbacks keep count in every mode with callbacks, also without a queue.
fn kept_in_callbacks(drive: Drive) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keeping = Arc::clone(&kept);
    let plan = Plan::new(drive).holding(BOUND, u64::MAX).reacting(move |bench, event, _| {
        if event.event_type == ON_RECEIVE {
            bench.delivery().queue().hold(Charge::of(event));
            keeping.lock().push(Event::clone(event));
        }
    });
    let data = pattern(DATA);
    let (bench, id, _peer) = flooded(plan, &data);
    if drive == Drive::Dispatch {
        bench.drive_on_a_thread();
    }
    let delivery = bench.delivery();
    let mut total = 0;
    while total < DATA {
        let enough = BOUND.min((DATA - total) as u64) as usize;
        until("the bound", || held(&kept.lock()) >= enough);
        for _ in 0..20 {
            let call = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
            bench.done(call);
        }
        let batch = std::mem::take(&mut *kept.lock());
        assert!((held(&batch) as u64) < BOUND + ONE_READ, "{} bytes were read", held(&batch));
        let bytes: usize = batch.iter().map(Event::data_len).sum();
        until("only kept bytes", || bench.stats().undelivered_bytes == bytes as u64);
        total += bytes;
        batch.iter().for_each(|event| delivery.release(event));
    }
    assert!(bench.wait_received(id, DATA) == data, "bytes differ");
    assert_eq!(bench.stats().undelivered_bytes, 0);
    drop(delivery);
    bench.end();
}

#[test]
fn events_kept_while_dispatching_hold_reading() {
    kept_in_callbacks(Drive::Dispatch);
}

#[test]
fn events_kept_on_the_reactor_s_thread_hold_reading() {
    kept_in_callbacks(Drive::Reactor);
}

/// Bytes kept from a socket that is closed count for the app until they are released.
#[test]
fn what_was_kept_from_a_closed_socket_still_counts() {
    let data = pattern(DATA);
    let plan = Plan::new(Drive::Pull).holding(u64::MAX, BOUND);
    let (bench, id, peer) = flooded(plan, &data);
    let delivery = bench.delivery();
    let mut kept = Vec::new();
    while held(&kept) < BOUND as usize {
        let event = delivery.next(Some(DEADLINE)).unwrap();
        bench.see_pulled(&event);
        kept.push(event);
    }
    bench.close_socket(id);
    drop(peer);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = bench.create(Namespace::Tcp);
    bench.connect(other, "127.0.0.1", listener.local_addr().unwrap().port());
    let (second, _) = listener.accept().unwrap();
    write_to(&second, b"held back");
    bench.drive_on_a_thread();
    bench.wait_event(T::ChromeSocketsTcpConnect, other);
    for _ in 0..20 {
        let call = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        bench.done(call);
    }
    assert_eq!(bench.received(other), b"", "the app is above its bound");
    kept.iter().for_each(|event| delivery.release(event));
    bench.wait_received(other, 9);
    until("all credit is back", || bench.stats().undelivered_bytes == 0);
    drop(delivery);
    bench.end();
}

/// tcp.md: the quota counts until the completion, and a refused send is completed.
#[test]
fn the_write_quota_is_given_back_with_each_completion_q_2() {
    let options = Options { write_quota: 2 * UNSENDABLE as u64, ..Options::default() };
    let bench = Plan::new(Drive::Dispatch).with(options).start();
    let (id, peer) = bench.connected();
    let block = vec![3; UNSENDABLE];
    let sends = [bench.send(id, &block), bench.send(id, &block)];
    let over = bench.send(id, b"1");
    let unknown = bench.send(999, &block);
    for refused in [over, unknown] {
        let done = bench.done(refused);
        assert_eq!((done.result, done.message), (None, Some(c"Exceeded write quota.")), "S-2");
    }
    bench.disconnect(id);
    for send in sends {
        assert_eq!(bench.done(send).result, Some(Status::SocketNotConnected.number()));
    }
    assert_eq!(bench.stats().unsent_bytes, 0);
    wait_end_of(peer);
    bench.end();
}
