//! `POST /api/upload` and `GET /files/…`: what is taken, what is refused, and that nothing is left behind.

use std::time::Duration;

use futures_util::{AsyncReadExt, future::join_all};
use mongodb::bson::{self, doc};
use reqwest::{Method, Response, header::HeaderMap};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::support::{Answer, BOUNDARY, PNG, Student, TestApp, eventually, field, file, form, setup, text_of};

const MIB: usize = 1024 * 1024;

/// A picture of so many bytes.
fn picture(length: usize) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes.extend((bytes.len()..length).map(|n| u8::try_from(n % 251).unwrap()));
    bytes
}

async fn send(student: &Student<'_>, name: &str, declared: &str, content: &[u8]) -> Answer {
    student
        .upload(&[field("folder", "feedback"), field("prefix", "prefix-feedback-"), file(name, declared, content)])
        .await
}

/// The path of the one file that an upload answered.
fn path_of(app: &TestApp, answer: &Answer) -> String {
    let list = answer.data()["url"].as_array().unwrap();
    assert_eq!(list.len(), 1, "{answer:?}");
    let url = list[0].as_str().unwrap();
    let replica = app.replicas.iter().find_map(|replica| url.strip_prefix(&replica.url));
    replica.unwrap_or_else(|| panic!("{url}")).to_owned()
}

async fn fetch(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Response {
    let request = app.request(Method::GET, path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// How many documents there are of files, in whatever state.
async fn left_behind(app: &TestApp) -> usize {
    let mut count = 0;
    for collection in ["files", "fs.files", "fs.chunks"] {
        count += app.db.all(collection).await.len();
    }
    count
}

async fn nothing_is_left(app: &TestApp) {
    eventually("everything of the refused upload to be removed", async || (left_behind(app).await == 0).then_some(()))
        .await;
}

#[tokio::test]
async fn a_picture_comes_back_as_it_was_sent() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let content = picture(700_000);
            let path = path_of(app, &send(&student, "a.png", "image/png", &content).await.expect(201));
            assert!(path.starts_with("/files/") && path.strip_suffix(".png").is_some(), "{path}");
            let answer = fetch(app, &path, &[]).await;
            assert_eq!(answer.status(), 200);
            let headers = answer.headers().clone();
            assert_eq!(header(&headers, "content-type"), "image/png");
            assert_eq!(header(&headers, "content-length"), content.len().to_string());
            assert_eq!(header(&headers, "x-content-type-options"), "nosniff");
            assert!(header(&headers, "content-disposition").starts_with("inline"));
            assert!(header(&headers, "cache-control").contains("immutable"));
            assert_eq!(answer.bytes().await.unwrap(), content);
            let head = app.request(Method::HEAD, &path).send().await.unwrap();
            assert_eq!((head.status().as_u16(), header(head.headers(), "content-length")), (200, "700000"));
        })
        .await;
}

#[tokio::test]
async fn a_browser_runs_and_loads_nothing_of_a_file() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let path = path_of(app, &send(&student, "a.png", "image/png", &picture(1000)).await.expect(201));
            let etag = header(fetch(app, &path, &[]).await.headers(), "etag").to_owned();
            for (status, asked) in
                [(200, None), (206, Some(("range", "bytes=0-9"))), (304, Some(("if-none-match", &*etag)))]
            {
                let answer = fetch(app, &path, asked.as_slice()).await;
                assert_eq!(answer.status(), status);
                assert_eq!(header(answer.headers(), "content-security-policy"), "default-src 'none'; sandbox");
            }
        })
        .await;
}

#[tokio::test]
async fn the_type_goes_by_the_content_not_by_name_or_declaration() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let png = picture(100);
            let path = path_of(app, &send(&student, "a.pdf", "application/pdf", &png).await.expect(201));
            assert!(path.strip_suffix(".png").is_some(), "{path}");
            assert_eq!(header(fetch(app, &path, &[]).await.headers(), "content-type"), "image/png");
            let path = path_of(app, &send(&student, "a.png", "image/png", b"%PDF-1.4\n%%EOF\n").await.expect(201));
            assert!(path.strip_suffix(".pdf").is_some(), "{path}");
            let answer = fetch(app, &path, &[]).await;
            assert!(header(answer.headers(), "content-disposition").starts_with("attachment"));
        })
        .await;
}

