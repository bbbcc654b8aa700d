//! The same server on tokio, as its documents advise: one task for each connection, on the scheduler of one
//! thread. `tcp` and `udp` say what is served; modes and numbers are those of benches/bench.h and udp.h.

mod tcp;
mod udp;

use tokio::io::AsyncReadExt;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Echo,
    Sink,
    Source,
    Queued,
    Foreign,
}

fn parse(text: &str) -> Option<Mode> {
    Some(match text {
        "echo" => Mode::Echo,
        "sink" => Mode::Sink,
        "source" => Mode::Source,
        "queued" => Mode::Queued,
        "foreign" => Mode::Foreign,
        _ => return None,
    })
}

async fn end_of_input() {
    let mut drained = [0; 256];
    while !matches!(tokio::io::stdin().read(&mut drained).await, Ok(0) | Err(_)) {}
}

async fn serve(protocol: &str, mode: Mode) -> std::io::Result<()> {
    match protocol {
        "tcp" => tcp::serve(mode).await,
        _ => udp::serve(mode).await,
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (protocol, mode) = match &arguments[..] {
        [_, protocol, mode] if protocol == "tcp" || protocol == "udp" => {
            (protocol.clone(), parse(mode))
        }
        _ => (String::new(), None),
    };
    let Some(mode) = mode else {
        eprintln!("bench-tokio tcp|udp echo|sink|source|queued|foreign");
        std::process::exit(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let result = runtime.and_then(|runtime| {
        runtime.block_on(async {
            tokio::select! {
                result = serve(&protocol, mode) => result,
                () = end_of_input() => Ok(()),
            }
        })
    });
    if let Err(error) = result {
        eprintln!("{error}");
        std::process::exit(1);
    }
    // The thread that reads standard input, or hands in sends, must not be waited for.
    std::process::exit(0);
}
