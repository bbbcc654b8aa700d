//! Larger sends of callbacks on the reactor's thread, which are written before the call returns: the same is observed as of
//! those that are copied.

use std::io::{self, Read as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::support::*;
use super::tools::until;
use crate::api::event::{Event, Payload};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{Options, SharedReactor};
use crate::net::{Feature, SocketSettings};

/// Whose completion makes the callback call.
const TRIGGER: i32 = 98;
const SECOND: i32 = 97;
/// More than travels beside the calls.
const LARGE: usize = 40_000;

fn prompt_or_not() -> [Options; 2] {
    [0, Feature::PromptSends as u32].map(|without| {
        let sockets = SocketSettings { without, ..SocketSettings::default() };
        Options { sockets, ..Options::default() }
    })
}

/// What comes of `reaction` in a callback, to which a connected socket and its peer are given.
fn in_a_callback<R: Send + 'static>(
    options: Options,
    reaction: impl Fn(&Bench, i32, TcpStream) -> R + Send + Sync + 'static,
) -> (Arc<Bench>, R) {
    let connected: Arc<Mutex<Option<(i32, TcpStream)>>> = Arc::default();
    let result: Arc<Mutex<Option<R>>> = Arc::default();
    let (given, into) = (Arc::clone(&connected), Arc::clone(&result));
    let bench = Plan::new(Drive::Reactor)
        .with(options)
        .reacting(move |bench, event, _| {
            if event.event_type == T::ChromeSocketsTcpGetInfo
                && event.socket_id == TRIGGER
                && let Some((id, peer)) = given.lock().take()
            {
                *into.lock() = Some(reaction(bench, id, peer));
            }
        })
        .start();
    *connected.lock() = Some(bench.connected());
    bench.get_info(TRIGGER);
    // Meanwhile no other thread calls: behind that nothing could be prompt.
    until("the callback has returned", || result.lock().is_some());
    let result = result.lock().take().unwrap();
    (bench, result)
}

/// Sends what differs from the last, from memory that is then written over.
fn send_and_forget(bench: &Bench, id: i32, lens: &[usize]) -> (Vec<usize>, Vec<u8>) {
    let (mut calls, mut all) = (Vec::new(), Vec::new());
    for (number, len) in lens.iter().enumerate() {
        let mut data: Vec<_> = pattern(*len).iter().map(|byte| byte ^ number as u8).collect();
        calls.push(bench.send(id, &data));
        all.extend_from_slice(&data);
        data.fill(b'-');
    }
    (calls, all)
}

fn sent(event: &Event) -> u64 {
    match event.payload {
        Payload::BytesSent(bytes) => bytes,
        _ => panic!("{event:?}"),
    }
}

#[track_caller]
fn assert_sent(bench: &Bench, calls: &[usize], lens: &[usize]) {
    for (call, len) in calls.iter().zip(lens) {
        assert_eq!(sent(&bench.done(*call)), *len as u64);
    }
    let order: Vec<_> = bench.seen().iter().map(|seen| ticket_of(&seen.event)).collect();
    let places = calls.iter().map(|call| order.iter().position(|seen| seen == call));
    assert!(places.is_sorted(), "completions come in the order of the calls");
    assert_eq!(bench.stats().unsent_bytes, 0);
}

/// Whether the peer has something to read by now.
fn has_come(peer: &TcpStream) -> bool {
    peer.set_nonblocking(true).unwrap();
    let peeked = peer.peek(&mut [0]);
    peer.set_nonblocking(false).unwrap();
    match peeked {
        Ok(len) => len > 0,
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            false
        }
    }
}

