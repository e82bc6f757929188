//! The `[[rule]]` tables of fob.conf.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use super::fields::{Field, Fields, FormatError, MAX_MEMBERS};
use crate::rule::{Action, Condition, GroupName, Pattern, Place, Rule, Span, Subject};

/// For how long a code may be good, in seconds: 90 s to 30 days.
const REMEMBER: RangeInclusive<u64> = 90..=2_592_000;

/// Reads all rules. One that can't be read refuses everybody: it may have been meant to keep
/// somebody out.
pub(super) fn read_rules(field: Field<'_>) -> Result<Vec<Rule>, FormatError> {
    let tables = field.list()?;
    let mut rules: Vec<Rule> = Vec::with_capacity(tables.len());
    for table in tables {
        let again = table.error("a rule of this name stands above");
        let many = table.error(format_args!("more than {MAX_MEMBERS} rules"));
        let rule = read_rule(table.table()?)?;
        if rules.iter().any(|before| before.name == rule.name) {
            return Err(again);
        }
        if rules.len() >= MAX_MEMBERS {
            return Err(many);
        }
        rules.push(rule);
    }
    Ok(rules)
}

fn read_rule(mut fields: Fields<'_>) -> Result<Rule, FormatError> {
    let name = fields.require("name")?.line(64)?;
    let action = fields.require("action")?;
    let action = Action::ALL
        .into_iter()
        .find(|known| action.text().is_ok_and(|word| word == known.word()))
        .ok_or_else(|| {
            action.error("must be \"require\", \"skip\", \"skip-if-not-enrolled\" or \"deny\"")
        })?;
    let remember = fields.take("remember");
    let remember = remember.map(|field| seconds(&field, action)).transpose()?;
    let mut conditions = Vec::new();
    // Groups last: those of a directory are asked for over a network.
    type Read = fn(&[Field<'_>]) -> Result<Subject, FormatError>;
    let subjects: [(&str, Read); 6] = [
        ("service", |list| patterns(list).map(Subject::Service)),
        ("user", |list| patterns(list).map(Subject::User)),
        ("network", |list| each(list, network).map(Subject::Network)),
        ("tty", |list| each(list, place).map(Subject::Tty)),
        ("time", |list| each(list, span).map(Subject::Time)),
        ("group", |list| each(list, group).map(Subject::Group)),
    ];
    for (word, read) in subjects {
        for (field, negated) in [(word.to_owned(), false), (format!("not_{word}"), true)] {
            if let Some(field) = fields.take(&field) {
                let subject = read(&field.members()?)?;
                conditions.push(Condition { subject, negated });
            }
        }
    }
    let enrolls = read_enrolls(&mut fields, action)?;
    fields.end()?;
    Ok(Rule {
        name,
        conditions,
        action,
        enrolls,
        remember,
    })
}

/// Two words for one thing, so that nobody takes an offer for a demand: what becomes of those
/// who don't enrol is the action's affair.
fn read_enrolls(fields: &mut Fields<'_>, action: Action) -> Result<bool, FormatError> {
    let Some(field) = fields.take("enroll") else {
        return Ok(false);
    };
    let fitting = match field.text()? {
        "offer" => Action::SkipIfNotEnrolled,
        "require" => Action::Require,
        _ => return Err(field.error("must be \"offer\" or \"require\"")),
    };
    if action == fitting {
        return Ok(true);
    }
    let (word, fitting) = (field.text()?, fitting.word());
    Err(field.error(format_args!("{word:?} goes with action = {fitting:?}")))
}

/// For how long a code is good. Where none is asked, there is nothing to remember.
fn seconds(field: &Field<'_>, action: Action) -> Result<u32, FormatError> {
    if !action.asks() {
        return Err(field.error(format_args!(
            "goes with action \"require\" or \"skip-if-not-enrolled\", not with {:?}",
            action.word()
        )));
    }
    let seconds = field.seconds(REMEMBER)?;
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX))
}

fn each<T>(
    list: &[Field<'_>],
    read: impl Fn(&Field<'_>) -> Result<T, FormatError>,
) -> Result<Vec<T>, FormatError> {
    list.iter().map(read).collect()
}

fn patterns(list: &[Field<'_>]) -> Result<Vec<Pattern>, FormatError> {
    each(list, |field| field.line(255).map(Pattern))
}

/// An address, or a network with nothing set behind its prefix.
fn network(field: &Field<'_>) -> Result<IpNet, FormatError> {
    let text = field.line(64)?;
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(network) = text.parse::<IpNet>().ok().or_else(address) else {
        return Err(field.error("must be an address or a network like 192.0.2.0/24"));
    };
    // Addresses that come in so are taken as IPv4: this would match none.
    let is_mapped = matches!(network, IpNet::V6(v6) if v6.addr().to_ipv4_mapped().is_some());
    if is_mapped {
        return Err(field.error("must be written as IPv4"));
    }
    let whole = network.trunc();
    if whole == network {
        Ok(network)
    } else {
        Err(field.error(format_args!(
            "has bits set behind its prefix; write {whole}"
        )))
    }
}

fn place(field: &Field<'_>) -> Result<Place, FormatError> {
    let text = field.line(64)?;
    Ok(match text.as_str() {
        "local" => Place::Local,
        "remote" => Place::Remote,
        _ => Place::Terminal(Pattern(
            text.strip_prefix("/dev/").unwrap_or(&text).to_owned(),
        )),
    })
}

fn span(field: &Field<'_>) -> Result<Span, FormatError> {
    Span::parse(&field.line(64)?).ok_or_else(|| {
        field.error("must be a time like \"Mon-Fri 08:00-18:00\" or \"22:00-06:00\"")
    })
}

fn group(field: &Field<'_>) -> Result<GroupName, FormatError> {
    match field.number(0..=u64::from(u32::MAX)) {
        Ok(gid) => Ok(GroupName::Id(u32::try_from(gid).unwrap_or(u32::MAX))),
        Err(_) if field.text().is_err() => {
            Err(field.error("must be a group's name in quotes, or its number"))
        }
        Err(_) => field.line(255).map(GroupName::Name),
    }
}
