//! The queue and its ways to be emptied: dispatching, pulling, the handle as a level, the wake-up hook.

use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use parking_lot::Mutex;

use super::support::*;
use crate::api::net_error::Status;
use crate::api::table::{EventType as T, Namespace};

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// Makes calls, and waits until the completions of all calls so far lie in the queue.
fn fill(bench: &Bench, calls: usize) {
    for _ in 0..calls {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    // Completed is counted before it is queued; the queue only grows meanwhile.
    let waiting = || bench.stats().undelivered_events as usize + bench.seen().len();
    until("the queue is filled", || waiting() as u64 == bench.stats().calls_accepted);
}

fn undriven() -> Arc<Bench> {
    Plan::new(Drive::Dispatch).undriven().start()
}

fn end(bench: &Arc<Bench>) {
    bench.drive_on_a_thread();
    bench.end();
}

/// Whether a handle is readable now: what a fresh poll reports, since it sees levels.
fn is_readable(handle: isize, timeout: Duration) -> bool {
    let fd = i32::try_from(handle).unwrap();
    let mut poll = Poll::new().unwrap();
    poll.registry().register(&mut SourceFd(&fd), Token(1), Interest::READABLE).unwrap();
    let mut events = Events::with_capacity(1);
    poll.poll(&mut events, Some(timeout)).unwrap();
    !events.is_empty()
}

#[test]
fn dispatch_takes_at_most_max_events_in_order() {
    let bench = undriven();
    let delivery = bench.delivery();
    assert_eq!(delivery.dispatch(1, AT_ONCE), Ok(0), "nothing is there");
    fill(&bench, 7);
    assert_eq!(delivery.dispatch(3, AT_ONCE), Ok(3));
    assert_eq!(delivery.dispatch(3, None), Ok(3));
    assert_eq!(delivery.next(AT_ONCE).map(|e| ticket_of(&e)), Ok(7), "both ways may be mixed");
    assert_eq!(delivery.next(AT_ONCE).map(|_| ()), Err(Status::TimedOut));
    let order: Vec<_> = bench.seen().iter().map(|s| ticket_of(&s.event)).collect();
    assert_eq!(order, (1..=6).collect::<Vec<_>>());
    // The seventh was taken by this test.
    drop(delivery);
    bench.free();
    bench.wait_gone();
}

#[test]
fn what_a_flood_has_taken_is_given_back_however_it_is_drained() {
    let bench = undriven();
    let delivery = bench.delivery();
    for way in 0..3 {
        for _ in 0..20_000 {
            bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        }
        let completed = || bench.stats().calls_completed == bench.stats().calls_accepted;
        until("all calls are completed", completed);
        let mut into = Vec::new();
        let mut left = 20_000;
        while left > 0 {
            left -= match way {
                0 => delivery.dispatch(usize::MAX, None).unwrap(),
                1 => delivery.next(None).map(|_| 1).unwrap(),
                _ => {
                    into.clear();
                    delivery.take(100, |_| 1, &mut into).unwrap();
                    into.len()
                }
            };
        }
        assert!(delivery.queue_capacity() <= 8192);
    }
    bench.close();
    bench.free();
    bench.wait_gone();
}

#[test]
fn dispatch_inside_a_callback_is_refused() {
    let results = Arc::new(Mutex::new(Vec::new()));
    let inside = Arc::clone(&results);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets {
            let delivery = bench.delivery();
            for timeout in [AT_ONCE, None] {
                inside.lock().push(delivery.dispatch(usize::MAX, timeout));
                inside.lock().push(delivery.next(timeout).map(|_| 0));
            }
        }
    });
    let bench = plan.start();
    fill(&bench, 2);
    assert_eq!(bench.delivery().dispatch(usize::MAX, None), Ok(2));
    assert_eq!(*results.lock(), vec![Err(Status::RecursiveCall); 8]);
    end(&bench);
}

#[test]
fn an_app_may_dispatch_another_one_inside_a_callback() {
    let inner = undriven();
    fill(&inner, 3);
    let other = Arc::clone(&inner);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets
            && other.delivery().dispatch(usize::MAX, None) != Ok(3)
        {
            bench.fault("the other app's events did not come".into());
        }
    });
    let bench = plan.start();
    fill(&bench, 1);
    assert_eq!(bench.delivery().dispatch(usize::MAX, None), Ok(1));
    assert_eq!(inner.seen().len(), 3);
    end(&inner);
    end(&bench);
}

