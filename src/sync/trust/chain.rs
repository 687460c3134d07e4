//! From the root that the box trusts to the newest one on the stick, link by link.

use jiff::civil::Date;

use super::super::{Reason, Refusal};
use super::key::Signed;
use super::root::Root;

/// Roots that one bundle may carry.
const LINKS_MAX: usize = 1_000;

/// One root document with its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number in its file name.
    pub version: u32,
    pub signed: Signed,
}

/// A verified chain: its newest root and that root's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub root: Root,
    pub bytes: Vec<u8>,
}

impl Chain {
    /// Trusts bytes that were trusted before (kept by the box).
    ///
    /// # Errors
    /// They are damaged.
    pub fn known(bytes: Vec<u8>) -> Result<Self, Refusal> {
        Ok(Self { root: Root::parse(&bytes)?, bytes })
    }

    /// Trusts the root whose BLAKE3 a person compared (the fingerprint), if it is among `links`.
    ///
    /// # Errors
    /// It is not there, or does not carry its own threshold of signatures.
    pub fn anchored(fingerprint: &str, links: &[Link]) -> Result<Self, Refusal> {
        let named =
            |link: &&Link| blake3::hash(&link.signed.bytes).to_hex().as_str() == fingerprint;
        let Some(link) = links.iter().find(named) else {
            return Err(stranger(fingerprint, links));
        };
        let root = Root::parse(&link.signed.bytes)?;
        root.check(&root.root, &link.signed)?;
        Ok(Self { root, bytes: link.signed.bytes.clone() })
    }

    /// Follows the links above the current version (TUF 5.3.3 to 5.3.8).
    ///
    /// # Errors
    /// A gap, a version that is not its file's, too few signatures of the old root or of the new
    /// one, a document of the current version that differs, a chain that ends before the current
    /// version (rolled back).
    pub fn follow(mut self, links: &[Link]) -> Result<Self, Refusal> {
        if links.len() > LINKS_MAX {
            return Err(Refusal::new(Reason::MalformedRoot, format!("{} roots", links.len())));
        }
        let mut links: Vec<&Link> = links.iter().collect();
        links.sort_by_key(|link| link.version);
        let newest = links.last().map_or(0, |link| link.version);
        if newest < self.root.version {
            let ours = self.root.version;
            let ja = format!("媒体の最新はroot {newest}、この機器はroot {ours}");
            return Err(Refusal::told(Reason::RootRolledBack, ja, format!("{newest} < {ours}")));
        }
        for link in links {
            if link.version == self.root.version && link.signed.bytes != self.bytes {
                let number = link.version;
                let ja = format!("root {number} が、この機器の知るものと違います");
                let en = format!("root {number} is not the one known here");
                return Err(Refusal::told(Reason::UntrustedRoot, ja, en));
            }
            if link.version > self.root.version {
                self = self.next(link)?;
            }
        }
        Ok(self)
    }

    fn next(self, link: &Link) -> Result<Self, Refusal> {
        let wanted = self.root.version.saturating_add(1);
        let root = Root::parse(&link.signed.bytes)?;
        if link.version != wanted || root.version != wanted {
            let ja = format!("root {} の前のroot {wanted} がありません", link.version);
            let en = format!("root {wanted} is missing before {}", link.version);
            return Err(Refusal::told(Reason::BrokenRootChain, ja, en));
        }
        // Both: the old keys allow the change, and the new ones are in their owners' hands.
        let both = self.root.check(&self.root.root, &link.signed);
        let both = both.and_then(|_| root.check(&root.root, &link.signed));
        both.map_err(|why| {
            let ja = format!("root {wanted}：{}", why.ja.as_deref().unwrap_or(&why.detail));
            let en = format!("root {wanted}: {}", why.detail);
            Refusal::told(Reason::BrokenRootChain, ja, en)
        })?;
        Ok(Self { root, bytes: link.signed.bytes.clone() })
    }

    /// Refuses a chain whose newest root has run out.
    ///
    /// # Errors
    /// `today` is after its last day.
    pub fn in_force(&self, today: Date) -> Result<&Self, Refusal> {
        match today > self.root.expires {
            true => {
                let last = self.root.expires;
                Err(Refusal::told(Reason::RootExpired, format!("期限 {last}"), last.to_string()))
            }
            false => Ok(self),
        }
    }

    /// BLAKE3 of the newest root, lowercase hexadecimal: its fingerprint.
    pub fn fingerprint(&self) -> String {
        blake3::hash(&self.bytes).to_hex().to_string()
    }
}

/// None of the stick's roots is the one that a person compared: both fingerprints, so that a wrong
/// digit in the settings can be told from a stick of somebody else.
fn stranger(fingerprint: &str, links: &[Link]) -> Refusal {
    let first = links.iter().min_by_key(|link| link.version);
    let (ja, en) = match first {
        None => (
            format!("設定された指紋 {fingerprint}。媒体にはrootがありません"),
            format!("set: {fingerprint}; the medium has no root"),
        ),
        Some(link) => {
            let (number, own) = (link.version, blake3::hash(&link.signed.bytes).to_hex());
            (
                format!("設定された指紋 {fingerprint}、媒体のroot {number} の指紋 {own}"),
                format!("set: {fingerprint}; root {number} of the medium: {own}"),
            )
        }
    };
    Refusal::told(Reason::UntrustedRoot, ja, en)
}
