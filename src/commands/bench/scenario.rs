//! What is measured: the scenarios, their sizes, and what a model or `--quick` leaves out.

use serde::Serialize;

use super::super::Failure;

/// What can be asked for with `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scenario {
    Prefill,
    Decode,
    Users,
    Rag,
    Copy,
    Load,
    Search,
    /// Only where it is named: it writes several gigabytes.
    Sync,
}

impl Scenario {
    pub(super) const ALL: [Self; 8] = [
        Self::Prefill,
        Self::Decode,
        Self::Users,
        Self::Rag,
        Self::Copy,
        Self::Load,
        Self::Search,
        Self::Sync,
    ];

    /// Whether it measures a model.
    pub(super) fn needs_model(self) -> bool {
        !matches!(self, Self::Search | Self::Sync)
    }

    /// As written after `--only` and in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Prefill => "prefill",
            Self::Decode => "decode",
            Self::Users => "users",
            Self::Rag => "rag",
            Self::Copy => "copy",
            Self::Load => "load",
            Self::Search => "search",
            Self::Sync => "sync",
        }
    }

    /// The scenarios of these names, in the order of [`Self::ALL`]; where none is given, all but
    /// [`Self::Sync`].
    ///
    /// # Errors
    /// A name is unknown.
    pub(super) fn parse(names: &[String]) -> Result<Vec<Self>, Failure> {
        let known = Self::ALL.map(Self::name);
        if let Some(wrong) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let known = known.join(", ");
            return Err(Failure::usage(
                format!("--only「{wrong}」という項目はありません。使えるのは {known} です。"),
                format!("--only {wrong}: no such scenario; known are {known}"),
            ));
        }
        let wanted = |scenario: &Self| names.iter().any(|name| name == scenario.name());
        let by_default = |one: &Self| names.is_empty() && *one != Self::Sync;
        Ok(Self::ALL.into_iter().filter(|one| by_default(one) || wanted(one)).collect())
    }
}

/// A prompt with passages, in tokens: system, passages, question.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct RagTokens {
    pub(super) system: usize,
    pub(super) passage: usize,
    pub(super) question: usize,
}

impl RagTokens {
    pub(super) const PASSAGES: usize = 4;
    const FULL: Self = Self { system: 200, passage: 300, question: 60 };
    const QUARTER: Self = Self { system: 50, passage: 75, question: 15 };

    pub(super) fn total(self) -> usize {
        self.system + Self::PASSAGES * self.passage + self.question
    }
}

/// The copying answer: a prompt, the model's own greedy continuation of it, and how many tokens
/// follow those two.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct CopyTokens {
    pub(super) prompt: usize,
    pub(super) copied: usize,
    pub(super) answer: usize,
}

/// Something that is not measured, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    pub(super) what: String,
    pub(super) why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Why {
    /// `--quick`.
    Quick,
    /// It does not fit the model's context.
    Context,
    /// There is no data set to search.
    NoDataset,
    /// There is no model.
    NoModel,
    /// The engine cannot do it.
    Engine,
}

/// The sizes of all scenarios, for one model.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) scenarios: Vec<Scenario>,
    pub(super) quick: bool,
    /// How often a cheap figure is taken in a round.
    pub(super) samples: usize,
    pub(super) prefill_tokens: Vec<usize>,
    pub(super) decode_contexts: Vec<usize>,
    /// Tokens generated for a figure of decoding.
    pub(super) decode_tokens: usize,
    pub(super) users: Vec<usize>,
    pub(super) user_prompt_tokens: usize,
    pub(super) rag: Option<RagTokens>,
    pub(super) copy: Option<CopyTokens>,
    pub(super) left_out: Vec<LeftOut>,
    /// What the model was trained for.
    model_context_tokens: usize,
}

/// Contexts are rounded up to this, so that both sides of a comparison keep the same.
const CONTEXT_STEP: usize = 256;
/// The context of one person, which the memory is stated for.
const CONTEXT_TOKENS: usize = 4096;
const QUICK_TOKENS_MAX: usize = 1024;

