//! The bridge beside the driver: the same operations on the same MongoDB, once over HTTP and once without it.
//!
//! `cargo xtask bench bridge` starts a server, a bridge and this. By hand: `MONGODB_URI`, `BRIDGE_URL`, `BRIDGE_KEY` and,
//! for the memory of a large answer, `BRIDGE_PID`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark that fails has nothing else to do")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use mongodb::bson::{Document, RawDocumentBuf, doc, rawdoc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use mongodb::{Client, Collection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// In how many rounds driver and bridge take turns: what disturbs one disturbs the other, and a collection that grows grows
/// for both.
const ROUNDS: u32 = 5;

/// How long each is measured in a round, and how long it warms up before.
const MEASURE: Duration = Duration::from_secs(1);
const WARM_UP: Duration = Duration::from_millis(200);

const DATABASE: &str = "bench_bridge";

#[derive(Clone, Copy, Debug)]
enum Operation {
    FindOne,
    InsertOne,
    Find1000,
}

struct Sides {
    mongo: Collection<RawDocumentBuf>,
    inserted: Collection<RawDocumentBuf>,
    host: String,
    key: String,
}

/// Operations a second, and percentiles of their latency in microseconds.
struct Measured {
    rate: f64,
    p50: f64,
    p99: f64,
}

impl Measured {
    /// Of the latencies of all rounds.
    fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        let at = |part: usize| latencies[(latencies.len() * part / 100).min(latencies.len() - 1)].as_secs_f64() * 1e6;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let count = latencies.len() as f64;
        Measured { rate: count / (ROUNDS * MEASURE).as_secs_f64(), p50: at(50), p99: at(99) }
    }
}

#[tokio::main]
async fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let mut options = ClientOptions::parse(variable("MONGODB_URI")).await.unwrap();
    options.max_pool_size = Some(100);
    options.write_concern = Some(WriteConcern::builder().w(Acknowledgment::Majority).build());
    let database = Client::with_options(options).unwrap().database(DATABASE);
    let host = variable("BRIDGE_URL").strip_prefix("http://").expect("a plain http:// address").to_owned();
    let (mongo, inserted) = (database.collection("c"), database.collection("i"));
    let sides = Arc::new(Sides { mongo, inserted, host, key: variable("BRIDGE_KEY") });
    database.drop().await.unwrap();
    let documents = (0..1000).map(|n| {
        rawdoc! { "_id": n, "item": "The Legend of Zelda", "publisher": "Nintendo", "year": 2017, "price": 59.99,
        "platforms": ["Switch", "Wii U"] }
    });
    sides.mongo.insert_many(documents).await.unwrap();

    println!("                       |         driver            |         bridge            | bridge / driver");
    println!("operation  connections |    ops/s  p50 µs   p99 µs |    ops/s  p50 µs   p99 µs | rate  p50 added");
    for operation in [Operation::FindOne, Operation::InsertOne, Operation::Find1000] {
        for connections in [1, 16, 64] {
            let (mut driver, mut bridge) = (Vec::new(), Vec::new());
            for round in 0..ROUNDS {
                // Nobody is always the first.
                let bridge_first = round % 2 == 0;
                for by_bridge in [bridge_first, !bridge_first] {
                    let seen = measure(&sides, operation, connections, by_bridge).await;
                    if by_bridge { &mut bridge } else { &mut driver }.extend(seen);
                }
            }
            let (driver, bridge) = (Measured::of(driver), Measured::of(bridge));
            println!(
                "{:<10} {connections:>11} | {:>8.0} {:>7.0} {:>8.0} | {:>8.0} {:>7.0} {:>8.0} | {:>4.2}  {:>+6.0} µs",
                format!("{operation:?}"),
                driver.rate,
                driver.p50,
                driver.p99,
                bridge.rate,
                bridge.p50,
                bridge.p99,
                bridge.rate / driver.rate,
                bridge.p50 - driver.p50,
            );
        }
    }
    if let Ok(pid) = std::env::var("BRIDGE_PID") {
        memory(&sides, &pid).await;
    }
    database.drop().await.unwrap();
}

async fn measure(sides: &Arc<Sides>, operation: Operation, connections: usize, bridge: bool) -> Vec<Duration> {
    let begin = Instant::now() + WARM_UP;
    let workers: Vec<_> = (0..connections)
        .map(|worker| {
            let sides = Arc::clone(sides);
            tokio::spawn(async move { work(&sides, operation, worker, bridge, begin).await })
        })
        .collect();
    let mut latencies = Vec::new();
    for worker in workers {
        latencies.extend(worker.await.unwrap());
    }
    latencies
}

