//! What a request asks for, whichever way it came: by an action's route, or as a function.

use crate::actions::Action;
use crate::arguments::Arguments;
use crate::call::Envelope;

/// What a request asks for, as its route and its body say.
pub(super) struct Asked<'a> {
    pub(super) action: Action,
    /// The name of the data source.
    pub(super) source: &'a str,
    pub(super) arguments: Arguments<'a>,
    pub(super) envelope: Envelope,
}