#[tokio::test]
async fn what_is_of_no_allowed_type_is_400_and_leaves_nothing() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for content in [
                &b"#!/bin/sh\nrm -rf /\n"[..],
                b"<script>alert(1)</script>",
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                b"MZ\x90\0",
                b"\x7fELF",
                b"",
                b"\x89PN",
            ] {
                let answer = send(&student, "a.png", "image/png", content).await;
                answer.expect_error(400, "FILE_TYPE_NOT_ALLOWED");
            }
            nothing_is_left(app).await;
        })
        .await;
}

#[tokio::test]
async fn an_upload_without_a_file_is_400() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.upload(&[]).await.expect_error(400, "BAD_REQUEST");
            student.upload(&[field("folder", "feedback"), field("prefix", "x")]).await.expect_error(400, "BAD_REQUEST");
            let twice = [file("a.png", "image/png", &picture(50)), file("b.png", "image/png", &picture(50))];
            student.upload(&twice).await.expect_error(400, "BAD_REQUEST");
            nothing_is_left(app).await;
            send(&student, "a.png", "image/png", &picture(50)).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn a_name_or_folder_that_leads_elsewhere_is_not_followed() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            for name in ["../../etc/passwd", "..%2f..%2fx.png", "/etc/passwd", ""] {
                let parts =
                    [field("folder", "../../.."), field("prefix", "/etc/"), file(name, "image/png", &picture(60))];
                let path = path_of(app, &student.upload(&parts).await.expect(201));
                let own = path.strip_prefix("/files/").and_then(|name| name.strip_suffix(".png")).unwrap();
                assert!(own.len() == 32 && own.bytes().all(|b| b.is_ascii_hexdigit()), "{path}");
            }
            let stored = format!("{:?}", app.db.all("files").await);
            assert!(!stored.contains("..") && !stored.contains("etc"), "{stored}");
        })
        .await;
}

#[tokio::test]
async fn a_body_cut_off_half_way_leaves_nothing() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let body = form(&[field("folder", "feedback"), file("a.png", "image/png", &picture(2 * MIB))]);
            let head = format!(
                "POST /api/upload HTTP/1.1\r\nhost: example\r\nauthorization: Bearer {}\r\n\
                 content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n\r\n",
                student.token,
                body.len()
            );
            let mut stream = TcpStream::connect(app.replicas[0].addr).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body[..MIB]).await.unwrap();
            eventually("the upload to begin", async || (!app.db.all("files").await.is_empty()).then_some(())).await;
            drop(stream);
            nothing_is_left(app).await;
        })
        .await;
}

#[tokio::test]
async fn twenty_mebibytes_are_taken_and_one_byte_more_is_413() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let over = picture(20 * MIB + 1);
            send(&student, "a.png", "image/png", &over).await.expect_error(413, "PAYLOAD_TOO_LARGE");
            nothing_is_left(app).await;
            let most = &over[..20 * MIB];
            let path = path_of(app, &send(&student, "a.png", "image/png", most).await.expect(201));
            assert!(fetch(app, &path, &[]).await.bytes().await.unwrap() == most, "the content differs");
        })
        .await;
}

#[tokio::test]
async fn other_tools_can_read_the_files_as_gridfs() {
    const CHUNK: usize = 255 * 1024;
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let bucket = app.db.database().gridfs_bucket(None);
            for length in [2 * CHUNK, 2 * CHUNK + 1] {
                let content = picture(length);
                let path = path_of(app, &send(&student, "a.png", "image/png", &content).await.expect(201));
                let stored = app.db.all("fs.files").await;
                let id = stored.iter().map(|file| text_of(file, "_id")).find(|id| path.contains(id)).unwrap();
                // The driver checks length and number of all chunks.
                let mut stream = bucket.open_download_stream(id.into()).await.unwrap();
                let mut read = Vec::new();
                stream.read_to_end(&mut read).await.unwrap();
                assert!(read == content, "the content differs");
            }
        })
        .await;
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            student.post_json("/api/upload", &json!({})).await.expect_error(415, "UNSUPPORTED_MEDIA_TYPE");
            let request = |kind: &'static str, body: &'static str| {
                student.request(Method::POST, "/api/upload").header("content-type", kind).body(body)
            };
            student.send(request("multipart/form-data", "x")).await.expect_error(400, "BAD_REQUEST");
            student.send(request("multipart/form-data; boundary=x", "nonsense")).await.expect_error(400, "BAD_REQUEST");
            app.post_json("/api/upload", &json!({})).await.expect_error(403, "TOKEN_INVALID");
            nothing_is_left(app).await;
        })
        .await;
}

