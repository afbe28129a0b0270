//! A JWT that Claviger signs.

use std::{fs, path::PathBuf};

use super::fixture::{SourceFault, SourceFixture};
use crate::support::{TestEnv, jwt::SigningKey, memory::Needle};

pub(super) struct JwtFixture {
    env: TestEnv,
    key: SigningKey,
    file: PathBuf,
}

impl JwtFixture {
    fn with_ttl(ttl: &str) -> Self {
        let env = TestEnv::new();
        let key = SigningKey::new();
        let file = env.write_secret_file("signing.pem", &key.private_pem());
        env.write_config(&format!(
            "[profile.default]\nsource = \"minted\"\n{}",
            minted(&file, ttl)
        ));
        let file = file.into();
        Self { env, key, file }
    }
}

/// The table of the source `minted`, which signs with the key in `file`.
pub(super) fn minted(file: &str, ttl: &str) -> String {
    format!(
        "[source.minted]\ntype = \"jwt\"\nalgorithm = \"EdDSA\"\nkey_file = \"{file}\"\n\
         subject = \"ana\"\naudience = \"llm\"\nttl = \"{ttl}\"\n"
    )
}

impl SourceFixture for JwtFixture {
    const FAULTS: &'static [SourceFault] = &[SourceFault::Missing, SourceFault::Garbage];
    // The key's file is gone.
    const REVOKED: i32 = 2;
    const REVOKED_IS_FINAL: bool = false;

    async fn start() -> Self {
        Self::with_ttl("1h")
    }

    async fn start_short_lived() -> Self {
        Self::with_ttl("2s")
    }

    fn env(&self) -> &TestEnv {
        &self.env
    }

    fn is_key(&self, key: &str) -> bool {
        self.key.verifies(key, "llm")
    }

    fn requests(&self) -> usize {
        0
    }

    fn login_secrets(&self) -> Vec<Needle> {
        vec![Needle::signing_key(&self.key.private_pem())]
    }

    /// Each one differs in its `jti`.
    async fn replace(&self) {}

    async fn revoke(&self) {
        fs::remove_file(&self.file).unwrap();
    }

    fn fail(&self, fault: SourceFault) {
        match fault {
            SourceFault::Missing => fs::remove_file(&self.file).unwrap(),
            SourceFault::Garbage => fs::write(&self.file, "no key").unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn recover(&self) {
        self.env.write_file("signing.pem", &self.key.private_pem());
    }
}
