//! As `src/sync/mod.rs`, cut down to what parses.

#[path = "../../src/sync/bundle/mod.rs"]
#[allow(dead_code, unused_imports)]
pub mod bundle;
#[path = "../../src/sync/refusal.rs"]
mod refusal;
#[path = "../../src/sync/trust/mod.rs"]
pub mod trust;

pub use refusal::{Reason, Refusal};
