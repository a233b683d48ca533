//! From a request to a file: methods, validators, and what every answer says to the browser.

use std::borrow::Cow;

/// Scripts, styles, images and requests: all of them from here alone, and in nobody's frame. `default-src` does not cover
/// the last three.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const ALLOW: &str = "GET, HEAD, OPTIONS";
/// What `/` is for a client that asks for no HTML; not a path that a client can name.
const INDEX: &str = "index.json";

/// A file of the site.
#[derive(Clone, Copy, Debug)]
pub struct File {
    path: &'static str,
    content_type: &'static str,
    etag: &'static str,
    bytes: &'static [u8],
}

/// Every file, by its path.
const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What of a request matters here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `GET`, …
    pub method: &'a str,
    /// With or without a query.
    pub path: &'a str,
    /// The header `Accept`; empty where there is none.
    pub accept: &'a str,
    /// The header `If-None-Match`; empty where there is none.
    pub if_none_match: &'a str,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; empty where there is none.
    pub body: Cow<'static, [u8]>,
}

/// Answers a request.
pub fn respond(request: &Request) -> Response {
    let path = request.path.split('?').next().unwrap_or_default();
    let Some(file) = find(path, request.accept) else {
        return problem(404, "Not Found", "the site has no such page");
    };
    match request.method {
        "GET" | "HEAD" => {}
        "OPTIONS" => return Response { status: 204, headers: vec![("allow", ALLOW.into())], body: Cow::default() },
        _ => {
            let mut response = problem(405, "Method Not Allowed", "allowed methods: GET, HEAD, OPTIONS");
            response.headers.push(("allow", ALLOW.into()));
            return response;
        }
    }
    let mut headers = vec![
        ("etag", file.etag.into()),
        // Kept, and asked about each time: a new version is seen at once.
        ("cache-control", "no-cache".into()),
        ("content-security-policy", CONTENT_SECURITY_POLICY.into()),
        ("x-content-type-options", "nosniff".into()),
        ("referrer-policy", "no-referrer".into()),
    ];
    if path == "/" {
        headers.push(("vary", "Accept".into()));
    }
    if matches(request.if_none_match, file.etag) {
        return Response { status: 304, headers, body: Cow::default() };
    }
    headers.push(("content-type", file.content_type.into()));
    headers.push(("content-length", file.bytes.len().to_string().into()));
    let body = if request.method == "HEAD" { &[][..] } else { file.bytes };
    Response { status: 200, headers, body: body.into() }
}

fn find(path: &str, accept: &str) -> Option<&'static File> {
    let path = match path {
        "/" if !asks_for_html(accept) => INDEX,
        INDEX => return None,
        path => path,
    };
    FILES.iter().find(|file| file.path == path)
}

/// Whether `Accept` names HTML, as every browser's does. `*/*`, which curl sends, does not.
fn asks_for_html(accept: &str) -> bool {
    accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/html"));
        let refused = |weight: &str| weight.parse().is_ok_and(|weight: f32| weight == 0.0);
        html && !parts.any(|part| part.strip_prefix("q=").is_some_and(refused))
    })
}

/// Whether `If-None-Match` names this version (RFC 9110, section 13.1.2), compared weakly.
fn matches(header: &str, etag: &str) -> bool {
    header.trim() == "*" || header.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

/// Problem details (RFC 9457), as the store's are.
fn problem(status: u16, title: &str, detail: &str) -> Response {
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}","error":"{detail}"}}"#
    );
    let headers = vec![
        ("content-type", "application/problem+json".into()),
        ("content-length", body.len().to_string().into()),
        ("x-content-type-options", "nosniff".into()),
    ];
    Response { status, headers, body: body.into_bytes().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

    fn get(path: &str, accept: &str) -> Response {
        respond(&Request { method: "GET", path, accept, ..Request::default() })
    }

    fn header<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    #[test]
    fn a_browser_gets_pages_that_load_nothing_from_elsewhere() {
        for path in ["/", "/console", "/docs", "/docs?from=here"] {
            let response = get(path, BROWSER);
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8", "{path}");
            assert!(header(&response, "content-security-policy").starts_with("default-src 'self'"), "{path}");
            assert_eq!(header(&response, "content-length"), response.body.len().to_string(), "{path}");
        }
    }

    #[test]
    fn every_page_says_where_one_is() {
        for path in ["/", "/console", "/docs"] {
            let response = get(path, BROWSER);
            let page = String::from_utf8_lossy(&response.body);
            assert!(page.contains(&format!("href=\"{path}\" aria-current=\"page\">")), "{path}");
            assert_eq!(page.matches("aria-current").count(), 1, "{path}");
        }
    }

    #[test]
    fn every_file_that_a_file_names_is_there() {
        for file in FILES {
            let text = String::from_utf8_lossy(file.bytes);
            let folder = if file.path.ends_with(".js") { "/assets" } else { "" };
            for (before, after) in [("href=\"/assets", "\""), ("src=\"/assets", "\""), ("from \".", "\"")] {
                for name in text.split(before).skip(1).filter_map(|rest| rest.split(after).next()) {
                    let path =
                        if before.starts_with("from") { format!("{folder}{name}") } else { format!("/assets{name}") };
                    assert_eq!(get(&path, "*/*").status, 200, "{} names {path}", file.path);
                }
            }
        }
    }

    #[test]
    fn other_clients_get_the_index_at_the_top() {
        for accept in ["", "*/*", "application/json", "text/html;q=0, */*"] {
            let response = get("/", accept);
            assert_eq!((response.status, header(&response, "content-type")), (200, "application/json"), "{accept}");
            assert_eq!(header(&response, "vary"), "Accept");
            let index: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            assert_eq!(index["name"], "store-api");
            assert_eq!(index["links"]["api"], "/api/");
            assert!(index["routes"].as_array().unwrap().len() > 5);
        }
        assert_eq!(get("index.json", "*/*").status, 404);
    }

    #[test]
    fn what_a_client_has_already_is_not_sent_again() {
        let etag = header(&get("/console", BROWSER), "etag").to_owned();
        for if_none_match in [etag.clone(), format!("\"x\", W/{etag}"), "*".to_owned()] {
            let request = Request { method: "GET", path: "/console", accept: BROWSER, if_none_match: &if_none_match };
            let response = respond(&request);
            assert_eq!((response.status, response.body.len()), (304, 0), "{if_none_match}");
            assert_eq!(header(&response, "etag"), etag);
        }
    }

    #[test]
    fn methods_and_paths_that_are_not_served() {
        let head = respond(&Request { method: "HEAD", path: "/console", accept: BROWSER, ..Request::default() });
        assert!(head.body.is_empty() && header(&head, "content-length").len() > 3);
        let post = respond(&Request { method: "POST", path: "/docs", ..Request::default() });
        assert_eq!((post.status, header(&post, "allow")), (405, ALLOW));
        let options = respond(&Request { method: "OPTIONS", path: "/docs", ..Request::default() });
        assert_eq!((options.status, header(&options, "allow")), (204, ALLOW));
        assert_eq!(get("/assets/nothing.js", "*/*").status, 404);
    }

    #[test]
    fn all_of_it_is_small() {
        let total: usize = FILES.iter().map(|file| file.bytes.len()).sum();
        assert!(total < 100_000, "{total} bytes");
    }
}
