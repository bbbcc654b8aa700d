//! recvmmsg. The crates that offer it build its headers for each call; here they are built once, and only what
//! the system has changed in them is set again.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

use bytes::{Bytes, BytesMut};
use nix::sys::socket::{setsockopt, sockopt::UdpGroSegment};

use super::LONGEST_RECEIVED;
use crate::net::{Feature, SocketSettings};

/// Datagrams, or runs of joined ones, asked for by one system call: more than usually wait, since a call
/// that brings fewer than it asked for shows that no more are there; and so few that their blocks fit into a cache.
pub(super) const BATCH: usize = 8;
/// Size of the blocks, chosen so that they do not all map to the same cache sets.
const BLOCK: usize = LONGEST_RECEIVED + 320;
const NAME_LEN: libc::socklen_t = size_of::<libc::sockaddr_storage>() as _;
/// Room for the one control message that is asked for: UDP_GRO, an int.
type Control = [u64; 4];

/// Where the system puts what comes with the bytes of a message.
struct Slot {
    name: MaybeUninit<libc::sockaddr_storage>,
    control: MaybeUninit<Control>,
    block: libc::iovec,
}

/// Memory for the messages of one call. The headers point to the slots, which are never moved or resized, nor accessed
/// but by such pointers; and these into the blocks.
pub(super) struct Batch {
    headers: Vec<libc::mmsghdr>,
    /// Those that the last call was given, and those of them that it has used.
    given: usize,
    filled: usize,
    /// The system does not know recvmmsg, or a filter of system calls does not.
    is_refused: bool,
    _slots: Vec<Slot>,
    /// Never initialised: the system provides their pages only as datagrams reach them. Of one that was taken the rest
    /// is left, until the next call.
    blocks: Vec<BytesMut>,
}

/// A datagram, or several that the system has joined.
#[derive(Clone, Copy)]
pub(super) struct Message<'a>(&'a libc::mmsghdr);

/// How a socket receives.
#[derive(Debug)]
pub(super) enum Receiving {
    OneByOne,
    /// What comes is joined by the system, if it may and once it comes fast: a system that begins to join for its first
    /// socket, or ends with its last, stops all its CPUs for that, some 0.1 ms.
    Batches {
        joins_if_fast: bool,
    },
}

impl Receiving {
    pub(super) fn new(settings: SocketSettings) -> Self {
        if settings.may_use(Feature::Recvmmsg) {
            Self::Batches { joins_if_fast: settings.may_use(Feature::UdpGro) }
        } else {
            Self::OneByOne
        }
    }
}

/// Has the system join datagrams from now on. One that cannot delivers them one by one.
pub(super) fn join(socket: &impl AsFd) {
    let _ = setsockopt(socket, UdpGroSegment, &true);
}

/// A vector that takes as many without growing, if there is memory for it.
fn with_room<T>(len: usize) -> Option<Vec<T>> {
    let mut room = Vec::new();
    room.try_reserve_exact(len).ok()?;
    Some(room)
}

/// An empty one with room for a message, if there is memory for it.
fn block() -> Option<BytesMut> {
    Bytes::from(with_room(BLOCK)?).try_into_mut().ok()
}

impl Batch {
    /// `None`: there is no memory for it.
    pub(super) fn new() -> Option<Self> {
        let mut slots = with_room(BATCH)?;
        let (mut headers, mut blocks) = (with_room(BATCH)?, with_room(BATCH)?);
        blocks.resize_with(BATCH, BytesMut::new);
        slots.resize_with(BATCH, || Slot {
            name: MaybeUninit::uninit(),
            control: MaybeUninit::uninit(),
            block: libc::iovec { iov_base: std::ptr::null_mut(), iov_len: LONGEST_RECEIVED },
        });
        headers.extend((0..BATCH).map(|i| {
            // SAFETY: all zeros is a value of this struct; the slot is within the allocation.
            let (mut message, slot) =
                unsafe { (std::mem::zeroed::<libc::mmsghdr>(), slots.as_mut_ptr().add(i)) };
            let header = &mut message.msg_hdr;
            header.msg_iovlen = 1;
            // SAFETY: only addresses are taken, of members of a slot that is alive.
            unsafe {
                header.msg_name = (&raw mut (*slot).name).cast();
                header.msg_iov = &raw mut (*slot).block;
                header.msg_control = (&raw mut (*slot).control).cast();
            }
            message
        }));
        Some(Self { headers, given: 0, filled: 0, is_refused: false, _slots: slots, blocks })
    }

    /// Receives what is waiting, at most a batch; whether that were all. `None`: there is no memory for any.
    pub(super) fn receive(&mut self, socket: &impl AsRawFd) -> Option<io::Result<bool>> {
        self.renew();
        let given = &mut self.headers[..self.given];
        let first = given.first_mut()?;
        if self.is_refused {
            // SAFETY: what the header points to lives as long as `self`.
            let received = unsafe {
                libc::recvmsg(socket.as_raw_fd(), &mut first.msg_hdr, libc::MSG_DONTWAIT)
            };
            return Some(match u32::try_from(received) {
                Ok(len) => {
                    first.msg_len = len;
                    self.filled = 1;
                    Ok(false)
                }
                Err(_) => Err(io::Error::last_os_error()),
            });
        }
        // SAFETY: the headers are as many as it says, and what they point to lives as long as `self`.
        let received = unsafe { receive_many(socket.as_raw_fd(), given) };
        match usize::try_from(received).map_err(|_| io::Error::last_os_error()) {
            Ok(filled) => {
                self.filled = filled;
                Some(Ok(!self.is_full()))
            }
            Err(error) => match error.raw_os_error() {
                Some(libc::ENOSYS | libc::EPERM) => {
                    self.is_refused = true;
                    self.receive(socket)
                }
                _ => Some(Err(error)),
            },
        }
    }

