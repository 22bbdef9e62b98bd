//! Who may submit: the registered upstream systems, their keys, and what they may ask for.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::messages::{Lane, Workflow};
use domain::worker::Signature;
use domain::{Code, SourceId};
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;

/// The register of `deploy/sources/*.toml`.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    by_id: BTreeMap<SourceId, Source>,
}

/// One registered upstream system.
#[derive(Clone, Debug)]
pub struct Source {
    /// The fastest lane it may use.
    pub lane: Lane,
    /// How many requests a minute may take a lane above bulk; none means any number.
    pub share_per_min: Option<u32>,
    /// What it may ask for.
    pub workflows: Vec<Workflow>,
    /// Whether it may submit without a signature.
    pub unsigned: bool,
    keys: BTreeMap<String, VerifyingKey>,
}

/// What the deployment is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Trying things out: a source may be registered as unsigned.
    Development,
    /// Real members: every source signs.
    Production,
}

/// Why a registration can't stand.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("source registration {file}")]
pub struct SourceError {
    /// The file it came from.
    pub file: String,
    /// What is wrong with it.
    #[source]
    pub problem: SourceProblem,
}

/// What is wrong with a registration.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum SourceProblem {
    /// It is not TOML of the expected shape.
    #[error("not a registration")]
    Unreadable(#[source] toml::de::Error),
    /// The id is used in a topic name and can't be.
    #[error("the id must be 1 to 64 of a-z, 0-9 and '-', and not \"{UNREGISTERED}\"")]
    IdMalformed,
    /// Another file registers the same id.
    #[error("the id is registered twice")]
    IdRepeated,
    /// It may ask for nothing.
    #[error("no workflow is allowed")]
    WorkflowsMissing,
    /// Unsigned submissions belong to development.
    #[error("unsigned = true is legal in development mode only")]
    UnsignedInProduction,
    /// Nobody could submit under it.
    #[error("no key is registered; add one, or unsigned = true in development mode")]
    KeysMissing,
    /// A key is not 32 bytes of base64, or is a weak point of the curve.
    #[error("key {key_id} is no Ed25519 public key in base64")]
    KeyMalformed {
        /// The key.
        key_id: String,
    },
    /// A key id is empty, longer than 255 bytes, or stands twice.
    #[error("key id {key_id:?} is empty, too long or repeated")]
    KeyIdMalformed {
        /// The key.
        key_id: String,
    },
}

/// Outcomes for those who are not registered go under this name.
pub const UNREGISTERED: &str = "unregistered";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    id: String,
    lane: Lane,
    workflows: Vec<Workflow>,
    share_per_min: Option<u32>,
    #[serde(default)]
    unsigned: bool,
    #[serde(default)]
    keys: Vec<RegisteredKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegisteredKey {
    id: String,
    public: String,
}

// === impl Sources ===

impl Sources {
    /// Reads registrations, each a file name and its text; all that is wrong is said at once.
    pub fn parse<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        mode: Mode,
    ) -> Result<Self, Vec<SourceError>> {
        let mut sources = Self::default();
        let mut errors = Vec::new();
        for (file, text) in files {
            if let Err(problem) = sources.register(text, mode) {
                errors.push(SourceError { file: file.to_owned(), problem });
            }
        }
        if errors.is_empty() { Ok(sources) } else { Err(errors) }
    }

    /// The source of this name.
    pub fn get(&self, id: &SourceId) -> Option<&Source> {
        self.by_id.get(id)
    }

    /// All registered names, for the outcome topics to be made.
    pub fn ids(&self) -> impl Iterator<Item = &SourceId> {
        self.by_id.keys()
    }

    fn register(&mut self, text: &str, mode: Mode) -> Result<(), SourceProblem> {
        let registration: Registration = toml::from_str(text).map_err(SourceProblem::Unreadable)?;
        if !is_source_name(&registration.id) || registration.id == UNREGISTERED {
            return Err(SourceProblem::IdMalformed);
        }
        let id = SourceId::from(registration.id.as_str());
        if self.by_id.contains_key(&id) {
            return Err(SourceProblem::IdRepeated);
        }
        self.by_id.insert(id, Source::of(registration, mode)?);
        Ok(())
    }
}

/// Whether a text may name a source: it becomes part of a topic's name.
pub fn is_source_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

// === impl Source ===

