//! The worked traces of tcp.md section 20.

use super::{connected, rig};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;

#[test]
fn plain_exchange_and_the_peer_closes_20_1() {
    rig().play(
        r#"
        > create(bufferSize 4)
        < create 1: ok
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        P sends "abcdefghij"
        ! onReceive 1: "abcd"
        ! onReceive 1: "efgh"
        ! onReceive 1: "ij"
        P closes
        ! onReceiveError 1: -100
        > getInfo(1)
        < getInfo 1: - paused bufferSize 4
        > send(1, "x")
        < send 1: -15
        > setPaused(1, false)
        < setPaused 1: ok
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        P sends "more"
        ! onReceive 1: "more"
        "#,
    );
}

#[test]
fn reconnect_without_unpausing_20_2() {
    connected().play(
        r#"
        > disconnect(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        > getInfo(1)
        < getInfo 1: - paused
        > connect(1, "10.0.0.1", 80)
        < connect 1: 0
        P sends "hidden"
        > setPaused(1, false)
        < setPaused 1: ok
        ! onReceive 1: "hidden"
        "#,
    );
}

#[test]
fn disconnect_while_paused_from_the_start_20_3() {
    rig().play(
        r#"
        > create() > setPaused(1, true) > connect(1, "10.0.0.1", 80)
        < create 1: ok
        < setPaused 1: ok
        < connect 1: 0
        > disconnect(1)
        < disconnect 1: ok
        > getInfo(1)
        < getInfo 1: - paused
        "#,
    );
}

#[test]
fn of_two_connects_the_first_to_resolve_wins_20_6() {
    let mut rig = rig();
    rig.play(
        r#"
        > create()
        < create 1: ok
        > connect(1, "a.test", 80) > connect(1, "b.test", 80)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        A q2 10.0.0.1
        < connect 1: 0
        A q1 10.0.0.1
        < connect 1: -23
        "#,
    );
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create()
        < create 2: ok
        > connect(2, "a.test", 80) > connect(2, "10.0.0.2", 80)
        ? q3 of 2: a.test Any
        A q3 10.0.0.1
        < connect 2: -104
        "#,
    );
}

#[test]
fn server_20_7() {
    Rig::new().play(
        r#"
        > server.create(persistent true)
        < server.create 1: ok
        > server.listen(1, "127.0.0.1", 7)
        < server.listen 1: 0
        > server.getInfo(1)
        < server.getInfo 1: persistent local 127.0.0.1 7
        P connects 127.0.0.1:7
        ! onAccept 1: client 2
        > getInfo(2)
        < getInfo 2: connected paused local 127.0.0.1 7 peer 10.9.9.9 50001
        P sends "hello"
        > setPaused(2, false)
        < setPaused 2: ok
        ! onReceive 2: "hello"
        > server.setPaused(1, true)
        < server.setPaused 1: ok
        P connects 127.0.0.1:7
        > server.setPaused(1, false)
        < server.setPaused 1: ok
        ! onAccept 1: client 3
        > server.disconnect(1)
        < server.disconnect 1: ok
        P1 sends "still"
        ! onReceive 2: "still"
        > server.listen(1, "localhost", 7)
        < server.listen 1: -4
        > server.listen(1, "127.0.0.1", 7, 0)
        < server.listen 1: -4
        > server.listen(1, "127.0.0.1", 7)
        < server.listen 1: 0
        "#,
    );
}

#[test]
fn cancelled_operations_20_8() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > connect(2, "10.0.0.2", 80) > disconnect(2)
        < create 2: ok
        < connect 2: -3
        < disconnect 2: ok
        > send(1, 50000000 bytes) > send(1, "x") > close(1)
        < send 1: -15
        < send 1: -15
        < close 1: ok
        ! onReceiveError 1: -100
        "#,
    );
}
