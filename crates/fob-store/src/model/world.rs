//! The machine: processes that log in, one file, one lock, and what must hold of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;

use fob_core::{Attempt, Evidence, Ledger, Now, Policy, Reason, Source, Stay, Ticket, Verdict};

use super::Chances;
use super::disk::Disk;
use super::medium::Sim;
use super::people::{FILE, owner};
use super::reference::{Known, Spent};
use crate::judge::Judging;
use crate::pages::{Pages, complete};
use crate::slot::{Kind, Slot};

/// The file's path, which only faults name.
pub(super) const PATH: &str = "/state/1000";

/// What a process does.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Somebody types this; the plain form of it beside it.
    Type(String, String),
    /// Two codes in a row.
    Pair(String, String),
    /// `fob unlock`.
    Unlock,
}

/// How far a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Looks whether there is a ledger.
    Look,
    /// Gives the one that it made its name.
    Link,
    /// Makes the name durable.
    SyncName,
    /// Waits for the lock.
    Lock,
    Done,
}

/// One process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) deed: Deed,
    pub(super) rhost: String,
    stage: Stage,
    /// Something failed in it, or it ended before its time: a refusal proves nothing.
    disturbed: bool,
    /// It ended before its time: nobody hears what it says.
    killed: bool,
    pub(super) accepted: bool,
}

impl Process {
    pub(super) fn new(deed: Deed, rhost: String) -> Self {
        Self {
            deed,
            rhost,
            stage: Stage::Look,
            disturbed: false,
            killed: false,
            accepted: false,
        }
    }
}

/// What happens to a process at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Go,
    Killed,
    Failed,
}

/// A ledger that was written, and what the reference knows of it.
#[derive(Debug, Clone)]
struct Record {
    ledger: Ledger,
    known: Known,
}

/// Whether another ledger than the last may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    None,
    /// The last write wasn't finished.
    Torn,
    /// The power went: what is read is all that there is.
    Cut,
}

/// What the one that holds the lock is expected to write.
#[derive(Debug, Clone, Default)]
struct Expected {
    before: Known,
    after: Known,
    settled: bool,
}

/// The machine.
pub(super) struct World {
    chances: Rc<RefCell<dyn Chances>>,
    /// How many faults may still happen.
    pub(super) faults: u32,
    pub(super) disk: Option<Disk>,
    pub(super) now: Now,
    pub(super) policy: Policy,
    /// Whether the reference knows every answer; else it knows what must not be accepted.
    exact: bool,
    processes: Vec<Process>,
    is_locked: bool,
    /// Counts power cuts: who began before one is gone.
    pub(super) boot: u8,
    /// All that was written, oldest first.
    written: Vec<Record>,
    /// The last of them that a success was said for.
    said: Option<usize>,
    doubt: Doubt,
    expected: Expected,
    accepted: BTreeSet<Spent>,
    /// Attempts that were looked at or could have been, for the throttle.
    pub(super) attempts: u32,
}

pub(super) type Shared = Rc<RefCell<World>>;

impl World {
    pub(super) fn new(
        chances: Rc<RefCell<dyn Chances>>,
        policy: Policy,
        exact: bool,
        now: Now,
    ) -> Shared {
        Rc::new(RefCell::new(Self {
            chances,
            faults: 0,
            disk: None,
            now,
            policy,
            exact,
            processes: Vec::new(),
            is_locked: false,
            boot: 1,
            written: Vec::new(),
            said: None,
            doubt: Doubt::None,
            expected: Expected::default(),
            accepted: BTreeSet::new(),
            attempts: 0,
        }))
    }

    pub(super) fn pick(&self, options: usize) -> usize {
        self.chances.borrow_mut().pick(options)
    }

    /// What the reference knows now.
    pub(super) fn known(&self) -> Known {
        self.written
            .last()
            .map(|record| record.known.clone())
            .unwrap_or_default()
    }

    pub(super) fn accepted(&self) -> impl Iterator<Item = Spent> {
        self.accepted.iter().copied()
    }

    /// Lets processes run at once, in any order of their steps, until all have ended.
    pub(super) fn run(world: &Shared, processes: Vec<Process>) -> Vec<Process> {
        world.borrow_mut().processes = processes;
        loop {
            let ready = world.borrow().ready(None);
            if ready.is_empty() {
                break;
            }
            let may_cut = world.borrow().faults > 0 && world.borrow().disk.is_some();
            let picked = world.borrow().pick(ready.len() + usize::from(may_cut));
            match ready.get(picked) {
                Some(who) => Self::step(world, *who),
                None => world.borrow_mut().cut(),
            }
        }
        std::mem::take(&mut world.borrow_mut().processes)
    }

    /// Who can make a step, beside the one that holds the lock.
    fn ready(&self, but: Option<usize>) -> Vec<usize> {
        let can = |stage: Stage| match stage {
            Stage::Look | Stage::Link | Stage::SyncName => true,
            Stage::Lock => !self.is_locked,
            Stage::Done => false,
        };
        let all = self.processes.iter().enumerate();
        all.filter(|(who, process)| Some(*who) != but && can(process.stage))
            .map(|(who, _)| who)
            .collect()
    }

