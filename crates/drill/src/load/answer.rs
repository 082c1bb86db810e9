//! Reading the head of an HTTP/1.1 answer: just as much as a load generator needs.

use std::ops::Range;

/// The longest head that is read.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status, such as 200.
    pub status: u16,
    /// The status line and the fields, as they came.
    pub head: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Answer<'a> {
    /// The first field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a str> {
        let mut fields = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// What the head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Where the body lies in the bytes that were given.
    pub(super) body: Range<usize>,
    /// The server closes the connection after this answer.
    pub(super) closes: bool,
}

/// Not an answer that this generator understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(&'static str);

/// Reads the head at the start of `bytes`; `None` while it is not complete.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let Some(length) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > HEAD_BYTES_MAX {
            Err(Malformed("a head too long"))
        } else {
            Ok(None)
        };
    };
    let text = str::from_utf8(&bytes[..length]).map_err(|_| Malformed("a head not in ASCII"))?;
    let mut lines = text.split("\r\n");
    let status = status(lines.next().unwrap_or_default())?;
    let (mut body_length, mut closes) = (None, false);
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(Malformed("a field without a colon"))?;
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim().parse::<usize>();
            body_length = Some(value.map_err(|_| Malformed("a content-length not a number"))?);
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.trim().eq_ignore_ascii_case("close");
        }
    }
    let body_length = match (body_length, status) {
        (Some(length), _) => length,
        (None, 204 | 304) => 0,
        (None, _) => return Err(Malformed("no content-length")),
    };
    let start = length + 4;
    Ok(Some(Head { status, body: start..start + body_length, closes }))
}

fn status(line: &str) -> Result<u16, Malformed> {
    let rest = line.strip_prefix("HTTP/1.1 ").ok_or(Malformed("not HTTP/1.1"))?;
    let digits = rest.get(..3).ok_or(Malformed("no status"))?;
    digits.parse().map_err(|_| Malformed("no status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let answer = b"HTTP/1.1 422 Unprocessable Content\r\nContent-Length: 5\r\n\r\nhello";
        let end = answer.len() - 5;
        for cut in 0..end {
            assert_eq!(head(&answer[..cut]), Ok(None), "{cut} bytes are not a head");
        }
        let whole = Head { status: 422, body: end..end + 5, closes: false };
        assert_eq!(head(&answer[..end]), Ok(Some(whole.clone())), "the body may come later");
        assert_eq!(head(answer), Ok(Some(whole)));
    }

    #[test]
    fn field_names_have_no_case_and_a_closing_server_is_noticed() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-LENGTH:0\r\nConnection: close\r\n\r\n";
        let read = head(answer).unwrap().unwrap();
        assert_eq!((read.status, read.body.len(), read.closes), (200, 0, true));
    }

    #[test]
    fn a_field_is_found_by_its_name() {
        let head = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2";
        let answer = Answer { status: 200, head, body: b"" };
        assert_eq!(answer.field("set-cookie"), Some("a=1; Path=/"));
        assert_eq!(answer.field("location"), None);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            &b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        ] {
            assert!(head(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert!(head(&[b'x'; HEAD_BYTES_MAX + 1]).is_err());
        assert_eq!(head(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap().body.len(), 0);
    }
}
