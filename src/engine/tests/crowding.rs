//! Many sockets that all wait for room in what their app may hold undelivered (tcp.md R-10).

use super::driver::Rig;
use super::{HERE, settle};
use crate::engine::sim::Sim;
use crate::engine::{Event, Limits, Payload};
use crate::net::Stream;
use crate::permissions::Grants;

/// So many sockets, to each of which several reads are on their way, of an app that has room for one read.
fn crowd(sockets: usize) -> Rig {
    let limits = Limits {
        undelivered_per_socket: usize::MAX,
        undelivered_per_app: 1000,
        count_undelivered: true,
    };
    let mut rig = Rig::with(&Sim::new(), 0, limits, Grants::allow_all());
    rig.releases = false;
    rig.sim.serve(HERE);
    for id in 1..=sockets {
        rig.issue(&format!("create()> connect({id}, \"10.0.0.1\", 80)"));
    }
    settle(&mut rig);
    for peer in rig.peers.iter_mut().flatten() {
        peer.write(&[7; 200_000]).unwrap();
    }
    rig.run();
    rig
}

/// The sockets that were read since the last call.
fn read(rig: &Rig) -> Vec<i32> {
    let calls = rig.sim.take_calls();
    calls.iter().map(|call| call.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn sockets_that_wait_for_room_get_it_in_turns_r_10() {
    let mut rig = crowd(5);
    let mut order = read(&rig);
    assert_eq!(order.len(), 1, "there is room for one read");
    while order.len() < 10 {
        // Everything that was read is given back, and there is more to read of every socket.
        rig.release(order[order.len() - 1], isize::MAX);
        rig.run();
        order.extend(read(&rig));
    }
    let (first, second) = order.split_at(5);
    assert_eq!(first, second);
    let mut all = first.to_vec();
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4, 5]);
}

#[test]
fn room_for_one_is_not_offered_to_a_thousand_r_10() {
    let mut rig = crowd(1000);
    let last = read(&rig)[0];
    rig.release(last, isize::MAX);
    let mut visits = 0;
    while rig.engine.next_work().is_some() {
        rig.input(0, |engine| _ = engine.handle_next_work());
        visits += 1;
    }
    assert_eq!(read(&rig).len(), 1);
    assert!(visits < 5, "{visits} visits");
}

#[test]
fn a_socket_that_is_gone_does_not_keep_the_others_waiting_r_10() {
    let mut rig = crowd(5);
    let first = read(&rig)[0];
    for id in (1..=4).filter(|id| *id != first) {
        rig.issue(&format!("close({id})"));
    }
    rig.run();
    rig.sim.take_calls();
    rig.release(first, isize::MAX);
    rig.run();
    assert_eq!(read(&rig), [5]);
}

/// A rig that keeps events, as a host that takes none of them yet.
fn keeping(sockets: usize) -> Rig {
    let mut rig = Rig::new();
    rig.writes_trace = false;
    (0..sockets).for_each(|_| rig.issue("create()"));
    rig.kept = Some(Vec::new());
    rig
}

/// The sizes of the lists that `getSockets` has told since, and how often there was none.
fn lists(rig: &Rig) -> (Vec<usize>, usize) {
    let kept = rig.kept.as_deref().unwrap();
    let list = |event: &Event| match &event.payload {
        Payload::Sockets(list) => Some(size_of_val::<[_]>(list)),
        _ => None,
    };
    let failed = kept.iter().filter(|event| {
        event.message == Some(c"net::ERR_INSUFFICIENT_RESOURCES") && event.result.is_none()
    });
    (kept.iter().filter_map(list).collect(), failed.count())
}

#[test]
fn lists_that_nobody_takes_are_bounded_2_2() {
    const MIB: usize = 1 << 20;
    let mut rig = keeping(10_000);
    (0..1000).for_each(|_| rig.issue("getSockets()"));
    let (sizes, failed) = lists(&rig);
    let sum: usize = sizes.iter().sum();
    assert!(sizes.len() + failed == 1000 && failed > 0);
    assert!((64 * MIB..67 * MIB).contains(&sum), "{sum}");
    // Those that are taken make room.
    rig.kept = Some(Vec::new());
    rig.issue("getSockets()");
    assert_eq!(lists(&rig).1, 0);
}

/// Also while the host keeps what it was given: what has gone does not add up.
#[test]
fn sockets_that_go_while_they_wait_leave_nothing_behind() {
    let mut rig = crowd(2);
    for id in 3..1000 {
        rig.issue(&format!("create()> connect({id}, \"10.0.0.1\", 80)"));
        settle(&mut rig);
        rig.peers.last_mut().unwrap().as_mut().unwrap().write(b"x").unwrap();
        rig.run();
        rig.issue(&format!("close({id})"));
        rig.run();
    }
    assert!(rig.engine.stalled.len() < 200, "{}", rig.engine.stalled.len());
    let last = read(&rig)[0];
    rig.release(last, isize::MAX);
    rig.run();
    assert!(!read(&rig).is_empty(), "those that are there have their turn");
}
