//! The bulletin board: one page, with lectures as a whole, and notices, which are texts or files behind links.

use std::collections::HashSet;

use super::{
    files::{self, Fetched},
    mend,
    pages::to_store,
    run_context::RunContext,
    run_error::RunError,
    walk::{Listed, Plan, Reach},
};
use crate::{
    campus::{
        bulletin::{Board, Bulletin, Lecture, Notice},
        feed::{Link, LinkError, Refusal},
        session::Session,
    },
    model::Class,
    objects::FileName,
    outbound::System,
    public_url,
    store::Article,
};

/// How often the board is requested before the run fails.
const BOARD_TRIES: u32 = 2;

/// Text of a notice whose file is not stored because it is too large or of a type that is not served.
const NOT_STORED: &str = "本通知是一个附件，暂时无法在此查看，请登录学校公告栏查看原文。";

/// Collects everything on the board.
pub(super) async fn collect(context: &RunContext<'_>, bulletin: &Bulletin) -> Result<Reach, RunError> {
    let mut session = Session::default();
    let board = read(context, bulletin, &mut session).await?;
    context.saw(board.lectures.len() + board.unread.len());
    for row in &board.unread {
        context.could_not_read(Class::Lecture, row);
    }
    // Oldest first, so that lectures without a date are listed in the board's order.
    mend::lectures(context, &board.lectures).await?;
    for lecture in board.lectures.into_iter().rev() {
        context.may_go_on()?;
        context.put(Class::Lecture, &announced(lecture)).await?;
    }
    let mut notices = context.look_up(Class::Notice, 1, board.notices).await?;
    context.saw(notices.len());
    notices.reverse();
    let shown: HashSet<String> = notices.iter().map(|notice| notice.key.clone()).collect();
    let mut garbled = mend::garbled(context, Class::Notice).await?;
    garbled.retain(|notice| !shown.contains(&notice.key));
    for notice in notices.iter().chain(&garbled) {
        one(context, bulletin, &mut session, notice).await?;
    }
    Ok(Reach { complete: true, whole: true })
}

async fn read(context: &RunContext<'_>, bulletin: &Bulletin, session: &mut Session) -> Result<Board, RunError> {
    let (mut tries, mut outages) = (1, 0);
    loop {
        context.turn().await?;
        let error = match bulletin.board(session).await {
            Ok(board) => return Ok(board),
            Err(error) => error,
        };
        if context.again(System::Bulletin, &error, &mut outages).await? {
            continue;
        }
        if tries == BOARD_TRIES {
            return Err(error.into());
        }
        tries += 1;
    }
}

/// A lecture as it is stored. Title and time, as the board writes them, are its identity, since it has no address.
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

async fn one(
    context: &RunContext<'_>,
    bulletin: &Bulletin,
    session: &mut Session,
    item: &Listed,
) -> Result<(), RunError> {
    let class = Class::Notice;
    let (Plan::Fetch, Ok(link)) = (context.plan(class, item).await?, &item.target) else { return Ok(()) };
    let mut same_as = item.known.as_ref().and_then(|known| known.file_hash.clone());
    let mut outages = 0;
    loop {
        context.turn().await?;
        match bulletin.notice(session, link).await {
            Ok(Notice::Text(article)) => {
                let article = to_store(&item.key, item.date.as_deref(), article);
                return context.store(class, item, &article).await;
            }
            Ok(Notice::File(download)) => match files::fetch(context, download, same_as.as_deref()).await? {
                // A file that was replaced is fetched once more, now to store it.
                Fetched::Another => same_as = None,
                Fetched::Same(file) | Fetched::Stored(file) => {
                    return context.store(class, item, &attached(context, item, link, Some(file))).await;
                }
                Fetched::Refused(refusal) => return not_stored(context, item, link, refusal).await,
                Fetched::Failed(why) => return context.fail_with(class, item, why).await,
            },
            Err(LinkError::Refused(refusal @ (Refusal::TooLarge | Refusal::FileType))) => {
                return not_stored(context, item, link, refusal).await;
            }
            Err(LinkError::Campus(error)) if context.again(System::Bulletin, &error, &mut outages).await? => {}
            Err(error) => return context.fail(class, item, error).await,
        }
    }
}

/// A notice that consists of a file. Without the file, its title is still useful.
fn attached(context: &RunContext<'_>, item: &Listed, link: &Link, file: Option<(FileName, String)>) -> Article {
    let text = if file.is_some() { "" } else { NOT_STORED };
    let (name, file_hash) = file.unzip();
    let base = context.spider.config.public_url.as_ref();
    let href = name.zip(base).map(|(name, base)| public_url::below(base, &["files", &name.to_string()]).into());
    Article {
        key: item.key.clone(),
        title: link.title.clone(),
        time: link.date.clone().unwrap_or_default(),
        content: text.to_owned(),
        href,
        file_hash,
        ..Article::default()
    }
}

/// Lists a notice whose file is not stored, and records why.
async fn not_stored(context: &RunContext<'_>, item: &Listed, link: &Link, refusal: Refusal) -> Result<(), RunError> {
    // A notice that is already listed keeps its content.
    if item.known.is_none() {
        context.put(Class::Notice, &attached(context, item, link, None)).await?;
    }
    context.refuse(Class::Notice, item, refusal).await
}
