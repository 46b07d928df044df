//! `GET /api/score`: the caller's scores of the current term. `GET /api/score/summary`: what they amount to.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::AppState,
    error::ApiError,
    http::{
        auth::Student,
        envelope::{Envelope, Tagged},
        openapi::{Failures, Unchanged},
    },
    model::{Score, ScoreRow},
    readthrough::Scores,
};

/// The caller's scores of the current term, in the order of the academic system.
#[utoipa::path(
    get,
    path = "/api/score",
    operation_id = "listScores",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Vec<Score>>, description = "the scores"), Unchanged, Failures)
)]
pub(super) async fn scores(
    State(app): State<AppState>,
    Student(user): Student,
) -> Result<Tagged<Vec<Score>>, ApiError> {
    let fetched = app.reader.read(&Scores, &user).await?.opened()?;
    let scores = fetched.map(|rows| rows.into_iter().map(|row| row.score).collect());
    Ok(Tagged(Envelope::campus("成绩获取成功", scores)))
}

/// What a term amounts to.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Number of courses with a mark; several attempts at a course are one.
    courses: usize,
    /// Credits of the courses passed.
    credits: f64,
    /// Average of the marks, weighted by credits; words count as points, see `API-DESIGN`. `null` without any mark.
    average: Option<f64>,
}

/// What a mark says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mark {
    /// Points from 0 to 100.
    Points(f64),
    /// Passed or not, without points.
    PassOrFail(bool),
}

impl Mark {
    /// A number from 0 to 100, or a word that the university marks with. Anything else is no mark: `-999.0` (none yet),
    /// 缓考 (put off), 免修 (exempt), 旷考 (absent), nothing.
    fn of(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "优秀" | "优" => Self::Points(95.0),
            "良好" | "良" => Self::Points(85.0),
            "中等" | "中" => Self::Points(75.0),
            "及格" => Self::Points(65.0),
            "不及格" => Self::Points(0.0),
            "合格" | "通过" => Self::PassOrFail(true),
            "不合格" | "不通过" | "未通过" => Self::PassOrFail(false),
            number => Self::Points(number.parse().ok().filter(|points| (0.0..=100.0).contains(points))?),
        })
    }

    fn is_pass(self) -> bool {
        match self {
            Self::Points(points) => points >= PASS,
            Self::PassOrFail(passed) => passed,
        }
    }

    /// For the better of two attempts: what passes goes first, then points, then more of them.
    fn rank(self) -> (bool, bool, f64) {
        match self {
            Self::Points(points) => (self.is_pass(), true, points),
            Self::PassOrFail(passed) => (passed, false, 0.0),
        }
    }
}

/// Lowest mark that passes.
const PASS: f64 = 60.0;

/// Of several attempts at a course (one number, several 课序号) the best mark counts, with that attempt's credits.
fn summarise(rows: &[ScoreRow]) -> Summary {
    let mut courses: Vec<(&ScoreRow, Mark)> = Vec::new();
    for row in rows {
        let Some(mark) = Mark::of(&row.score.mark) else { continue };
        let number = &row.score.number;
        match courses.iter_mut().find(|(known, _)| !number.is_empty() && known.score.number == *number) {
            Some(best) if mark.rank() > best.1.rank() => *best = (row, mark),
            Some(_) => {}
            None => courses.push((row, mark)),
        }
    }
    let mut summary = Summary { courses: courses.len(), credits: 0.0, average: None };
    let (mut weighted, mut weight) = (0.0, 0.0);
    for (row, mark) in courses {
        let credit = row.credit.parse().ok().filter(|credit: &f64| credit.is_finite() && *credit >= 0.0).unwrap_or(0.0);
        if mark.is_pass() {
            summary.credits += credit;
        }
        if let Mark::Points(points) = mark {
            weighted += points * credit;
            weight += credit;
        }
    }
    summary.average = (weight > 0.0).then(|| (weighted / weight * 100.0).round() / 100.0);
    summary
}

/// Credits and weighted average of the current term.
#[utoipa::path(
    get,
    path = "/api/score/summary",
    operation_id = "getScoreSummary",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Summary>, description = "the summary"), Unchanged, Failures)
)]
pub(super) async fn summary(State(app): State<AppState>, Student(user): Student) -> Result<Tagged<Summary>, ApiError> {
    let fetched = app.reader.read(&Scores, &user).await?.opened()?;
    Ok(Tagged(Envelope::campus("成绩统计成功", fetched.map(|rows| summarise(&rows)))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::{page::fixture::fixture, urp::parse_score::parse_scores};

    fn row(mark: &str, credit: &str) -> ScoreRow {
        let score = Score { mark: mark.to_owned(), ..Score::default() };
        ScoreRow { score, credit: credit.to_owned(), ..ScoreRow::default() }
    }

    #[test]
    fn the_average_is_weighted_by_credits_and_words_count_as_points() {
        let rows = [row("90", "3"), row("中等", "1"), row("50", "2"), row("合格", "1"), row("", "4")];
        let summary = summarise(&rows);
        assert_eq!(summary, Summary { courses: 4, credits: 5.0, average: Some(74.17) });
    }

    #[test]
    fn only_marks_count_and_of_two_attempts_the_better_one() {
        let rows = parse_scores(&fixture("urp/score-attempts.gbk.html")).unwrap();
        let summary = summarise(&rows);
        let marks: Vec<_> = rows.iter().map(|row| (row.score.number.as_str(), row.score.mark.as_str())).collect();
        assert_eq!(&marks[..2], [("1", "59"), ("1", "60")], "both attempts are shown");
        let counted = ["60", "95.0", "良", "通过"];
        let others = marks.iter().skip(2).filter(|(_, mark)| Mark::of(mark).is_some()).count();
        assert_eq!(summary.courses, 1 + others, "{marks:?}");
        assert!(counted.iter().all(|mark| Mark::of(mark).is_some()));
        assert!(["-999.0", "缓考", "旷考", "免修", "", "100.5", "NaN"].iter().all(|none| Mark::of(none).is_none()));
    }

    #[test]
    fn a_better_attempt_takes_the_place_of_a_worse_one_in_whatever_order() {
        let at = |number: &str, mark: &str| {
            let mut row = row(mark, "2");
            number.clone_into(&mut row.score.number);
            row
        };
        for rows in [[at("1", "59"), at("1", "合格"), at("2", "80")], [at("1", "合格"), at("1", "59"), at("2", "80")]]
        {
            assert_eq!(summarise(&rows), Summary { courses: 2, credits: 4.0, average: Some(80.0) });
        }
        assert_eq!(summarise(&[at("", "70"), at("", "90")]).courses, 2, "without a number each row is a course");
    }

    #[test]
    fn no_marks_have_no_average() {
        assert_eq!(summarise(&[row("", "2")]).average, None);
    }
}
