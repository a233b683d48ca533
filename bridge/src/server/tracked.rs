//! Requests as the router gets them, and the bodies of their answers, each seen by its connection's watch.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use bytes::{Buf, Bytes};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;

use super::activity::{Activity, Turn};
use crate::client::Client;

/// Serves the requests of one connection.
pub(super) struct Requests {
    pub(super) router: TowerToHyperService<Router>,
    pub(super) activity: Arc<Activity>,
    pub(super) peer: IpAddr,
    pub(super) trusted: Arc<[IpNet]>,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Response<TrackedBody>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let client = Client::new(self.peer, request.headers(), &self.trusted);
        request.extensions_mut().insert(client);
        let turn = Arc::new(self.activity.begin());
        let answered = self.router.call(request);
        Box::pin(async move { Ok(answered.await?.map(|body| TrackedBody { body, turn })) })
    }
}

/// An answer's body that tells whose turn it is: the client's, once it has been given a piece, until that has left.
pub(super) struct TrackedBody {
    body: Body,
    turn: Arc<Turn>,
}

impl hyper::body::Body for TrackedBody {
    type Data = TrackedBytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedBytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.turn.of_client(frame.is_ready());
        let tracked = |bytes| TrackedBytes { bytes, turn: Arc::clone(&self.turn) };
        frame.map_ok(|frame| frame.map_data(tracked))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of a body. In HTTP/2 it waits until the client makes room for it, and the body may have ended long before: the
/// request goes on until the last of its pieces is dropped.
pub(super) struct TrackedBytes {
    bytes: Bytes,
    turn: Arc<Turn>,
}

impl Buf for TrackedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.turn.taken();
    }
}
