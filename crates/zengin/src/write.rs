//! Writing: each value is checked against its field, nothing is ever cut.

use crate::Kana;
use crate::record::{Account, AccountKind, File, LineEnd, RECORD_BYTES, Sender, Transfer};

/// Why a file cannot be written. `record` counts transfers from 1; 0 is the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A text is longer than its field, or empty where there must be one.
    #[error("transfer {record}: {field} must have {min} to {max} characters")]
    Width {
        /// Which transfer.
        record: usize,
        /// Which field.
        field: &'static str,
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// A number has too many digits, or is 0 where there must be something.
    #[error("transfer {record}: {field} is out of range")]
    Number {
        /// Which transfer.
        record: usize,
        /// Which field.
        field: &'static str,
    },
    /// No transfers, or more than a trailer can count.
    #[error("a file has 1 to 999,999 transfers of at most ¥999,999,999,999 together")]
    Count,
}

/// The largest numbers of ten and twelve digits.
const TEN_DIGITS: u64 = 9_999_999_999;
const TWELVE_DIGITS: u64 = 999_999_999_999;

impl File {
    /// The bytes of the file.
    ///
    /// # Errors
    /// What does not fit.
    pub fn write(&self, line_end: LineEnd) -> Result<Vec<u8>, WriteError> {
        let (count, total) = (self.transfers.len(), self.total());
        if !(1..=999_999).contains(&count) || total > TWELVE_DIGITS {
            return Err(WriteError::Count);
        }
        let record_bytes = RECORD_BYTES + line_end.bytes().len();
        let mut out = Vec::with_capacity((count + 3) * record_bytes);
        header(&self.sender, &self.day.text())?.end(17, line_end, &mut out);
        for (index, transfer) in self.transfers.iter().enumerate() {
            data(index + 1, transfer)?.end(7, line_end, &mut out);
        }
        let mut trailer = Line::new(b"8", 0);
        trailer.number(count as u64, 6);
        trailer.number(total, 12);
        trailer.end(101, line_end, &mut out);
        Line::new(b"9", 0).end(119, line_end, &mut out);
        Ok(out)
    }
}

fn header(sender: &Sender, day: &str) -> Result<Line, WriteError> {
    let mut line = Line::new(b"1210", 0); // header, general transfers, JIS
    line.bounded("sender code", sender.code, 0, 10)?;
    line.text("sender name", &sender.name, 1, 40)?;
    line.bytes.extend_from_slice(day.as_bytes());
    if sender.account.kind == AccountKind::Savings {
        return Err(WriteError::Number { record: 0, field: "sender's kind of account" });
    }
    line.account(&sender.account, b"")?;
    Ok(line)
}

fn data(record: usize, transfer: &Transfer) -> Result<Line, WriteError> {
    let mut line = Line::new(b"2", record);
    line.account(&transfer.account, b"    ")?; // the clearing house is not used any more
    line.text("holder", &transfer.holder, 1, 30)?;
    line.bounded("amount", transfer.amount, 1, 10)?;
    line.bytes.push(b'0'); // neither new nor changed
    line.bounded("customer code 1", transfer.customer_code_1, 0, 10)?;
    line.bounded("customer code 2", transfer.customer_code_2, 0, 10)?;
    line.bytes.extend_from_slice(b"7 "); // by wire; no EDI
    Ok(line)
}

/// A record that is being put together.
struct Line {
    bytes: Vec<u8>,
    record: usize,
}

impl Line {
    fn new(start: &[u8], record: usize) -> Self {
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        bytes.extend_from_slice(start);
        Self { bytes, record }
    }

    fn text(
        &mut self,
        field: &'static str,
        text: &Kana,
        min: usize,
        max: usize,
    ) -> Result<(), WriteError> {
        let width = text.width();
        if !(min..=max).contains(&width) {
            return Err(WriteError::Width { record: self.record, field, min, max });
        }
        self.bytes.extend(text.bytes());
        self.spaces(max - width);
        Ok(())
    }

    fn bounded(
        &mut self,
        field: &'static str,
        number: u64,
        min: u64,
        width: usize,
    ) -> Result<(), WriteError> {
        if !(min..=TEN_DIGITS).contains(&number) {
            return Err(WriteError::Number { record: self.record, field });
        }
        self.number(number, width);
        Ok(())
    }

    fn number(&mut self, number: u64, width: usize) {
        self.bytes.extend(format!("{number:0width$}").bytes());
    }

    fn account(&mut self, account: &Account, between: &[u8]) -> Result<(), WriteError> {
        let office = &account.office;
        self.bytes.extend(office.bank.to_string().bytes());
        self.text("bank name", &office.bank_name, 0, 15)?;
        self.bytes.extend(office.branch.to_string().bytes());
        self.text("branch name", &office.branch_name, 0, 15)?;
        self.bytes.extend_from_slice(between);
        self.bytes.push(account.kind.digit());
        self.bytes.extend(account.number.to_string().bytes());
        Ok(())
    }

    fn spaces(&mut self, count: usize) {
        self.bytes.extend(std::iter::repeat_n(b' ', count));
    }

    fn end(mut self, reserved: usize, line_end: LineEnd, out: &mut Vec<u8>) {
        self.spaces(reserved);
        assert_eq!(self.bytes.len(), RECORD_BYTES, "a record of another length");
        out.extend_from_slice(&self.bytes);
        out.extend_from_slice(line_end.bytes());
    }
}
