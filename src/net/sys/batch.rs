//! recvmmsg, which no library offers in a form that can be used again and again: here its headers are
//! made once, and of each only what the system has changed is set anew.

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

/// Datagrams, or runs of joined ones, asked for by one system call. More than come as a rule, since a
/// call that brings fewer than it asked for tells that no more are there.
const BATCH: usize = 16;
/// No datagram, and no run of joined ones, is longer.
const MAX_DATAGRAM: usize = 65_536;
const NAME_LEN: libc::socklen_t = size_of::<libc::sockaddr_storage>() as _;
/// Room for the one control message that is asked for: UDP_GRO, an int.
type Control = [u64; 4];

/// Where the system puts what comes with the bytes of a message.
struct Slot {
    name: MaybeUninit<libc::sockaddr_storage>,
    control: MaybeUninit<Control>,
    block: libc::iovec,
}

/// Memory for the messages of one call. The headers point into the other two, neither of which is ever
/// moved or resized, nor accessed but by such pointers.
pub(super) struct Batch {
    headers: Vec<libc::mmsghdr>,
    _slots: Vec<Slot>,
    _bytes: Vec<u8>,
}

impl Batch {
    pub(super) fn new() -> Self {
        // Pages of it that no datagram reaches are never there.
        let mut bytes = vec![0; BATCH * MAX_DATAGRAM];
        let blocks = (0..BATCH).map(|i| {
            // SAFETY: within the allocation.
            let iov_base = unsafe { bytes.as_mut_ptr().add(i * MAX_DATAGRAM) }.cast();
            libc::iovec { iov_base, iov_len: MAX_DATAGRAM }
        });
        let (name, control) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let mut slots: Vec<_> = blocks.map(|block| Slot { name, control, block }).collect();
        let headers = (0..BATCH).map(|i| {
            // SAFETY: all zeros is a value of this struct; the slot is within the allocation.
            let (mut message, slot) =
                unsafe { (std::mem::zeroed::<libc::mmsghdr>(), slots.as_mut_ptr().add(i)) };
            let header = &mut message.msg_hdr;
            header.msg_namelen = NAME_LEN;
            header.msg_iovlen = 1;
            header.msg_controllen = size_of::<Control>() as _;
            // SAFETY: only addresses are taken, of members of a slot that is alive.
            unsafe {
                header.msg_name = (&raw mut (*slot).name).cast();
                header.msg_iov = &raw mut (*slot).block;
                header.msg_control = (&raw mut (*slot).control).cast();
            }
            message
        });
        Self { headers: headers.collect(), _slots: slots, _bytes: bytes }
    }

    /// Receives what is waiting, at most a batch; `each` gets the bytes, the size of the datagrams they
    /// consist of, and their sender. Whether that were all.
    pub(super) fn receive(
        &mut self,
        socket: &impl AsRawFd,
        mut each: impl FnMut(&[u8], usize, SocketAddr),
    ) -> io::Result<bool> {
        // SAFETY: the headers are as many as it says, and what they point to lives as long as `self`.
        let received = unsafe { receive_many(socket.as_raw_fd(), &mut self.headers) };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        for message in &mut self.headers[..received] {
            let header = &mut message.msg_hdr;
            // SAFETY: the system has filled in this header, its name, its control messages and so many
            // bytes of its block; nothing else refers to them.
            let (data, from, joined) = unsafe {
                let block = &*header.msg_iov;
                let len = (message.msg_len as usize).min(block.iov_len);
                let data = std::slice::from_raw_parts(block.iov_base.cast::<u8>(), len);
                (data, sender(header), joined(header))
            };
            header.msg_namelen = NAME_LEN;
            header.msg_controllen = size_of::<Control>() as _;
            if let Some(from) = from {
                each(data, joined.unwrap_or(data.len()), from);
            }
        }
        Ok(received < BATCH)
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

/// # Safety
/// The header was filled in by the system, and what it points to is alive.
unsafe fn sender(header: &libc::msghdr) -> Option<SocketAddr> {
    // SAFETY: a name begins with its family, which tells the struct; both fit into the storage.
    unsafe {
        match libc::c_int::from((*header.msg_name.cast::<libc::sockaddr_storage>()).ss_family) {
            libc::AF_INET => {
                let v4 = header.msg_name.cast::<libc::sockaddr_in>().read();
                let ip = u32::from_be(v4.sin_addr.s_addr).into();
                Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
            }
            libc::AF_INET6 => {
                let v6 = header.msg_name.cast::<libc::sockaddr_in6>().read();
                let (ip, port) = (v6.sin6_addr.s6_addr.into(), u16::from_be(v6.sin6_port));
                Some(SocketAddrV6::new(ip, port, 0, v6.sin6_scope_id).into())
            }
            _ => None,
        }
    }
}

/// The size of the datagrams that the system has joined, if it has.
///
/// # Safety
/// The header was filled in by the system, and what it points to is alive.
unsafe fn joined(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: the macros walk the control messages within the length that the system has set.
    unsafe {
        let mut control = libc::CMSG_FIRSTHDR(header);
        while let Some(message) = control.as_ref() {
            if message.cmsg_level == libc::SOL_UDP && message.cmsg_type == libc::UDP_GRO {
                let size = libc::CMSG_DATA(message).cast::<libc::c_int>().read_unaligned();
                return usize::try_from(size).ok();
            }
            control = libc::CMSG_NXTHDR(header, message);
        }
        None
    }
}
