//! Who gets what, for people and for programs.

use std::collections::HashSet;

use fob_import::detect::Format;
use fob_store::now;
use serde::Serialize;

use super::Wish;
use super::plan::{Import, Plan};
use super::unassigned::few;
use crate::output::{count, plain, remark, say, say_json, time};
use crate::stop::Stop;
use crate::table::Table;
use crate::verbs::token_is_blocked;

/// So many lines are shown before the question; all of them with `--dry-run`.
const FEW: usize = 40;

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    format: &'a str,
    tokens: Vec<Line<'a>>,
    /// The serials of the tokens that go into the stock.
    stock: Vec<&'a str>,
    stock_remarks: Vec<Said<'a>>,
    dropped: Vec<Left<'a>>,
    problems: Vec<Wrong<'a>>,
    remarks: &'a [String],
    /// What is here already.
    there: &'a [String],
}

#[derive(Serialize)]
struct Line<'a> {
    user: &'a str,
    /// What the file calls the person, if a domain was left away.
    full_name: Option<&'a str>,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    digits: usize,
    algorithm: &'a str,
    serial: Option<&'a str>,
    /// The lowest counter or step that counts here.
    floor: Option<u64>,
    /// Whether nothing of it counts: a ledger has it blocked, and nobody knows its counter.
    blocked: bool,
    drift: i32,
    /// From when on the codes of a clock count.
    from: Option<String>,
    pin: bool,
    scratch: usize,
    weak: bool,
    remarks: &'a [String],
}

/// Something to know of tokens that go into the stock.
#[derive(Serialize)]
struct Said<'a> {
    remark: &'a str,
    serials: Vec<&'a str>,
}

#[derive(Serialize)]
struct Left<'a> {
    place: &'a str,
    what: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Wrong<'a> {
    place: &'a str,
    what: &'a str,
    remedy: Option<&'a str>,
}

impl<'a> Report<'a> {
    pub(super) fn new(plan: &'a Plan, format: Format) -> Self {
        let tokens = plan.people.iter().flat_map(|person| {
            let (pin, scratch) = (person.pin.is_some(), person.scratch.len());
            person
                .imports
                .iter()
                .enumerate()
                .map(move |(place, import)| {
                    let scratch = if place == 0 { scratch } else { 0 };
                    line(&person.account.name, import, pin, scratch)
                })
        });
        Self {
            format: format.name(),
            tokens: tokens.collect(),
            stock: plan
                .stock
                .iter()
                .map(|(serial, _)| serial.as_str())
                .collect(),
            stock_remarks: said(plan),
            dropped: plan
                .dropped
                .iter()
                .map(|dropped| Left {
                    place: &dropped.place,
                    what: &dropped.what,
                    why: &dropped.why,
                })
                .collect(),
            problems: plan
                .problems
                .iter()
                .map(|problem| Wrong {
                    place: &problem.place,
                    what: &problem.what,
                    remedy: problem.remedy.as_deref(),
                })
                .collect(),
            remarks: &plan.remarks,
            there: &plan.there,
        }
    }

    /// Shows what would be done.
    pub(super) fn show(&self, json: bool, all: bool) -> Result<(), Stop> {
        if json {
            return say_json(self);
        }
        // Of a dry run this is the answer; else it goes with the question.
        let tell = |text: &str| {
            if all {
                say(&plain(text))
            } else {
                remark(text);
                Ok(())
            }
        };
        let most = if all { usize::MAX } else { FEW };
        let mut table = Table::new(&["NAME", "TOKEN", "TYPE", "DIGITS", "SERIAL", "BESIDES"]);
        for line in self.tokens.iter().take(most) {
            let digits = line.digits.to_string();
            let digits = if line.kind == "yubico" {
                "-"
            } else {
                digits.as_str()
            };
            let serial = line.serial.unwrap_or("-");
            table.add(&[
                line.user,
                line.id,
                line.kind,
                digits,
                serial,
                &line.besides(),
            ]);
        }
        if !self.tokens.is_empty() {
            tell(table.to_text().trim_end())?;
        }
        if self.tokens.len() > most {
            let more = self.tokens.len().saturating_sub(most);
            remark(&format!("... and {more} more; all of them with --dry-run"));
        }
        for line in self.tokens.iter().take(most) {
            for text in line.remarks {
                tell(&format!("{}, {}: {text}", line.user, line.id))?;
            }
        }
        for Left { place, what, why } in self.dropped.iter().take(most) {
            let what = format!("{place} {what}");
            tell(&format!("not imported: {}: {why}", what.trim()))?;
        }
        if !self.stock.is_empty() {
            let number = tokens(self.stock.len());
            tell(&format!("into the stock: {number}: {}", few(&self.stock)))?;
        }
        for Said { remark, serials } in self.stock_remarks.iter().take(most) {
            let number = match serials.len() {
                1 => String::new(),
                several => format!("{}: ", tokens(several)),
            };
            tell(&format!("{number}{}: {remark}", few(serials)))?;
        }
        let mut texts = self.remarks.iter().chain(self.there);
        texts.try_for_each(|text| tell(text))
    }

