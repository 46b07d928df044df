use std::time::Duration;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use campus_sim::{CampusSim, Fault, Mode, System};

use crate::academic::{Browser, location};
use crate::support::{start, texts};

const ALL_SCORES: &str = "teach/grade/course/person!historyCourseGrade.action?projectType=MAJOR";
const TERM_SCORES: &str = "teach/grade/course/person!search.action?semesterId=264&projectType=";
const TERMS: [(&str, &str); 4] = [
    ("tagId", "semesterBar12345678901Semester"),
    ("dataType", "semesterCalendar"),
    ("value", "264"),
    ("empty", "false"),
];

/// The arguments of each activity of a course table, split at commas outside of quotes and brackets.
fn activities(page: &str) -> Vec<Vec<String>> {
    page.split("new TaskActivity(").skip(1).map(arguments).collect()
}

fn arguments(text: &str) -> Vec<String> {
    let (mut found, mut depth, mut quote) = (vec![String::new()], 0, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(c);
    }
    found
}

#[tokio::test]
async fn the_table_has_the_students_courses_in_the_documented_forms() {
    let sim = start().await;
    let mut counts = std::collections::BTreeSet::new();
    for index in 0..12 {
        let browser = Browser::signed_in(&sim, index).await;
        let page = browser.table("264").await;
        let courses = sim.student_at(index).courses;
        assert!(page.contains("var unitCount = 11;") && page.contains("table0.marshalTable(2,1,20);"));
        assert_eq!(texts(&page, "#manualArrangeCourseTable tbody tr").len(), 11);
        assert!(page.contains("第一节<br/>(08:00-08:50)") && page.contains("id=\"TD76_0\""));

        let cells = texts(&page, "#grid10000000011_data td");
        assert_eq!(cells.len(), 7 * courses.len());
        let activities = activities(&page);
        for (course, row) in courses.iter().zip(cells.chunks(7)) {
            let lesson = format!("{}.0{}", course.number, course.sequence);
            assert_eq!(row[1..3], [course.number.clone(), course.name.clone()]);
            assert_eq!(row[4], lesson);
            let own: Vec<_> = activities.iter().filter(|a| a[2].ends_with(&format!("({lesson})\""))).collect();
            assert_eq!(own.is_empty(), course.sessions.is_empty(), "a course without a time is only in the list");
            assert!(own.len() >= course.sessions.len());
            for activity in own {
                assert_eq!(activity[3], format!("\"{}({lesson})\"", course.name));
                assert_eq!(activity[6].len(), 55, "53 weeks in quotes");
                assert!(activity[5].contains("](") && !activity[5].contains("(多)"), "{}", activity[5]);
                counts.insert(activity.len());
            }
        }
    }
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), [11, 12, 13, 14]);
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn a_term_that_is_over_has_other_courses_and_an_unknown_one_is_refused() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let names = |page: &str| texts(page, "#grid10000000011_data td:nth-child(3)");
    let (now, before) = (names(&browser.table("264").await), names(&browser.table("244").await));
    assert!(!before.is_empty() && now != before);
    assert!(browser.table("1").await.contains("返回前页"));
    let form = [("ignoreHead", "1"), ("setting.kind", "std"), ("semester.id", "264"), ("ids", "1")];
    assert!(browser.posted("courseTableForStd!courseTable.action", &form).await.contains("没有权限"));
}

#[tokio::test]
async fn a_table_without_rows_has_its_header_and_its_script() {
    let sim = start().await;
    sim.clear_courses("311509000001");
    let browser = Browser::signed_in(&sim, 1).await;
    let page = browser.table("264").await;
    assert!(page.contains("unitCount") && !page.contains("TaskActivity"));
    assert!(page.contains("<tbody id=\"grid10000000011_data\"><tr></tr></tbody>"), "{page}");
}