#[tokio::test]
async fn ten_uploads_at_once_are_ten_files() {
    setup()
        .replicas(2)
        .run(async |app| {
            let student = app.bound(1).await;
            let seats: Vec<_> = (0..10).map(|n| student.at(&app.replicas[n % 2])).collect();
            let contents: Vec<_> = (0..10).map(|n| picture(300_000 + n)).collect();
            let uploads = seats.iter().zip(&contents).map(|(seat, content)| send(seat, "a.png", "image/png", content));
            let mut paths: Vec<_> = join_all(uploads).await.into_iter().map(|a| path_of(app, &a.expect(201))).collect();
            for (path, content) in paths.iter().zip(&contents) {
                assert!(fetch(app, path, &[]).await.bytes().await.unwrap() == *content);
            }
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), 10, "a name is never used twice");
        })
        .await;
}

#[tokio::test]
async fn more_than_twenty_uploads_a_day_are_refused_and_more_than_five_of_who_is_not_bound() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            for _ in 0..20 {
                send(&student, "a.png", "image/png", &picture(40)).await.expect(201);
            }
            send(&student, "a.png", "image/png", &picture(40)).await.expect_error(429, "RATE_LIMITED");
            let stranger = app.student(2).await;
            for _ in 0..5 {
                send(&stranger, "a.png", "image/png", &picture(40)).await.expect(201);
            }
            send(&stranger, "a.png", "image/png", &picture(40)).await.expect_error(429, "RATE_LIMITED");
            app.next_day().await;
            send(&student, "a.png", "image/png", &picture(40)).await.expect(201);
            send(&stranger, "a.png", "image/png", &picture(40)).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn who_has_the_file_already_gets_304() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let path = path_of(app, &send(&student, "a.png", "image/png", &picture(100)).await.expect(201));
            let tag = header(fetch(app, &path, &[]).await.headers(), "etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            let answer = fetch(app, &path, &[("if-none-match", &tag)]).await;
            assert_eq!((answer.status().as_u16(), header(answer.headers(), "etag")), (304, tag.as_str()));
            assert!(answer.bytes().await.unwrap().is_empty());
            assert_eq!(fetch(app, &path, &[("if-none-match", "\"other\"")]).await.status(), 200);
        })
        .await;
}

#[tokio::test]
async fn a_part_of_a_file_is_206_and_one_outside_416() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let content = picture(600_000);
            let path = path_of(app, &send(&student, "a.png", "image/png", &content).await.expect(201));
            for (range, from, end) in [
                ("bytes=0-0", 0, 1),
                ("bytes=261119-261121", 261_119, 261_122),
                ("bytes=599990-", 599_990, 600_000),
                ("bytes=-10", 599_990, 600_000),
                ("bytes=100-9999999", 100, 600_000),
            ] {
                let answer = fetch(app, &path, &[("range", range)]).await;
                assert_eq!(answer.status(), 206, "{range}");
                let expected = format!("bytes {from}-{}/600000", end - 1);
                assert_eq!(header(answer.headers(), "content-range"), expected);
                assert!(answer.bytes().await.unwrap() == content[from..end], "{range}");
            }
            let answer = Answer::of(fetch(app, &path, &[("range", "bytes=600000-")]).await).await;
            let answer = answer.expect_error(416, "RANGE_NOT_SATISFIABLE");
            assert_eq!(answer.header("content-range"), "bytes */600000");
        })
        .await;
}

