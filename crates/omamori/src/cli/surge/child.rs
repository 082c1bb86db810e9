//! The server, as a process of its own, so that its memory and processor time are its own.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::prepare::KEY_FILE;
use super::{SurgeError, spinner};

const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Linux counts a process's time in hundredths of a second on every architecture it runs on.
const MICROS_PER_TICK: u64 = 10_000;

/// A running server; killed when dropped.
pub(super) struct Server {
    process: Child,
    pub(super) address: SocketAddr,
    /// From the start of the process until it answered.
    pub(super) started_in: Duration,
}

impl Server {
    /// Starts `omamori serve` on a prepared folder and waits until it listens.
    pub(super) async fn start(folder: &Path, flags: &[&str]) -> Result<Self, SurgeError> {
        let io = |what| move |error| SurgeError::Io(what, error);
        let address = free_address().map_err(io("a free port"))?;
        let settings = folder.join("surge.toml");
        std::fs::write(&settings, config(folder, address)).map_err(io("the settings"))?;
        let log = folder.join("server.log");
        let output = File::create(&log).map_err(io("the server's log"))?;
        let started = Instant::now();
        let process = Command::new(std::env::current_exe().map_err(io("this program"))?)
            .arg("serve")
            .arg("--config")
            .arg(&settings)
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .map_err(io("the server"))?;
        let mut server = Self { process, address, started_in: Duration::ZERO };
        let waiting = spinner("server: starting");
        while TcpStream::connect(address).await.is_err() {
            if server.process.try_wait().map_err(io("the server"))?.is_some() {
                return Err(SurgeError::ServerEnded(log));
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
        waiting.finish_and_clear();
        server.started_in = started.elapsed();
        Ok(server)
    }

    /// The memory that it holds now, in bytes, if the system tells.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(self.proc("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1_024)
    }

    /// The processor time that it has used, in microseconds, if the system tells.
    pub(super) fn processor_micros(&self) -> Option<u64> {
        let stat = std::fs::read_to_string(self.proc("stat")).ok()?;
        // After the name in parentheses: field 3 and on, proc(5); utime is 14, stime 15.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut times = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
        Some((user + system) * MICROS_PER_TICK)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing to stop.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Settings as for production, but for the address; nobody signs up, so no message is sent. The
/// load generator speaks for clients anywhere, as a proxy does.
pub(super) fn config(folder: &Path, address: SocketAddr) -> String {
    // A JSON string is a TOML string.
    let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    let (data, key) = (quoted(folder), quoted(&folder.join(KEY_FILE)));
    format!(
        "listen = \"{address}\"\n\
         public_url = \"http://localhost:{port}\"\n\
         key_file = {key}\n\
         trusted_proxies = [\"127.0.0.1/32\"]\n\
         [store]\nengine = \"sqlite\"\nfolder = {data}\n\
         [sms]\nadapter = \"http\"\nurl = \"http://127.0.0.1:9/\"\ntoken = \"unused\"\n\
         [mail]\nadapter = \"none\"\n\
         [push]\nadapter = \"none\"\n\
         [metrics]\nenabled = false\n",
        port = address.port(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Store};

    #[test]
    fn the_settings_can_be_read_whatever_the_folder_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let odd = folder.path().join("a \"quoted\" お守り\\folder");
        let file = folder.path().join("surge.toml");
        std::fs::write(&file, config(&odd, ([127, 0, 0, 1], 4_321).into())).unwrap();
        let config = Config::read(&file).unwrap();
        assert_eq!(config.listen.port(), 4_321);
        assert!(!config.has_sandbox(), "`serve` would refuse to start");
        assert!(matches!(config.store, Store::Sqlite { folder } if folder == odd));
    }
}
