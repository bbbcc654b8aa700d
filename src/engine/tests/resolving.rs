//! Host names, as the engine's questions to the resolver show them (tcp.md 10).

use super::{listening, rig};
use crate::engine::sim::Place;
use crate::engine::tests::driver::Rig;

#[test]
fn literals_are_used_directly_dn_1() {
    for text in ["10.0.0.1", "10.1", "0x0a.1", "167772161", "012.0.0.1", "[::ffff:10.0.0.1]"] {
        let mut rig = rig();
        rig.sim.serve("[::ffff:10.0.0.1]:80");
        rig.play(&format!(
            r#"
            > create() > connect(1, "{text}", 80)
            < create 1: ok
            < connect 1: 0
            "#,
        ));
    }
}

#[test]
fn a_literal_of_the_unwanted_family_is_not_resolved_dn_1() {
    rig().play(
        r#"
        > create() > connect(1, "10.0.0.1", 80, ipv6) > connect(1, "::1", 80, ipv4)
        < create 1: ok
        < connect 1: -105
        < connect 1: -105
        > connect(1, "[::1]", 80, ipv4)
        < connect 1: -105
        $
        > connect(1, "10.0.0.1", 80, ipv4)
        < connect 1: 0
        "#,
    );
}

#[test]
fn localhost_is_not_asked_for_dn_2() {
    for name in ["localhost", "localhost.", "LocalHost", "x.localhost", "a.b.localhost."] {
        let mut rig = Rig::new();
        rig.play(&format!(
            r#"
            > create() > connect(1, "{name}", 80)
            < create 1: ok
            < connect 1: -102
            $
            ~ 1 connect [::1]:80 #0
            ~ 1 connect 127.0.0.1:80 #1
            > connect(1, "{name}", 80, ipv4)
            < connect 1: -102
            > connect(1, "{name}", 80, ipv6)
            < connect 1: -102
            $
            ~ 1 connect 127.0.0.1:80 #0
            ~ 1 connect [::1]:80 #0
            "#,
        ));
    }
}

#[test]
fn what_cannot_be_a_name_fails_without_a_question_dn_3_dn_9() {
    let long = format!("{}.test", "a.".repeat(125));
    let label = format!("{}.test", "a".repeat(64));
    let bad = ["", ".", "a..b", ".a", "a b", "a/b", "a_b.-x", "fe80::1%eth0", &long, &label];
    for name in bad {
        let mut rig = Rig::new();
        rig.play(&format!(
            r#"
            > create() > connect(1, "{name}", 80)
            < create 1: ok
            < connect 1: -105
            $
            "#,
        ));
    }
}

#[test]
fn names_are_asked_for_in_canonical_form_dn_4() {
    for (text, asked) in [
        ("EXAMPLE.Test", "example.test"),
        ("example.test.", "example.test."),
        ("bücher.test", "xn--bcher-kva.test"),
        ("under_score.test", "under_score.test"),
        ("a", "a"),
    ] {
        let mut rig = rig();
        rig.play(&format!(
            r#"
            > create() > connect(1, "{text}", 80)
            < create 1: ok
            ? q1 of 1: {asked} Any
            A q1 10.0.0.1
            < connect 1: 0
            "#,
        ));
    }
}

#[test]
fn the_wanted_family_goes_with_the_question_dn_5() {
    rig().play(
        r#"
        > create() > connect(1, "a.test", 80, ipv4) > connect(1, "a.test", 80, ipv6)
        < create 1: ok
        ? q1 of 1: a.test Ipv4
        ? q2 of 1: a.test Ipv6
        A q2 -105
        < connect 1: -105
        A q1 10.0.0.1
        < connect 1: 0
        "#,
    );
}

#[test]
fn a_failed_resolution_gives_one_of_two_codes_dn_7() {
    let mut rig = Rig::new();
    rig.issue("create()> connect(1, \"a.test\", 80)> connect(1, \"a.test\", 80)");
    rig.issue("connect(1, \"a.test\", 80)");
    rig.run();
    rig.play("A q1 -105\n < connect 1: -105\n A q2 -106\n < connect 1: -106");
    // An answer without addresses is none.
    rig.answer(3, Ok(Vec::new()));
    assert_eq!(rig.trace, ["< connect 1: -105"]);
}

#[test]
fn a_zone_is_not_supported_dn_9() {
    let mut rig = listening();
    rig.play(
        r#"
        > create() > connect(2, "fe80::1%eth0", 80) > connect(2, "[fe80::1%25eth0]", 80)
        < create 2: ok
        < connect 2: -105
        < connect 2: -105
        > server.create() > server.listen(3, "fe80::1%eth0", 80)
        < server.create 3: ok
        < server.listen 3: -4
        $
        "#,
    );
    // Without a zone the system has its say.
    rig.sim.place("[fe80::1]:80", Place::FailsAtOnce(libc::EINVAL));
    rig.play("> connect(2, \"fe80::1\", 80)\n < connect 2: -4");
}

