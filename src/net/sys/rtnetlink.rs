//! The addresses of the machine, read from Linux itself. The C library does not tell which of them are not in use
//! yet, and gives an IPv4 address's label for the name of its interface, which is often the same but may be any
//! text. It answers at once, so its socket may block.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::io::retry_on_intr;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};
use rustix::net::{netdevice::index_to_name, recv, sendto, socket_with};

const HEADER: usize = 16;
const GET_ADDRESSES: [u8; 2] = libc::RTM_GETADDR.to_ne_bytes();
const REQUEST_ALL: [u8; 2] = ((libc::NLM_F_REQUEST | libc::NLM_F_DUMP) as u16).to_ne_bytes();
/// The kernel sends no more than this in one datagram of a dump.
const BUFFER: usize = 32 * 1024;

/// IPv6: the system does not use the address yet, or never will.
const UNSETTLED: u32 = libc::IFA_F_OPTIMISTIC | libc::IFA_F_DADFAILED | libc::IFA_F_TENTATIVE;

/// All addresses in use, each with the name of its interface and its prefix length.
pub(in crate::net) fn addresses() -> io::Result<Vec<(IpAddr, String, u8)>> {
    let flags = SocketFlags::CLOEXEC;
    // Protocol 0 is NETLINK_ROUTE, which has the addresses, too.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    let mut request = [0; HEADER + 8];
    request[..4].copy_from_slice(&(HEADER as u32 + 8).to_ne_bytes());
    request[4..6].copy_from_slice(&GET_ADDRESSES);
    request[6..8].copy_from_slice(&REQUEST_ALL);
    request[HEADER] = libc::AF_UNSPEC as u8;
    retry_on_intr(|| {
        sendto(&socket, &request, SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))
    })?;
    let mut found = Vec::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let (len, _) = retry_on_intr(|| recv(&socket, buffer.as_mut_slice(), RecvFlags::empty()))?;
        let mut rest = &buffer[..len];
        while let Some((kind, body)) = take_message(&mut rest) {
            match i32::from(kind) {
                libc::NLMSG_DONE => return Ok(found),
                libc::NLMSG_ERROR => return Err(io::ErrorKind::Other.into()),
                _ => {
                    // An interface may have gone since.
                    let named = read_address(body).and_then(|(address, prefix_length, index)| {
                        Some((address, index_to_name(&socket, index).ok()?, prefix_length))
                    });
                    found.extend(named);
                }
            }
        }
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// The `N` bytes at `at`.
fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

/// Takes the first message off `rest`: its kind and its body.
fn take_message<'a>(rest: &mut &'a [u8]) -> Option<(u16, &'a [u8])> {
    let len = u32::from_ne_bytes(part(rest, 0)?) as usize;
    let kind = u16::from_ne_bytes(part(rest, 4)?);
    let body = rest.get(HEADER..len)?;
    *rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, body))
}

/// The address, its prefix length and its interface's number; nothing for one that is not in use.
fn read_address(body: &[u8]) -> Option<(IpAddr, u8, u32)> {
    let [family, prefix_length, flags, _] = part::<4>(body, 0)?;
    let index = u32::from_ne_bytes(part(body, 4)?);
    let mut rest = body.get(8..)?;
    let (mut local, mut address) = (None, None);
    while let Some(len) =
        part(rest, 0).map(|len| usize::from(u16::from_ne_bytes(len))).filter(|len| *len >= 4)
    {
        let value = rest.get(4..len);
        match u16::from_ne_bytes(part(rest, 2)?) {
            // On a point-to-point interface IFA_ADDRESS is the peer's.
            libc::IFA_LOCAL => local = value,
            libc::IFA_ADDRESS => address = value,
            _ => {}
        }
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    let address = local.or(address)?;
    let ip = match i32::from(family) {
        libc::AF_INET => Ipv4Addr::from(part::<4>(address, 0)?).into(),
        libc::AF_INET6 if u32::from(flags) & UNSETTLED != 0 => return None,
        libc::AF_INET6 => Ipv6Addr::from(part::<16>(address, 0)?).into(),
        _ => return None,
    };
    Some((ip, prefix_length, index))
}
