//! What a policy permits with more rules.

use crate::{
    config::ProgramVersion,
    hostile_input::assert_one_line,
    policy::{PolicyDocument, Request},
};

/// Asserts that `first` with the rules of `second` permits what both permit, and no more.
pub(super) fn assert_strictest_counts(first: &PolicyDocument, second: &PolicyDocument) {
    let (mut both, mut added) = (first.clone(), first.clone());
    added.rules.clear();
    for (name, rule) in &second.rules {
        if !first.rules.contains_key(name) {
            both.rules.insert(name.clone(), rule.clone());
            added.rules.insert(name.clone(), rule.clone());
        }
    }
    let named = Named::in_rules(&both);
    let version = ProgramVersion::current();
    for user in &named.users {
        for profile in &named.profiles {
            let policies = [first, &added, &both];
            let [first, added, both] = policies.map(|policy| policy.in_force(user, profile));
            let moments = first.rotate_after().max(added.rotate_after());
            assert_eq!(both.rotate_after(), moments);
            for number in 0..8 {
                let request = named.request(&version, number);
                let results = [&first, &added, &both].map(|policy| policy.check(&request));
                let [first, added, both] = results;
                assert_eq!(both.is_ok(), first.is_ok() && added.is_ok(), "{request:?}");
                if let Err(denial) = both {
                    assert_one_line(&denial.to_string());
                }
            }
        }
    }
    for user in &named.users {
        let names = |user: &str| {
            let in_force = both.in_force(user, "default");
            let names = in_force.rules().map(|(name, _)| name.to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(user), names(&user.to_ascii_uppercase()));
    }
}

/// Some of what the rules of a policy name, and what they do not name.
struct Named<'p> {
    users: Vec<&'p str>,
    profiles: Vec<&'p str>,
    gateways: Vec<&'p str>,
    audiences: Vec<&'p str>,
    sources: Vec<&'p str>,
}

impl<'p> Named<'p> {
    fn in_rules(policy: &'p PolicyDocument) -> Self {
        const MAX: usize = 4;
        let mut named = Self {
            users: vec!["eve"],
            profiles: vec!["default"],
            gateways: vec!["https://other.test/"],
            audiences: vec!["other"],
            sources: vec!["other"],
        };
        for rule in policy.rules.values() {
            let users = rule.users.iter().flatten().map(String::as_str);
            named.users.extend(users.take(MAX));
            let profiles = rule.profiles.iter().flatten().map(|name| name.as_str());
            named.profiles.extend(profiles.take(MAX));
            let gateways = rule.allowed_gateways.iter().flatten();
            let gateways = gateways.map(|url| url.as_url().as_str());
            named.gateways.extend(gateways.take(MAX));
            let audiences = rule.allowed_audiences.iter().flatten().map(String::as_str);
            named.audiences.extend(audiences.take(MAX));
            let sources = rule.allowed_sources.iter().flatten();
            named
                .sources
                .extend(sources.map(|name| name.as_str()).take(MAX));
        }
        named.users.truncate(MAX);
        named.profiles.truncate(MAX);
        named
    }

    /// One of the requests that can be made of these names.
    fn request<'a>(&'a self, version: &'a ProgramVersion, number: usize) -> Request<'a> {
        // The last `len` of the first names, from none to three.
        let some = |names: &'a [&'p str], len: usize| {
            let end = (number + len) % (names.len() + 1);
            &names[end.saturating_sub(len)..end]
        };
        Request {
            version,
            gateway: some(&self.gateways, 1).first().copied(),
            audiences: some(&self.audiences, number % 3),
            sources: some(&self.sources, number % 4),
        }
    }
}
