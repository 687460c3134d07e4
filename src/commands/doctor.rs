//! `kura doctor`: what is wrong with this box, in plain words. Changes nothing.

mod people;
mod updates;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde::Serialize;

use super::freshness::{self, Freshness};
use super::{Context, Failure, output};
use crate::cli::DoctorArgs;
use crate::document::DatasetInfo;
use crate::llm::{self, EngineMemory, EngineOptions, Model};
use crate::search::Index;
use crate::sync::{Installation, ModelRecord, Room, State};
use crate::text::Lang;

/// Free space below which an update may not fit.
const DISK_LEAST_MIB: u64 = 2048;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    Warning,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    ja: String,
    en: String,
}

#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(
        &mut self,
        check: &'static str,
        verdict: Verdict,
        ja: impl Into<String>,
        en: impl Into<String>,
    ) {
        self.findings.push(Finding { check, verdict, ja: ja.into(), en: en.into() });
    }
}

pub(super) fn run(context: &Context, args: &DoctorArgs) -> Result<(), Failure> {
    let mut report = Report::default();
    processor(&mut report);
    if folder(&mut report, &context.config.data_dir) {
        disk(&mut report, &context.config.data_dir);
        people::check(&mut report, context);
        installed(&mut report, context);
    }
    let bad = report.findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    if args.json {
        output::json(&report.findings)?;
    } else {
        print(context, &report.findings);
    }
    match bad {
        0 => Ok(()),
        _ => Err(Failure::reported(
            &format!("直す必要のある点が{bad}件あります。"),
            &format!("{bad} point(s) need to be mended"),
        )),
    }
}

fn print(context: &Context, findings: &[Finding]) {
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => context.words("良好", "ok  "),
            Verdict::Warning => context.words("注意", "warn"),
            Verdict::Bad => context.words("問題", "BAD "),
        };
        say!("{mark}  {}", context.words(&finding.ja, &finding.en));
    }
}

fn processor(report: &mut Report) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    if llm::has_fast_kernels() {
        report.add(
            "cpu",
            Verdict::Good,
            format!("CPU：{cores}コア、AVX2が使えます。"),
            format!("CPU: {cores} core(s), AVX2 is available."),
        );
    } else {
        report.add(
            "cpu",
            Verdict::Warning,
            format!("CPU：{cores}コア、AVX2がありません。動作しますが、回答の作成が数倍遅くなります。AVX2のあるCPU（2013年以降の多くの機種）をお勧めします。"),
            format!("CPU: {cores} core(s), no AVX2. kura runs, but writes answers several times more slowly; prefer a CPU with AVX2."),
        );
    }
}

/// True when the folder can be looked into further.
fn folder(report: &mut Report, dir: &Path) -> bool {
    let shown = dir.display();
    let Ok(meta) = fs::metadata(dir) else {
        report.add(
            "data folder",
            Verdict::Bad,
            format!("データフォルダー {shown} がありません。kura dataset add か kura model add で作られます。"),
            format!("The data folder {shown} does not exist; kura dataset add or kura model add makes it."),
        );
        return false;
    };
    let (mode, owner) = (meta.permissions().mode() & 0o777, meta.uid());
    let me = rustix::process::geteuid().as_raw();
    let writable = rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_ok();
    if !meta.is_dir() || !writable {
        report.add(
            "data folder",
            Verdict::Bad,
            format!("データフォルダー {shown} に書き込めません（所有者 {owner}、実行者 {me}）。chown で所有者を合わせてください。"),
            format!("The data folder {shown} cannot be written (owner {owner}, running as {me}); mend it with chown."),
        );
    } else if mode & 0o077 != 0 {
        report.add(
            "data folder",
            Verdict::Warning,
            format!("データフォルダー {shown} を他の利用者が読めます（{mode:o}）。chmod 700 {shown} としてください。"),
            format!("Others can read the data folder {shown} ({mode:o}); run chmod 700 {shown}"),
        );
    } else {
        report.add(
            "data folder",
            Verdict::Good,
            format!("データフォルダー {shown}：権限は適切です。"),
            format!("Data folder {shown}: its permissions are right."),
        );
    }
    meta.is_dir()
}

fn disk(report: &mut Report, dir: &Path) {
    let Ok(room) = Room::of(dir) else { return };
    let free_mib = room.free / (1 << 20);
    let (verdict, ja, en) = match free_mib < DISK_LEAST_MIB {
        true => (
            Verdict::Warning,
            "少なくなっています。更新が入らないことがあります。",
            "little; an update may not fit.",
        ),
        false => (Verdict::Good, "足りています。", "enough."),
    };
    report.add(
        "disk",
        verdict,
        format!("空き容量 {free_mib} MiB：{ja}"),
        format!("Free disk space {free_mib} MiB: {en}"),
    );
}