async fn work(sides: &Sides, operation: Operation, worker: usize, bridge: bool, begin: Instant) -> Vec<Duration> {
    let mut http = if bridge { Some(Http::connect(sides).await) } else { None };
    let mut latencies = Vec::new();
    let mut id = worker * 37;
    loop {
        id = (id + 7) % 1000;
        let started = Instant::now();
        if started > begin + MEASURE {
            return latencies;
        }
        match &mut http {
            Some(http) => http.run(operation, id).await,
            None => direct(sides, operation, id).await,
        }
        if started > begin {
            latencies.push(started.elapsed());
        }
    }
}

async fn direct(sides: &Sides, operation: Operation, id: usize) {
    let id = i32::try_from(id).unwrap();
    match operation {
        Operation::FindOne => assert!(sides.mongo.find_one(doc! { "_id": id }).await.unwrap().is_some()),
        Operation::InsertOne => drop(sides.inserted.insert_one(rawdoc! { "item": "Doom", "n": id }).await.unwrap()),
        Operation::Find1000 => {
            let mut cursor = sides.mongo.find(Document::new()).batch_size(1001).batch().await.unwrap();
            let mut count = 0;
            while let Some(batch) = cursor.next().await {
                count += batch.unwrap().doc_slices().unwrap().into_iter().count();
            }
            assert_eq!(count, 1000);
        }
    }
}

/// A connection to the bridge that is kept: as little as a client can do, so that the bridge is what is measured.
struct Http {
    connection: TcpStream,
    host: String,
    key: String,
    buffer: Vec<u8>,
}

impl Http {
    async fn connect(sides: &Sides) -> Self {
        let connection = TcpStream::connect(&sides.host).await.unwrap();
        connection.set_nodelay(true).unwrap();
        Http { connection, host: sides.host.clone(), key: sides.key.clone(), buffer: vec![0; 1 << 20] }
    }

    async fn run(&mut self, operation: Operation, id: usize) {
        let (action, collection, fields) = match operation {
            Operation::FindOne => ("findOne", "c", format!(r#""filter":{{"_id":{id}}}"#)),
            Operation::InsertOne => ("insertOne", "i", format!(r#""document":{{"item":"Doom","n":{id}}}"#)),
            Operation::Find1000 => ("find", "c", r#""filter":{}"#.to_owned()),
        };
        self.send(action, collection, &fields).await;
        let mut have = 0;
        loop {
            let read = self.connection.read(&mut self.buffer[have..]).await.unwrap();
            assert!(read > 0, "the bridge closed the connection");
            have += read;
            let head = self.buffer[..have].windows(4).position(|window| window == b"\r\n\r\n");
            let Some(head) = head else { continue };
            let text = std::str::from_utf8(&self.buffer[..head]).unwrap().to_ascii_lowercase();
            let length = text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            if have >= head + 4 + length.expect("a length").parse::<usize>().unwrap() {
                assert!(text.starts_with("http/1.1 20"), "{}", String::from_utf8_lossy(&self.buffer[..have]));
                return;
            }
        }
    }

    async fn send(&mut self, action: &str, collection: &str, fields: &str) {
        let body =
            format!(r#"{{"dataSource":"mongodb-atlas","database":"{DATABASE}","collection":"{collection}",{fields}}}"#);
        let request = format!(
            "POST /app/bench/endpoint/data/v1/action/{action} HTTP/1.1\r\nHost: {}\r\napiKey: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            self.key,
            body.len()
        );
        self.connection.write_all(request.as_bytes()).await.unwrap();
    }
}

/// What an answer of 300 MB costs the bridge, by the kernel's own high-water mark.
async fn memory(sides: &Sides, pid: &str) {
    let large = sides.mongo.clone_with_type::<Document>();
    large.delete_many(doc! {}).await.unwrap();
    let text = "x".repeat(1_000_000);
    for n in 0..300 {
        large.insert_one(doc! { "_id": n, "text": &text }).await.unwrap();
    }
    let mark = |name: &str| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
    };
    tokio::time::sleep(Duration::from_secs(1)).await;
    let idle = mark("VmRSS:");
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
    let started = Instant::now();
    let mut http = Http::connect(sides).await;
    http.send("find", "c", r#""filter":{}"#).await;
    let (mut bytes, mut tail) = (0, Vec::new());
    while !tail.ends_with(b"0\r\n\r\n") {
        let read = http.connection.read(&mut http.buffer).await.unwrap();
        assert!(read > 0, "the answer broke off");
        bytes += read;
        tail.extend_from_slice(&http.buffer[read.saturating_sub(5)..read]);
        tail.drain(..tail.len().saturating_sub(5));
    }
    let (seconds, peak) = (started.elapsed().as_secs_f64(), mark("VmHWM:"));
    println!(
        "an answer of {} MB in {seconds:.1} s: {idle} MiB before, {peak} MiB at most, {} MiB more",
        bytes / 1_000_000,
        peak.saturating_sub(idle)
    );
}
