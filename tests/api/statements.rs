//! The primary goes, or a connection breaks, at each statement of each request that makes several: what a student notices of
//! it is nothing; and where the database stays away, a clear answer, after which the same request does what it should.

use std::{collections::HashMap, time::Duration};

use reqwest::Method;
use wehpu_engine::model::Class;
use wehpu_engine::store::{Article, wait_for_primary};

use crate::support::{Answer, Loss, PNG, Relays, Replica, Student, TestApp, eventually, file, setup, text_of};

/// Does something as a student, with the database failing at each of its statements in turn, for a fresh student each time.
///
/// `prepare` makes the student, `act` is the request, `check` looks for what is to be true after it.
async fn at_every_statement(
    prepare: impl for<'a> AsyncFn(&'a TestApp, usize) -> Student<'a>,
    act: impl AsyncFn(&TestApp, &Student<'_>) -> Answer,
    check: impl AsyncFn(&TestApp, &Student<'_>),
) {
    setup()
        .settings(|s| {
            s.set("WEHPU_LIMIT_UPLOAD", "off").set("WEHPU_LIMIT_FEEDBACK", "off");
        })
        .run(async |app| {
            let relays = Relays::start().await;
            let uri = format!("{}&serverSelectionTimeoutMS=2000", relays.uri(&app.db.uri()));
            let relayed = app.start_replica(|s| {
                s.set("WEHPU_MONGODB_URI", &uri);
            });
            let relayed = relayed.await;
            let students = std::cell::Cell::new(0);
            let fresh = async || {
                students.set(students.get() + 1);
                let student = prepare(app, students.get()).await.at(&relayed);
                app.idle().await;
                app.db.replicated().await;
                student
            };
            let checked = async |student: &Student<'_>, answer: Answer, what: &str| {
                app.idle().await;
                app.db.replicated().await;
                assert!(answer.status < 400, "{what}: {answer:?}");
                check(app, student).await;
            };

            // The first does what is done once, like a WeChat token; the second shows the statements.
            let mut statements = Vec::new();
            for _ in 0..2 {
                let student = fresh().await;
                relays.take_statements();
                let answer = act(app, &student).await;
                app.idle().await;
                statements = relays.take_statements();
                checked(&student, answer, "undisturbed").await;
            }
            assert!(!statements.is_empty());
            for (number, statement) in statements.iter().enumerate() {
                // What comes a third time comes in a loop.
                if statements[..number].iter().filter(|before| *before == statement).count() >= 2 {
                    continue;
                }
                // A read whose answer is lost is a read that was refused; a member that has just started gets no write.
                let is_read = statement.starts_with("find ");
                let other = if is_read { Loss::NotReady } else { Loss::AnswerLost };
                let losses = [Loss::Refused, other];
                for loss in losses {
                    let student = fresh().await;
                    println!("{loss:?} at {statement}, {number} of {statements:?}");
                    relays.lose(number, loss);
                    let answer = act(app, &student).await;
                    checked(&student, answer, &format!("{loss:?} at {statement} of {statements:?}")).await;
                    relays.take_statements();
                }
                if is_read {
                    continue;
                }
                let student = fresh().await;
                println!("no primary from {statement} on, {number} of {statements:?}");
                relays.lose(number, Loss::Gone);
                let answer = waiting_once(&relays, &relayed, act(app, &student)).await;
                assert!(answer.status < 400 || answer.status == 503 && answer.retry_after() > 0, "{answer:?}");
                // What goes on in the background may come to the statement only now, or not at all.
                tokio::select! {
                    biased;
                    member = relays.gone() => relays.start_again(member),
                    () = app.idle() => {}
                }
                app.idle().await;
                relays.take_statements();
                // A token is newer than a revocation only if time goes by.
                app.clock.advance(Duration::from_secs(1));
                let what = format!("no primary from {statement} of {statements:?} on, then again");
                let answer = if answer.status < 400 { answer } else { act(app, &student).await };
                checked(&student, answer, &what).await;
            }

            let student = fresh().await;
            relays.stop(app.db.primary().await);
            wait_for_primary(&relayed.app.store, Duration::ZERO).await.expect_err("no primary");
            let answer = waiting_once(&relays, &relayed, act(app, &student)).await;
            assert!(answer.status == 503 && answer.retry_after() > 0, "no primary at all: {answer:?}");
        })
        .await;
}

