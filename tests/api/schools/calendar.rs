//! The course table as a calendar, at a school with two campuses and days that are moved.

use campus_sim::{CampusSim, Session};
use reqwest::Method;

use super::played::DEMO_ZF;
use crate::support::setup;

/// The demonstration school, whose western campus has lesson times of its own.
fn two_campuses(sim: &CampusSim) -> String {
    let times = r#"
[[times]]
id = "west"
campus = "2"
sections = ["07:30-08:15", "08:25-09:10", "09:30-10:15", "10:25-11:10", "13:00-13:45", "13:55-14:40"]
"#;
    sim.profile("demo-zf").unwrap() + times
}

fn session(weekday: u8, section: u8, campus: &str) -> Session {
    Session {
        weeks: "2-8周上".to_owned(),
        weekday,
        section,
        sections: 2,
        campus: campus.to_owned(),
        building: "1号教学楼".to_owned(),
        room: "1304".to_owned(),
    }
}

#[tokio::test]
async fn a_class_has_the_times_of_its_campus_and_follows_moved_days() {
    setup()
        .profile(two_campuses)
        .run(async |app| {
            app.sim.edit_student("202409000001", |student| {
                student.courses.truncate(1);
                // The simulator's north is the west of this school.
                student.courses[0].sessions = vec![session(5, 3, "南校区"), session(2, 5, "北校区")];
            });
            let student = DEMO_ZF.reader(app, 1).await;
            let table = student.course().await;
            assert_eq!(table.data()["fri"][0]["campus"], "东校区", "{table:?}");
            assert_eq!(table.data()["tue"][0]["campus"], "西校区", "{table:?}");

            let address = student.post_form("/api/course/subscription", &[]).await.expect(201);
            let (_, path) = address.data()["url"].as_str().unwrap().split_once("/api/").unwrap();
            let file = app.request(Method::GET, &format!("/api/{path}")).send().await.unwrap().text().await.unwrap();
            assert_eq!(file.matches("BEGIN:VEVENT").count(), 3, "{file}");
            for line in [
                "DTSTART;TZID=Asia/Shanghai:20260918T100000",
                // The Friday's classes of 2 October are held on Saturday, 10 October.
                "EXDATE;TZID=Asia/Shanghai:20261002T100000",
                "DTSTART;TZID=Asia/Shanghai:20261010T100000",
                "DTEND;TZID=Asia/Shanghai:20261010T114000",
                "DTSTART;TZID=Asia/Shanghai:20260915T130000",
                "DTEND;TZID=Asia/Shanghai:20260915T144000",
            ] {
                assert!(file.lines().any(|known| known == line), "{line} is missing from\n{file}");
            }
        })
        .await;
}
