//! `GET` and `HEAD /files/{name}`: an uploaded file, for anybody who knows its name. A file never changes and its name is
//! never used again, so the name is its entity tag and caches may keep it for good.

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
            CONTENT_TYPE, ETAG, IF_RANGE, RANGE,
        },
    },
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{etag, extract::Path, openapi::Failures},
    objects::{FileName, ObjectError, Objects},
};

/// Where they are.
pub const PATH: &str = "/files/{name}";

/// A browser that shows a file runs and loads nothing of it: whatever was uploaded cannot act as a page of this service.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes a body")]
struct FileContent(Vec<u8>);

/// An uploaded file, or a part of it. Images are shown by browsers, everything else is offered for saving.
#[utoipa::path(
    method(get, head),
    path = PATH,
    operation_id = "getFile",
    tag = "life",
    params(
        ("name" = String, Path, description = "as an upload answered it"),
        ("range" = Option<String>, Header, description = "one range of bytes, `bytes=0-99`"),
        ("if-range" = Option<String>, Header, description = "the part only if the file has this entity tag"),
        ("if-none-match" = Option<String>, Header, description = "entity tags the caller has"),
    ),
    responses(
        (status = 200, description = "the file", content(
            (FileContent = "image/png"),
            (FileContent = "image/jpeg"),
            (FileContent = "image/gif"),
            (FileContent = "application/pdf"),
            (FileContent = "application/zip"),
            (FileContent = "application/vnd.rar"),
            (FileContent = "application/msword"),
            (FileContent = "application/vnd.ms-excel"),
            (FileContent = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            (FileContent = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        )),
        (status = 206, description = "the part asked for, of the same types", content((FileContent = "*/*"))),
        (status = 304, description = "the caller has it already"),
        (status = 416, description = "the file has no such part"),
        Failures,
    )
)]
pub(super) async fn file(
    State(app): State<AppState>,
    method: Method,
    name: Result<Path<String>, ApiError>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let unknown = ApiError::NotFound("文件不存在");
    let name = name.ok().and_then(|Path(name)| FileName::parse(&name)).ok_or_else(|| unknown.clone())?;
    let length = app.objects.find(&name).await?.ok_or(unknown)?.length;
    let tag = format!("\"{}\"", name.id);

    if etag::is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, lasting(&tag)?).into_response());
    }
    let whole = Part { from: 0, end: length };
    let part = match wanted(&headers, &tag, length) {
        // Ranges are defined for GET only (RFC 9110 §14.2).
        Wanted::Part(part) if method == Method::GET => part,
        Wanted::None if method == Method::GET => {
            let mut refusal = ApiError::RangeNotSatisfiable.into_response();
            refusal.headers_mut().insert(CONTENT_RANGE, value(format!("bytes */{length}"))?);
            return Ok(refusal);
        }
        _ => whole,
    };

    let mut answer = lasting(&tag)?;
    let disposition = if name.kind.is_image() { "inline" } else { "attachment" };
    answer.insert(CONTENT_TYPE, HeaderValue::from_static(name.kind.media_type()));
    answer.insert(CONTENT_DISPOSITION, value(format!("{disposition}; filename=\"{name}\""))?);
    answer.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.from));
    answer.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let status = if part == whole {
        StatusCode::OK
    } else {
        answer.insert(CONTENT_RANGE, value(format!("bytes {}-{}/{length}", part.from, part.end - 1))?);
        StatusCode::PARTIAL_CONTENT
    };
    if method == Method::HEAD {
        return Ok((status, answer).into_response());
    }
    // The first bytes before the status: after it nothing can be said any more.
    let first = app.objects.piece(&name.id, part.from, part.end).await?;
    let body = Body::from_stream(pieces(app.objects.clone(), name.id, part, first));
    Ok((status, answer, body).into_response())
}

