use super::*;

fn signed(bytes: &[u8], ids: &[&str]) -> Signed {
    let signatures = ids.iter().map(|id| ((*id).to_owned(), "signature".to_owned())).collect();
    Signed { bytes: bytes.to_vec(), signatures }
}

fn link(version: u32) -> Link {
    Link { version, signed: signed(b"{}", &["0123456789abcdef"]) }
}

#[test]
fn papers_of_any_other_form_are_refused() {
    let manifest = signed(b"{}", &["0123456789abcdef"]);
    let good = Papers { roots: vec![link(1), link(2)], manifest: manifest.clone() };
    good.check().unwrap();
    let with_roots = |roots| Papers { roots, manifest: manifest.clone() };
    let with_manifest = |manifest| Papers { roots: vec![link(1)], manifest };
    let long = vec![b' '; usize::try_from(MANIFEST_BYTES_MAX).unwrap() + 1];
    let long_root = vec![b' '; usize::try_from(ROOT_BYTES_MAX).unwrap() + 1];
    let ids: Vec<_> = (0..=SIGNATURES_MAX).map(|number| format!("{number:016x}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let endless = vec![("0123456789abcdef".to_owned(), "x".repeat(SIGNATURE_BYTES_MAX + 1))];
    let cases = [
        ("version 0", with_roots(vec![link(0)])),
        ("a version twice", with_roots(vec![link(1), link(1)])),
        ("a flood of roots", with_roots((1..=1_001).map(link).collect())),
        ("a long root", with_roots(vec![Link { version: 1, signed: signed(&long_root, &[]) }])),
        ("an empty manifest", with_manifest(signed(b"", &[]))),
        ("a long manifest", with_manifest(signed(&long, &[]))),
        ("a path as key id", with_manifest(signed(b"{}", &["../../../../etc/x"]))),
        ("a key id in capitals", with_manifest(signed(b"{}", &["0123456789ABCDEF"]))),
        ("a key id twice", with_manifest(signed(b"{}", &["0123456789abcdef"; 2]))),
        ("a flood of signatures", with_manifest(signed(b"{}", &ids))),
        (
            "an endless signature",
            with_manifest(Signed { bytes: b"{}".to_vec(), signatures: endless }),
        ),
    ];
    for (name, papers) in cases {
        assert!(papers.check().is_err(), "{name}");
    }
}

#[test]
fn the_id_of_an_upload_is_that_of_its_manifest() {
    let papers = Papers { roots: Vec::new(), manifest: signed(b"{}", &[]) };
    assert!(blake3::hash(b"{}").to_hex().starts_with(&papers.id()));
    assert!(key_id_is_well_formed(&papers.id()));
}

#[test]
fn what_helps_to_try_again_keeps_the_inbox() {
    let refused = |reason| Err(Refusal::new(reason, "").into());
    assert!(!is_over(&refused(Reason::NoSpace)));
    assert!(!is_over(&refused(Reason::DamagedChunk)));
    assert!(is_over(&refused(Reason::GoldenQuestions)));
    assert!(!is_over(&Err(SyncError::Locked { path: PathBuf::from("x") })));
}