    /// Whether the last call has brought all that it asked for.
    pub(super) fn is_full(&self) -> bool {
        self.filled == self.given
    }

    /// Sets again what the system has changed, and replaces the blocks that were taken, as far as there is memory.
    fn renew(&mut self) {
        // Where there was none for some, there may be by now.
        let changed = if self.given < BATCH { BATCH } else { self.filled };
        for (used, block) in self.headers.iter_mut().zip(&mut self.blocks).take(changed) {
            let header = &mut used.msg_hdr;
            header.msg_namelen = NAME_LEN;
            header.msg_controllen = size_of::<Control>() as _;
            if block.capacity() < LONGEST_RECEIVED {
                if !block.try_reclaim(LONGEST_RECEIVED) {
                    *block = self::block().unwrap_or_default();
                }
                // SAFETY: the slot is alive.
                unsafe { (*header.msg_iov).iov_base = block.as_mut_ptr().cast() };
            }
        }
        let has_block = |block: &BytesMut| block.capacity() >= LONGEST_RECEIVED;
        self.given = self.blocks.iter().take_while(|block| has_block(block)).count();
        self.filled = 0;
    }

    /// Takes out the bytes of a message of the last call that are most of their block; others are to be copied, as they
    /// would keep it.
    pub(super) fn take_long(&mut self, index: usize) -> Option<Bytes> {
        let len = self.messages().nth(index)?.data().len();
        if len <= BLOCK / 2 {
            return None;
        }
        let block = &mut self.blocks[index];
        // SAFETY: the system has filled so many of its bytes, which are within its room.
        unsafe { block.set_len(len) };
        Some(block.split().freeze())
    }

    /// What the last call has received.
    pub(super) fn messages(&self) -> impl Iterator<Item = Message<'_>> + Clone {
        self.headers[..self.filled].iter().map(Message)
    }
}

impl<'a> Message<'a> {
    pub(super) fn data(self) -> &'a [u8] {
        // SAFETY: the block is alive, and the system has filled so many of its bytes, which nothing changes
        // before the next call.
        unsafe {
            let block = &*self.0.msg_hdr.msg_iov;
            let len = (self.0.msg_len as usize).min(block.iov_len);
            std::slice::from_raw_parts(block.iov_base.cast::<u8>(), len)
        }
    }

    /// The size of the datagrams in it, if the system has joined several; the last may be shorter.
    pub(super) fn each(self) -> Option<usize> {
        let header = &self.0.msg_hdr;
        // SAFETY: the macros walk the control messages within the length that the system has set.
        unsafe {
            let mut control = libc::CMSG_FIRSTHDR(header);
            while let Some(message) = control.as_ref() {
                if message.cmsg_level == libc::SOL_UDP && message.cmsg_type == libc::UDP_GRO {
                    let size = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
                    return usize::try_from(size).ok().filter(|size| *size > 0);
                }
                control = libc::CMSG_NXTHDR(header, message);
            }
            None
        }
    }

    pub(super) fn from(self) -> Option<SocketAddr> {
        let name = self.0.msg_hdr.msg_name;
        // SAFETY: the system has written a name, which begins with its family; that tells the struct, and
        // all fit into the storage.
        unsafe {
            match libc::c_int::from((*name.cast::<libc::sockaddr_storage>()).ss_family) {
                libc::AF_INET => {
                    let v4 = name.cast::<libc::sockaddr_in>().read();
                    let ip = u32::from_be(v4.sin_addr.s_addr).into();
                    Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
                }
                libc::AF_INET6 => {
                    let v6 = name.cast::<libc::sockaddr_in6>().read();
                    let (ip, port) = (v6.sin6_addr.s6_addr.into(), u16::from_be(v6.sin6_port));
                    Some(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into())
                }
                _ => None,
            }
        }
    }
}

/// By the bare system call where that is safe to make, for the reason that `transfer` tells.
///
/// # Safety
/// The headers point to memory that is alive, and say its size.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
unsafe fn receive_many(socket: i32, headers: &mut [libc::mmsghdr]) -> libc::c_long {
    let (at, len) = (headers.as_mut_ptr(), headers.len());
    // SAFETY: the caller's promise; no time is given.
    unsafe { libc::syscall(libc::SYS_recvmmsg, socket, at, len, libc::MSG_DONTWAIT, 0_usize) }
}

/// # Safety
/// The headers point to memory that is alive, and say its size.
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
unsafe fn receive_many(socket: i32, headers: &mut [libc::mmsghdr]) -> libc::c_int {
    let (at, len) = (headers.as_mut_ptr(), headers.len() as libc::c_uint);
    // SAFETY: the caller's promise; no time is given.
    unsafe { libc::recvmmsg(socket, at, len, libc::MSG_DONTWAIT as _, std::ptr::null_mut()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_there_was_no_memory_for_are_asked_for_again() {
        let mut batch = Batch::new().unwrap();
        batch.renew();
        assert_eq!(batch.given, BATCH);
        for missing in [3, 0] {
            batch.blocks[missing] = BytesMut::new();
            (batch.given, batch.filled) = (missing, 0);
            batch.renew();
            assert_eq!(batch.given, BATCH);
        }
    }
}
