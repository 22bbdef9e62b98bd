//! The evidence port: where received data is kept, sealed, outside the log.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use domain::{OperationId, RequestId};

/// A boxed future, so that the port can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps what partners sent. The `vault` edge implements it over an object store; tests keep it in memory.
pub trait Evidence: Send + Sync {
    /// Keeps the data of one operation, sealed under the request's erasable key, and answers its reference. Storing the same
    /// operation again replaces it.
    fn keep<'a>(
        &'a self,
        request: RequestId,
        operation: OperationId,
        data: Bytes,
    ) -> BoxFuture<'a, Result<String, EvidenceError>>;
    /// Reads it back.
    fn fetch<'a>(&'a self, request: RequestId, reference: &'a str) -> BoxFuture<'a, Result<Bytes, EvidenceError>>;
}

/// Why evidence can't be kept or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Nothing lies there.
    #[error("no evidence under this reference")]
    Missing,
    /// Its key was erased.
    #[error("the evidence was erased")]
    Erased,
    /// It was altered.
    #[error("the evidence fails authentication")]
    Forged,
    /// The store can't be reached or written.
    #[error("the evidence store failed: {0}")]
    Store(String),
}
