//! The file of slots: appended to in batches, each durable before the next begins; read by position.
//!
//! A damaged end looks like a batch that a crash cut short. A note of how many slots were acknowledged, in a file of its own, tells the
//! two apart. It is never synced: after a power loss it may be behind, which is harmless.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::KeystoreError;
use super::erasing::{self, Overwrite};
use super::slot::{Image, SLOT_BYTES, Slot, Unreadable, checksum};
use crate::disk;

/// The most slots written together. More unreadable slots than this at the end of the file are no torn batch, but damage.
pub(super) const BATCH_SLOTS_MAX: usize = 1024;

/// The file, and the directory it lies in.
pub(super) struct Log {
    directory: PathBuf,
    file: File,
    acknowledged: File,
}

/// The right to write, held by one thread of one process. Dropping it gives it back.
pub(super) struct Held<'l> {
    log: &'l Log,
}

const NAME: &str = "keys";
const ACKNOWLEDGED: &str = "acknowledged";
const READ_SLOTS: usize = 8 * 1024;

// === impl Log ===

impl Log {
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let open = |name: &str| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(directory.join(name))
        };
        let (file, acknowledged) = (open(NAME)?, open(ACKNOWLEDGED)?);
        disk::sync_directory(directory)?;
        Ok(Self { directory: directory.to_owned(), file, acknowledged })
    }

    /// Notes that so many slots are durable. Without the note only less is noticed.
    fn acknowledge(&self, slots: u64) {
        let number = slots.to_be_bytes();
        let _ = self.acknowledged.write_all_at(&[number, checksum(&number)].concat(), 0);
    }

    /// How many slots were durable at least.
    fn acknowledged(&self) -> u64 {
        let (mut number, mut sum) = ([0; 8], [0; 8]);
        let read =
            self.acknowledged.read_exact_at(&mut number, 0).and_then(|()| self.acknowledged.read_exact_at(&mut sum, 8));
        if read.is_ok() && sum == checksum(&number) { u64::from_be_bytes(number) } else { 0 }
    }

    /// This many slots, if that is all there ever were.
    fn complete(&self, found: u64) -> Result<u64, KeystoreError> {
        match self.acknowledged().checked_sub(found) {
            Some(lost) if 0 < lost => Err(KeystoreError::Lost { found, lost }),
            Some(_) | None => Ok(found),
        }
    }

    /// The slot at a position. While another process overwrites it, it may look torn.
    pub(super) fn slot(&self, at: u64) -> Result<Slot, KeystoreError> {
        let mut image = [0; SLOT_BYTES];
        self.file.read_exact_at(&mut image, offset(at))?;
        Slot::read(&image).map_err(|_| KeystoreError::Damaged { slot: at })
    }

    /// Hands over the slots from a position on that were acknowledged, without the right to write: whoever has that may have been
    /// stopped with it. Nobody takes them back, so that they are as good as read with it. None where only who has it can tell: there is
    /// no note of how many there are, or fewer are there than it says, or one of them can't be read, or an erasure is under way.
    pub(super) fn read_acknowledged(
        &self,
        from: u64,
        mut each: impl FnMut(u64, Slot),
    ) -> Result<Option<u64>, KeystoreError> {
        let (end, bytes) = (self.acknowledged(), self.file.metadata()?.len());
        let is_noted = from <= end && offset(end) <= bytes && (0 < end || bytes == 0);
        if !is_noted || erasing::pending(&self.directory)?.is_some() {
            return Ok(None);
        }
        let mut is_readable = true;
        self.images(from, end, |at, image| {
            match Slot::read(image) {
                Ok(slot) => each(at, slot),
                Err(_) => is_readable = false,
            }
            Ok(())
        })?;
        Ok(is_readable.then_some(end))
    }

    /// Hands over what stands in the slots from a position to another, some at a time.
    fn images(
        &self,
        from: u64,
        end: u64,
        mut each: impl FnMut(u64, &Image) -> Result<(), KeystoreError>,
    ) -> Result<(), KeystoreError> {
        let most = |at: u64| usize::try_from(end.saturating_sub(at)).unwrap_or(READ_SLOTS).min(READ_SLOTS);
        let mut images = vec![0; most(from) * SLOT_BYTES];
        let mut at = from;
        while at < end {
            let chunk = &mut images[..most(at) * SLOT_BYTES];
            self.file.read_exact_at(chunk, offset(at))?;
            let (slots, _) = chunk.as_chunks::<SLOT_BYTES>();
            (at..).zip(slots).try_for_each(|(at, image)| each(at, image))?;
            at += slots.len() as u64;
        }
        Ok(())
    }

    /// Waits for the right to write. An erasure that a crash cut short is carried out first.
    pub(super) fn hold(&self) -> Result<Held<'_>, KeystoreError> {
        self.file.lock()?;
        let held = Held { log: self };
        if let Some(pending) = erasing::pending(&self.directory)? {
            held.carry_out(&pending)?;
        }
        Ok(held)
    }
}

