//! How fast the vault seals, makes keys and keeps evidence, on this machine and its disk. Run with `cargo bench -p vault`.
#![expect(clippy::print_stdout, reason = "a bench reports on standard output")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use contracts::{Codec, Subject};
use domain::person::{Address, Consent, ConsentPolicy, Coverage, Dossier, Identifier, MemberClaim, PersonName, Sex};
use domain::phi::{Phi, Purpose};
use domain::{LetterId, OperationId, RecordId, RequestId, Timestamp};
use fleet::evidence::Evidence;
use fleet::originals::{Original, Originals};
use tokio::task::JoinSet;
use vault::{KeyName, Keys, Vault, VaultOptions};

fn main() {
    work_records();
    letters();
    evidence();
    opening();
}

/// Sealing and opening of a dossier, with Avro and without.
fn work_records() {
    let (vault, codec, dossier) = (Vault::in_memory(1), Codec::bundled(), dossier());
    let (request, record) = (RequestId([1; 16]), RecordId([2; 16]));
    let mut plaintext = Vec::new();
    codec.encode_value(Subject::Dossier, &dossier, &mut plaintext).expect("encodes");
    let sealed = vault.seal_dossier(request, record, &dossier).expect("sealed");
    let encode = per_call(|| {
        let mut out = Vec::with_capacity(1024);
        codec.encode_value(Subject::Dossier, &dossier, &mut out).expect("encodes");
        out
    });
    let decode = per_call(|| codec.decode_value::<Dossier>(Subject::Dossier, &plaintext).expect("decodes"));
    let seal = per_call(|| vault.seal_dossier(request, record, &dossier).expect("sealed"));
    let open = per_call(|| vault.open_dossier(request, &sealed).expect("opens"));
    let token = per_call(|| vault.token(Purpose::Request, &[b"enrolment", b"2026-000123"]));
    println!("dossier of {} bytes: seal {seal:?}, of that Avro {encode:?}", plaintext.len());
    println!("dossier of {} bytes: open {open:?}, of that Avro {decode:?}", plaintext.len());
    println!("seal and open apart from Avro: {:?}", (seal + open).saturating_sub(encode + decode));
    println!("token: {token:?}");
}

/// Originals sealed under a fresh key each, from several threads at once.
fn letters() {
    let original = Original { value: Some(Bytes::from(vec![7; 2048])), ..Original::default() };
    for threads in [1, 8, 64] {
        let directory = tempfile::tempdir().expect("a directory");
        let vault = open(directory.path(), false);
        let each = 4000 / threads;
        let start = Instant::now();
        thread::scope(|scope| {
            for thread in 0..threads {
                let (vault, original) = (&vault, &original);
                scope.spawn(move || {
                    for number in 0..each {
                        let letter = LetterId(id(thread * each + number));
                        black_box(vault.seal(letter, original).expect("sealed"));
                    }
                });
            }
        });
        println!("letters of 2 KiB, {threads} threads: {:.0}/s", per_second(threads * each, start));
    }
}

/// Evidence kept under a fresh key each, with this many operations at once.
fn evidence() {
    let data = Bytes::from(vec![7; 16 * 1024]);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    for (at_once, sync) in [(1, false), (32, false), (256, false), (32, true), (256, true)] {
        let directory = tempfile::tempdir().expect("a directory");
        let store = open(directory.path(), sync).claim_check();
        let count = if at_once == 1 { 500 } else { 4000 };
        let start = Instant::now();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for number in 0..count {
                if tasks.len() == at_once {
                    tasks.join_next().await.expect("a task").expect("no panic");
                }
                let (store, data) = (Arc::clone(&store), data.clone());
                tasks.spawn(async move {
                    store.keep(RequestId(id(number)), OperationId([1; 16]), data).await.expect("kept");
                });
            }
            while tasks.join_next().await.is_some() {}
        });
        let synced = if sync { "objects fsynced" } else { "objects not fsynced" };
        println!("evidence of 16 KiB, {at_once} at once, {synced}: {:.0}/s", per_second(count, start));
    }
}

/// Erasing a million names, and opening a keystore that knows them.
fn opening() {
    let directory = tempfile::tempdir().expect("a directory");
    let vault = open(directory.path(), false);
    let names: Vec<KeyName> = (0..1_000_000).map(|number| RequestId(id(number)).into()).collect();
    let start = Instant::now();
    vault.erase(&names).expect("erased");
    println!("a million names erased: {:?}", start.elapsed());
    drop(vault);
    let start = Instant::now();
    black_box(reopen(directory.path(), false));
    println!("a keystore of a million slots opened: {:?}", start.elapsed());
}

fn open(directory: &Path, sync_objects: bool) -> Vault {
    Keys::generate(&directory.join("keys.toml")).expect("keys");
    reopen(directory, sync_objects)
}

fn reopen(directory: &Path, sync_objects: bool) -> Vault {
    let options = VaultOptions {
        key_file: directory.join("keys.toml"),
        keystore_directory: directory.join("keystore"),
        claim_check_directory: directory.join("objects"),
        sync_objects,
    };
    Vault::open(&options, Codec::bundled()).expect("a vault")
}

/// The best of many short rounds: what the code costs when nobody else uses the core.
fn per_call<T>(call: impl Fn() -> T) -> Duration {
    const CALLS: u32 = 500;
    let round = || {
        let start = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        start.elapsed() / CALLS
    };
    (0..200).map(|_| round()).min().unwrap_or_default()
}

fn per_second(count: u32, start: Instant) -> f64 {
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Ids spread as HMACs are.
fn id(number: u32) -> [u8; 16] {
    domain::ids::derive(&[&number.to_be_bytes()])
}

fn dossier() -> Dossier {
    let text = |text: &str| Some(text.to_owned());
    let coverage = |payer: &str, member_id: &str| Coverage {
        payer: payer.to_owned(),
        member_id: text(member_id),
        subscriber_id: text("S-5550123"),
        group: text("GRP-8841"),
        plan: text("Gold PPO"),
        start: text("2023-01-01"),
        relationship: text("self"),
        ..Coverage::default()
    };
    Dossier {
        member: MemberClaim {
            name: PersonName {
                family: "Example".into(),
                given: vec!["Synthetic".into(), "M".into()],
                ..PersonName::default()
            },
            birth_date: text("1970-01-01"),
            sex: Some(Sex::Female),
            addresses: vec![Address {
                lines: vec!["100 Example Street".into(), "Apt 4".into()],
                city: text("Springfield"),
                state: text("IL"),
                postal_code: text("62701"),
                country: text("US"),
            }],
            phones: vec!["+1-217-555-0100".into()],
            emails: vec!["synthetic@example.org".into()],
            identifiers: vec![Identifier {
                system: "http://hl7.org/fhir/sid/us-mbi".into(),
                kind: "MC".into(),
                value: "1EG4-TE5-MK73".into(),
            }],
            ..MemberClaim::default()
        },
        coverage_to_match: Some(coverage("northwind-health", "M-77120")),
        coverage_to_link: Some(coverage("contoso-care", "C-99812")),
        consent: Some(Consent {
            policy: ConsentPolicy::Regular,
            start: "2026-01-01".into(),
            end: "2027-01-01".into(),
            reference: "urn:uuid:0f8fad5b-d9cb-469f-a165-70867728950e".into(),
            performer: "member".into(),
            recipients: vec!["contoso-care".into()],
            opted_in_at: Timestamp(1_700_000_000_000),
        }),
        ..Dossier::default()
    }
}
