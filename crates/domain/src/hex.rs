//! Bytes as pairs of hexadecimal digits: ids and traces are written and read as such in every record.

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// What a table entry says of a byte that is no digit.
const NONE: u8 = 16;
/// The value of each digit, in either case.
const VALUES: [u8; 256] = values();

/// Writes a byte as the two digits from `at` on, in lower case.
#[inline]
pub(crate) fn put(text: &mut [u8], at: usize, byte: u8) {
    text[at] = DIGITS[usize::from(byte >> 4)];
    text[at + 1] = DIGITS[usize::from(byte & 15)];
}

/// Reads as many bytes as fit, each from the two digits at its place; none, if one of them is no digit.
#[inline]
pub(crate) fn read<const N: usize>(text: &[u8], place: impl Fn(usize) -> usize) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut seen = 0;
    for (index, byte) in bytes.iter_mut().enumerate() {
        let at = place(index);
        let (high, low) = (VALUES[usize::from(text[at])], VALUES[usize::from(text[at + 1])]);
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen < NONE).then_some(bytes)
}

const fn values() -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut digit = 0;
    while digit < 16 {
        values[DIGITS[digit as usize] as usize] = digit;
        values[DIGITS[digit as usize].to_ascii_uppercase() as usize] = digit;
        digit += 1;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_reads_back_and_nothing_else_is_read() {
        for byte in 0..=255 {
            let mut text = *b"....";
            put(&mut text, 1, byte);
            assert_eq!(std::str::from_utf8(&text[1..3]).expect("text"), format!("{byte:02x}"));
            assert_eq!(read(&text, |_| 1), Some([byte]));
            let is_digit = byte.is_ascii_hexdigit();
            assert_eq!(read::<1>(&[byte, b'0'], |_| 0).is_some(), is_digit);
            assert_eq!(read::<1>(&[b'0', byte], |_| 0).is_some(), is_digit);
        }
    }
}
