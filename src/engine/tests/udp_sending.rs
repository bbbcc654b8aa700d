//! `sockets.udp.send` (udp.md 4.6, 6, 7, 11).

use super::driver::Rig;
use super::{udp_bound, udp_bound_to};

#[test]
fn a_datagram_leaves_whole_and_at_once_4_6() {
    udp_bound().play(
        r#"
        > udp.send(1, "hello", "10.0.0.1", 9)
        < udp.send 1: sent 5
        U sees "hello" from 10.0.0.9:7
        U sees nothing
        > udp.send(1, 65507 bytes, "10.0.0.1", 9)
        < udp.send 1: sent 65507
        U sees 65507 bytes from 10.0.0.9:7
        # Empty is a datagram too.
        > udp.send(1, "", "10.0.0.1", 9)
        < udp.send 1: sent 0
        U sees "" from 10.0.0.9:7
        # Nobody there: handed to the system all the same.
        > udp.send(1, "x", "10.0.0.77", 9)
        < udp.send 1: sent 1
        "#,
    );
}

#[test]
fn two_sends_in_a_row_arrive_as_two_in_call_order_7() {
    udp_bound().play(
        r#"
        > udp.send(1, "a", "10.0.0.1", 9) > udp.send(1, "b", "10.0.0.1", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        U sees "a" from 10.0.0.9:7
        U sees "b" from 10.0.0.9:7
        "#,
    );
}

#[test]
fn too_long_is_too_long_4_6_row_8_11() {
    let mut rig = udp_bound();
    rig.play(
        r#"
        > udp.send(1, 65508 bytes, "10.0.0.1", 9) > udp.send(1, 65536 bytes, "10.0.0.1", 9)
        < udp.send 1: -142
        < udp.send 1: -142
        $
        # The longer one never reached the system.
        ~ 1 send 65508 to 10.0.0.1:9 -> errno 90
        "#,
    );
}

#[test]
fn an_unbound_socket_does_not_send_but_resolves_first_4_6_rows_4_6() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.send(1, "x", "10.0.0.1", 9)
        < udp.create 1: ok
        < udp.send 1: -15
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < udp.send 1: -15
        > udp.send(1, "x", "a.test", 9)
        ? q2 of 1: a.test Any
        A q2 -105
        < udp.send 1: -105
        > udp.send(1, "x", "a.test", 9)
        ? q3 of 1: a.test Any
        A q3 -106
        < udp.send 1: -106
        # Decided when the lookup ends.
        > udp.send(1, "x", "a.test", 9) > udp.bind(1, "10.0.0.9", 7)
        < udp.bind 1: 0
        ? q4 of 1: a.test Any
        A q4 10.0.0.1
        < udp.send 1: sent 1
        "#,
    );
}

#[test]
fn bad_ports_are_refused_4_6() {
    let mut rig = udp_bound();
    for port in ["-1", "65536", "2147483647"] {
        rig.play(&format!("> udp.send(1, \"x\", \"a.test\", {port})\n < udp.send 1: -4"));
    }
    // The system refuses this one.
    rig.play("> udp.send(1, \"x\", \"10.0.0.1\", 0)\n < udp.send 1: -4");
}

#[test]
fn what_is_no_name_is_not_resolved_without_a_question_6_1() {
    let mut rig = udp_bound();
    for host in ["", "a..b", "exa$mple.com", "x.invalid", "fe80::1%eth0", "[1.2.3.4]"] {
        rig.play(&format!("> udp.send(1, \"x\", \"{host}\", 9)\n < udp.send 1: -105"));
    }
}

#[test]
fn literals_of_the_other_family_are_not_resolved_6_1() {
    udp_bound().play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9, ipv6) > udp.send(1, "x", "::1", 9, ipv4)
        < udp.send 1: -105
        < udp.send 1: -105
        > udp.send(1, "x", "10.0.0.1", 9, ipv4) > udp.send(1, "x", "a.test", 9, ipv6)
        < udp.send 1: sent 1
        ? q1 of 1: a.test Ipv6
        A q1 ::1
        < udp.send 1: -109
        "#,
    );
}

