//! The files of the log: appending, rotation, and going on after a crash.
//!
//! A line is one write(2). After it, the head (the last record's number and hash) is written to a
//! file of its own, so that a missing end shows. Nothing is synchronized with the disk: a process
//! that is killed loses no line, a machine that loses its power may lose the last ones.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
};

use super::{
    chain::Head,
    hash::Hash,
    record::{LOG, RECOVERED, ROTATED, Record},
    settings::{Names, Settings},
    tail::{Rest, Tail},
};
use crate::{
    clock::Timestamp,
    environment,
    trust::{PrivateDirectory, TrustError},
};

/// The longest content of the head's file.
const MAX_HEAD: u64 = 200;

/// The open log.
#[derive(Debug)]
pub(super) struct AuditFile {
    directory: PrivateDirectory,
    names: Names,
    max_len: u64,
    keep: u32,
    file: File,
    head_file: File,
    head: Head,
    /// The part of a record that a crash has left, until a record says so.
    torn: Option<Hash>,
    /// Whether the file goes on with the chain of the one before it, and no record says so yet.
    continues: bool,
    /// Excludes other writers while it is open.
    _lock: File,
}

impl AuditFile {
    /// Opens the log. Calls `waits` before it waits for another daemon that writes it.
    ///
    /// # Errors
    ///
    /// The directory or a file is not the user's, or the system's error.
    pub(super) fn open(settings: &Settings, waits: impl FnOnce()) -> Result<Self, TrustError> {
        let directory = directory(settings)?;
        let names = settings.names.clone();
        let lock = directory.append(&names.lock())?;
        if lock.try_lock().is_err() {
            waits();
            lock.lock()?;
        }
        let mut head_file = directory.update(&names.head())?;
        let known = read_head(&mut head_file)?;
        let file = directory.append(&names.log())?;
        let is_empty = file.metadata()?.len() == 0;
        let has_older = directory.has(&names.older(1));
        let name = match is_empty && has_older {
            true => names.older(1),
            false => names.log(),
        };
        let tail = Tail::of(&mut directory.update(&name)?)?;
        let head = match (tail.last, known) {
            // The head's file is written last, so it can only lag behind, unless the end of the log
            // was removed or edited: then the chain goes on from the known head, and shows it.
            (Some(last), Some(known)) if known.seq >= last.seq => known,
            (Some(last), _) => last,
            (None, known) => known.unwrap_or(Head::START),
        };
        let mut log = Self {
            directory,
            names,
            max_len: settings.max_len,
            keep: settings.keep,
            file,
            head_file,
            head,
            torn: None,
            continues: is_empty && has_older && tail.last == Some(head),
            _lock: lock,
        };
        if !is_empty {
            log.close_line(tail.rest)?;
        }
        Ok(log)
    }

    /// Appends `record`, after the records about the log itself that are due. Returns its line, and
    /// its place in the chain.
    ///
    /// # Errors
    ///
    /// The system's error. The file then ends with a whole line, or must be opened again.
    pub(super) fn append(&mut self, record: &Record) -> io::Result<(String, Head)> {
        if !self.directory.is_current(&self.names.log(), &self.file) {
            // Removed or renamed by another process: the chain goes on, and shows what is missing.
            self.file = self.reopen()?;
        }
        if let Some(torn) = self.torn {
            let recovered = Record {
                torn: Some(torn),
                ..Record::new(record.time, LOG, RECOVERED)
            };
            self.write(&self.head.followed_by(&recovered))?;
            self.torn = None;
        }
        let mut next = self.head.followed_by(record);
        let len = self.file.metadata()?.len();
        if len > 0 && len + next.0.len() as u64 + 1 > self.max_len {
            self.rotate()?;
        }
        if self.continues {
            self.write(&self.head.followed_by(&self.rotated(record.time)))?;
            self.continues = false;
            next = self.head.followed_by(record);
        }
        self.write(&next)?;
        Ok(next)
    }

    /// Writes one line, and the head that it is.
    fn write(&mut self, (line, head): &(String, Head)) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        let line = format!("{line}\n");
        let written = loop {
            match self.file.write(line.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if written < line.len() {
            // If this fails, too, the next one who opens the log finds a part of a line.
            self.file.set_len(len)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.head = *head;
        // It is overwritten in place, which needs no space. A head that lags behind is accepted.
        let _ = self.head_file.seek(SeekFrom::Start(0));
        let _ = self
            .head_file
            .write_all(format!("{:020}:{}\n", head.seq, head.hash).as_bytes());
        Ok(())
    }

    /// Renames the files, and starts a new one.
    fn rotate(&mut self) -> io::Result<()> {
        let mut surplus = self.keep.saturating_add(1);
        while self.directory.has(&self.names.older(surplus)) {
            self.directory.remove(&self.names.older(surplus))?;
            surplus = surplus.saturating_add(1);
        }
        for age in (1..self.keep).rev() {
            let name = self.names.older(age);
            if self.directory.has(&name) {
                self.directory.rename(&name, &self.names.older(age + 1))?;
            }
        }
        self.directory
            .rename(&self.names.log(), &self.names.older(1))?;
        self.continues = true;
        self.file = self.reopen()?;
        Ok(())
    }

    /// The first record of a file that continues the log.
    fn rotated(&self, time: Timestamp) -> Record {
        let ages = 1..=self.keep;
        let previous = ages.filter(|age| self.directory.has(&self.names.older(*age)));
        Record {
            previous_files: u32::try_from(previous.count()).ok(),
            ..Record::new(time, LOG, ROTATED)
        }
    }

    /// Ends the last line, which a crash has left without a line break.
    fn close_line(&mut self, rest: Rest) -> io::Result<()> {
        match rest {
            Rest::Nothing => return Ok(()),
            Rest::Record => {}
            Rest::Part(hash) => self.torn = Some(hash),
        }
        self.file.write_all(b"\n")
    }

    fn reopen(&self) -> io::Result<File> {
        self.directory
            .append(&self.names.log())
            .map_err(|error| match error {
                TrustError::Io(error) => error,
                TrustError::Violation(violation) => io::Error::other(violation.to_string()),
            })
    }
}

fn directory(settings: &Settings) -> Result<PrivateDirectory, TrustError> {
    let Some(group) = &settings.group else {
        return PrivateDirectory::open_or_create(&settings.directory);
    };
    let unknown = || io::Error::other(format!("there is no group '{group}' on this machine"));
    let group = environment::group(group).ok_or_else(unknown)?;
    PrivateDirectory::open_or_create_for(&settings.directory, group)
}

fn read_head(file: &mut File) -> io::Result<Option<Head>> {
    let mut text = String::new();
    // What is not a head counts as none: it was cut, or is not this program's.
    match file.take(MAX_HEAD).read_to_string(&mut text) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
        result => result.map(|_| text.trim_end().parse().ok()),
    }
}

#[cfg(test)]
mod tests;
