//! Agreement with OATH Toolkit.

use std::fmt::Write;

use fob_core::{Algorithm, Codes, Counter, Digits, Period, Secret, step};

use crate::machine::Machine;

/// A stream of numbers that is the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// P11.
#[test]
fn codes_agree_with_oathtool() {
    let machine = Machine::with(&[]);
    let mut numbers = Numbers(20_261_123);
    let mut script = String::new();
    let mut expected = Vec::new();
    for _ in 0..400 {
        let length = 10 + numbers.next() % 55;
        let bytes: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let secret = Secret::new(bytes).unwrap();
        let digits = 6 + numbers.next() % 3;
        let wide = Digits::new(digits).unwrap();
        if numbers.next() % 3 == 0 {
            let counter = numbers.next() >> (numbers.next() % 60);
            expected.push(Codes::new(&secret, Algorithm::Sha1, wide).at(Counter(counter)));
            writeln!(script, "oathtool -d {digits} -c {counter} {hex}").unwrap();
        } else {
            let algorithm = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]
                [(numbers.next() % 3) as usize];
            let period = 1 + numbers.next() % 3600;
            let time = numbers.next() % 20_000_000_000;
            let counter = step(time, 0, Period::new(period).unwrap()).unwrap();
            expected.push(Codes::new(&secret, algorithm, wide).at(counter));
            let name = algorithm.name().to_uppercase();
            writeln!(
                script,
                "oathtool --totp={name} -d {digits} -s {period}s -N @{time} {hex}"
            )
            .unwrap();
        }
    }
    let printed = machine.shell(&script);
    for (line, code) in printed.lines().zip(&expected) {
        assert_eq!(line, code.to_text().as_str());
    }
    assert_eq!(printed.lines().count(), 400);
}
