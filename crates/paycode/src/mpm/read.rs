//! From text to [`MerchantCode`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{
    AdditionalId, Amount, Initiation, LocalLanguage, MAX_CHARACTERS, MerchantCode, MpmError,
    MpmFault, Percentage, Template, Tip, crc16,
};

/// `63`, its length and its value.
const CRC_CHARACTERS: usize = 8;

impl MerchantCode {
    /// Reads what a scanner read.
    ///
    /// # Errors
    /// The first fault, in this order: the length of the text, the outer row of objects, the
    /// CRC, then the objects by ascending id.
    pub fn parse(text: &str) -> Result<Self, MpmError> {
        if text.chars().count() > MAX_CHARACTERS {
            return Err(MpmFault::TextTooLong.at(MAX_CHARACTERS));
        }
        let mut row = Row::split(text, 0)?;
        check_frame(text, &mut row)?;
        let code = Self {
            initiation: row.take(1).map(initiation).transpose()?,
            card_accounts: row.take_range(2..=25, |object| object.ascii(1..=99))?,
            accounts: row.take_range(26..=51, template)?,
            category_code: row.require(52)?.number(4)?,
            currency: row.require(53)?.number(3)?,
            amount: row.take(54).map(amount).transpose()?,
            tip: tip(&mut row)?,
            country: row.require(58)?.letters()?,
            name: row.require(59)?.ascii(1..=25)?,
            city: row.require(60)?.ascii(1..=15)?,
            postal_code: row.take(61).map(|object| object.ascii(1..=10)).transpose()?,
            additional_data: row.take(62).map(additional_data).transpose()?.unwrap_or_default(),
            local_language: row.take(64).map(local_language).transpose()?,
            reserved: row.take_range(65..=79, |object| object.unicode(99))?,
            unreserved: row.take_range(80..=99, template)?,
        };
        if code.card_accounts.is_empty() && code.accounts.is_empty() {
            return Err(MpmFault::Missing(26).at(row.end));
        }
        Ok(code)
    }
}

/// 00 stands first and says 01; 63 stands last and matches.
fn check_frame(text: &str, row: &mut Row<'_>) -> Result<(), MpmError> {
    let format = row.require(0)?;
    if format.position != 0 {
        return Err(format.fault(MpmFault::Misplaced));
    }
    let crc = row.require(63)?;
    if crc.position + crc.characters() + 4 != row.end {
        return Err(crc.fault(MpmFault::Misplaced));
    }
    if crc.position + CRC_CHARACTERS != row.end {
        return Err(crc.fault(MpmFault::WrongLength));
    }
    // Its value is the end of the text, whatever its bytes are.
    let computed = crc16(&text[..text.len() - crc.value.len()]);
    if crc.value != format!("{computed:04X}") {
        return Err(MpmFault::WrongCrc { computed }.at(crc.position));
    }
    if format.value != "01" {
        return Err(format.fault(MpmFault::WrongValue));
    }
    Ok(())
}

fn initiation(object: Object<'_>) -> Result<Initiation, MpmError> {
    match object.value {
        "11" => Ok(Initiation::Static),
        "12" => Ok(Initiation::Dynamic),
        _ => Err(object.fault(MpmFault::WrongValue)),
    }
}

fn amount(object: Object<'_>) -> Result<Amount, MpmError> {
    Amount::read(object.id, object.value).map_err(|fault| fault.at(object.position))
}

fn percentage(object: Object<'_>) -> Result<Percentage, MpmError> {
    Percentage::read(object.id, object.value).map_err(|fault| fault.at(object.position))
}

/// 55 says which of 56 and 57 there must be; the other must be absent.
fn tip(row: &mut Row<'_>) -> Result<Option<Tip>, MpmError> {
    let tip = match row.take(55) {
        None => None,
        Some(object) => Some(match object.value {
            "01" => Tip::Prompted,
            "02" => Tip::Fixed(amount(row.require(56)?)?),
            "03" => Tip::Percentage(percentage(row.require(57)?)?),
            _ => return Err(object.fault(MpmFault::WrongValue)),
        }),
    };
    match row.take(56).or_else(|| row.take(57)) {
        Some(object) => Err(object.fault(MpmFault::Misplaced)),
        None => Ok(tip),
    }
}

fn template(object: Object<'_>) -> Result<Template, MpmError> {
    let mut row = object.row()?;
    Ok(Template {
        globally_unique_id: row.require(0)?.ascii(1..=32)?,
        fields: row.take_range(1..=99, |field| field.unicode(99))?,
    })
}

fn additional_data(object: Object<'_>) -> Result<BTreeMap<AdditionalId, String>, MpmError> {
    let row = object.row()?;
    let fields = row.objects.into_values().map(|field| {
        let id = AdditionalId::new(field.id).ok_or(field.fault(MpmFault::Misplaced))?;
        let value = match id {
            AdditionalId::CONSUMER_DATA_REQUEST => consumer_data_request(field)?,
            _ if field.id <= 9 => field.ascii(1..=25)?,
            _ => field.unicode(99)?,
        };
        Ok((id, value))
    });
    fields.collect()
}

