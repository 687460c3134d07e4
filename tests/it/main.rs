//! The one integration binary: each module drives the product through one of its doors.

mod cli;
mod dataset;
mod env;
mod ingest_worker;
mod mutants;
mod tidy;
