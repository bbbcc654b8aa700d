//! Several addresses at once: Happy Eyeballs (spec README S5, RFC 8305), instead of tcp.md DN-6.

use std::time::Duration;

use crate::engine::sim::{ALL, Place};
use crate::engine::tests::driver::Rig;
use crate::net::Token;

const SECOND: Duration = Duration::from_secs(1);

/// Socket 1 has asked for a.test; the places answer so, in order, at 10.0.0.1, 10.0.0.2, …
fn asked(places: &[Place]) -> Rig {
    let mut rig = Rig::new();
    for (index, place) in places.iter().enumerate() {
        let address = format!("10.0.0.{}:80", index + 1);
        if !matches!(place, Place::Fails(_)) {
            rig.sim.serve(&address);
        }
        rig.sim.place(&address, place.clone());
    }
    rig.issue("create()> connect(1, \"a.test\", 80)");
    rig.run();
    rig
}

fn after(delay: Duration, place: Place) -> Place {
    Place::After(delay, Box::new(place))
}

const REFUSED: Place = Place::Fails(libc::ECONNREFUSED);

#[test]
fn the_next_attempt_starts_after_250_ms_s5() {
    let mut rig = asked(&[Place::Silent, Place::Silent, Place::Silent]);
    rig.play(
        r#"
        A q1 10.0.0.1 10.0.0.2 10.0.0.3
        T 249
        $
        ~ 1 connect 10.0.0.1:80 #0
        T 1
        $
        ~ 1 connect 10.0.0.2:80 #1
        T 249
        $
        T 1
        $
        ~ 1 connect 10.0.0.3:80 #2
        T 100000
        $
        > close(1)
        < connect 1: -3
        < close 1: ok
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (0, 0));
}

#[test]
fn a_failure_starts_the_next_attempt_at_once_s5() {
    asked(&[REFUSED, after(SECOND, REFUSED), Place::FailsAtOnce(libc::ENETUNREACH), Place::Normal])
        .play(
            r#"
            A q1 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4
            $
            ~ 1 connect 10.0.0.1:80 #0
            ~ 1 connect 10.0.0.2:80 #1
            T 250
            < connect 1: 0
            $
            ~ 1 connect 10.0.0.3:80 #2
            ~ 1 connect 10.0.0.4:80 #3
            > getInfo(1)
            < getInfo 1: connected local 10.9.9.9 50003 peer 10.0.0.4 80
            "#,
        );
}

#[test]
fn a_failure_gives_the_attempt_it_starts_its_own_head_start_s5() {
    let late = after(Duration::from_millis(100), REFUSED);
    asked(&[late, Place::Silent, Place::Silent]).play(
        r#"
        A q1 10.0.0.1 10.0.0.2 10.0.0.3
        T 100
        $
        ~ 1 connect 10.0.0.1:80 #0
        ~ 1 connect 10.0.0.2:80 #1
        # The first attempt's 250 ms are over, those of the second are not.
        T 150
        $
        T 99
        $
        T 1
        $
        ~ 1 connect 10.0.0.3:80 #2
        > disconnect(1)
        < connect 1: -3
        < disconnect 1: ok
        "#,
    );
}

#[test]
fn a_slow_attempt_is_never_cancelled_before_one_has_won_s5() {
    let mut rig = asked(&[after(SECOND * 100, Place::Normal), REFUSED, Place::Silent]);
    rig.play(
        r#"
        A q1 10.0.0.1 10.0.0.2 10.0.0.3
        T 250
        T 250
        T 99499
        T 1
        < connect 1: 0
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50001 peer 10.0.0.1 80
        "#,
    );
    // The losers are closed.
    assert_eq!(rig.sim.live_streams(0), (1, 0));
}

#[test]
fn the_first_to_succeed_wins_and_the_others_are_closed_s5() {
    let mut rig = asked(&[after(SECOND, Place::Normal), Place::Normal]);
    rig.play(
        r#"
        A q1 10.0.0.1 10.0.0.2
        T 250
        < connect 1: 0
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50002 peer 10.0.0.2 80
        # The loser's success comes too late for anybody.
        T 1000
        P sends "x"
        ! onReceive 1: "x"
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (1, 0));
    assert_eq!(rig.peers.len(), 1);
}

#[test]
fn when_all_fail_the_failure_that_came_last_gives_the_code_s5() {
    let slow = |delay, errno| after(delay, Place::Fails(errno));
    // The first address fails last.
    asked(&[slow(SECOND * 3, libc::ETIMEDOUT), slow(SECOND, libc::ECONNREFUSED)]).play(
        r#"
        A q1 10.0.0.1 10.0.0.2
        T 250
        T 2749
        T 1
        < connect 1: -118
        > getInfo(1)
        < getInfo 1: -
        "#,
    );
    asked(&[slow(SECOND, libc::ETIMEDOUT), Place::FailsAtOnce(libc::ENETUNREACH)]).play(
        r#"
        A q1 10.0.0.1 10.0.0.2
        T 250
        T 750
        < connect 1: -118
        "#,
    );
}

