//! Every endpoint, every parameter, every way to get it wrong: always the envelope, always 4xx with a code.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use crate::support::{Answer, Student, setup};

/// A call with its parameters, each with a value that would do.
struct Call {
    method: Method,
    path: &'static str,
    required: Vec<(&'static str, &'static str)>,
    optional: Vec<(&'static str, &'static str)>,
}

fn calls() -> [Call; 3] {
    [
        Call {
            method: Method::POST,
            path: "/api/login",
            required: vec![("code", "unknown-code")],
            optional: vec![("encryptedData", "AAAA"), ("iv", "AAAA")],
        },
        Call {
            method: Method::POST,
            path: "/api/bind",
            required: vec![("studentId", "311509000001"), ("vpnPassWord", "guess"), ("jwcPassWord", "guess")],
            optional: vec![],
        },
        Call {
            method: Method::PUT,
            path: "/api/user",
            required: vec![("key", "nickName"), ("value", "x")],
            optional: vec![],
        },
    ]
}

impl Call {
    fn good(&self) -> Map<String, Value> {
        let all = self.required.iter().chain(&self.optional);
        all.map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }

    /// The other parameters, to follow in a form.
    fn others(&self, name: &str) -> String {
        let others = self.required.iter().filter(|(other, _)| *other != name);
        others.fold(String::new(), |form, (other, value)| form + "&" + other + "=" + value)
    }

    fn without(&self, name: &str) -> String {
        let mut fields = self.good();
        fields.remove(name);
        Value::Object(fields).to_string()
    }

    fn with(&self, name: &str, value: &Value) -> String {
        let mut fields = self.good();
        fields.insert(name.to_owned(), value.clone());
        Value::Object(fields).to_string()
    }

    async fn send(&self, student: &Student<'_>, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        student.send(student.request(self.method.clone(), self.path).header(CONTENT_TYPE, kind).body(body)).await
    }

    async fn json(&self, student: &Student<'_>, body: String) -> Answer {
        self.send(student, "application/json", body).await
    }

    async fn form(&self, student: &Student<'_>, body: impl Into<reqwest::Body>) -> Answer {
        self.send(student, "application/x-www-form-urlencoded", body).await
    }
}

#[track_caller]
fn refused(answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{what}: {answer:?}");
}

/// Values that no text parameter takes, as they stand in JSON.
fn wrong_values() -> Vec<String> {
    let mut values: Vec<String> = [
        "true",
        "false",
        "1.5",
        "-1.5e300",
        "1e400",
        "123456789012345678901234567890",
        "[]",
        "[\"a\"]",
        "[[]]",
        "{}",
        r#"{"$gt":""}"#,
        r#"{"$ne":null}"#,
        r#"{"$regex":".*"}"#,
        r#"{"a":{"b":[]}}"#,
        r#""\u0000""#,
        r#""a\u0007b""#,
        r#""a\nb""#,
        r#""\u001b[31m""#,
        r#""\ud800""#,
        r#""unfinished"#,
        "NaN",
        "undefined",
        "'single'",
        "\"\u{FFFD}\"",
    ]
    .map(str::to_owned)
    .into();
    values.push(format!("\"{}\"", "长".repeat(20_000)));
    values.push("[".repeat(50_000));
    values.push("9".repeat(5000));
    values
}

#[tokio::test]
async fn a_json_parameter_of_a_wrong_kind_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for call in calls() {
                for (name, _) in call.required.iter().chain(&call.optional) {
                    for value in wrong_values() {
                        let mut fields = call.good();
                        fields.insert((*name).to_owned(), json!("@@"));
                        let body = Value::Object(fields).to_string().replace("\"@@\"", &value);
                        let start: String = value.chars().take(40).collect();
                        refused(&call.json(&student, body).await, &format!("{} {name} = {start}", call.path));
                    }
                }
                for (name, _) in &call.required {
                    for body in [call.without(name), call.with(name, &json!(null)), call.with(name, &json!(""))] {
                        refused(&call.json(&student, body.clone()).await, &body);
                    }
                }
            }
            assert_eq!((app.campus_requests(), app.sim.count(campus_sim::System::Wechat)), (0, 1));
        })
        .await;
}

