//! The routes: one table, which the router, the index, the metrics and the tests of the documentation read.

use std::borrow::Cow;

use crate::auth::Role;
use crate::catalog::CollectionSelector;

/// A route with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// What this service is.
    About,
    /// The description of the API.
    OpenApi,
    /// What was counted.
    Metrics,
    /// The service runs.
    Live,
    /// The service and what it depends on can serve.
    Ready,
    /// Replaces the documents by the seed data.
    Init(CollectionSelector<'a>),
    /// Lists the documents.
    List(CollectionSelector<'a>),
    /// Reads one document.
    Get {
        /// The collection.
        collection: Cow<'a, str>,
        /// The document's `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// Adds documents.
    Add {
        /// The collection.
        collection: Cow<'a, str>,
    },
    /// Changes one document.
    Update {
        /// The collection.
        collection: Cow<'a, str>,
        /// The document's `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// Deletes one document.
    Delete {
        /// The collection.
        collection: Cow<'a, str>,
        /// The document's `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// Deletes every document.
    Clean(CollectionSelector<'a>),
    /// Makes every cached value invalid.
    Purge(CollectionSelector<'a>),
}

/// One row of the table.
pub struct Endpoint {
    /// The path, with `{collection}` and `{value}` where these stand. It is also found with `/api` added or left out.
    pub path: &'static str,
    /// Its name among the metrics.
    pub label: &'static str,
    /// Makes the route of what stands in the path.
    pub(super) parts: Parts,
    /// The role that it takes, if it takes one.
    pub role: Option<Role>,
    /// What it does.
    pub operations: &'static [Operation],
}

/// What a path has beside its fixed segments.
pub(super) enum Parts {
    None(Route<'static>),
    /// A collection's name, or `all`.
    Collections(for<'a> fn(CollectionSelector<'a>) -> Route<'a>),
    Collection(for<'a> fn(Cow<'a, str>) -> Route<'a>),
    Document(for<'a> fn(Cow<'a, str>, Cow<'a, str>) -> Route<'a>),
}

/// What one or more methods of an endpoint do.
pub struct Operation {
    /// The methods; `HEAD` and `OPTIONS` go without saying.
    pub methods: &'static [&'static str],
    /// Further methods where everything is `open` to everyone. `GET` among them changes something, as a `GET` should not.
    pub when_open: &'static [&'static str],
    /// What they do, in a line.
    pub does: &'static str,
}

/// Every route.
#[allow(
    clippy::redundant_closure,
    reason = "a variant's constructor is not a function for every lifetime, and fails here"
)]
pub static ENDPOINTS: [Endpoint; 13] = [
    Endpoint {
        path: "/api/",
        label: "index",
        parts: Parts::None(Route::About),
        role: None,
        operations: &[Operation::of(&["GET"], "describes this service")],
    },
    Endpoint {
        path: "/api/showDB/{collection}",
        label: "showDB",
        parts: Parts::Collections(|selector| Route::List(selector)),
        role: Some(Role::Read),
        operations: &[Operation::of(
            &["GET"],
            "the documents; all: every collection; parameters: field=value, field[op]=value, q, sort, limit, skip, after, count, fields",
        )],
    },
    Endpoint {
        path: "/api/get/{collection}/{value}",
        label: "get",
        parts: Parts::Document(|collection, value| Route::Get { collection, value }),
        role: Some(Role::Read),
        operations: &[Operation::of(&["GET"], "one document by _id or by value; parameter: field")],
    },
    Endpoint {
        path: "/api/add/{collection}",
        label: "add",
        parts: Parts::Collection(|collection| Route::Add { collection }),
        role: Some(Role::Write),
        operations: &[Operation::of(&["POST"], "inserts a document, or an array of them")],
    },
    Endpoint {
        path: "/api/update/{collection}/{value}",
        label: "update",
        parts: Parts::Document(|collection, value| Route::Update { collection, value }),
        role: Some(Role::Write),
        operations: &[
            Operation::of(&["PUT"], "sets fields of one document; parameter: field"),
            Operation::of(&["PATCH"], "applies a JSON Merge Patch; parameter: field"),
        ],
    },
    Endpoint {
        path: "/api/delete/{collection}/{value}",
        label: "delete",
        parts: Parts::Document(|collection, value| Route::Delete { collection, value }),
        role: Some(Role::Write),
        operations: &[Operation::of(&["DELETE"], "deletes one document; parameter: field")],
    },
    Endpoint {
        path: "/api/initDB/{collection}",
        label: "initDB",
        parts: Parts::Collections(|selector| Route::Init(selector)),
        role: Some(Role::Admin),
        operations: &[Operation {
            methods: &["POST"],
            when_open: &["GET"],
            does: "replaces every document by the seed data; all: in every collection that has seed data",
        }],
    },
    Endpoint {
        path: "/api/cleanDB/{collection}",
        label: "cleanDB",
        parts: Parts::Collections(|selector| Route::Clean(selector)),
        role: Some(Role::Admin),
        operations: &[Operation {
            methods: &["POST", "DELETE"],
            when_open: &["GET"],
            does: "deletes every document; all: in every collection",
        }],
    },
    Endpoint {
        path: "/api/purge/{collection}",
        label: "purge",
        parts: Parts::Collections(|selector| Route::Purge(selector)),
        role: Some(Role::Admin),
        operations: &[Operation::of(
            &["POST"],
            "makes every cached value of the collection invalid; all: of every collection",
        )],
    },
    Endpoint {
        path: "/openapi.json",
        label: "openapi",
        parts: Parts::None(Route::OpenApi),
        role: None,
        operations: &[Operation::of(&["GET"], "the description of the API")],
    },
    Endpoint {
        path: "/metrics",
        label: "metrics",
        parts: Parts::None(Route::Metrics),
        role: Some(Role::Admin),
        operations: &[Operation::of(&["GET"], "what was counted, for Prometheus")],
    },
    Endpoint {
        path: "/health/live",
        label: "live",
        parts: Parts::None(Route::Live),
        role: None,
        operations: &[Operation::of(&["GET"], "whether the service runs")],
    },
    Endpoint {
        path: "/health/ready",
        label: "ready",
        parts: Parts::None(Route::Ready),
        role: None,
        operations: &[Operation::of(&["GET"], "whether Redis and the Data API answer")],
    },
];

/// Every method, in the order in which `Allow` lists them.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

impl Endpoint {
    /// Whether it takes the method. Only where everything is `open` to everyone does a `GET` seed or empty a collection.
    pub fn takes(&self, method: &str, open: bool) -> bool {
        match method {
            "OPTIONS" => true,
            "HEAD" => self.takes("GET", open),
            _ => self.operations.iter().any(|operation| operation.methods(open).any(|taken| taken == method)),
        }
    }

    /// The methods that it takes, as the header `Allow` lists them.
    pub fn allow(&self, open: bool) -> String {
        METHODS.into_iter().filter(|method| self.takes(method, open)).collect::<Vec<_>>().join(", ")
    }

    /// Whether a `GET` changes nothing (RFC 9110, section 9.2.1), as a `GET` should.
    pub fn is_safe(&self) -> bool {
        !self.operations.iter().any(|operation| operation.when_open.contains(&"GET"))
    }
}

impl Operation {
    const fn of(methods: &'static [&'static str], does: &'static str) -> Self {
        Operation { methods, when_open: &[], does }
    }

    /// The methods, where access is open or where it is closed.
    pub fn methods(&self, open: bool) -> impl Iterator<Item = &'static str> {
        let further = if open { self.when_open } else { &[] };
        self.methods.iter().chain(further).copied()
    }
}

impl Route<'_> {
    /// The collection that the route names, if it names one.
    pub fn collection(&self) -> Option<&str> {
        match self {
            Route::Init(CollectionSelector::One(collection))
            | Route::List(CollectionSelector::One(collection))
            | Route::Clean(CollectionSelector::One(collection))
            | Route::Purge(CollectionSelector::One(collection))
            | Route::Get { collection, .. }
            | Route::Add { collection }
            | Route::Update { collection, .. }
            | Route::Delete { collection, .. } => Some(collection),
            Route::About
            | Route::OpenApi
            | Route::Metrics
            | Route::Live
            | Route::Ready
            | Route::Init(CollectionSelector::All)
            | Route::List(CollectionSelector::All)
            | Route::Clean(CollectionSelector::All)
            | Route::Purge(CollectionSelector::All) => None,
        }
    }

    /// Whether it is asked by what watches over the service, which nobody should limit.
    pub fn is_health(&self) -> bool {
        matches!(self, Route::Live | Route::Ready)
    }
}
