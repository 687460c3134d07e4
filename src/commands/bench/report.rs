//! What is printed: JSON, or a table in the language of the messages.

use serde::Serialize;

use super::super::{Context, output};
use super::figures::{Figure, Spread, Summary};
use super::llama_cpp::FlashAttention;
use super::quiet;
use super::roofline::Point;
use super::scenario::{LeftOut, Plan, RagTokens, Why};
use super::search::SearchReport;
use super::side::Hello;
use super::sync::SyncReport;
use crate::llm::{MachineLimits, ModelInfo};
use crate::text::Lang;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) kura_version: &'static str,
    pub(super) threads: usize,
    /// False where the model runs on the portable path.
    pub(super) fast_kernels: bool,
    /// Share of all processors that other programs took, in the worst of the scenarios.
    pub(super) others_busy_percent: Option<f64>,
    /// False where it was ended by Ctrl-C or a failure; then this is what was measured until then.
    pub(super) complete: bool,
    pub(super) model: Option<ModelInfo>,
    /// What the form took that kura computes with, made once by `model add`; `None` where it was
    /// there already.
    pub(super) prepare_seconds: Option<f64>,
    pub(super) machine: Option<Machine>,
    pub(super) plan: Plan,
    pub(super) rounds: usize,
    pub(super) peer: Option<Peer>,
    pub(super) figures: Vec<Summary>,
    pub(super) greedy: Option<Greedy>,
    /// Of both sides' scores after the same prompt.
    pub(super) logits_cosine: Option<f64>,
    pub(super) roofline: Vec<Point>,
    pub(super) search: Option<SearchReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sync: Option<SyncReport>,
}

/// The machine's limits.
#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub(super) read_gb_per_s: f64,
    pub(super) int8: Vec<Int8>,
}

#[derive(Debug, Serialize)]
pub(super) struct Int8 {
    pub(super) instructions: &'static str,
    pub(super) gop_per_s: f64,
}

impl From<&MachineLimits> for Machine {
    fn from(limits: &MachineLimits) -> Self {
        let int8 = limits.int8.iter().map(|limit| Int8 {
            instructions: limit.instructions,
            gop_per_s: limit.operations_per_s / 1e9,
        });
        Self { read_gb_per_s: limits.read_bytes_per_s / 1e9, int8: int8.collect() }
    }
}

/// What it was compared with.
#[derive(Debug, Serialize)]
pub(super) struct Peer {
    #[serde(flatten)]
    pub(super) hello: Hello,
    /// Instruction sets of this processor that it was not built with; empty for a native build.
    pub(super) not_built_with: Vec<&'static str>,
    pub(super) flash_attention: FlashAttention,
    /// Memory of the process before the model, which its figures do not count.
    pub(super) memory_mib_base: f64,
}

/// How far both sides gave the same greedy tokens, over the contexts of the decode scenario.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Greedy {
    pub(super) equal: usize,
    pub(super) of: usize,
}

impl Report {
    /// The name of model and machine, for the head of table and picture.
    pub(super) fn title(&self) -> String {
        let model = self.model.as_ref().map_or_else(String::new, |model| {
            let mib = model.file_size_bytes as f64 / f64::from(1 << 20);
            format!("{} {} ({mib:.0} MiB)", output::name(&model.name), model.quantization)
        });
        format!("kura {}: {model}", self.kura_version)
    }

    pub(super) fn print(&self, context: &Context) {
        say!("{}", self.title().trim_end_matches([' ', ':']));
        self.print_machine(context);
        self.print_disturbance(context);
        self.print_peer(context);
        if !self.figures.is_empty() {
            self.print_figures(context);
        }
        self.print_notes(context);
        if let Some(search) = &self.search {
            say!(
                "{} ({} passages): p50 {:.2} ms, p99 {:.2} ms",
                context.words("検索", "search"),
                search.passages,
                search.p50_ms,
                search.p99_ms
            );
        }
        if let Some(sync) = &self.sync {
            sync.print(context);
        }
        for left in &self.plan.left_out {
            say!(
                "{}: {} ({})",
                context.words("省いた項目", "left out"),
                left.what,
                left.why(context)
            );
        }
        if !self.complete {
            say!("{}", context.words("途中までの結果です。", "This is not complete."));
        }
    }

    fn print_machine(&self, context: &Context) {
        let Some(machine) = &self.machine else { return };
        let int8 = machine.int8.iter().map(|l| format!("{} {:.0}", l.instructions, l.gop_per_s));
        say!(
            "{}: {} {}, {} {:.1} GB/s, int8 {} GOP/s",
            context.words("この機器の限界", "limits of this machine"),
            self.threads,
            context.words("スレッド", "threads"),
            context.words("メモリ読み出し", "memory read"),
            machine.read_gb_per_s,
            int8.collect::<Vec<_>>().join(" / "),
        );
    }

