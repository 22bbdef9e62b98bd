use std::fs;
use std::path::PathBuf;

use super::*;
use crate::keys::Keys;

const REQUEST: RequestId = RequestId([0xab; 16]);
const OPERATION: OperationId = OperationId([2; 16]);
const DATA: Bytes = Bytes::from_static(b"{\"resourceType\":\"Bundle\",\"canary\":\"Quillfeather\"}");

struct Disk {
    directory: tempfile::TempDir,
    store: ClaimCheck,
}

fn disk() -> Disk {
    let directory = tempfile::tempdir().expect("a directory");
    let keystore = Keystore::open(&directory.path().join("keystore"), Arc::new(Keys::from_seed(1))).expect("keystore");
    let store = ClaimCheck::on_disk(&directory.path().join("objects"), true, Arc::new(keystore)).expect("store");
    Disk { directory, store }
}

impl Disk {
    fn file(&self, reference: &str) -> PathBuf {
        self.directory.path().join("objects").join(reference)
    }
}

#[tokio::test]
async fn evidence_is_kept_under_its_path_and_read_back() {
    let disk = disk();
    let reference = disk.store.keep(REQUEST, OPERATION, DATA).await.expect("kept");
    let id = "abababab-abab-abab-abab-abababababab";
    assert_eq!(reference, format!("evidence/ab/{id}/02020202-0202-0202-0202-020202020202"));
    assert_eq!(disk.store.fetch(REQUEST, &reference).await, Ok(DATA));
    let object = fs::read(disk.file(&reference)).expect("the object");
    assert_eq!(object.len(), 1 + 12 + DATA.len() + 16);
    assert!(!object.windows(12).any(|window| window == b"Quillfeather"));
}

#[tokio::test]
async fn keeping_an_operation_again_replaces_it() {
    for store in [disk().store, ClaimCheck::in_memory(Arc::new(Keystore::in_memory(1)))] {
        let first = store.keep(REQUEST, OPERATION, DATA).await.expect("kept");
        let second = store.keep(REQUEST, OPERATION, Bytes::from_static(b"other")).await.expect("kept");
        assert_eq!(first, second);
        assert_eq!(store.fetch(REQUEST, &first).await, Ok(Bytes::from_static(b"other")));
    }
}

#[tokio::test]
async fn another_requests_evidence_and_wrong_references_are_refused() {
    let disk = disk();
    let reference = disk.store.keep(REQUEST, OPERATION, DATA).await.expect("kept");
    let other = RequestId([3; 16]);
    assert_eq!(disk.store.fetch(other, &reference).await, Err(EvidenceError::Forged));
    let unknown = evidence_path(REQUEST, OperationId([9; 16]));
    assert_eq!(disk.store.fetch(REQUEST, &unknown).await, Err(EvidenceError::Missing));
    let outside = reference.replace("evidence/ab", "evidence/../evidence/ab");
    for malformed in ["", "evidence", "../../etc/passwd", &reference.to_uppercase(), &outside] {
        assert_eq!(disk.store.fetch(REQUEST, malformed).await, Err(EvidenceError::Missing), "{malformed}");
    }
}

#[tokio::test]
async fn an_altered_cut_or_moved_object_is_found() {
    let disk = disk();
    let reference = disk.store.keep(REQUEST, OPERATION, DATA).await.expect("kept");
    let object = fs::read(disk.file(&reference)).expect("the object");
    for at in 0..object.len() {
        let mut altered = object.clone();
        altered[at] ^= 1;
        fs::write(disk.file(&reference), altered).expect("written");
        assert_eq!(disk.store.fetch(REQUEST, &reference).await, Err(EvidenceError::Forged), "byte {at}");
        fs::write(disk.file(&reference), &object[..at]).expect("written");
        assert_eq!(disk.store.fetch(REQUEST, &reference).await, Err(EvidenceError::Forged), "cut at {at}");
    }
    let moved = evidence_path(REQUEST, OperationId([9; 16]));
    fs::write(disk.file(&moved), object).expect("written");
    assert_eq!(disk.store.fetch(REQUEST, &moved).await, Err(EvidenceError::Forged));
}

#[tokio::test]
async fn erased_evidence_is_never_read_or_kept_again() {
    let disk = disk();
    let reference = disk.store.keep(REQUEST, OPERATION, DATA).await.expect("kept");
    disk.store.keystore.erase(&[REQUEST.into()]).expect("erased");
    assert_eq!(disk.store.fetch(REQUEST, &reference).await, Err(EvidenceError::Erased));
    assert_eq!(disk.store.keep(REQUEST, OPERATION, DATA).await, Err(EvidenceError::Erased));
}

#[tokio::test]
async fn a_store_that_cannot_be_written_says_why_without_content() {
    let disk = disk();
    fs::write(disk.directory.path().join("objects/evidence"), b"in the way").expect("written");
    let error = disk.store.keep(REQUEST, OPERATION, DATA).await.expect_err("no room");
    assert!(matches!(&error, EvidenceError::Store(cause) if !cause.is_empty()), "{error}");
    assert!(!error.to_string().contains("Quillfeather"));
}
