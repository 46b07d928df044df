use campus_sim::CampusSim;
use reqwest::{Client, Response};
use scraper::{Html, Selector};

use crate::support::{start, texts};

fn hidden(page: &str, name: &str) -> String {
    let selector = Selector::parse(&format!("input[name={name}]")).unwrap();
    Html::parse_document(page).select(&selector).next().unwrap().attr("value").unwrap().to_owned()
}

async fn log_in(sim: &CampusSim, client: &Client, state: &str, validation: &str, password: &str) -> Response {
    let form = [
        ("__VIEWSTATE", state),
        ("__EVENTVALIDATION", validation),
        ("rblUserType", "Student"),
        ("txtAccount", "311509000001"),
        ("txtPassword", password),
        ("btnLogin", "登录"),
    ];
    client.post(format!("{}/index.aspx", sim.url("physical"))).form(&form).send().await.unwrap()
}

#[tokio::test]
async fn the_end_of_the_identity_number_opens_the_results() {
    let sim = start().await;
    let client = Client::builder().cookie_store(true).build().unwrap();
    let page = client.get(format!("{}/index.aspx", sim.url("physical"))).send().await.unwrap().text().await.unwrap();
    let (state, validation) = (hidden(&page, "__VIEWSTATE"), hidden(&page, "__EVENTVALIDATION"));
    assert_eq!(log_in(&sim, &client, "/wEPDwUKother", &validation, "x").await.status(), 500);
    assert!(log_in(&sim, &client, &state, &validation, "00000000").await.text().await.unwrap().contains("密码错误"));

    let student = sim.student_at(1);
    let welcome = log_in(&sim, &client, &state, &validation, &student.id_number[10..]).await.text().await.unwrap();
    let cells = texts(&welcome, ".score-table td");
    assert_eq!(cells.len(), 10 * student.fitness.len());
    assert_eq!(cells[0], format!("年度：{}", student.fitness[0].year));
    assert!(cells.iter().any(|cell| cell.ends_with(&student.fitness[0].long_run)));
}
