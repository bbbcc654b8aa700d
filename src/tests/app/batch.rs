//! Events in batches: the records, the stream of wake-ups, calls that start together.

use std::io::Read;
use std::os::fd::FromRawFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::Duration;

use super::tools::until;
use crate::api::net_error::Status;
use crate::api::table::EventType as T;
use crate::ffi::app::{
    chromesock_app, chromesock_app_free, chromesock_app_get_stats, chromesock_app_new,
};
use crate::ffi::batch::*;
use crate::ffi::event::chromesock_event_release;
use crate::ffi::sockets_tcp::*;
use crate::ffi::sockets_udp::*;
use crate::ffi::types::chromesock_app_stats;

/// An app of the C interface.
struct CApp(*mut chromesock_app);

impl CApp {
    fn new() -> Self {
        let mut app = ptr::null_mut();
        // SAFETY: no options, and a place for the app.
        assert_eq!(unsafe { chromesock_app_new(ptr::null(), &raw mut app) }, Status::Ok);
        Self(app)
    }

    fn stats(&self) -> chromesock_app_stats {
        // SAFETY: all zeros is a value of it.
        let mut stats: chromesock_app_stats = unsafe { std::mem::zeroed() };
        stats.size = size_of::<chromesock_app_stats>() as u32;
        // SAFETY: the app lives, the struct is writable.
        assert_eq!(unsafe { chromesock_app_get_stats(self.0, &raw mut stats) }, Status::Ok);
        stats
    }

    /// A send on a socket that does not exist; its completion carries `token` and a message.
    fn send_to_nobody(&self, token: usize) {
        let token = ptr::without_provenance_mut(token);
        // SAFETY: the app lives; there is no data.
        let status = unsafe { chrome_sockets_tcp_send(self.0, 99, ptr::null(), 0, None, token) };
        assert_eq!(status, Status::Ok);
    }

    fn get_sockets(&self, token: usize) {
        let token = ptr::without_provenance_mut(token);
        // SAFETY: the app lives.
        assert_eq!(unsafe { chrome_sockets_tcp_get_sockets(self.0, None, token) }, Status::Ok);
    }

    fn wait_queued(&self, number: u64) {
        until("events are queued", || self.stats().undelivered_events == number);
    }

    /// The records that fit into a buffer, each with its message, and how many events are left.
    fn copy(&self, buffer: &mut [u64]) -> (Vec<(chromesock_event_record, String)>, usize) {
        let (mut written, mut left) = (usize::MAX, usize::MAX);
        let start: *mut u8 = buffer.as_mut_ptr().cast();
        let length = size_of_val(buffer);
        // SAFETY: the app lives, the buffer has that length.
        let status = unsafe {
            chromesock_app_copy_events(self.0, start, length, &raw mut written, &raw mut left)
        };
        assert_eq!(status, Status::Ok);
        let (mut records, mut at) = (Vec::new(), 0);
        while at < written {
            // SAFETY: the library wrote a record there; the text follows data and address.
            let (record, message) = unsafe {
                let record = start.add(at).cast::<chromesock_event_record>().read();
                let before = 64 + (record.data_len + record.address_len) as usize;
                let text = start.add(at + before);
                (record, std::slice::from_raw_parts(text, record.message_len as usize))
            };
            records.push((record, String::from_utf8(message.to_vec()).unwrap()));
            at += record.size as usize;
        }
        assert_eq!(at, written);
        (records, left)
    }

    fn stream(&self) -> UnixStream {
        let mut stream = -1;
        // SAFETY: the app lives.
        assert_eq!(unsafe { chromesock_app_event_stream(self.0, &raw mut stream) }, Status::Ok);
        // SAFETY: the descriptor is ours.
        let stream = unsafe { UnixStream::from_raw_fd(i32::try_from(stream).unwrap()) };
        stream.set_nonblocking(false).unwrap();
        stream
    }
}

impl Drop for CApp {
    fn drop(&mut self) {
        // SAFETY: it lives, and is not used any more.
        unsafe { chromesock_app_free(self.0) };
    }
}

/// What can be read at once, waiting `timeout` for the first byte; `None` = nothing came.
fn read_some(stream: &mut UnixStream, timeout: Duration) -> Option<usize> {
    stream.set_read_timeout(Some(timeout)).unwrap();
    stream.read(&mut [0; 64]).ok()
}

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = super::tools::DEADLINE;

