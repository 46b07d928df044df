use campus_sim::{Fault, System};

use crate::support::{Browser, gbk, start, texts};

#[tokio::test]
async fn a_whole_day_from_the_captcha_to_the_course_table() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let student = sim.student_at(1);

    let page = gbk(browser.get("xkAction.do?actionType=6").await).await;
    assert!(page.contains("选课结果"));
    assert!(
        page.contains("sf_script=\"1\"") && page.contains("SF_FUNC_cache_flush"),
        "the VPN rewrites what it relays"
    );
    assert!(page.contains("/vpn/web/2/http/1/218.196.240.97/css/"));
    for course in &student.courses {
        assert!(page.contains(&course.name), "{}", course.name);
    }
    assert_eq!((sim.count(System::Vpn), sim.count(System::Urp)), (2, 3));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_rows_of_the_course_table_have_the_documented_numbers_of_cells() {
    let sim = start().await;
    for index in 0..20 {
        let browser = Browser::signed_in(&sim, index).await;
        let page = gbk(browser.get("xkAction.do?actionType=6").await).await;
        let document = scraper::Html::parse_document(&page);
        let selector = |text| scraper::Selector::parse(text).unwrap();
        let list = document.select(&selector("table#user")).nth(1).unwrap();
        let (rows, cells) = (selector("tr"), selector("td"));
        let numbers: Vec<_> = list.select(&rows).map(|row| row.select(&cells).count()).collect();
        let expected: Vec<_> = std::iter::once(0)
            .chain(sim.student_at(index).courses.iter().flat_map(|course| {
                std::iter::once(18).chain(std::iter::repeat_n(7, course.sessions.len().saturating_sub(1)))
            }))
            .collect();
        assert_eq!(numbers, expected, "student {index}");
        let open = page.matches("<tr").count() - page.matches("</tr>").count();
        let unscheduled = sim.student_at(index).courses.iter().filter(|course| course.sessions.is_empty()).count();
        assert!(open >= unscheduled, "rows of courses without a time slot are not closed");
    }
}

#[tokio::test]
async fn the_student_page_shows_name_and_identity_number_behind_their_labels() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 7).await;
    let student = sim.student_at(7);
    let page = gbk(browser.get("xjInfoAction.do?oper=xjxx").await).await;
    assert!(page.contains("身份证号:&nbsp;"));
    let cells = texts(&page, "#tblView td");
    let value = |label: &str| cells.iter().position(|cell| cell == label).map(|at| cells[at + 1].as_str());
    assert_eq!(value("姓名:"), Some(student.name.as_str()));
    assert_eq!(value("身份证号:"), Some(student.id_number.as_str()));
}

#[tokio::test]
async fn scores_have_twelve_columns_and_none_is_a_normal_page() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let page = gbk(browser.get("bxqcjcxAction.do").await).await;
    assert!(page.contains("本学期成绩"));
    assert_eq!(texts(&page, "#user th").len(), 12);
    assert_eq!(texts(&page, "#user td").len(), 12 * sim.student_at(1).scores.len());
    sim.clear_scores("311509000001");
    let page = gbk(browser.get("bxqcjcxAction.do").await).await;
    assert!(page.contains("本学期成绩") && texts(&page, "#user td").is_empty());
}

#[tokio::test]
async fn free_classrooms_come_in_two_steps() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let term = ("zxxnxq", "2017-2018-1-1");
    let query =
        [term, ("zxXaq", "01"), ("zxJxl", "1"), ("zxZc", "3"), ("zxxq", "2"), ("zxJc", "1"), ("pageSize", "100")];
    let ask = async || {
        let url = browser.inner("xszxcxAction.do?oper=tjcx");
        gbk(browser.client.post(url).form(&query).send().await.unwrap()).await
    };
    assert!(!ask().await.contains("id=\"user\""), "without the first step there is no table");
    let first = browser.inner("xszxcxAction.do?oper=xszxcx_lb");
    gbk(browser.client.post(first).form(&[term, ("zxXaq", "01")]).send().await.unwrap()).await;
    let cells = texts(&ask().await, "#user td");
    assert!(cells.len() > 7 && cells.len().is_multiple_of(7));
    assert_eq!(cells[2], "1号教学楼");
    assert!(cells[3].starts_with("11") && cells[5].parse::<u32>().is_ok());
    assert_eq!(texts(&ask().await, "#user td"), cells, "the same question has the same answer");
}

