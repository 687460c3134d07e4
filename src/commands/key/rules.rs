//! Which keys may sign what: rules as typed, and the changes from one root document to the next.

use crate::sync::trust::{Role, Root, Signed, TrustedKey};

use super::super::Failure;
use super::{Keys, Known, Signatures};

/// Names of roles on the command line, as in root documents.
const ROLES: [&str; 5] = ["root", "app", "model", "dataset", "assistants"];

/// The role of a name.
pub(super) fn role_mut<'r>(root: &'r mut Root, name: &str) -> Option<&'r mut Role> {
    match name {
        "root" => Some(&mut root.root),
        "app" => Some(&mut root.app),
        "model" => Some(&mut root.model),
        "dataset" => Some(&mut root.dataset),
        "assistants" => Some(&mut root.assistants),
        _ => None,
    }
}

/// Roles with their names.
pub(super) fn roles(root: &Root) -> [(&'static str, &Role); 5] {
    [
        ("root", &root.root),
        ("app", &root.app),
        ("model", &root.model),
        ("dataset", &root.dataset),
        ("assistants", &root.assistants),
    ]
}

/// Adds a key to the document, not yet to a role.
pub(super) fn introduce(root: &mut Root, key: TrustedKey) {
    if !root.keys.iter().any(|known| known.id == key.id) {
        root.keys.push(key);
    }
}

/// Sets the role of `KIND=N:NAME,NAME`. A key that is new to the document comes into it.
pub(super) fn apply(root: &mut Root, keys: &Keys, rule: &str) -> Result<(), Failure> {
    let wrong = || {
        let kinds = ROLES.join(", ");
        Failure::usage(
            format!(
                "--role {rule} は「種類=必要な数:名前,名前」の形で書きます。種類は {kinds} です。例：--role app=2:hanako,taro"
            ),
            format!(
                "--role {rule}: it is written KIND=N:NAME,NAME with a kind of {kinds}, as in --role app=2:hanako,taro"
            ),
        )
    };
    let (kind, rest) = rule.split_once('=').ok_or_else(wrong)?;
    let (threshold, names) = rest.split_once(':').ok_or_else(wrong)?;
    let threshold = threshold.trim().parse().map_err(|_| wrong())?;
    let mut ids = Vec::new();
    for name in names.split(',').map(str::trim) {
        let trusted = match named(root, name) {
            Some(key) => key,
            None => keys.find(name)?.trusted(),
        };
        ids.push(trusted.id.clone());
        introduce(root, trusted);
    }
    *role_mut(root, kind.trim()).ok_or_else(wrong)? = Role { threshold, keys: ids };
    Ok(())
}

/// The key of the document that has this id.
fn named(root: &Root, id: &str) -> Option<TrustedKey> {
    root.keys.iter().find(|key| key.id == id).cloned()
}

/// Removes a key from the document and all its roles.
pub(super) fn remove(root: &mut Root, keys: &Keys, name: &str) -> Result<(), Failure> {
    let id = match named(root, name) {
        Some(key) => key.id,
        None => keys.find(name)?.id,
    };
    if named(root, &id).is_none() {
        return Err(Failure::new(
            format!("鍵「{name}」（{id}）はroot {}にありません。", root.version),
            format!("key {name} ({id}) is not in root {}", root.version),
        ));
    }
    root.keys.retain(|key| key.id != id);
    for role in ROLES {
        if let Some(role) = role_mut(root, role) {
            role.keys.retain(|key| *key != id);
        }
    }
    Ok(())
}

/// Removes keys that no role names: they would only be taken for signers.
pub(super) fn prune(root: &mut Root) {
    let used: Vec<String> =
        roles(root).iter().flat_map(|(_, role)| role.keys.iter().cloned()).collect();
    root.keys.retain(|key| used.contains(&key.id));
}

/// As few of the keys as complete each role, of those whose secret half is here; fewer where there
/// are not enough.
pub(in crate::commands) fn enough<'k>(roles: &[&Role], keys: &'k [Known]) -> Vec<&'k Known> {
    let mut chosen: Vec<&Known> = Vec::new();
    for role in roles {
        for id in &role.keys {
            let signers = chosen.iter().filter(|key| role.keys.contains(&key.id)).count();
            if u32::try_from(signers).unwrap_or(u32::MAX) >= role.threshold {
                break;
            }
            let here = keys.iter().find(|key| key.secret && key.id == *id);
            let new = here.filter(|key| !chosen.iter().any(|other| other.id == key.id));
            chosen.extend(new);
        }
    }
    chosen
}

/// How many keys of a role of this document have signed.
pub(in crate::commands) fn count(
    name: &str,
    root: &Root,
    role: &Role,
    signed: &Signed,
) -> Signatures {
    let has_signed = |id: &&String| {
        let key = root.keys.iter().find(|key| key.id == **id);
        let texts = signed.signatures.iter().filter(|(name, _)| name == *id);
        key.is_some_and(|key| {
            texts.into_iter().any(|(_, text)| key.public_key.has_signed(&signed.bytes, text))
        })
    };
    let count = role.keys.iter().filter(has_signed).count();
    Signatures { role: name.to_owned(), signed: count, needed: role.threshold }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::trust::PublicKey;

    fn known(id: &str, secret: bool) -> Known {
        let pair = minisign::KeyPair::generate_unencrypted_keypair().unwrap();
        let public_key = PublicKey::parse(&pair.pk.to_base64()).unwrap();
        Known { name: id.to_owned(), id: id.to_owned(), owner: String::new(), public_key, secret }
    }

    fn role(threshold: u32, keys: &[&str]) -> Role {
        Role { threshold, keys: keys.iter().map(|key| (*key).to_owned()).collect() }
    }

    #[test]
    fn few_keys_complete_several_roles() {
        let keys = [known("a", true), known("b", false), known("c", true), known("d", true)];
        let chosen = |roles: &[&Role]| {
            enough(roles, &keys).iter().map(|key| key.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(chosen(&[&role(2, &["a", "b", "c", "d"])]), ["a", "c"]);
        assert_eq!(chosen(&[&role(1, &["a", "c"]), &role(2, &["a", "d"])]), ["a", "d"]);
        assert_eq!(chosen(&[&role(2, &["a", "b"])]), ["a"], "b is elsewhere");
        assert!(chosen(&[&role(1, &["b"])]).is_empty());
    }
}
