//! The console's table and its editor.

use serde_json::{Value, json};

use super::browser::{Browser, ENTER, ESCAPE, TAB};
use super::seeded;
use super::system::System;

const CELESTE: &str = "5a1f00000000000000000008";

/// The texts of a column, from top to bottom.
fn column(browser: &Browser, number: usize) -> Vec<String> {
    let script =
        "return [...document.querySelectorAll(`#table td:nth-child(${arguments[0]})`)].map(cell => cell.innerText)";
    let cells = browser.script(script, &[json!(number)]);
    cells.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
}

fn items(browser: &Browser) -> Vec<String> {
    column(browser, 2)
}

fn open(system: &System, browser: &Browser) {
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#count", "8 of 8 documents");
}

fn edit(browser: &Browser, id: &str) {
    browser.click(&format!("#table button[title='{id}']"));
    browser.wait("document.querySelector('#editor').open");
}

/// Changes the text in the editor as a person would, and says what it was.
fn replace(browser: &Browser, from: &str, to: &str) {
    let script = "const text = document.querySelector('#editor-text'); const [from, to] = arguments;
        if (!text.value.includes(from)) throw new Error(text.value); return text.value.replace(from, to)";
    let text = browser.script(script, &[json!(from), json!(to)]);
    browser.fill("#editor-text", text.as_str().unwrap());
}

#[test]
fn a_collection_is_filtered_searched_sorted_and_paged() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);
    assert_eq!(items(&browser)[..2], ["Black Ops 2", "The Legend of Zelda"]);

    // Sorted by price, the dearest first, three to a page.
    browser.click("th button[title='Sort by price']");
    browser.wait("document.querySelector('th[aria-sort=ascending]')?.innerText.includes('price')");
    browser.click("th button[title='Sort by price']");
    browser.wait("document.querySelector('th[aria-sort=descending]')?.innerText.includes('price')");
    assert_eq!(items(&browser)[0], "The Legend of Zelda");
    browser.click("#limit option:first-child");
    browser.wait_for_text("#count", "5 of 8 documents");
    let first = items(&browser);
    browser.click("#next");
    browser.wait_for_text("#count", "3 of 8 documents");
    assert!(items(&browser).iter().all(|item| !first.contains(item)));
    assert_eq!(items(&browser)[2], "Portal 2");
    browser.click("#prev");
    browser.wait_for_text("#count", "5 of 8 documents");
    assert_eq!(items(&browser), first);

    // Two filters and a search, all at once.
    for (field, comparison, value) in [("price", "lt", "30"), ("platforms", "", "Switch")] {
        browser.choose("#filter-field", field);
        browser.click(&format!("#filter-op option[value='{comparison}']"));
        browser.fill("#filter-value", value);
        browser.click("#filter button");
        browser.wait_for_text("#chips", value);
    }
    browser.wait_for_text("#count", "3 of 3 documents");
    assert_eq!(items(&browser), ["FIFA 18", "Celeste", "Stardew Valley"]);
    browser.fill("#search", "celeste");
    browser.press(ENTER);
    browser.wait_for_text("#count", "1 of 1 document");
    assert_eq!(items(&browser), ["Celeste"]);
    browser.fill("#search", "nothing like it");
    browser.press(ENTER);
    browser.wait_for_text("#table", "No document fits these filters.");

    // A filter that the store refuses is said, and can be taken away.
    browser.click("#chips button");
    browser.click("#chips button");
    browser.click("#collections button:nth-child(2)");
    browser.wait_for_text("#table", "Gold");
}

