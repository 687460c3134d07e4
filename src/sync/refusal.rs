//! Why a bundle was not taken, as a code for the ledger and in words for people.

use serde::{Deserialize, Serialize};

use crate::text::Lang;

/// The rule that a bundle broke. The words are in [`Refusal::message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// No bundle is there.
    NotABundle,
    /// Something on the stick is no regular file, or lies behind a link or another mount.
    NotAPlainFile,
    /// A file is longer than it may be, or longer or shorter than the manifest says.
    WrongLength,
    /// The medium was taken out, is broken, or may not be read by this user.
    Unreadable,
    MalformedKey,
    MalformedRoot,
    /// The chain does not start at what this box trusts.
    UntrustedRoot,
    /// No root is trusted yet.
    NoTrustedRoot,
    /// A link is missing or not signed by both sides.
    BrokenRootChain,
    RootRolledBack,
    RootExpired,
    TooFewSignatures,
    MalformedManifest,
    /// For another product or channel.
    NotForThisBox,
    /// The manifest names another root than the newest one on the stick.
    MixedManifest,
    /// A later bundle of this name was installed before.
    RolledBack,
    /// The same counter as what is installed, with other content.
    Equivocation,
    /// Below the security floor that a publisher set.
    BelowSecurityFloor,
    /// Needs a newer program.
    NeedsNewerApp,
    NoSpace,
    /// A chunk is neither on the stick nor on the box.
    MissingChunk,
    DamagedChunk,
    /// All chunks are right, but the file made of them is not.
    WrongFile,
    /// The content is not what its kind asks for.
    UnusableContent,
    /// Golden questions came out worse than their threshold.
    GoldenQuestions,
    /// The new program does not start on this box.
    AppCheck,
    /// A person stopped it.
    Cancelled,
    /// A new program ended within its first minute.
    AppDied,
    /// The file of a program is not what was imported.
    AppDamaged,
}

/// A refusal: the rule, and what broke it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message(Lang::En))]
pub struct Refusal {
    pub reason: Reason,
    /// Which file, number or name; data for people, in English or as found.
    pub detail: String,
    /// The same in Japanese, where it is more than a name or a number.
    pub ja: Option<String>,
}

impl Refusal {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: shown(&detail.into()), ja: None }
    }

    /// With the detail in both languages.
    pub fn told(reason: Reason, ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self { ja: Some(shown(&ja.into())), ..Self::new(reason, en) }
    }

    /// What happened and what to do.
    pub fn message(&self, lang: Lang) -> String {
        let (ja, en) = self.reason.words();
        match lang {
            Lang::Ja => match self.detail_ja() {
                detail if detail.is_empty() => ja.to_owned(),
                detail => format!("{ja}（{detail}）"),
            },
            Lang::En if self.detail.is_empty() => en.to_owned(),
            Lang::En => format!("{en} ({})", self.detail),
        }
    }
}

impl Refusal {
    /// The detail for readers of Japanese. What no words were made for comes from parsers and
    /// other libraries: it is for those who made the bundle, and is marked as such.
    fn detail_ja(&self) -> String {
        let is_prose = |text: &str| {
            text.split(' ').filter(|word| word.len() > 1 && word.is_ascii()).count() > 2
        };
        match &self.ja {
            Some(ja) => ja.clone(),
            None if is_prose(&self.detail) => format!("技術情報：{}", self.detail),
            None => self.detail.clone(),
        }
    }
}

/// What came from a stick, fit for a terminal and a log: one line, no control characters.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 300;
    let visible = |c: char| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c };
    text.chars().take(CHARS_MAX).map(visible).collect()
}

