//! Messages to other students, feedback, donations.

use std::time::Duration;

use campus_sim::{Fault, Issue, System};
use mongodb::bson::doc;
use serde_json::{Value, json};

use crate::support::{Answer, Student, setup};

async fn notify(sender: &Student<'_>, receiver: &str) -> Answer {
    sender.post_json("/api/notify", &message(receiver)).await
}

/// What the page of found student cards sends.
fn message(receiver: &str) -> Value {
    json!({
        "studentId": receiver, "templateId": "AT1107", "page": "pages/index/index", "formId": "the formId is a mock one",
        "data": {
            "keyword1": { "value": "校园卡", "color": "#173177" }, "keyword2": { "value": receiver },
            "keyword3": { "value": "张三" }, "keyword4": { "value": "13800000000" }, "keyword5": { "value": "请联系我" },
        },
    })
}

#[tokio::test]
async fn a_message_reaches_the_student_with_the_number() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            notify(&sender, &receiver.campus.number).await.expect(200);
            let sent = app.sim.sent().messages;
            assert_eq!(sent.len(), 1);
            assert_eq!(
                (sent[0].openid.as_str(), sent[0].template_id.as_str()),
                (receiver.open_id.as_str(), "TPL-CARD")
            );
            assert_eq!(sent[0].body["page"], "pages/index/index");
            let data = json!({
                "thing1": { "value": "校园卡" }, "character_string2": { "value": receiver.campus.number },
                "name3": { "value": "张三" }, "thing4": { "value": "13800000000" }, "thing5": { "value": "请联系我" },
            });
            assert_eq!(sent[0].body["data"], data);
        })
        .await;
}

#[tokio::test]
async fn the_contact_is_free_text_and_a_long_comment_is_shortened() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            let mut body = message(&receiver.campus.number);
            body["data"]["keyword2"]["value"] = json!("３１１５０９００００01");
            body["data"]["keyword3"]["value"] = json!("");
            body["data"]["keyword4"]["value"] = json!("微信：wx_li2015");
            body["data"]["keyword5"]["value"] = json!("捡".repeat(300));
            body["data"].as_object_mut().unwrap().remove("keyword1");
            sender.post_json("/api/notify", &body).await.expect(200);
            let data = app.sim.sent().messages[0].body["data"].clone();
            let expected = json!({
                "thing1": { "value": "无" }, "character_string2": { "value": "311509000001" }, "name3": { "value": "无" },
                "thing4": { "value": "微信：wx_li2015" }, "thing5": { "value": format!("{}…", "捡".repeat(19)) },
            });
            assert_eq!(data, expected);
        })
        .await;
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_field_is_400_and_never_made_to_say_something_else() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            let message = |contact: &str| {
                json!({
                    "studentId": receiver.campus.number, "templateId": "AT0210",
                    "data": { "keyword1": { "value": "校园卡" }, "keyword2": { "value": contact } },
                })
            };
            for contact in ["微信：wx_li2015", "QQ 12345678", "138000000001380000000013800000000"] {
                let refused = sender.post_json("/api/notify", &message(contact)).await.expect_error(400, "BAD_REQUEST");
                let text = refused.json["errMsg"].as_str().unwrap();
                assert!(text.starts_with("参数 data.keyword2 应为电话号码"), "{text}");
            }
            assert!(app.sim.sent().messages.is_empty());
            for contact in ["13800000000", "１３８０００００００１"] {
                sender.post_json("/api/notify", &message(contact)).await.expect(200);
            }
            let sent = app.sim.sent().messages;
            assert_eq!(sent[1].body["data"]["phone_number2"]["value"], "13800000001");
        })
        .await;
}

#[tokio::test]
async fn only_who_is_bound_can_send_a_message() {
    setup()
        .run(async |app| {
            let (stranger, receiver) = (app.student(1).await, app.bound(2).await);
            notify(&stranger, &receiver.campus.number).await.expect_error(400, "NOT_BOUND");
            assert!(app.sim.sent().messages.is_empty() && app.sim.sent().checks.is_empty());
            stranger.bind().await;
            notify(&stranger, &receiver.campus.number).await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn an_unknown_receiver_is_404() {
    setup()
        .run(async |app| {
            let sender = app.bound(1).await;
            notify(&sender, "311509000002").await.expect_error(404, "NOT_FOUND");
            assert!(app.sim.sent().messages.is_empty());
        })
        .await;
}

#[tokio::test]
async fn an_unknown_template_is_400() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            let mut body = message(&receiver.campus.number);
            body["templateId"] = json!("AT0000");
            sender.post_json("/api/notify", &body).await.expect_error(400, "TEMPLATE_UNKNOWN");
        })
        .await;
}

#[tokio::test]
async fn a_receiver_who_has_not_subscribed_is_400() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            app.sim.set_subscription(&receiver.open_id, "TPL-CARD", Some(1));
            notify(&sender, &receiver.campus.number).await.expect(200);
            notify(&sender, &receiver.campus.number).await.expect_error(400, "NOT_SUBSCRIBED");
        })
        .await;
}

