use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use campus_sim::{CampusSim, Fault, JwglxtCaptcha, Mode, System};
use reqwest::cookie::{CookieStore, Jar};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use rsa::{BoxedUint, PublicKey};
use serde_json::{Value, json};

use crate::academic::{hidden, location};
use crate::support::{start, texts};

const NUMBER: &str = "202409000001";
const PASSWORD: &str = "zf-000001";
const TABLE: &str = "kbcx/xskbcx_cxXsgrkb.html?gnmkdm=N2151";
const SCORES: &str = "cjcx/cjcx_cxXsgrcj.html?doType=query&gnmkdm=N305005";
const RECORD: &str = "xsxxxggl/xsxxwh_cxCkDgxsxx.html?gnmkdm=N100801";
const TERM: [(&str, &str); 3] = [("xnm", "2026"), ("xqm", "3"), ("kzlx", "ck")];

struct Browser {
    client: Client,
    base: String,
    jar: Arc<Jar>,
}

impl Browser {
    fn new(sim: &CampusSim) -> Self {
        let jar = Arc::new(Jar::default());
        let client = Client::builder().cookie_provider(jar.clone()).redirect(Policy::none()).build().unwrap();
        Self { client, base: sim.url("jwglxt"), jar }
    }

    async fn signed_in(sim: &CampusSim) -> Self {
        let browser = Self::new(sim);
        let home = location(&browser.login(NUMBER, PASSWORD, "").await);
        assert!(home.contains("/xtgl/index_initMenu.html?jsdm=xs"), "{home}");
        assert_eq!(browser.client.get(home).send().await.unwrap().status(), 200);
        browser
    }

    /// Asks as the page at the same address would.
    async fn get(&self, page: &str) -> Response {
        let address = format!("{}/{page}", self.base);
        self.client.get(&address).header("referer", &address).send().await.unwrap()
    }

    async fn post(&self, page: &str, form: &[(&str, &str)]) -> Response {
        let address = format!("{}/{page}", self.base);
        self.client.post(&address).header("referer", &address).form(form).send().await.unwrap()
    }

    async fn data(&self, page: &str, form: &[(&str, &str)]) -> Value {
        let text = self.post(page, form).await.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"))
    }

    async fn list(&self, page: &str, form: &[(&str, &str)], number: &str) -> Value {
        let paging = [("queryModel.showCount", "100"), ("queryModel.currentPage", number)];
        self.data(page, &[form, &paging].concat()).await
    }

    fn session(&self) -> String {
        let line = self.jar.cookies(&format!("{}/x", self.base).parse().unwrap()).unwrap();
        let line = line.to_str().unwrap().to_owned();
        line.split("; ").find_map(|pair| pair.strip_prefix("JSESSIONID=")).unwrap().to_owned()
    }

    /// The password as the page's script sends it.
    async fn encrypted(&self, password: &str) -> String {
        let key: Value =
            serde_json::from_str(&self.get("xtgl/login_getPublicKey.html?time=1").await.text().await.unwrap()).unwrap();
        let number = |name: &str| BASE64_STANDARD.decode(key[name].as_str().unwrap()).unwrap();
        let (modulus, exponent) = (number("modulus"), number("exponent"));
        assert_eq!((modulus.len(), modulus[0], &*exponent), (129, 0, [1, 0, 1].as_slice()));
        let modulus = BoxedUint::from_be_slice(&modulus[1..], 1024).unwrap();
        let key = PublicKey::new(modulus, BoxedUint::from(65_537_u32)).unwrap();
        BASE64_STANDARD.encode(key.pkcs1v15_encrypt(password.as_bytes()).unwrap())
    }

    async fn login(&self, number: &str, password: &str, picture: &str) -> Response {
        let page = self.get("xtgl/login_slogin.html").await.text().await.unwrap();
        self.submit(&hidden(&page, "csrftoken"), number, password, picture).await
    }

