//! Why a command did not do what was asked, in the words of both languages.

use crate::answer::ServiceError;
use crate::answer::record::{RecordError, SealError};
use crate::store::{AccountError, StoreError};
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

    /// What was asked is answered by the exit status, beyond done and failed.
    pub(super) fn verdict(ja: &str, en: &str, code: u8) -> Self {
        Self { ja: ja.to_owned(), en: en.to_owned(), code }
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
        Self::new(error.message(Lang::Ja), error.message(Lang::En))
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

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let ja = match &error {
            StoreError::Open { path, why } => format!(
                "データベース {} を開けません（{why}）。持ち主と空き容量を確かめ、壊れているときは控えから戻してください。",
                path.display()
            ),
            StoreError::Newer { path } => format!(
                "{}は、より新しいkuraが書いたものです。何も変更していません。プログラムを更新してください。",
                path.display()
            ),
            StoreError::Query { why, .. } => {
                format!("データベースを読み書きできません（{why}）。空き容量を確かめてください。")
            }
            StoreError::Hash => {
                "パスワードを処理できません。空きメモリを確かめてください。".to_owned()
            }
        };
        Self::new(ja, error.to_string())
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        let ja = match &error {
            RecordError::Store(_) => String::new(),
            RecordError::Seal(SealError::File { path, why }) => format!(
                "封印の鍵 {} を読み書きできません（{why}）。持ち主と空き容量を確かめてください。",
                path.display()
            ),
            RecordError::Seal(SealError::Damaged { path }) => format!(
                "封印の鍵 {} が壊れています。控えから戻してください。作り直すと、これまでに保存した文書を確かめられなくなります。",
                path.display()
            ),
            RecordError::Tampered { code } => format!(
                "データベースの記録 {code} が書き換えられているため、使えません。情報担当者が控えと比べてください。"
            ),
            RecordError::NoCode => {
                "識別番号を決められませんでした。もう一度お試しください。".to_owned()
            }
            RecordError::Write(why) => format!("文書を作成できません（{why}）。"),
            RecordError::Refused(refusal) => refusal.ja().to_owned(),
        };
        match error {
            RecordError::Store(error) => error.into(),
            error => Self::new(ja, error.to_string()),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        let ja = match error {
            AccountError::Store(error) => return error.into(),
            AccountError::Taken => {
                "この利用者名はすでに登録されています。kura user list で確かめてください。"
            }
            AccountError::Unknown => {
                "この利用者は登録されていません。kura user list で確かめてください。"
            }
            AccountError::LastAdmin => {
                "有効な管理者がほかにいないため、変更していません。先に、別の管理者を登録してください。"
            }
            AccountError::Login => {
                "利用者名は、半角の英小文字、数字、「.」「_」「-」「@」で64文字以内にし、英小文字か数字で始めてください。"
            }
            AccountError::Name => "氏名と所属は、1文字以上64文字以内の1行にしてください。",
            AccountError::Weak(weak) => weak.ja(),
            AccountError::Wrong => "パスワードが違います。",
        };
        Self::new(ja, error.to_string())
    }
}
