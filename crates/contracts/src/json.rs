//! Messages as JSON, for people and tools: serde's shape, ids as UUID text, other bytes as base64, times as milliseconds.
//!
//! What is rendered is in the clear: rendering an intake request or an opened dossier is a disclosure, and the caller answers for it.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::RecordId;
use domain::ids::{IdError, uuid_text};
use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::{Serialize, forward_to_deserialize_any};
use serde_json::ser::Formatter;
use serde_json::{Error, Map, Serializer, Value};

/// A value as JSON text.
pub fn to_json<T: Serialize>(value: &T) -> Result<String, Error> {
    let mut text = Vec::with_capacity(512);
    value.serialize(&mut Serializer::with_formatter(&mut text, Readable))?;
    String::from_utf8(text).map_err(Error::custom)
}

/// A value as a JSON value.
pub fn to_json_value<T: Serialize>(value: &T) -> Result<Value, Error> {
    serde_json::from_str(&to_json(value)?)
}

/// Reads what [`to_json_value`] writes. Its errors may quote what they complain of.
pub fn from_json<T: DeserializeOwned>(json: Value) -> Result<T, Error> {
    T::deserialize(Reader(json))
}

/// Compact JSON whose byte arrays are text.
struct Readable;

/// JSON whose text serves as bytes where bytes are asked for.
struct Reader(Value);

// === impl Readable ===

impl Formatter for Readable {
    fn write_byte_array<W: ?Sized + io::Write>(&mut self, writer: &mut W, bytes: &[u8]) -> io::Result<()> {
        match <&[u8; 16]>::try_from(bytes) {
            Ok(id) => write_quoted(writer, &uuid_text(id)),
            Err(_) => write_quoted(writer, STANDARD.encode(bytes).as_bytes()),
        }
    }
}

fn write_quoted<W: ?Sized + io::Write>(writer: &mut W, text: &[u8]) -> io::Result<()> {
    writer.write_all(b"\"")?;
    writer.write_all(text)?;
    writer.write_all(b"\"")
}

// === impl Reader ===

impl Reader {
    /// The bytes of a text: UUID if it has hyphens, which base64 never has.
    fn bytes(&self) -> Result<Vec<u8>, Error> {
        let wrong = |_| Error::custom("expected the text of a UUID, or base64");
        match &self.0 {
            Value::String(text) if text.contains('-') => text.parse().map(|RecordId(id)| id.to_vec()).map_err(wrong),
            Value::String(text) => STANDARD.decode(text).map_err(|_| wrong(IdError)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(wrong(IdError)),
        }
    }
}

impl<'de> IntoDeserializer<'de, Error> for Reader {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Reader))),
            Value::Object(fields) => visitor.visit_map(MapDeserializer::new(inner(fields))),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                plain.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(fields) => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(inner(fields))))
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                plain.deserialize_enum(name, variants, visitor)
            }
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.bytes()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.bytes()?)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

fn inner(fields: Map<String, Value>) -> impl Iterator<Item = (String, Reader)> {
    fields.into_iter().map(|(name, value)| (name, Reader(value)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use domain::phi::Sealed;
    use domain::{RequestId, Token};
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Thing {
        Nothing,
        One(RequestId),
        Parts { id: Option<Token>, sealed: Vec<Sealed<u8>>, body: Bytes },
    }

    #[test]
    fn bytes_read_as_text_and_come_back() {
        let sealed = Sealed::new("k".into(), Bytes::from_static(b"0123456789abcdef"), Bytes::from_static(b"sealed"));
        let parts = Thing::Parts { id: Some(Token([0x11; 16])), sealed: vec![sealed], body: Bytes::new() };
        let json = json!({"Parts": {
            "id": "11111111-1111-1111-1111-111111111111",
            "sealed": [{"key_id": "k", "wrapped_key": "30313233-3435-3637-3839-616263646566", "ciphertext": "c2VhbGVk"}],
            "body": "",
        }});
        for (thing, json) in [
            (parts, json),
            (Thing::One(RequestId([0; 16])), json!({"One": "00000000-0000-0000-0000-000000000000"})),
            (Thing::Nothing, json!("Nothing")),
        ] {
            assert_eq!(to_json_value(&thing).expect("JSON"), json);
            assert_eq!(from_json::<Thing>(json).expect("a thing"), thing);
        }
    }

    #[test]
    fn what_is_neither_uuid_nor_base64_is_refused() {
        for text in ["1-2", "%%%", "abc"] {
            assert!(from_json::<Bytes>(json!(text)).is_err(), "{text}");
        }
        assert!(from_json::<Bytes>(json!(null)).is_err());
    }
}
