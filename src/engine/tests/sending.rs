//! `send` and the write quota (tcp.md 4).

use super::play::pattern;
use super::{connected, connected_with, rig, scripted};
use crate::engine::sim::{Place, Step};
use crate::engine::tests::driver::Rig;
use crate::net::Feature;

/// Socket 1 connected to a peer that holds only so many bytes.
fn narrow(buffer: usize) -> Rig {
    let mut rig = rig();
    rig.sim.world().buffer = buffer;
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
    super::settle(&mut rig);
    rig
}

#[test]
fn the_whole_length_is_reported_though_it_went_out_in_parts_s_1() {
    for (len, is_prompt) in [(10_000, false), (100_000, false), (100_000, true)] {
        let mut rig = narrow(4000);
        rig.is_prompt = is_prompt;
        rig.play(&format!("> send(1, {len} bytes)"));
        let mut seen = Vec::new();
        while rig.trace.is_empty() {
            let (data, state) = rig.peers[0].as_mut().unwrap().take();
            assert_eq!(state, "open");
            seen.extend(data);
            rig.run();
        }
        seen.extend(rig.peers[0].as_mut().unwrap().take().0);
        assert_eq!(rig.trace, [format!("< send 1: sent {len}")]);
        assert!(seen == pattern(len));
    }
}

#[test]
fn the_quota_is_checked_before_the_lookup_s_2() {
    let mut rig = Rig::new();
    rig.quota = 10;
    rig.play(
        r#"
        > send(9, 11 bytes) > send(9, 10 bytes)
        < send 9: "Exceeded write quota."
        < send 9: "Socket not found"
        "#,
    );
}

#[test]
fn the_data_is_copied_s_3() {
    let mut rig = narrow(2);
    rig.send(1, &[b"abcd".to_vec(), b"efgh".to_vec()]);
    // The bytes the calls lay in are gone by now; the rest goes out later.
    rig.play(
        r#"
        P sees "ab" open
        < send 1: sent 4
        P sees "cd" open
        P sees "ef" open
        < send 1: sent 4
        P sees "gh" open
        "#,
    );
}

#[test]
fn sends_go_out_in_call_order_never_mixed_s_4() {
    let mut rig = narrow(50_000);
    // Small ones gathered, large ones as blocks, between each other.
    let sizes = [3, 0, 20_000, 5, 70_000, 16_384, 16_385, 1, 0, 40_000, 2];
    let mut all = Vec::new();
    let mut sends = Vec::new();
    for size in sizes {
        let data: Vec<u8> = (0..size).map(|i| (all.len() + i) as u8 ^ (i >> 7) as u8).collect();
        all.extend_from_slice(&data);
        sends.push(data);
    }
    rig.trace.clear();
    let mut seen = Vec::new();
    for (at, data) in sends.into_iter().enumerate() {
        rig.send(1, &[data]);
        rig.run();
        if at % 3 == 0 {
            seen.extend(rig.peers[0].as_mut().unwrap().take().0);
            rig.run();
        }
    }
    loop {
        let data = rig.peers[0].as_mut().unwrap().take().0;
        rig.run();
        if data.is_empty() {
            break;
        }
        seen.extend(data);
    }
    assert!(seen == all, "bytes in call order");
    let expected: Vec<_> = sizes.iter().map(|size| format!("< send 1: sent {size}")).collect();
    assert_eq!(rig.trace, expected);
}

#[test]
fn what_waits_for_its_turn_is_not_overtaken_s_4() {
    let mut rig = narrow(10_000_000);
    // The kernel would take it all, but other sockets get their turn.
    rig.play(
        r#"
        > send(1, 3000000 bytes) > send(1, "x")
        < send 1: sent 3000000
        < send 1: sent 1
        "#,
    );
    let (data, _) = rig.peers[0].as_mut().unwrap().take();
    assert!(data == [&pattern(3_000_000)[..], b"x"].concat());
}

