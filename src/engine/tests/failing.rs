//! Panics in a machine, ids used up, the app's end, suspension (tcp.md 12).

use std::sync::Arc;

use super::{connected, listening, rig, scripted, settle};
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::table::EventType;
use crate::engine::accounts::Accounts;
use crate::engine::read_buffer::ReadBuffer;
use crate::engine::reply::{Outbox, Reply};
use crate::engine::sim::{Place, Step};
use crate::engine::tests::driver::Rig;
use crate::net::{Feature, Stream, Token};

/// Socket 1 is connected to a stream that panics when it is read; socket 2 to a peer.
fn explosive(panic: Step, writes: &[Step]) -> Rig {
    let mut rig = scripted(&[panic], writes);
    rig.sim.serve("10.0.0.2:80");
    rig.issue("create()> connect(2, \"10.0.0.2\", 80)");
    settle(&mut rig);
    rig.contains_panics = true;
    rig
}

fn wake(rig: &mut Rig) {
    let token = Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, crate::net::Ready::READABLE));
    rig.run();
}

#[test]
fn a_machine_that_panics_costs_its_own_socket_and_calls_only() {
    let mut rig = explosive(Step::Panic(b""), &[Step::Take(1), Step::Block]);
    rig.play(
        "> send(1, \"abc\") > send(1, \"d\") > connect(1, \"a.test\", 80)\n ? q1 of 1: a.test Any",
    );
    rig.trace.clear();
    wake(&mut rig);
    let mut lines = rig.trace.clone();
    lines.sort();
    assert_eq!(lines, ["< connect 1: -9", "< send 1: -9", "< send 1: -9", "? q1 unwanted"]);
    rig.play(
        r#"
        > getInfo(1) > close(1) > getSockets()
        < getInfo 1: "Socket not found"
        < close 1: "Socket not found"
        < getSockets: [2]
        P sends "alive"
        ! onReceive 2: "alive"
        > send(2, "yes")
        < send 2: sent 3
        P sees "yes" open
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (1, 0));
    assert_eq!(rig.accounts.open_sockets(), 1);
}

#[test]
fn sends_whose_write_panics_complete_with_unexpected() {
    let mut rig = scripted(&[], &[Step::Panic(b"")]);
    rig.contains_panics = true;
    rig.play(
        r#"
        > send(1, "abc") > send(1, "d") > send(1, "")
        < send 1: -9
        < send 1: -9
        < send 1: -9
        "#,
    );
    assert_eq!((rig.accounts.unsent(), rig.accounts.open_sockets()), (0, 0));
}

#[test]
fn sends_behind_one_whose_write_panics_complete_without_gathering_too() {
    let mut rig = scripted(&[], &[Step::Panic(b"")]);
    rig.engine.sockets.without = Feature::GatheredSends as u32;
    rig.contains_panics = true;
    rig.play(
        r#"
        > send(1, "abc") > send(1, "d") > send(1, "")
        < send 1: -9
        < send 1: "Socket not found"
        < send 1: "Socket not found"
        "#,
    );
    assert_eq!((rig.accounts.unsent(), rig.accounts.open_sockets()), (0, 0));
}

#[test]
fn abandoning_completes_whatever_is_pending_with_unexpected() {
    let mut rig = rig();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.2", 80)
        < create 1: ok
        > server.create() > server.listen(2, "10.0.0.9", 7)
        < server.create 2: ok
        < server.listen 2: 0
        "#,
    );
    for id in [1, 2, 77, 0, -1] {
        rig.input(id, |engine| engine.abandon(id));
    }
    rig.run();
    assert_eq!(rig.trace, ["< connect 1: -9"]);
    assert_eq!(rig.sim.live_streams(0), (0, 0));
    assert_eq!(rig.sim.live_listeners(0), 0);
    // Later cancellations are cancellations again.
    rig.play(
        r#"
        > create() > connect(3, "10.0.0.2", 80) > close(3)
        < create 3: ok
        < connect 3: -3
        < close 3: ok
        "#,
    );
}

#[test]
fn a_reply_dropped_unused_completes_its_call_once_g_20() {
    let accounts = Arc::new(Accounts::default());
    assert!(accounts.take_unsent(5, 5));
    let outbox = Outbox::new(Arc::clone(&accounts), Arc::new(true.into()));
    let reply = || Reply::new(&outbox, EventType::ChromeSocketsTcpSend, 1, Ticket::default());
    drop(reply());
    outbox.while_failing(|| drop(reply()));
    drop(reply().of_send(5));
    reply().fail(Status::TimedOut);
    let mut events = Vec::new();
    outbox.take_into(&mut events, &mut ReadBuffer::default());
    let results: Vec<_> = events.iter().map(|event| event.result).collect();
    assert_eq!(results, [Some(-3), Some(-9), Some(-3), Some(-7)]);
    assert_eq!((accounts.completed(), accounts.unsent()), (4, 0));
}

