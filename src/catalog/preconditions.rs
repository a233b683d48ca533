//! What must hold of a document before it is read or written, said of its entity tags.

use fenced_cache::ETag;

use super::CatalogError;
use crate::database::id::Stored;
use crate::database::value::Format;

/// What must hold of a document (RFC 9110, section 13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// Its tag must be one of these.
    pub if_match: Option<Tags>,
    /// Its tag must not be one of these.
    pub if_none_match: Option<Tags>,
}

/// Entity tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: that of any document that exists.
    Any,
    /// These, without the mark of a weak tag.
    Listed(Vec<String>),
}

/// What a write requires of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// That it is still the one that is meant.
    Selected,
    /// That it is exactly as it was read.
    Unchanged,
}

impl Preconditions {
    /// Whether nothing is required.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether they hold for a document that exists, with these entity tags: one for each way to show it.
    ///
    /// `If-Match` asks for strong comparison. A weak tag of ours is taken for the strong one all the same: proxies that
    /// compress weaken tags, and one body has one tag here.
    pub fn hold(&self, current: &[ETag]) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.name_one_of(current))
            && !self.if_none_match.as_ref().is_some_and(|tags| tags.name_one_of(current))
    }

    /// Whether the request is only for what does not exist yet: `If-None-Match: *`.
    pub fn require_absence(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }

    /// Whether the request is only for what exists: it has `If-Match`.
    pub fn require_presence(&self) -> bool {
        self.if_match.is_some()
    }

    /// Whether they hold for the stored document (RFC 9110, section 13.2): its entity tag is that of either form in which
    /// it can be read. Where they do, they must still hold when it is written.
    pub(super) fn guard(&self, stored: &Stored) -> Result<Guard, CatalogError> {
        if self.is_empty() {
            return Ok(Guard::Selected);
        }
        let plain = Format::Json.show(stored.text.clone())?;
        if self.hold(&[ETag::of(&plain), ETag::of(&stored.text)]) {
            return Ok(Guard::Unchanged);
        }
        Err(CatalogError::PreconditionFailed)
    }
}

impl Tags {
    fn name_one_of(&self, current: &[ETag]) -> bool {
        match self {
            Tags::Any => true,
            Tags::Listed(tags) => tags.iter().any(|tag| current.iter().any(|etag| etag.as_str() == tag)),
        }
    }
}
