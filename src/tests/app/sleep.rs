//! What waited while the app was suspended, and is not wanted any more when it is resumed (tcp.md LC-3).

use super::support::*;
use crate::api::properties::{SecureOptions, SocketProperties};
use crate::api::table::{EventType as T, Namespace};

/// Little enough that one read exceeds it.
const BOUND: u64 = 1000;
const DATA: usize = 3000;

in_each_mode!(
    data_of_a_socket_that_closed_asleep_is_not_delivered_cl_2_lc_3,
    plain_text_is_not_delivered_when_secure_failed_asleep_tls_28_lc_3,
);

fn data_of_a_socket_that_closed_asleep_is_not_delivered_cl_2_lc_3(drive: Drive) {
    is_not_delivered_after(drive, |bench, id, peer| {
        let close = bench.close_socket(id);
        assert_eq!(bench.done(close).message, None);
        drop(peer);
    });
}

fn plain_text_is_not_delivered_when_secure_failed_asleep_tls_28_lc_3(drive: Drive) {
    is_not_delivered_after(drive, |bench, id, peer| {
        let secure = T::ChromeSocketsTcpSecure;
        let secure = bench.call(|app, t| app.secure(secure, id, SecureOptions::default(), t));
        write_to(&peer, b"220 no TLS here\r\n");
        assert_eq!(bench.done(secure).result, Some(-107));
    });
}

/// A persistent socket receives while the app is asleep, then `change` makes that unwanted.
fn is_not_delivered_after(drive: Drive, change: impl FnOnce(&Bench, i32, std::net::TcpStream)) {
    let bench = Plan::new(drive).holding(BOUND, BOUND).start();
    let persistent = SocketProperties { persistent: Some(true), ..SocketProperties::default() };
    let (id, peer) = bench.connected();
    let (other, other_peer) = bench.connected();
    for id in [id, other] {
        let update = bench.call(|app, t| app.update(Namespace::Tcp, id, persistent.clone(), t));
        bench.done(update);
    }
    // The read in flight (PA-3) still takes what comes; nothing is in the way of `secure` then.
    let pause = bench.call(|app, t| app.set_paused(Namespace::Tcp, id, true, t));
    bench.done(pause);
    bench.app().suspend().unwrap();
    write_to(&peer, &pattern(DATA));
    bench.wait_event(T::ChromesockAppWanted, 0);
    change(&bench, id, peer);
    // The credit is used up: this is not even read before the app is resumed.
    write_to(&other_peer, &pattern(DATA));
    bench.app().resume().unwrap();
    assert_eq!(bench.wait_received(other, DATA), pattern(DATA));
    assert_eq!(bench.received(id), b"");
    until("all credit is back", || bench.stats().undelivered_bytes == 0);
    bench.end();
}
