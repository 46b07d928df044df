//! A relay of TCP connections over a slow and lossy line. It runs in a container that has a member's name on the network of
//! the database (`cluster-test relay …`), and prints what it carried as one line of JSON. The kernel could do the same to
//! packets (`tc netem`), where it has that module; this needs none.

mod line;

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::{Instant, sleep_until, timeout_at},
};

use self::line::Line;
use crate::{Failure, lock};

/// Most bytes that travel as one chunk.
const CHUNK: usize = 16 * 1024;

/// Chunks on the way in one direction of a connection; further ones wait at the sender, as with a full TCP window.
const ON_THE_WAY: usize = 256;

/// From where to where, for how long, and how bad the line is.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Port to listen on
    #[arg(long, default_value_t = 27017)]
    port: u16,
    /// Where connections lead: host:port
    #[arg(long)]
    to: String,
    /// Length in seconds
    #[arg(long)]
    seconds: u64,
    /// How long each chunk takes, in each direction, in milliseconds
    #[arg(long)]
    delay: u64,
    /// How many of 100 chunks are lost
    #[arg(long, value_parser = clap::value_parser!(u64).range(0..=100))]
    loss: u64,
    /// Seed of chance: the same one loses the same chunks of each connection
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What was carried.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Carried {
    /// The addresses that connected.
    pub callers: BTreeSet<IpAddr>,
    /// Connections.
    pub connections: u64,
    /// Chunks, in both directions.
    pub chunks: u64,
    /// How often one was lost.
    pub lost: u64,
}

/// Relays for the given time, and prints what was carried.
///
/// # Errors
/// When the port cannot be used.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let listener = TcpListener::bind(("0.0.0.0", arguments.port)).await?;
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    let carried = relay(listener, &arguments, end).await?;
    println!("{}", serde_json::to_string(&*lock(&carried))?);
    Ok(())
}

/// Relays until `end`.
async fn relay(listener: TcpListener, arguments: &Arguments, end: Instant) -> Result<Arc<Mutex<Carried>>, Failure> {
    let carried: Arc<Mutex<Carried>> = Arc::default();
    while let Ok(accepted) = timeout_at(end, listener.accept()).await {
        let (caller, address) = accepted?;
        let number = {
            let mut carried = lock(&carried);
            carried.callers.insert(address.ip());
            carried.connections += 1;
            carried.connections
        };
        let line = |direction| {
            let seed = arguments.seed.wrapping_mul(1_000_003).wrapping_add(2 * number + direction);
            Line::new(Duration::from_millis(arguments.delay), arguments.loss, seed)
        };
        let (there, back, to, carried) = (line(0), line(1), arguments.to.clone(), Arc::clone(&carried));
        tokio::spawn(async move {
            // Nobody there: the caller's connection is closed.
            let Ok(member) = TcpStream::connect(&to).await else { return };
            if caller.set_nodelay(true).is_err() || member.set_nodelay(true).is_err() {
                return;
            }
            let ((question, answered), (answer, asked)) = (caller.into_split(), member.into_split());
            tokio::join!(carry(question, asked, there, &carried), carry(answer, answered, back, &carried));
        });
    }
    Ok(carried)
}

/// Carries one direction of a connection until its sender ends it, or its receiver is gone.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: Line, carried: &Mutex<Carried>) {
    let (sender, mut receiver) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let send = async move {
        let mut buffer = vec![0; CHUNK];
        while let Ok(length) = from.read(&mut buffer).await {
            let Some(chunk) = buffer.get(..length).filter(|chunk| !chunk.is_empty()) else { break };
            let (there, lost) = line.send(Instant::now());
            {
                let mut carried = lock(carried);
                carried.chunks += 1;
                carried.lost += lost;
            }
            if sender.send((there, chunk.to_vec())).await.is_err() {
                break;
            }
        }
    };
    let receive = async move {
        while let Some((there, chunk)) = receiver.recv().await {
            sleep_until(there).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(send, receive);
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: u64 = 50;

    /// A relay with this loss to a server that sends back what it gets; its address.
    async fn echo_behind_relay(loss: u64) -> std::net::SocketAddr {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((caller, _)) = server.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = caller.into_split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arguments = Arguments { port: 0, to, seconds: 60, delay: DELAY, loss, seed: 1 };
        tokio::spawn(async move { relay(listener, &arguments, Instant::now() + Duration::from_mins(1)).await });
        address
    }

    #[tokio::test]
    async fn an_answer_takes_the_delay_of_both_directions() {
        let mut connection = TcpStream::connect(echo_behind_relay(0).await).await.unwrap();
        for _ in 0..3 {
            let sent = Instant::now();
            connection.write_all(b"hello").await.unwrap();
            let mut answer = [0; 5];
            connection.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"hello");
            assert!(sent.elapsed() >= Duration::from_millis(2 * DELAY), "{:?}", sent.elapsed());
        }
    }

    #[tokio::test]
    async fn everything_arrives_in_order_although_much_is_lost_on_the_way() {
        let connection = TcpStream::connect(echo_behind_relay(20).await).await.unwrap();
        let (mut from, mut to) = connection.into_split();
        let sent: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        let copy = sent.clone();
        tokio::spawn(async move {
            to.write_all(&copy).await.unwrap();
            to.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        from.read_to_end(&mut received).await.unwrap();
        assert!(received == sent, "{} of {} bytes", received.len(), sent.len());
    }

    #[tokio::test]
    async fn a_connection_to_nobody_is_closed_and_counted() {
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let arguments = Arguments { port: 0, to: nobody.to_string(), seconds: 1, delay: DELAY, loss: 0, seed: 1 };
        let caller = tokio::spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.read(&mut [0; 1]).await.unwrap_or(0)
        });
        let carried = relay(listener, &arguments, Instant::now() + Duration::from_secs(1)).await.unwrap();
        assert_eq!(caller.await.unwrap(), 0);
        let carried = lock(&carried);
        assert_eq!((carried.connections, carried.callers.len(), carried.chunks), (1, 1, 0));
    }
}
