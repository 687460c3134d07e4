//! 作成 → 確認 → 承認: who may do what, and the trail that it leaves.

use serde::{Deserialize, Serialize};

use crate::document::{Person, Role};

/// Longest comment, and longest text that somebody puts right, in characters.
pub const COMMENT_CHARS_MAX: usize = 1000;
pub const TEXT_CHARS_MAX: usize = 40_000;

/// What a section asks for before an answer is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Nothing; who wants to may ask for it all the same, and an author may confirm.
    #[default]
    None,
    /// 確認, by another person than the author.
    Confirm,
    /// 確認 and then 承認, by two persons, neither of them the author.
    Approve,
}

impl Rule {
    /// Every rule with its name in the database and its words.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::None, "none", "求めない（任意）"),
        (Self::Confirm, "confirm", "確認まで"),
        (Self::Approve, "approve", "確認と承認"),
    ];

    /// By its name in the database.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(rule, ..)| *rule)
    }

    /// The words of the interface.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(rule, ..)| *rule == self).map_or("", |(.., label)| label)
    }

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(rule, ..)| *rule == self).map_or("", |(_, name, _)| name)
    }

    /// What it still asks for behind the last step, for the reader; `None` where nothing is.
    pub fn asks_for(self, last: Action) -> Option<String> {
        let wanted = match self {
            Self::None => return None,
            Self::Confirm => "確認",
            Self::Approve => "確認と承認",
        };
        let state = match last {
            Action::Created => "確認前",
            Action::Requested => "確認待ち",
            Action::Confirmed if self == Self::Approve => "承認待ち",
            Action::Returned => "差戻し",
            Action::Confirmed | Action::Approved => return None,
        };
        Some(format!("{state}（この課は{wanted}が必要）"))
    }

    /// Of a section among all rules; the office's where it has none of its own.
    pub fn for_section(rules: &[(String, String)], section: &str) -> Self {
        let named = |wanted: &str| rules.iter().find(|(of, _)| of == wanted);
        let rule = named(section).or_else(|| named("")).and_then(|(_, rule)| Self::of(rule));
        rule.unwrap_or_default()
    }
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Created,
    Requested,
    Confirmed,
    Approved,
    Returned,
}

impl Action {
    /// Every step with its name in the database and its word.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Created, "created", "作成"),
        (Self::Requested, "requested", "確認の依頼"),
        (Self::Confirmed, "confirmed", "確認"),
        (Self::Approved, "approved", "承認"),
        (Self::Returned, "returned", "差戻し"),
    ];

    /// By its name in the database and in forms.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(action, ..)| *action)
    }

    /// Its name in the database and in forms.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(action, ..)| *action == self).map_or("", |(_, name, _)| name)
    }

    /// The word of the interface.
    pub fn label(self) -> &'static str {
        Self::ALL.iter().find(|(action, ..)| *action == self).map_or("", |(.., label)| label)
    }

    /// The word after which 「されています」 can stand.
    pub(super) fn done(self) -> &'static str {
        if self == Self::Requested { "確認依頼" } else { self.label() }
    }

    /// In English, as what was done to a record.
    pub(super) fn done_en(self) -> &'static str {
        match self {
            Self::Created => "made",
            Self::Requested => "sent to review",
            Self::Confirmed => "confirmed",
            Self::Approved => "approved",
            Self::Returned => "sent back",
        }
    }

    /// Whether the text may be put right in it: an approval is of what was confirmed.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Requested | Self::Confirmed)
    }
}

/// One line of a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    /// RFC 3339 in UTC.
    pub at: String,
    /// Id of who did it.
    pub person: String,
    pub name: String,
    pub section: String,
    pub comment: String,
    /// The text as it was put right; empty where it was left.
    pub text: String,
    /// `None` for steps that were taken before there were such notes.
    pub noted: Option<Noted>,
}

/// What the box notes with a step. It is kept and not found out again, so that a document made of
/// the trail later is the same whatever the rules and the check have become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// Name of the section's rule that day.
    pub rule: String,
    /// Of the text that was put right in this step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<TextCheck>,
}

/// What the check of citations found in a text that was put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextCheck {
    /// The text with 根拠未確認 behind the sentences that failed.
    pub shown: String,
    /// Numbers of the sources that it cites.
    pub cited: Vec<usize>,
    /// Sentences that carry the mark.
    pub unconfirmed: usize,
}

