//! What went wrong with the data folder or a bundle, in Japanese: the one home of these words, for
//! the terminal, the pages, `doctor` and the ledger. English is the `Display` of [`SyncError`].

use super::SyncError;
use crate::text::Lang;

impl SyncError {
    /// What happened, to which file, and what to do next.
    pub fn message(&self, lang: Lang) -> String {
        match lang {
            Lang::En => self.to_string(),
            Lang::Ja => self.ja(),
        }
    }

    fn ja(&self) -> String {
        match self {
            Self::Io { path, source, .. } => format!(
                "{}を読み書きできません（{source}）。保存先の状態を確かめてから、もう一度実行してください。",
                path.display()
            ),
            Self::Damaged { path, why } => format!(
                "{}が壊れています（技術情報：{why}）。控えから戻すか、削除してモデルとデータセットを入れ直してください。",
                path.display()
            ),
            Self::Ledger { path, fault } => format!(
                "持込記録{}を検証できません（{}）。書き換えや削除のおそれがあります。証拠になるので、消したり戻したりせず、そのまま情報セキュリティ担当者に知らせてください。確認が済むまで、取り込みと切り戻しはできません（質問への回答は続きます）。手順はREADMEの「持込記録を検証できないとき」にあります。",
                path.display(),
                fault.words(Lang::Ja)
            ),
            Self::Locked { .. } => {
                "ほかの取り込みか変更が進んでいます。終わってから、もう一度お試しください。"
                    .to_owned()
            }
            Self::NotOwner { path, owner } => format!(
                "{}は別の利用者（uid {owner}）のものです。このまま書くと、その利用者から読めなくなります。その利用者として実行してください：sudo -u kura kura …",
                path.display()
            ),
            Self::UnknownDataset(id) => {
                format!(
                    "データセット「{id}」は登録されていません。kura dataset list で確かめてください。"
                )
            }
            Self::UnknownModel(id) => {
                format!("モデル「{id}」は登録されていません。kura model list で確かめてください。")
            }
            Self::NothingBefore(subject) => format!(
                "{subject}には、戻せる前の世代がありません。戻せるものは kura rollback で確かめてください。"
            ),
            Self::Newer { path, found, known } => format!(
                "{}は、より新しいkuraが書いたものです（形式{found}、このkuraが読めるのは{known}まで）。何も変更していません。プログラムを更新してください。",
                path.display()
            ),
            Self::Refused(refusal) => refusal.message(Lang::Ja),
        }
    }
}