#[test]
fn answers_after_disconnect_close_or_never_complete_nothing_d9() {
    let mut rig = rig();
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q2 of 2: a.test Any
        > create() > connect(3, "a.test", 80)
        < create 3: ok
        ? q3 of 3: a.test Any
        "#,
    );
    let (first, second) = (rig.queries[&1].id, rig.queries[&2].id);
    rig.play(
        r#"
        > disconnect(1) > close(2)
        < connect 1: -3
        < disconnect 1: ok
        < connect 2: "Socket not found"
        < close 2: ok
        ? q1 unwanted
        ? q2 unwanted
        "#,
    );
    for query in [first, second, first] {
        let address = "10.0.0.1".parse().unwrap();
        rig.input(query.socket_id, |engine| engine.handle_answer(query, Ok(vec![address])));
    }
    rig.play("> getInfo(1)\n < getInfo 1: -\n $");
    // The third is never answered; the end of the app completes it.
}

#[test]
fn the_answer_to_a_cancelled_question_does_not_serve_a_later_one_d9() {
    let mut rig = rig();
    rig.issue("create()> connect(1, \"a.test\", 80)");
    rig.run();
    let old = rig.queries[&1].id;
    rig.play(
        r#"
        > disconnect(1) > connect(1, "b.test", 80)
        < connect 1: -3
        < disconnect 1: ok
        ? q2 of 1: b.test Any
        ? q1 unwanted
        "#,
    );
    rig.input(1, |engine| engine.handle_answer(old, Ok(vec!["10.0.0.7".parse().unwrap()])));
    rig.play("$\n A q2 10.0.0.1\n < connect 1: 0");
}

#[test]
fn questions_never_share_a_name() {
    let mut rig = Rig::new();
    for _ in 0..100 {
        rig.issue("create()");
        let id = rig.accounts.open_sockets();
        rig.issue(&format!("connect({id}, \"a.test\", 80)> connect({id}, \"a.test\", 80)"));
        rig.run();
    }
    assert_eq!(rig.queries.len(), 200);
}

#[test]
fn a_name_that_nobody_answers_is_given_up_dn_7() {
    let mut rig = rig();
    rig.play(
        r#"
        > create() > connect(1, "a.test", 80) > connect(1, "b.test", 80)
        < create 1: ok
        ? q1 of 1: a.test Any
        ? q2 of 1: b.test Any
        A q2 -105
        < connect 1: -105
        > udp.create() > udp.bind(2, "10.0.0.9", 7)
        < udp.create 2: ok
        < udp.bind 2: 0
        T 1000
        > udp.send(2, "x", "c.test", 9) > udp.send(2, "y", "d.test", 9)
        ? q3 of 2: c.test Any
        ? q4 of 2: d.test Any
        A q4 10.0.0.1
        "#,
    );
    let first = rig.queries[&1].id;
    rig.play(
        r#"
        T 118999
        T 1
        < connect 1: -105
        ? q1 unwanted
        T 1000
        < udp.send 2: -105
        < udp.send 2: sent 1
        ? q3 unwanted
        "#,
    );
    assert_eq!(rig.engine.next_due(), None);
    rig.input(1, |engine| engine.handle_answer(first, Ok(vec!["10.0.0.7".parse().unwrap()])));
    rig.play("> getInfo(1)\n < getInfo 1: -\n > connect(1, \"10.0.0.1\", 80)\n < connect 1: 0");
}

/// However many wait for one name: nobody has answered yet, so nothing else bounds them.
#[test]
fn calls_that_wait_for_names_are_bounded_dn_7() {
    let mut rig = Rig::new();
    rig.writes_trace = false;
    rig.issue("udp.create()> udp.bind(1, \"10.0.0.9\", 7)> create()> create()");
    rig.issue("udp.send(1, \"\", \"a.test\", 9)> udp.send(1, \"\", \"b.test\", 9)");
    for _ in 2..65_536 {
        rig.issue("udp.send(1, \"\", \"b.test\", 9)");
    }
    rig.run();
    assert_eq!(rig.queries.len(), 65_536);
    rig.writes_trace = true;
    rig.play(
        r#"
        > udp.send(1, "", "b.test", 9) > connect(2, "c.test", 80)
        < udp.send 1: -105
        < connect 2: -105
        > udp.send(1, "", "10.0.0.1", 9) > connect(3, "localhost", 80)
        < udp.send 1: sent 0
        < connect 3: -102
        # One that has its address and waits for its turn is one of them.
        A q2 10.0.0.1
        > connect(2, "c.test", 80)
        < connect 2: -105
        A q1 10.0.0.1
        < udp.send 1: sent 0
        < udp.send 1: sent 0
        > connect(2, "c.test", 80) > connect(2, "d.test", 80) > connect(2, "e.test", 80)
        < connect 2: -105
        ? q65537 of 2: c.test Any
        ? q65538 of 2: d.test Any
        "#,
    );
}
