//! Freeing an app from every place (closing never deadlocks): the remaining completions come,
//! `gone` is said once, and nothing is delivered after it.

use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::thread::{ThreadId, current};

use parking_lot::Mutex;

use super::support::*;
use crate::api::event::{Event, Ticket};
use crate::api::net_error::Status;
use crate::api::table::{EventType as T, Namespace};
use crate::app::{Options, SharedReactor};

in_each_mode!(
    freed_in_a_callback_of_its_own,
    freed_in_the_callback_of_its_last_event,
    freed_again_in_its_last_callbacks,
    freed_by_a_foreign_thread_while_traffic_runs,
    freed_without_ever_being_used,
    free_waits_for_a_callback_on_another_thread,
    freed_in_a_callback_of_another_app,
    freed_in_a_callback_of_another_app_on_the_same_reactor,
    two_apps_free_each_other_s_partner_at_once,
);

const ON_RECEIVE: T = T::ChromeSocketsTcpOnReceive;

/// Makes an app busy: unfinished sends, a connect that resolves for ever, a listening server.
fn busy(bench: &Bench) -> (i32, TcpStream) {
    let (id, peer) = bench.connected();
    bench.send(id, &vec![1; UNSENDABLE]);
    bench.send(id, b"behind it");
    let resolving = bench.create(Namespace::Tcp);
    bench.connect(resolving, "slow.example", 80);
    bench.listen();
    (id, peer)
}

fn freed_in_a_callback_of_its_own(drive: Drive) {
    let questions = Questions::default();
    let plan = Plan::new(drive).on(&questions.reactor()).reacting(|bench, event, _| {
        if event.event_type == ON_RECEIVE {
            // Still to be completed: they were accepted.
            bench.get_info(event.socket_id);
            bench.close_socket(event.socket_id);
            bench.free();
        }
    });
    let bench = plan.start();
    let (_, peer) = busy(&bench);
    write_to(&peer, b"x");
    bench.wait_gone();
    bench.check();
    wait_end_of(peer);
}

fn freed_in_the_callback_of_its_last_event(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, event, _| {
        if event.event_type == T::ChromesockAppClosed {
            bench.free();
        }
    });
    let bench = plan.start();
    let (_, peer) = bench.connected();
    bench.close();
    bench.wait_gone();
    bench.check();
    wait_end_of(peer);
}

/// Calls may share a callback, and each of them may be the last to come.
fn freed_again_in_its_last_callbacks(drive: Drive) {
    let plan = Plan::new(drive).reacting(|bench, event, _| match event.event_type {
        T::ChromeSocketsTcpCreate => (0..5).for_each(|_| _ = bench.get_info(event.socket_id)),
        T::ChromeSocketsTcpGetInfo => bench.free(),
        _ => {}
    });
    let bench = plan.start();
    bench.create(Namespace::Tcp);
    bench.wait_gone();
    bench.check();
}

fn freed_by_a_foreign_thread_while_traffic_runs(drive: Drive) {
    for round in 0..10 {
        let reactor = SharedReactor::start().unwrap();
        let plan = super::conversation::echo_plan(drive);
        let server = plan.on(&reactor).start();
        let (_, port) = server.listen();
        let client = super::conversation::echo_plan(drive).start();
        for _ in 0..4 {
            let id = client.create(Namespace::Tcp);
            client.connect(id, "127.0.0.1", port);
            client.send(id, b"too early: not connected yet");
            client.wait_event(T::ChromeSocketsTcpConnect, id);
            // It comes back, and is sent again, for ever.
            client.send(id, &pattern(20_000));
        }
        client.wait("traffic", |seen| (seen.len() > 50 + round * 20).then_some(()));
        let (first, second) = if round % 2 == 0 { (&client, &server) } else { (&server, &client) };
        for bench in [first, second] {
            let freeing = Arc::clone(bench);
            must_return("free", move || freeing.free());
            bench.wait_gone();
            bench.check();
        }
    }
}

