//! `claviger policy show`.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use claviger_wire::{Failure, visible};
use serde_json::{Value, json};

use super::{
    effect::{Effect, Profile},
    files::{PolicyFile, read_either},
    kept::KeptPolicy,
};
use crate::{
    cli::{CliError, config::check::all_problems, output, places},
    clock::{Clock as _, SystemClock, Timestamp},
    config::{self, Config},
    paths::Starter,
    policy::{PolicyDocument, Rule, worst_case},
    principal::Principal,
};

#[derive(Debug, clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  claviger policy show                        the one that this machine keeps
  claviger policy show policy.toml            before it is signed
  claviger policy show policy.jws --user ana  what is in force for her
  claviger policy show policy.jws --config /etc/claviger/config.toml
",
    "
The signature of a file is not verified: that is what 'claviger policy verify' does."
))]
pub(in crate::cli) struct ShowArgs {
    /// The policy, in TOML or signed; by default the last good one that this user's daemon has
    /// kept, with what it means for the profiles of the configuration
    file: Option<PathBuf>,

    /// Show what is in force for this user; by default the one who runs this
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Show what is in force for this profile; 'default' without --config
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,

    /// Show what is in force for the profiles of this configuration
    #[arg(long, value_name = "FILE", requires = "file")]
    config: Option<PathBuf>,

    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &ShowArgs) -> Result<(), CliError> {
    let now = SystemClock.now();
    let (policy, config) = match &args.file {
        Some(file) => {
            let policy = read_either(file, now.wall)?;
            (policy, args.config.as_deref().map(load).transpose()?)
        }
        None => {
            let (kept, config) = KeptPolicy::read(now)?;
            (PolicyFile::Kept(kept), Some(config))
        }
    };
    let document = policy.document();
    let user = args.user.clone();
    let user = user.unwrap_or_else(|| Principal::of_this_machine().user);
    let profiles = profiles(args, config.as_ref())?;
    let effects = profiles
        .iter()
        .map(|profile| Effect::new(document, &user, profile));
    let effects: Vec<_> = effects.collect();
    let mut out = io::stdout().lock();
    if args.json {
        return Ok(output::json(&mut out, &as_json(&policy, &user, &effects))?);
    }
    print_document(&mut out, &policy, now.wall)?;
    for effect in &effects {
        print_effect(&mut out, &user, effect)?;
    }
    Ok(())
}

fn load(file: &Path) -> Result<Config, CliError> {
    let locations = places::of(Starter::Client)?.locations;
    config::load_file(&locations, file).map_err(|error| all_problems(&error))
}

/// The profiles for which the effect is shown.
fn profiles<'a>(
    args: &'a ShowArgs,
    config: Option<&'a Config>,
) -> Result<Vec<Profile<'a>>, Failure> {
    let name = args.profile.as_deref();
    match config {
        Some(config) => Profile::of_config(config, name),
        None if args.user.is_some() || name.is_some() => {
            Ok(vec![Profile::unknown(name.unwrap_or("default"))])
        }
        None => Ok(Vec::new()),
    }
}

pub(super) fn print_document(
    out: &mut impl Write,
    policy: &PolicyFile,
    now: Timestamp,
) -> io::Result<()> {
    let document = policy.document();
    let worst = worst_case(document.watch.get()).as_secs();
    writeln!(out, "counter          {}", document.counter)?;
    match policy {
        PolicyFile::Toml(_) => writeln!(out, "signed           not yet")?,
        PolicyFile::Signed(signed) => {
            writeln!(
                out,
                "signed           {}, not verified here",
                signed.issued_at
            )?;
            writeln!(out, "key              {}", visible(&signed.key_id))?;
        }
        PolicyFile::Kept(kept) => {
            let problem = match kept.is_in_force {
                true => "",
                false if kept.seen_at > now => ", which is in the future: a clock was wrong",
                false => ", longer ago than max_age",
            };
            let seen = output::relative(kept.seen_at, now);
            writeln!(out, "signed           {}", kept.signed.issued_at)?;
            writeln!(out, "key              {}, verified", kept.signed.key_id)?;
            writeln!(out, "place            {}", visible(&kept.place))?;
            writeln!(out, "seen             {} ({seen}){problem}", kept.seen_at)?;
        }
    }
    let watch = document.watch;
    writeln!(
        out,
        "watch            {watch}: a daemon in use has it after at most {worst} s"
    )?;
    let max_age = document.max_age;
    writeln!(
        out,
        "max_age          {max_age}: no keys after so long without a look at it"
    )?;
    if let Some(version) = &document.minimum_version {
        writeln!(out, "minimum_version  {version}")?;
    }
    for (name, rule) in &document.rules {
        writeln!(out)?;
        output::paragraph(
            out,
            &format!("rule '{}', for {}", name.as_str(), whom(rule)),
        )?;
        for (key, value) in restrictions(rule) {
            output::indented(out, &format!("{key}: {value}"))?;
        }
    }
    Ok(())
}

