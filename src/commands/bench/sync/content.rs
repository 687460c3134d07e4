//! What is packed: a file that does not compress, and a data set of passages made of words, in
//! editions of which a part changed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use jiff::civil::{Date, date};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};
use serde::Serialize;

use super::super::super::{Context, Failure};
use super::publish::ID;
use crate::document::{Authority, Locator, Passage, Scope};
use crate::sync::bundle::ArtifactRole;
use crate::sync::pack::{Content, Source};

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) model_bytes: u64,
    pub(super) passages: usize,
    /// Written and read for the disk's own rate.
    pub(super) disk_bytes: u64,
}

impl Sizes {
    pub(super) const FULL: Self =
        Self { model_bytes: 2_000_000_000, passages: 200_000, disk_bytes: 2_000_000_000 };
    pub(super) const QUICK: Self =
        Self { model_bytes: 32_000_000, passages: 4_000, disk_bytes: 32_000_000 };
}

/// What changed since the first edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Edition {
    First,
    /// One document in a hundred, in all its passages: how laws and manuals change.
    Documents,
    /// One passage in a hundred, anywhere.
    Passages,
}

impl Edition {
    pub(super) fn label(self, context: &Context) -> &'static str {
        match self {
            Self::First => context.words("最初の版", "first edition"),
            Self::Documents => {
                context.words("文書の1%が変わった版の差分", "delta, 1% of the documents changed")
            }
            Self::Passages => context.words(
                "該当箇所の1%が散らばって変わった版の差分",
                "delta, 1% of the passages changed, scattered",
            ),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::First => "e1",
            Self::Documents => "e2",
            Self::Passages => "e3",
        }
    }

    /// 基準日: it moves with every edition, as in real ones.
    fn as_of(self) -> Date {
        match self {
            Self::First => date(2026, 4, 1),
            Self::Documents => date(2026, 10, 1),
            Self::Passages => date(2027, 4, 1),
        }
    }
}

/// Passages of one document.
const DOCUMENT_PASSAGES: usize = 40;
/// Words of a passage.
const WORDS: std::ops::Range<usize> = 40..160;
const VOCABULARY: &[&str] = &[
    "市長",
    "町民",
    "申請",
    "届出",
    "手数料",
    "条例",
    "施行",
    "規則",
    "期限",
    "書類",
    "交付",
    "保育所",
    "入所",
    "国民健康保険",
    "介護",
    "住民票",
    "転入",
    "転出",
    "印鑑登録",
    "証明書",
    "固定資産税",
    "納期",
    "減免",
    "道路",
    "占用",
    "許可",
    "水道",
    "料金",
    "災害",
    "避難所",
    "の",
    "は",
    "を",
    "に",
    "により",
    "については",
    "することができる",
    "しなければならない",
    "とする",
    "前項の",
    "場合において",
    "又は",
    "及び",
    "、",
    "。",
];

/// Writes a file of noise.
pub(super) fn noise(path: &Path, bytes: u64) -> io::Result<()> {
    let mut random = StdRng::seed_from_u64(1);
    let mut piece = vec![0; 1 << 20];
    let mut file = File::create(path)?;
    let mut left = bytes;
    while left > 0 {
        random.fill_bytes(&mut piece);
        let len = left.min(piece.len() as u64);
        file.write_all(&piece[..usize::try_from(len).unwrap_or(piece.len())])?;
        left -= len;
    }
    file.sync_all()
}

/// The files of an edition.
pub(super) fn sources(sizes: Sizes, edition: Edition) -> Result<Vec<Source>, Failure> {
    let mut lines = BufWriter::new(Vec::new());
    for at in 0..sizes.passages {
        let line = passage(at, edition).to_line(edition.as_of()).map_err(io::Error::other);
        let written = line.and_then(|line| {
            lines.write_all(line.as_bytes())?;
            lines.write_all(b"\n")
        });
        written.map_err(|why| super::failed(&why))?;
    }
    let lines = lines.into_inner().map_err(|why| super::failed(why.error()))?;
    let (name, as_of) = (edition.name(), edition.as_of());
    let info = format!(
        "id = \"{ID}\"\ntitle = \"{ID}\"\nscope = \"local\"\nauthority = \"manual\"\n\
         as_of = {as_of}\nedition = \"{name}\"\npublisher = \"{ID}\"\nlicence = \"CC0-1.0\"\n"
    );
    let source = |id: &str, role, bytes| Source {
        id: id.to_owned(),
        role,
        licence: "CC0-1.0".to_owned(),
        source: ID.to_owned(),
        content: Content::Bytes(bytes),
    };
    Ok(vec![
        source("dataset.toml", ArtifactRole::Info, info.into_bytes()),
        source("passages.jsonl", ArtifactRole::Passages, lines),
    ])
}

/// Writes the passages of an edition, as the packing machine keeps them for the next delta.
pub(super) fn keep_passages(sources: &[Source], to: &Path) -> io::Result<()> {
    let passages = sources.iter().find(|source| source.role == ArtifactRole::Passages);
    match passages.map(|source| &source.content) {
        Some(Content::Bytes(bytes)) => std::fs::write(to, bytes),
        _ => Err(io::Error::other("no passages were made")),
    }
}

fn passage(at: usize, edition: Edition) -> Passage {
    let document = at / DOCUMENT_PASSAGES;
    let changed = match edition {
        Edition::First => false,
        Edition::Documents => document % 100 == 50,
        // Not every hundredth of a document's own: 97 and 100 have no common divisor.
        Edition::Passages => at * 97 % 100 == 50,
    };
    let seed = if changed { at + (1 << 40) } else { at };
    let mut random = StdRng::seed_from_u64(seed as u64);
    let count = random.random_range(WORDS);
    let text = (0..count).map(|_| VOCABULARY[random.random_range(0..VOCABULARY.len())]).collect();
    let path = format!("文書/{document:05}.md");
    Passage {
        id: format!("{path}#{}", at % DOCUMENT_PASSAGES + 1),
        path,
        title: format!("事務の手引 第{document}編"),
        law_number: String::new(),
        abbreviations: Vec::new(),
        headings: vec![format!("第{}章", at % DOCUMENT_PASSAGES / 8 + 1)],
        caption: String::new(),
        article: None,
        locator: Locator::None,
        text,
        authority: Authority::Manual,
        scope: Scope::Local,
        as_of: edition.as_of(),
        validity: crate::document::Validity::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(at: usize, edition: Edition) -> String {
        passage(at, edition).to_line(edition.as_of()).unwrap()
    }

    #[test]
    fn one_passage_in_a_hundred_changes() {
        for edition in [Edition::Documents, Edition::Passages] {
            let changed =
                (0..8_000).filter(|at| sent(*at, Edition::First) != sent(*at, edition)).count();
            assert_eq!(changed, 80, "{edition:?}");
        }
    }
}