    fn step(world: &Shared, who: usize) {
        let stage = world.borrow().processes[who].stage;
        if stage == Stage::Lock {
            return Self::locked(world, who);
        }
        let mut world = world.borrow_mut();
        let next = match (stage, &world.disk) {
            (Stage::Look, None) => Stage::Link,
            (Stage::Look | Stage::Link, Some(_)) => Stage::Lock,
            (Stage::Link, None) => {
                world.create();
                Stage::SyncName
            }
            _ => world.sync_name(who),
        };
        world.processes[who].stage = next;
    }

    fn create(&mut self) {
        let ledger = Ledger::new(owner());
        self.disk = Some(Disk::new(complete(&ledger, Path::new(PATH)).unwrap()));
        let known = Known::default();
        self.written.push(Record { ledger, known });
    }

    /// The creator makes the name durable, unless it is killed or the disk fails.
    fn sync_name(&mut self, who: usize) -> Stage {
        if self.faults > 0 && self.pick(2) == 1 {
            self.faults -= 1;
            self.processes[who].disturbed = true;
            return Stage::Done;
        }
        self.disk.as_mut().unwrap().name_is_durable = true;
        Stage::Lock
    }

    /// What happens beside a step of the one that holds the lock, and then to it.
    pub(super) fn moment(world: &Shared, who: usize) -> Fate {
        loop {
            let others = world.borrow().ready(Some(who));
            let faults = if world.borrow().faults > 0 { 3 } else { 0 };
            let picked = world.borrow().pick(1 + others.len() + faults);
            if picked == 0 {
                return Fate::Go;
            }
            if let Some(other) = others.get(picked - 1) {
                Self::step(world, *other);
                continue;
            }
            let mut world = world.borrow_mut();
            world.processes[who].disturbed = true;
            world.processes[who].killed = picked - others.len() < 3;
            if picked - others.len() == 2 {
                world.cut();
                return Fate::Killed;
            }
            world.faults -= 1;
            let killed = picked - others.len() == 1;
            return if killed { Fate::Killed } else { Fate::Failed };
        }
    }

    fn cut(&mut self) {
        self.faults -= 1;
        self.boot += 1;
        self.now.boot_id = [self.boot; 16];
        self.now.boot = 5;
        self.is_locked = false;
        for process in self
            .processes
            .iter_mut()
            .filter(|one| one.stage != Stage::Done)
        {
            (process.disturbed, process.killed) = (true, true);
            process.stage = Stage::Done;
        }
        let chances = Rc::clone(&self.chances);
        let Some(disk) = &mut self.disk else {
            return;
        };
        if !disk.name_is_durable && chances.borrow_mut().pick(2) == 0 {
            assert_eq!(self.said, None, "P4: the ledger of a success is gone");
            self.disk = None;
            self.written.clear();
            self.doubt = Doubt::None;
            return;
        }
        disk.name_is_durable = true;
        disk.cut(&mut *chances.borrow_mut());
        self.doubt = Doubt::Cut;
    }

    /// With the lock: reads, judges, writes.
    fn locked(world: &Shared, who: usize) {
        let process = {
            let mut world = world.borrow_mut();
            world.is_locked = true;
            world.processes[who].clone()
        };
        let boot = world.borrow().boot;
        let verdict = Self::work(world, who, &process.deed, &process.rhost);
        let mut world = world.borrow_mut();
        if world.boot != boot {
            return;
        }
        world.is_locked = false;
        world.processes[who].stage = Stage::Done;
        if let (Some(verdict), false) = (verdict, world.processes[who].killed) {
            world.answered(who, &process.deed, verdict);
        }
    }

    /// The answer, unless something failed. Of a process that is killed nobody hears one.
    fn work(world: &Shared, who: usize, deed: &Deed, rhost: &str) -> Option<Verdict> {
        let sim = Sim::new(world, who);
        let read = Pages::read(sim, Path::new(PATH));
        let disturbed = || world.borrow().processes[who].disturbed;
        let (mut pages, mut ledger) = match read {
            Ok(read) => read,
            Err(fault) => {
                assert!(disturbed(), "P4: nobody can log in any more: {fault}");
                return None;
            }
        };
        if disturbed() {
            return None;
        }
        world.borrow_mut().recognise(&ledger);
        let (policy, now) = (world.borrow().policy, world.borrow().now);
        let attempt = match deed {
            Deed::Type(text, _) => Attempt::parse(text.as_bytes()),
            Deed::Pair(first, second) => {
                let first = Attempt::parse(first.as_bytes());
                first.followed_by(Attempt::parse(second.as_bytes()))
            }
            Deed::Unlock => {
                world.borrow_mut().expect(None);
                ledger.throttle.unlock();
                let settled = pages.settle(&ledger);
                if settled.is_ok() && !world.borrow().processes[who].killed {
                    let mut world = world.borrow_mut();
                    world.assert_durable();
                    world.attempts = 0;
                }
                assert!(settled.is_ok() || disturbed(), "{settled:?}");
                return None;
            }
        };
        let spent = match deed {
            Deed::Type(_, plain) => world.borrow().known().judge(plain, &now),
            _ => None,
        };
        world.borrow_mut().attempts += 1;
        world.borrow_mut().expect(spent);
        let judging = Judging {
            policy: &policy,
            stay: Stay::default(),
            ticket: Ticket([0; 8]),
            evidence: &Evidence::gather(&FILE, &attempt),
            now,
            source: Source::remote(rhost),
            from: rhost,
            attempt: &attempt,
        };
        let verdict = judging.verdict(&mut pages, ledger);
        if let Err(fault) = &verdict {
            assert!(disturbed(), "P2: without a fault of its own: {fault}");
        }
        verdict.ok()
    }

