//! What was received in plain text and waits for the host when `secure` is called is never delivered
//! (tcp.md TLS-28).

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::support::Pulling;
use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType as T;
use crate::delivery::{Delivery, Host, Mode};

/// What was delivered: socket and data, or the type of a completion.
type Log = Arc<Mutex<Vec<String>>>;

struct Recording(Log);

impl Host for Recording {
    fn deliver(&self, event: &Event, _: &[u8], _: &[Ticket]) {
        self.0.lock().push(line(event));
    }

    fn wake_up(&self) {}

    fn gone(&self) {}
}

fn line(event: &Event) -> String {
    match &event.payload {
        Payload::Data(data) => format!("{} {}", event.socket_id, String::from_utf8_lossy(data)),
        _ => format!("{} {:?}", event.socket_id, event.event_type),
    }
}

/// A queue with a default handler that writes down what it gets.
fn delivery(mode: Mode) -> (Delivery, Log) {
    let log = Log::default();
    let delivery = Delivery::new(mode, Box::new(Recording(Arc::clone(&log))), Box::new(|| {}));
    let own = Ticket { callback: 1, user_data: 0 };
    delivery.set_default_handler(Some((own, None)));
    (delivery, log)
}

fn received(socket_id: i32, data: &'static str, secured: bool) -> Event {
    let mut event = Event::notification(T::ChromeSocketsTcpOnReceive, socket_id, None);
    event.payload = Payload::Data(Bytes::from_static(data.as_bytes()));
    event.secured = secured;
    event
}

fn completed(event_type: T, socket_id: i32, result: Status) -> Event {
    let mut event = Event::notification(event_type, socket_id, Some(result));
    event.ticket = Some(Ticket { callback: 1, user_data: 0 });
    event
}

/// Plain text of two sockets, then what follows a `secure` of the first.
fn events() -> Vec<Event> {
    vec![
        received(1, "injected", false),
        received(2, "other", false),
        completed(T::ChromeSocketsTcpSecure, 1, Status::Ok),
        received(1, "sealed", true),
    ]
}

const EXPECTED: [&str; 3] = ["2 other", "1 ChromeSocketsTcpSecure", "1 sealed"];

#[test]
fn plain_text_is_not_pulled_once_secure_is_called_tls_28() {
    let (delivery, _) = delivery(Mode::Queue);
    delivery.push(&mut events());
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    for expected in EXPECTED {
        assert_eq!(line(&delivery.next(None).unwrap()), expected);
    }
    assert_eq!(delivery.undelivered_events(), 0);
    // What was passed over counts as released.
    assert_eq!(delivery.undelivered_bytes(), ("other".len() + "sealed".len()) as u64);
}

#[test]
fn plain_text_is_not_dispatched_once_secure_is_called_tls_28() {
    let (delivery, log) = delivery(Mode::Queue);
    delivery.push(&mut events());
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), EXPECTED);
    assert_eq!(delivery.undelivered_bytes(), 0);
}

#[test]
fn plain_text_is_not_delivered_by_the_reactor_once_secure_is_called_tls_28() {
    let (delivery, log) = delivery(Mode::Reactor);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.deliver_now(&mut events(), &[], &mut None);
    assert_eq!(*log.lock(), EXPECTED);
}

#[test]
fn a_secure_that_was_refused_holds_nothing_back_tls_28() {
    let (delivery, log) = delivery(Mode::Queue);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.forget_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.push(&mut vec![received(1, "plain", false)]);
    delivery.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), ["1 plain"]);
}

#[test]
fn two_calls_of_secure_hold_back_until_both_are_answered_tls_9_tls_28() {
    let (delivery, log) = delivery(Mode::Queue);
    delivery.push(&mut vec![
        received(1, "first", false),
        completed(T::ChromeSocketsTcpSecure, 1, Status::Failed),
        received(1, "second", false),
        completed(T::ChromeSocketsTcpSecure, 1, Status::Ok),
        received(1, "sealed", true),
    ]);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.dispatch(usize::MAX, None).unwrap();
    let secure = "1 ChromeSocketsTcpSecure";
    assert_eq!(*log.lock(), [secure, secure, "1 sealed"]);
}

#[test]
fn an_end_and_a_close_are_told_all_the_same_tls_28() {
    let (delivery, log) = delivery(Mode::Queue);
    let end = T::ChromeSocketsTcpOnReceiveError;
    delivery.push(&mut vec![
        received(1, "plain", false),
        completed(T::ChromeSocketsTcpSecure, 1, Status::Failed),
        Event::notification(end, 1, Some(Status::ConnectionClosed)),
    ]);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), ["1 ChromeSocketsTcpSecure", "1 ChromeSocketsTcpOnReceiveError"]);
}
