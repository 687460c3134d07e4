//! What stops an update, in words: what happened, and what to do next.

use axum::http::StatusCode;

use super::super::problem::Problem;
use crate::sync::{Reason, SyncError, UploadError};
use crate::text::Lang;

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let en = error.to_string();
        let (status, code, ja) = match error {
            UploadError::Sync(error) => return error.into(),
            UploadError::Unknown => (
                StatusCode::NOT_FOUND,
                "upload_not_found",
                "この取り込みはもうありません。もう一度フォルダーを選ぶと、続きから送れます。"
                    .to_owned(),
            ),
            UploadError::NotAPart => (
                StatusCode::NOT_FOUND,
                "not_a_part",
                "更新パッケージの目録にない部分か、送る必要のない部分です。フォルダーを選び直してください。"
                    .to_owned(),
            ),
            UploadError::Incomplete(missing) => (
                StatusCode::CONFLICT,
                "incomplete",
                format!("まだ{missing}個の部分が届いていません。もう一度フォルダーを選ぶと、続きから送れます。"),
            ),
            UploadError::Running => (
                StatusCode::CONFLICT,
                "running",
                "この更新パッケージは、いま取り込んでいます。しばらくしてから、この画面を開き直してください。"
                    .to_owned(),
            ),
        };
        Self::Update { status, code, ja, en }
    }
}

impl From<SyncError> for Problem {
    fn from(error: SyncError) -> Self {
        let en = error.to_string();
        let (status, code) = class(&error);
        Self::Update { status, code, ja: words(&error), en }
    }
}

fn class(error: &SyncError) -> (StatusCode, &'static str) {
    match error {
        SyncError::Locked { .. } => (StatusCode::CONFLICT, "locked"),
        SyncError::Refused(refusal) if refusal.reason == Reason::NoSpace => {
            (StatusCode::UNPROCESSABLE_ENTITY, "no_space")
        }
        SyncError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        SyncError::NothingBefore(_) => (StatusCode::CONFLICT, "nothing_before"),
        SyncError::UnknownDataset(_) | SyncError::UnknownModel(_) => {
            (StatusCode::NOT_FOUND, "not_installed")
        }
        SyncError::Io { .. }
        | SyncError::Damaged { .. }
        | SyncError::Ledger { .. }
        | SyncError::Newer { .. }
        | SyncError::NotOwner { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

/// In Japanese, for the person before the browser.
pub(super) fn words(error: &SyncError) -> String {
    error.message(Lang::Ja)
}

/// A fault of the server itself.
pub(super) fn internal(why: &dyn std::fmt::Display) -> Problem {
    Problem::Update {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        code: "internal",
        ja: format!("処理中に問題が起きました（{why}）。もう一度お試しください。"),
        en: why.to_string(),
    }
}
