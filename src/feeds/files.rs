//! Files of notices: streamed from the campus into the object storage, each content once.
//!
//! They belong to the service, so that deleting a student's account does not remove them. A file that no notice
//! consists of any more is kept: its address was given out.

use aws_lc_rs::digest::{Context, SHA256};

use super::{run_context::RunContext, run_error::RunError};
use crate::{
    campus::feed::Refusal,
    objects::{Draft, FileName, Label, Sniffer},
    outbound::{Download, OutboundError},
};

/// Owner of these files. No open id has a colon.
const OWNER: &str = "service:spider";

/// The outcome of a download.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The same content is stored already: its name and SHA-256.
    Same((FileName, String)),
    /// It is stored, now or because of another notice: its name and SHA-256.
    Stored((FileName, String)),
    /// The content differs from the stored one, and was not kept.
    Another,
    /// It will not be stored.
    Refused(Refusal),
    /// The download did not complete.
    Failed(&'static str),
}

/// Why a download ends early.
enum Broken {
    Refused(Refusal),
    Failed(&'static str),
    RunError(RunError),
}

impl<E: Into<RunError>> From<E> for Broken {
    fn from(error: E) -> Self {
        Self::RunError(error.into())
    }
}

/// Stores a file. With `same_as`, the SHA-256 of the file stored for its notice, it only compares.
pub(super) async fn fetch(
    context: &RunContext<'_>,
    mut download: Download,
    same_as: Option<&str>,
) -> Result<Fetched, RunError> {
    let outcome = match same_as {
        Some(hash) => compare(context, &mut download, hash).await,
        None => keep(context, &mut download).await,
    };
    match outcome {
        Ok(fetched) => Ok(fetched),
        Err(Broken::Refused(refusal)) => Ok(Fetched::Refused(refusal)),
        Err(Broken::Failed(why)) => Ok(Fetched::Failed(why)),
        Err(Broken::RunError(error)) => Err(error),
    }
}

async fn compare(context: &RunContext<'_>, download: &mut Download, hash: &str) -> Result<Fetched, Broken> {
    if receive(context, download, None).await?.1 != hash {
        return Ok(Fetched::Another);
    }
    // If the storage was emptied, the file is stored again.
    let name = context.spider.objects.of_hash(hash).await?;
    Ok(name.map_or(Fetched::Another, |name| Fetched::Same((name, hash.to_owned()))))
}

async fn keep(context: &RunContext<'_>, download: &mut Download) -> Result<Fetched, Broken> {
    context.lease.check()?;
    let mut draft = context.spider.objects.begin(OWNER).await?;
    let received = receive(context, download, Some(&mut draft)).await;
    let whole = received.and_then(|(sniffer, hash)| {
        let kind = sniffer.finish().map_err(|_| Broken::Refused(Refusal::FileType))?;
        context.lease.check()?;
        Ok((kind, hash))
    });
    match whole {
        Ok((kind, hash)) => {
            let name = draft.commit_once(kind, Label::Notice, &hash).await?;
            Ok(Fetched::Stored((name, hash)))
        }
        Err(broken) => {
            draft.abort().await;
            Err(broken)
        }
    }
}

/// Receives the whole file, into `draft` if there is one. Returns its type and SHA-256.
async fn receive(
    context: &RunContext<'_>,
    download: &mut Download,
    mut draft: Option<&mut Draft>,
) -> Result<(Sniffer, String), Broken> {
    let (mut sniffer, mut hash) = (Sniffer::default(), Context::new(&SHA256));
    loop {
        context.may_go_on()?;
        let chunk = tokio::select! {
            chunk = download.chunk() => chunk,
            // When the spider is to end, it does not wait for a slow file.
            () = context.stop.cancelled() => return Err(Broken::RunError(RunError::Stopped)),
        };
        let bytes = match chunk {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok((sniffer, hex::encode(hash.finish()))),
            Err(OutboundError::TooLarge(_)) => return Err(Broken::Refused(Refusal::TooLarge)),
            Err(error) => return Err(Broken::Failed(error.kind())),
        };
        sniffer.feed(&bytes).map_err(|_| Broken::Refused(Refusal::FileType))?;
        hash.update(&bytes);
        if let Some(draft) = draft.as_deref_mut() {
            draft.write(bytes).await?;
        }
    }
}
