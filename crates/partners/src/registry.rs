//! Reads the partner registry: one TOML file per partner in one directory.

use std::fs;
use std::path::Path;

use domain::partner::{Partner, Registry};

/// A directory that does not make a registry, with everything that is wrong in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the partner registry has mistakes: {}", mistakes.join("; "))]
pub struct RegistryError {
    /// One sentence per mistake, naming the file or the partner and the field.
    pub mistakes: Vec<String>,
}

/// Reads every `*.toml` of a directory, in the order of their names.
///
/// # Errors
/// All mistakes of all files at once: what can't be read, what is no partner, and what a partner may not be.
pub fn read_registry(directory: &Path) -> Result<Registry, RegistryError> {
    let mut mistakes = Vec::new();
    let mut partners = Vec::new();
    let mut paths: Vec<_> = match fs::read_dir(directory) {
        Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
        Err(error) => return Err(RegistryError { mistakes: vec![format!("{}: {error}", directory.display())] }),
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    for path in &paths {
        let text = fs::read_to_string(path).map_err(|error| error.to_string());
        match text.and_then(|text| parse(&text)) {
            Ok(partner) => partners.push(partner),
            Err(mistake) => mistakes.push(format!("{}: {mistake}", path.display())),
        }
    }
    let registry = Registry::new(partners).map_err(|found| mistakes.extend(found.iter().map(ToString::to_string)));
    match registry {
        Ok(registry) if mistakes.is_empty() => Ok(registry),
        Ok(_) | Err(()) => Err(RegistryError { mistakes }),
    }
}

/// Reads one partner. The mistake names the line, and not what stands in it: it may be a secret.
fn parse(text: &str) -> Result<Partner, String> {
    toml::from_str(text).map_err(|error| {
        let lines_before = error.span().map_or(0, |span| text[..span.start].matches('\n').count());
        format!("line {}: {}", lines_before + 1, error.message().trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERGREEN: &str = r#"
        id = "evergreen"
        name = "Evergreen Health Plan"
        adapter = "rest"
        base_url = "http://127.0.0.1:4711/evergreen"
        deduplicates = true
        status_query = false
        completion = "poll"
        buckets = 2

        [limits]
        outstanding_max = 64
        timeout_ms = 2000

        [retry]
        attempts_max = 6
        backoff_ms = 100
        backoff_ms_max = 5000

        [callback]
        secret = "whsec_c2VjcmV0"
    "#;

    fn directory(files: &[(&str, String)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    #[test]
    fn every_file_is_a_partner() {
        let other = EVERGREEN.replace("evergreen", "harborlight").replace("buckets = 2", "");
        let files = directory(&[("b.toml", EVERGREEN.into()), ("a.toml", other), ("notes.txt", "none".into())]);
        let registry = read_registry(files.path()).unwrap();
        let ids: Vec<_> = registry.iter().map(|partner| (partner.id.as_str(), partner.buckets)).collect();
        assert_eq!(ids, [("evergreen", 2), ("harborlight", 1)]);
    }

    #[test]
    fn every_mistake_is_named_and_no_secret_is_shown() {
        let typo = EVERGREEN.replace("status_query", "status_qery");
        let zero = EVERGREEN.replace("attempts_max = 6", "attempts_max = 0");
        let number = EVERGREEN.replace("\"whsec_c2VjcmV0\"", "[\"whsec_c2VjcmV0\"]");
        let files = directory(&[("a.toml", typo), ("b.toml", zero), ("c.toml", number)]);
        let error = read_registry(files.path()).unwrap_err();
        assert_eq!(error.mistakes.len(), 3, "{error}");
        assert!(error.mistakes[0].contains("a.toml: line 7: unknown field `status_qery`"), "{error}");
        assert!(error.mistakes[1].contains("c.toml: line 21"), "{error}");
        assert_eq!(error.mistakes[2], "partner `evergreen`: retry.attempts_max must be 1 to 1000");
        assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        assert!(read_registry(Path::new("/nowhere/at/all")).is_err());
    }
}
