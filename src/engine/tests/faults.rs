//! Faults that were found in the engine and mended.

use super::{connected, scripted, settle};
use crate::engine::sim::{Place, READABLE, Step};
use crate::net::Token;

/// style 11 ("zero"), S-8. `Connection::write` asks again and again; `SendQueue::flush` already
/// treats the same answer as a failure.
#[test]
fn a_write_that_takes_nothing_is_a_failure_not_a_loop_s_8() {
    let zeros = vec![Step::Take(0); 100];
    let mut rig = scripted(&[], &zeros);
    rig.play(
        r#"
        > send(1, "abc")
        < send 1: -2
        ! onReceiveError 1: -2
        $
        ~ 1 write 3 -> 0
        # For the peer's last words.
        ~ 1 read 65536 -> blocked
        "#,
    );
}

/// style 5 ("a panic costs a call, a socket"). What a read had put into the shared buffer before it
/// panicked must not become another socket's data.
#[test]
fn bytes_of_a_read_that_panicked_reach_no_other_socket() {
    let mut rig = scripted(&[Step::Panic(b"secret ")], &[]);
    rig.sim.serve("10.0.0.2:80");
    rig.issue("create()> connect(2, \"10.0.0.2\", 80)");
    settle(&mut rig);
    rig.contains_panics = true;
    let token = Token { owner: 1, lane: 0 };
    rig.input(1, |engine| engine.handle_ready(token, READABLE));
    rig.run();
    rig.play("P sends \"public\"\n ! onReceive 2: \"public\"");
}

/// style 5: "In a machine: that socket is dropped, its replies complete with UNEXPECTED". Nobody
/// learns whose timer panicked, so the reactor abandons socket 0, and the call waits for ever.
#[test]
fn a_panic_at_a_timer_costs_the_socket_whose_timer_it_was() {
    let mut rig = connected();
    rig.sim.place("10.0.0.3:80", Place::Silent);
    rig.sim.place("10.0.0.4:80", Place::Panics);
    rig.contains_panics = true;
    rig.play(
        r#"
        > create() > connect(2, "a.test", 80)
        < create 2: ok
        ? q1 of 2: a.test Any
        A q1 10.0.0.3 10.0.0.4
        T 250
        < connect 2: -9
        P sends "unharmed"
        ! onReceive 1: "unharmed"
        "#,
    );
}
