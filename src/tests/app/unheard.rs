//! Completions that nobody would hear of: with reactor delivery no event is made of them until there is
//! a default handler, and they count all the same.

use std::sync::mpsc::{Sender, channel};

use super::support::*;
use crate::api::event::{Event, Ticket};
use crate::api::table::{EventType as T, Namespace};
use crate::app::{App, Options, SharedReactor};
use crate::delivery::{Host, Mode};

const UNASKED: Ticket = Ticket { callback: 0, user_data: 0 };
const ASKED: Ticket = Ticket { callback: 1, user_data: 0 };

struct Telling(Sender<T>);

impl Host for Telling {
    fn deliver(&self, event: &Event, _: &[u8], _: &[Ticket]) {
        self.0.send(event.event_type).unwrap();
    }

    fn wake_up(&self) {}

    fn gone(&self) {}
}

#[test]
fn what_nobody_asked_for_counts_and_is_told_only_to_a_default_handler_q_2() {
    let (sender, told) = channel();
    let options = Options { mode: Mode::Reactor, ..Options::default() };
    let reactor = SharedReactor::start().unwrap();
    let app = App::new(&options, reactor, Box::new(Telling(sender))).unwrap();
    let next = || told.recv_timeout(DEADLINE).unwrap();
    let send = |id| app.send(T::ChromeSocketsTcpSend, id, b"to nobody", UNASKED).unwrap();

    send(99);
    app.close_socket(T::ChromeSocketsTcpClose, Namespace::Tcp, 99, UNASKED).unwrap();
    app.get_info(Namespace::Tcp, 99, ASKED).unwrap();
    assert_eq!(next(), T::ChromeSocketsTcpGetInfo, "the first that anybody asked for");
    let stats = app.stats();
    assert_eq!((stats.calls_accepted, stats.calls_completed, stats.unsent_bytes), (3, 3, 0));

    app.delivery().set_default_handler(Some((ASKED, None)));
    send(99);
    assert_eq!(next(), T::ChromeSocketsTcpSend, "from the first call after it was set");

    app.close();
    app.delivery().free();
}
