//! Receiving and sending on a stream, as happens for each message.
//!
//! By the bare system calls, where `rustix` makes them. The C library's `recv` and `send` are cancellation
//! points: in a process with threads they do more work for that than for the call, and a reactor's thread is never
//! cancelled.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags};

#[inline(always)]
pub(super) fn receive(from: &impl AsRawFd, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    // SAFETY: its owner is borrowed as long as this is used.
    let from = unsafe { BorrowedFd::borrow_raw(from.as_raw_fd()) };
    // Not by `retry_on_intr`, which would be a call of its own.
    loop {
        match rustix::net::recv(from, &mut *into, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            received => return Ok(received?.1),
        }
    }
}

#[inline(always)]
pub(super) fn send(to: &impl AsRawFd, data: &[u8]) -> io::Result<usize> {
    // SAFETY: its owner is borrowed as long as this is used.
    let to = unsafe { BorrowedFd::borrow_raw(to.as_raw_fd()) };
    let flags = SendFlags::from_bits_retain(super::NO_SIGNAL.cast_unsigned());
    Ok(retry_on_intr(|| rustix::net::send(to, data, flags))?)
}
