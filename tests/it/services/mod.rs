//! The daemon as a service of systemd's user manager: `packaging/linux/systemd`.

mod activation;
mod audit;
mod ending;
mod failing;
mod orders;
mod protocol;
mod units;

/// A source that prints [`KEY`](crate::support::KEY).
fn fixed() -> String {
    format!("echo {}", crate::support::KEY)
}

/// A source that writes the file `started`, waits for the file `go`, and prints the key.
fn gated() -> String {
    format!(
        "touch /home/ana/started; while ! [ -e /home/ana/go ]; do sleep 0.02; done; echo {}",
        crate::support::KEY
    )
}
