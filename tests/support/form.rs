//! `multipart/form-data` written by hand, so that a test can send malformed bodies.

/// Boundary between the parts.
pub const BOUNDARY: &str = "----the-mini-program-0123456789";

/// The beginning of every PNG file.
pub const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// A part that is a text.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
}

/// The part `file`, with the client's name and declared type.
pub fn file(name: &str, declared: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {declared}\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// The whole body.
pub fn form(parts: &[Vec<u8>]) -> Vec<u8> {
    [parts.concat(), format!("--{BOUNDARY}--\r\n").into_bytes()].concat()
}
