//! The names of files in the state directory, which a user's daemons on different sockets share.

use aws_lc_rs::digest;

/// How many bytes of a hash distinguish the files of two daemons.
const ID_LEN: usize = 8;

/// The name of the file for `content` of the daemon that is called `instance`, which is empty for
/// the one on the user's usual socket.
#[must_use]
pub(crate) fn state_file(content: &str, instance: &str) -> String {
    if instance.is_empty() {
        return format!("{content}.json");
    }
    let hash = digest::digest(&digest::SHA256, instance.as_bytes());
    let id = hash.as_ref()[..ID_LEN].iter();
    let id: String = id.map(|byte| format!("{byte:02x}")).collect();
    format!("{content}-{id}.json")
}
