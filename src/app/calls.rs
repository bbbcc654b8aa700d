//! The calls of the API: accepted now, with one completion to follow, or refused, with none.

use bytes::Bytes;

use super::App;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SecureOptions};
use crate::api::table::{EventType, Namespace};
use crate::delivery::{Lent, Release};
use crate::engine::command::{Call, Command, Destination, MAX_DATAGRAM, Send, SendData};
use crate::reactor::MAX_BESIDE;

impl App {
    /// A call that needs no more than to be passed on; its completion is of `event_type`.
    pub(crate) fn call(
        &self,
        event_type: EventType,
        socket_id: i32,
        command: Command,
        ticket: Ticket,
    ) -> Result<(), Status> {
        // A pause that follows an unpause allows one read; what follows a connect finds it under way.
        let leads = matches!(command, Command::SetPaused(_, false) | Command::Connect { .. });
        self.line.call(leads, || Call { event_type, socket_id, ticket, command })
    }

    /// A `create`. Returns the id, which later calls can use at once, since calls are carried out in order.
    pub(crate) fn create(
        &self,
        event_type: EventType,
        command: Command,
        ticket: Ticket,
    ) -> Result<i32, Status> {
        let id = self.accounts.next_id().ok_or(Status::InsufficientResources)?;
        self.call(event_type, id, command, ticket)?;
        Ok(id)
    }

    /// A `close` or `destroy`.
    pub(crate) fn close_socket(
        &self,
        event_type: EventType,
        namespace: Namespace,
        id: i32,
        ticket: Ticket,
    ) -> Result<(), Status> {
        self.call_that_ends_data(event_type, id, Command::Close(namespace), ticket)
    }

    /// `secure`: what came in plain text is not delivered any more (tcp.md TLS-28).
    pub(crate) fn secure(
        &self,
        event_type: EventType,
        id: i32,
        options: SecureOptions,
        ticket: Ticket,
    ) -> Result<(), Status> {
        self.call_that_ends_data(event_type, id, Command::Secure(options), ticket)
    }

    fn call_that_ends_data(
        &self,
        event_type: EventType,
        id: i32,
        command: Command,
        ticket: Ticket,
    ) -> Result<(), Status> {
        // Before the call, whose completion takes the note back.
        self.delivery.note_closing(event_type, id);
        let accepted = self.call(event_type, id, command, ticket);
        if accepted.is_err() {
            self.delivery.forget_closing(event_type, id);
        }
        accepted
    }

    /// `sockets.tcp.send` or `socket.write`; the data is copied.
    #[inline(always)]
    pub(crate) fn send(
        &self,
        event_type: EventType,
        id: i32,
        data: &[u8],
        ticket: Ticket,
    ) -> Result<(), Status> {
        let bytes = data.len() as u64;
        if !self.accounts.take_unsent(bytes, self.write_quota) {
            return self.call(event_type, id, Command::Send(SendData::OverQuota), ticket);
        }
        let posted = self.line.send(event_type, id, data, ticket);
        if posted.is_err() {
            self.accounts.untake_unsent(bytes);
        }
        posted
    }

    /// `sockets.tcp.send` of data that stays where it is until `release` runs, or, without one, until the
    /// completion is delivered. Returns `release` if the data is no longer needed, for the caller to run; after an
    /// error it never runs.
    pub(crate) fn send_lent(
        &self,
        event_type: EventType,
        id: i32,
        data: &'static [u8],
        release: Option<Release>,
        ticket: Ticket,
    ) -> Result<Option<Release>, Status> {
        let bytes = data.len() as u64;
        // Copying a short one costs less than giving it back later.
        if data.len() <= MAX_BESIDE || !self.accounts.take_unsent(bytes, self.write_quota) {
            self.send(event_type, id, data, ticket)?;
            return Ok(release);
        }
        let call = || {
            let block = match release {
                None => Bytes::from_static(data),
                Some(release) => Bytes::from_owner(Lent::new(&self.delivery, data, release)),
            };
            let command = Command::Send(SendData::Blocks(vec![block]));
            Call { event_type, socket_id: id, ticket, command }
        };
        let posted = self.line.call(false, call);
        if posted.is_err() {
            self.accounts.untake_unsent(bytes);
        }
        posted.map(|()| None)
    }

    /// `sockets.udp.send` or `socket.sendTo`; the data is copied.
    pub(crate) fn send_to(
        &self,
        event_type: EventType,
        socket_id: i32,
        data: &[u8],
        (address, port): (&str, i32),
        dns_query_type: DnsQueryType,
        ticket: Ticket,
    ) -> Result<(), Status> {
        if !self.accounts.take_unsent(data.len() as u64, self.write_quota) {
            let address = address.into();
            let command = Command::SendToOverQuota { address, port, dns_query_type };
            return self.call(event_type, socket_id, command, ticket);
        }
        // Of what is too long for a datagram, no more is kept than shows that it is.
        let kept = &data[..data.len().min(MAX_DATAGRAM + 1)];
        self.accounts.untake_unsent((data.len() - kept.len()) as u64);
        let send = Send { event_type, socket_id, len: kept.len(), ticket };
        let to = Destination { address, port, dns_query_type };
        let posted = self.line.send_datagram(send, to, kept);
        if posted.is_err() {
            self.accounts.untake_unsent(kept.len() as u64);
        }
        posted
    }
}
