//! The hub: what it offers, the bytes of it, and what its refusals mean.
//!
//! The only module that names hf-hub (1.0). Size and hash come from the repository's description:
//! the library reads the headers of a download after the redirect to the servers that hold the
//! bytes, where the hub's own are gone, and of a file's own description it looks for the hash under
//! a name that the hub does not use.

use std::error::Error;
use std::time::Duration;

use hf_hub::repository::ModelInfo;
use hf_hub::{HFClient, HFError, HFRepository, RepoTypeModel};
use tokio_stream::StreamExt;

use super::super::Failure;
use super::super::catalogue::Entry;
use super::part::{Part, Refusal};

/// Silence after which a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(60);
/// File names that are listed where the wanted one is absent.
const NAMES_SHOWN: usize = 8;

/// The repository of one entry of the catalogue.
pub(super) struct Hub {
    client: HFClient,
    repository: HFRepository<RepoTypeModel>,
    /// The same, asked with sizes and hashes.
    described: HFRepository<RepoTypeModel>,
    file: String,
}

/// What the hub says of the file.
#[derive(Debug)]
pub(super) struct Offer {
    /// The commit that is fetched, whatever is pushed meanwhile.
    pub(super) commit: String,
    pub(super) size_bytes: u64,
    /// Lowercase hexadecimal; absent for a file that is not in the hub's large file storage.
    pub(super) sha256: Option<String>,
    /// As the repository's card states it.
    pub(super) licence: Option<String>,
}

/// Why the hub did not give what was asked.
#[derive(Debug)]
pub(super) enum HubError {
    Hub(HFError),
    /// The repository has no such file, but these GGUF files.
    NoFile(Vec<String>),
    /// What was described is not there, or not described fully.
    Odd(&'static str),
    /// The connection ended, or fell silent, before the last byte.
    Broken(String),
    Refused(Refusal),
}

impl Hub {
    pub(super) fn new(entry: &Entry) -> Result<Self, HubError> {
        let client = HFClient::new().map_err(HubError::Hub)?;
        let (owner, name) = hf_hub::split_id(&entry.repository);
        let repository = client.model(owner, name);
        // The library has no parameter for it and puts the name into the address as it is.
        let described = client.model(owner, format!("{name}?blobs=true"));
        Ok(Self { client, repository, described, file: entry.file.clone() })
    }

    /// Where it is: the hub's own address, or `HF_ENDPOINT`.
    pub(super) fn address(&self) -> &str {
        self.client.endpoint()
    }

    /// Asks what there is, at the newest commit.
    pub(super) async fn offer(&self) -> Result<Offer, HubError> {
        let info = self.described.info().send().await.map_err(HubError::Hub)?;
        let commit = info.sha.clone().ok_or(HubError::Odd("commit"))?;
        let found = info.siblings.iter().flatten().find(|file| file.rfilename == self.file);
        let found = found.ok_or_else(|| HubError::NoFile(gguf_files(&info)))?;
        let lfs = found.lfs.as_ref();
        let size_bytes = lfs.and_then(|lfs| lfs.size).or(found.size).filter(|size| *size > 0);
        let sha256 = lfs.and_then(|lfs| lfs.sha256.as_ref()).map(|hash| hash.to_ascii_lowercase());
        let size_bytes = size_bytes.ok_or(HubError::Odd("size"))?;
        Ok(Offer { commit, size_bytes, sha256, licence: licence(&info) })
    }

    /// Adds to the partial file until it is whole or the connection breaks. `on_length` hears the
    /// length of the file in bytes.
    pub(super) async fn stream(
        &self,
        offer: &Offer,
        part: &mut Part,
        on_length: impl Fn(u64),
    ) -> Result<(), HubError> {
        let range = part.length_bytes()..offer.size_bytes;
        let asked = self.repository.download_file_stream().filename(self.file.clone());
        let asked = asked.revision(offer.commit.clone()).range(range);
        let (_, mut stream) = asked.send().await.map_err(HubError::Hub)?;
        let mut response = part.response();
        let broken = loop {
            match tokio::time::timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(bytes))) => on_length(response.take(&bytes).map_err(HubError::Refused)?),
                Ok(Some(Err(why))) => break cause(&why),
                Ok(None) => break "connection closed".to_owned(),
                Err(_) => break format!("{} s of silence", SILENCE.as_secs()),
            }
        };
        match response.end().map_err(HubError::Refused)? {
            length if length == offer.size_bytes => Ok(()),
            _ => Err(HubError::Broken(broken)),
        }
    }
}

