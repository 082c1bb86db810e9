//! The `omamori` command.

use std::error::Error;
use std::io::{Write, stderr};
use std::process::ExitCode;
use std::time::Duration;

/// How long the last threads may take that only wait for somebody outside: a name to be looked up,
/// a server that does not answer. Nothing that was answered depends on them.
const LAST_THREADS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = match runtime.block_on(omamori::cli::run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(error.as_ref()),
    };
    runtime.shutdown_timeout(LAST_THREADS);
    code
}

/// The last word of a command that failed. If nobody hears it, the exit code says so.
fn failed(error: &dyn Error) -> ExitCode {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    let _unheard = writeln!(stderr(), "omamori: {text}");
    ExitCode::FAILURE
}