fn freed_without_ever_being_used(drive: Drive) {
    let bench = Bench::start(drive);
    bench.free();
    bench.wait_gone();
    bench.check();
}

fn free_waits_for_a_callback_on_another_thread(drive: Drive) {
    if drive == Drive::Pull {
        return; // There are no callbacks.
    }
    let door = Arc::new(Door::default());
    let left = Arc::new(Mutex::new(false));
    let (at_door, leaving) = (Arc::clone(&door), Arc::clone(&left));
    let plan = Plan::new(drive).reacting(move |_, event, _| {
        if event.event_type == T::ChromeSocketsTcpCreate {
            at_door.pass();
            *leaving.lock() = true;
        }
    });
    let bench = plan.start();
    bench.create(Namespace::Tcp);
    door.wait_for_visitor();
    let freeing = Arc::clone(&bench);
    let left_first = std::thread::spawn(move || {
        freeing.free();
        *left.lock()
    });
    // Refused calls tell that `free` has begun.
    until("the app is closing", || {
        bench.app.lock().as_ref().is_none_or(|app| app.suspend().is_err())
    });
    assert!(bench.app.lock().is_some(), "gone while its callback ran");
    door.open();
    assert!(left_first.join().unwrap(), "free returned while a callback ran");
    bench.wait_gone();
    bench.check();
}

fn freed_in_a_callback_of_another_app(drive: Drive) {
    DRIVES.into_iter().for_each(|victim| freed_by_another(drive, victim, false));
}

fn freed_in_a_callback_of_another_app_on_the_same_reactor(drive: Drive) {
    DRIVES.into_iter().for_each(|victim| freed_by_another(drive, victim, true));
}

fn freed_by_another(drive: Drive, victim_drive: Drive, shared: bool) {
    let questions = Questions::default();
    let reactor = questions.reactor();
    let victim = Plan::new(victim_drive).on(&reactor).start();
    let reactor = if shared { reactor } else { SharedReactor::start().unwrap() };
    let target = Arc::clone(&victim);
    let plan = Plan::new(drive).on(&reactor).reacting(move |_, event, _| {
        if event.event_type == ON_RECEIVE {
            target.free();
        }
    });
    let bench = plan.start();
    let (_, victims_peer) = busy(&victim);
    let (_, peer) = bench.connected();
    write_to(&peer, b"x");
    victim.wait_gone();
    victim.check();
    wait_end_of(victims_peer);
    // The app that did it lives on.
    let sockets = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    bench.done(sockets);
    bench.end();
}

/// Its last callbacks run when that callback has returned, on a thread that dispatches before the dispatch returns:
/// a host may hold a lock that they take, and one of a single thread sees all its callbacks there.
#[test]
fn freed_in_a_callback_of_another_app_it_says_its_last_words_behind_that_on_its_thread() {
    for is_over in [false, true] {
        let words: Arc<Mutex<Vec<(&str, ThreadId)>>> = Arc::default();
        let say = |words: &Mutex<Vec<_>>, word| words.lock().push((word, current().id()));
        let heard = Arc::clone(&words);
        let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
            if event.event_type == T::ChromesockAppClosed {
                say(&heard, "last words");
            }
        });
        let victim = plan.start();
        if is_over {
            victim.close();
            until("it is over", || victim.delivery().undelivered_events() == 1);
        }
        let (target, heard) = (Arc::clone(&victim), Arc::clone(&words));
        let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
            if event.event_type == T::ChromeSocketsTcpGetSockets {
                target.free();
                say(&heard, "returned");
            }
        });
        let bench = plan.start();
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        assert_eq!(bench.delivery().dispatch(1, Some(DEADLINE)), Ok(1));
        say(&words, "dispatched");
        let here = current().id();
        let expected = ["returned", "last words", "dispatched"].map(|word| (word, here));
        assert_eq!(*words.lock(), expected, "over before: {is_over}");
        victim.wait_gone();
        victim.check();
        bench.free();
    }
}

