//! A publisher with one key, for the bundles that are measured.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use minisign::KeyPair;

use super::super::super::Failure;
use crate::sync::bundle::{ArtifactRole, Header, Kind};
use crate::sync::pack::{Content, Earlier, Packed, Packer, Source};
use crate::sync::trust::{Link, PublicKey, Role, Root, Signed, TrustedKey};

pub(super) const CHANNEL: &str = "stable";
/// The data set, and the model.
pub(super) const ID: &str = "bench";

pub(super) struct Publisher {
    pair: KeyPair,
    id: String,
    roots: Vec<Link>,
}

impl Publisher {
    pub(super) fn new() -> Result<Self, Failure> {
        let pair = KeyPair::generate_unencrypted_keypair().map_err(|why| unsigned(&why))?;
        let public_key = PublicKey::parse(&pair.pk.to_base64())?;
        let id = public_key.id()?;
        let key = TrustedKey { id: id.clone(), public_key, owner: ID.to_owned() };
        let role = Role { threshold: 1, keys: vec![id.clone()] };
        let root = Root::new(1, jiff::civil::date(9999, 12, 31), vec![key], &role);
        let bytes = serde_json::to_vec(&root).map_err(|why| unsigned(&why))?;
        let mut publisher = Self { pair, id, roots: Vec::new() };
        let text = publisher.sign(&bytes, "root").map_err(|why| unsigned(&why))?;
        let signatures = vec![(publisher.id.clone(), text)];
        publisher.roots.push(Link { version: 1, signed: Signed { bytes, signatures } });
        Ok(publisher)
    }

    pub(super) fn fingerprint(&self) -> String {
        let root = self.roots.first().map_or(&[][..], |link| &link.signed.bytes);
        blake3::hash(root).to_hex().to_string()
    }

    fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, minisign::PError> {
        let signed = minisign::sign(Some(&self.pair.pk), &self.pair.sk, bytes, Some(comment), None);
        Ok(signed?.into_string())
    }

    pub(super) fn pack(
        &self,
        kind: Kind,
        counter: u64,
        sources: &[Source],
        out: &Path,
        since: Option<Earlier<'_>>,
        cancelled: &AtomicBool,
    ) -> Result<Packed, Failure> {
        std::fs::create_dir_all(out).map_err(|why| super::failed(&why))?;
        let sign = |bytes: &[u8], comment: &str| {
            let text = self.sign(bytes, comment).map_err(|why| why.to_string())?;
            Ok((self.id.clone(), text))
        };
        let packer = Packer {
            header: Header {
                channel: CHANNEL.to_owned(),
                kind,
                id: ID.to_owned(),
                title: ID.to_owned(),
                edition: format!("e{counter}"),
                counter,
                root_version: 1,
                stale_after_days: 0,
                min_app: "0.1.0".to_owned(),
                security_floor: 0,
            },
            sources,
            roots: &self.roots,
            out,
            since,
            packed_before: None,
            signers: &[&sign],
            progress: &|_| (),
            cancelled,
        };
        packer.pack().map_err(|why| {
            Failure::new(
                format!("測定用の更新パッケージを作れません（{why}）。"),
                format!("cannot pack the bundle that is measured: {why}"),
            )
        })
    }
}

/// The model file as a source.
pub(super) fn model(path: &Path) -> Source {
    Source {
        id: "model.gguf".to_owned(),
        role: ArtifactRole::Weights,
        licence: String::new(),
        source: String::new(),
        content: Content::File(path.to_owned()),
    }
}

fn unsigned(why: &dyn std::error::Error) -> Failure {
    Failure::new(
        format!("測定用の署名を作れません（{why}）。"),
        format!("cannot sign what is measured: {why}"),
    )
}