#[tokio::test]
async fn terms_are_listed_only_after_the_entry_page() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let empty = "{yearDom:\"\",termDom:\"\",semesters:{},yearIndex:\"-1\",semesterId:\"\"}";
    assert_eq!(browser.posted("dataQuery.action", &TERMS).await, empty);

    let entry = browser.page("courseTableForStd.action").await;
    assert!(entry.contains("semesterCalendar({empty:\"false\",onChange:\"\",value:\"264\"},\"searchTable()\")"));
    assert_eq!(texts(&entry, "#startWeek option").len(), 21);
    let list = browser.posted("dataQuery.action", &TERMS).await;
    assert!(list.contains(
        "semesters:{y0:[{id:224,schoolYear:\"2025-2026\",name:\"1\"},{id:244,schoolYear:\"2025-2026\",name:\"2\"}],\
         y1:[{id:264,schoolYear:\"2026-2027\",name:\"1\"}]},yearIndex:\"1\",termIndex:\"0\",semesterId:\"264\"}"
    ));
    sim.set_fault(System::Eams, Fault::empty().times(1));
    assert_eq!(browser.posted("dataQuery.action", &TERMS).await, empty);
    assert_eq!(browser.posted("dataQuery.action", &[("dataType", "projectId")]).await, " 1\n");
}

#[tokio::test]
async fn each_term_has_its_dates_written_in_another_way() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let dates = async |term: &str| {
        let page = browser.posted("base/calendar-info.action", &[("version", "1"), ("semesterId", term)]).await;
        texts(&page, "td:nth-child(4)").concat()
    };
    assert_eq!(dates("264").await, "2026-9-7~2027-1-24 (20)");
    assert_eq!(dates("244").await, "2026 - 3 - 2 ~ 2026 - 7 - 19 ( 20 )");
    assert_eq!(dates("224").await, "2025-9-8 ~ 2026-01-25 (20)", "with blanks that do not break");
    sim.set_fault(System::Eams, Fault::new(Mode::NoCalendar).times(1));
    assert_eq!(dates("264").await, "");
    assert_eq!(sim.count_of("eams.calendar"), 4);
}

#[tokio::test]
async fn scores_are_those_of_the_term_or_of_all_terms_under_a_summary() {
    let sim = start().await;
    sim.edit_student("311509000001", |student| student.scores[0].mark.clear());
    let browser = Browser::signed_in(&sim, 1).await;
    let student = sim.student("311509000001").unwrap();
    let page = browser.page(TERM_SCORES).await;
    assert_eq!(texts(&page, "th").len(), 10);
    let cells = texts(&page, "td");
    assert_eq!(cells.len(), 10 * student.scores.len());
    assert!(cells[3].ends_with("缓考") && cells[7..10] == ["--", "", ""], "{cells:?}");
    assert_eq!(cells[10], "2026-2027 1");
    assert_eq!((&cells[17], &cells[18]), (&student.scores[1].mark, &student.scores[1].mark));

    let all = browser.posted(ALL_SCORES, &[]).await;
    let (terms, rows) = (texts(&all, "table:first-of-type td"), texts(&all, "#grid10000000022_data tr"));
    assert_eq!(terms.iter().filter(|cell| cell.starts_with("202")).count(), 3);
    assert!(all.contains("在校汇总") && rows.len() > 10);

    let freshman = Browser::signed_in(&sim, 9).await;
    let none = freshman.posted(ALL_SCORES, &[]).await;
    assert!(none.contains("课程名称") && texts(&none, "td").is_empty());
}

#[tokio::test]
async fn free_rooms_are_found_by_date_and_lessons() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    browser.page("classroom/apply/std-activity.action").await;
    let form = browser.page("classroom/apply/free.action").await;
    assert!(form.contains("<option value=\"4\" title=\"南校区3号教学楼\">南校区3号教学楼</option>"), "{form}");
    let rooms = async |date: &str, end: &str| {
        let form = [
            ("classroom.building.id", "4"),
            ("cycleTime.cycleType", "1"),
            ("cycleTime.dateBegin", date),
            ("cycleTime.dateEnd", date),
            ("roomApplyTimeType", "0"),
            ("timeBegin", "1"),
            ("timeEnd", end),
        ];
        let page = browser.posted("classroom/apply/free!search.action", &form).await;
        assert!(page.contains("<th>名称</th>") || page.contains("返回前页"));
        texts(&page, "#grid10000000014_data td:nth-child(2)")
    };
    let (two, four) = (rooms("2026-11-27", "2").await, rooms("2026-11-27", "4").await);
    assert!(!four.is_empty() && four.len() < two.len() && four.iter().all(|room| two.contains(room)));
    assert!(two.iter().all(|room| room.len() == 4 && room.starts_with('3')), "{two:?}");
    assert_ne!(two, rooms("2026-11-28", "2").await);
    assert_eq!(two, rooms("2026-11-27", "2").await);
    assert!(rooms("", "2").await.is_empty());
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_record_is_the_students_own_unless_the_system_errs() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let student = sim.student_at(1);
    let number = async || {
        let cells = texts(&browser.page("stdDetail.action").await, "#tabPage1 td");
        let place = cells.iter().position(|cell| cell == "学号：")?;
        Some(cells[place + 1].clone())
    };
    assert_eq!(number().await.as_deref(), Some(&*student.number));
    sim.set_fault(System::Eams, Fault::new(Mode::WrongStudent).times(1));
    assert!(number().await.is_some_and(|number| number != student.number));
    sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).on("record").times(1));
    assert_eq!(number().await, None);
    sim.set_fault(System::Eams, Fault::new(Mode::MovedColumn).times(1));
    assert_eq!(number().await.as_deref(), Some(&*student.number));
}

