//! QR codes as images.

use std::fmt::Write;

use png::{BitDepth, ColorType, Encoder};
use zeroize::Zeroizing;

use crate::picture;
use crate::stop::Stop;

/// Light modules round a code (ISO/IEC 18004 section 5.3.8).
const QUIET: usize = 4;
/// Pixels on each side of a module.
const SCALE: usize = 8;

/// The code as an SVG element.
///
/// # Errors
/// The text is too long for a QR code.
pub(super) fn svg(text: &str) -> Result<Zeroizing<String>, Stop> {
    let modules = picture::of(text, QUIET)?;
    let side = modules.side();
    let mut image = Zeroizing::new(String::with_capacity(
        side.saturating_mul(side).saturating_mul(8),
    ));
    // Writing to a String doesn't fail.
    let _ = write!(
        image,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
    );
    for y in 0..side {
        let mut x = 0usize;
        while x < side {
            let run = (x..side).take_while(|x| modules.is_dark(*x, y)).count();
            if run > 0 {
                let _ = write!(image, "M{x} {y}h{run}v1h-{run}z");
            }
            x = x.saturating_add(run).saturating_add(1);
        }
    }
    image.push_str("\"/></svg>\n");
    Ok(image)
}

/// The code as a PNG file.
///
/// # Errors
/// The text is too long for a QR code.
pub(super) fn png(text: &str) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let modules = picture::of(text, QUIET)?;
    let side = modules.side();
    // A byte is a module: eight pixels of a bit each.
    let mut rows = Zeroizing::new(Vec::with_capacity(
        side.saturating_mul(side).saturating_mul(SCALE),
    ));
    for y in 0..side {
        for _ in 0..SCALE {
            rows.extend((0..side).map(|x| if modules.is_dark(x, y) { 0 } else { u8::MAX }));
        }
    }
    let pixels = u32::try_from(side.saturating_mul(SCALE)).unwrap_or_default();
    let mut file = Zeroizing::new(Vec::with_capacity(rows.len()));
    let mut encoder = Encoder::new(&mut *file, pixels, pixels);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(&rows)?;
            writer.finish()
        })
        .map_err(|error| Stop::unknown(format!("a QR code could not be drawn: {error}")))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str =
        "otpauth://totp/host:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=host";

    /// Both images have the modules of the code, each at its place.
    #[test]
    fn images_show_every_module() {
        let modules = picture::of(URI, QUIET).unwrap();
        let side = modules.side();
        let dark = |x, y| modules.is_dark(x, y);

        let mut seen = vec![vec![false; side]; side];
        let image = svg(URI).unwrap();
        let path = image.split("<path d=\"M").nth(1).unwrap();
        for run in path.split('"').next().unwrap().split('M') {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = rest.split('v').next().unwrap().parse().unwrap();
            seen[y][x..x + length].fill(true);
        }
        for (y, row) in seen.iter().enumerate() {
            assert!(row.iter().enumerate().all(|(x, seen)| *seen == dark(x, y)));
        }

        let file = png(URI).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&*file))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width as usize, info.line_size), (side * SCALE, side));
        for (y, row) in pixels.chunks(side).enumerate() {
            let right = |(x, byte): (usize, &u8)| *byte == if dark(x, y / SCALE) { 0 } else { 255 };
            assert!(row.iter().enumerate().all(right), "{y}");
        }
    }
}
