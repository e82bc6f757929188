//! One condition of a rule.

use ipnet::IpNet;

use super::{Pattern, Scene, Span};
use crate::source::address;

/// What a condition looks at, and what it looks for: any of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `PAM_SERVICE`.
    Service(Vec<Pattern>),
    /// The person.
    User(Vec<Pattern>),
    /// The address in `PAM_RHOST`. Names are never looked up.
    Network(Vec<IpNet>),
    /// `PAM_TTY`.
    Tty(Vec<Place>),
    /// The time in the machine's zone.
    Time(Vec<Span>),
    /// The person's groups. Last: it may take a network to tell.
    Group(Vec<GroupName>),
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it looks at and for.
    pub subject: Subject,
    /// Whether it holds where the subject is none of the list: `not_…`.
    pub negated: bool,
}

/// A group, by name or by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupName {
    /// As the user database calls it.
    Name(String),
    /// Its gid.
    Id(u32),
}

/// What `tty` may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// PAM names no remote host: `local`.
    Local,
    /// PAM names a remote host: `remote`.
    Remote,
    /// The terminal is called so, with or without `/dev/`.
    Terminal(Pattern),
}

impl Condition {
    /// Whether it holds. `None` where that can't be known, and yet is no fault.
    ///
    /// # Errors
    /// Those of the scene.
    pub(super) fn holds<S: Scene>(&self, scene: &S) -> Result<Option<bool>, S::Error> {
        let any = |patterns: &[Pattern], text: &str| patterns.iter().any(|p| p.matches(text));
        let found = match &self.subject {
            Subject::Service(names) => Some(any(names, scene.service())),
            Subject::User(names) => Some(any(names, scene.user())),
            Subject::Network(networks) => self.network(networks, rhost(scene)),
            Subject::Tty(places) => Some(places.iter().any(|place| place.is_of(scene))),
            Subject::Time(spans) => {
                let minute = scene.minute()?;
                minute.map(|minute| spans.iter().any(|span| span.contains(minute)))
            }
            Subject::Group(groups) => {
                let mut found = false;
                for group in groups {
                    found |= scene.is_in_group(group)?;
                }
                Some(found)
            }
        };
        Ok(found.map(|found| found != self.negated))
    }

    /// Whether it can hold in this service.
    pub(super) fn may_be_about(&self, service: &str) -> bool {
        match &self.subject {
            Subject::Service(names) => {
                names.iter().any(|name| name.matches(service)) != self.negated
            }
            _ => true,
        }
    }

    /// A host name is in no network. Nor is it for certain outside of one.
    fn network(&self, networks: &[IpNet], rhost: Option<&str>) -> Option<bool> {
        let Some(rhost) = rhost else {
            return Some(false);
        };
        match address(rhost) {
            Some(address) => Some(networks.iter().any(|network| network.contains(&address))),
            None if self.negated => None,
            None => Some(false),
        }
    }
}

impl Place {
    fn is_of<S: Scene>(&self, scene: &S) -> bool {
        match self {
            Self::Local => rhost(scene).is_none(),
            Self::Remote => rhost(scene).is_some(),
            Self::Terminal(pattern) => {
                let tty = scene.tty().unwrap_or_default();
                pattern.matches(tty.strip_prefix("/dev/").unwrap_or(tty))
            }
        }
    }
}

fn rhost<S: Scene>(scene: &S) -> Option<&str> {
    scene.rhost().filter(|rhost| !rhost.is_empty())
}
