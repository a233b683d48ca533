//! A store that is closed: the console asks for a token.

use super::browser::{Browser, ENTER};
use super::system::System;

const TOKEN: &str = "a-token-of-the-browser-tests-0123456789";

#[test]
fn a_token_is_asked_for_and_kept_for_the_tab_alone() {
    let system = System::start(&[("access", "closed"), ("admin_token", TOKEN)]);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(system.with("POST", "/api/initDB/games", &[("Authorization", &bearer)], b"").status, 200);
    let browser = Browser::start();
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait("document.querySelector('#token').open");
    assert_eq!(browser.axe(), [""; 0]);
    // A wrong one is refused, and can be replaced.
    browser.fill("#token-value", "not-a-token-of-this-store-0123456789");
    browser.press(ENTER);
    browser.wait("!document.querySelector('#table-problem').hidden");
    browser.click("#reload");
    browser.wait("document.querySelector('#token').open");
    browser.fill("#token-value", TOKEN);
    browser.press(ENTER);
    browser.wait_for_text("#count", "8 of 8 documents");

    // In this tab it is kept; in no place that outlives it, and in no address.
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#count", "8 of 8 documents");
    let kept = browser
        .script("return [localStorage.length, document.cookie, location.href.includes(arguments[0])]", &[TOKEN.into()]);
    assert_eq!(kept, serde_json::json!([0, "", false]));
    browser.click(".top > button");
    browser.wait_for_text(".top > button", "Give a token");
    assert_eq!(browser.script("return sessionStorage.length", &[]), 0);
}
