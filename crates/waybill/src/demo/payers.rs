//! The demo's partner payers: simulated ones of its own, or those of a sandbox that outlives it.

use std::collections::BTreeMap;

use sandbox::partner::{Effects, FaultLevel, RunningSandbox, Sandbox, SandboxOptions, standard_payers};
use uuid::Uuid;

use crate::cli::DemoArgs;
use crate::exit::Failure;

/// The payers of a run.
pub(crate) enum Payers {
    /// Started by the demo.
    Own(RunningSandbox),
    /// Running elsewhere; their partner files follow from the seed.
    Elsewhere {
        /// Where.
        url: String,
        /// Their seed.
        seed: u64,
    },
}

/// How much faster than in life the partners are.
pub(crate) const SCALE: f64 = 0.05;
/// How badly they behave.
pub(crate) const FAULTS: FaultLevel = FaultLevel::Usual;

impl Payers {
    /// Starts the payers, unless the arguments name others.
    pub(crate) async fn open(arguments: &DemoArgs) -> Result<Self, Failure> {
        if let Some(url) = &arguments.payers {
            return Ok(Self::Elsewhere { url: url.clone(), seed: arguments.seed });
        }
        let mut options = SandboxOptions::standard(arguments.seed);
        (options.faults, options.scale) = (FAULTS, SCALE);
        let sandbox = Sandbox::start(options).await.map_err(|error| Failure::Other(error.into()))?;
        Ok(Self::Own(sandbox))
    }

    /// The partner files, by payer.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        match self {
            Self::Own(sandbox) => {
                let file = |id: &String| (id.clone(), sandbox.partner_toml(id).unwrap_or_default());
                sandbox.payers().map(|payer| file(&payer.id)).collect()
            }
            Self::Elsewhere { url, seed } => {
                let payers = standard_payers(*seed).into_iter().map(|payer| payer.at_level(FAULTS).scaled(SCALE));
                payers.map(|payer| (payer.id.clone(), payer.partner_toml(&format!("{url}/{}", payer.id)))).collect()
            }
        }
    }

    /// What they really did, by operation.
    pub(crate) async fn effects(&self) -> Result<BTreeMap<Uuid, Effects>, Failure> {
        match self {
            Self::Own(sandbox) => Ok(sandbox.effects()),
            Self::Elsewhere { url, .. } => {
                let answer = reqwest::get(format!("{url}/oracle/operations")).await;
                let effects = match answer {
                    Ok(answer) => answer.json().await,
                    Err(error) => Err(error),
                };
                effects.map_err(|error| Failure::Unavailable(format!("the payers' books can't be read: {error}")))
            }
        }
    }

    /// Stops what the demo has started.
    pub(crate) async fn close(self) {
        match self {
            Self::Own(sandbox) => sandbox.shutdown().await,
            Self::Elsewhere { .. } => {}
        }
    }
}
