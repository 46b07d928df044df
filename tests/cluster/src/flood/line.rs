//! Connections to the proxy, with TLS and in clear text, and requests byte by byte.

use std::{fmt::Write, io, net::IpAddr, path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::{Failure, api::unique};

/// Name in the certificate of the proxy under test.
pub const NAME: &str = "wehpu.test";

/// Ports of the proxy within its network.
const TLS_PORT: u16 = 8443;
const PLAIN_PORT: u16 = 8080;

/// Longest wait for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest answer that is kept, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// The kind of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// HTTP/1.1 over TLS.
    Tls,
    /// HTTP/2 over TLS, if the proxy accepts it.
    TlsHttp2,
    /// Clear text.
    Plain,
}

/// The proxy under attack.
#[derive(Clone)]
pub struct Target {
    address: IpAddr,
    http1: TlsConnector,
    http2: TlsConnector,
}

/// The byte stream of a connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

/// A connection.
pub struct Line(Box<dyn Stream>);

impl Target {
    /// The proxy at `address` with this certificate.
    pub fn new(address: IpAddr, certificate: &Path) -> Result<Self, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate)?)?;
        let connector = |protocol: &str| {
            let mut config = ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
            config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self { address, http1: connector("http/1.1"), http2: connector("h2") })
    }

    /// A connection. `window`: the receive buffer in bytes, if the kernel's own is too large.
    pub async fn connect(&self, door: Door, window: Option<u32>) -> io::Result<Line> {
        timeout(PATIENCE, self.open(door, window)).await.map_err(io::Error::from)?
    }

    async fn open(&self, door: Door, window: Option<u32>) -> io::Result<Line> {
        let port = if door == Door::Plain { PLAIN_PORT } else { TLS_PORT };
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(window) = window {
            socket.set_recv_buffer_size(window)?;
        }
        let stream: TcpStream = socket.connect((self.address, port).into()).await?;
        let connector = match door {
            Door::Plain => return Ok(Line(Box::new(stream))),
            Door::Tls => &self.http1,
            Door::TlsHttp2 => &self.http2,
        };
        let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
        Ok(Line(Box::new(connector.connect(name, stream).await?)))
    }
}

/// The head of a request.
pub fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {NAME}\r\n");
    for (name, value) in headers {
        // Writing to a String does not fail.
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head
}

impl Line {
    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        })
        .await
        .map_err(io::Error::from)?
    }

    /// Reads and drops everything until the other side closes. Returns the status at the beginning, if any.
    pub async fn closed(&mut self) -> Option<u16> {
        let (mut said, mut buffer) = (Vec::new(), [0; 1024]);
        while let Ok(count @ 1..) = self.0.read(&mut buffer).await {
            if said.len() < 32 {
                said.extend_from_slice(&buffer[..count]);
            }
        }
        status(&said)
    }

    /// Reads one answer with a length.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        timeout(PATIENCE, self.read_answer()).await.map_err(io::Error::from)?
    }

    async fn read_answer(&mut self) -> io::Result<Answer> {
        let broken = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (mut read, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&read[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
                let length: usize = length.unwrap_or(0);
                if read.len() >= end + 4 + length {
                    let body = serde_json::from_slice(&read[end + 4..end + 4 + length]).unwrap_or(Value::Null);
                    return Ok(Answer { status: status(&read).ok_or_else(broken)?, body });
                }
            }
            match self.0.read(&mut buffer).await? {
                0 => return Err(broken()),
                count if read.len() + count <= MAX_ANSWER => read.extend_from_slice(&buffer[..count]),
                _ => return Err(io::Error::from(io::ErrorKind::FileTooLarge)),
            }
        }
    }

    /// `GET path`.
    pub async fn get(&mut self, path: &str, token: &str) -> io::Result<Answer> {
        let authorization = format!("Bearer {token}");
        self.send(format!("{}\r\n", head("GET", path, &[("authorization", &authorization)])).as_bytes()).await?;
        self.answer().await
    }

    /// `POST /api/login` with this code.
    pub async fn login(&mut self, code: &str) -> io::Result<Answer> {
        let form = format!("code={code}");
        let length = form.len().to_string();
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let head = head("POST", "/api/login", &[kind, ("content-length", &length)]);
        self.send(format!("{head}\r\n{form}").as_bytes()).await?;
        self.answer().await
    }

    /// The token of a new account of the simulator's WeChat.
    pub async fn token(&mut self, name: &str) -> io::Result<String> {
        let answer = self.login(&format!("sim-{name}{}-{}", unique(), unique())).await?;
        let token = answer.body["data"]["token"].as_str().map(str::to_owned);
        token.ok_or_else(|| io::Error::other(format!("a login is answered with {}", answer.status)))
    }
}

/// The status in the first line of an answer.
fn status(said: &[u8]) -> Option<u16> {
    std::str::from_utf8(said.get(..12)?).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}