/// A thousand apps, each of which is freed in the last callback of the one before: all on the thread that frees the first.
#[test]
fn each_app_may_free_the_next_in_its_last_callback() {
    let reactor = SharedReactor::start().unwrap();
    let seen: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
    let mut next: Option<Arc<Bench>> = None;
    let mut benches = Vec::new();
    for _ in 0..1000 {
        let (target, seen) = (next.take(), Arc::clone(&seen));
        let plan = Plan::new(Drive::Dispatch).on(&reactor).undriven();
        let plan = plan.reacting(move |_, event, _| {
            if event.event_type == T::ChromesockAppClosed {
                seen.lock().push(current().id());
                target.iter().for_each(|it| it.free());
            }
        });
        let bench = plan.start();
        benches.push(Arc::clone(&bench));
        next = Some(bench);
    }
    benches.iter().step_by(2).for_each(|bench| bench.close());
    let is_over = |bench: &Arc<Bench>| bench.delivery().undelivered_events() == 1;
    until("every second one is over", || benches.iter().step_by(2).all(is_over));
    let here = current().id();
    next.into_iter().for_each(|first| first.free());
    assert_eq!(*seen.lock(), vec![here; benches.len()]);
    benches.iter().for_each(|bench| bench.check());
}

/// Where no dispatch runs that callback, nobody waits: what is over by then ends behind it.
#[test]
fn freed_in_a_callback_of_another_app_s_reactor_it_says_its_last_words_behind_that() {
    let words: Arc<Mutex<Vec<&str>>> = Arc::default();
    let heard = Arc::clone(&words);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if event.event_type == T::ChromesockAppClosed {
            heard.lock().push("last words");
        }
    });
    let victim = plan.start();
    victim.close();
    until("it is over", || victim.delivery().undelivered_events() == 1);
    let (target, heard) = (Arc::clone(&victim), Arc::clone(&words));
    let plan = Plan::new(Drive::Reactor).reacting(move |_, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets {
            target.free();
            heard.lock().push("returned");
        }
    });
    let bench = plan.start();
    bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    victim.wait_gone();
    assert_eq!(*words.lock(), ["returned", "last words"]);
    victim.check();
    bench.end();
}

/// Each of two apps frees a third and a fourth that lives on the other's reactor, all at once.
fn two_apps_free_each_other_s_partner_at_once(drive: Drive) {
    for _ in 0..5 {
        let reactors = [(); 2].map(|()| SharedReactor::start().unwrap());
        let victims = reactors.each_ref().map(|reactor| Plan::new(drive).on(reactor).start());
        let mut killers = Vec::new();
        for n in [0, 1] {
            let target = Arc::clone(&victims[1 - n]);
            let plan = Plan::new(drive).on(&reactors[n]).reacting(move |_, event, _| {
                if event.event_type == ON_RECEIVE {
                    target.free();
                }
            });
            killers.push(plan.start());
        }
        drop(reactors);
        let peers: Vec<_> = killers.iter().map(|killer| killer.connected().1).collect();
        peers.iter().for_each(|peer| write_to(peer, b"x"));
        for victim in &victims {
            victim.wait_gone();
            victim.check();
        }
        killers.iter().for_each(|killer| killer.end());
    }
}

/// A callback dispatches another app, whose callback frees both.
#[test]
fn a_nested_callback_may_free_both_apps() {
    let outer_of: Arc<OnceLock<Arc<Bench>>> = Arc::default();
    let outer_app = Arc::clone(&outer_of);
    let is_trigger = |event: &Event| event.event_type == T::ChromeSocketsTcpGetSockets;
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |bench, event, _| {
        if is_trigger(event) {
            outer_app.get().expect("set before any event").free();
            bench.free();
        }
    });
    let inner = plan.start();
    let nested = Arc::clone(&inner);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if is_trigger(event) {
            nested.delivery().dispatch(1, Some(DEADLINE)).unwrap();
        }
    });
    let outer = plan.start();
    assert!(outer_of.set(Arc::clone(&outer)).is_ok());
    for bench in [&inner, &outer] {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        bench.call(|app, t| app.get_sockets(Namespace::TcpServer, t));
    }
    let delivery = outer.delivery();
    must_return("dispatch", move || assert_eq!(delivery.dispatch(1, None), Ok(1)));
    for bench in [inner, outer] {
        bench.wait_gone();
        bench.check();
    }
}

