//! The read loop, the end of a connection, flow control (tcp.md 5).

use super::play::pattern;
use super::{connected, connected_with, rig, scripted, settle};
use crate::api::event::{Payload, RECEIVE_WEIGHT};
use crate::engine::Limits;
use crate::engine::sim::Step;
use crate::engine::tests::driver::{LIMITS, Rig};
use crate::net::{Ready, Stream, Token};

impl Rig {
    /// Says that socket 1 is ready; what then happens.
    #[track_caller]
    fn ready_play(&mut self, expected: &str) {
        self.trace.clear();
        let token = Token { owner: 1, lane: 0 };
        self.input(1, |engine| engine.handle_ready(token, Ready::READABLE));
        self.run();
        assert_eq!(self.trace.join("\n"), expected);
    }
}

#[test]
fn an_event_carries_at_most_the_buffer_size_or_4096_r_1() {
    connected().play(
        r#"
        P sends 4196 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 100 bytes
        "#,
    );
    connected_with("create(bufferSize 3)").play(
        r#"
        P sends "abcdefgh"
        ! onReceive 1: "abc"
        ! onReceive 1: "def"
        ! onReceive 1: "gh"
        "#,
    );
    connected_with("create(bufferSize 1)").play(
        r#"
        P sends "ab"
        ! onReceive 1: "a"
        ! onReceive 1: "b"
        "#,
    );
}

#[test]
fn a_new_buffer_size_applies_to_the_next_read_r_2() {
    connected_with("create(bufferSize 3)").play(
        r#"
        > update(1, bufferSize 5)
        < update 1: ok
        # The read in flight has the old size.
        P sends "abcdefghijk"
        ! onReceive 1: "abc"
        ! onReceive 1: "defgh"
        ! onReceive 1: "ijk"
        "#,
    );
    // One that started after it has the new one.
    connected_with("create(bufferSize 3)> setPaused(1, true)").play(
        r#"
        > update(1, bufferSize 5) > setPaused(1, false)
        < update 1: ok
        < setPaused 1: ok
        P sends "abcdefghijk"
        ! onReceive 1: "abcde"
        ! onReceive 1: "fghij"
        ! onReceive 1: "k"
        "#,
    );
}

#[test]
fn unpausing_does_not_change_the_size_of_the_leftover_read_r_1_pa_4() {
    connected_with("create(bufferSize 3)").play(
        r#"
        > setPaused(1, true) > update(1, bufferSize 5) > setPaused(1, false)
        < setPaused 1: ok
        < update 1: ok
        < setPaused 1: ok
        P sends "abcdefghij"
        ! onReceive 1: "abc"
        ! onReceive 1: "defgh"
        ! onReceive 1: "ij"
        "#,
    );
}

#[test]
fn a_read_never_waits_to_fill_the_buffer_r_3() {
    connected_with("create(bufferSize 60000)").play(
        r#"
        P sends "a"
        ! onReceive 1: "a"
        P sends "b"
        ! onReceive 1: "b"
        "#,
    );
}

#[test]
fn a_huge_buffer_size_is_kept_but_allocates_nothing_huge_r_4() {
    let mut rig = connected_with("create(bufferSize 2147483647)");
    rig.play(
        r#"
        > getInfo(1)
        < getInfo 1: connected bufferSize 2147483647 local 10.9.9.9 50001 peer 10.0.0.1 80
        P sends 100000 bytes
        ! onReceive 1: 65536 bytes
        ! onReceive 1: 34464 bytes
        $
        ~ 1 read 65536 -> 65536
        ~ 1 read 262144 -> 34464
        "#,
    );
    assert!(rig.received[&1] == pattern(100_000));
}

#[test]
fn bytes_arrive_in_order_and_all_before_the_end_r_5() {
    for (act, code) in [("closes", -100), ("resets", -101)] {
        let mut rig = connected();
        let data = pattern(200_000);
        rig.peers[0].as_mut().unwrap().write(&data).unwrap();
        let peer = rig.peers[0].take().unwrap();
        if act == "resets" {
            peer.reset();
        } else {
            drop(peer);
        }
        rig.run();
        assert!(rig.received[&1] == data);
        assert_eq!(rig.trace.last().unwrap(), &format!("! onReceiveError 1: {code}"));
        assert!(rig.trace.iter().rev().skip(1).all(|line| line.starts_with("! onReceive 1")));
    }
}

