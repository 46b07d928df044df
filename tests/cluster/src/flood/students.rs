//! Three thousand students behind one address, as a campus has them: each with a connection and an account of its own,
//! who logs in and then looks at something every ten seconds. None of them may be refused.

use std::{io, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Tally,
    line::{Door, Line, Target},
};

/// How many.
const STUDENTS: u32 = 3000;

/// They come one after the other within this time.
const COMING: Duration = Duration::from_secs(40);

/// Pause between two looks of a student.
const PAUSE: Duration = Duration::from_secs(10);

/// What they look at.
const PATHS: [&str; 3] = ["/api/user", "/api/rss/news", "/api/calendar"];

/// Lets them come, and stay until `end`; both happens `slack` times more slowly.
pub fn students(target: &Target, tally: &Tally, end: Instant, slack: f64) -> JoinSet<()> {
    let begun = Instant::now();
    let (coming, pause) = (COMING.mul_f64(slack), PAUSE.mul_f64(slack));
    let student = |n: u32| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            sleep_until(begun + coming / STUDENTS * n).await;
            // Whoever meets trouble stops: it is counted once.
            if stay(&target, &tally, end, pause).await.is_err() {
                tally.refused();
            }
        }
    };
    (0..STUDENTS).map(student).collect()
}

async fn stay(target: &Target, tally: &Tally, end: Instant, pause: Duration) -> io::Result<()> {
    let mut line = target.connect(Door::Tls, None).await?;
    tally.opened();
    let token = line.token("campus").await?;
    for path in PATHS.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        tally.answered(look(&mut line, target, tally, path, &token).await?);
        sleep(pause).await;
    }
    Ok(())
}

/// Looks at something; a connection that was closed while nobody used it is opened anew, as every client does.
async fn look(line: &mut Line, target: &Target, tally: &Tally, path: &str, token: &str) -> io::Result<u16> {
    if let Ok(answer) = line.get(path, token).await {
        return Ok(answer.status);
    }
    *line = target.connect(Door::Tls, None).await?;
    tally.opened();
    Ok(line.get(path, token).await?.status)
}
