//! Who may sign what, and whether they did.
//!
//! Signatures are minisign's, so that an auditor checks them with the plain tool:
//! `minisign -Vm manifest.json -x manifest.<key id>.minisig -P <public key>`. The keys stand in
//! root documents (`root`), each signed by the one before and by itself (`chain`). The model is
//! that of TUF (The Update Framework 1.0.33, sections 5.3 and 6.1), cut down to one role a kind.

mod chain;
mod key;
mod root;

pub use chain::{Chain, Link};
pub use key::{PublicKey, Signed, key_id_is_well_formed};
pub(crate) use root::ROOT_BYTES_MAX;
pub use root::{Role, Root, TrustedKey};

#[cfg(test)]
mod tests;