#[tokio::test]
async fn a_name_of_no_file_is_404() {
    setup()
        .run(async |app| {
            let unknown = "0".repeat(32);
            for name in [
                format!("{unknown}.png"),
                format!("{unknown}.exe"),
                unknown.clone(),
                "x".to_owned(),
                "..%2f..%2fetc%2fpasswd".to_owned(),
                "%00".to_owned(),
                "%ff".to_owned(),
            ] {
                app.get(&format!("/files/{name}")).await.expect_error(404, "NOT_FOUND");
            }
        })
        .await;
}

#[cfg(feature = "object-storage")]
#[tokio::test]
async fn files_can_lie_in_a_directory() {
    let directory = std::env::temp_dir().join(format!("wehpu-uploads-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let url = format!("file://{}", directory.display());
    setup()
        .settings(move |settings| _ = settings.set("WEHPU_STORAGE_URL", &url))
        .run(async |app| {
            let student = app.student(1).await;
            let content = picture(600_000);
            let path = path_of(app, &send(&student, "../a.png", "image/png", &content).await.expect(201));
            assert!(fetch(app, &path, &[]).await.bytes().await.unwrap() == content);
            let part = fetch(app, &path, &[("range", "bytes=10-19")]).await;
            assert!(part.bytes().await.unwrap() == content[10..20]);
            assert!(app.db.all("fs.chunks").await.is_empty());
            send(&student, "a.png", "image/png", b"#!/bin/sh").await.expect_error(400, "FILE_TYPE_NOT_ALLOWED");
            assert_eq!(app.db.all("files").await.len(), 1);
        })
        .await;
    std::fs::remove_dir_all(&directory).unwrap();
}

/// Removes a file.
async fn remove(student: &Student<'_>, path: &str) -> Answer {
    let name = path.strip_prefix("/files/").unwrap();
    student.send(student.request(Method::DELETE, &format!("/api/upload/{name}"))).await
}

#[tokio::test]
async fn an_account_sees_and_removes_its_own_files_and_no_others() {
    setup()
        .replicas(2)
        .run(async |app| {
            let (student, other) = (app.student(1).await, app.student(2).await);
            assert_eq!(*student.get("/api/upload").await.expect(200).data(), json!([]));
            let mut paths = Vec::new();
            for (length, name) in [(100, "a.png"), (300_000, "b.png")] {
                paths.push(path_of(app, &send(&student, name, "image/png", &picture(length)).await.expect(201)));
                app.clock.advance(Duration::from_secs(1));
            }
            let foreign = path_of(app, &send(&other, "c.png", "image/png", &picture(200)).await.expect(201));
            let list = student.get("/api/upload").await.expect(200);
            let list = list.data().as_array().unwrap();
            assert_eq!(list.len(), 2);
            for (file, (path, bytes)) in list.iter().zip(paths.iter().zip([100, 300_000])) {
                assert_eq!(file["url"], format!("{}{path}", app.replicas[0].url));
                assert_eq!(format!("/files/{}", file["name"].as_str().unwrap()), *path);
                assert_eq!((&file["bytes"], &file["type"]), (&json!(bytes), &json!("image/png")));
                assert!(file["at"].as_str().unwrap() < file["expiresAt"].as_str().unwrap(), "{file}");
            }
            let no_file = foreign.replace(".png", ".pdf");
            for path in [foreign.as_str(), &no_file, "/files/x", "/files/..%2fx.png"] {
                remove(&student, path).await.expect_error(404, "NOT_FOUND");
            }
            remove(&student, &paths[0]).await.expect(200);
            remove(&student, &paths[0]).await.expect_error(404, "NOT_FOUND");
            app.get(&paths[0]).await.expect_error(404, "NOT_FOUND");
            assert_eq!(student.get("/api/upload").await.expect(200).data().as_array().unwrap().len(), 1);
            assert_eq!(other.get("/api/upload").await.expect(200).data().as_array().unwrap().len(), 1);
            for path in [&paths[1], &foreign] {
                assert_eq!(fetch(app, path, &[]).await.status(), 200);
            }
            let id = &paths[0]["/files/".len()..][..32];
            assert!(app.db.all("fs.chunks").await.iter().all(|chunk| text_of(chunk, "files_id") != id));
        })
        .await;
}

#[tokio::test]
async fn an_account_has_so_many_bytes_and_gets_them_back_by_deleting() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_STORAGE_PER_ACCOUNT", "1MiB"))
        .run(async |app| {
            let (student, other) = (app.bound(1).await, app.student(2).await);
            let path = path_of(app, &send(&student, "a.png", "image/png", &picture(600_000)).await.expect(201));
            let answer = send(&student, "b.png", "image/png", &picture(600_000)).await;
            let answer = answer.expect_error(400, "QUOTA_EXCEEDED");
            assert!(answer.message().contains("删除"), "{answer:?}");
            send(&other, "a.png", "image/png", &picture(600_000)).await.expect(201);
            send(&student, "c.png", "image/png", &picture(300_000)).await.expect(201);
            remove(&student, &path).await.expect(200);
            send(&student, "b.png", "image/png", &picture(600_000)).await.expect(201);
            assert_eq!(app.db.all("files").await.len(), 3, "a refused upload leaves nothing");
        })
        .await;
}

/// Bytes of all files that there are.
async fn stored_bytes(app: &TestApp) -> i64 {
    app.db.all("files").await.iter().map(|file| file.get_i64("length").unwrap()).sum()
}

#[tokio::test]
async fn uploads_that_come_at_once_do_not_pass_the_bound_of_the_storage() {
    setup()
        .replicas(2)
        .settings(|settings| _ = settings.set("WEHPU_STORAGE_QUOTA", "4MiB"))
        .run(async |app| {
            let student = app.bound(1).await;
            let content = picture(MIB);
            let seats: Vec<_> = (0..12).map(|n| student.at(&app.replicas[n % 2])).collect();
            let answers = join_all(seats.iter().map(|seat| send(seat, "a.png", "image/png", &content))).await;
            for answer in answers.into_iter().filter(|answer| answer.status != 201) {
                assert_eq!((answer.status, answer.code()), (507, "STORAGE_FULL"), "{answer:?}");
            }
            assert!(stored_bytes(app).await <= 4 * 1024 * 1024);
            // One after the other there is room for three: each comes with a head of its own.
            while send(&student, "a.png", "image/png", &content).await.status == 201 {}
            assert_eq!(stored_bytes(app).await, 3 * 1024 * 1024);
            let list = student.get("/api/upload").await.expect(200);
            let path = list.data()[0]["url"].as_str().unwrap().strip_prefix(&app.replicas[0].url).unwrap().to_owned();
            remove(&student, &path).await.expect(200);
            send(&student, "a.png", "image/png", &content).await.expect(201);
        })
        .await;
}

#[tokio::test]
async fn what_a_killed_engine_had_reserved_is_free_again_an_hour_later() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_STORAGE_QUOTA", "2MiB"))
        .run(async |app| {
            let student = app.student(1).await;
            let at = bson::DateTime::from_millis(app.clock.now().timestamp_millis());
            let until = bson::DateTime::from_millis(app.clock.now().timestamp_millis() + 3_600_000);
            let left =
                doc! { "_id": "f".repeat(32), "owner": "oGone", "at": at, "until": until, "length": 2_000_000_i64 };
            app.db.collection("files").insert_one(left).await.unwrap();
            send(&student, "a.png", "image/png", &picture(MIB)).await.expect_error(507, "STORAGE_FULL");
            app.clock.advance(Duration::from_mins(61));
            app.replicas[0].app.objects.clone().tidy().await;
            send(&student, "a.png", "image/png", &picture(MIB)).await.expect(201);
        })
        .await;
}

