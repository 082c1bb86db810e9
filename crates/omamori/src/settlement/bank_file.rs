//! Files for the bank, whoever is paid by them: written, sealed, and given out.

use jiff::civil::Date;
use omamori_db::Tx;
use omamori_zengin as zengin;
use omamori_zengin::LineEnd;
use serde_json::{Value, json};

use super::SenderSettings;
use crate::app::App;
use crate::audit::{self, Actor, Entry};
use crate::gate::{Act, Clearance};
use crate::web::codes::Code;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;

/// A file that grows line by line.
pub(crate) struct BankFile(zengin::File);

impl BankFile {
    /// One without lines, for a day.
    ///
    /// # Errors
    /// There is no sender in the settings; the day is over.
    pub(crate) fn on(app: &App, pay_on: Date) -> Result<Self> {
        let sender = app.config.settlement.sender.as_ref().map(SenderSettings::sender);
        let sender = sender.and_then(Result::ok).ok_or(Error::field("sender", "missing"))?;
        let day = zengin::Day::new(pay_on.month().unsigned_abs(), pay_on.day().unsigned_abs());
        match day {
            Ok(day) if pay_on >= japan(app.clock.now()).date() => {
                Ok(Self(zengin::File { sender, day, transfers: Vec::new() }))
            }
            _ => Err(Error::field("pay_on", "out_of_range")),
        }
    }

    /// One that was written before.
    ///
    /// # Errors
    /// A fault: it is none.
    pub(crate) fn read(text: &[u8]) -> Result<Self> {
        let file = zengin::File::read(text, LineEnd::CrLf);
        Ok(Self(file.map_err(|error| Error::Fault(Box::new(error)))?))
    }

    /// Adds a line; its number is the first customer code, from 1.
    pub(crate) fn pay(&mut self, (account, holder): (zengin::Account, zengin::Kana), yen: i64) {
        self.0.transfers.push(zengin::Transfer {
            account,
            holder,
            amount: yen.unsigned_abs(),
            customer_code_1: self.0.transfers.len() as u64 + 1,
            customer_code_2: 0,
        });
    }

    /// Takes a line out; the others keep their numbers.
    ///
    /// # Errors
    /// A fault: no line pays so much under this number.
    pub(crate) fn take_out(&mut self, line: i64, yen: i64) -> Result<()> {
        let (before, line, yen) = (self.0.transfers.len(), line.unsigned_abs(), yen.unsigned_abs());
        self.0.transfers.retain(|one| (one.customer_code_1, one.amount) != (line, yen));
        match before - self.0.transfers.len() {
            1 => Ok(()),
            _ => Err(Error::fault("a line of a file for the bank is not there")),
        }
    }

    /// Whether it pays nobody.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.transfers.is_empty()
    }

    /// The bytes for the bank.
    ///
    /// # Errors
    /// A fault: something does not fit.
    pub(crate) fn write(&self) -> Result<Vec<u8>> {
        self.0.write(LineEnd::CrLf).map_err(|error| Error::Fault(Box::new(error)))
    }
}

/// How the files of one table are kept: they name accounts.
pub(crate) struct Kept {
    /// Its column of sealed files.
    pub column: &'static str,
    /// Taking one to the bank.
    pub take: Act,
}

impl Kept {
    fn place(&self, file_id: &str) -> String {
        format!("{}/{file_id}", self.column)
    }

    /// Seals a file.
    pub(crate) fn sealed(&self, app: &App, file_id: &str, text: &[u8]) -> Vec<u8> {
        app.vault.seal(app.rng.as_ref(), &self.place(file_id), text)
    }

    /// Opens one.
    ///
    /// # Errors
    /// A fault: it does not open.
    pub(crate) fn opened(&self, app: &App, file_id: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let opened = app.vault.open(&self.place(file_id), sealed);
        Ok(opened.map_err(|_| Error::fault("a file for the bank does not open"))?.to_vec())
    }

    /// The bytes of a file, for the bank. Whoever takes them is in the audit log.
    ///
    /// # Errors
    /// The opinion; a fault.
    pub(crate) async fn give_out(
        &self,
        app: &App,
        actor: &Actor,
        (file_id, sealed): (&str, &[u8]),
        opinion: std::result::Result<(), Code>,
    ) -> Result<Vec<u8>> {
        let text = self.opened(app, file_id, sealed)?;
        let clearance = self.cleared(app, actor, file_id, opinion).await?;
        let tx = app.stores.registry.begin().await?;
        self.write_down(app, tx, (actor, &clearance), file_id).await?;
        Ok(text)
    }

    /// Leave to take a file.
    ///
    /// # Errors
    /// The opinion; a fault.
    pub(crate) async fn cleared(
        &self,
        app: &App,
        actor: &Actor,
        file_id: &str,
        opinion: std::result::Result<(), Code>,
    ) -> Result<Clearance> {
        actor.decide(app, self.take, None, &json!({ "file": file_id }), opinion).await
    }

    /// Writes down who takes a file, and commits.
    ///
    /// # Errors
    /// A fault.
    pub(crate) async fn write_down(
        &self,
        app: &App,
        tx: Tx,
        (actor, clearance): (&Actor, &Clearance),
        file_id: &str,
    ) -> Result<()> {
        let (act, before, after) = (self.take, Value::Null, Value::Null);
        let entry = Entry { actor, act, subject: file_id, before, after, reason: "" };
        audit::commit(app, tx, clearance, &entry).await
    }
}