impl Plan {
    pub(super) fn new(scenarios: &[Scenario], quick: bool, model_context_tokens: usize) -> Self {
        let mut plan = Self {
            scenarios: scenarios.to_vec(),
            quick,
            samples: if quick { 1 } else { 3 },
            prefill_tokens: Vec::new(),
            decode_contexts: Vec::new(),
            decode_tokens: if quick { 16 } else { 32 },
            users: vec![1, 4, 8, 16],
            user_prompt_tokens: if quick { 64 } else { 512 },
            rag: None,
            copy: None,
            left_out: Vec::new(),
            model_context_tokens,
        };
        plan.prefill_tokens = plan.fitting(Scenario::Prefill, &[128, 512, 2048], 1);
        plan.decode_contexts =
            plan.fitting(Scenario::Decode, &[0, 1024, 4096], 1 + plan.decode_tokens);
        plan.fit_users();
        plan.fit_rag();
        plan.fit_copy();
        plan
    }

    pub(super) fn has(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }

    pub(super) fn leave_out(&mut self, scenario: Scenario, case: &str, why: Why) {
        if self.has(scenario) {
            let what = format!("{} {case}", scenario.name()).trim_end().to_owned();
            self.left_out.push(LeftOut { what, why });
        }
    }

    /// Nothing that needs a model can be measured.
    pub(super) fn leave_out_all(&mut self, why: Why) {
        for scenario in Scenario::ALL {
            if scenario.needs_model() {
                self.leave_out(scenario, "", why);
            }
        }
    }

    /// Those sizes that the model's context and `--quick` allow, with room for `answer` tokens.
    fn fitting(&mut self, scenario: Scenario, sizes: &[usize], answer: usize) -> Vec<usize> {
        let mut fit = Vec::new();
        for &size in sizes {
            if size + answer + 1 > self.model_context_tokens {
                self.leave_out(scenario, &size.to_string(), Why::Context);
            } else if self.quick && size > QUICK_TOKENS_MAX {
                self.leave_out(scenario, &size.to_string(), Why::Quick);
            } else {
                fit.push(size);
            }
        }
        fit
    }

    fn fit_users(&mut self) {
        if self.user_prompt_tokens + self.decode_tokens + 2 > self.model_context_tokens {
            self.users.clear();
            self.leave_out(Scenario::Users, "", Why::Context);
        }
    }

    /// The whole prompt, or a quarter of it where only that fits.
    fn fit_rag(&mut self) {
        let fits = |size: RagTokens| size.total() < self.model_context_tokens;
        let why = if fits(RagTokens::FULL) { Why::Quick } else { Why::Context };
        self.rag = match (self.quick, why) {
            (false, Why::Quick) => Some(RagTokens::FULL),
            _ => Some(RagTokens::QUARTER).filter(|size| fits(*size)),
        };
        for size in [RagTokens::FULL, RagTokens::QUARTER] {
            let total = size.total();
            if self.rag.is_none_or(|rag| total > rag.total()) {
                self.leave_out(Scenario::Rag, &total.to_string(), why);
            }
        }
    }

    fn fit_copy(&mut self) {
        let copied = if self.quick { 64 } else { 200 };
        let sizes = CopyTokens { prompt: 64, copied, answer: copied / 2 };
        let fits = sizes.prompt + sizes.copied + sizes.answer < self.model_context_tokens;
        self.copy = fits.then_some(sizes);
        if !fits {
            self.leave_out(Scenario::Copy, "", Why::Context);
        }
    }

    /// Sequences at once in a scenario.
    pub(super) fn slots(&self, scenario: Scenario) -> usize {
        match scenario {
            Scenario::Users => self.users.iter().copied().max().unwrap_or(1),
            _ => 1,
        }
    }

    /// Context of one sequence in a scenario.
    pub(super) fn context_tokens(&self, scenario: Scenario) -> usize {
        let wanted = match scenario {
            Scenario::Users => self.user_prompt_tokens + self.decode_tokens + 2,
            _ => CONTEXT_TOKENS + self.decode_tokens + 2,
        };
        wanted.next_multiple_of(CONTEXT_STEP).min(self.model_context_tokens)
    }