/// The users and profiles of a rule.
fn whom(rule: &Rule) -> String {
    let users = match &rule.users {
        None => "all users".to_owned(),
        Some(users) => format!("the users {}", users.join(", ")),
    };
    match &rule.profiles {
        None => users,
        Some(profiles) => {
            let names: Vec<_> = profiles.iter().map(|name| name.as_str()).collect();
            format!("{users} and the profiles {}", names.join(", "))
        }
    }
}

/// What a rule restricts, by key.
fn restrictions(rule: &Rule) -> Vec<(&'static str, String)> {
    let Rule {
        profiles: _,
        users: _,
        rotate_after,
        disabled,
        allowed_gateways,
        allowed_audiences,
        allowed_sources,
        allowed_callers,
    } = rule;
    let gateways = allowed_gateways.as_ref().map(|list| {
        let urls: Vec<_> = list.iter().map(|url| url.as_url().as_str()).collect();
        urls.join(", ")
    });
    let sources = allowed_sources.as_ref().map(|list| {
        let names: Vec<_> = list.iter().map(|name| name.as_str()).collect();
        names.join(", ")
    });
    [
        ("disabled", disabled.clone()),
        ("rotate_after", rotate_after.map(|at| at.to_string())),
        ("allowed_gateways", gateways),
        (
            "allowed_audiences",
            allowed_audiences.as_ref().map(|list| list.join(", ")),
        ),
        ("allowed_sources", sources),
        (
            "allowed_callers",
            allowed_callers.as_ref().map(|list| list.join(", ")),
        ),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect()
}

pub(super) fn print_effect(out: &mut impl Write, user: &str, effect: &Effect) -> io::Result<()> {
    writeln!(out)?;
    let title = format!("For user '{user}' and profile '{}':", effect.profile);
    output::paragraph(out, &title)?;
    let keys = match (effect.is_allowed, effect.denials.is_empty()) {
        (true, true) => "keys are allowed",
        (true, false) => "keys are allowed for some gateways",
        (false, _) => "no keys",
    };
    output::indented(out, keys)?;
    for denial in &effect.denials {
        output::indented(out, &denial.to_string())?;
    }
    if let Some(at) = effect.rotate_after {
        output::indented(out, &format!("credentials from before {at} are dropped"))?;
    }
    match effect.rules.as_slice() {
        [] => output::indented(out, "no rule matches"),
        rules => output::indented(out, &format!("rules: {}", rules.join(", "))),
    }
}

/// `{"counter", "issued_at", "key_id", "verified", "place", "seen_at", "watch", "max_age",
/// "worst_case_s", "minimum_version", "rules", "user", "in_force"}`.
pub(super) fn as_json(policy: &PolicyFile, user: &str, effects: &[Effect]) -> Value {
    let document = policy.document();
    let (signed, kept) = match policy {
        PolicyFile::Toml(_) => (None, None),
        PolicyFile::Signed(signed) => (Some(signed), None),
        PolicyFile::Kept(kept) => (Some(&kept.signed), Some(kept)),
    };
    let in_force = effects.iter().map(|effect| {
        let denials = effect.denials.iter().map(ToString::to_string);
        json!({
            "profile": effect.profile,
            "allowed": effect.is_allowed,
            "denials": denials.collect::<Vec<_>>(),
            "rotate_after": effect.rotate_after,
            "rules": effect.rules,
        })
    });
    json!({
        "counter": document.counter,
        "issued_at": signed.map(|signed| signed.issued_at),
        "key_id": signed.map(|signed| &signed.key_id),
        "verified": kept.is_some(),
        "place": kept.map(|kept| &kept.place),
        "seen_at": kept.map(|kept| kept.seen_at),
        "watch": document.watch.to_string(),
        "max_age": document.max_age.to_string(),
        "worst_case_s": worst_case(document.watch.get()).as_secs(),
        "minimum_version": document.minimum_version.as_ref().map(ToString::to_string),
        "rules": rules_as_json(document),
        "user": user,
        "in_force": in_force.collect::<Vec<_>>(),
    })
}

/// Each rule with its keys, as in the document.
fn rules_as_json(document: &PolicyDocument) -> Value {
    let names = |list: &Vec<config::Name>| -> Vec<String> {
        list.iter().map(|name| name.as_str().to_owned()).collect()
    };
    let rules = document.rules.iter().map(|(name, rule)| {
        let gateways = rule.allowed_gateways.as_ref().map(|list| {
            let urls = list.iter().map(|url| url.as_url().to_string());
            urls.collect::<Vec<_>>()
        });
        json!({
            "name": name.as_str(),
            "profiles": rule.profiles.as_ref().map(names),
            "users": rule.users,
            "rotate_after": rule.rotate_after.map(|at| at.get()),
            "disabled": rule.disabled,
            "allowed_gateways": gateways,
            "allowed_audiences": rule.allowed_audiences,
            "allowed_sources": rule.allowed_sources.as_ref().map(names),
            "allowed_callers": rule.allowed_callers,
        })
    });
    rules.collect()
}
