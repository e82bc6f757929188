//! PSKC, RFC 6030: plain, or under a pre-shared key or a passphrase; and the drafts before
//! it that makers still ship. Checked against python-pskc, pskctool and the files of
//! Feitian, NagraID, multiOTP and privacyIDEA.
//!
//! A MAC is checked before anything is decrypted.
mod cipher;
mod data;
mod device;
mod key;
mod lock;
mod otp;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;

use crate::entry::{self, Entry};
use crate::xml::{self, Node};
use crate::{Batch, Found, MAX_TOKENS, Options, twins};
use device::Device;
use lock::Lock;
pub use write::{Leaving, WriteError, Written, write};

/// Reads a key container.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    let mut batch = Batch::default();
    xml::read(bytes, &mut batch, |root, batch| {
        container(root, options, batch)
    });
    twins::refuse_secrets(&mut batch);
    entry::remark_uses(&mut batch);
    batch
}

fn container(root: Node<'_>, options: &Options, batch: &mut Batch) {
    if !xml::is(root, "KeyContainer") {
        return batch.problem("", "is no PSKC file: its root is not KeyContainer");
    }
    let version = xml::attribute(root, &["Version"]);
    if version.is_some_and(|version| !matches!(version, "1" | "1.0")) {
        return batch.problem("", "KeyContainer: Version is not 1.0");
    }
    let lock = match Lock::of(root, options.key.as_ref()) {
        Ok(lock) => lock,
        Err(problem) => return batch.refuse(problem),
    };
    if xml::all(root, "Signature").next().is_some() {
        let remark =
            "The file is signed. The signature wasn't checked: \"pskctool --verify\" does.";
        batch.remarks.push(remark.into());
    }
    let mut file = File {
        lock,
        now: options.now,
        names: HashMap::new(),
    };
    let is_package = |node: &Node<'_>| xml::is(*node, "KeyPackage") || xml::is(*node, "Device");
    for (node, number) in root.children().filter(is_package).zip(1usize..) {
        let place = format!("KeyPackage {number}");
        if batch.tokens.len() >= MAX_TOKENS {
            return batch.problem(
                place,
                format!("is beyond the {MAX_TOKENS} tokens of a file"),
            );
        }
        file.package(node, &place, batch);
        if file.lock.as_ref().is_some_and(Lock::is_wrong) {
            return; // the others would only say the same
        }
    }
    if batch.tokens.is_empty() && batch.dropped.is_empty() && batch.problems.is_empty() {
        batch.problem("", "holds no key");
    }
}

/// What the keys of a file share.
struct File {
    lock: Option<Lock>,
    now: u64,
    /// How many keys an id was suggested for.
    names: HashMap<String, u32>,
}

impl File {
    fn package(&mut self, node: Node<'_>, place: &str, batch: &mut Batch) {
        let mut entry = Entry {
            batch,
            place: place.into(),
        };
        let device = Device::of(node);
        let Some(device) = entry.take("DeviceInfo", device) else {
            return;
        };
        let keys: Vec<_> = xml::all(node, "Key").collect();
        if keys.is_empty() {
            return entry.wrong("Key", "is missing");
        }
        for (node, number) in keys.iter().zip(1usize..) {
            let place = match number {
                1 => place.to_owned(),
                _ => format!("{place}, Key {number}"),
            };
            let mut entry = Entry {
                batch: &mut *batch,
                place,
            };
            if let Some(mut found) = key::read(*node, &device, self, &mut entry) {
                self.name(&mut found);
                batch.tokens.push(found);
            }
        }
    }

    /// Suggests an id after the serial: `fob-123`, and `fob-123-2` for the device's second.
    fn name(&mut self, found: &mut Found) {
        let what = match found.token.kind {
            fob_core::Kind::Yubico { .. } => "yubikey",
            _ => "fob",
        };
        let serial = found.token.serial.as_deref().unwrap_or_default();
        let id = entry::id(what, serial);
        if id.is_empty() {
            return;
        }
        let count = self.names.entry(id.clone()).or_default();
        *count = count.saturating_add(1);
        found.token.id = match *count {
            1 => id,
            count => entry::id(&id, &count.to_string()),
        };
    }
}
