//! The other collections that a pipeline reads: they, too, must be allowed.
//!
//! The stages are looked for by name, at every level, so that none hides in a `$facet` or in the pipeline of another. What
//! looks like a stage but is data, below a `$literal`, is counted as one: that refuses too much, never too little.

use mongodb::bson::{RawArray, RawBsonRef, RawDocument};

use crate::error::Error;

/// Calls `found` with the database and the collection of each source.
///
/// # Errors
/// What `found` returns; 400 where a stage names its source in a form that is not known, and could mean anything.
pub fn each<'a>(
    pipeline: &'a RawArray,
    database: &'a str,
    found: &mut impl FnMut(&'a str, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    for element in pipeline {
        in_value(element.map_err(unreadable)?, database, found)?;
    }
    Ok(())
}

fn in_value<'a>(
    value: RawBsonRef<'a>,
    database: &'a str,
    found: &mut impl FnMut(&'a str, &'a str) -> Result<(), Error>,
) -> Result<(), Error> {
    match value {
        RawBsonRef::Array(array) => each(array, database, found),
        RawBsonRef::Document(document) => {
            for element in document {
                let (key, value) = element.map_err(unreadable)?;
                let database = match (key.as_str(), value) {
                    (stage @ ("$lookup" | "$graphLookup"), RawBsonRef::Document(stage_value)) => {
                        source(stage, stage_value.get("from").map_err(unreadable)?, database, found)?
                    }
                    // A string, or a document that is a source itself and may have a pipeline.
                    ("$unionWith", source_value) => source("$unionWith", Some(source_value), database, found)?,
                    _ => database,
                };
                // The stages of its pipeline, too, look for collections in the database that it named.
                in_value(value, database, found)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Finds `"collection"`, or `{coll, db?}`, and gives the database that it is in. Left out where the stage's pipeline starts with `$documents`: MongoDB refuses all
/// other pipelines without a source.
fn source<'a>(
    stage: &str,
    source: Option<RawBsonRef<'a>>,
    database: &'a str,
    found: &mut impl FnMut(&'a str, &'a str) -> Result<(), Error>,
) -> Result<&'a str, Error> {
    match source {
        None => Ok(database),
        Some(RawBsonRef::String(collection)) => found(database, collection).map(|()| database),
        Some(RawBsonRef::Document(named)) => {
            let database = text(stage, named, "db")?.unwrap_or(database);
            text(stage, named, "coll")?.map_or(Ok(()), |collection| found(database, collection))?;
            Ok(database)
        }
        Some(_) => Err(unknown(stage)),
    }
}

fn text<'a>(stage: &str, named: &'a RawDocument, key: &str) -> Result<Option<&'a str>, Error> {
    match named.get(key).map_err(unreadable)? {
        None => Ok(None),
        Some(RawBsonRef::String(text)) => Ok(Some(text)),
        Some(_) => Err(unknown(stage)),
    }
}

fn unknown(stage: &str) -> Error {
    Error::InvalidParameter(format!("the stage `{stage}` must name its collection in a string"))
}

fn unreadable(error: mongodb::bson::error::Error) -> Error {
    Error::Internal(format!("the body's BSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ejson::read;

    fn sources(pipeline: &str) -> Result<Vec<String>, Error> {
        let body = read::document(format!("{{\"pipeline\":{pipeline}}}").as_bytes()).unwrap();
        let mut all = Vec::new();
        each(body.get_array("pipeline").unwrap(), "here", &mut |database, collection| {
            all.push(format!("{database}.{collection}"));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn wherever_they_hide() {
        for (pipeline, expected) in [
            (r#"[{"$match":{"from":"x"}},{"$group":{"_id":"$from"}}]"#, &[][..]),
            (r#"[{"$lookup":{"from":"a","as":"x"}}]"#, &["here.a"]),
            (r#"[{"\u0024lookup":{"\u0066rom":"a","as":"x"}}]"#, &["here.a"]),
            (r#"[{"$lookup":{"from":{"db":"there","coll":"a"},"as":"x"}}]"#, &["there.a"]),
            (r#"[{"$lookup":{"pipeline":[{"$documents":[]}],"as":"x"}}]"#, &[]),
            (r#"[{"$graphLookup":{"from":"a"}}]"#, &["here.a"]),
            (r#"[{"$unionWith":"a"}]"#, &["here.a"]),
            (r#"[{"$unionWith":{"coll":"a","pipeline":[{"$unionWith":"b"}]}}]"#, &["here.a", "here.b"]),
            (r#"[{"$unionWith":{"db":"there","coll":"a"}}]"#, &["there.a"]),
            (
                r#"[{"$facet":{"f":[{"$lookup":{"from":"a","pipeline":[{"$graphLookup":{"from":"b"}}]}}]}}]"#,
                &["here.a", "here.b"],
            ),
            (r#"[[{"$match":{"x":[[{"$unionWith":"a"}]]}}]]"#, &["here.a"]),
            (
                r#"[{"$lookup":{"pipeline":[{"$lookup":{"from":"b"}}],"from":{"db":"there","coll":"a"}}},{"$unionWith":"c"}]"#,
                &["there.a", "there.b", "here.c"],
            ),
            (
                r#"[{"$unionWith":{"db":"there","coll":"a","pipeline":[{"$facet":{"f":[{"$lookup":{"from":"b"}}]}}]}}]"#,
                &["there.a", "there.b"],
            ),
            (
                r#"[{"$lookup":{"from":{"db":"x","coll":"a"},"pipeline":[{"$unionWith":{"db":"y","coll":"b","pipeline":[{"$graphLookup":{"from":"c"}}]}}]}}]"#,
                &["x.a", "y.b", "y.c"],
            ),
        ] {
            assert_eq!(sources(pipeline).unwrap(), expected, "{pipeline}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for pipeline in [
            r#"[{"$lookup":{"from":["a"]}}]"#,
            r#"[{"$lookup":{"from":{"db":1,"coll":"a"}}}]"#,
            r#"[{"$unionWith":["a"]}]"#,
            r#"[{"$unionWith":{"coll":{"$symbol":"a"}}}]"#,
        ] {
            assert_eq!(sources(pipeline).unwrap_err().code(), "InvalidParameter", "{pipeline}");
        }
    }
}
