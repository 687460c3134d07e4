//! What must not be shown, kept or obeyed: personal data, instructions hidden in documents.
//!
//! [`personal`] finds personal data in a text and masks it; [`instructions`] finds sentences that
//! speak to the machine instead of the reader; [`invisible`] knows the characters nobody sees.

pub mod instructions;
pub mod invisible;
pub mod personal;