// === impl Held ===

impl Held<'_> {
    /// Hands over every slot from a position on, durably written; answers the position behind the last one. What a crash left of a
    /// batch is cut off: nobody was told of it.
    pub(super) fn read_from(&self, from: u64, mut each: impl FnMut(u64, Slot)) -> Result<u64, KeystoreError> {
        let file = &self.log.file;
        let bytes = file.metadata()?.len();
        if bytes == offset(from) {
            return if from == 0 { self.log.complete(0) } else { Ok(from) };
        }
        file.sync_data()?;
        let end = bytes / SLOT_BYTES as u64;
        let mut torn = None;
        self.log.images(from, end, |at, image| {
            match (Slot::read(image), torn) {
                (Ok(slot), None) => each(at, slot),
                (Ok(slot), Some(first)) if slot.batch <= first => {}
                (Err(Unreadable::Torn), None) => torn = Some(at),
                (Err(Unreadable::Torn), Some(first)) if at - first < BATCH_SLOTS_MAX as u64 => {}
                (Ok(_) | Err(Unreadable::Torn), Some(slot)) => return Err(KeystoreError::Damaged { slot }),
                (Err(Unreadable::Foreign), _) => return Err(KeystoreError::Damaged { slot: at }),
            }
            Ok(())
        })?;
        let end = self.log.complete(torn.unwrap_or(end))?;
        if offset(end) < bytes {
            file.set_len(offset(end))?;
            file.sync_data()?;
        }
        // All that was read is durable, whatever the note said.
        self.log.acknowledge(end);
        Ok(end)
    }

    /// Appends a batch durably, or not at all.
    pub(super) fn append(&self, at: u64, images: &[Image]) -> Result<(), KeystoreError> {
        let file = &self.log.file;
        let written = file.write_all_at(images.as_flattened(), offset(at)).and_then(|()| file.sync_data());
        if written.is_err() {
            // Best effort: what stays behind is a torn batch to the next reader.
            let _ = file.set_len(offset(at));
        }
        written.map_err(KeystoreError::Store)?;
        self.log.acknowledge(at + images.len() as u64);
        Ok(())
    }

    /// Overwrites slots: all of them, even if the process or the machine dies on the way.
    pub(super) fn overwrite(&self, overwrites: &[Overwrite]) -> Result<(), KeystoreError> {
        if overwrites.is_empty() {
            return Ok(());
        }
        erasing::begin(&self.log.directory, overwrites)?;
        self.carry_out(overwrites)
    }

    fn carry_out(&self, overwrites: &[Overwrite]) -> Result<(), KeystoreError> {
        for (at, image) in overwrites {
            self.log.file.write_all_at(image, offset(*at))?;
        }
        self.log.file.sync_data()?;
        Ok(erasing::finish(&self.log.directory)?)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // The lock also goes with the file, so nothing is lost if unlocking fails.
        let _ = self.log.file.unlock();
    }
}

fn offset(at: u64) -> u64 {
    at * SLOT_BYTES as u64
}
