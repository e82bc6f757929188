//! Rules: where a code is asked. Read from top to bottom, the first that matches wins.

mod condition;
mod pattern;
mod week;

pub use condition::{Condition, GroupName, Place, Subject};
pub use pattern::Pattern;
pub use week::{Minute, Span};

/// What a rule has done with those whom it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A code is asked, of those who aren't enrolled too: `require`.
    Require,
    /// No code is asked: `skip`.
    Skip,
    /// A code is asked of those who are enrolled: `skip-if-not-enrolled`.
    SkipIfNotEnrolled,
    /// Nobody is let in, whatever is typed: `deny`.
    Deny,
}

impl Action {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self::Require,
        Self::Skip,
        Self::SkipIfNotEnrolled,
        Self::Deny,
    ];

    /// As fob.conf writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::Skip => "skip",
            Self::SkipIfNotEnrolled => "skip-if-not-enrolled",
            Self::Deny => "deny",
        }
    }

    /// Whether a code is asked of those who are enrolled.
    pub fn asks(self) -> bool {
        matches!(self, Self::Require | Self::SkipIfNotEnrolled)
    }

    /// Whether it lets somebody pass without a code.
    pub fn loosens(self) -> bool {
        matches!(self, Self::Skip | Self::SkipIfNotEnrolled)
    }
}

/// A rule of fob.conf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What the log calls it. 1 to 64 bytes.
    pub name: String,
    /// All of them must hold; without any, everybody is matched.
    pub conditions: Vec<Condition>,
    /// What is done.
    pub action: Action,
    /// Whether people who aren't enrolled are enrolled in the middle of the login: `enroll`.
    pub enrolls: bool,
    /// For how many seconds after a code none is asked at the same place: `remember`.
    pub remember: Option<u32>,
}

/// A login, as far as rules look at it. What is costly or may fail is asked for only where a
/// rule needs it.
pub trait Scene {
    /// Why something can't be known.
    type Error;

    /// `PAM_SERVICE`.
    fn service(&self) -> &str;

    /// The person's name in the user database; of somebody unknown, what was typed.
    fn user(&self) -> &str;

    /// `PAM_RHOST`. None, or empty, for a login on this machine.
    fn rhost(&self) -> Option<&str>;

    /// `PAM_TTY`.
    fn tty(&self) -> Option<&str>;

    /// Whether the person is in a group.
    ///
    /// # Errors
    /// There is no such group, or the user database doesn't tell.
    fn is_in_group(&self, group: &GroupName) -> Result<bool, Self::Error>;

    /// The time of day and week in the machine's zone; none while its clock was never set.
    ///
    /// # Errors
    /// The zone isn't known.
    fn minute(&self) -> Result<Option<Minute>, Self::Error>;
}

impl Rule {
    /// Whether somebody whom it matches may pass without a code that was right.
    pub fn lets_pass(&self) -> bool {
        self.action.loosens() || self.enrolls || self.remember.is_some()
    }

    /// The names of the groups that its conditions look for.
    pub fn group_names(&self) -> impl Iterator<Item = &str> {
        let groups = self
            .conditions
            .iter()
            .map(|condition| match &condition.subject {
                Subject::Group(groups) => groups.as_slice(),
                _ => &[],
            });
        groups.flatten().filter_map(|group| match group {
            GroupName::Name(name) => Some(name.as_str()),
            GroupName::Id(_) => None,
        })
    }

    /// Whether it can be about logins to this service.
    pub fn may_be_about(&self, service: &str) -> bool {
        self.conditions
            .iter()
            .all(|condition| condition.may_be_about(service))
    }

    /// Whether the rule is about this login.
    ///
    /// # Errors
    /// A condition can't be told. The caller must refuse: a rule never falls through.
    pub fn matches<S: Scene>(&self, scene: &S) -> Result<bool, S::Error> {
        let unknown = !self.action.loosens();
        for condition in &self.conditions {
            if !condition.holds(scene)?.unwrap_or(unknown) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The first of `rules` that matches.
    ///
    /// # Errors
    /// As [`Rule::matches`].
    pub fn first<'a, S: Scene>(rules: &'a [Self], scene: &S) -> Result<Option<&'a Self>, S::Error> {
        for rule in rules {
            if rule.matches(scene)? {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
