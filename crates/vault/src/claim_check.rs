//! The claim-check store: evidence, and letters too large for a record, as sealed objects.
//!
//! An object is one format byte, then nonce, ciphertext and tag. A request's evidence is sealed under the request's erasable key
//! and bound to request and operation; its reference is its path, `evidence/<first two hex digits>/<request>/<operation>`.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use domain::{OperationId, RequestId};
use fleet::evidence::{BoxFuture, Evidence, EvidenceError};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::cipher::{SealingKey, associated_data};
use crate::keystore::{KeyName, Keystore, KeystoreError};

/// Keeps sealed objects outside the log. Implements [`Evidence`].
pub struct ClaimCheck {
    objects: Arc<dyn ObjectStore>,
    keystore: Arc<Keystore>,
}

/// The format of an object: sealed in one piece.
const WHOLE: u8 = 1;

// === impl ClaimCheck ===

impl Evidence for ClaimCheck {
    fn keep<'a>(
        &'a self,
        request: RequestId,
        operation: OperationId,
        data: Bytes,
    ) -> BoxFuture<'a, Result<String, EvidenceError>> {
        Box::pin(async move {
            // The key is durable before anything is sealed under it.
            let key = self.key(Keystore::key_for, request).await?;
            let sealed = key.seal_at_random(&bound_to(request, operation), &data).map_err(KeystoreError::from)?;
            let reference = evidence_path(request, operation);
            self.put(&reference, sealed.into()).await?;
            Ok(reference)
        })
    }

    fn fetch<'a>(&'a self, request: RequestId, reference: &'a str) -> BoxFuture<'a, Result<Bytes, EvidenceError>> {
        Box::pin(async move {
            let (owner, operation) = parse_evidence_path(reference).ok_or(EvidenceError::Missing)?;
            if owner != request {
                return Err(EvidenceError::Forged);
            }
            let key = self.key(Keystore::find, request).await?;
            let sealed = self.get(reference).await?;
            let data = key.open(&bound_to(request, operation), &sealed).map_err(|_| EvidenceError::Forged)?;
            Ok(data.into())
        })
    }
}

impl ClaimCheck {
    /// A store in a directory, which is made if need be.
    pub(crate) fn on_disk(directory: &FilePath, sync: bool, keystore: Arc<Keystore>) -> io::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let objects = LocalFileSystem::new_with_prefix(directory)?.with_fsync(sync);
        Ok(Self { objects: Arc::new(objects), keystore })
    }

    /// A store in memory.
    pub(crate) fn in_memory(keystore: Arc<Keystore>) -> Self {
        Self { objects: Arc::new(InMemory::new()), keystore }
    }

    /// Writes an object, in place of an earlier one, and waits for it.
    pub(crate) fn put_now(&self, path: &str, sealed: Bytes) -> Result<(), EvidenceError> {
        wait_for(self.put(path, sealed))
    }

    /// Reads an object and waits for it.
    pub(crate) fn get_now(&self, path: &str) -> Result<Bytes, EvidenceError> {
        wait_for(self.get(path))
    }

    /// Asks the keystore, which waits for the disk, on a thread that may wait.
    async fn key(
        &self,
        ask: fn(&Keystore, KeyName) -> Result<SealingKey, KeystoreError>,
        request: RequestId,
    ) -> Result<SealingKey, EvidenceError> {
        if self.keystore.is_immediate() {
            return Ok(ask(&self.keystore, request.into())?);
        }
        let keystore = Arc::clone(&self.keystore);
        let asked = tokio::task::spawn_blocking(move || ask(&keystore, request.into())).await;
        Ok(asked.map_err(|stopped| EvidenceError::Store(stopped.to_string()))??)
    }

    async fn put(&self, path: &str, sealed: Bytes) -> Result<(), EvidenceError> {
        let payload = PutPayload::from_iter([Bytes::from_static(&[WHOLE]), sealed]);
        self.objects.put(&Path::from(path), payload).await.map(drop).map_err(|error| store_failed(&error))
    }

    async fn get(&self, path: &str) -> Result<Bytes, EvidenceError> {
        let found = self.objects.get(&Path::from(path)).await.map_err(|error| store_failed(&error))?;
        let mut object = found.bytes().await.map_err(|error| store_failed(&error))?;
        if object.first() != Some(&WHOLE) {
            return Err(EvidenceError::Forged);
        }
        Ok(object.split_off(1))
    }
}

impl fmt::Debug for ClaimCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimCheck({})", self.objects)
    }
}

// === impl EvidenceError ===

impl From<KeystoreError> for EvidenceError {
    fn from(error: KeystoreError) -> Self {
        match error {
            KeystoreError::Missing => Self::Missing,
            KeystoreError::Erased => Self::Erased,
            KeystoreError::Forged => Self::Forged,
            failed @ (KeystoreError::UnknownKey
            | KeystoreError::Damaged { .. }
            | KeystoreError::Lost { .. }
            | KeystoreError::Store(_)
            | KeystoreError::NoRandomness(_)) => Self::Store(chain(&failed)),
        }
    }
}

fn store_failed(error: &object_store::Error) -> EvidenceError {
    if matches!(error, object_store::Error::NotFound { .. }) {
        return EvidenceError::Missing;
    }
    EvidenceError::Store(chain(error))
}

/// An error with its causes; they name files and slots, never content.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn bound_to(request: RequestId, operation: OperationId) -> Vec<u8> {
    associated_data(&[b"waybill/evidence", &request.0, &operation.0])
}

fn evidence_path(request: RequestId, operation: OperationId) -> String {
    let request = request.to_string();
    format!("evidence/{}/{request}/{operation}", &request[..2])
}

/// The request and operation of a reference, if it is exactly what [`evidence_path`] makes of them.
fn parse_evidence_path(reference: &str) -> Option<(RequestId, OperationId)> {
    let (rest, operation) = reference.rsplit_once('/')?;
    let (_, request) = rest.rsplit_once('/')?;
    let (request, operation) = (request.parse().ok()?, operation.parse().ok()?);
    (evidence_path(request, operation) == reference).then_some((request, operation))
}

/// Runs a future to its end on a thread of its own, so that the caller may be on any thread, also on a runtime's.
fn wait_for<T: Send>(future: impl Future<Output = Result<T, EvidenceError>> + Send) -> Result<T, EvidenceError> {
    let stopped = |cause: &str| Err(EvidenceError::Store(cause.to_owned()));
    let run = || match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => stopped(&chain(&error)),
    };
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_| stopped("the writing thread panicked"))
}

#[cfg(test)]
mod tests;