#[tokio::test]
async fn a_message_that_is_malformed_is_400() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            for (field, value) in [
                ("studentId", json!({ "$gt": "" })),
                ("studentId", json!({ "$ne": null })),
                ("studentId", json!(["311509000002"])),
                ("studentId", json!("")),
                ("studentId", json!("abc")),
                ("templateId", json!({ "$gt": "" })),
                ("page", json!("https://evil.example")),
                ("page", json!("pages/web?url=%2F%2Fevil.example")),
                ("data", json!("text")),
                ("data", json!([])),
                ("data", json!({ "keyword1": { "value": { "$gt": "" } } })),
            ] {
                let mut body = message(&receiver.campus.number);
                body[field] = value;
                sender.post_json("/api/notify", &body).await.expect_error(400, "BAD_REQUEST");
            }
            assert!(app.sim.sent().messages.is_empty());
        })
        .await;
}

#[tokio::test]
async fn a_risky_message_is_refused_before_it_is_sent() {
    setup()
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            let mut body = message(&receiver.campus.number);
            body["data"]["keyword5"]["value"] = json!("违规内容");
            sender.post_json("/api/notify", &body).await.expect_error(400, "CONTENT_REFUSED");
            assert!(app.sim.sent().messages.is_empty());
        })
        .await;
}

/// What WeChat answers about the texts of somebody who has not used the mini-program for two hours.
fn unchecked() -> Fault {
    Fault::errcode(61010).on("msg_sec_check")
}

#[tokio::test]
async fn a_text_that_wechat_does_not_check_is_not_let_through_and_its_author_told_what_to_do() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_LIMIT_FEEDBACK", "1/1d"))
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            app.sim.set_fault(System::Wechat, unchecked());
            for refused in [
                notify(&sender, &receiver.campus.number).await,
                sender.post_json(FEEDBACK, &report("课表打不开")).await,
            ] {
                let refused = refused.expect_error(400, "CONTENT_UNCHECKED");
                assert!(refused.message().contains("重新打开"), "{refused:?}");
            }
            assert!(app.sim.sent().messages.is_empty() && app.sim.sent().issues.is_empty());
            app.sim.clear_faults();
            notify(&sender, &receiver.campus.number).await.expect(200);
            sender.post_json(FEEDBACK, &report("课表打不开")).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_sender_has_five_messages_a_day() {
    setup()
        .replicas(2)
        .run(async |app| {
            let sender = app.bound(1).await;
            let receivers = [app.bound(2).await, app.bound(3).await, app.bound(4).await];
            for n in 0..5 {
                let seat = sender.at(&app.replicas[n % 2]);
                notify(&seat, &receivers[n % 3].campus.number).await.expect(200);
            }
            notify(&sender, &receivers[2].campus.number).await.expect_error(429, "RATE_LIMITED");
            assert_eq!(app.sim.sent().messages.len(), 5);
            app.next_day().await;
            notify(&sender, &receivers[2].campus.number).await.expect(200);
        })
        .await;
}

#[tokio::test]
async fn a_receiver_gets_three_messages_a_day() {
    setup()
        .run(async |app| {
            let senders = [app.bound(1).await, app.bound(3).await];
            let receiver = app.bound(2).await;
            for n in 0..3 {
                notify(&senders[n % 2], &receiver.campus.number).await.expect(200);
            }
            notify(&senders[1], &receiver.campus.number).await.expect_error(429, "RATE_LIMITED");
            assert_eq!(app.sim.sent().messages.len(), 3);
        })
        .await;
}

#[tokio::test]
async fn an_expired_access_token_is_renewed_without_anybody_noticing() {
    setup()
        .replicas(2)
        .run(async |app| {
            let (sender, receiver) = (app.bound(1).await, app.bound(2).await);
            notify(&sender, &receiver.campus.number).await.expect(200);
            notify(&sender.at(&app.replicas[1]), &receiver.campus.number).await.expect(200);
            assert_eq!(app.sim.count_of("wechat.stable_token"), 1, "replicas share one token");
            app.sim.expire_access_tokens();
            notify(&sender, &receiver.campus.number).await.expect(200);
        })
        .await;
}

const FEEDBACK: &str = "/api/feedback";

fn report(content: &str) -> Value {
    json!({
        "content": content, "labels": "bug,课表", "nick": "@nick", "model": "iPhone 6", "platform": "iOS 11 #1",
        "wxVersion": "6.5.23", "wehpuVersion": "1.0.0", "images": "",
    })
}

/// What of a Markdown text is outside fenced blocks.
fn unfenced(text: &str) -> String {
    let (mut fence, mut outside) = (None::<&str>, String::new());
    for line in text.lines() {
        match fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => fence = line.strip_suffix("text"),
            None => outside += line,
        }
    }
    assert!(fence.is_none(), "a fence is not closed: {text}");
    outside
}