    async fn submit(&self, token: &str, number: &str, password: &str, picture: &str) -> Response {
        let password = self.encrypted(password).await;
        let form = [
            ("csrftoken", token),
            ("language", "zh_CN"),
            ("ydType", ""),
            ("yhm", number),
            ("mm", &password),
            ("yzm", picture),
        ];
        self.post("xtgl/login_slogin.html?time=1", &form).await
    }
}

async fn tips(response: Response) -> String {
    assert_eq!(response.status(), 200);
    texts(&response.text().await.unwrap(), "p#tips").concat()
}

#[tokio::test]
async fn a_login_sends_the_encrypted_password_and_gets_another_session() {
    let sim = start().await;
    let browser = Browser::new(&sim);
    assert_eq!(tips(browser.login(NUMBER, "wrong", "").await).await, "用户名或密码不正确，请重新输入！");
    let before = browser.session();
    assert!(location(&browser.login(NUMBER, PASSWORD, "").await).contains("index_initMenu"));
    assert_ne!(browser.session(), before);

    let other = Browser::new(&sim);
    assert!(location(&other.submit("half,token", NUMBER, PASSWORD, "").await).ends_with("xtgl/login_slogin.html"));
    let postgraduate = other.login("902409000001", PASSWORD, "").await;
    assert!(tips(postgraduate).await.contains("用户名或密码不正确"), "they have a system of their own");
    let own = Browser { base: sim.url("jwglxt").replace("jwglxt", "yjs"), ..other };
    assert!(location(&own.login("902409000001", PASSWORD, "").await).contains("/yjs/xtgl/index_initMenu"));
    assert_eq!((sim.count_of("jwglxt.login.ok"), sim.count_of("jwglxt.login.wrong_password")), (2, 2));
    assert_eq!((sim.count_of("jwglxt.login.lost"), sim.count_of("jwglxt.password_posts")), (1, 5));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn a_picture_is_answered_once() {
    let sim = start().await;
    sim.set_jwglxt_captcha(JwglxtCaptcha::Picture);
    let browser = Browser::new(&sim);
    let page = browser.get("xtgl/login_slogin.html").await.text().await.unwrap();
    assert!(page.contains("name=\"yzm\"") && !page.contains("zfcaptchaLogin"));
    let token = hidden(&page, "csrftoken");
    assert_eq!(browser.get("kaptcha?time=1").await.headers()["content-type"], "image/jpeg");
    let answer = sim.jwglxt_captcha_answer(&browser.session()).unwrap();
    assert_eq!(tips(browser.submit(&token, NUMBER, PASSWORD, "----").await).await, "验证码输入错误！");
    assert_eq!(tips(browser.submit(&token, NUMBER, PASSWORD, &answer).await).await, "验证码输入错误！");
    browser.get("kaptcha?time=2").await;
    let answer = sim.jwglxt_captcha_answer(&browser.session()).unwrap().to_lowercase();
    assert_eq!(browser.submit(&token, NUMBER, PASSWORD, &answer).await.status(), 302);
}

#[tokio::test]
async fn a_slider_is_moved_to_its_gap() {
    let sim = start().await;
    sim.set_jwglxt_captcha(JwglxtCaptcha::Slider);
    let browser = Browser::new(&sim);
    let page = browser.get("xtgl/login_slogin.html").await.text().await.unwrap();
    assert!(page.contains("zfcaptchaLogin"));
    let token = hidden(&page, "csrftoken");
    assert_eq!(tips(browser.submit(&token, NUMBER, PASSWORD, "").await).await, "请先滑动图片进行验证！");

    let script = browser.get("zfcaptchaLogin?type=resource&instanceId=zfcaptchaLogin&name=zfdun_captcha.js").await;
    let script = script.text().await.unwrap();
    let key = script.split("rtk:'").nth(1).unwrap().split('\'').next().unwrap();
    let fresh = format!("zfcaptchaLogin?type=refresh&instanceId=zfcaptchaLogin&rtk={key}&time=1");
    let fresh: Value = serde_json::from_str(&browser.get(&fresh).await.text().await.unwrap()).unwrap();
    assert_eq!((&fresh["vs"], &fresh["status"]), (&json!("not_verify"), &json!("success")));
    for id in ["si", "mi"] {
        let (id, token) = (fresh[id].as_str().unwrap(), fresh["imtk"].as_str().unwrap());
        let image = format!("zfcaptchaLogin?type=image&instanceId=zfcaptchaLogin&id={id}&imtk={token}&t=1");
        assert!(browser.get(&image).await.bytes().await.unwrap().starts_with(b"\x89PNG"));
    }
    let distance: i64 = sim.jwglxt_captcha_answer(&browser.session()).unwrap().parse().unwrap();
    let way = json!([{"x": 630, "y": 485, "t": 1}, {"x": 630 + distance, "y": 487, "t": 900}]).to_string();
    let form = [
        ("type", "verify"),
        ("instanceId", "zfcaptchaLogin"),
        ("rtk", key),
        ("mt", &BASE64_STANDARD.encode(way)),
        ("extend", &BASE64_STANDARD.encode("{}")),
    ];
    assert_eq!(browser.data("zfcaptchaLogin", &form).await["vs"], "verified");
    assert_eq!(browser.submit(&token, NUMBER, PASSWORD, "").await.status(), 302);
    assert_eq!((sim.count_of("jwglxt.slider.ok"), sim.count_of("jwglxt.login.no_captcha")), (1, 1));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn the_table_has_meetings_and_courses_without_a_time() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let courses = sim.student(NUMBER).unwrap().courses;
    let table = browser.data(TABLE, &TERM).await;
    let meetings = table["kbList"].as_array().unwrap();
    assert_eq!(meetings.len(), courses.iter().map(|course| course.sessions.len()).sum::<usize>());
    assert_eq!(table["sjkList"].as_array().unwrap().len(), courses.iter().filter(|c| c.sessions.is_empty()).count());
    assert_eq!((&table["xsxx"]["XH"], &table["xnxqsfkz"]), (&json!(NUMBER), &json!("false")));
    for meeting in meetings {
        let (first, last) = meeting["jcs"].as_str().unwrap().split_once('-').unwrap();
        assert_eq!(meeting["jc"], format!("{first}-{last}节"));
        assert!(meeting["zcd"].as_str().unwrap().contains('周'));
        let mask: u64 = meeting["oldjc"].as_str().unwrap().parse().unwrap();
        assert_eq!(mask.trailing_zeros() + 1, first.parse::<u32>().unwrap());
    }
    sim.set_fault(System::Jwglxt, Fault::new(Mode::MasksDiffer).times(1));
    assert_ne!(browser.data(TABLE, &TERM).await["kbList"], table["kbList"]);
    sim.set_fault(System::Jwglxt, Fault::empty().times(1));
    assert_eq!(browser.data(TABLE, &TERM).await["kbList"], json!([]));
    assert_eq!(browser.data(TABLE, &[("xnm", "1999"), ("xqm", "3"), ("kzlx", "ck")]).await["sjkList"], json!([]));
}

#[tokio::test]
async fn scores_come_in_pages() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let now = browser.list(SCORES, &TERM[..2], "1").await;
    assert_eq!(now["items"].as_array().unwrap().len(), sim.student(NUMBER).unwrap().scores.len());
    let all = browser.list(SCORES, &[("xnm", ""), ("xqm", "")], "1").await;
    let total = all["totalResult"].as_u64().unwrap();
    assert!(total > 10 && all["items"].as_array().unwrap().len() as u64 == total);

    sim.set_fault(System::Jwglxt, Fault::new(Mode::SmallPages));
    let last = total.div_ceil(5);
    let page = browser.list(SCORES, &[], &last.to_string()).await;
    assert_eq!(
        (page["totalPage"].as_u64(), page["items"].as_array().unwrap().len() as u64),
        (Some(last), total - 5 * (last - 1))
    );
    sim.set_fault(System::Jwglxt, Fault::new(Mode::StrictGrid));
    let form = [("queryModel.showCount", "100"), ("queryModel.currentPage", "1")];
    assert!(browser.post(SCORES, &form).await.text().await.unwrap().contains("错误提示"));
    let old = [("page", "1"), ("rows", "100"), ("sidx", ""), ("sord", "asc")];
    assert_eq!(browser.list(SCORES, &old, "1").await["totalResult"], total);
}

