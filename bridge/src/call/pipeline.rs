//! A client's pipeline: what is asked of it, whatever the client's rules say.

use mongodb::bson::{RawArray, RawBsonRef};

use super::Call;
use crate::error::Error;
use crate::operator_denylist;

/// How many stages a pipeline may have, with those of the pipelines in it. MongoDB takes as many in one pipeline
/// (`internalPipelineLengthLimit`); a rule may add some to each.
const MAX_STAGES: usize = 1000;

impl<'a> Call<'a> {
    /// The field `pipeline`, once its length and its operators have been checked.
    ///
    /// # Errors
    /// 400 where it is missing or not an array, has too many stages, or an operator that is not allowed.
    pub(crate) fn pipeline(&self) -> Result<&'a RawArray, Error> {
        let RawBsonRef::Array(pipeline) = self.arguments.required("pipeline")? else {
            return Err(Error::InvalidParameter("the field `pipeline` must be an array of objects".to_owned()));
        };
        if stages(pipeline)? > MAX_STAGES {
            return Err(Error::InvalidParameter(format!(
                "the field `pipeline` has more than {MAX_STAGES} stages, with those of nested pipelines"
            )));
        }
        operator_denylist::check_array("pipeline", pipeline)?;
        Ok(pipeline)
    }
}

/// The stages of a pipeline and of the pipelines in it.
fn stages(pipeline: &RawArray) -> Result<usize, Error> {
    let mut count = 0;
    for stage in pipeline {
        count += 1;
        let RawBsonRef::Document(stage) = stage.map_err(unreadable)? else { continue };
        for element in stage {
            let (name, value) = element.map_err(unreadable)?;
            count += nested(name.as_str(), value)?;
        }
    }
    Ok(count)
}

/// The stages of the pipelines that a stage has.
fn nested(stage: &str, value: RawBsonRef<'_>) -> Result<usize, Error> {
    let RawBsonRef::Document(value) = value else { return Ok(0) };
    let mut count = 0;
    for element in value {
        let (name, value) = element.map_err(unreadable)?;
        let is_pipeline = match stage {
            "$facet" => true,
            "$lookup" | "$unionWith" => name.as_str() == "pipeline",
            _ => false,
        };
        if let RawBsonRef::Array(pipeline) = value
            && is_pipeline
        {
            count += stages(pipeline)?;
        }
    }
    Ok(count)
}

/// We wrote this BSON ourselves.
fn unreadable(error: mongodb::bson::error::Error) -> Error {
    Error::Internal(format!("the body's BSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ejson::read;

    #[test]
    fn stages_at_every_level() {
        for (pipeline, expected) in [
            ("[]", 0),
            (r#"[{"$match":{"$and":[{"a":1},{"b":1}]}},1]"#, 2),
            (r#"[{"$unionWith":"a"},{"$unionWith":{"coll":"a","pipeline":[{"$limit":1},{"$unionWith":"b"}]}}]"#, 4),
            (
                r#"[{"$facet":{"a":[{"$limit":1}],"b":[{"$lookup":{"from":"c","pipeline":[{"$limit":1}],"as":"d"}}]}}]"#,
                4,
            ),
            (r#"[{"$set":{"pipeline":[1,2,3]}},{"$lookup":{"let":{"a":[1,2]},"pipeline":[]}}]"#, 2),
        ] {
            let body = read::document(format!("{{\"pipeline\":{pipeline}}}").as_bytes()).unwrap();
            assert_eq!(stages(body.get_array("pipeline").unwrap()).unwrap(), expected, "{pipeline}");
        }
    }
}
