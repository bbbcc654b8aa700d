//! `chrome.socket` over TCP: ids, `connect`, `read`, `write`, options, `getInfo` (socket-legacy.md 1 to
//! 5, 9, 11).

use super::driver::{LIMITS, Rig};
use super::{HERE, limited, rig, settle};
use crate::api::event::RECEIVE_WEIGHT;
use crate::engine::Limits;
use crate::engine::sim::{Place, Step};

/// Socket 1, connected to the peer.
fn connected() -> Rig {
    let mut rig = rig();
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    assert_eq!(rig.peers.len(), 1);
    rig
}

/// Socket 1 connected to a script.
fn scripted(reads: &[Step], writes: &[Step]) -> Rig {
    let mut rig = Rig::new();
    rig.sim.place(HERE, Place::Script(reads.to_vec(), writes.to_vec()));
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig
}

#[test]
fn unknown_ids_have_a_number_and_a_message_1_4() {
    let mut rig = Rig::new();
    rig.issue("create()> server.create()> udp.create()> socket.create(tcp)> socket.destroy(4)");
    settle(&mut rig);
    for id in ["1", "2", "3", "4", "99", "0", "-1"] {
        let script = r#"
            > socket.connect(ID, "10.0.0.1", 80) > socket.bind(ID, "10.0.0.9", 7)
            < socket.connect ID: -1 "Socket not found"
            < socket.bind ID: -1 "Socket not found"
            > socket.read(ID) > socket.recvFrom(ID) > socket.accept(ID)
            < socket.read ID: -1 "Socket not found"
            < socket.recvFrom ID: -1 "Socket not found"
            # -2, not -1.
            < socket.accept ID: -2 "Socket not found"
            > socket.write(ID, "x") > socket.write(ID, 20000 bytes)
            < socket.write ID: -1 "Socket not found"
            < socket.write ID: -1 "Socket not found"
            > socket.sendTo(ID, "x", "10.0.0.1", 80) > socket.sendTo(ID, "x", "a.test", 80)
            < socket.sendTo ID: -1 "Socket not found"
            < socket.sendTo ID: -1 "Socket not found"
            > socket.listen(ID, "10.0.0.9", 7)
            < socket.listen ID: -1 "Socket not found"
            > socket.setKeepAlive(ID, true, 0) > socket.setNoDelay(ID, true)
            < socket.setKeepAlive ID: 0 "Socket not found"
            < socket.setNoDelay ID: 0 "Socket not found"
            > socket.joinGroup(ID, "224.0.0.1") > socket.leaveGroup(ID, "224.0.0.1")
            < socket.joinGroup ID: -1 "Socket not found"
            < socket.leaveGroup ID: -1 "Socket not found"
            > socket.getJoinedGroups(ID) > socket.setMulticastTimeToLive(ID, 1)
            < socket.getJoinedGroups ID: -1 "Socket not found"
            < socket.setMulticastTimeToLive ID: -1 "Socket not found"
            > socket.setMulticastLoopbackMode(ID, true)
            < socket.setMulticastLoopbackMode ID: -1 "Socket not found"
            # No number.
            > socket.getInfo(ID) > socket.disconnect(ID)
            < socket.getInfo ID: "Socket not found"
            < socket.disconnect ID: "Socket not found"
            # The only method that says nothing.
            > socket.destroy(ID)
            < socket.destroy ID: ok
        "#;
        rig.play(&script.replace("ID", id));
    }
}

#[test]
fn legacy_sockets_are_unknown_to_the_other_namespaces_1() {
    let mut rig = rig();
    rig.issue("socket.create(tcp)> socket.create(udp)> socket.connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig.play(
        r#"
        > getInfo(1) > send(1, "x") > close(1) > disconnect(1) > setNoDelay(1, true)
        < getInfo 1: "Socket not found"
        < send 1: "Socket not found"
        < close 1: "Socket not found"
        < disconnect 1: "Socket not found"
        < setNoDelay 1: -2 "Socket not found"
        > udp.bind(2, "10.0.0.9", 7) > udp.close(2) > getSockets() > udp.getSockets()
        < udp.bind 2: "Socket not found"
        < udp.close 2: "Socket not found"
        < getSockets: []
        < udp.getSockets: []
        "#,
    );
}

