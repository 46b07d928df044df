//! Files outside the database: in a directory, or in a bucket of Amazon S3, Aliyun OSS or a compatible service.
//!
//! | `WEHPU_STORAGE_URL` | where |
//! |---|---|
//! | `file:///var/lib/wehpu/files` | a directory, which exists and is shared by all replicas |
//! | `s3://bucket/prefix?endpoint=https://…&region=…` | S3; the prefix and both parameters are optional |
//! | `oss://bucket/prefix?endpoint=https://oss-cn-….aliyuncs.com` | OSS; the prefix is optional |
//!
//! Credentials are never part of the address. They come from where the tools of these services look for them:
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` (and `AWS_REGION`), the shared profile files,
//! or the role of the machine; `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and
//! `ALIBABA_CLOUD_SECURITY_TOKEN`, or a role through OIDC.

use std::{ops::Range, path::Path, time::Duration};

use axum::body::Bytes;
use opendal::{
    Operator,
    layers::{RetryLayer, TimeoutLayer},
    services::{Fs, Oss, S3},
};
use url::Url;

use super::{ObjectError, OpenError};
use crate::crypto::random_hex;

/// Region to sign for when none is set: S3 and compatible services accept it.
const DEFAULT_REGION: &str = "us-east-1";

/// Time limit of an operation without data.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time limit for reading or writing one piece of data: with its retry below the proxy's 30 s.
const IO_PATIENCE: Duration = Duration::from_secs(10);

/// How often an operation is retried after a temporary failure.
const RETRIES: usize = 1;

/// Smallest part of a multipart upload at S3, except the last (S3 user guide, multipart upload limits).
const S3_PART: usize = 5 * 1024 * 1024;

/// OSS accepts parts from 100 KiB; 1 MiB needs fewer requests.
const OSS_PART: usize = 1024 * 1024;

/// Bytes read or written at once in a directory.
const FILE_PART: usize = 256 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Bucket {
    operator: Operator,
    /// Bytes written at once.
    part: usize,
    /// Bytes read at once.
    piece: u64,
}

impl Bucket {
    /// Opens `address`. A directory is checked now, a bucket at its first use.
    pub(super) async fn open(address: &str) -> Result<Self, OpenError> {
        let url = Url::parse(address).map_err(|_| OpenError::Address("is no address"))?;
        let (operator, part, piece) = match url.scheme() {
            "file" => (directory(&url).await?, FILE_PART, FILE_PART),
            "s3" => (s3(&url)?, S3_PART, OSS_PART),
            "oss" => (oss(&url)?, OSS_PART, OSS_PART),
            _ => return Err(OpenError::Address("must be gridfs:, file:///path, s3://bucket or oss://bucket")),
        };
        Ok(Self { operator: patient(operator), part, piece: piece as u64 })
    }

    pub(super) async fn writer(&self, id: &str) -> Result<Writer, ObjectError> {
        Ok(Writer(self.operator.writer_with(id).chunk(self.part).await?))
    }

    /// Bytes of file `id` from the start of `range` on, none beyond its end.
    pub(super) async fn piece(&self, id: &str, range: Range<u64>) -> Result<Bytes, ObjectError> {
        let end = range.end.min(range.start.saturating_add(self.piece));
        let read = self.operator.read_with(id).range(range.start..end).await;
        let bytes = read.map_err(|e| match e.kind() {
            opendal::ErrorKind::NotFound => ObjectError::Missing,
            _ => e.into(),
        })?;
        if bytes.is_empty() { Err(ObjectError::Missing) } else { Ok(bytes.to_bytes()) }
    }

    /// Removes file `id`, if it exists.
    pub(super) async fn delete(&self, id: &str) -> Result<(), ObjectError> {
        Ok(self.operator.delete(id).await?)
    }
}

/// The writer of one file.
pub(super) struct Writer(opendal::Writer);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Writer")
    }
}

impl Writer {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        Ok(self.0.write(bytes).await?)
    }

    pub(super) async fn close(&mut self) -> Result<(), ObjectError> {
        self.0.close().await?;
        Ok(())
    }

    /// Ends a multipart upload, which a deletion would not see. A directory knows no abort and needs none.
    pub(super) async fn abort(mut self) {
        drop(self.0.abort().await);
    }
}

impl From<opendal::Error> for OpenError {
    fn from(error: opendal::Error) -> Self {
        Self::Settings(error.to_string())
    }
}

impl From<opendal::Error> for ObjectError {
    fn from(error: opendal::Error) -> Self {
        Self::Storage(Box::new(error))
    }
}

fn patient(operator: Operator) -> Operator {
    operator
        .layer(TimeoutLayer::new().with_timeout(PATIENCE).with_io_timeout(IO_PATIENCE))
        .layer(RetryLayer::new().with_max_times(RETRIES))
}

async fn directory(url: &Url) -> Result<Operator, OpenError> {
    parameters(url, [])?;
    let path = url.to_file_path().map_err(|()| OpenError::Address("must be file:///path"))?;
    check_directory(&path).await.map_err(|source| OpenError::Directory { path: path.clone(), source })?;
    let root = path.to_str().ok_or(OpenError::Address("has a path that is not UTF-8"))?;
    Ok(Operator::new(Fs::default().root(root))?)
}

