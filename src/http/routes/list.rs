//! `GET /api/showDB/{collection}`: the documents of a collection, or of all.

use http::Request;

use crate::backend::Backend;
use crate::http::context::Context;
use crate::http::listing_query::list_query;
use crate::http::preconditions::check_if_match;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::{self, Response};

/// One collection, as a JSON array.
pub async fn one<B: Backend>(
    context: &Context<'_, B>,
    request: &Request<()>,
    collection: &str,
) -> Result<Response, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    let format = response::format(request.headers());
    let listing = context.catalog.list(collection, &query, format).await?;
    check_if_match(request.headers(), &listing.etag)?;
    let mut response = response::with_etag(request.headers(), listing.body, &listing.etag, format);
    response::set_links(&mut response, request.uri().path(), &query.parameters, &listing.links)?;
    response::set_cache_headers(&mut response, &listing.report);
    Ok(response)
}

/// Every open collection, as one object of arrays.
pub async fn all<B: Backend>(context: &Context<'_, B>, request: &Request<()>) -> Result<Response, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    if query.after.is_some() {
        return Err(Problem::Invalid("the query parameter \"after\" is for a listing of one collection".to_owned()));
    }
    let format = response::format(request.headers());
    let listing = context.catalog.list_all(&query, format).await?;
    check_if_match(request.headers(), &listing.etag)?;
    let mut response = response::with_etag(request.headers(), listing.body, &listing.etag, format);
    response::set_links(&mut response, request.uri().path(), &[], &listing.links)?;
    response::set_cache_headers(&mut response, &listing.report);
    Ok(response)
}
