//! A QR code on a terminal: two modules a character cell, one above the other.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::output::{is_terminal, use_colours};
use crate::stop::Stop;

/// Light modules round the picture on a terminal; phones need them to find it.
const QUIET: usize = 2;
/// Black on white whatever the terminal's own colours are; on those that know bright
/// colours, on bright white.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;107m";
const RESET: &str = "\x1b[0m";

/// The modules of a QR code.
pub(crate) struct Modules {
    width: usize,
    quiet: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Modules {
    /// Those of `text`, with so many light modules round it.
    ///
    /// # Errors
    /// The text is too long for a QR code.
    pub(crate) fn of(text: &str, quiet: usize) -> Result<Self, Stop> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| {
            Stop::unknown("the URI is too long for a QR code").remedy("Shorten --issuer.")
        })?;
        let colours = code.to_colors();
        let dark = colours.iter().map(|colour| *colour == Color::Dark);
        Ok(Self {
            width: code.width(),
            quiet,
            dark: Zeroizing::new(dark.collect()),
        })
    }

    /// How many there are on each side, the light ones round it included.
    pub(crate) fn side(&self) -> usize {
        self.width.saturating_add(self.quiet.saturating_mul(2))
    }

    /// Whether the module there is dark.
    pub(crate) fn is_dark(&self, x: usize, y: usize) -> bool {
        let module = x.checked_sub(self.quiet).zip(y.checked_sub(self.quiet));
        module
            .filter(|(x, y)| *x < self.width && *y < self.width)
            .and_then(|(x, y)| self.dark.get(y.checked_mul(self.width)?.checked_add(x)?))
            .is_some_and(|dark| *dark)
    }
}

/// What stands for a dark module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ink {
    /// Black on white, which we set.
    Coloured,
    /// What is printed: right on paper and on a light screen.
    Printed,
    /// What isn't: right on a dark screen.
    Left,
}

/// Draws `text` as a QR code for whatever stdout is. Many phones read no code whose light
/// and dark are swapped, so where colours aren't wished (`NO_COLOR`) a terminal gets one
/// for each kind of screen: which kind it is can't be known.
///
/// # Errors
/// The text is too long for a QR code.
pub(crate) fn for_stdout(text: &str) -> Result<Zeroizing<String>, Stop> {
    if use_colours() || !is_terminal() {
        return draw(text, use_colours());
    }
    let (light, dark) = (paint(text, Ink::Printed)?, paint(text, Ink::Left)?);
    Ok(Zeroizing::new(format!(
        "On a light screen scan this:\n{}\nOn a dark screen scan this:\n{}",
        *light, *dark
    )))
}

/// Draws `text` as a QR code, with colours if a terminal shows it. Without, it is black
/// where ink is black: on paper, or on a light screen.
///
/// # Errors
/// The text is too long for a QR code.
pub(crate) fn draw(text: &str, colours: bool) -> Result<Zeroizing<String>, Stop> {
    let ink = if colours { Ink::Coloured } else { Ink::Printed };
    paint(text, ink)
}

fn paint(text: &str, ink: Ink) -> Result<Zeroizing<String>, Stop> {
    let modules = Modules::of(text, QUIET)?;
    let side = modules.side();
    let inked = |x: usize, y: usize| modules.is_dark(x, y) != (ink == Ink::Left);
    let mut picture = Zeroizing::new(String::with_capacity(
        side.saturating_mul(side).saturating_mul(2),
    ));
    let (before, after) = match ink {
        Ink::Coloured => (BLACK_ON_WHITE, RESET),
        Ink::Printed | Ink::Left => ("", ""),
    };
    for y in (0..side).step_by(2) {
        picture.push_str(before);
        picture.extend((0..side).map(|x| cell(inked(x, y), inked(x, y.saturating_add(1)))));
        picture.push_str(after);
        picture.push('\n');
    }
    Ok(picture)
}

fn cell(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/host.example.org:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                       &issuer=host.example.org&algorithm=SHA1&digits=6&period=30";

    #[test]
    fn picture_fits_a_terminal() {
        let picture = draw(URI, false).unwrap();
        assert!(picture.lines().all(|line| line.chars().count() <= 80));
        assert!(picture.lines().count() <= 24, "{}", picture.lines().count());
    }

    /// A SHA-512 token with a long name needs more lines, not more columns.
    #[test]
    fn long_secret_still_fits_eighty_columns() {
        let long = URI
            .replace("GEZDGNBVGY3TQOJQ", &"GEZDGNBVGY3TQOJQ".repeat(4))
            .replace("host", "a-rather-long-name-of-a-machine");
        assert!(
            draw(&long, false)
                .unwrap()
                .lines()
                .all(|line| line.chars().count() <= 80)
        );
    }

    #[test]
    fn without_colours_there_is_no_escape() {
        assert!(!draw(URI, false).unwrap().contains('\x1b'));
        let coloured = draw(URI, true).unwrap();
        assert!(
            coloured
                .lines()
                .all(|line| line.starts_with(BLACK_ON_WHITE) && line.ends_with(RESET))
        );
    }

    /// The modules that are drawn are the code's own.
    #[test]
    fn every_module_is_drawn() {
        let code = QrCode::with_error_correction_level(URI, EcLevel::L).unwrap();
        let picture = draw(URI, false).unwrap();
        let rows: Vec<Vec<char>> = picture.lines().map(|line| line.chars().collect()).collect();
        let width = code.width();
        for (at, colour) in code.to_colors().iter().enumerate() {
            let (x, y) = (at % width + QUIET, at / width + QUIET);
            let cell = rows[y / 2][x];
            let dark = matches!((cell, y % 2), ('█', _) | ('▀', 0) | ('▄', 1));
            assert_eq!(dark, *colour == Color::Dark, "{x}, {y}");
        }
    }
}