#[tokio::test]
async fn teachers_to_evaluate_have_a_link() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let page = browser.page("quality/stdEvaluate.action").await;
    let open = texts(&page, "td:nth-child(5)").iter().filter(|state| *state == "未评教").count();
    assert_eq!(texts(&page, "td a"), vec!["进行评教"; open]);
}

#[tokio::test]
async fn a_page_has_a_frame_unless_a_script_asks() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let url = format!("{}/{TERM_SCORES}", browser.eams);
    assert!(browser.text(&url).await.contains("您当前位置"));
    assert!(!browser.text(&format!("{url}&sf_request_type=ajax&_=1")).await.contains("您当前位置"));
    assert!(browser.text(&format!("{}/home!welcome.action", browser.eams)).await.contains("教学周"));
}

/// What EAMS's own login page sends for a student.
fn disguised(page: &str, number: &str, password: &str) -> (String, String) {
    let salt = page.split("CryptoJS.SHA1('").nth(1).unwrap().split('\'').next().unwrap();
    assert!(salt.len() == 37 && salt.ends_with('-'), "{salt}");
    let key = page.split("encrypt(username,'").nth(1).unwrap().split('\'').next().unwrap();
    let padding = 16 - number.len() % 16;
    let mut plain = number.as_bytes().to_vec();
    plain.resize(number.len() + padding, u8::try_from(padding).unwrap());
    let cipher = aes::Aes128::new_from_slice(key.as_bytes()).unwrap();
    let mut block: [u8; 16] = plain.try_into().unwrap();
    cipher.encrypt_block((&mut block).into());
    (BASE64_STANDARD.encode(block), campus_sim::sha1_hex(format!("{salt}{password}").as_bytes()))
}

