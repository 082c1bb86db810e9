//! From [`ConsumerCode`] to text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{
    ConsumerCode, CpmError, CpmFault, DataObject, MAX_CHARACTERS, PayloadFormat, Tag, Template,
};

impl ConsumerCode {
    /// Writes the text.
    ///
    /// # Errors
    /// What is wrong with a template, as [`parse`](Self::parse) would say it of the text.
    ///
    /// # Panics
    /// Where the text would be read back as something else, which only a bug here can cause.
    pub fn write(&self) -> Result<String, CpmError> {
        let text = STANDARD.encode(self.to_bytes()?);
        if text.len() > MAX_CHARACTERS {
            return Err(CpmFault::TextTooLong.at(0));
        }
        let read_back = Self::parse(&text)?;
        assert!(read_back == *self, "a consumer's code is read back as it was written");
        Ok(text)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, CpmError> {
        let format: &[u8] = match self.format {
            PayloadFormat::EmvCo => b"CPV01",
            PayloadFormat::Jpqr => b"JPQR1",
        };
        let mut bytes = Vec::new();
        put(&mut bytes, Tag::PAYLOAD_FORMAT, format)?;
        for application in &self.applications {
            let inside = template(application, Tag::APPLICATION_TRANSPARENT)?;
            put(&mut bytes, Tag::APPLICATION, &inside)?;
        }
        if let Some(common) = &self.common {
            put(&mut bytes, Tag::COMMON_DATA, &template(common, Tag::COMMON_TRANSPARENT)?)?;
        }
        Ok(bytes)
    }
}

fn template(template: &Template, transparent_tag: Tag) -> Result<Vec<u8>, CpmError> {
    let mut bytes = objects(&template.objects)?;
    if let Some(transparent) = &template.transparent {
        put(&mut bytes, transparent_tag, &objects(transparent)?)?;
    }
    Ok(bytes)
}

fn objects(objects: &[DataObject]) -> Result<Vec<u8>, CpmError> {
    let mut bytes = Vec::new();
    for object in objects {
        put(&mut bytes, object.tag, &object.value)?;
    }
    Ok(bytes)
}

fn put(bytes: &mut Vec<u8>, tag: Tag, value: &[u8]) -> Result<(), CpmError> {
    let length = u16::try_from(value.len())
        .map_err(|_| CpmFault::WrongLength(tag).at(bytes.len()))?
        .to_be_bytes();
    match tag.get().to_be_bytes() {
        [0, only] => bytes.push(only),
        both => bytes.extend(both),
    }
    match length {
        [0, short @ 0..=0x7f] => bytes.push(short),
        [0, long] => bytes.extend([0x81, long]),
        [high, low] => bytes.extend([0x82, high, low]),
    }
    bytes.extend(value);
    Ok(())
}