#[test]
fn records_follow_each_other_in_order_as_many_as_fit() {
    let app = CApp::new();
    for token in 1..=100 {
        app.send_to_nobody(token);
    }
    app.wait_queued(100);
    let mut buffer = [0; 512];
    let mut seen = Vec::new();
    loop {
        let (records, left) = app.copy(&mut buffer);
        if records.is_empty() {
            break;
        }
        assert_eq!(left, 100 - seen.len() - records.len());
        for (record, message) in records {
            assert_eq!(record.r#type, T::ChromeSocketsTcpSend as u32);
            assert_eq!((record.socket_id, record.event.is_null()), (99, true));
            assert_eq!(message, "Socket not found");
            seen.push(record.user_data);
        }
    }
    assert_eq!(seen, (1..=100).collect::<Vec<_>>());
}

#[test]
fn an_event_with_a_list_is_handed_over() {
    let app = CApp::new();
    app.get_sockets(7);
    app.wait_queued(1);
    let (records, _) = app.copy(&mut [0; 512]);
    let [(record, _)] = &records[..] else { panic!("{} records", records.len()) };
    assert_eq!((record.user_data, record.data_len), (7, 0));
    // SAFETY: handed over, and released once.
    unsafe {
        assert_eq!((*record.event).r#type, T::ChromeSocketsTcpGetSockets as u32);
        assert_eq!((*record.event).sockets_len, 0);
        chromesock_event_release(record.event);
    }
}

#[test]
fn wrong_buffers_are_refused_and_cost_no_event() {
    let app = CApp::new();
    app.get_sockets(1);
    app.wait_queued(1);
    let (mut buffer, mut written) = ([0_u64; 512], 0);
    let start: *mut u8 = buffer.as_mut_ptr().cast();
    let none = ptr::null_mut();
    let copy = |start, len, written| {
        // SAFETY: the app lives; what is NULL or wrong is refused before it is used.
        unsafe { chromesock_app_copy_events(app.0, start, len, written, none) }
    };
    assert_eq!(copy(ptr::null_mut(), 4096, &raw mut written), Status::InvalidArgument);
    assert_eq!(copy(start, 4088, &raw mut written), Status::InvalidArgument);
    assert_eq!(copy(start.wrapping_add(4), 4096, &raw mut written), Status::InvalidArgument);
    assert_eq!(copy(start, 4096, none), Status::InvalidArgument);
    app.wait_queued(1);
}

#[test]
fn the_stream_tells_once_until_the_queue_was_found_empty() {
    let app = CApp::new();
    let mut stream = app.stream();
    let mut buffer = [0; 512];
    assert_eq!(read_some(&mut stream, SHORT), None);
    for _ in 0..3 {
        app.send_to_nobody(1);
        assert_eq!(read_some(&mut stream, LONG), Some(1));
        assert_eq!(app.copy(&mut buffer).0.len(), 1);
        // Taken, but not found empty: no byte.
        app.send_to_nobody(2);
        app.wait_queued(1);
        assert_eq!(read_some(&mut stream, SHORT), None);
        assert_eq!(app.copy(&mut buffer).0.len(), 1);
        assert_eq!(app.copy(&mut buffer).0.len(), 0);
    }
}

#[test]
fn a_stream_that_comes_late_tells_at_once_and_ends_the_one_before() {
    let app = CApp::new();
    app.send_to_nobody(1);
    app.wait_queued(1);
    let mut first = app.stream();
    assert_eq!(read_some(&mut first, LONG), Some(1));
    let mut second = app.stream();
    assert_eq!(read_some(&mut first, LONG), Some(0), "the end");
    assert_eq!(read_some(&mut second, LONG), Some(1));
    drop(app);
    assert_eq!(read_some(&mut second, LONG), Some(0), "the app is gone");
}

/// A host that closed its end is not ended by a signal, nor is the app.
#[test]
fn a_stream_that_the_host_has_closed_harms_nobody() {
    let app = CApp::new();
    drop(app.stream());
    app.send_to_nobody(1);
    app.wait_queued(1);
    assert_eq!(app.copy(&mut [0; 512]).0.len(), 1);
}

#[test]
fn held_calls_start_when_the_hold_ends_in_order() {
    let app = CApp::new();
    // SAFETY: the app lives.
    let hold = |hold| assert_eq!(unsafe { chromesock_app_hold_calls(app.0, hold) }, Status::Ok);
    // The reactor sleeps in most rounds when the first call comes.
    for _ in 0..200 {
        hold(1);
        for token in 1..=10 {
            app.send_to_nobody(token);
        }
        hold(0);
        app.wait_queued(10);
        let tokens: Vec<_> = app.copy(&mut [0; 512]).0.iter().map(|(r, _)| r.user_data).collect();
        assert_eq!(tokens, (1..=10).collect::<Vec<_>>());
    }
    app.send_to_nobody(11);
    app.wait_queued(1);
}

/// udp.md 5.5: data and address of a datagram lie in the record.
#[test]
fn data_and_address_lie_in_the_record() {
    let app = CApp::new();
    let mut id = 0;
    // SAFETY: the app lives, the texts end with NUL, the id may be written.
    let status = unsafe {
        chrome_sockets_udp_create(app.0, ptr::null(), &raw mut id, None, ptr::null_mut());
        let address = c"127.0.0.1".as_ptr();
        chrome_sockets_udp_bind(app.0, id, address, 0, None, ptr::null_mut());
        chrome_sockets_udp_get_info(app.0, id, None, ptr::null_mut())
    };
    assert_eq!(status, Status::Ok);
    app.wait_queued(3);
    let mut buffer = [0; 1024];
    let (records, _) = app.copy(&mut buffer);
    let info = records[2].0.event;
    // SAFETY: handed over, with one socket, and released once.
    let port = unsafe {
        let port = (*(*info).sockets).local_port;
        chromesock_event_release(info);
        port
    };
    let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"hello", ("127.0.0.1", u16::try_from(port).unwrap())).unwrap();
    app.wait_queued(1);
    let (records, _) = app.copy(&mut buffer);
    let record = records[0].0;
    assert_eq!(record.r#type, T::ChromeSocketsUdpOnReceive as u32);
    assert_eq!((record.socket_id, record.data_len, record.address_len), (id, 5, 9));
    assert_eq!(record.port, i32::from(sender.local_addr().unwrap().port()));
    let bytes: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).collect();
    assert_eq!(&bytes[64..78], b"hello127.0.0.1");
    assert_eq!(app.stats().undelivered_bytes, 0, "copied is delivered");
}