#[test]
fn families_alternate_beginning_with_the_resolvers_first_s5() {
    for (answer, order) in [
        ("fd00::1 fd00::2 10.0.0.1 10.0.0.2", "[fd00::1] 10.0.0.1 [fd00::2] 10.0.0.2"),
        ("10.0.0.1 10.0.0.2 10.0.0.3 fd00::1", "10.0.0.1 [fd00::1] 10.0.0.2 10.0.0.3"),
        ("fd00::2 fd00::1", "[fd00::2] [fd00::1]"),
    ] {
        let mut rig = asked(&[]);
        rig.trace.clear();
        let addresses = answer.split(' ').map(|a| a.parse().unwrap()).collect();
        rig.answer(1, Ok(addresses));
        rig.run();
        let calls = rig.sim.take_calls();
        let order = order.split(' ').enumerate();
        let expected: Vec<_> = order.map(|(n, a)| format!("1 connect {a}:80 #{n}")).collect();
        assert_eq!(calls, expected);
        assert_eq!(rig.trace, ["< connect 1: -102"]);
    }
}

#[test]
fn timers_of_an_ended_race_do_not_start_attempts_of_the_next_one() {
    let mut rig = asked(&[Place::Silent, Place::Silent]);
    rig.play(
        r#"
        A q1 10.0.0.1 10.0.0.2
        T 200
        > disconnect(1) > connect(1, "a.test", 80)
        < connect 1: -3
        < disconnect 1: ok
        ? q2 of 1: a.test Any
        A q2 10.0.0.1 10.0.0.2
        $
        ~ 1 connect 10.0.0.1:80 #0
        ~ 1 connect 10.0.0.1:80 #0
        # 250 ms of the first race.
        T 50
        $
        T 199
        $
        T 1
        $
        ~ 1 connect 10.0.0.2:80 #1
        > close(1)
        < connect 1: -3
        < close 1: ok
        T 1000
        $
        "#,
    );
}

#[test]
fn an_address_that_lacks_a_descriptor_is_tried_again_while_others_are_s5() {
    let mut rig = asked(&[Place::Silent, Place::Normal, REFUSED]);
    rig.play("A q1 10.0.0.1 10.0.0.3 10.0.0.2");
    rig.sim.world().fail_connect.extend([libc::EMFILE, libc::ENFILE]);
    rig.play(
        r#"
        $
        ~ 1 connect 10.0.0.1:80 #0
        T 250
        T 250
        $
        ~ 1 connect 10.0.0.3:80 #1
        ~ 1 connect 10.0.0.3:80 #2
        T 250
        < connect 1: 0
        $
        ~ 1 connect 10.0.0.3:80 #3
        ~ 1 connect 10.0.0.2:80 #4
        "#,
    );
    // The last address, whose time comes again, and what an attempt that fails leaves is enough.
    let mut rig = asked(&[after(Duration::from_millis(300), REFUSED), Place::Normal]);
    rig.play("A q1 10.0.0.1 10.0.0.2");
    rig.sim.world().fail_connect.push_back(libc::EMFILE);
    rig.play("T 250\n T 50\n < connect 1: 0");
    // Nobody else has one to give.
    let mut rig = asked(&[REFUSED, Place::Normal]);
    rig.sim.world().fail_connect.extend([libc::EMFILE, libc::EMFILE]);
    rig.play("A q1 10.0.0.1 10.0.0.2\n < connect 1: -12");
}

#[test]
fn an_event_of_a_losing_attempt_does_the_connection_no_harm() {
    let mut rig = asked(&[after(SECOND, Place::Normal), Place::Normal]);
    rig.play("A q1 10.0.0.1 10.0.0.2\n T 250\n < connect 1: 0");
    rig.play("> send(1, \"x\")\n < send 1: sent 1");
    // It was already in the poll's list when the race ended.
    rig.input(1, |engine| engine.handle_ready(Token { owner: 1, lane: 0 }, ALL));
    rig.play(
        r#"
        P sends "y"
        ! onReceive 1: "y"
        P sees "x" open
        > getInfo(1)
        < getInfo 1: connected local 10.9.9.9 50002 peer 10.0.0.2 80
        P closes
        ! onReceiveError 1: -100
        "#,
    );
}

#[test]
fn both_attempts_succeeding_in_one_turn_leave_one_connection() {
    let place = || after(SECOND, Place::Normal);
    let mut rig = asked(&[place(), after(SECOND - Duration::from_millis(250), Place::Normal)]);
    rig.play(
        r#"
        A q1 10.0.0.1 10.0.0.2
        T 250
        T 750
        < connect 1: 0
        "#,
    );
    assert_eq!(rig.sim.live_streams(0), (1, 0));
    rig.play("P1 sees open\n P2 sees end");
}
