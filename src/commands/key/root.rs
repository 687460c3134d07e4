//! `kura key root init`, `kura key root show` and `kura key rotate`.

use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;

use super::super::{Context, Failure, output};
use super::{Keys, Known, Signatures, rules, tell_signatures, unusable};
use crate::cli::{InitArgs, RotateArgs};
use crate::document::timestamp;
use crate::sync::SyncError;
use crate::sync::pack::{self, PackError, root_comment};
use crate::sync::trust::{Chain, Link, Role, Root, Signed};
use crate::text::Lang;

/// Years for which a root is in force where nothing else is asked.
const YEARS: i64 = 5;

pub(super) fn init(context: &Context, args: &InitArgs) -> Result<(), Failure> {
    let keys = Keys::of(&args.place)?;
    let known = args.names.iter().map(|name| keys.find(name)).collect::<Result<Vec<_>, _>>()?;
    let ids = known.iter().map(|key| key.id.clone()).collect();
    let role = Role { threshold: args.threshold, keys: ids };
    let trusted = known.iter().map(Known::trusted).collect();
    let mut root = Root::new(1, last_day(args.terms.expires)?, trusted, &role);
    for rule in &args.terms.roles {
        rules::apply(&mut root, &keys, rule)?;
    }
    let out = args.out.clone().unwrap_or_else(|| keys.home());
    let path = out.join("root/1.json");
    if path.exists() {
        let path = path.display();
        return Err(Failure::new(
            format!("{path}が既にあります。鍵を替えるには kura key rotate を使ってください。"),
            format!("{path} is there already; to change keys, use: kura key rotate"),
        ));
    }
    rules::prune(&mut root);
    let all = keys.all()?;
    let signers = rules::enough(&[&root.root], &all);
    let link = signed(context, &keys, &root, &signers)?;
    let status = vec![rules::count("root", &root, &root.root, &link.signed)];
    finish(context, &out, &link, &status)
}

pub(super) fn rotate(context: &Context, args: &RotateArgs) -> Result<(), Failure> {
    let keys = Keys::of(&args.place)?;
    let dir = args.root.clone().unwrap_or_else(|| keys.home());
    let old = newest(&read_roots(&dir)?)?.root;
    let mut root = next(&old, args, &keys)?;
    rules::prune(&mut root);
    let all = keys.all()?;
    let named = args.names.iter().map(|name| keys.find(name)).collect::<Result<Vec<_>, _>>()?;
    let signers = match args.names.is_empty() {
        true => rules::enough(&[&old.root, &root.root], &all),
        false => named.iter().collect(),
    };
    if let Some(stranger) = signers.iter().find(|key| !signs(key, &old, &root)) {
        return Err(not_a_signer(stranger, "root"));
    }
    let link = signed(context, &keys, &root, &signers)?;
    let before = format!("root {}", old.version);
    let status = vec![
        rules::count(&before, &old, &old.root, &link.signed),
        rules::count(&format!("root {}", root.version), &root, &root.root, &link.signed),
    ];
    finish(context, &dir, &link, &status)
}

/// Whether a key counts for the step from one root to the next.
fn signs(key: &Known, old: &Root, new: &Root) -> bool {
    old.root.keys.contains(&key.id) || new.root.keys.contains(&key.id)
}

pub(in crate::commands) fn not_a_signer(key: &Known, role: &str) -> Failure {
    let (name, id) = (&key.name, &key.id);
    Failure::new(
        format!("鍵「{name}」（{id}）の署名は、このrootでは{role}に数えられません。"),
        format!("signatures of key {name} ({id}) do not count for {role} under this root"),
    )
}

/// The next document as asked for.
fn next(old: &Root, args: &RotateArgs, keys: &Keys) -> Result<Root, Failure> {
    let mut root = old.clone();
    root.version = old.version.saturating_add(1);
    root.issued_at = timestamp();
    root.expires = last_day(args.terms.expires)?;
    for name in &args.removed {
        rules::remove(&mut root, keys, name)?;
    }
    for name in &args.added {
        let key = keys.find(name)?.trusted();
        for (role, _) in rules::roles(old) {
            let role = rules::role_mut(&mut root, role);
            let absent = role.filter(|role| !role.keys.contains(&key.id));
            absent.into_iter().for_each(|role| role.keys.push(key.id.clone()));
        }
        rules::introduce(&mut root, key);
    }
    for (role, _) in rules::roles(old) {
        if let (Some(threshold), Some(role)) = (args.threshold, rules::role_mut(&mut root, role)) {
            role.threshold = threshold;
        }
    }
    args.terms.roles.iter().try_for_each(|rule| rules::apply(&mut root, keys, rule))?;
    Ok(root)
}

/// The last day in force, as asked or in some years.
fn last_day(asked: Option<Date>) -> Result<Date, Failure> {
    let today = jiff::ZonedDateTime::now().date();
    match asked {
        Some(day) if day < today => Err(Failure::usage(
            format!("--expires {day} は過ぎています。"),
            format!("--expires {day} is past"),
        )),
        Some(day) => Ok(day),
        None => Ok(today.saturating_add(jiff::Span::new().years(YEARS))),
    }
}

