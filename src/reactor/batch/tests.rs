use super::*;
use crate::api::event::Ticket;
use crate::api::table::EventType;

fn push_send(batch: &mut Batch, slot: u32, socket_id: i32, data: &[u8]) {
    let (event_type, ticket) = (EventType::ChromeSocketsTcpSend, Ticket::default());
    let len = data.len();
    batch.push_send(slot, Send { event_type, socket_id, len, ticket }, data);
}

/// What is in a batch, in order: for sends slot, number and bytes.
fn drain(batch: &mut Batch, gathers: bool) -> Vec<(u32, usize, Vec<u8>)> {
    let mut found = Vec::new();
    while !batch.is_empty() {
        match batch.next_sends(usize::MAX) {
            Some(mut runs) => {
                // As a turn does.
                loop {
                    if let Some((_, bytes)) = runs.next_alone() {
                        found.push((runs.slot, 1, bytes.to_vec()));
                    } else if let Some(Run { sends, bytes }) = runs.next(gathers) {
                        found.push((runs.slot, sends.len(), bytes.to_vec()));
                    } else {
                        break;
                    }
                }
                let taken = runs.taken();
                batch.drop_taken(taken);
            }
            None => match batch.pop().unwrap() {
                Message::Released(slot) => found.push((slot, 0, Vec::new())),
                _ => unreachable!(),
            },
        }
    }
    assert!(batch.next_sends(usize::MAX).is_none() && batch.pop().is_none());
    found
}

#[test]
fn messages_and_runs_of_sends_come_out_in_order() {
    let (mut batch, mut next) = (Batch::default(), Batch::default());
    for _ in 0..3 {
        push_send(&mut batch, 1, 5, b"ab");
        push_send(&mut batch, 1, 5, b"");
        push_send(&mut batch, 1, 6, b"c");
        push_send(&mut batch, 2, 6, b"d");
        batch.push(Message::Released(3));
        push_send(&mut batch, 2, 6, b"e");
        push_send(&mut next, 2, 6, b"f");
        next.push(Message::Released(4));
        push_send(&mut next, 2, 6, b"g");
        batch.append(&mut next);
        push_send(&mut batch, 2, 6, b"h");
        assert!(next.is_empty());
        let sends = |slot, number, bytes: &[u8]| (slot, number, bytes.to_vec());
        let expected = [
            sends(1, 2, b"ab"),
            sends(1, 1, b"c"),
            sends(2, 1, b"d"),
            sends(3, 0, b""),
            sends(2, 1, b"e"),
            sends(2, 1, b"f"),
            sends(4, 0, b""),
            sends(2, 2, b"gh"),
        ];
        assert_eq!(drain(&mut batch, true), expected);
        batch.recycle();
        next.recycle();
    }
}

fn push_datagram(batch: &mut Batch, from: (u32, i32), to: (&str, i32), data: &[u8]) {
    push_like(batch, from, EventType::ChromeSocketsUdpSend, to, DnsQueryType::Any, data);
}

fn push_like(
    batch: &mut Batch,
    (slot, socket_id): (u32, i32),
    event_type: EventType,
    (address, port): (&str, i32),
    dns_query_type: DnsQueryType,
    data: &[u8],
) {
    let send = Send { event_type, socket_id, len: data.len(), ticket: Ticket::default() };
    batch.push_datagram(slot, send, Destination { address, port, dns_query_type }, data);
}

/// The datagrams that come next: how many, where to, and their bytes.
fn next_datagrams(batch: &mut Batch) -> Option<(usize, String, Vec<u8>)> {
    let mut sends = Vec::new();
    let Datagrams { slot, to, bytes } = batch.next_datagrams(3, 12, &mut sends)?;
    let to = format!("{slot}: {}:{}", to.address, to.port);
    Some((sends.len(), to, bytes.to_vec()))
}

