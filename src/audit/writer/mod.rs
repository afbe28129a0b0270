//! Writes records in a thread of its own, so that no key waits for a disk.
//!
//! The queue is bounded. If it is full or a write fails, records are lost: keys are served all the
//! same, the loss is logged once and reported by `status`, and when writing works again a record
//! says how many are missing.

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing::dispatcher;

use super::{
    chain::Head,
    file::AuditFile,
    record::{GAP, LOG, Record},
    settings::Settings,
    sink::{Copy, Sinks},
    state::{AuditStatus, State},
};
use crate::{sync, trust::TrustError};

/// How many records wait at most: a disk that hangs for seconds, while two hundred sessions start.
const QUEUE: usize = 4096;

/// How many records wait at most for the first configuration.
const UNCONFIGURED: usize = 64;

/// The longest wait for the last records at the daemon's end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The audit log, as the daemon writes to it.
pub(crate) struct Audit {
    user: Option<String>,
    queue: Mutex<Option<SyncSender<Message>>>,
    /// The last settings; `None` before the first ones.
    settings: Mutex<Option<Option<Settings>>>,
    configurations: AtomicU64,
    state: Arc<State>,
    /// The settings that found no place in the queue, for the next message that is taken from it.
    deferred: Arc<Mutex<Option<Configuration>>>,
    /// Ends when the thread does.
    end: Mutex<Option<Receiver<()>>>,
}

enum Message {
    Record(Box<Record>),
    Configure(Configuration),
}

/// New settings.
struct Configuration {
    /// Counts up, so that older ones that waited in the queue do not replace these.
    number: u64,
    /// `None` for no log.
    settings: Option<Box<Settings>>,
}

impl Audit {
    /// A log without a file: records wait for [`Self::configure`]. `user` is a part of each.
    #[must_use]
    pub(crate) fn start(user: Option<String>) -> Self {
        let audit = Self::off();
        let (sender, receiver) = sync_channel(QUEUE);
        let (alive, end) = channel();
        let state = Arc::clone(&audit.state);
        let deferred = Arc::clone(&audit.deferred);
        // Events of the thread are those of the daemon.
        let log = dispatcher::get_default(Clone::clone);
        let thread = thread::Builder::new().name("audit".to_owned());
        let started = thread.spawn(move || {
            let _alive = alive;
            dispatcher::with_default(&log, || Writer::new(state).run(&receiver, &deferred));
        });
        match started {
            Ok(_) => Self {
                user,
                queue: Mutex::new(Some(sender)),
                end: Mutex::new(Some(end)),
                ..audit
            },
            Err(error) => {
                let error = format!("cannot start a thread: {error}");
                tracing::warn!(
                    event = "audit-failed",
                    error,
                    "the audit log is not written"
                );
                audit.state.set_error(&error);
                audit
            }
        }
    }

    /// No log.
    #[must_use]
    pub(crate) fn off() -> Self {
        Self {
            user: None,
            queue: Mutex::default(),
            settings: Mutex::default(),
            configurations: AtomicU64::new(0),
            state: Arc::default(),
            deferred: Arc::default(),
            end: Mutex::default(),
        }
    }

    /// Writes the records from now on as `settings` say; `None` for no log. Never waits.
    pub(crate) fn configure(&self, settings: Option<Settings>) {
        *sync::lock(&self.settings) = Some(settings.clone());
        let configuration = Configuration {
            number: self.configurations.fetch_add(1, Relaxed) + 1,
            settings: settings.map(Box::new),
        };
        let queue = sync::lock(&self.queue);
        let Some(queue) = &*queue else { return };
        let queued = queue.try_send(Message::Configure(configuration));
        if let Err(TrySendError::Full(Message::Configure(configuration))) = queued {
            *sync::lock(&self.deferred) = Some(configuration);
        }
    }

    /// Whether it was configured.
    #[must_use]
    pub(crate) fn is_configured(&self) -> bool {
        sync::lock(&self.settings).is_some()
    }

    /// Whether these are the settings.
    #[must_use]
    pub(crate) fn is_configured_as(&self, settings: Option<&Settings>) -> bool {
        let current = sync::lock(&self.settings);
        current
            .as_ref()
            .is_some_and(|current| current.as_ref() == settings)
    }

    /// There is no log because of `error`.
    pub(crate) fn fail(&self, error: &str) {
        if self.state.set_error(error) {
            tracing::warn!(
                event = "audit-failed",
                error,
                "the audit log is not written"
            );
        }
    }

    /// Writes `record`. Never waits.
    pub(crate) fn record(&self, record: Record) {
        let record = Box::new(Record {
            user: self.user.clone(),
            ..record
        });
        let queue = sync::lock(&self.queue);
        let Some(queue) = &*queue else { return };
        if let Err(TrySendError::Full(_)) = queue.try_send(Message::Record(record)) {
            lose(&self.state, "the disk does not keep up");
        }
    }

    /// How the log does.
    #[must_use]
    pub(crate) fn status(&self) -> AuditStatus {
        self.state.status()
    }