#[test]
fn the_end_of_the_app_completes_every_call_and_raises_no_event_lc_6() {
    let mut rig = rig();
    rig.sim.world().buffer = 1;
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)> create()> connect(2, \"10.0.0.2\", 80)");
    rig.issue("create()> connect(3, \"a.test\", 80)> create()> server.create()");
    rig.issue("server.listen(5, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig.issue("send(1, \"ab\")> send(1, \"c\")");
    rig.run();
    rig.trace.clear();
    rig.input(0, crate::engine::Engine::shut_down);
    assert_eq!(rig.trace, ["< send 1: -15", "< send 1: -15", "< connect 2: -3", "< connect 3: -3"]);
    rig.run();
    assert_eq!(rig.accounts.open_sockets(), 0);
    assert_eq!((rig.sim.live_streams(0), rig.sim.live_listeners(0)), ((0, 0), 0));
    // It can be used anew, with new ids.
    rig.play("> create() > getSockets()\n < create 6: ok\n < getSockets: [6]");
}

#[test]
fn inputs_about_sockets_that_are_gone_do_nothing() {
    let mut rig = connected();
    rig.peers[0].as_mut().unwrap().write(b"x").unwrap();
    let events = rig.sim.take_ready(0);
    rig.play("> close(1)\n < close 1: ok\n ! onReceiveError 1: -100");
    for (token, ready) in events {
        rig.input(token.owner, |engine| engine.handle_ready(token, ready));
    }
    rig.run();
    rig.pass(1_000_000);
    assert!(rig.trace.is_empty());
}

// --- 12

#[test]
fn suspension_closes_what_is_not_persistent_without_an_event_lc_1_lc_7() {
    let mut rig = rig();
    rig.issue("create(persistent true)> connect(1, \"10.0.0.1\", 80)");
    rig.issue("create()> connect(2, \"10.0.0.1\", 80)");
    rig.issue("server.create(persistent true)> server.listen(3, \"10.0.0.9\", 7)");
    rig.issue("server.create()> server.listen(4, \"10.0.0.9\", 8)");
    rig.issue("create()> connect(5, \"a.test\", 80)");
    settle(&mut rig);
    rig.input(0, crate::engine::Engine::suspend);
    rig.run();
    assert_eq!(rig.trace, ["< connect 5: -3", "? q1 unwanted"]);
    rig.play(
        r#"
        > getSockets() > server.getSockets()
        < getSockets: [1]
        < server.getSockets: [3]
        # LC-2: they keep working.
        P1 sends "x"
        ! onReceive 1: "x"
        P2 sees end
        P connects 10.0.0.9:7
        ! onAccept 3: client 6
        "#,
    );
    // LC-5: what was accepted is not persistent.
    rig.input(0, crate::engine::Engine::suspend);
    rig.play("> getSockets()\n < getSockets: [1]");
}

#[test]
fn a_suspended_app_accepts_a_bounded_number_of_connections_lc_2() {
    let mut rig = Rig::new();
    rig.issue("server.create(persistent true)> server.listen(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig.input(0, crate::engine::Engine::suspend);
    for _ in 0..100 {
        rig.peers.push(Some(rig.sim.dial("10.0.0.9:7")));
    }
    rig.run();
    assert_eq!(rig.trace.len(), 64);
    rig.input(0, crate::engine::Engine::resume);
    rig.run();
    assert_eq!(rig.trace.len(), 100);
}

#[test]
fn when_ids_are_used_up_accepting_fails_instead_of_reusing_one_g_1() {
    let mut rig = listening();
    rig.accounts.skip_to(i32::MAX - 1);
    rig.play(
        r#"
        P connects 10.0.0.9:7
        ! onAccept 1: client 2147483647
        P connects 10.0.0.9:7
        ! onAcceptError 1: -2
        P sees end
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        P1 sends "x"
        > setPaused(2147483647, false)
        < setPaused 2147483647: ok
        ! onReceive 2147483647: "x"
        "#,
    );
    assert_eq!(rig.accounts.next_id(), None);
    assert_eq!(rig.accounts.next_id(), None);
}
