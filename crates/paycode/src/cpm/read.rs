//! From text to [`ConsumerCode`].

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::tag::continues;
use super::{
    ConsumerCode, CpmError, CpmFault, DataObject, MAX_CHARACTERS, PayloadFormat, Tag, Template,
};

impl ConsumerCode {
    /// Reads what a scanner read.
    ///
    /// # Errors
    /// The first fault on the way from left to right.
    pub fn parse(text: &str) -> Result<Self, CpmError> {
        if text.len() > MAX_CHARACTERS {
            return Err(CpmFault::TextTooLong.at(0));
        }
        let bytes = STANDARD.decode(text).map_err(|_| CpmFault::NotBase64.at(0))?;
        Self::from_bytes(&bytes)
    }

    /// Reads the bytes inside the Base64.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CpmError> {
        let mut objects = Objects { rest: bytes, position: 0 };
        let format = payload_format(&mut objects)?;
        let mut applications = Vec::new();
        let mut common = None;
        while let Some(object) = objects.next()? {
            match object.tag {
                Tag::APPLICATION if common.is_none() => applications.push(application(&object)?),
                Tag::COMMON_DATA if common.is_none() && !applications.is_empty() => {
                    common = Some(template(&object, Tag::COMMON_TRANSPARENT)?);
                }
                tag => return Err(CpmFault::Misplaced(tag).at(object.position)),
            }
        }
        if applications.is_empty() {
            return Err(CpmFault::Missing(Tag::APPLICATION).at(objects.position));
        }
        Ok(Self { format, applications, common })
    }
}

fn payload_format(objects: &mut Objects<'_>) -> Result<PayloadFormat, CpmError> {
    let missing = CpmFault::Missing(Tag::PAYLOAD_FORMAT).at(0);
    let object = objects.next()?.ok_or(missing)?;
    match (object.tag, object.value) {
        (Tag::PAYLOAD_FORMAT, b"CPV01") => Ok(PayloadFormat::EmvCo),
        (Tag::PAYLOAD_FORMAT, b"JPQR1") => Ok(PayloadFormat::Jpqr),
        (Tag::PAYLOAD_FORMAT, _) => Err(CpmFault::UnknownFormat.at(0)),
        _ => Err(missing),
    }
}

fn application(object: &Object<'_>) -> Result<Template, CpmError> {
    let application = template(object, Tag::APPLICATION_TRANSPARENT)?;
    if application.objects.first().is_none_or(|first| first.tag != Tag::ADF_NAME) {
        return Err(CpmFault::Missing(Tag::ADF_NAME).at(object.value_position));
    }
    Ok(application)
}

fn template(object: &Object<'_>, transparent_tag: Tag) -> Result<Template, CpmError> {
    let mut template = Template::default();
    let mut seen = BTreeSet::new();
    let mut objects = object.inside();
    while let Some(inner) = objects.next()? {
        if template.transparent.is_some() {
            return Err(CpmFault::Misplaced(inner.tag).at(inner.position));
        }
        if inner.tag == transparent_tag {
            template.transparent = Some(transparent(&inner)?);
        } else {
            template.objects.push(inner.checked(&mut seen)?);
        }
    }
    Ok(template)
}

fn transparent(object: &Object<'_>) -> Result<Vec<DataObject>, CpmError> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut objects = object.inside();
    while let Some(inner) = objects.next()? {
        found.push(inner.checked(&mut seen)?);
    }
    Ok(found)
}

/// One data object, with its place in all the bytes.
struct Object<'a> {
    tag: Tag,
    position: usize,
    value: &'a [u8],
    value_position: usize,
}

impl<'a> Object<'a> {
    fn inside(&self) -> Objects<'a> {
        Objects { rest: self.value, position: self.value_position }
    }

    /// As a plain data object, of which a template holds one of each tag.
    fn checked(&self, seen: &mut BTreeSet<Tag>) -> Result<DataObject, CpmError> {
        let fault = if self.tag.is_structure() {
            CpmFault::Misplaced(self.tag)
        } else if !seen.insert(self.tag) {
            CpmFault::Duplicate(self.tag)
        } else if !self.tag.lengths().contains(&self.value.len()) {
            CpmFault::WrongLength(self.tag)
        } else {
            return Ok(DataObject { tag: self.tag, value: self.value.to_owned() });
        };
        Err(fault.at(self.position))
    }
}

/// A row of data objects, read from the left.
struct Objects<'a> {
    rest: &'a [u8],
    position: usize,
}

impl<'a> Objects<'a> {
    fn next(&mut self) -> Result<Option<Object<'a>>, CpmError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let position = self.position;
        let at = |fault: CpmFault| fault.at(position);
        let tag = self.tag().map_err(at)?;
        let length = self.length().map_err(at)?;
        let value_position = self.position;
        let value = self.bytes(length).map_err(at)?;
        Ok(Some(Object { tag, position, value, value_position }))
    }

    fn tag(&mut self) -> Result<Tag, CpmFault> {
        let first = self.byte()?;
        let number = if continues(first) {
            u16::from_be_bytes([first, self.byte()?])
        } else {
            u16::from(first)
        };
        Tag::new(number).ok_or(CpmFault::NotATag)
    }

    /// One byte up to 127; `81` and one byte up to 255; `82` and two bytes beyond.
    fn length(&mut self) -> Result<usize, CpmFault> {
        let (length, shortest) = match self.byte()? {
            length @ 0..=0x7f => (usize::from(length), 1),
            0x81 => (usize::from(self.byte()?), 0x80),
            0x82 => (usize::from(u16::from_be_bytes([self.byte()?, self.byte()?])), 0x100),
            _ => return Err(CpmFault::NotALength),
        };
        if length < shortest { Err(CpmFault::NotALength) } else { Ok(length) }
    }

    fn byte(&mut self) -> Result<u8, CpmFault> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn bytes(&mut self, count: usize) -> Result<&'a [u8], CpmFault> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(CpmFault::Truncated)?;
        self.rest = rest;
        self.position += count;
        Ok(taken)
    }
}
