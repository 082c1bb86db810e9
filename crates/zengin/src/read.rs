//! Reading: nothing is taken but what the format allows and what adds up.

use crate::Kana;
use crate::record::{
    Account, AccountKind, AccountNumber, BankCode, BranchCode, Day, File, LineEnd, Office,
    RECORD_BYTES, Sender, Transfer,
};

/// Why a file is not one. `record` counts from 1; the header is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not a whole number of records, or too few of them.
    #[error("not a whole number of records of 120 bytes")]
    Length,
    /// A line end that is missing, or stands where none should be.
    #[error("record {0} does not end as it must")]
    LineEnd(usize),
    /// A record of a kind that cannot stand here.
    #[error("record {0} is of a kind that cannot stand here")]
    Order(usize),
    /// A field that is not as the format wants it.
    #[error("record {record}: {field} is not as it must be")]
    Field {
        /// Which record.
        record: usize,
        /// Which field.
        field: &'static str,
    },
    /// The trailer says another count or another sum.
    #[error("the trailer does not add up")]
    Total,
}

impl File {
    /// Reads a file. What is read is written again as the same bytes.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn read(bytes: &[u8], line_end: LineEnd) -> Result<Self, ReadError> {
        let records = records(bytes, line_end)?;
        let [first, data @ .., trailer, end] = records.as_slice() else {
            return Err(ReadError::Length);
        };
        let (sender, day) = header(Fields::new(1, first))?;
        let mut transfers = Vec::with_capacity(data.len());
        for (index, record) in data.iter().enumerate() {
            transfers.push(transfer(Fields::new(index + 2, record))?);
        }
        let file = Self { sender, day, transfers };
        let mut fields = Fields::new(records.len() - 1, trailer);
        fields.kind(b"8")?;
        let (count, total) = (fields.number("count", 6)?, fields.number("sum", 12)?);
        fields.reserved(101)?;
        if count != file.transfers.len() as u64 || count == 0 || total != file.total() {
            return Err(ReadError::Total);
        }
        let mut fields = Fields::new(records.len(), end);
        fields.kind(b"9")?;
        fields.reserved(119)?;
        Ok(file)
    }
}

fn records(bytes: &[u8], line_end: LineEnd) -> Result<Vec<&[u8]>, ReadError> {
    let ending = line_end.bytes();
    let whole = bytes.chunks_exact(RECORD_BYTES + ending.len());
    if !whole.remainder().is_empty() {
        return Err(ReadError::Length);
    }
    let cut = |(index, chunk): (usize, &'_ [u8])| {
        let (record, end) = chunk.split_at(RECORD_BYTES);
        (end == ending).then_some(record.len()).ok_or(ReadError::LineEnd(index + 1))
    };
    for numbered in whole.clone().enumerate() {
        cut(numbered)?;
    }
    Ok(whole.map(|chunk| &chunk[..RECORD_BYTES]).collect())
}

fn header(mut fields: Fields<'_>) -> Result<(Sender, Day), ReadError> {
    fields.kind(b"1210")?;
    let code = fields.number("sender code", 10)?;
    let name = fields.text("sender name", 1, 40)?;
    let month = fields.number("day", 2)?;
    let day_of_month = fields.number("day", 2)?;
    let day = Day::new(month as u8, day_of_month as u8).map_err(|_| fields.wrong("day"))?;
    let account = fields.account(b"")?;
    if account.kind == AccountKind::Savings {
        return Err(fields.wrong("kind of account"));
    }
    fields.reserved(17)?;
    Ok((Sender { code, name, account }, day))
}

fn transfer(mut fields: Fields<'_>) -> Result<Transfer, ReadError> {
    fields.kind(b"2")?;
    let account = fields.account(b"    ")?;
    let holder = fields.text("holder", 1, 30)?;
    let amount = fields.number("amount", 10)?;
    if amount == 0 {
        return Err(fields.wrong("amount"));
    }
    fields.fixed("new code", b"0")?;
    let customer_code_1 = fields.number("customer code 1", 10)?;
    let customer_code_2 = fields.number("customer code 2", 10)?;
    fields.fixed("way and sign", b"7 ")?;
    fields.reserved(7)?;
    Ok(Transfer { account, holder, amount, customer_code_1, customer_code_2 })
}

/// The fields of one record, from left to right. It has [`RECORD_BYTES`], and all that is taken
/// from it comes to that.
struct Fields<'a> {
    record: usize,
    left: &'a [u8],
}

impl<'a> Fields<'a> {
    const fn new(record: usize, left: &'a [u8]) -> Self {
        Self { record, left }
    }

    const fn wrong(&self, field: &'static str) -> ReadError {
        ReadError::Field { record: self.record, field }
    }

    fn take(&mut self, width: usize) -> &'a [u8] {
        let (field, left) = self.left.split_at(width);
        self.left = left;
        field
    }

    fn kind(&mut self, wanted: &[u8]) -> Result<(), ReadError> {
        let is_so = self.take(wanted.len()) == wanted;
        if is_so { Ok(()) } else { Err(ReadError::Order(self.record)) }
    }

    fn fixed(&mut self, field: &'static str, wanted: &[u8]) -> Result<(), ReadError> {
        let is_so = self.take(wanted.len()) == wanted;
        if is_so { Ok(()) } else { Err(self.wrong(field)) }
    }

    fn digits(&mut self, field: &'static str, width: usize) -> Result<&'a str, ReadError> {
        let bytes = self.take(width);
        let text = str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(u8::is_ascii_digit));
        text.ok_or_else(|| self.wrong(field))
    }

    fn number(&mut self, field: &'static str, width: usize) -> Result<u64, ReadError> {
        let text = self.digits(field, width)?;
        text.parse().map_err(|_| self.wrong(field))
    }

    fn text(&mut self, field: &'static str, min: usize, max: usize) -> Result<Kana, ReadError> {
        let text = Kana::of_field(self.take(max)).filter(|text| text.width() >= min);
        text.ok_or_else(|| self.wrong(field))
    }

    fn account(&mut self, between: &[u8]) -> Result<Account, ReadError> {
        let bank = BankCode::parse(self.digits("bank code", 4)?);
        let bank_name = self.text("bank name", 0, 15)?;
        let branch = BranchCode::parse(self.digits("branch code", 3)?);
        let branch_name = self.text("branch name", 0, 15)?;
        self.fixed("clearing house", between)?;
        let kind = self.take(1).first().copied().and_then(AccountKind::of);
        let kind = kind.ok_or_else(|| self.wrong("kind of account"))?;
        let number = AccountNumber::parse(self.digits("account number", 7)?);
        let office = Office {
            bank: bank.map_err(|_| self.wrong("bank code"))?,
            bank_name,
            branch: branch.map_err(|_| self.wrong("branch code"))?,
            branch_name,
        };
        let number = number.map_err(|_| self.wrong("account number"))?;
        Ok(Account { office, kind, number })
    }

    fn reserved(&mut self, width: usize) -> Result<(), ReadError> {
        let is_blank = self.take(width).iter().all(|byte| *byte == b' ');
        if is_blank { Ok(()) } else { Err(self.wrong("reserved part")) }
    }
}
