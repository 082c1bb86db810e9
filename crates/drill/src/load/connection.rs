//! One kept-alive connection: a request goes out, its answer comes back.

use std::io::{self, ErrorKind, Write as _};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::answer::{Answer, Head, head};

const READ_BYTES: usize = 8 * 1024;

/// A request. Host and length are added when it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path and query, as sent.
    pub path: String,
    /// Further header fields. Neither names nor values may hold a line break.
    pub headers: Vec<(&'static str, String)>,
    /// The body; may be empty.
    pub body: Vec<u8>,
}

impl Request {
    /// A `POST` of a JSON body with a bearer token.
    #[must_use]
    pub fn post_json(path: &str, bearer: &str, body: Vec<u8>) -> Self {
        let headers = vec![
            ("authorization", format!("Bearer {bearer}")),
            ("content-type", "application/json".to_owned()),
        ];
        Self { method: "POST", path: path.to_owned(), headers, body }
    }

    fn write(&self, host: SocketAddr, out: &mut Vec<u8>) -> io::Result<()> {
        write!(out, "{} {} HTTP/1.1\r\nhost: {host}\r\n", self.method, self.path)?;
        for (name, value) in &self.headers {
            write!(out, "{name}: {value}\r\n")?;
        }
        write!(out, "content-length: {}\r\n\r\n", self.body.len())?;
        out.extend_from_slice(&self.body);
        Ok(())
    }
}

pub(crate) struct Connection {
    stream: TcpStream,
    host: SocketAddr,
    out: Vec<u8>,
    /// What was read: the bytes of one answer, as each waits for the one before.
    read: Vec<u8>,
    open: bool,
}

impl Connection {
    pub(crate) async fn open(target: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let read = Vec::with_capacity(READ_BYTES);
        Ok(Self { stream, host: target, out: Vec::new(), read, open: true })
    }

    /// False after an error, or if the server said that it closes the connection.
    pub(crate) const fn is_open(&self) -> bool {
        self.open
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &Request) -> io::Result<Answer<'_>> {
        self.out.clear();
        self.read.clear();
        request.write(self.host, &mut self.out)?;
        self.open = false;
        self.stream.write_all(&self.out).await?;
        let head = self.head().await?;
        while self.read.len() < head.body.end {
            self.fill().await?;
        }
        if self.read.len() > head.body.end {
            return Err(ErrorKind::InvalidData.into());
        }
        self.open = !head.closes;
        let text = str::from_utf8(&self.read[..head.body.start]).unwrap_or_default();
        Ok(Answer { status: head.status, head: text.trim_end(), body: &self.read[head.body] })
    }

    async fn head(&mut self) -> io::Result<Head> {
        loop {
            self.fill().await?;
            let read = head(&self.read);
            if let Some(head) =
                read.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?
            {
                return Ok(head);
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.read.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
