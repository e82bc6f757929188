//! `fob config`: looks after fob.conf.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use fob_core::format::{Conf, FreshLedger};
use fob_core::rule::Rule;
use fob_core::{Drawing, FirstPass};
use fob_store::{DEFAULT_CONF, Store};
use serde::Serialize;
use serde_json::Value;

use super::config_tokens;
use crate::output::{remark, say, say_json};
use crate::stop::Stop;

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob config check")]
pub(crate) struct Wish {
    #[command(subcommand)]
    task: Task,
}

/// What is to be done with it.
#[derive(Debug, Subcommand)]
enum Task {
    /// Is fob.conf, or a token file, right, and what holds?
    #[command(after_help = "Examples:\n  \
        fob config check                 the one that logins go by\n  \
        fob config check /root/fob.conf  another, before it is put in place\n  \
        fob config check --tokens-of alice /root/alice  a token file, before it is put in place")]
    Check {
        /// The file [default: /etc/fob/fob.conf]
        #[arg(value_name = "PATH")]
        path: Option<PathBuf>,
        /// The file is a token file of this person
        #[arg(long, value_name = "NAME", requires = "path")]
        tokens_of: Option<String>,
    },
}

#[derive(Serialize)]
struct Answer<'a> {
    path: &'a Path,
    /// Whether there is such a file; without one the defaults hold.
    exists: bool,
    settings: Vec<Setting>,
    services: Vec<Service>,
    /// In their order: the first that matches wins.
    rules: Vec<NamedRule<'a>>,
}

#[derive(Serialize)]
struct NamedRule<'a> {
    name: &'a str,
    action: &'static str,
    /// Whether people who aren't enrolled are enrolled at the login.
    enroll: bool,
    /// For how many seconds a code is good at the same place.
    remember: Option<u32>,
}

#[derive(Serialize)]
struct Service {
    name: String,
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    name: &'static str,
    value: Value,
    /// Whether the value is the one that holds where nothing is said.
    default: bool,
}

/// Needs no root: fob.conf holds nothing secret.
pub(super) fn run(conf: Option<&Path>, json: bool, wish: &Wish) -> Result<(), Stop> {
    let Task::Check { path, tokens_of } = &wish.task;
    if let Some((name, path)) = tokens_of.as_deref().zip(path.as_deref()) {
        return config_tokens::check(&Store::open(conf)?, name, path, json);
    }
    let named = path
        .as_deref()
        .or(conf)
        .map(std::path::absolute)
        .transpose();
    let named = named.map_err(|error| Stop::unknown(format!("the path is wrong: {error}")))?;
    let store = Store::open(named.as_deref())?;
    let path = named.as_deref().unwrap_or(Path::new(DEFAULT_CONF));
    for (rule, group) in store.missing_groups()? {
        remark(&format!(
            "fob: warning: the rule {rule:?} names the group {group:?}, which isn't there:\n     \
             whoever the rest of the rule fits is refused"
        ));
    }
    let answer = Answer::new(path, &store.conf);
    if json {
        say_json(&answer)
    } else {
        say(answer.page().trim_end())
    }
}

impl<'a> Answer<'a> {
    fn new(path: &'a Path, conf: &'a Conf) -> Self {
        let usual = Conf::default();
        let mut top = values(conf);
        top.extend(asking(conf, None));
        let mut top_usual = values(&usual);
        top_usual.extend(asking(&usual, None));
        let service = |name: &str| Service {
            name: name.to_owned(),
            settings: compare(asking(conf, Some(name)), &top_usual),
        };
        let rule = |rule: &'a Rule| NamedRule {
            name: &rule.name,
            action: rule.action.word(),
            enroll: rule.enrolls,
            remember: rule.remember,
        };
        Self {
            path,
            exists: path.exists(),
            settings: compare(top, &top_usual),
            services: conf.services().map(service).collect(),
            rules: conf.rules.iter().map(rule).collect(),
        }
    }

    /// A table: name, value, whether it is the usual one.
    fn page(&self) -> String {
        let mut rows: Vec<(String, &Setting)> = Vec::new();
        rows.extend(self.settings.iter().map(|one| (one.name.to_owned(), one)));
        for Service { name, settings } in &self.services {
            let name = |one: &Setting| format!("service.{name}.{}", one.name);
            rows.extend(settings.iter().map(|one| (name(one), one)));
        }
        let width = rows.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or_default();
        let path = self.path.display();
        let mut page = if self.exists {
            format!("fob.conf is right: {path}\n")
        } else {
            format!("fob.conf is right: there is no {path}, so the defaults hold\n")
        };
        for (name, Setting { value, default, .. }) in rows {
            let origin = if *default { "default" } else { "set" };
            page.push_str(&format!("{name:<width$}  {origin:<7}  {value}\n"));
        }
        for rule in &self.rules {
            let enrolls = if rule.enroll { ", enroll" } else { "" };
            let remember = rule
                .remember
                .map(|seconds| Duration::from_secs(seconds.into()))
                .map(humantime::format_duration);
            let remember =
                remember.map_or(String::new(), |time| format!(", remembered for {time}"));
            let NamedRule { name, action, .. } = rule;
            page.push_str(&format!("rule {name:?}: {action}{enrolls}{remember}\n"));
        }
        page
    }
}

