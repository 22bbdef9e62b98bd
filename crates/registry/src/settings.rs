//! Where the registry is, and who we are to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Certificate, ClientBuilder, Url};

use crate::error::RegistryError;

/// How to reach a registry. [`Settings::new`] gives one without credentials.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its addresses, tried in this order, each up to where the paths of Confluent's protocol begin: Apicurio's end in
    /// `/apis/ccompat/v7`.
    pub urls: Vec<String>,
    /// Who we are.
    pub credentials: Credentials,
    /// A PEM file with authorities that sign its certificate, beside those of the system.
    pub ca: Option<PathBuf>,
    /// How long one call to one address may take.
    pub timeout: Duration,
}

/// Who we are to a registry. `Debug` shows no secrets.
#[derive(Clone)]
pub enum Credentials {
    /// Nobody in particular.
    None,
    /// A name and a password, or an API key and its secret.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

// === impl Settings ===

impl Settings {
    /// A registry at one address that asks for no credentials. A call takes at most 15 seconds.
    pub fn new(url: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], credentials: Credentials::None, ca: None, timeout: Duration::from_secs(15) }
    }

    /// The addresses without a slash at their end.
    pub(crate) fn addresses(&self) -> Result<Vec<String>, RegistryError> {
        if self.urls.is_empty() {
            return Err(RegistryError::Settings("there is no address; give at least one".into()));
        }
        self.urls.iter().map(|url| address(url)).collect()
    }

    /// A client with the timeout and authorities of these settings.
    pub(crate) fn client(&self) -> Result<ClientBuilder, RegistryError> {
        let builder = ClientBuilder::new().timeout(self.timeout);
        let Some(path) = &self.ca else { return Ok(builder) };
        let unusable = |what: &dyn fmt::Display| {
            RegistryError::Settings(format!("the authorities in {} can't be used: {what}", path.display()))
        };
        let pem = std::fs::read(path).map_err(|error| unusable(&error))?;
        let authorities = Certificate::from_pem_bundle(&pem).map_err(|_| unusable(&"it is no PEM file"))?;
        if authorities.is_empty() {
            return Err(unusable(&"there is no certificate in it"));
        }
        Ok(builder.tls_certs_merge(authorities))
    }
}

/// An address that can be called. One that carries credentials would show them in errors and logs.
fn address(url: &str) -> Result<String, RegistryError> {
    let refused = |what: &str| Err(RegistryError::Settings(what.to_owned()));
    match Url::parse(url) {
        Ok(parsed) if !parsed.username().is_empty() || parsed.password().is_some() => {
            refused("an address carries a name or password; give those as credentials")
        }
        Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) && parsed.has_host() => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        // Not shown: whatever it is, there may be a password in it.
        Ok(_) | Err(_) => refused("an address is none; they begin with http:// or https://"),
    }
}

// === impl Credentials ===

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { username, .. } => write!(f, "Basic({username})"),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_never_shown_with_a_password() {
        let addresses = |url: &str| Settings::new(url).addresses();
        assert_eq!(addresses("http://one:8081/"), Ok(vec!["http://one:8081".to_owned()]));
        for wrong in ["http://me:hidden@one:8081", "https://hidden@one", "one:8081?hidden", "ftp://hidden", "hidden"] {
            let error = addresses(wrong).expect_err("refused").to_string();
            assert!(!error.contains("hidden"), "{error}");
        }
        assert!(Settings { urls: Vec::new(), ..Settings::new("") }.addresses().is_err());
    }

    #[test]
    fn secrets_are_not_shown() {
        let basic = Credentials::Basic { username: "waybill".into(), password: "hidden".into() };
        for credentials in [basic, Credentials::Bearer("hidden".into())] {
            let shown = format!("{:?}", Settings { credentials, ..Settings::new("http://one") });
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }

    #[test]
    fn authorities_that_are_none_are_refused_by_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ca.pem");
        let client = || Settings { ca: Some(path.clone()), ..Settings::new("https://one") }.client().map(drop);
        assert!(client().expect_err("missing").to_string().contains("ca.pem"));
        std::fs::write(&path, "nothing").expect("written");
        assert!(client().expect_err("no certificate").to_string().contains("ca.pem"));
    }
}