/// The licence of the card: a name, or a list of them.
fn licence(info: &ModelInfo) -> Option<String> {
    let card = info.card_data.as_ref()?;
    let named = |key: &str| match &card[key] {
        serde_json::Value::String(name) => Some(name.clone()),
        serde_json::Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(serde_json::Value::as_str).collect();
            Some(names.join(", "))
        }
        _ => None,
    };
    // "other" says nothing; the name beside it does.
    let licence = named("license")?;
    if licence == "other" { named("license_name").or(Some(licence)) } else { Some(licence) }
}

fn gguf_files(info: &ModelInfo) -> Vec<String> {
    let files = info.siblings.iter().flatten().map(|file| file.rfilename.clone());
    files.filter(|name| name.to_ascii_lowercase().ends_with(".gguf")).take(NAMES_SHOWN).collect()
}

/// The innermost reason; what stands around it names the address again and again.
fn cause(error: &HFError) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

impl HubError {
    /// Whether the same request would only be refused again.
    pub(super) fn is_final(&self) -> bool {
        match self {
            // Transport errors and overload were tried again by the library already.
            Self::Hub(HFError::Request { .. }) | Self::Broken(_) => false,
            Self::Hub(_) | Self::NoFile(_) | Self::Odd(_) | Self::Refused(_) => true,
        }
    }

    /// In the words of both languages.
    pub(super) fn failure(&self, entry: &Entry) -> Failure {
        let (ja, en) = match self {
            Self::Hub(why) => hub_words(why),
            Self::NoFile(names) if names.is_empty() => (
                "リポジトリにGGUFファイルがありません".to_owned(),
                "the repository has no GGUF file".to_owned(),
            ),
            Self::NoFile(names) => (
                format!(
                    "リポジトリにこの名前のファイルがありません。あるのは {}",
                    names.join("、")
                ),
                format!("the repository has no such file, but: {}", names.join(", ")),
            ),
            Self::Odd(what) => (
                format!("配布元の答えに{what}がありません"),
                format!("the hub's answer lacks the {what}"),
            ),
            Self::Broken(why) => (
                format!("通信が途中で切れました：{why}"),
                format!("the connection broke off: {why}"),
            ),
            Self::Refused(Refusal::NotGguf) => (
                "届いた内容がGGUFファイルではありません".to_owned(),
                "what came is no GGUF file".to_owned(),
            ),
            Self::Refused(Refusal::TooLong) => (
                "配布元の示す大きさより長い内容が届きました".to_owned(),
                "more came than the hub announced".to_owned(),
            ),
            Self::Refused(Refusal::Io(why)) => {
                (format!("書き込めません：{why}"), format!("cannot write: {why}"))
            }
        };
        let (file, repository) = (&entry.file, &entry.repository);
        Failure::new(
            format!("{repository} の {file} を取得できません（{ja}）。"),
            format!("cannot fetch {file} of {repository}: {en}"),
        )
    }
}

fn hub_words(error: &HFError) -> (String, String) {
    match error {
        // A repository that is not public, or not there, is answered with 401 as well.
        HFError::AuthRequired { .. } | HFError::Forbidden { .. } => (
            "配布元が断りました。リポジトリの名前が変わったか、利用条件への同意が必要です。配布元のページで同意し、アクセストークンを環境変数 HF_TOKEN に入れてください".to_owned(),
            "the hub refused: the repository was renamed, or its terms must be accepted; accept them on its page and put an access token into HF_TOKEN".to_owned(),
        ),
        HFError::RepoNotFound { .. } => (
            "リポジトリがありません。名前が変わったか、削除されています".to_owned(),
            "there is no such repository; it was renamed or removed".to_owned(),
        ),
        HFError::EntryNotFound { .. } | HFError::RevisionNotFound { .. } => (
            "ファイルがありません。名前が変わったか、削除されています".to_owned(),
            "there is no such file; it was renamed or removed".to_owned(),
        ),
        HFError::RateLimited { .. } => (
            "配布元が混み合っています。時間をおいてやり直してください".to_owned(),
            "the hub asks to slow down; try again later".to_owned(),
        ),
        HFError::Http { context } => (
            format!("配布元がエラーを返しました：{}。時間をおいてやり直してください", context.status),
            format!("the hub answered {}; try again later", context.status),
        ),
        HFError::Request { .. } => (
            format!(
                "配布元につながりません：{}。ネットワークとプロキシ（HTTPS_PROXY）の設定を確かめてください",
                cause(error)
            ),
            format!("cannot reach the hub: {}; check network and proxy (HTTPS_PROXY)", cause(error)),
        ),
        other => (cause(other), cause(other)),
    }
}