#[tokio::test]
async fn a_captcha_is_good_once_and_compared_letter_by_letter() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    let reason = async |password: &str, captcha: &str| {
        let page = browser.urp_login("311509000001", password, captcha).await;
        assert_eq!(texts(&page, "title"), ["URP 综合教务系统 - 登录"]);
        texts(&page, "td.errorTop").concat()
    };
    browser.vpn_login("311509000001", "vpn-000001").await;
    assert!(reason("jwc-000001", "").await.contains("你输入的验证码错误"), "no captcha was shown yet");

    let captcha = browser.captcha(&sim).await;
    assert!(reason("wrong", &captcha).await.contains("您的密码不正确"));
    assert!(reason("jwc-000001", &captcha).await.contains("你输入的验证码错误"), "it is used up");

    let old = browser.captcha(&sim).await;
    let new = browser.captcha(&sim).await;
    assert_ne!(old, new);
    assert!(reason("jwc-000001", &old).await.contains("你输入的验证码错误"), "a new one replaces it");

    let mut captcha = browser.captcha(&sim).await;
    while captcha.to_uppercase() == captcha && captcha.to_lowercase() == captcha {
        captcha = browser.captcha(&sim).await;
    }
    let other_case: String = captcha
        .chars()
        .map(|c| if c.is_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() })
        .collect();
    assert!(reason("jwc-000001", &other_case).await.contains("你输入的验证码错误"));

    let captcha = browser.captcha(&sim).await;
    let page = browser.urp_login("999", "jwc-000001", &captcha).await;
    assert!(texts(&page, "td.errorTop").concat().contains("证件号不存在"));

    assert_eq!(sim.count_of("urp.login"), 6);
    assert_eq!(sim.count_of("urp.login.wrong_captcha"), 4);
    assert_eq!((sim.count_of("urp.login.wrong_password"), sim.count_of("urp.login.unknown_number")), (1, 1));
}

#[tokio::test]
async fn rejected_captchas_are_wrong_even_when_right() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    browser.vpn_login("311509000001", "vpn-000001").await;
    sim.reject_captchas(1);
    let captcha = browser.captcha(&sim).await;
    let page = browser.urp_login("311509000001", "jwc-000001", &captcha).await;
    assert!(page.contains("你输入的验证码错误"));
    let captcha = browser.captcha(&sim).await;
    let page = browser.urp_login("311509000001", "jwc-000001", &captcha).await;
    assert!(page.contains("学分制综合教务"));
}

#[tokio::test]
async fn an_expired_session_shows_the_login_page_without_a_reason() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.expire_sessions(Some(System::Urp));
    let page = gbk(browser.get("xkAction.do?actionType=6").await).await;
    assert_eq!(texts(&page, "title"), ["URP 综合教务系统 - 登录"]);
    assert!(texts(&page, ".errorTop").is_empty());
    assert!(!browser.vpn_session().is_empty(), "the VPN's session goes on");
    assert_eq!(browser.get("validateCodeAction.do").await.headers()["content-type"], "image/jpeg");
}

#[tokio::test]
async fn an_empty_table_is_the_right_page_without_rows() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    sim.set_fault(System::Urp, Fault::empty().times(1));
    let page = gbk(browser.get("xkAction.do?actionType=6").await).await;
    assert!(page.contains("选课结果") && page.contains("共0.0学分"));
    let page = gbk(browser.get("xkAction.do?actionType=6").await).await;
    assert!(!page.contains("共0.0学分"), "the fault was for one request");
}

#[tokio::test]
async fn a_changed_password_counts_from_the_next_login() {
    let sim = start().await;
    sim.set_password("311509000001", System::Urp, "another");
    let browser = Browser::new(&sim);
    browser.vpn_login("311509000001", "vpn-000001").await;
    let captcha = browser.captcha(&sim).await;
    assert!(browser.urp_login("311509000001", "jwc-000001", &captcha).await.contains("您的密码不正确"));
    let captcha = browser.captcha(&sim).await;
    assert!(browser.urp_login("311509000001", "another", &captcha).await.contains("学分制综合教务"));
}

#[tokio::test]
async fn a_page_the_system_does_not_have_is_loud() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim, 1).await;
    let response = browser.get("xkAction.do?actionType=7").await;
    assert_eq!(response.status(), 501);
    assert!(response.text().await.unwrap().contains("actionType=7"));
    assert_eq!(sim.unexpected_requests(), ["GET /vpn/web/1/http/1/218.196.240.97/xkAction.do?actionType=7"]);
}
