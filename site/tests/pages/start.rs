//! The start page: a hit, a miss and an invalidation, each by a button.

use super::browser::Browser;
use super::system::System;

/// Without any data at first, as after the very first `cargo xtask up`.
#[test]
fn a_visitor_sees_a_miss_a_hit_and_an_invalidation() {
    let system = System::start(&[]);
    let browser = Browser::start();
    browser.open(&format!("{}/", system.base_url()));
    browser.click("#read");
    browser.wait_for_text("#says", "Put the sample games in first");
    browser.click("#seed");
    browser.wait_for_text("#says", "The sample games are in MongoDB");

    browser.click("#read");
    let text = browser.wait_for_text("#says", "MongoDB was asked");
    assert!(text.contains("Celeste costs 18.25."), "{text}");
    assert_eq!(browser.script("return document.querySelectorAll('.flow .wire.on').length", &[]), 4);
    browser.click("#again");
    browser.wait_for_text("#says", "MongoDB was not asked");
    assert_eq!(browser.script("return document.querySelectorAll('.flow .wire.on').length", &[]), 2);

    browser.click("#change");
    let text = browser.wait_for_text("#says", "it deleted the stale copies from Redis");
    let price = text.split("The price is ").nth(1).and_then(|rest| rest.split(" in MongoDB").next()).unwrap();
    browser.click("#again");
    let text = browser.wait_for_text("#says", "The write had deleted the copy");
    assert!(text.contains(&format!("Celeste costs {price}.")), "{text}");
}
