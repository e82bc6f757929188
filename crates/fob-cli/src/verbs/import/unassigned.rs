//! The tokens of a file that nobody gets yet, and what they are called in the stock.

use std::collections::{HashMap, HashSet};

use fob_core::Token;
use fob_import::Found;

use crate::output::count;

/// So many names are told of many.
const FEW: usize = 8;
/// What becomes of a clock that is off.
const DRIFT_LOST: &str = "By the file its clock is off, and the stock doesn't keep by how much. \
    If codes are refused once somebody has it, run: fob resync";

/// Something to know, and the serials of the tokens that it is about.
pub(super) type Remark = (String, Vec<String>);

/// A token for the stock.
pub(super) struct Unassigned {
    serial: String,
    token: Token,
    remarks: Vec<String>,
}

impl Unassigned {
    /// What the stock takes of a token; nothing if it has no serial, or a PIN, which is a
    /// person's.
    pub(super) fn new(found: Found) -> Option<Self> {
        let mut token = found.token;
        let serial = token.serial.take().or_else(|| token.public_id.clone());
        let serial = serial.filter(|_| found.pin.is_none())?;
        if token.id.is_empty() {
            token.id = format!("fob-{serial}");
        }
        let mut remarks = found.remarks;
        if found.used.drift != 0 {
            remarks.push(DRIFT_LOST.into());
        }
        Some(Self {
            serial,
            token,
            remarks,
        })
    }

    /// The serial, and the token under that serial.
    pub(super) fn into_pair(self) -> (String, Token) {
        let mut token = self.token;
        token.serial = Some(self.serial.clone());
        (self.serial, token)
    }
}

/// Gives each token a serial and an id of its own: a device may have several keys, and the
/// maker prints one serial on it. Says which are called otherwise than in the file.
pub(super) fn settle(tokens: &mut [Unassigned]) -> Option<String> {
    let mut serials: HashSet<String> = tokens.iter().map(|one| one.serial.clone()).collect();
    let mut ids: HashSet<String> = tokens.iter().map(|one| one.token.id.clone()).collect();
    let mut seen = (HashMap::new(), HashMap::new());
    let mut others = Vec::new();
    for one in tokens.iter_mut() {
        if settle_name(&mut one.serial, &mut seen.0, &mut serials) {
            others.push(one.serial.clone());
        }
        settle_name(&mut one.token.id, &mut seen.1, &mut ids);
    }
    let number = count(u64::try_from(others.len()).unwrap_or(u64::MAX), "token");
    let names = few(&others);
    (!others.is_empty())
        .then(|| format!("{number} with the serial of another before it, in stock called: {names}"))
}

/// What is to be known of the tokens, the same of many once, in the order of the file.
pub(super) fn remarks(tokens: &[Unassigned]) -> Vec<Remark> {
    let mut all: Vec<Remark> = Vec::new();
    let mut places = HashMap::new();
    for one in tokens {
        for text in &one.remarks {
            let place = *places.entry(text).or_insert(all.len());
            if place == all.len() {
                all.push((text.clone(), Vec::new()));
            }
            if let Some((_, serials)) = all.get_mut(place) {
                serials.push(one.serial.clone());
            }
        }
    }
    all
}

/// The first of many names.
pub(super) fn few(names: &[impl AsRef<str>]) -> String {
    let first: Vec<&str> = names.iter().take(FEW).map(AsRef::as_ref).collect();
    let more = if first.len() < names.len() {
        ", ..."
    } else {
        ""
    };
    format!("{}{more}", first.join(", "))
}

/// Puts a number behind a name that was there before; says whether it did. `seen` has the last
/// number of each.
fn settle_name(
    name: &mut String,
    seen: &mut HashMap<String, u64>,
    taken: &mut HashSet<String>,
) -> bool {
    let last = seen.entry(name.clone()).or_default();
    *last = last.saturating_add(1);
    if *last == 1 {
        return false;
    }
    let mut numbered = format!("{name}-{last}");
    while taken.contains(&numbered) {
        *last = last.saturating_add(1);
        numbered = format!("{name}-{last}");
    }
    taken.insert(numbered.clone());
    *name = numbered;
    true
}

#[cfg(test)]
pub(super) mod tests {
    use fob_core::{Algorithm, Digits, Kind, Period, Secret};
    use fob_import::Used;

    use super::*;

    fn secret(byte: u8) -> Vec<u8> {
        (byte..).take(20).collect()
    }

    /// A token of a maker's file.
    pub(in super::super) fn found(serial: &str, id: &str, byte: u8) -> Found {
        Found {
            place: format!("line {byte}"),
            user: None,
            token: Token {
                id: id.into(),
                kind: Kind::Totp {
                    period: Period::DEFAULT,
                    t0: 0,
                },
                algorithm: Algorithm::Sha1,
                digits: Digits::MIN,
                secret: Secret::new(secret(byte)).unwrap(),
                serial: Some(serial.into()),
                public_id: None,
                expires: None,
                disabled: false,
            },
            issuer: None,
            used: Used::default(),
            pin: None,
            scratch: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn kept(all: Vec<Found>) -> Vec<Unassigned> {
        all.into_iter().filter_map(Unassigned::new).collect()
    }

    /// A device with several keys has them all under its serial, and no key is lost.
    #[test]
    fn tokens_under_one_serial_are_all_kept() {
        let mut all = kept(vec![
            found("888", "yubikey-888", 1),
            found("888", "yubikey-888", 2),
            found("888-2", "", 3),
            found("888", "yubikey-888", 4),
            found("999", "", 5),
        ]);
        let told = settle(&mut all).unwrap();
        assert!(told.starts_with("2 tokens with the serial"), "{told}");
        assert!(told.ends_with(": 888-3, 888-4"), "{told}");
        let all: Vec<_> = all.into_iter().map(Unassigned::into_pair).collect();
        let serials: Vec<&str> = all.iter().map(|(serial, _)| serial.as_str()).collect();
        assert_eq!(serials, ["888", "888-3", "888-2", "888-4", "999"]);
        let ids: Vec<&str> = all.iter().map(|(_, token)| token.id.as_str()).collect();
        let expected = [
            "yubikey-888",
            "yubikey-888-2",
            "fob-888-2",
            "yubikey-888-3",
            "fob-999",
        ];
        assert_eq!(ids, expected);
        for ((serial, token), byte) in all.iter().zip(1u8..) {
            assert_eq!(token.serial.as_ref(), Some(serial));
            assert_eq!(token.secret.bytes(), secret(byte));
        }
    }

    #[test]
    fn serials_that_differ_stay() {
        let mut all = kept(vec![found("1", "", 1), found("2", "", 2)]);
        assert_eq!(settle(&mut all), None);
        let serials: Vec<_> = all.into_iter().map(|one| one.into_pair().0).collect();
        assert_eq!(serials, ["1", "2"]);
    }

    /// What is said of a person's token is said of one for the stock; of hundreds once.
    #[test]
    fn what_is_to_be_known_of_a_token_is_not_lost() {
        let mut all = vec![found("1", "", 1), found("2", "", 2), found("2", "", 3)];
        for one in &mut all {
            one.remarks.push("It expired.".into());
        }
        all[1].used.drift = 7;
        let mut all = kept(all);
        settle(&mut all);
        let told = remarks(&all);
        let serials = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expired = ("It expired.".to_owned(), serials(&["1", "2", "2-2"]));
        assert_eq!(told, [expired, (DRIFT_LOST.to_owned(), serials(&["2"]))]);
    }
}
