use proptest::prelude::*;

use super::*;

fn sniff(bytes: &[u8], step: usize) -> Result<FileType, NotAllowed> {
    let mut sniffer = Sniffer::default();
    for part in bytes.chunks(step) {
        sniffer.feed(part)?;
    }
    sniffer.finish()
}

/// The type; it must not depend on how the bytes are cut.
fn kind(bytes: &[u8]) -> Option<FileType> {
    let whole = sniff(bytes, bytes.len().max(1)).ok();
    for step in [1, 7, 128, 200] {
        assert_eq!(sniff(bytes, step).ok(), whole, "cut into {step}");
    }
    whole
}

fn entry(name: &str, object: u8) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let length = u8::try_from(entry.len()).unwrap();
    entry.resize(64, 0);
    entry.extend([length, 0, object]);
    entry.resize(128, 0);
    entry
}

/// A compound file as far as the sniffer reads it: header, some data, a directory sector.
fn compound(names: &[(&str, u8)]) -> Vec<u8> {
    let mut file = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    file.resize(512 * 5, 0x20);
    file.extend(entry("Root Entry", 5));
    for (name, object) in names {
        file.extend(entry(name, *object));
    }
    file
}

fn zip(names: &[&str]) -> Vec<u8> {
    let mut file = Vec::new();
    for name in names {
        file.extend(b"PK\x03\x04\x14\0\x08\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
        file.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        file.extend([0, 0]);
        file.extend(name.as_bytes());
        file.extend(b"some deflated data");
    }
    file
}

#[test]
fn signatures_decide() {
    assert_eq!(kind(b"\x89PNG\r\n\x1a\n...."), Some(FileType::Png));
    assert_eq!(kind(b"GIF89a..."), Some(FileType::Gif));
    assert_eq!(kind(b"\xff\xd8\xff\xe0\0\x10JFIF"), Some(FileType::Jpeg));
    assert_eq!(kind(b"%PDF-1.7\n"), Some(FileType::Pdf));
    assert_eq!(kind(b"Rar!\x1a\x07\x00...."), Some(FileType::Rar));
    assert_eq!(kind(b"Rar!\x1a\x07\x01\x00..."), Some(FileType::Rar));
    assert_eq!(kind(b"PK\x05\x06\0\0\0\0"), Some(FileType::Zip));
}

#[test]
fn scripts_pages_programs_and_nothing_are_not_stored() {
    let refused: [&[u8]; 8] = [
        b"",
        b"PK",
        b"#!/bin/sh\nrm -rf /\n",
        b"<!doctype html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"MZ\x90\0\x03\0\0\0\x04",
        b"\x7fELF\x02\x01\x01\0\0",
        b"  %PDF-1.4 behind blanks",
    ];
    for bytes in refused {
        assert_eq!(kind(bytes), None, "{bytes:?}");
    }
}

#[test]
fn office_documents_are_told_from_plain_archives() {
    let word = ["[Content_Types].xml", "_rels/.rels", "word/document.xml"];
    assert_eq!(kind(&zip(&word)), Some(FileType::Docx));
    assert_eq!(kind(&zip(&["_rels/.rels", "docProps/app.xml", "word/document.xml"])), Some(FileType::Docx));
    assert_eq!(kind(&zip(&["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"])), Some(FileType::Xlsx));
    assert_eq!(kind(&zip(&["photos/1.jpg", "word/list.txt"])), Some(FileType::Zip));
}

#[test]
fn other_documents_and_programs_that_are_archives_are_not_stored() {
    assert_eq!(kind(&zip(&["[Content_Types].xml", "_rels/.rels", "ppt/presentation.xml"])), None);
    assert_eq!(kind(&zip(&["mimetype", "content.xml"])), None);
    assert_eq!(kind(&zip(&["classes.dex", "AndroidManifest.xml"])), None);
    assert_eq!(kind(&zip(&["META-INF/MANIFEST.MF", "Main.class"])), None);
}

#[test]
fn old_word_and_excel_files_are_told_apart_by_their_directory() {
    assert_eq!(kind(&compound(&[("1Table", 2), ("WordDocument", 2)])), Some(FileType::Doc));
    assert_eq!(kind(&compound(&[("Workbook", 2)])), Some(FileType::Xls));
    assert_eq!(kind(&compound(&[("Book", 2)])), Some(FileType::Xls));
    assert_eq!(kind(&compound(&[("PowerPoint Document", 2)])), None);
    assert_eq!(kind(&compound(&[("Workbook", 1), ("Bookkeeping", 2)])), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_type_or_not_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), step in 1_usize..64) {
        for start in [&b""[..], b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"] {
            let file: Vec<u8> = start.iter().chain(&bytes).copied().collect();
            prop_assert_eq!(sniff(&file, step), sniff(&file, file.len().max(1)));
        }
    }
}
