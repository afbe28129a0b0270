//! A key that a program prints.

use std::fs;

use super::fixture::{SourceFault, SourceFixture};
use crate::support::{TestEnv, memory::Needle};

/// The start of the keys, which end in a count.
const PREFIX: &str = "sk-canary-program-";

/// Counts its calls, and does what the file `mode` says.
const SCRIPT: &str = r#"cd "$(dirname "$0")"
echo >>calls
count=$(wc -l <calls)
case $(cat mode) in
    good) echo "{\"token\":\"sk-canary-program-$count\",\"expires_in\":$(cat life)}" ;;
    hang) exec sleep 600 ;;
    die) printf '{"token":"sk-canary-prog'; kill -9 $$ ;;
    garbage) printf '{"tok\001en":' ;;
    unavailable) echo 'the key service is down' >&2; exit 1 ;;
    login) echo 'sign in at the key service' >&2; exit 3 ;;
esac"#;

pub(super) struct ExecFixture(TestEnv);

impl ExecFixture {
    fn with_life(seconds: u32) -> Self {
        let env = TestEnv::new();
        env.add_secret(PREFIX);
        let program = env.write_program("corp-key", SCRIPT);
        env.write_file("life", &seconds.to_string());
        env.write_config(&format!(
            "[profile.default]\nsource = \"corp\"\n[source.corp]\ntype = \"exec\"\ncommand = [\"{program}\"]\n\
             timeout = \"1s\"\n"
        ));
        let fixture = Self(env);
        fixture.set("good");
        fixture
    }

    fn set(&self, mode: &str) {
        self.0.write_file("mode", mode);
    }
}

impl SourceFixture for ExecFixture {
    // It asks for a login.
    const REVOKED: i32 = 3;
    const REVOKED_IS_FINAL: bool = false;

    async fn start() -> Self {
        Self::with_life(3600)
    }

    async fn start_short_lived() -> Self {
        Self::with_life(2)
    }

    fn env(&self) -> &TestEnv {
        &self.0
    }

    fn is_key(&self, key: &str) -> bool {
        key.strip_prefix(PREFIX)
            .is_some_and(|count| count.parse::<u32>().is_ok())
    }

    fn requests(&self) -> usize {
        let calls = fs::read_to_string(self.0.path("secrets/calls"));
        calls.unwrap_or_default().lines().count()
    }

    fn login_secrets(&self) -> Vec<Needle> {
        Vec::new()
    }

    async fn replace(&self) {}

    async fn revoke(&self) {
        self.set("login");
    }

    fn fail(&self, fault: SourceFault) {
        self.set(match fault {
            SourceFault::Hang => "hang",
            SourceFault::DieMidAnswer => "die",
            SourceFault::Garbage => "garbage",
            SourceFault::Unavailable => "unavailable",
            SourceFault::Missing => panic!("{fault:?}"),
        });
    }

    fn recover(&self) {
        self.set("good");
    }
}
