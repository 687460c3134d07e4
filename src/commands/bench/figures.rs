//! The figures, and how samples become medians and ratios.
//!
//! A round runs every scenario once, kura first, then the peer (A B A B …). A figure's median,
//! least and most are taken over all samples of all rounds. Its ratio is formed within each
//! round, kura's median of that round by the peer's, so that both saw the machine in the same
//! minutes; of these ratios the median is given with the range over the rounds. A ratio is always
//! kura by peer, for speeds as for times and memory.

use std::collections::BTreeMap;

use serde::Serialize;

use super::scenario::{RagTokens, Scenario};
use crate::text::Lang;

/// One number that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Figure {
    /// Tokens of a fresh prompt of this length, by the time to its first token.
    Prefill(usize),
    /// Tokens a second of one user who has so many tokens in the cache at the start: those after
    /// the first token, by the time from the first to the last.
    Decode(usize),
    /// Tokens a second of so many users together, while all of them decode, each after a prompt of
    /// their own.
    UsersSum(usize),
    /// The same of the slowest of them.
    UsersSlowest(usize),
    /// Milliseconds to the first token of a prompt with passages.
    Rag(RagCase),
    /// Tokens a second of an answer that repeats its prompt, one token a step.
    CopyPlain,
    /// The same with tokens guessed from the prompt.
    CopySpeculated,
    /// Tokens that a step of it gives: one, and the guessed ones that were right.
    CopyTokensPerStep,
    /// The share of guessed tokens that were right, in percent.
    CopyAccepted,
    /// The same one token a step, with nothing but quotations of given texts.
    CopyVerbatim,
    /// Its steps' speed by that of the same without, taken in turn, in percent: what holding to the
    /// texts leaves of it.
    VerbatimSpeed,
    /// Of its decoding, the time in which tokens were chosen, in percent: more than holding to the
    /// texts can cost, since something is chosen without them, too.
    VerbatimChoosing,
    /// Milliseconds from opening the file until the model is ready, file in the page cache.
    Load,
    /// Milliseconds from opening the file to the first token of a prompt of one token: nothing
    /// that was put off is hidden.
    LoadAndToken,
    /// Highest resident memory in MiB of the process of a scenario, mapped file included, beyond
    /// what it had before opening the model.
    Memory(Scenario),
}

/// Prompts with passages, in the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RagCase {
    /// Nothing was computed before.
    Cold,
    /// The same system prompt and passages, another question.
    OtherQuestion,
    /// The search found the same passages in another order.
    OtherOrder,
    /// The first half of the passages is the same.
    HalfShared,
}

impl RagCase {
    pub(super) const ALL: [Self; 4] =
        [Self::Cold, Self::OtherQuestion, Self::OtherOrder, Self::HalfShared];

    fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::OtherQuestion => "other_question",
            Self::OtherOrder => "other_order",
            Self::HalfShared => "half_shared",
        }
    }

    fn label(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Cold, Lang::Ja) => "初回",
            (Self::Cold, Lang::En) => "cold",
            (Self::OtherQuestion, Lang::Ja) => "同じ該当箇所で別の質問",
            (Self::OtherQuestion, Lang::En) => "same passages, another question",
            (Self::OtherOrder, Lang::Ja) => "同じ該当箇所が別の順で見つかった",
            (Self::OtherOrder, Lang::En) => "same passages found in another order",
            (Self::HalfShared, Lang::Ja) => "該当箇所の半分が同じ",
            (Self::HalfShared, Lang::En) => "half the passages shared",
        }
    }
}

