//! The one integration binary: each module drives the product through one of its doors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accessibility;
mod bench;
mod browser;
mod browser_updates;
mod cli;
mod dataset;
mod demo;
mod env;
mod evaluation;
#[cfg(feature = "connected")]
mod hub_server;
mod ingest_worker;
#[cfg(feature = "connected")]
mod model_fetch;
mod mutants;
mod pack;
mod program;
mod prompt;
mod publisher;
mod serving;
mod setup;
mod sync;
mod tidy;
mod units;
mod usb_import;
mod web_bundles;
mod web_driver;
mod web_env;
mod web_gate;
mod web_openai;
mod web_page;
mod web_serve;
mod web_tls;
mod web_updates;
mod web_uploads;
