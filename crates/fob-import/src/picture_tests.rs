#![allow(clippy::arithmetic_side_effects)]

use super::*;
use proptest::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

const URI: &str =
    "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
const OTHER: &str = "otpauth://hotp/bob?secret=MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U&counter=7";

/// Grey pixels: a screen of one shade with codes on white paper, at these places.
fn screen(size: (usize, usize), codes: &[(&str, usize, usize, usize)]) -> Vec<u8> {
    let (width, height) = size;
    let mut pixels = vec![90; width * height];
    for (text, left, top, scale) in codes {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
        let modules = code.width();
        let colors = code.to_colors();
        for y in 0..(modules + 8) * scale {
            for x in 0..(modules + 8) * scale {
                let (column, row) = ((x / scale).wrapping_sub(4), (y / scale).wrapping_sub(4));
                let inside = column < modules && row < modules;
                let dark = inside && colors[row * modules + column] == Color::Dark;
                pixels[(top + y) * width + left + x] = if dark { 0 } else { 255 };
            }
        }
    }
    pixels
}

fn png(size: (usize, usize), kind: ColorType, depth: BitDepth, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let side = |n: usize| u32::try_from(n).unwrap();
    let mut encoder = png::Encoder::new(&mut file, side(size.0), side(size.1));
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if kind == ColorType::Indexed {
        encoder.set_palette(vec![0, 0, 0, 255, 255, 255, 90, 90, 90]);
    }
    encoder
        .write_header()
        .unwrap()
        .write_image_data(bytes)
        .unwrap();
    file
}

fn found(file: &[u8]) -> Vec<String> {
    let uris = uris(file).unwrap();
    uris.iter().map(|uri| uri.to_string()).collect()
}

#[test]
fn several_codes_of_a_screenshot_are_read_from_top_to_bottom() {
    let size = (1600, 900);
    let pixels = screen(size, &[(URI, 1300, 500, 4), (OTHER, 40, 30, 5)]);
    let file = png(size, ColorType::Grayscale, BitDepth::Eight, &pixels);
    assert_eq!(found(&file), [OTHER, URI]);
    let batch = read(&file, &Options::default());
    let users: Vec<_> = batch
        .tokens
        .iter()
        .map(|found| found.user.as_deref().unwrap())
        .collect();
    assert_eq!(users, ["bob", "alice"]);
}

#[test]
fn pictures_of_every_kind_are_read() {
    let size = (300, 300);
    let grey = screen(size, &[(URI, 20, 20, 5)]);
    let wide: Vec<u8> = grey.iter().flat_map(|g| [*g, *g]).collect();
    let rgb: Vec<u8> = grey.iter().flat_map(|g| [*g; 3]).collect();
    // Black where there is ink, and nothing at all elsewhere.
    let clear: Vec<u8> = grey.iter().flat_map(|g| [0, 0, 0, !*g]).collect();
    let dark: Vec<u8> = grey.iter().map(|g| !*g).collect();
    let places: Vec<u8> = grey
        .iter()
        .map(|g| match g {
            0 => 0,
            255 => 1,
            _ => 2,
        })
        .collect();
    for (what, kind, depth, bytes) in [
        ("grey", ColorType::Grayscale, BitDepth::Eight, &grey),
        ("16 bit", ColorType::Grayscale, BitDepth::Sixteen, &wide),
        ("colour", ColorType::Rgb, BitDepth::Eight, &rgb),
        ("transparent", ColorType::Rgba, BitDepth::Eight, &clear),
        ("dark", ColorType::Grayscale, BitDepth::Eight, &dark),
        ("palette", ColorType::Indexed, BitDepth::Eight, &places),
    ] {
        assert_eq!(found(&png(size, kind, depth, bytes)), [URI], "{what}");
    }
}

/// One bit a pixel, as small pictures of codes are.
#[test]
fn picture_of_one_bit_is_read() {
    let size = (304, 304);
    let grey = screen(size, &[(URI, 16, 16, 5)]);
    let bit = |eight: &[u8]| {
        eight
            .iter()
            .fold(0, |byte, g| byte << 1 | u8::from(*g > 60))
    };
    let bits: Vec<u8> = grey.chunks(8).map(bit).collect();
    assert_eq!(
        found(&png(size, ColorType::Grayscale, BitDepth::One, &bits)),
        [URI]
    );
}

#[test]
fn what_is_no_picture_of_a_code_says_what_to_do() {
    let blank = png(
        (50, 50),
        ColorType::Grayscale,
        BitDepth::Eight,
        &[255; 2500],
    );
    let mut huge = blank.clone();
    huge[16..24].copy_from_slice(&[0, 0, 255, 255, 0, 0, 255, 255]);
    let mut cut = blank.clone();
    cut.truncate(60);
    for (file, what) in [
        (blank.as_slice(), "no QR code"),
        (b"\xff\xd8\xff\xe0".as_slice(), "JPEG"),
        (b"hello".as_slice(), "no PNG"),
        (huge.as_slice(), "no PNG"), // its checksum is wrong first
        (cut.as_slice(), "no PNG"),
    ] {
        let problem = uris(file).unwrap_err();
        assert!(problem.what.contains(what), "{}", problem.what);
        assert!(problem.remedy.is_some());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = uris(&bytes);
    }

    /// Damaged codes, which a checksum of the file doesn't protect.
    #[test]
    fn no_pixels_panic(spots in prop::collection::vec((0usize..90_000, any::<u8>()), 1..4000)) {
        let size = (300, 300);
        let mut grey = screen(size, &[(URI, 20, 20, 5)]);
        spots.into_iter().for_each(|(at, shade)| grey[at] = shade);
        let _ = uris(&png(size, ColorType::Grayscale, BitDepth::Eight, &grey));
    }
}
