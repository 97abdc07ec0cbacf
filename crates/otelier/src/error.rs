use std::error::Error as StdError;
use std::fmt;
use std::io;

/// Why a service could not be started, or its telemetry not be flushed.
///
/// Its `Debug` is its message and those of its sources, because that is what a `main` that returns it
/// prints.
pub struct Error {
    kind: Kind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Installed,
    Pipeline,
    LogWriter,
    NotExported,
    NotWritten,
    #[cfg(feature = "axum")]
    Listen {
        listener: &'static str,
        address: String,
    },
    #[cfg(feature = "axum")]
    Signals,
}

impl Error {
    pub(crate) fn installed(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Kind::Installed, source)
    }

    pub(crate) fn pipeline(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::new(Kind::Pipeline, source)
    }

    pub(crate) fn log_writer(source: io::Error) -> Self {
        Self::new(Kind::LogWriter, source)
    }

    pub(crate) fn not_exported(source: otelier_otlp::ShutdownError) -> Self {
        Self::new(Kind::NotExported, source)
    }

    pub(crate) fn not_written(source: otelier_log::FlushError) -> Self {
        Self::new(Kind::NotWritten, source)
    }

    pub(crate) fn not_taken(lines: u64) -> Self {
        let source =
            format!("stdout failed for {lines} lines; is its reader gone, or its disk full?");
        Self::new(Kind::NotWritten, io::Error::other(source))
    }

    #[cfg(feature = "axum")]
    pub(crate) fn listen(listener: &'static str, address: String, source: io::Error) -> Self {
        Self::new(Kind::Listen { listener, address }, source)
    }

    #[cfg(feature = "axum")]
    pub(crate) fn signals(source: io::Error) -> Self {
        Self::new(Kind::Signals, source)
    }

    /// Whether a listener's address is taken.
    pub fn is_address_in_use(&self) -> bool {
        let source = self
            .source
            .as_ref()
            .and_then(|source| source.downcast_ref());
        source.is_some_and(|source: &io::Error| source.kind() == io::ErrorKind::AddrInUse)
    }

    /// Whether it is the ops listener that could not be opened, not the app's.
    #[cfg(feature = "axum")]
    pub fn is_ops_listener(&self) -> bool {
        matches!(
            self.kind,
            Kind::Listen {
                listener: "ops",
                ..
            }
        )
    }

    /// Whether an OTLP endpoint has `https`, for which the feature `tls` is missing.
    pub fn is_tls_missing(&self) -> bool {
        let source = self
            .source
            .as_ref()
            .and_then(|source| source.downcast_ref());
        source.is_some_and(otelier_otlp::Error::is_tls_missing)
    }

    /// Whether a `tracing` subscriber was installed before.
    pub fn is_already_installed(&self) -> bool {
        self.kind == Kind::Installed
    }

    fn new(kind: Kind, source: impl StdError + Send + Sync + 'static) -> Self {
        Self {
            kind,
            source: Some(Box::new(source)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Installed => f.write_str(
                "a tracing subscriber is installed already: install telemetry once, and first",
            ),
            Kind::Pipeline => f.write_str("cannot start the export of telemetry"),
            Kind::LogWriter => f.write_str("cannot start the thread that writes log lines"),
            Kind::NotExported => f.write_str("telemetry was not exported"),
            Kind::NotWritten => f.write_str("log lines were not written to stdout"),
            #[cfg(feature = "axum")]
            Kind::Listen { listener, address } => {
                write!(f, "cannot listen on {address} for the {listener} listener")
            }
            #[cfg(feature = "axum")]
            Kind::Signals => f.write_str("cannot listen for the signals that stop the service"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&**self.source.as_ref()?)
    }
}
