//! The two layers of an answer on a page that was asked for without script.

use super::answer::{Piece, Run, pieces};
use super::japanese_date;
use crate::answer::{Difference, LayerSummary, Side, scope_title};
use crate::document::Scope;

/// Sentences of an answer under their layer.
pub(super) struct GroupPart {
    pub(super) label: &'static str,
    pub(super) class: &'static str,
    pub(super) pieces: Vec<Piece>,
}

/// Two sources that may differ.
pub(super) struct DifferencePart {
    pub(super) title: &'static str,
    pub(super) sides: [SidePart; 2],
}

/// One of them.
pub(super) struct SidePart {
    pub(super) class: &'static str,
    pub(super) layer: &'static str,
    pub(super) number: usize,
    pub(super) authority: &'static str,
    pub(super) citation: String,
    pub(super) as_of: String,
    pub(super) runs: Vec<Run>,
}

/// The answer by layer; `numbers` are those of its sources.
pub(super) fn groups(layers: &LayerSummary, numbers: &[usize]) -> Vec<GroupPart> {
    let part = |group: &crate::answer::LayerGroup| GroupPart {
        label: group.label,
        class: group.scope.map_or("layer-both", layer_class),
        pieces: pieces(&group.text, numbers),
    };
    layers.groups.iter().map(part).collect()
}

pub(super) fn differences(layers: &LayerSummary) -> Vec<DifferencePart> {
    let part = |difference: &Difference| DifferencePart {
        title: match difference.between_layers {
            true => "国の共通ルールと本市の取扱いに違いがある可能性があります",
            false => "資料どうしの記載に違いがある可能性があります",
        },
        sides: difference.sides.each_ref().map(side),
    };
    layers.differences.iter().map(part).collect()
}

/// What stands over the sources of a layer.
pub(super) fn layer_title(cited: bool, scope: Scope) -> &'static str {
    match (cited, scope) {
        (true, _) => scope_title(scope),
        (false, Scope::Common) => "回答では未使用の国の共通ルール",
        (false, Scope::Local) => "回答では未使用の本市の取扱い",
        (false, Scope::Upload) => "回答では未使用のアップロードした資料",
    }
}

fn layer_class(scope: Scope) -> &'static str {
    match scope {
        Scope::Common => "layer-common",
        Scope::Local => "layer-local",
        Scope::Upload => "layer-upload",
    }
}

fn side(side: &Side) -> SidePart {
    let mut runs = Vec::new();
    let mut at = 0;
    for mark in &side.marks {
        let Some(before) = side.text.get(at..mark.start) else { continue };
        runs.push(Run { marked: false, text: before.to_owned() });
        runs.push(Run { marked: true, text: side.text[mark.clone()].to_owned() });
        at = mark.end;
    }
    runs.push(Run { marked: false, text: side.text[at..].to_owned() });
    runs.retain(|run| !run.text.is_empty());
    let common = side.layer == scope_title(Scope::Common);
    SidePart {
        class: layer_class(if common { Scope::Common } else { Scope::Local }),
        layer: side.layer,
        number: side.number,
        authority: side.authority_label,
        citation: side.citation.clone(),
        as_of: japanese_date(side.as_of),
        runs,
    }
}