/// Logs in at EAMS itself; answers the status and the page.
async fn own_login(sim: &CampusSim, browser: &Browser, password: &str, captcha: Option<&str>) -> (u16, String) {
    let page = browser.text(&format!("{}/loginExt.action", browser.eams)).await;
    assert!(page.contains("账号密码登录"));
    let picture = browser.get(&format!("{}/captcha/image.action?d=1", browser.eams)).await;
    assert_eq!(picture.headers()["content-type"], "image/jpeg");
    let session = browser.cookie(&format!("{}/x", browser.eams), "JSESSIONID").unwrap();
    let right = sim.eams_captcha_answer(&session).unwrap();
    let answer = captcha.unwrap_or(&right);
    let flag = browser.posted("loginExt!getCodeFlag.action", &[("captcha_response", answer)]).await;
    assert_eq!(flag, format!("{{\"flag\":{}}}", captcha.is_none()));
    let (username, password) = disguised(&page, "311509000001", password);
    let form = [
        ("username", username.as_str()),
        ("password", &password),
        ("captcha_response", answer),
        ("session_locale", "zh_CN"),
    ];
    let response = browser.post("loginExt.action", &form).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_own_login_takes_disguised_names_and_passwords() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let (status, page) = own_login(&sim, &browser, "wrong", None).await;
    assert_eq!((status, texts(&page, ".actionError")), (200, vec!["密码错误".to_owned()]));
    let (_, page) = own_login(&sim, &browser, "eams-000001", Some("0")).await;
    assert!(page.contains("<td colspan=\"2\" style=\"text-align:center;color:red;\">验证码错误</td>"));
    assert_eq!(own_login(&sim, &browser, "eams-000001", None).await.0, 302);
    assert!(browser.text(&format!("{}/homeExt.action", browser.eams)).await.contains("您当前位置"));
    for outcome in ["ok", "wrong_password", "wrong_captcha"] {
        assert_eq!(sim.count_of(&format!("eams.login.{outcome}")), 1, "{outcome}");
    }
    assert_eq!(sim.count_of("eams.password_posts"), 3);

    sim.set_pace(System::Eams, Some(Duration::from_mins(1)));
    let (_, page) = own_login(&sim, &Browser::new(&sim), "eams-000001", None).await;
    assert!(page.contains("请不要过快点击"), "it comes too soon after the login page");
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_plain_login_stands_at_another_address_and_takes_the_number_as_it_is() {
    let sim = start().await;
    sim.set_fault(System::Eams, Fault::new(Mode::PlainLogin));
    let browser = Browser::new(&sim);
    assert_eq!(browser.get(&format!("{}/loginExt.action", browser.eams)).await.status(), 404);
    let login = async |password: &str| {
        let page = browser.text(&format!("{}/login.action", browser.eams)).await;
        assert!(page.contains("action=\"/eams/login.action\"") && !page.contains("captcha"), "{page}");
        let salt = page.split("CryptoJS.SHA1('").nth(1).unwrap().split('\'').next().unwrap();
        let hashed = campus_sim::sha1_hex(format!("{salt}{password}").as_bytes());
        browser.post("login.action", &[("username", "311509000001"), ("password", &hashed)]).await
    };
    let refused = login("wrong").await.text().await.unwrap();
    assert_eq!(texts(&refused, ".actionError"), ["密码错误"]);
    assert!(location(&login("eams-000001").await).ends_with("/eams/home.action"));
    assert!(browser.text(&format!("{}/home.action", browser.eams)).await.contains("您当前位置"));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_plain_login_can_have_a_captcha_and_be_where_the_other_address_leads() {
    let sim = start().await;
    sim.set_fault(System::Eams, Fault::new(Mode::PlainCaptcha));
    let browser = Browser::new(&sim);
    assert_eq!(browser.get(&format!("{}/loginExt.action", browser.eams)).await.status(), 404);
    sim.set_fault(System::Eams, Fault::new(Mode::MovedLogin));
    let login = async |answer: Option<&str>| {
        let page = browser.follow(format!("{}/loginExt.action", browser.eams)).await.text().await.unwrap();
        assert!(page.contains("action=\"/eams/login.action\"") && !page.contains("encrypt("), "{page}");
        assert!(page.contains("captcha_response"), "{page}");
        browser.get(&format!("{}/captcha/image.action?d=1", browser.eams)).await;
        let session = browser.cookie(&format!("{}/x", browser.eams), "JSESSIONID").unwrap();
        let right = sim.eams_captcha_answer(&session).unwrap();
        let salt = page.split("CryptoJS.SHA1('").nth(1).unwrap().split('\'').next().unwrap();
        let hashed = campus_sim::sha1_hex(format!("{salt}eams-000001").as_bytes());
        let answer = answer.unwrap_or(&right);
        let form = [("username", "311509000001"), ("password", &hashed), ("captcha_response", answer)];
        browser.post("login.action", &form).await
    };
    assert!(login(Some("0")).await.text().await.unwrap().contains("验证码错误"));
    assert!(location(&login(None).await).ends_with("/eams/home.action"));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn an_expired_session_leads_to_the_cas() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.expire_sessions(Some(System::Eams));
    let answer = browser.get(&format!("{}/courseTableForStd.action", browser.eams)).await;
    let cas = location(&answer);
    assert!(cas.contains("/cas/cas/login?service=") && cas.ends_with("courseTableForStd.action"), "{cas}");
    let page = browser.follow(cas).await.text().await.unwrap();
    assert!(page.contains("courseTableForm"), "the ticket leads back to what was asked for");

    sim.set_fault(System::Eams, Fault::expired().times(1));
    assert!(location(&browser.post(ALL_SCORES, &[]).await).ends_with("login.action"));
    assert!(location(&browser.post(ALL_SCORES, &[]).await).starts_with(&format!("{}/cas/login?", browser.cas)));
    sim.set_fault(System::Eams, Fault::dead().times(1));
    assert_eq!(browser.post(ALL_SCORES, &[]).await.status(), 500);
}

#[tokio::test]
async fn requests_that_come_too_fast_or_beside_one_another_are_refused_where_there_is_a_pace() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let ask = async || browser.page(TERM_SCORES).await;
    assert!(ask().await.contains("学年学期") && ask().await.contains("学年学期"), "any pace will do at first");

    sim.set_pace(System::Eams, Some(Duration::from_mins(1)));
    assert!(ask().await.contains("请不要过快点击"));
    sim.set_pace(System::Eams, Some(Duration::from_millis(40)));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(ask().await.contains("学年学期"), "slow enough");
    assert_eq!(sim.count_of("eams.parallel"), 0);

    tokio::time::sleep(Duration::from_millis(60)).await;
    sim.set_fault(System::Eams, Fault::slow(Duration::from_millis(500)));
    let (one, two) = tokio::join!(ask(), ask());
    assert!(one.contains("学年学期") != two.contains("学年学期"), "one of two at once");
    assert_eq!(sim.count_of("eams.parallel"), 1);
    sim.set_pace(System::Eams, None);
    sim.clear_faults();
    assert!(ask().await.contains("学年学期"));
}

#[tokio::test]
async fn a_second_login_ends_the_first_where_only_one_is_allowed() {
    let sim = start().await;
    let first = Browser::signed_in(&sim, 1).await;
    let second = Browser::signed_in(&sim, 1).await;
    assert!(first.page(TERM_SCORES).await.contains("学年学期"), "at first many are allowed");

    sim.set_one_login(System::Eams, true);
    sim.expire_sessions(Some(System::Eams));
    let (old, new) = (Browser::signed_in(&sim, 1).await, &second);
    let login = new.cas_address().await;
    let page = new.follow(login).await.text().await.unwrap();
    assert!(page.contains("当前用户存在重复登录的情况，已将之前的登录踢出："), "{page}");
    assert!(new.page(TERM_SCORES).await.contains("学年学期"), "said once");
    assert!(old.page(TERM_SCORES).await.contains("本次会话已经被过期"));
}

#[tokio::test]
async fn eams_misbehaves_on_command() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let ask = async || browser.page(TERM_SCORES).await;
    for (fault, sign) in [
        (Fault::new(Mode::TooFast), "请不要过快点击"),
        (Fault::new(Mode::DuplicateLogin), "重复登录"),
        (Fault::new(Mode::NoPermission).on("scores"), "没有权限"),
        (Fault::new(Mode::EvaluationWall), "评教"),
        (Fault::says("系统繁忙"), "系统繁忙"),
        (Fault::maintenance(), "系统维护中"),
    ] {
        sim.set_fault(System::Eams, fault.times(1));
        let page = ask().await;
        assert!(page.contains(sign) && !page.contains("学年学期"), "{sign}: {page}");
        assert!(ask().await.contains("学年学期"), "{sign}: once only");
    }
    sim.set_fault(System::Eams, Fault::empty().times(1));
    let page = ask().await;
    assert!(page.contains("学年学期") && texts(&page, "td").is_empty());

    sim.set_fault(System::Eams, Fault::new(Mode::RenamedColumn).times(1));
    sim.set_fault(System::Eams, Fault::new(Mode::MovedColumn).times(1));
    let page = ask().await;
    assert!(!page.contains("<th>课程名称</th>") && texts(&page, "th")[0] == "最终", "both at once");

    sim.set_fault(System::Eams, Fault::week_origin(36));
    let table = browser.table("264").await;
    assert!(table.contains("table0.marshalTable(36,1,20);"));
    sim.clear_faults();

    sim.set_fault(System::Eams, Fault::new(Mode::ExpiredByOther).times(1));
    assert!(ask().await.contains("本次会话已经被过期"));
    assert_eq!(browser.get(&format!("{}/{TERM_SCORES}", browser.eams)).await.status(), 302, "and the session is over");
}

#[tokio::test]
async fn what_eams_does_not_have_is_loud() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    assert_eq!(browser.get(&format!("{}/nothing.action", browser.eams)).await.status(), 501);
    assert_eq!(browser.post("dataQuery.action", &[("dataType", "other")]).await.status(), 501);
    let timeless = format!("{}/stdDetail.action?sf_request_type=ajax", browser.eams);
    assert_eq!(browser.get(&timeless).await.status(), 501);
    assert_eq!(sim.unexpected_requests().len(), 3);
}