    /// Tokens that a scenario computes, decoded ones weighted by what they cost beside those of
    /// a prompt: the unit of the progress shown.
    pub(super) fn cost(&self, scenario: Scenario) -> u64 {
        let decoded = |tokens: usize| DECODE_COST * tokens;
        let tokens = match scenario {
            Scenario::Prefill => {
                self.prefill_tokens.iter().map(|&tokens| tokens * self.samples_of(tokens)).sum()
            }
            Scenario::Decode => {
                let cached = self.decode_contexts.iter().max().copied().unwrap_or(0);
                let figures = self.decode_contexts.len() * self.samples;
                cached + decoded(figures * self.decode_tokens)
            }
            Scenario::Users => {
                self.slots(scenario) * self.user_prompt_tokens
                    + decoded(self.users.len() * self.decode_tokens)
            }
            Scenario::Rag => self.rag.map_or(0, |rag| 3 * rag.total()),
            Scenario::Copy => {
                let answers = 2 * VERBATIM_TURNS + 2;
                let copied = |copy: CopyTokens| copy.copied + answers * copy.answer;
                self.copy.map_or(0, |copy| copy.prompt + decoded(copied(copy)))
            }
            Scenario::Load => LOADS * LOAD_COST,
            Scenario::Search | Scenario::Sync => LOAD_COST,
        };
        tokens as u64
    }

    /// How often a prompt of this length is computed in a round: short ones more often.
    pub(super) fn samples_of(&self, tokens: usize) -> usize {
        if tokens > LONG_TOKENS { 1 } else { self.samples }
    }
}

/// Times that an answer is written with verbatim quotations and without, in turn.
pub(super) const VERBATIM_TURNS: usize = 5;
/// Tokens of a prompt that take as long as one decoded.
pub(super) const DECODE_COST: usize = 5;
/// And those that take as long as loading.
const LOAD_COST: usize = 100;
/// Processes started in one round for the time of loading.
pub(super) const LOADS: usize = 3;
/// Prompts beyond this are computed once in a round.
const LONG_TOKENS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(quick: bool, context: usize) -> Plan {
        Plan::new(&Scenario::ALL, quick, context)
    }

    #[test]
    fn the_whole_plan_fits_a_model_of_today() {
        let plan = plan(false, 40_960);
        assert_eq!(plan.prefill_tokens, [128, 512, 2048]);
        assert_eq!(plan.decode_contexts, [0, 1024, 4096]);
        assert_eq!(plan.rag.unwrap().total(), 1460);
        assert!(plan.copy.is_some());
        assert!(plan.left_out.is_empty(), "{:?}", plan.left_out);
        assert_eq!(plan.context_tokens(Scenario::Prefill), 4352);
        assert_eq!(plan.context_tokens(Scenario::Users), 768);
        assert_eq!(plan.slots(Scenario::Users), 16);
        assert!(Scenario::ALL.iter().all(|scenario| plan.cost(*scenario) > 0));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let plan = plan(false, 1024);
        assert_eq!(plan.prefill_tokens, [128, 512]);
        assert_eq!(plan.decode_contexts, [0]);
        let named: Vec<&str> = plan.left_out.iter().map(|left| left.what.as_str()).collect();
        assert_eq!(named, ["prefill 2048", "decode 1024", "decode 4096", "rag 1460"]);
        assert!(plan.left_out.iter().all(|left| left.why == Why::Context));
        assert!(plan.context_tokens(Scenario::Decode) <= 1024);
    }

    #[test]
    fn quick_is_smaller_and_says_so() {
        let (quick, whole) = (plan(true, 40_960), plan(false, 40_960));
        for scenario in Scenario::ALL {
            assert!(quick.cost(scenario) <= whole.cost(scenario), "{scenario:?}");
        }
        let named: Vec<&str> = quick.left_out.iter().map(|left| left.what.as_str()).collect();
        assert_eq!(named, ["prefill 2048", "decode 4096", "rag 1460"]);
    }

    #[test]
    fn only_names_are_checked() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(Scenario::parse(&[]).unwrap(), Scenario::ALL[..7]);
        assert_eq!(Scenario::parse(&["sync".to_owned()]).unwrap(), [Scenario::Sync]);
        let some = Scenario::parse(&names(&["rag", "prefill"])).unwrap();
        assert_eq!(some, [Scenario::Prefill, Scenario::Rag]);
        let wrong = Scenario::parse(&names(&["rag", "prefil"])).unwrap_err();
        assert_eq!(wrong.code(), 2);
        assert!(wrong.message(crate::text::Lang::En).contains("prefil"));
        assert!(wrong.message(crate::text::Lang::Ja).contains("prefill"));
    }
}
