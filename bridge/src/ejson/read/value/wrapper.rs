//! The objects that Extended JSON v2 gives a meaning: `{"$oid": "…"}` and its kin.
//!
//! An object is one when its first key is one of theirs; it must then be well-formed. `{"$regex": …, "$options": …}` is
//! not one: it is a query operator, and MongoDB reads it as such.

use std::str::FromStr;

use mongodb::bson::spec::ElementType;
use mongodb::bson::{Decimal128, oid::ObjectId};

use super::{ReadError, Reader, shortened};
use crate::ejson::date;
use crate::ejson::read::scan::Number;

macro_rules! wrappers {
    ($($name:ident $key:literal,)*) => {
        /// One of Extended JSON's objects, by the key it starts with.
        #[derive(Clone, Copy)]
        pub(super) enum Wrapper { $($name),* }

        impl Wrapper {
            pub(super) fn of(key: &[u8]) -> Option<Self> {
                $(if key == $key.as_bytes() { return Some(Wrapper::$name); })*
                None
            }

            pub(super) fn key(self) -> &'static str {
                match self { $(Wrapper::$name => $key),* }
            }
        }
    };
}

wrappers! {
    ObjectId "$oid",
    Int32 "$numberInt",
    Int64 "$numberLong",
    Double "$numberDouble",
    Decimal "$numberDecimal",
    Date "$date",
    Binary "$binary",
    Uuid "$uuid",
    Regex "$regularExpression",
    Timestamp "$timestamp",
    Code "$code",
    Scope "$scope",
    Symbol "$symbol",
    Pointer "$dbPointer",
    Undefined "$undefined",
    MinKey "$minKey",
    MaxKey "$maxKey",
}

