//! Both directions together: each type from the wire to BSON and back to the wire.

use mongodb::bson::spec::ElementType;

use super::{Format, read, write};

fn written(text: &str, format: Format) -> String {
    let document = read::document(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut out = Vec::new();
    write::document(&document, format, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn refusal(text: &str) -> String {
    match read::document(text.as_bytes()) {
        Ok(document) => panic!("{text} was read as {document:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_type_there_and_back() {
    // What is sent, which type it is, its canonical form (the same where empty), its plain form (the same where empty).
    let table: &[(&str, ElementType, &str, &str)] = &[
        ("1", ElementType::Int32, r#"{"$numberInt":"1"}"#, ""),
        ("-0", ElementType::Int32, r#"{"$numberInt":"0"}"#, "0"),
        ("2147483647", ElementType::Int32, r#"{"$numberInt":"2147483647"}"#, ""),
        ("2147483648", ElementType::Int64, r#"{"$numberLong":"2147483648"}"#, ""),
        ("-2147483649", ElementType::Int64, r#"{"$numberLong":"-2147483649"}"#, ""),
        ("9223372036854775807", ElementType::Int64, r#"{"$numberLong":"9223372036854775807"}"#, ""),
        ("-9223372036854775808", ElementType::Int64, r#"{"$numberLong":"-9223372036854775808"}"#, ""),
        (r#"{"$numberLong":"5"}"#, ElementType::Int64, "", "5"),
        (r#"{"$numberInt":"-5"}"#, ElementType::Int32, "", "-5"),
        ("1.0", ElementType::Double, r#"{"$numberDouble":"1.0"}"#, "1"),
        ("1.5", ElementType::Double, r#"{"$numberDouble":"1.5"}"#, ""),
        // JavaScript spells large numbers with all their digits, up to 1e21.
        (
            "9223372036854775808",
            ElementType::Double,
            r#"{"$numberDouble":"9.223372036854776e18"}"#,
            "9223372036854776000",
        ),
        ("-100000000000000000000", ElementType::Double, r#"{"$numberDouble":"-1e20"}"#, ""),
        ("1e20", ElementType::Double, r#"{"$numberDouble":"1e20"}"#, "100000000000000000000"),
        ("1e21", ElementType::Double, r#"{"$numberDouble":"1e21"}"#, ""),
        ("1e-6", ElementType::Double, r#"{"$numberDouble":"1e-6"}"#, "0.000001"),
        ("1.5e-7", ElementType::Double, r#"{"$numberDouble":"1.5e-7"}"#, ""),
        ("1e2", ElementType::Double, r#"{"$numberDouble":"100.0"}"#, "100"),
        ("29.99", ElementType::Double, r#"{"$numberDouble":"29.99"}"#, ""),
        ("-0.0", ElementType::Double, r#"{"$numberDouble":"-0.0"}"#, "-0"),
        ("1e300", ElementType::Double, r#"{"$numberDouble":"1e300"}"#, ""),
        ("5e-324", ElementType::Double, r#"{"$numberDouble":"5e-324"}"#, ""),
        (r#"{"$numberDouble":"3"}"#, ElementType::Double, r#"{"$numberDouble":"3.0"}"#, "3"),
        (r#"{"$numberDouble":"NaN"}"#, ElementType::Double, "", r#""NaN""#),
        (r#"{"$numberDouble":"-Infinity"}"#, ElementType::Double, "", r#""-Infinity""#),
        (r#"{"$numberDecimal":"0.10"}"#, ElementType::Decimal128, "", r#""0.10""#),
        (
            r#"{"$numberDecimal":"9.999999999999999999999999999999999E+6144"}"#,
            ElementType::Decimal128,
            "",
            r#""9.999999999999999999999999999999999E+6144""#,
        ),
        (r#"{"$numberDecimal":"1E-6176"}"#, ElementType::Decimal128, "", r#""1E-6176""#),
        (r#"{"$numberDecimal":"-Infinity"}"#, ElementType::Decimal128, "", r#""-Infinity""#),
        (r#"{"$numberDecimal":"NaN"}"#, ElementType::Decimal128, "", r#""NaN""#),
        (r#""""#, ElementType::String, "", ""),
        (
            r#""a\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\ude00é😀""#,
            ElementType::String,
            r#""a\"\\/\u0008\u000c\n\r\t\u0000é😀é😀""#,
            r#""a\"\\/\u0008\u000c\n\r\t\u0000é😀é😀""#,
        ),
        (
            r#""cut \ud83d, \ude00, \ud83d\ud83d\ude00 \udc00\u0041""#,
            ElementType::String,
            r#""cut �, �, �😀 �A""#,
            r#""cut �, �, �😀 �A""#,
        ),
        (r#"{"\ud83d":true}"#, ElementType::EmbeddedDocument, r#"{"�":true}"#, r#"{"�":true}"#),
        ("true", ElementType::Boolean, "", ""),
        ("false", ElementType::Boolean, "", ""),
        ("null", ElementType::Null, "", ""),
        ("{}", ElementType::EmbeddedDocument, "", ""),
        (r#"{"b":{"c":true},"a":null}"#, ElementType::EmbeddedDocument, "", ""),
        (r#"{"a.b":true,"$c":false,"":null}"#, ElementType::EmbeddedDocument, "", ""),
        ("[]", ElementType::Array, "", ""),
        (r#"[[],[true,["x"]],{}]"#, ElementType::Array, "", ""),
        (
            r#"{"$oid":"5A1f00000000000000000001"}"#,
            ElementType::ObjectId,
            r#"{"$oid":"5a1f00000000000000000001"}"#,
            r#""5a1f00000000000000000001""#,
        ),
        (
            r#"{"$date":"2021-03-04T05:06:07.089Z"}"#,
            ElementType::DateTime,
            r#"{"$date":{"$numberLong":"1614834367089"}}"#,
            r#""2021-03-04T05:06:07.089Z""#,
        ),
        (r#"{"$date":{"$numberLong":"-1"}}"#, ElementType::DateTime, "", r#""1969-12-31T23:59:59.999Z""#),
        (
            r#"{"$date":{"$numberLong":"253402300800000"}}"#,
            ElementType::DateTime,
            "",
            r#""+010000-01-01T00:00:00.000Z""#,
        ),
        (r#"{"$date":0}"#, ElementType::DateTime, r#"{"$date":{"$numberLong":"0"}}"#, r#""1970-01-01T00:00:00.000Z""#),
        (
            r#"{"$binary":{"subType":"0","base64":"AQI="}}"#,
            ElementType::Binary,
            r#"{"$binary":{"base64":"AQI=","subType":"00"}}"#,
            r#"{"Subtype":0,"Data":"AQI="}"#,
        ),
        (r#"{"$binary":{"base64":"","subType":"80"}}"#, ElementType::Binary, "", r#"{"Subtype":128,"Data":""}"#),
        (r#"{"$binary":{"base64":"AQI=","subType":"02"}}"#, ElementType::Binary, "", r#"{"Subtype":2,"Data":"AQI="}"#),
        (
            r#"{"$binary":"AQI=","$type":"00"}"#,
            ElementType::Binary,
            r#"{"$binary":{"base64":"AQI=","subType":"00"}}"#,
            r#"{"Subtype":0,"Data":"AQI="}"#,
        ),
        (
            r#"{"$binary":"","$type":"80"}"#,
            ElementType::Binary,
            r#"{"$binary":{"base64":"","subType":"80"}}"#,
            r#"{"Subtype":128,"Data":""}"#,
        ),
        (r#"{"$type":"binData"}"#, ElementType::EmbeddedDocument, "", ""),
        (
            r#"{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}"#,
            ElementType::Binary,
            r#"{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}"#,
            r#"{"Subtype":4,"Data":"c//SZESzTGmQ6OfR38A11A=="}"#,
        ),
        (
            r#"{"$regularExpression":{"options":"mi","pattern":"^a/\"b"}}"#,
            ElementType::RegularExpression,
            r#"{"$regularExpression":{"pattern":"^a/\"b","options":"im"}}"#,
            r#"{"Pattern":"^a/\"b","Options":"im"}"#,
        ),
        // Found by fuzzing: sorted as bytes, these options were no UTF-8 any more.
        (
            r#"{"$regularExpression":{"pattern":"","options":"xi😀"}}"#,
            ElementType::RegularExpression,
            r#"{"$regularExpression":{"pattern":"","options":"ix😀"}}"#,
            r#"{"Pattern":"","Options":"ix😀"}"#,
        ),
        (r#"{"$timestamp":{"t":4294967295,"i":1}}"#, ElementType::Timestamp, "", r#"{"T":4294967295,"I":1}"#),
        (r#"{"$code":"f()"}"#, ElementType::JavaScriptCode, "", r#""f()""#),
        (
            r#"{"$code":"f()","$scope":{"a":true}}"#,
            ElementType::JavaScriptCodeWithScope,
            "",
            r#"{"Code":"f()","Scope":{"a":true}}"#,
        ),
        (
            r#"{"$scope":{},"$code":"f()"}"#,
            ElementType::JavaScriptCodeWithScope,
            r#"{"$code":"f()","$scope":{}}"#,
            r#"{"Code":"f()","Scope":{}}"#,
        ),
        (r#"{"$symbol":"s"}"#, ElementType::Symbol, "", r#""s""#),
        (
            r#"{"$dbPointer":{"$ref":"d.c","$id":{"$oid":"5a1f00000000000000000001"}}}"#,
            ElementType::DbPointer,
            "",
            r#"{"DB":"d.c","Pointer":"5a1f00000000000000000001"}"#,
        ),
        (r#"{"$undefined":true}"#, ElementType::Undefined, "", "{}"),
        (r#"{"$minKey":1}"#, ElementType::MinKey, "", "{}"),
        (r#"{"$maxKey":1}"#, ElementType::MaxKey, "", "{}"),
        (
            r#"{ "\u0024oid" : "5a1f00000000000000000001" }"#,
            ElementType::ObjectId,
            r#"{"$oid":"5a1f00000000000000000001"}"#,
            r#""5a1f00000000000000000001""#,
        ),
        (r#"{"$regex":"^a","$options":"i"}"#, ElementType::EmbeddedDocument, "", ""),
        (r#"{"$ref":"c","$id":true}"#, ElementType::EmbeddedDocument, "", ""),
    ];
    for (sent, kind, canonical, plain) in table {
        let text = format!("{{\"v\":{sent}}}");
        let document = read::document(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(document.get("v").unwrap().unwrap().element_type(), *kind, "{sent}");
        let or_sent = |form: &str| format!("{{\"v\":{}}}", if form.is_empty() { sent } else { form });
        let answer = written(&text, Format::Ejson);
        assert_eq!(answer, or_sent(canonical));
        assert_eq!(written(&text, Format::Json), or_sent(plain));
        assert_eq!(written(&answer, Format::Ejson), answer, "canonical text must read back as itself");
        // The driver's own reader must agree that this is BSON.
        mongodb::bson::Document::try_from(&*document).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn what_is_not_json() {
    for text in [
        "",
        " ",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\":1}x",
        "{a:1}",
        "{'a':1}",
        "{\"a\":tru}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":1e}",
        "{\"a\":-}",
        "{\"a\":NaN}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u+123\"}",
        "{\"a\":\"\\ud83d\\u12\"}",
        "[]",
        "1",
        "null",
        "\u{feff}{}",
        "{\"a\":\"\\u00é0\"}",
    ] {
        refusal(text);
    }
    assert!(read::document(b"{\"a\":\"\xff\"}").unwrap_err().to_string().contains("UTF-8"));
    assert_eq!(refusal("{\"a\": 1 \"b\"}"), "not valid JSON: expected `}` at byte 8, found '\"'");
}

#[test]
fn what_bson_cannot_hold_is_refused_by_its_path() {
    for (text, expected) in [
        (r#"{"f":{"a":[1,{"b":1e309}]}}"#, "at `f.a[1].b`: the number 1e309 is beyond a double"),
        (r#"{"a":1e400}"#, "at `a`: the number 1e400 is beyond a double"),
        (r#"{"a":{"b\u0000":1}}"#, "at `a`: a field name contains a NUL character"),
        (r#"{"a":1,"b":2,"a":3}"#, "at `a`: the field is given twice in one object"),
        (r#"{"x":{"a":{},"\u0061":3}}"#, "at `x.a`: the field is given twice in one object"),
        (r#"{"_id":{"$oid":"xyz"}}"#, "at `_id.$oid`: must be 24 hex digits, not \"xyz\""),
        (r#"{"a":{"$oid":"5a1f00000000000000000001","b":1}}"#, "at `a.$oid`: not valid JSON: expected `}`"),
        (r#"{"a":{"$numberInt":"2147483648"}}"#, "at `a.$numberInt`: must be a 32-bit integer"),
        (r#"{"a":{"$numberLong":5}}"#, "at `a.$numberLong`: must be a string"),
        (r#"{"a":{"$numberDouble":"inf"}}"#, "at `a.$numberDouble`"),
        (r#"{"a":{"$numberDecimal":""}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDecimal":"1e99999"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDecimal":"٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣1"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$date":"yesterday"}}"#, "at `a.$date`: must be an ISO 8601"),
        (r#"{"a":{"$date":1.5}}"#, "at `a.$date`"),
        (r#"{"a":{"$binary":{"base64":"!","subType":"00"}}}"#, "at `a.$binary`: `base64` is not base64"),
        (r#"{"a":{"$binary":{"base64":"","subType":"100"}}}"#, "at `a.$binary`: `subType`"),
        (r#"{"a":{"$binary":{"base64":"" "subType":"00"}}}"#, "at `a.$binary`"),
        (r#"{"a":{"$binary":{"base64":"","subType":"00",}}}"#, "at `a.$binary`"),
        (r#"{"a":{"$uuid":"73ffd26444b34c6990e8e7d1dfc035d4"}}"#, "at `a.$uuid`"),
        (r#"{"a":{"$uuid":"+3ffd264-44b3-4c69-90e8-e7d1dfc035d4"}}"#, "at `a.$uuid`"),
        (r#"{"a":{"$uuid":"8787d264--4b3-4b69-90e8-e7d1dfc0d4a1"}}"#, "at `a.$uuid`: must be a UUID"),
        (r#"{"a":{"$numberDecimal":"-+32.4"}}"#, "at `a.$numberDecimal`: must be a 128-bit decimal"),
        (r#"{"a":{"$numberDecimal":"++1"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDecimal":".e+1"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDecimal":"+.E+1"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDecimal":"-+Inf"}}"#, "at `a.$numberDecimal`"),
        (r#"{"a":{"$numberDouble":"1e"}}"#, "at `a.$numberDouble`"),
        (r#"{"a":{"$numberDouble":"."}}"#, "at `a.$numberDouble`"),
        (r#"{"a":{"$binary":"AQID"}}"#, "at `a.$binary`: not valid JSON: expected `,`"),
        (r#"{"a":{"$binary":"AQID","$type":0}}"#, "at `a.$binary.$type`: must be a string"),
        (r#"{"a":{"$binary":"AQID","$type":"00","b":1}}"#, "at `a.$binary`: not valid JSON: expected `}`"),
        (r#"{"a":{"$regularExpression":{"pattern":"\u0000","options":""}}}"#, "at `a.$regularExpression`"),
        (r#"{"a":{"$timestamp":{"t":-1,"i":0}}}"#, "at `a.$timestamp`"),
        (r#"{"a":{"$minKey":2}}"#, "at `a.$minKey`: must be 1"),
        (r#"{"a":{"$undefined":false}}"#, "at `a.$undefined`: must be true"),
        (r#"{"a":{"$code":"f","x":1}}"#, "at `a.$code`"),
    ] {
        let error = refusal(text);
        assert!(error.starts_with(expected), "{text}: {error}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let deepest = nested(super::MAX_DEPTH - 1);
    assert_eq!(written(&deepest, Format::Json), deepest);
    for levels in [super::MAX_DEPTH, 2000, 5_000_000] {
        assert_eq!(refusal(&nested(levels)).split(": ").last().unwrap(), "the body is nested deeper than 200 levels");
    }
    let scopes = "{\"$code\":\"\",\"$scope\":{\"a\":".repeat(5000);
    assert!(refusal(&format!("{{\"a\":{scopes}")).contains("deeper than 200"));
    assert!(refusal(&format!("{{\"a\":{}}}", "9".repeat(400))).ends_with("is beyond a double"));
}

#[test]
fn no_text_is_fatal_and_what_is_read_stays_the_same() {
    let seeds = [
        r#"{"a":[1,-2.5e3,"x\u00e9",true,null],"b":{"$oid":"5a1f00000000000000000001"},"c":{"$date":"2021-03-04T05:06:07.089Z"}}"#,
        r#"{"d":{"$numberDecimal":"-1.5E+10"},"l":{"$numberLong":"12"},"f":{"$numberDouble":"-1e-7"},"i":{"$numberInt":"3"}}"#,
        r#"{"b":{"$binary":{"base64":"AQI=","subType":"02"}},"u":{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"},"m":{"$minKey":1}}"#,
        r#"{"r":{"$regularExpression":{"pattern":"^a","options":"im"}},"t":{"$timestamp":{"t":5,"i":6}},"n":{"$undefined":true}}"#,
        r#"{"c":{"$code":"f","$scope":{"$code":{"x":1}}},"p":{"$dbPointer":{"$ref":"c","$id":{"$oid":"5a1f00000000000000000001"}}}}"#,
    ];
    // xorshift: the same texts in every run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut read_well = 0;
    for round in 0..200_000 {
        let mut text = seeds[round % seeds.len()].as_bytes().to_vec();
        for _ in 0..=random(3) {
            let (at, other) = (random(text.len()), random(text.len()));
            match random(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, text[other]),
                2 => text[at] = text[other],
                _ => text[at] = b"\"{}[]:,0e-.\\$\xff"[random(14)],
            }
        }
        let Ok(document) = read::document(&text) else { continue };
        read_well += 1;
        let mut canonical = Vec::new();
        write::document(&document, Format::Ejson, &mut canonical).unwrap();
        let again = read::document(&canonical).unwrap_or_else(|error| panic!("{error}: {canonical:?}"));
        assert_eq!(document, again, "{}", String::from_utf8_lossy(&text));
    }
    assert!(read_well > 10_000, "{read_well}");
}
