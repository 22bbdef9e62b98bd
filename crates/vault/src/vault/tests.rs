use domain::phi::{Binding, Phi};
use domain::{LetterId, OperationId, RecordId, RequestId};
use fleet::evidence::Evidence;
use fleet::originals::{Original, Originals};

use super::*;
use crate::cipher::{Prf, SealingKey, Secret};

const CANARY: [u8; 32] = *b"canary-canary-canary-canary-cana";

/// The canary as it might be printed: text, hexadecimal, base64, a list of numbers.
fn shapes() -> [String; 4] {
    use base64::Engine;
    [
        "canary-canary".to_owned(),
        "63616e6172792d63616e617279".to_owned(),
        base64::engine::general_purpose::STANDARD.encode(CANARY),
        "99, 97, 110, 97, 114, 121".to_owned(),
    ]
}

#[test]
fn nothing_that_holds_a_secret_shows_it_in_debug() {
    let directory = tempfile::tempdir().expect("a directory");
    let key_file = directory.path().join("keys.toml");
    Keys::generate(&key_file).expect("keys");
    let text = std::fs::read_to_string(&key_file).expect("text");
    let canary = &shapes()[2];
    let quoted = |line: &str| line.split_once(" = \"").map(|(name, _)| format!("{name} = \"{canary}\""));
    let secret = |line: &str| line.contains("key = \"");
    let lines = text.lines().map(|line| quoted(line).filter(|_| secret(line)).unwrap_or_else(|| line.to_owned()));
    std::fs::write(&key_file, lines.collect::<Vec<_>>().join("\n")).expect("written");
    let options = VaultOptions {
        key_file,
        keystore_directory: directory.path().join("keystore"),
        claim_check_directory: directory.path().join("objects"),
        sync_objects: false,
    };
    let vault = Vault::open(&options, Codec::bundled()).expect("a vault");
    assert_eq!(vault.keys.active().data_key(&[b"x"]).bytes().len(), 32);
    let secret = Secret::new(CANARY);
    let letter = Original { value: Some(CANARY.to_vec().into()), ..Original::default() };
    let sealed = Originals::seal(&vault, LetterId([1; 16]), &letter).expect("sealed");
    let shown = [
        format!("{vault:?} {options:?} {:?} {:?}", vault.keys(), vault.claim_check()),
        format!("{secret:?} {:?} {:?}", Prf::new(&secret), SealingKey::new(&secret)),
        format!("{sealed:?} {:?} {:?}", vault.keys.active(), KeyName::Letter(LetterId([1; 16]))),
        format!("{:?}", Originals::open(&vault, LetterId([2; 16]), &sealed).expect_err("another letter")),
        format!("{:?}", Vault::in_memory(1)),
    ];
    for text in shown {
        for shape in shapes() {
            assert!(!text.contains(&shape), "{text}");
        }
    }
}

#[test]
fn a_vault_that_cannot_open_says_which_part_failed() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    let options = VaultOptions {
        key_file: path("keys.toml"),
        keystore_directory: path("keystore"),
        claim_check_directory: path("objects"),
        sync_objects: false,
    };
    let open = |options: &VaultOptions| Vault::open(options, Codec::bundled());
    assert!(matches!(open(&options), Err(VaultError::Keys(KeysError::Unreadable { .. }))));
    Keys::generate(&options.key_file).expect("keys");
    std::fs::write(path("file"), "in the way").expect("written");
    let keystore = VaultOptions { keystore_directory: path("file"), ..options.clone() };
    assert!(matches!(open(&keystore), Err(VaultError::Keystore { .. })));
    let objects = VaultOptions { claim_check_directory: path("file"), ..options.clone() };
    assert!(matches!(open(&objects), Err(VaultError::ClaimCheck { .. })));
    open(&options).expect("a vault");
}

#[tokio::test]
async fn erasing_reaches_evidence_and_letters_but_not_the_neighbours() {
    let vault = Vault::in_memory(1);
    let (request, neighbour) = (RequestId([1; 16]), RequestId([2; 16]));
    let letter = LetterId([1; 16]);
    let operation = OperationId([3; 16]);
    let evidence = vault.claim_check();
    let data = bytes::Bytes::from_static(b"data");
    let reference = evidence.keep(request, operation, data.clone()).await.expect("kept");
    let beside = evidence.keep(neighbour, operation, data.clone()).await.expect("kept");
    let sealed = Originals::seal(&vault, letter, &Original::default()).expect("sealed");
    vault.erase(&[request.into(), letter.into()]).expect("erased");
    assert!(evidence.fetch(request, &reference).await.is_err());
    assert!(Originals::open(&vault, letter, &sealed).is_err());
    assert_eq!(evidence.fetch(neighbour, &beside).await, Ok(data));
}

#[test]
fn the_ports_work_as_trait_objects() {
    let vault = Arc::new(Vault::in_memory(1));
    let phi: Arc<dyn Phi> = vault.clone();
    let _originals: Arc<dyn Originals> = vault.clone();
    let _evidence: Arc<dyn Evidence> = vault.claim_check();
    let (request, record) = (RequestId([1; 16]), RecordId([1; 16]));
    let sealed = phi.seal_dossier(request, record, &domain::person::Dossier::default()).expect("sealed");
    assert!(phi.open_dossier(request, &sealed).is_ok());
    assert_ne!(Binding::Request(request), Binding::Request(RequestId([2; 16])));
}