impl Reader<'_> {
    /// Reads the rest of a wrapper, after its first key and colon.
    pub(super) fn wrapper(&mut self, wrapper: Wrapper) -> Result<ElementType, ReadError> {
        let kind = match wrapper {
            Wrapper::ObjectId => self.object_id()?,
            Wrapper::Int32 => {
                let number: i32 = self.parsed("a 32-bit integer in a string")?;
                self.put(&number.to_le_bytes(), ElementType::Int32)
            }
            Wrapper::Int64 => {
                let number: i64 = self.parsed("a 64-bit integer in a string")?;
                self.put(&number.to_le_bytes(), ElementType::Int64)
            }
            Wrapper::Double => self.double()?,
            Wrapper::Decimal => self.decimal()?,
            Wrapper::Date => self.date()?,
            Wrapper::Binary => self.binary()?,
            Wrapper::Uuid => self.uuid()?,
            Wrapper::Regex => self.regex()?,
            Wrapper::Timestamp => {
                let [time, increment] = self.pair(["t", "i"], Self::unsigned)?;
                self.out.extend_from_slice(&increment.to_le_bytes());
                self.put(&time.to_le_bytes(), ElementType::Timestamp)
            }
            Wrapper::Code => self.code()?,
            Wrapper::Scope => self.scope()?,
            Wrapper::Symbol => self.text().map(|()| ElementType::Symbol)?,
            Wrapper::Pointer => self.pointer()?,
            Wrapper::Undefined => {
                self.scan.peek();
                self.scan.literal("true").map_err(|_| ReadError::new("must be true"))?;
                ElementType::Undefined
            }
            Wrapper::MinKey => self.one(ElementType::MinKey)?,
            Wrapper::MaxKey => self.one(ElementType::MaxKey)?,
        };
        self.scan.expect(b'}')?;
        Ok(kind)
    }

    pub(super) fn put(&mut self, bytes: &[u8], kind: ElementType) -> ElementType {
        self.out.extend_from_slice(bytes);
        kind
    }

    /// A string that is not a value of its own.
    pub(super) fn string(&mut self) -> Result<String, ReadError> {
        if self.scan.peek() != Some(b'"') {
            return Err(ReadError::new("must be a string"));
        }
        let mut text = Vec::new();
        self.scan.string(&mut text)?;
        String::from_utf8(text).map_err(|_| ReadError::new("must be UTF-8"))
    }

    fn parsed<T: FromStr>(&mut self, what: &str) -> Result<T, ReadError> {
        let text = self.string()?;
        text.parse().map_err(|_| ReadError::new(format!("must be {what}, not {:?}", shortened(&text))))
    }

    fn object_id(&mut self) -> Result<ElementType, ReadError> {
        let text = self.string()?;
        let id = ObjectId::parse_str(&text)
            .map_err(|_| ReadError::new(format!("must be 24 hex digits, not {:?}", shortened(&text))))?;
        Ok(self.put(&id.bytes(), ElementType::ObjectId))
    }

    fn double(&mut self) -> Result<ElementType, ReadError> {
        let text = self.string()?;
        let number = match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            // Rust reads more words than these three as numbers.
            _ if is_numeral(&text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        };
        match number {
            Some(number) => Ok(self.put(&number.to_le_bytes(), ElementType::Double)),
            None => Err(ReadError::new(format!(
                "must be a number, \"NaN\", \"Infinity\" or \"-Infinity\" in a string, not {:?}",
                shortened(&text)
            ))),
        }
    }

    fn decimal(&mut self) -> Result<ElementType, ReadError> {
        let text = self.string()?;
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let well_formed =
            is_numeral(&text) || ["nan", "inf", "infinity"].iter().any(|word| unsigned.eq_ignore_ascii_case(word));
        // bson's own parser takes more: two signs, an exponent without digits before it.
        match text.parse::<Decimal128>() {
            Ok(number) if well_formed => Ok(self.put(&number.bytes(), ElementType::Decimal128)),
            _ => Err(ReadError::new(format!("must be a 128-bit decimal in a string, not {:?}", shortened(&text)))),
        }
    }

    /// `"2021-03-04T05:06:07Z"`, `{"$numberLong": "…"}`, or the bare milliseconds that older clients send.
    fn date(&mut self) -> Result<ElementType, ReadError> {
        const WANTED: &str = "must be an ISO 8601 date and time with its offset, or {\"$numberLong\": milliseconds}";
        let millis = match self.scan.peek() {
            Some(b'"') => date::parse(&self.string()?),
            Some(b'{') => Some(self.inner("$numberLong", |reader| reader.parsed("a 64-bit integer in a string"))?),
            Some(b'-' | b'0'..=b'9') => match self.scan.number()? {
                Number::Integer(text) => text.parse().ok(),
                Number::Decimal(_) => None,
            },
            _ => None,
        };
        let millis: i64 = millis.ok_or_else(|| ReadError::new(WANTED))?;
        Ok(self.put(&millis.to_le_bytes(), ElementType::DateTime))
    }

    fn regex(&mut self) -> Result<ElementType, ReadError> {
        let [pattern, options] = self.pair(["pattern", "options"], Self::string)?;
        if pattern.contains('\0') || options.contains('\0') {
            return Err(ReadError::new("a regular expression cannot hold a NUL character"));
        }
        // BSON wants the options sorted; by characters, or text that is not ASCII would fall apart.
        let mut options: Vec<char> = options.chars().collect();
        options.sort_unstable();
        for part in [pattern, options.into_iter().collect()] {
            self.out.extend_from_slice(part.as_bytes());
            self.out.push(0);
        }
        Ok(ElementType::RegularExpression)
    }

    fn code(&mut self) -> Result<ElementType, ReadError> {
        let start = self.out.len();
        self.text()?;
        if !self.scan.eat(b',') {
            return Ok(ElementType::JavaScriptCode);
        }
        self.key("$scope")?;
        let code = self.out.split_off(start);
        let start = self.open();
        self.out.extend_from_slice(&code);
        self.scope_document()?;
        self.patch(start, self.out.len() - start)?;
        Ok(ElementType::JavaScriptCodeWithScope)
    }

    /// Code with scope whose scope comes first.
    fn scope(&mut self) -> Result<ElementType, ReadError> {
        let start = self.open();
        self.scope_document()?;
        let scope = self.out.split_off(start + 4);
        self.scan.expect(b',')?;
        self.key("$code")?;
        self.text()?;
        self.out.extend_from_slice(&scope);
        self.patch(start, self.out.len() - start)?;
        Ok(ElementType::JavaScriptCodeWithScope)
    }

    fn scope_document(&mut self) -> Result<(), ReadError> {
        self.scan.peek();
        self.fields().map_err(|error| error.inside("$scope"))
    }

    fn pointer(&mut self) -> Result<ElementType, ReadError> {
        let [namespace, id] = self.pair(["$ref", "$id"], |reader| match reader.scan.peek() {
            Some(b'{') => reader.inner("$oid", Self::string),
            _ => reader.string(),
        })?;
        let id = ObjectId::parse_str(id).map_err(|_| ReadError::new("`$id` must be {\"$oid\": 24 hex digits}"))?;
        let start = self.open();
        self.patch(start, namespace.len() + 1)?;
        self.out.extend_from_slice(namespace.as_bytes());
        self.out.push(0);
        Ok(self.put(&id.bytes(), ElementType::DbPointer))
    }

    fn unsigned(&mut self) -> Result<u32, ReadError> {
        self.scan.peek();
        match self.scan.number() {
            Ok(Number::Integer(text)) => text.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| ReadError::new("`t` and `i` must be integers from 0 to 4294967295"))
    }

    fn one(&mut self, kind: ElementType) -> Result<ElementType, ReadError> {
        self.scan.peek();
        match self.scan.number() {
            Ok(Number::Integer("1")) => Ok(kind),
            _ => Err(ReadError::new("must be 1")),
        }
    }

    /// An object with exactly this key.
    fn inner<T>(&mut self, key: &str, read: impl Fn(&mut Self) -> Result<T, ReadError>) -> Result<T, ReadError> {
        self.scan.expect(b'{')?;
        self.key(key)?;
        let value = read(self)?;
        self.scan.expect(b'}')?;
        Ok(value)
    }

    /// An object with exactly these two keys, in either order.
    pub(super) fn pair<T>(
        &mut self,
        keys: [&str; 2],
        read: impl Fn(&mut Self) -> Result<T, ReadError>,
    ) -> Result<[T; 2], ReadError> {
        let wrong = || ReadError::new(format!("must be an object with `{}` and `{}`", keys[0], keys[1]));
        let (mut first, mut second) = (None, None);
        if !self.scan.eat(b'{') {
            return Err(wrong());
        }
        for place in 0..2 {
            if place == 1 && !self.scan.eat(b',') {
                return Err(wrong());
            }
            let key = self.string().map_err(|_| wrong())?;
            self.scan.expect(b':')?;
            let slot = match key {
                key if key == keys[0] => &mut first,
                key if key == keys[1] => &mut second,
                _ => return Err(wrong()),
            };
            *slot = Some(read(self)?);
        }
        match (first, second) {
            (Some(first), Some(second)) if self.scan.eat(b'}') => Ok([first, second]),
            _ => Err(wrong()),
        }
    }

    pub(super) fn key(&mut self, wanted: &str) -> Result<(), ReadError> {
        if self.string().is_ok_and(|key| key == wanted) {
            return self.scan.expect(b':');
        }
        Err(ReadError::new(format!("expected the key `{wanted}`")))
    }
}

/// Whether a text is a number by the grammar of the specification of Decimal128: perhaps a sign; digits, of which a point
/// may have some on either side; perhaps an exponent.
fn is_numeral(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (significand, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(s, e)| (s, Some(e)));
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}
