//! A `Key`: which kind it is, whether its policy can be kept, and what becomes of it.

use fob_core::{Counter, Day, Kind, PrivateId, Secret, Token};

use super::cipher::last_part;
use super::data::Data;
use super::device::{self, Days, Device};
use super::{File, otp};
use crate::entry::{self, Entry};
use crate::xml::{self, Node};
use crate::yubico::fields::{self, Typed};
use crate::{Found, Used, dn};

/// A kind of key that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    Hotp,
    Totp,
    Yubico,
}

/// A token, what is spent of it, and what to say.
pub(super) struct Read {
    pub(super) token: Token,
    pub(super) used: Used,
    pub(super) remarks: Vec<String>,
}

/// Reads a key; nothing if it was dropped or has a problem.
pub(super) fn read(
    node: Node<'_>,
    device: &Device,
    file: &File,
    entry: &mut Entry<'_>,
) -> Option<Found> {
    let id = xml::attribute(node, &["Id", "KeyId"]).unwrap_or_default();
    let serial = device.serial.as_deref().unwrap_or(id);
    let algorithm = xml::attribute(node, &["Algorithm", "KeyAlgorithm"]);
    let Some(algorithm) = algorithm.filter(|uri| !uri.is_empty()) else {
        entry.wrong("Key", "Algorithm is missing");
        return None;
    };
    let profile = match profile(algorithm) {
        Ok(profile) => profile,
        Err(why) => {
            entry.drop_it(serial, why);
            return None;
        }
    };
    if let Some(why) = entry.take("Key", obstacle(node, profile))? {
        entry.drop_it(serial, why);
        return None;
    }
    let data = entry.take("Key", data(node))?;
    let data = Data {
        node: data,
        lock: file.lock.as_ref(),
    };
    let read = match profile {
        Profile::Hotp => otp::hotp(node, data, entry),
        Profile::Totp => otp::totp(node, data, file.now, serial, entry),
        Profile::Yubico => yubico(node, data, serial, entry),
    };
    let serial = entry.take("SerialNo", entry::serial(serial));
    let days = entry.take("Policy", days(node, device));
    let user = match profile {
        Profile::Yubico => Some(None), // it holds the ids of the key
        _ => entry.take("UserId", device::user(node)),
    };
    let issuer = entry.take("Issuer", device::name(node, "Issuer"));
    let (read, days) = (read?, days?);
    let mut found = entry::found(entry.place.clone(), read.token);
    found.used = read.used;
    found.remarks = read.remarks;
    found.token.serial = serial?;
    found.user = user?.or_else(|| device.user.clone());
    found.issuer = issuer?.or_else(|| device.maker.clone());
    found.token.expires = days.last;
    remark_days(&mut found, days, file.now);
    Some(found)
}

fn profile(uri: &str) -> Result<Profile, &'static str> {
    match last_part(uri).as_str() {
        "hotp" => Ok(Profile::Hotp),
        "totp" => Ok(Profile::Totp),
        "yubikey-aes" => Ok(Profile::Yubico),
        "ocra" => Err("it is an OCRA key, which answers a challenge"),
        "pin" => Err("it is the PIN of another key"),
        "pw" => Err("it is a password, no one-time code"),
        name if name.starts_with("securid") => Err("SecurID is a secret algorithm"),
        _ => Err("its Algorithm is none of HOTP, TOTP and Yubico OTP"),
    }
}