#[test]
fn names_are_canonicalised_and_asked_for_each_time_6_1() {
    udp_bound().play(
        r#"
        > udp.send(1, "x", "A.Test", 9) > udp.send(1, "y", "a.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: a.test Any
        A q1 10.0.0.1
        < udp.send 1: sent 1
        A q2 10.0.0.1
        < udp.send 1: sent 1
        "#,
    );
}

#[test]
fn only_one_address_is_used_6_1() {
    let mut rig = udp_bound();
    rig.sim.world().air.fail_send.push_back(libc::ENETUNREACH);
    rig.play(
        r#"
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.2 10.0.0.1
        < udp.send 1: -109
        $
        ~ 1 send 1 to 10.0.0.2:9 -> errno 101
        "#,
    );
}

/// The decision in 6.1: the first address whose family the bound socket can reach.
#[test]
fn the_first_reachable_address_is_used_6_1() {
    udp_bound().play(
        r#"
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 fd00::1 fd00::2 10.0.0.1 10.0.0.2
        < udp.send 1: sent 1
        $
        ~ 1 send 1 to 10.0.0.1:9 -> 1
        > udp.send(1, "x", "a.test", 9)
        ? q2 of 1: a.test Any
        A q2 fd00::1 fd00::2
        < udp.send 1: -109
        # localhost is ::1, then 127.0.0.1, and never asked for.
        > udp.send(1, "x", "localhost", 9) > udp.send(1, "x", "b.localhost", 9, ipv6)
        < udp.send 1: sent 1
        < udp.send 1: -109
        $
        ~ 1 send 1 to 127.0.0.1:9 -> 1
        "#,
    );
}

#[test]
fn a_dual_stack_socket_reaches_ipv4_in_mapped_form_6_1_11() {
    udp_bound_to("::").play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9)
        < udp.send 1: sent 1
        U sees "x" from 10.9.9.9:7
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1 fd00::1
        < udp.send 1: sent 1
        > udp.send(1, "x", "localhost", 9)
        < udp.send 1: sent 1
        $
        ~ 1 send 1 to [::ffff:10.0.0.1]:9 -> 1
        ~ 1 send 1 to [::ffff:10.0.0.1]:9 -> 1
        ~ 1 send 1 to [::1]:9 -> 1
        U sees "x" from 10.9.9.9:7
        # The answer comes back with the mapped address.
        U sends "y" to 10.9.9.9:7
        ! udp.onReceive 1: "y" from ::ffff:a00:1 9
        "#,
    );
}

/// The machine has no ::1.
#[test]
fn localhost_is_127_0_0_1_where_there_is_no_ipv6_6_1() {
    let mut rig = udp_bound_to("::");
    rig.sim.world().air.fail_send.push_back(libc::EADDRNOTAVAIL);
    rig.play(
        r#"
        > udp.send(1, "x", "localhost", 9)
        < udp.send 1: sent 1
        $
        ~ 1 send 1 to [::1]:9 -> errno 99
        ~ 1 send 1 to [::ffff:127.0.0.1]:9 -> 1
        "#,
    );
    rig.sim.world().air.fail_send.push_back(libc::EADDRNOTAVAIL);
    rig.play(
        r#"
        > udp.send(1, "x", "localhost", 9, ipv6)
        < udp.send 1: -108
        "#,
    );
}

#[test]
fn an_ipv4_address_in_mapped_form_reaches_ipv4_11() {
    udp_bound_to("::ffff:10.9.9.9").play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9)
        < udp.send 1: sent 1
        $
        ~ 1 send 1 to [::ffff:10.0.0.1]:9 -> 1
        "#,
    );
}

#[test]
fn an_ipv6_address_other_than_the_wildcard_reaches_no_ipv4_11() {
    udp_bound_to("::1").play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9)
        < udp.send 1: -109
        > udp.send(1, "x", "a.test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1 fd00::1
        < udp.send 1: sent 1
        "#,
    );
}

