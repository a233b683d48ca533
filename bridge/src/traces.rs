//! OpenTelemetry: a span for each request, in the caller's trace where it sends a `traceparent`, and one inside it for what
//! MongoDB does. Exported by OTLP over HTTP. No span holds a document, a filter or a credential.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use axum::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, Span};

/// How long the collector may take for a batch of spans.
const EXPORT: Duration = Duration::from_secs(10);

/// Makes spans, or, where no collector is configured, none.
pub struct Traces(Option<(SdkTracerProvider, SdkTracer)>);

/// A request's span, while it lasts.
pub struct RequestSpan(Option<(SdkTracer, Context)>);

/// The span of an operation on MongoDB.
pub struct OperationSpan(Option<Span>);

impl Traces {
    /// With an exporter to this address.
    ///
    /// # Errors
    /// A sentence if the address is invalid.
    pub fn new(endpoint: Option<&str>) -> Result<Self, String> {
        let Some(endpoint) = endpoint else { return Ok(Traces(None)) };
        let config = ureq::Agent::config_builder().timeout_global(Some(EXPORT)).http_status_as_error(false).build();
        let client = Exporter(ureq::Agent::new_with_config(config));
        let exporter = SpanExporter::builder().with_http().with_http_client(client).with_endpoint(endpoint).build();
        let exporter = exporter.map_err(|error| format!("traces cannot be sent to {endpoint}: {error}"))?;
        let resource = Resource::builder()
            .with_service_name("data-api")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        // It exports from a thread of its own.
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("data-api");
        Ok(Traces(Some((provider, tracer))))
    }

    /// A request begins, on this route: its base and the two names after it.
    pub fn begin(&self, (base, kind, name): (&str, &str, &str), headers: &HeaderMap) -> RequestSpan {
        RequestSpan(self.0.as_ref().map(|(_, tracer)| {
            let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
            let span = tracer
                .span_builder(format!("POST {kind}/{name}"))
                .with_kind(SpanKind::Server)
                .with_attributes([
                    KeyValue::new("http.request.method", "POST"),
                    KeyValue::new("http.route", format!("{base}/{kind}/{name}")),
                ])
                .start_with_context(tracer, &caller);
            (tracer.clone(), caller.with_span(span))
        }))
    }

    /// Sends what has not been sent. It may take as long as the collector does.
    pub fn flush(&self) {
        if let Some((provider, _)) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

impl RequestSpan {
    /// What MongoDB does for the request begins.
    pub fn operation(&self, action: &'static str, namespace: (&str, &str)) -> OperationSpan {
        OperationSpan(self.0.as_ref().map(|(tracer, request)| {
            tracer
                .span_builder(format!("{action} {}.{}", namespace.0, namespace.1))
                .with_kind(SpanKind::Client)
                .with_attributes([
                    KeyValue::new("db.system.name", "mongodb"),
                    KeyValue::new("db.operation.name", action),
                    KeyValue::new("db.namespace", namespace.0.to_owned()),
                    KeyValue::new("db.collection.name", namespace.1.to_owned()),
                ])
                .start_with_context(tracer, request)
        }))
    }

    /// It is answered so.
    pub fn end(self, status: u16, failure: Option<&'static str>) {
        if let Some((_, context)) = self.0 {
            let span = context.span();
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
            if let Some(code) = failure {
                span.set_attribute(KeyValue::new("error.type", code));
            }
            // A client's mistake is not an error of the server's span.
            if status >= 500 {
                span.set_status(Status::error(failure.unwrap_or_default()));
            }
            span.end();
        }
    }
}

impl OperationSpan {
    /// MongoDB is done with it.
    pub fn end(self, failure: Option<&'static str>) {
        if let Some(mut span) = self.0 {
            if let Some(code) = failure {
                span.set_attribute(KeyValue::new("error.type", code));
                span.set_status(Status::error(code));
            }
            span.end();
        }
    }
}

/// The exporter's way to the collector. It blocks: the exporter's thread has nothing else to do.
#[derive(Debug)]
struct Exporter(ureq::Agent);

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Exporter {
    fn send_bytes<'life0, 'async_trait>(&'life0 self, request: Request<Bytes>) -> Sent<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let sent = || -> Result<Response<Bytes>, HttpError> {
            let answer = self.0.run(request.map(|body| body.to_vec()))?;
            let (head, mut body) = answer.into_parts();
            Ok(Response::from_parts(head, Bytes::from(body.with_config().limit(1024 * 1024).read_to_vec()?)))
        };
        Box::pin(std::future::ready(sent()))
    }
}