/// The `Data` of a key.
fn data(node: Node<'_>) -> Result<Node<'_>, String> {
    let data = xml::one(node, "Data")?.ok_or("Data is missing")?;
    if xml::attribute(data, &["Name"]).is_some() {
        return Err("Data is that of a draft from before RFC 6030".into());
    }
    Ok(data)
}

/// Why a key that is all right can't be used. What isn't known of a policy must be taken
/// as a refusal (RFC 6030 section 5).
fn obstacle(node: Node<'_>, profile: Profile) -> Result<Option<&'static str>, String> {
    if let Some(policy) = xml::one(node, "Policy")? {
        if let Some(why) = policy_obstacle(policy)? {
            return Ok(Some(why));
        }
    }
    let Some(format) = otp::response_format(node)? else {
        return Ok(None);
    };
    let encoding = xml::attribute(format, &["Encoding", "Format"]).unwrap_or("DECIMAL");
    let check = xml::attribute(format, &["CheckDigit", "CheckDigits"]).unwrap_or("false");
    Ok(if profile == Profile::Yubico {
        None
    } else if !encoding.eq_ignore_ascii_case("DECIMAL") {
        Some("its codes are not decimal")
    } else if !matches!(check, "0" | "false" | "FALSE") {
        Some("its codes end in a check digit")
    } else {
        None
    })
}

fn policy_obstacle(policy: Node<'_>) -> Result<Option<&'static str>, String> {
    let mut usages = Vec::new();
    for child in policy.children().filter(Node::is_element) {
        match child.tag_name().name().to_ascii_lowercase().as_str() {
            "startdate" | "expirydate" => {}
            "keyusage" => usages.push(xml::text(child)?),
            "pinpolicy" => return Ok(Some("its policy wants a PIN, which can't be kept here")),
            "numberoftransactions" => {
                return Ok(Some("its policy limits how often it may be used"));
            }
            _ => return Ok(Some("its policy holds something that isn't known here")),
        }
    }
    let may = usages.is_empty() || usages.iter().any(|usage| usage.eq_ignore_ascii_case("OTP"));
    Ok((!may).then_some("its policy doesn't let it be used for one-time codes"))
}

fn days(node: Node<'_>, device: &Device) -> Result<Days, String> {
    let days = device.days.and(Days::of(node)?); // of a draft
    let policy = xml::one(node, "Policy")?;
    Ok(days.and(policy.map_or(Ok(Days::default()), Days::of)?))
}

fn remark_days(found: &mut Found, days: Days, now: u64) {
    let today = Day::of(now);
    let is_early = |first: &Day| today.is_some_and(|today| today < *first);
    if let Some(first) = days.first.filter(is_early) {
        let remark = format!("It is meant to be used from {first} on; here it can be used now.");
        found.remarks.push(remark);
    }
    let is_late = |last: &Day| today.is_some_and(|today| *last < today);
    if let Some(last) = days.last.filter(is_late) {
        found
            .remarks
            .push(format!("It expired on {last} and lets nobody in."));
    }
}

/// `UserId` holds what the key types: `CN=public id, UID=private id`
/// (draft-josefsson-keyprov-pskc-yubikey-00).
fn yubico(node: Node<'_>, data: Data<'_>, serial: &str, entry: &mut Entry<'_>) -> Option<Read> {
    let ids = entry
        .take("UserId", device::name(node, "UserId"))?
        .unwrap_or_default();
    let Some(private_id) = dn::attribute(&ids, "UID") else {
        entry.drop_it(serial, "it is a Yubico OTP key without its private id");
        return None;
    };
    let private_id: Option<PrivateId> = entry.take("UserId", fields::private_id(&private_id));
    let public_id = dn::attribute(&ids, "CN").unwrap_or_default();
    let public_id = entry.take("UserId", fields::typed(&public_id, Typed::Modhex));
    let (secret, _) = entry.take("Secret", secret(data))?;
    if secret.bytes().len() != 16 {
        entry.wrong("Secret", "must be 16 bytes");
        return None;
    }
    let kind = Kind::Yubico {
        private_id: private_id?,
        counter: Counter(0),
    };
    let mut token = entry::token(kind, secret);
    token.public_id = public_id?;
    Some(Read {
        token,
        used: Used::default(),
        remarks: Vec::new(),
    })
}

/// The secret of a key, and what the file leaves open about it.
pub(super) fn secret(data: Data<'_>) -> Result<(Secret, Option<String>), String> {
    let mut opened = data.secret()?;
    let length = opened.bytes.len();
    let remark = opened.is_open.then(|| {
        let short = length.saturating_sub(1);
        format!(
            "By its padding the secret may have {short} bytes or {length}; {length} were taken. \
            Have its owner try a code with \"fob check\"."
        )
    });
    let secret = Secret::new(std::mem::take(&mut *opened.bytes));
    Ok((secret.map_err(|error| error.to_string())?, remark))
}
