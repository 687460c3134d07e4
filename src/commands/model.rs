//! `kura model …`: add, list, use, remove, verify.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::{Context, Failure, bundled, cancel, catalogue, output};
use crate::cli::ModelCommand;
use crate::document::timestamp;
use crate::llm::Model;
use crate::llm::gguf::Gguf;
use crate::llm::info::hash_file;
use crate::llm::prepared::{self, PrepareError};
use crate::sync::{Evaluation, ModelRecord, Share, Staging, SyncError};
use crate::text::Lang;

/// Bytes copied between two looks at the interrupt flag.
const STEP: usize = 1 << 20;

pub(super) fn run(context: &Context, asked: &ModelCommand) -> Result<(), Failure> {
    match asked {
        ModelCommand::Add { file, id } => {
            let cancelled = cancel::on_interrupt()?;
            let id = id.clone().unwrap_or_else(|| id_of(file));
            let record = add(context, file, &id, &cancelled)?;
            print_added(context, &record);
            if context.installation().state()?.model.as_ref() != Some(&id) {
                match context.lang {
                    Lang::Ja => say!("このモデルを使うには kura model use {id} としてください。"),
                    Lang::En => say!("To use it: kura model use {id}"),
                }
            }
            Ok(())
        }
        ModelCommand::List { json } => list(context, *json),
        ModelCommand::Use { id } => {
            context.installation().writer()?.use_model(id)?;
            match context.lang {
                Lang::Ja => say!("使うモデルを「{id}」にしました。"),
                Lang::En => say!("The model in use is now {id}."),
            }
            Ok(())
        }
        ModelCommand::Remove { id } => {
            context.installation().writer()?.remove_model(id)?;
            match context.lang {
                Lang::Ja => say!("モデル「{id}」を削除しました。"),
                Lang::En => say!("Model {id} is removed."),
            }
            Ok(())
        }
        ModelCommand::Verify { id } => verify(context, id.as_deref()),
        ModelCommand::Catalogue { json } => catalogue::run(context, *json),
        #[cfg(feature = "connected")]
        ModelCommand::Fetch { id, to } => super::model_fetch::run(context, id, to),
    }
}

/// Installs the self-test model unless this very file is installed already.
pub(super) fn add_bundled(context: &Context, cancelled: &AtomicBool) -> Result<(), Failure> {
    let hash = bundled::model_hash();
    let installation = context.installation();
    if installation.state()?.models.get(bundled::MODEL_ID) == Some(&hash) {
        return Ok(());
    }
    let dir = tempfile::tempdir().map_err(|why| unreadable(Path::new("tmp"), &why))?;
    let path = dir.path().join("model.gguf");
    std::fs::write(&path, bundled::MODEL).map_err(|why| unreadable(&path, &why))?;
    let record = add(context, &path, bundled::MODEL_ID, cancelled)?;
    print_added(context, &record);
    Ok(())
}

fn print_added(context: &Context, record: &ModelRecord) {
    match context.lang {
        Lang::Ja => say!(
            "モデル「{}」（ID {}、{}、{}）を登録しました。",
            record.name,
            record.id,
            record.architecture,
            record.quantization
        ),
        Lang::En => say!(
            "Model {} (id {}, {}, {}) is installed.",
            record.name,
            record.id,
            record.architecture,
            record.quantization
        ),
    }
}

fn add(
    context: &Context,
    file: &Path,
    id: &str,
    cancelled: &AtomicBool,
) -> Result<ModelRecord, Failure> {
    check_id(id)?;
    if !file.is_file() {
        return Err(Failure::new(
            format!("{}というファイルはありません。", file.display()),
            format!("there is no file {}", file.display()),
        ));
    }
    let info = Model::check(file).map_err(|why| {
        Failure::new(
            format!(
                "{}はモデルとして使えません（{why}）。GGUFファイルを入手し直してください。",
                file.display()
            ),
            format!("{} cannot be used as a model: {why}", file.display()),
        )
    })?;
    let installation = context.installation();
    let mut writer = installation.writer()?;
    let staging = writer.stage()?;
    let blake3 = copy(context, file, &staging, info.file_size_bytes, cancelled)?;
    let taken = writer.state().models.get(id).is_some_and(|used| *used != blake3);
    if taken && id != bundled::MODEL_ID {
        return Err(Failure::new(
            format!(
                "「{id}」は別のモデルの名前です。--id で別の名前を付けるか、先に kura model remove {id} としてください。"
            ),
            format!(
                "{id} is the name of another model; give another with --id, or remove that one first: kura model remove {id}"
            ),
        ));
    }
    prepare(context, &staging, cancelled)?;
    let record = ModelRecord {
        id: id.to_owned(),
        name: info.name,
        quantization: info.quantization,
        architecture: info.architecture,
        size_bytes: info.file_size_bytes,
        context_tokens: info.context_tokens,
        licence: info.licence,
        self_test: blake3 == bundled::model_hash(),
        blake3,
        added_at: timestamp(),
    };
    writer.commit_model(staging, &record)?;
    Ok(record)
}

