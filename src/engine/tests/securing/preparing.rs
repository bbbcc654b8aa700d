//! What takes its time when a process does it first is done elsewhere, before the first handshake begins.

use super::{Case, Talk};

/// Socket 1 waits for that.
fn waiting() -> Talk {
    let mut talk = Case::good().connect();
    talk.rig.prepares_tls = false;
    talk.rig.issue("secure(1)");
    talk.run();
    assert_eq!(talk.events(), [""; 0]);
    assert!(talk.rig.peers[0].as_mut().unwrap().take().0.is_empty(), "something was said");
    talk
}

fn prepare(talk: &mut Talk) {
    end_preparing(talk, true);
}

fn end_preparing(talk: &mut Talk, is_prepared: bool) {
    assert!(talk.rig.engine.has_errands());
    assert!(talk.rig.engine.take_tls_preparation().is_some());
    assert!(!talk.rig.engine.has_errands(), "once");
    talk.rig.input(0, |engine| engine.handle_tls_prepared(is_prepared));
}

#[test]
fn other_calls_do_not_wait_tls_4() {
    let mut talk = waiting();
    talk.rig.play(
        r#"
        > secure(1) > send(1, "x") > setNoDelay(1, true) > create() > close(2)
        < secure 1: -2
        < send 1: -15
        < setNoDelay 1: -2
        < create 2: ok
        < close 2: ok
        "#,
    );
    talk.events();
    prepare(&mut talk);
    talk.succeeds();
}

/// One that comes later finds it done.
#[test]
fn it_is_done_once() {
    let mut talk = waiting();
    prepare(&mut talk);
    talk.run();
    talk.rig.issue("create()> connect(2, \"10.0.0.1\", 443)> secure(2)");
    talk.run();
    assert!(!talk.rig.engine.has_errands());
}

/// Where there are no random numbers; for one that comes later as well.
#[test]
fn without_it_there_is_no_tls_tls_10() {
    let mut talk = waiting();
    end_preparing(&mut talk, false);
    talk.run();
    talk.has_failed(-9);
    talk.rig.issue("create()> setPaused(2, true)> connect(2, \"10.0.0.1\", 443)");
    talk.run();
    talk.rig.issue("secure(2)");
    talk.run();
    assert!(!talk.rig.engine.has_errands());
    assert_eq!(talk.events().last().unwrap(), "< secure 2: -9");
}

#[test]
fn what_ends_meanwhile_completes_as_it_does_later_cl_3_dc_3() {
    for (end, done) in [("close", "< close 1: ok"), ("disconnect", "< disconnect 1: ok")] {
        let mut talk = waiting();
        talk.rig.issue(&format!("{end}(1)"));
        assert_eq!(talk.events(), ["< secure 1: -3", done]);
        prepare(&mut talk);
        talk.run();
        assert_eq!(talk.events(), [""; 0]);
        assert!(talk.heard.is_empty());
    }
}

#[test]
fn a_peer_that_has_reset_meanwhile_is_told_tls_10() {
    let mut talk = waiting();
    talk.rig.peers[0] = None;
    prepare(&mut talk);
    talk.fails(-101);
}
