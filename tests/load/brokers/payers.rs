//! The sandbox's payers over HTTP, in a process of their own, on their best behaviour and without making anybody wait.

use std::io::Read as _;
use std::sync::Arc;

use domain::partner::{Partner, Registry};
use fleet::caller::Caller;
use sandbox::partner::{Completion, FaultLevel, Payer, RefusalRates, Sandbox, SandboxOptions, standard_payers};
use tokio::runtime::Handle;

use crate::plant::{PAYER, Partners, Plant};

/// How many calls one of them may have outstanding.
const OUTSTANDING_MAX: u32 = 256;
/// Calls wait for each other on a machine this busy; none of them is to be repeated for that.
const TIMEOUT_MS: u64 = 30_000;

/// Those that answer at once, and keep a connection open since a lost answer costs them nothing.
fn payers() -> Vec<Payer> {
    let mut payers = standard_payers(1);
    payers.retain(|payer| payer.completion == Completion::Immediate && (payer.deduplicates || payer.status_query));
    for payer in &mut payers {
        payer.refusals = RefusalRates { no_match: 0, multiple_matches: 0, consent: 0 };
    }
    payers
}

/// Their ids.
pub(super) fn ids() -> Vec<String> {
    payers().into_iter().map(|payer| payer.id).collect()
}

/// Plays the payers until the input is closed.
pub(super) fn play(ready: impl FnOnce(String)) {
    super::runtime().block_on(async {
        let options =
            SandboxOptions { faults: FaultLevel::Calm, scale: 0.0, payers: payers(), ..SandboxOptions::standard(1) };
        let sandbox = Sandbox::start(options).await.expect("a free port");
        ready(sandbox.address().to_string());
        let until_closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
        let _ = until_closed.await;
        sandbox.shutdown().await;
    });
}

/// The partners edge, with lines to the payers at this address.
pub(super) fn partners(address: &str, plant: &Plant, runtime: &Handle) -> Partners {
    let partner = |payer: &Payer| {
        let file = payer.partner_toml(&format!("http://{address}/{}", payer.id));
        let mut partner: Partner = toml::from_str(&file).expect("a partner");
        partner.limits.outstanding_max = OUTSTANDING_MAX;
        partner.limits.timeout_ms = TIMEOUT_MS;
        partner
    };
    let registry = Arc::new(Registry::new(payers().iter().map(partner)).expect("a registry"));
    let ports = partners::Ports {
        phi: plant.vault.clone(),
        evidence: plant.vault.claim_check(),
        clock: Arc::clone(&plant.clock),
    };
    let edge = partners::Partners::new(&registry, ports, runtime.clone(), partners::Options::new(PAYER));
    let caller: Arc<dyn Caller> = Arc::new(edge.expect("a partners edge"));
    Partners { registry, caller }
}
