//! A counter behind the cache: `cargo run -p fenced-cache --features redis --example counter -- redis://127.0.0.1:6379`

use std::error::Error;
use std::sync::Mutex;

use bytes::Bytes;
use fenced_cache::native::{RedisRs, TokioPlatform};
use fenced_cache::{Entry, Loaded, Ports, ReadThrough, Scope, Settings, Source, SourceError, Space};

/// What the cache stands on.
struct Native;

impl Ports for Native {
    type Connector = RedisRs;
    type Platform = TokioPlatform;
    type Observer = ();
}

/// What can go wrong with the counter itself.
#[derive(Debug)]
struct Late;

impl SourceError for Late {
    fn timed_out() -> Self {
        Late
    }

    fn outcome_unknown(&self) -> bool {
        true
    }

    fn is_outage(&self) -> bool {
        true
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    for line in run(&url).await? {
        println!("{line}");
    }
    Ok(())
}

/// Reads the counter twice, adds one, and again: what was found, and where.
pub async fn run(url: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let spaces = vec![Space { key: "counters".to_owned(), groups: vec!["all".to_owned()] }];
    let settings = Settings { spaces, ..Settings::default() };
    let cache = ReadThrough::<Native>::new(settings, RedisRs::new(url)?, TokioPlatform::default(), ());

    // The source: anything that takes a while, and that nobody changes without saying so.
    let counter = Mutex::new(0_u64);
    let read = || async {
        let number = *counter.lock().map_err(|_| Late)?;
        Ok::<_, Late>(Some(Loaded::from(Bytes::from(number.to_string()))))
    };
    let add = || async {
        *counter.lock().map_err(|_| Late)? += 1;
        Ok::<_, Late>(())
    };

    let scopes = [Scope::group("all")];
    let entry = Entry::new("counters", "visits", &scopes);
    let mut lines = Vec::new();
    for _ in 0..3 {
        for _ in 0..2 {
            let found = cache.read(&entry, read()).await.map_err(|_| "the counter is late")?;
            let text = found.value.map(|value| String::from_utf8_lossy(&value.bytes).into_owned());
            let from = if matches!(found.source, Source::Hit { .. }) { "the cache" } else { "the source" };
            lines.push(format!("{} from {from}", text.unwrap_or_default()));
        }
        cache.write("counters", &scopes, add()).await.map_err(|_| "the counter is late")?;
    }
    Ok(lines)
}