#[tokio::test]
async fn feedback_becomes_an_issue_in_which_nobody_is_mentioned() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let content = "@torvalds 课表打不开 #1\n```\n@everyone see a/b#2\n```\n@again";
            let answer = student.post_json(FEEDBACK, &report(content)).await.expect(201);
            let url = answer.data()["url"].as_str().unwrap();
            assert!(url.starts_with("https://github.com/hpufe/wehpu/issues/"), "{url}");
            let issues = app.sim.sent().issues;
            assert_eq!(issues.len(), 1);
            let issue = &issues[0];
            assert!(!issue.title.contains(['@', '#']), "{}", issue.title);
            let outside = unfenced(&issue.body);
            assert!(!outside.contains(['@', '#']), "{outside}");
            assert!(issue.body.contains(content) && issue.body.contains("iPhone 6"), "{}", issue.body);
            assert_eq!(issue.labels, ["bug"], "a label that is not on the list is dropped");
        })
        .await;
}

#[tokio::test]
async fn feedback_may_be_a_form_and_says_little_at_least() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.post_form(FEEDBACK, &[("content", "课表打不开了")]).await.expect(201);
            for content in [json!("四个字啊"), json!(""), json!({ "$gt": "" }), json!("    a    "), Value::Null] {
                student.post_json(FEEDBACK, &json!({ "content": content })).await.expect_error(400, "BAD_REQUEST");
            }
            let foreign = json!({ "content": "课表打不开了吗", "images": "https://evil.example/a.png" });
            student.post_json(FEEDBACK, &foreign).await.expect_error(400, "BAD_REQUEST");
            assert_eq!(app.sim.sent().issues.len(), 1);
        })
        .await;
}

#[tokio::test]
async fn the_sixth_feedback_of_a_day_is_429_and_the_same_one_again_is_not_counted() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for n in 0..5 {
                let content = format!("第 {n} 个问题：课表打不开");
                let url = student.post_json(FEEDBACK, &report(&content)).await.expect(201).data()["url"].clone();
                assert_eq!(student.post_json(FEEDBACK, &report(&content)).await.expect(201).data()["url"], url);
            }
            student.post_json(FEEDBACK, &report("还有一个问题")).await.expect_error(429, "RATE_LIMITED");
            assert_eq!(app.sim.sent().issues.len(), 5);
            app.next_day().await;
            student.post_json(FEEDBACK, &report("还有一个问题")).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn risky_feedback_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.post_json(FEEDBACK, &report("这是违规内容")).await.expect_error(400, "CONTENT_REFUSED");
            assert!(app.sim.sent().issues.is_empty());
        })
        .await;
}

#[tokio::test]
async fn feedback_that_github_does_not_take_is_502_and_not_counted() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_LIMIT_FEEDBACK", "1/1d"))
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.set_fault(System::Github, Fault::server_error());
            student.post_json(FEEDBACK, &report("课表打不开")).await.expect_error(502, "FEEDBACK_UNAVAILABLE");
            app.sim.clear_faults();
            student.post_json(FEEDBACK, &report("课表打不开")).await.expect(201);
        })
        .await;
}

fn donations(body: &str) -> Issue {
    Issue { repo: "hpufe/wehpu".to_owned(), number: 5, title: String::new(), body: body.to_owned(), labels: Vec::new() }
}

#[tokio::test]
async fn donations_are_read_from_the_issue_and_kept_while_github_is_away() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.put_issue(donations("感谢！\r\n\r\n@nanshan | 6.66rmb\r\n总计 | 100rmb\r\n@云台山的猫 | 10rmb"));
            let expected = json!([
                { "donor": "nanshan", "money": "6.66" }, { "donor": "云台山的猫", "money": "10" }
            ]);
            assert_eq!(*student.get("/api/donation").await.expect_data(false).data(), expected);
            app.db.replicated().await;
            app.clock.advance(Duration::from_mins(11));
            app.sim.set_fault(System::Github, Fault::server_error());
            assert_eq!(*student.get("/api/donation").await.expect_data(true).data(), expected);
            app.sim.clear_faults();
            app.sim.put_issue(donations("@nanshan | 7rmb"));
            app.db.replicated().await;
            let changed = json!([{ "donor": "nanshan", "money": "7" }]);
            assert_eq!(*student.get("/api/donation").await.expect_data(false).data(), changed);
        })
        .await;
}

#[tokio::test]
async fn donations_stored_with_their_currency_are_served_as_the_number_alone() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.put_issue(donations("@nanshan | 6.66rmb"));
            student.get("/api/donation").await.expect_data(false);
            let former = doc! { "$set": { "data": [{ "donor": "nanshan", "money": "6.66 rmb" }] } };
            app.db.collection("donations").update_one(doc! {}, former).await.unwrap();
            app.db.replicated().await;
            app.sim.set_fault(System::Github, Fault::server_error());
            for (later, stale) in [(Duration::ZERO, false), (Duration::from_mins(11), true)] {
                app.clock.advance(later);
                let served = student.get("/api/donation").await.expect_data(stale);
                assert_eq!(*served.data(), json!([{ "donor": "nanshan", "money": "6.66" }]));
            }
        })
        .await;
}

#[tokio::test]
async fn donations_that_were_never_read_are_502_while_github_is_away() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            app.sim.set_fault(System::Github, Fault::server_error());
            student.get("/api/donation").await.expect_error(502, "DONATION_UNAVAILABLE");
        })
        .await;
}