impl Step {
    /// The check of the text that was put right in it.
    pub fn check(&self) -> Option<&TextCheck> {
        self.noted.as_ref().and_then(|noted| noted.check.as_ref())
    }

    /// 「総務課 山田 花子」
    pub fn who(&self) -> String {
        format!("{} {}", self.section, self.name).trim().to_owned()
    }
}

/// Why a step is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another step comes first, or it was taken already.
    #[error("this step does not follow the last one")]
    NotNow,
    /// Only the author asks for a review.
    #[error("only the author asks for a review")]
    NotAuthor,
    /// The author's own text, where the section wants another person.
    #[error("the section wants another person than the author")]
    OwnText,
    /// Who confirmed does not approve as well, where the section wants both.
    #[error("another person than the one who confirmed has to approve")]
    SamePerson,
    /// Not a 確認者 of the section, and no 管理者.
    #[error("only reviewers of the section and administrators may do this")]
    NotReviewer,
    /// Who sends back says why.
    #[error("sending back needs a comment")]
    NoComment,
    #[error("the comment or the text is too long")]
    TooLong,
    /// Somebody else was quicker.
    #[error("somebody else took a step meanwhile")]
    Meanwhile,
}

impl Refusal {
    /// For the reader of the page.
    pub fn ja(self) -> &'static str {
        match self {
            Self::NotNow => "いまの状態では、この操作はできません。画面を開き直してください。",
            Self::NotAuthor => "確認を依頼できるのは、作成した人だけです。",
            Self::OwnText => {
                "自分が作成したものは、自分では確認・承認できません。ほかの確認者に依頼してください。"
            }
            Self::SamePerson => {
                "確認した人は、承認できません。この課は確認と承認を別の人が行います。ほかの確認者か管理者が承認してください。"
            }
            Self::NotReviewer => "確認・承認できるのは、同じ課の確認者と管理者です。",
            Self::NoComment => "差し戻すときは、理由をコメントに書いてください。",
            Self::TooLong => "コメントは1,000文字以内、本文は40,000文字以内にしてください。",
            Self::Meanwhile => {
                "ほかの人が先に操作しました。画面を開き直して、いまの状態を確かめてください。"
            }
        }
    }
}

/// Whom a record belongs to, and how far its review has come.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Id of the author.
    pub author: &'a str,
    pub section: &'a str,
    pub last: Action,
    /// Id of who took the last step.
    pub last_by: &'a str,
    pub rule: Rule,
}

impl Case<'_> {
    /// Whether a person may take a step now.
    ///
    /// # Errors
    /// Why not.
    pub fn allows(&self, person: &Person, action: Action) -> Result<(), Refusal> {
        use Action::{Approved, Confirmed, Created, Requested, Returned};
        let follows = match action {
            Created => false,
            Requested => matches!(self.last, Created | Returned),
            Confirmed => self.last == Requested,
            Approved => self.last == Confirmed && self.rule != Rule::Confirm,
            Returned => matches!(self.last, Requested | Confirmed),
        };
        let own = person.id == self.author;
        if !follows {
            return Err(Refusal::NotNow);
        }
        if action == Requested {
            return if own { Ok(()) } else { Err(Refusal::NotAuthor) };
        }
        if !reviews(person, self.section) {
            return Err(Refusal::NotReviewer);
        }
        if own && self.rule != Rule::None {
            return Err(Refusal::OwnText);
        }
        match action == Approved && self.rule == Rule::Approve && self.last_by == person.id {
            true => Err(Refusal::SamePerson),
            false => Ok(()),
        }
    }

    /// The steps that a person may take now.
    pub fn open_to(&self, person: &Person) -> Vec<Action> {
        let all = Action::ALL.iter().map(|(action, ..)| *action);
        all.filter(|action| self.allows(person, *action).is_ok()).collect()
    }

    /// Whether the case waits for a person: for the reviewer's next step, or for the author's
    /// after it was sent back.
    pub fn waits_for(&self, person: &Person) -> bool {
        match self.last {
            Action::Requested => self.allows(person, Action::Confirmed).is_ok(),
            Action::Confirmed => {
                self.rule == Rule::Approve && self.allows(person, Action::Approved).is_ok()
            }
            Action::Returned => self.allows(person, Action::Requested).is_ok(),
            Action::Created | Action::Approved => false,
        }
    }
}

/// Whether a person confirms and approves for a section.
pub fn reviews(person: &Person, section: &str) -> bool {
    match person.role {
        Role::Admin => true,
        Role::Reviewer => person.section == section,
        Role::Staff => false,
    }
}