/// Characters that turn the direction of what follows (Unicode Technical Report 36, 3.1).
pub(crate) fn is_bidi(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

impl Reason {
    /// The code in the ledger.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }

    #[rustfmt::skip]
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotABundle => ("更新パッケージが見つかりません。kura-bundleフォルダーのある場所を指定してください。", "there is no bundle here; name the place that holds the kura-bundle folder"),
            Self::NotAPlainFile => ("媒体に、通常のファイルではないものがあります。取り込みません。", "something on the medium is not a plain file; nothing is imported"),
            Self::WrongLength => ("ファイルの長さが正しくありません。媒体への書き込みが途中で終わった可能性があります。発行者に作り直しを求めてください。", "a file has the wrong length; writing to the medium may have been cut off: make it again"),
            Self::Unreadable => ("媒体を読めません。抜けたか、読む権限がないか、壊れています。差し直してもう一度実行すると、続きから再開します。直らないときは、別の媒体に作り直してください。", "the medium cannot be read: it was taken out, may not be read by this user, or is broken; put it in and run it again: it goes on where it stopped. Where that does not help, make it again on another medium"),
            Self::MalformedKey => ("鍵の形式が正しくありません。", "a key is malformed"),
            Self::MalformedRoot => ("鍵の一覧（root）の形式が正しくありません。", "a root document is malformed"),
            Self::UntrustedRoot => ("この機器が信頼する鍵で始まっていません。入手元を確かめてください。", "it does not start at the root that this box trusts; check where it came from"),
            Self::NoTrustedRoot => ("信頼する鍵がまだ登録されていません。kura.tomlのsync.trusted_rootに指紋を設定してください。", "no root is trusted yet; set its fingerprint as sync.trusted_root in kura.toml"),
            Self::BrokenRootChain => ("鍵の更新の履歴がつながりません。発行者に全ての履歴を含めてもらってください。", "the chain of root documents is broken; ask the publisher to include all of it"),
            Self::RootRolledBack => ("古い鍵の一覧です。発行者に新しいパッケージを求めてください。", "its root documents are older than the ones known here; ask for a newer bundle"),
            Self::RootExpired => ("鍵の一覧の期限が過ぎています。機器の日付を確かめ、発行者に新しい鍵の一覧を求めてください。", "its root document has expired; check the date of this box, and ask the publisher for a newer root"),
            Self::TooFewSignatures => ("必要な数の署名がありません。改ざんされたか、署名の途中です。取り込みません。", "it lacks the signatures needed: it was changed, or signing was not finished; nothing is imported"),
            Self::MalformedManifest => ("目録（manifest）の形式が正しくありません。", "the manifest is malformed"),
            Self::NotForThisBox => ("この機器向けのパッケージではありません。", "the bundle is not meant for this box"),
            Self::MixedManifest => ("目録と鍵の一覧の組み合わせが正しくありません。", "manifest and root documents do not belong together"),
            Self::RolledBack => ("既に取り込んだものより古いパッケージです。古い版に戻すには、画面「更新」の「前の世代に戻す」か kura rollback を使ってください。", "it is older than what was imported before; to go back, use the page of updates or kura rollback"),
            Self::Equivocation => ("取り込み済みのものと番号が同じで、内容が違います。発行者に確かめてください。", "it has the number of what was imported before, but other content; ask the publisher"),
            Self::BelowSecurityFloor => ("安全上の理由で使えなくなった版です。", "this release was withdrawn for security"),
            Self::NeedsNewerApp => ("新しいkuraが必要です。先にプログラムを更新してください。", "it needs a newer kura; update the program first"),
            Self::NoSpace => ("空き容量が足りません。空けてから、もう一度実行すると続きから再開します。", "there is not enough free space; make room and run it again: it goes on where it stopped"),
            Self::MissingChunk => ("パッケージの一部が媒体にもこの機器にもありません。", "a part of the bundle is neither on the medium nor on this box"),
            Self::DamagedChunk => ("パッケージの一部が壊れています。媒体を替えて作り直してください。", "a part of the bundle is damaged; make it again, on another medium"),
            Self::WrongFile => ("復元したファイルが目録と一致しません。取り込みません。", "the file put together differs from the manifest; nothing is imported"),
            Self::UnusableContent => ("内容をこの機器で使えません。", "its content cannot be used on this box"),
            Self::GoldenQuestions => ("確認用の質問の正答が基準を下回りました。今の版を使い続けます。", "the golden questions came out below their threshold; the present edition stays in use"),
            Self::AppCheck => ("新しいプログラムがこの機器で動きませんでした。今のプログラムを使い続けます。", "the new program did not pass its check on this box; the present one stays in use"),
            Self::AppDied => ("新しいプログラムが起動から1分以内に終了したため、前のプログラムに自動で戻しました。", "the new program ended within its first minute; the one before is in use again"),
            Self::AppDamaged => ("新しいプログラムのファイルが壊れているため、前のプログラムに自動で戻しました。", "the file of the new program is damaged; the one before is in use again"),
            Self::Cancelled => ("中断しました。もう一度実行すると続きから再開します。", "stopped; run it again to go on"),
        }
    }
}