#[test]
fn delivered_bytes_are_never_written_again() {
    let mut rig = connected_with("create(bufferSize 100)");
    rig.holds = true;
    rig.writes_trace = false;
    for round in 0..400_usize {
        let data: Vec<u8> = pattern(round * 37 % 9000).iter().map(|b| b ^ round as u8).collect();
        rig.peers[0].as_mut().unwrap().write(&data).unwrap();
        rig.run();
        if round % 5 == 4 {
            // The older half is let go, so that memory can be used again at all.
            let half = rig.held.len() / 2;
            assert!(rig.held.drain(..half).all(|(data, copy)| data == copy));
        }
    }
    // The driver compares what is still held at the end.
    assert!(rig.held.len() > 100);
}

#[test]
fn the_end_is_an_error_event_never_an_empty_receive_r_6() {
    scripted(&[Step::End], &[]).ready_play("! onReceiveError 1: -100");
    connected().play("P ends\n ! onReceiveError 1: -100");
}

#[test]
fn read_errors_have_the_systems_code_r_7() {
    for (errno, code) in [
        (libc::ECONNRESET, -101),
        (libc::ETIMEDOUT, -7),
        (libc::ECONNABORTED, -103),
        (libc::EHOSTUNREACH, -109),
        (libc::ENETDOWN, -106),
        (libc::EACCES, -10),
        (libc::EPERM, -10),
        (libc::EROFS, -10),
        (libc::ENETRESET, -101),
        (libc::EPIPE, -101),
        (libc::ECONNREFUSED, -102),
        (libc::EHOSTDOWN, -109),
        (libc::ENETUNREACH, -109),
        (libc::EAFNOSUPPORT, -109),
        (libc::EADDRNOTAVAIL, -108),
        (libc::EMSGSIZE, -142),
        (libc::ENOTCONN, -15),
        (libc::EISCONN, -23),
        (libc::EINVAL, -4),
        (libc::EFAULT, -4),
        (libc::E2BIG, -4),
        (libc::ENODEV, -4),
        (libc::EADDRINUSE, -147),
        (libc::EBADF, -5),
        (libc::EBUSY, -12),
        (libc::EDEADLK, -12),
        (libc::ENFILE, -12),
        (libc::EMFILE, -12),
        (libc::ENOLCK, -12),
        (libc::EUSERS, -12),
        (libc::ENOBUFS, -176),
        (libc::ENOMEM, -13),
        (libc::ECANCELED, -3),
        (libc::ENOSYS, -11),
        (libc::ENOTSUP, -11),
        (libc::ENOPROTOOPT, -11),
        (libc::EIO, -2),
        (libc::ENOSPC, -2),
    ] {
        // 14.1
        let mut rig = scripted(&[Step::Data(b"ok"), Step::Fail(errno)], &[]);
        rig.ready_play("! onReceive 1: \"ok\"");
        rig.ready_play(&format!("! onReceiveError 1: {code}"));
    }
}

#[test]
fn one_error_event_per_connection_and_silence_after_it_r_8() {
    let mut rig = scripted(&[Step::Fail(libc::ECONNRESET), Step::Data(b"ghost")], &[]);
    rig.ready_play("! onReceiveError 1: -101");
    rig.ready_play("");
    rig.play(
        r#"
        > setPaused(1, false) > getInfo(1) > setPaused(1, true) > setPaused(1, false)
        < setPaused 1: ok
        < getInfo 1: -
        < setPaused 1: ok
        < setPaused 1: ok
        > disconnect(1)
        < disconnect 1: ok
        "#,
    );
    rig.ready_play("");
}

#[test]
fn the_connect_response_comes_before_the_first_event_r_9() {
    let mut rig = rig();
    rig.issue("create()> connect(1, \"10.0.0.1\", 80)");
    rig.meet();
    rig.peers[0].as_mut().unwrap().write(b"eager").unwrap();
    rig.trace.clear();
    rig.run();
    assert_eq!(rig.trace, ["< connect 1: 0", "! onReceive 1: \"eager\""]);
}

