//! `claviger policy public-key`.

use std::io::{self, Write as _};

use serde_json::json;

use super::{files, signer::SignerArgs};
use crate::{
    cli::{CliError, output},
    policy::{key_id, public_key},
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claviger policy public-key --key policy-key.pem       a private or public key
  claviger policy public-key --transit transit/policy   a key in Vault

Pin it in the managed configuration of every machine:
  [policy]
  public_keys = [\"ed25519:…\"]
To rotate the key, pin the next one beside it everywhere, then sign with that.")]
pub(in crate::cli) struct PublicKeyArgs {
    #[command(flatten)]
    signer: SignerArgs,

    /// As one JSON object, with the name of the key in signed policies
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &PublicKeyArgs) -> Result<(), CliError> {
    // A public key is no secret, and its file may belong to another user.
    let of_file = args.signer.key.as_deref().map(files::read).transpose()?;
    let key = match of_file.and_then(|pem| public_key(&pem)) {
        Some(key) => key,
        None => args.signer.open()?.public(),
    };
    let mut out = io::stdout().lock();
    match args.json {
        true => output::json(
            &mut out,
            &json!({"public_key": key.to_string(), "key_id": key_id(&key)}),
        )?,
        false => writeln!(out, "{key}")?,
    }
    Ok(())
}