const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn a_file_that_nothing_refers_to_expires_and_every_other_one_stays() {
    setup()
        .settings(|settings| _ = settings.set("WEHPU_PUBLIC_URL", "https://wehpu.example"))
        .run(async |app| {
            let student = app.bound(1).await;
            let upload = async || {
                let answer = send(&student, "a.png", "image/png", &picture(100)).await.expect(201);
                answer.data()["url"][0].as_str().unwrap().to_owned()
            };
            let path = |url: &str| url.strip_prefix("https://wehpu.example").unwrap().to_owned();
            let [unused, reported, ordered, shown] = [upload().await, upload().await, upload().await, upload().await];
            let report = json!({ "content": "课表打不开", "images": reported });
            student.post_json("/api/feedback", &report).await.expect(201);
            let order = json!({
                "projectSerial": "1", "projectName": "水", "mobile": "13800000000", "bUserName": "张三",
                "bContent": "漏水", "bAddress": "3-214", "areaSerial": "1", "areaName": "南", "imgList": ordered,
            });
            student.post_json("/api/rsp/repair", &order).await.expect(201);
            student.change("avatarUrl", &shown).await.expect(201);
            let objects = &app.replicas[0].app.objects;
            let (kind, label) = (wehpu_engine::objects::FileType::Png, wehpu_engine::objects::Label::Notice);
            let mut notice = objects.begin("service:spider").await.unwrap();
            notice.write(PNG.to_vec().into()).await.unwrap();
            let notice = format!("/files/{}", notice.commit_once(kind, label, "hash").await.unwrap());

            app.clock.advance(179 * DAY);
            objects.clone().tidy().await;
            assert_eq!(fetch(app, &path(&unused), &[]).await.status(), 200, "not before 180 days are over");
            app.clock.advance(2 * DAY);
            objects.clone().tidy().await;
            app.db.replicated().await;
            app.get(&path(&unused)).await.expect_error(404, "NOT_FOUND");
            let staying = [path(&reported), path(&ordered), path(&shown), notice];
            for path in &staying {
                assert_eq!(fetch(app, path, &[]).await.status(), 200, "{path}");
            }
            // A picture that is not shown any more goes like everything else.
            let id = &path(&shown)["/files/".len()..][..32];
            let users = app.db.collection("users");
            users
                .update_many(doc! {}, doc! { "$set": { "avatarUrl": "https://elsewhere.example/a.png" } })
                .await
                .unwrap();
            app.clock.advance(181 * DAY);
            objects.clone().tidy().await;
            let left: Vec<_> = app.db.all("files").await.iter().map(|file| text_of(file, "_id").to_owned()).collect();
            assert_eq!(left.len(), 3, "{left:?}");
            assert!(!left.iter().any(|left| left == id));
        })
        .await;
}