#[test]
fn of_two_threads_that_dispatch_one_runs_callbacks() {
    let bench = undriven();
    bench.drive_on_a_thread();
    bench.drive_on_a_thread();
    let dispatched = Arc::new(AtomicUsize::new(0));
    let (delivery, counted) = (bench.delivery(), Arc::clone(&dispatched));
    let third = std::thread::spawn(move || {
        loop {
            match delivery.dispatch(2, Some(Duration::from_millis(1))) {
                Ok(number) => counted.fetch_add(number, Ordering::SeqCst),
                Err(status) => return status,
            };
        }
    });
    let mut last = 0;
    for _ in 0..3_000 {
        last = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    bench.done(last);
    let order: Vec<_> = bench.seen().iter().map(|s| ticket_of(&s.event)).collect();
    assert!(order.is_sorted(), "{}", bench.trace());
    // `end` also says whether callbacks overlapped.
    bench.close();
    assert_eq!(third.join().unwrap(), Status::ContextShutDown);
    bench.end();
}

#[test]
fn of_two_threads_that_pull_each_gets_events_in_order_and_none_twice() {
    let bench = undriven();
    let pulling: Vec<_> = (0..2)
        .map(|_| {
            let delivery = bench.delivery();
            std::thread::spawn(move || {
                let mut tickets = Vec::new();
                loop {
                    match delivery.next(Some(DEADLINE)) {
                        Ok(event) if event.ticket.is_some() => tickets.push(ticket_of(&event)),
                        Ok(event) => assert_eq!(event.event_type, T::ChromesockAppClosed),
                        Err(status) => break (tickets, status),
                    }
                }
            })
        })
        .collect();
    for _ in 0..3_000 {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    bench.close();
    let mut all = Vec::new();
    for thread in pulling {
        let (tickets, status) = thread.join().unwrap();
        assert!(tickets.is_sorted(), "{tickets:?}");
        assert_eq!(status, Status::ContextShutDown);
        all.extend(tickets);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=3_000).collect::<Vec<_>>());
    bench.free();
    bench.wait_gone();
}

#[test]
fn the_handle_is_readable_exactly_while_the_queue_is_not_empty() {
    let bench = undriven();
    let delivery = bench.delivery();
    let handle = delivery.handle().unwrap();
    let readable = || is_readable(handle, Duration::ZERO);
    assert!(!readable());
    assert_eq!(delivery.handle(), Ok(handle), "one handle per app");
    for _ in 0..3 {
        fill(&bench, 3);
        assert!(readable() && readable(), "a level, however often it is asked");
        assert_eq!(delivery.dispatch(1, AT_ONCE), Ok(1));
        assert!(readable(), "two are left");
        let pulled = delivery.next(AT_ONCE).unwrap();
        bench.see_pulled(&pulled);
        assert!(readable(), "one is left");
        assert_eq!(delivery.dispatch(1, AT_ONCE), Ok(1));
        assert!(!readable());
    }
    fill(&bench, 2);
    for _ in 0..2 {
        bench.see_pulled(&delivery.next(AT_ONCE).unwrap());
    }
    assert!(!readable(), "emptied by pulling");
    end(&bench);
}

#[test]
fn a_handle_asked_for_late_is_readable_at_once() {
    let bench = undriven();
    fill(&bench, 1);
    let handle = bench.delivery().handle().unwrap();
    assert!(is_readable(handle, Duration::ZERO));
    end(&bench);
}

#[test]
fn the_handle_is_low_inside_the_callback_of_the_last_event() {
    let level = Arc::new(Mutex::new(None));
    let inside = Arc::clone(&level);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |bench, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets {
            let handle = bench.delivery().handle().unwrap();
            *inside.lock() = Some(is_readable(handle, Duration::ZERO));
        }
    });
    let bench = plan.start();
    bench.delivery().handle().unwrap();
    fill(&bench, 1);
    assert_eq!(bench.delivery().dispatch(usize::MAX, None), Ok(1));
    assert_eq!(*level.lock(), Some(false));
    end(&bench);
}

