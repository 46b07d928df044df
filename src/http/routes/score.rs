//! `/api/score`: the caller's scores of the current term.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    campus::urp::parse_score::{Score, ScoreRow},
    error::ApiError,
    http::{auth::Student, envelope::Envelope, openapi::Failures},
    readthrough::Scores,
};

/// The caller's scores of the current term, in the order of the academic system.
#[utoipa::path(
    get,
    path = "/api/score",
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Vec<Score>>, description = "the scores"), Failures)
)]
async fn scores(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<Vec<Score>>, ApiError> {
    let fetched = app.reader.read(&Scores, &user).await?;
    Ok(Envelope::campus("成绩获取成功", fetched.map(|rows| rows.into_iter().map(|row| row.score).collect())))
}

/// What a term amounts to.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// Number of courses with a mark.
    courses: usize,
    /// Credits of the courses passed.
    credits: f64,
    /// Average of the marks, weighted by credits; words count as the university counts them. `null` without any mark.
    average: Option<f64>,
}

/// Marks that are words, as the university converts them to points (优秀 95, 良好 85, 中等 75, 及格 65, 不及格 0; 合格 and
/// 通过 pass without points).
fn points(mark: &str) -> Option<f64> {
    match mark {
        "优秀" | "优" => Some(95.0),
        "良好" | "良" => Some(85.0),
        "中等" | "中" => Some(75.0),
        "及格" => Some(65.0),
        "不及格" => Some(0.0),
        number => number.parse().ok().filter(|points| (0.0..=100.0).contains(points)),
    }
}

/// Lowest mark that passes.
const PASS: f64 = 60.0;

fn summarise(rows: &[ScoreRow]) -> Summary {
    let mut summary = Summary { courses: 0, credits: 0.0, average: None };
    let (mut weighted, mut weight) = (0.0, 0.0);
    for row in rows.iter().filter(|row| !row.score.mark.is_empty()) {
        summary.courses += 1;
        let credit: f64 = row.credit.parse().unwrap_or(0.0);
        let points = points(&row.score.mark);
        if points.map_or(matches!(row.score.mark.as_str(), "合格" | "通过"), |points| points >= PASS) {
            summary.credits += credit;
        }
        if let Some(points) = points {
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
    tag = "study",
    security(("token" = [])),
    responses((status = 200, body = Envelope<Summary>, description = "the summary"), Failures)
)]
async fn summary(State(app): State<AppState>, Student(user): Student) -> Result<Envelope<Summary>, ApiError> {
    let fetched = app.reader.read(&Scores, &user).await?;
    Ok(Envelope::campus("成绩统计成功", fetched.map(|rows| summarise(&rows))))
}

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(scores)).routes(routes!(summary))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn no_marks_have_no_average() {
        assert_eq!(summarise(&[row("", "2")]).average, None);
    }
}
