//! HOTP and TOTP keys.

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Token, step};

use super::data::Data;
use super::key::{Read, secret};
use crate::Used;
use crate::entry::{self, Entry};
use crate::xml::{self, Node};

const DIGITS_UNSAID: &str = "The file doesn't say how many digits its codes have; 6 was taken.";
const PERIOD_UNSAID: &str = "The file doesn't say how long a code is shown; 30 s was taken.";
/// How far in the future the last use of a token can be: its clock may be wrong.
const MAX_AHEAD: u64 = 86_400;

/// A key that a press moves on. `Counter` is the next one that the device will use.
pub(super) fn hotp(node: Node<'_>, data: Data<'_>, entry: &mut Entry<'_>) -> Option<Read> {
    let counter = entry.take("Counter", data.number("Counter"));
    let next = Counter(counter.flatten().unwrap_or_default());
    let common = common(node, data, Kind::Hotp { counter: next }, entry);
    let ((token, remarks), _) = (common?, counter?);
    let used = entry::used(&token);
    Some(Read {
        token,
        used,
        remarks,
    })
}

/// A key that time moves on.
pub(super) fn totp(
    node: Node<'_>,
    data: Data<'_>,
    now: u64,
    serial: &str,
    entry: &mut Entry<'_>,
) -> Option<Read> {
    let time = entry.take("Time", data.number("Time"))?;
    if time.is_some_and(|time| time != 0) {
        entry.drop_it(serial, "its time doesn't start in 1970 (Time is not 0)");
        return None;
    }
    let is_privacyidea = xml::text_of(node, "Issuer") == Ok(Some("privacyIDEA"));
    let said = entry.take("TimeInterval", period(data, is_privacyidea));
    let period = said.flatten().unwrap_or(Period::DEFAULT);
    let drift = if is_privacyidea {
        entry.take("TimeDrift", seconds(data, period))
    } else {
        entry.take("TimeDrift", drift(data))
    };
    let counter = entry.take("Counter", data.number("Counter"));
    let (token, mut remarks) = common(node, data, Kind::Totp { period, t0: 0 }, entry)?;
    if said?.is_none() {
        remarks.push(PERIOD_UNSAID.into());
    }
    let used = Used {
        floor: floor(counter?, period, now),
        drift: drift?,
    };
    Some(Read {
        token,
        used,
        remarks,
    })
}

/// privacyIDEA writes the step after the last one used. Where somebody else means
/// something else, a floor in the far future would shut out the token.
fn floor(counter: Option<u64>, period: Period, now: u64) -> Option<Counter> {
    let latest = step(now.saturating_add(MAX_AHEAD), 0, period)?;
    let floor = counter.filter(|counter| *counter > 0).map(Counter);
    floor.filter(|floor| *floor <= latest)
}

/// What HOTP and TOTP have in common.
fn common(
    node: Node<'_>,
    data: Data<'_>,
    kind: Kind,
    entry: &mut Entry<'_>,
) -> Option<(Token, Vec<String>)> {
    let digits = entry.take("ResponseFormat", digits(node));
    let algorithm = entry.take("Suite", algorithm(node));
    let (secret, remark) = entry.take("Secret", secret(data))?;
    let mut token = entry::token(kind, secret);
    token.algorithm = algorithm?;
    let digits = digits?;
    token.digits = digits.unwrap_or(Digits::MIN);
    let unsaid = digits.is_none().then(|| DIGITS_UNSAID.to_owned());
    Some((token, unsaid.into_iter().chain(remark).collect()))
}

/// `ResponseFormat`, which drafts have in `Usage`.
pub(super) fn response_format(node: Node<'_>) -> Result<Option<Node<'_>>, String> {
    for parent in ["AlgorithmParameters", "Usage"] {
        if let Some(parent) = xml::one(node, parent)? {
            return xml::one(parent, "ResponseFormat");
        }
    }
    Ok(None)
}

fn digits(node: Node<'_>) -> Result<Option<Digits>, String> {
    let format = response_format(node)?;
    let length = format.and_then(|format| xml::attribute(format, &["Length"]));
    let digits = length.map(entry::digits).transpose();
    digits.map_err(|what| format!("Length {what}"))
}

/// `Suite`: `HMAC-SHA256` or like that, as text or (privacyIDEA) as an attribute.
fn algorithm(node: Node<'_>) -> Result<Algorithm, String> {
    let Some(parameters) = xml::one(node, "AlgorithmParameters")? else {
        return Ok(Algorithm::Sha1);
    };
    let Some(suite) = xml::one(parameters, "Suite")? else {
        return Ok(Algorithm::Sha1);
    };
    let mut name = xml::text(suite)?;
    if name.is_empty() {
        name = xml::attribute(suite, &["hashalgo"]).unwrap_or("sha1");
    }
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    let hash = name.strip_prefix("hmac").unwrap_or(&name);
    Algorithm::from_name(hash).ok_or_else(|| "must be HMAC with SHA-1, SHA-256 or SHA-512".into())
}

fn period(data: Data<'_>, is_privacyidea: bool) -> Result<Option<Period>, String> {
    // So privacyIDEA writes that nobody chose one.
    if is_privacyidea && data.text("TimeInterval")? == Some("None") {
        return Ok(None);
    }
    let seconds = data.number("TimeInterval")?;
    let period = |seconds| Period::new(seconds).ok_or("must be 1 to 86400 seconds");
    Ok(seconds.map(period).transpose()?)
}

/// How many steps its clock is off.
fn drift(data: Data<'_>) -> Result<i32, String> {
    let text = data.text("TimeDrift")?.unwrap_or("0");
    text.parse().map_err(|_| "is no whole number".into())
}

/// privacyIDEA's `TimeDrift` is in seconds, with decimals.
fn seconds(data: Data<'_>, period: Period) -> Result<i32, String> {
    let text = data.text("TimeDrift")?.unwrap_or("0");
    let whole = text.split('.').next().unwrap_or_default();
    if whole == "None" {
        return Ok(0);
    }
    let seconds: i64 = whole.parse().map_err(|_| "is no number of seconds")?;
    Ok(entry::steps(seconds, period)?)
}
