//! `sockets.udp`: ids, properties, `bind` and the options before it (udp.md 1 to 4.5, 4.9).

use super::driver::Rig;
use super::settle;

/// Socket 1, bound to 10.0.0.9:7.
fn bound() -> Rig {
    let mut rig = Rig::new();
    rig.issue("udp.create()> udp.bind(1, \"10.0.0.9\", 7)");
    settle(&mut rig);
    rig
}

#[test]
fn unknown_closed_and_foreign_ids_are_not_found_1() {
    let mut rig = Rig::new();
    rig.issue("create()> server.create()> socket.create(udp)> udp.create()> udp.close(4)");
    settle(&mut rig);
    for id in ["1", "2", "3", "4", "99", "0", "-1", "2147483647"] {
        let script = r#"
            > udp.update(ID, name "x") > udp.setPaused(ID, true) > udp.bind(ID, "10.0.0.9", 7)
            < udp.update ID: "Socket not found"
            < udp.setPaused ID: "Socket not found"
            < udp.bind ID: "Socket not found"
            > udp.send(ID, "x", "10.0.0.1", 9) > udp.send(ID, "x", "a.test", 9)
            < udp.send ID: "Socket not found"
            < udp.send ID: "Socket not found"
            > udp.close(ID) > udp.getInfo(ID)
            < udp.close ID: "Socket not found"
            < udp.getInfo ID: "Socket not found"
            > udp.joinGroup(ID, "224.0.0.1") > udp.leaveGroup(ID, "224.0.0.1")
            < udp.joinGroup ID: "Socket not found"
            < udp.leaveGroup ID: "Socket not found"
            > udp.getJoinedGroups(ID) > udp.setBroadcast(ID, true)
            < udp.getJoinedGroups ID: "Socket not found"
            < udp.setBroadcast ID: "Socket not found"
            > udp.setMulticastTimeToLive(ID, 999) > udp.setMulticastLoopbackMode(ID, false)
            < udp.setMulticastTimeToLive ID: "Socket not found"
            < udp.setMulticastLoopbackMode ID: "Socket not found"
        "#;
        rig.play(&script.replace("ID", id));
    }
}

#[test]
fn udp_sockets_are_unknown_to_the_other_namespaces_1() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > getInfo(1) > server.getInfo(1) > socket.getInfo(1)
        < udp.create 1: ok
        < getInfo 1: "Socket not found"
        < server.getInfo 1: "Socket not found"
        < socket.getInfo 1: "Socket not found"
        > udp.create() > create() > udp.create() > udp.close(2) > udp.getSockets() > getSockets()
        < udp.create 2: ok
        < create 3: ok
        < udp.create 4: ok
        < udp.close 2: ok
        < udp.getSockets: [1, 4]
        < getSockets: [3]
        "#,
    );
}

#[test]
fn properties_are_stored_as_given_and_reported_if_they_say_something_2_1_2_2() {
    Rig::new().play(
        r#"
        > udp.getSockets()
        < udp.getSockets: []
        > udp.create() > udp.getInfo(1)
        < udp.create 1: ok
        < udp.getInfo 1:
        > udp.create(persistent true, name "n", bufferSize 70000) > udp.getInfo(2)
        < udp.create 2: ok
        < udp.getInfo 2: persistent name "n" bufferSize 70000
        > udp.update(2) > udp.getInfo(2)
        < udp.update 2: ok
        < udp.getInfo 2: persistent name "n" bufferSize 70000
        > udp.update(2, bufferSize 0, name "", persistent false) > udp.getInfo(2)
        < udp.update 2: ok
        < udp.getInfo 2:
        > udp.update(2, bufferSize -1) > udp.setPaused(2, true) > udp.getInfo(2)
        < udp.update 2: ok
        < udp.setPaused 2: ok
        < udp.getInfo 2: paused
        "#,
    );
}

#[test]
fn a_socket_that_was_only_created_holds_no_port_3() {
    let mut rig = Rig::new();
    rig.issue("udp.create()> udp.setPaused(1, true)> udp.setPaused(1, false)");
    settle(&mut rig);
    assert_eq!(rig.sim.live_datagrams(0), 0);
}

