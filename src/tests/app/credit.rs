//! Credit on its way back to an engine that waits for it (tcp.md R-10): it comes together, but never
//! too late for a host that waits itself; and shells of pulled events.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::support::Pulling;
use crate::api::event::{Event, Payload, RECEIVE_WEIGHT};
use crate::api::table::EventType as T;
use crate::delivery::{Charge, Delivery, Due, Host, Mode, Shell};

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);
/// Enough to be asked for at once.
const MUCH: usize = 128 * 1024;

struct Silent;

impl Host for Silent {
    fn deliver(&self, _: Due<'_>) {}
    fn wake_up(&self) {}
    fn gone(&self) {}
}

/// A queue whose reactor is asked for how often.
struct Bench {
    delivery: Delivery,
    asked: Arc<AtomicUsize>,
}

impl Bench {
    fn new() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let ask = move || {
            count.fetch_add(1, Ordering::Relaxed);
        };
        Self { delivery: Delivery::new(Mode::Queue, Box::new(Silent), Arc::new(ask)), asked }
    }

    /// A queue of data events, for whose credit the engine waits.
    fn stalled(events: &[(i32, usize)]) -> Self {
        let bench = Self::new();
        bench.push(events);
        assert_eq!(bench.taken(), []);
        bench
    }

    fn push(&self, events: &[(i32, usize)]) {
        self.delivery.push(&mut events.iter().map(|(id, len)| received(*id, *len)).collect());
    }

