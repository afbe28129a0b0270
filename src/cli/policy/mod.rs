//! `claviger policy`: for the security engineers who write the central policy. None of its commands
//! speaks with a daemon.

mod effect;
mod files;
#[cfg(feature = "test-util")]
pub(crate) mod fuzzing;
mod kept;
mod public_key;
mod show;
mod sign;
mod signer;
mod transit;
mod vault_environment;
mod verify;

use super::CliError;

#[derive(Debug, clap::Subcommand)]
#[command(after_help = concat!(
    "\
Examples:
  openssl genpkey -algorithm ed25519 -out policy-key.pem
  claviger policy public-key --key policy-key.pem    to pin in [policy]
  claviger policy show policy.toml --user ana        before it is signed
  claviger policy sign policy.toml --key policy-key.pem --output policy.jws
  claviger policy verify policy.jws                  before it is published
",
    "  claviger policy show                               the one of this machine

A policy is a TOML file; README.md describes it. 'claviger policy COMMAND --help' shows more of each."
))]
pub(super) enum PolicyCommand {
    /// Sign a policy with a private key, or in Vault
    Sign(sign::SignArgs),
    /// Verify a signed policy, and that it is not older than another
    Verify(verify::VerifyArgs),
    /// Show what a policy says, and what it means for a user
    Show(show::ShowArgs),
    /// Print the public key to pin in the managed configuration
    PublicKey(public_key::PublicKeyArgs),
}

pub(super) fn run(command: PolicyCommand) -> Result<(), CliError> {
    match command {
        PolicyCommand::Sign(args) => sign::run(&args),
        PolicyCommand::Verify(args) => verify::run(&args),
        PolicyCommand::Show(args) => show::run(&args),
        PolicyCommand::PublicKey(args) => public_key::run(&args),
    }
}
