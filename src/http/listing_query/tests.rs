use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::super::query::parse;
use super::*;

fn listing(query: &str) -> Result<ListQuery, Problem> {
    list_query(&parse(Some(query))?)
}

fn canonical(query: &str) -> String {
    let parameters = listing(query).unwrap().parameters;
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn field(name: &str, test: Test) -> Condition {
    Condition::Field { name: name.to_owned(), test }
}

#[test]
fn a_listing_takes_its_parameters() {
    let query =
        listing("publisher=Nintendo&sort=-price,%20item&limit=5&skip=10&fields=price,item&count=true&q=zelda").unwrap();
    assert_eq!(
        query.filter.0,
        [field("publisher", Test::Equals("Nintendo".to_owned())), Condition::Text("zelda".to_owned())]
    );
    assert_eq!((query.limit, query.skip, query.count), (Some(5), 10, true));
    assert_eq!(query.fields, ["item", "price"]);
    let sort: Vec<_> = query.sort.iter().map(|key| (key.field.as_str(), key.descending)).collect();
    assert_eq!(sort, [("price", true), ("item", false), ("_id", false)]);
}

#[test]
fn every_operator_is_known() {
    let text = || "v".to_owned();
    let contains = |anchored, ignore_case| Test::Contains { text: text(), anchored, ignore_case };
    for (operator, test) in [
        ("ne", Test::NotEquals(text())),
        ("gt", Test::Compares(Comparison::Greater, text())),
        ("gte", Test::Compares(Comparison::GreaterOrEqual, text())),
        ("lt", Test::Compares(Comparison::Less, text())),
        ("lte", Test::Compares(Comparison::LessOrEqual, text())),
        ("in", Test::In(vec![text()])),
        ("nin", Test::NotIn(vec![text()])),
        ("contains", contains(false, false)),
        ("icontains", contains(false, true)),
        ("starts", contains(true, false)),
    ] {
        assert!(OPERATORS.contains(&operator));
        assert_eq!(listing(&format!("a.b[{operator}]=v")).unwrap().filter.0, [field("a.b", test)]);
    }
    assert_eq!(listing("a[exists]=false").unwrap().filter.0, [field("a", Test::Exists(false))]);
}

#[test]
fn a_list_may_hold_commas() {
    let values = |query: &str| match listing(query).unwrap().filter.0.remove(0) {
        Condition::Field { test: Test::In(values), .. } => values,
        other => panic!("{other:?}"),
    };
    assert_eq!(values("a[in]=x,y,x"), ["x", "y"]);
    assert_eq!(values("a[in]=x%252Cy,z"), ["x,y", "z"]);
    assert_eq!(values("a[in]=100%25,%25252C"), ["%2C", "100%"]);
    assert_eq!(values("a[in]="), [""]);
}

#[test]
fn a_field_with_a_reserved_name_is_filtered_behind_eq() {
    let query = listing("eq.sort=x&eq.limit=7&eq.q=y&eq.count[gt]=1&eq.other=z").unwrap();
    let names: Vec<_> = query
        .filter
        .0
        .iter()
        .map(|condition| match condition {
            Condition::Field { name, .. } => name.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["sort", "limit", "q", "count", "eq.other"]);
    assert_eq!((query.sort.len(), query.limit), (1, None));
}

#[test]
fn a_bad_parameter_is_named() {
    let many = |n: usize| (0..n).map(|i| format!("f{i}")).collect::<Vec<_>>().join(",");
    let parameters = (0..101).map(|i| format!("f{i}=1")).collect::<Vec<_>>().join("&");
    for (query, named) in [
        ("limit=1&limit=2", "\"limit\""),
        ("a=1&%61=2", "\"a\""),
        ("sort[gt]=1&eq.sort[gt]=2", "\"eq.sort[gt]\""),
        ("=x", "without a name"),
        ("[gt]=x", "is empty"),
        ("limit=0", "\"limit\""),
        ("limit=1001", "\"limit\""),
        ("limit=-1", "\"limit\""),
        ("limit=%2B5", "\"limit\""),
        ("limit=", "\"limit\""),
        ("limit=ten", "\"limit\""),
        ("skip=1.5", "\"skip\""),
        ("skip=99999999999", "\"skip\""),
        ("sort=", "field name"),
        ("sort=price,-price", "\"price\""),
        ("fields=", "field name"),
        ("fields=a,a", "\"a\""),
        ("fields=a.b,a", "\"a.b\""),
        ("$where=1", "\"$where\""),
        ("a.$gt=1", "\"a.$gt\""),
        ("sort=$natural", "\"$natural\""),
        ("a=%FF", "UTF-8"),
        ("field=item", "eq.field"),
        ("price[less]=20", "\"less\""),
        ("price[eq]=20", "F=V"),
        ("price[$gt]=20", "\"$gt\""),
        ("price[gt]=9223372036854775808", "\"9223372036854775808\", which is beyond Int64"),
        ("price[gte]=18446744073709551616", "beyond Int64"),
        ("price[lt]=-9223372036854775809", "\"price[lt]\""),
        ("price[lte]=100000000000000000000000000000000000000000", "beyond Int64"),
        ("price[]=20", "operator"),
        ("%20price=20", "space"),
        ("price%20[gt]=20", "space"),
        ("price[exists]=yes", "\"price[exists]\""),
        ("count=5", "eq.count"),
        ("after=x", "\"after\""),
        (&format!("sort={}", many(33)), "32"),
        (&format!("fields={}", many(201)), "200"),
        (&format!("a[in]={}", many(201)), "200"),
        (&format!("a[contains]={}", "x".repeat(4097)), "4096"),
        (&parameters, "100"),
    ] {
        match listing(query) {
            Err(Problem::Invalid(why)) => assert!(why.contains(named), "{query}: {why}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn two_spellings_of_a_listing_have_one_form() {
    for (one, other) in [
        ("a=1&b=2", "b=2&a=1"),
        ("limit=1", "limit=01"),
        ("skip=0", ""),
        ("count=false", ""),
        ("sort=_id", ""),
        ("sort=price", "sort=price,_id"),
        ("sort=price", "sort=%20price%20,_id,item"),
        ("fields=a,b", "fields=b,_id,%20a"),
        ("a[in]=x,y", "a[in]=y,x,y"),
        ("eq.sort[gt]=1", "sort[gt]=1"),
        ("a=%41", "a=A"),
    ] {
        assert_eq!(canonical(one), canonical(other), "{one} and {other}");
    }
    assert_eq!(canonical("sort=-price&limit=2"), "limit=2&sort=-price");
    assert_eq!(canonical("sort=-_id&eq.sort=1"), "eq.sort=1&sort=-_id");
}

#[test]
fn a_cursor_belongs_to_its_sort() {
    let query = listing("sort=-price&limit=2").unwrap();
    let document = json!({"_id": {"$numberInt": "1"}, "price": {"$numberInt": "5"}});
    let cursor = Cursor::at(&document, &query.sort, false, 2).unwrap();
    let text = cursor.encode(&query.sort).unwrap();
    assert_eq!(listing(&format!("sort=-price&limit=2&after={text}")).unwrap().after, Some(cursor));
    for other in ["sort=price", "", "sort=-price&skip=1"] {
        match listing(&format!("{other}&limit=2&after={text}")) {
            Err(Problem::Invalid(why)) => assert!(why.contains("\"after\""), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Parameters over the characters that matter, so that collisions would be found.
fn parameters() -> impl Strategy<Value = Parameters> {
    let name = "[ab]{1,2}(\\[(ne|gt|in|nin|contains)\\])?|eq\\.(sort|q)(\\[in\\])?|sort|limit|skip|fields|q|count";
    let value = "[ab=&%,2C]{1,4}|true|false|[0-9]{1,2}|-?[ab](,_id)?";
    prop::collection::btree_map(name, value, 0..4).prop_map(|map| map.into_iter().collect())
}

proptest! {
    /// Whatever a query means, besides its spelling, is in its one form.
    #[test]
    fn listings_have_one_form_exactly_where_they_ask_for_the_same(queries in prop::collection::vec(parameters(), 2..40)) {
        let mut forms = HashMap::new();
        for parameters in queries {
            let Ok(query) = list_query(&parameters) else { continue };
            let mut conditions: Vec<String> =
                query.filter.0.iter().map(|condition| format!("{condition:?}")).collect();
            conditions.sort();
            let meaning =
                format!("{conditions:?} {:?} {} {:?} {:?} {}", query.sort, query.skip, query.limit, query.fields, query.count);
            let form = query.parameters.clone();
            let other = forms.insert(form.clone(), meaning.clone());
            prop_assert!(other.as_ref().is_none_or(|other| *other == meaning), "{form:?}: {other:?} and {meaning}");
            prop_assert!(
                forms.iter().all(|(other, means)| *means != meaning || *other == form),
                "{meaning} has two forms"
            );
            // The form reads back as the same listing.
            let again = list_query(&form).map(|query| query.parameters);
            prop_assert_eq!(again, Ok(form));
        }
    }
}
