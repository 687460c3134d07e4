//! Personal data in a text: what kind, where, and the text without it.
//!
//! [`find`] reads any text (a question, an uploaded document) and gives the places; [`mask`]
//! replaces them; [`screen`] applies the settings to what somebody typed. Nothing in here keeps or
//! logs a text. Each kind has its own detector: digits by their check digit and label, addresses
//! by their shape, names by what stands around them. Width, hyphens, blanks and kanji digits are
//! folded first ([`reading`]), and places are given in the text as it was typed.

mod address;
mod bank;
mod birth;
mod contact;
mod context;
mod mask;
mod name;
mod name_words;
mod numbers;
mod reading;
mod searching;
mod surnames;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::config::{GuardConfig, Handling};
pub use mask::{Masked, Screened, labels, mask, screen, screen_found};
use reading::Reading;
pub use searching::searchable;

/// A kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    MyNumber,
    DrivingLicence,
    Pension,
    Passport,
    ResidenceCard,
    BankAccount,
    Phone,
    Email,
    Address,
    BirthDate,
    Name,
}

impl Kind {
    /// All kinds. Where two claim the same characters, the earlier one has them.
    pub const ALL: [Self; 11] = [
        Self::MyNumber,
        Self::DrivingLicence,
        Self::Pension,
        Self::Passport,
        Self::ResidenceCard,
        Self::BankAccount,
        Self::Phone,
        Self::Email,
        Self::BirthDate,
        Self::Address,
        Self::Name,
    ];

    /// As the interface calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::MyNumber => "マイナンバー",
            Self::DrivingLicence => "運転免許証番号",
            Self::Pension => "基礎年金番号",
            Self::Passport => "旅券番号",
            Self::ResidenceCard => "在留カード番号",
            Self::BankAccount => "口座番号",
            Self::Phone => "電話番号",
            Self::Email => "メールアドレス",
            Self::Address => "住所",
            Self::BirthDate => "生年月日",
            Self::Name => "氏名",
        }
    }

    /// In English, for the messages of the API and the command line.
    pub fn english(self) -> &'static str {
        match self {
            Self::MyNumber => "individual number (My Number)",
            Self::DrivingLicence => "driving licence number",
            Self::Pension => "basic pension number",
            Self::Passport => "passport number",
            Self::ResidenceCard => "residence card number",
            Self::BankAccount => "bank account number",
            Self::Phone => "telephone number",
            Self::Email => "e-mail address",
            Self::Address => "postal address",
            Self::BirthDate => "date of birth",
            Self::Name => "person's name",
        }
    }

    /// What the settings say is done with it.
    pub fn handling(self, config: &GuardConfig) -> Handling {
        match self {
            Self::MyNumber => config.my_number,
            Self::DrivingLicence => config.driving_licence,
            Self::Pension => config.pension,
            Self::Passport => config.passport,
            Self::ResidenceCard => config.residence_card,
            Self::BankAccount => config.bank_account,
            Self::Phone => config.phone,
            Self::Email => config.email,
            Self::Address => config.address,
            Self::BirthDate => config.birth_date,
            Self::Name => config.name,
        }
    }
}

/// A piece of personal data: its kind, and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub kind: Kind,
    pub range: Range<usize>,
}

/// What a detector found, in the bytes of a reading.
#[derive(Clone, Debug)]
struct Hit {
    kind: Kind,
    range: Range<usize>,
}

impl Hit {
    fn new(kind: Kind, range: Range<usize>) -> Self {
        Self { kind, range }
    }
}

/// The personal data of a text, in order, none overlapping another. Takes time in proportion to
/// the length of the text.
pub fn find(text: &str) -> Vec<Found> {
    let (plain, numeric) = (Reading::plain(text), Reading::numeric(text));
    let (mut in_plain, mut in_numeric) = (Vec::new(), Vec::new());
    numbers::find(&numeric, &mut in_numeric);
    bank::find(&numeric, &mut in_numeric);
    contact::find(&numeric, &mut in_numeric);
    birth::find(&plain, &mut in_plain);
    address::find(&plain, &mut in_plain);
    name::find(&plain, &mut in_plain);
    let numeric_hits = in_numeric.iter().map(|hit| (hit.kind, numeric.original(&hit.range)));
    let plain_hits = in_plain.iter().map(|hit| (hit.kind, plain.original(&hit.range)));
    let mut hits: Vec<Found> =
        numeric_hits.chain(plain_hits).map(|(kind, range)| Found { kind, range }).collect();
    // Of one kind the longest counts, and it takes in the others.
    hits.sort_by_key(|found| (rank(found.kind), std::cmp::Reverse(found.range.len())));
    let mut kept: BTreeMap<usize, Found> = BTreeMap::new();
    for found in hits {
        let before = kept.range(..found.range.end).next_back();
        if before.is_none_or(|(_, before)| before.range.end <= found.range.start) {
            kept.insert(found.range.start, found);
        }
    }
    kept.into_values().collect()
}

fn rank(kind: Kind) -> usize {
    Kind::ALL.iter().position(|each| *each == kind).unwrap_or(Kind::ALL.len())
}

/// The kinds found in a text, in order.
#[cfg(test)]
fn find_kinds(text: &str) -> Vec<Kind> {
    find(text).into_iter().map(|found| found.kind).collect()
}
