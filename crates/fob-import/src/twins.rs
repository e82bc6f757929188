//! Tokens that a file has twice.

use crate::{Batch, Found, Problem};

/// Notes what is the same with several tokens, with both places.
pub(crate) fn refuse(
    batch: &mut Batch,
    what: &str,
    remedy: &str,
    key: impl Fn(&Found) -> Option<&[u8]>,
) {
    let mut order: Vec<(&[u8], usize)> = Vec::with_capacity(batch.tokens.len());
    let keys = batch.tokens.iter().enumerate();
    order.extend(keys.filter_map(|(place, found)| Some((key(found)?, place))));
    order.sort_unstable();
    let same = |pair: &[(&[u8], usize)]| match pair {
        [(a, first), (b, second)] if a == b => Some((*second, *first)),
        _ => None,
    };
    let mut twins: Vec<(usize, usize)> = order.windows(2).filter_map(same).collect();
    twins.sort_unstable();
    for (second, first) in twins {
        let place = |at: usize| batch.tokens.get(at).map(|found| found.place.clone());
        if let (Some(second), Some(first)) = (place(second), place(first)) {
            batch.refuse(Problem {
                place: second,
                what: format!("{what}: is that of {first} too"),
                remedy: Some(remedy.into()),
            });
        }
    }
}

/// Notes secrets that are there twice: a code would belong to two tokens.
pub(crate) fn refuse_secrets(batch: &mut Batch) {
    let remedy = "Two tokens never share a secret: take one of them out.";
    refuse(batch, "secret", remedy, |found| {
        Some(found.token.secret.bytes())
    });
}

/// Notes serials that are there twice.
pub(crate) fn refuse_serials(batch: &mut Batch) {
    refuse(batch, "serial", "Take one of them out.", |found| {
        found.token.serial.as_deref().map(str::as_bytes)
    });
}