/// Whether a person may read a record: the author, and who reviews for the section.
pub fn may_read(person: &Person, author: &str, section: &str) -> bool {
    person.id == author || reviews(person, section)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, section: &str, role: Role) -> Person {
        let text = id.to_owned();
        Person { id: text.clone(), login: text.clone(), name: text, section: section.into(), role }
    }

    #[test]
    fn each_step_has_those_who_may_take_it() {
        use Action::{Approved, Confirmed, Created, Requested, Returned};
        let hanako = person("hanako", "総務課", Role::Staff);
        let chief = person("chief", "総務課", Role::Reviewer);
        let other = person("other", "税務課", Role::Reviewer);
        let admin = person("admin", "情報課", Role::Admin);
        let by =
            |author, last, last_by, rule| Case {
                author, section: "総務課", last, last_by, rule
            };
        let case = |author, last, rule| by(author, last, "somebody", rule);
        for (who, author, last, rule, open) in [
            (&hanako, "hanako", Created, Rule::Approve, vec![Requested]),
            (&chief, "hanako", Created, Rule::Approve, vec![]),
            (&hanako, "hanako", Requested, Rule::Approve, vec![]),
            (&chief, "hanako", Requested, Rule::Approve, vec![Confirmed, Returned]),
            (&other, "hanako", Requested, Rule::Approve, vec![]),
            (&admin, "hanako", Requested, Rule::None, vec![Confirmed, Returned]),
            (&chief, "hanako", Confirmed, Rule::Approve, vec![Approved, Returned]),
            (&chief, "hanako", Confirmed, Rule::Confirm, vec![Returned]),
            (&chief, "chief", Requested, Rule::Confirm, vec![]),
            (&chief, "chief", Requested, Rule::None, vec![Confirmed, Returned]),
            (&chief, "chief", Confirmed, Rule::Approve, vec![]),
            (&hanako, "hanako", Returned, Rule::Confirm, vec![Requested]),
            (&admin, "hanako", Approved, Rule::Approve, vec![]),
        ] {
            assert_eq!(case(author, last, rule).open_to(who), open, "{} {last:?} {rule:?}", who.id);
        }
        let own = case("chief", Requested, Rule::Confirm).allows(&chief, Confirmed);
        assert_eq!(own, Err(Refusal::OwnText));
        for (rule, allowed) in [(Rule::Approve, Err(Refusal::SamePerson)), (Rule::None, Ok(()))] {
            let confirmed = by("hanako", Confirmed, "chief", rule);
            assert_eq!(confirmed.allows(&chief, Approved), allowed);
            assert_eq!(confirmed.allows(&chief, Returned), Ok(()));
            assert_eq!(confirmed.allows(&admin, Approved), Ok(()));
        }
        assert!(!by("hanako", Confirmed, "chief", Rule::Approve).waits_for(&chief));
        assert!(case("hanako", Requested, Rule::Confirm).waits_for(&chief));
        assert!(!case("hanako", Confirmed, Rule::Confirm).waits_for(&chief));
        assert!(case("hanako", Returned, Rule::Confirm).waits_for(&hanako));
    }

    #[test]
    fn what_a_rule_still_asks_for_is_said() {
        use Action::{Approved, Confirmed, Created, Requested, Returned};
        for (rule, last, said) in [
            (Rule::None, Requested, None),
            (Rule::Confirm, Created, Some("確認前（この課は確認が必要）")),
            (Rule::Confirm, Confirmed, None),
            (Rule::Approve, Requested, Some("確認待ち（この課は確認と承認が必要）")),
            (Rule::Approve, Confirmed, Some("承認待ち（この課は確認と承認が必要）")),
            (Rule::Approve, Returned, Some("差戻し（この課は確認と承認が必要）")),
            (Rule::Approve, Approved, None),
        ] {
            assert_eq!(rule.asks_for(last).as_deref(), said, "{rule:?} {last:?}");
        }
    }

    #[test]
    fn a_section_goes_before_the_office() {
        let pair = |section: &str, rule: &str| (section.to_owned(), rule.to_owned());
        let rules = [pair("", "confirm"), pair("税務課", "approve")];
        assert_eq!(Rule::for_section(&rules, "税務課"), Rule::Approve);
        assert_eq!(Rule::for_section(&rules, "総務課"), Rule::Confirm);
        assert_eq!(Rule::for_section(&[], "総務課"), Rule::None);
    }
}