#[tokio::test]
async fn a_file_that_is_named_in_the_moment_of_its_expiry_stays() {
    setup()
        .run(async |app| {
            let student = app.student(1).await;
            let path = path_of(app, &send(&student, "a.png", "image/png", &picture(100)).await.expect(201));
            let url = format!("{}{path}", app.replicas[0].url);
            app.clock.advance(181 * DAY);
            let student = Student::log_in(app, &student.open_id, student.campus.clone()).await;
            let report = json!({ "content": "课表打不开", "images": url });
            let tidy = app.replicas[0].app.objects.clone().tidy();
            let (answer, ()) = tokio::join!(student.post_json("/api/feedback", &report), tidy);
            app.db.replicated().await;
            let status = fetch(app, &path, &[]).await.status();
            // Either the report came first and its picture stays, or it is told that there is none.
            if answer.status == 201 {
                assert_eq!(status, 200);
            } else {
                answer.expect_error(400, "BAD_REQUEST");
                assert_eq!(status, 404);
            }
        })
        .await;
}

#[tokio::test]
async fn a_report_shows_uploads_of_its_author_only() {
    setup()
        .run(async |app| {
            let (student, other) = (app.student(1).await, app.student(2).await);
            let path = path_of(app, &send(&other, "a.png", "image/png", &picture(100)).await.expect(201));
            let url = format!("{}{path}", app.replicas[0].url);
            let report = json!({ "content": "课表打不开", "images": url });
            student.post_json("/api/feedback", &report).await.expect_error(400, "BAD_REQUEST");
            assert!(app.sim.sent().issues.is_empty());
            other.post_json("/api/feedback", &report).await.expect(201);
        })
        .await;
}
