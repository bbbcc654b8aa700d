//! Calls made inside callbacks, which on the reactor's thread take a way of their own: in order with those of
//! other threads, and as bounded.

use std::io::Read as _;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use parking_lot::Mutex;

use super::support::*;
use crate::api::event::Ticket;
use crate::api::properties::DnsQueryType;
use crate::api::table::{EventType as T, Namespace};
use crate::app::{Options, SharedReactor};

in_each_mode!(
    a_callback_calls_behind_what_it_knows_of,
    calls_of_one_callback_on_two_apps_keep_to_their_order,
);

const NOBODY: i32 = 99;
/// Whose completion makes the callback call.
const TRIGGER: i32 = 98;

/// Runs `reaction` once, in the callback that tells of the trigger.
fn triggered<R: Send + 'static>(
    plan: Plan,
    reaction: impl Fn(&Bench) -> R + Send + Sync + 'static,
) -> (Arc<Bench>, R) {
    let result = Arc::new(Mutex::new(None));
    let into = Arc::clone(&result);
    let plan = plan.reacting(move |bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetInfo && event.socket_id == TRIGGER {
            *into.lock() = Some(reaction(bench));
        }
    });
    let bench = plan.start();
    bench.done(bench.get_info(TRIGGER));
    // The next completion comes when that callback has returned.
    bench.done(bench.get_info(NOBODY));
    let result = result.lock().take().expect("the callback ran");
    (bench, result)
}

fn on_another_thread<R: Send>(call: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| scope.spawn(call).join().unwrap())
}

fn a_callback_calls_behind_what_it_knows_of(drive: Drive) {
    let (bench, calls) = triggered(Plan::new(drive), |bench| {
        let first = bench.get_info(NOBODY);
        let known = on_another_thread(|| bench.get_info(NOBODY));
        let later = [bench.send(NOBODY, b"x"), bench.get_info(NOBODY)];
        [first, known, later[0], later[1]]
    });
    let last = bench.done(calls[3]);
    assert_eq!(last.message, Some(c"Socket not found"));
    let order: Vec<_> = bench.seen().iter().map(|seen| ticket_of(&seen.event)).collect();
    let places = calls.map(|call| order.iter().position(|seen| *seen == call));
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    bench.end();
}

fn calls_of_one_callback_on_two_apps_keep_to_their_order(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let other = Plan::new(drive).on(&reactor).start();
    let (other_id, mut other_peer) = other.connected();
    let own = Arc::new(Mutex::new(None));
    let (connected, second) = (Arc::clone(&own), Arc::clone(&other));
    let bench = Plan::new(drive)
        .on(&reactor)
        .reacting(move |bench, event, _| {
            let is_trigger = event.event_type == T::ChromeSocketsTcpGetInfo;
            if let Some(id) = connected.lock().take_if(|_| is_trigger) {
                for number in 0..100 {
                    bench.send(id, &[number]);
                    second.send(other_id, &[number, number]);
                    second.send(other_id, &[number]);
                    second.get_info(NOBODY);
                }
            }
        })
        .start();
    let (id, mut peer) = bench.connected();
    *own.lock() = Some(id);
    bench.get_info(TRIGGER);
    let once: Vec<u8> = (0..100).collect();
    let thrice: Vec<u8> = (0..100).flat_map(|number| [number; 3]).collect();
    for (peer, expected) in [(&mut peer, once), (&mut other_peer, thrice)] {
        let mut read = vec![0; expected.len()];
        peer.read_exact(&mut read).unwrap();
        assert_eq!(read, expected);
    }
    bench.end();
    other.end();
}

/// Only there: a reactor on another thread may give back what the first took before the second is made.
#[test]
fn the_quota_counts_what_callbacks_on_the_reactor_send_q_1() {
    let plan = Plan::new(Drive::Reactor).with(Options { write_quota: 10, ..Options::default() });
    let (bench, calls) =
        triggered(plan, |bench| [6, 5, 4].map(|len| bench.send(NOBODY, &b"123456"[..len])));
    let messages = calls.map(|call| bench.done(call).message.unwrap());
    assert_eq!(messages, [c"Socket not found", c"Exceeded write quota.", c"Socket not found"]);
    let more = bench.send(NOBODY, b"1234567890");
    assert_eq!(bench.done(more).message, Some(c"Socket not found"), "all was given back");
    bench.end();
}

