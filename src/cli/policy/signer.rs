//! The key that signs: in a file, or in Vault's transit engine.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use claviger_wire::{ExitCode, Failure, warning};

use super::{
    files::of_file,
    transit::{Transit, TransitArgs},
};
use crate::{
    cli::CliError,
    config::PolicyKey,
    named_file,
    policy::{SigningInput, SigningKey},
    secret::Secret,
    source::signing_key::{KeyError, ed25519_key},
    trust::Ruling,
};

#[derive(Debug, clap::Args)]
pub(super) struct SignerArgs {
    /// The private key: Ed25519 in PEM (PKCS #8)
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "transit",
        conflicts_with = "transit"
    )]
    pub(super) key: Option<PathBuf>,

    /// The password of an encrypted private key
    #[arg(long, value_name = "FILE", requires = "key")]
    password_file: Option<PathBuf>,

    #[command(flatten)]
    transit: TransitArgs,
}

/// The key that signs.
pub(super) enum Signer {
    /// From a file.
    File(SigningKey),
    /// In Vault.
    Transit(Box<Transit>),
}

impl SignerArgs {
    /// The key that the arguments name.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the file cannot be used or Vault cannot be reached.
    pub(super) fn open(&self) -> Result<Signer, CliError> {
        Ok(match (&self.transit.transit, &self.key) {
            (Some(key), _) => Signer::Transit(Box::new(Transit::open(key, &self.transit)?)),
            (None, Some(file)) => Signer::File(self.read_key(file)?),
            // clap demands one of them.
            (None, None) => return Err(CliError::Ended(ExitCode::Usage.as_byte())),
        })
    }

    /// The private key in `file`.
    fn read_key(&self, file: &Path) -> Result<SigningKey, Failure> {
        let bytes = named_file::read_private(file).map_err(of_file)?;
        warn_if_readable(file);
        let password = self.password_file.as_deref().map(read_password);
        let key = ed25519_key(&bytes, password.transpose()?.as_ref())
            .map_err(|error| not_a_key(file, error))?;
        SigningKey::from_pkcs8(&key).ok_or_else(|| not_a_key(file, KeyError::Wrong))
    }
}

impl Signer {
    /// The public key.
    pub(super) fn public(&self) -> PolicyKey {
        match self {
            Self::File(key) => key.public(),
            Self::Transit(transit) => transit.public(),
        }
    }

    /// The signature of `input`.
    ///
    /// # Errors
    ///
    /// [`Failure`] if Vault does not sign.
    pub(super) fn sign(&self, input: &SigningInput) -> Result<Vec<u8>, CliError> {
        match self {
            Self::File(key) => Ok(key.sign(input.as_bytes())),
            Self::Transit(transit) => transit.sign(input.as_bytes()),
        }
    }
}

/// Who has the key decides about every user of the company.
fn warn_if_readable(file: &Path) {
    if let Ok(Ruling::ReadableByOthers { mode }) = named_file::ruling(file) {
        let text = format!("others can read '{}' (mode {mode:04o})", file.display());
        // The policy is signed all the same if stderr is closed.
        let _ = io::stderr().write_all(warning(&text).as_bytes());
    }
}

fn read_password(file: &Path) -> Result<Secret, Failure> {
    let bytes = named_file::read_private(file).map_err(of_file)?;
    Secret::from_text(&bytes).map_err(|error| {
        let problem = format!("the password file '{}' {error}", file.display());
        Failure::new(
            ExitCode::Usage,
            problem,
            "write the password of the key to it",
        )
    })
}

fn not_a_key(file: &Path, error: KeyError) -> Failure {
    let file = file.display();
    let (problem, hint) = match error {
        KeyError::Wrong | KeyError::TooShort { .. } => (
            format!("'{file}' is not an Ed25519 private key in PEM"),
            "create one with: openssl genpkey -algorithm ed25519",
        ),
        KeyError::NoPassword => (
            format!("'{file}' is encrypted"),
            "name the file with its password with --password-file",
        ),
        KeyError::WrongPassword => (
            format!("'{file}' cannot be decrypted with this password"),
            "write the password of the key to the file that --password-file names",
        ),
        KeyError::UnsupportedEncryption => (
            format!("'{file}' is encrypted in an unsupported way"),
            "convert it with: openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW",
        ),
    };
    Failure::new(ExitCode::Usage, problem, hint)
}