/// Any of A, M and E, each at most once.
fn consumer_data_request(field: Object<'_>) -> Result<String, MpmError> {
    let value = field.ascii(1..=3)?;
    if value.chars().any(|letter| !"AME".contains(letter)) {
        return Err(field.fault(MpmFault::WrongCharacter));
    }
    if value.chars().any(|letter| value.matches(letter).count() > 1) {
        return Err(field.fault(MpmFault::WrongValue));
    }
    Ok(value)
}

fn local_language(object: Object<'_>) -> Result<LocalLanguage, MpmError> {
    let mut row = object.row()?;
    Ok(LocalLanguage {
        language: row.require(0)?.letters()?,
        name: row.require(1)?.unicode(25)?,
        city: row.take(2).map(|field| field.unicode(15)).transpose()?,
        reserved: row.take_range(3..=99, |field| field.unicode(99))?,
    })
}

/// One data object, with its place in the whole text.
#[derive(Clone, Copy)]
struct Object<'a> {
    id: u8,
    position: usize,
    value: &'a str,
}

impl<'a> Object<'a> {
    fn fault(&self, fault: fn(u8) -> MpmFault) -> MpmError {
        fault(self.id).at(self.position)
    }

    fn characters(&self) -> usize {
        self.value.chars().count()
    }

    fn row(&self) -> Result<Row<'a>, MpmError> {
        Row::split(self.value, self.position + 4)
    }

    /// Printable ASCII (the specification's "ans").
    fn ascii(&self, lengths: RangeInclusive<usize>) -> Result<String, MpmError> {
        self.checked(lengths, |character| matches!(character, ' '..='~'))
    }

    /// Any text without control characters (the specification's "S").
    fn unicode(&self, longest: usize) -> Result<String, MpmError> {
        self.checked(1..=longest, |character| !character.is_control())
    }

    /// Two upper-case letters.
    fn letters(&self) -> Result<String, MpmError> {
        self.checked(2..=2, |character| character.is_ascii_uppercase())
    }

    /// Exactly so many digits, at most four.
    fn number(&self, digits: usize) -> Result<u16, MpmError> {
        let text = self.checked(digits..=digits, |character| character.is_ascii_digit())?;
        text.parse().map_err(|_| self.fault(MpmFault::WrongValue))
    }

    fn checked(
        &self,
        lengths: RangeInclusive<usize>,
        allowed: impl Fn(char) -> bool,
    ) -> Result<String, MpmError> {
        if !lengths.contains(&self.characters()) {
            return Err(self.fault(MpmFault::WrongLength));
        }
        if !self.value.chars().all(allowed) {
            return Err(self.fault(MpmFault::WrongCharacter));
        }
        Ok(self.value.to_owned())
    }
}

/// A row of data objects, from which the known ones are taken one by one.
struct Row<'a> {
    objects: BTreeMap<u8, Object<'a>>,
    /// Where the row ends in the whole text.
    end: usize,
}

impl<'a> Row<'a> {
    fn split(text: &'a str, start: usize) -> Result<Self, MpmError> {
        let mut objects = BTreeMap::new();
        let (mut rest, mut position) = (text, start);
        while !rest.is_empty() {
            let at = |fault: MpmFault| fault.at(position);
            let (id, after_id) = two_digits(rest).ok_or(at(MpmFault::NotAnId))?;
            let (length, after_length) = two_digits(after_id).ok_or(at(MpmFault::NotALength))?;
            if length == 0 {
                return Err(at(MpmFault::NotALength));
            }
            let (value, after) =
                split_at_character(after_length, length.into()).ok_or(at(MpmFault::Truncated))?;
            if objects.insert(id, Object { id, position, value }).is_some() {
                return Err(at(MpmFault::Duplicate(id)));
            }
            rest = after;
            position += 4 + usize::from(length);
        }
        Ok(Self { objects, end: position })
    }

    fn take(&mut self, id: u8) -> Option<Object<'a>> {
        self.objects.remove(&id)
    }

    fn require(&mut self, id: u8) -> Result<Object<'a>, MpmError> {
        self.take(id).ok_or(MpmFault::Missing(id).at(self.end))
    }

    fn take_range<T>(
        &mut self,
        ids: RangeInclusive<u8>,
        read: impl Fn(Object<'a>) -> Result<T, MpmError>,
    ) -> Result<BTreeMap<u8, T>, MpmError> {
        ids.filter_map(|id| self.take(id)).map(|object| Ok((object.id, read(object)?))).collect()
    }
}

fn two_digits(text: &str) -> Option<(u8, &str)> {
    let (&[tens, ones], _) = text.as_bytes().split_first_chunk::<2>()?;
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| ((tens - b'0') * 10 + (ones - b'0'), &text[2..]))
}

/// `None` where the text has fewer characters.
fn split_at_character(text: &str, characters: usize) -> Option<(&str, &str)> {
    let mut ends = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
    ends.nth(characters).map(|end| text.split_at(end))
}