impl Source {
    /// Whether a submission comes from this source: true if it is signed and the signature fits, false if it is unsigned and may be.
    pub fn authenticate(&self, signature: Option<&Signature>, value: &[u8]) -> Result<bool, Code> {
        let Some(Signature { key_id, bytes }) = signature else {
            return if self.unsigned { Ok(false) } else { Err(Code::SignatureMissing) };
        };
        let key = self.keys.get(key_id).ok_or(Code::SignatureKeyUnknown)?;
        let signature = ed25519_dalek::Signature::from_slice(bytes).map_err(|_| Code::SignatureWrong)?;
        key.verify_strict(&Signature::covered(key_id, value), &signature).map_err(|_| Code::SignatureWrong)?;
        Ok(true)
    }

    fn of(registration: Registration, mode: Mode) -> Result<Self, SourceProblem> {
        let Registration { id: _, lane, workflows, share_per_min, unsigned, keys } = registration;
        if workflows.is_empty() {
            return Err(SourceProblem::WorkflowsMissing);
        }
        match mode {
            Mode::Production if unsigned => return Err(SourceProblem::UnsignedInProduction),
            Mode::Production | Mode::Development => {}
        }
        if keys.is_empty() && !unsigned {
            return Err(SourceProblem::KeysMissing);
        }
        let mut verifying = BTreeMap::new();
        for RegisteredKey { id: key_id, public } in keys {
            let key = verifying_key(&public).ok_or_else(|| SourceProblem::KeyMalformed { key_id: key_id.clone() })?;
            let fits = (1..=usize::from(u8::MAX)).contains(&key_id.len());
            if !fits || verifying.insert(key_id.clone(), key).is_some() {
                return Err(SourceProblem::KeyIdMalformed { key_id });
            }
        }
        Ok(Self { lane, share_per_min, workflows, unsigned, keys: verifying })
    }
}

fn verifying_key(public: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = STANDARD.decode(public).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok().filter(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str, mode: Mode) -> SourceProblem {
        let mut errors = Sources::parse([("source.toml", text)], mode).expect_err("a mistake");
        assert_eq!((errors.len(), errors[0].file.as_str()), (1, "source.toml"));
        errors.remove(0).problem
    }

    #[test]
    fn the_deployed_development_sources_read() {
        let files = [
            ("enrolment.toml", include_str!("../../../deploy/sources/enrolment.toml")),
            ("member-portal.toml", include_str!("../../../deploy/sources/member-portal.toml")),
        ];
        let sources = Sources::parse(files, Mode::Development).expect("registrations");
        assert_eq!(sources.ids().count(), files.len());
        assert_eq!(Sources::parse(files, Mode::Production).expect_err("unsigned").len(), files.len());
    }

    #[test]
    fn unsigned_is_legal_in_development_only() {
        let text = "id = 'a'\nlane = 'bulk'\nworkflows = ['deliver']\nunsigned = true";
        assert!(Sources::parse([("a.toml", text)], Mode::Development).is_ok());
        assert_eq!(problem(text, Mode::Production), SourceProblem::UnsignedInProduction);
    }

    #[test]
    fn each_mistake_in_a_registration_is_named() {
        let with = |extra: &str| problem(&format!("lane = 'bulk'\n{extra}"), Mode::Production);
        let deliver = "workflows = ['deliver']";
        assert!(matches!(with("id = 'a'"), SourceProblem::Unreadable(_)));
        assert!(matches!(with(&format!("id = 'a'\n{deliver}\nspeed = 9")), SourceProblem::Unreadable(_)));
        assert_eq!(with(&format!("id = 'A b'\n{deliver}")), SourceProblem::IdMalformed);
        assert_eq!(with(&format!("id = 'unregistered'\n{deliver}")), SourceProblem::IdMalformed);
        assert_eq!(with("id = 'a'\nworkflows = []"), SourceProblem::WorkflowsMissing);
        assert_eq!(with(&format!("id = 'a'\n{deliver}")), SourceProblem::KeysMissing);
        let zeroes = STANDARD.encode([0; 32]);
        for public in ["AAAA", "not base64", &zeroes] {
            let keys = format!("keys = [{{ id = 'k', public = '{public}' }}]");
            let malformed = SourceProblem::KeyMalformed { key_id: "k".into() };
            assert_eq!(with(&format!("id = 'a'\n{deliver}\n{keys}")), malformed);
        }
    }

    #[test]
    fn every_file_at_fault_is_named_at_once() {
        let fine = "id = 'a'\nlane = 'bulk'\nworkflows = ['deliver']\nunsigned = true";
        let files = [("one.toml", fine), ("two.toml", fine), ("three.toml", "id = 1")];
        let errors = Sources::parse(files, Mode::Development).expect_err("two mistakes");
        assert_eq!(errors.len(), 2);
        assert_eq!(errors[0].to_string(), "source registration two.toml");
        assert_eq!(errors[0].problem, SourceProblem::IdRepeated);
    }
}