/// The answer of a request, which must come before two statements could have waited, one after the other, for the primary
/// that goes or is gone: a request waits for it once.
async fn waiting_once(relays: &Relays, replica: &Replica, request: impl Future<Output = Answer>) -> Answer {
    let two_waits = async {
        relays.gone().await;
        for _ in 0..2 {
            wait_for_primary(&replica.app.store, Duration::ZERO).await.expect_err("no primary");
        }
    };
    tokio::select! {
        biased;
        answer = request => answer,
        () = two_waits => panic!("more than one wait for a primary"),
    }
}

async fn logged_in(app: &TestApp, index: usize) -> Student<'_> {
    app.student(index).await
}

async fn bound(app: &TestApp, index: usize) -> Student<'_> {
    app.bound(index).await
}

/// Bound, and with something stored of every kind.
async fn settled(app: &TestApp, index: usize) -> Student<'_> {
    let student = app.bound(index).await;
    // Some have no course or no score, and that is not stored.
    student.course().await;
    student.get("/api/score").await;
    student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
    student
}

#[tokio::test]
async fn a_login_makes_one_account_and_its_code_can_be_sent_again() {
    let codes = std::cell::RefCell::new(HashMap::new());
    at_every_statement(
        async |app, index| Student::stranger(app, &format!("oWxNew{index:022}"), app.sim.student_at(index)),
        async |app, student| {
            let new = || app.sim.wechat_code(&student.open_id);
            let code = codes.borrow_mut().entry(student.open_id.clone()).or_insert_with(new).clone();
            student.post_form("/api/login", &[("code", &code)]).await
        },
        async |app, student| {
            let accounts = app.db.all("users").await;
            assert_eq!(accounts.iter().filter(|user| text_of(user, "openId") == student.open_id).count(), 1);
        },
    )
    .await;
}

#[tokio::test]
async fn a_bind_is_whole() {
    at_every_statement(
        logged_in,
        async |_, student| student.try_bind_rightly().await,
        async |app, student| {
            let user = app.db.user(&student.open_id).await.unwrap();
            assert_eq!(text_of(&user, "studentId"), student.campus.number);
            assert!(!text_of(&user, "vpnPassWord").is_empty() && !text_of(&user, "jwcPassWord").is_empty(), "{user}");
            student.course().await.expect_data(false);
        },
    )
    .await;
}

#[tokio::test]
async fn a_bind_of_another_number_leaves_nothing_of_the_former() {
    at_every_statement(
        async |app, index| {
            let student = settled(app, index).await;
            student.with_account(app.sim.student_at(200 + index))
        },
        async |_, student| student.try_bind_rightly().await,
        async |app, student| {
            let user = app.db.user(&student.open_id).await.unwrap();
            assert_eq!(text_of(&user, "studentId"), student.campus.number);
            let number = app.sim.student_at(student_index(student)).number;
            for collection in ["courses", "scores", "sessions"] {
                let left = app.db.all(collection).await;
                assert!(!format!("{left:?}").contains(&number), "{collection}: {left:?}");
            }
        },
    )
    .await;
}

/// The index with which a student was made.
fn student_index(student: &Student<'_>) -> usize {
    student.open_id.trim_start_matches("oWxTest").parse().unwrap()
}

#[tokio::test]
async fn a_change_is_made() {
    at_every_statement(
        logged_in,
        async |_, student| student.change("nickName", "小明").await,
        async |app, student| {
            assert_eq!(text_of(&app.db.user(&student.open_id).await.unwrap(), "nickName"), "小明");
        },
    )
    .await;
}

#[tokio::test]
async fn a_table_from_the_campus_is_stored_once() {
    at_every_statement(
        bound,
        async |_, student| student.course().await,
        async |app, student| {
            let stored = app.db.all("courses").await;
            let own = stored.iter().filter(|table| format!("{table}").contains(&student.campus.number));
            assert_eq!(own.count(), 1, "{stored:?}");
            student.course().await.expect_data(false);
        },
    )
    .await;
}

