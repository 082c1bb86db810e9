//! The program that drives browsers (WebDriver), one for each test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running ChromeDriver. It is ended with the test, however the test ends.
pub struct Chromedriver {
    /// Where it listens.
    pub address: String,
    process: Child,
    /// Kept open: the program would end at its next line otherwise.
    _output: BufReader<ChildStdout>,
}

impl Chromedriver {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let program = program(&["chromedriver"], "chromium-driver");
        let mut process = Command::new(&program)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", program.display()));
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let port = port(&mut output);
        Self { address: format!("http://127.0.0.1:{port}"), process, _output: output }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port, from the line that says "… started successfully on port 12345."
fn port(output: &mut impl BufRead) -> u16 {
    let mut said = String::new();
    while output.read_line(&mut said).unwrap() > 0 {
        let port = said.rsplit_once(" on port ").and_then(|(start, port)| {
            start.contains("started").then(|| port.trim().trim_end_matches('.').parse().ok())?
        });
        if let Some(port) = port {
            return port;
        }
    }
    panic!("chromedriver ended before it listened: {said}");
}

/// The first of these programs that is installed. A test that lacks its tool fails.
pub fn program(names: &[&str], package: &str) -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings file")]
    let folders = std::env::var("PATH").unwrap_or_default();
    let installed = |name: &&str| {
        std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
    };
    names.iter().find_map(installed).unwrap_or_else(|| {
        panic!(
            "{} is not installed. Install the package {package} (tools/packages test does)",
            names[0]
        )
    })
}
