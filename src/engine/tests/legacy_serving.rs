//! `chrome.socket`: `listen` and `accept` (socket-legacy.md 4.10, 4.11, 5, 8, 11).

use super::driver::Rig;
use super::settle;

/// Socket 1 listens at 10.0.0.9:7.
fn listening() -> Rig {
    let mut rig = Rig::new();
    rig.issue("socket.create(tcp)> socket.listen(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig
}

#[test]
fn listen_has_a_backlog_of_five_and_tells_its_address_4_10_9() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > socket.create(tcp) > socket.listen(1, "10.0.0.9", 7) > socket.getInfo(1)
        < socket.create 1: ok
        < socket.listen 1: 0
        < socket.getInfo 1: tcp - local 10.0.0.9 7
        > socket.create(tcp) > socket.listen(2, "127.1", 0, 9) > socket.getInfo(2)
        < socket.create 2: ok
        < socket.listen 2: 0
        < socket.getInfo 2: tcp - local 127.0.0.1 50001
        $
        ~ 1 listen 10.0.0.9:7 backlog 5
        ~ 2 listen 127.0.0.1:0 backlog 9
        "#,
    );
}

#[test]
fn listen_refuses_in_this_order_4_10() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > socket.create(udp) > socket.listen(1, "x", 7, 0)
        < socket.create 1: ok
        < socket.listen 1: -2 "Socket type does not support this API"
        > socket.create(tcp) > socket.listen(2, "x", 7, 0) > socket.listen(2, "localhost", 7)
        < socket.create 2: ok
        < socket.listen 2: -4 "Unknown error."
        < socket.listen 2: -4 "Unknown error."
        # Row 6 leaves the mode undecided.
        > socket.connect(2, "10.0.0.1", 80)
        < socket.connect 2: -102
        > socket.listen(2, "x", 7)
        < socket.listen 2: -11 "Cannot call both connect and listen on the same socket."
        "#,
    );
}

/// D12a: negative is as 0.
#[test]
fn a_listen_that_fails_makes_a_server_all_the_same_4_10() {
    for backlog in [0, -1, i32::MIN] {
        Rig::new().play(&format!(
            r#"
            > socket.create(tcp) > socket.listen(1, "10.0.0.9", 7, {backlog})
            < socket.create 1: ok
            < socket.listen 1: -4 "Could not listen on the specified port."
            > socket.connect(1, "10.0.0.1", 80) > socket.accept(1) > socket.getInfo(1)
            < socket.connect 1: -104
            < socket.accept 1: -2
            < socket.getInfo 1: tcp -
            > socket.listen(1, "10.0.0.9", 7)
            < socket.listen 1: 0
            "#,
        ));
    }
    let mut rig = listening();
    rig.play(
        r#"
        > socket.create(tcp) > socket.listen(2, "10.0.0.9", 7)
        < socket.create 2: ok
        < socket.listen 2: -147 "Could not listen on the specified port."
        > socket.connect(2, "10.0.0.1", 80) > socket.listen(2, "10.0.0.9", 8)
        < socket.connect 2: -104
        < socket.listen 2: 0
        "#,
    );
    rig.sim.world().fail_listen.push_back(libc::EACCES);
    rig.play(
        r#"
        > socket.create(tcp) > socket.listen(3, "10.0.0.9", 80)
        < socket.create 3: ok
        < socket.listen 3: -10 "Could not listen on the specified port."
        "#,
    );
}

#[test]
fn a_second_listen_leaves_the_listener_alone_4_10() {
    listening().play(
        r#"
        > socket.listen(1, "10.0.0.9", 8) > socket.getInfo(1) > socket.connect(1, "10.0.0.1", 80)
        < socket.listen 1: -2 "Could not listen on the specified port."
        < socket.getInfo 1: tcp - local 10.0.0.9 7
        < socket.connect 1: -104
        > socket.accept(1)
        P connects 10.0.0.9:7
        < socket.accept 1: client 2 0
        "#,
    );
}

// --- accept (4.11)

#[test]
fn each_accept_takes_one_connection_4_11() {
    listening().play(
        r#"
        P connects 10.0.0.9:7
        P connects 10.0.0.9:7
        > socket.accept(1)
        < socket.accept 1: client 2 0
        # Connected, and nothing is read until read; both addresses are known (9).
        P1 sends "hello"
        > socket.getInfo(2)
        < socket.getInfo 2: tcp connected local 10.0.0.9 7 peer 10.9.9.9 50001
        > socket.read(2)
        < socket.read 2: "hello" 5
        > socket.accept(1)
        < socket.accept 1: client 3 0
        > socket.accept(1)
        P connects 10.0.0.9:7
        < socket.accept 1: client 4 0
        > socket.write(3, "x") > socket.listen(3, "10.0.0.9", 8)
        < socket.write 3: 1
        < socket.listen 3: -11 "Cannot call both connect and listen on the same socket."
        P2 sees "x" open
        "#,
    );
}

