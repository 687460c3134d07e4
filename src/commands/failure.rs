//! Why a command did not do what was asked, in the words of both languages.

use crate::answer::ServiceError;
use crate::sync::{Refusal, SyncError};
use crate::text::Lang;
use crate::web::TlsError;

/// A message for people, with the exit status of the process.
#[derive(Debug)]
pub(super) struct Failure {
    ja: String,
    en: String,
    code: u8,
}

impl Failure {
    /// Something went wrong.
    pub(super) fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: ja.into(), en: en.into(), code: 1 }
    }

    /// The command was asked wrongly; the message names keys and values.
    pub(super) fn usage(ja: String, en: String) -> Self {
        Self { ja, en, code: 2 }
    }

    /// Ctrl-C.
    pub(super) fn interrupted() -> Self {
        Self {
            ja: "中止しました。登録済みのデータはそのままです。".to_owned(),
            en: "interrupted; what was installed before is unchanged".to_owned(),
            code: 130,
        }
    }

    /// Ctrl-C in work that gave something until then.
    pub(super) fn stopped(ja: &str, en: &str) -> Self {
        Self { ja: ja.to_owned(), en: en.to_owned(), code: 130 }
    }

    /// Already reported in the output; only the exit status is left.
    pub(super) fn reported(ja: &str, en: &str) -> Self {
        Self::new(ja, en)
    }

    pub(super) fn message(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }

    pub(super) fn code(&self) -> u8 {
        self.code
    }
}

impl Failure {
    /// What went wrong with the data folder, or with a bundle.
    pub(super) fn from_sync(error: &SyncError) -> Self {
        let ja = match error {
            SyncError::Io { path, source, .. } => {
                format!("{}を読み書きできません（{source}）。", path.display())
            }
            SyncError::Damaged { path, why } => format!(
                "{}が壊れています（{why}）。控えから戻すか、削除してモデルとデータセットを入れ直してください。",
                path.display()
            ),
            SyncError::Locked { path } => format!(
                "別のkuraが{}を更新中です。終わってからやり直してください。",
                path.display()
            ),
            SyncError::NotOwner { path, owner } => format!(
                "{}は別の利用者（uid {owner}）のものです。このまま書くと、その利用者から読めなくなります。その利用者として実行してください：sudo -u kura kura …",
                path.display()
            ),
            SyncError::UnknownDataset(id) => {
                format!("データセット「{id}」はありません。kura dataset list で確かめてください。")
            }
            SyncError::UnknownModel(id) => {
                format!("モデル「{id}」はありません。kura model list で確かめてください。")
            }
            SyncError::NothingBefore(subject) => format!(
                "{subject}には、戻せる前の世代がありません。戻せるものは kura rollback で確かめてください。"
            ),
            SyncError::Newer { path, found, known } => format!(
                "{}は、より新しいkuraが書いたものです（形式{found}、このkuraが読めるのは{known}まで）。何も変更していません。プログラムを更新してください。",
                path.display()
            ),
            SyncError::Refused(refusal) => refusal.message(Lang::Ja),
        };
        Self::new(ja, error.to_string())
    }
}

impl From<SyncError> for Failure {
    fn from(error: SyncError) -> Self {
        Self::from_sync(&error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.message(Lang::Ja), refusal.message(Lang::En))
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::new(error.message(Lang::Ja), error.message(Lang::En))
    }
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self::new(error.message(Lang::Ja), error.message(Lang::En))
    }
}
