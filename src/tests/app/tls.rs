//! What was received in plain text and waits for the host when `secure` is called is never delivered
//! (tcp.md TLS-28), nor what was raised before the app was unloaded (LC-6).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use super::support::Pulling;
use crate::api::event::{Event, Payload, Ticket};
use crate::api::net_error::Status;
use crate::api::table::EventType as T;
use crate::delivery::{Delivery, Due, Host, Mode};

/// What was delivered: socket and data, or the type of a completion.
type Log = Arc<Mutex<Vec<String>>>;

struct Recording(Log);

impl Host for Recording {
    fn deliver(&self, due: Due<'_>) {
        due.for_each(|event, _, _| self.0.lock().push(line(event)));
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
    let delivery = Delivery::new(mode, Box::new(Recording(Arc::clone(&log))), Arc::new(|| {}));
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

/// The socket lives on if it was not connected, and is connected afterwards.
#[test]
fn a_secure_that_has_failed_holds_nothing_back_tls_3_tls_28() {
    let events = || {
        vec![
            completed(T::ChromeSocketsTcpSecure, 1, Status::InvalidArgument),
            received(1, "plain", false),
        ]
    };
    let expected = ["1 ChromeSocketsTcpSecure", "1 plain"];
    let (queue, _) = delivery(Mode::Queue);
    queue.note_closing(T::ChromeSocketsTcpSecure, 1);
    queue.push(&mut events());
    for expected in expected {
        assert_eq!(line(&queue.next(Some(Duration::ZERO)).unwrap()), expected);
    }
    let (queue, log) = delivery(Mode::Queue);
    queue.note_closing(T::ChromeSocketsTcpSecure, 1);
    queue.push(&mut events());
    queue.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), expected);
    let (queue, log) = delivery(Mode::Reactor);
    queue.note_closing(T::ChromeSocketsTcpSecure, 1);
    queue.deliver_now(&mut events(), &[], &mut None);
    assert_eq!(*log.lock(), expected);
}

#[test]
fn another_call_of_secure_holds_back_nothing_that_came_secured_tls_2() {
    let (delivery, log) = delivery(Mode::Queue);
    delivery.note_closing(T::ChromeSocketsTcpSecure, 1);
    delivery.push(&mut vec![received(1, "sealed", true)]);
    delivery.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), ["1 sealed"]);
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

/// What was raised before an unload is not delivered after it was called, whenever that is carried out.
#[test]
fn an_unload_withdraws_what_was_raised_before_it_lc_6() {
    let events =
        || vec![received(1, "old", false), completed(T::ChromeSocketsTcpClose, 2, Status::Ok)];
    let (queue, log) = delivery(Mode::Queue);
    queue.push(&mut events());
    queue.note_unloading();
    queue.dispatch(usize::MAX, None).unwrap();
    assert_eq!(*log.lock(), ["2 ChromeSocketsTcpClose"]);
    assert_eq!(queue.undelivered_bytes(), 0);
    // It is carried out: what follows is of the app's new life.
    queue.push(&mut events());
    assert_eq!(queue.withdraw_notifications().len(), 1);
    assert_eq!(queue.undelivered_bytes(), 0);
    queue.unloaded();
    queue.push(&mut vec![received(3, "new", false)]);
    queue.dispatch(usize::MAX, None).unwrap();
    assert_eq!(log.lock()[1..], ["2 ChromeSocketsTcpClose", "3 new"]);
    let (at_once, log) = delivery(Mode::Reactor);
    at_once.note_unloading();
    at_once.deliver_now(&mut events(), &[], &mut None);
    at_once.unloaded();
    at_once.deliver_now(&mut vec![received(3, "new", false)], &[], &mut None);
    assert_eq!(*log.lock(), ["2 ChromeSocketsTcpClose", "3 new"]);
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

#[test]
fn a_freed_app_hears_of_no_data_though_a_close_is_answered() {
    let (delivery, log) = delivery(Mode::Reactor);
    delivery.note_closing(T::ChromeSocketsTcpClose, 1);
    delivery.free_for_host();
    let closed = completed(T::ChromeSocketsTcpClose, 1, Status::Ok);
    delivery.deliver_now(&mut vec![closed, received(2, "late", false)], &[], &mut None);
    assert_eq!(*log.lock(), ["1 ChromeSocketsTcpClose"]);
}
