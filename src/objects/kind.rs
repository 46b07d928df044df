//! The type of a file, from its content alone: a client can send any name and declared type.

/// The types that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum FileType {
    Doc,
    Docx,
    Pdf,
    Xls,
    Xlsx,
    Zip,
    Rar,
    Jpeg,
    Gif,
    Png,
}

impl FileType {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Doc,
        Self::Docx,
        Self::Pdf,
        Self::Xls,
        Self::Xlsx,
        Self::Zip,
        Self::Rar,
        Self::Jpeg,
        Self::Gif,
        Self::Png,
    ];

    /// File name extension, without the dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Doc => "doc",
            Self::Docx => "docx",
            Self::Pdf => "pdf",
            Self::Xls => "xls",
            Self::Xlsx => "xlsx",
            Self::Zip => "zip",
            Self::Rar => "rar",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Png => "png",
        }
    }

    /// The type with this extension.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.extension() == extension)
    }

    /// Media type (IANA registry).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Doc => "application/msword",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Pdf => "application/pdf",
            Self::Xls => "application/vnd.ms-excel",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Zip => "application/zip",
            Self::Rar => "application/vnd.rar",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Png => "image/png",
        }
    }

    /// Whether a browser can show it without risk; every other type is offered for saving.
    #[must_use]
    pub fn is_image(self) -> bool {
        matches!(self, Self::Jpeg | Self::Gif | Self::Png)
    }
}

/// The content is of no type that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the content is of no type that is stored")]
pub struct NotAllowed;

/// Recognises the type of a file that streams by.
#[derive(Debug, Default)]
pub struct Sniffer {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Fewer bytes than the longest signature.
    Start(Vec<u8>),
    /// Known from its first bytes.
    Known(FileType),
    /// A ZIP archive, perhaps an Office document: its beginning.
    Zip(Vec<u8>),
    /// A compound file, which holds old Word and Excel documents.
    Compound(Compound),
}

impl Default for State {
    fn default() -> Self {
        Self::Start(Vec::new())
    }
}

/// Length in bytes of the longest signature below.
const SIGNATURE: usize = 8;

/// How many bytes of an archive are searched for the names of an Office document. Word and Excel write theirs within
/// the first kilobytes; the rest is room for other programs.
const ARCHIVE_HEAD: usize = 64 * 1024;

impl Sniffer {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`NotAllowed`] as soon as that is sure.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), NotAllowed> {
        match &mut self.state {
            State::Start(head) => {
                head.extend_from_slice(bytes);
                if head.len() >= SIGNATURE {
                    let head = std::mem::take(head);
                    self.state = begin(head)?;
                }
            }
            State::Known(_) => {}
            State::Zip(head) => {
                let room = ARCHIVE_HEAD.saturating_sub(head.len()).min(bytes.len());
                head.extend_from_slice(&bytes[..room]);
            }
            State::Compound(compound) => compound.feed(bytes),
        }
        Ok(())
    }

    /// The type, after the last byte.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn finish(self) -> Result<FileType, NotAllowed> {
        let state = match self.state {
            State::Start(head) => begin(head)?,
            state => state,
        };
        match state {
            State::Start(_) => Err(NotAllowed),
            State::Known(kind) => Ok(kind),
            State::Zip(head) => archive(&head),
            State::Compound(compound) => compound.found.unwrap_or(Err(NotAllowed)),
        }
    }
}

