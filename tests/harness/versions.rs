//! Two builds of the fleet side by side, as in the midst of a rolling upgrade: the one of today, and one of tomorrow whose schemas
//! have each a field more. Either reads what the other writes, by looking up ids that it does not know.

use std::sync::LazyLock;

use contracts::catalogue::{BUNDLED, Bundled};
use contracts::{Catalogue, Codec, Foreign, Resolver};
use serde_json::{Value, json};

/// Which build a process runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Build {
    Today,
    Tomorrow,
}

/// What both builds' schemas are registered as.
#[derive(Debug)]
struct Register;

/// Tomorrow's schemas have ids of their own.
const TOMORROW: u32 = 1_000;

static CODECS: LazyLock<[Codec; 2]> = LazyLock::new(|| {
    let register = || std::sync::Arc::new(Register);
    let tomorrow = Catalogue::new(newest().map(|row| (TOMORROW + row.id, row.subject, row.version, texts(row))));
    [
        Codec::bundled().with_resolver(register()),
        Codec::new(tomorrow.expect("tomorrow's schemas are well-formed")).with_resolver(register()),
    ]
});

static TEXTS: LazyLock<Vec<(u32, String)>> = LazyLock::new(|| newest().map(|row| (row.id, grown(row.text))).collect());

// === impl Build ===

impl Build {
    /// The build of a process that was upgraded so often: each upgrade brings the other one, so that some of them are roll-backs.
    pub(crate) fn of(version: u32) -> Self {
        if version.is_multiple_of(2) { Self::Tomorrow } else { Self::Today }
    }

    /// How it reads and writes.
    pub(crate) fn codec(self) -> Codec {
        CODECS[self as usize].clone()
    }
}

// === impl Register ===

impl Resolver for Register {
    fn resolve(&self, id: u32) -> Option<Foreign> {
        let text = match id.checked_sub(TOMORROW) {
            Some(of) => TEXTS.iter().find(|(id, _)| *id == of).map(|(_, text)| text.as_str())?,
            None => BUNDLED.iter().find(|row| row.id == id)?.text,
        };
        Some(Foreign::parse(text).expect("a schema of ours"))
    }
}

/// The schemas that this build writes with.
fn newest() -> impl Iterator<Item = &'static Bundled> {
    BUNDLED.iter().filter(|row| row.version == row.subject.version())
}

fn texts(row: &Bundled) -> &'static str {
    TEXTS.iter().find(|(id, _)| *id == row.id).map_or("", |(_, text)| text)
}

/// A schema with a field more, which nobody fills yet.
fn grown(text: &str) -> String {
    let mut schema: Value = serde_json::from_str(text).expect("JSON");
    let branches = match &mut schema {
        Value::Array(branches) => branches.iter_mut().collect(),
        record => vec![record],
    };
    for fields in branches.into_iter().filter_map(|branch| branch.get_mut("fields")?.as_array_mut()) {
        fields.push(json!({ "name": "of_tomorrow", "type": ["null", "string"], "default": null }));
    }
    schema.to_string()
}

#[cfg(test)]
mod tests {
    use contracts::Subject;

    use super::*;

    #[test]
    fn tomorrow_writes_other_bytes_and_each_reads_the_other() {
        for subject in Subject::ALL {
            let [today, tomorrow] = [Build::Today, Build::Tomorrow].map(|build| build.codec().catalogue().id(subject));
            assert_eq!(today + TOMORROW, tomorrow, "{subject}");
            assert!(Register.resolve(tomorrow).is_some_and(|foreign| foreign.subject() == subject));
        }
    }
}
