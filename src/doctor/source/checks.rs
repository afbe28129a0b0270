//! The checks of this family.

use crate::doctor::check::checks;

checks! { Source:
    DAEMON: Fatal, "source.daemon", "the daemon cannot be started or does not answer";
    UNREACHABLE: Fatal, "source.unreachable", "the source cannot be reached";
    UNAVAILABLE: Fatal, "source.unavailable", "the source is sealed, a standby, or overloaded";
    FAILED: Fatal, "source.failed", "the source cannot read the secret for now";
    UNEXPECTED_ANSWER: Fatal, "source.unexpected-answer", "another server answers, or redirects";
    PROGRAM: Fatal, "source.program", "the program of the source fails, or prints something else";
    LOGIN_REQUIRED: Fatal, "source.login-required", "no user is signed in, or the login has ended";
    LOGIN_REFUSED: Fatal, "source.login-refused", "the source refuses the secret of the login";
    WRAPPED_SECRET_ID: Fatal, "source.wrapped-secret-id", "the wrapped secret-id is used up";
    POLICY: Fatal, "source.policy", "no policy allows the secret's path";
    PATH: Fatal, "source.path", "no secret at the path";
    FIELD: Fatal, "source.field", "the secret lacks the field";
    CLAIM: Fatal, "source.claim", "the login lacks the claim that the path contains";
    KV_VERSION: Fatal, "source.kv-version", "another engine, or version of KV, is mounted at the path";
    UNUSABLE_KEY: Fatal, "source.unusable-key", "the value of the field is not a key";
    REJECTED: Fatal, "source.rejected", "the gateway rejects the key that the source has";
    DENIED: Fatal, "source.denied", "a rule of the configuration, or the central policy, denies the key";
    CONFIGURATION: Fatal, "source.configuration", "a file or variable of the source is missing or invalid";
    STALE: Warning, "source.stale", "the source fails now, and the key is served from memory";
    LOGIN_STORE: Warning, "source.login-store", "the login ends with the daemon: the store has failed";
    LOGIN_EXPIRES: Warning, "source.login-expires", "the login ends within a day";
    LOGIN_NOT_RENEWABLE: Note, "source.login-not-renewable", "no refresh token: a sign-in for each key";
    PROBE: Note, "source.probe", "a probe of the gateway proves nothing about a key";
    NOT_WATCHED: Note, "source.not-watched", "a rotation is not noticed before the key is rejected";
    ADVICE: Note, "source.advice", "what 'claviger status' advises";
}