    /// Writes what waits, for a bounded time. Records that come later are dropped.
    pub(crate) fn finish(&self) {
        drop(sync::lock(&self.queue).take());
        if let Some(end) = sync::lock(&self.end).take()
            && end.recv_timeout(FAREWELL) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!(
                event = "audit-failed",
                error = "the disk does not answer",
                "the last records of the audit log are lost",
            );
        }
    }
}

/// The thread.
struct Writer {
    state: Arc<State>,
    /// `None` before the first configuration.
    settings: Option<Option<Settings>>,
    /// The number of that configuration.
    number: u64,
    unconfigured: Vec<Record>,
    file: Option<AuditFile>,
    sinks: Option<Sinks>,
}

impl Writer {
    fn new(state: Arc<State>) -> Self {
        Self {
            state,
            settings: None,
            number: 0,
            unconfigured: Vec::new(),
            file: None,
            sinks: None,
        }
    }

    fn run(mut self, queue: &Receiver<Message>, deferred: &Mutex<Option<Configuration>>) {
        while let Ok(message) = queue.recv() {
            let configuration = sync::lock(deferred).take();
            if let Some(configuration) = configuration {
                self.configure(configuration);
            }
            match message {
                Message::Record(record) => self.write(&record),
                Message::Configure(configuration) => self.configure(configuration),
            }
        }
    }

    fn configure(&mut self, configuration: Configuration) {
        if configuration.number < self.number {
            return;
        }
        self.number = configuration.number;
        let settings = configuration.settings.map(|settings| *settings);
        if self.settings.as_ref() != Some(&settings) {
            self.file = None;
            self.sinks = None;
            self.settings = Some(settings);
        }
        for record in mem::take(&mut self.unconfigured) {
            self.write(&record);
        }
    }

    fn write(&mut self, record: &Record) {
        match self.settings.take() {
            None if self.unconfigured.len() < UNCONFIGURED => {
                self.unconfigured.push(record.clone());
            }
            None => lose(&self.state, "there is no valid configuration"),
            Some(None) => self.settings = Some(None),
            Some(Some(settings)) => {
                self.write_to(&settings, record);
                self.settings = Some(Some(settings));
            }
        }
    }

    fn write_to(&mut self, settings: &Settings, record: &Record) {
        match self.append(settings, record) {
            Ok((line, head)) => {
                if self.state.on_written() {
                    tracing::info!(event = "audit-resumed", "the audit log is written again");
                }
                self.copy(settings, record, &line, Some(head));
            }
            Err(error) => {
                // It is opened again for the next record, and its end looked at.
                self.file = None;
                lose(&self.state, &error);
                let line = serde_json::to_string(record).unwrap_or_default();
                self.copy(settings, record, &crate::logging::visible_json(&line), None);
            }
        }
    }

    /// Appends `record` to the file, after one about the records that were lost before it.
    fn append(&mut self, settings: &Settings, record: &Record) -> Result<(String, Head), String> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open(settings)?,
        };
        let failed = |error| {
            format!(
                "cannot write in '{}': {error}",
                settings.directory.display()
            )
        };
        let lost = self.state.take_unsaid();
        if lost > 0 {
            let gap = Record {
                lost: Some(lost),
                ..Record::new(record.time, LOG, GAP)
            };
            let said = file.append(&gap);
            let (line, head) = said.map_err(|error| {
                self.state.put_back(lost);
                failed(error)
            })?;
            self.copy(settings, &gap, &line, Some(head));
        }
        let appended = file.append(record).map_err(failed)?;
        self.file = Some(file);
        Ok(appended)
    }

    fn open(&self, settings: &Settings) -> Result<AuditFile, String> {
        let waits = || {
            let error = "another daemon writes this log, and its end is waited for";
            if self.state.set_error(error) {
                tracing::warn!(
                    event = "audit-failed",
                    error,
                    "the audit log is not written"
                );
            }
        };
        AuditFile::open(settings, waits).map_err(|error| match error {
            TrustError::Io(error) => {
                format!(
                    "cannot open the log in '{}': {error}",
                    settings.directory.display()
                )
            }
            TrustError::Violation(violation) => violation.to_string(),
        })
    }

    fn copy(&mut self, settings: &Settings, record: &Record, line: &str, head: Option<Head>) {
        let sinks = match self.sinks.take() {
            Some(sinks) => Ok(sinks),
            None => Sinks::new(settings).map_err(|error| format!("cannot open a socket: {error}")),
        };
        let result = sinks.and_then(|sinks| {
            let sent = sinks.send(Copy { record, line, head });
            self.sinks = Some(sinks);
            sent
        });
        if self
            .state
            .on_copied(result.as_ref().err().map(|error| &**error))
        {
            let error = result.err();
            tracing::warn!(
                event = "audit-copy-failed",
                error,
                "a record was not sent elsewhere"
            );
        }
    }
}

/// Counts a record that is lost, and logs the reason once.
fn lose(state: &State, error: &str) {
    if state.on_lost(error) {
        tracing::warn!(
            event = "audit-failed",
            error,
            "the audit log is not written"
        );
    }
}

#[cfg(test)]
mod tests;
