//! What a person typed.

use zeroize::Zeroizing;

use crate::yubico::YubicoOtp;
use crate::{Code, Digits, RecoveryCode};

/// The longest answer that is looked at, in bytes: Linux-PAM's `PAM_MAX_RESP_SIZE`.
pub const MAX_ANSWER: usize = 512;

/// What a person typed, read in every way that it can be meant.
///
/// A code stands at the end; each token has its own length, and so cuts the answer
/// elsewhere. What stands in front of it is a PIN, a YubiKey's public id, or in a joined
/// answer (`forward_pass`) a password.
#[derive(Debug, Clone)]
pub struct Attempt {
    typed: Zeroizing<Vec<u8>>,
    /// Whether a password stands in front.
    is_joined: bool,
    /// The PIN, where that was asked for on its own.
    pin: Option<Zeroizing<Vec<u8>>>,
    recovery: Option<RecoveryCode>,
    /// The code before this one, where two in a row were asked for.
    first: Option<Box<Attempt>>,
}

/// The most that stands in front of a code: a PIN of 64 bytes and a public id of 32.
const MAX_FRONT: usize = 96;
/// A Yubico OTP with the public id of six bytes that YubiKeys are sold with.
const YUBICO_WITH_ID: usize = 44;

impl Attempt {
    /// Reads a code, or a recovery code. Blanks and dashes are forgiven, and a CR at the
    /// end; nothing else. All spellings of a code are one code (CVE-2025-6014's class).
    pub fn parse(answer: &[u8]) -> Self {
        let mut clean = Zeroizing::new(Vec::with_capacity(answer.len()));
        let answer = joined(answer);
        clean.extend(answer.iter().filter(|b| !matches!(b, b' ' | b'\t' | b'-')));
        Self {
            recovery: RecoveryCode::parse(&clean),
            typed: clean,
            is_joined: false,
            pin: None,
            first: None,
        }
    }

    /// Reads a password with a code, or a recovery code, at its end.
    pub fn parse_joined(answer: &[u8]) -> Self {
        let answer = joined(answer);
        Self {
            recovery: recovery_suffix(answer).map(|(code, _)| code),
            typed: Zeroizing::new(answer.to_vec()),
            is_joined: true,
            pin: None,
            first: None,
        }
    }

    /// The same attempt, with the PIN that was typed at a question of its own.
    pub fn with_pin(mut self, answer: &[u8]) -> Self {
        self.pin = Some(Zeroizing::new(joined(answer).to_vec()));
        self
    }

    /// The same attempt, with the code that was typed after it.
    pub fn followed_by(self, next: Self) -> Self {
        Self {
            first: Some(Box::new(self)),
            ..next
        }
    }

    /// The password in front of the last `length` characters of a joined answer.
    pub fn password(answer: &[u8], length: usize) -> &[u8] {
        front(joined(answer), length)
    }

    /// The password in front of whatever looks like a code of any kind at the end of a
    /// joined answer. Without one the whole answer is the password.
    pub fn likely_password(answer: &[u8]) -> &[u8] {
        let answer = joined(answer);
        let ends = |length: usize, is_code: fn(&[u8]) -> bool| {
            suffix(answer, length)
                .filter(|end| is_code(end))
                .map(|_| length)
        };
        let length = ends(Digits::MIN.count(), |end| Code::parse(end).is_some())
            .or_else(|| ends(YUBICO_WITH_ID, is_modhex))
            .or_else(|| ends(YubicoOtp::CHARACTERS, is_modhex))
            .or_else(|| recovery_suffix(answer).map(|(_, length)| length));
        front(answer, length.unwrap_or(0))
    }

    /// How long the recovery code is, as it was typed; 0 if it isn't one.
    pub(crate) fn recovery_length(&self) -> usize {
        recovery_suffix(&self.typed).map_or(0, |(_, length)| length)
    }

    /// The code of that many digits at the end, if there is one.
    pub(crate) fn code(&self, digits: Digits) -> Option<Code> {
        self.end(digits.count()).and_then(Code::parse)
    }

    /// The code, if there is nothing in front of it but a password.
    pub(crate) fn lone_code(&self, digits: Digits) -> Option<Code> {
        let is_alone = self.is_joined || self.typed.len() == digits.count();
        self.code(digits).filter(|_| is_alone)
    }

    /// The Yubico OTP at the end, if there is one.
    pub(crate) fn otp(&self) -> Option<YubicoOtp> {
        self.end(YubicoOtp::CHARACTERS).and_then(YubicoOtp::parse)
    }

    /// The last `length` characters, unless there is more in front than can stand there.
    fn end(&self, length: usize) -> Option<&[u8]> {
        let fits = self.is_joined || self.front(length).len() <= MAX_FRONT;
        suffix(&self.typed, length).filter(|_| fits)
    }

    /// What stands in front of the last `length` characters.
    pub(crate) fn front(&self, length: usize) -> &[u8] {
        front(&self.typed, length)
    }

    /// Whether a password may stand in front.
    pub fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// The PIN, where that was asked for on its own.
    pub(crate) fn pin(&self) -> Option<&[u8]> {
        self.pin.as_ref().map(|pin| pin.as_slice())
    }

    /// The code before this one, where two in a row were asked for.
    pub(crate) fn first(&self) -> Option<&Self> {
        self.first.as_deref()
    }

    /// The recovery code, if the answer can be read as one.
    pub fn recovery(&self) -> Option<&RecoveryCode> {
        self.recovery.as_ref()
    }

