//! A QR code on a terminal, for a sign-in on another device.

use qrcodegen::{QrCode, QrCodeEcc};

/// The light margin on each side, in modules: readers need it to find the code (ISO/IEC 18004).
const QUIET_ZONE: i32 = 4;

/// Black on white, whatever the terminal's own colours are: some readers see no code that is light
/// on dark. 16 and 231 are in the part of the 256 colours that themes do not change.
const COLOURS: &str = "\x1b[38;5;16;48;5;231m";

/// The terminal's own colours again.
const RESET: &str = "\x1b[0m";

/// Returns `text` as a QR code in lines of half blocks, or `None` if it is wider than `columns` or
/// too long for any QR code.
///
/// Two modules share a character: a terminal's characters are about twice as high as wide.
pub(super) fn qr_code(text: &str, columns: usize) -> Option<String> {
    // A screen has no damage to correct, and the smallest code is the easiest to read.
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let (start, end) = (-QUIET_ZONE, code.size() + QUIET_ZONE);
    let width = usize::try_from(end - start).ok()?;
    if width > columns {
        return None;
    }
    let mut lines = String::new();
    for y in (start..end).step_by(2) {
        lines.push_str(COLOURS);
        // Outside the code all modules are light.
        lines.extend((start..end).map(|x| block(code.get_module(x, y), code.get_module(x, y + 1))));
        lines.push_str(RESET);
        lines.push('\n');
    }
    Some(lines)
}

/// The character whose upper and lower half are dark or light.
fn block(upper_is_dark: bool, lower_is_dark: bool) -> char {
    match (upper_is_dark, lower_is_dark) {
        (true, true) => '█',
        (true, false) => '▀',
        (false, true) => '▄',
        (false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use rqrr::PreparedImage;

    use super::*;

    const TEXTS: [&str; 4] = [
        "https://login.example/device",
        "https://login.microsoftonline.com/common/oauth2/deviceauth?user_code=ABCD-EFGH",
        "HTTPS://LOGIN.EXAMPLE/ACTIVATE?CODE=1234",
        "https://login.example/gerät?user_code=WDJB-MJHT&x=%20",
    ];

    /// The rows of modules in the lines; true is dark.
    fn modules(lines: &str) -> Vec<Vec<bool>> {
        let rows = lines.lines().flat_map(|line| {
            let blocks = line.strip_prefix(COLOURS).unwrap();
            let blocks = blocks.strip_suffix(RESET).unwrap();
            let row = |dark: [char; 2]| blocks.chars().map(|c| dark.contains(&c)).collect();
            [row(['█', '▀']), row(['█', '▄'])]
        });
        rows.collect()
    }

    /// What a phone reads.
    fn read(lines: &str) -> String {
        const PIXELS: usize = 4;
        let rows = modules(lines);
        let (width, height) = (rows[0].len() * PIXELS, rows.len() * PIXELS);
        let mut image = PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            match rows[y / PIXELS][x / PIXELS] {
                true => 0,
                false => 255,
            }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_reads_the_text() {
        for text in TEXTS {
            assert_eq!(read(&qr_code(text, 80).unwrap()), text);
        }
    }

    #[test]
    fn the_margin_is_light_on_all_sides() {
        const MARGIN: usize = QUIET_ZONE as usize;
        for text in TEXTS {
            let rows = modules(&qr_code(text, 80).unwrap());
            let is_dark = |row: &[bool]| row.iter().any(|dark| *dark);
            assert!(!rows[..MARGIN].iter().any(|row| is_dark(row)));
            assert!(!rows[rows.len() - MARGIN..].iter().any(|row| is_dark(row)));
            for row in &rows {
                assert!(!is_dark(&row[..MARGIN]));
                assert!(!is_dark(&row[row.len() - MARGIN..]));
            }
        }
    }

    #[test]
    fn a_code_that_is_too_wide_is_left_out() {
        for text in TEXTS {
            let width = modules(&qr_code(text, 80).unwrap())[0].len();
            assert!(qr_code(text, width).is_some());
            assert_eq!(qr_code(text, width - 1), None);
            assert_eq!(qr_code(text, 0), None);
        }
        let long = "x".repeat(3000);
        assert_eq!(qr_code(&long, usize::MAX), None);
    }
}
