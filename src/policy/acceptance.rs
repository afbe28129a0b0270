//! Whether a policy may replace the last good one.

use super::jws::SignedPolicy;

/// A policy that may be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acceptance {
    /// It is newer than the last one.
    Newer,
    /// It is the last one.
    Unchanged,
}

/// A policy with a right signature that must not be in force, as the end of a sentence whose
/// subject is the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// An older policy, perhaps put back by an attacker.
    #[error(
        "has the counter {counter}, and the policy before has {last}: a policy cannot be rolled back"
    )]
    Older { counter: u64, last: u64 },
    /// Two policies have one counter, so that it is unknown which is newer.
    #[error("has the counter {counter}, which another policy before has, too")]
    SameCounter { counter: u64 },
    /// Older than the configuration or the audit log allows.
    #[error("has the counter {counter}, and at least {minimum} is required")]
    BelowMinimum { counter: u64, minimum: u64 },
}

/// Decides whether `new`, whose signature is right, may replace `last`, the last good policy.
/// `minimum` is the lowest counter otherwise.
///
/// # Errors
///
/// [`Refusal`].
pub(crate) fn accept(
    new: &SignedPolicy,
    last: Option<&SignedPolicy>,
    minimum: u64,
) -> Result<Acceptance, Refusal> {
    let counter = new.document.counter;
    // First: the audit log's minimum is the counter of the last one.
    if let Some(last) = last
        && last.document.counter > counter
    {
        let last = last.document.counter;
        return Err(Refusal::Older { counter, last });
    }
    if counter < minimum {
        return Err(Refusal::BelowMinimum { counter, minimum });
    }
    match last {
        Some(last) if last.text == new.text => Ok(Acceptance::Unchanged),
        Some(last) if last.document.counter == counter => Err(Refusal::SameCounter { counter }),
        _ => Ok(Acceptance::Newer),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::jws::tests::signed, *};

    #[test]
    fn only_a_larger_counter_replaces() {
        let policy = |counter| signed(&format!("version = 1\ncounter = {counter}\n"));
        let (old, new) = (policy(41), policy(42));
        assert_eq!(accept(&new, None, 0), Ok(Acceptance::Newer));
        assert_eq!(accept(&new, Some(&old), 42), Ok(Acceptance::Newer));
        assert_eq!(accept(&new, Some(&new), 0), Ok(Acceptance::Unchanged));
        let older = Refusal::Older {
            counter: 41,
            last: 42,
        };
        for minimum in [0, 42] {
            assert_eq!(accept(&old, Some(&new), minimum), Err(older));
        }
        assert!(older.to_string().contains("41") && older.to_string().contains("42"));
        let other = signed("version = 1\ncounter = 42\nwatch = '2m'\n");
        assert_eq!(
            accept(&other, Some(&new), 0),
            Err(Refusal::SameCounter { counter: 42 })
        );
        for last in [None, Some(&old), Some(&new)] {
            assert_eq!(
                accept(&new, last, 43),
                Err(Refusal::BelowMinimum {
                    counter: 42,
                    minimum: 43
                })
            );
        }
    }
}
