//! Settings: file, environment and flags become one validated value.