    /// Whether it can be read as any token's code: digits at the end, or what a YubiKey
    /// types. Each length is tried, as what may stand in front is measured from there.
    pub fn has_code(&self) -> bool {
        let is_code = |count| self.end(count).and_then(Code::parse).is_some();
        (Digits::MIN.count()..=Digits::MAX.count()).any(is_code) || self.otp().is_some()
    }

    /// Neither a code nor a recovery code: refused, and counted nowhere.
    pub fn is_malformed(&self) -> bool {
        !self.has_code() && self.recovery.is_none()
    }
}

fn is_modhex(text: &[u8]) -> bool {
    text.iter().all(|c| YubicoOtp::is_modhex(*c))
}

fn joined(answer: &[u8]) -> &[u8] {
    answer.strip_suffix(b"\r").unwrap_or(answer)
}

fn suffix(answer: &[u8], length: usize) -> Option<&[u8]> {
    answer
        .len()
        .checked_sub(length)
        .and_then(|start| answer.get(start..))
}

fn front(answer: &[u8], cut: usize) -> &[u8] {
    answer
        .len()
        .checked_sub(cut)
        .and_then(|end| answer.get(..end))
        .unwrap_or_default()
}

/// A recovery code at the end, with its dashes or without, and how long it is there.
fn recovery_suffix(answer: &[u8]) -> Option<(RecoveryCode, usize)> {
    let dashed = suffix(answer, 19).and_then(|text| {
        let grouped = [4, 9, 14].into_iter().all(|at| text.get(at) == Some(&b'-'));
        let plain = Zeroizing::new(
            text.iter()
                .copied()
                .filter(|b| *b != b'-')
                .collect::<Vec<_>>(),
        );
        RecoveryCode::parse(&plain)
            .filter(|_| grouped)
            .map(|code| (code, 19))
    });
    dashed.or_else(|| RecoveryCode::parse(suffix(answer, 16)?).map(|code| (code, 16)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(answer: &str) -> Option<String> {
        let attempt = Attempt::parse(answer.as_bytes());
        let code = attempt.lone_code(Digits::MIN);
        code.map(|code| code.to_text().to_string())
    }

    /// Threats 4.5: forgiven spellings are one code, T15.
    #[test]
    fn blanks_dashes_and_a_trailing_cr_are_forgiven() {
        for answer in [
            "123456",
            "123 456",
            "12-34-56",
            " 123456 ",
            "\t123456\r",
            "1 2 3 4 5 6",
        ] {
            assert_eq!(read(answer).as_deref(), Some("123456"), "{answer:?}");
        }
    }

    /// Threats 4.5.
    #[test]
    fn nothing_else_is_forgiven() {
        let wrong = [
            "",
            "   ",
            "-",
            "12345",
            "0x1234",
            "１２３４５６",
            "12345O",
            "123\r456",
            "123456\n",
            "123456\r\r",
            "123456\0",
            "٣٤٥٦٧٨",
            "123.456",
            "dteffujehknhfjbrjnlnldnhcujvddbikngjrtg!",
            &format!("{}123456", "x".repeat(97)),
            "\u{8}\n\r\u{7f}INCORRECT",
        ];
        for answer in wrong {
            assert!(
                Attempt::parse(answer.as_bytes()).is_malformed(),
                "{answer:?}"
            );
        }
    }

    #[test]
    fn what_is_in_front_of_a_code_is_no_part_of_it() {
        for (answer, front) in [("1234567", "1"), ("pin 123-456", "pin"), ("+123456", "+")] {
            let attempt = Attempt::parse(answer.as_bytes());
            assert!(attempt.lone_code(Digits::MIN).is_none(), "{answer}");
            assert!(attempt.code(Digits::MIN).is_some(), "{answer}");
            assert_eq!(attempt.front(6), front.as_bytes());
        }
        assert!(read("1234567").is_none());
    }

    #[test]
    fn what_a_yubikey_types_is_read_with_its_public_id() {
        let attempt = Attempt::parse(b"dteffujehknhfjbrjnlnldnhcujvddbikngjrtgh");
        assert!(attempt.otp().is_some() && attempt.has_code() && !attempt.is_malformed());
        assert_eq!(attempt.front(YubicoOtp::CHARACTERS), b"dteffuje");
    }

    #[test]
    fn joined_answer_is_cut_by_the_length_of_the_code() {
        let answer = b"secret99123456";
        let attempt = Attempt::parse_joined(answer);
        let code = |digits| attempt.lone_code(digits).unwrap().to_text().to_string();
        assert_eq!(code(Digits::MIN), "123456");
        assert_eq!(code(Digits::new(8).unwrap()), "99123456");
        assert_eq!(Attempt::password(answer, 6), b"secret99");
        assert_eq!(Attempt::password(answer, 8), b"secret");
        assert_eq!(
            Attempt::likely_password(b"only a password"),
            b"only a password"
        );
    }

    #[test]
    fn joined_answer_may_end_in_a_recovery_code() {
        for typed in [
            "pass word-ABCD-efgh-2345-WXYZ",
            "pass word-ABCDefgh2345WXYZ",
        ] {
            assert!(Attempt::parse_joined(typed.as_bytes()).recovery().is_some());
            assert_eq!(Attempt::likely_password(typed.as_bytes()), b"pass word-");
        }
    }

    proptest! {
        /// Threats 4.5: bytes 0 to 255, length 0 to 600.
        #[test]
        fn no_answer_panics(answer in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Attempt::parse(&answer);
            let joined = Attempt::parse_joined(&answer);
            prop_assert!(joined.front(6).len() <= answer.len());
            for length in 0..50 {
                prop_assert!(Attempt::password(&answer, length).len() <= answer.len());
            }
            prop_assert!(Attempt::likely_password(&answer).len() <= answer.len());
        }
    }
}
