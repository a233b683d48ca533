//! Bytes: `{"$binary": …}`, in its form of today and in the one before, and `{"$uuid": …}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mongodb::bson::spec::ElementType;

use super::{ReadError, Reader};

impl Reader<'_> {
    pub(super) fn binary(&mut self) -> Result<ElementType, ReadError> {
        let [data, subtype] = match self.scan.peek() {
            Some(b'"') => self.legacy_binary()?,
            _ => self.pair(["base64", "subType"], Self::string)?,
        };
        let data = STANDARD
            .decode(data.as_bytes())
            .map_err(|error| ReadError::new(format!("`base64` is not base64: {error}")))?;
        let subtype = Some(subtype.as_str())
            .filter(|text| matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|text| u8::from_str_radix(text, 16).ok())
            .ok_or_else(|| ReadError::new("`subType` must be one or two hex digits"))?;
        self.bytes(subtype, &data)
    }

    /// `{"$binary": "AQID", "$type": "00"}`: Extended JSON v1, which libraries still write when told to.
    fn legacy_binary(&mut self) -> Result<[String; 2], ReadError> {
        let data = self.string()?;
        self.scan.expect(b',')?;
        self.key("$type")?;
        Ok([data, self.string().map_err(|error| error.inside("$type"))?])
    }

    pub(super) fn uuid(&mut self) -> Result<ElementType, ReadError> {
        let text = self.string()?;
        let well_formed = text.len() == 36
            && text.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        match u128::from_str_radix(&text.replace('-', ""), 16) {
            Ok(number) if well_formed => self.bytes(4, &number.to_be_bytes()),
            _ => Err(ReadError::new("must be a UUID: 8-4-4-4-12 hex digits")),
        }
    }

    fn bytes(&mut self, subtype: u8, data: &[u8]) -> Result<ElementType, ReadError> {
        // Subtype 2, the old binary, repeats its length inside.
        let inner = if subtype == 2 { 4 } else { 0 };
        let start = self.open();
        self.patch(start, data.len() + inner)?;
        self.out.push(subtype);
        if subtype == 2 {
            let start = self.open();
            self.patch(start, data.len())?;
        }
        Ok(self.put(data, ElementType::Binary))
    }
}
