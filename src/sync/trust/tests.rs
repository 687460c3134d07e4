//! The chain of trust.