#[test]
fn a_send_of_nothing_has_its_place_in_the_queue_s_5() {
    connected().play(
        r#"
        > send(1, "")
        < send 1: sent 0
        $
        P sees open
        "#,
    );
    narrow(2).play(
        r#"
        > send(1, "abc") > send(1, "") > send(1, "d")
        > send(1, "")
        P sees "ab" open
        < send 1: sent 3
        < send 1: sent 0
        < send 1: sent 1
        < send 1: sent 0
        "#,
    );
    Rig::new().play(
        r#"
        > create() > send(1, "")
        < create 1: ok
        < send 1: -15
        "#,
    );
}

#[test]
fn sends_of_a_socket_that_is_not_connected_fail_and_change_nothing_s_6() {
    let mut rig = connected();
    rig.sim.place("10.0.0.2:80", Place::Silent);
    rig.play(
        r#"
        > create() > send(2, "x") > send(2, 20000 bytes)
        < create 2: ok
        < send 2: -15
        < send 2: -15
        > connect(2, "10.0.0.2", 80) > send(2, "x") > getInfo(2)
        < send 2: -15
        < getInfo 2: -
        > disconnect(2) > send(2, "x")
        < connect 2: -3
        < disconnect 2: ok
        < send 2: -15
        > connect(2, "a.test", 80) > send(2, "x") > disconnect(2)
        < send 2: -15
        < connect 2: -3
        < disconnect 2: ok
        ? q1 of 2: a.test Any
        ? q1 unwanted
        P closes
        ! onReceiveError 1: -100
        > send(1, "x") > send(1, "y") > getInfo(1)
        < send 1: -15
        < send 1: -15
        < getInfo 1: - paused
        "#,
    );
}

#[test]
fn a_send_completes_when_the_kernel_has_taken_it_not_when_it_was_read_s_7() {
    narrow(10).play(
        r#"
        > send(1, "0123456789")
        < send 1: sent 10
        > send(1, "x")
        P sees "0123456789" open
        < send 1: sent 1
        "#,
    );
}

#[test]
fn a_write_error_fails_the_send_in_progress_with_the_systems_code_s_8_to_s_10() {
    for (errno, code) in [
        (libc::ECONNRESET, -101),
        (libc::EPIPE, -101),
        (libc::ETIMEDOUT, -7),
        (libc::ENETDOWN, -106),
        (libc::ENOBUFS, -176),
        (libc::EHOSTUNREACH, -109),
        (libc::EIO, -2),
    ] {
        // At once, and after a part; behind it two more in the queue.
        let mut rig = scripted(&[], &[Step::Fail(errno)]);
        rig.play(&format!(
            r#"
            > send(1, "abc")
            < send 1: {code}
            ! onReceiveError 1: {code}
            > getInfo(1) > send(1, "x")
            < getInfo 1: - paused
            < send 1: -15
            "#,
        ));
        let mut rig = scripted(&[], &[Step::Take(4), Step::Fail(errno)]);
        rig.play(&format!(
            r#"
            > send(1, "abc") > send(1, "def") > send(1, "") > send(1, "ghi")
            < send 1: sent 3
            < send 1: {code}
            < send 1: -15
            < send 1: -15
            ! onReceiveError 1: {code}
            "#,
        ));
        for (steps, is_prompt) in [
            (&[Step::Take(1), Step::Fail(errno)][..], false),
            (&[Step::Take(1), Step::Fail(errno)], true),
            (&[Step::Fail(errno)], true),
            (&[Step::Block, Step::Fail(errno)], true),
        ] {
            let mut rig = scripted(&[], steps);
            rig.is_prompt = is_prompt;
            rig.issue("send(1, 20000 bytes)");
            rig.run();
            if rig.trace.is_empty() {
                let token = crate::net::Token { owner: 1, lane: 0 };
                rig.input(1, |engine| engine.handle_ready(token, crate::net::Ready::WRITABLE));
            }
            let failed = [format!("< send 1: {code}"), format!("! onReceiveError 1: {code}")];
            assert_eq!(rig.trace, failed);
        }
    }
}

#[test]
fn a_write_error_in_the_queue_fails_the_send_in_progress_s_8_to_s_10_o_7() {
    let mut rig = narrow(5);
    rig.play(
        r#"
        > send(1, 8 bytes) > send(1, 20000 bytes) > send(1, "x")
        P breaks 110
        < send 1: -7
        < send 1: -15
        < send 1: -15
        ! onReceiveError 1: -7
        > getInfo(1)
        < getInfo 1: - paused
        "#,
    );
}

