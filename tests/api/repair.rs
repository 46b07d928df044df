//! `POST /api/rsp/repair`: one order, sent once.

use campus_sim::{Fault, System};
use serde_json::{Value, json};

use crate::support::{PNG, Student, file, setup};

const REPAIR: &str = "/api/rsp/repair";

const ORDER: [(&str, &str); 9] = [
    ("projectSerial", "0102"),
    ("projectName", "水龙头"),
    ("mobile", "13800000000"),
    ("bUserName", "张三"),
    ("bContent", "水龙头关不上 & 漏水"),
    ("bAddress", "3号楼 214"),
    ("areaSerial", "01"),
    ("areaName", "南校区"),
    ("imgList", ""),
];

/// What the department must get for [`ORDER`].
const ARRIVES: [(&str, &str); 10] = [
    ("Area_Serial", "01"),
    ("Area_Name", "南校区"),
    ("Baddress", "3号楼 214"),
    ("Project_Name", "水龙头"),
    ("Project_Serial", "0102"),
    ("Bcontent", "水龙头关不上 & 漏水"),
    ("Mobile", "13800000000"),
    ("BuserName", "张三"),
    ("imglist", ""),
    ("Bsource", "1"),
];

#[tokio::test]
async fn an_order_arrives_field_by_field_from_a_form_and_from_json() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            student.post_form(REPAIR, &ORDER).await.expect(201);
            let body: Value = ORDER.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            student.post_json(REPAIR, &body).await.expect(201);
            let sent = app.sim.sent().repairs;
            assert_eq!(sent.len(), 2);
            for order in sent {
                assert_eq!(order.student_id, student.campus.number);
                for (name, value) in ARRIVES {
                    let arrived: Vec<_> = order.fields.iter().filter(|(n, _)| n == name).map(|(_, v)| v).collect();
                    assert_eq!(arrived, [value], "{name}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_missing_or_empty_field_is_400_and_reaches_nobody() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for (name, _) in ORDER.iter().filter(|(name, _)| *name != "imgList") {
                let without: Vec<_> = ORDER.into_iter().filter(|(n, _)| n != name).collect();
                student.post_form(REPAIR, &without).await.expect_error(400, "BAD_REQUEST");
                let empty = ORDER.map(|(n, v)| (n, if n == *name { "" } else { v }));
                student.post_form(REPAIR, &empty).await.expect_error(400, "BAD_REQUEST");
            }
            let without_pictures: Vec<_> = ORDER.into_iter().filter(|(n, _)| *n != "imgList").collect();
            assert_eq!(app.sim.count(System::Repair), 0);
            student.post_form(REPAIR, &without_pictures).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn an_order_that_the_department_refuses_is_502() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            app.sim.set_fault(System::Repair, Fault::garbage().on("order"));
            student.post_form(REPAIR, &ORDER).await.expect_error(502, "CAMPUS_REFUSED");
            assert_eq!(app.sim.count_of("repair.order"), 1, "an order is never repeated");
        })
        .await;
}

#[tokio::test]
async fn a_department_that_is_down_is_503() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for fault in [Fault::server_error(), Fault::maintenance(), Fault::dropped()] {
                app.sim.set_fault(System::Repair, fault);
                student.post_form(REPAIR, &ORDER).await.expect_error(503, "CAMPUS_DOWN");
            }
            assert!(app.sim.sent().repairs.is_empty());
        })
        .await;
}

#[tokio::test]
async fn an_order_needs_a_bind() {
    setup()
        .run(async |app| {
            app.student(1).await.post_form(REPAIR, &ORDER).await.expect_error(400, "NOT_BOUND");
        })
        .await;
}

/// [`ORDER`] with these pictures.
fn with_pictures(list: &str) -> [(&'static str, &str); 9] {
    ORDER.map(|(name, value)| (name, if name == "imgList" { list } else { value }))
}

/// Uploads a picture; gives its address.
async fn picture(student: &Student<'_>) -> String {
    let answer = student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
    answer.data()["url"][0].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_sixth_order_of_a_day_is_429() {
    setup()
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.bound(2).await);
            for _ in 0..5 {
                student.post_form(REPAIR, &ORDER).await.expect(201);
            }
            let answer = student.post_form(REPAIR, &ORDER).await.expect_error(429, "RATE_LIMITED");
            assert!(answer.retry_after() > 0, "{answer:?}");
            assert_eq!(app.sim.sent().repairs.len(), 5);
            other.post_form(REPAIR, &ORDER).await.expect(201);
            app.next_day().await;
            student.post_form(REPAIR, &ORDER).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn an_order_that_was_not_placed_does_not_count_and_one_without_an_answer_does() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_LIMIT_REPAIR", "1/1d"))
        .run(async |app| {
            let student = app.bound(1).await;
            for fault in [Fault::server_error().on("login"), Fault::maintenance().on("form")] {
                app.sim.set_fault(System::Repair, fault);
                student.post_form(REPAIR, &ORDER).await.expect_error(503, "CAMPUS_DOWN");
                app.sim.clear_faults();
            }
            app.sim.set_fault(System::Repair, Fault::garbage().on("order"));
            student.post_form(REPAIR, &ORDER).await.expect_error(502, "CAMPUS_REFUSED");
            app.sim.clear_faults();
            app.sim.set_fault(System::Repair, Fault::dropped().on("order"));
            student.post_form(REPAIR, &ORDER).await.expect_error(503, "CAMPUS_DOWN");
            app.sim.clear_faults();
            student.post_form(REPAIR, &ORDER).await.expect_error(429, "RATE_LIMITED");
        })
        .await;
}

#[tokio::test]
async fn pictures_of_an_order_are_uploads_of_the_same_account() {
    setup()
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.bound(2).await);
            let own = [picture(&student).await, picture(&student).await].join(",");
            let foreign = picture(&other).await;
            let unknown = format!("{}/files/{}.png", app.replicas[0].url, "0".repeat(32));
            for list in [
                foreign.as_str(),
                &format!("{own},{foreign}"),
                &unknown,
                "https://evil.example/a.png",
                &own.replace("127.0.0.1", "evil.example"),
                &format!("{own}?x=1"),
                "javascript:alert(1)",
            ] {
                student.post_form(REPAIR, &with_pictures(list)).await.expect_error(400, "BAD_REQUEST");
            }
            assert_eq!(app.sim.count(System::Repair), 0);
            student.post_form(REPAIR, &with_pictures(&own)).await.expect(201);
            let arrived = &app.sim.sent().repairs[0].fields;
            assert!(arrived.contains(&("imglist".to_owned(), own)), "{arrived:?}");
        })
        .await;
}
