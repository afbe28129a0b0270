//! `[source.NAME.auth]`.

use super::{
    super::{
        model::{Assertion, AuthConfig, AuthMethod},
        raw,
    },
    Scope, path,
};

/// `[source.NAME.auth]`.
pub(super) fn auth(scope: &mut Scope, raw: raw::Auth) -> Option<AuthConfig> {
    match raw {
        raw::Auth::Token(raw) => {
            let token = scope.secret("token", raw.token_file, raw.token_env);
            Some(AuthConfig {
                mount: "token".to_owned(),
                method: AuthMethod::Token(token?),
            })
        }
        raw::Auth::AppRole(raw) => {
            let mount = mount(scope, raw.mount, "approle");
            let secret_id = scope.secret_if_any("secret_id", raw.secret_id_file, raw.secret_id_env);
            if raw.secret_id_wrapped && secret_id == Some(None) {
                scope.refuse(
                    "secret_id_wrapped",
                    "needs 'secret_id_file' or 'secret_id_env'",
                );
            }
            let method = AuthMethod::AppRole {
                role_id: raw.role_id,
                secret_id: secret_id?,
                wrapped: raw.secret_id_wrapped,
            };
            Some(AuthConfig {
                mount: mount?,
                method,
            })
        }
        raw::Auth::UserPass(raw) => password(scope, raw, "userpass"),
        raw::Auth::Ldap(raw) => password(scope, raw, "ldap"),
        raw::Auth::Jwt(raw) => {
            let mount = mount(scope, raw.mount.clone(), "jwt");
            let role = raw.role.clone();
            let jwt = assertion(scope, raw);
            let method = AuthMethod::Jwt { role, jwt: jwt? };
            Some(AuthConfig {
                mount: mount?,
                method,
            })
        }
        raw::Auth::Cert(raw) => {
            let mount = mount(scope, raw.mount, "cert");
            let cert_file = scope.absolute("cert_file", raw.cert_file);
            let key_file = scope.absolute("key_file", raw.key_file);
            let method = AuthMethod::Cert {
                cert_file: cert_file?,
                key_file: key_file?,
                role: raw.role,
            };
            Some(AuthConfig {
                mount: mount?,
                method,
            })
        }
    }
}

fn password(scope: &mut Scope, raw: raw::Password, method: &str) -> Option<AuthConfig> {
    let mount = mount(scope, raw.mount, method);
    let username = raw.username.as_deref().unwrap_or("{user}");
    if username.contains('/') {
        scope.refuse("username", "has '/' in it");
    }
    // It is the last segment of the login's path.
    let username = scope.keep("username", path::template(username));
    let password = scope.secret("password", raw.password_file, raw.password_env);
    let method = AuthMethod::UserPass {
        username: username?,
        password: password?,
    };
    Some(AuthConfig {
        mount: mount?,
        method,
    })
}

fn assertion(scope: &mut Scope, raw: raw::JwtLogin) -> Option<Assertion> {
    let Some(source) = raw.jwt_source else {
        if raw.jwt_file.is_none() && raw.jwt_env.is_none() {
            scope.refuse_table(
                "has neither 'jwt_file', 'jwt_env' nor 'jwt_source'; it takes one of them",
            );
            return None;
        }
        return scope
            .secret("jwt", raw.jwt_file, raw.jwt_env)
            .map(Assertion::Secret);
    };
    if raw.jwt_file.is_some() || raw.jwt_env.is_some() {
        scope.refuse(
            "jwt_source",
            "is not alone; it takes one of 'jwt_file', 'jwt_env' and 'jwt_source'",
        );
        return None;
    }
    Some(Assertion::Source(source))
}

/// The engine's mount point. Vault itself shows it with a slash at its end, and so many write it.
fn mount(scope: &mut Scope, mount: Option<String>, default: &str) -> Option<String> {
    let mount = mount.unwrap_or_else(|| default.to_owned());
    let mount = mount.strip_suffix('/').unwrap_or(&mount);
    scope.keep("mount", path::plain(mount))?;
    Some(mount.to_owned())
}
