//! The timeline, the plot, and the three experiments.

use super::seeded;

#[test]
fn every_request_is_in_the_timeline_and_the_plot() {
    let (system, browser) = seeded(&[]);
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#timeline li.miss", "s left");
    browser.click("#reload");
    let hit = browser.wait_for_text("#timeline li.hit", "s left");
    for part in ["GET /showDB/games", "games:list:", "cache ", " ms"] {
        assert!(hit.contains(part), "{part} in {hit}");
    }
    // A bar for the cache alone, and on the miss one for the store, too.
    browser.wait("document.querySelectorAll('#timeline li.hit .bars i').length === 1");
    browser.wait("document.querySelectorAll('#timeline li.miss .bars .store').length === 1");
    browser.wait_for_text("#ratio", "50 %");
    let plot = browser.wait("document.querySelector('#plot').ariaLabel");
    let plot = plot.as_str().unwrap();
    assert!(plot.contains("hit: 1, median") && plot.contains("miss: 1, median"), "{plot}");
    assert_eq!(browser.script("return document.querySelectorAll('#plot .dot').length", &[]), 2);

    // It counts down.
    let left = "parseFloat(document.querySelector('#timeline li.hit .left').innerText)";
    let before = browser.wait(left).as_f64().unwrap();
    browser.wait(&format!("{left} < {before}"));
    browser.wait_for_text("#timeline li.hit .left", "expired");

    // A write says what it invalidated.
    // What is left is told in whole seconds, rounded down: the value may live for nearly one more.
    browser
        .wait("(document.querySelector('#reload').click(), document.querySelectorAll('#timeline li.miss').length > 1)");
    browser.click("#seed");
    browser.wait_for_text("#timeline li.write .key", "invalidated games:list:");
    browser.wait_for_text("#timeline .gone", "invalidated");

    // Without Redis it is past the cache.
    let mut system = system;
    system.stop_redis();
    browser.click("#reload");
    browser.wait_for_text("#timeline li.bypass", "GET /showDB/games");
    browser.wait_for_text("#last", "past the cache");
}

#[test]
fn a_stampede_reads_the_database_once() {
    let (system, browser) = seeded(&[("cache_ttl_seconds", "120")]);
    browser.open(&format!("{}/console", system.base_url()));
    browser.click("#stampede button");
    let said = browser.wait_for_text("#stampede output", "100 readers");
    assert!(said.contains("MongoDB was asked once; the other 99 were answered from Redis"), "{said}");
}

#[test]
fn an_expiry_ends_in_a_miss() {
    let (system, browser) = seeded(&[("cache_ttl_seconds", "2")]);
    browser.open(&format!("{}/console", system.base_url()));
    browser.click("#expiry button");
    browser.wait("!document.querySelector('#expiry progress').hidden");
    let said = browser.wait_for_text("#expiry output", "lived for");
    assert!(said.contains("The copy lived for 2 s."), "{said}");
    let kinds = browser.script("return [...document.querySelectorAll('#expiry .badge')].map(e => e.textContent)", &[]);
    assert_eq!(kinds, serde_json::json!(["miss", "hit", "miss"]));
}

#[test]
fn a_write_names_what_it_invalidated_and_the_next_read_is_right() {
    let (system, browser) = seeded(&[("cache_ttl_seconds", "120")]);
    browser.open(&format!("{}/console", system.base_url()));
    browser.click("#write button");
    let said = browser.wait_for_text("#write output", "The write took");
    assert!(said.contains("invalidated 2 keys that had been hits: games:id:…000001 and games:list:"), "{said}");
    assert!(said.contains("The next reads came from MongoDB and were right: price was 30.99"), "{said}");
    assert_eq!(system.get("/api/get/games/5a1f00000000000000000001").json()["price"], 29.99);
}

#[test]
fn a_document_whose_id_is_a_document_can_be_written_too() {
    let (system, browser) = seeded(&[("cache_ttl_seconds", "120")]);
    assert_eq!(system.post("/api/cleanDB/games").status, 200);
    let document = serde_json::json!({"_id": {"a": 1, "b": "x"}, "item": "Braid", "price": 3});
    assert_eq!(system.add("games", &document).status, 201);
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#table", "Braid");
    browser.click("#write button");
    let said = browser.wait_for_text("#write output", ".");
    assert!(said.contains("were right: price was 4. Now it is 3 again"), "{said}");
}
