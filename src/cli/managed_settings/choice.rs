//! Which form is printed, for which system.

use claviger_wire::{ExitCode, Failure};

use crate::managed_settings::Platform;

/// What the output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Recipient {
    /// Claude Code.
    #[value(help = None)]
    ClaudeCode,
    /// Claude Desktop and Cowork.
    #[value(help = None)]
    Desktop,
    /// Claviger itself.
    #[value(help = None)]
    Claviger,
}

/// A form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Json,
    Plist,
    Mobileconfig,
    Reg,
    Sh,
    Ps1,
}

/// A system, by the name that the command line has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum PlatformName {
    Linux,
    Macos,
    Windows,
}

/// The form that is printed, and the system of the machines that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) format: Format,
    pub(super) platform: Platform,
}

impl Choice {
    /// Combines the arguments with what follows from the others.
    ///
    /// # Errors
    ///
    /// A failure with [`ExitCode::Usage`] if they contradict each other.
    pub(super) fn new(
        recipient: Recipient,
        format: Option<Format>,
        platform: Option<PlatformName>,
    ) -> Result<Self, Failure> {
        let platform = platform.map(PlatformName::platform);
        let format = format.unwrap_or(match recipient {
            Recipient::Claviger if platform == Some(Platform::Windows) => Format::Ps1,
            Recipient::Claviger => Format::Sh,
            Recipient::ClaudeCode | Recipient::Desktop => Format::Json,
        });
        let is_script = matches!(format, Format::Sh | Format::Ps1);
        if is_script != (recipient == Recipient::Claviger) {
            let problem = "the forms sh and ps1 are for Claviger itself, and it has no others";
            let hint = "add '--for claviger', or choose another '--format'";
            return Err(Failure::new(ExitCode::Usage, problem, hint));
        }
        let systems = format.systems();
        let own = Platform::OF_THIS_MACHINE;
        let usual = systems.iter().find(|system| **system == own);
        let platform = platform.unwrap_or(*usual.unwrap_or(&systems[0]));
        if !systems.contains(&platform) {
            let problem = "'--format' and '--platform' are for different systems";
            let hint = "leave one of the two out";
            return Err(Failure::new(ExitCode::Usage, problem, hint));
        }
        Ok(Self { format, platform })
    }
}

impl Format {
    /// The systems that it is for.
    const fn systems(self) -> &'static [Platform] {
        match self {
            Self::Json => &[Platform::Linux, Platform::Macos, Platform::Windows],
            Self::Plist | Self::Mobileconfig => &[Platform::Macos],
            Self::Reg | Self::Ps1 => &[Platform::Windows],
            Self::Sh => &[Platform::Linux, Platform::Macos],
        }
    }
}

impl PlatformName {
    const fn platform(self) -> Platform {
        match self {
            Self::Linux => Platform::Linux,
            Self::Macos => Platform::Macos,
            Self::Windows => Platform::Windows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(
        recipient: Recipient,
        format: Option<Format>,
        platform: Option<PlatformName>,
    ) -> Option<(Format, Platform)> {
        let choice = Choice::new(recipient, format, platform).ok()?;
        Some((choice.format, choice.platform))
    }

    #[test]
    fn what_is_left_out_follows_from_the_rest() {
        use Recipient::{ClaudeCode, Claviger, Desktop};
        for (recipient, format, platform, expected) in [
            (
                ClaudeCode,
                None,
                None,
                (Format::Json, Platform::OF_THIS_MACHINE),
            ),
            (
                ClaudeCode,
                None,
                Some(PlatformName::Windows),
                (Format::Json, Platform::Windows),
            ),
            (
                ClaudeCode,
                Some(Format::Plist),
                None,
                (Format::Plist, Platform::Macos),
            ),
            (
                Desktop,
                Some(Format::Reg),
                None,
                (Format::Reg, Platform::Windows),
            ),
            (
                Claviger,
                None,
                Some(PlatformName::Windows),
                (Format::Ps1, Platform::Windows),
            ),
            (
                Claviger,
                None,
                Some(PlatformName::Macos),
                (Format::Sh, Platform::Macos),
            ),
        ] {
            assert_eq!(choice(recipient, format, platform), Some(expected));
        }
    }

    #[test]
    fn contradictions_are_errors() {
        use Recipient::{ClaudeCode, Claviger, Desktop};
        for (recipient, format, platform) in [
            (Claviger, Some(Format::Json), None),
            (ClaudeCode, Some(Format::Sh), None),
            (Desktop, Some(Format::Ps1), None),
            (ClaudeCode, Some(Format::Reg), Some(PlatformName::Macos)),
            (Desktop, Some(Format::Plist), Some(PlatformName::Linux)),
            (Claviger, Some(Format::Sh), Some(PlatformName::Windows)),
        ] {
            assert_eq!(choice(recipient, format, platform), None, "{format:?}");
        }
    }
}
