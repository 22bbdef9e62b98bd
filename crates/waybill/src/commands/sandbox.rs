//! `waybill sandbox`: the simulated payers, for trying things out.

use ::sandbox::partner::{FaultLevel, RefusalRates, Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

use crate::cli::{Faults, SandboxArgs};
use crate::demo::{FAULTS, SCALE};
use crate::exit::Failure;
use crate::secrets::described;
use crate::signals::Signals;

/// Plays the payers until told to stop.
#[expect(clippy::print_stdout, reason = "this is the command's answer")]
pub(crate) fn run(arguments: SandboxArgs) -> Result<(), Failure> {
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    runtime.block_on(async {
        let mut signals = Signals::heed()?;
        let mut options = SandboxOptions::standard(arguments.seed);
        (options.bind, options.scale) = (arguments.listen, SCALE);
        options.faults = match arguments.faults {
            Faults::Usual => FAULTS,
            Faults::None => {
                let none = RefusalRates { no_match: 0, multiple_matches: 0, consent: 0 };
                options.payers.iter_mut().for_each(|payer| payer.refusals = none);
                FaultLevel::Calm
            }
        };
        let sandbox = Sandbox::start(options).await.map_err(|error| {
            let hint = "name a free address with --listen, and the same in the partner files";
            Failure::Unavailable(format!("{}; {hint}", described(&error)))
        })?;
        println!("{} payers at http://{}; their books at /oracle", sandbox.payers().count(), sandbox.address());
        signals.come().await;
        sandbox.shutdown().await;
        Ok(())
    })
}
