//! A registry, as this crate talks to it.

use std::future::Future;
use std::sync::Arc;

use contracts::catalogue::Bundled;
use reqwest::Client;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_subjects, get_all_versions, get_schema_by_id, get_schema_by_subject_and_version,
    is_compatible_schema, perform_sr_call, post_schema,
};
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall, SuppliedSchema};
use serde_json::{Value, json};

use crate::error::RegistryError;
use crate::failure::Failure;
use crate::settings::{Credentials, Settings};

/// A registry that speaks Confluent's protocol. Clones share their connections, which belong to the runtime that made the first call:
/// one that is used on two runtimes waits for both.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(crate) http: Client,
    pub(crate) credentials: Credentials,
    nodes: Arc<[Node]>,
}

/// One address of a registry.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) converter: SrSettings,
}

/// A schema that a registry has under some subject.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) version: u32,
    pub(crate) id: u32,
    pub(crate) schema: Value,
}

// === impl Registry ===

impl Registry {
    /// A registry by its settings. Calls nobody yet.
    pub fn new(settings: &Settings) -> Result<Self, RegistryError> {
        let addresses = settings.addresses()?;
        let unusable = |error: &dyn std::fmt::Display| RegistryError::Settings(error.to_string());
        let http = settings.client()?.build().map_err(|error| unusable(&error))?;
        let node = |address: String| {
            let mut builder = SrSettings::new_builder(address.clone());
            match &settings.credentials {
                Credentials::None => &mut builder,
                Credentials::Basic { username, password } => builder.set_basic_authorization(username, Some(password)),
                Credentials::Bearer(token) => builder.set_token_authorization(token),
            };
            // Its builder sets its own timeout over that of the client it is given.
            builder.set_timeout(settings.timeout);
            let converter = builder.build_with(settings.client()?).map_err(|error| unusable(&error.error))?;
            Ok(Node { address, converter })
        };
        let nodes = addresses.into_iter().map(node).collect::<Result<_, RegistryError>>()?;
        Ok(Self { http, credentials: settings.credentials.clone(), nodes })
    }

    /// Asks one address after the other until one answers. What it answers counts, also where it refuses: only a node that can't
    /// answer is passed over. (The crate beneath would ask the next one whatever the answer, and report a missing schema as an outage
    /// where the last address is down.)
    pub(crate) async fn ask<T, F>(&self, call: impl Fn(Node) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut unavailable = Failure::default();
        for node in self.nodes.iter() {
            match call(node.clone()).await {
                Err(failure) if failure.is_outage() => unavailable = failure,
                answered => return answered,
            }
        }
        Err(unavailable)
    }

    /// The id of a schema of ours, if it is registered under its subject. Some registries tell schemas apart by their white space, so
    /// where the text as it stands is not known, all versions are looked at for one that says the same.
    pub(crate) async fn find(&self, bundled: &Bundled) -> Result<Option<u32>, RegistryError> {
        let name = bundled.subject.schema_name();
        let body = json!({"schema": bundled.text, "schemaType": "AVRO"}).to_string();
        let body = &body;
        let lookup =
            |node: Node| async move { Ok(perform_sr_call(&node.converter, SrCall::PostForVersion(name, body)).await?) };
        match self.ask(lookup).await {
            Ok(found) => found.id.map(Some).ok_or_else(|| RegistryError::Unexpected("a schema without an id".into())),
            Err(failure) if failure.is_absence() => {
                let ours = parsed(bundled.text)?;
                let versions = self.versions(name).await?;
                Ok(versions.into_iter().find(|version| version.schema == ours).map(|version| version.id))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// All versions under a subject; none, if there is no such subject. Those that are no Avro are left out.
    pub(crate) async fn versions(&self, name: &str) -> Result<Vec<Version>, RegistryError> {
        let list = |node: Node| async move { Ok(get_all_versions(&node.converter, name.to_owned()).await?) };
        let numbers = match self.ask(list).await {
            Ok(numbers) => numbers,
            Err(failure) if failure.is_absence() => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into()),
        };
        let mut versions = Vec::with_capacity(numbers.len());
        for version in numbers {
            let read = |node: Node| async move {
                Ok(get_schema_by_subject_and_version(&node.converter, name, Some(version)).await?)
            };
            match self.ask(read).await {
                Ok(read) if read.schema_type == SchemaType::Avro => {
                    versions.push(Version { version, id: read.id, schema: parsed(&read.schema)? });
                }
                Ok(_) => {}
                // Somebody has deleted it since it was listed.
                Err(failure) if failure.is_absence() => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(versions)
    }

    /// Registers a schema of ours; answers its id.
    pub(crate) async fn post(&self, bundled: &Bundled) -> Result<u32, RegistryError> {
        let name = bundled.subject.schema_name();
        let post =
            |node: Node| async move { Ok(post_schema(&node.converter, name.to_owned(), supplied(bundled)).await?) };
        self.ask(post)
            .await
            .map(|posted| posted.id)
            .map_err(|failure| failure.of_schema(bundled.subject, bundled.version))
    }

    /// Whether the registry would take a schema of ours, by the compatibility it has for the subject now.
    pub(crate) async fn would_take(&self, bundled: &Bundled) -> Result<bool, RegistryError> {
        let name = bundled.subject.schema_name();
        let judge = |node: Node| async move {
            Ok(is_compatible_schema(&node.converter, name.to_owned(), supplied(bundled)).await?)
        };
        match self.ask(judge).await {
            Ok(would) => Ok(would),
            // Nothing is there yet that it could be incompatible with.
            Err(failure) if failure.is_absence() => Ok(true),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The schema of an id; none, if there is none or it is no Avro.
    pub(crate) async fn by_id(&self, id: u32) -> Result<Option<String>, RegistryError> {
        match self.ask(|node| async move { Ok(get_schema_by_id(id, &node.converter).await?) }).await {
            Ok(read) => Ok((read.schema_type == SchemaType::Avro).then_some(read.schema)),
            Err(failure) if failure.is_absence() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The names of all subjects, ours and others'.
    pub(crate) async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        Ok(self.ask(|node| async move { Ok(get_all_subjects(&node.converter).await?) }).await?)
    }
}

fn supplied(bundled: &Bundled) -> SuppliedSchema {
    SuppliedSchema::new(Some(bundled.subject.schema_name().into()), SchemaType::Avro, bundled.text.into())
}

/// A schema as JSON, in which white space and the order of attributes don't count.
pub(crate) fn parsed(text: &str) -> Result<Value, RegistryError> {
    serde_json::from_str(text).map_err(|_| RegistryError::Unexpected("a schema that is no JSON".into()))
}