#[tokio::test]
async fn an_upload_is_whole_and_leaves_nothing_else() {
    at_every_statement(
        logged_in,
        async |_, student| student.upload(&[file("a.png", "image/png", PNG)]).await,
        async |app, student| {
            // What a failed attempt could not remove is removed an hour later.
            app.clock.advance(Duration::from_hours(2));
            app.replicas[0].app.objects.clone().sweep().await;
            let files = app.db.all("files").await;
            assert_eq!(files.iter().filter(|file| text_of(file, "owner") == student.open_id).count(), 1, "{files:?}");
            for bytes in ["fs.files", "fs.chunks"] {
                assert_eq!(app.db.all(bytes).await.len(), files.len(), "{bytes}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_report_becomes_one_issue() {
    at_every_statement(
        logged_in,
        async |_, student| {
            let content = format!("课程表打不开 {}", student_index(student));
            student.post_form("/api/feedback", &[("content", content.as_str())]).await
        },
        async |app, student| {
            let content = format!("课程表打不开 {}\"", student_index(student));
            let issues = app.sim.sent().issues;
            let own = issues.iter().filter(|issue| format!("{:?}", issue.body).replace("\\n", "\"").contains(&content));
            assert_eq!(own.count(), 1, "{issues:?}");
        },
    )
    .await;
}

#[tokio::test]
async fn a_logout_ends_every_way_in() {
    at_every_statement(
        async |app, index| {
            let student = app.bound(index).await;
            student.post_form("/api/course/subscription", &[]).await.expect(201);
            student
        },
        async |_, student| {
            let answer = student.post_form("/api/logout", &[]).await;
            // Done by an attempt that could not say so.
            if answer.code() == "TOKEN_INVALID" { student.get("/api/calendar").await } else { answer }
        },
        async |app, student| {
            student.get("/api/user").await.expect_error(403, "TOKEN_INVALID");
            for kind in ["subscriptions", "login_codes"] {
                let left = app.db.all(kind).await;
                assert!(left.iter().all(|entry| text_of(entry, "openId") != student.open_id), "{kind}: {left:?}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn unbinding_the_other_accounts_leaves_none_of_them() {
    let name = |student: &Student<'_>| format!("other-{}", student_index(student));
    at_every_statement(
        async |app, index| {
            let student = app.bound(index).await;
            let other = Student::log_in(app, &name(&student), student.campus.clone()).await;
            other.bind().await;
            other.course().await;
            student
        },
        async |_, student| student.send(student.request(Method::DELETE, "/api/me/accounts/others")).await,
        async |app, student| {
            let other = app.db.user(&name(student)).await.unwrap();
            assert!(!format!("{other:?}").contains(&student.campus.number), "{other:?}");
            assert!(other.get_datetime("tokensValidAfter").is_ok(), "{other:?}");
            for kind in ["courses", "sessions", "login_codes"] {
                let left = app.db.all(kind).await;
                assert!(!format!("{left:?}").contains(&format!("{}\"", name(student))), "{kind}: {left:?}");
            }
            assert_eq!(student.get("/api/user").await.expect(200).data()["bind"], true);
        },
    )
    .await;
}

#[tokio::test]
async fn an_unbind_leaves_nothing_of_the_campus() {
    at_every_statement(
        settled,
        async |_, student| student.send(student.request(Method::DELETE, "/api/bind")).await,
        async |app, student| {
            for collection in ["courses", "scores", "sessions", "users"] {
                let left = app.db.all(collection).await;
                assert!(!format!("{left:?}").contains(&student.campus.number), "{collection}: {left:?}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_deletion_leaves_nothing() {
    at_every_statement(
        settled,
        async |app, student| {
            let answer = student.send(student.request(Method::DELETE, "/api/user")).await;
            if answer.code() != "TOKEN_INVALID" {
                return answer;
            }
            // The attempt before came as far as the tokens: the mini-program logs in again.
            let again = Student::log_in(app, &student.open_id, student.campus.clone()).await;
            again.send(again.request(Method::DELETE, "/api/user")).await
        },
        async |app, student| {
            let left = app.db.dump().await;
            for trace in [&student.open_id, &student.campus.number, &student.campus.name] {
                assert!(!left.contains(trace.as_str()), "{trace} is left in {left}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn without_one_member_everything_works_and_without_the_primary_reading_does() {
    setup()
        .settings(|s| {
            s.set("WEHPU_CAMPUS_TIMEOUT", "5s");
        })
        .run(async |app| {
            let relays = Relays::start().await;
            let uri = relays.uri(&app.db.uri());
            let relayed = app
                .start_replica(|s| {
                    s.set("WEHPU_MONGODB_URI", &uri);
                })
                .await;
            let student = settled(app, 1).await;
            app.db.replicated().await;
            let student = student.at(&relayed);
            for member in 0..relays.members() {
                relays.stop(member);
                for path in ["/api/user", "/api/course", "/api/score", "/api/calendar"] {
                    student.get(path).await.expect(200);
                }
                let written = student.change("nickName", &member.to_string()).await;
                assert!(
                    written.status == 201 || written.code() == "DATABASE_UNAVAILABLE" && written.retry_after() > 0,
                    "{written:?}"
                );
                relays.start_again(member);
                // All by itself, and without a restart.
                eventually("writes to work again", async || {
                    (student.change("nickName", "again").await.status == 201).then_some(())
                })
                .await;
            }
        })
        .await;
}

#[tokio::test]
async fn what_a_lagging_member_does_not_know_yet_is_asked_of_the_primary() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let uploaded = student.upload(&[file("a.png", "image/png", PNG)]).await.expect(201);
            let file =
                uploaded.data()["url"][0].as_str().unwrap().strip_prefix(&app.replicas[0].url).unwrap().to_owned();
            let article = Article { key: "a".to_owned(), title: "a".to_owned(), ..Article::default() };
            app.replicas[0].app.store.articles.put(Class::News, &article, app.clock.now()).await.unwrap();
            app.db.replicated().await;
            let list = student.get("/api/rss/news").await.expect(200);
            let article = format!("/api/rss/news/{}", list.data()[0]["_id"].as_str().unwrap());
            let name = format!("/api/user/{}", student.campus.number);

            let relays = Relays::start().await;
            let relayed = relays.replica(app);
            let student = student.at(&relayed.await);
            let get = async |path: &str| {
                let answer = student.request(Method::GET, path).send().await.unwrap();
                assert_eq!(answer.status(), 200, "{path}");
                answer.bytes().await.unwrap()
            };
            for (path, looked_for) in
                [(&file, "find files"), (&file, "find fs.chunks"), (&article, "find news"), (&name, "find users")]
            {
                relays.take_statements();
                let known = get(path).await;
                // The caller's own account comes first, and is asked of the primary.
                let number = relays.take_statements().iter().rposition(|statement| statement == looked_for).unwrap();
                relays.lose(number, Loss::Unknown);
                assert_eq!(get(path).await, known, "{path}");
                assert_eq!(relays.take_statements()[number + 1], looked_for, "{path}");
            }
        })
        .await;
}

#[tokio::test]
async fn what_members_say_nothing_about_or_break_off_is_asked_of_others() {
    setup()
        .run(async |app| {
            let relays = Relays::start().await;
            let relayed = relays.replica(app);
            let student = settled(app, 1).await;
            app.db.replicated().await;
            let student = student.at(&relayed.await);
            for path in ["/api/user", "/api/course", "/api/score"] {
                relays.take_statements();
                let known = student.get(path).await.expect(200);
                for (number, statement) in relays.take_statements().iter().enumerate() {
                    relays.lose(number, Loss::Silent);
                    let answer = student.get(path).await.expect(200);
                    assert_eq!(answer.data(), known.data(), "{path} without an answer to {statement}");
                    // The driver itself asks once more.
                    relays.lose_all(number..number + 3, Loss::AnswerLost);
                    let answer = student.get(path).await.expect(200);
                    assert_eq!(answer.data(), known.data(), "{path} with three broken connections at {statement}");
                }
            }
        })
        .await;
}

#[tokio::test]
async fn nobody_is_logged_out_since_a_lagging_member_does_not_know_his_account_yet() {
    setup()
        .run(async |app| {
            let student = app.bound(1).await;
            let relays = Relays::start().await;
            let student = student.at(&relays.replica(app).await);
            let name = student.request(Method::PUT, "/api/user").form(&[("key", "nickName"), ("value", "a")]);
            for (request, status) in [(student.request(Method::GET, "/api/user"), 200), (name, 201)] {
                relays.lose(0, Loss::Unknown);
                student.send(request).await.expect(status);
                assert_eq!(relays.take_statements()[..2], ["find users", "find users"]);
            }
        })
        .await;
}
