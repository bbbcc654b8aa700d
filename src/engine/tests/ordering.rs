//! What comes before what (tcp.md 6), and calls made while others are pending (tcp.md 13).

use super::{connected, connected_with, listening, rig, settle};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;
use crate::net::Stream;

#[test]
fn immediate_responses_come_in_call_order_o_1() {
    connected().play(
        r#"
        > create() > update(2, name "x") > setPaused(2, true) > getInfo(2) > close(9) > getSockets()
        < create 2: ok
        < update 2: ok
        < setPaused 2: ok
        < getInfo 2: - paused name "x"
        < close 9: "Socket not found"
        < getSockets: [1, 2]
        > disconnect(2) > send(9, "x") > close(2) > server.getSockets() > getInfo(2) > create()
        < disconnect 2: ok
        < send 9: "Socket not found"
        < close 2: ok
        < server.getSockets: []
        < getInfo 2: "Socket not found"
        < create 3: ok
        "#,
    );
}

#[test]
fn send_responses_come_in_call_order_o_2() {
    connected().play(
        r#"
        > send(1, "a") > send(1, 20000 bytes) > send(1, "") > send(1, "bb") > send(1, 30000 bytes)
        < send 1: sent 1
        < send 1: sent 20000
        < send 1: sent 0
        < send 1: sent 2
        < send 1: sent 30000
        "#,
    );
}

#[test]
fn events_of_one_socket_come_as_on_the_wire_o_3() {
    connected_with("create(bufferSize 1)").play(
        r#"
        P sends "ab"
        ! onReceive 1: "a"
        ! onReceive 1: "b"
        P sends "c"
        ! onReceive 1: "c"
        P resets
        ! onReceiveError 1: -101
        "#,
    );
}

#[test]
fn connect_and_listen_respond_before_the_events_they_enable_o_4_d13() {
    let mut rig = rig();
    rig.issue("server.create()> server.listen(1, \"10.0.0.9\", 7)");
    rig.peers.push(Some(rig.sim.dial("10.0.0.9:7")));
    rig.run();
    assert_eq!(rig.trace[1..], ["< server.listen 1: 0", "! onAccept 1: client 2"]);
    // For connect: R-9, CN-7.
}

#[test]
fn on_accept_comes_before_any_event_of_its_socket_o_5() {
    let mut rig = listening();
    let peer = rig.sim.dial("10.0.0.9:7");
    peer.write(b"eager").unwrap();
    drop(peer);
    rig.run();
    rig.play(
        r#"
        > setPaused(2, false)
        < setPaused 2: ok
        ! onReceive 2: "eager"
        ! onReceiveError 2: -100
        "#,
    );
}

/// Socket 1 reads and has three unfinished sends; a connect resolves too.
fn busy() -> Rig {
    let mut rig = rig();
    rig.sim.world().buffer = 1;
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig.issue("send(1, \"ab\")> send(1, 20000 bytes)> send(1, \"\")> connect(1, \"a.test\", 80)");
    rig.run();
    rig
}

#[test]
fn cancelled_calls_then_the_ending_call_then_the_event_o_6() {
    for (call, code) in [("disconnect", "-3"), ("close", "\"Socket not found\"")] {
        busy().play(&format!(
            r#"
            > {call}(1)
            < connect 1: {code}
            < send 1: -15
            < send 1: -15
            < send 1: -15
            < {call} 1: ok
            ! onReceiveError 1: -100
            ? q1 unwanted
            "#,
        ));
    }
}

#[test]
fn on_a_write_error_failing_send_queued_sends_event_o_7() {
    let mut rig = busy();
    rig.play(
        r#"
        P breaks 32
        < send 1: -101
        < send 1: -15
        < send 1: -15
        ! onReceiveError 1: -101
        "#,
    );
}

#[test]
fn at_the_end_data_then_unfinished_sends_then_the_event_o_8() {
    let mut rig = busy();
    rig.sim.widen(100);
    let peer = rig.peers[0].as_mut().unwrap();
    peer.write(b"last").unwrap();
    rig.sim.widen(1);
    rig.peers[0].as_mut().unwrap().shut_down_write().unwrap();
    rig.trace.clear();
    rig.run();
    assert_eq!(
        rig.trace,
        [
            "! onReceive 1: \"last\"",
            "< send 1: -15",
            "< send 1: -15",
            "< send 1: -15",
            "! onReceiveError 1: -100"
        ]
    );
}