#[test]
fn a_large_send_is_on_its_way_before_it_returns_and_its_memory_free_s_3() {
    for (options, is_prompt) in prompt_or_not().into_iter().zip([true, false]) {
        let ran = in_a_callback(options, move |bench, id, mut peer| {
            let (calls, data) = send_and_forget(bench, id, &[LARGE]);
            let mut read = Vec::new();
            if is_prompt {
                // Nothing but the call can have written it.
                read.resize(LARGE, 0);
                peer.read_exact(&mut read).unwrap();
            }
            assert!(!has_come(&peer));
            (calls, data, read, bench.seen().len(), peer)
        });
        let (bench, (calls, data, mut read, seen, mut peer)) = ran;
        let early = bench.seen().iter().take(seen).any(|seen| ticket_of(&seen.event) == calls[0]);
        assert!(!early, "completed within the call");
        if !is_prompt {
            read.resize(LARGE, 0);
            peer.read_exact(&mut read).unwrap();
        }
        assert!(read == data);
        assert_sent(&bench, &calls, &[LARGE]);
        bench.end();
    }
}

#[test]
fn small_and_large_sends_keep_their_order_s_4() {
    let lens = [LARGE, 3, LARGE, 16_384, 16_385, LARGE, 0, LARGE, 70_000, 1];
    for options in prompt_or_not() {
        let ran = in_a_callback(options, move |bench, id, peer| {
            (send_and_forget(bench, id, &lens), peer)
        });
        let (bench, ((calls, data), mut peer)) = ran;
        let mut read = vec![0; data.len()];
        peer.read_exact(&mut read).unwrap();
        assert!(read == data);
        assert_sent(&bench, &calls, &lens);
        bench.end();
    }
}

#[test]
fn what_the_system_does_not_take_follows_later_s_1_s_4() {
    let lens = [300_000; 60];
    for options in prompt_or_not() {
        let ran = in_a_callback(options, move |bench, id, peer| {
            (send_and_forget(bench, id, &lens), peer)
        });
        let (bench, ((calls, data), mut peer)) = ran;
        assert!(bench.stats().unsent_bytes > 0);
        let mut read = vec![0; data.len()];
        peer.read_exact(&mut read).unwrap();
        assert!(read == data);
        assert_sent(&bench, &calls, &lens);
        bench.end();
    }
}

#[test]
fn a_close_behind_a_large_send_loses_nothing_cl_2() {
    for options in prompt_or_not() {
        let ran = in_a_callback(options, |bench, id, peer| {
            let sent = send_and_forget(bench, id, &[LARGE, LARGE]);
            bench.close_socket(id);
            (sent, peer)
        });
        let (bench, ((calls, data), mut peer)) = ran;
        let mut read = Vec::new();
        peer.read_to_end(&mut read).unwrap();
        assert!(read == data);
        assert_sent(&bench, &calls, &[LARGE; 2]);
        bench.end();
    }
}

/// The failure of the first attempt is that of the send, and of the connection.
#[test]
fn a_connection_that_was_reset_fails_the_same_way_s_8_s_9() {
    let results = prompt_or_not().map(|options| {
        let (bench, (id, calls)) = in_a_callback(options, |bench, id, peer| {
            socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
            drop(peer);
            (id, send_and_forget(bench, id, &[LARGE, LARGE, 5]).0)
        });
        let error = bench.wait_event(T::ChromeSocketsTcpOnReceiveError, id).result;
        let results: Vec<_> = calls.iter().map(|call| bench.done(*call).result).collect();
        assert_eq!(bench.stats().unsent_bytes, 0);
        bench.end();
        (error, results)
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], (Some(-101), vec![Some(-101), Some(-15), Some(-15)]));
}

#[test]
fn sends_that_cannot_be_made_write_nothing_s_5() {
    for options in prompt_or_not() {
        let ran = in_a_callback(options, |bench, id, peer| {
            let idle = bench.create(Namespace::Tcp);
            let wrong = bench.call(|app, t| app.send(T::ChromeSocketWrite, id, &[1; LARGE], t));
            ([wrong, bench.send(idle, &[1; LARGE]), bench.send(TRIGGER, &[1; LARGE])], peer)
        });
        let (bench, ([wrong, idle, unknown], peer)) = ran;
        assert_eq!(bench.done(wrong).message, Some(c"Socket not found"));
        assert_eq!(bench.done(idle).result, Some(-15));
        assert_eq!(bench.done(unknown).message, Some(c"Socket not found"));
        assert!(!has_come(&peer));
        bench.end();
    }
}

