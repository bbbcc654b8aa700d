use std::io::Result;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::Mode;

const BLOCK: usize = 64 * 1024;
const ACK_EVERY: u64 = 4 * 1024 * 1024;
const SMALL: usize = 32;
const QUEUED: u64 = 100_000;
const FOREIGN_WINDOW: usize = 16384;
const BUFFER: usize = 16 * 1024;

/// The pattern of benches/bench.h.
fn pattern() -> &'static [u8] {
    let block: Vec<u8> = (0..BLOCK).map(|i| (i * 31 + (i >> 8)) as u8).collect();
    block.leak()
}

fn small_send(block: &[u8], number: u64) -> &[u8] {
    let at = (number as usize).wrapping_mul(SMALL) % BLOCK;
    &block[at..at + SMALL]
}

pub(crate) async fn serve(mode: Mode) -> Result<()> {
    let socket =
        socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM.nonblocking(), None)?;
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    // Set once here: accepted sockets inherit both. Where reno is missing the system's choice stays.
    socket.set_tcp_nodelay(true)?;
    let _ = socket.set_tcp_congestion(b"reno");
    socket.listen(4096)?;
    let listener = TcpListener::from_std(socket.into())?;
    println!("{}", listener.local_addr()?.port());
    let block = pattern();
    loop {
        let (stream, _) = listener.accept().await?;
        // An error is the end of the connection, nothing else.
        tokio::spawn(async move { attend(stream, mode, block).await.ok() });
    }
}

async fn attend(mut stream: TcpStream, mode: Mode, block: &'static [u8]) -> Result<()> {
    match mode {
        Mode::Source => loop {
            stream.write_all(block).await?;
        },
        Mode::Foreign => attend_foreign(stream, block).await,
        _ => {
            let mut buffer = vec![0; if mode == Mode::Sink { BLOCK } else { BUFFER }];
            let mut count = 0;
            loop {
                let n = stream.read(&mut buffer).await?;
                if n == 0 {
                    return Ok(());
                }
                match mode {
                    Mode::Echo => stream.write_all(&buffer[..n]).await?,
                    Mode::Queued => {
                        for number in 0..QUEUED {
                            stream.write_all(small_send(block, number)).await?;
                        }
                        stream.write_all(b"d").await?;
                    }
                    _ => {
                        let before = count / ACK_EVERY;
                        count += n as u64;
                        for _ in before..count / ACK_EVERY {
                            stream.write_all(b"a").await?;
                        }
                    }
                }
            }
        }
    }
}

/// The sends come by a bounded channel, each as a message of its own.
async fn attend_foreign(mut stream: TcpStream, block: &'static [u8]) -> Result<()> {
    let (sender, mut receiver) = mpsc::channel(FOREIGN_WINDOW);
    std::thread::spawn(move || {
        let mut number = 0;
        while sender.blocking_send(small_send(block, number)).is_ok() {
            number += 1;
        }
    });
    while let Some(message) = receiver.recv().await {
        stream.write_all(message).await?;
    }
    Ok(())
}
