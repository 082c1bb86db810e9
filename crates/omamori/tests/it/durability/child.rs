//! `omamori demo` as a process of its own, on a folder and a port of the test's.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

/// The program under test.
pub fn omamori() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_omamori"));
    command.env("RUST_LOG", "warn").env_remove("RUST_BACKTRACE");
    command
}

/// Runs a command of the program on a folder, to its end.
pub fn run_on(folder: &Path, command: &str) -> Output {
    omamori().arg(command).arg("--data").arg(folder).output().unwrap()
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A running demo. Killed when dropped.
pub struct Demo {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Demo {
    /// Starts it, and does not wait.
    pub fn start(folder: &Path, port: u16) -> Self {
        let mut process = omamori()
            .args(["demo", "--port", &port.to_string(), "--data"])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// Waits until it has said its last word before it serves; its port is open by then.
    pub fn ready(&mut self) {
        let mut line = String::new();
        while !line.contains("Ctrl-C") {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the demo does not start");
        }
    }

    /// Ends it as a power cut does: SIGKILL.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // An error means that it has ended by itself, which is for the caller to notice.
        let _ended = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.end();
    }
}
