//! Multicast options, groups, and broadcast of a UDP socket.

use std::net::IpAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Weak};

use super::UdpSocket;
use crate::api::event::{List, Payload, Response};
use crate::api::net_error::Status;
use crate::net::{Datagram, MulticastOptions, Network, address, os_error};

impl<N: Network> UdpSocket<N> {
    /// udp.md 4.5.
    pub(in crate::engine) fn set_time_to_live(&mut self, hops: i32) -> Response {
        self.set_option(u8::try_from(hops).ok(), |options, hops| options.time_to_live = hops)
    }

    /// udp.md 4.5.
    pub(in crate::engine) fn set_loopback(&mut self, on: bool) -> Response {
        self.set_option(Some(on), |options, on| options.loopback = on)
    }

    /// `None` is a value that the option cannot have.
    fn set_option<T>(
        &mut self,
        value: Option<T>,
        set: impl FnOnce(&mut MulticastOptions, T),
    ) -> Response {
        if self.options_used {
            return Response::failed(Status::SocketIsConnected);
        }
        let Some(value) = value else { return Response::failed(Status::InvalidArgument) };
        set(&mut self.options, value);
        Response::ok_zero()
    }

    /// udp.md 4.10 rows 3 to 9.
    pub(in crate::engine) fn join(&mut self, group: Option<IpAddr>) -> Response {
        let Some(group) = group.filter(|group| !self.groups.contains(group)) else {
            return Response::failed(Status::AddressInvalid);
        };
        let Some(open) = self.open.as_mut().filter(|open| open.peer.is_none()) else {
            return Response::failed(Status::Unexpected);
        };
        if group.is_ipv4() != open.local.is_ipv4() {
            return Response::failed(Status::AddressInvalid);
        }
        match open.socket.join(group) {
            Ok(()) => {
                self.groups.push(group);
                self.told_groups = Weak::new();
                Response::ok_zero()
            }
            Err(error) => Response::failed(os_error::status(&error)),
        }
    }

    /// udp.md 4.11.
    pub(in crate::engine) fn leave(&mut self, group: Option<IpAddr>) -> Response {
        let joined = self.groups.iter().position(|joined| Some(*joined) == group);
        let (Some(at), Some(open)) = (joined, &mut self.open) else {
            return Response::failed(Status::AddressInvalid);
        };
        match open.socket.leave(self.groups[at]) {
            Ok(()) => {
                self.groups.remove(at);
                self.told_groups = Weak::new();
                Response::ok_zero()
            }
            Err(error) => Response::failed(os_error::status(&error)),
        }
    }

    /// udp.md 4.12: in join order. While the list of these groups is held, it is told again; a new one counts as
    /// `told`, and there is none without.
    pub(in crate::engine) fn joined_groups(&mut self, told: Option<&Arc<AtomicUsize>>) -> Response {
        let list = self.told_groups.upgrade().or_else(|| {
            let texts: Box<[_]> = self.groups.iter().map(|group| address::text(*group)).collect();
            let bytes = texts.iter().map(|text| text.to_bytes_with_nul().len()).sum();
            Some(List::new(texts, bytes, told?))
        });
        let Some(list) = list else { return Response::failed(Status::InsufficientResources) };
        self.told_groups = Arc::downgrade(&list);
        Response::ok_with(Payload::Groups(list))
    }

    /// udp.md 4.13.
    pub(in crate::engine) fn set_broadcast(&mut self, on: bool) -> Response {
        match &mut self.open {
            None => Response::failed(Status::SocketNotConnected),
            Some(open) => match open.socket.set_broadcast(on) {
                Ok(()) => Response::ok_zero(),
                Err(error) => Response::failed(os_error::status(&error)),
            },
        }
    }
}
