//! The rule on managed files on Windows, as a pure function of owner and access list.

use std::path::Path;

use super::Violation;

/// SYSTEM, Administrators and TrustedInstaller, which installs Windows.
const TRUSTED: [&str; 3] = [
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
];

// Rights (winnt.h). On a directory the first one makes files in it and the second one directories.
const FILE_WRITE_DATA: u32 = 0x2;
const FILE_APPEND_DATA: u32 = 0x4;
const FILE_DELETE_CHILD: u32 = 0x40;
const DELETE: u32 = 0x1_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;

/// The rights to move a file or directory away or to take it over.
pub(super) const REPLACE: u32 =
    FILE_DELETE_CHILD | DELETE | WRITE_DAC | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE;

/// The rights to change a file's or directory's content, or to replace it.
pub(super) const WRITE: u32 = REPLACE | FILE_WRITE_DATA | FILE_APPEND_DATA;

/// What was observed of a file or directory.
#[derive(Debug)]
pub(super) struct AclFacts {
    /// The owner's SID.
    pub(super) owner: String,
    /// The entries that grant something; `None` if there is no list, which grants everything.
    pub(super) entries: Option<Vec<Entry>>,
}

/// One entry of an access list.
#[derive(Debug)]
pub(super) enum Entry {
    /// Grants rights to a user or group.
    Allow {
        /// The SID of the user or group.
        sid: String,
        /// The rights.
        rights: u32,
    },
    /// A conditional or object entry, which may grant anything.
    Other {
        /// Its type (winnt.h).
        kind: u8,
    },
}

/// Applies the rule: only SYSTEM, Administrators, TrustedInstaller and `also` (in tests) own `path`
/// and have any of `rights` on it.
///
/// # Errors
///
/// The [`Violation`].
pub(super) fn judge(
    path: &Path,
    facts: &AclFacts,
    rights: u32,
    also: Option<&str>,
) -> Result<(), Violation> {
    match problem(facts, rights, |sid| {
        TRUSTED.contains(&sid) || also == Some(sid)
    }) {
        None => Ok(()),
        Some(problem) => Err(Violation {
            path: path.to_owned(),
            problem,
            hint: format!(
                "ask your administrator to let only Administrators and SYSTEM own and write '{}'",
                path.display()
            ),
        }),
    }
}

fn problem(facts: &AclFacts, rights: u32, is_trusted: impl Fn(&str) -> bool) -> Option<String> {
    if !is_trusted(&facts.owner) {
        let owner = &facts.owner;
        return Some(format!("is owned by {owner}; expected Administrators"));
    }
    let Some(entries) = &facts.entries else {
        return Some("is writable by all users (it has no access list)".to_owned());
    };
    entries.iter().find_map(|entry| match entry {
        Entry::Allow {
            sid,
            rights: granted,
        } if granted & rights != 0 && !is_trusted(sid) => Some(format!("is writable by {sid}")),
        Entry::Allow { .. } => None,
        // Not interpreted: an administrator who uses such an entry here can use a plain one.
        Entry::Other { kind } => Some(format!("has an access entry of unsupported type {kind}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "S-1-5-32-545";

    fn problem(owner: &str, entries: Option<Vec<Entry>>, rights: u32) -> Option<String> {
        let facts = AclFacts {
            owner: owner.to_owned(),
            entries,
        };
        let judged = judge(Path::new("C:\\p"), &facts, rights, None);
        judged.err().map(|violation| violation.problem)
    }

    fn allow(sid: &str, rights: u32) -> Option<Vec<Entry>> {
        let sid = sid.to_owned();
        Some(vec![Entry::Allow { sid, rights }])
    }

    #[test]
    fn only_administrators_own_and_write() {
        let administrators = TRUSTED[1];
        let full = allow(administrators, GENERIC_ALL);
        assert_eq!(problem(administrators, full, WRITE), None);
        let read = allow(USERS, 0x0012_00a9);
        assert_eq!(problem(TRUSTED[0], read, WRITE), None);
        for right in [FILE_WRITE_DATA, DELETE, WRITE_DAC] {
            assert_eq!(
                problem(TRUSTED[0], allow(USERS, right), WRITE).as_deref(),
                Some("is writable by S-1-5-32-545")
            );
        }
        assert_eq!(
            problem(USERS, Some(Vec::new()), WRITE).as_deref(),
            Some("is owned by S-1-5-32-545; expected Administrators")
        );
    }

    #[test]
    fn further_up_others_may_make_entries() {
        let make = FILE_WRITE_DATA | FILE_APPEND_DATA;
        assert_eq!(problem(TRUSTED[0], allow(USERS, make), REPLACE), None);
        assert!(problem(TRUSTED[0], allow(USERS, make | DELETE), REPLACE).is_some());
    }

    #[test]
    fn what_grants_everything_or_is_unknown_is_a_violation() {
        assert!(problem(TRUSTED[0], None, REPLACE).is_some());
        let unknown = Some(vec![Entry::Other { kind: 9 }]);
        assert_eq!(
            problem(TRUSTED[0], unknown, REPLACE).as_deref(),
            Some("has an access entry of unsupported type 9")
        );
    }
}
