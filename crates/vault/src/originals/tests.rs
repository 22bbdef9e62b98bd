use super::*;

const LETTER: LetterId = LetterId([0xcd; 16]);

fn original() -> Original {
    let mut headers = Headers::default();
    headers.push("ce_id", Bytes::from_static(b"1"));
    headers.push("ce_id", Bytes::new());
    Original {
        key: Some(Bytes::new()),
        value: Some(Bytes::from_static(b"\0\0\0\0\x07Quillfeather")),
        headers,
        at: Timestamp(-1),
    }
}

fn large() -> Original {
    Original { value: Some(Bytes::from(vec![7; CARRIED_BYTES_MAX])), ..original() }
}

fn seal(vault: &Vault, original: &Original) -> SealedOriginal {
    Originals::seal(vault, LETTER, original).expect("sealed")
}

fn open(vault: &Vault, sealed: &SealedOriginal) -> Result<Original, PhiError> {
    Originals::open(vault, LETTER, sealed)
}

#[test]
fn the_encoding_keeps_every_part_and_refuses_every_cut() {
    for original in [original(), Original::default()] {
        let bytes = encode(&original);
        assert_eq!(decode(bytes.clone().into()), Some(original));
        for length in 0..bytes.len() {
            assert_eq!(decode(Bytes::copy_from_slice(&bytes[..length])), None, "{length} bytes");
        }
        assert_eq!(decode([bytes.as_slice(), b"\0"].concat().into()), None, "trailing bytes");
        assert_eq!(decode([&[2], &bytes[1..]].concat().into()), None, "a later version");
    }
    assert_eq!(encode(&original()).capacity(), encode(&original()).len(), "sized at once");
}

#[test]
fn an_original_opens_for_its_letter_only() {
    let vault = Vault::in_memory(1);
    let sealed = seal(&vault, &original());
    assert_eq!(sealed.key_id, format!("letter/{LETTER}"));
    assert_eq!(open(&vault, &sealed), Ok(original()));
    assert_eq!(sealed, seal(&vault, &original()), "sealing again gives the same bytes");
    let other = LetterId([1; 16]);
    assert_eq!(Originals::open(&vault, other, &sealed), Err(PhiError::Forged));
    let relabelled = SealedOriginal { key_id: KeyName::Letter(other).to_string(), ..sealed.clone() };
    assert_eq!(Originals::open(&vault, other, &relabelled), Err(PhiError::UnknownKey));
    Originals::seal(&vault, other, &original()).expect("sealed");
    assert_eq!(Originals::open(&vault, other, &relabelled), Err(PhiError::Forged));
    for at in 0..sealed.ciphertext.len() {
        let mut altered = sealed.ciphertext.to_vec();
        altered[at] ^= 1;
        let altered = SealedOriginal { ciphertext: altered.into(), ..sealed.clone() };
        assert_eq!(open(&vault, &altered), Err(PhiError::Forged), "byte {at}");
    }
}

#[test]
fn a_large_original_lies_in_the_claim_check_store() {
    let vault = Vault::in_memory(1);
    let sealed = seal(&vault, &large());
    let reference = format!("letters/cd/{LETTER}");
    assert_eq!((sealed.ciphertext.len(), sealed.claim_check.as_deref()), (0, Some(reference.as_str())));
    assert_eq!(open(&vault, &sealed), Ok(large()));
    let elsewhere = SealedOriginal { claim_check: Some("letters/cd/../ab".into()), ..sealed.clone() };
    assert_eq!(open(&vault, &elsewhere), Err(PhiError::Forged));
    assert_eq!(open(&Vault::in_memory(2), &sealed), Err(PhiError::UnknownKey));
}

#[tokio::test]
async fn it_may_be_called_on_a_runtimes_thread() {
    let vault = Vault::in_memory(1);
    assert_eq!(open(&vault, &seal(&vault, &large())), Ok(large()));
}

#[test]
fn an_erased_letter_is_a_fact_without_content() {
    let vault = Vault::in_memory(1);
    for (letter, original) in [(LETTER, original()), (LetterId([1; 16]), large())] {
        let sealed = Originals::seal(&vault, letter, &original).expect("sealed");
        vault.erase(&[letter.into()]).expect("erased");
        assert_eq!(Originals::open(&vault, letter, &sealed), Err(PhiError::Erased));
        assert_eq!(Originals::seal(&vault, letter, &original), Err(PhiError::Erased));
    }
}
