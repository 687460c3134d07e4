//! The one integration binary: each module drives the product through one of its doors.

mod ingest_worker;
mod tidy;
