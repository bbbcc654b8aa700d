//! Receiving and sending one piece of a stream: what happens for each message.
//!
//! On Linux by the bare system calls. The C library's `recv` and `send` are points where a thread may be
//! cancelled: in a process with threads they do more work for that than for the call, and a reactor's
//! thread is never cancelled.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(super) fn receive(from: &impl AsFd, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let (at, len) = (into.as_mut_ptr(), into.len());
    // SAFETY: the kernel writes at most `len` bytes to `at`; no sender's address is asked for.
    // Its zeros are as wide as the pointers that a variadic call cannot know them for.
    counted(unsafe {
        libc::syscall(libc::SYS_recvfrom, number(from), at, len, 0, 0_usize, 0_usize)
    })
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(super) fn send(to: &impl AsFd, data: &[u8]) -> io::Result<usize> {
    let (at, len) = (data.as_ptr(), data.len());
    // SAFETY: the kernel reads at most `len` bytes at `at`; no address is given.
    counted(unsafe {
        libc::syscall(libc::SYS_sendto, number(to), at, len, super::NO_SIGNAL, 0_usize, 0_usize)
    })
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn number(of: &impl AsFd) -> i32 {
    use std::os::fd::AsRawFd;
    of.as_fd().as_raw_fd()
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn counted(result: libc::c_long) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) fn receive(from: &impl AsFd, into: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    socket2::SockRef::from(from).recv(into)
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(super) fn send(to: &impl AsFd, data: &[u8]) -> io::Result<usize> {
    socket2::SockRef::from(to).send_with_flags(data, super::NO_SIGNAL)
}
