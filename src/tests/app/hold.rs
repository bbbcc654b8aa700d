//! Calls that are held: from one that unpauses or connects on, the reactor sees none of them before the hold ends,
//! awake or not, and all of them together then.

use super::support::*;
use crate::api::event::Event;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, SharedReactor};
use crate::engine::command::Command;

in_each_delivery!(
    an_awake_reactor_does_not_see_an_unpause_that_is_held,
    an_awake_reactor_does_not_see_a_connect_that_is_held_3_5,
    one_more_read_is_one_pa_3,
    one_more_read_is_one_behind_thousands_of_calls_pa_3,
    sockets_have_their_turn_between_many_small_sends,
    sockets_have_their_turn_between_many_datagrams,
    sockets_have_their_turn_between_many_unpauses,
    sockets_have_their_turn_between_few_calls_with_long_hosts,
    the_end_of_the_app_ends_its_hold,
    the_end_carries_out_so_much_and_no_more,
    steps_of_its_life_wait_with_its_calls,
    what_is_held_completes_when_the_reactor_fails,
);

const NOBODY: i32 = 99;
/// More calls than a turn takes.
const MANY: usize = 20_000;

/// The reactor has taken up all that it can see, and has asked its sockets.
fn pass_by(other: &Bench) {
    for _ in 0..3 {
        other.done(other.get_info(NOBODY));
    }
}

fn unpause(bench: &Bench) -> usize {
    bench.call(|app, t| app.set_paused(Namespace::Tcp, NOBODY, false, t))
}

fn an_awake_reactor_does_not_see_an_unpause_that_is_held(drive: Drive) {
    an_awake_reactor_does_not_see(drive, unpause);
}

fn an_awake_reactor_does_not_see_a_connect_that_is_held_3_5(drive: Drive) {
    an_awake_reactor_does_not_see(drive, |bench| bench.connect(NOBODY, "127.0.0.1", 1));
}

fn an_awake_reactor_does_not_see(drive: Drive, first: fn(&Bench) -> usize) {
    let reactor = SharedReactor::start().unwrap();
    let (bench, other) =
        (Plan::new(drive).on(&reactor).start(), Plan::new(drive).on(&reactor).start());
    for _ in 0..2 {
        bench.app().hold_calls(true);
        // It is not counted.
        bench.app().hold_calls(true);
        let before = bench.get_info(NOBODY);
        let held = [first(&bench), bench.send(NOBODY, b"x"), bench.get_info(NOBODY)];
        pass_by(&other);
        bench.done(before);
        let completed = bench.stats().calls_completed;
        pass_by(&other);
        assert_eq!(bench.stats().calls_completed, completed);
        bench.app().hold_calls(false);
        for call in held {
            bench.done(call);
        }
    }
    bench.end();
    other.end();
}

/// STARTTLS programs ask for the rest of an answer with it (tcp.md PA-3, TLS-11): nothing is read
/// between the two calls, though there is much to read.
fn one_more_read_is_one_pa_3(drive: Drive) {
    one_more_read_is_one(drive, 10, 0);
}

/// The reactor reads 4,096 messages at a time: here the last of these unpauses.
fn one_more_read_is_one_behind_thousands_of_calls_pa_3(drive: Drive) {
    one_more_read_is_one(drive, 4, 4095);
}

fn one_more_read_is_one(drive: Drive, end: usize, calls_before: usize) {
    let reactor = SharedReactor::start().unwrap();
    let (bench, other) =
        (Plan::new(drive).on(&reactor).start(), Plan::new(drive).on(&reactor).start());
    let (id, peer) = bench.connected();
    let set_paused = |paused| bench.call(|app, t| app.set_paused(Namespace::Tcp, id, paused, t));
    bench.done(set_paused(true));
    write_to(&peer, b"x");
    bench.wait_received(id, 1);
    write_to(&peer, &pattern(60_000));
    for number in 2..end {
        bench.app().hold_calls(true);
        (0..calls_before).for_each(|_| _ = unpause(&bench));
        let unpaused = set_paused(false);
        pass_by(&other);
        let paused = set_paused(true);
        bench.app().hold_calls(false);
        bench.done(unpaused);
        bench.done(paused);
        bench.wait("one more read", |seen| {
            let is_read = |seen: &&Seen| seen.event.event_type == T::ChromeSocketsTcpOnReceive;
            (seen.iter().filter(is_read).count() == number).then_some(())
        });
        pass_by(&other);
        assert_eq!(bench.count(T::ChromeSocketsTcpOnReceive), number);
    }
    bench.end();
    other.end();
}