    /// What was read must have been written, and nothing that was said may be missing.
    fn recognise(&mut self, ledger: &Ledger) {
        let least = match self.doubt {
            Doubt::None => self.written.len() - 1,
            Doubt::Torn | Doubt::Cut => self.said.unwrap_or(0),
        };
        let is_read = |record: &Record| record.ledger == *ledger;
        let Some(at) = self
            .written
            .iter()
            .rposition(is_read)
            .filter(|at| *at >= least)
        else {
            panic!(
                "P4: read {ledger:?}\ninstead of one of {:?}",
                &self.written[least..]
            );
        };
        match self.doubt {
            Doubt::None => {}
            // A power cut may yet bring back what was written later.
            Doubt::Torn => self.written.push(self.written[at].clone()),
            Doubt::Cut => self.written.truncate(at + 1),
        }
        self.doubt = Doubt::None;
    }

    fn expect(&mut self, spent: Option<Spent>) {
        let before = self.known();
        let after = spent.map_or_else(|| before.clone(), |spent| before.after(spent, &self.now));
        self.expected = Expected {
            before,
            after,
            settled: false,
        };
    }

    /// A slot is written, whole or in part.
    pub(super) fn note(&mut self, slot: Slot, whole: bool) {
        let Slot { kind, ledger, .. } = slot;
        self.doubt = if whole { Doubt::None } else { Doubt::Torn };
        if self
            .written
            .last()
            .is_some_and(|last| last.ledger == ledger)
        {
            return;
        }
        self.expected.settled |= kind == Kind::Settled;
        let read = Known::of(&ledger);
        let known = if self.exact {
            let expected = if self.expected.settled {
                &self.expected.after
            } else {
                &self.expected.before
            };
            assert_eq!(read, *expected, "what is written isn't what the rules say");
            expected.clone()
        } else {
            assert!(read.covers(&self.expected.before), "P1: a floor falls");
            read
        };
        self.written.push(Record { ledger, known });
    }

    /// P3: the power may go right now.
    fn assert_durable(&mut self) {
        assert!(
            self.disk.as_ref().unwrap().name_is_durable,
            "P3: the name isn't durable"
        );
        let worst = self.disk.as_ref().unwrap().worst();
        let (_, ledger) = Pages::read(super::medium::Still(worst), Path::new(PATH))
            .expect("P3: the disk has no ledger");
        let last = self.written.last().unwrap();
        assert_eq!(ledger, last.ledger, "P3: the disk has another ledger");
        self.said = Some(self.written.len() - 1);
    }

    fn answered(&mut self, who: usize, deed: &Deed, verdict: Verdict) {
        let acceptance = match verdict {
            Verdict::Refused(refusal) => {
                let throttled = matches!(refusal.reason, Reason::Throttled | Reason::Locked);
                if self.processes[who].disturbed {
                    return;
                }
                if self.exact {
                    let (expected, known) = (&self.expected.after, &self.expected.before);
                    assert_eq!(expected, known, "P2: refused {deed:?}: {refusal:?}");
                } else if throttled {
                    assert!(self.attempts > 5, "P2: {refusal:?}");
                }
                return;
            }
            Verdict::Accepted(acceptance) => acceptance,
        };
        self.processes[who].accepted = true;
        let known = self.known();
        if self.exact {
            assert_ne!(
                self.expected.before, known,
                "accepted {deed:?}: {acceptance:?}"
            );
        }
        let before = &self.expected.before;
        let spent = match (acceptance.token(), acceptance.counter()) {
            ("fob", Some(counter)) => Spent::Press(counter.0),
            ("phone", Some(counter)) => Spent::Step(counter.0),
            _ => Spent::Paper(
                (0..10)
                    .find(|n| (known.papers ^ before.papers) >> n == 1)
                    .unwrap(),
            ),
        };
        assert!(
            self.accepted.insert(spent),
            "P1: {spent:?} is accepted a second time"
        );
        assert!(
            known.covers(&known.after(spent, &self.now)),
            "P1: {spent:?} isn't spent"
        );
        self.assert_durable();
    }
}
