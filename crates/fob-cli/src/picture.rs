//! A QR code on whatever stdout is.

use fob_core::{Drawing, Ink, Qr};
use zeroize::Zeroizing;

use crate::output::{is_terminal, use_colours};
use crate::stop::Stop;

/// Black on white whatever the terminal's own colours are; on those that know bright
/// colours, on bright white.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;107m";
const RESET: &str = "\x1b[0m";

/// The QR code of `text`, with so many light modules round it.
///
/// # Errors
/// The text is too long for a QR code.
pub(crate) fn of(text: &str, quiet: usize) -> Result<Qr, Stop> {
    Qr::of(text, quiet).ok_or_else(|| {
        Stop::unknown("the URI is too long for a QR code").remedy("Shorten --issuer.")
    })
}

/// Draws `text` as a QR code for whatever stdout is. Many phones read no code whose light
/// and dark are swapped, so where colours aren't wished (`NO_COLOR`) a terminal gets one
/// for each kind of screen: which kind it is can't be known.
///
/// # Errors
/// The text is too long for a QR code.
pub(crate) fn for_stdout(text: &str) -> Result<Zeroizing<String>, Stop> {
    let qr = of(text, Qr::QUIET)?;
    let printed = qr.draw(Drawing::Blocks, Ink::Dark);
    if use_colours() {
        return Ok(coloured(&printed));
    }
    if !is_terminal() {
        return Ok(printed);
    }
    Ok(Zeroizing::new(format!(
        "On a light screen scan this:\n{}\nOn a dark screen scan this:\n{}",
        *printed,
        *qr.draw(Drawing::Blocks, Ink::Light)
    )))
}

fn coloured(picture: &str) -> Zeroizing<String> {
    let mut coloured = Zeroizing::new(String::with_capacity(picture.len().saturating_mul(2)));
    for line in picture.lines() {
        for part in [BLACK_ON_WHITE, line, RESET, "\n"] {
            coloured.push_str(part);
        }
    }
    coloured
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_sets_its_colours_and_puts_them_back() {
        let qr = of(
            "otpauth://totp/host:alice?secret=GEZDGNBVGY3TQOJQ",
            Qr::QUIET,
        )
        .unwrap();
        let coloured = coloured(&qr.draw(Drawing::Blocks, Ink::Dark));
        assert!(
            coloured
                .lines()
                .all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET))
        );
    }
}