impl Figure {
    /// As in JSON.
    pub(super) fn key(self) -> String {
        match self {
            Self::Prefill(tokens) => format!("prefill_{tokens}"),
            Self::Decode(context) => format!("decode_{context}"),
            Self::UsersSum(users) => format!("users_{users}_sum"),
            Self::UsersSlowest(users) => format!("users_{users}_slowest"),
            Self::Rag(case) => format!("rag_{}", case.name()),
            Self::CopyPlain => "copy_plain".to_owned(),
            Self::CopySpeculated => "copy_speculated".to_owned(),
            Self::CopyTokensPerStep => "copy_tokens_per_step".to_owned(),
            Self::CopyAccepted => "copy_accepted".to_owned(),
            Self::CopyVerbatim => "verbatim".to_owned(),
            Self::VerbatimSpeed => "verbatim_speed".to_owned(),
            Self::VerbatimChoosing => "verbatim_choosing".to_owned(),
            Self::Load => "load".to_owned(),
            Self::LoadAndToken => "load_and_token".to_owned(),
            Self::Memory(scenario) => format!("memory_{}", scenario.name()),
        }
    }

    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Rag(_) | Self::Load | Self::LoadAndToken => "ms",
            Self::Memory(_) => "MiB",
            Self::CopyTokensPerStep => "tokens/step",
            Self::CopyAccepted | Self::VerbatimSpeed | Self::VerbatimChoosing => "%",
            _ => "tokens/s",
        }
    }

    pub(super) fn more_is_better(self) -> bool {
        matches!(self.unit(), "tokens/s" | "tokens/step" | "%")
            && !matches!(self, Self::VerbatimChoosing)
    }

    pub(super) fn label(self, lang: Lang, rag: Option<RagTokens>) -> String {
        let ja = lang == Lang::Ja;
        match self {
            Self::Prefill(tokens) if ja => format!("入力の処理 {tokens}トークン"),
            Self::Prefill(tokens) => format!("prefill {tokens}"),
            Self::Decode(context) if ja => format!("生成 文脈{context}"),
            Self::Decode(context) => format!("decode at context {context}"),
            Self::UsersSum(1) if ja => "1人の生成".to_owned(),
            Self::UsersSum(1) => "1 user decoding".to_owned(),
            Self::UsersSum(users) if ja => format!("{users}人同時の生成 合計"),
            Self::UsersSum(users) => format!("{users} users decoding, sum"),
            Self::UsersSlowest(users) if ja => format!("{users}人同時の生成 最も遅い人"),
            Self::UsersSlowest(users) => format!("{users} users decoding, slowest"),
            Self::Rag(case) => {
                let tokens = rag.map_or(0, RagTokens::total);
                let first = if ja { "最初の文字まで" } else { "first token" };
                format!("{first} {tokens}: {}", case.label(lang))
            }
            Self::CopyPlain if ja => "引用する回答 先読みなし".to_owned(),
            Self::CopyPlain => "copying answer, no speculation".to_owned(),
            Self::CopySpeculated if ja => "引用する回答 先読みあり".to_owned(),
            Self::CopySpeculated => "copying answer, speculation".to_owned(),
            Self::CopyTokensPerStep if ja => "先読みで1歩に得たトークン".to_owned(),
            Self::CopyTokensPerStep => "tokens a step with speculation".to_owned(),
            Self::CopyAccepted if ja => "先読みが当たった割合".to_owned(),
            Self::CopyAccepted => "guessed tokens that were right".to_owned(),
            Self::CopyVerbatim if ja => "逐語の引用だけの回答 先読みなし".to_owned(),
            Self::CopyVerbatim => "verbatim quotations only, no speculation".to_owned(),
            Self::VerbatimSpeed if ja => "逐語の引用の速さ（しないときとの比）".to_owned(),
            Self::VerbatimSpeed => "speed with verbatim by without".to_owned(),
            Self::VerbatimChoosing if ja => "逐語の引用で、トークンを選ぶ時間の割合".to_owned(),
            Self::VerbatimChoosing => "time choosing tokens with verbatim".to_owned(),
            Self::Load if ja => "読み込み".to_owned(),
            Self::Load => "load".to_owned(),
            Self::LoadAndToken if ja => "読み込みから最初のトークンまで".to_owned(),
            Self::LoadAndToken => "load and first token".to_owned(),
            Self::Memory(scenario) if ja => format!("最大メモリ {}", scenario.name()),
            Self::Memory(scenario) => format!("peak memory, {}", scenario.name()),
        }
    }
}

