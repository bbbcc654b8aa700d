//! Many apps on one reactor: those with nothing to do cost nothing.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::support::*;
use crate::api::table::{EventType as T, Namespace};
use crate::app::SharedReactor;

/// Apps that have nothing to do.
const IDLE: usize = 6000;
/// Turns whose time is taken at once.
const TURNS: usize = 300;

/// CPU time of the calling thread.
fn thread_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// What turns of the reactor cost: each call is made when the one before is done.
fn turn_time(bench: &Arc<Bench>, times: &Mutex<Vec<Option<Duration>>>) -> Option<Duration> {
    times.lock().clear();
    for _ in 0..TURNS {
        let call = bench.call(|app, t| app.get_sockets(Namespace::Tcp, t));
        bench.done(call);
    }
    let times = times.lock();
    let (first, last) = (times.first().copied()??, times.last().copied()??);
    Some(last - first)
}

#[test]
fn apps_with_nothing_to_do_do_not_slow_down_a_turn() {
    let reactor = SharedReactor::start().unwrap();
    let times = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&times);
    let plan = Plan::new(Drive::Reactor).on(&reactor).reacting(move |_, event, _| {
        if event.event_type == T::ChromeSocketsTcpGetSockets {
            taken.lock().push(thread_time());
        }
    });
    let bench = plan.start();
    let Some(alone) = (0..5).filter_map(|_| turn_time(&bench, &times)).min() else {
        return eprintln!("skipped: the system does not tell the time of a thread");
    };
    let idle: Vec<_> = (0..IDLE).map(|_| Plan::new(Drive::Reactor).on(&reactor).start()).collect();
    // A look at each of them costs ten times as much; a machine that is busy with others is not always.
    let mut among_many = (0..100).map(|_| turn_time(&bench, &times).unwrap());
    assert!(among_many.any(|time| time < 3 * alone), "alone {TURNS} turns take {alone:?}");
    idle.iter().for_each(|bench| bench.end());
    bench.end();
}
