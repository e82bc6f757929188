//! Histories: attempts of many kinds, one after another and at once, while things go wrong.

use std::cell::RefCell;
use std::rc::Rc;

use fob_core::{Now, Policy, ThrottlePolicy};

use super::Chances;
use super::people::{code, fob, paper, phone};
use super::reference::Spent;
use super::world::{Deed, Process, Shared, World};

/// Which rules are played by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Those that the reference knows in every detail: no throttle, no drift.
    Exact,
    /// The usual ones, with resync at the prompt: the reference knows what must not be.
    Usual,
}

/// A history of one person's logins.
pub struct History {
    world: Shared,
    /// What was typed, in its plain form.
    typed: Vec<String>,
    addresses: u8,
}

const START: Now = Now {
    unix: 1_800_000_000,
    boot: 1000,
    boot_id: [1; 16],
};
/// The most attempts of a history: fewer than would lock anybody.
const MOST: u32 = 60;

impl History {
    /// Somebody who never logged in.
    pub fn new(chances: Rc<RefCell<dyn Chances>>, rules: Rules) -> Self {
        let exact = rules == Rules::Exact;
        let usual = Policy::default();
        let policy = if exact {
            let throttle = ThrottlePolicy {
                free: 100,
                max_wait: 1,
                lifetime: 100,
            };
            Policy {
                follows_drift: false,
                throttle,
                ..usual
            }
        } else {
            Policy {
                resync_at_prompt: true,
                ..usual
            }
        };
        Self {
            world: World::new(chances, policy, exact, START),
            typed: Vec::new(),
            addresses: 0,
        }
    }

    /// Lives through a few rounds of logins at once, with so many faults; then sees that all
    /// that was accepted stays spent, and that the owner gets in.
    pub fn live(&mut self, rounds: usize, faults: u32) {
        self.world.borrow_mut().faults = faults;
        for _ in 0..rounds {
            if self.world.borrow().attempts > MOST {
                break;
            }
            self.pass_time();
            let count = 1 + self.pick(4);
            let processes = (0..count).map(|_| self.somebody()).collect();
            World::run(&self.world, processes);
        }
        self.end();
    }

    /// Lets these be at once, with so many faults.
    pub(super) fn at_once(&mut self, deeds: Vec<Deed>, faults: u32) -> Vec<Process> {
        self.world.borrow_mut().faults = faults;
        let processes = deeds.into_iter().map(|deed| self.process(deed)).collect();
        World::run(&self.world, processes)
    }

    /// How many faults may still happen.
    pub fn faults_left(&self) -> u32 {
        self.world.borrow().faults
    }

    /// P1 and P4: nothing that was accepted is accepted again, and the next code is.
    pub(super) fn end(&mut self) {
        let spent: Vec<Spent> = self.world.borrow().accepted().collect();
        let now = self.world.borrow().now;
        let usual = self.world.borrow().policy.throttle == Policy::default().throttle;
        if usual {
            self.at_once(vec![Deed::Unlock], 0);
        }
        for spent in spent {
            let text = match spent {
                Spent::Press(counter) => code(fob(), counter),
                Spent::Step(step) => {
                    // The clock goes back to when it was right.
                    self.world.borrow_mut().now.unix = step * 30;
                    code(phone(), step)
                }
                Spent::Paper(n) => paper(n).to_text().to_string(),
            };
            // Whatever is accepted now must be something else that shows the same digits.
            self.at_once(vec![Deed::Type(text.clone(), text)], 0);
            if usual {
                self.at_once(vec![Deed::Unlock], 0);
            }
        }
        self.world.borrow_mut().now = now;
        let next = code(fob(), self.world.borrow().known().presses);
        let owner = self.at_once(vec![Deed::Type(next.clone(), next.clone())], 0);
        assert!(owner[0].accepted, "P4: the owner doesn't get in");
        let again = self.at_once(vec![Deed::Type(next.clone(), next)], 0);
        assert!(!again[0].accepted, "P1: the owner's code again");
    }

    fn pick(&self, options: usize) -> usize {
        self.world.borrow().pick(options)
    }

    /// The clock goes on, stands, or jumps: back, years ahead, to before it was ever set.
    fn pass_time(&mut self) {
        let jump = self.pick(8);
        let mut world = self.world.borrow_mut();
        let now = &mut world.now;
        now.boot += 7;
        now.unix = match jump {
            0 => now.unix,
            1 | 2 => now.unix + 30,
            3 => now.unix.saturating_sub(30),
            4 => now.unix.saturating_sub(600),
            5 => now.unix + 86_400 * 400,
            6 => 3,
            _ => START.unix + 900,
        };
    }

    fn somebody(&mut self) -> Process {
        let deed = match self.pick(12) {
            0 | 1 => self.types(code(fob(), self.press())),
            2 | 3 => self.types(self.shown()),
            4 => self.types("000000".into()),
            5 => self.types("none".into()),
            6 | 7 => {
                let place = self.pick(self.typed.len().max(1));
                self.types(self.typed.get(place).cloned().unwrap_or_default())
            }
            8 => self.types(
                paper(u8::try_from(self.pick(3)).unwrap())
                    .to_text()
                    .to_string(),
            ),
            9 => {
                let first = self.press() + 12;
                Deed::Pair(code(fob(), first), code(fob(), first + 1))
            }
            10 => {
                let step = self.world.borrow().now.unix / 30 + 1;
                Deed::Pair(code(phone(), step), code(phone(), step + 1))
            }
            _ => Deed::Unlock,
        };
        let exact = self.world.borrow().policy.throttle != Policy::default().throttle;
        match deed {
            Deed::Pair(first, _) if exact => {
                let typed = self.types(first);
                self.process(typed)
            }
            deed => self.process(deed),
        }
    }

    /// A counter of the fob, from spent ones to ones that are too far ahead.
    fn press(&self) -> u64 {
        let ahead = u64::try_from(self.pick(16)).unwrap();
        (self.world.borrow().known().presses + ahead).saturating_sub(3)
    }

    fn shown(&self) -> String {
        let off = u64::try_from(self.pick(5)).unwrap();
        let step = self.world.borrow().now.unix / 30;
        code(phone(), (step + off).saturating_sub(2))
    }

    /// Typed in one of the spellings that are one code.
    fn types(&mut self, plain: String) -> Deed {
        let typed = match self.pick(4) {
            0 | 1 => plain.clone(),
            2 => plain.chars().flat_map(|c| [c, ' ']).collect(),
            _ => format!("-{plain}\t\r"),
        };
        self.typed.push(plain.clone());
        Deed::Type(typed, plain)
    }

    /// Each from an address of its own, so that nobody waits for another's failures.
    fn process(&mut self, deed: Deed) -> Process {
        self.addresses = self.addresses.wrapping_add(1);
        let usual = self.world.borrow().policy.throttle == Policy::default().throttle;
        let last = if usual {
            1 + self.addresses % 3
        } else {
            self.addresses
        };
        Process::new(deed, format!("192.0.2.{last}"))
    }
}
