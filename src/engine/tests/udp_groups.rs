//! `sockets.udp`: multicast groups (udp.md 4.10 to 4.12).

use std::net::IpAddr;

use super::driver::Rig;
use super::{settle, udp_bound_to};
use crate::engine::{Event, Payload};

#[test]
fn a_member_hears_the_group_until_it_leaves_4_10_4_11() {
    let mut rig = udp_bound_to("0.0.0.0");
    rig.play(
        r#"
        U sends "before" to 224.0.0.251:7
        > udp.joinGroup(1, "224.0.0.251")
        < udp.joinGroup 1: 0
        U sends "within" to 224.0.0.251:7
        ! udp.onReceive 1: "within" from 10.0.0.1 9
        > udp.leaveGroup(1, "224.0.0.251")
        < udp.leaveGroup 1: 0
        U sends "after" to 224.0.0.251:7
        $
        ~ 1 join 224.0.0.251 -> 0
        ~ 1 receive -> 1
        ~ 1 receive -> blocked
        ~ 1 leave 224.0.0.251 -> 0
        "#,
    );
    assert!(rig.sim.datagram_of(1).groups.is_empty());
}

#[test]
fn groups_are_listed_normalised_in_join_order_4_12() {
    udp_bound_to("0.0.0.0").play(
        r#"
        > udp.getJoinedGroups(1)
        < udp.getJoinedGroups 1: []
        > udp.joinGroup(1, "0xe0.0.0.252") > udp.joinGroup(1, "224.0.0.251")
        < udp.joinGroup 1: 0
        < udp.joinGroup 1: 0
        > udp.joinGroup(1, "239.1") > udp.getJoinedGroups(1)
        < udp.joinGroup 1: 0
        < udp.getJoinedGroups 1: [224.0.0.252, 224.0.0.251, 239.0.0.1]
        # The same group in another spelling.
        > udp.joinGroup(1, "224.0.0.252") > udp.leaveGroup(1, "0340.0.0.251")
        < udp.joinGroup 1: -108
        < udp.leaveGroup 1: 0
        > udp.getJoinedGroups(1) > udp.leaveGroup(1, "224.0.0.251")
        < udp.getJoinedGroups 1: [224.0.0.252, 239.0.0.1]
        < udp.leaveGroup 1: -108
        "#,
    );
    udp_bound_to("::").play(
        r#"
        > udp.joinGroup(1, "FF02:0:0::FB") > udp.joinGroup(1, "ff02::fb")
        < udp.joinGroup 1: 0
        < udp.joinGroup 1: -108
        > udp.getJoinedGroups(1) > udp.leaveGroup(1, "ff02:0::fb") > udp.getJoinedGroups(1)
        < udp.getJoinedGroups 1: [ff02::fb]
        < udp.leaveGroup 1: 0
        < udp.getJoinedGroups 1: []
        "#,
    );
}

#[test]
fn joining_needs_a_literal_then_a_bound_socket_then_its_family_4_10() {
    let mut rig = Rig::new();
    rig.play(
        r#"
        > udp.create() > udp.joinGroup(1, "all-hosts.test") > udp.joinGroup(1, "")
        < udp.create 1: ok
        < udp.joinGroup 1: -108
        < udp.joinGroup 1: -108
        > udp.joinGroup(1, "224.0.0.1") > udp.joinGroup(1, "10.0.0.1") > udp.getJoinedGroups(1)
        < udp.joinGroup 1: -9
        < udp.joinGroup 1: -9
        < udp.getJoinedGroups 1: []
        > udp.leaveGroup(1, "224.0.0.1") > udp.leaveGroup(1, "x")
        < udp.leaveGroup 1: -108
        < udp.leaveGroup 1: -108
        > udp.bind(1, "::", 7) > udp.joinGroup(1, "224.0.0.1")
        < udp.bind 1: 0
        # Dual stack is of one family all the same.
        < udp.joinGroup 1: -108
        > udp.joinGroup(1, "fd00::1") > udp.joinGroup(1, "ff02::1%eth0")
        < udp.joinGroup 1: -4
        < udp.joinGroup 1: -108
        $
        ~ 1 bind [::]:7 ttl 1 loopback true
        ~ 1 join fd00::1 -> errno 22
        "#,
    );
    udp_bound_to("0.0.0.0").play(
        r#"
        > udp.joinGroup(1, "ff02::1") > udp.joinGroup(1, "10.0.0.1")
        < udp.joinGroup 1: -108
        < udp.joinGroup 1: -4
        "#,
    );
}