/// Of two threads each dispatches one app, whose callback frees the other's.
#[test]
fn two_threads_that_dispatch_may_free_each_other_s_app() {
    for _ in 0..20 {
        let apps: [Arc<OnceLock<Arc<Bench>>>; 2] = Default::default();
        let both = Arc::new(std::sync::Barrier::new(2));
        let threads = [0, 1].map(|n| {
            let (other, both) = (Arc::clone(&apps[1 - n]), Arc::clone(&both));
            let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
                if event.event_type == T::ChromeSocketsTcpGetSockets {
                    both.wait();
                    other.get().expect("set before any event").free();
                }
            });
            let bench = plan.start();
            assert!(apps[n].set(Arc::clone(&bench)).is_ok());
            bench
        });
        let threads = threads.map(|bench| {
            std::thread::spawn(move || {
                bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
                assert_eq!(bench.delivery().dispatch(1, Some(DEADLINE)), Ok(1));
                bench
            })
        });
        for thread in threads {
            let bench = thread.join().unwrap();
            bench.wait_gone();
            bench.check();
        }
    }
}

/// A callback dispatches another app, whose callback frees a third: it ends behind both.
#[test]
fn freed_in_a_nested_callback_it_ends_behind_the_outermost() {
    let words: Arc<Mutex<Vec<&str>>> = Arc::default();
    let is_trigger = |event: &Event| event.event_type == T::ChromeSocketsTcpGetSockets;
    let heard = Arc::clone(&words);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if event.event_type == T::ChromesockAppClosed {
            heard.lock().push("last words");
        }
    });
    let victim = plan.start();
    let target = Arc::clone(&victim);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if is_trigger(event) {
            target.free();
        }
    });
    let inner = plan.start();
    let (nested, heard) = (Arc::clone(&inner), Arc::clone(&words));
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if is_trigger(event) {
            assert_eq!(nested.delivery().dispatch(1, Some(DEADLINE)), Ok(1));
            heard.lock().push("outer callback returns");
        }
    });
    let outer = plan.start();
    for bench in [&inner, &outer] {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    assert_eq!(outer.delivery().dispatch(1, Some(DEADLINE)), Ok(1));
    assert_eq!(*words.lock(), ["outer callback returns", "last words"]);
    victim.wait_gone();
    victim.check();
    [inner, outer].iter().for_each(|bench| bench.free());
}

/// A call that comes too late is refused, as after any other end: none is accepted that nobody answers.
#[test]
fn freed_with_its_stream_an_app_takes_no_calls() {
    let options = Options { freed_with_stream: true, ..Options::default() };
    let bench = Plan::new(Drive::Dispatch).with(options).start();
    let app = bench.app();
    drop(app.event_stream().unwrap());
    bench.wait_gone();
    let late = app.get_sockets(Namespace::Tcp, Ticket::default());
    assert_eq!(late, Err(Status::ContextShutDown));
    bench.check();
}

/// What remains goes to its callbacks on the thread that frees the app; one that waits for events hears that none come.
#[test]
fn a_thread_that_waits_gets_nothing_of_what_remains() {
    for drive in [Drive::Dispatch, Drive::Pull] {
        let bench = Plan::new(drive).undriven().start();
        let delivery = bench.delivery();
        let waiting = std::thread::spawn(move || match drive {
            Drive::Pull => delivery.next(None).err(),
            _ => delivery.dispatch(usize::MAX, None).err(),
        });
        bench.free();
        assert_eq!(waiting.join().unwrap(), Some(Status::ContextShutDown));
        bench.wait_gone();
    }
}