/// Samples of one side in one round.
pub(super) type Samples = BTreeMap<Figure, Vec<f64>>;

/// What both sides gave in one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) kura: Samples,
    pub(super) peer: Samples,
}

/// Median, least and most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// `None` without values.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Self { median, least, most })
    }
}

/// A figure of all rounds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    #[serde(skip)]
    pub(super) figure: Figure,
    pub(super) key: String,
    pub(super) unit: &'static str,
    pub(super) more_is_better: bool,
    pub(super) kura: Option<Spread>,
    pub(super) peer: Option<Spread>,
    /// kura by peer, over the rounds.
    pub(super) ratio: Option<Spread>,
}

/// Sums up all rounds, in the order of the figures.
pub(super) fn summaries(rounds: &[Round]) -> Vec<Summary> {
    let mut figures: Vec<Figure> =
        rounds.iter().flat_map(|r| r.kura.keys().chain(r.peer.keys())).copied().collect();
    figures.sort_unstable();
    figures.dedup();
    let summary = |figure: Figure| {
        let all = |side: fn(&Round) -> &Samples| {
            let samples = rounds.iter().filter_map(|round| side(round).get(&figure));
            Spread::of(samples.flatten().copied().collect())
        };
        let ratios = rounds.iter().filter_map(|round| {
            let of = |samples: &Samples| Spread::of(samples.get(&figure)?.clone());
            let (kura, peer) = (of(&round.kura)?, of(&round.peer)?);
            (peer.median > 0.0).then(|| kura.median / peer.median)
        });
        Summary {
            figure,
            key: figure.key(),
            unit: figure.unit(),
            more_is_better: figure.more_is_better(),
            kura: all(|round| &round.kura),
            peer: all(|round| &round.peer),
            ratio: Spread::of(ratios.collect()),
        }
    };
    figures.into_iter().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(kura: &[f64], peer: &[f64]) -> Round {
        let samples = |values: &[f64]| Samples::from([(Figure::Prefill(512), values.to_vec())]);
        Round { kura: samples(kura), peer: samples(peer) }
    }

    /// Between the rounds the machine became half as fast: the ratio does not see it.
    #[test]
    fn ratios_are_formed_within_a_round() {
        let rounds = [round(&[80.0, 90.0, 100.0], &[45.0]), round(&[40.0], &[20.0])];
        let summary = &summaries(&rounds)[0];
        assert_eq!(summary.key, "prefill_512");
        let ratio = summary.ratio.unwrap();
        assert_eq!((ratio.least, ratio.most), (2.0, 2.0));
        let kura = summary.kura.unwrap();
        assert_eq!((kura.least, kura.most), (40.0, 100.0));
    }

    #[test]
    fn a_figure_of_one_side_has_no_ratio() {
        let mut rounds = [round(&[80.0], &[])];
        rounds[0].peer.clear();
        rounds[0].peer.insert(Figure::Load, vec![3.0]);
        let all = summaries(&rounds);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|summary| summary.ratio.is_none()));
        assert!(all[0].kura.is_some() && all[0].peer.is_none());
    }

    #[test]
    fn keys_are_distinct_and_labels_speak_both_languages() {
        let mut figures = vec![
            Figure::Prefill(128),
            Figure::Decode(128),
            Figure::UsersSum(4),
            Figure::UsersSlowest(4),
            Figure::CopyPlain,
            Figure::CopySpeculated,
            Figure::CopyTokensPerStep,
            Figure::CopyAccepted,
            Figure::CopyVerbatim,
            Figure::VerbatimSpeed,
            Figure::VerbatimChoosing,
            Figure::Load,
            Figure::LoadAndToken,
        ];
        figures.extend(RagCase::ALL.map(Figure::Rag));
        figures.extend(Scenario::ALL.map(Figure::Memory));
        let mut keys: Vec<String> = figures.iter().map(|figure| figure.key()).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), figures.len());
        for figure in figures {
            assert!(figure.label(Lang::En, None).is_ascii());
            assert!(!figure.label(Lang::Ja, None).is_ascii());
        }
    }
}