#[test]
fn accepted_sockets_take_the_next_id_and_are_of_this_namespace_1() {
    let mut rig = listening();
    rig.issue("socket.accept(1)");
    rig.play(
        r#"
        > create()
        < create 2: ok
        P connects 10.0.0.9:7
        < socket.accept 1: client 3 0
        > getInfo(3) > getSockets() > socket.getInfo(3)
        < getInfo 3: "Socket not found"
        < getSockets: [2]
        < socket.getInfo 3: tcp connected local 10.0.0.9 7 peer 10.9.9.9 50001
        "#,
    );
}

#[test]
fn accept_refuses_with_minus_2_and_no_message_4_11() {
    let mut rig = Rig::new();
    rig.sim.serve("10.0.0.1:80");
    rig.play(
        r#"
        > socket.create(udp) > socket.accept(1)
        < socket.create 1: ok
        < socket.accept 1: -2
        > socket.create(tcp) > socket.accept(2) > socket.connect(2, "10.0.0.1", 80)
        < socket.create 2: ok
        < socket.accept 2: -2
        < socket.connect 2: 0
        > socket.accept(2) > socket.create(tcp) > socket.listen(3, "10.0.0.9", 7)
        < socket.accept 2: -2
        < socket.create 3: ok
        < socket.listen 3: 0
        > socket.accept(3) > socket.accept(3)
        < socket.accept 3: -2
        # The first stays valid.
        P connects 10.0.0.9:7
        < socket.accept 3: client 4 0
        > socket.disconnect(3) > socket.accept(3)
        < socket.disconnect 3: ok
        < socket.accept 3: -2
        "#,
    );
}

#[test]
fn an_accept_that_the_system_fails_says_so_and_the_next_one_works_4_11_row_6() {
    let mut rig = listening();
    for (errno, code) in [(libc::EMFILE, -12), (libc::ENOBUFS, -176), (libc::EDOM, -2)] {
        rig.sim.world().fail_accept.push_back(errno);
        rig.issue("socket.accept(1)");
        rig.peers.push(Some(rig.sim.dial("10.0.0.9:7")));
        rig.run();
        assert_eq!(rig.trace.pop(), Some(format!("< socket.accept 1: {code}")));
        rig.trace.clear();
        rig.issue("socket.accept(1)");
        rig.run();
        let line = rig.trace.pop().unwrap();
        assert!(line.starts_with("< socket.accept 1: client "), "{line}");
    }
}

#[test]
fn a_client_that_went_away_is_no_answer_to_an_accept_4_11() {
    let mut rig = listening();
    rig.sim.world().fail_accept.push_back(libc::ECONNABORTED);
    rig.play(
        r#"
        > socket.accept(1)
        P connects 10.0.0.9:7
        < socket.accept 1: client 2 0
        "#,
    );
}

#[test]
fn disconnect_stops_listening_and_the_server_may_listen_again_4_5_8() {
    listening().play(
        r#"
        > socket.accept(1) > socket.disconnect(1) > socket.getInfo(1)
        < socket.accept 1: -3
        < socket.disconnect 1: ok
        < socket.getInfo 1: tcp -
        > socket.connect(1, "10.0.0.1", 80) > socket.listen(1, "10.0.0.9", 7) > socket.accept(1)
        < socket.connect 1: -104
        < socket.listen 1: 0
        P connects 10.0.0.9:7
        < socket.accept 1: client 2 0
        > socket.accept(1) > socket.destroy(1)
        < socket.accept 1: -3
        < socket.destroy 1: ok
        # What was accepted lives on.
        > socket.write(2, "x")
        < socket.write 2: 1
        "#,
    );
}

/// D9, [dec] of 4.3: allowed, as for any client.
#[test]
fn an_accepted_socket_may_be_connected_after_disconnect_4_3() {
    let mut rig = listening();
    rig.sim.serve("10.0.0.1:80");
    rig.play(
        r#"
        > socket.accept(1)
        P connects 10.0.0.9:7
        < socket.accept 1: client 2 0
        > socket.disconnect(2) > socket.connect(2, "10.0.0.1", 80)
        < socket.disconnect 2: ok
        < socket.connect 2: 0
        "#,
    );
}

/// A connect that was resolving meets a listener: the mode was decided meanwhile (5).
#[test]
fn a_connect_that_resolves_into_a_server_fails_4_3_row_7() {
    Rig::new().play(
        r#"
        > socket.create(tcp) > socket.connect(1, "a.test", 80) > socket.listen(1, "10.0.0.9", 7)
        < socket.create 1: ok
        < socket.listen 1: 0
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < socket.connect 1: -104
        > socket.getInfo(1)
        < socket.getInfo 1: tcp - local 10.0.0.9 7
        "#,
    );
}
