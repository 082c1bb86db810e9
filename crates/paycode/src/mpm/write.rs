//! From [`MerchantCode`] to text.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Initiation, LocalLanguage, MerchantCode, MpmError, MpmFault, Template, Tip, crc16};

impl MerchantCode {
    /// Writes the text: ids ascending, the CRC last.
    ///
    /// # Errors
    /// What is wrong with a field, as [`parse`](Self::parse) would say it of the text; an id
    /// outside its field's range is [`MpmFault::Misplaced`].
    ///
    /// # Panics
    /// Where the text would be read back as something else, which only a bug here can cause.
    pub fn write(&self) -> Result<String, MpmError> {
        let mut row = Row::default();
        row.put(0, "01")?;
        match self.initiation {
            None => {}
            Some(Initiation::Static) => row.put(1, "11")?,
            Some(Initiation::Dynamic) => row.put(1, "12")?,
        }
        row.put_range(2..=25, &self.card_accounts)?;
        row.put_templates(26..=51, &self.accounts)?;
        row.put(52, &format!("{:04}", self.category_code))?;
        row.put(53, &format!("{:03}", self.currency))?;
        if let Some(amount) = &self.amount {
            row.put(54, amount.as_str())?;
        }
        row.put_tip(self.tip.as_ref())?;
        row.put(58, &self.country)?;
        row.put(59, &self.name)?;
        row.put(60, &self.city)?;
        if let Some(postal_code) = &self.postal_code {
            row.put(61, postal_code)?;
        }
        if !self.additional_data.is_empty() {
            let mut fields = Row::default();
            for (id, value) in &self.additional_data {
                fields.put(id.get(), value)?;
            }
            row.put(62, &fields.0)?;
        }
        if let Some(local_language) = &self.local_language {
            row.put(64, &language_row(local_language)?.0)?;
        }
        row.put_range(65..=79, &self.reserved)?;
        row.put_templates(80..=99, &self.unreserved)?;
        let text = row.with_crc();
        let read_back = Self::parse(&text)?;
        assert!(read_back == *self, "a store's code is read back as it was written");
        Ok(text)
    }
}

fn language_row(local_language: &LocalLanguage) -> Result<Row, MpmError> {
    let mut row = Row::default();
    row.put(0, &local_language.language)?;
    row.put(1, &local_language.name)?;
    if let Some(city) = &local_language.city {
        row.put(2, city)?;
    }
    row.put_range(3..=99, &local_language.reserved)?;
    Ok(row)
}

/// The text so far.
#[derive(Default)]
struct Row(String);

impl Row {
    fn fault(&self, fault: MpmFault) -> MpmError {
        fault.at(self.0.chars().count())
    }

    fn put(&mut self, id: u8, value: &str) -> Result<(), MpmError> {
        let length = value.chars().count();
        if !(1..=99).contains(&length) {
            return Err(self.fault(MpmFault::WrongLength(id)));
        }
        self.0.push_str(&format!("{id:02}{length:02}{value}"));
        Ok(())
    }

    fn put_range(
        &mut self,
        ids: RangeInclusive<u8>,
        values: &BTreeMap<u8, String>,
    ) -> Result<(), MpmError> {
        for (&id, value) in values {
            if !ids.contains(&id) {
                return Err(self.fault(MpmFault::Misplaced(id)));
            }
            self.put(id, value)?;
        }
        Ok(())
    }

    fn put_templates(
        &mut self,
        ids: RangeInclusive<u8>,
        templates: &BTreeMap<u8, Template>,
    ) -> Result<(), MpmError> {
        for (&id, template) in templates {
            if !ids.contains(&id) {
                return Err(self.fault(MpmFault::Misplaced(id)));
            }
            let mut row = Self::default();
            row.put(0, &template.globally_unique_id)?;
            row.put_range(1..=99, &template.fields)?;
            self.put(id, &row.0)?;
        }
        Ok(())
    }

    fn put_tip(&mut self, tip: Option<&Tip>) -> Result<(), MpmError> {
        match tip {
            None => Ok(()),
            Some(Tip::Prompted) => self.put(55, "01"),
            Some(Tip::Fixed(amount)) => {
                self.put(55, "02")?;
                self.put(56, amount.as_str())
            }
            Some(Tip::Percentage(percentage)) => {
                self.put(55, "03")?;
                self.put(57, percentage.as_str())
            }
        }
    }

    fn with_crc(mut self) -> String {
        self.0.push_str("6304");
        let crc = crc16(&self.0);
        self.0.push_str(&format!("{crc:04X}"));
        self.0
    }
}
