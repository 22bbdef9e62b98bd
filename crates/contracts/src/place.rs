//! Where in a datum reading or writing has failed: the datum is walked along its schema, as text, up to the byte at which the reader
//! stood or the writer had come. So the types that are read need not be compiled once more for the sake of errors.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{holds, name_of, short};

/// The field at which whoever reads or writes this datum stood, as a path without indexes: `member.addresses.city`,
/// `task.Resolve.ask`. All its names are the schema's. What does not fit the schema is told before what fitted and was refused.
pub(crate) fn of(schema: &Value, datum: &[u8], stood: usize) -> String {
    let mut named = BTreeMap::new();
    declare(schema, &mut named);
    let mut walk = Walk { named, datum, at: 0, stood, path: Vec::new(), depth: 0, steps: 0, last: None };
    match walk.enter(schema) {
        Err(Found(place)) => place,
        Ok(()) => walk.last.unwrap_or_else(|| ROOT.to_owned()),
    }
}

/// The place of what concerns the whole value.
const ROOT: &str = "value";
/// How deep values may lie, and how many may be come by: strangers' schemas can nest without end, and claim any number of items that
/// take no byte. Whoever comes to the end of this names the place that was reached.
const DEPTH_MAX: usize = 128;
const STEPS_MAX: u32 = 4_000_000;

/// A datum under way along its schema.
struct Walk<'s, 'd> {
    named: BTreeMap<&'s str, &'s Map<String, Value>>,
    datum: &'d [u8],
    at: usize,
    stood: usize,
    path: Vec<&'s str>,
    depth: usize,
    steps: u32,
    /// What was read last, if somebody stood right behind it.
    last: Option<String>,
}

/// The place that was looked for.
struct Found(String);

// === impl Walk ===