#[test]
fn the_system_s_refusals_have_their_codes_and_the_socket_works_on_11() {
    let mut rig = udp_bound();
    for (errno, code) in [
        (libc::EINVAL, -4),
        (libc::ENETUNREACH, -109),
        (libc::EHOSTUNREACH, -109),
        (libc::EACCES, -10),
        (libc::EPERM, -10),
        (libc::ENETDOWN, -106),
        (libc::ENOBUFS, -176),
        (libc::EMSGSIZE, -142),
        (libc::ENOMEM, -13),
        (libc::EDOM, -2),
    ] {
        rig.sim.world().air.fail_send.push_back(errno);
        rig.play(&format!("> udp.send(1, \"x\", \"10.0.0.1\", 9)\n < udp.send 1: {code}"));
    }
    rig.play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9) > udp.getInfo(1)
        < udp.send 1: sent 1
        < udp.getInfo 1: local 10.0.0.9 7
        "#,
    );
}

// --- order (7)

/// The decision in 7: call order among names. What needs no lookup does not wait for one.
#[test]
fn sends_to_names_leave_in_call_order_though_answers_come_otherwise_7() {
    udp_bound().play(
        r#"
        > udp.send(1, "a", "a.test", 9) > udp.send(1, "b", "b.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        > udp.send(1, "c", "10.0.0.1", 9) > udp.send(1, "dd", "localhost", 9)
        < udp.send 1: sent 1
        < udp.send 1: sent 2
        A q2 10.0.0.1
        > udp.send(1, "eee", "10.0.0.1", 9)
        < udp.send 1: sent 3
        A q1 10.0.0.1
        < udp.send 1: sent 1
        < udp.send 1: sent 1
        U sees "c" from 10.0.0.9:7
        U sees "eee" from 10.0.0.9:7
        U sees "a" from 10.0.0.9:7
        U sees "b" from 10.0.0.9:7
        "#,
    );
}

#[test]
fn a_name_in_the_middle_that_fails_does_not_disturb_the_others_7() {
    udp_bound().play(
        r#"
        > udp.send(1, "a", "a.test", 9) > udp.send(1, "b", "b.test", 9)
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        > udp.send(1, "cc", "c.test", 9)
        ? q3 of 1: c.test Any
        # Told in its turn, too.
        A q2 -105
        A q3 10.0.0.1
        $
        A q1 10.0.0.1
        < udp.send 1: sent 1
        < udp.send 1: -105
        < udp.send 1: sent 2
        U sees "a" from 10.0.0.9:7
        U sees "cc" from 10.0.0.9:7
        "#,
    );
}

#[test]
fn what_is_no_name_is_told_at_once_7() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play(
        r#"
        > udp.send(1, "a", "10.0.0.1", 9) > udp.send(1, "b", "x.invalid", 9)
        < udp.send 1: -105
        "#,
    );
    rig.sim.fill_send_buffers(false);
    rig.play("> udp.getSockets()\n < udp.getSockets: [1]\n < udp.send 1: sent 1");
}

#[test]
fn other_sockets_do_not_wait_for_a_name_7() {
    let mut rig = udp_bound();
    rig.play(
        r#"
        > udp.create() > udp.bind(2, "10.0.0.9", 8) > udp.send(1, "a", "a.test", 9)
        < udp.create 2: ok
        < udp.bind 2: 0
        ? q1 of 1: a.test Any
        > udp.send(2, "b", "10.0.0.1", 9)
        < udp.send 2: sent 1
        A q1 10.0.0.1
        < udp.send 1: sent 1
        "#,
    );
}

// --- queue (6.2, 4.6 row 7)

#[test]
fn sends_that_wait_for_a_name_are_not_counted_until_they_have_it_4_6_row_7() {
    let mut rig = udp_bound();
    for n in 1..=40 {
        rig.play(&format!("> udp.send(1, \"{n}\", \"a.test\", 9)\n ? q{n} of 1: a.test Any"));
    }
    rig.sim.fill_send_buffers(true);
    rig.play("> udp.send(1, \"first\", \"10.0.0.1\", 9)");
    for n in 1..=32 {
        rig.answer(n, Ok(vec!["10.0.0.1".parse().unwrap()]));
    }
    rig.play("$\n ~ 1 send 5 to 10.0.0.1:9 -> blocked\n A q33 10.0.0.1\n < udp.send 1: -12\n A q34 -105\n < udp.send 1: -105");
    rig.sim.fill_send_buffers(false);
    rig.run();
    let mut expected = vec!["< udp.send 1: sent 5"];
    expected.extend(["< udp.send 1: sent 1"; 9]);
    expected.extend(["< udp.send 1: sent 2"; 23]);
    assert_eq!(rig.trace, expected);
}

