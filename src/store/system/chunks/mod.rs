//! A value in pieces, for a store whose items are too small for it, such that a crash at any step
//! leaves the old value or the new one.
//!
//! ```text
//! NAME                  header: version, generation, number of chunks, length
//! NAME:GENERATION:0     the first chunk
//! NAME:GENERATION:1     …
//! ```
//!
//! The chunks of a new generation are written before the header names it, and those of the old one
//! are deleted after that.

use zeroize::Zeroizing;

use crate::store::StoreError;

/// The most bytes of a chunk: `CRED_MAX_CREDENTIAL_BLOB_SIZE` (wincred.h).
pub(super) const CHUNK_LEN: usize = 5 * 512;

/// The version of the format.
const VERSION: &str = "1";

/// Small items with a name.
pub(super) trait Items {
    /// Returns an item, if it exists.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;

    /// Writes an item, which is replaced as a whole.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn write(&self, name: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Deletes an item, if it exists.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn delete(&self, name: &str) -> Result<(), StoreError>;

    /// Returns the names that start with `prefix`.
    ///
    /// # Errors
    ///
    /// The store failed.
    fn names(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// The error of a value whose pieces do not fit together.
    fn damaged(&self) -> StoreError;
}

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
struct Header {
    generation: String,
    chunks: usize,
    len: usize,
}

/// Returns the value of this name, if there is one.
///
/// # Errors
///
/// That of `items`.
pub(super) fn get(
    items: &impl Items,
    name: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let mut found = header(items, name)?;
    while let Some(header_read) = found {
        if let Some(value) = read_chunks(items, name, &header_read)? {
            return Ok(Some(value));
        }
        // A writer may have deleted chunks that this header names. Then there is another one.
        found = header(items, name)?;
        if found.as_ref() == Some(&header_read) {
            return Err(items.damaged());
        }
    }
    Ok(None)
}

/// Replaces the value of this name. `generation` is one that no value had before. The caller
/// excludes other writers.
///
/// # Errors
///
/// That of `items`; the old value is still there.
pub(super) fn put(
    items: &impl Items,
    name: &str,
    value: &[u8],
    generation: &str,
) -> Result<(), StoreError> {
    let chunks = value.chunks(CHUNK_LEN);
    let count = chunks.len();
    for (number, chunk) in chunks.enumerate() {
        items.write(&chunk_name(name, generation, number), chunk)?;
    }
    let header = format!("{VERSION} {generation} {count} {}", value.len());
    items.write(name, header.as_bytes())?;
    // The value is stored. What is left here is deleted after the next one.
    let _ = delete_chunks(items, name, Some(generation));
    Ok(())
}

/// Deletes the value of this name, if there is one, and all its remains.
///
/// # Errors
///
/// That of `items`.
pub(super) fn delete(items: &impl Items, name: &str) -> Result<(), StoreError> {
    items.delete(name)?;
    delete_chunks(items, name, None)
}

fn header(items: &impl Items, name: &str) -> Result<Option<Header>, StoreError> {
    let Some(bytes) = items.read(name)? else {
        return Ok(None);
    };
    parse(&bytes).map(Some).ok_or_else(|| items.damaged())
}

fn parse(header: &[u8]) -> Option<Header> {
    let mut words = str::from_utf8(header).ok()?.split(' ');
    (words.next() == Some(VERSION)).then_some(())?;
    let generation = words.next()?.to_owned();
    let mut number = || words.next()?.parse().ok();
    Some(Header {
        generation,
        chunks: number()?,
        len: number()?,
    })
}

/// The value that `header` describes; `None` if a chunk of it is missing or
/// the length is wrong.
fn read_chunks(
    items: &impl Items,
    name: &str,
    header: &Header,
) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Header {
        generation,
        chunks,
        len,
    } = header;
    // What a chunk can contain bounds what a damaged header can claim.
    let capacity = (*len)
        .min(chunks.saturating_mul(CHUNK_LEN))
        .min(crate::store::MAX_LEN);
    let mut value = Zeroizing::new(Vec::with_capacity(capacity));
    for number in 0..*chunks {
        match items.read(&chunk_name(name, generation, number))? {
            Some(chunk) => value.extend_from_slice(&chunk),
            None => return Ok(None),
        }
    }
    Ok((value.len() == *len).then_some(value))
}

/// Deletes the chunks of this name, except those of a generation.
fn delete_chunks(items: &impl Items, name: &str, except: Option<&str>) -> Result<(), StoreError> {
    let kept = except.map(|generation| format!("{name}:{generation}:"));
    for chunk in items.names(&format!("{name}:"))? {
        if !kept.as_ref().is_some_and(|kept| chunk.starts_with(kept)) {
            items.delete(&chunk)?;
        }
    }
    Ok(())
}

fn chunk_name(name: &str, generation: &str, number: usize) -> String {
    format!("{name}:{generation}:{number}")
}

#[cfg(test)]
mod tests;
