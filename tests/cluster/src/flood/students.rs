//! Three thousand students behind one address, like a campus: each has a connection and an account, logs in and then
//! reads something every ten seconds. None of them may be refused.

use std::{io, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Tally,
    line::{Door, Line, Target},
};

/// Number of students.
const STUDENTS: u32 = 3000;

/// Time in which they come, one after the other.
const COMING: Duration = Duration::from_secs(40);

/// Pause between two reads of a student.
const PAUSE: Duration = Duration::from_secs(10);

/// Paths that they read.
const PATHS: [&str; 3] = ["/api/user", "/api/rss/news", "/api/calendar"];

/// Lets them come and stay until `end`; arrival and pauses are `slack` times slower.
pub fn students(target: &Target, tally: &Tally, end: Instant, slack: f64) -> JoinSet<()> {
    let begun = Instant::now();
    let (coming, pause) = (COMING.mul_f64(slack), PAUSE.mul_f64(slack));
    let student = |n: u32| {
        let (target, tally) = (target.clone(), tally.clone());
        async move {
            sleep_until(begun + coming / STUDENTS * n).await;
            // A student who meets an error stops, so it is counted once.
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

/// Reads a path. A connection that was closed while idle is opened again, as every client does.
async fn look(line: &mut Line, target: &Target, tally: &Tally, path: &str, token: &str) -> io::Result<u16> {
    if let Ok(answer) = line.get(path, token).await {
        return Ok(answer.status);
    }
    *line = target.connect(Door::Tls, None).await?;
    tally.opened();
    Ok(line.get(path, token).await?.status)
}
