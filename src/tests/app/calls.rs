//! The calls of `sockets.tcp` and `sockets.tcpServer` on an app, one method each, for tests.

use crate::api::event::Ticket;
use crate::api::net_error::Status;
use crate::api::properties::{DnsQueryType, SocketProperties};
use crate::api::table::{EventType as T, Namespace};
use crate::app::App;
use crate::engine::command::Command;

type Accepted = Result<(), Status>;

/// The one of the two types that belongs to the namespace.
fn of(namespace: Namespace, tcp: T, server: T) -> T {
    match namespace {
        Namespace::Tcp => tcp,
        Namespace::TcpServer => server,
        other => panic!("{other:?} has calls of its own"),
    }
}

pub(super) trait Calls {
    fn app(&self) -> &App;

    fn make(
        &self,
        namespace: Namespace,
        given: SocketProperties,
        t: Ticket,
    ) -> Result<i32, Status> {
        let event_type = of(namespace, T::ChromeSocketsTcpCreate, T::ChromeSocketsTcpServerCreate);
        self.app().create(event_type, Command::Create(namespace, given), t)
    }

    fn update(&self, space: Namespace, id: i32, given: SocketProperties, t: Ticket) -> Accepted {
        let event_type = of(space, T::ChromeSocketsTcpUpdate, T::ChromeSocketsTcpServerUpdate);
        self.app().call(event_type, id, Command::Update(space, given), t)
    }

    fn set_paused(&self, space: Namespace, id: i32, paused: bool, t: Ticket) -> Accepted {
        let event_type =
            of(space, T::ChromeSocketsTcpSetPaused, T::ChromeSocketsTcpServerSetPaused);
        self.app().call(event_type, id, Command::SetPaused(space, paused), t)
    }

    fn disconnect(&self, space: Namespace, id: i32, t: Ticket) -> Accepted {
        let event_type =
            of(space, T::ChromeSocketsTcpDisconnect, T::ChromeSocketsTcpServerDisconnect);
        self.app().call(event_type, id, Command::Disconnect(space), t)
    }

    fn shut(&self, space: Namespace, id: i32, t: Ticket) -> Accepted {
        let event_type = of(space, T::ChromeSocketsTcpClose, T::ChromeSocketsTcpServerClose);
        self.app().close_socket(event_type, space, id, t)
    }

    fn get_info(&self, space: Namespace, id: i32, t: Ticket) -> Accepted {
        let event_type = of(space, T::ChromeSocketsTcpGetInfo, T::ChromeSocketsTcpServerGetInfo);
        self.app().call(event_type, id, Command::GetInfo(space), t)
    }

    fn get_sockets(&self, space: Namespace, t: Ticket) -> Accepted {
        let event_type =
            of(space, T::ChromeSocketsTcpGetSockets, T::ChromeSocketsTcpServerGetSockets);
        self.app().call(event_type, 0, Command::GetSockets(space), t)
    }

    fn set_keep_alive(&self, id: i32, enable: bool, delay: i32, t: Ticket) -> Accepted {
        let command = Command::SetKeepAlive { enable, delay };
        self.app().call(T::ChromeSocketsTcpSetKeepAlive, id, command, t)
    }

    fn set_no_delay(&self, id: i32, no_delay: bool, t: Ticket) -> Accepted {
        self.app().call(T::ChromeSocketsTcpSetNoDelay, id, Command::SetNoDelay(no_delay), t)
    }

    fn connect(&self, id: i32, host: &str, port: i32, which: DnsQueryType, t: Ticket) -> Accepted {
        let command =
            Command::Connect { peer_address: host.into(), peer_port: port, dns_query_type: which };
        self.app().call(T::ChromeSocketsTcpConnect, id, command, t)
    }

    fn send_data(&self, id: i32, data: &[u8], t: Ticket) -> Accepted {
        self.app().send(T::ChromeSocketsTcpSend, id, data, t)
    }

    fn listen(&self, id: i32, at: &str, port: i32, backlog: Option<i32>, t: Ticket) -> Accepted {
        let command = Command::Listen { address: at.into(), port, backlog };
        self.app().call(T::ChromeSocketsTcpServerListen, id, command, t)
    }
}

impl Calls for App {
    fn app(&self) -> &App {
        self
    }
}