#[test]
fn a_write_error_on_a_paused_socket_raises_no_event_s_9() {
    connected_with("create()> setPaused(1, true)").play(
        r#"
        P resets
        > send(1, "x") > send(1, "y") > getInfo(1)
        < send 1: -101
        < send 1: -15
        < getInfo 1: - paused
        > setPaused(1, false)
        < setPaused 1: ok
        "#,
    );
}

#[test]
fn unfinished_sends_fail_when_the_connection_ends_otherwise_s_11() {
    for (act, code) in [("ends", -100), ("breaks 104", -101)] {
        let mut rig = narrow(5);
        rig.play("> send(1, 8 bytes) > send(1, 20000 bytes) > send(1, \"\")");
        rig.play(&format!(
            r#"
            P sends "end"
            ! onReceive 1: "end"
            P {act}
            < send 1: {first}
            < send 1: -15
            < send 1: -15
            ! onReceiveError 1: {code}
            "#,
            first = if code == -100 { -15 } else { code },
        ));
    }
}

#[test]
fn the_first_send_after_the_peer_closed_succeeds_and_a_later_one_fails_s_12() {
    connected_with("create()> setPaused(1, true)").play(
        r#"
        P closes
        > send(1, "x")
        < send 1: sent 1
        > send(1, "y")
        < send 1: -101
        > send(1, "z")
        < send 1: -15
        "#,
    );
}

#[test]
fn a_paused_socket_sends_normally_s_13() {
    connected_with("create()> setPaused(1, true)").play(
        r#"
        > send(1, "abc")
        < send 1: sent 3
        P sees "abc" open
        "#,
    );
}

#[test]
fn the_queue_of_a_dead_connection_does_not_hinder_the_next_one_d1() {
    let mut rig = narrow(5);
    rig.play(
        r#"
        > send(1, 100 bytes) > disconnect(1) > connect(1, "10.0.0.1", 80)
        < send 1: -15
        < disconnect 1: ok
        ! onReceiveError 1: -100
        < connect 1: 0
        > send(1, "new")
        < send 1: sent 3
        P sees "new" open
        "#,
    );
}

#[test]
fn a_queued_write_that_takes_nothing_is_a_failure_s_8() {
    scripted(&[], &[Step::Take(1), Step::Block, Step::Take(0)]).play(
        r#"
        > send(1, "abc")
        > disconnect(1)
        < send 1: -15
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    let mut rig = scripted(&[], &[Step::Take(1), Step::Block, Step::Take(0)]);
    rig.play("> send(1, \"abc\")");
    let token = crate::net::Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, crate::net::Ready::WRITABLE));
    rig.run();
    assert_eq!(rig.trace, ["< send 1: -2", "! onReceiveError 1: -2"]);
}

// --- system calls

#[test]
fn sends_made_together_are_written_together() {
    connected().play(
        r#"
        > send(1, "ab") > send(1, "") > send(1, "cde") > send(1, "f")
        < send 1: sent 2
        < send 1: sent 0
        < send 1: sent 3
        < send 1: sent 1
        $
        ~ 1 write 6 -> 6
        "#,
    );
}

#[test]
fn nothing_is_written_while_the_stream_is_blocked() {
    let mut rig = narrow(4);
    rig.play(
        r#"
        > send(1, "abcdef")
        $
        ~ 1 write 6 -> 4
        ~ 1 write 2 -> blocked
        > send(1, "gh")
        > send(1, "ij")
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
        $
        P sees "abcd" open
        < send 1: sent 6
        < send 1: sent 2
        $
        ~ 1 write 6 -> 4
        ~ 1 write 2 -> blocked
        P sees "efgh" open
        < send 1: sent 2
        $
        ~ 1 write 2 -> 2
        "#,
    );
}

