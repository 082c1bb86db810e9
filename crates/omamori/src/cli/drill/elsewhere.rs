//! The same attacks on the build without the controls: another program, which is built here if it
//! is not named and the source is there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;

use super::{Error, say};

/// What `--baseline` without a program stands for.
pub(super) const BUILD: &str = "build";
/// How it is built.
const FEATURE: &str = "baseline-2019";
const TARGET: &str = "target/baseline";

/// The program: the one that is named, or the one that is built of the source around here.
///
/// # Errors
/// There is none, and none can be built.
pub(super) fn program(named: &Path) -> Result<PathBuf, Error> {
    if named != Path::new(BUILD) {
        if named.is_file() {
            return Ok(named.to_owned());
        }
        return Err(format!(
            "--baseline takes a program that was built with {FEATURE}, and {} is none; it starts \
             services of its own, so an address cannot take its place",
            named.display()
        )
        .into());
    }
    let here = std::env::current_dir()?;
    let is_source = |folder: &&Path| {
        let manifest = std::fs::read_to_string(folder.join("crates/omamori/Cargo.toml"));
        manifest.is_ok_and(|text| text.contains(FEATURE))
    };
    let source = here.ancestors().find(is_source).ok_or(
        "--baseline without a program builds one of the source: run it inside a checkout, or name \
         a program that was built there",
    )?;
    say(format_args!("Building the service without its controls, in {TARGET}"));
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--package", "omamori"]);
    cargo.args(["--features", FEATURE, "--target-dir", TARGET]).current_dir(source);
    let built = cargo.status().map_err(|why| format!("cargo, which builds it: {why}"))?;
    if !built.success() {
        return Err("the service without its controls was not built".into());
    }
    Ok(source.join(TARGET).join("debug").join("omamori"))
}

/// Lets the program do what is asked for, in a folder of its own: the report it wrote. That it
/// withstood nothing is no failure here.
///
/// # Errors
/// It could not be run, or wrote no report.
pub(super) async fn report<T: DeserializeOwned>(
    program: &Path,
    asked: &[String],
    (data, file): (&Path, &str),
) -> Result<Vec<T>, Error> {
    let out = data.join("baseline-report");
    std::fs::create_dir_all(&out)?;
    let mut command = Command::new(program);
    command.arg("drill").args(asked);
    command.arg("--data").arg(data.join("baseline")).arg("--report").arg(&out);
    // Its progress bar is seen; its table is not, because ours holds it.
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    say(format_args!("First the build without controls: {}", program.display()));
    let ended = tokio::task::spawn_blocking(move || command.status()).await??;
    let written = std::fs::read_to_string(out.join(file));
    std::fs::remove_dir_all(&out)?;
    let written = written.map_err(|_| format!("the build without controls: {ended}"))?;
    Ok(serde_json::from_str(&written)?)
}
