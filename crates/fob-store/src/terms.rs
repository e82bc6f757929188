//! On which terms somebody is let in: who they are, which rule is about them, and how they
//! are asked. The module and `fob explain` both come through here.

use std::ffi::CString;

use fob_core::rule::{Action, GroupName, Minute, Rule, Scene};
use fob_core::{
    Day, FirstPass, Kind, Now, Period, Place, Policy, Reason, Settings, Source, Stay, address,
};
use nix::errno::Errno;
use nix::unistd::{Gid, Group, User, getgrouplist};

use crate::account::{file_name, unless_unknown};
use crate::session::session;
use crate::{Fault, FaultKind, Store, Who, now, own_addresses, zone};

/// No file's name is longer on Linux, in bytes.
const MAX_FILE_NAME: usize = 255;

/// A login, as PAM describes it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// `PAM_USER`.
    pub user: &'a str,
    /// `PAM_SERVICE`.
    pub service: &'a str,
    /// `PAM_RHOST`.
    pub rhost: Option<&'a str>,
    /// `PAM_TTY`.
    pub tty: Option<&'a str>,
    /// The real uid of the process that asks.
    pub uid: u32,
}

impl Call<'_> {
    /// Where the attempt counts, if it fails.
    pub fn source(&self) -> Source {
        match self.remote() {
            Some(rhost) => Source::remote(rhost),
            None => Source::local(self.service, self.uid),
        }
    }

    /// Where a code may be remembered. A server for ssh always names the client: one that
    /// doesn't isn't taken for a login on this machine.
    fn place(&self) -> Option<Place> {
        match self.remote() {
            Some(rhost) => Place::remote(self.service, rhost).filter(|_| {
                address(rhost).is_some_and(|address| !own_addresses::may_have(address))
            }),
            None if self.tty == Some("ssh") => None,
            None => session().and_then(|session| Place::local(self.service, self.uid, session)),
        }
    }

    fn remote(&self) -> Option<&str> {
        self.rhost.filter(|rhost| !rhost.is_empty())
    }
}

/// On which terms somebody is let in.
#[derive(Debug)]
pub struct Terms {
    /// Who it is. Absent too where a rule denies: then nothing that is typed can be right,
    /// and everything looks as it does for anybody.
    pub who: Who,
    /// The rule that is about them, by its name.
    pub rule: Option<String>,
    /// How a code is asked for.
    pub settings: Settings,
    /// Why none is asked for.
    pub pass: Option<Pass>,
    /// Whether the person, who isn't enrolled, is to be enrolled first.
    pub enrols: bool,
    /// Where a code that was given is good for a while, and for how long.
    pub stay: Stay,
}

/// Why no code is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// A rule says `skip`.
    Skip,
    /// The person isn't enrolled, and such people may pass; until the end of that day,
    /// where there is one.
    NotEnrolled(Option<Day>),
    /// A code was given there a while ago, and a rule says `remember`.
    Remembered,
}

impl Pass {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::NotEnrolled(_) => Reason::NotEnrolled.word(),
            Self::Remembered => "remembered",
        }
    }
}

impl Store {
    /// On which terms the person is let in; `arguments` is what the module's line says. From
    /// here on, the store judges by those terms.
    ///
    /// # Errors
    /// Those of [`Store::who`], and whatever keeps a rule from being told. Never "no rule is
    /// about them" for want of knowing. Somebody who would pass for want of a token file, or be
    /// enrolled, and has one under a name that they had before.
    pub fn terms(&mut self, call: Call<'_>, arguments: &Settings) -> Result<Terms, Fault> {
        let settings = self.conf.settings(call.service).overlaid(arguments);
        self.conf.policy = settings.policy(self.conf.policy);
        let who = self.who(call.user)?;
        let now = now();
        let facts = Facts {
            store: self,
            call,
            who: &who,
            now: &now,
        };
        let rule = Rule::first(&self.conf.rules, &facts)?;
        let action = rule.map(|rule| rule.action);
        let pass = pass(action, &who, &settings, &now);
        let enrols = rule.is_some_and(|rule| rule.enrolls)
            && may_enrol(&self.conf.policy, &who, &settings, &now);
        if enrols || matches!(pass, Some(Pass::NotEnrolled(_))) {
            self.require_never_enrolled(&who)?;
        }
        // Looked for wherever any rule remembers: a refusal forgets the place for all.
        let used = self.conf.rules.iter().any(|rule| rule.remember.is_some());
        let stay = Stay {
            place: used.then(|| call.place()).flatten(),
            seconds: rule.and_then(|rule| rule.remember),
        };
        Ok(Terms {
            rule: rule.map(|rule| rule.name.clone()),
            who: match action {
                Some(Action::Deny) => Who::Absent(who.name().to_owned(), Reason::Denied),
                _ => who,
            },
            settings,
            pass,
            enrols,
            stay,
        })
    }
}

