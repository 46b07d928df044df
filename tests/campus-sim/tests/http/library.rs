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

/// The form that a browser would send when the link of the first renewable loan is followed.
fn postback(page: &str) -> Vec<(String, String)> {
    let value = |name: &str| {
        let rest = page.split_once(&format!("id=\"{name}\" value=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.to_owned()
    };
    let target = page.split_once("__doPostBack(&#39;").unwrap().1.split_once("&#39;").unwrap().0.to_owned();
    let fields = ["__VIEWSTATE", "__EVENTVALIDATION"].map(|name| (name.to_owned(), value(name)));
    [("__EVENTTARGET".to_owned(), target), ("__EVENTARGUMENT".to_owned(), String::new())]
        .into_iter()
        .chain(fields)
        .collect()
}

async fn send(sim: &CampusSim, client: &Client, form: &[(String, String)]) -> (u16, String) {
    let answer = client.post(format!("{}/Borrowing.aspx", sim.url("library"))).form(form).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn following_the_link_of_a_loan_renews_it_once() {
    let sim = start().await;
    let student = sim.students(0, 50).into_iter().find(|s| s.loans.iter().any(|loan| loan.renewable)).unwrap();
    let row = student.loans.iter().position(|loan| loan.renewable).unwrap();
    sim.edit_student(&student.number, |s| s.loans[row].overdue = "未超期".into());
    let client = Client::builder().cookie_store(true).build().unwrap();
    let page = log_in(&sim, &client, &student.number, &student.library_password).await;
    let form = postback(&page);
    let (status, page) = send(&sim, &client, &form).await;
    assert!(status == 200 && page.contains("续借成功"));
    let loan = &sim.student(&student.number).unwrap().loans[row];
    assert_eq!((loan.renewals, loan.renewable), (student.loans[row].renewals + 1, false));
    assert_ne!(loan.due_on, student.loans[row].due_on);
    assert!(page.contains(&loan.due_on));
    assert_eq!(send(&sim, &client, &form).await.0, 501, "the state of a page that is out of date");
    assert_eq!(sim.count_of("library.renew.ok"), 1);
}

#[tokio::test]
async fn a_book_that_is_overdue_is_not_renewed() {
    let sim = start().await;
    let student = sim.students(0, 50).into_iter().find(|s| s.loans.iter().any(|loan| loan.renewable)).unwrap();
    sim.edit_student(&student.number, |s| s.loans.iter_mut().for_each(|loan| loan.overdue = "超期 3 天".into()));
    let client = Client::builder().cookie_store(true).build().unwrap();
    let page = log_in(&sim, &client, &student.number, &student.library_password).await;
    let (status, answer) = send(&sim, &client, &postback(&page)).await;
    assert!(status == 200 && answer.contains("不能续借"));
    let renewals = |student: &campus_sim::Student| student.loans.iter().map(|loan| loan.renewals).collect::<Vec<_>>();
    assert_eq!(renewals(&sim.student(&student.number).unwrap()), renewals(&student));
    sim.expire_sessions(Some(System::Library));
    assert!(send(&sim, &client, &postback(&page)).await.1.contains("OutLogin.aspx"));
}
