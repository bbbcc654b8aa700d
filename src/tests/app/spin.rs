//! A reactor that looks for work before it sleeps: when it does, and that it sleeps in the end.

use std::sync::Arc;
use std::time::Duration;

use super::support::*;
use crate::api::table::Namespace;
use crate::app::{Options, SharedReactor};

const FOR_EVER: Duration = Duration::from_secs(1 << 20);

fn app_that_asks_for(busy_poll: Duration, drive: Drive, reactor: &SharedReactor) -> Arc<Bench> {
    Plan::new(drive).with(Options { busy_poll, ..Options::default() }).on(reactor).start()
}

fn call(bench: &Bench) {
    bench.done(bench.call(|app, t| app.get_sockets(Namespace::Tcp, t)));
}

fn calls_find_it_awake(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let bench = app_that_asks_for(FOR_EVER, drive, &reactor);
    call(&bench);
    for _ in 0..200 {
        assert!(!reactor.is_asleep(), "no call has to wake it");
        call(&bench);
    }
    bench.end();
}

fn it_sleeps_when_nothing_came_for_that_long(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    for busy_poll in [Duration::ZERO, Duration::from_millis(1)] {
        let bench = app_that_asks_for(busy_poll, drive, &reactor);
        for _ in 0..3 {
            call(&bench);
            until("it is asleep", || reactor.is_asleep());
        }
        bench.end();
    }
}

fn it_sleeps_once_the_app_that_asked_is_gone(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let quiet = app_that_asks_for(Duration::ZERO, drive, &reactor);
    let spinning = app_that_asks_for(FOR_EVER, drive, &reactor);
    call(&spinning);
    call(&quiet);
    assert!(!reactor.is_asleep());
    spinning.end();
    call(&quiet);
    until("it is asleep", || reactor.is_asleep());
    quiet.end();
}

in_each_mode!(
    calls_find_it_awake,
    it_sleeps_when_nothing_came_for_that_long,
    it_sleeps_once_the_app_that_asked_is_gone,
);