/// Decides by the signature: PNG (RFC 2083 §12.12), GIF (87a and 89a), JPEG (SOI and the next marker), PDF (ISO 32000-1
/// §7.5.2), RAR 4 and 5 (RARLAB technote), ZIP (APPNOTE §4.3.7 and §4.3.16), compound file ([MS-CFB] §2.2).
fn begin(head: Vec<u8>) -> Result<State, NotAllowed> {
    const SIGNATURES: [(&[u8], FileType); 7] = [
        (b"\x89PNG\r\n\x1a\n", FileType::Png),
        (b"GIF87a", FileType::Gif),
        (b"GIF89a", FileType::Gif),
        (b"\xff\xd8\xff", FileType::Jpeg),
        (b"%PDF-", FileType::Pdf),
        (b"Rar!\x1a\x07\x00", FileType::Rar),
        (b"Rar!\x1a\x07\x01\x00", FileType::Rar),
    ];
    if let Some((_, kind)) = SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)) {
        return Ok(State::Known(*kind));
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        let mut archive = head;
        archive.truncate(ARCHIVE_HEAD);
        return Ok(State::Zip(archive));
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        let mut compound = Compound::default();
        compound.feed(&head);
        return Ok(State::Compound(compound));
    }
    Err(NotAllowed)
}

/// Decides the kind of archive by the names of its first files. An Office document (ECMA-376 part 2) has a part list or
/// relations, and the folder of its program. Other documents and programs that are archives inside are not stored.
fn archive(head: &[u8]) -> Result<FileType, NotAllowed> {
    let names: Vec<&[u8]> = (0..head.len()).filter_map(|at| local_name(&head[at..])).collect();
    let any = |prefix: &[u8]| names.iter().any(|name| name.starts_with(prefix));
    let other = [b"META-INF/MANIFEST.MF".as_slice(), b"AndroidManifest.xml", b"ppt/", b"visio/"].into_iter().any(any);
    if other || names.first().is_some_and(|name| *name == b"mimetype") {
        return Err(NotAllowed);
    }
    let office = any(b"[Content_Types].xml") || any(b"_rels/");
    match () {
        () if office && any(b"word/") => Ok(FileType::Docx),
        () if office && any(b"xl/") => Ok(FileType::Xlsx),
        () => Ok(FileType::Zip),
    }
}

/// The file name of the local header that begins here, if any (APPNOTE §4.3.7).
fn local_name(bytes: &[u8]) -> Option<&[u8]> {
    let header = bytes.strip_prefix(b"PK\x03\x04")?;
    let length = usize::from(u16::from_le_bytes([*header.get(22)?, *header.get(23)?]));
    header.get(26..26 + length)
}

/// Finds the directory entries of a compound file ([MS-CFB] §2.6): 128 bytes each, aligned to 128. The first stream of
/// a known program decides. In a streamed file the place of the directory is known only at the end, so every block is
/// checked.
#[derive(Debug, Default)]
struct Compound {
    block: Vec<u8>,
    found: Option<Result<FileType, NotAllowed>>,
}

const ENTRY: usize = 128;

impl Compound {
    fn feed(&mut self, mut bytes: &[u8]) {
        while self.found.is_none() && !bytes.is_empty() {
            if self.block.is_empty()
                && let Some((entry, rest)) = bytes.split_at_checked(ENTRY)
            {
                self.found = program(entry);
                bytes = rest;
                continue;
            }
            let (part, rest) = bytes.split_at((ENTRY - self.block.len()).min(bytes.len()));
            self.block.extend_from_slice(part);
            bytes = rest;
            if self.block.len() == ENTRY {
                self.found = program(&self.block);
                self.block.clear();
            }
        }
    }
}

/// The program that a directory entry names, if the block is one and names one.
fn program(entry: &[u8]) -> Option<Result<FileType, NotAllowed>> {
    const STREAM: u8 = 2;
    const NAMES: [(&str, Result<FileType, NotAllowed>); 4] = [
        ("WordDocument", Ok(FileType::Doc)),
        ("Workbook", Ok(FileType::Xls)),
        ("Book", Ok(FileType::Xls)),
        ("PowerPoint Document", Err(NotAllowed)),
    ];
    if entry[66] != STREAM {
        return None;
    }
    let length = usize::from(u16::from_le_bytes([entry[64], entry[65]]));
    let (_, kind) = NAMES.iter().find(|(name, _)| {
        let units = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        length == (name.len() + 1) * 2 && units.eq(entry[..length].iter().copied())
    })?;
    Some(*kind)
}

#[cfg(test)]
mod tests;
