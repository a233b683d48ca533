//! The site in headless Chromium, on the whole running system: each thing that its pages can do, once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod access;
mod browser;
mod data;
mod documentation;
mod everywhere;
mod experiments;
mod image;
mod start;
mod system;

use browser::Browser;
use system::System;

/// A system with the sample data, and a browser.
fn seeded(variables: &[(&str, &str)]) -> (System, Browser) {
    let system = System::start(variables);
    assert_eq!(system.post("/api/initDB/all").status, 200);
    (system, Browser::start())
}
