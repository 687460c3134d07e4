//! `kura assistant`: the assistants of this box, and files with them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Context, Failure, output, serve};
use crate::answer::assistant::{
    Assistant, AssistantSummary, Cabinet, CabinetError, Effect, Entry, Filled, Named, read_all,
    to_set, to_toml,
};
use crate::cli::AssistantCommand;
use crate::text::Lang;

pub(super) fn run(context: &Context, asked: &AssistantCommand) -> Result<(), Failure> {
    let cabinet = Cabinet::new(&context.installation());
    match asked {
        AssistantCommand::List { json } => list(context, &cabinet, *json),
        AssistantCommand::Show { id } => show(context, &entry(&cabinet, id)?),
        AssistantCommand::Check { files } => check(context, files),
        AssistantCommand::Export { ids, out } => export(context, &cabinet, ids, out.as_deref()),
        AssistantCommand::Import { file, dry_run, author } => {
            let author = author.as_deref().unwrap_or_default();
            import(context, &cabinet, file, *dry_run, author)
        }
    }
}

impl From<CabinetError> for Failure {
    fn from(error: CabinetError) -> Self {
        match error {
            CabinetError::Sync(why) => Self::from_sync(&why),
            other => Self::new(other.message(Lang::Ja), other.message(Lang::En)),
        }
    }
}

fn entry(cabinet: &Cabinet, id: &str) -> Result<Entry, Failure> {
    Ok(serve::runtime()?.block_on(cabinet.get(id))?)
}

fn list(context: &Context, cabinet: &Cabinet, json: bool) -> Result<(), Failure> {
    let listing = serve::runtime()?.block_on(cabinet.list());
    let summaries: Vec<AssistantSummary> = listing.entries.iter().map(Entry::summary).collect();
    if json {
        let value = serde_json::json!({"assistants": summaries, "problems": listing.problems});
        return output::json(&value);
    }
    let rows: Vec<Vec<String>> = summaries
        .into_iter()
        .map(|each| {
            let origin = each.origin.to_owned();
            vec![each.id, each.version.to_string(), each.title, origin, each.purpose]
        })
        .collect();
    let header = match context.lang {
        Lang::Ja => ["ID", "版", "名前", "出どころ", "目的"],
        Lang::En => ["id", "version", "title", "origin", "purpose"],
    };
    output::table(&header, &rows);
    for problem in listing.problems {
        say!("※ {problem}");
    }
    Ok(())
}

fn show(context: &Context, entry: &Entry) -> Result<(), Failure> {
    let assistant = entry.assistant.as_ref();
    say!(
        "{}（{}、{}{}）",
        assistant.title,
        entry.origin.label(),
        context.words("第", "version "),
        match context.lang {
            Lang::Ja => format!("{}版", assistant.version),
            Lang::En => assistant.version.to_string(),
        }
    );
    say!("{}", assistant.purpose);
    say!("{}: {}", context.words("使う資料", "data sets"), assistant.data.label());
    say!("{}:", context.words("入力欄", "fields"));
    for field in &assistant.fields {
        let required = match field.required {
            true => context.words("（必須）", " (required)"),
            false => "",
        };
        say!("  {} {}{required} [{}]", field.id, field.label, field.kind.name());
    }
    let filled = Filled::blank(Arc::clone(&entry.assistant));
    for turn in assistant.preview(&filled) {
        let name = match turn.role.as_str() {
            "system" => context.words("モデルに送る指示", "instructions as sent"),
            _ => context.words("モデルに送る入力", "input as sent"),
        };
        say!("\n--- {name} ---\n{}", turn.content);
    }
    Ok(())
}

/// The assistants of a file; every mistake at once.
fn read(path: &Path) -> Result<Vec<Assistant>, Failure> {
    let text = fs::read_to_string(path).map_err(|why| {
        Failure::new(
            format!("{}を読めません（{why}）。", path.display()),
            format!("cannot read {}: {why}", path.display()),
        )
    })?;
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let (assistants, mistakes) = read_all(&text, name);
    if mistakes.is_empty() {
        return Ok(assistants);
    }
    let lines = |lang| -> String {
        mistakes.iter().map(|mistake| format!("\n  {}", mistake.message(lang))).collect()
    };
    Err(Failure::new(
        format!("{}は業務アシスタントとして使えません。{}", path.display(), lines(Lang::Ja)),
        format!("{} cannot be used:{}", path.display(), lines(Lang::En)),
    ))
}

fn check(context: &Context, files: &[PathBuf]) -> Result<(), Failure> {
    let mut wrong: Vec<Failure> = Vec::new();
    for path in files {
        match read(path) {
            Ok(assistants) => {
                let count = assistants.len();
                let (ja, en) = (format!("{count}件、誤りなし"), format!("{count}, no mistakes"));
                say!("{}: {}", path.display(), context.words(&ja, &en));
            }
            Err(failure) => wrong.push(failure),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let join = |lang| wrong.iter().map(|each| each.message(lang)).collect::<Vec<_>>().join("\n");
    Err(Failure::new(join(Lang::Ja), join(Lang::En)))
}

fn export(
    context: &Context,
    cabinet: &Cabinet,
    ids: &[String],
    out: Option<&Path>,
) -> Result<(), Failure> {
    let entries = match ids.is_empty() {
        true => serve::runtime()?.block_on(cabinet.list()).entries,
        false => ids.iter().map(|id| entry(cabinet, id)).collect::<Result<Vec<_>, _>>()?,
    };
    let text = match entries.as_slice() {
        [one] => to_toml(&one.assistant),
        several => to_set(several.iter().map(|entry| entry.assistant.as_ref())),
    };
    let Some(path) = out else {
        output::write(&text);
        return Ok(());
    };
    fs::write(path, text).map_err(|why| {
        Failure::new(
            format!("{}に書き込めません（{why}）。", path.display()),
            format!("cannot write {}: {why}", path.display()),
        )
    })?;
    let count = entries.len();
    let ja = format!("{count}件を{}に書き出しました。", path.display());
    say!("{}", context.words(&ja, &format!("{count} written to {}", path.display())));
    Ok(())
}

fn import(
    context: &Context,
    cabinet: &Cabinet,
    file: &Path,
    dry_run: bool,
    author: &str,
) -> Result<(), Failure> {
    let assistants = read(file)?;
    let runtime = serve::runtime()?;
    let planned = runtime.block_on(cabinet.plan(assistants))?;
    for each in &planned {
        let effect = match context.lang {
            Lang::Ja => each.effect.label(),
            Lang::En => in_english(&each.effect).to_owned(),
        };
        say!("{} {}: {effect}", each.assistant.id, each.assistant.title);
    }
    if dry_run {
        return Ok(());
    }
    // Refuses where the folder belongs to another user, who could not read what this one writes.
    drop(context.installation().writer()?);
    let note = context.words("ファイルから取り込み", "imported from a file");
    let kept = runtime.block_on(cabinet.carry_out(planned, note, author))?;
    let ja = format!("{kept}件を取り込みました。");
    say!("{}", context.words(&ja, &format!("{kept} imported")));
    Ok(())
}

fn in_english(effect: &Effect) -> &'static str {
    match effect {
        Effect::Adds => "is added",
        Effect::Covers { .. } => "is used in place of the one of the starting set or of an update",
        Effect::Replaces { .. } => "replaces the one made here, whose versions are kept",
        Effect::Same => "is there already",
    }
}
