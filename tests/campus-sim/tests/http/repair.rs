use campus_sim::CampusSim;
use reqwest::Client;
use scraper::{Html, Selector};

use crate::support::start;

async fn post(sim: &CampusSim, client: &Client, path: &str, form: &[(&str, &str)]) -> String {
    let request = client.post(format!("{}{path}", sim.url("repair"))).header("x-requested-with", "XMLHttpRequest");
    request.form(form).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn an_order_with_the_token_of_the_form_is_kept_once() {
    let sim = start().await;
    let client = Client::builder().cookie_store(true).build().unwrap();
    let student = sim.student_at(1);
    let login = |password| {
        [("UserName", student.number.as_str()), ("Password", password), ("ReturnUrl", ""), ("LoginType", "1")]
    };
    assert!(post(&sim, &client, "/pc/Account/Login", &login("000000")).await.contains("密码错误"));
    assert!(post(&sim, &client, "/pc/Account/Login", &login(&student.id_number[12..])).await.contains("个人中心"));
    let info = [("Nickname", &*student.name), ("Mobile", "10000000000"), ("Address", "1-101"), ("MID", "")];
    assert_eq!(post(&sim, &client, "/rsp/my/info", &info).await, "ok");

    let page =
        client.get(format!("{}/rsp/my/wantrepair", sim.url("repair"))).send().await.unwrap().text().await.unwrap();
    let token = Html::parse_document(&page);
    let token = token.select(&Selector::parse("#pwdstr").unwrap()).next().unwrap().attr("value").unwrap();
    let order = [
        ("Area_Serial", "0101"),
        ("Area_Name", "南校区"),
        ("Baddress", "1-101"),
        ("Project_Name", "水电"),
        ("Project_Serial", "01"),
        ("Bcontent", "灯不亮"),
        ("Mobile", "10000000000"),
        ("BuserName", "学生"),
        ("InfoID", ""),
        ("pwdstr", token),
        ("imglist", ""),
        ("Bsource", "1"),
    ];
    assert_eq!(post(&sim, &client, "/rsp/my/wantrepair", &order).await, "ok");
    assert_ne!(post(&sim, &client, "/rsp/my/wantrepair", &order).await, "ok", "the token is used up");
    let repairs = sim.sent().repairs;
    assert_eq!(repairs.len(), 1);
    assert_eq!(repairs[0].student_id, student.number);
    assert!(repairs[0].fields.contains(&("Bcontent".to_owned(), "灯不亮".to_owned())));
    sim.assert_no_unexpected_traffic();
}