/// Copies the file into the staging folder and hashes it on the way.
fn copy(
    context: &Context,
    file: &Path,
    staging: &Staging,
    size_bytes: u64,
    cancelled: &AtomicBool,
) -> Result<String, Failure> {
    let target = staging.path().join("model.gguf");
    let mut source = File::open(file).map_err(|why| unreadable(file, &why))?;
    let mut sink = File::create(&target).map_err(|why| unreadable(&target, &why))?;
    let bar =
        output::progress_bytes(context, size_bytes, "モデルを登録しています", "Adding the model");
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; STEP];
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Failure::interrupted());
        }
        let length = source.read(&mut buffer).map_err(|why| unreadable(file, &why))?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        sink.write_all(&buffer[..length]).map_err(|why| unreadable(&target, &why))?;
        bar.inc(length as u64);
    }
    bar.finish_and_clear();
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes the form that is computed with beside the copied file, so that serving starts at once.
fn prepare(context: &Context, staging: &Staging, cancelled: &AtomicBool) -> Result<(), Failure> {
    let path = staging.path().join("model.gguf");
    let refused = |why: &dyn std::fmt::Display| {
        Failure::new(
            format!("モデルを計算用に並べ替えられません（{why}）。空き容量を確認してください。"),
            format!("cannot rearrange the model for computing: {why}"),
        )
    };
    let gguf = Gguf::open(&path).map_err(|why| refused(&why))?;
    match prepare_with_progress(context, &gguf, cancelled) {
        Ok(()) => Ok(()),
        Err(PrepareError::Cancelled) => Err(Failure::interrupted()),
        Err(why) => Err(refused(&why)),
    }
}

/// Makes the form that is computed with beside an opened file, with a progress bar.
pub(super) fn prepare_with_progress(
    context: &Context,
    gguf: &Gguf,
    cancelled: &AtomicBool,
) -> Result<(), PrepareError> {
    let bar = output::progress_bytes(context, 0, "計算用に並べ替えています", "Preparing the model");
    let told = prepared::prepare(gguf, |done, total| {
        bar.set_length(total);
        bar.set_position(done);
        !cancelled.load(Ordering::Relaxed)
    });
    bar.finish_and_clear();
    told
}

/// A model as `model list` shows it.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    record: ModelRecord,
    /// `null` before `kura eval model`.
    evaluation: Option<Evaluation>,
}

/// What was measured with a model; a damaged record is said and counts as none.
fn evaluation(context: &Context, record: &ModelRecord) -> Option<Evaluation> {
    context.installation().evaluation(&record.blake3).unwrap_or_else(|why| {
        let id = &record.id;
        match context.lang {
            Lang::Ja => eprintln!(
                "kura: モデル「{id}」の評価の記録を読めません。kura eval model --id {id} で測り直せます。"
            ),
            Lang::En => eprintln!(
                "kura: the evaluation of model {id} cannot be read ({why}); measure again with: kura eval model --id {id}"
            ),
        }
        None
    })
}

/// A share as a percentage; a dash where nothing was measured.
fn measured(share: Option<Share>) -> String {
    let percent = share.and_then(Share::percent);
    percent.map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0}%"))
}

fn list(context: &Context, json: bool) -> Result<(), Failure> {
    let installation = context.installation();
    let records = installation.models()?;
    let records = records
        .into_iter()
        .map(|record| {
            let evaluation = evaluation(context, &record);
            Listed { record, evaluation }
        })
        .collect::<Vec<_>>();
    if json {
        return output::json(&records);
    }
    if records.is_empty() {
        say!(
            "{}",
            context.words(
                "モデルはありません。kura model add ファイル.gguf で追加します（候補は kura model catalogue）。",
                "There are no models. Add one with: kura model add FILE.gguf (see: kura model catalogue)"
            )
        );
        return Ok(());
    }
    let used = context.config.model.clone().or(installation.state()?.model);
    let header = match context.lang {
        Lang::Ja => [
            "使用中",
            "ID",
            "名称",
            "種類",
            "量子化",
            "大きさ(MB)",
            "BLAKE3",
            "四択",
            "出典",
            "引用",
            "該当なし(再現/適合)",
            "備考",
        ],
        Lang::En => [
            "IN USE",
            "ID",
            "NAME",
            "KIND",
            "QUANT",
            "SIZE MB",
            "BLAKE3",
            "CHOICES",
            "CITED",
            "QUOTES",
            "NOT FOUND R/P",
            "NOTE",
        ],
    };
    let used = used.as_deref();
    let rows: Vec<Vec<String>> = records.iter().map(|listed| row(context, used, listed)).collect();
    output::table(&header, &rows);
    Ok(())
}