fn installed(report: &mut Report, context: &Context) {
    let installation = context.installation();
    let state = match installation.state() {
        Ok(state) => state,
        Err(error) => {
            let failure = Failure::from(error);
            report.add("state", Verdict::Bad, failure.message(Lang::Ja), failure.message(Lang::En));
            return;
        }
    };
    if state.datasets.is_empty() {
        report.add(
            "data sets",
            Verdict::Warning,
            "データセットがありません。kura dataset add フォルダー で追加してください。",
            "There are no data sets; add one with kura dataset add DIR.",
        );
    }
    for (id, entry) in &state.datasets {
        dataset(report, context, &state, (id, &entry.current));
    }
    updates::due(report, &state);
    updates::root(report, &installation);
    updates::ledger(report, &installation);
    let used = context.config.model.as_ref().or(state.model.as_ref());
    match used.map(|id| (id, state.models.get(id))) {
        None => report.add(
            "model",
            Verdict::Warning,
            "モデルがありません。検索と、該当箇所の抜き出しだけができます。kura model add で追加してください。",
            "There is no model: search and excerpts only. Add one with kura model add FILE.gguf.",
        ),
        Some((id, None)) => report.add(
            "model",
            Verdict::Bad,
            format!("使うモデル「{id}」が登録されていません。kura model use で選び直してください。"),
            format!("The model to use, {id}, is not installed; choose with kura model use."),
        ),
        Some((id, Some(blake3))) => model(report, context, &installation, id, blake3),
    }
}

fn dataset(report: &mut Report, context: &Context, state: &State, (id, generation): (&str, &str)) {
    let installation = &context.installation();
    let checked = Index::open(&installation.index_dir(id, generation))
        .and_then(|index| index.check())
        .map_err(|why| why.to_string())
        .and_then(|_| installation.generation(id, generation).map_err(|why| why.to_string()));
    let record = match checked {
        Ok(record) => record,
        Err(why) => {
            report.add(
                "data set",
                Verdict::Bad,
                format!("データセット「{id}」の索引が使えません（{why}）。元のフォルダーから kura dataset add をやり直してください。"),
                format!("The index of data set {id} cannot be used ({why}); run kura dataset add again from its folder."),
            );
            return;
        }
    };
    let info: &DatasetInfo = &record.info;
    let failures = record.failures.len();
    let records = freshness::ledger(installation);
    let fresh = Freshness::of(installation, state, &records, id, &record);
    if fresh.stale {
        report.add(
            "data set",
            Verdict::Warning,
            format!("データセット「{}」は基準日（{}）から{}日を過ぎています。新しい版を入れてください。", info.title, info.as_of, info.stale_after_days),
            format!("Data set {id} is older than {} days (as of {}); install a new edition.", info.stale_after_days, info.as_of),
        );
    }
    report.add(
        "data set",
        if failures == 0 { Verdict::Good } else { Verdict::Warning },
        format!(
            "データセット「{}」：索引は正常です（データ基準日 {}、{}日経過、入手 {}、文書 {}件、読めなかったファイル {failures}件）。",
            info.title,
            info.as_of,
            fresh.days_since_as_of,
            fresh.came(Lang::Ja),
            record.documents
        ),
        format!(
            "Data set {id}: its index is sound (as of {}, {} days ago, came {}, {} documents, {failures} file(s) not read).",
            info.as_of,
            fresh.days_since_as_of,
            fresh.came(Lang::En),
            record.documents
        ),
    );
}

fn model(
    report: &mut Report,
    context: &Context,
    installation: &Installation,
    id: &str,
    blake3: &str,
) {
    let path = installation.model_path(blake3);
    let record: Result<ModelRecord, _> = installation.model(id, blake3);
    let checked = Model::check(&path).map_err(|why| why.to_string());
    let (record, _) = match record
        .map_err(|why| why.to_string())
        .and_then(|r| checked.map(|i| (r, i)))
    {
        Ok(pair) => pair,
        Err(why) => {
            report.add(
                "model",
                Verdict::Bad,
                format!("モデルを使えません（{why}）。kura model remove で削除し、入れ直してください。"),
                format!("The model cannot be used ({why}); remove it with kura model remove and add it again."),
            );
            return;
        }
    };
    report.add(
        "model",
        if record.self_test { Verdict::Warning } else { Verdict::Good },
        match record.self_test {
            true => format!(
                "モデル「{}」は動作確認用です。業務には別のモデルを入れてください（kura model catalogue）。",
                record.name
            ),
            false => format!("モデル「{}」：使えます。", record.name),
        },
        match record.self_test {
            true => format!(
                "Model {} is for self-tests only; add another one for work (kura model catalogue).",
                record.id
            ),
            false => format!("Model {}: usable.", record.id),
        },
    );
    let options = EngineOptions::from_config(&context.config.engine);
    if let (Ok(memory), Some(free)) =
        (Model::memory(&path, &options), llm::available_memory_bytes())
    {
        self::memory(report, &record, memory, free);
    }
}

/// The model's memory, with the answers of all slots full, against what is free.
fn memory(report: &mut Report, record: &ModelRecord, memory: EngineMemory, free_bytes: u64) {
    let fits = memory.needed_bytes() <= free_bytes;
    let (needed_mib, free_mib) = (memory.needed_bytes().div_ceil(1 << 20), free_bytes >> 20);
    report.add(
        "memory",
        if fits { Verdict::Good } else { Verdict::Bad },
        format!(
            "メモリ：モデル「{}」に約{needed_mib} MiB必要、空きは{free_mib} MiB：{}",
            record.name,
            if fits { "足りています。" } else { "足りません。小さいモデルにするか、engine.slotsやengine.context_tokensを減らしてください。" }
        ),
        format!(
            "Memory: model {} needs about {needed_mib} MiB, {free_mib} MiB are free: {}",
            record.id,
            if fits { "enough." } else { "not enough; use a smaller model, fewer engine.slots or a shorter engine.context_tokens." }
        ),
    );
}
