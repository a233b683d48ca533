//! Every BSON type from the wire to MongoDB and back, in both formats.

use serde_json::json;

use crate::bridge::Bridge;

/// What is sent, how it comes back in Extended JSON, how in plain JSON. The deprecated types, and dates after the year 9999,
/// are in the unit tests only: not every server for local use stores them.
const TYPES: [(&str, &str, &str); 29] = [
    ("2147483647", r#"{"$numberInt":"2147483647"}"#, "2147483647"),
    ("2147483648", r#"{"$numberLong":"2147483648"}"#, "2147483648"),
    ("-9223372036854775808", r#"{"$numberLong":"-9223372036854775808"}"#, "-9223372036854775808"),
    (r#"{"$numberLong":"1"}"#, r#"{"$numberLong":"1"}"#, "1"),
    ("30.0", r#"{"$numberDouble":"30.0"}"#, "30"),
    // What JavaScript writes for 1e20.
    ("100000000000000000000", r#"{"$numberDouble":"1e20"}"#, "100000000000000000000"),
    (r#""smile \ud83d""#, "\"smile \u{fffd}\"", "\"smile \u{fffd}\""),
    (
        r#"{"$binary":"AQID","$type":"00"}"#,
        r#"{"$binary":{"base64":"AQID","subType":"00"}}"#,
        r#"{"Subtype":0,"Data":"AQID"}"#,
    ),
    ("29.99", r#"{"$numberDouble":"29.99"}"#, "29.99"),
    (r#"{"$numberDouble":"NaN"}"#, r#"{"$numberDouble":"NaN"}"#, r#""NaN""#),
    (r#"{"$numberDouble":"-Infinity"}"#, r#"{"$numberDouble":"-Infinity"}"#, r#""-Infinity""#),
    (r#"{"$numberDecimal":"0.10"}"#, r#"{"$numberDecimal":"0.10"}"#, r#""0.10""#),
    (
        r#"{"$numberDecimal":"9.999999999999999999999999999999999E+6144"}"#,
        r#"{"$numberDecimal":"9.999999999999999999999999999999999E+6144"}"#,
        r#""9.999999999999999999999999999999999E+6144""#,
    ),
    (r#""Zelda \"é\" \u0000 😀""#, r#""Zelda \"é\" \u0000 😀""#, r#""Zelda \"é\" \u0000 😀""#),
    ("true", "true", "true"),
    ("null", "null", "null"),
    ("{}", "{}", "{}"),
    ("[]", "[]", "[]"),
    (r#"[{"z":1,"a":[null]}]"#, r#"[{"z":{"$numberInt":"1"},"a":[null]}]"#, r#"[{"z":1,"a":[null]}]"#),
    (
        r#"{"$oid":"5a1f00000000000000000001"}"#,
        r#"{"$oid":"5a1f00000000000000000001"}"#,
        r#""5a1f00000000000000000001""#,
    ),
    (
        r#"{"$date":"1969-07-20T20:17:40Z"}"#,
        r#"{"$date":{"$numberLong":"-14182940000"}}"#,
        r#""1969-07-20T20:17:40.000Z""#,
    ),
    (
        r#"{"$binary":{"base64":"AQI=","subType":"80"}}"#,
        r#"{"$binary":{"base64":"AQI=","subType":"80"}}"#,
        r#"{"Subtype":128,"Data":"AQI="}"#,
    ),
    (
        r#"{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}"#,
        r#"{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}"#,
        r#"{"Subtype":4,"Data":"c//SZESzTGmQ6OfR38A11A=="}"#,
    ),
    (
        r#"{"$regularExpression":{"pattern":"^a","options":"i"}}"#,
        r#"{"$regularExpression":{"pattern":"^a","options":"i"}}"#,
        r#"{"Pattern":"^a","Options":"i"}"#,
    ),
    (r#"{"$timestamp":{"t":5,"i":6}}"#, r#"{"$timestamp":{"t":5,"i":6}}"#, r#"{"T":5,"I":6}"#),
    (r#"{"$code":"f()"}"#, r#"{"$code":"f()"}"#, r#""f()""#),
    (
        r#"{"$code":"f()","$scope":{"a":true}}"#,
        r#"{"$code":"f()","$scope":{"a":true}}"#,
        r#"{"Code":"f()","Scope":{"a":true}}"#,
    ),
    (r#"{"$minKey":1}"#, r#"{"$minKey":1}"#, "{}"),
    (r#"{"$maxKey":1}"#, r#"{"$maxKey":1}"#, "{}"),
];

#[test]
fn every_type_survives_the_way_there_and_back() {
    there_and_back(&TYPES);
}

fn there_and_back(types: &[(&str, &str, &str)]) {
    let bridge = Bridge::start();
    for (number, (sent, ejson, plain)) in types.iter().enumerate() {
        let reply = bridge.call_text(
            "insertOne",
            "application/json",
            &format!("{{\"document\":{{\"_id\":\"{number}\",\"v\":{sent}}}}}"),
        );
        assert_eq!(reply.status, 201, "{sent}: {reply:?}");
        let filter = format!("{{\"filter\":{{\"_id\":\"{number}\"}}}}");
        for (accept, spelled) in [("application/ejson", ejson), ("application/json", plain)] {
            let reply = bridge.call_text("findOne", accept, &filter);
            assert_eq!(reply.header("content-type"), Some(accept));
            assert_eq!(reply.text, format!("{{\"document\":{{\"_id\":\"{number}\",\"v\":{spelled}}}}}"), "{sent}");
        }
    }
}

/// Values at the edges of their types, beside those above.
const EXTREMES: [(&str, &str, &str); 17] = [
    ("9223372036854775807", r#"{"$numberLong":"9223372036854775807"}"#, "9223372036854775807"),
    ("-2147483648", r#"{"$numberInt":"-2147483648"}"#, "-2147483648"),
    ("-2147483649", r#"{"$numberLong":"-2147483649"}"#, "-2147483649"),
    (r#"{"$numberDouble":"Infinity"}"#, r#"{"$numberDouble":"Infinity"}"#, r#""Infinity""#),
    ("-0.0", r#"{"$numberDouble":"-0.0"}"#, "-0"),
    ("5e-324", r#"{"$numberDouble":"5e-324"}"#, "5e-324"),
    ("1.7976931348623157e308", r#"{"$numberDouble":"1.7976931348623157e308"}"#, "1.7976931348623157e308"),
    (r#"{"$numberDecimal":"1E-6176"}"#, r#"{"$numberDecimal":"1E-6176"}"#, r#""1E-6176""#),
    (r#"{"$numberDecimal":"-0"}"#, r#"{"$numberDecimal":"-0"}"#, r#""-0""#),
    (r#"{"$numberDecimal":"NaN"}"#, r#"{"$numberDecimal":"NaN"}"#, r#""NaN""#),
    (r#"{"$numberDecimal":"-Infinity"}"#, r#"{"$numberDecimal":"-Infinity"}"#, r#""-Infinity""#),
    (
        r#"{"$date":"0001-01-01T00:00:00Z"}"#,
        r#"{"$date":{"$numberLong":"-62135596800000"}}"#,
        r#""0001-01-01T00:00:00.000Z""#,
    ),
    (
        r#"{"$date":"9999-12-31T23:59:59.999Z"}"#,
        r#"{"$date":{"$numberLong":"253402300799999"}}"#,
        r#""9999-12-31T23:59:59.999Z""#,
    ),
    (
        r#"{"$timestamp":{"t":4294967295,"i":4294967295}}"#,
        r#"{"$timestamp":{"t":4294967295,"i":4294967295}}"#,
        r#"{"T":4294967295,"I":4294967295}"#,
    ),
    (
        r#"{"$binary":{"base64":"","subType":"00"}}"#,
        r#"{"$binary":{"base64":"","subType":"00"}}"#,
        r#"{"Subtype":0,"Data":""}"#,
    ),
    (r#"{"a.b":{"c.d":true}}"#, r#"{"a.b":{"c.d":true}}"#, r#"{"a.b":{"c.d":true}}"#),
    (r#"{"":null,"é😀":""}"#, r#"{"":null,"é😀":""}"#, r#"{"":null,"é😀":""}"#),
];

#[test]
fn extremes_survive_the_way_there_and_back() {
    there_and_back(&EXTREMES);
}

#[test]
fn deep_and_empty_documents() {
    let bridge = Bridge::start();
    assert_eq!(bridge.call("insertOne", json!({"document": {}})).status, 201);
    let nested = |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    let deep = nested(80);
    let inserted = bridge.call_text("insertOne", "*/*", &format!("{{\"document\":{{\"_id\":1,\"v\":{deep}}}}}"));
    assert_eq!(inserted.status, 201, "{inserted:?}");
    let found = bridge.call_text("findOne", "*/*", r#"{"filter":{"_id":1}}"#);
    assert_eq!(found.text, format!("{{\"document\":{{\"_id\":1,\"v\":{deep}}}}}"));
    let error = bridge.call_text("insertOne", "*/*", &format!("{{\"document\":{}}}", nested(300)));
    assert!(error.error(400, "InvalidParameter").ends_with("nested deeper than 200 levels"));
}

#[test]
fn what_mongodb_thinks_the_types_are() {
    let bridge = Bridge::start();
    for (sent, kind) in [
        ("1", "int"),
        ("2147483648", "long"),
        ("1.0", "double"),
        (r#"{"$numberDecimal":"1"}"#, "decimal"),
        (r#"{"$oid":"5a1f00000000000000000001"}"#, "objectId"),
        (r#"{"$date":"2021-03-04T05:06:07Z"}"#, "date"),
        (r#"{"$binary":{"base64":"","subType":"00"}}"#, "binData"),
        (r#"{"$timestamp":{"t":5,"i":6}}"#, "timestamp"),
    ] {
        bridge.call_text(
            "replaceOne",
            "*/*",
            &format!("{{\"filter\":{{}},\"upsert\":true,\"replacement\":{{\"v\":{sent}}}}}"),
        );
        let found = bridge.ok("find", json!({"filter": {"v": {"$type": kind}}}));
        assert_eq!(found["documents"].as_array().unwrap().len(), 1, "{sent} is not a {kind}");
    }
}

#[test]
fn extended_json_in_filters_of_plain_bodies() {
    let bridge = Bridge::start();
    bridge.call_text("insertOne", "*/*", r#"{"document":{"_id":1,"d":{"$date":"2021-03-04T05:06:07Z"}}}"#);
    for filter in [
        r#"{"d":{"$date":"2021-03-04T05:06:07.000Z"}}"#,
        r#"{"d":{"$gt":{"$date":{"$numberLong":"0"}}}}"#,
        r#"{"_id":{"$in":[{"$numberLong":"1"}]}}"#,
        r#"{"d":{"$lt":{"$maxKey":1}}}"#,
    ] {
        let reply = bridge.call_text("find", "*/*", &format!("{{\"filter\":{filter},\"projection\":{{\"_id\":1}}}}"));
        assert_eq!(reply.text, r#"{"documents":[{"_id":1}]}"#, "{filter}");
    }
}