impl<'s> Walk<'s, '_> {
    fn enter(&mut self, kind: &'s Value) -> Result<(), Found> {
        (self.depth, self.steps) = (self.depth + 1, self.steps + 1);
        if DEPTH_MAX < self.depth || STEPS_MAX < self.steps {
            return Err(self.found());
        }
        self.enter_kind(kind)?;
        self.depth -= 1;
        Ok(())
    }

    fn enter_kind(&mut self, kind: &'s Value) -> Result<(), Found> {
        match kind {
            Value::String(name) => self.enter_named(name),
            Value::Object(object) => self.enter_object(object),
            Value::Array(branches) => {
                let branch = self.number(|_| true)?;
                let branch = usize::try_from(branch).ok().and_then(|index| branches.get(index));
                let Some(branch) = branch else { return Err(self.found()) };
                let step = if holds(kind).is_some() { None } else { name_of(branch) };
                self.step_into(step, branch)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Err(self.found()),
        }
    }

    fn enter_named(&mut self, name: &str) -> Result<(), Found> {
        match name {
            "null" => Ok(()),
            "boolean" => self.pass(self.at.checked_add(1)),
            "int" => self.number(|number| i32::try_from(number).is_ok()).map(|_| ()),
            "long" => self.number(|_| true).map(|_| ()),
            "float" => self.pass(self.at.checked_add(4)),
            "double" => self.pass(self.at.checked_add(8)),
            "bytes" => self.pass(self.sized().map(|(_, end)| end)),
            "string" => {
                let is_text =
                    |from, end| self.datum.get(from..end).is_some_and(|text| std::str::from_utf8(text).is_ok());
                self.pass(self.sized().filter(|(from, end)| is_text(*from, *end)).map(|(_, end)| end))
            }
            name => match self.named.get(short(name)).copied() {
                Some(object) => self.enter_object(object),
                None => Err(self.found()),
            },
        }
    }

    fn enter_object(&mut self, object: &'s Map<String, Value>) -> Result<(), Found> {
        let kind = object.get("type").unwrap_or(&Value::Null);
        match kind.as_str() {
            Some("record") => {
                let fields = object.get("fields").and_then(Value::as_array).into_iter().flatten();
                for field in fields.filter_map(Value::as_object) {
                    let name = field.get("name").and_then(Value::as_str);
                    self.step_into(name, field.get("type").unwrap_or(&Value::Null))?;
                }
                Ok(())
            }
            Some("enum") => {
                let symbols = object.get("symbols").and_then(Value::as_array).map_or(0, Vec::len);
                self.number(|symbol| usize::try_from(symbol).is_ok_and(|symbol| symbol < symbols)).map(|_| ())
            }
            Some("fixed") => {
                let size = object.get("size").and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok());
                self.pass(size.and_then(|size| self.at.checked_add(size)))
            }
            Some("array") => self.blocks(object.get("items").unwrap_or(&Value::Null), false),
            Some("map") => self.blocks(object.get("values").unwrap_or(&Value::Null), true),
            Some(_) | None => self.enter(kind),
        }
    }

    fn step_into(&mut self, step: Option<&'s str>, kind: &'s Value) -> Result<(), Found> {
        self.path.push(step.unwrap_or_default());
        self.enter(kind)?;
        self.path.pop();
        Ok(())
    }

    /// Items in blocks; one with a negative count says how many bytes it has.
    fn blocks(&mut self, item: &'s Value, has_keys: bool) -> Result<(), Found> {
        loop {
            let count = self.number(|_| true)?;
            if count < 0 {
                self.number(|_| true)?;
            }
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count.unsigned_abs() {
                if has_keys {
                    self.enter_named("string")?;
                }
                self.enter(item)?;
            }
        }
    }

    /// The number at hand, if it is one that fits.
    fn number(&mut self, fits: impl Fn(i64) -> bool) -> Result<i64, Found> {
        let number = self.decode().filter(|(number, _)| fits(*number));
        self.pass(number.map(|(_, bytes)| self.at + bytes))?;
        Ok(number.map_or(0, |(number, _)| number))
    }

    /// The number at hand, and how many bytes it has.
    fn decode(&self) -> Option<(i64, usize)> {
        let mut bits = 0_u64;
        for (place, byte) in self.datum.get(self.at..)?.iter().enumerate().take(10) {
            // Of the tenth byte one bit is left.
            if place == 9 && 1 < *byte {
                return None;
            }
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                let sign = (bits & 1).wrapping_neg();
                return Some((((bits >> 1) ^ sign).cast_signed(), place + 1));
            }
        }
        None
    }

    /// From where to where text or bytes lie that have their length before them.
    fn sized(&self) -> Option<(usize, usize)> {
        let (length, bytes) = self.decode()?;
        let from = self.at.checked_add(bytes)?;
        Some((from, from.checked_add(usize::try_from(length).ok()?)?))
    }

    /// Goes on to the end of what is here, none if there is none. That is where the search ends, unless somebody read it whole.
    fn pass(&mut self, end: Option<usize>) -> Result<(), Found> {
        let Some(end) = end.filter(|end| *end <= self.datum.len()) else { return Err(self.found()) };
        if self.stood < end {
            // Whoever did not begin with this, though it is sound, was stopped by what came before.
            return Err(self.last.take().map_or_else(|| self.found(), Found));
        }
        if end == self.stood && self.at < end {
            self.last = Some(self.found().0);
        }
        self.at = end;
        Ok(())
    }

    fn found(&self) -> Found {
        let steps: Vec<&str> = self.path.iter().copied().filter(|step| !step.is_empty()).collect();
        Found(if steps.is_empty() { ROOT.to_owned() } else { steps.join(".") })
    }
}

