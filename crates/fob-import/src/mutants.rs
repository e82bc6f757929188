//! Bytes that nobody wrote: the samples with pieces replaced, removed and doubled.

use proptest::prelude::*;

use crate::samples;

/// What is done to a sample: where, how much, and what instead.
type Change = (prop::sample::Index, usize, Vec<u8>);

/// Any bytes, and the samples of a folder after a few changes.
pub(crate) fn of(folder: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    let read = |path| std::fs::read(path).unwrap();
    let samples: Vec<Vec<u8>> = samples::all(folder).into_iter().map(read).collect();
    let change = (
        any::<prop::sample::Index>(),
        0..12usize,
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..6),
            "[0-9,;\"\n\r =a-f]{0,8}".prop_map(String::into_bytes),
        ],
    );
    let changes = prop::collection::vec(change, 1..6);
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..600),
        8 => (prop::sample::select(samples), changes).prop_map(changed),
    ]
}

fn changed((mut bytes, changes): (Vec<u8>, Vec<Change>)) -> Vec<u8> {
    for (at, length, instead) in changes {
        let start = at.index(bytes.len().max(1)).min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        let piece = bytes[start..end].to_vec();
        if instead.is_empty() {
            bytes.splice(start..start, piece.repeat(3)); // doubled, and once more
        } else {
            bytes.splice(start..end, instead);
        }
    }
    bytes
}
