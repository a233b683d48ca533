//! Where reads go and what acknowledges writes, as settings spell it.

use std::str::FromStr;

use mongodb::options::{Acknowledgment, ReadConcern, ReadConcernLevel, ReadPreference};

/// Where reads go.
#[derive(Clone, Debug)]
pub struct Reads(pub ReadPreference);

/// What a read may see.
#[derive(Clone, Debug)]
pub struct Concern(pub ReadConcern);

/// What acknowledges a write.
#[derive(Clone, Debug)]
pub struct Writes(pub Acknowledgment);

impl FromStr for Reads {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let options = None;
        Ok(Reads(match text {
            "primary" => ReadPreference::Primary,
            "primaryPreferred" => ReadPreference::PrimaryPreferred { options },
            "secondary" => ReadPreference::Secondary { options },
            "secondaryPreferred" => ReadPreference::SecondaryPreferred { options },
            "nearest" => ReadPreference::Nearest { options },
            _ => return Err("expected primary, primaryPreferred, secondary, secondaryPreferred or nearest"),
        }))
    }
}

impl Reads {
    /// Whether every read goes to the primary.
    pub(super) fn is_primary(&self) -> bool {
        matches!(self.0, ReadPreference::Primary)
    }
}

impl Concern {
    pub(super) fn is_linearizable(&self) -> bool {
        self.0.level == ReadConcernLevel::Linearizable
    }
}

impl FromStr for Concern {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Concern(match text {
            "local" => ReadConcern::local(),
            "available" => ReadConcern::available(),
            "majority" => ReadConcern::majority(),
            "linearizable" => ReadConcern::linearizable(),
            "snapshot" => ReadConcern::snapshot(),
            _ => return Err("expected local, available, majority, linearizable or snapshot"),
        }))
    }
}

impl FromStr for Writes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse::<u32>()) {
            ("majority", _) => Ok(Writes(Acknowledgment::Majority)),
            // A write that nobody acknowledges has no answer to give.
            (_, Ok(nodes @ 1..=50)) => Ok(Writes(Acknowledgment::Nodes(nodes))),
            _ => Err("expected majority, or a number of servers from 1 to 50"),
        }
    }
}
