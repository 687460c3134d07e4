//! `[guard]`: what happens to personal data in what people type, kind by kind.

use super::Said;

/// What is done with one kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// It is let through, and the person is told.
    Notice,
    /// It is replaced before anything else sees it.
    Mask,
    /// Nothing is sent until it is gone.
    Refuse,
}

impl Handling {
    /// As it is written in `kura.toml` and in the JSON API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Mask => "mask",
            Self::Refuse => "refuse",
        }
    }

    /// What the interface says that is done.
    pub fn label(self) -> &'static str {
        match self {
            Self::Notice => "知らせて、そのまま送る",
            Self::Mask => "伏せて送る",
            Self::Refuse => "送らない",
        }
    }

    /// Reads the value of a setting.
    pub(super) fn parse(value: &str) -> Result<Self, Said> {
        let all = [Self::Notice, Self::Mask, Self::Refuse];
        all.into_iter().find(|handling| handling.name() == value.trim()).ok_or_else(|| {
            Said::new(
                "notice（知らせるだけ）、mask（伏せる）、refuse（送らない）のいずれかにしてください",
                "notice, mask or refuse is expected",
            )
        })
    }
}

/// `[guard]`: one value a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardConfig {
    /// マイナンバー
    pub my_number: Handling,
    /// 運転免許証番号
    pub driving_licence: Handling,
    /// 基礎年金番号
    pub pension: Handling,
    /// 旅券番号
    pub passport: Handling,
    /// 在留カード番号
    pub residence_card: Handling,
    /// 口座番号
    pub bank_account: Handling,
    /// 電話番号
    pub phone: Handling,
    /// メールアドレス
    pub email: Handling,
    /// 住所
    pub address: Handling,
    /// 生年月日
    pub birth_date: Handling,
    /// 氏名
    pub name: Handling,
}

impl Default for GuardConfig {
    /// A number that the law forbids to pass around is refused; what names one person exactly is
    /// masked; names and birth dates, which many questions need, are pointed out.
    fn default() -> Self {
        Self {
            my_number: Handling::Refuse,
            driving_licence: Handling::Mask,
            pension: Handling::Mask,
            passport: Handling::Mask,
            residence_card: Handling::Mask,
            bank_account: Handling::Mask,
            phone: Handling::Mask,
            email: Handling::Mask,
            address: Handling::Mask,
            birth_date: Handling::Notice,
            name: Handling::Notice,
        }
    }
}
