//! Standard output, and its reader who has heard enough.

use std::fmt::Display;
use std::io::{self, ErrorKind, StdoutLock, Write, stdout};
use std::process::exit;

/// What a shell says of a program that `SIGPIPE` ended.
const READER_GONE: i32 = 128 + 13;

/// Standard output. When nobody reads it any more (`omamori … | head`), the program ends at once
/// and quietly, as others do: it may be killed anywhere.
pub struct Out(StdoutLock<'static>);

impl Out {
    /// Alone with it until dropped.
    pub fn new() -> Self {
        Self(stdout().lock())
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        heard(self.0.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        heard(self.0.flush())
    }
}

fn heard<T>(written: io::Result<T>) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => exit(READER_GONE),
        other => other,
    }
}

/// Prints a line. A full disk behind the redirection ends the program too, and is told.
pub fn line(line: &impl Display) {
    let mut out = Out::new();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        tracing::error!(%error, "standard output was not written");
        exit(1);
    }
}