#[tokio::test]
async fn table_and_scores_have_older_addresses_too() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let (older_table, older_scores) = (TABLE.replace("cxXsgrkb", "cxXsKb"), SCORES.replace("cxXsgrcj", "cxDgXscj"));
    assert_eq!(browser.data(&older_table, &TERM).await, browser.data(TABLE, &TERM).await);
    assert_eq!(browser.list(&older_scores, &[], "1").await, browser.list(SCORES, &[], "1").await);
    for operation in ["table", "scores"] {
        sim.set_fault(System::Jwglxt, Fault::new(Mode::NotFound).on(operation));
    }
    assert_eq!(browser.post(TABLE, &TERM).await.status(), 404);
    assert_eq!(browser.post(&older_table, &TERM).await.status(), 200);
    assert_eq!((sim.count_of("jwglxt.table"), sim.count_of("jwglxt.older_table")), (2, 2));
    sim.assert_no_unexpected_traffic();
}

#[tokio::test]
async fn a_request_that_comes_from_nowhere_is_loud() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let url = format!("{}/{TABLE}", browser.base);
    assert_eq!(browser.client.post(&url).form(&TERM).send().await.unwrap().status(), 501);
    let elsewhere = browser.client.post(&url).header("referer", url.replace("N2151", "N305005"));
    assert_eq!(elsewhere.form(&TERM).send().await.unwrap().status(), 501);
    assert_eq!(sim.unexpected_requests().len(), 2);
}

