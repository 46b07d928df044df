use campus_sim::{CampusSim, Fault, System};
use reqwest::Client;

use crate::support::{start, texts};

const GRID: &str = "#ctl00_ContentPlaceHolder1_GridView1";
const SEARCH: &str = "KindOfSearch=1&FieldToSort=0&DirectionOfSort=DESC&StoreAtWhere=ALL&CountOfPage=30&SecSerchKey=\
                      &SecSerchWord=&PYM=&ZTFL=&SSH=&ZRZ=&ISBN=&CSM=&CBS=&ZTC=&ZDY=&LAN=0";

async fn log_in(sim: &CampusSim, client: &Client, number: &str, password: &str) -> String {
    let url = format!("{}/OutLogin.aspx?kind=2", sim.url("library"));
    client.post(url).form(&[("userid", number), ("password", password)]).send().await.unwrap().text().await.unwrap()
}

async fn get(sim: &CampusSim, client: &Client, path: &str) -> String {
    client.get(format!("{}/{path}", sim.url("library"))).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_reader_sees_his_loans_and_others_the_login_page() {
    let sim = start().await;
    let student = sim.students(0, 50).into_iter().find(|s| s.loans.iter().any(|loan| loan.renewable)).unwrap();
    let client = Client::builder().cookie_store(true).build().unwrap();
    assert!(get(&sim, &client, "Borrowing.aspx").await.contains("OutLogin.aspx"));
    assert!(log_in(&sim, &client, &student.number, "wrong").await.contains("密码错误"));
    let page = log_in(&sim, &client, &student.number, &student.library_password).await;
    assert_eq!(texts(&page, &format!("{GRID} tr[align=left]")).len(), student.loans.len());
    for (text, loan) in texts(&page, &format!("{GRID} tr[align=left]")).iter().zip(&student.loans) {
        assert!(text.contains(&format!("馆藏号：{}", loan.copy_number)), "{text}");
        assert_eq!(text.contains("可续借"), loan.renewable);
    }
    sim.set_fault(System::Library, Fault::empty().times(1));
    assert!(!get(&sim, &client, "Borrowing.aspx").await.contains("GridView1"), "no loans, no table");
    sim.expire_sessions(Some(System::Library));
    assert!(get(&sim, &client, "Borrowing.aspx").await.contains("OutLogin.aspx"));
}

#[tokio::test]
async fn a_search_leads_to_the_copies_of_a_book() {
    let sim = start().await;
    let client = Client::new();
    let page = get(&sim, &client, &format!("SearchResult.aspx?{SEARCH}&Titlie=rust")).await;
    let links = texts(&page, &format!("{GRID} a"));
    let books = sim.find_books("rust");
    assert_eq!(links, books.iter().take(30).map(|book| book.title.clone()).collect::<Vec<_>>());
    assert!(page.contains("<font color=red>Rust</font>"));
    let copies = get(&sim, &client, &format!("Book.aspx?id={}", books[0].id)).await;
    assert_eq!(texts(&copies, &format!("{GRID} tr[align=left]")).len(), books[0].copies.len());
    let none = get(&sim, &client, &format!("SearchResult.aspx?{SEARCH}&Titlie=不存在的书")).await;
    assert!(!none.contains("GridView1"));
    let missing = client.get(format!("{}/SearchResult.aspx?Titlie=rust", sim.url("library"))).send().await.unwrap();
    assert_eq!(missing.status(), 501);
}
