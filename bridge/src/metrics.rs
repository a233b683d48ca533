//! What is counted, for Prometheus: requests by action and outcome, their latencies, those in flight, and the driver's pool.

use std::sync::Arc;
use std::time::Instant;

use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// All counters, and the registry that spells them.
pub struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram>,
    in_flight: Gauge,
    pool: Pool,
}

/// Both are from small, fixed sets: a label that a client could choose would fill the memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    action: &'static str,
    /// `ok`, the `error_code`, or `gone` where the client left.
    outcome: &'static str,
}

/// The driver's connections.
#[derive(Clone, Debug, Default)]
struct Pool {
    open: Gauge,
    in_use: Gauge,
    waiting: Gauge,
    opened: Counter,
}

/// In seconds: from what the bridge adds itself to the default time limit.
const BUCKETS: [f64; 16] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 60.0, 300.0];

impl Metrics {
    /// All at zero.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("data_api");
        let requests = Family::<Labels, Counter>::default();
        let seconds = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let (in_flight, pool) = (Gauge::default(), Pool::default());
        registry.register("requests", "Requests answered", requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time from a request's head to its answer's",
            Unit::Seconds,
            seconds.clone(),
        );
        registry.register("requests_in_flight", "Requests being worked on", in_flight.clone());
        registry.register("mongodb_connections", "Connections to MongoDB", pool.open.clone());
        registry.register("mongodb_connections_in_use", "Connections that an operation uses", pool.in_use.clone());
        registry.register("mongodb_operations_waiting", "Operations waiting for a connection", pool.waiting.clone());
        registry.register("mongodb_connections_opened", "Connections ever opened", pool.opened.clone());
        Arc::new(Metrics { registry, requests, seconds, in_flight, pool })
    }

    /// As Prometheus reads it.
    ///
    /// # Errors
    /// Where it cannot be written; never, to memory.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// A request begins.
    pub fn begin(self: &Arc<Self>, action: &'static str) -> InFlight {
        self.in_flight.inc();
        InFlight { metrics: Arc::clone(self), action, since: Instant::now(), outcome: "gone" }
    }

    /// Told by the driver what its connections do.
    pub fn pool_events(&self) -> EventHandler<CmapEvent> {
        let pool = self.pool.clone();
        EventHandler::callback(move |event| {
            match event {
                CmapEvent::ConnectionCreated(_) => {
                    pool.opened.inc();
                    pool.open.inc()
                }
                CmapEvent::ConnectionClosed(_) => pool.open.dec(),
                CmapEvent::ConnectionCheckoutStarted(_) => pool.waiting.inc(),
                CmapEvent::ConnectionCheckoutFailed(_) => pool.waiting.dec(),
                CmapEvent::ConnectionCheckedOut(_) => {
                    pool.waiting.dec();
                    pool.in_use.inc()
                }
                CmapEvent::ConnectionCheckedIn(_) => pool.in_use.dec(),
                _ => 0,
            };
        })
    }
}

/// A request in flight. Dropped without an outcome, its client has gone.
pub struct InFlight {
    metrics: Arc<Metrics>,
    action: &'static str,
    since: Instant,
    outcome: &'static str,
}

impl InFlight {
    /// It is a request for this action, which its route did not say.
    pub fn action(&mut self, action: &'static str) {
        self.action = action;
    }

    /// It was answered so.
    pub fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let labels = Labels { action: self.action, outcome: self.outcome };
        self.metrics.in_flight.dec();
        self.metrics.requests.get_or_create(&labels).inc();
        self.metrics.seconds.get_or_create(&labels).observe(self.since.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_by_their_outcome() {
        let metrics = Metrics::new();
        metrics.begin("find").end("ok");
        drop(metrics.begin("find"));
        let _in_flight = metrics.begin("insertOne");
        let text = metrics.text().unwrap();
        for line in [
            r#"data_api_requests_total{action="find",outcome="ok"} 1"#,
            r#"data_api_requests_total{action="find",outcome="gone"} 1"#,
            r#"data_api_request_duration_seconds_count{action="find",outcome="ok"} 1"#,
            "data_api_requests_in_flight 1",
            "data_api_mongodb_connections 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in:\n{text}");
        }
    }
}
