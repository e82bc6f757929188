//! T22: how long a wrong code is judged says nothing of how wrong it is. Instructions are
//! counted, not time.

use fob_core::format::TokenFile;
use fob_core::{
    Admission, Attempt, Debited, Decision, Evidence, Ledger, Now, Owner, Policy, Source, Verdict,
    admit, decide,
};

use crate::machine::{Machine, hotp, press};

const NOW: Now = Now {
    unix: 1_800_000_000,
    boot: 1000,
    boot_id: [1; 16],
};

/// What is counted.
#[inline(never)]
fn one_verdict(evidence: &Evidence<'_>, debited: Debited, attempt: &Attempt) -> Decision {
    decide(&Policy::default(), evidence, debited, &NOW, attempt)
}

/// The codes of `FOB_CODES`, each as the first that is typed. Run by the test below.
#[test]
#[ignore = "runs under callgrind"]
fn verdicts_to_be_counted() {
    let file = TokenFile {
        tokens: vec![hotp("alice")],
        ..TokenFile::default()
    };
    let owner = Owner {
        uid: 2000,
        name: "alice".into(),
    };
    for code in std::env::var("FOB_CODES").unwrap().split(' ') {
        let attempt = Attempt::parse(code.as_bytes());
        let (policy, ledger) = (Policy::default(), Ledger::new(owner.clone()));
        let source = Source::remote("192.0.2.7");
        let admission = admit(&policy, ledger, &NOW, source, "192.0.2.7", &attempt);
        let Admission::Debit(debit) = admission else {
            panic!("not admitted");
        };
        let debited = debit.settle(|_| Ok::<(), ()>(())).unwrap();
        let evidence = Evidence::gather(&file, &attempt);
        let decision = one_verdict(&evidence, debited, &attempt);
        let verdict = decision.settle(|_, _| Ok::<(), ()>(())).unwrap();
        println!("accepted {}", matches!(verdict, Verdict::Accepted(_)));
    }
}

/// With the digits of `right` but those from `from` on.
fn differing(right: &str, from: usize) -> String {
    let digits = right.char_indices();
    let other = digits.map(|(at, digit)| {
        let shift = if at < from { 0 } else { 5 };
        char::from_digit((digit.to_digit(10).unwrap() + shift) % 10, 10).unwrap()
    });
    other.collect()
}

/// Whether none, one or five of the leading digits are right, and at which of the positions
/// of the window: always as many instructions. And all positions are computed, wherever a right
/// code stands.
#[test]
fn wrong_codes_take_as_many_instructions_however_close_they_are() {
    let fob = hotp("alice");
    let mut codes: Vec<String> = [0, 4, 9]
        .iter()
        .flat_map(|counter| {
            let right = press(&fob, *counter);
            (0..6).map(move |from| differing(&right, from))
        })
        .collect();
    let wrong = codes.len();
    codes.extend((0..10).map(|counter| press(&fob, counter)));
    // The first verdict of a process pays for what is made once.
    codes.insert(0, "000000".into());
    let machine = Machine::with(&["alice"]);
    std::fs::copy(std::env::current_exe().unwrap(), machine.path("tmp/it")).unwrap();
    let out = machine.shell(&format!(
        "cd /tmp; FOB_CODES='{}' valgrind -q --tool=callgrind --toggle-collect=it::timing::one_verdict \
             --dump-after=it::timing::one_verdict --callgrind-out-file=/tmp/count \
             ./it --exact timing::verdicts_to_be_counted --ignored --nocapture --test-threads=1 2>&1
         for file in count.*; do sed -n \"s/^totals: /counted ${{file#*.}} /p\" $file; done",
        codes.join(" ")
    ));
    println!("{out}");
    assert_eq!(out.matches("accepted false").count(), wrong + 1, "{out}");
    assert_eq!(out.matches("accepted true").count(), 10, "{out}");
    let counts: Vec<u64> = (1..=codes.len())
        .map(|number| {
            let line = format!("counted {number} ");
            let count = out.lines().find_map(|told| told.strip_prefix(&line));
            count.unwrap_or_else(|| panic!("{out}")).parse().unwrap()
        })
        .collect();
    let (wrong, right) = counts[1..].split_at(wrong);
    assert!(wrong[0] > 10_000, "{out}");
    assert!(wrong.iter().all(|count| *count == wrong[0]), "{out}");
    // An HMAC takes some 8,000: it isn't that one fewer is computed where the code stands early.
    let spread = right.iter().max().unwrap() - right.iter().min().unwrap();
    assert!(spread < 1_000, "{out}");
}
