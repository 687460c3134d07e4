//! The one integration binary: each module drives the product through one of its doors.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accessibility;
mod assistants;
mod bench;
mod browser;
mod browser_assistants;
mod browser_compare;
mod browser_people;
mod browser_records;
mod browser_talks;
mod browser_updates;
mod browser_uploads;
mod citations;
mod cli;
mod dataset;
mod demo;
mod env;
mod evaluation;
#[cfg(feature = "connected")]
mod hub_server;
mod ingest_worker;
mod injection;
mod labelled;
mod layers;
#[cfg(feature = "connected")]
mod model_fetch;
mod mutants;
mod not_found;
mod office;
mod pack;
mod people;
mod people_cli;
mod personal;
mod personal_flow;
mod program;
mod prompt;
mod publisher;
mod records;
mod serving;
mod setup;
mod sync;
mod sync_record;
mod talks;
mod tidy;
mod time;
mod units;
mod uploads;
mod usb_import;
mod web_assistants;
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