#[test]
fn a_document_is_edited_added_and_deleted() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);

    // A changed field and a removed one; the rest is left as it is.
    edit(&browser, CELESTE);
    replace(&browser, "18.25", "20.5");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    edit(&browser, CELESTE);
    replace(&browser, "\"year\": 2018,", "");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    let saved = system.get(&format!("/api/get/games/{CELESTE}")).json();
    assert_eq!((&saved["price"], saved.get("year"), &saved["available"]), (&json!(20.5), None, &json!(41)));

    // What is not JSON, and what the store refuses, is said in the editor.
    browser.click("#add");
    browser.fill("#editor-text", "{");
    browser.click("#editor-save");
    browser.wait_for_text("#editor-problem", "This is not JSON yet");
    browser.fill("#editor-text", "{\"unknown\": 1}");
    browser.click("#editor-save");
    browser.wait("document.querySelector('#editor-problem').innerText.length > 20");
    browser.fill("#editor-text", "{\"item\": \"Hades\", \"price\": 24.99}");
    browser.click("#editor-save");
    browser.wait_for_text("#count", "9 of 9 documents");
    let hades = system.get("/api/get/games/Hades?field=item").json();
    assert_eq!(hades["price"], 24.99);

    edit(&browser, hades["_id"].as_str().unwrap());
    browser.click("#editor-delete");
    browser.wait_for_text("#editor-delete", "Really delete?");
    browser.click("#editor-delete");
    browser.wait_for_text("#count", "8 of 8 documents");
    assert_eq!(system.get("/api/get/games/Hades?field=item").status, 404);
}

#[test]
fn a_document_that_somebody_else_changed_is_shown_beside_ones_own() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);
    edit(&browser, CELESTE);
    let theirs = json!({"price": 1.5});
    assert_eq!(system.put(&format!("/api/update/games/{CELESTE}"), &theirs).status, 200);
    replace(&browser, "18.25", "20.5");
    browser.click("#editor-save");
    browser.wait_for_text("#editor-problem", "Nothing was saved");
    assert_eq!(system.get(&format!("/api/get/games/{CELESTE}")).json()["price"], 1.5);
    let marked = browser.wait_for_text("#theirs-text mark", "price");
    assert!(marked.contains("1.5"), "{marked}");
    let mine = browser.script("return document.querySelector('#editor-text').value", &[]);
    assert!(mine.as_str().unwrap().contains("20.5"), "{mine}");
    assert_eq!(browser.axe(), [""; 0]);

    // Theirs can be taken, or, with the version that was shown, overwritten.
    browser.click("#editor-take");
    browser.wait("document.querySelector('#editor-text').value.includes('1.5')");
    replace(&browser, "1.5", "2.5");
    assert_eq!(system.put(&format!("/api/update/games/{CELESTE}"), &json!({"available": 3})).status, 200);
    browser.click("#editor-save");
    browser.wait_for_text("#editor-save", "Save mine over theirs");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    let saved = system.get(&format!("/api/get/games/{CELESTE}")).json();
    assert_eq!((&saved["price"], &saved["available"]), (&json!(2.5), &json!(41)));
}

/// Adds a document in Extended JSON, as a program with a driver would.
fn add(system: &System, document: &Value) {
    let headers = [("Content-Type", "application/ejson")];
    let added = system.with("POST", "/api/add/games", &headers, document.to_string().as_bytes());
    assert_eq!(added.status, 201, "{added:?}");
}

#[test]
fn numbers_that_javascript_would_round_stay_as_they_are() {
    let (system, browser) = seeded(&[]);
    let views = json!({"$numberLong": "9007199254740993"});
    let (one, other) = ("1234567890123456789", "1234567890123456800");
    add(&system, &json!({"_id": {"$numberLong": one}, "item": "one", "stats": {"views": views, "name": "x"}}));
    add(&system, &json!({"_id": {"$numberLong": other}, "item": "other"}));
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#count", "10 of 10 documents");
    edit(&browser, one);
    replace(&browser, "\"x\"", "\"y\"");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    let path = format!("/api/get/games/{one}");
    let saved = system.with("GET", &path, &[("Accept", "application/ejson")], b"").json();
    assert_eq!(saved["stats"], json!({"views": views, "name": "y"}));
    edit(&browser, other);
    replace(&browser, "\"other\"", "\"another\"");
}

