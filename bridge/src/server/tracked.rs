//! Requests as the router gets them, and the bodies of their answers, each seen by its connection's watch.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
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
        let turn = self.activity.begin();
        let answered = self.router.call(request);
        Box::pin(async move { Ok(answered.await?.map(|body| TrackedBody { body, turn })) })
    }
}

/// An answer's body that tells whose turn it is: the client's, once it has been given a piece.
pub(super) struct TrackedBody {
    body: Body,
    turn: Turn,
}

impl hyper::body::Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.turn.of_client(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
