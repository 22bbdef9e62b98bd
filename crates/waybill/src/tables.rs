//! The tables people write: sources, partners, policies. Read whole from their folders, with every mistake named at once.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use domain::lifecycle::Clocks;
use domain::partner::{Partner, Registry};

use crate::config::{Config, Mistake, Mode};

/// Everything workers judge by that a person has written.
#[derive(Clone)]
pub(crate) struct Tables {
    /// Registered sources.
    pub(crate) sources: intake::Sources,
    /// The payers we exchange with.
    pub(crate) partners: Arc<Registry>,
    /// What intake accepts.
    pub(crate) intake: intake::Policy,
    /// How identity goes about its work, and whom it matches.
    pub(crate) identity: identity::Rollout,
    /// Clocks, escalation, what sources are told.
    pub(crate) supervision: reconciliation::Policy,
}

const BUNDLED_SOURCES: [(&str, &str); 1] = [("enrolment.toml", include_str!("../../../deploy/sources/enrolment.toml"))];
const BUNDLED_POLICIES: [(&str, &str); 5] = [
    ("intake.toml", include_str!("../../../deploy/policy/intake.toml")),
    ("identity.toml", include_str!("../../../deploy/policy/identity.toml")),
    ("matching.toml", include_str!("../../../deploy/policy/matching.toml")),
    ("clocks.toml", include_str!("../../../deploy/policy/clocks.toml")),
    ("escalation.toml", include_str!("../../../deploy/policy/escalation.toml")),
];

impl Tables {
    /// Reads the folders a configuration names.
    pub(crate) fn load(config: &Config) -> Result<Self, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let sources = texts(&config.sources_dir, &mut mistakes);
        let partners = texts(&config.partners_dir, &mut mistakes);
        let policy = |name: &str| {
            let path = config.policies_dir.join(name);
            std::fs::read_to_string(&path).map_err(|error| Mistake::file(&path, &format!("can't be read: {error}")))
        };
        let sources = parse_sources(&sources, config.mode, &mut mistakes);
        let partners = parse_partners(&partners, &mut mistakes);
        let mut texts = ["intake.toml", "identity.toml", "matching.toml", "clocks.toml", "escalation.toml"].map(Some);
        if is_absent(&config.policies_dir) {
            mistakes.push(absent(&config.policies_dir));
            texts = [None; 5];
        }
        let [intake, identity, matching, clocks, escalation] =
            texts.map(|name| name.and_then(|name| keep(policy(name), &mut mistakes)));
        let at = |name: &str| config.policies_dir.join(name);
        let intake = intake.and_then(|text| {
            let parsed = intake::Policy::parse(&text);
            keep(parsed.map_err(|error| Mistake::file(&at("intake.toml"), &fault(&error, &text))), &mut mistakes)
        });
        let identity = identity.and_then(|text| {
            let parsed = identity::Policy::parse(&text);
            keep(parsed.map_err(|error| Mistake::file(&at("identity.toml"), &fault(&error, &text))), &mut mistakes)
        });
        let matching = matching.and_then(|text| {
            let parsed = matching::Policy::parse(&text);
            keep(parsed.map_err(|error| Mistake::file(&at("matching.toml"), &fault(&error, &text))), &mut mistakes)
        });
        let identity = identity.zip(matching).map(|(identity, matching)| identity::Rollout::of(identity, matching));
        let supervision = clocks.zip(escalation).and_then(|(clocks, escalation)| {
            let parsed = reconciliation::Policy::parse(&clocks, &escalation);
            let found = parsed.map_err(|error| error.0.iter().map(|it| supervision_mistake(config, it)).collect());
            found.map_err(|found: Vec<Mistake>| mistakes.extend(found)).ok()
        });
        match (mistakes.is_empty(), sources, intake, identity, supervision) {
            (true, Some(sources), Some(intake), Some(identity), Some(supervision)) => {
                Ok(Self { sources, partners: Arc::new(partners), intake, identity, supervision })
            }
            (..) => Err(mistakes),
        }
    }

    /// Puts what is bundled in place of folders of sources or policies that are not there. For the demo, which runs anywhere.
    pub(crate) fn bundle_missing(config: &mut Config) -> Result<(), Vec<Mistake>> {
        let bundled = config.data_dir.join("bundled");
        let write = |folder: &str, files: &[(&str, &str)]| -> std::io::Result<std::path::PathBuf> {
            let folder = bundled.join(folder);
            std::fs::create_dir_all(&folder)?;
            files.iter().try_for_each(|(name, text)| std::fs::write(folder.join(name), text))?;
            Ok(folder)
        };
        let mistaken = |error: std::io::Error| vec![Mistake::file(&bundled, &format!("can't be written: {error}"))];
        if !config.sources_dir.is_dir() {
            config.sources_dir = write("sources", &BUNDLED_SOURCES).map_err(mistaken)?;
        }
        if !config.policies_dir.is_dir() {
            config.policies_dir = write("policy", &BUNDLED_POLICIES).map_err(mistaken)?;
        }
        Ok(())
    }

    /// The clocks of the lifecycle.
    pub(crate) fn clocks(&self) -> Clocks {
        self.supervision.clocks.clocks
    }
}

