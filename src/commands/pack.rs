//! `kura pack …`: from a folder, a file or the hub to a signed bundle on a stick.
//!
//! The order serves the person who waits: what can be refused is refused first, passwords are asked
//! before the long work, and it then runs to its end by itself.

mod app;
mod assistants;
mod dataset;
mod model;
mod passages;
mod press;
mod records;
mod report;

use super::{Context, Failure, cancel};
use crate::cli::PackCommand;

pub(super) fn run(context: &Context, asked: &PackCommand) -> Result<(), Failure> {
    let cancelled = cancel::on_interrupt()?;
    match asked {
        PackCommand::Dataset { dir, no_index, allow_unread, to } => {
            let how = dataset::How { with_index: !no_index, allow_unread: *allow_unread };
            dataset::run(context, dir, how, to, &cancelled)
        }
        PackCommand::Model { source, id, edition, licence, to } => {
            let said = model::Said {
                id: id.as_deref(),
                edition: edition.as_deref(),
                licence: licence.as_deref(),
            };
            model::run(context, source, &said, to, &cancelled)
        }
        PackCommand::App { binary, edition, to } => {
            app::run(context, binary, edition.as_deref(), to, &cancelled)
        }
        PackCommand::Assistants { dir, id, title, edition, licence, to } => {
            let said = assistants::Said {
                id: id.as_deref(),
                title: title.as_deref(),
                edition: edition.as_deref(),
                licence: licence.as_deref().unwrap_or_default(),
            };
            assistants::run(context, dir, &said, to, &cancelled)
        }
    }
}

/// The edition of what has none of its own: the day.
fn today() -> String {
    jiff::ZonedDateTime::now().date().to_string()
}