// --- connect (4.3)

#[test]
fn ports_are_checked_first_and_in_words_4_3_4_4_4_9_4_10() {
    let mut rig = Rig::new();
    for port in ["-1", "65536", "2147483647"] {
        let script = r#"
            > socket.connect(77, "a.test", PORT) > socket.bind(77, "10.0.0.9", PORT)
            < socket.connect 77: "Port must be a value between 0 and 65535."
            < socket.bind 77: "Port must be a value between 0 and 65535."
            > socket.sendTo(77, "x", "a.test", PORT) > socket.listen(77, "10.0.0.9", PORT)
            < socket.sendTo 77: "Port must be a value between 0 and 65535."
            < socket.listen 77: "Port must be a value between 0 and 65535."
        "#;
        rig.play(&script.replace("PORT", port));
    }
}

#[test]
fn connect_tells_the_number_alone_4_3() {
    let mut rig = rig();
    rig.sim.place("10.0.0.3:80", Place::Fails(libc::ETIMEDOUT));
    rig.play(
        r#"
        > socket.create(tcp) > socket.connect(1, "10.0.0.2", 80)
        < socket.create 1: ok
        < socket.connect 1: -102
        > socket.connect(1, "10.0.0.3", 80)
        < socket.connect 1: -118
        # It may be tried again.
        > socket.connect(1, "10.0.0.1", 80) > socket.connect(1, "10.0.0.1", 80)
        < socket.connect 1: -104
        < socket.connect 1: 0
        > socket.connect(1, "10.0.0.1", 80) > socket.getInfo(1)
        < socket.connect 1: -23
        < socket.getInfo 1: tcp connected local 10.9.9.9 50003 peer 10.0.0.1 80
        "#,
    );
}

#[test]
fn connect_says_that_resolving_failed_4_3_row_5() {
    let mut rig = rig();
    rig.play(
        r#"
        > socket.create(tcp) > socket.connect(1, "a.test", 80)
        < socket.create 1: ok
        ? q1 of 1: a.test Any
        A q1 -105
        < socket.connect 1: -105 "DNS resolution failed"
        > socket.connect(1, "a.test", 80)
        ? q2 of 1: a.test Any
        A q2 -106
        < socket.connect 1: -106 "DNS resolution failed"
        > socket.connect(1, "x.invalid", 80) > socket.connect(1, "", 80)
        < socket.connect 1: -105 "DNS resolution failed"
        < socket.connect 1: -105 "DNS resolution failed"
        # The mode is still open: it may listen.
        > socket.read(1) > socket.listen(1, "10.0.0.9", 7)
        < socket.read 1: -2
        < socket.listen 1: 0
        "#,
    );
}

#[test]
fn connect_tries_the_addresses_in_turn_4_3() {
    let mut rig = rig();
    rig.play(
        r#"
        > socket.create(tcp) > socket.connect(1, "a.test", 80)
        < socket.create 1: ok
        ? q1 of 1: a.test Any
        A q1 10.0.0.2 10.0.0.1
        < socket.connect 1: 0
        "#,
    );
}

// --- read (4.6)

