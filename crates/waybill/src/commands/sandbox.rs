//! `waybill sandbox`: the simulated payers, for trying things out.

use ::sandbox::partner::{Sandbox, SandboxOptions};
use tokio::runtime::Runtime;

use crate::cli::SandboxArgs;
use crate::demo::{FAULTS, SCALE};
use crate::exit::Failure;

/// Plays the payers until interrupted.
#[expect(clippy::print_stdout, reason = "this is the command's answer")]
pub(crate) fn run(arguments: SandboxArgs) -> Result<(), Failure> {
    let runtime = Runtime::new().map_err(|error| Failure::Other(error.into()))?;
    runtime.block_on(async {
        let mut options = SandboxOptions::standard(arguments.seed);
        (options.bind, options.faults, options.scale) = (arguments.listen, FAULTS, SCALE);
        let sandbox = Sandbox::start(options).await.map_err(|error| Failure::Unavailable(error.to_string()))?;
        println!("{} payers at http://{}; their books at /oracle", sandbox.payers().count(), sandbox.address());
        let interrupted = tokio::signal::ctrl_c().await;
        sandbox.shutdown().await;
        interrupted.map_err(|error| Failure::Other(error.into()))
    })
}
