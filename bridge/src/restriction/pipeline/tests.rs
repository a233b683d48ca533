//! What pipelines become, stage by stage.

use super::*;
use crate::auth::rules::{Operation, Rules};
use crate::budget::Budget;
use crate::restriction::BARRIER;
use crate::user::User;
use mongodb::bson::bson;

fn rules() -> Rules {
    #[derive(serde::Deserialize)]
    struct File {
        rules: Rules,
    }
    let text = r#"rules = [
        { database = "*", collections = ["mine"], access = "read", filter = { owner = "%%user.id" } },
        { database = "*", collections = ["some"], access = "read", fields = { deny = ["ssn"] } },
        { database = "here", collections = ["all"], access = "read" },
        { database = "there", collections = ["all"], access = "read", filter = { of = "there" } },
    ]"#;
    toml::from_str::<File>(text).unwrap().rules
}

fn rewrite(pipeline: Bson, collection: &str) -> Result<Bson, Error> {
    let user = User { id: "u".to_owned(), ..User::default() };
    let rules = rules();
    let restriction_of = |namespace: (&str, &str)| rules.restriction(namespace, &[Operation::Read], &user);
    let budget = Budget::new(1 << 20);
    let stages =
        Rewriter::new(&restriction_of, budget.reserve()).rewrite(pipeline.as_array().unwrap(), ("here", collection))?;
    Ok(Bson::from(stages))
}

#[test]
fn what_a_rule_shows_comes_first() {
    let mine = || bson!({"$match": {"owner": "u"}});
    let barrier = || bson!({"$limit": BARRIER});
    for (collection, pipeline, expected) in [
        ("all", bson!([{"$match": {"$expr": true}}]), bson!([{"$match": {"$expr": true}}])),
        ("mine", bson!([]), bson!([mine()])),
        ("mine", bson!([{"$match": {"n": 1}}]), bson!([{"$match": {"$and": [{"owner": "u"}, {"n": 1}]}}])),
        (
            "mine",
            bson!([{"$match": {"n": 1, "$expr": true}}, {"$limit": 1}]),
            bson!([
                {"$match": {"$and": [{"owner": "u"}, {"n": 1}]}}, barrier(), {"$match": {"$expr": true}}, {"$limit": 1},
            ]),
        ),
        (
            "mine",
            bson!([{"$limit": 1}, {"$match": {"$expr": true}}]),
            bson!([mine(), barrier(), {"$limit": 1}, {"$match": {"$expr": true}}]),
        ),
        ("some", bson!([{"$match": {"n": 1}}]), bson!([{"$match": {"n": 1}}, {"$unset": ["ssn"]}])),
        ("some", bson!([{"$match": {"ssn": 1}}]), bson!([{"$unset": ["ssn"]}, {"$match": {"ssn": 1}}])),
        (
            "all",
            bson!([{"$lookup": {"from": "mine", "localField": "a", "foreignField": "b", "as": "x"}}]),
            bson!([{"$lookup": {"from": "mine", "localField": "a", "foreignField": "b", "as": "x",
                "pipeline": [mine(), barrier()]}}]),
        ),
        (
            "all",
            bson!([{"$facet": {"f": [{"$unionWith": "mine"}]}}]),
            bson!([{"$facet": {"f": [{"$unionWith": {"coll": "mine", "pipeline": [mine(), barrier()]}}]}}]),
        ),
        // A stage within another looks for collections in the database of the outer one.
        (
            "all",
            bson!([{"$lookup": {"from": {"db": "there", "coll": "all"}, "as": "x",
                "pipeline": [{"$lookup": {"from": "all", "as": "y", "pipeline": []}}]}}]),
            bson!([{"$lookup": {"from": {"db": "there", "coll": "all"}, "as": "x", "pipeline": [
                {"$match": {"of": "there"}}, barrier(),
                {"$lookup": {"from": "all", "as": "y", "pipeline": [{"$match": {"of": "there"}}, barrier()]}},
            ]}}]),
        ),
        (
            "all",
            bson!([{"$graphLookup": {"from": "mine", "as": "x", "restrictSearchWithMatch": {"n": 1}}}]),
            bson!([{"$graphLookup": {"from": "mine", "as": "x",
                "restrictSearchWithMatch": {"$and": [{"owner": "u"}, {"n": 1}]}}}]),
        ),
        ("all", bson!([{"$geoNear": {}}]), bson!([{"$geoNear": {}}])),
        (
            "all",
            bson!([{"$collStats": {"count": {}}}, {"$limit": 1}]),
            bson!([{"$collStats": {"count": {}}}, {"$project": {"_id": 0, "ns": 1, "count": 1}}, {"$limit": 1}]),
        ),
        (
            "mine",
            bson!([{"$unionWith": {"pipeline": [{"$documents": []}, {"$limit": 1}]}}]),
            bson!([mine(), {"$unionWith": {"pipeline": [{"$documents": []}, {"$limit": 1}]}}]),
        ),
    ] {
        assert_eq!(rewrite(pipeline.clone(), collection).unwrap(), expected, "{pipeline}");
    }
}

#[test]
fn what_cannot_be_shown_safely() {
    for (collection, pipeline) in [
        ("none", bson!([])),
        ("mine", bson!([{"$geoNear": {}}])),
        ("mine", bson!([{"$search": {}}])),
        ("mine", bson!([{"$collStats": {"count": {}}}])),
        ("all", bson!([{"$limit": 1}, {"$geoNear": {}}])),
        ("mine", bson!([{"$match": {}}, {"$collStats": {"count": {}}}])),
        ("mine", bson!([{"$facet": {"f": [{"$collStats": {"count": {}}}]}}])),
        ("all", bson!([{"$lookup": {"as": "x", "pipeline": [{"$match": {}}]}}])),
        ("all", bson!([{"$lookup": {"as": "x"}}])),
        ("all", bson!([{"$unionWith": {"pipeline": [{"$collStats": {}}]}}])),
        ("all", bson!([{"$rankFusion": {}}])),
        ("all", bson!([{"$new": {}}])),
        ("all", bson!([{"$limit": 1, "$skip": 1}])),
        ("all", bson!([{"$lookup": {"from": "none", "as": "x", "pipeline": []}}])),
        ("all", bson!([{"$lookup": {"from": ["all"], "as": "x", "pipeline": []}}])),
        ("all", bson!([{"$lookup": {"from": {"db": "there", "coll": "none"}, "as": "x", "pipeline": []}}])),
        ("all", bson!([{"$lookup": {"from": "mine", "as": "x", "let": {"CURRENT": 1}, "pipeline": []}}])),
        ("all", bson!([{"$lookup": {"from": "mine", "as": "x", "hidden": 1, "pipeline": []}}])),
        ("all", bson!([{"$lookup": {"from": "some", "as": "x", "localField": "a", "foreignField": "ssn"}}])),
        ("all", bson!([{"$lookup": {"from": "mine", "as": "x", "pipeline": [{"$search": {}}]}}])),
        ("all", bson!([{"$unionWith": {"coll": "mine", "pipeline": [{"$unionWith": "none"}]}}])),
        ("all", bson!([{"$graphLookup": {"from": "some", "as": "x"}}])),
        ("all", bson!([{"$graphLookup": {"from": "mine", "as": "x", "restrictSearchWithMatch": {"$expr": 1}}}])),
        ("some", bson!([{"$project": {"x": {"$meta": "indexKey"}}}])),
        ("all", bson!([{"$unionWith": "some"}, {"$project": {"x": {"$meta": "indexKey"}}}])),
    ] {
        rewrite(pipeline.clone(), collection).expect_err(&pipeline.to_string());
    }
}