#[test]
fn datagrams_come_out_in_order_with_their_addresses_and_bytes() {
    let (mut batch, mut next) = (Batch::default(), Batch::default());
    for _ in 0..2 {
        push_datagram(&mut batch, (1, 5), ("a", 9), b"ab");
        push_send(&mut batch, 1, 5, b"xyz");
        push_datagram(&mut batch, (1, 5), ("a", 9), b"cd");
        push_datagram(&mut next, (1, 5), ("", 9), b"ef");
        push_datagram(&mut next, (1, 5), ("", 9), b"gh");
        push_datagram(&mut next, (1, 5), ("b", 9), b"ij");
        assert_eq!(next_datagrams(&mut batch), Some((1, "1: a:9".into(), b"ab".into())));
        batch.append(&mut next);
        push_datagram(&mut batch, (1, 5), ("b", 9), b"kl");
        push_datagram(&mut next, (1, 5), ("b", 9), b"mn");
        batch.append(&mut next);
        assert!(next_datagrams(&mut batch).is_none(), "the send comes first");
        let taken = batch.next_sends(9).map(|mut runs| {
            assert_eq!(runs.next(true).map(|run| run.bytes), Some(&b"xyz"[..]));
            runs.taken()
        });
        batch.drop_taken(taken.unwrap());
        let expected: [(usize, &str, &[u8]); 4] = [
            (1, "1: a:9", b"cd"),
            (2, "1: :9", b"efgh"),
            (2, "1: b:9", b"ijkl"),
            (1, "1: b:9", b"mn"),
        ];
        for (number, to, bytes) in expected {
            assert_eq!(next_datagrams(&mut batch), Some((number, to.into(), bytes.into())));
        }
        assert!(batch.is_empty());
        batch.recycle();
        next.recycle();
    }
}

#[test]
fn datagrams_leave_together_that_are_alike_and_not_too_many() {
    let mut batch = Batch::default();
    let one = |batch: &mut Batch, data: &[u8]| push_datagram(batch, (1, 5), ("a", 9), data);
    (0..4).for_each(|_| one(&mut batch, b"x"));
    (0..3).for_each(|_| one(&mut batch, b"abcdef"));
    (0..2).for_each(|_| one(&mut batch, b""));
    one(&mut batch, &[7; 13]);
    push_datagram(&mut batch, (1, 5), ("a", 8), &[7; 13]);
    push_datagram(&mut batch, (1, 6), ("a", 8), b"y");
    push_datagram(&mut batch, (2, 6), ("a", 8), b"y");
    let numbers: Vec<_> =
        std::iter::from_fn(|| next_datagrams(&mut batch)).map(|(number, ..)| number).collect();
    assert_eq!(numbers, [3, 1, 2, 1, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn datagrams_that_differ_in_anything_leave_alone() {
    let (udp, legacy) = (EventType::ChromeSocketsUdpSend, EventType::ChromeSocketSendTo);
    let (any, ipv4) = (DnsQueryType::Any, DnsQueryType::Ipv4);
    let mut batch = Batch::default();
    for (event_type, address, dns_query_type) in
        [(udp, "a", any), (udp, "b", any), (legacy, "b", any), (legacy, "b", ipv4)]
    {
        push_like(&mut batch, (1, 5), event_type, (address, 9), dns_query_type, b"x");
    }
    let numbers: Vec<_> =
        std::iter::from_fn(|| next_datagrams(&mut batch)).map(|(number, ..)| number).collect();
    assert_eq!(numbers, [1; 4]);
}

#[test]
fn sends_are_counted_once_wherever_they_stand() {
    let mut batch = Batch::default();
    for number in 1..=4 {
        push_send(&mut batch, 1, 5, b"x");
        batch.push(Message::Released(1));
        assert_eq!(batch.len_up_to(8), 2 * number);
    }
    assert!(batch.len_up_to(7) > 7 && batch.len_up_to(3) > 3);
}

#[test]
fn a_run_ends_where_it_has_the_bytes_that_are_written_together() {
    let numbers = |gathers| {
        let mut batch = Batch::default();
        (0..40).for_each(|_| push_send(&mut batch, 1, 5, &[0; MAX_GATHERED / 16]));
        drain(&mut batch, gathers).iter().map(|(_, number, _)| *number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(true), [16, 16, 8]);
    assert_eq!(numbers(false), [1; 40]);
}

#[test]
fn what_a_flood_has_taken_is_not_kept() {
    let mut batch = Batch::default();
    (0..40).for_each(|_| push_send(&mut batch, 1, 5, &[0; MAX_KEPT / 16]));
    (0..MAX_KEPT).for_each(|_| batch.push(Message::Released(1)));
    drain(&mut batch, true);
    batch.recycle();
    assert!(batch.bytes.capacity() <= MAX_KEPT);
    assert!(batch.messages.capacity() * size_of::<Message>() <= MAX_KEPT);
}

#[test]
fn what_is_taken_over_leaves_no_memory_behind() {
    let (mut batch, mut next) = (Batch::default(), Batch::default());
    push_send(&mut batch, 1, 5, b"first");
    (0..40).for_each(|_| push_send(&mut next, 1, 5, &[0; MAX_KEPT / 16]));
    batch.append(&mut next);
    assert!(next.bytes.capacity() <= MAX_KEPT);
    push_send(&mut next, 1, 5, b"last");
    batch.append(&mut next);
    let all: Vec<_> = drain(&mut batch, true).into_iter().flat_map(|run| run.2).collect();
    assert!(all.starts_with(b"first") && all.ends_with(b"last"));
}