#[test]
fn a_read_without_a_connection_depends_on_the_mode_4_6_5() {
    let mut rig = rig();
    rig.sim.place("10.0.0.5:80", Place::Silent);
    rig.play(
        r#"
        > socket.create(tcp) > socket.read(1) > socket.read(1, 0) > socket.write(1, "x")
        < socket.create 1: ok
        < socket.read 1: -2
        < socket.read 1: -2
        < socket.write 1: -15
        # A started connect is enough.
        > socket.connect(1, "10.0.0.5", 80) > socket.read(1) > socket.write(1, "x")
        < socket.read 1: -15
        < socket.write 1: -15
        > socket.getInfo(1) > socket.create(tcp) > socket.listen(2, "10.0.0.9", 7)
        < socket.getInfo 1: tcp -
        < socket.create 2: ok
        < socket.listen 2: 0
        > socket.read(2) > socket.write(2, "x")
        < socket.read 2: -2
        < socket.write 2: -15
        > socket.disconnect(2) > socket.read(2) > socket.write(2, "x") > socket.write(2, 20000 bytes)
        < socket.disconnect 2: ok
        < socket.read 2: -2
        < socket.write 2: -15
        < socket.write 2: -15
        > socket.disconnect(1)
        < socket.connect 1: -3
        < socket.disconnect 1: ok
        > socket.read(1) > socket.write(1, "x") > socket.listen(1, "10.0.0.9", 8)
        < socket.read 1: -15
        < socket.write 1: -15
        < socket.listen 1: -11 "Cannot call both connect and listen on the same socket."
        "#,
    );
}

#[test]
fn a_read_takes_what_is_there_up_to_its_size_4_6() {
    connected().play(
        r#"
        P sends "abcdef"
        > socket.read(1, 4) > socket.getInfo(1)
        < socket.getInfo 1: tcp connected local 10.9.9.9 50001 peer 10.0.0.1 80
        < socket.read 1: "abcd" 4
        > socket.read(1)
        < socket.read 1: "ef" 2
        # Nothing there: it waits.
        > socket.read(1)
        P sends "later"
        < socket.read 1: "later" 5
        # 4096 unless it says otherwise.
        P sends 5000 bytes
        > socket.read(1)
        < socket.read 1: 4096 bytes 4096
        > socket.read(1, 65536)
        < socket.read 1: 904 bytes 904
        "#,
    );
}

#[test]
fn a_read_of_any_size_takes_at_most_64_kib_d12() {
    connected().play(
        r#"
        P sends 100000 bytes
        > socket.read(1, 2147483647)
        < socket.read 1: 65536 bytes 65536
        > socket.read(1, 2147483647)
        < socket.read 1: 34464 bytes 34464
        "#,
    );
}

/// Each of them was asked for. But a program may ask without end, for much more than asking costs it.
#[test]
fn reads_are_answered_as_long_as_the_app_has_room_4_6_row_6() {
    let undelivered_per_app = 2 * (3 + RECEIVE_WEIGHT);
    let mut rig = limited(Limits { undelivered_per_socket: 1, undelivered_per_app, ..LIMITS });
    rig.issue("socket.create(tcp)> socket.connect(1, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig.play(
        r#"
        P sends "abcdefghi"
        > socket.read(1, 3)
        < socket.read 1: "abc" 3
        > socket.read(1, 3)
        < socket.read 1: "def" 3
        > socket.read(1, 3)
        > socket.read(1, 3)
        < socket.read 1: -1
        "#,
    );
    rig.release(1, (3 + RECEIVE_WEIGHT).cast_signed());
    rig.run();
    assert_eq!(rig.trace, ["< socket.read 1: \"ghi\" 3"]);
}

#[test]
fn nothing_is_read_that_nobody_asks_for_1() {
    let mut rig = connected();
    rig.play("P sends \"abc\"\n $");
    rig.play("> socket.getInfo(1)\n < socket.getInfo 1: tcp connected local 10.9.9.9 50001 peer 10.0.0.1 80\n $");
}

#[test]
fn a_second_read_fails_and_disturbs_nothing_4_6_11() {
    connected().play(
        r#"
        > socket.read(1) > socket.read(1) > socket.read(1, 0)
        < socket.read 1: -1
        < socket.read 1: -1
        P sends "x"
        < socket.read 1: "x" 1
        > socket.read(1, 0) > socket.read(1, -1)
        < socket.read 1: -4
        < socket.read 1: -4
        > socket.read(1, 1)
        # Reading and writing are independent.
        > socket.write(1, "y")
        < socket.write 1: 1
        P sends "z"
        < socket.read 1: "z" 1
        "#,
    );
}

