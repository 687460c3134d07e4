//! The one integration binary: each module drives the product through one of its doors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod browser;
mod cli;
mod dataset;
mod demo;
mod env;
mod evaluation;
mod ingest_worker;
mod mutants;
mod prompt;
mod tidy;
mod web_driver;
mod web_env;
mod web_gate;
mod web_openai;
mod web_page;
mod web_serve;
