//! `claviger policy sign`.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, visible};

use super::{
    files::{read_previous, read_toml},
    signer::SignerArgs,
};
use crate::{
    cli::{CliError, public_file},
    clock::{Clock as _, SystemClock},
    policy::{JwsError, PolicyDocument, SigningInput, payload, verify},
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger policy sign policy.toml --key policy-key.pem > policy.jws
  claviger policy sign policy.toml --key policy-key.pem --output policy.jws \\
      --previous published.jws
  claviger policy sign policy.toml --transit transit/policy
",
    "
With --transit, VAULT_ADDR, VAULT_TOKEN (or ~/.vault-token), VAULT_NAMESPACE and VAULT_CACERT count \
as for Vault's own command, and the variables for a proxy. The key is of the type ed25519, and the \
token may read MOUNT/keys/KEY and update MOUNT/sign/KEY."
))]
pub(in crate::cli) struct SignArgs {
    /// The policy, in TOML
    policy: PathBuf,

    #[command(flatten)]
    signer: SignerArgs,

    /// The policy that this one replaces: its counter must be smaller
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,

    /// Replace this file, readable by all, instead of printing
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn run(args: &SignArgs) -> Result<(), CliError> {
    let now = SystemClock.now().wall;
    let document = read_toml(&args.policy, now)?;
    if let Some(previous) = &args.previous {
        check_counter(args, &document.typed, previous)?;
    }
    let signer = args.signer.open()?;
    let key = signer.public();
    let input = SigningInput::new(&key, &payload(&document.json, now));
    let text = input.with_signature(&signer.sign(&input)?);
    // As every daemon will.
    let signed = verify(text.as_bytes(), &[key]).map_err(|error| unusable(&args.policy, &error))?;
    let Some(file) = &args.output else {
        return Ok(writeln!(io::stdout(), "{text}")?);
    };
    public_file::replace(file, &format!("{text}\n")).map_err(|error| not_written(file, &error))?;
    let counter = signed.document.counter;
    let file = visible(&file.display().to_string());
    Ok(writeln!(
        io::stdout(),
        "{file}: signed; counter {counter}, key {}",
        signed.key_id
    )?)
}

/// Checks that the policy is newer than the one in `previous`, before it is signed: the signature
/// of Vault's engine is recorded there.
fn check_counter(
    args: &SignArgs,
    document: &PolicyDocument,
    previous: &Path,
) -> Result<(), Failure> {
    let last = read_previous(previous)?.document.counter;
    if document.counter > last {
        return Ok(());
    }
    let problem = format!(
        "'{}' has the counter {}, and '{}' has {last}",
        args.policy.display(),
        document.counter,
        previous.display()
    );
    let hint = format!(
        "write a larger 'counter' into the policy, such as {}",
        last + 1
    );
    Err(Failure::new(ExitCode::Usage, problem, &hint))
}

fn unusable(file: &Path, error: &JwsError) -> Failure {
    let problem = format!("what was made of '{}' {error}", file.display());
    let hint = match error {
        JwsError::TooLarge => "write fewer rules, or fewer names into them",
        _ => "check the signing key",
    };
    Failure::new(ExitCode::Usage, problem, hint)
}

fn not_written(file: &Path, error: &io::Error) -> Failure {
    let problem = format!("cannot write '{}': {error}", file.display());
    let hint = "check that the directory exists and that you may write it";
    Failure::new(ExitCode::Usage, problem, hint)
}