#[test]
fn the_system_s_refusals_change_nothing_4_10_4_11_11() {
    let mut rig = udp_bound_to("0.0.0.0");
    for (errno, code) in [(libc::ENODEV, -4), (libc::EADDRINUSE, -147), (libc::ENOBUFS, -176)] {
        rig.sim.world().air.fail_option.push_back(errno);
        rig.play(&format!(
            r#"
            > udp.joinGroup(1, "224.0.0.1") > udp.getJoinedGroups(1)
            < udp.joinGroup 1: {code}
            < udp.getJoinedGroups 1: []
            "#,
        ));
    }
    rig.play("> udp.joinGroup(1, \"224.0.0.1\")\n < udp.joinGroup 1: 0");
    rig.sim.world().air.fail_option.push_back(libc::EADDRNOTAVAIL);
    rig.play(
        r#"
        > udp.leaveGroup(1, "224.0.0.1") > udp.getJoinedGroups(1)
        < udp.leaveGroup 1: -108
        < udp.getJoinedGroups 1: [224.0.0.1]
        > udp.leaveGroup(1, "224.0.0.1") > udp.getJoinedGroups(1)
        < udp.leaveGroup 1: 0
        < udp.getJoinedGroups 1: []
        "#,
    );
}

/// 4.5: the loopback mode of the sender decides (POSIX).
#[test]
fn own_datagrams_come_back_unless_loopback_is_off_4_5() {
    for loopback in [true, false] {
        let mut rig = Rig::new();
        rig.issue(&format!("udp.create()> udp.setMulticastLoopbackMode(1, {loopback})"));
        rig.issue("udp.bind(1, \"0.0.0.0\", 7)> udp.joinGroup(1, \"224.0.0.1\")");
        settle(&mut rig);
        rig.issue("udp.send(1, \"x\", \"224.0.0.1\", 7)");
        rig.run();
        let own = "! udp.onReceive 1: \"x\" from 10.9.9.9 7".to_owned();
        assert_eq!(rig.trace.contains(&own), loopback, "{:?}", rig.trace);
        let known = rig.sim.datagram_of(1);
        assert_eq!(known.options.loopback, loopback);
        assert_eq!(known.groups, ["224.0.0.1".parse::<IpAddr>().unwrap()]);
    }
}

/// A socket of many groups, of which events are kept as by a host that takes none of them yet.
fn crowded() -> Rig {
    let mut rig = udp_bound_to("::");
    rig.writes_trace = false;
    (0..2340).for_each(|n| rig.issue(&format!("udp.joinGroup(1, \"ff02::1:{n:x}\")")));
    rig.kept = Some(Vec::new());
    rig
}

/// Where the lists lie that were told since, and how often there was none.
fn lists(rig: &Rig) -> (Vec<usize>, usize) {
    let kept = rig.kept.as_deref().unwrap();
    let list = |event: &Event| match &event.payload {
        Payload::Groups(groups) => Some(groups.as_ptr().addr()),
        _ => None,
    };
    let failed = kept.iter().filter(|event| event.result == Some(-12));
    (kept.iter().filter_map(list).collect(), failed.count())
}

#[test]
fn lists_of_the_same_groups_are_one_list_4_12() {
    let mut rig = crowded();
    (0..5000).for_each(|_| rig.issue("udp.getJoinedGroups(1)"));
    let (mut lists, failed) = lists(&rig);
    assert_eq!((lists.len(), failed), (5000, 0));
    lists.dedup();
    assert_eq!(lists.len(), 1);
}

#[test]
fn lists_of_groups_that_change_are_bounded_4_12() {
    let mut rig = crowded();
    for _ in 0..2000 {
        rig.issue("udp.leaveGroup(1, \"ff02::1:0\")> udp.joinGroup(1, \"ff02::1:0\")");
        rig.issue("udp.getJoinedGroups(1)");
    }
    let (told, failed) = lists(&rig);
    assert_eq!(told.len() + failed, 2000);
    // Each has about 28 bytes for a group.
    assert!((1000..1060).contains(&told.len()), "{}", told.len());
    // Those that are taken make room.
    rig.kept = Some(Vec::new());
    rig.issue("udp.getJoinedGroups(1)");
    assert_eq!(lists(&rig).1, 0);
}