/// The headers that a 304 has too.
fn lasting(tag: &str) -> Result<HeaderMap, ApiError> {
    let mut headers = HeaderMap::new();
    headers.insert(ETAG, value(tag.to_owned())?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    Ok(headers)
}

fn value(text: String) -> Result<HeaderValue, ApiError> {
    // Made of names and numbers of ours, which fit a header.
    HeaderValue::try_from(text).map_err(|_| ApiError::Internal)
}

/// The part as a stream that asks the storage only for what has been sent on.
fn pieces(
    objects: Objects,
    id: String,
    part: Part,
    first: Bytes,
) -> impl Stream<Item = Result<Bytes, ObjectError>> + Send {
    let start = (objects, id, part.from, Some(first));
    stream::try_unfold(start, move |(objects, id, at, first)| async move {
        if at >= part.end {
            return Ok(None);
        }
        let bytes = match first {
            Some(bytes) => bytes,
            None => objects.piece(&id, at, part.end).await.inspect_err(|error| {
                // The connection ends early, by which the client sees that the file is not whole.
                tracing::warn!(%error, "a file could not be sent to its end");
            })?,
        };
        metrics::counter!("download_bytes_total").increment(bytes.len() as u64);
        let next = at + bytes.len() as u64;
        Ok(Some((bytes, (objects, id, next, None))))
    })
}

/// Bytes `from` up to, but not including, `end`; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    from: u64,
    end: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// No range, or one to be ignored.
    Whole,
    Part(Part),
    /// A range outside the file.
    None,
}

/// What `Range` and `If-Range` ask of a file of `length` bytes (RFC 9110 §14.2 and §13.1.5). Several ranges and other
/// units are ignored, as the RFC allows.
fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Wanted {
    if headers.contains_key(IF_RANGE) && headers.get(IF_RANGE).is_none_or(|given| given.as_bytes() != tag.as_bytes()) {
        return Wanted::Whole;
    }
    let text = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let spec = text.and_then(|text| text.trim().split_once('=')).filter(|(unit, _)| unit.eq_ignore_ascii_case("bytes"));
    let Some((from, last)) = spec.and_then(|(_, spec)| spec.trim().split_once('-')) else { return Wanted::Whole };
    let part = match (number(from), number(last)) {
        (Ok(Some(from)), Ok(Some(last))) if from > last => return Wanted::Whole,
        (Ok(Some(from)), Ok(last)) => {
            Part { from, end: last.map_or(length, |last| length.min(last.saturating_add(1))) }
        }
        (Ok(None), Ok(Some(count))) => Part { from: length - count.min(length), end: length },
        _ => return Wanted::Whole,
    };
    if part.from < part.end { Wanted::Part(part) } else { Wanted::None }
}

/// Digits as a number, if there are any; a number beyond all files is the largest there is.
fn number(text: &str) -> Result<Option<u64>, ()> {
    match text.trim() {
        "" => Ok(None),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(digits.parse().unwrap_or(u64::MAX))),
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"0123\"";

    fn range(range: &str) -> Wanted {
        wanted(&HeaderMap::from_iter([(RANGE, range.parse().unwrap())]), TAG, 100)
    }

    fn part(from: u64, end: u64) -> Wanted {
        Wanted::Part(Part { from, end })
    }

    #[test]
    fn one_range_gives_that_part() {
        assert_eq!(range("bytes=0-0"), part(0, 1));
        assert_eq!(range("bytes=10-19"), part(10, 20));
        assert_eq!(range("bytes=90-"), part(90, 100));
        assert_eq!(range("bytes=90-1000"), part(90, 100));
        assert_eq!(range("bytes=-10"), part(90, 100));
        assert_eq!(range("bytes=-1000"), part(0, 100));
        assert_eq!(range("Bytes=5-99999999999999999999999"), part(5, 100));
    }

    #[test]
    fn a_range_outside_the_file_is_told_from_one_to_be_ignored() {
        for outside in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(range(outside), Wanted::None, "{outside}");
        }
        for ignored in
            ["bytes=", "bytes=-", "bytes=9-5", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "bytes", "bytes=+1-2"]
        {
            assert_eq!(range(ignored), Wanted::Whole, "{ignored}");
        }
    }

    #[test]
    fn if_range_needs_the_very_tag() {
        let with = |tag: &'static str| {
            let headers = [(RANGE, "bytes=0-0"), (IF_RANGE, tag)].map(|(name, v)| (name, HeaderValue::from_static(v)));
            wanted(&HeaderMap::from_iter(headers), TAG, 100)
        };
        assert_eq!(with(TAG), part(0, 1));
        for other in ["\"4567\"", "W/\"0123\"", "Tue, 24 Nov 2026 00:00:00 GMT"] {
            assert_eq!(with(other), Wanted::Whole, "{other}");
        }
    }
}