    /// Says what was done.
    pub(super) fn done(&self, json: bool, wish: &Wish) -> Result<(), Stop> {
        if json {
            return say_json(self);
        }
        let stock = match self.stock.len() {
            0 => String::new(),
            number => format!(", {} put in stock (fob assign)", tokens(number)),
        };
        say(&format!("{} imported{stock}.", tokens(self.tokens.len())))?;
        if let Some(from) = self
            .tokens
            .iter()
            .filter_map(|line| line.from.as_ref())
            .max()
        {
            remark(&format!(
                "Codes that clocks show before {from} may have been used there, and don't count."
            ));
        }
        let blocked = self.tokens.iter().filter(|line| line.blocked);
        blocked.for_each(|line| remark(&token_is_blocked(line.user, line.id)));
        if !wish.all_users && self.tokens.len() == 1 {
            if let Some(line) = self.tokens.first() {
                let user = line.user;
                remark(&format!(
                    "Try it: fob check {user}. New recovery codes: fob recovery {user}"
                ));
            }
        }
        remark(
            "The original is as it was, and goes on opening what reads it: delete it once a login has worked.",
        );
        Ok(())
    }
}

impl Line<'_> {
    fn besides(&self) -> String {
        let mut besides = Vec::new();
        besides.extend(self.full_name.map(str::to_owned));
        if self.algorithm != "sha1" {
            besides.push(self.algorithm.to_owned());
        }
        if self.drift != 0 {
            besides.push(format!("drift {:+}", self.drift));
        }
        if self.blocked {
            besides.push("blocked".into());
        } else if self.kind != "totp" {
            besides.extend(self.floor.map(|floor| format!("next counter {floor}")));
        }
        if self.pin {
            besides.push("PIN".into());
        }
        if self.scratch > 0 {
            let number = u64::try_from(self.scratch).unwrap_or(u64::MAX);
            besides.push(count(number, "scratch code"));
        }
        if self.weak {
            besides.push("weak".into());
        }
        besides.join(", ")
    }
}

/// What is to be known of the tokens that go into the stock after all.
fn said(plan: &Plan) -> Vec<Said<'_>> {
    let stock: HashSet<&str> = plan.stock.iter().map(|(s, _)| s.as_str()).collect();
    let all = plan.stock_remarks.iter().map(|(remark, serials)| Said {
        remark,
        serials: serials
            .iter()
            .map(String::as_str)
            .filter(|serial| stock.contains(serial))
            .collect(),
    });
    all.filter(|said| !said.serials.is_empty()).collect()
}

fn tokens(number: usize) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), "token")
}

fn line<'a>(user: &'a str, import: &'a Import, pin: bool, scratch: usize) -> Line<'a> {
    let Import {
        token,
        used,
        remarks,
        full_name,
        ..
    } = import;
    let from = match (token.kind, used.floor) {
        (fob_core::Kind::Totp { period, t0 }, Some(floor)) if floor.0 > 0 => {
            // A slow clock shows a step later.
            let shown = floor.moved(i64::from(used.drift).saturating_neg());
            let second = shown.0.saturating_mul(period.seconds()).saturating_add(t0);
            time(second).filter(|_| second > now().unix)
        }
        _ => None,
    };
    Line {
        user,
        full_name: full_name.as_deref(),
        id: &token.id,
        kind: token.kind.name(),
        digits: token.digits.count(),
        algorithm: token.algorithm.name(),
        serial: token.serial.as_deref(),
        floor: used.floor.map(|floor| floor.0),
        blocked: used.floor == Some(fob_core::Ledger::BLOCKED),
        drift: used.drift,
        from,
        pin,
        scratch,
        weak: !token.secret.is_strong(),
        remarks,
    }
}