#[test]
fn bind_gives_an_address_and_a_real_port_4_4() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.bind(1, "0.0.0.0", 0) > udp.getInfo(1)
        < udp.create 1: ok
        < udp.bind 1: 0
        < udp.getInfo 1: local 0.0.0.0 50001
        > udp.create() > udp.bind(2, "FE80::1", 7) > udp.getInfo(2)
        < udp.create 2: ok
        < udp.bind 2: 0
        < udp.getInfo 2: local fe80::1 7
        > udp.create() > udp.bind(3, "::ffff:127.0.0.1", 7) > udp.getInfo(3)
        < udp.create 3: ok
        < udp.bind 3: 0
        < udp.getInfo 3: local ::ffff:7f00:1 7
        # A socket of the program and its port.
        > udp.create() > udp.bind(4, "127.1", 65535) > udp.getInfo(4)
        < udp.create 4: ok
        < udp.bind 4: 0
        < udp.getInfo 4: local 127.0.0.1 65535
        "#,
    );
}

#[test]
fn bind_takes_only_literals_4_4_1() {
    let mut rig = Rig::new();
    for literal in ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.1"] {
        rig.issue("udp.create()");
        let id = rig.newest_id();
        rig.issue(&format!("udp.bind({id}, \"{literal}\", 0)> udp.getInfo({id})"));
        let line = rig.trace.pop().unwrap();
        assert!(line.contains("local 127.0.0.1 "), "{literal}: {line}");
    }
    rig.issue("udp.create()");
    let id = rig.newest_id();
    let none = [
        "",
        " 127.0.0.1 ",
        "192.168.0.1:30",
        "bad value",
        "localhost",
        "example.com",
        "*",
        "[::1]",
        "fe80::1%eth0",
        "256.1.1.1",
        "1.2.3.4.5",
    ];
    for text in none {
        rig.play(&format!("> udp.bind({id}, \"{text}\", 7)\n < udp.bind {id}: -4"));
    }
    rig.play(&format!("> udp.bind({id}, \"127.0.0.1\", 7)\n < udp.bind {id}: 0"));
}

#[test]
fn a_second_bind_fails_whatever_it_asks_for_4_4_row_3() {
    bound().play(
        r#"
        > udp.bind(1, "10.0.0.9", 8) > udp.bind(1, "not a literal", 8) > udp.getInfo(1)
        < udp.bind 1: -104
        < udp.bind 1: -104
        < udp.getInfo 1: local 10.0.0.9 7
        "#,
    );
}

/// D6; directly after the permission check.
#[test]
fn ports_out_of_range_are_refused_4_4() {
    let mut rig = Rig::new();
    rig.issue("udp.create()");
    for port in ["-1", "65536", "70000", "2147483647", "-2147483648"] {
        rig.play(&format!("> udp.bind(1, \"10.0.0.9\", {port})\n < udp.bind 1: -4"));
    }
    settle(&mut rig);
    rig.play("> udp.bind(1, \"10.0.0.9\", 7) > udp.bind(1, \"10.0.0.9\", -1)\n < udp.bind 1: 0\n < udp.bind 1: -4");
}

#[test]
fn the_system_s_refusals_have_their_codes_and_bind_may_be_tried_again_4_4_11() {
    let mut rig = Rig::new();
    rig.issue("udp.create()");
    settle(&mut rig);
    for (errno, code) in [
        (libc::EADDRINUSE, -147),
        (libc::EADDRNOTAVAIL, -108),
        (libc::EACCES, -10),
        (libc::EINVAL, -4),
        (libc::EAFNOSUPPORT, -109),
        (libc::EMFILE, -12),
        (libc::ENFILE, -12),
        (libc::ENOBUFS, -176),
        (libc::EDOM, -2),
    ] {
        rig.sim.world().air.fail_open.push_back(errno);
        rig.play(&format!("> udp.bind(1, \"10.0.0.9\", 7)\n < udp.bind 1: {code}"));
    }
    rig.play(
        r#"
        > udp.getInfo(1) > udp.bind(1, "10.0.0.9", 7)
        < udp.getInfo 1:
        < udp.bind 1: 0
        > udp.create() > udp.bind(2, "10.0.0.9", 7) > udp.bind(2, "0.0.0.0", 7) > udp.getInfo(2)
        < udp.create 2: ok
        < udp.bind 2: -147
        < udp.bind 2: -147
        < udp.getInfo 2:
        > udp.close(1) > udp.bind(2, "10.0.0.9", 7)
        < udp.close 1: ok
        < udp.bind 2: 0
        "#,
    );
}

