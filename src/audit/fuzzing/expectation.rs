//! What must be found in a log after a change of it.

use crate::audit::verify::{Place, Problem, Verdict};

/// What is found after a change.
pub(super) enum Expectation {
    Nothing,
    /// A part of the log is without a problem of its own.
    NothingInPart,
    /// These problems and no others.
    Exactly(Vec<Problem>),
    /// The first problem, and perhaps others.
    First(Place),
    /// A problem of the first line or of the second, and no problem before them.
    FirstOfTwo(Place, Place),
    /// A problem at this line, and others at its neighbours only.
    Around {
        line: Place,
        neighbours: [Place; 2],
    },
    /// A problem.
    Some,
}

impl Expectation {
    /// Asserts that `found` is this.
    #[track_caller]
    pub(super) fn assert(&self, found: &Verdict) {
        let problems = &found.problems;
        let first = problems.first().map(|problem| problem.place);
        let holds = match self {
            Self::Nothing | Self::NothingInPart => problems.is_empty(),
            Self::Exactly(expected) => problems == expected,
            Self::First(place) => first == Some(*place),
            Self::FirstOfTwo(one, other) => first == Some(*one) || first == Some(*other),
            Self::Around { line, neighbours } => {
                let mut places = problems.iter().map(|problem| problem.place);
                let is_near = |place| place == *line || neighbours.contains(&place);
                places.clone().any(|place| place == *line) && places.all(is_near)
            }
            Self::Some => !problems.is_empty(),
        };
        assert!(holds, "{found:?}");
    }
}
