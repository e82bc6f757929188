//! `make model` for the long form: `FOB_MODEL` times as many histories, and all that takes
//! minutes to go through.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::disk::Disk;
use super::file::{NEWER, good};
use super::medium::Still;
use super::people::{code, fob, paper, phone};
use super::world::Deed;
use super::{Bytes, Every, History, Rules};
use crate::FaultKind;
use crate::pages::Pages;

/// The step that the phone shows at the start.
const STEP: u64 = 1_800_000_000 / 30;

fn times() -> u64 {
    std::env::var("FOB_MODEL").map_or(1, |text| text.parse().unwrap())
}

fn is_long() -> bool {
    times() > 1
}

fn types(text: impl Into<String>) -> Deed {
    let text = text.into();
    Deed::Type(text.clone(), text)
}

fn press(counter: u64) -> Deed {
    types(code(fob(), counter))
}

fn shows(step: u64) -> Deed {
    types(code(phone(), step))
}

/// After these logins, one after another, lets those of each round be at once, with so many
/// faults in all, in every way that there is.
fn every_way(before: &[Deed], rounds: &[&[Deed]], faults: u32) -> u64 {
    let every = Rc::new(RefCell::new(Every::default()));
    let mut ways = 0;
    loop {
        let mut history = History::new(every.clone(), Rules::Exact);
        for deed in before {
            history.at_once(vec![deed.clone()], 0);
        }
        let mut left = faults;
        for round in rounds {
            history.at_once(round.to_vec(), left);
            left = history.faults_left();
        }
        history.end();
        ways += 1;
        if !every.borrow_mut().next_run() {
            return ways;
        }
    }
}

fn deeds() -> [(&'static str, Deed); 7] {
    [
        ("press", press(2)),
        ("shown", shows(STEP)),
        ("spent", press(0)),
        ("wrong", types("000000")),
        ("malformed", types("none")),
        ("recovery", types(paper(4).to_text().as_str())),
        ("unlock", Deed::Unlock),
    ]
}

/// P1, P3, P4: the first login, and one after others, with one fault in every place. After a
/// refusal the newest slot is a debit; after a success it is settled.
#[test]
fn one_login_with_a_fault_at_every_step() {
    for before in [&[][..], &[press(0)], &[press(0), types("000000")]] {
        for (name, deed) in deeds() {
            let ways = every_way(before, &[&[deed]], 1);
            println!("{name} after {}: {ways} ways", before.len());
            assert!(ways > 10, "{name}");
        }
    }
}

/// P4: what a fault left meets another one.
#[test]
fn one_login_with_two_faults_at_every_two_steps() {
    let (first, second) = ([press(2)], [press(4)]);
    let used = [press(0)];
    let mut cases = vec![(&used[..], 2)];
    if is_long() {
        cases = vec![(&[][..], 2), (&used, 2), (&used, 3)];
    }
    for (before, faults) in cases {
        let ways = every_way(before, &[&first, &second], faults);
        println!(
            "two logins with {faults} faults after {}: {ways} ways",
            before.len()
        );
        assert!(ways > 1000);
    }
}

/// P1, P2: the same code, or another, at once; every order of the steps, and one fault.
#[test]
fn two_logins_at_once_in_every_order_of_their_steps() {
    for before in [&[][..], &[press(0)]] {
        for pair in [
            [press(2), press(2)],
            [press(2), shows(STEP)],
            [press(3), types("000000")],
        ] {
            let is_first = before.is_empty();
            let faults = u32::from(!is_first || is_long());
            let ways = every_way(before, &[&pair], faults);
            println!("two at once, with {faults} faults: {ways} ways");
            assert!(ways > 10);
        }
    }
}

/// P1, P2: also three and four; where there is time, three with one fault.
#[test]
fn three_and_four_logins_at_once_in_every_order_of_their_steps() {
    let four = [press(1), press(1), shows(STEP), types("000000")];
    let mut ways = every_way(&[press(0)], &[&four[..3]], 0);
    if is_long() {
        ways += every_way(&[press(0)], &[&four], 0);
        ways += every_way(&[], &[&four[..3]], 0);
        ways += every_way(&[press(0)], &[&four[..3]], 1);
    }
    println!("three and four at once: {ways} ways");
    assert!(ways > 6);
}

/// SplitMix64: the same numbers on every machine.
fn random(mut seed: u64) -> impl Iterator<Item = u8> {
    std::iter::repeat_with(move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed.to_be_bytes()[3]
    })
}

fn histories(rules: Rules, count: u64) {
    for seed in 0..count {
        let chances = Rc::new(RefCell::new(Bytes(random(seed ^ rules as u64))));
        // The seed shows if one fails.
        println!("{rules:?}: history {seed}");
        History::new(chances, rules).live(12, u32::try_from(seed % 5).unwrap());
    }
}

/// P1, P2, P4: attempts of every kind, crashes, torn slots and clock jumps at random.
#[test]
fn histories_at_random_go_by_the_rules() {
    histories(Rules::Exact, 250 * times());
}

/// P1, P4: also with throttle, drift and resync at the prompt.
#[test]
fn histories_by_the_usual_rules_never_accept_twice() {
    histories(Rules::Usual, 250 * times());
}

/// P9: numbers from both ends in mark and slots; neither panics, and no code counts twice.
#[test]
fn ledger_files_that_nobody_wrote_let_in_once_at_most() {
    const ENDS: [u64; 6] = [0, 1, 2, u64::MAX - 2, u64::MAX - 1, u64::MAX];
    let ledger = fob_core::Ledger::new(super::people::owner())
        .to_bytes()
        .unwrap();
    for number in 0..6 * 6 * 6 * 4 {
        let [mark, first, second] = [1, 6, 36].map(|unit| ENDS[number / unit % 6].to_be_bytes());
        let kinds = [u8::try_from(number / 216).unwrap()];
        let bytes = [&mark[..], &first, &second, &kinds, &ledger, &ledger].concat();
        super::read_file(&bytes);
    }
}

/// P9: whichever byte of a ledger is another, the ledger is what it was or is refused: never
/// an older one, never a fresh one.
#[test]
fn ledger_with_a_wrong_byte_is_whole_or_refused() {
    let (mut whole, mut refused) = (0, 0);
    for number in [6, u64::MAX] {
        let good = good(number);
        for at in 0..good.len() {
            let mut file = good.clone();
            file[at] ^= 1;
            match Pages::read(Still(Disk::new(file)), Path::new("/state/1000")) {
                Ok((_, ledger)) => {
                    assert_eq!(ledger.floor(fob()), NEWER, "byte {at}");
                    whole += 1;
                }
                Err(fault) => {
                    let kinds = [FaultKind::StateDamaged, FaultKind::NewerVersion];
                    assert!(kinds.contains(&fault.kind), "byte {at}: {fault:?}");
                    refused += 1;
                }
            }
        }
    }
    // The head, the mark, and the slot that counts.
    assert!(refused > 2 * (10 + 16 + 36) && whole > refused, "{refused}");
}
