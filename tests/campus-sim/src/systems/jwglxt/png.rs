//! Writes a picture as PNG (RFC 2083), without compression: the two pictures of a slider are not worth a dependency.

/// Largest part of an uncompressed stream, in bytes.
const PART: usize = 65_535;

/// The picture whose pixel at `x`, `y` is `colour(x, y)`: red, green, blue, opacity.
pub(super) fn encode(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 4]) -> Vec<u8> {
    let mut rows = Vec::new();
    for y in 0..height {
        // No filter.
        rows.push(0);
        rows.extend((0..width).flat_map(|x| colour(x, y)));
    }
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    // Eight bits a channel, four channels, nothing special.
    header.extend([8, 6, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &stored(&rows));
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], content: &[u8]) {
    out.extend(length(content.len()).to_be_bytes());
    let start = out.len();
    out.extend(kind);
    out.extend(content);
    let sum = crc32(&out[start..]);
    out.extend(sum.to_be_bytes());
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// A zlib stream (RFC 1950) of uncompressed parts.
fn stored(content: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let parts = content.chunks(PART).count();
    for (index, part) in content.chunks(PART).enumerate() {
        let size = u16::try_from(part.len()).unwrap_or(u16::MAX);
        out.push(u8::from(index + 1 == parts));
        out.extend(size.to_le_bytes());
        out.extend((!size).to_le_bytes());
        out.extend(part);
    }
    out.extend(adler32(content).to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

fn adler32(bytes: &[u8]) -> u32 {
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::{adler32, crc32, encode};

    #[test]
    fn the_sums_are_those_of_the_standards() {
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_has_its_size_in_its_header() {
        let picture = encode(2, 300, |_, _| [1, 2, 3, 255]);
        assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(picture[16..24], [0, 0, 0, 2, 0, 0, 1, 44]);
        assert!(picture.ends_with(b"IEND\xae\x42\x60\x82"));
    }
}