/// A step in the app's life shows what was raised before it while calls behind it wait.
#[test]
fn a_large_send_goes_behind_what_was_called_before_a_step_in_the_apps_life_s_4() {
    for is_unload in [false, true] {
        let connected: Arc<Mutex<Option<i32>>> = Arc::default();
        let of = Arc::clone(&connected);
        let bench = Plan::new(Drive::Reactor)
            .reacting(move |bench, event, _| {
                let Some(id) = *of.lock() else { return };
                match (event.event_type, event.socket_id) {
                    (T::ChromeSocketsTcpGetInfo, TRIGGER) => {
                        bench.get_info(SECOND);
                        if is_unload {
                            bench.app().unload().unwrap();
                        } else {
                            bench.app().resume().unwrap();
                        }
                        bench.send(id, b"a");
                    }
                    (T::ChromeSocketsTcpGetInfo, SECOND) => {
                        bench.send(id, &pattern(LARGE));
                    }
                    _ => {}
                }
            })
            .start();
        let (id, mut peer) = bench.connected();
        *connected.lock() = Some(id);
        bench.get_info(TRIGGER);
        if is_unload {
            let mut read = Vec::new();
            peer.read_to_end(&mut read).unwrap();
            assert!(read.is_empty(), "{} bytes", read.len());
        } else {
            let mut read = vec![0; 1 + LARGE];
            peer.read_exact(&mut read).unwrap();
            assert_eq!(read[0], b'a');
            assert!(read[1..] == pattern(LARGE));
        }
        bench.end();
    }
}

/// Ids are an app's own: two apps have sockets of the same id.
#[test]
fn a_large_send_of_another_apps_callback_goes_to_that_app() {
    let reactor = SharedReactor::start().unwrap();
    let other = Plan::new(Drive::Reactor).on(&reactor).start();
    let (other_id, mut other_peer) = other.connected();
    let theirs = Arc::clone(&other);
    let bench = Plan::new(Drive::Reactor)
        .on(&reactor)
        .reacting(move |_, event, _| {
            if event.socket_id == TRIGGER {
                theirs.send(other_id, &pattern(LARGE));
            }
        })
        .start();
    let (id, peer) = bench.connected();
    assert_eq!(id, other_id);
    bench.done(bench.get_info(TRIGGER));
    let mut read = vec![0; LARGE];
    other_peer.read_exact(&mut read).unwrap();
    assert!(read == pattern(LARGE));
    assert!(!has_come(&peer));
    bench.end();
    other.end();
}

/// A program that sends the next block whenever one is sent.
#[test]
fn a_source_that_never_pauses_lets_others_have_their_turn() {
    const BLOCKS: usize = 2_000;
    let source: Arc<Mutex<Option<(i32, usize)>>> = Arc::default();
    let next = Arc::clone(&source);
    let bench = Plan::new(Drive::Reactor)
        .reacting(move |bench, event, _| {
            let mut source = next.lock();
            if let Some((id, left)) = source.as_mut()
                && event.socket_id == *id
                && matches!(event.event_type, T::ChromeSocketsTcpSend | T::ChromeSocketsTcpGetInfo)
                && *left > 0
            {
                *left -= 1;
                let block = [*left as u8; LARGE];
                bench.send(*id, &block);
            }
        })
        .start();
    let (id, peer) = bench.connected();
    let (other, other_peer) = bench.connected();
    *source.lock() = Some((id, BLOCKS));
    bench.get_info(id);
    let reader = std::thread::spawn(move || {
        let (mut peer, mut block) = (peer, vec![0; LARGE]);
        for number in (0..BLOCKS).rev() {
            peer.read_exact(&mut block).unwrap();
            assert!(block.iter().all(|byte| *byte == number as u8), "block {number}");
        }
    });
    write_to(&other_peer, b"hello");
    assert_eq!(bench.wait_received(other, 5), b"hello");
    reader.join().unwrap();
    bench.wait("the last send", |seen| {
        let sends = seen.iter().filter(|seen| seen.event.event_type == T::ChromeSocketsTcpSend);
        (sends.count() == BLOCKS).then_some(())
    });
    bench.end();
}