#[test]
fn waiting_blocks_are_written_in_one_call() {
    let mut rig = narrow(4);
    rig.play("> send(1, \"abcdef\") > send(1, 20000 bytes) > send(1, \"gh\") > send(1, \"i\")");
    rig.sim.widen(1_000_000);
    rig.play(
        r#"
        $
        ~ 1 write 6 -> 4
        ~ 1 write 2 -> blocked
        P sees "abcd" open
        < send 1: sent 6
        < send 1: sent 20000
        < send 1: sent 2
        < send 1: sent 1
        $
        ~ 1 write 2+20000 -> 20002
        ~ 1 write 3 -> 3
        "#,
    );
}

#[test]
fn without_gathering_each_send_is_written_alone_s_4() {
    let mut rig = narrow(1_000_000);
    let sends = r#"
        $
        > send(1, "a") > send(1, "bb") > send(1, 20000 bytes) > send(1, 30000 bytes)
        < send 1: sent 1
        < send 1: sent 2
        < send 1: sent 20000
        < send 1: sent 30000
        $
        "#;
    rig.play(&format!("{sends} ~ 1 write 3 -> 3\n ~ 1 write 20000+30000 -> 50000"));
    rig.engine.sockets.without = Feature::GatheredSends as u32;
    rig.play(&format!(
        "{sends} ~ 1 write 1 -> 1\n ~ 1 write 2 -> 2
        ~ 1 write 20000 -> 20000\n ~ 1 write 30000 -> 30000"
    ));
    rig.peers[0].as_mut().unwrap().take();
    rig.play("> send(1, \"ab\") > send(1, \"cd\")\n < send 1: sent 2\n < send 1: sent 2");
    rig.play("P sees \"abcd\" open");
}

#[test]
fn without_gathering_sends_fail_one_by_one_s_8_to_s_10() {
    let mut rig = scripted(&[], &[Step::Take(1), Step::Fail(libc::EPIPE)]);
    rig.engine.sockets.without = Feature::GatheredSends as u32;
    rig.play(
        r#"
        > send(1, "a") > send(1, "bb") > send(1, "c")
        < send 1: sent 1
        < send 1: -101
        ! onReceiveError 1: -101
        < send 1: -15
        "#,
    );
}

#[test]
fn blocks_that_follow_one_another_are_written_in_one_call_s_4() {
    let mut rig = narrow(1_000_000);
    rig.play(
        r#"
        $
        > send(1, 20000 bytes) > send(1, 30000 bytes) > send(1, "x") > send(1, 40000 bytes)
        < send 1: sent 20000
        < send 1: sent 30000
        < send 1: sent 1
        < send 1: sent 40000
        $
        ~ 1 write 20000+30000 -> 50000
        ~ 1 write 1 -> 1
        ~ 1 write 40000 -> 40000
        "#,
    );
    // What comes between them finds the ones before it written.
    rig.play(
        r#"
        $
        > send(1, 20000 bytes) > getInfo(1) > send(1, 30000 bytes)
        < send 1: sent 20000
        < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
        < send 1: sent 30000
        $
        ~ 1 write 20000 -> 20000
        ~ 1 write 30000 -> 30000
        "#,
    );
}

#[test]
fn prompt_sends_are_written_alone_and_behind_what_waits_s_4() {
    let mut rig = narrow(100_000);
    rig.is_prompt = true;
    rig.play(
        r#"
        $
        > send(1, 20000 bytes) > send(1, "x") > send(1, 30000 bytes) > send(1, 60000 bytes) > send(1, 20000 bytes)
        < send 1: sent 20000
        < send 1: sent 1
        < send 1: sent 30000
        $
        ~ 1 write 20000 -> 20000
        ~ 1 write 1 -> 1
        ~ 1 write 30000 -> 30000
        ~ 1 write 60000 -> 49999
        ~ 1 write 10001 -> blocked
        "#,
    );
    let seen = rig.peers[0].as_mut().unwrap().take().0;
    rig.trace.clear();
    rig.run();
    assert_eq!(rig.trace, ["< send 1: sent 60000", "< send 1: sent 20000"]);
    let rest = rig.peers[0].as_mut().unwrap().take().0;
    let parts = [20_000, 1, 30_000, 60_000, 20_000].map(pattern);
    assert!(seen[20_001..] == [&parts[2][..], &parts[3][..49_999]].concat());
    assert!(rest == [&parts[3][49_999..], &parts[4][..]].concat());
}