/// A loop that is woken by nothing but the handle misses no event.
#[test]
fn a_foreign_loop_on_the_handle_gets_everything() {
    let bench = undriven();
    let (delivery, handle) = (bench.delivery(), bench.delivery().handle().unwrap());
    let looping = std::thread::spawn(move || {
        loop {
            assert!(is_readable(handle, DEADLINE), "the handle stayed low");
            match delivery.dispatch(usize::MAX, AT_ONCE) {
                Ok(number) => assert!(number > 0, "readable without an event"),
                Err(status) => return status,
            }
            if delivery.dispatch(1, AT_ONCE) == Err(Status::ContextShutDown) {
                return Status::ContextShutDown;
            }
        }
    });
    for _ in 0..2_000 {
        bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    }
    bench.close();
    assert_eq!(looping.join().unwrap(), Status::ContextShutDown);
    assert_eq!(bench.seen().len(), 2_001);
    bench.end();
}

/// header, chromesock_app_event_stream: who finds nothing is told of the next event, also of one that came while
/// another thread ran callbacks and that this thread leaves.
#[test]
fn what_one_dispatch_leaves_wakes_a_thread_that_found_nothing_meanwhile() {
    let meeting = Arc::new(Barrier::new(2));
    let inside = Arc::clone(&meeting);
    let plan = Plan::new(Drive::Dispatch).undriven().reacting(move |_, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets {
            inside.wait();
            inside.wait();
        }
    });
    let bench = plan.start();
    let delivery = bench.delivery();
    let mut stream = UnixStream::from(delivery.stream().unwrap());
    let fd = stream.as_raw_fd() as isize;
    fill(&bench, 1);
    assert!(is_readable(fd, DEADLINE));
    stream.read_exact(&mut [0]).unwrap();
    let other = bench.delivery();
    let dispatching = std::thread::spawn(move || other.dispatch(1, None));
    meeting.wait();
    bench.call(|app, t| app.get_sockets(Namespace::TcpServer, t));
    until("it is queued", || bench.stats().undelivered_events == 1);
    assert_eq!(delivery.dispatch(1, AT_ONCE), Ok(0), "the other thread has its turn");
    meeting.wait();
    assert_eq!(dispatching.join().unwrap(), Ok(1));
    assert!(is_readable(fd, DEADLINE), "nobody says that an event is queued");
    end(&bench);
}

#[test]
fn the_hook_runs_once_each_time_the_queue_becomes_non_empty() {
    let bench = undriven();
    for round in 1..=20 {
        fill(&bench, 1);
        bench.wait_wakeups(round);
        fill(&bench, 5);
        assert_eq!(bench.wakeups(), round, "only the first of them wakes");
        // Not empty yet: still no reason to wake.
        assert_eq!(bench.delivery().dispatch(3, AT_ONCE), Ok(3));
        fill(&bench, 1);
        assert_eq!(bench.wakeups(), round);
        assert_eq!(bench.delivery().dispatch(usize::MAX, AT_ONCE), Ok(4));
    }
    end(&bench);
}

#[test]
fn the_reactor_s_own_delivery_has_no_hook_and_never_queues() {
    let bench = Bench::start(Drive::Reactor);
    for _ in 0..20 {
        let call = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        bench.done(call);
        assert_eq!(bench.stats().undelivered_events, 0);
    }
    assert!(bench.seen().iter().all(|seen| seen.on_reactor));
    bench.end();
    assert_eq!(bench.wakeups(), 0);
}

#[test]
fn callbacks_run_on_the_thread_that_dispatches() {
    let bench = Bench::start(Drive::Dispatch);
    let (id, peer) = bench.connected();
    write_to(&peer, b"x");
    bench.wait_received(id, 1);
    bench.end();
    assert!(!bench.seen().iter().any(|seen| seen.on_reactor), "{}", bench.trace());
}

/// A time-out that no clock can tell is none; a short one ends.
#[test]
fn time_outs_are_kept() {
    let bench = undriven();
    let delivery = bench.delivery();
    assert_eq!(delivery.dispatch(1, Some(Duration::from_millis(2))), Ok(0));
    assert_eq!(delivery.next(Some(Duration::from_millis(2))).map(|_| ()), Err(Status::TimedOut));
    bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
    assert_eq!(delivery.dispatch(1, Some(Duration::MAX)), Ok(1));
    end(&bench);
}