#[test]
fn an_id_that_is_spelled_like_another_opens_no_other_document() {
    let (system, browser) = seeded(&[]);
    add(&system, &json!({"_id": {"$numberInt": "5"}, "item": "a number"}));
    add(&system, &json!({"_id": "5", "item": "a text"}));
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#count", "10 of 10 documents");
    let click = |item: &str| {
        let script = "[...document.querySelectorAll('#table tr')].find(row => row.innerText.includes(arguments[0]))
            .querySelector('button').click()";
        browser.script(script, &[json!(item)]);
    };
    click("a number");
    browser.wait_for_text("#table-problem", "Another document's _id is spelled like this one, 5");
    click("a text");
    browser.wait("document.querySelector('#editor').open");
    replace(&browser, "a text", "");
}

#[test]
fn fields_may_have_names_that_every_object_of_javascript_has() {
    let (system, browser) = seeded(&[]);
    let added = system.add("games", &json!({"item": "F1", "constructor": "Ferrari"}));
    let id = added.json()["id"].as_str().unwrap().to_owned();
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#table", "Ferrari");
    let shown = browser.script("return document.querySelector('#table').innerText", &[]);
    assert!(!shown.as_str().unwrap().contains("native code"), "{shown}");
    edit(&browser, &id);
    replace(&browser, ",\n  \"constructor\": \"Ferrari\"", "");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    assert_eq!(system.get(&format!("/api/get/games/{id}")).json().get("constructor"), None);
    edit(&browser, &id);
    replace(&browser, "\"F1\"", "\"F1\", \"__proto__\": 1");
    browser.click("#editor-save");
    browser.wait("!document.querySelector('#editor').open");
    assert_eq!(system.get(&format!("/api/get/games/{id}")).json()["__proto__"], 1);
}

#[test]
fn two_clicks_on_add_add_one_document() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);
    browser.click("#add");
    browser.fill("#editor-text", "{\"item\": \"Hades\"}");
    browser.script("const save = document.querySelector('#editor-save'); save.click(); save.click()", &[]);
    browser.wait_for_text("#count", "9 of 9 documents");
    browser.wait("!document.querySelector('#editor').open");
    assert_eq!(system.get("/api/showDB/games?item=Hades").json().as_array().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_read_leaves_no_other_collections_rows() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);
    browser.devtools("Network.enable", &json!({}));
    browser.devtools("Network.setBlockedURLs", &json!({"urls": ["*/api/showDB/clients*"]}));
    browser.click("#collections button:nth-child(2)");
    browser.wait_for_text("#table-problem", "could not be reached");
    assert_eq!(column(&browser, 1), [""; 0]);
    browser.devtools("Network.setBlockedURLs", &json!({"urls": []}));
    browser.click("#reload");
    browser.wait_for_text("#table", "Gold");
    assert_eq!(browser.script("return document.querySelector('#table-problem').hidden", &[]), true);
}

#[test]
fn the_console_works_by_keyboard_alone() {
    let (system, browser) = seeded(&[]);
    open(&system, &browser);
    let focused = || browser.script("const it = document.activeElement; return it.tagName + ' ' + it.title", &[]);
    let document = Value::from("BUTTON 5a1f00000000000000000001");
    let mut presses = 0;
    while focused() != document {
        browser.press(TAB);
        presses += 1;
        assert!(presses < 60, "the documents cannot be reached with the Tab key");
    }
    browser.press(ENTER);
    browser.wait("document.querySelector('#editor').open");
    let id = browser.script("return document.activeElement.id", &[]);
    assert_eq!(id, Value::from("editor-text"));
    browser.press(ESCAPE);
    browser.wait("!document.querySelector('#editor').open");
    assert_eq!(focused(), document, "the focus is back where it was");
}
