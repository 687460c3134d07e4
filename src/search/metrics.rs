//! Measures of a ranking against known answers: hit@k, recall@10, MRR@10, nDCG@10.

use serde::Serialize;

/// Means over all questions, each between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quality {
    /// Share of questions with a right document in first place.
    pub hit_at_1: f64,
    /// … among the first five.
    pub hit_at_5: f64,
    /// … among the first ten.
    pub hit_at_10: f64,
    /// Share of the right documents that are among the first ten.
    pub recall_at_10: f64,
    /// Mean of 1 / place of the first right document, 0 beyond the tenth.
    pub mrr_at_10: f64,
    /// Discounted gain against the best possible order.
    pub ndcg_at_10: f64,
}

impl Quality {
    /// Judges one ranking (best first, without repeats).
    pub fn of<T: PartialEq>(ranking: &[T], gold: &[T]) -> Self {
        let ranking = &ranking[..ranking.len().min(10)];
        let first = ranking.iter().position(|id| gold.contains(id));
        let hit = |k: usize| f64::from(u8::from(first.is_some_and(|at| at < k)));
        let found = ranking.iter().filter(|id| gold.contains(id)).count();
        let gain = |place: usize| 1.0 / (place as f64 + 2.0).log2();
        let places = (0..ranking.len()).filter(|&at| gold.contains(&ranking[at]));
        let ideal: f64 = (0..gold.len().min(10)).map(gain).sum();
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        Self {
            hit_at_1: hit(1),
            hit_at_5: hit(5),
            hit_at_10: hit(10),
            recall_at_10: share(found as f64, gold.len() as f64),
            mrr_at_10: first.map_or(0.0, |at| 1.0 / (at as f64 + 1.0)),
            ndcg_at_10: share(places.map(gain).sum(), ideal),
        }
    }

    /// The mean over questions; all zero when there are none.
    pub fn mean(questions: &[Self]) -> Self {
        let count = questions.len().max(1) as f64;
        let mean = |value: fn(&Self) -> f64| questions.iter().map(value).sum::<f64>() / count;
        Self {
            hit_at_1: mean(|q| q.hit_at_1),
            hit_at_5: mean(|q| q.hit_at_5),
            hit_at_10: mean(|q| q.hit_at_10),
            recall_at_10: mean(|q| q.recall_at_10),
            mrr_at_10: mean(|q| q.mrr_at_10),
            ndcg_at_10: mean(|q| q.ndcg_at_10),
        }
    }
}

/// Nearest-rank percentile (`share` from 0 to 1) of sorted values; 0 for none.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_ranking() {
        let quality = Quality::of(&["x", "b", "y", "a"], &["a", "b", "c"]);
        assert_eq!((quality.hit_at_1, quality.hit_at_5), (0.0, 1.0));
        assert!((quality.recall_at_10 - 2.0 / 3.0).abs() < 1e-9);
        assert!((quality.mrr_at_10 - 0.5).abs() < 1e-9);
        let gain = |place: f64| 1.0 / (place + 1.0).log2();
        let ndcg = (gain(2.0) + gain(4.0)) / (gain(1.0) + gain(2.0) + gain(3.0));
        assert!((quality.ndcg_at_10 - ndcg).abs() < 1e-9);
        assert_eq!(Quality::of(&[], &["a"]), Quality::default());
        assert_eq!(Quality::mean(&[]), Quality::default());
        assert_eq!(percentile(&[1.0, 2.0, 3.0], 0.5), 2.0);
        assert_eq!(percentile(&[], 0.99), 0.0);
    }

    #[test]
    fn percentiles() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), 50.0);
        assert_eq!(percentile(&values, 0.99), 99.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