/// Whether somebody passes without a code. What a rule says comes before `nullok`.
fn pass(action: Option<Action>, who: &Who, settings: &Settings, now: &Now) -> Option<Pass> {
    let not_enrolled = matches!(who, Who::Absent(_, Reason::NotEnrolled));
    match action {
        Some(Action::Skip) => Some(Pass::Skip),
        Some(Action::SkipIfNotEnrolled) => not_enrolled.then_some(Pass::NotEnrolled(None)),
        Some(Action::Require | Action::Deny) => None,
        None if !not_enrolled => None,
        None if settings.nullok() => Some(Pass::NotEnrolled(None)),
        None => {
            // A clock that was never set may be at any day.
            let until = settings.nullok_until.filter(|_| now.clock_is_set())?;
            (now.unix < until.end()).then_some(Pass::NotEnrolled(Some(until)))
        }
    }
}

/// Whether somebody can be enrolled in the middle of this login: where the clock was never
/// set no code could confirm it, where the token wouldn't count it would be of no use, and
/// where a password and a code share one field nobody is asked anything else.
fn may_enrol(policy: &Policy, who: &Who, settings: &Settings, now: &Now) -> bool {
    let totp = Kind::Totp {
        period: Period::DEFAULT,
        t0: 0,
    };
    let counts = policy.types.has(totp) && policy.min_tokens <= 1;
    let asks = !settings.forward_pass() && settings.first_pass() != Some(FirstPass::Use);
    let not_enrolled = matches!(who, Who::Absent(_, Reason::NotEnrolled));
    // A name of unusual characters may be too long for a file's.
    let has_room = file_name(who.name()).len() <= MAX_FILE_NAME;
    not_enrolled && has_room && counts && asks && now.clock_is_set()
}

/// What rules look at.
struct Facts<'a> {
    store: &'a Store,
    call: Call<'a>,
    who: &'a Who,
    now: &'a Now,
}

impl Scene for Facts<'_> {
    type Error = Fault;

    fn service(&self) -> &str {
        self.call.service
    }

    fn user(&self) -> &str {
        self.who.name()
    }

    fn rhost(&self) -> Option<&str> {
        self.call.rhost
    }

    fn tty(&self) -> Option<&str> {
        self.call.tty
    }

    /// By the group's own list, and by what the system says of the person: a database that
    /// doesn't answer may keep silent in one of them.
    fn is_in_group(&self, group: &GroupName) -> Result<bool, Fault> {
        let (found, gid) = match group {
            GroupName::Name(name) => {
                let found = named(name)?.ok_or_else(|| no_group(name))?;
                let gid = found.gid;
                (Some(found), gid)
            }
            GroupName::Id(gid) => {
                let gid = Gid::from_raw(*gid);
                let found = match Group::from_gid(gid) {
                    // So long a list isn't read, and what the system says of the person holds.
                    Err(Errno::ERANGE) => None,
                    found => unless_unknown(found)?,
                };
                (found, gid)
            }
        };
        let Some(user) = unless_unknown(User::from_name(self.user()))? else {
            return Ok(false);
        };
        let is_member = found.is_some_and(|group| group.mem.contains(&user.name));
        if is_member || user.gid == gid {
            return Ok(true);
        }
        let name = CString::new(user.name).unwrap_or_default();
        let groups = getgrouplist(&name, user.gid)
            .map_err(|errno| Fault::new(FaultKind::UserDatabase, errno.desc()))?;
        Ok(groups.contains(&gid))
    }

    fn minute(&self) -> Result<Option<Minute>, Fault> {
        let set = self.now.clock_is_set();
        set.then(|| zone::minute(&self.store.way, self.now))
            .transpose()
    }
}

impl Store {
    /// The groups that rules name and that aren't there, each with its rule's name.
    ///
    /// # Errors
    /// The user database doesn't tell.
    pub fn missing_groups(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut missing = Vec::new();
        for rule in &self.conf.rules {
            for name in rule.group_names() {
                if named(name)?.is_none() {
                    missing.push((rule.name.clone(), name.to_owned()));
                }
            }
        }
        Ok(missing)
    }
}

/// The group of that name.
fn named(name: &str) -> Result<Option<Group>, Fault> {
    match Group::from_name(name) {
        Err(Errno::ERANGE) => Err(Fault::new(
            FaultKind::UserDatabase,
            format!(
                "a rule names the group {name:?}, whose list of members is longer than 1 MiB; \
                 write its number instead; for that run: getent group {name}"
            ),
        )),
        found => unless_unknown(found),
    }
}

fn no_group(name: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        format!("a rule names the group {name:?}, and there is none; correct fob.conf"),
    )
}
