//! The bulletin board: one page with lectures, which it shows whole, and notices, which are texts or files behind links.

use std::collections::HashSet;

use super::{
    files::{self, Fetched},
    mend,
    pages::to_store,
    walk::{Listed, Plan, Reach},
    work::{Halt, Work},
};
use crate::{
    campus::{
        bulletin::{Board, Bulletin, Lecture, Notice},
        feed::{Link, LinkError, Refusal},
        session::Session,
    },
    http::public_url,
    objects::FileName,
    outbound::System,
    store::{Article, Class},
};

/// How often the board is asked for before the run fails.
const BOARD_TRIES: u32 = 2;

/// What is shown in place of a file that is not stored: too large, or of a type that is not served.
const NOT_STORED: &str = "本通知是一个附件，暂时无法在此查看，请登录学校公告栏查看原文。";

/// Collects everything on the board.
pub(super) async fn collect(work: &Work<'_>, bulletin: &Bulletin) -> Result<Reach, Halt> {
    let mut session = Session::default();
    let board = read(work, bulletin, &mut session).await?;
    work.saw(board.lectures.len() + board.unread.len());
    for row in &board.unread {
        work.could_not_read(Class::Lecture, row);
    }
    // The oldest first, so that what has no date is listed in the board's order.
    mend::lectures(work, &board.lectures).await?;
    for lecture in board.lectures.into_iter().rev() {
        work.may_go_on()?;
        work.put(Class::Lecture, &announced(lecture)).await?;
    }
    let mut notices = work.look_up(Class::Notice, 1, board.notices).await?;
    work.saw(notices.len());
    notices.reverse();
    let shown: HashSet<String> = notices.iter().map(|notice| notice.key.clone()).collect();
    let mut garbled = mend::garbled(work, Class::Notice).await?;
    garbled.retain(|notice| !shown.contains(&notice.key));
    for notice in notices.iter().chain(&garbled) {
        one(work, bulletin, &mut session, notice).await?;
    }
    Ok(Reach { complete: true, whole: true })
}

async fn read(work: &Work<'_>, bulletin: &Bulletin, session: &mut Session) -> Result<Board, Halt> {
    let (mut tries, mut outages) = (1, 0);
    loop {
        work.turn().await?;
        let error = match bulletin.board(session).await {
            Ok(board) => return Ok(board),
            Err(error) => error,
        };
        if work.again(System::Bulletin, &error, &mut outages).await? {
            continue;
        }
        if tries == BOARD_TRIES {
            return Err(error.into());
        }
        tries += 1;
    }
}

/// A lecture as it is stored. Its title and its time as the board writes it make it this lecture: the board gives it no
/// address.
fn announced(lecture: Lecture) -> Article {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Article {
        key: format!("{}|{}", lecture.title, lecture.time),
        title: lecture.title,
        time: lecture.time,
        content: lecture.content,
        place: some(lecture.place),
        speaker: some(lecture.speaker),
        ..Article::default()
    }
}

async fn one(work: &Work<'_>, bulletin: &Bulletin, session: &mut Session, item: &Listed) -> Result<(), Halt> {
    let class = Class::Notice;
    let (Plan::Fetch, Ok(link)) = (work.plan(class, item).await?, &item.target) else { return Ok(()) };
    let mut same_as = item.known.as_ref().and_then(|known| known.file_hash.clone());
    let mut outages = 0;
    loop {
        work.turn().await?;
        match bulletin.notice(session, link).await {
            Ok(Notice::Text(article)) => {
                let article = to_store(&item.key, item.date.as_deref(), article);
                return work.store(class, item, &article).await;
            }
            Ok(Notice::File(download)) => match files::fetch(work, download, same_as.as_deref()).await? {
                // A file that was replaced is fetched once more, now to be kept.
                Fetched::Another => same_as = None,
                Fetched::Same(file) | Fetched::Stored(file) => {
                    return work.store(class, item, &attached(work, item, link, Some(file))).await;
                }
                Fetched::Refused(refusal) => return not_stored(work, item, link, refusal).await,
                Fetched::Failed(why) => return work.fail_with(class, item, why).await,
            },
            Err(LinkError::Refused(refusal @ (Refusal::TooLarge | Refusal::FileType))) => {
                return not_stored(work, item, link, refusal).await;
            }
            Err(LinkError::Campus(error)) if work.again(System::Bulletin, &error, &mut outages).await? => {}
            Err(error) => return work.fail(class, item, error).await,
        }
    }
}

/// A notice that consists of a file; without the file, its title is still worth knowing.
fn attached(work: &Work<'_>, item: &Listed, link: &Link, file: Option<(FileName, String)>) -> Article {
    let content = if file.is_some() { "" } else { NOT_STORED };
    let (name, file_hash) = file.unzip();
    let base = work.spider.config.public_url.as_ref();
    let href = name.zip(base).map(|(name, base)| public_url::below(base, &["files", &name.to_string()]).into());
    Article {
        key: item.key.clone(),
        title: link.title.clone(),
        time: link.date.clone().unwrap_or_default(),
        content: content.to_owned(),
        href,
        file_hash,
        ..Article::default()
    }
}

/// Lists a notice whose file is not stored, and records why it is not.
async fn not_stored(work: &Work<'_>, item: &Listed, link: &Link, refusal: Refusal) -> Result<(), Halt> {
    // One that is listed already keeps what it has.
    if item.known.is_none() {
        work.put(Class::Notice, &attached(work, item, link, None)).await?;
    }
    work.refuse(Class::Notice, item, refusal).await
}
