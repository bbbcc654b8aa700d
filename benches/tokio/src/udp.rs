use std::io::Result;

use tokio::net::UdpSocket;

use crate::Mode;

const PART: usize = 64;
const REPORT_EVERY: u64 = 1024;
const DATAGRAM_MOST: usize = 1472;

/// The size that a credit of benches/udp.h asks for.
fn credit(data: &[u8]) -> usize {
    match data.try_into().map(u32::from_ne_bytes) {
        Ok(size) if (8..=DATAGRAM_MOST).contains(&(size as usize)) => size as usize,
        _ => panic!("no credit: {} bytes", data.len()),
    }
}

pub(crate) async fn serve(mode: Mode) -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    println!("{}", socket.local_addr()?.port());
    let mut data = [0; DATAGRAM_MOST];
    let mut out = [0; DATAGRAM_MOST];
    let (mut received, mut sent) = (0u64, 0u64);
    loop {
        let (n, from) = socket.recv_from(&mut data).await?;
        match mode {
            Mode::Echo => {
                socket.send_to(&data[..n], from).await?;
            }
            Mode::Sink => {
                received += 1;
                if received.is_multiple_of(REPORT_EVERY) {
                    socket.send_to(&received.to_ne_bytes(), from).await?;
                }
            }
            _ => {
                let size = credit(&data[..n]);
                for _ in 0..PART {
                    out[..8].copy_from_slice(&sent.to_ne_bytes());
                    sent += 1;
                    socket.send_to(&out[..size], from).await?;
                }
            }
        }
    }
}
