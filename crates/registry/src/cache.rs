//! The cache: a registry's ids on disk, for a start during an outage. One file for one registry; what it holds is public.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use contracts::catalogue::{BUNDLED, Bundled};
use contracts::{Catalogue, Foreign};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A registry's ids in a directory. A directory belongs to one registry.
#[derive(Clone, Debug)]
pub struct Cache {
    file: PathBuf,
}

/// What a cache holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    /// The schemas of the build that wrote it.
    pub(crate) bundled: Vec<CachedId>,
    /// Schemas of other writers.
    pub(crate) learnt: Vec<Learnt>,
}

/// The id of one of our schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachedId {
    subject: String,
    version: u32,
    id: u32,
    /// The digest of its text: only with this text does the id mean what this build takes it for.
    sha256: String,
}

/// Another writer's schema under its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Learnt {
    pub(crate) id: u32,
    pub(crate) schema: Value,
}

const FILE: &str = "schema-ids.json";

// === impl Cache ===

impl Cache {
    /// The cache in a directory, which is made when something is written.
    pub fn in_directory(directory: &Path) -> Self {
        Self { file: directory.join(FILE) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// What it holds, or why nothing can be taken from it, as the end of a sentence.
    pub(crate) fn read(&self) -> Result<Content, String> {
        let path = self.file.display();
        match fs::read(&self.file) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| format!("the cache {path} is damaged: {error}"))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("there is no cache {path}")),
            Err(error) => Err(format!("the cache {path} can't be read: {error}")),
        }
    }

    /// Replaces what it holds, whole or not at all.
    pub(crate) fn write(&self, content: &Content) -> io::Result<()> {
        let directory = self.file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(directory)?;
        // Named by chance, so that two that share a directory don't write into one file, whatever machine they run on.
        let public = Permissions::from_mode(0o666);
        let mut draft = tempfile::Builder::new().prefix(FILE).permissions(public).tempfile_in(directory)?;
        draft.write_all(&serde_json::to_vec_pretty(content)?)?;
        draft.as_file().sync_all()?;
        draft.persist(&self.file)?;
        File::open(directory)?.sync_all()
    }

    /// Adds another writer's schema to what it holds. A cache that can't be read stays as it is, for a person to look at.
    pub(crate) fn remember(&self, id: u32, foreign: &Foreign) -> io::Result<()> {
        let mut content = self.read().map_err(io::Error::other)?;
        if content.learnt.iter().all(|learnt| learnt.id != id) {
            content.learnt.push(Learnt { id, schema: foreign.json().clone() });
            self.write(&content)?;
        }
        Ok(())
    }
}

// === impl Content ===

impl Content {
    /// The ids a registry has just told, with what is known of other writers from before. If an id has changed its meaning, this is
    /// another registry, or a new one, and what was learnt of the old one is worth nothing.
    pub(crate) fn renewed(ids: &[(Bundled, u32)], before: Option<Self>) -> Self {
        let bundled: Vec<CachedId> = ids.iter().map(|(bundled, id)| CachedId::of(bundled, *id)).collect();
        let is_same = |before: &Self| {
            let text_of = |id: u32| before.bundled.iter().find(|row| row.id == id).map(|row| &row.sha256);
            bundled.iter().all(|row| text_of(row.id).is_none_or(|sha256| *sha256 == row.sha256))
                && before
                    .bundled
                    .iter()
                    .all(|old| bundled.iter().all(|new| new.sha256 != old.sha256 || new.id == old.id))
        };
        let learnt = before.filter(is_same).map(|before| before.learnt).unwrap_or_default();
        Self { bundled, learnt }
    }

    /// The id of every schema of this build, or which one is missing, as the end of a sentence.
    pub(crate) fn ids(&self) -> Result<Vec<(Bundled, u32)>, String> {
        let id = |bundled: &Bundled| {
            let sha256 = digest(bundled.text);
            let found = self.bundled.iter().find(|row| row.sha256 == sha256);
            let missing =
                || format!("the cache is another build's: it has no {} version {}", bundled.subject, bundled.version);
            found.map(|row| (*bundled, row.id)).ok_or_else(missing)
        };
        BUNDLED.iter().map(id).collect()
    }

    /// Teaches a catalogue what is known of other writers. What can't be read any more is passed over: it is looked up again.
    pub(crate) fn teach(&self, catalogue: &Catalogue) {
        for learnt in &self.learnt {
            if let Ok(foreign) = Foreign::parse(&learnt.schema.to_string()) {
                catalogue.learn(learnt.id, foreign);
            }
        }
    }
}

impl CachedId {
    fn of(bundled: &Bundled, id: u32) -> Self {
        let (subject, version) = (bundled.subject.as_str().to_owned(), bundled.version);
        Self { subject, version, id, sha256: digest(bundled.text) }
    }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(offset: u32) -> Vec<(Bundled, u32)> {
        BUNDLED.iter().map(|row| (*row, row.id + offset)).collect()
    }

    fn numbers(content: &Content) -> Vec<u32> {
        content.ids().expect("complete").into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn what_is_written_is_read_and_a_cache_of_another_build_is_noticed() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::in_directory(&directory.path().join("deeper"));
        assert!(cache.read().expect_err("nothing there").contains("there is no cache"));
        let mut content = Content::renewed(&ids(100), None);
        cache.write(&content).expect("written");
        assert_eq!(cache.read(), Ok(content.clone()));
        assert_eq!(numbers(&content)[0], 101);
        content.bundled[4].sha256 = digest("as another build has it");
        let error = content.ids().expect_err("incomplete");
        assert!(error.contains("another build's") && error.contains("command version 1"), "{error}");
    }

    #[test]
    fn a_damaged_cache_is_none_and_says_so() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::in_directory(directory.path());
        fs::write(cache.path(), "{\"bundled\": [").expect("written");
        assert!(cache.read().expect_err("damaged").contains("is damaged"));
    }

    #[test]
    fn what_was_learnt_outlives_a_start_but_not_a_change_of_registry() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = Cache::in_directory(directory.path());
        cache.write(&Content::renewed(&ids(100), None)).expect("written");
        let foreign = Foreign::parse(BUNDLED[0].text).expect("one of ours");
        for _ in 0..2 {
            cache.remember(900, &foreign).expect("written");
        }
        let before = cache.read().expect("a cache");
        assert_eq!(before.learnt.len(), 1);
        let catalogue = Catalogue::bundled();
        before.teach(&catalogue);
        assert_eq!(catalogue.lookup(900), Some((foreign.subject(), 1)));
        assert_eq!(Content::renewed(&ids(100), Some(before.clone())).learnt.len(), 1);
        assert!(Content::renewed(&ids(101), Some(before)).learnt.is_empty());
    }
}
