//! QR codes in pictures: photos of a screen, screenshots, what `fob` itself writes. PNG
//! alone (ISO/IEC 15948); the codes hold `otpauth://` or `otpauth-migration://` URIs.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use crate::{Batch, Options, Problem, otpauth, otpauth_migration};

/// The largest picture, in pixels: twice what a good camera takes.
const MAX_PIXELS: usize = 64 * 1024 * 1024;
/// What the decoder may take besides the picture, in bytes.
const MAX_BESIDES: usize = 16 * 1024 * 1024;
/// How a JPEG file begins.
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Reads the codes of one picture.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    match uris(bytes) {
        Ok(uris) => of_uris(&uris, options),
        Err(problem) => Batch {
            problems: vec![problem],
            ..Batch::default()
        },
    }
}

/// Reads the URIs of all pictures: an export of many accounts is several.
pub fn of_uris(uris: &[Zeroizing<String>], options: &Options) -> Batch {
    let length = uris.iter().map(|uri| uri.len().saturating_add(1)).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for uri in uris {
        // A line is a code.
        text.extend(uri.chars().filter(|c| !c.is_control()));
        text.push('\n');
    }
    let is_migration =
        |uri: &Zeroizing<String>| uri.to_ascii_lowercase().starts_with("otpauth-migration:");
    if uris.iter().any(is_migration) {
        otpauth_migration::read(text.as_bytes(), options)
    } else {
        otpauth::read(text.as_bytes(), options)
    }
}

/// What the codes in a picture say, from top to bottom.
///
/// # Errors
/// It is no picture that can be read, or there is no code in it.
pub fn uris(bytes: &[u8]) -> Result<Vec<Zeroizing<String>>, Problem> {
    if bytes.starts_with(JPEG) {
        return Err(problem(
            "is a JPEG picture",
            "Save it as PNG, without making it smaller.",
        ));
    }
    let grey = Grey::read(bytes).map_err(|what| problem(&what, "Save it as PNG again."))?;
    let found = grey.codes(false);
    // A dark screen has light codes.
    let found = if found.is_empty() {
        grey.codes(true)
    } else {
        found
    };
    if found.is_empty() {
        let remedy = "Take a larger or sharper picture, with a white edge round the code.";
        return Err(problem("no QR code can be read in it", remedy));
    }
    Ok(found)
}

/// A picture in shades of grey, wiped when dropped.
struct Grey {
    width: usize,
    height: usize,
    pixels: Zeroizing<Vec<u8>>,
}

impl Grey {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let limits = Limits { bytes: MAX_BESIDES };
        let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(Transformations::normalize_to_color8());
        let unreadable = |error: png::DecodingError| format!("is no PNG picture: {error}");
        let mut reader = decoder.read_info().map_err(unreadable)?;
        let size = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
        let (width, height) = (size(reader.info().width), size(reader.info().height));
        if width.saturating_mul(height) > MAX_PIXELS {
            return Err("is larger than 64 megapixels".into());
        }
        let length = reader.output_buffer_size().ok_or("is too large")?;
        let mut frame = Zeroizing::new(vec![0; length]);
        let info = reader.next_frame(&mut frame).map_err(unreadable)?;
        if info.bit_depth != BitDepth::Eight {
            return Err("has colours that can't be read".into());
        }
        let samples = info.color_type.samples();
        let mut pixels = Zeroizing::new(Vec::with_capacity(width.saturating_mul(height)));
        for row in frame.chunks(info.line_size.max(1)).take(height) {
            let colours = row.chunks_exact(samples).take(width);
            pixels.extend(colours.map(|colour| grey(info.color_type, colour)));
        }
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    fn codes(&self, inverted: bool) -> Vec<Zeroizing<String>> {
        let pixel = |x: usize, y: usize| {
            let at = y.saturating_mul(self.width).saturating_add(x);
            let grey = self.pixels.get(at).copied().unwrap_or(255);
            if inverted { !grey } else { grey }
        };
        let mut image = PreparedImage::prepare_from_greyscale(self.width, self.height, pixel);
        let mut grids = image.detect_grids();
        let top_left = |bounds: &[rqrr::Point; 4]| {
            let ys = bounds.iter().map(|point| point.y).min();
            let xs = bounds.iter().map(|point| point.x).min();
            (ys.unwrap_or_default(), xs.unwrap_or_default())
        };
        grids.sort_by_key(|grid| top_left(&grid.bounds));
        let codes = grids.iter().filter_map(|grid| grid.decode().ok());
        codes.map(|(_, text)| Zeroizing::new(text)).collect()
    }
}

/// How light a colour is, on white paper.
fn grey(kind: ColorType, colour: &[u8]) -> u8 {
    let at = |place: usize| u32::from(colour.get(place).copied().unwrap_or(255));
    let (light, alpha) = match kind {
        ColorType::Grayscale | ColorType::Indexed => (at(0), 255),
        ColorType::GrayscaleAlpha => (at(0), at(1)),
        ColorType::Rgb => (luma(at(0), at(1), at(2)), 255),
        ColorType::Rgba => (luma(at(0), at(1), at(2)), at(3)),
    };
    let white = 255u32.saturating_sub(alpha);
    let shown = light
        .saturating_mul(alpha)
        .saturating_add(white.saturating_mul(255))
        / 255;
    u8::try_from(shown).unwrap_or(255)
}

/// ITU-R BT.601.
fn luma(red: u32, green: u32, blue: u32) -> u32 {
    let weighed = red
        .saturating_mul(299)
        .saturating_add(green.saturating_mul(587));
    weighed.saturating_add(blue.saturating_mul(114)) / 1000
}

fn problem(what: &str, remedy: &str) -> Problem {
    Problem {
        place: String::new(),
        what: what.into(),
        remedy: Some(remedy.into()),
    }
}

#[cfg(test)]
#[path = "picture_tests.rs"]
mod tests;
