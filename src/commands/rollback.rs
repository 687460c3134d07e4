//! `kura rollback`: back to the generation before, in one step; asked again, forward.

use serde::Serialize;

use super::sync::{name, operator};
use super::{Context, Failure, output};
use crate::cli::RollbackArgs;
use crate::sync::bundle::Kind;
use crate::sync::ledger::Who;
use crate::sync::{Installation, State};
use crate::text::Lang;

/// The only program that a box runs.
const APP_ID: &str = "kura";
/// Stands for the installed package in JSON.
const PACKAGE: &str = "package";

/// Something that can go back.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Entry {
    kind: Kind,
    id: String,
    /// Edition, or the hash of a model or program; `package` is the installed package.
    current: String,
    previous: String,
}

pub(super) fn run(context: &Context, args: &RollbackArgs) -> Result<(), Failure> {
    let kind = match args.kind.as_deref() {
        None => return list(context, args.json),
        Some("app") => Kind::App,
        Some("model") => Kind::Model,
        Some("assistants") => Kind::Assistants,
        Some(_) => Kind::Dataset,
    };
    let id = match (&args.id, kind) {
        (Some(id), _) => id.as_str(),
        (None, Kind::App) => APP_ID,
        (None, _) => {
            let kind = kind.name();
            return Err(Failure::usage(
                format!("IDを指定してください：kura rollback {kind} ID（一覧は kura rollback）"),
                format!("name what goes back: kura rollback {kind} ID (listed by kura rollback)"),
            ));
        }
    };
    let who = Who {
        operator: operator(context, args.operator.as_deref())?,
        approver: name("--approver", args.approver.as_deref().unwrap_or_default())?,
        media: String::new(),
    };
    let installation = context.installation();
    let now = installation.roll_back(kind, id, &who)?;
    if args.json {
        return output::json(&serde_json::json!({"kind": kind, "id": id, "current": now}));
    }
    let shown = label(context, &installation, kind, id, &now);
    match context.lang {
        Lang::Ja => say!("{}「{id}」を、{shown}に切り替えました。", kind.label()),
        Lang::En => say!("{} {id} is now {shown}.", kind.name()),
    }
    let (ja, en) = match kind {
        Kind::App => (
            "動いているkura serveは、回答中のものを終えてから切り替わります。",
            "A running kura serve changes to it after its answers under way.",
        ),
        _ => (
            "動いているkura serveは、すぐに切り替わります（回答中のものは元の世代で終えます）。",
            "A running kura serve changes to it at once; answers under way end on the one before.",
        ),
    };
    say!("{}", context.words(ja, en));
    Ok(())
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let installation = context.installation();
    let entries = entries(&installation.state()?);
    if json {
        return output::json(&entries);
    }
    if entries.is_empty() {
        let ja = "戻せるものはありません。更新を取り込むと、一つ前の世代が残ります。";
        let en = "nothing can go back: the generation before stays once an update was imported";
        say!("{}", context.words(ja, en));
        return Ok(());
    }
    let header = match context.lang {
        Lang::Ja => ["種類", "ID", "使用中", "戻す先", "コマンド"],
        Lang::En => ["KIND", "ID", "IN USE", "GOES BACK TO", "COMMAND"],
    };
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let (kind, id) = (entry.kind, &entry.id);
            vec![
                context.words(kind.label(), kind.name()).to_owned(),
                id.clone(),
                label(context, &installation, kind, id, &entry.current),
                label(context, &installation, kind, id, &entry.previous),
                format!("kura rollback {} {id}", kind.name()),
            ]
        })
        .collect();
    output::table(&header, &rows);
    Ok(())
}

/// A generation for people, by the name of its folder.
fn label(
    context: &Context,
    installation: &Installation,
    kind: Kind,
    id: &str,
    name: &str,
) -> String {
    let name = Some(name).filter(|name| kind != Kind::App || *name != PACKAGE);
    installation.generation_label(kind, id, name, context.lang)
}

/// All that has a generation before the one in use.
fn entries(state: &State) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (kind, all) in [(Kind::Dataset, &state.datasets), (Kind::Assistants, &state.assistants)] {
        for (id, entry) in all {
            if let Some(previous) = entry.previous.clone() {
                let (id, current) = (id.clone(), entry.current.clone());
                entries.push(Entry { kind, id, current, previous });
            }
        }
    }
    for (id, previous) in &state.previous_models {
        if let Some(current) = state.models.get(id).cloned() {
            let (id, previous) = (id.clone(), previous.clone());
            entries.push(Entry { kind: Kind::Model, id, current, previous });
        }
    }
    if let Some(app) = &state.app
        && let Some(previous) = app.previous.clone()
    {
        let named = |hash: Option<String>| hash.unwrap_or_else(|| PACKAGE.to_owned());
        let (current, previous) = (named(app.current.clone()), named(previous));
        entries.push(Entry { kind: Kind::App, id: APP_ID.to_owned(), current, previous });
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::{CurrentApp, CurrentDataset};

    #[test]
    fn what_has_a_generation_before_can_go_back() {
        let mut state = State::default();
        assert_eq!(entries(&state), []);
        let two = CurrentDataset { current: "r8.2".into(), previous: Some("r8.1".into()) };
        let one = CurrentDataset { current: "r8.1".into(), previous: None };
        state.datasets.insert("town".into(), two);
        state.datasets.insert("law".into(), one);
        state.models.insert("m".into(), "bb".into());
        state.previous_models.insert("m".into(), "aa".into());
        let current = Some("cc".to_owned());
        state.app = Some(CurrentApp { current, previous: Some(None), trial: None });
        let told: Vec<_> =
            entries(&state).into_iter().map(|e| (e.kind, e.id, e.current, e.previous)).collect();
        let entry = |kind, id: &str, current: &str, previous: &str| {
            (kind, id.to_owned(), current.to_owned(), previous.to_owned())
        };
        assert_eq!(
            told,
            [
                entry(Kind::Dataset, "town", "r8.2", "r8.1"),
                entry(Kind::Model, "m", "bb", "aa"),
                entry(Kind::App, "kura", "cc", "package"),
            ]
        );
    }
}
