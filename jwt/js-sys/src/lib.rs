//! Nothing.
//!
//! The JWT library names the crate `js-sys` as a dependency for every WebAssembly target, and uses it in browsers only. With
//! all that makes it, it takes an eighth of the time in which the component is compiled, and none of it is in the component.
//! The workspace's `Cargo.toml` puts this in its place. A library that does call JavaScript fails to compile.
