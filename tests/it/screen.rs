//! A terminal's screen as a picture: cells, colours and half blocks become pixels.

/// How wide a screen is, in cells.
pub const COLUMNS: usize = 80;
/// The side of a half block, in pixels.
const HALF: usize = 6;

/// What a terminal looks like where nobody says anything: how light ink and ground are.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    pub ink: u8,
    pub ground: u8,
    /// Whether it knows the bright colours.
    pub bright: bool,
}

pub const LIGHT: Scheme = Scheme {
    ink: 0x20,
    ground: 0xf8,
    bright: true,
};
pub const DARK: Scheme = Scheme {
    ink: 0xd0,
    ground: 0x18,
    bright: true,
};

#[derive(Clone, Copy)]
struct Cell {
    sign: char,
    ink: u8,
    ground: u8,
}

/// What was printed, as a picture in the PGM format.
pub fn picture(text: &str, scheme: Scheme) -> Vec<u8> {
    let rows = rows(text, scheme);
    let (width, height) = (COLUMNS * HALF, rows.len() * 2 * HALF);
    let mut pixels = format!("P5\n{width} {height}\n255\n").into_bytes();
    for y in 0..height {
        for x in 0..width {
            let row = &rows[y / (2 * HALF)];
            let cell = row.get(x / HALF);
            pixels.push(cell.map_or(scheme.ground, |cell| pixel(*cell, x % HALF, y % (2 * HALF))));
        }
    }
    pixels
}

fn pixel(cell: Cell, x: usize, y: usize) -> u8 {
    let inked = match cell.sign {
        // A camera sees half of it, evenly.
        '#' => return cell.ink.midpoint(cell.ground),
        ' ' => false,
        '█' => true,
        '▀' => y < HALF,
        '▄' => y >= HALF,
        // A letter: some ink in the middle.
        _ => x == 2 && (3..9).contains(&y),
    };
    if inked { cell.ink } else { cell.ground }
}

fn rows(text: &str, scheme: Scheme) -> Vec<Vec<Cell>> {
    let mut rows = vec![Vec::new()];
    let (mut ink, mut ground) = (scheme.ink, scheme.ground);
    let mut rest = text.chars();
    while let Some(sign) = rest.next() {
        match sign {
            '\r' => {}
            '\n' => rows.push(Vec::new()),
            '\x1b' => {
                assert_eq!(rest.next(), Some('['), "an escape that isn't known");
                let parameters: String = rest.by_ref().take_while(|c| *c != 'm').collect();
                for parameter in parameters.split(';') {
                    match parameter {
                        "0" => (ink, ground) = (scheme.ink, scheme.ground),
                        "30" => ink = 0,
                        "47" => ground = 0xaa,
                        "107" if scheme.bright => ground = 0xff,
                        "107" => {}
                        other => panic!("a colour that isn't known: {other}"),
                    }
                }
            }
            sign => {
                if rows.last().unwrap().len() == COLUMNS {
                    rows.push(Vec::new());
                }
                let cell = Cell { sign, ink, ground };
                rows.last_mut().unwrap().push(cell);
            }
        }
    }
    rows
}
