//! Which UDP and legacy calls need which rule, and in which order they are checked (permissions.md 3,
//! 4; udp.md 4; socket-legacy.md 4).

use super::driver::{LIMITS, Rig};
use super::settle;
use crate::api::event::Payload;
use crate::engine::sim::Sim;
use crate::permissions::Grants;

/// A rig under a manifest.
fn under(manifest: &str) -> Rig {
    let grants = Grants::from_manifest(manifest).unwrap().grants;
    let rig = Rig::with(&Sim::new(), 0, LIMITS, grants);
    rig.sim.serve("10.0.0.1:80");
    rig
}

const NO: &str = "\"App does not have permission\"";

/// Plays with `NO` for the message, and `! denied` lines kept.
#[track_caller]
fn play(rig: &mut Rig, script: &str) {
    rig.play(&script.replace("NO", NO));
}

#[test]
fn without_rules_every_checked_udp_call_is_denied_and_the_others_work() {
    for manifest in [
        "{}",
        r#"{"sockets": {"udp": {}}}"#,
        r#"{"permissions": [{"socket": ["udp-bind", "udp-send-to", "udp-multicast-membership"]}]}"#,
    ] {
        let mut rig = under(manifest);
        play(
            &mut rig,
            r#"
            > udp.create() > udp.update(1, name "x") > udp.setPaused(1, false) > udp.getSockets()
            < udp.create 1: ok
            < udp.update 1: ok
            < udp.setPaused 1: ok
            < udp.getSockets: [1]
            > udp.setMulticastTimeToLive(1, 1) > udp.setMulticastLoopbackMode(1, true)
            < udp.setMulticastTimeToLive 1: 0
            < udp.setMulticastLoopbackMode 1: 0
            > udp.bind(1, "10.0.0.9", 7)
            ! permission denied 1: "10.0.0.9" 7
            < udp.bind 1: NO
            > udp.send(1, "x", "a.test", 9)
            ! permission denied 1: "a.test" 9
            < udp.send 1: NO
            > udp.joinGroup(1, "224.0.0.1")
            ! permission denied 1: "*" 0
            < udp.joinGroup 1: NO
            > udp.leaveGroup(1, "224.0.0.1")
            ! permission denied 1: "*" 0
            < udp.leaveGroup 1: NO
            > udp.getJoinedGroups(1)
            ! permission denied 1: "*" 0
            < udp.getJoinedGroups 1: NO
            > udp.setBroadcast(1, true) > udp.getInfo(1) > udp.close(1)
            < udp.setBroadcast 1: -15
            < udp.getInfo 1: name "x"
            < udp.close 1: ok
            "#,
        );
    }
}

#[test]
fn the_id_is_looked_at_before_the_rule_and_the_rule_before_all_else() {
    let mut rig = under("{}");
    play(
        &mut rig,
        r#"
        > udp.bind(9, "10.0.0.9", 7) > udp.send(9, "x", "10.0.0.1", 9) > udp.joinGroup(9, "224.0.0.1")
        < udp.bind 9: "Socket not found"
        < udp.send 9: "Socket not found"
        < udp.joinGroup 9: "Socket not found"
        # Bad literals, names and ports come behind it.
        > udp.create() > udp.bind(1, "no literal", 7)
        < udp.create 1: ok
        ! permission denied 1: "no literal" 7
        < udp.bind 1: NO
        > udp.bind(1, "10.0.0.9", 70000)
        ! permission denied 1: "10.0.0.9" 70000
        < udp.bind 1: NO
        > udp.send(1, 65536 bytes, "x.invalid", -1)
        ! permission denied 1: "x.invalid" -1
        < udp.send 1: NO
        > udp.joinGroup(1, "no literal")
        ! permission denied 1: "*" 0
        < udp.joinGroup 1: NO
        "#,
    );
    // The quota comes first of all.
    rig.quota = 0;
    play(
        &mut rig,
        "> udp.send(1, \"x\", \"10.0.0.1\", 9)\n < udp.send 1: \"Exceeded write quota.\"",
    );
}

