//! Servers that close, reset, stall or dribble at every byte of the handshake (tcp.md 7.7, TLS-27).

use rustls::version::{TLS12, TLS13};

use super::{Case, Talk};

fn versions() -> [Case; 2] {
    [&TLS12, &TLS13].map(|version| Case::good().speaking(version))
}

/// What a server writes, cut after so many bytes in all.
fn cut_after(case: &Case, most: usize, end: impl Fn(&mut Talk)) -> Option<Talk> {
    let mut talk = case.begin();
    let mut left = most;
    loop {
        talk.rig.run();
        let heard = talk.hear();
        let flight = talk.take_flight();
        if flight.len() > left {
            talk.feed(&flight[..left]);
            end(&mut talk);
            talk.rig.run();
            return Some(talk);
        }
        left -= flight.len();
        talk.feed(&flight);
        if !heard && flight.is_empty() {
            return None;
        }
        if !talk.rig.trace.is_empty() {
            // The handshake is over: the rest is data.
            return None;
        }
    }
}

#[test]
fn a_server_that_closes_at_any_byte_of_the_handshake_7_7() {
    for case in versions() {
        case.is_served();
        let mut most = 0;
        while let Some(mut talk) = cut_after(&case, most, |talk| {
            talk.rig.peers[0].as_mut().unwrap().take();
            talk.rig.peers[0] = None;
        }) {
            if talk.rig.trace == ["< secure 1: 0"] {
                break;
            }
            talk.has_failed(-100);
            most += 1;
        }
        assert!(most > 500, "{most} bytes");
    }
}

#[test]
fn a_server_that_resets_at_any_byte_of_the_handshake_7_7() {
    for case in versions() {
        let mut most = 0;
        while let Some(mut talk) =
            cut_after(&case, most, |talk| talk.rig.peers[0].take().unwrap().reset())
        {
            if talk.rig.trace == ["< secure 1: 0"] {
                break;
            }
            talk.has_failed(-101);
            most += 1;
        }
        assert!(most > 500, "{most} bytes");
    }
}

#[test]
fn a_time_out_of_the_system_7_7() {
    let mut talk = Case::good().begin();
    talk.rig.run();
    talk.rig.peers[0].as_mut().unwrap().break_other_side(libc::ETIMEDOUT);
    talk.rig.run();
    talk.has_failed(-7);
}

#[test]
fn a_server_that_stalls_at_any_byte_is_waited_for_tls_27() {
    for case in versions() {
        let mut most = 0;
        while let Some(mut talk) = cut_after(&case, most, |_| {}) {
            if talk.rig.trace == ["< secure 1: 0"] {
                break;
            }
            talk.rig.pass(24 * 60 * 60 * 1000);
            talk.rig.play(
                r#"
                > getInfo(1) > close(1)
                < getInfo 1: connected paused local 10.9.9.9 50001 peer 10.0.0.1 443
                < secure 1: -3
                < close 1: ok
                "#,
            );
            most += 1;
        }
        assert!(most > 500, "{most} bytes");
    }
}

#[test]
fn a_server_that_dribbles_is_a_server() {
    for case in versions() {
        let mut talk = case.begin();
        loop {
            talk.rig.run();
            let heard = talk.hear();
            let flight = talk.take_flight();
            flight.chunks(1).for_each(|byte| talk.feed(byte));
            if !heard && flight.is_empty() {
                break;
            }
        }
        assert_eq!(talk.events(), ["< secure 1: 0"]);
        talk.works();
    }
}
