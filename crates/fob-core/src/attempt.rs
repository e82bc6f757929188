//! What a person typed.

use zeroize::Zeroizing;

use crate::{Code, Digits, RecoveryCode};

/// The longest answer that is looked at, in bytes: Linux-PAM's `PAM_MAX_RESP_SIZE`.
pub const MAX_ANSWER: usize = 512;

/// What a person typed, read in every way that it can be meant.
///
/// A plain answer is one code or one recovery code. A joined answer (`forward_pass`) is
/// a password with a code at its end, so that each length of code cuts it elsewhere.
#[derive(Debug)]
pub struct Attempt {
    codes: Vec<Code>,
    recovery: Option<RecoveryCode>,
}

impl Attempt {
    /// Reads a code, or a recovery code. Blanks and dashes are forgiven, and a CR at the
    /// end; nothing else. All spellings of a code are one code (CVE-2025-6014's class).
    pub fn parse(answer: &[u8]) -> Self {
        let mut clean = Zeroizing::new(Vec::with_capacity(answer.len()));
        let answer = answer.strip_suffix(b"\r").unwrap_or(answer);
        clean.extend(answer.iter().filter(|b| !matches!(b, b' ' | b'\t' | b'-')));
        Self {
            codes: Code::parse(&clean).into_iter().collect(),
            recovery: RecoveryCode::parse(&clean),
        }
    }

    /// Reads a password with a code, or a recovery code, at its end.
    pub fn parse_joined(answer: &[u8]) -> Self {
        let answer = joined(answer);
        let lengths = Digits::MIN.count()..=Digits::MAX.count();
        // One for each length: a list that grew would leave codes behind in freed memory.
        let mut codes = Vec::with_capacity(5);
        codes.extend(lengths.filter_map(|length| Code::parse(suffix(answer, length)?)));
        Self {
            codes,
            recovery: recovery_suffix(answer).map(|(code, _)| code),
        }
    }

    /// The password in front of a code of `digits` in a joined answer. Without such a
    /// code at its end the whole answer is the password.
    pub fn password(answer: &[u8], digits: Digits) -> &[u8] {
        let answer = joined(answer);
        let cut = suffix(answer, digits.count())
            .and_then(Code::parse)
            .map_or(0, |_| digits.count());
        front(answer, cut)
    }

    /// The password in front of a recovery code in a joined answer.
    pub fn password_before_recovery(answer: &[u8]) -> &[u8] {
        let answer = joined(answer);
        front(
            answer,
            recovery_suffix(answer).map_or(0, |(_, length)| length),
        )
    }

    /// The code of that many digits, if the answer can be read as one.
    pub(crate) fn code(&self, digits: Digits) -> Option<&Code> {
        self.codes.iter().find(|code| code.digits() == digits)
    }

    /// The codes that the answer can be read as.
    pub(crate) fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// The recovery code, if the answer can be read as one.
    pub fn recovery(&self) -> Option<&RecoveryCode> {
        self.recovery.as_ref()
    }

    /// Whether it can be read as a code at all.
    pub fn has_code(&self) -> bool {
        !self.codes.is_empty()
    }

    /// Neither a code nor a recovery code: refused, and counted nowhere.
    pub fn is_malformed(&self) -> bool {
        self.codes.is_empty() && self.recovery.is_none()
    }
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
        attempt.codes.first().map(|code| code.to_text().to_string())
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
            "12345678901",
            "+123456",
            "0x1234",
            "１２３４５６",
            "12345O",
            "123\r456",
            "123456\n",
            "123456\r\r",
            "123456\0",
            "٣٤٥٦٧٨",
            "123.456",
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
    fn seven_digits_are_not_six() {
        let attempt = Attempt::parse(b"1234567");
        assert!(attempt.code(Digits::MIN).is_none());
        assert!(attempt.code(Digits::new(7).unwrap()).is_some());
    }

    #[test]
    fn joined_answer_is_cut_by_the_length_of_the_code() {
        let answer = b"secret99123456";
        let attempt = Attempt::parse_joined(answer);
        assert_eq!(
            attempt.code(Digits::MIN).unwrap().to_text().as_str(),
            "123456"
        );
        assert_eq!(
            attempt
                .code(Digits::new(8).unwrap())
                .unwrap()
                .to_text()
                .as_str(),
            "99123456"
        );
        assert_eq!(Attempt::password(answer, Digits::MIN), b"secret99");
        assert_eq!(
            Attempt::password(answer, Digits::new(8).unwrap()),
            b"secret"
        );
        assert_eq!(
            Attempt::password(b"only a password", Digits::MIN),
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
            assert_eq!(
                Attempt::password_before_recovery(typed.as_bytes()),
                b"pass word-"
            );
        }
    }

    proptest! {
        /// Threats 4.5: bytes 0 to 255, length 0 to 600.
        #[test]
        fn no_answer_panics(answer in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Attempt::parse(&answer);
            let joined = Attempt::parse_joined(&answer);
            for code in &joined.codes {
                prop_assert!(Attempt::password(&answer, code.digits()).len() <= answer.len());
            }
            prop_assert!(Attempt::password_before_recovery(&answer).len() <= answer.len());
        }
    }
}