/// A paused socket is asked for one more read (tcp.md PA-3) while another thread makes a call.
#[test]
fn one_more_read_is_one_whatever_other_threads_call_pa_3() {
    let connected = Arc::new(Mutex::new(None));
    let asked = Arc::clone(&connected);
    let asked_often = AtomicBool::new(false);
    let bench = Plan::new(Drive::Reactor)
        .reacting(move |bench, event, _| {
            let is_trigger = event.event_type == T::ChromeSocketsTcpGetInfo;
            if let Some(id) = asked.lock().take_if(|_| is_trigger && event.socket_id == TRIGGER) {
                bench.resume(id);
                // Every other time the unpause is not the last call before that of the other thread.
                if asked_often.fetch_xor(true, Ordering::Relaxed) {
                    bench.get_info(NOBODY);
                }
                on_another_thread(|| bench.get_info(NOBODY));
                bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t));
            }
        })
        .start();
    let (id, peer) = bench.connected();
    bench.done(bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t)));
    write_to(&peer, b"x");
    bench.wait_received(id, 1);
    write_to(&peer, &pattern(60_000));
    for number in 2..8 {
        *connected.lock() = Some(id);
        bench.done(bench.get_info(TRIGGER));
        bench.wait("one more read", |seen| {
            let is_read = |seen: &&Seen| seen.event.event_type == T::ChromeSocketsTcpOnReceive;
            (seen.iter().filter(is_read).count() == number).then_some(())
        });
        // The reactor has asked its sockets again.
        (0..3).for_each(|_| _ = bench.done(bench.get_info(NOBODY)));
        assert_eq!(bench.count(T::ChromeSocketsTcpOnReceive), number);
    }
    bench.end();
}

/// What a callback calls stays in order (tcp.md O-1), in whatever moment another thread ends the hold of the first.
#[test]
fn calls_keep_their_order_while_another_thread_ends_a_hold_o_1() {
    let (are_held, is_ending) = (Arc::new(Barrier::new(2)), Arc::new(AtomicBool::new(false)));
    let (held, ending) = (Arc::clone(&are_held), Arc::clone(&is_ending));
    let (tell, told) = mpsc::channel();
    let bench = Plan::new(Drive::Reactor)
        .reacting(move |bench, event, _| {
            if event.event_type == T::ChromeSocketsTcpGetInfo && event.socket_id == TRIGGER {
                bench.app().hold_calls(true);
                bench.resume(NOBODY);
                // It takes a while to let go of so many.
                (0..1000).for_each(|_| _ = bench.send(NOBODY, &[0; 16 * 1024]));
                held.wait();
                while !ending.swap(false, Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                let later = (0..100).map(|_| bench.get_info(NOBODY));
                tell.send(later.last().unwrap()).unwrap();
            }
        })
        .start();
    for _ in 0..10 {
        bench.get_info(TRIGGER);
        are_held.wait();
        is_ending.store(true, Ordering::SeqCst);
        bench.app().hold_calls(false);
        bench.done(told.recv().unwrap());
    }
    let order: Vec<_> = bench.seen().iter().map(|seen| ticket_of(&seen.event)).collect();
    assert!(order.is_sorted(), "{:?}", order.windows(2).find(|calls| !calls.is_sorted()));
    bench.end();
}

/// Each attempt fails at once, and its callback makes the next one.
#[test]
fn who_connects_again_and_again_lets_others_have_their_turn() {
    let reactor = SharedReactor::start().unwrap();
    let other = Plan::new(Drive::Reactor).on(&reactor).start();
    let (id, peer) = other.connected();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = listener.local_addr().unwrap().port();
    drop(listener);
    // With a callback of its own it is told at once.
    let connect = move |bench: &Bench, id| {
        bench.call(|app, t| {
            app.connect(
                id,
                "127.0.0.1",
                refused.into(),
                DnsQueryType::Any,
                Ticket { callback: 2, ..t },
            )
        });
    };
    let (attempts, hears) = (Arc::new(AtomicUsize::new(0)), Arc::clone(&other));
    let counted = Arc::clone(&attempts);
    let bench = Plan::new(Drive::Reactor)
        .on(&reactor)
        .reacting(move |bench, event, _| {
            let is_told = || hears.count(T::ChromeSocketsTcpOnReceive) > 0;
            if event.event_type == T::ChromeSocketsTcpConnect && !is_told() {
                if counted.fetch_add(1, Ordering::SeqCst) == 0 {
                    write_to(&peer, b"x");
                }
                connect(bench, event.socket_id);
            }
        })
        .start();
    connect(&bench, bench.create(Namespace::Tcp));
    other.wait_received(id, 1);
    let attempts = attempts.load(Ordering::SeqCst);
    assert!((2..=16).contains(&attempts), "{attempts} before the other socket was read");
    bench.end();
    other.end();
}
