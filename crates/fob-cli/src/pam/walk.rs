//! Who gets in: every way through a stack, walked as libpam walks it (its pam_dispatch.c).

use std::collections::{BTreeSet, HashSet};

use super::line::{Control, Placed};

/// What a module is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// This module.
    Ours,
    /// It asks for another factor.
    FirstFactor,
    /// It lets some people go past other lines.
    Exemption,
    /// Anything else.
    Other,
}

/// What a line can do.
#[derive(Debug)]
pub(crate) struct Module<'a> {
    pub(crate) role: Role,
    /// What it may say, such as `success` or `auth_err`.
    pub(crate) answers: Vec<&'a str>,
    /// What it says in `pam_setcred`, whatever it said before.
    pub(crate) setcred: &'a str,
}

/// A way that ended well.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Trail<'a> {
    /// What this module said. `None` if no line of its was come to.
    pub(crate) ours: Option<&'a str>,
    /// The line that went past this module, and whether it had said yes.
    pub(crate) past: Option<(usize, bool)>,
    /// Whether a first factor said yes.
    pub(crate) first_factor: bool,
    /// Whether an exemption went past any line.
    pub(crate) exempted: bool,
}

/// libpam's impression and status, as far as they decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Verdict {
    /// Nothing counted yet, which refuses at the end.
    Open,
    Yes,
    /// Something else than a yes was taken for an answer: refuses at the end.
    Spoiled,
    No,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct State<'a> {
    at: usize,
    /// The depth of the line before.
    depth: usize,
    verdict: Verdict,
    /// The verdict on the way into each substack; the first is that of the start.
    saved: Vec<Verdict>,
    trail: Trail<'a>,
}

/// A stack whose ways are more than this isn't judged.
const MAX_STATES: usize = 200_000;

/// All ways through the stack that let somebody in; none if there are too many to be told.
/// `modules` has one for each line.
pub(crate) fn walk<'a>(auth: &[Placed], modules: &[Module<'a>]) -> Option<BTreeSet<Trail<'a>>> {
    let mut open = vec![State::start()];
    let (mut seen, mut ends) = (HashSet::new(), BTreeSet::new());
    while let Some(mut state) = open.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        if seen.len() > MAX_STATES {
            return None;
        }
        let (Some(placed), Some(module)) = (auth.get(state.at), modules.get(state.at)) else {
            if state.verdict == Verdict::Yes {
                ends.insert(state.trail);
            }
            continue;
        };
        state.enter(placed.depth);
        if placed.line.control == Control::Substack {
            state.at = state.at.saturating_add(1);
            open.push(state);
            continue;
        }
        let next = |answer: &&'a str| state.after(auth, modules, module.role, answer);
        open.extend(module.answers.iter().map(next));
    }
    Some(ends)
}

/// The line by which `pam_setcred` goes past this module. In the process that authenticated,
/// libpam goes the way that it went then. In another, as sshd's, it goes by what each module says
/// to `pam_setcred`: this is that way, and no other is possible.
pub(crate) fn past_in_setcred(auth: &[Placed], modules: &[Module<'_>]) -> Option<usize> {
    let (mut state, mut past) = (State::start(), None);
    while let (Some(placed), Some(module)) = (auth.get(state.at), modules.get(state.at)) {
        if module.role == Role::Ours {
            return None;
        }
        state.enter(placed.depth);
        if placed.line.control == Control::Substack {
            state.at = state.at.saturating_add(1);
            continue;
        }
        state = state.after(auth, modules, module.role, module.setcred);
        past = past.or(state.trail.past.map(|(at, _)| at));
    }
    past
}

/// The line that a jump over `count` lines leads to, and whether there were so many; a
/// substack counts as one line. PAM refuses if there were fewer, and goes on where it stopped.
fn jump(auth: &[Placed], at: usize, count: usize) -> (usize, bool) {
    let depth_at = |line: usize| auth.get(line).map(|placed| placed.depth);
    let depth = depth_at(at).unwrap_or_default();
    let mut to = at.saturating_add(1);
    for _ in 0..count {
        if depth_at(to).is_none_or(|found| found < depth) {
            return (to, false);
        }
        to = to.saturating_add(1);
        while depth_at(to).is_some_and(|found| found > depth) {
            to = to.saturating_add(1);
        }
    }
    (to, true)
}

/// The first line behind the substack that a line is in, or behind the stack.
fn behind(auth: &[Placed], at: usize) -> usize {
    let depth = auth.get(at).map_or(0, |placed| placed.depth);
    let rest = auth.iter().enumerate().skip(at).skip(1);
    let mut out = rest.filter(|(_, placed)| placed.depth < depth);
    out.next().map_or(auth.len(), |(index, _)| index)
}

impl<'a> State<'a> {
    fn start() -> Self {
        Self {
            at: 0,
            depth: 0,
            verdict: Verdict::Open,
            saved: vec![Verdict::Open],
            trail: Trail::default(),
        }
    }

    fn enter(&mut self, depth: usize) {
        if depth > self.depth {
            self.saved.resize(depth.saturating_add(1), self.verdict);
        }
        self.saved.truncate(depth.saturating_add(1));
        self.depth = depth;
    }

    /// What follows when the module of this line says `answer`.
    fn after(
        &self,
        auth: &[Placed],
        modules: &[Module<'a>],
        role: Role,
        answer: &'a str,
    ) -> State<'a> {
        let mut next = self.clone();
        next.at = self.at.saturating_add(1);
        let action = auth
            .get(self.at)
            .map_or("bad", |placed| placed.line.control.action(answer));
        match action {
            "ignore" => {}
            "reset" => next.verdict = self.saved.last().copied().unwrap_or(Verdict::Open),
            "ok" | "done" => {
                next.verdict = match (self.verdict, answer) {
                    (Verdict::Open | Verdict::Yes, "success") => Verdict::Yes,
                    (Verdict::Open | Verdict::Yes, _) => Verdict::Spoiled,
                    (settled, _) => settled,
                };
                if action == "done" && next.verdict != Verdict::No {
                    next.at = behind(auth, self.at);
                }
            }
            "die" => {
                next.verdict = Verdict::No;
                next.at = behind(auth, self.at);
            }
            count => match count.parse().map(|count| jump(auth, self.at, count)) {
                Ok((to, true)) => next.at = to,
                Ok((to, false)) => {
                    next.at = to;
                    next.verdict = Verdict::No;
                }
                Err(_) => next.verdict = Verdict::No,
            },
        }
        next.trail.note(self.at, next.at, modules, role, answer);
        next
    }
}

impl<'a> Trail<'a> {
    fn note(&mut self, at: usize, to: usize, modules: &[Module<'a>], role: Role, answer: &'a str) {
        // An expired password is a right one.
        let yes = matches!(answer, "success" | "new_authtok_reqd");
        let mut over = modules.iter().take(to).skip(at).skip(1).peekable();
        match role {
            Role::Ours if self.ours != Some("success") => self.ours = Some(answer),
            Role::FirstFactor => self.first_factor |= yes,
            Role::Exemption => self.exempted |= over.peek().is_some(),
            Role::Ours | Role::Other => {}
        }
        if over.any(|module| module.role == Role::Ours) {
            self.past = Some((at, yes));
        }
    }
}