#[tokio::test]
async fn a_form_parameter_that_is_missing_empty_doubled_long_or_no_text_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let long = "x".repeat(60_000);
            for call in calls() {
                for (name, good) in call.required.iter().chain(&call.optional) {
                    let others = call.others(name);
                    for value in [long.as_str(), "%00", "a%0Ab", "%FF%FE", "%C0%AF", "%ED%A0%80", "%1B%5B31m", "%7F"] {
                        let start = &value[..value.len().min(20)];
                        let answer = call.form(&student, format!("{name}={value}{others}")).await;
                        refused(&answer, &format!("{} {name}={start}", call.path));
                    }
                    let twice = call.form(&student, format!("{name}={good}&{name}={good}{others}")).await;
                    refused(&twice, &format!("{} {name} twice", call.path));
                    let mut bytes = format!("{name}=").into_bytes();
                    bytes.extend_from_slice(b"\xFF\xFE\x80");
                    bytes.extend_from_slice(others.as_bytes());
                    refused(&call.form(&student, bytes).await, &format!("{} {name} as raw bytes", call.path));
                }
                for (name, good) in &call.required {
                    let others = call.others(name);
                    for field in [
                        String::new(),
                        format!("{name}="),
                        (*name).to_owned(),
                        format!("{name}[]={good}"),
                        format!("{name}[$gt]="),
                        format!("{name}.x={good}"),
                        format!("{}={good}", name.to_uppercase()),
                    ] {
                        refused(
                            &call.form(&student, format!("{field}{others}")).await,
                            &format!("{} {field}", call.path),
                        );
                    }
                }
            }
        })
        .await;
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for call in calls() {
                let good = Value::Object(call.good()).to_string();
                let deep = format!(r#"{{"x":{}"#, "[".repeat(60_000));
                let name = call.required[0].0;
                for body in [
                    "",
                    " ",
                    "null",
                    "true",
                    "1",
                    "\"text\"",
                    "[]",
                    &format!("[{good}]"),
                    "{",
                    "}",
                    "{\"a\"",
                    "{]",
                    &good[..good.len() - 1],
                    &good[..good.len() / 2],
                    &format!("{good}{good}"),
                    &format!("{good}x"),
                    &format!("\u{FEFF}{good}"),
                    &deep,
                    "{a: 1}",
                    &good.replace('"', "'"),
                    &good.replacen('{', &format!("{{\"{name}\":\"again\","), 1),
                ] {
                    let start: String = body.chars().take(60).collect();
                    refused(&call.json(&student, body.to_owned()).await, &format!("{} {start}", call.path));
                }
                let mut bytes = good.clone().into_bytes();
                bytes.splice(good.len() - 2..good.len() - 2, *b"\xFF\xFE");
                let answer = call.send(&student, "application/json", bytes).await;
                refused(&answer, &format!("{} invalid UTF-8", call.path));
            }
        })
        .await;
}

#[tokio::test]
async fn a_body_of_another_type_is_not_supported() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for call in calls() {
                let good = Value::Object(call.good()).to_string();
                for kind in [
                    "text/plain",
                    "text/html",
                    "application/xml",
                    "multipart/form-data; boundary=x",
                    "application/octet-stream",
                    "application/jsonx",
                    "json",
                    "application/json; charset=gbk",
                    "application/json;charset=utf-16",
                    "",
                    "/",
                    ";",
                    "application/x-www-form-urlencoded; charset=iso-8859-1",
                    "application/bson",
                    "*/*",
                ] {
                    let answer = call.send(&student, kind, good.clone()).await;
                    assert_eq!((answer.status, answer.code()), (415, "UNSUPPORTED_MEDIA_TYPE"), "{kind:?}: {answer:?}");
                }
            }
            let head = "POST /api/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 6\r\n";
            let mut request = format!("{head}content-type: application/").into_bytes();
            request.extend_from_slice(b"\xFF\xFE\r\n\r\ncode=x");
            app.raw(&request).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
            let without = format!("{head}\r\ncode=x");
            app.raw(without.as_bytes()).await.expect_error(400, "WECHAT_CODE_INVALID");
            let empty = "POST /api/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            app.raw(empty.as_bytes()).await.expect_error(400, "BAD_REQUEST");
        })
        .await;
}

#[tokio::test]
async fn a_body_over_64_kib_is_too_large_and_one_below_is_read() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for call in calls() {
                for kind in ["application/json", "application/x-www-form-urlencoded"] {
                    let answer = call.send(&student, kind, vec![b'a'; 64 * 1024 + 1]).await;
                    assert_eq!((answer.status, answer.code()), (413, "PAYLOAD_TOO_LARGE"), "{}: {answer:?}", call.path);
                }
                let mut fields = call.good();
                fields.insert("ignored".to_owned(), json!("a".repeat(60_000)));
                let answer = call.json(&student, Value::Object(fields).to_string()).await;
                assert_ne!((answer.status, answer.code()), (400, "BAD_REQUEST"), "{}: {answer:?}", call.path);
            }
        })
        .await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    setup()
        .run(async |app| {
            let head = "POST /api/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
            let kind = "content-type: application/x-www-form-urlencoded\r\n";
            for rest in [
                "content-length: 100\r\n\r\ncode=x",
                "transfer-encoding: chunked\r\n\r\n6\r\ncode=x\r\n",
                "transfer-encoding: chunked\r\n\r\nzz\r\ncode=x\r\n0\r\n\r\n",
                "transfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\ncode=x\r\n0\r\n\r\n",
            ] {
                app.raw_cut_off(format!("{head}{kind}{rest}").as_bytes()).await.expect_error(400, "BAD_REQUEST");
            }
            assert_eq!(app.sim.count(campus_sim::System::Wechat), 0);
        })
        .await;
}

#[tokio::test]
async fn a_student_number_is_eight_to_fourteen_digits() {
    setup()
        .settings(|s| _ = s.set("WEHPU_LIMIT_BIND", "off"))
        .run(async |app| {
            let student = app.student(1).await;
            for number in [
                "1234567",
                "123456789012345",
                "31150900000x",
                "３１１５０９００００００",
                "311509 00001",
                "-311509000001",
                "+311509000001",
                "3.11509e11",
                "0x311509000001",
                "311509000001;",
                "*",
                "../311509000001",
                "$311509000001",
            ] {
                let fields = [("studentId", number), ("vpnPassWord", "x"), ("jwcPassWord", "x")];
                refused(&student.post_form("/api/bind", &fields).await, number);
            }
            assert_eq!(app.campus_requests(), 0);
        })
        .await;
}