#[tokio::test]
async fn weeks_times_record_and_menu_are_told() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let weeks = browser.data("kbdy/bjkbdy_cxZcxx.html?gnmkdm=N214505", &TERM).await;
    assert_eq!(weeks[0], json!({"zs": 1, "rq": "2026-09-07/2026-09-13", "zsmc": "1"}));
    assert_eq!(weeks[19]["rq"], "2027-01-18/2027-01-24");

    let times = async |campus: &str| {
        let form = [("xnm", "2026"), ("xqm", "3"), ("xqh_id", campus)];
        browser.data("kbcx/xskbcx_cxRjc.html?gnmkdm=N2151", &form).await
    };
    let (east, west) = (times("1").await, times("2").await);
    assert_eq!(east[0], json!({"jc": "1", "jcmc": "1", "qssj": "08:00", "jssj": "08:45"}));
    assert_ne!(east[4], west[4]);
    sim.set_fault(System::Jwglxt, Fault::new(Mode::NoBeginTimes).times(1));
    assert_eq!(times("1").await[0]["qssj"], Value::Null);

    let record = browser.data(RECORD, &[]).await;
    assert_eq!((&record["xh"], &record["xqm"], &record["pyccdm"]), (&json!(NUMBER), &json!("3"), &json!("本科")));
    sim.set_fault(System::Jwglxt, Fault::new(Mode::NullRecord).times(1));
    assert_eq!(browser.data(RECORD, &[]).await, Value::Null);
    let page = browser.get("xsxxxggl/xsgrxxwh_cxXsgrxx.html?gnmkdm=N100801").await.text().await.unwrap();
    assert_eq!(texts(&page, "p.form-control-static")[0], NUMBER);
    let menu = browser.data("xtgl/index_cxMenuList.html", &[]).await;
    assert_eq!(menu[0]["children"][0]["gnmkdm"], "N2151");
}

