//! The documentation page: every route is there, to be read without scripts, and every curl line works.

use std::process::Command;

use super::browser::Browser;
use super::system::System;

const BROWSER: (&str, &str) = ("Accept", "text/html");
/// The address in the page's lines.
const SERVER: &str = "http://127.0.0.1:3000";

/// The lines with the status that each is to get.
fn lines(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("<code data-success=\"").skip(1).map(|rest| rest.split("</code>").next().unwrap());
    blocks
        .map(|block| block.split_once("\">").unwrap())
        .map(|(status, line)| (status.to_owned(), unescape(line)))
        .collect()
}

fn unescape(html: &str) -> String {
    html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn every_curl_line_of_the_documentation_works() {
    let system = System::start(&[]);
    let page = String::from_utf8(system.with("GET", "/docs", &[BROWSER], b"").body).unwrap();
    let lines = lines(&page);
    assert!(lines.len() >= 11, "{lines:?}");
    for (expected, line) in lines {
        // Each finds the sample data as they are.
        assert_eq!(system.post("/api/initDB/games").status, 200);
        let line = line.replace(SERVER, system.base_url());
        let arguments = line.strip_prefix("curl ").unwrap();
        let command = format!("curl --silent --show-error --output /dev/null --write-out '%{{http_code}}' {arguments}");
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let (status, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!((status.as_ref(), complaint.as_ref()), (expected.as_str(), ""), "{line}");
    }
}

#[test]
fn the_documentation_can_be_read_without_scripts() {
    let system = System::start(&[]);
    let browser = Browser::start();
    let page = String::from_utf8(system.with("GET", "/docs", &[BROWSER], b"").body).unwrap();
    assert!(!page.contains("<script"));
    browser.open(&format!("{}/docs", system.base_url()));
    let routes = browser.script("return [...document.querySelectorAll('h3')].map(title => title.innerText)", &[]);
    let routes: Vec<&str> = routes.as_array().unwrap().iter().map(|title| title.as_str().unwrap()).collect();
    for route in ["GET /api/showDB/{collection}", "PUT /api/update/{collection}/{value}", "GET /health/ready"] {
        assert!(routes.contains(&route), "{route} in {routes:?}");
    }
    browser.click("nav a[href='#get-api-get-collection-value']");
    let section = browser.wait_for_text("#get-api-get-collection-value", "With curl");
    for part in
        ["Parameters", "collection", "field", "If-None-Match", "Answers", "304", "Errors", "application/problem+json"]
    {
        assert!(section.contains(part), "{part} in {section}");
    }
    assert_eq!(browser.axe(), [""; 0]);
}

#[test]
fn the_top_is_a_page_for_a_browser_and_an_index_for_other_clients() {
    let system = System::start(&[]);
    let page = system.with("GET", "/", &[BROWSER], b"");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'self'"));
    let index = system.get("/");
    assert_eq!((index.status, index.header("content-type")), (200, "application/json"));
    let api = system.get("/api/");
    assert_eq!(index.json()["name"], api.json()["name"]);
    assert_eq!(index.json()["version"], api.json()["version"]);
    // The site's few routes take nothing away from the store's, with or without the prefix.
    assert_eq!(system.get("/showDB/games").status, 200);
    assert_eq!(system.get("/console/games").json()["status"], 404);
}