#[test]
fn text_decides_and_each_rule_allows_its_own_calls() {
    let mut rig =
        under(r#"{"sockets": {"udp": {"bind": ["10.0.0.9:7", "127.0.0.1"], "send": "a.test:9"}}}"#);
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    play(
        &mut rig,
        r#"
        > udp.create() > udp.bind(1, "10.0.0.9", 8)
        < udp.create 1: ok
        ! permission denied 1: "10.0.0.9" 8
        < udp.bind 1: NO
        > udp.bind(1, "127.1", 7)
        ! permission denied 1: "127.1" 7
        < udp.bind 1: NO
        # A port out of range is allowed by a rule for any port only; then it is refused.
        > udp.bind(1, "127.0.0.1", 70000) > udp.bind(1, "10.0.0.9", 7)
        < udp.bind 1: -4
        < udp.bind 1: 0
        > udp.send(1, "x", "10.0.0.1", 9)
        ! permission denied 1: "10.0.0.1" 9
        < udp.send 1: NO
        # What the name resolves to is not checked.
        > udp.send(1, "x", "A.Test", 9)
        ? q1 of 1: a.test Any
        A q1 10.0.0.1
        < udp.send 1: sent 1
        > udp.joinGroup(1, "224.0.0.1")
        ! permission denied 1: "*" 0
        < udp.joinGroup 1: NO
        "#,
    );
}

#[test]
fn membership_is_one_rule_for_all_groups() {
    let mut rig = under(r#"{"sockets": {"udp": {"bind": "*", "multicastMembership": ""}}}"#);
    play(
        &mut rig,
        r#"
        > udp.create() > udp.bind(1, "0.0.0.0", 0) > udp.joinGroup(1, "224.0.0.1")
        < udp.create 1: ok
        < udp.bind 1: 0
        < udp.joinGroup 1: 0
        > udp.getJoinedGroups(1) > udp.leaveGroup(1, "224.0.0.1")
        < udp.getJoinedGroups 1: [224.0.0.1]
        < udp.leaveGroup 1: 0
        > udp.send(1, "x", "224.0.0.1", 9)
        ! permission denied 1: "224.0.0.1" 9
        < udp.send 1: NO
        "#,
    );
}

#[test]
fn denials_are_explained_to_the_host() {
    let mut rig = under(r#"{"sockets": {"udp": {}}, "permissions": ["socket"]}"#);
    rig.kept = Some(Vec::new());
    rig.issue("udp.create()> udp.bind(1, \"10.0.0.9\", 7)> socket.create(udp)");
    rig.issue("udp.joinGroup(1, \"224.0.0.1\")");
    rig.issue("socket.bind(2, \"10.0.0.9\", 7)> socket.joinGroup(2, \"224.0.0.1\")");
    // What a page gives cannot act as a line, or as commands, of the host's log.
    rig.issue("socket.bind(2, \"\u{1b}[2K\u{85}\", 7)");
    // Nor can it fill the host's memory.
    rig.issue(&format!("socket.bind(2, \"{}\", 7)", "\u{1}".repeat(4096)));
    let mut kept = rig.kept.take().unwrap();
    kept.pop();
    let Some(Payload::Denied(long)) = kept.pop().map(|event| event.payload) else { panic!() };
    assert_eq!(long.host.to_str().unwrap(), "\u{1}".repeat(256) + "…");
    assert!(long.explanation.count_bytes() < 2000);
    let told: Vec<_> = kept
        .iter()
        .filter_map(|event| match &event.payload {
            Payload::Denied(denied) => denied.explanation.to_str().ok(),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "chrome.sockets.udp.bind: no sockets.udp.bind rule of the manifest allows host \"10.0.0.9\" port 7",
            "chrome.sockets.udp.joinGroup: the manifest has no sockets.udp.multicastMembership rule: \"\"",
            "chrome.socket.bind: no udp-bind rule of the manifest allows host \"10.0.0.9\" port 7",
            "chrome.socket.joinGroup: the manifest has no udp-multicast-membership rule",
            "chrome.socket.bind: no udp-bind rule of the manifest allows host \"\\u{1b}[2K\\u{85}\" port 7",
        ]
    );
    settle(&mut rig);
}

// --- chrome.socket

#[test]
fn an_unknown_id_is_told_before_a_denial_4() {
    let mut rig = under("{}");
    rig.play(
        r#"
        > socket.listen(9, "10.0.0.9", 7) > socket.bind(9, "10.0.0.9", 7) > socket.connect(9, "10.0.0.1", 9)
        < socket.listen 9: -1 "Socket not found"
        < socket.bind 9: -1 "Socket not found"
        < socket.connect 9: -1 "Socket not found"
        > socket.sendTo(9, "x", "10.0.0.1", 9) > socket.joinGroup(9, "224.0.0.1")
        < socket.sendTo 9: -1 "Socket not found"
        < socket.joinGroup 9: -1 "Socket not found"
        > udp.bind(9, "10.0.0.9", 7) > udp.send(9, "x", "10.0.0.1", 9) > udp.getJoinedGroups(9)
        < udp.bind 9: "Socket not found"
        < udp.send 9: "Socket not found"
        < udp.getJoinedGroups 9: "Socket not found"
        > connect(9, "10.0.0.1", 80) > server.listen(9, "10.0.0.9", 7)
        < connect 9: "Socket not found"
        < server.listen 9: "Socket not found"
        "#,
    );
}

#[test]
fn without_rules_every_checked_legacy_call_is_denied_with_minus_1() {
    for manifest in [
        r#"{"permissions": ["socket"]}"#,
        r#"{"permissions": [{"socket": []}], "sockets": {"tcp": {"connect": ""}, "udp": {"bind": "", "send": "", "multicastMembership": ""}, "tcpServer": {"listen": ""}}}"#,
    ] {
        let mut rig = under(manifest);
        play(
            &mut rig,
            r#"
            > socket.create(tcp) > socket.create(udp)
            < socket.create 1: ok
            < socket.create 2: ok
            > socket.connect(1, "10.0.0.1", 80)
            ! permission denied 1: "10.0.0.1" 80
            < socket.connect 1: -1 NO
            > socket.connect(2, "a.test", 80)
            ! permission denied 2: "a.test" 80
            < socket.connect 2: -1 NO
            > socket.bind(2, "no literal", 7)
            ! permission denied 2: "no literal" 7
            < socket.bind 2: -1 NO
            > socket.sendTo(2, "x", "x.invalid", 9)
            ! permission denied 2: "x.invalid" 9
            < socket.sendTo 2: -1 NO
            > socket.joinGroup(2, "x")
            ! permission denied 2: "*" 0
            < socket.joinGroup 2: -1 NO
            > socket.leaveGroup(2, "x")
            ! permission denied 2: "*" 0
            < socket.leaveGroup 2: -1 NO
            > socket.getJoinedGroups(2)
            ! permission denied 2: "*" 0
            < socket.getJoinedGroups 2: -1 NO
            > socket.listen(1, "no literal", 7, 0)
            ! permission denied 1: "no literal" 7
            < socket.listen 1: -1 NO
            # The rule comes before the type.
            > socket.listen(2, "10.0.0.9", 7)
            ! permission denied 2: "10.0.0.9" 7
            < socket.listen 2: -1 NO
            # These need none.
            > socket.setMulticastTimeToLive(2, 1) > socket.setMulticastLoopbackMode(2, true)
            < socket.setMulticastTimeToLive 2: 0
            < socket.setMulticastLoopbackMode 2: 0
            > socket.read(1) > socket.write(1, "x") > socket.recvFrom(2) > socket.accept(1)
            < socket.read 1: -2
            < socket.write 1: -15
            < socket.recvFrom 2: -15
            < socket.accept 1: -2
            > socket.setNoDelay(1, true) > socket.getInfo(2) > socket.disconnect(1) > socket.destroy(2)
            < socket.setNoDelay 1: 0
            < socket.getInfo 2: udp -
            < socket.disconnect 1: ok
            < socket.destroy 2: ok
            "#,
        );
    }
}

#[test]
fn port_id_and_type_come_before_the_rule_in_legacy_calls() {
    let mut rig = under(r#"{"permissions": ["socket"]}"#);
    play(
        &mut rig,
        r#"
        > socket.connect(9, "10.0.0.1", 80) > socket.bind(9, "10.0.0.9", 7)
        < socket.connect 9: -1 "Socket not found"
        < socket.bind 9: -1 "Socket not found"
        > socket.create(tcp) > socket.connect(1, "10.0.0.1", 70000)
        < socket.create 1: ok
        < socket.connect 1: "Port must be a value between 0 and 65535."
        > socket.bind(1, "10.0.0.9", 7)
        < socket.bind 1: -1 "TCP socket does not support bind. For TCP server please use listen."
        > socket.joinGroup(1, "224.0.0.1") > socket.sendTo(1, "x", "10.0.0.1", 9)
        < socket.joinGroup 1: -1 "Only UDP socket supports multicast."
        < socket.sendTo 1: -2
        "#,
    );
}

#[test]
fn each_legacy_rule_allows_its_own_calls() {
    let mut rig = under(
        r#"{"permissions": [{"socket": ["tcp-connect:10.0.0.1:80", "udp-send-to::9", "udp-bind:10.0.0.9"]}]}"#,
    );
    rig.mates.push(rig.sim.open_datagram("10.0.0.1:9"));
    play(
        &mut rig,
        r#"
        > socket.create(tcp) > socket.connect(1, "10.0.0.1", 80)
        < socket.create 1: ok
        < socket.connect 1: 0
        # A connect of UDP is a send.
        > socket.create(udp) > socket.connect(2, "10.0.0.1", 80)
        < socket.create 2: ok
        ! permission denied 2: "10.0.0.1" 80
        < socket.connect 2: -1 NO
        > socket.connect(2, "10.0.0.1", 9) > socket.create(udp) > socket.bind(3, "10.0.0.9", 0)
        < socket.connect 2: 0
        < socket.create 3: ok
        < socket.bind 3: 0
        > socket.sendTo(3, "x", "10.0.0.1", 9) > socket.create(tcp) > socket.connect(4, "10.0.0.1", 9)
        < socket.sendTo 3: 1
        < socket.create 4: ok
        ! permission denied 4: "10.0.0.1" 9
        < socket.connect 4: -1 NO
        # Nothing of it is worth anything to sockets.*.
        > create() > connect(5, "10.0.0.1", 80)
        < create 5: ok
        ! permission denied 5: "10.0.0.1" 80
        < connect 5: "Does not have permission"
        "#,
    );
}