#[test]
fn when_an_error_event_is_out_the_socket_is_already_down_o_9() {
    // One input at a time: as soon as the event is there, getInfo says so.
    for end in ["P ends", "P resets", "> disconnect(1)"] {
        let mut rig = connected();
        match end {
            "P ends" => rig.peers[0].as_mut().unwrap().shut_down_write().unwrap(),
            "P resets" => rig.peers[0].take().unwrap().reset(),
            _ => rig.issue("disconnect(1)"),
        }
        for _ in 0..10 {
            if rig.trace.iter().any(|line| line.starts_with("! onReceiveError")) {
                break;
            }
            rig.turn();
        }
        rig.trace.clear();
        rig.issue("getInfo(1)");
        assert_eq!(rig.trace, ["< getInfo 1: - paused"]);
    }
}

// --- 13: rows are what is pending, columns what is called

#[test]
fn while_a_connect_resolves_13() {
    rig().play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        > connect(1, "b.test", 80)
        ? q2 of 1: b.test Any
        > send(1, "x") > setPaused(1, true) > setPaused(1, false)
        < send 1: -15
        < setPaused 1: ok
        < setPaused 1: ok
        A q1 10.0.0.1
        < connect 1: 0
        A q2 10.0.0.1
        < connect 1: -23
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q3 of 2: a.test Any
        > disconnect(2)
        < connect 2: -3
        < disconnect 2: ok
        ? q3 unwanted
        > connect(2, "a.test", 80)
        ? q4 of 2: a.test Any
        > close(2)
        < connect 2: "Socket not found"
        < close 2: ok
        ? q4 unwanted
        "#,
    );
}

#[test]
fn while_a_connect_is_in_its_tcp_phase_13() {
    let mut rig = rig();
    let late = Place::After(std::time::Duration::from_secs(1), Box::new(Place::Normal));
    rig.sim.place("10.0.0.1:80", late);
    rig.play(
        r#"
        > create() > connect(1, "10.0.0.1", 80)
        < create 1: ok
        > connect(1, "10.0.0.1", 80) > send(1, "x") > setPaused(1, true) > setPaused(1, false)
        < connect 1: -104
        < send 1: -15
        < setPaused 1: ok
        < setPaused 1: ok
        T 1000
        < connect 1: 0
        P sends "unharmed"
        ! onReceive 1: "unharmed"
        > create() > connect(2, "10.0.0.1", 80) > disconnect(2)
        < create 2: ok
        < connect 2: -3
        < disconnect 2: ok
        > connect(2, "10.0.0.1", 80) > close(2)
        < connect 2: -3
        < close 2: ok
        T 5000
        "#,
    );
}

#[test]
fn while_a_read_is_in_flight_13() {
    connected().play(
        r#"
        > connect(1, "10.0.0.1", 80)
        < connect 1: -23
        P sends "unharmed"
        ! onReceive 1: "unharmed"
        > send(1, "x") > setPaused(1, true)
        < send 1: sent 1
        < setPaused 1: ok
        P sends "stays"
        ! onReceive 1: "stays"
        > setPaused(1, false) > disconnect(1)
        < setPaused 1: ok
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    connected().play("> close(1)\n < close 1: ok\n ! onReceiveError 1: -100");
}

#[test]
fn while_a_send_is_unfinished_13() {
    for call in ["disconnect", "close"] {
        let mut rig = rig();
        rig.sim.world().buffer = 2;
        rig.play(
            r#"
            > create() > setPaused(1, true) > connect(1, "10.0.0.1", 80)
            < create 1: ok
            < setPaused 1: ok
            < connect 1: 0
            > send(1, "abc")
            > connect(1, "10.0.0.1", 80) > send(1, "d") > setPaused(1, false) > setPaused(1, true)
            < connect 1: -23
            < setPaused 1: ok
            < setPaused 1: ok
            P sees "ab" open
            < send 1: sent 3
            < send 1: sent 1
            > send(1, "efgh") > setPaused(1, true)
            < setPaused 1: ok
            "#,
        );
        rig.play(&format!(
            r#"
            > {call}(1)
            < send 1: -15
            < {call} 1: ok
            ! onReceiveError 1: -100
            "#,
        ));
    }
}