fn parse_sources(texts: &[(String, String)], mode: Mode, mistakes: &mut Vec<Mistake>) -> Option<intake::Sources> {
    let mode = match mode {
        Mode::Development => intake::Mode::Development,
        Mode::Production => intake::Mode::Production,
    };
    let files = texts.iter().map(|(file, text)| (file.as_str(), text.as_str()));
    match intake::Sources::parse(files, mode) {
        Ok(sources) => Some(sources),
        Err(errors) => {
            let text = |file: &str| texts.iter().find(|(name, _)| name == file).map_or("", |(_, text)| text.as_str());
            mistakes.extend(
                errors.iter().map(|error| Mistake {
                    path: error.file.clone(),
                    message: fault(&error.problem, text(&error.file)),
                }),
            );
            None
        }
    }
}

fn parse_partners(texts: &[(String, String)], mistakes: &mut Vec<Mistake>) -> Registry {
    let mut partners: Vec<Partner> = Vec::new();
    for (file, text) in texts {
        match toml::from_str(text) {
            Ok(partner) => partners.push(partner),
            Err(error) => mistakes.push(Mistake { path: file.clone(), message: place(&error, text) }),
        }
    }
    Registry::new(partners).unwrap_or_else(|found| {
        mistakes.extend(found.iter().map(|mistake| Mistake {
            path: format!("partners.{}.{}", mistake.partner, mistake.field),
            message: mistake.problem.to_owned(),
        }));
        Registry::default()
    })
}

/// The TOML files of a folder, by name.
fn texts(folder: &Path, mistakes: &mut Vec<Mistake>) -> Vec<(String, String)> {
    if is_absent(folder) {
        mistakes.push(absent(folder));
        return Vec::new();
    }
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            mistakes.push(Mistake::file(folder, &format!("can't be read: {error}")));
            return Vec::new();
        }
    };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text =
            std::fs::read_to_string(path).map_err(|error| Mistake::file(path, &format!("can't be read: {error}")));
        keep(text, mistakes).map(|text| (path.display().to_string(), text))
    };
    paths.iter().filter_map(read).collect()
}

fn is_absent(folder: &Path) -> bool {
    matches!(folder.try_exists(), Ok(false))
}

/// A folder that is not there: as a rule the process was started elsewhere, without a configuration.
fn absent(folder: &Path) -> Mistake {
    Mistake::file(
        folder,
        "is not there; start where `deploy` lies, or name a configuration that says where it is with --config",
    )
}

/// An error with its causes, in one line. Where the text is no TOML of the right shape, its line is told instead of being drawn.
pub(crate) fn fault(error: &(dyn Error + 'static), text: &str) -> String {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        causes.push(cause.downcast_ref().map_or_else(|| cause.to_string(), |syntax| place(syntax, text)));
        next = cause.source();
    }
    causes.join(": ")
}

/// The line at which reading stopped, and why.
fn place(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!("line {}: {}", 1 + before.matches('\n').count(), error.message()),
        None => error.message().to_owned(),
    }
}

/// A mistake in one of the supervisor's two policies, whose names are those of their files.
fn supervision_mistake(config: &Config, mistake: &reconciliation::Mistake) -> Mistake {
    let (name, key) = mistake.at.split_once('.').unwrap_or((&mistake.at, "the file"));
    Mistake::file(&config.policies_dir.join(format!("{name}.toml")), &format!("{key} {}", mistake.problem))
}

fn keep<T>(result: Result<T, Mistake>, mistakes: &mut Vec<Mistake>) -> Option<T> {
    result.map_err(|mistake| mistakes.push(mistake)).ok()
}