#[test]
fn the_end_of_the_stream_is_a_read_of_nothing_4_6_row_7() {
    connected().play(
        r#"
        P sends "last"
        P closes
        > socket.getInfo(1) > socket.read(1)
        < socket.getInfo 1: tcp connected local 10.9.9.9 50001 peer 10.0.0.1 80
        < socket.read 1: "last" 4
        > socket.read(1)
        < socket.read 1: 0
        > socket.getInfo(1) > socket.read(1) > socket.write(1, "x")
        < socket.getInfo 1: tcp -
        < socket.read 1: -15
        < socket.write 1: -15
        "#,
    );
    // While it waits.
    connected().play("> socket.read(1)\n P ends\n < socket.read 1: 0");
}

/// D4: the real code.
#[test]
fn an_error_is_told_and_disconnects_4_6_row_7() {
    for (errno, code) in
        [(libc::ECONNRESET, -101), (libc::ETIMEDOUT, -7), (libc::EHOSTUNREACH, -109)]
    {
        connected().play(&format!(
            r#"
            > socket.read(1)
            P breaks {errno}
            < socket.read 1: {code}
            > socket.getInfo(1) > socket.read(1) > socket.connect(1, "10.0.0.1", 80)
            < socket.getInfo 1: tcp -
            < socket.read 1: -15
            < socket.connect 1: 0
            "#,
        ));
    }
}

// --- write (4.7)

#[test]
fn writes_complete_in_order_with_all_their_bytes_4_7() {
    let mut rig = connected();
    rig.play(
        r#"
        > socket.write(1, "ab") > socket.write(1, "") > socket.write(1, 20000 bytes)
        < socket.write 1: 2
        < socket.write 1: 0
        < socket.write 1: 20000
        P sees 20002 bytes open
        "#,
    );
    rig.sim.widen(10);
    rig.play(
        r#"
        > socket.write(1, "0123456789ab") > socket.write(1, "cd")
        P sees "0123456789" open
        < socket.write 1: 12
        < socket.write 1: 2
        P sees "abcd" open
        "#,
    );
}

/// D4: the real code; a pending read ends with -100 before it.
#[test]
fn a_broken_stream_fails_the_write_and_disconnects_4_7_row_5() {
    let mut rig = scripted(&[], &[Step::Fail(libc::ECONNRESET)]);
    rig.play(
        r#"
        > socket.read(1)
        > socket.write(1, "x") > socket.write(1, "y")
        < socket.read 1: -100
        < socket.write 1: -101
        < socket.write 1: -15
        > socket.getInfo(1) > socket.write(1, "z")
        < socket.getInfo 1: tcp -
        < socket.write 1: -15
        "#,
    );
}

#[test]
fn the_quota_precedes_everything_4_7_row_1() {
    let mut rig = connected();
    rig.quota = 3;
    rig.play(
        r#"
        > socket.write(1, "1234") > socket.write(77, "1234") > socket.write(1, "123")
        < socket.write 1: "Exceeded write quota."
        < socket.write 77: "Exceeded write quota."
        < socket.write 1: 3
        "#,
    );
}

// --- options (4.12)

#[test]
fn options_say_true_or_false_4_12() {
    let mut rig = connected();
    rig.issue("socket.create(tcp)> socket.create(udp)> socket.create(tcp)");
    rig.issue("socket.listen(4, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig.play(
        r#"
        > socket.setKeepAlive(1, true, 5) > socket.setNoDelay(1, false)
        < socket.setKeepAlive 1: 1
        < socket.setNoDelay 1: 1
        $
        ~ 1 keepAlive true 5 -> 0
        ~ 1 noDelay false -> 0
        "#,
    );
    for id in [2, 3, 4] {
        rig.play(&format!(
            r#"
            > socket.setKeepAlive({id}, true, 0) > socket.setNoDelay({id}, true)
            < socket.setKeepAlive {id}: 0
            < socket.setNoDelay {id}: 0
            "#,
        ));
    }
    rig.sim.world().fail_option.push_back(libc::EINVAL);
    rig.play(
        r#"
        > socket.setKeepAlive(1, true, -1)
        < socket.setKeepAlive 1: 0
        > socket.disconnect(1) > socket.setNoDelay(1, true)
        < socket.disconnect 1: ok
        < socket.setNoDelay 1: 0
        "#,
    );
}

