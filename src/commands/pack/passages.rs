//! From a folder of documents to `passages.jsonl`, one passage a line in reading order, and to the
//! index made of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::civil::Date;

use super::super::key::unusable;
use super::super::{Context, Failure, output, reading};
use super::report::go_on;
use crate::document::{DatasetInfo, Passage};
use crate::ingest::folder;
use crate::search::{Index, SearchError};

/// What was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) documents: usize,
    pub(super) passages: u64,
    pub(super) report: folder::FolderReport,
}

/// Reads the folder as `dataset add` does, and writes its passages.
pub(super) fn write(
    context: &Context,
    dir: &Path,
    info: &DatasetInfo,
    target: &Path,
    cancelled: &AtomicBool,
) -> Result<Read, Failure> {
    let file = File::create(target).map_err(|why| unusable(target, &why))?;
    let mut file = BufWriter::new(file);
    let mut count = 0;
    let mut broken: Option<io::Error> = None;
    let read = reading::passages(context, dir, info, cancelled, |passages| {
        for passage in passages {
            count += 1;
            // After a first failure nothing more is read, and that one is reported.
            if broken.is_none() {
                broken = line(&mut file, &passage, info.as_of).err();
            }
        }
        broken.is_none()
    });
    go_on(cancelled)?;
    if let Some(why) = broken {
        return Err(unusable(target, &why));
    }
    let reading::Reading { report, documents } = read?;
    file.flush().map_err(|why| unusable(target, &why))?;
    Ok(Read { documents, passages: count, report })
}

fn line(file: &mut impl Write, passage: &Passage, as_of: Date) -> io::Result<()> {
    file.write_all(passage.to_line(as_of)?.as_bytes())?;
    file.write_all(b"\n")
}

/// Builds the index of a `passages.jsonl` that [`write`] made.
pub(super) fn index(
    context: &Context,
    source: &Path,
    as_of: Date,
    passages: u64,
    dir: &Path,
    cancelled: &AtomicBool,
) -> Result<(), Failure> {
    let bar = output::progress(context, passages, "索引を作っています", "Building the index");
    let file = File::open(source).map_err(|why| unusable(source, &why))?;
    let mut broken: Option<io::Error> = None;
    let lines = BufReader::new(file).lines().map_while(|line| {
        let passage = line.and_then(|line| Ok(Passage::from_line(line.as_bytes(), as_of)?));
        passage.map_err(|why| broken = Some(why)).ok()
    });
    let built = Index::build(dir, lines, |done| bar.set_position(done), cancelled);
    bar.finish_and_clear();
    if let Some(why) = broken {
        return Err(unusable(source, &why));
    }
    go_on(cancelled)?;
    built.map(|_| ()).map_err(|why: SearchError| {
        Failure::new(
            format!(
                "索引を作れません（{why}）。空き容量を確かめるか、--no-index を付けてください。"
            ),
            format!("cannot build the index: {why}; check the free space, or pack with --no-index"),
        )
    })
}