/// All types that have a name, which may be used before the walk comes by their declaration.
fn declare<'s>(kind: &'s Value, named: &mut BTreeMap<&'s str, &'s Map<String, Value>>) {
    match kind {
        Value::Array(branches) => branches.iter().for_each(|branch| declare(branch, named)),
        Value::Object(object) => {
            if let (Some(name), true) = (name_of(kind), object.contains_key("type")) {
                named.insert(name, object);
            }
            let fields = object.get("fields").and_then(Value::as_array).into_iter().flatten();
            let within = fields.filter_map(|field| field.get("type"));
            within
                .chain(["type", "items", "values"].iter().filter_map(|part| object.get(*part)))
                .for_each(|kind| declare(kind, named));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One field of each kind of type.
    fn schema() -> Value {
        let pet = json!([
            {"type": "record", "name": "Cat", "fields": [{"name": "lives", "type": "int"}]},
            {"type": "record", "name": "Dog", "fields": [{"name": "owner", "type": ["null", "Id"]}]},
        ]);
        json!({"type": "record", "name": "Person", "fields": [
            {"name": "alive", "type": "boolean"},
            {"name": "height", "type": "float"},
            {"name": "weight", "type": {"type": "double"}},
            {"name": "photo", "type": "bytes"},
            {"name": "kin", "type": {"type": "map", "values": {"type": "fixed", "name": "Id", "size": 2}}},
            {"name": "mood", "type": {"type": "enum", "name": "Mood", "symbols": ["good", "bad"]}},
            {"name": "pets", "type": {"type": "array", "items": pet}},
            {"name": "name", "type": ["null", "string"]},
        ]})
    }

    /// A person with a cat and a dog, and where each thing begins.
    const DATUM: &[u8] = b"\x01hhhhwwwwwwww\x04pp\x02\x02kii\x00\x02\x04\x00\x12\x02\x02oo\x00\x02\x06Ann";

    #[test]
    fn a_datum_that_breaks_off_does_so_in_the_field_it_has_come_to() {
        let schema = schema();
        let places: Vec<String> = (0..DATUM.len()).map(|end| of(&schema, &DATUM[..end], end)).collect();
        let expected: Vec<&str> = [
            (1, "alive"),
            (4, "height"),
            (8, "weight"),
            (3, "photo"),
            (6, "kin"),
            (1, "mood"),
            (2, "pets"),
            (1, "pets.Cat.lives"),
            (1, "pets"),
            (3, "pets.Dog.owner"),
            (1, "pets"),
            (5, "name"),
        ]
        .into_iter()
        .flat_map(|(bytes, place)| std::iter::repeat_n(place, bytes))
        .collect();
        assert_eq!(places, expected);
    }

    #[test]
    fn what_was_refused_is_what_was_read_last() {
        let schema = schema();
        let mood = 1 + 4 + 8 + 3 + 6 + 1;
        assert_eq!(of(&schema, DATUM, mood), "mood");
        assert_eq!(of(&schema, DATUM, mood + 2), "pets", "the kind of the first");
        assert_eq!(of(&schema, DATUM, DATUM.len()), "name");
        assert_eq!(of(&json!("null"), b"", 0), "value");
    }

    #[test]
    fn what_does_not_fit_the_schema_is_told_first() {
        let (schema, mood) = (schema(), 1 + 4 + 8 + 3 + 6);
        let put = |at: usize, byte: u8| {
            let mut datum = DATUM.to_vec();
            datum[at] = byte;
            datum
        };
        assert_eq!(of(&schema, &put(mood, 4), mood), "mood", "no third symbol");
        assert_eq!(of(&schema, &put(mood + 1, 0x7e), mood + 2), "pets", "more than there are bytes");
        assert_eq!(of(&schema, &put(mood + 2, 4), mood + 3), "pets", "no third kind");
        assert_eq!(of(&schema, &put(DATUM.len() - 1, 0xff), DATUM.len()), "name", "no UTF-8");
        assert_eq!(of(&schema, &put(13, 0xff), 14), "photo", "a length without end");
        let long = json!({"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "long"}]});
        assert_eq!(of(&long, &[&[2], &[0xff; 9][..], &[2]].concat(), 1), "b", "more than 64 bits");
        let int = json!({"type": "record", "name": "R", "fields": [{"name": "a", "type": "long"}, {"name": "b", "type": "int"}]});
        assert_eq!(of(&int, &[2, 0xfe, 0xff, 0xff, 0xff, 0x7f], 1), "b", "more than 32 bits");
    }

    #[test]
    fn a_walk_ends_whatever_a_stranger_has_written() {
        // Arrays in arrays without end; and blocks of any number of items that take no byte, each block telling its size.
        let nested = json!({"type": "record", "name": "R", "fields": [
            {"name": "deep", "type": {"type": "array", "name": "A", "items": "A"}},
        ]});
        assert_eq!(of(&nested, &[2; 1 << 16], 1 << 16), "deep");
        let empty = json!({"type": "record", "name": "R", "fields": [{"name": "wide", "type": {"type": "array", "items": "null"}}]});
        let block = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(of(&empty, &block.repeat(1 << 10), 6 << 10), "wide");
    }
}
