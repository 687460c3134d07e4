//! From files to passages: one file per format, each turning bytes into a [`Document`].
//!
//! [`read`] picks the reader by the file's extension; whatever format an ordinance came in,
//! [`articles`] then finds its articles. [`chunk`] cuts documents into passages, [`manifest`]
//! reads the `dataset.toml` that says what they are.

mod articles;
pub mod chunk;
mod csv;
mod docx;
mod encoding;
pub mod folder;
mod html;
mod law_xml;
pub mod manifest;
mod markdown;
mod office;
mod outline;
mod pdf;
mod plain;
mod pptx;
pub mod saved;
mod sheet;
mod table;
pub mod worker;

use std::path::Path;

use crate::document::{Document, LawInfo};
use crate::text::Lang;

/// The formats that are read, told by the file's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// e-Gov 法令標準XML
    LawXml,
    Pdf,
    Docx,
    /// XLSX, XLSM and XLS
    Sheet,
    Pptx,
    Html,
    Markdown,
    Text,
    Csv,
}

impl Format {
    /// The format of a path, or `None` for an extension that is not read.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "xml" => Self::LawXml,
            "pdf" => Self::Pdf,
            "docx" => Self::Docx,
            "xlsx" | "xlsm" | "xls" => Self::Sheet,
            "pptx" => Self::Pptx,
            "html" | "htm" => Self::Html,
            "md" | "markdown" => Self::Markdown,
            "txt" => Self::Text,
            "csv" => Self::Csv,
            _ => return None,
        })
    }
}

/// Bytes at the end of a package in which the list of its parts is looked for.
const PACKAGE_LIST: usize = 1 << 20;

/// Why a file was not read. Every variant ends up in the report of a data set, with advice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "kebab-case")]
pub enum IngestError {
    /// The extension is none of [`Format`].
    #[error("unsupported file type")]
    Unsupported,
    /// The file could not be opened or read.
    #[error("cannot be read: {0}")]
    Io(String),
    /// It was not opened, because of what it is or where it lies.
    #[error("not opened: {0}")]
    Place(Place),
    /// The content is not what the extension says, or cut off.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The content is of another format than the extension says, and this is its extension.
    #[error("its content is {0}, which its extension does not say")]
    Extension(String),
    /// A password is needed.
    #[error("protected by a password")]
    Encrypted,
    /// Pages are images without text; the number of pages.
    #[error("no text on its {0} page(s): scanned images")]
    Scanned(u32),
    /// Characters could not be made out; the share in percent.
    #[error("unreadable characters: {0}%")]
    Garbled(u32),
    /// Nothing to index.
    #[error("empty")]
    Empty,
    /// The time limit of the child process, in seconds.
    #[error("took longer than {0} s")]
    TimedOut(u64),
    /// The memory limit of the child process, in MiB.
    #[error("needs more than {0} MiB of memory")]
    OutOfMemory(u64),
    /// The child process ended by a signal or exit status.
    #[error("the reader stopped: {0}")]
    Crashed(String),
}

/// Why an entry of a folder was not opened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// It may lead out of the folder.
    #[error("a link, not followed")]
    Link,
    /// A pipe, a device or a socket.
    #[error("no ordinary file")]
    Special,
    #[error("its name is not UTF-8")]
    Name,
    /// Below more folders than this.
    #[error("folders nested deeper than {0}")]
    TooDeep(usize),
}

impl Place {
    /// In Japanese and in English.
    fn advice(self) -> (String, String) {
        let (ja, en) = match self {
            Self::Link => (
                "リンク（ショートカット）なので読みません。元のファイルを置いてください。",
                "It is a link, which is not followed. Put the file itself there.",
            ),
            Self::Special => (
                "通常のファイルではないので読みません。取り除いてください。",
                "It is no ordinary file. Take it away.",
            ),
            Self::Name => (
                "名前の文字コードがUTF-8ではありません。名前を付け直してください。",
                "Its name is not UTF-8. Rename it.",
            ),
            Self::TooDeep(_) => (
                "フォルダーの階層が深すぎます。浅い場所に移してください。",
                "Its folder is nested too deep. Move it further up.",
            ),
        };
        (ja.to_owned(), en.to_owned())
    }
}

