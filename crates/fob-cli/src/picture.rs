//! A QR code on a terminal: two modules a character cell, one above the other.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::stop::Stop;

/// Light modules round the picture; phones need them to find it.
const QUIET: usize = 2;
/// Black on white whatever the terminal's own colours are; on those that know bright
/// colours, on bright white.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;107m";
const RESET: &str = "\x1b[0m";

/// Draws `text` as a QR code, with colours if a terminal shows it. Without, it is black
/// where ink is black: on paper, or on a light screen.
///
/// # Errors
/// The text is too long for a QR code.
pub(crate) fn draw(text: &str, colours: bool) -> Result<Zeroizing<String>, Stop> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| {
        Stop::unknown("the URI is too long for a QR code").remedy("Shorten --issuer.")
    })?;
    let width = code.width();
    let colours_of_modules = Zeroizing::new(
        code.to_colors()
            .iter()
            .map(|colour| *colour == Color::Dark)
            .collect::<Vec<bool>>(),
    );
    let dark = |x: usize, y: usize| {
        let module = x.checked_sub(QUIET).zip(y.checked_sub(QUIET));
        module
            .filter(|(x, y)| *x < width && *y < width)
            .and_then(|(x, y)| colours_of_modules.get(y.checked_mul(width)?.checked_add(x)?))
            .is_some_and(|dark| *dark)
    };
    let side = width.saturating_add(QUIET.saturating_mul(2));
    let mut picture = Zeroizing::new(String::with_capacity(
        side.saturating_mul(side).saturating_mul(2),
    ));
    for y in (0..side).step_by(2) {
        picture.push_str(if colours { BLACK_ON_WHITE } else { "" });
        picture.extend((0..side).map(|x| cell(dark(x, y), dark(x, y.saturating_add(1)))));
        picture.push_str(if colours { RESET } else { "" });
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
