//! 文書の確認: a file that is sent, a text that is pasted, or a code that is typed.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::super::asker::{self, Asker};
use super::super::problem::Problem;
use super::super::view::{self, Checked, VerifyDesk};
use super::super::{AppState, body};
use super::{records, since};
use crate::answer::record::review::may_read;
use crate::answer::record::{Code, Records};
use crate::ingest::saved;

/// Bytes of a document at most.
const FILE_BYTES_MAX: usize = 8 << 20;

pub(super) async fn show(State(state): State<AppState>) -> Result<Html<String>, Problem> {
    records(&state)?;
    Ok(Html(view::verify_page(&VerifyDesk::default())))
}

/// Fields `file`, `text` and `code`; the first that is filled in counts.
pub(super) async fn check(
    State(state): State<AppState>,
    request: Request,
) -> Result<Response, Problem> {
    let asker = asker::of(request.extensions())?;
    let parts = body::multipart(request, FILE_BYTES_MAX).await?;
    let records = records(&state)?;
    let field = |name: &str| {
        let found = parts.iter().find(|part| part.name == name && !part.bytes.is_empty());
        found.map(|part| (part.file_name.clone(), part.bytes.clone()))
    };
    let refused = |error: &str| {
        let desk = VerifyDesk { error: error.to_owned(), ..VerifyDesk::default() };
        Ok((StatusCode::BAD_REQUEST, Html(view::verify_page(&desk))).into_response())
    };
    if let Some((name, bytes)) = field("file").or_else(|| field("text")) {
        // A document with a million nested tags is read without holding up the others.
        let file = name.clone();
        let read = tokio::task::spawn_blocking(move || saved::lines(&file, &bytes)).await;
        let lines = match read {
            Ok(Ok(lines)) => lines,
            Ok(Err(why)) => {
                tracing::info!(%why, "a document to verify could not be read");
                return refused(
                    "ファイルの内容を読めませんでした。kuraで保存したWord（docx）、HTML、Markdown、テキストのファイルを選んでください。",
                );
            }
            Err(_) => return refused("ファイルを読む途中で問題が起きました。"),
        };
        let checked = judged(&state, &records, &asker, &lines, name).await?;
        let desk = VerifyDesk { checked: Some(checked), ..VerifyDesk::default() };
        return Ok(Html(view::verify_page(&desk)).into_response());
    }
    // A file that was chosen and has nothing in it is no form left empty.
    let empty = parts.iter().find(|part| part.name == "file" && !part.file_name.is_empty());
    if let Some(empty) = empty {
        return refused(&format!(
            "ファイル「{}」は空です。保存し直したものを選んでください。",
            empty.file_name
        ));
    }
    let Some((_, typed)) = field("code") else {
        return refused("ファイルを選ぶか、文章か識別番号を入力してください。");
    };
    let typed = String::from_utf8_lossy(&typed).into_owned();
    by_code(&records, &asker, &typed).await
}

async fn judged(
    state: &AppState,
    records: &Records,
    asker: &Asker,
    lines: &[String],
    name: String,
) -> Result<Checked, Problem> {
    let verdict = records.check(lines).await?;
    let (mut sources, mut model) = (Vec::new(), None);
    let mut may_see = false;
    if let Some(kept) = &verdict.kept {
        let author = &kept.record.author;
        may_see = may_read(&asker.0, &author.id, &author.section);
        let (found, of_model) = since(state, kept).await?;
        (sources, model) = (found, Some(of_model));
    }
    Ok(Checked { name, verdict, sources, model, may_see })
}

/// Who may read the record is led to it; others learn whether there is one, and of what day.
async fn by_code(records: &Records, asker: &Asker, typed: &str) -> Result<Response, Problem> {
    let refused = |error: String| {
        let desk = VerifyDesk { error, code: typed.to_owned(), ..VerifyDesk::default() };
        Ok((StatusCode::BAD_REQUEST, Html(view::verify_page(&desk))).into_response())
    };
    let Some(code) = Code::parse(typed) else {
        return refused(
            "識別番号が正しくありません。10文字の英数字を、もう一度確かめて入力してください。"
                .to_owned(),
        );
    };
    let Some(kept) = records.find(&code).await? else {
        return refused(format!(
            "識別番号 {code} の記録は、この機器にありません。保存期間が過ぎたか、別の機器で作成した文書です。文書のファイルがあれば、ファイルで確かめられます。"
        ));
    };
    let author = &kept.record.author;
    if may_read(&asker.0, &author.id, &author.section) {
        return Ok(Redirect::to(&format!("/answers/{}", code.plain())).into_response());
    }
    let desk = VerifyDesk { known: Some(kept.record), ..VerifyDesk::default() };
    Ok(Html(view::verify_page(&desk)).into_response())
}