    fn next(&self) -> Event {
        self.delivery.next(AT_ONCE).unwrap()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// What the engine gets; it waits for more.
    fn taken(&self) -> Vec<(i32, isize)> {
        let mut taken = Vec::new();
        self.delivery.queue().take_released(&mut taken, true);
        taken
    }
}

fn received(socket_id: i32, len: usize) -> Event {
    let mut event = Event::notification(T::ChromeSocketsTcpOnReceive, socket_id, None);
    event.payload = Payload::Data(Bytes::from(vec![1; len]));
    event
}

fn of(events: usize, bytes: usize) -> isize {
    (events * RECEIVE_WEIGHT + bytes).cast_signed()
}

#[test]
fn credit_waits_while_there_are_events_to_pull_and_no_longer_r_10() {
    let bench = Bench::stalled(&[(1, 10); 5]);
    for _ in 0..4 {
        bench.delivery.release(&bench.next());
        assert_eq!(bench.asked(), 0, "more is queued");
    }
    // Not released: what was given back before may be all that the host can give.
    let held = bench.next();
    assert_eq!(bench.asked(), 1);
    assert_eq!(bench.taken(), [(1, of(4, 40))]);
    assert_eq!(bench.taken(), []);
    bench.delivery.release(&held);
    assert_eq!(bench.asked(), 2, "nothing is queued");
    assert_eq!(bench.taken(), [(1, of(1, 10))]);
}

#[test]
fn much_credit_is_asked_for_at_once_r_10() {
    let bench = Bench::stalled(&[(1, 10), (2, MUCH), (1, 10), (1, 10)]);
    bench.delivery.release(&bench.next());
    assert_eq!(bench.asked(), 0);
    bench.delivery.release(&bench.next());
    assert_eq!(bench.asked(), 1);
    assert_eq!(bench.taken(), [(1, of(1, 10)), (2, of(1, MUCH))]);
    // An engine that does not wait is not woken.
    bench.delivery.release(&bench.next());
    bench.delivery.release(&bench.next());
    assert_eq!(bench.asked(), 1);
    assert!(bench.delivery.queue().any_released());
}

#[test]
fn credit_of_a_socket_is_not_held_up_by_what_is_kept_of_another_r_10() {
    let bench = Bench::stalled(&[(1, 10), (2, MUCH), (2, 10)]);
    bench.delivery.release(&bench.next());
    let kept = bench.next();
    bench.delivery.queue().hold(Charge::of(&kept));
    assert_eq!(bench.asked(), 0);
    bench.next();
    assert_eq!(bench.asked(), 1, "the sum is below zero, but socket 1 has credit");
    assert_eq!(bench.taken(), [(1, of(1, 10)), (2, -of(1, MUCH))]);
}

#[test]
fn whoever_empties_the_queue_asks_for_the_credit_r_10() {
    let released = || {
        let bench = Bench::stalled(&[(1, 10), (1, 10)]);
        bench.delivery.release(&bench.next());
        assert_eq!(bench.asked(), 0);
        bench
    };
    let bench = released();
    let mut events = Vec::new();
    assert_eq!(bench.delivery.take(1, |_| 1, &mut events), Ok(0));
    assert_eq!((events.len(), bench.asked()), (1, 1), "taken to be copied");

    let bench = released();
    assert_eq!(bench.delivery.dispatch(usize::MAX, AT_ONCE), Ok(1));
    assert!(bench.asked() >= 1, "dispatched");

    let bench = released();
    bench.delivery.note_closing(T::ChromeSocketsTcpClose, 1);
    assert!(bench.delivery.pull_at_once(|_, _| ()).unwrap().is_none(), "closed");
    assert_eq!(bench.asked(), 1, "passed over");
    assert_eq!(bench.taken(), [(1, of(2, 20))]);
}

#[test]
fn a_dispatch_gives_much_credit_back_before_its_end_r_10() {
    let bench = Bench::new();
    bench.push(&[(1, MUCH), (1, MUCH), (2, 1)]);
    assert_eq!(bench.delivery.dispatch(usize::MAX, AT_ONCE), Ok(3));
    assert_eq!(bench.taken(), [(1, of(2, 2 * MUCH)), (2, of(1, 1))]);
    assert_eq!(bench.delivery.undelivered_bytes(), 0);
}

/// A shell that counts as alive until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn shell(alive: &Arc<AtomicUsize>) -> Option<Shell> {
        alive.fetch_add(1, Ordering::Relaxed);
        Some(Box::new(Self(Arc::clone(alive))))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[test]
fn what_is_released_when_the_app_is_gone_keeps_nothing_and_asks_for_nobody() {
    let bench = Bench::stalled(&[(1, MUCH), (2, MUCH)]);
    let alive = Arc::new(AtomicUsize::new(0));
    let queue = Arc::clone(bench.delivery.queue());
    let events = [bench.next(), bench.next()];
    drop(queue.done_with(Charge::of(&events[0]), Counted::shell(&alive)));
    assert_eq!((bench.asked(), alive.load(Ordering::Relaxed)), (1, 1));
    let Bench { delivery, asked } = bench;
    drop(delivery);
    assert_eq!(alive.load(Ordering::Relaxed), 0, "the app's shells go with it");
    drop(queue.done_with(Charge::of(&events[1]), Counted::shell(&alive)));
    assert_eq!((asked.load(Ordering::Relaxed), alive.load(Ordering::Relaxed)), (1, 0));
    assert_eq!(Arc::strong_count(&asked), 1, "nobody could be asked any more");
}

#[test]
fn few_shells_are_kept_and_each_is_used_once() {
    let bench = Bench::new();
    let alive = Arc::new(AtomicUsize::new(0));
    for _ in 0..1000 {
        let shell = Counted::shell(&alive);
        drop(bench.delivery.queue().done_with(Charge::of(&received(1, 1)), shell));
    }
    let kept = alive.load(Ordering::Relaxed);
    assert!((1..=16).contains(&kept), "{kept} shells");
    bench.push(&vec![(1, 1); kept + 1]);
    for left in (0..kept).rev() {
        let shell = bench.delivery.pull_at_once(|_, shell| shell).unwrap().unwrap();
        assert!(shell.is_some_and(|shell: Box<dyn Any + Send>| shell.is::<Counted>()));
        assert_eq!(alive.load(Ordering::Relaxed), left);
    }
    assert!(
        matches!(bench.delivery.pull_at_once(|_, shell| shell), Ok(Some(None))),
        "none is left"
    );
}
