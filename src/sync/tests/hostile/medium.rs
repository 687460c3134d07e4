//! Attacks by the file system on the stick: links, devices, pipes, floods, holes, other mounts.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use super::attacks;
use super::case::Case;
use super::press::{id, put};

const ALL: Mode = Mode::from_raw_mode(0o644);

/// Puts something else in place of a file of the bundle.
fn in_place_of(case: &mut Case, name: &str, make: impl FnOnce(&Path)) {
    case.write();
    let path = match name {
        "chunk" => case.first_chunk(),
        name => case.bundle().join(name),
    };
    fs::remove_file(&path).unwrap();
    make(&path);
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, ALL, 0).unwrap();
}

/// Moves a part of the bundle aside and leaves a link to it: the content is right.
fn linked(case: &mut Case, name: &str) {
    case.write();
    let path = if name == "chunk" { case.first_chunk() } else { case.bundle().join(name) };
    let aside = case.medium().join("aside");
    fs::rename(&path, &aside).unwrap();
    symlink(aside, path).unwrap();
}

fn device(case: &mut Case, name: &str, minor: u32) {
    let mut made = true;
    in_place_of(case, name, |path| {
        made = mknodat(CWD, path, FileType::CharacterDevice, ALL, makedev(1, minor)).is_ok();
    });
    if !made {
        case.impossible = Some("only root can make a device file");
    }
}

fn sparse(path: &Path, len: u64) {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .unwrap()
        .set_len(len)
        .unwrap();
}

/// The right files lie behind another mount.
fn mounted(case: &mut Case, name: &str) {
    case.write();
    let (place, aside) = (case.bundle().join(name), case.spare(name));
    fs::create_dir_all(aside.parent().unwrap()).unwrap();
    fs::rename(&place, &aside).unwrap();
    fs::create_dir(&place).unwrap();
    case.setting.mount = Some((aside, place));
    if !rustix::process::geteuid().is_root() {
        case.impossible = Some("only root can mount");
    }
}

fn flood(dir: &Path, files: usize, name: impl Fn(usize) -> String) {
    let first = dir.join(name(0));
    put(&first, b"");
    // Links are made faster than files, and a folder lists them the same; one file has at most
    // 65,000 of them.
    let mut source = first;
    for n in 1..files {
        let path = dir.join(name(n));
        if n % 50_000 == 0 {
            put(&path, b"");
            source = path;
        } else {
            fs::hard_link(&source, path).unwrap();
        }
    }
}

