//! The compatibility a registry has for a subject: read and set, which the crate beneath can't.

use contracts::Compatibility;
use reqwest::{RequestBuilder, Response};
use schema_registry_converter::schema_registry_common::RawError;
use serde::Deserialize;
use serde_json::json;

use crate::client::{Node, Registry};
use crate::error::RegistryError;
use crate::failure::Failure;
use crate::settings::Credentials;

/// What a registry says of a subject's compatibility.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "compatibilityLevel")]
    level: String,
}

impl Registry {
    /// The compatibility set for a subject itself, as the registry spells it; none, if it has only what holds for all.
    pub(crate) async fn level(&self, name: &str) -> Result<Option<String>, RegistryError> {
        let told = self.ask(|node| self.send(self.http.get(config(&node, name)))).await;
        match told {
            Ok(response) => {
                let told: Told = response.json().await.map_err(|error| Failure::unanswered(&error))?;
                Ok(Some(told.level))
            }
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Sets the compatibility of a subject, which need not exist yet.
    pub(crate) async fn set_level(&self, name: &str, compatibility: Compatibility) -> Result<(), RegistryError> {
        let body = json!({"compatibility": compatibility.as_str()});
        self.ask(|node| self.send(self.http.put(config(&node, name)).json(&body))).await?;
        Ok(())
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let request = match &self.credentials {
            Credentials::None => request,
            Credentials::Basic { username, password } => request.basic_auth(username, Some(password)),
            Credentials::Bearer(token) => request.bearer_auth(token),
        };
        let response = request.send().await.map_err(|error| Failure::unanswered(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        Err(Failure::answered(status, response.json::<RawError>().await.ok()))
    }
}

fn config(node: &Node, name: &str) -> String {
    format!("{}/config/{name}", node.address)
}