#[test]
fn blocks_in_one_call_fail_one_by_one_s_8_to_s_10() {
    let mut rig = scripted(&[], &[Step::Take(20_001), Step::Fail(libc::EPIPE)]);
    rig.play(
        r#"
        > send(1, 20000 bytes) > send(1, 30000 bytes) > send(1, 40000 bytes)
        < send 1: sent 20000
        < send 1: -101
        < send 1: -15
        ! onReceiveError 1: -101
        "#,
    );
}

#[test]
fn a_long_queue_is_written_in_turns_with_other_sockets() {
    let mut rig = narrow(1);
    rig.play("> send(1, \"ab\") > send(1, 5000000 bytes) > send(1, 5000000 bytes)");
    rig.sim.widen(usize::MAX / 2);
    rig.sim.world().most_per_write = 100_000;
    rig.issue("create()> connect(2, \"10.0.0.1\", 80)");
    rig.run();
    rig.meet();
    rig.trace.clear();
    // Both become ready in the same turn; the second must not wait for ten megabytes.
    let _ = rig.peers[0].as_mut().unwrap().take();
    crate::net::Stream::write(rig.peers[1].as_mut().unwrap(), b"hi").unwrap();
    rig.run();
    let at = |line: &str| rig.trace.iter().position(|l| l == line).expect(line);
    assert!(at("! onReceive 2: \"hi\"") < rig.trace.len() - 1, "{:?}", rig.trace);
}

/// As fair as reading: one large send does not keep the others waiting until all of it is out.
#[test]
fn a_huge_send_is_written_in_turns_with_other_sockets() {
    let mut rig = narrow(usize::MAX / 2);
    rig.sim.world().most_per_write = 100_000;
    rig.issue("send(1, 5000000 bytes)");
    let first = rig.peers[0].as_mut().unwrap().take().0;
    assert!(!first.is_empty() && first.len() <= 1024 * 1024, "{} bytes at once", first.len());
    rig.run();
    let rest = rig.peers[0].as_mut().unwrap().take().0;
    assert!([first, rest].concat() == pattern(5_000_000));
    assert_eq!(rig.trace, ["< send 1: sent 5000000"]);
}

// --- 4.1

#[test]
fn the_quota_may_be_reached_but_not_exceeded_q_1() {
    let mut rig = narrow(10);
    rig.quota = 100;
    rig.play(
        r#"
        > send(1, 60 bytes) > send(1, 41 bytes) > send(1, 40 bytes) > send(1, "x") > send(1, "")
        < send 1: "Exceeded write quota."
        < send 1: "Exceeded write quota."
        "#,
    );
    assert_eq!(rig.accounts.unsent(), 100);
}

#[test]
fn bytes_count_from_the_call_to_its_response_q_2() {
    let mut rig = narrow(10);
    rig.quota = 30;
    rig.play("> send(1, 30 bytes)\n > send(1, \"x\")\n < send 1: \"Exceeded write quota.\"");
    for taken in [10, 20] {
        assert_eq!(rig.peers[0].as_mut().unwrap().take().0.len(), 10, "after {taken}");
        assert_eq!(rig.accounts.unsent(), 30, "all of it until the response");
        rig.run();
    }
    assert_eq!(rig.accounts.unsent(), 0);
    assert_eq!(rig.trace, ["< send 1: sent 30"]);
    rig.peers[0].as_mut().unwrap().take();
    rig.play(
        r#"
        > send(1, 29 bytes) > send(1, "x") > close(1)
        < send 1: -15
        < send 1: -15
        < close 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    assert_eq!(rig.accounts.unsent(), 0);
    // Failures give back too, on every path.
    rig.issue("create()");
    rig.run();
    for size in [30, 30_000] {
        rig.quota = size;
        rig.play(&format!(
            r#"
            > send(1, {size} bytes)
            < send 1: "Socket not found"
            > send(2, {size} bytes)
            < send 2: -15
            "#,
        ));
        assert_eq!(rig.accounts.unsent(), 0);
    }
}