    fn print_disturbance(&self, context: &Context) {
        let disturbing = |percent: &f64| *percent > quiet::DISTURBING_PERCENT;
        let Some(percent) = self.others_busy_percent.filter(disturbing) else { return };
        match context.lang {
            Lang::Ja => say!(
                "注意：測定中に、ほかのプログラムがCPUの{percent:.0}%を使いました。結果は当てになりません。"
            ),
            Lang::En => say!(
                "Careful: other programs took {percent:.0}% of the processors meanwhile; \
                 these figures are not to be trusted."
            ),
        }
    }

    fn print_peer(&self, context: &Context) {
        let Some(peer) = &self.peer else { return };
        let on = |on: bool| {
            context.words(if on { "あり" } else { "なし" }, if on { "on" } else { "off" })
        };
        let native = match &peer.not_built_with[..] {
            [] => {
                context.words("この機器に合わせた組み立て", "built for this processor").to_owned()
            }
            missing => format!(
                "{} {}",
                context.words(
                    "この機器に合わせた組み立てではありません。使っていない命令：",
                    "NOT built for this processor; it lacks"
                ),
                missing.join(" ")
            ),
        };
        say!(
            "{}: {} {} ({native}; {}); flash attention {}/{}",
            context.words("比べる相手", "peer"),
            peer.hello.name,
            peer.hello.version,
            peer.hello.instructions.join(" "),
            on(peer.flash_attention.prefill),
            on(peer.flash_attention.decode),
        );
    }

    fn print_figures(&self, context: &Context) {
        let ja = context.lang == Lang::Ja;
        let mut header =
            vec![if ja { "項目" } else { "figure" }, if ja { "単位" } else { "unit" }, "kura"];
        let compared = self.peer.is_some();
        if compared {
            header.extend(["llama.cpp", if ja { "比" } else { "ratio" }]);
        }
        let rag = self.plan.rag;
        let rows: Vec<Vec<String>> =
            self.figures.iter().map(|one| row(one, context.lang, rag, compared)).collect();
        output::table(&header, &rows);
    }

    fn print_notes(&self, context: &Context) {
        if self.peer.is_some() {
            say!(
                "{}",
                context.words(
                    "比は kura÷相手（巡ごとの比の中央値と幅）。↑は大きいほど、↓は小さいほど良い項目です。",
                    "Ratios are kura by peer (median of the rounds' ratios, and their range); \
                     ↑ more is better, ↓ less is better."
                )
            );
        }
        if self.figures.iter().any(|one| matches!(one.figure, Figure::Rag(_))) {
            say!(
                "{}",
                context.words(
                    "該当箇所は、kuraには製品と同じく決まった順（識別子の順）で、相手には見つかった順で渡します。",
                    "kura gets passages as the product sends them, ordered by identifier; the peer \
                     as they were found."
                )
            );
        }
        if let Some(seconds) = self.prepare_seconds {
            match context.lang {
                Lang::Ja => say!("kuraの計算用の並べ替え（登録のときに一度だけ）：{seconds:.1}秒"),
                Lang::En => say!("preparing the model, once when it is added: {seconds:.1} s"),
            }
        }
        if let Some(greedy) = self.greedy {
            say!(
                "{}: {}/{}",
                context.words("相手と同じ選択だったトークン", "greedy tokens equal to the peer's"),
                greedy.equal,
                greedy.of
            );
        }
        if let Some(cosine) = self.logits_cosine {
            let words = ("相手のロジットとのコサイン", "cosine of the logits with the peer's");
            say!("{}: {cosine:.6}", context.words(words.0, words.1));
        }
    }
}

fn row(summary: &Summary, lang: Lang, rag: Option<RagTokens>, compared: bool) -> Vec<String> {
    let better = if summary.more_is_better { "↑" } else { "↓" };
    let shown = |spread: Option<Spread>| spread.map_or_else(|| "–".to_owned(), range);
    let name = summary.figure.label(lang, rag);
    let mut cells = vec![name, format!("{} {better}", summary.unit), shown(summary.kura)];
    if compared {
        let ratio =
            summary.ratio.map(|r| format!("{:.2} ({:.2}–{:.2})", r.median, r.least, r.most));
        cells.extend([shown(summary.peer), ratio.unwrap_or_else(|| "–".to_owned())]);
    }
    cells
}

fn range(spread: Spread) -> String {
    format!("{:.1} ({:.1}–{:.1})", spread.median, spread.least, spread.most)
}

impl LeftOut {
    fn why(&self, context: &Context) -> &'static str {
        let (ja, en) = match self.why {
            Why::Quick => ("--quick のため", "--quick"),
            Why::Context => ("モデルの文脈に収まりません", "beyond the model's context"),
            Why::Engine => ("この版のエンジンにはありません", "the engine does not do it"),
            Why::NoDataset => ("データセットがありません", "no data set"),
            Why::NoModel => ("モデルがありません", "no model"),
        };
        context.words(ja, en)
    }
}