impl IngestError {
    /// What happened and what to do next, in one sentence or two.
    pub fn advice(&self, lang: Lang) -> String {
        let (ja, en) = match self {
            Self::Place(place) => place.advice(),
            Self::Unsupported => (
                "対応していない形式です。DOCX、XLSX、PPTX、PDF、HTML、CSV、テキストのいずれかで保存し直してください。".to_owned(),
                "This type is not read. Save it as DOCX, XLSX, PPTX, PDF, HTML, CSV or text.".to_owned(),
            ),
            Self::Io(why) => (
                format!("ファイルを開けません（{why}）。権限と媒体を確認してください。"),
                format!("The file cannot be opened ({why}). Check permissions and the medium."),
            ),
            Self::Damaged(why) => (
                format!("ファイルが壊れています（{why}）。元のファイルを入手し直してください。"),
                format!("The file is damaged ({why}). Get it again from its source."),
            ),
            Self::Extension(is) => (
                format!("ファイル名の末尾と中身が違います（中身は{is}の形式です）。末尾を.{is}に直してから、もう一度試してください。"),
                format!("Its content is {is}, which its extension does not say. Rename it to end in .{is}."),
            ),
            Self::Encrypted => (
                "パスワードで保護されています。保護を外して保存し直してください。".to_owned(),
                "It is protected by a password. Save it without protection.".to_owned(),
            ),
            Self::Scanned(pages) => (
                format!("{pages}ページとも画像だけで文字がありません。OCRで文字を付けたPDFか、元の文書を用意してください。"),
                format!("None of its {pages} page(s) has text, only images. Provide a PDF with text or the original."),
            ),
            Self::Garbled(share) => (
                format!("文字の{share}%を判読できません。元の文書からPDFを作り直すか、DOCXで用意してください。"),
                format!("{share}% of its characters cannot be made out. Make the PDF again or provide DOCX."),
            ),
            Self::Empty => (
                "文章がありません。正しいファイルか確認してください。".to_owned(),
                "It holds no text. Check that it is the right file.".to_owned(),
            ),
            Self::TimedOut(seconds) => (
                format!("{seconds}秒で読み終わりませんでした。ファイルを分けるか、別の形式で保存し直してください。"),
                format!("It was not read within {seconds} s. Split it or save it in another format."),
            ),
            Self::OutOfMemory(mebibytes) => (
                format!("読み取りに{mebibytes}MiBを超えるメモリが必要です。ファイルを分けるか、別の形式で保存し直してください。"),
                format!("Reading it needs more than {mebibytes} MiB. Split it or save it in another format."),
            ),
            Self::Crashed(why) => (
                format!("読み取りが途中で止まりました（{why}）。別の形式で保存し直してください。"),
                format!("Reading stopped half-way ({why}). Save it in another format."),
            ),
        };
        match lang {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}

/// Reads a file in this process. Hostile files belong in a child process: see `worker`.
///
/// # Errors
/// Every [`IngestError`] but those of the child process.
pub fn read(path: &Path) -> Result<Document, IngestError> {
    let format = Format::of(path).ok_or(IngestError::Unsupported)?;
    let bytes = std::fs::read(path).map_err(|error| IngestError::Io(error.to_string()))?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    read_bytes(format, &bytes, &name)
}

/// Reads the bytes of a file; `name` is the title where it has none.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(format: Format, bytes: &[u8], name: &str) -> Result<Document, IngestError> {
    let document = match format {
        Format::LawXml => law_xml::read(bytes, name),
        Format::Pdf => pdf::read(bytes, name),
        Format::Docx => docx::read(bytes, name),
        Format::Sheet => sheet::read(bytes, name),
        Format::Pptx => pptx::read(bytes, name),
        Format::Html => html::read(bytes, name),
        Format::Markdown => markdown::read(bytes, name),
        Format::Text => plain::read(bytes, name),
        Format::Csv => csv::read(bytes, name),
    }
    .map_err(|why| match (why, content_of(bytes)) {
        (IngestError::Damaged(_), Some((is, extension))) if is != format => {
            IngestError::Extension(extension.to_owned())
        }
        (why, _) => why,
    })?;
    match document.sections.iter().all(|section| section.text.trim().is_empty()) {
        true => Err(IngestError::Empty),
        false => Ok(with_articles(document)),
    }
}

/// The format that bytes show by what they begin with and hold, and its extension, of those that a
/// wrong extension hides.
fn content_of(bytes: &[u8]) -> Option<(Format, &'static str)> {
    if bytes.starts_with(b"%PDF-") {
        return Some((Format::Pdf, "pdf"));
    }
    // The list of its parts stands uncompressed at the end of a package.
    let list = &bytes[bytes.len().saturating_sub(PACKAGE_LIST)..];
    let holds = |name: &[u8]| list.windows(name.len()).any(|part| part == name);
    let parts: [(&[u8], Format, &str); 3] = [
        (b"word/document.xml", Format::Docx, "docx"),
        (b"xl/workbook.xml", Format::Sheet, "xlsx"),
        (b"ppt/presentation.xml", Format::Pptx, "pptx"),
    ];
    let found = parts.into_iter().find(|(name, ..)| bytes.starts_with(b"PK") && holds(name));
    found.map(|(_, format, extension)| (format, extension))
}

/// Gives an ordinance in plain lines its articles, number and title.
fn with_articles(mut document: Document) -> Document {
    if document.law.is_some() || !document.sections.iter().all(articles::applies) {
        return document;
    }
    let (sections, ordinance) = articles::split(std::mem::take(&mut document.sections));
    document.sections = sections;
    if let Some(ordinance) = ordinance {
        if let Some(title) = ordinance.title {
            // The title as heading of its sections goes with it: no citation names both.
            let headings = document.sections.iter_mut().filter_map(|s| s.headings.first_mut());
            for heading in headings.filter(|heading| **heading == document.title) {
                heading.clone_from(&title);
            }
            document.title = title;
        }
        document.law = Some(LawInfo { number: ordinance.number, ..LawInfo::default() });
    }
    document
}

#[cfg(test)]
mod tests;
