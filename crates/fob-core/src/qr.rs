//! QR codes, drawn with characters for a terminal.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// What characters a picture is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// Block elements, two modules a character, one above the other.
    Blocks,
    /// Two number signs a module, for terminals that show ASCII alone.
    Ascii,
}

/// Which modules are drawn; the others are left blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ink {
    /// The dark ones: right on paper and on a light screen.
    Dark,
    /// The light ones: right on a dark screen.
    Light,
}

impl Ink {
    /// The ink for the other kind of screen.
    pub fn swapped(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

/// A QR code. Wiped when dropped, for it may say a secret.
pub struct Qr {
    width: usize,
    quiet: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Qr {
    /// Light modules round the picture on a terminal; phones need them to find it.
    pub const QUIET: usize = 2;

    /// The QR code of `text`, with so many light modules round it. `None` if no QR code holds
    /// so much.
    pub fn of(text: &str, quiet: usize) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let colours = code.to_colors();
        let dark = colours.iter().map(|colour| *colour == Color::Dark);
        Some(Self {
            width: code.width(),
            quiet,
            dark: Zeroizing::new(dark.collect()),
        })
    }

    /// How many modules there are on each side, the light ones round it included.
    pub fn side(&self) -> usize {
        self.width.saturating_add(self.quiet.saturating_mul(2))
    }

    /// Whether the module there is dark.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        let module = x.checked_sub(self.quiet).zip(y.checked_sub(self.quiet));
        module
            .filter(|(x, y)| *x < self.width && *y < self.width)
            .and_then(|(x, y)| self.dark.get(y.checked_mul(self.width)?.checked_add(x)?))
            .is_some_and(|dark| *dark)
    }

    /// The picture, line by line, each with its end.
    pub fn draw(&self, drawing: Drawing, ink: Ink) -> Zeroizing<String> {
        let side = self.side();
        let inked = |x: usize, y: usize| self.is_dark(x, y) == (ink == Ink::Dark);
        // Room for all of it, so that no half of it is left behind in memory.
        let room = side.saturating_mul(side).saturating_mul(3);
        let mut picture = Zeroizing::new(String::with_capacity(room));
        match drawing {
            Drawing::Blocks => {
                for y in (0..side).step_by(2) {
                    let below = y.saturating_add(1);
                    picture.extend((0..side).map(|x| block(inked(x, y), inked(x, below))));
                    picture.push('\n');
                }
            }
            Drawing::Ascii => {
                for y in 0..side {
                    picture.extend((0..side).map(|x| if inked(x, y) { "##" } else { "  " }));
                    picture.push('\n');
                }
            }
        }
        picture
    }
}

fn block(upper: bool, lower: bool) -> char {
    match (upper, lower) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/host.example.org:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                       &issuer=host.example.org&algorithm=SHA1&digits=6&period=30";

    #[test]
    fn picture_fits_a_terminal() {
        let picture = Qr::of(URI, Qr::QUIET)
            .unwrap()
            .draw(Drawing::Blocks, Ink::Dark);
        assert!(picture.lines().all(|line| line.chars().count() <= 80));
        assert!(picture.lines().count() <= 24, "{}", picture.lines().count());
    }

    /// A SHA-512 token with a long name needs more lines, not more columns.
    #[test]
    fn long_secret_still_fits_eighty_columns() {
        let long = URI
            .replace("GEZDGNBVGY3TQOJQ", &"GEZDGNBVGY3TQOJQ".repeat(4))
            .replace("host", "a-rather-long-name-of-a-machine");
        let picture = Qr::of(&long, Qr::QUIET)
            .unwrap()
            .draw(Drawing::Blocks, Ink::Dark);
        assert!(picture.lines().all(|line| line.chars().count() <= 80));
    }

    /// The modules that are drawn are the code's own, whatever they are drawn with.
    #[test]
    fn every_module_is_drawn() {
        let code = QrCode::with_error_correction_level(URI, EcLevel::L).unwrap();
        let qr = Qr::of(URI, Qr::QUIET).unwrap();
        for ink in [Ink::Dark, Ink::Light] {
            let (blocks, signs) = (qr.draw(Drawing::Blocks, ink), qr.draw(Drawing::Ascii, ink));
            let rows = |text: &str| -> Vec<Vec<char>> {
                text.lines().map(|line| line.chars().collect()).collect()
            };
            let (blocks, signs) = (rows(&blocks), rows(&signs));
            let width = code.width();
            for (at, colour) in code.to_colors().iter().enumerate() {
                let (x, y) = (at % width + Qr::QUIET, at / width + Qr::QUIET);
                let expected = (*colour == Color::Dark) == (ink == Ink::Dark);
                let cell = blocks[y / 2][x];
                let inked = matches!((cell, y % 2), ('█', _) | ('▀', 0) | ('▄', 1));
                assert_eq!(inked, expected, "{x}, {y}");
                assert_eq!(signs[y][2 * x] == '#', expected, "{x}, {y}");
            }
        }
    }
}