#[tokio::test]
async fn free_rooms_are_found_by_weeks_and_lessons() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    let buildings = browser.get("cdjy/cdjy_cxXqjc.html?xnm=2026&xqm=3&xqh_id=1").await.text().await.unwrap();
    let buildings: Value = serde_json::from_str(&buildings).unwrap();
    assert_eq!(buildings["lhList"][0], json!({"JXLDM": "18", "JXLMC": "教学一楼"}));
    let rooms = async |weeks: &str, lessons: &str| {
        let form = [
            ("fwzt", "cx"),
            ("xnm", "2026"),
            ("xqm", "3"),
            ("xqh_id", "1"),
            ("zcd", weeks),
            ("xqj", "5"),
            ("jcd", lessons),
            ("lh", "18"),
        ];
        let list = browser.list("cdjy/cdjy_cxKxcdlb.html?doType=query&gnmkdm=N2155", &form, "1").await;
        assert!(list["items"].as_array().unwrap().iter().all(|room| room["jxlmc"] == "教学一楼"));
        list["totalResult"].as_u64().unwrap()
    };
    let (two, four) = (rooms("2048", "3").await, rooms("2048", "15").await);
    assert!(0 < four && four < two, "{four} {two}");
    assert!(rooms("2049", "3").await < two);
}

#[tokio::test]
async fn a_session_ends_in_several_ways() {
    let sim = start().await;
    for mode in [Mode::ExpiredEmpty, Mode::Expired200, Mode::Expired302, Mode::Expired] {
        let browser = Browser::signed_in(&sim).await;
        sim.set_fault(System::Jwglxt, Fault::new(mode).times(1));
        let answer = browser.post(TABLE, &TERM).await;
        let status = answer.status().as_u16();
        let body = answer.text().await.unwrap();
        let login = body.contains("csrftoken") && body.contains("用户登录");
        match mode {
            Mode::ExpiredEmpty => assert!(status == 200 && body.is_empty()),
            Mode::Expired200 => assert!(status == 200 && login),
            _ => assert_eq!(status, 302),
        }
        assert!(location(&browser.post(TABLE, &TERM).await).ends_with("/xtgl/login_slogin.html"));
    }
}

#[tokio::test]
async fn jwglxt_misbehaves_on_command() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    for (fault, sign) in [
        (Fault::new(Mode::NoFunction), "无功能权限"),
        (Fault::new(Mode::Night), "夜间"),
        (Fault::says("系统忙"), "系统忙"),
    ] {
        sim.set_fault(System::Jwglxt, fault.times(1));
        let page = browser.post(TABLE, &TERM).await.text().await.unwrap();
        assert!(texts(&page, "p.error_title").concat().contains(sign), "{page}");
    }
    let fresh = Browser::new(&sim);
    sim.set_fault(System::Jwglxt, Fault::new(Mode::FirstPostLost).times(1));
    assert!(location(&fresh.login(NUMBER, PASSWORD, "").await).ends_with("login_slogin.html"));
    sim.set_fault(System::Jwglxt, Fault::new(Mode::Locked).times(1));
    assert!(tips(fresh.login(NUMBER, PASSWORD, "").await).await.contains("锁定"));
    assert!(location(&fresh.login(NUMBER, PASSWORD, "").await).contains("index_initMenu"));
}

#[tokio::test]
async fn who_goes_too_fast_loses_the_connection() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    sim.set_pace(System::Jwglxt, Some(Duration::from_mins(1)));
    assert_eq!(browser.post(TABLE, &TERM).await.status(), 200);
    let url = format!("{}/{TABLE}", browser.base);
    assert!(browser.client.post(&url).header("referer", &url).form(&TERM).send().await.is_err());
    assert_eq!(sim.count_of("jwglxt.too_fast"), 1);
    sim.set_pace(System::Jwglxt, None);
    assert_eq!(browser.post(TABLE, &TERM).await.status(), 200);
}

#[tokio::test]
async fn functions_have_their_numbers_and_hosts_their_names() {
    let sim = start().await;
    let browser = Browser::signed_in(&sim).await;
    assert_eq!(browser.post("kbcx/xskbcx_cxXsgrkb.html?gnmkdm=N1", &TERM).await.status(), 501);
    assert_eq!(browser.get("nothing.html").await.status(), 501);
    let elsewhere = browser.base.replace("127.0.0.1", "localhost") + "/xtgl/login_slogin.html";
    assert_eq!(browser.client.get(elsewhere).send().await.unwrap().status(), 501);
    assert_eq!(sim.unexpected_requests().len(), 3);
}
