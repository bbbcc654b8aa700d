//! Sends over TLS: complete when their records are with the kernel, neither early nor twice (tcp.md S-1,
//! S-4, TLS-43).

use super::super::play::pattern;
use super::{Case, Talk};
use crate::engine::sim::Random;

/// Socket 1, secured and reading, over a connection that holds so many bytes each way.
fn secured(capacity: usize) -> Talk {
    let mut talk = Case::good().begin();
    talk.run();
    talk.events();
    talk.works();
    talk.heard.clear();
    talk.rig.sim.widen(capacity);
    talk
}

#[test]
fn a_send_completes_when_the_kernel_has_its_last_byte_s_4() {
    // A record of 5 bytes takes 27 on the wire: head, kind and tag of TLS 1.3.
    for room in 1..=27 {
        let mut talk = secured(room);
        talk.rig.issue("send(1, \"12345\")");
        talk.rig.run();
        let mut left = 27_usize;
        while left > room {
            assert_eq!(talk.events(), [""; 0], "{left} bytes are not with the kernel");
            assert!(talk.hear());
            talk.rig.run();
            left -= room;
        }
        assert_eq!(talk.events(), ["< send 1: sent 5"]);
        talk.run();
        assert_eq!(talk.heard, b"12345");
        assert_eq!(talk.rig.accounts.unsent(), 0, "Q-2");
    }
}

#[test]
fn sends_of_all_sizes_arrive_whole_and_in_order_through_any_bottleneck_s_1() {
    for (capacity, per_write) in [(1, 1), (7, 3), (100, 64), (16_411, 16_411), (70_000, 5000)] {
        let mut talk = secured(capacity);
        talk.rig.sim.world().most_per_write = per_write;
        let sizes = [1, 0, 5, 1000, 16_384, 16_385, 3, 65_536, 65_537, 200_000, 1];
        let sizes = if capacity < 100 { &sizes[..4] } else { &sizes[..] };
        let mut expected = Vec::new();
        let mut calls = String::new();
        for size in sizes {
            calls += &format!("> send(1, {size} bytes)");
            expected.extend(pattern(*size));
        }
        talk.rig.issue(&calls);
        talk.run();
        let completed: Vec<_> = sizes.iter().map(|n| format!("< send 1: sent {n}")).collect();
        assert_eq!(talk.events(), completed);
        assert!(talk.heard == expected, "{capacity} {per_write}");
        assert_eq!(talk.rig.accounts.unsent(), 0, "Q-2");
    }
}

#[test]
fn both_ways_at_once_through_a_kernel_that_stutters() {
    use std::io::Write;
    for seed in 0..20 {
        let mut talk = secured(3000);
        talk.rig.sim.world().stutter = Some(Random::new(seed));
        talk.rig.received.clear();
        let data = pattern(40_000);
        talk.server.writer().write_all(&data).unwrap();
        talk.rig.issue("send(1, 10000 bytes)> send(1, 30000 bytes)");
        talk.run();
        talk.rig.sim.heal();
        let said = [pattern(10_000), pattern(30_000)].concat();
        assert!(talk.heard == said, "seed {seed}");
        assert!(talk.rig.received[&1] == data, "seed {seed}");
    }
}

#[test]
fn a_close_amid_a_record_sends_nothing_behind_it_and_fails_the_sends_d1() {
    let mut talk = secured(20);
    talk.rig.play(
        r#"
        > send(1, 100 bytes) > send(1, "x") > close(1)
        < send 1: -15
        < send 1: -15
        < close 1: ok
        ! onReceiveError 1: -100
        "#,
    );
    let (bytes, state) = talk.rig.peers[0].as_mut().unwrap().take();
    assert_eq!((bytes.len(), state), (20, "end"));
    assert_eq!(talk.rig.accounts.unsent(), 0, "Q-2");
}

#[test]
fn a_reset_fails_the_send_in_progress_with_its_code_s_8() {
    let mut talk = secured(20);
    talk.rig.issue("send(1, 100 bytes)> send(1, \"x\")");
    talk.rig.run();
    talk.rig.peers[0].take().unwrap().reset();
    talk.rig.run();
    let events = talk.events();
    assert_eq!(events, ["< send 1: -101", "< send 1: -15", "! onReceiveError 1: -101"]);
}

#[test]
fn a_send_beyond_the_quota_disturbs_no_other_q_1() {
    let mut talk = secured(20);
    talk.rig.quota = 1000;
    talk.rig.issue("send(1, 600 bytes)> send(1, 600 bytes)> send(1, 300 bytes)");
    talk.rig.run();
    assert_eq!(talk.events(), ["< send 1: \"Exceeded write quota.\""]);
    talk.run();
    assert_eq!(talk.events(), ["< send 1: sent 600", "< send 1: sent 300"]);
    assert!(talk.heard == [pattern(600), pattern(300)].concat());
}

/// What is gathered meanwhile is not sealed where a chunk ends that TLS has taken.
#[test]
fn sends_of_any_size_arrive_once_through_a_kernel_without_room_s_1() {
    for (size, number) in [(10_000, 10), (3_000, 30), (1_400, 60), (16_384, 5)] {
        let mut talk = secured(20_000);
        talk.rig.issue(&vec![format!("send(1, {size} bytes)"); number].join("> "));
        talk.run();
        assert_eq!(talk.events(), vec![format!("< send 1: sent {size}"); number]);
        assert!(talk.heard == pattern(size).repeat(number), "{number} times {size}");
    }
}

#[test]
fn random_sends_arrive_once_and_complete_s_4() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let capacity = [500, 5000, 20_000, 66_000, 140_000][random.below(5)];
        let mut talk = secured(capacity);
        talk.rig.sim.world().most_per_write = 1 + random.below(capacity);
        talk.rig.sim.world().stutter = random.one_in(3).then(|| Random::new(seed));
        let (mut sent, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..1 + random.below(6) {
            let limit = [100, 3000, 16_385, 100_000][random.below(4)];
            let sizes: Vec<_> = (0..1 + random.below(40)).map(|_| random.below(limit)).collect();
            let calls: Vec<_> = sizes.iter().map(|size| format!("send(1, {size} bytes)")).collect();
            talk.rig.issue(&calls.join("> "));
            sent.extend(sizes.iter().map(|size| format!("< send 1: sent {size}")));
            sizes.iter().for_each(|size| expected.extend(pattern(*size)));
            for _ in 0..random.below(5) {
                talk.rig.run();
                talk.hear();
            }
        }
        talk.rig.sim.heal();
        talk.run();
        assert_eq!(talk.events(), sent, "seed {seed}");
        assert!(talk.heard == expected, "seed {seed}");
        assert_eq!(talk.rig.accounts.unsent(), 0, "seed {seed}");
    }
}