fn row(context: &Context, used: Option<&str>, listed: &Listed) -> Vec<String> {
    let Listed { record, evaluation } = listed;
    let note = if record.self_test { context.words("動作確認用", "self-test") } else { "" };
    vec![
        if used == Some(&record.id) { "*" } else { "" }.to_owned(),
        record.id.clone(),
        record.name.clone(),
        record.architecture.clone(),
        record.quantization.clone(),
        format!("{:.1}", record.size_bytes as f64 / 1e6),
        record.blake3[..record.blake3.len().min(12)].to_owned(),
        measured(evaluation.as_ref().map(|it| it.choices)),
        measured(evaluation.as_ref().map(|it| it.cited)),
        measured(evaluation.as_ref().map(|it| it.verbatim)),
        format!(
            "{}/{}",
            measured(evaluation.as_ref().map(|it| it.none_recall)),
            measured(evaluation.as_ref().map(|it| it.none_precision))
        ),
        note.to_owned(),
    ]
}

fn verify(context: &Context, only: Option<&str>) -> Result<(), Failure> {
    let installation = context.installation();
    let mut records = installation.models()?;
    if let Some(id) = only {
        records.retain(|record| record.id == id);
        if records.is_empty() {
            return Err(SyncError::UnknownModel(id.to_owned()).into());
        }
    }
    let mut bad = 0;
    for record in &records {
        let path = installation.model_path(&record.blake3);
        let problem = match hash(context, &path, record.size_bytes) {
            Err(failure) => Some(failure.message(context.lang).to_owned()),
            Ok(found) if found != record.blake3 => {
                Some(context.words("内容が登録時と違います", "its content has changed").to_owned())
            }
            Ok(_) => Model::check(&path).err().map(|why| why.to_string()),
        };
        let problem = match problem {
            Some(why) => Some(why),
            None => prepared_problem(context, &path),
        };
        match &problem {
            None => say!("{}: OK", record.id),
            Some(why) => say!("{}: {why}", record.id),
        }
        bad += usize::from(problem.is_some());
    }
    match bad {
        0 => Ok(()),
        _ => Err(Failure::new(
            format!(
                "{bad}件のモデルに問題があります。kura model remove で削除し、入れ直してください。"
            ),
            format!("{bad} model(s) are not as installed; remove and add them again"),
        )),
    }
}

/// What is wrong with the form that is computed with. It is derived, so it is removed and made
/// again at the next start.
fn prepared_problem(context: &Context, path: &Path) -> Option<String> {
    let gguf = Gguf::open(path).ok()?;
    match prepared::verify(&gguf) {
        Ok(true) => None,
        Ok(false) => {
            let removed = std::fs::remove_file(prepared::path_beside(path));
            let (ja, en) = match removed {
                Ok(()) => (
                    "壊れていたので消しました。次の起動で作り直します",
                    "removed; it is made again at the next start",
                ),
                Err(_) => {
                    ("壊れています。model.tilesを消してください", "damaged; delete model.tiles")
                }
            };
            Some(
                context
                    .words(&format!("計算用の並べ替え：{ja}"), &format!("prepared form: {en}"))
                    .to_owned(),
            )
        }
        Err(why) => Some(why.to_string()),
    }
}

fn hash(context: &Context, path: &Path, size_bytes: u64) -> Result<String, Failure> {
    let bar = output::progress_bytes(context, size_bytes, "検査しています", "Checking");
    let shown = |done, _| {
        bar.set_position(done);
        true
    };
    let hash = hash_file(path, shown).map_err(|why| unreadable(path, &why))?;
    bar.finish_and_clear();
    Ok(hash.unwrap_or_default())
}

/// A name from the file's name: lowercase letters, digits, `.`, `_` and `-`.
pub(super) fn id_of(file: &Path) -> String {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or("model");
    let id: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .take(64)
        .collect();
    let trimmed = id.trim_start_matches(['.', '_', '-']);
    if trimmed.is_empty() { "model".to_owned() } else { trimmed.to_owned() }
}

pub(super) fn check_id(id: &str) -> Result<(), Failure> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = id.len() <= 64
        && id != "default"
        && id.starts_with(letters)
        && id.chars().all(|c| letters(c) || matches!(c, '.' | '_' | '-'));
    match good {
        true => Ok(()),
        false => Err(Failure::new(
            format!(
                "「{id}」は名前に使えません。英小文字・数字・. _ - で64文字まで、先頭は英小文字か数字にしてください（defaultは使えません）。"
            ),
            format!(
                "{id:?} is no name for a model: lowercase letters, digits, . _ -, at most 64, a letter or digit first, and not \"default\""
            ),
        )),
    }
}

fn unreadable(path: &Path, why: &std::io::Error) -> Failure {
    Failure::new(
        format!(
            "{}を読み書きできません（{why}）。空き容量と権限を確認してください。",
            path.display()
        ),
        format!("cannot read or write {}: {why}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        for (file, id) in [
            ("Qwen3-4B-Instruct-2507-Q4_K_M.gguf", "qwen3-4b-instruct-2507-q4_k_m"),
            ("モデル.gguf", "model"),
            ("a b.gguf", "a-b"),
        ] {
            assert_eq!(id_of(Path::new(file)), id);
            check_id(id).unwrap();
        }
        for id in ["", "default", "A", "../x", "-x"] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }
}
