//! `fob explain`: what would happen to a person here, step by step.
//!
//! The steps are the module's own, in its order, by the same functions; nothing is asked,
//! written or judged. The first step that ends a login ends the explanation.

mod tokens;
mod walk;

use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::output::{say, say_json};
use crate::stop::Stop;

use walk::{Halt, Walk};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob explain alice --service sshd --rhost 192.0.2.7")]
pub(crate) struct Wish {
    /// The login name that is typed
    #[arg(value_name = "NAME")]
    name: String,
    /// The PAM service
    #[arg(long, value_name = "NAME", default_value = "sshd")]
    service: String,
    /// The remote address; without it, a login on this machine
    #[arg(long, value_name = "ADDRESS")]
    rhost: Option<String>,
    /// The terminal, such as ssh, tty1, pts/3
    #[arg(long, value_name = "TTY")]
    tty: Option<String>,
    /// Who calls su or sudo at this terminal: name or uid
    #[arg(long, value_name = "USER", conflicts_with = "rhost")]
    caller: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    user: String,
    service: String,
    rhost: Option<String>,
    steps: Vec<Step>,
    /// The rule of fob.conf that is about it.
    rule: Option<String>,
    /// `asked`, `ignored`, `enrolling` or `refused`.
    outcome: &'static str,
    /// The word that the log would have; none if a right code lets in.
    reason: Option<&'static str>,
    /// What PAM is told; for `asked` after a right code.
    pam: &'static str,
    summary: String,
}

#[derive(Serialize)]
struct Step {
    what: &'static str,
    /// Whether the login goes on after it.
    passed: bool,
    detail: String,
}

/// How it ends.
struct End {
    outcome: &'static str,
    reason: Option<&'static str>,
    pam: &'static str,
    summary: String,
}

pub(super) fn run(json: bool, wish: &Wish, conf: Option<&Path>) -> Result<(), Stop> {
    let mut walk = Walk {
        steps: Vec::new(),
        contradictions: Vec::new(),
        rule: None,
    };
    let end = match walk.all(wish, conf) {
        Ok(end) | Err(Halt::End(end)) => end,
        Err(Halt::Stop(stop)) => return Err(stop),
    };
    let answer = Answer {
        user: wish.name.clone(),
        service: wish.service.clone(),
        rhost: wish.rhost.clone(),
        steps: walk.steps,
        rule: walk.rule,
        outcome: end.outcome,
        reason: end.reason,
        pam: end.pam,
        summary: end.summary,
    };
    if json {
        say_json(&answer)?;
    } else {
        say(answer.page().trim_end())?;
    }
    // That alone concerns only those who need give no code.
    let concerns = |code: &&str| {
        *code != "stack.nullok_alone" || matches!(answer.outcome, "ignored" | "enrolling")
    };
    if walk.contradictions.iter().any(concerns) {
        let what = "that is the module's answer; the PAM stack may decide otherwise";
        return Err(Stop::unknown(what).remedy("See the lines with NO, and: fob doctor"));
    }
    match answer.outcome {
        "asked" | "ignored" | "enrolling" => Ok(()),
        _ => Err(Stop::no(format!("{} would not get in", wish.name))),
    }
}

impl Answer {
    fn page(&self) -> String {
        let mut page = String::new();
        for step in &self.steps {
            let mark = if step.passed { "ok" } else { "NO" };
            page.push_str(&format!("{mark}  {:<13}  {}\n", step.what, step.detail));
        }
        page.push_str(&format!("\n{}\n", self.summary));
        if self.pam != "-" {
            let reason = self
                .reason
                .map_or(String::new(), |word| format!(", reason={word}"));
            page.push_str(&format!("PAM is told: {}{reason}\n", self.pam));
        }
        page
    }
}
