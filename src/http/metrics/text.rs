//! What Prometheus reads: its text format, version 0.0.4.

use std::fmt::Write;

use super::layout::{Family, Labels, Layout, Place, Series, bounds};

/// The media type.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the counts are of. It is a label of every counter: Prometheus would take the counts of one instance for those of
/// all, after a reset, and count everything twice once Redis is back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything that all instances have added in Redis.
    All,
    /// What this instance has counted since it began, as long as Redis cannot be asked.
    Instance,
}

/// What is to be told.
pub struct Report<'a> {
    /// What was counted, in the layout's order.
    pub counts: &'a [u64],
    /// What the counts are of.
    pub scope: Scope,
    /// Whether this instance leaves Redis alone at the moment.
    pub circuit_open: bool,
}

impl Report<'_> {
    /// Spells it.
    pub fn text(&self, layout: &Layout) -> String {
        let mut text = String::with_capacity(32 * 1024);
        let scope = match self.scope {
            Scope::All => "all",
            Scope::Instance => "instance",
        };
        for Family { name, help, series } in layout.families() {
            let is_histogram = series.iter().any(|series| matches!(series.place, Place::Histogram(_)));
            head(&mut text, name, help, if is_histogram { "histogram" } else { "counter" });
            for Series { labels, place } in series {
                let comma = if matches!(labels, Labels::None) { "" } else { "," };
                let labels = format!("scope=\"{scope}\"{comma}{labels}");
                match place {
                    Place::Counter(at) => line(&mut text, format_args!("{name}{{{labels}}} {}", self.count(at))),
                    Place::Histogram(at) => self.histogram(&mut text, name, &labels, at),
                }
            }
        }
        for (name, help, on) in [
            (
                "store_cache_circuit_open",
                "1 while the instance that answers leaves Redis alone, since it could not be reached.",
                self.circuit_open,
            ),
            (
                "store_metrics_complete",
                "1 where the counts are those of all instances; 0 where Redis could not be asked for them, and they are those \
                 of the instance that answers.",
                self.scope == Scope::All,
            ),
        ] {
            head(&mut text, name, help, "gauge");
            line(&mut text, format_args!("{name} {}", u8::from(on)));
        }
        text
    }

    fn histogram(&self, text: &mut String, name: &str, labels: &str, at: usize) {
        let mut count = 0_u64;
        let mut place = at;
        for bound in bounds() {
            count = count.saturating_add(self.count(place));
            line(text, format_args!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}"));
            place += 1;
        }
        let microseconds = self.count(place);
        let (seconds, rest) = (microseconds / 1_000_000, microseconds % 1_000_000);
        line(text, format_args!("{name}_sum{{{labels}}} {seconds}.{rest:06}"));
        line(text, format_args!("{name}_count{{{labels}}} {count}"));
    }

    fn count(&self, at: usize) -> u64 {
        self.counts.get(at).copied().unwrap_or(0)
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up_and_the_sum_is_in_seconds() {
        let layout = Layout::default();
        let mut counts = vec![0; layout.size()];
        let names = layout.names(|_| true);
        let mut set = |name: &str, count| counts[names.iter().position(|known| known == name).unwrap()] = count;
        set(r#"store_cache_duration_seconds{operation="read",le="0.001"}"#, 2);
        set(r#"store_cache_duration_seconds{operation="read",le="+Inf"}"#, 1);
        set(r#"store_cache_duration_seconds{operation="read",sum="microseconds"}"#, 12_000_345);
        set(r#"store_requests_total{route="get",status="2xx"}"#, 7);
        let text = Report { counts: &counts, scope: Scope::All, circuit_open: true }.text(&layout);
        for line in [
            "# TYPE store_requests_total counter",
            r#"store_requests_total{scope="all",route="get",status="2xx"} 7"#,
            r#"store_cache_circuit_opened_total{scope="all"} 0"#,
            "# TYPE store_cache_duration_seconds histogram",
            r#"store_cache_duration_seconds_bucket{scope="all",operation="read",le="0.0005"} 0"#,
            r#"store_cache_duration_seconds_bucket{scope="all",operation="read",le="0.001"} 2"#,
            r#"store_cache_duration_seconds_bucket{scope="all",operation="read",le="10.0"} 2"#,
            r#"store_cache_duration_seconds_bucket{scope="all",operation="read",le="+Inf"} 3"#,
            r#"store_cache_duration_seconds_sum{scope="all",operation="read"} 12.000345"#,
            r#"store_cache_duration_seconds_count{scope="all",operation="read"} 3"#,
            "store_cache_circuit_open 1",
            "store_metrics_complete 1",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        }
        let alone = Report { counts: &counts, scope: Scope::Instance, circuit_open: false }.text(&layout);
        assert!(alone.contains(r#"{scope="instance",route="get",status="2xx"} 7"#), "{alone}");
        assert!(alone.ends_with("store_metrics_complete 0\n"), "{alone}");
    }
}
