//! The `omamori` command.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match omamori::cli::run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(inner) = source {
                text = format!("{text}: {inner}");
                source = inner.source();
            }
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
fn complain(text: &str) {
    eprintln!("omamori: {text}");
}