#[test]
fn an_error_event_pauses_the_socket_r_20_and_leaves_it_alive_r_22() {
    connected().play(
        r#"
        P closes
        ! onReceiveError 1: -100
        > getInfo(1) > getSockets() > close(1)
        < getInfo 1: - paused
        < getSockets: [1]
        < close 1: ok
        "#,
    );
}

#[test]
fn the_end_shuts_both_directions_r_21() {
    let mut rig = connected();
    rig.play(
        r#"
        P ends
        ! onReceiveError 1: -100
        > send(1, "answer")
        < send 1: -15
        P sees end
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

// --- system calls

#[test]
fn nothing_is_read_after_a_short_read() {
    connected().play(
        r#"
        P sends 1000 bytes
        ! onReceive 1: 1000 bytes
        $
        ~ 1 read 65536 -> 1000
        P sends 65536 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        ! onReceive 1: 4096 bytes
        # A full one may have left something.
        $
        ~ 1 read 65536 -> 65536
        ~ 1 read 262144 -> blocked
        "#,
    );
}

#[test]
fn reads_grow_while_they_bring_much_and_events_do_not_r_3() {
    let mut rig = connected_with("create(bufferSize 65536)");
    rig.play(
        r#"
        P sends 200000 bytes
        ! onReceive 1: 65536 bytes
        ! onReceive 1: 65536 bytes
        ! onReceive 1: 65536 bytes
        ! onReceive 1: 3392 bytes
        $
        ~ 1 read 65536 -> 65536
        ~ 1 read 262144 -> 134464
        P sends 1000 bytes
        ! onReceive 1: 1000 bytes
        $
        ~ 1 read 262144 -> 1000
        P sends 1000 bytes
        ! onReceive 1: 1000 bytes
        $
        ~ 1 read 65536 -> 1000
        "#,
    );
}

#[test]
fn a_short_read_goes_on_if_the_end_is_known_to_wait() {
    let mut rig = connected();
    rig.peers[0].as_mut().unwrap().write(b"x").unwrap();
    rig.play("P closes\n ! onReceive 1: \"x\"\n ! onReceiveError 1: -100\n $\n ~ 1 read 65536 -> 1\n ~ 1 read 65536 -> 0");
}

#[test]
fn sockets_are_read_in_turns() {
    let mut rig = rig();
    rig.issue("create()> create()> connect(1, \"10.0.0.1\", 80)> connect(2, \"10.0.0.1\", 80)");
    settle(&mut rig);
    for peer in rig.peers.iter_mut().flatten() {
        peer.write(&pattern(200_000)).unwrap();
    }
    rig.run();
    let reads = rig.sim.take_calls();
    let order: Vec<_> = reads.iter().map(|call| call.split(' ').next().unwrap()).collect();
    assert_eq!(order, ["1", "2", "1", "2"]);
}

// --- undelivered data (R-10)

/// What each event counts beyond its data.
const WEIGHT: usize = RECEIVE_WEIGHT;
const OF_ONE: isize = WEIGHT.cast_signed();

fn limited(per_socket: usize, per_app: usize, count_undelivered: bool) -> Rig {
    let limits = Limits {
        undelivered_per_socket: per_socket,
        undelivered_per_app: per_app,
        count_undelivered,
    };
    let mut rig = super::limited(limits);
    rig.issue("create(bufferSize 65536)> create()");
    rig.issue("connect(1, \"10.0.0.1\", 80)> connect(2, \"10.0.0.1\", 80)");
    settle(&mut rig);
    rig
}

#[test]
fn a_socket_is_not_read_while_too_much_of_it_is_undelivered_r_10() {
    let mut rig = limited(100 + WEIGHT, 1_000_000, true);
    rig.play(
        r#"
        P1 sends 99 bytes
        ! onReceive 1: 99 bytes
        P1 sends "a"
        ! onReceive 1: "a"
        P1 sends "b"
        # Another socket has its own credit.
        P2 sends "c"
        ! onReceive 2: "c"
        "#,
    );
    assert!(rig.engine.wants_release());
    rig.sim.take_calls();
    // Not tried again and again meanwhile.
    rig.run();
    rig.play("$");
    rig.release(2, 1 + OF_ONE);
    rig.run();
    rig.play("$");
    assert!(rig.engine.wants_release());
    rig.release(1, 1 + OF_ONE);
    rig.run();
    assert_eq!(rig.received[&1].len(), 101);
    assert!(!rig.engine.wants_release());
}

/// A peer that sends single bytes cannot make many times as much wait here.
#[test]
fn each_undelivered_event_counts_more_than_its_bytes_r_10() {
    let mut rig = limited(10 * WEIGHT, 1_000_000, true);
    for _ in 0..100 {
        rig.peers[0].as_mut().unwrap().write(b"x").unwrap();
        rig.run();
    }
    assert_eq!(rig.received[&1].len(), 10);
    assert!(rig.engine.wants_release());
}

/// Nor can one read, cut into events of a byte each.
#[test]
fn a_small_buffer_size_makes_no_flood_of_events_r_10() {
    let mut rig = limited(10 * WEIGHT, 1_000_000, true);
    rig.play("> update(1, bufferSize 1)\n < update 1: ok");
    // The read that the update finds under way has the old limit (R-2).
    rig.play("P1 sends \"x\"\n ! onReceive 1: \"x\"");
    let peer = rig.peers[0].as_mut().unwrap();
    let sent = peer.write(&pattern(65_536)).unwrap();
    rig.run();
    let held = rig.received[&1].len() * (1 + WEIGHT);
    assert!(held < 10 * WEIGHT + 65_536 + WEIGHT, "{held} bytes are held, of {sent} sent");
    assert!(rig.engine.wants_release());
    while rig.received[&1].len() < 1 + sent {
        rig.release(1, 100 * (OF_ONE + 1));
        rig.run();
    }
    assert_eq!(rig.received[&1][1..], pattern(sent));
}

/// Nor one that has the old limit for its first event only.
#[test]
fn a_buffer_size_that_shrinks_before_a_read_makes_no_flood_of_events_r_10() {
    let mut rig = limited(1_000_000, 1_000_000, true);
    rig.play(
        "> update(1, bufferSize 300)\n < update 1: ok\n P1 sends \"x\"\n ! onReceive 1: \"x\"",
    );
    rig.play("> update(1, bufferSize 1)\n < update 1: ok");
    let peer = rig.peers[0].as_mut().unwrap();
    let sent = peer.write(&pattern(65_536)).unwrap();
    rig.run();
    // But for the first, each byte is an event.
    let held = (rig.received[&1].len() - 300) * (1 + WEIGHT);
    assert!(held < 1_000_000 + 65_536 + 2 * WEIGHT, "{held} bytes are held, of {sent} sent");
}

#[test]
fn the_app_as_a_whole_has_a_limit_too_r_10() {
    let mut rig = limited(1000, 100, true);
    rig.play("P1 sends 100 bytes\n ! onReceive 1: 100 bytes\n P2 sends \"x\"");
    assert!(rig.engine.wants_release());
    rig.release(1, 50 + OF_ONE);
    rig.run();
    assert_eq!(rig.received[&2], b"x");
}

#[test]
fn a_stalled_socket_still_sends_pauses_and_ends_r_10() {
    let mut rig = limited(10, 1000, true);
    rig.play(
        r#"
        P1 sends "0123456789"
        ! onReceive 1: "0123456789"
        P1 sends "more"
        > send(1, "x") > setPaused(1, true) > setPaused(1, false)
        < send 1: sent 1
        < setPaused 1: ok
        < setPaused 1: ok
        P1 closes
        > disconnect(1)
        < disconnect 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    // Its credit comes back after it is gone.
    rig.play("> close(1)\n < close 1: ok");
    rig.release(1, 10 + OF_ONE);
    rig.play("P2 sends \"y\"\n ! onReceive 2: \"y\"");
}

#[test]
fn the_end_behind_undelivered_data_waits_for_it_r_5_r_10() {
    let mut rig = limited(10 + WEIGHT, 1000, true);
    rig.play(
        r#"
        P1 sends "0123456789"
        ! onReceive 1: "0123456789"
        P1 sends "rest"
        P1 closes
        "#,
    );
    rig.release(1, 10 + OF_ONE);
    rig.run();
    assert_eq!(rig.trace, ["! onReceive 1: \"rest\"", "! onReceiveError 1: -100"]);
}

#[test]
fn data_the_host_keeps_counts_also_without_a_queue_r_10() {
    let mut rig = limited(100, 1000, false);
    rig.play("P1 sends 500 bytes\n ! onReceive 1: 500 bytes");
    // Negative: the host keeps them beyond the callback.
    rig.release(1, -100);
    rig.play("P1 sends \"x\"");
    assert!(rig.engine.wants_release());
    rig.release(1, 100);
    rig.run();
    assert_eq!(rig.received[&1].len(), 501);
}

#[test]
fn releases_of_more_than_was_given_do_no_harm() {
    let mut rig = limited(10, 20, true);
    for (id, bytes) in [(1, isize::MAX), (1, 5), (7, 5), (0, 1), (-3, 9)] {
        rig.release(id, bytes);
    }
    rig.play("P1 sends \"0123456789\"\n ! onReceive 1: \"0123456789\"\n P1 sends \"x\"");
    assert!(rig.engine.wants_release());
}

#[test]
fn the_limits_are_not_passed_by_more_than_one_read_r_10() {
    let mut rig = limited(1000, 1_000_000, true);
    rig.peers[0].as_mut().unwrap().write(&pattern(200_000)).unwrap();
    rig.run();
    assert!(rig.received[&1].len() <= 1000 + LIMITS.undelivered_per_socket.min(65_536));
    let mut given = rig.received[&1].len();
    for _ in 0..10 {
        rig.release(1, given.cast_signed() + OF_ONE);
        let before = rig.received[&1].len();
        rig.run();
        given = rig.received[&1].len() - before;
    }
    assert!(rig.received[&1] == pattern(200_000));
}

/// Small events that wait for others, as in a queue, do not let what lies beside them grow: it would be
/// copied for each read that finds no room behind it.
#[test]
fn what_lies_beside_events_is_bounded_r_1() {
    let mut rig = connected();
    let sent = pattern(200_000);
    for piece in sent.chunks(1000) {
        rig.peers[0].as_mut().unwrap().write(piece).unwrap();
        for (token, ready) in rig.sim.take_ready(rig.host) {
            rig.engine.handle_ready(token, ready);
        }
        let beside = rig.engine.ctx.buffer.beside().len();
        assert!(beside <= 64 * 1024, "{beside} bytes");
    }
    rig.run();
    rig.input(1, |_| {});
    assert!(rig.received[&1] == sent);
}

/// With no queue between, several reads may come before their events are handed out, or taken away.
#[test]
fn large_reads_lie_beside_their_events_until_these_are_handed_out_or_taken_r_1() {
    let mut rig = connected();
    rig.engine.ctx.limits.count_undelivered = false;
    let sent = pattern(900_000);
    let (mut received, mut in_place, mut taken) = (Vec::new(), 0, Vec::new());
    for (n, piece) in sent.chunks(9000).enumerate() {
        rig.peers[0].as_mut().unwrap().write(piece).unwrap();
        for (token, ready) in rig.sim.take_ready(rig.host) {
            rig.engine.handle_ready(token, ready);
        }
        let beside = rig.engine.ctx.buffer.beside().len();
        assert!(beside <= 64 * 1024, "{beside} bytes");
        match n % 20 {
            0 | 3 | 15 => rig.engine.hand_out(|events, beside, _| {
                for event in events.drain(..) {
                    in_place += usize::from(matches!(event.payload, Payload::Piece(_)));
                    received.extend_from_slice(event.data(beside));
                }
            }),
            5 | 19 => {
                rig.engine.take_events(&mut taken);
                taken.drain(..).for_each(|event| received.extend_from_slice(event.data(&[])));
            }
            _ => {}
        }
    }
    assert!(received == sent);
    // Of four reads in twenty at least, three events each.
    assert!(in_place >= 60, "{in_place} events");
}
