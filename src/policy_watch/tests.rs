//! When looks happen and what requests see, with the manual clock and a publisher of the test's.
