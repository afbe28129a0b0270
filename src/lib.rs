//! Claviger ("key-bearer"): a per-user daemon that obtains LLM gateway keys and keeps them ready
//! for a tiny shim, `claviger-helper`, which prints the current one.
//!
//! This is the library behind both the daemon and the command line; `src/main.rs` only calls
//! [`cli::main`].
//!
//! # Modules
//!
//! A module imports only from modules below it and, in its own line, to the right of it;
//! `tests/architecture` compares this map with the imports.
//!
//! ```text
//! fuzzing
//! cli
//! demo · doctor · server
//! composition · error_report
//! managed_settings
//! login · policy_watch · broker
//! source · gateway
//! store · desktop · configure
//! network · session_bus
//! policy
//! config
//! preset
//! template · principal
//! lock · audit · environment · logging · paths · listener · client_process
//! named_file · settings_file
//! claude_code · trust · process
//! service_manager
//! metrics
//! login_report · logout_report · status_report · lock_report · credential · client_variables
//! jwt_claims
//! hostile_input
//! secret · client_kind · client_session · clock · jitter · shell_word · sync
//! ```
//!
//! - [`cli`]: the command line, one file for each command; [`demo`]: `claviger demo`
//! - `doctor`: what a roll-out is usually broken by: facts, and checks that are functions of them
//! - `server`: accepts connections, turns a request into an answer
//! - `composition`: what is in force: the configuration, and the broker that is built from it
//! - `error_report`: from an error to message, hint and exit code
//! - `login`: the interactive sign-in: one at a time, watched by `claviger login`
//! - [`broker`]: decides when to fetch, serve, probe and drop a credential; it knows the traits
//!   [`source::Source`], `gateway::Gateway` and [`clock::Clock`] and no implementation
//! - [`source`]: the trait, its errors, its implementations, and their catalog
//! - `gateway`: the trait, and its implementation over HTTP
//! - `network`: HTTP clients: proxies, trusted CAs, and why a response did not arrive
//! - `store`: keeps the secrets of logins between runs of the daemon
//! - `desktop`: shows a notification, and opens a page in the browser; `session_bus`: how Linux's
//!   desktop is reached
//! - `policy`: the signed central policy: its document, signature, and what it means for a user;
//!   `policy_watch`: fetches it, and keeps the last good one
//! - [`config`]: from `config.toml` to typed values; `template`, `principal`: their placeholders
//! - `preset`: what is known of identity providers and gateways, as data
//! - `listener`, `process`, `client_process`: one file for each system; `paths`, `logging`
//! - `service_manager`: tells systemd what the daemon does
//! - `environment`: the daemon's environment, built from the user database
//! - `lock`: the switch with which no key is given, and its file
//! - `audit`: the log of grants and changes, chained by hashes: its records, files and verification
//! - `trust`: who may own, write or read a file or directory; `named_file`: the files that a
//!   configuration names
//! - `metrics`: the names, the daemon's counters, and the text of `claviger metrics`
//! - `status_report`, `login_report`, `logout_report`, `lock_report`: what `--json` prints
//! - `managed_settings`: what administrators distribute to clients, in the forms that MDMs take
//! - `configure`: writes the helper into other clients' settings; `settings_file`: edits such a
//!   file and leaves the rest of it as it is
//! - `claude_code`: the places of its settings, and the variables that decide about its key
//! - [`credential`], [`secret`], [`client_kind`], `client_session`, [`client_variables`],
//!   [`clock`], `jitter`, `shell_word`, `sync`: what all of them share
//! - `fuzzing`: what the fuzz targets in `tests/fuzz` call; `hostile_input`: what these functions
//!   have in common
//!
//! # Glossary
//!
//! The README, `claviger status`, the configuration and the code use these terms and no others.
//!
//! | term | meaning |
//! |---|---|
//! | **profile** | what a client asks for: a source, and the gateway that its key is for |
//! | **source** | what issues credentials: Vault, an identity provider, a signing key, a program |
//! | **identity provider** | the OAuth 2.0 or OpenID server that users sign in to |
//! | **preset** | the defaults, rules and remedies of one identity provider or kind of gateway |
//! | **credential** | a key with what is known about it: lifetime, version, lease |
//! | **key** | the secret text that the client sends to the gateway |
//! | **fingerprint** | the first 12 hex digits of a key's SHA-256: its name in all output |
//! | **principal** | the user, host and variables that a placeholder such as `{user}` stands for |
//! | **gateway** | the HTTP server in front of the model, which accepts or rejects keys |
//! | **probe** | a cheap request to the gateway that shows if it accepts a key |
//! | **calibration** | a probe with a wrong key: shows if the gateway's answers are reliable |
//! | **shim** | `claviger-helper`: asks the daemon, prints one credential, exits |
//! | **daemon** | the process, one for each user, that holds credentials in memory |
//! | **client** | the program that runs the shim, such as Claude Code |
//! | **client session** | one running client process, identified by its id and start time |
//! | **cache lifetime** | how long the client uses a key before it runs the shim again |
//! | **entry** | a profile's credential for one set of values of the client's variables |
//! | **slot** | the state machine of one entry's credential; pure, without I/O |
//! | **flight** | one fetch under way; all callers of an entry share it |
//! | **freshness** | the result of a **revalidation**: whether the source still has the key |
//! | **login** | what a source needs to issue credentials: a Vault token, a refresh token |
//! | **sign-in** | what a user does in a browser or with a code, and what makes a user's login |
//! | **store** | keeps users' logins: the system's secret store, sealed files, memory |
//! | **lease** | Vault's promise of a lifetime, which can be renewed or revoked |
//! | **advisory**, **mandatory window** | before expiry: one fetch starts; then all wait for it |
//! | **in use**, **idle** | asked for recently, or not; an idle profile causes no requests |
//! | **back-off** | the growing pause between retries of a failing source |
//! | **refetch limiter** | bounds the fetches that inconclusive probes cause |
//! | **rejected** | the gateway refuses the key that the source still returns |
//! | **managed configuration** | the administrator's file; it overrides the user's |
//! | **in force** | the last valid configuration, with the broker that is built from it |

mod audit;
pub mod broker;
mod claude_code;
pub mod cli;
pub mod client_kind;
mod client_process;
mod client_session;
pub mod client_variables;
pub mod clock;
mod composition;
pub mod config;
mod configure;
pub mod credential;
pub mod demo;
mod desktop;
mod doctor;
mod environment;
mod error_report;
#[cfg(feature = "test-util")]
pub mod fuzzing;
mod gateway;
#[cfg(feature = "test-util")]
mod hostile_input;
mod jitter;
mod jwt_claims;
mod listener;
mod lock;
mod lock_report;
mod logging;
mod login;
mod login_report;
mod logout_report;
mod managed_settings;
mod metrics;
mod named_file;
mod network;
mod paths;
mod policy;
mod policy_watch;
mod preset;
mod principal;
mod process;
pub mod secret;
mod server;
mod service_manager;
#[cfg(target_os = "linux")]
mod session_bus;
mod settings_file;
mod shell_word;
pub mod source;
mod status_report;
mod store;
mod sync;
mod template;
mod trust;
