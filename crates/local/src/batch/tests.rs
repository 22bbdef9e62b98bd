use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

type Plain = (u64, i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Vec<u8>)>);

fn records() -> impl Strategy<Value = Vec<Plain>> {
    let bytes = || vec(any::<u8>(), 0..200);
    let headers = vec(("[a-e]{1,2}", bytes()), 0..4);
    vec((0..1000_u64, any::<i64>(), option::of(bytes()), option::of(bytes()), headers), 1..20)
}

fn headers_of(plain: &[(String, Vec<u8>)]) -> Headers {
    Headers(plain.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect())
}

fn encode(records: &[Plain]) -> (Bytes, Vec<Delivered>) {
    let topic: Arc<str> = "t".into();
    let mut builder = BatchBuilder::new();
    let mut expected = Vec::new();
    let mut next = 0;
    for (gap, timestamp_ms, key, value, headers) in records {
        let (key, value) = (key.clone().map(Bytes::from), value.clone().map(Bytes::from));
        let headers = headers_of(headers);
        builder.push_at(next + gap, *timestamp_ms, key.as_ref(), value.as_ref(), &headers);
        let (topic, offset, timestamp_ms) = (topic.clone(), 1000 + next + gap, *timestamp_ms);
        expected.push(Delivered { topic, partition: 3, offset, timestamp_ms, key, value, headers });
        next += gap + 1;
    }
    (builder.finish(7), expected)
}

fn decode(batch: &Batch) -> Result<Vec<Delivered>, Malformed> {
    let mut records = batch.records(&"t".into(), 3, &["a", "bb"]);
    std::iter::from_fn(|| records.next().transpose()).collect()
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(records in records()) {
        let (bytes, expected) = encode(&records);
        let batch = Batch::stored(1000, bytes).unwrap();
        prop_assert_eq!(batch.count() as usize, expected.len());
        prop_assert_eq!(batch.next(), expected.last().unwrap().offset + 1);
        prop_assert_eq!(batch.appended_ms(), 7);
        prop_assert_eq!(decode(&batch).unwrap(), expected);
    }

    #[test]
    fn a_flipped_bit_is_noticed(records in records(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = encode(&records).0.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Batch::stored(1000, bytes.into()).is_err());
    }

    #[test]
    fn nonsense_behind_a_good_checksum_is_an_error_or_records_but_no_panic(body in vec(any::<u8>(), 0..300)) {
        let mut builder = BatchBuilder::new();
        builder.bytes.extend_from_slice(&body);
        let batch = Batch::stored(0, builder.finish(7)).unwrap();
        let _ = decode(&batch);
    }
}

#[test]
fn known_header_names_are_borrowed() {
    let mut builder = BatchBuilder::new();
    builder.push(0, None, None, &headers_of(&[("bb".into(), vec![]), ("other".into(), vec![])]));
    let records = decode(&Batch::fresh(0, builder.finish(7))).unwrap();
    assert!(matches!(records[0].headers.0[0].0, Cow::Borrowed("bb")));
    assert!(matches!(records[0].headers.0[1].0, Cow::Owned(_)));
}

#[test]
fn a_newer_format_is_named() {
    let mut bytes = BatchBuilder::new().finish(7).to_vec();
    bytes[0] = 9;
    assert_eq!(Batch::stored(0, bytes.into()).unwrap_err(), Malformed::Format(9));
}