attacks! {
    symlinked_chunk_is_refused => NotAPlainFile, |case| linked(case, "chunk");
    symlinked_folder_of_chunks_is_refused => NotAPlainFile, |case| linked(case, "chunks");
    symlinked_manifest_is_refused => NotAPlainFile, |case| linked(case, "manifest.json");
    symlinked_root_folder_is_refused => NotAPlainFile, |case| linked(case, "root");
    symlinked_root_is_refused => NotAPlainFile, |case| linked(case, "root/2.json");
    symlinked_signature_is_refused => NotAPlainFile, |case| {
        linked(case, &format!("manifest.{}.minisig", id(4)));
    };
    symlinked_bundle_is_refused => NotAPlainFile, |case| {
        case.write();
        let aside = case.medium().join("aside");
        fs::rename(case.bundle(), &aside).unwrap();
        symlink(aside, case.bundle()).unwrap();
    };
    link_to_a_secret_is_not_read => NotAPlainFile, |case| {
        let secret = case.secret();
        in_place_of(case, "manifest.json", |path| symlink(secret, path).unwrap());
    };
    link_to_itself_is_refused => NotAPlainFile, |case| {
        in_place_of(case, "manifest.json", |path| symlink("manifest.json", path).unwrap());
    };
    link_into_proc_is_refused => NotAPlainFile, |case| {
        in_place_of(case, "chunk", |path| symlink("/proc/self/mem", path).unwrap());
    };
    hard_link_to_a_secret_is_content_with_a_wrong_hash => WrongLength, |case| {
        let secret = case.secret();
        in_place_of(case, "chunk", |path| fs::hard_link(secret, path).unwrap());
    };
    hard_link_to_a_secret_as_manifest_has_no_signature => TooFewSignatures, |case| {
        let secret = case.secret();
        in_place_of(case, "manifest.json", |path| fs::hard_link(secret, path).unwrap());
    };
    pipe_as_chunk_does_not_wait => NotAPlainFile, |case| in_place_of(case, "chunk", pipe);
    pipe_as_manifest_does_not_wait => NotAPlainFile, |case| {
        in_place_of(case, "manifest.json", pipe);
    };
    pipe_as_root_does_not_wait => NotAPlainFile, |case| in_place_of(case, "root/2.json", pipe);
    pipe_as_signature_does_not_wait => NotAPlainFile, |case| {
        in_place_of(case, &format!("manifest.{}.minisig", id(4)), pipe);
    };
    socket_as_chunk_is_refused => NotAPlainFile, |case| {
        // The name of a socket must be short: it is made elsewhere and moved.
        let spare = case.medium().join("s");
        in_place_of(case, "chunk", |path| {
            drop(UnixListener::bind(&spare).unwrap());
            fs::rename(spare, path).unwrap();
        });
    };
    endless_device_as_chunk_is_refused => NotAPlainFile, |case| device(case, "chunk", 5);
    endless_device_as_manifest_is_refused => NotAPlainFile, |case| {
        device(case, "manifest.json", 5);
    };
    device_of_the_memory_is_refused => NotAPlainFile, |case| device(case, "root/2.json", 1);
    folder_as_chunk_is_refused => NotAPlainFile, |case| {
        in_place_of(case, "chunk", |path| fs::create_dir(path).unwrap());
    };
    folder_as_manifest_is_refused => NotAPlainFile, |case| {
        in_place_of(case, "manifest.json", |path| fs::create_dir(path).unwrap());
    };
    file_as_folder_of_chunks_is_refused => MissingChunk, |case| {
        case.write();
        fs::remove_dir_all(case.bundle().join("chunks")).unwrap();
        put(&case.bundle().join("chunks"), b"");
    };
    mount_below_the_bundle_is_refused => NotAPlainFile, |case| mounted(case, "chunks");
    mount_of_the_roots_is_refused => NotAPlainFile, |case| mounted(case, "root");
    signature_of_a_gigabyte_is_refused => WrongLength, |case| {
        case.write();
        sparse(&case.bundle().join(format!("manifest.{}.minisig", id(4))), 1 << 30);
    };
    manifest_of_a_gigabyte_is_refused => WrongLength, |case| {
        case.write();
        sparse(&case.bundle().join("manifest.json"), 1 << 30);
    };
    root_of_an_exabyte_is_refused => WrongLength, |case| {
        case.write();
        sparse(&case.bundle().join("root/3.json"), 1 << 43);
    };
    /// Each as long as a root may be: together a quarter of a gigabyte.
    flood_of_long_roots_is_refused => WrongLength, |case| {
        case.write();
        for n in 3..4_000 {
            sparse(&case.bundle().join(format!("root/{n}.json")), 64 * 1024);
        }
    };
    flood_of_long_signatures_is_refused => WrongLength, |case| {
        case.write();
        for n in 0..4_000 {
            sparse(&case.bundle().join(format!("manifest.{n:016x}.minisig")), 4 * 1024);
        }
    };
    hundred_thousand_roots_are_refused => NotABundle, |case| {
        case.write();
        flood(&case.bundle().join("root"), 100_000, |n| format!("{}.json", n + 3));
    };
    hundred_thousand_files_beside_the_manifest_are_refused => NotABundle, |case| {
        case.write();
        flood(&case.bundle(), 100_000, |n| format!("{n}"));
    };
    unreadable_manifest_is_refused => Unreadable, |case| {
        use std::os::unix::fs::PermissionsExt;
        case.write();
        let path = case.bundle().join("manifest.json");
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        if rustix::process::geteuid().is_root() {
            case.impossible = Some("root can read every file");
        }
    };
}
