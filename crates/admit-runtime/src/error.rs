//! Why a table does not load, or a name does not resolve.
//! Always: an error says which thing, at which place, and both values where there are two.

use crate::format::Section;
use core::fmt;

/// Why bytes are not a table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LoadError {
    /// Fewer bytes than the smallest table has.
    TooShort {
        /// How many there are.
        bytes: usize,
    },
    /// They do not start as a table starts.
    NotATable,
    /// Another version of the format.
    Version {
        /// The table's version.
        found: u16,
        /// The version that this crate reads.
        supported: u16,
    },
    /// The header says another length.
    Length {
        /// What the header says.
        said: u64,
        /// How many bytes there are.
        bytes: u64,
    },
    /// Some byte changed since the table was written.
    Checksum {
        /// What the table says.
        said: u64,
        /// What its bytes give.
        found: u64,
    },
    /// A setting of the header has no meaning.
    Setting {
        /// The byte of the header.
        at: usize,
        /// Its value.
        value: u8,
    },
    /// A section's length is no multiple of its records', or the sections do not fill the table.
    SectionLength {
        /// The section.
        section: Section,
        /// Its length in bytes.
        bytes: usize,
    },
    /// A record names something that is not there.
    OutOfRange {
        /// Where the record is.
        section: Section,
        /// Which record.
        record: usize,
        /// What it names.
        names: u64,
        /// In which section.
        target: Section,
        /// How many there are.
        count: usize,
    },
    /// Records stand out of order, or one stands twice.
    Order {
        /// Where.
        section: Section,
        /// The second of the two records.
        record: usize,
    },
    /// A record has a value that the writer never writes.
    Value {
        /// Where.
        section: Section,
        /// Which record.
        record: usize,
    },
    /// Text is not UTF-8.
    Text {
        /// The section of the text.
        section: Section,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            LoadError::TooShort { bytes } => write!(f, "{bytes} bytes are too few for a table"),
            LoadError::NotATable => f.write_str("this is not a table: it does not start as one"),
            LoadError::Version { found, supported } => {
                write!(f, "the table has format version {found}, but this program reads version {supported}")
            }
            LoadError::Length { said, bytes } => write!(f, "the table says {said} bytes, but there are {bytes}"),
            LoadError::Checksum { said, found } => {
                write!(f, "the table is damaged: its checksum says {said:016x}, but its bytes give {found:016x}")
            }
            LoadError::Setting { at, value } => write!(f, "byte {at} of the header is {value}, which means nothing"),
            LoadError::SectionLength { section, bytes } => {
                write!(f, "section `{}` cannot have {bytes} bytes", section.name())
            }
            LoadError::OutOfRange { section, record, names, target, count } => {
                let (section, target) = (section.name(), target.name());
                write!(f, "record {record} of `{section}` names {names} of `{target}`, but there are {count}")
            }
            LoadError::Order { section, record } => {
                write!(f, "record {record} of `{}` is out of order", section.name())
            }
            LoadError::Value { section, record } => {
                write!(f, "record {record} of `{}` has a value that means nothing", section.name())
            }
            LoadError::Text { section } => write!(f, "section `{}` is not UTF-8", section.name()),
        }
    }
}

impl core::error::Error for LoadError {}

/// A name that the policy does not have. Whoever asks about it is denied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Unknown {
    /// No such model.
    Model,
    /// No such operation, or not on this kind of resource.
    Operation,
    /// No such custom operation.
    CustomOperation,
    /// No such bucket.
    Bucket,
    /// No such group of the user pool.
    Group,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unknown::Model => "the policy has no such model",
            Unknown::Operation => "there is no such operation on this resource",
            Unknown::CustomOperation => "the policy has no such custom operation",
            Unknown::Bucket => "the policy has no such bucket",
            Unknown::Group => "the policy has no such group",
        })
    }
}

impl core::error::Error for Unknown {}

/// Why a caller cannot be made a principal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PrincipalError {
    /// More groups than a principal can hold. None is cut: the one cut might be the one denied.
    TooManyGroups {
        /// The cap.
        limit: usize,
    },
    /// Two groups that the policy's `exclusive` lets nobody hold together.
    ExclusiveGroups,
    /// Mode `function` without the function's name.
    NoFunction,
}

impl fmt::Display for PrincipalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrincipalError::TooManyGroups { limit } => {
                write!(f, "the caller holds more than {limit} of the policy's groups")
            }
            PrincipalError::ExclusiveGroups => f.write_str("the caller holds two groups that nobody may hold together"),
            PrincipalError::NoFunction => f.write_str("a caller in mode `function` needs the function's name"),
        }
    }
}

impl core::error::Error for PrincipalError {}