#[test]
fn six_thousand_open_sockets_are_the_limit_4_4_row_6() {
    let mut rig = Rig::new();
    rig.writes_trace = false;
    for id in 1..=6000 {
        // A wildcard would make the simulation compare all ports.
        rig.issue(&format!("udp.create()> udp.bind({id}, \"10.0.0.9\", {id})"));
    }
    rig.writes_trace = true;
    rig.sim.take_calls();
    rig.play(
        r#"
        > udp.create() > udp.bind(6001, "10.0.0.9", 6001)
        < udp.create 6001: ok
        < udp.bind 6001: -12
        # Literal and state are looked at first.
        > udp.bind(6001, "x", 6001) > udp.bind(6000, "10.0.0.9", 6001)
        < udp.bind 6001: -4
        < udp.bind 6000: -104
        > udp.close(17) > udp.bind(6001, "10.0.0.9", 6001)
        < udp.close 17: ok
        < udp.bind 6001: 0
        "#,
    );
}

// --- 4.5

#[test]
fn options_are_set_before_bind_only_4_5() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.setMulticastTimeToLive(1, 0) > udp.setMulticastTimeToLive(1, 255)
        < udp.create 1: ok
        < udp.setMulticastTimeToLive 1: 0
        < udp.setMulticastTimeToLive 1: 0
        > udp.setMulticastTimeToLive(1, -3) > udp.setMulticastTimeToLive(1, 256)
        < udp.setMulticastTimeToLive 1: -4
        < udp.setMulticastTimeToLive 1: -4
        > udp.setMulticastLoopbackMode(1, true) > udp.setMulticastLoopbackMode(1, false)
        < udp.setMulticastLoopbackMode 1: 0
        < udp.setMulticastLoopbackMode 1: 0
        > udp.bind(1, "10.0.0.9", 7)
        < udp.bind 1: 0
        $
        ~ 1 bind 10.0.0.9:7 ttl 255 loopback false
        # Row 2 precedes row 3.
        > udp.setMulticastTimeToLive(1, 999) > udp.setMulticastTimeToLive(1, 1)
        < udp.setMulticastTimeToLive 1: -23
        < udp.setMulticastTimeToLive 1: -23
        > udp.setMulticastLoopbackMode(1, true)
        < udp.setMulticastLoopbackMode 1: -23
        "#,
    );
}

#[test]
fn options_have_defaults_4_5() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.bind(1, "::", 7)
        < udp.create 1: ok
        < udp.bind 1: 0
        $
        ~ 1 bind [::]:7 ttl 1 loopback true
        "#,
    );
}

/// The decision in 4.5 against Chromium's lost options.
#[test]
fn a_failed_bind_keeps_the_options_4_5() {
    let mut rig = Rig::new();
    rig.sim.world().air.fail_open.push_back(libc::EADDRINUSE);
    rig.play(
        r#"
        > udp.create() > udp.setMulticastTimeToLive(1, 9) > udp.setMulticastLoopbackMode(1, false)
        < udp.create 1: ok
        < udp.setMulticastTimeToLive 1: 0
        < udp.setMulticastLoopbackMode 1: 0
        > udp.bind(1, "10.0.0.9", 7)
        < udp.bind 1: -147
        > udp.setMulticastTimeToLive(1, 10)
        < udp.setMulticastTimeToLive 1: 0
        > udp.bind(1, "x", 7) > udp.bind(1, "10.0.0.9", 7)
        < udp.bind 1: -4
        < udp.bind 1: 0
        $
        ~ 1 bind 10.0.0.9:7 ttl 9 loopback false
        ~ 1 bind 10.0.0.9:7 ttl 10 loopback false
        "#,
    );
}

// --- 4.13

#[test]
fn broadcast_is_set_after_bind_only_4_13() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.setBroadcast(1, true)
        < udp.create 1: ok
        < udp.setBroadcast 1: -15
        > udp.bind(1, "0.0.0.0", 7) > udp.send(1, "x", "255.255.255.255", 9)
        < udp.bind 1: 0
        < udp.send 1: -10
        > udp.setBroadcast(1, true) > udp.send(1, "x", "255.255.255.255", 9)
        < udp.setBroadcast 1: 0
        < udp.send 1: sent 1
        > udp.setBroadcast(1, true) > udp.setBroadcast(1, false) > udp.send(1, "x", "255.255.255.255", 9)
        < udp.setBroadcast 1: 0
        < udp.setBroadcast 1: 0
        < udp.send 1: -10
        "#,
    );
    assert!(!rig.sim.datagram_of(1).broadcast);
    rig.sim.world().air.fail_option.push_back(libc::ENOPROTOOPT);
    rig.play("> udp.setBroadcast(1, true)\n < udp.setBroadcast 1: -11");
}