/// Checks a document as an appliance would, then signs it.
fn signed(
    context: &Context,
    keys: &Keys,
    root: &Root,
    signers: &[&Known],
) -> Result<Link, Failure> {
    let mut bytes = serde_json::to_vec_pretty(root).map_err(|why| {
        Failure::new(
            format!("rootを書けません（{why}）。"),
            format!("cannot write the root: {why}"),
        )
    })?;
    bytes.push(b'\n');
    Root::parse(&bytes)?;
    let mut signatures = Vec::new();
    for key in signers {
        let signature = keys.unlock(context, &key.name)?.sign(&bytes, &root_comment(root));
        signatures.push(signature.map_err(|why| {
            Failure::new(format!("署名できません（{why}）。"), format!("cannot sign: {why}"))
        })?);
    }
    Ok(Link { version: root.version, signed: Signed { bytes, signatures } })
}

fn finish(
    context: &Context,
    dir: &Path,
    link: &Link,
    status: &[Signatures],
) -> Result<(), Failure> {
    let path = pack::write_root(dir, link)?;
    match context.lang {
        Lang::Ja => say!("{}を作りました。", path.display()),
        Lang::En => say!("{} is made.", path.display()),
    }
    tell_signatures(context, status);
    if link.version == 1 {
        let print = blake3::hash(&link.signed.bytes).to_hex();
        match context.lang {
            Lang::Ja => {
                say!("指紋: {print}");
                say!("機器のkura.tomlに、[sync]のtrusted_rootとして設定してください。");
            }
            Lang::En => {
                say!("Fingerprint: {print}");
                say!("Set it as trusted_root of [sync] in kura.toml of the appliances.");
            }
        }
    }
    Ok(())
}

/// Root documents below a folder.
pub(in crate::commands) fn read_roots(dir: &Path) -> Result<Vec<Link>, Failure> {
    let links = match pack::read_roots(dir) {
        Ok(links) => links,
        Err(SyncError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Vec::new()
        }
        Err(SyncError::Io { path, source, .. }) => return Err(unusable(&path, &source)),
        Err(why) => return Err(why.into()),
    };
    match links.is_empty() {
        false => Ok(links),
        true => Err(Failure::new(
            format!(
                "{}にrootがありません。kura key root init で作るか、--root で場所を指定してください。",
                dir.display()
            ),
            format!(
                "{} has no root document; make one with kura key root init, or name its folder with --root",
                dir.display()
            ),
        )),
    }
}

/// The newest root of a verified chain.
pub(in crate::commands) fn newest(links: &[Link]) -> Result<Chain, Failure> {
    pack::newest_root(links).map_err(|why| match why {
        PackError::Unfit(refusal) => refusal.into(),
        why => Failure::new(format!("rootを確かめられません（{why}）。"), why.to_string()),
    })
}

/// `key root show`
#[derive(Serialize)]
struct Shown<'r> {
    root: &'r Root,
    fingerprint: String,
    signatures: Vec<Signatures>,
}

pub(super) fn show(context: &Context, dir: &Path, json: bool) -> Result<(), Failure> {
    let links = read_roots(dir)?;
    let status = signatures(&links)?;
    // The last one, also while signatures are missing: whoever signs looks at it first.
    let bytes = &links[links.len() - 1].signed.bytes;
    let root = Root::parse(bytes)?;
    let fingerprint = blake3::hash(bytes).to_hex().to_string();
    if json {
        return output::json(&Shown { root: &root, fingerprint, signatures: status });
    }
    match context.lang {
        Lang::Ja => say!("root {}、{}まで、指紋 {fingerprint}", root.version, root.expires),
        Lang::En => {
            say!("Root {}, until {}, fingerprint {fingerprint}", root.version, root.expires);
        }
    }
    tell_signatures(context, &status);
    let header = match context.lang {
        Lang::Ja => ["ID", "持ち主", "署名できるもの"],
        Lang::En => ["ID", "OWNER", "MAY SIGN"],
    };
    let rows = root.keys.iter().map(|key| {
        let of = rules::roles(&root).into_iter().filter(|(_, role)| role.keys.contains(&key.id));
        let of = of.map(|(name, role)| format!("{name} ({})", role.threshold));
        vec![key.id.clone(), key.owner.clone(), of.collect::<Vec<_>>().join(", ")]
    });
    output::table(&header, &rows.collect::<Vec<_>>());
    Ok(())
}

/// Who has signed the last of these documents: by its own rule, and by the rule before.
pub(super) fn signatures(links: &[Link]) -> Result<Vec<Signatures>, Failure> {
    let Some(last) = links.last() else { return Ok(Vec::new()) };
    let root = Root::parse(&last.signed.bytes)?;
    let mut status = Vec::new();
    if let Some(before) = links.iter().find(|link| link.version + 1 == last.version) {
        let old = Root::parse(&before.signed.bytes)?;
        let name = format!("root {}", old.version);
        status.push(rules::count(&name, &old, &old.root, &last.signed));
    }
    let name = format!("root {}", root.version);
    status.push(rules::count(&name, &root, &root.root, &last.signed));
    Ok(status)
}
