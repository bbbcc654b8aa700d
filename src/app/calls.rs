//! The calls of the API: accepted or refused now, completed once later.

use super::App;
use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::engine::command::{Call, Command, SendData};

/// Accepted: one completion follows. Refused: none does.
pub(super) type Accepted = Result<(), Status>;

impl App {
    fn call(&self, event_type: T, socket_id: i32, command: Command, ticket: Ticket) -> Accepted {
        let call = Call { event_type, socket_id, ticket, command };
        self.reactor.post_call(self.slot, &self.gate, &self.accounts, call)
    }

    /// `create`; the id at once, since calls are carried out in order.
    pub fn create(
        &self,
        namespace: Namespace,
        properties: SocketProperties,
        ticket: Ticket,
    ) -> Result<i32, Status> {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpCreate,
            Namespace::TcpServer => T::ChromeSocketsTcpServerCreate,
        };
        let id = self.accounts.next_id().ok_or(Status::InsufficientResources)?;
        self.call(event_type, id, Command::Create(namespace, properties), ticket)?;
        Ok(id)
    }

    /// `update`
    pub fn update(
        &self,
        namespace: Namespace,
        id: i32,
        properties: SocketProperties,
        ticket: Ticket,
    ) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpUpdate,
            Namespace::TcpServer => T::ChromeSocketsTcpServerUpdate,
        };
        self.call(event_type, id, Command::Update(namespace, properties), ticket)
    }

    /// `setPaused`
    pub fn set_paused(
        &self,
        namespace: Namespace,
        id: i32,
        paused: bool,
        ticket: Ticket,
    ) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpSetPaused,
            Namespace::TcpServer => T::ChromeSocketsTcpServerSetPaused,
        };
        self.call(event_type, id, Command::SetPaused(namespace, paused), ticket)
    }

    /// `disconnect`
    pub fn disconnect(&self, namespace: Namespace, id: i32, ticket: Ticket) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpDisconnect,
            Namespace::TcpServer => T::ChromeSocketsTcpServerDisconnect,
        };
        self.call(event_type, id, Command::Disconnect(namespace), ticket)
    }

    /// `close`
    pub fn close_socket(&self, namespace: Namespace, id: i32, ticket: Ticket) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpClose,
            Namespace::TcpServer => T::ChromeSocketsTcpServerClose,
        };
        // Before the call, whose completion takes the note back.
        self.delivery.note_closing(event_type, id);
        let accepted = self.call(event_type, id, Command::Close(namespace), ticket);
        if accepted.is_err() {
            self.delivery.forget_closing(event_type, id);
        }
        accepted
    }

    /// `getInfo`
    pub fn get_info(&self, namespace: Namespace, id: i32, ticket: Ticket) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpGetInfo,
            Namespace::TcpServer => T::ChromeSocketsTcpServerGetInfo,
        };
        self.call(event_type, id, Command::GetInfo(namespace), ticket)
    }

    /// `getSockets`
    pub fn get_sockets(&self, namespace: Namespace, ticket: Ticket) -> Accepted {
        let event_type = match namespace {
            Namespace::Tcp => T::ChromeSocketsTcpGetSockets,
            Namespace::TcpServer => T::ChromeSocketsTcpServerGetSockets,
        };
        self.call(event_type, 0, Command::GetSockets(namespace), ticket)
    }

    /// `sockets.tcp.setKeepAlive`
    pub fn set_keep_alive(&self, id: i32, enable: bool, delay: i32, ticket: Ticket) -> Accepted {
        let command = Command::SetKeepAlive { enable, delay };
        self.call(T::ChromeSocketsTcpSetKeepAlive, id, command, ticket)
    }

    /// `sockets.tcp.setNoDelay`
    pub fn set_no_delay(&self, id: i32, no_delay: bool, ticket: Ticket) -> Accepted {
        self.call(T::ChromeSocketsTcpSetNoDelay, id, Command::SetNoDelay(no_delay), ticket)
    }

    /// `sockets.tcp.connect`
    pub fn connect(
        &self,
        id: i32,
        peer_address: &str,
        peer_port: i32,
        dns_query_type: DnsQueryType,
        ticket: Ticket,
    ) -> Accepted {
        let command =
            Command::Connect { peer_address: peer_address.into(), peer_port, dns_query_type };
        self.call(T::ChromeSocketsTcpConnect, id, command, ticket)
    }

    /// `sockets.tcp.send`; the data is copied.
    pub fn send(&self, id: i32, data: &[u8], ticket: Ticket) -> Accepted {
        let bytes = data.len() as u64;
        let mut call = Call {
            event_type: T::ChromeSocketsTcpSend,
            socket_id: id,
            ticket,
            command: Command::Send(SendData::OverQuota),
        };
        if !self.accounts.take_unsent(bytes, self.write_quota) {
            return self.reactor.post_call(self.slot, &self.gate, &self.accounts, call);
        }
        call.command = Command::Send(SendData::Beside(data.len()));
        let posted = self.reactor.post_send(self.slot, &self.gate, &self.accounts, call, data);
        if posted.is_err() {
            self.accounts.give_back_unsent(bytes);
        }
        posted
    }

    /// `sockets.tcpServer.listen`; `backlog` `None` = not given.
    pub fn listen(
        &self,
        id: i32,
        address: &str,
        port: i32,
        backlog: Option<i32>,
        ticket: Ticket,
    ) -> Accepted {
        let command = Command::Listen { address: address.into(), port, backlog };
        self.call(T::ChromeSocketsTcpServerListen, id, command, ticket)
    }
}