#[test]
fn thirty_two_sends_wait_behind_one_in_progress_4_6_row_7_6_2() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    for n in 0..33 {
        rig.play(&format!("> udp.send(1, \"{n}\", \"10.0.0.1\", 9)"));
    }
    // Row 7 precedes row 8.
    rig.play(
        r#"
        > udp.send(1, "x", "10.0.0.1", 9) > udp.send(1, 65536 bytes, "10.0.0.1", 9)
        < udp.send 1: -12
        < udp.send 1: -12
        "#,
    );
    rig.sim.take_calls();
    rig.sim.fill_send_buffers(false);
    rig.run();
    let trace = std::mem::take(&mut rig.trace);
    assert_eq!(trace.len(), 33);
    for (n, line) in trace.iter().enumerate() {
        assert_eq!(*line, format!("< udp.send 1: sent {}", n.to_string().len()));
        rig.play(&format!("U sees \"{n}\" from 10.0.0.9:7"));
    }
    rig.play("U sees nothing");
}

#[test]
fn a_blocked_socket_sends_on_when_there_is_room_6_2() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play("> udp.send(1, \"a\", \"10.0.0.1\", 9) > udp.send(1, \"bb\", \"10.0.0.1\", 9)");
    rig.play("$\n ~ 1 send 1 to 10.0.0.1:9 -> blocked");
    rig.sim.fill_send_buffers(false);
    rig.play(
        r#"
        > udp.getSockets()
        < udp.getSockets: [1]
        < udp.send 1: sent 1
        < udp.send 1: sent 2
        "#,
    );
}

#[test]
fn a_failed_send_lets_the_next_ones_go_6_2() {
    let mut rig = udp_bound();
    rig.sim.fill_send_buffers(true);
    rig.play("> udp.send(1, \"a\", \"10.0.0.1\", 9) > udp.send(1, \"b\", \"10.0.0.1\", 9)");
    rig.sim.world().air.fail_send.push_back(libc::ENETUNREACH);
    rig.sim.fill_send_buffers(false);
    rig.play(
        r#"
        > udp.getSockets()
        < udp.getSockets: [1]
        < udp.send 1: -109
        < udp.send 1: sent 1
        "#,
    );
}

// --- quota (6.3, 4.6 row 1)

#[test]
fn the_quota_comes_before_everything_and_is_given_back_6_3() {
    let mut rig = udp_bound();
    rig.quota = 5;
    rig.play(
        r#"
        > udp.send(1, "12345", "10.0.0.1", 9) > udp.send(1, "123456", "10.0.0.1", 9)
        < udp.send 1: sent 5
        < udp.send 1: "Exceeded write quota."
        # Also before the id and the port.
        > udp.send(77, "123456", "10.0.0.1", -1)
        < udp.send 77: "Exceeded write quota."
        # Taken while the name is resolved, across the sockets of the app.
        > udp.send(1, "123", "a.test", 9) > udp.create() > udp.send(2, "123", "10.0.0.1", 9)
        < udp.create 2: ok
        < udp.send 2: "Exceeded write quota."
        ? q1 of 1: a.test Any
        > udp.send(2, "12", "10.0.0.1", 9)
        < udp.send 2: -15
        A q1 -105
        < udp.send 1: -105
        > udp.send(1, "12345", "10.0.0.1", 9)
        < udp.send 1: sent 5
        # A refused one gives back too.
        > udp.send(1, "12345", "10.0.0.1", -1)
        < udp.send 1: -4
        > udp.send(1, "12345", "x.invalid", 9)
        < udp.send 1: -105
        > udp.send(1, "12345", "10.0.0.1", 9)
        < udp.send 1: sent 5
        "#,
    );
}