type Values = Vec<(&'static str, Value)>;

/// Each setting beside what holds where nothing is said.
fn compare(settings: Values, usual: &Values) -> Vec<Setting> {
    let setting = |(name, value): (&'static str, Value)| Setting {
        default: usual.contains(&(name, value.clone())),
        name,
        value,
    };
    settings.into_iter().map(setting).collect()
}

/// What holds for the machine as a whole.
fn values(conf: &Conf) -> Values {
    let fresh_ledger = match conf.fresh_ledger {
        FreshLedger::Accept => "accept",
        FreshLedger::Refuse => "refuse",
    };
    vec![
        ("tokens", conf.tokens.display().to_string().into()),
        ("state", conf.state.display().to_string().into()),
        ("stock", conf.stock.display().to_string().into()),
        ("fresh_ledger", fresh_ledger.into()),
    ]
}

/// How codes are asked for and judged in a service, or where no table speaks for it.
fn asking(conf: &Conf, service: Option<&str>) -> Values {
    // No service has an empty name: what holds for it is what holds at the top.
    let settings = conf.settings(service.unwrap_or_default());
    let first = settings.first_pass();
    let policy = settings.policy(conf.policy);
    let throttle = policy.throttle;
    let types: Vec<Value> = policy.types.names().map(Value::from).collect();
    let resync = if policy.resync_at_prompt {
        "prompt"
    } else {
        "off"
    };
    let qr = match settings.qr() {
        Some(Drawing::Blocks) => "utf8",
        Some(Drawing::Ascii) => "ascii",
        None => "off",
    };
    let mut values = vec![
        ("window", policy.window.into()),
        ("look_ahead", policy.look_ahead.into()),
        ("resync", resync.into()),
        ("types", types.into()),
        ("min_tokens", policy.min_tokens.into()),
        ("throttle.free", throttle.free.into()),
        ("throttle.max_wait", throttle.max_wait.into()),
        ("throttle.lifetime", throttle.lifetime.into()),
        ("prompt", settings.prompt().into()),
        ("echo", settings.echo().into()),
        ("qr", qr.into()),
        ("nullok", settings.nullok().into()),
        ("debug", settings.debug().into()),
        ("notices", settings.notices().into()),
        ("try_first_pass", (first == Some(FirstPass::Try)).into()),
        ("use_first_pass", (first == Some(FirstPass::Use)).into()),
        ("forward_pass", settings.forward_pass().into()),
    ];
    let until = settings.nullok_until.map(|day| day.to_string());
    values.extend(until.map(|day| ("nullok_until", day.into())));
    let texts = settings.texts.replaced();
    values.extend(texts.map(|(text, words)| (text.path(), words.into())));
    values
}

#[cfg(test)]
mod tests {
    use fob_core::Text;

    use super::*;

    fn answer(text: &str) -> String {
        let conf = Conf::parse(text).unwrap();
        Answer::new(Path::new("/"), &conf).page()
    }

    #[test]
    fn table_says_what_holds_for_the_machine_and_for_each_service() {
        let page = answer(
            "window = 2\nnullok = true\n[[rule]]\nname = \"a b\"\naction = \"skip\"\n[[rule]]\nname = \"c\"\naction = \"require\"\nremember = \"12h\"\n[service.sshd]\nnullok = false\necho = true\nlook_ahead = 3\n",
        );
        let row = |name: &str| {
            let line = page
                .lines()
                .find(|line| line.starts_with(&format!("{name} ")));
            line.unwrap()
                .split_whitespace()
                .skip(1)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(row("window"), "set 2");
        assert_eq!(row("look_ahead"), "default 10");
        assert_eq!(row("nullok"), "set true");
        assert_eq!(row("service.sshd.nullok"), "default false");
        assert_eq!(row("service.sshd.echo"), "set true");
        assert_eq!(row("service.sshd.window"), "set 2");
        assert_eq!(row("service.sshd.look_ahead"), "set 3");
        let rules = "rule \"a b\": skip\nrule \"c\": require, remembered for 12h\n";
        assert!(page.ends_with(rules), "{page}");
    }

    /// What the table names is what the file takes: each row can be written back.
    #[test]
    fn rows_are_lines_of_a_fob_conf() {
        let page = answer(
            "prompt = \"It's: \\\"\"\nuse_first_pass = true\ntypes = \"hotp\"\nnullok_until = \"2027-01-31\"\nnotices = false\n\
             texts.throttled = \"{seconds} s\"\n[throttle]\nmax_wait = \"1h\"\n",
        );
        let line = |line: &str| {
            let (name, rest) = line.split_once(' ').unwrap();
            let value = rest.trim_start().split_once(' ').unwrap().1;
            format!("{name} = {value}\n")
        };
        let text: String = page.lines().skip(1).map(line).collect();
        assert_eq!(
            answer(&text).replace("set  ", ""),
            page.replace("set  ", "")
        );
    }

    #[test]
    fn manual_names_every_setting() {
        let page = include_str!("../../../../man/fob.conf.5");
        let conf = Conf::parse("nullok_until = \"2027-01-31\"").unwrap();
        for (name, _) in values(&conf).into_iter().chain(asking(&conf, None)) {
            let name = name.trim_start_matches("throttle.");
            assert!(page.contains(name), "{name}");
        }
    }

    /// Name, usual words and placeholders, in their order: the page is what a translator has.
    #[test]
    fn manual_has_every_text_with_its_placeholders() {
        let page = include_str!("../../../../man/fob.conf.5");
        let braces = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| format!("{{{name}}}")).collect()
        };
        let item = |text: &Text| {
            let usual = text.usual().replace(": ", ":\\ ").replace(". ", ".\\& ");
            let mut item = format!(".It Cm {}\n\\(lq{usual}\\(rq\n", text.name());
            let required = braces(text.required());
            if !required.is_empty() {
                item += &format!("Must have {}.\n", required.join(" and "));
            }
            let optional = braces(text.optional());
            if !optional.is_empty() {
                item += &format!("Can have {}.\n", optional.join(", "));
            }
            item
        };
        let expected: String = Text::ALL.iter().map(item).collect();
        assert!(page.contains(&format!("{expected}.El\n")), "{expected}");
    }
}
