//! The Confluent wire format: a zero byte, the schema id as four bytes big-endian, the Avro datum.

/// The bytes before the datum.
pub const FRAME_BYTES: usize = 5;

const MAGIC: u8 = 0;

/// Appends the frame of a datum that follows.
pub(crate) fn open(schema_id: u32, out: &mut Vec<u8>) {
    out.push(MAGIC);
    out.extend_from_slice(&schema_id.to_be_bytes());
}

/// The schema id and datum of a framed value; none if it is not framed.
pub fn split(value: &[u8]) -> Option<(u32, &[u8])> {
    let (frame, datum) = value.split_first_chunk::<FRAME_BYTES>()?;
    let [MAGIC, a, b, c, d] = *frame else { return None };
    Some((u32::from_be_bytes([a, b, c, d]), datum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_and_nothing_else_does() {
        let mut value = Vec::new();
        open(0x0102_0304, &mut value);
        assert_eq!(value, [0, 1, 2, 3, 4]);
        value.push(9);
        assert_eq!(split(&value), Some((0x0102_0304, &[9][..])));
        for broken in [&[][..], &[0, 0, 0, 1], &[1, 0, 0, 0, 1, 9], b"{\"a\":1}"] {
            assert_eq!(split(broken), None, "{broken:?}");
        }
    }
}
