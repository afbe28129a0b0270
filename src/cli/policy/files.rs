//! Reading policies: TOML, and signed ones.

use std::path::Path;

use claviger_wire::{ExitCode, Failure};
use zeroize::Zeroizing;

use super::kept::KeptPolicy;
use crate::{
    cli::{CliError, config::check::all_problems},
    clock::Timestamp,
    config::TypedDocument,
    named_file::{self, FileError},
    policy::{JwsError, PolicyDocument, SignedPolicy, decode_unverified},
};

/// A policy from a file.
pub(super) enum PolicyFile {
    /// As it is written.
    Toml(TypedDocument<PolicyDocument>),
    /// Signed; the signature was not verified.
    Signed(SignedPolicy),
    /// The last good one of this machine.
    Kept(KeptPolicy),
}

impl PolicyFile {
    /// The policy.
    pub(super) fn document(&self) -> &PolicyDocument {
        match self {
            Self::Toml(document) => &document.typed,
            Self::Signed(signed) => &signed.document,
            Self::Kept(kept) => &kept.signed.document,
        }
    }
}

/// Reads the TOML file of a policy that is signed at `now`.
///
/// # Errors
///
/// [`CliError::Problems`] with every mistake, each with its place.
pub(super) fn read_toml(
    file: &Path,
    now: Timestamp,
) -> Result<TypedDocument<PolicyDocument>, CliError> {
    parse_toml(file, &read(file)?, now)
}

/// Reads a policy in either form.
///
/// # Errors
///
/// As [`read_toml`]; also if a signed policy is not valid.
pub(super) fn read_either(file: &Path, now: Timestamp) -> Result<PolicyFile, CliError> {
    let bytes = read(file)?;
    // A JWS starts with the base64url of '{"', and TOML has an equals sign or a bracket.
    let is_jws = bytes.starts_with(b"ey") && !bytes.contains(&b'=');
    match is_jws {
        true => Ok(PolicyFile::Signed(
            decode_unverified(&bytes).map_err(|error| invalid(file, &error))?,
        )),
        false => parse_toml(file, &bytes, now).map(PolicyFile::Toml),
    }
}

/// Reads the policy before another one. Only its counter and its text count, so that its signature
/// is not verified: its key may be pinned no longer.
///
/// # Errors
///
/// [`ExitCode::Usage`].
pub(super) fn read_previous(file: &Path) -> Result<SignedPolicy, Failure> {
    decode_unverified(&read(file)?).map_err(|error| invalid(file, &error))
}

/// Reads a file.
///
/// # Errors
///
/// [`ExitCode::Usage`].
pub(super) fn read(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    named_file::read_public(file).map_err(of_file)
}

/// The failure of a file that cannot be used.
pub(super) fn of_file(FileError { reason, hint }: FileError) -> Failure {
    Failure::new(ExitCode::Usage, reason, hint)
}

fn parse_toml(
    file: &Path,
    bytes: &[u8],
    now: Timestamp,
) -> Result<TypedDocument<PolicyDocument>, CliError> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        let problem = format!("'{}' is not UTF-8 text", file.display());
        Failure::new(ExitCode::Usage, problem, "name the TOML file of a policy")
    })?;
    TypedDocument::parse(file, text, |document: &PolicyDocument| {
        document.mistakes(now)
    })
    .map_err(|error| all_problems(&error))
}

fn invalid(file: &Path, error: &JwsError) -> Failure {
    let problem = format!("'{}' {error}", file.display());
    let hint = "name a file that claviger policy sign has written";
    Failure::new(ExitCode::Usage, problem, hint)
}
