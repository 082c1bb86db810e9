//! A scenario as its file has it.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::{Table, Value};

use super::steps;

/// In both languages.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

/// What counts as loss.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// A victim's balance is lower than what the victim did makes it.
    Victims,
    /// The attackers hold or took more than they paid in.
    Gain,
    /// Something was answered, shown or done that must not be, though no yen moved.
    Breach,
}

/// Who is there when it begins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cast {
    /// Customers who are attacked.
    pub victims: usize,
    /// What each of them holds, in yen.
    pub victim_yen: i64,
    /// Whether they sign in with a password and an app, instead of a passkey.
    pub passwords: bool,
    /// Accounts of the attackers, each with a passkey.
    pub thieves: usize,
    /// What each of those paid in, in yen.
    pub thief_yen: i64,
}

impl Default for Cast {
    fn default() -> Self {
        Self { victims: 1, victim_yen: 9_000, passwords: false, thieves: 0, thief_yen: 0 }
    }
}

/// One step: a program of [`steps::ALL`] with its parameters.
#[derive(Clone, Debug)]
pub struct Step {
    /// The program's name.
    pub act: String,
    /// Its parameters.
    pub with: Table,
}

/// An attack.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name on the command line; the file's too.
    pub name: String,
    /// One line.
    pub title: Both,
    /// Where the attack is documented.
    pub source: String,
    /// Who is there.
    pub cast: Cast,
    /// What counts as loss.
    pub loss: BTreeSet<Loss>,
    /// The words of what must stop it. One that never comes means that the attack did not get as
    /// far as the control that is meant to stop it, and has shown nothing.
    pub refusals: BTreeSet<String>,
    /// Further words with which the service may refuse. Anything else is not understood.
    pub also: BTreeSet<String>,
    /// The door that staff close at the first alert, if that is their answer.
    pub door: Option<String>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: Both,
    source: String,
    #[serde(default)]
    cast: Cast,
    loss: BTreeSet<Loss>,
    refusals: BTreeSet<String>,
    #[serde(default)]
    also: BTreeSet<String>,
    door: Option<String>,
    steps: Vec<Table>,
}

/// Why a file is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// It is not the form.
    #[error("{0}")]
    Form(#[from] toml::de::Error),
    /// It says something that cannot be.
    #[error("{0}")]
    Content(String),
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Wrong`], which says what to mend.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let file: File = toml::from_str(text)?;
        let wrong = |what: &str| Err(Wrong::Content(format!("{}: {what}", file.name)));
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if file.name.is_empty() || !file.name.bytes().all(is_name) {
            return wrong("a name is of a–z, 0–9 and -");
        }
        if !file.source.starts_with("https://") {
            return wrong("the source is the https address of a document");
        }
        if file.loss.is_empty() || file.steps.is_empty() || file.refusals.is_empty() {
            return wrong("it needs steps, what counts as loss, and refusals that must come");
        }
        let mut all = Vec::with_capacity(file.steps.len());
        for mut with in file.steps {
            let Some(Value::String(act)) = with.remove("do") else {
                return Err(Wrong::Content(format!("{}: a step without do", file.name)));
            };
            let Some(program) = steps::find(&act) else {
                return Err(Wrong::Content(format!("{}: there is no step {act}", file.name)));
            };
            if let Some(unknown) = with.keys().find(|key| !program.takes.contains(&key.as_str())) {
                return Err(Wrong::Content(format!("{}: {act} takes no {unknown}", file.name)));
            }
            all.push(Step { act, with });
        }
        Ok(Self {
            name: file.name,
            title: file.title,
            source: file.source,
            cast: file.cast,
            loss: file.loss,
            refusals: file.refusals,
            also: file.also,
            door: file.door,
            steps: all,
        })
    }
}

/// The parameters of a step.
#[derive(Clone, Copy)]
pub(crate) struct Params<'a>(pub(crate) &'a Table);

impl<'a> Params<'a> {
    /// A whole number, or what it is without one.
    pub(crate) fn int(self, name: &str, without: i64) -> i64 {
        self.0.get(name).and_then(Value::as_integer).unwrap_or(without)
    }

    /// How many.
    pub(crate) fn count(self, name: &str, without: usize) -> usize {
        self.0
            .get(name)
            .and_then(Value::as_integer)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(without)
    }

    /// A text, or what it is without one.
    pub(crate) fn text(self, name: &str, without: &'a str) -> &'a str {
        self.0.get(name).and_then(Value::as_str).unwrap_or(without)
    }
}
