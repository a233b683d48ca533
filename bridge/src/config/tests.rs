//! Settings from flags and from a file.

use clap::CommandFactory;

use super::*;

fn checked(flags: &[&str]) -> Result<(), String> {
    Config::try_parse_from(["data-api"].iter().chain(flags)).map_err(|error| error.to_string())?.check()
}

/// The settings from these flags and a file with this text.
fn with_file(name: &str, text: &str, flags: &[&str]) -> Result<Config, String> {
    let path = std::env::temp_dir().join(format!("data-api-{name}-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let path_text = path.to_str().unwrap().to_owned();
    let result = Config::read(["data-api", "--config", &path_text].iter().chain(flags));
    std::fs::remove_file(path).unwrap();
    result.map_err(|error| error.to_string())
}

#[test]
fn credentials_or_none_on_loopback() {
    assert!(checked(&["--api-key", "k"]).is_ok());
    assert!(checked(&["--access-file", "f"]).is_ok());
    assert!(checked(&["--access-file", "f", "--api-key", "k"]).is_ok());
    assert!(checked(&["--no-auth"]).is_ok());
    assert!(checked(&["--no-auth", "--listen", "[::1]:0"]).is_ok());
    assert!(checked(&["--api-key", "k", "--listen", "0.0.0.0:4000"]).is_ok());
    for refused in [
        &[][..],
        &["--no-auth", "--listen", "0.0.0.0:4000"],
        &["--no-auth", "--api-key", "k"],
        &["--no-auth", "--access-file", "f"],
        &["--no-auth", "--cors-origin", "*"],
        &["--no-auth", "--cors-origin", "https://shop.example,null"],
        &["--api-key", ""],
        &["--api-key", "a, b"],
        &["--api-key", "k", "--cors-origin", "https://*"],
        &["--api-key", "k", "--cors-header", "a b"],
        &["--api-key", "k", "--public-url", "data.shop.example"],
        &["--api-key", "k", "--public-url", "https://data.shop.example/?x"],
        &["--api-key", "k", "--return-type", "bson"],
        &["--api-key", "k", "--data-sources", "mongodb://no-name"],
        &["--api-key", "k", "--data-sources", "a="],
        &["--api-key", "k", "--data-sources", "a=mongodb://x", "--data-sources", "a=mongodb://y"],
        &["--api-key", "k", "--mongodb-uri", "mongodb://x", "--data-sources", "mongodb-atlas=mongodb://y"],
        &["--api-key", "k", "--cors-origin", "https://a.example/page"],
        &["--api-key", "k", "--tls-certificate", "c"],
        &["--api-key", "k", "--max-requests", "0"],
        &["--api-key", "k", "--write-concern", "0"],
        &["--api-key", "k", "--read-preference", "closest"],
    ] {
        assert!(checked(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn nothing_secret_is_printed() {
    let flags = ["data-api", "--api-key", "s3cret", "--api-key", "a,b", "--mongodb-uri", "mongodb://u:s3cret@h"];
    let flags =
        flags.iter().chain(&["--data-sources", "b=mongodb://u:s3cret@h", "--data-sources", "mongodb://u:s3cret@h"]);
    let config = Config::try_parse_from(flags).unwrap();
    assert!(!config.check().unwrap_err().contains("s3cret"));
    assert_eq!(config.api_keys.len(), 3);
    assert!(!format!("{config:?}").contains("s3cret"));
    Config::command().debug_assert();
}

#[test]
fn a_file_has_the_flags_names() {
    let text = r#"
        listen = "127.0.0.1:4999"
        api-key = ["a", "b"]
        max-documents = 7
        operation-timeout = "5s"
        no-auth = false
        log-format = "json"
    "#;
    let config = with_file("names", text, &["--max-documents", "8"]).unwrap();
    assert_eq!(config.listen.port(), 4999);
    assert_eq!(config.api_keys.len(), 2);
    assert_eq!((config.max_documents, config.operation_timeout.as_secs()), (8, 5), "a flag wins");
    assert_eq!((config.log_format, config.no_auth), (LogFormat::Json, false));
    assert!(with_file("flag", "no-auth = true", &[]).unwrap().no_auth);
}

#[test]
fn several_data_sources() {
    let names = |config: &Config| -> Vec<(String, String)> {
        let sources = config.sources().into_iter();
        sources.map(|source| (source.name, source.uri.reveal().to_owned())).collect()
    };
    let pair = |name: &str, uri: &str| (name.to_owned(), uri.to_owned());
    let mut config = Config::try_parse_from(["data-api"]).unwrap();
    // The environment may have one: these tests run beside others that need it.
    config.mongodb_uri = None;
    assert_eq!(names(&config), [pair("mongodb-atlas", "mongodb://127.0.0.1:27017")]);
    let text = "[data-sources]\nCluster0 = \"mongodb://a,b/?x=y\"\nshop = \"mongodb://c\"";
    let mut config = with_file("sources", text, &[]).unwrap();
    config.mongodb_uri = None;
    assert_eq!(names(&config), [pair("Cluster0", "mongodb://a,b/?x=y"), pair("shop", "mongodb://c")]);
    let config = with_file("sources-and-one", text, &["--mongodb-uri", "mongodb://d", "--data-source", "d"]).unwrap();
    assert_eq!(names(&config)[0], pair("d", "mongodb://d"));
    assert_eq!(names(&config).len(), 3);
    let error = with_file("sources-wrong", "[data-sources]\na = 1", &[]).unwrap_err();
    assert!(error.contains("`data-sources` has a value of the wrong type"), "{error}");
}

#[test]
fn what_a_file_must_not_say() {
    for (text, why) in [
        ("max-document = 7", "the setting `max-document` is unknown"),
        ("config = \"x\"", "the setting `config` is unknown"),
        ("max_documents = 7", "the setting `max_documents` is unknown"),
        ("[limits]\nmax-documents = 7", "the setting `limits` is unknown"),
        ("max-documents = [7]", "`max-documents` has a value of the wrong type"),
        ("max-documents = \"many\"", "'many' for '--max-documents"),
        ("max-documents = ", "is not usable: line 1: "),
    ] {
        let error = with_file("wrong", text, &[]).unwrap_err();
        assert!(error.contains(why), "{text}: {error}");
    }
    let error = with_file("secret", "\nmongodb-uri = \"mongodb://u:s3cret@h", &[]).unwrap_err();
    assert!(error.contains("line 2: ") && !error.contains("s3cret"), "{error}");
    assert!(Config::read(["data-api", "--config", "/nowhere/x.toml"]).is_err());
}
