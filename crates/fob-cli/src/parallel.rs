//! The same work for many, on all processors.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread::{available_parallelism, scope};

/// Does `work` on each item; the results are in the order of the items. Each thread has a
/// copy of `tool`.
pub(crate) fn for_each<S: Clone + Send, T: Sync, R: Send>(
    tool: &S,
    items: &[T],
    work: impl Fn(&S, &T) -> R + Sync,
) -> Vec<R> {
    let threads = available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(threads).max(1);
    let work = &work;
    scope(|threads| {
        let started: Vec<_> = items
            .chunks(share)
            .map(|items| {
                let tool = tool.clone();
                threads.spawn(move || items.iter().map(|item| work(&tool, item)).collect())
            })
            .collect();
        let results = started.into_iter().map(|thread| thread.join());
        results
            .flat_map(|result: Result<Vec<R>, _>| {
                result.unwrap_or_else(|panic| resume_unwind(panic))
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        for count in [0, 1, 2, 3, 1000] {
            let items: Vec<u32> = (0..count).collect();
            let doubled: Vec<u32> = items.iter().map(|item| item * 2).collect();
            assert_eq!(for_each(&2, &items, |two, item| two * item), doubled);
        }
    }
}