/// A host that ends an app does not wait for all that its page has called.
fn the_end_carries_out_so_much_and_no_more(drive: Drive) {
    let list = |app: &App, ticket| {
        app.call(T::ChromeSocketGetNetworkList, 0, Command::GetNetworkList, ticket)
    };
    let bench = Bench::start(drive);
    let (sender, peer) = bench.connected();
    bench.app().hold_calls(true);
    // Behind it the reactor sees nothing before the hold ends.
    bench.resume(sender);
    let lists: Vec<_> = (0..1_100).map(|_| bench.call(list)).collect();
    let send = bench.send(sender, b"late");
    let create = |app: &App, t| app.make(Namespace::Tcp, SocketProperties::default(), t);
    let create = bench.call(|app, ticket| create(app, ticket).map(|_| ()));
    bench.close();
    bench.wait_event(T::ChromesockAppClosed, 0);
    let is_aborted = |call| bench.done(call).result == Some(Status::Aborted.number());
    let made = lists.iter().filter(|list| !is_aborted(**list)).count();
    assert!((1_000..1_024).contains(&made), "{made}");
    assert!(!is_aborted(lists[made - 1]) && is_aborted(create));
    assert_eq!(bench.done(send).message, Some(c"Socket not found"));
    wait_end_of(peer);
    bench.end();
}

fn the_end_of_the_app_ends_its_hold(drive: Drive) {
    let bench = Bench::start(drive);
    bench.app().hold_calls(true);
    let held = unpause(&bench);
    bench.app().close();
    assert_eq!(bench.done(held).message, Some(c"Socket not found"));
    // There is nothing left to hold.
    bench.app().hold_calls(true);
    bench.app().hold_calls(false);
    bench.end();
}

fn steps_of_its_life_wait_with_its_calls(drive: Drive) {
    let reactor = SharedReactor::start().unwrap();
    let (bench, other) =
        (Plan::new(drive).on(&reactor).start(), Plan::new(drive).on(&reactor).start());
    bench.app().hold_calls(true);
    let id = bench.create(Namespace::Tcp);
    let before = bench.call(|app, t| app.set_paused(Namespace::Tcp, id, false, t));
    bench.app().unload().unwrap();
    let after = bench.get_info(id);
    pass_by(&other);
    assert_eq!(bench.stats().calls_completed, 1, "create");
    bench.app().hold_calls(false);
    assert_eq!(bench.done(before).message, None);
    assert_eq!(bench.done(after).message, Some(c"Socket not found"));
    bench.end();
    other.end();
}

fn what_is_held_completes_when_the_reactor_fails(drive: Drive) {
    let resolver = Scripted(|_, _| panic!("the resolver fails"));
    let reactor = SharedReactor::start_with(Box::new(resolver)).unwrap();
    let (bench, other) =
        (Plan::new(drive).on(&reactor).start(), Plan::new(drive).on(&reactor).start());
    bench.app().hold_calls(true);
    let held = [unpause(&bench), bench.get_info(NOBODY)];
    let resolving = other.create(Namespace::Tcp);
    other.connect(resolving, "name.example", 80);
    for call in held {
        assert_eq!(bench.done(call).result, Some(Status::Unexpected.number()));
    }
    bench.end();
    other.end();
}

/// A flood of small sends is many messages, however few writes they make: what has come to another socket is told
/// before the last of it is carried out.
fn sockets_have_their_turn_between_many_small_sends(drive: Drive) {
    sockets_have_their_turn(drive, MANY, |bench| _ = bench.send(NOBODY, b"z"));
}

/// However many leave with one system call.
fn sockets_have_their_turn_between_many_datagrams(drive: Drive) {
    sockets_have_their_turn(drive, MANY, |bench| {
        let (event_type, to) = (T::ChromeSocketsUdpSend, ("127.0.0.1", 9));
        bench.call(|app, t| app.send_to(event_type, NOBODY, b"z", to, DnsQueryType::Any, t));
    });
}

/// A pause may follow each of them, but does not.
fn sockets_have_their_turn_between_many_unpauses(drive: Drive) {
    sockets_have_their_turn(drive, MANY, |bench| _ = unpause(bench));
}

/// A long host takes as long as many calls.
fn sockets_have_their_turn_between_few_calls_with_long_hosts(drive: Drive) {
    let host = "h".repeat(4096);
    sockets_have_their_turn(drive, 100, |bench| _ = bench.connect(NOBODY, &host, 80));
}

fn sockets_have_their_turn(drive: Drive, calls: usize, between: impl Fn(&Bench)) {
    let bench = Bench::start(drive);
    let (id, peer) = bench.connected();
    bench.done(bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t)));
    write_to(&peer, b"x");
    bench.wait_received(id, 1);
    write_to(&peer, b"y");
    bench.app().hold_calls(true);
    bench.resume(id);
    (0..calls).for_each(|_| between(&bench));
    let last = bench.get_info(id);
    bench.app().hold_calls(false);
    bench.done(last);
    let seen = bench.seen();
    let place = |what: &dyn Fn(&Event) -> bool| seen.iter().position(|seen| what(&seen.event));
    let told =
        place(&|event| event.event_type == T::ChromeSocketsTcpOnReceive && data_of(event) == b"y");
    assert!(told.is_some() && told < place(&|event| ticket_of(event) == last));
    bench.end();
}
