//! What holds for every page: small screens and large, light and dark, no request elsewhere, nothing for axe-core to find.
//! The README's screenshots are made here, into `target/site-tests`; with `README_IMAGES=1` in the environment, into
//! `docs/images`.

use std::env;

use testkit::project;

use super::browser::Browser;
use super::seeded;
use super::system::System;

const PAGES: [&str; 3] = ["/", "/console", "/docs"];
/// The largest of the README's images.
const MAX_IMAGE_BYTES: u64 = 150_000;

/// Brings a page to where it has something to show.
fn show(system: &System, browser: &Browser, page: &str) {
    browser.open(&format!("{}{page}", system.base_url()));
    match page {
        "/" => {
            browser.click("#read");
            browser.wait_for_text("#says", "Celeste costs");
            browser.click("#again");
            browser.wait_for_text("#says .badge", "HIT");
        }
        "/console" => {
            browser.wait_for_text("#count", "8 of 8 documents");
            browser.click("#write button");
            browser.wait_for_text("#write output", "The write took");
        }
        _ => {
            browser.wait_for_text("main", "With curl");
        }
    }
}

#[test]
fn pages_fit_every_screen_and_axe_finds_nothing() {
    let (system, browser) = seeded(&[]);
    for (width, height, colours) in [(360, 780, "light"), (1360, 900, "light"), (1360, 900, "dark")] {
        browser.look(width, height, colours);
        for page in PAGES {
            show(&system, &browser, page);
            let found = browser.axe();
            assert_eq!(found, [""; 0], "{page} at {width}, {colours}");
            let scrolls = browser.script("return document.documentElement.scrollWidth", &[]);
            assert_eq!(scrolls, width, "{page} at {width}");
        }
    }
}

#[test]
fn pages_ask_nobody_but_the_store() {
    let (system, browser) = seeded(&[]);
    for page in PAGES {
        show(&system, &browser, page);
        let script = "return performance.getEntriesByType('resource').map(entry => entry.name)";
        for url in browser.script(script, &[]).as_array().unwrap() {
            assert!(url.as_str().unwrap().starts_with(system.base_url()), "{page} asked for {url}");
        }
    }
    // A script or a style that the policy refused would be among them.
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn the_screenshots_of_the_readme() {
    let (system, browser) = seeded(&[("cache_ttl_seconds", "5")]);
    let folder = match env::var_os("README_IMAGES") {
        Some(_) => project::root().join("docs/images"),
        None => project::target().join("site-tests"),
    };
    std::fs::create_dir_all(&folder).unwrap();
    browser.look(1360, 760, "light");
    show(&system, &browser, "/");
    browser.screenshot(&folder.join("start.png"));

    browser.look(1360, 1220, "light");
    browser.open(&format!("{}/console", system.base_url()));
    browser.wait_for_text("#count", "8 of 8 documents");
    browser.click("#expiry button");
    browser.wait_for_text("#expiry output", "lived for");
    browser.click("#stampede button");
    browser.wait_for_text("#stampede output", "100 readers");
    browser.click("#write button");
    browser.wait_for_text("#write output", "The write took");
    browser.click("#reload");
    browser.click("#reload");
    browser.wait_for_text("#last .badge", "HIT");
    browser.script("document.activeElement.blur(); scrollTo(0, 0)", &[]);
    browser.screenshot(&folder.join("console.png"));
    for name in ["start.png", "console.png"] {
        let length = std::fs::metadata(folder.join(name)).unwrap().len();
        assert!((10_000..MAX_IMAGE_BYTES).contains(&length), "{name}: {length} bytes");
    }
}