/// Writes a file and removes it again: only this shows permissions, read-only mounts and full disks.
async fn check_directory(path: &Path) -> std::io::Result<()> {
    if !tokio::fs::metadata(path).await?.is_dir() {
        return Err(std::io::ErrorKind::NotADirectory.into());
    }
    let probe = path.join(format!(".probe-{}", random_hex()));
    tokio::fs::write(&probe, b"probe").await?;
    tokio::fs::remove_file(&probe).await
}

fn s3(url: &Url) -> Result<Operator, OpenError> {
    let [endpoint, region] = parameters(url, ["endpoint", "region"])?;
    opendal::install_default();
    let mut builder = S3::default().bucket(bucket(url)?).root(url.path());
    if let Some(endpoint) = &endpoint {
        builder = builder.endpoint(endpoint);
    }
    let environment = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().any(|name| std::env::var_os(name).is_some());
    match &region {
        Some(region) => builder = builder.region(region),
        None if !environment => builder = builder.region(DEFAULT_REGION),
        None => {}
    }
    Ok(Operator::new(builder)?)
}

fn oss(url: &Url) -> Result<Operator, OpenError> {
    let [Some(endpoint)] = parameters(url, ["endpoint"])? else {
        return Err(OpenError::Address(
            "needs an endpoint: oss://bucket?endpoint=https://oss-cn-hangzhou.aliyuncs.com",
        ));
    };
    opendal::install_default();
    Ok(Operator::new(Oss::default().bucket(bucket(url)?).root(url.path()).endpoint(&endpoint))?)
}

fn bucket(url: &Url) -> Result<&str, OpenError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OpenError::Address("must not hold credentials; they come from the environment"));
    }
    url.host_str().filter(|name| !name.is_empty()).ok_or(OpenError::Address("names no bucket"))
}

/// The values of the `known` parameters, in their order; any other parameter is an error.
fn parameters<const N: usize>(url: &Url, known: [&str; N]) -> Result<[Option<String>; N], OpenError> {
    let mut values = [const { None }; N];
    for (name, value) in url.query_pairs() {
        let Some(at) = known.iter().position(|known| *known == name) else {
            return Err(OpenError::Address("has an unknown parameter; known are endpoint and region"));
        };
        values[at] = Some(value.into_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn problem(address: &str) -> String {
        Bucket::open(address).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_missing_directory_is_named_and_nothing_is_created() {
        let missing = std::env::temp_dir().join(format!("wehpu-missing-{}", random_hex()));
        let text = problem(&format!("file://{}", missing.display())).await;
        assert!(text.contains(missing.to_str().unwrap()), "{text}");
        assert!(!missing.exists());
    }

    #[tokio::test]
    async fn addresses_of_buckets_are_checked() {
        assert!(Bucket::open("s3://files?endpoint=http://127.0.0.1:9&region=here").await.is_ok());
        assert!(Bucket::open("oss://files/wehpu?endpoint=https://oss-cn-hangzhou.aliyuncs.com").await.is_ok());
        assert!(problem("oss://files").await.contains("endpoint"));
        assert!(problem("s3://files?acl=public").await.contains("unknown parameter"));
        assert!(problem("s3://key:secret@files").await.contains("credentials"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_that_does_not_answer_is_given_up_before_the_proxy_gives_up() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        opendal::install_default();
        let builder = S3::default()
            .bucket("files")
            .region("here")
            .endpoint(&format!("http://{}", silent.local_addr().unwrap()))
            .access_key_id("id")
            .secret_access_key("secret");
        let operator = patient(Operator::new(builder).unwrap());
        let bucket = Bucket { operator, part: S3_PART, piece: 1 };
        let longest = Duration::from_secs(30);
        let mut writer = bucket.writer("a").await.unwrap();
        loop {
            // Some parts are kept before the first is sent.
            let begun = tokio::time::Instant::now();
            let written = writer.write(vec![0; S3_PART].into()).await;
            assert!(begun.elapsed() < longest, "{:?}", begun.elapsed());
            if written.is_err() {
                break;
            }
        }
        let begun = tokio::time::Instant::now();
        bucket.piece("a", 0..1).await.unwrap_err();
        assert!(begun.elapsed() < longest, "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_directory_gives_back_what_was_written_and_forgets_what_was_deleted() {
        let directory = std::env::temp_dir().join(format!("wehpu-files-{}", random_hex()));
        tokio::fs::create_dir(&directory).await.unwrap();
        let bucket = Bucket::open(&format!("file://{}", directory.display())).await.unwrap();
        let content: Vec<u8> = (0..=255).cycle().take(3 * FILE_PART + 5).collect();
        let mut writer = bucket.writer("a").await.unwrap();
        for part in content.chunks(10_000) {
            writer.write(Bytes::copy_from_slice(part)).await.unwrap();
        }
        writer.close().await.unwrap();
        let end = content.len() as u64;
        let mut read = Vec::new();
        while read.len() < content.len() {
            read.extend(bucket.piece("a", read.len() as u64..end).await.unwrap());
        }
        assert!(read == content);
        assert_eq!(bucket.piece("a", 7..9).await.unwrap(), content[7..9]);
        bucket.delete("a").await.unwrap();
        bucket.delete("a").await.unwrap();
        assert!(matches!(bucket.piece("a", 0..end).await, Err(ObjectError::Missing)));
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0);
        tokio::fs::remove_dir(&directory).await.unwrap();
    }
}