// --- the other type's calls

#[test]
fn tcp_sockets_refuse_what_is_for_udp_4_4_4_8_4_9_4_14() {
    let mut rig = connected();
    rig.issue("socket.create(tcp)> socket.create(tcp)> socket.listen(3, \"10.0.0.9\", 7)");
    settle(&mut rig);
    for id in [1, 2, 3] {
        let script = r#"
            > socket.bind(ID, "10.0.0.9", 7)
            < socket.bind ID: -1 "TCP socket does not support bind. For TCP server please use listen."
            > socket.recvFrom(ID) > socket.sendTo(ID, "x", "a.test", 9)
            < socket.recvFrom ID: -1 "Socket not found"
            # No lookup (4.9).
            < socket.sendTo ID: -2
            > socket.joinGroup(ID, "224.0.0.1") > socket.leaveGroup(ID, "224.0.0.1")
            < socket.joinGroup ID: -1 "Only UDP socket supports multicast."
            < socket.leaveGroup ID: -1 "Only UDP socket supports multicast."
            > socket.getJoinedGroups(ID) > socket.setMulticastTimeToLive(ID, 999)
            < socket.getJoinedGroups ID: -1 "Only UDP socket supports multicast."
            < socket.setMulticastTimeToLive ID: -1 "Only UDP socket supports multicast."
            > socket.setMulticastLoopbackMode(ID, true)
            < socket.setMulticastLoopbackMode ID: -1 "Only UDP socket supports multicast."
        "#;
        rig.play(&script.replace("ID", &id.to_string()));
    }
}

#[test]
fn a_client_can_connect_again_but_never_listen_4_5_5() {
    connected().play(
        r#"
        > socket.listen(1, "10.0.0.9", 7) > socket.accept(1) > socket.disconnect(1)
        < socket.listen 1: -11 "Cannot call both connect and listen on the same socket."
        < socket.accept 1: -2
        < socket.disconnect 1: ok
        > socket.getInfo(1) > socket.listen(1, "10.0.0.9", 7) > socket.accept(1)
        < socket.getInfo 1: tcp -
        < socket.listen 1: -11 "Cannot call both connect and listen on the same socket."
        < socket.accept 1: -2
        > socket.connect(1, "10.0.0.1", 80)
        < socket.connect 1: 0
        P sends "x"
        > socket.read(1)
        < socket.read 1: "x" 1
        "#,
    );
}

#[test]
fn a_failed_connect_makes_a_client_5() {
    Rig::new().play(
        r#"
        > socket.create(tcp) > socket.connect(1, "10.0.0.1", 80)
        < socket.create 1: ok
        < socket.connect 1: -102
        > socket.read(1) > socket.listen(1, "10.0.0.9", 7)
        < socket.read 1: -15
        < socket.listen 1: -11 "Cannot call both connect and listen on the same socket."
        "#,
    );
}

/// 10: no rule is needed, and no socket.
#[test]
fn the_network_list_comes_as_a_list_10() {
    Rig::new().play("> socket.getNetworkList()\n < socket.getNetworkList 0: interfaces");
}

#[test]
fn a_network_list_that_the_system_refuses_is_told_10() {
    let mut rig = Rig::new();
    rig.sim.world().fail_interfaces.push_back(libc::ENOBUFS);
    rig.play(
        r#"
        > socket.getNetworkList()
        < socket.getNetworkList 0: "Network lookup failed or unsupported"
        "#,
    );
}
