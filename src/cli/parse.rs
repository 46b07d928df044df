//! `wehpu-engine parse`: what the engine reads in a campus page saved to a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use crate::campus::feed::Link;
use crate::campus::page::{Barrier, Layer, MAX_PAGE_BYTES, PageEncoding, PageError, Reading, decode_answer};
use crate::campus::vpn::parse::VpnState;
use crate::campus::{bulletin, captcha, cas, eams, jwglxt, library, logistics, news, physical, repair, urp, vpn};

/// Exit code for another page than the named one; 1 is for files that cannot be read.
const ANOTHER_PAGE: u8 = 2;

/// Exit code for a page with filled cells that were not understood.
const UNREAD_CELLS: u8 = 3;

/// Number of weeks of `全周`: a saved page does not tell the length of its term.
const TERM_WEEKS: u8 = 20;

/// Usual addresses of the pages with links, against which links are resolved: a saved page does not tell its own.
const NEWS: &str = "http://news.hpu.edu.cn/";
const LOGISTICS: &str = "http://houqin.hpu.edu.cn/dsh/Pchome/";
const BULLETIN: &str = "http://218.196.240.155/swfweb/hpugg.aspx";

/// The kinds of error, for `--help`.
const ERRORS: &str = "Kinds of error (exit code 2, one line on standard error that begins with the word):
  SESSION_EXPIRED  a login page
  WRONG_PASSWORD   the answer to a login with a wrong account or password
  CAPTCHA_FAILED   the answer to a login with a wrong captcha
  ACCOUNT_LOCKED   the answer to a login of an account that is locked
  LOGIN_BARRED     the answer to a login that wants a captcha or bars our address
  CAMPUS_CLOSED    a refusal of a system that works
  CAMPUS_DOWN      a maintenance notice, a system that is full or busy, an unknown answer to a login
  CAMPUS_CHANGED   anything else, an empty or damaged file included
Where the system says why, its words follow.
A list that is known to go on on further pages is told by a line on standard error that begins with `partial`.
A page that was read but for some of its filled cells is exit code 3: what was read is on standard output, and one line
for each such cell on standard error begins with `unread`.
A file that cannot be read is exit code 1.";

/// Print, as JSON, what the engine reads in a saved campus page.
///
/// Standard output holds only what the API would put into `data` for that page, and for pages of EAMS and jwglxt what
/// the engine makes that of; it is empty when the file holds another page.
#[derive(Debug, clap::Args)]
#[command(after_help = ERRORS)]
pub struct ParseArgs {
    /// Which page the file is meant to be
    #[arg(value_enum)]
    pub page: KnownPage,
    /// The saved page, in the character set it names, else in UTF-8 or GBK; `-` reads standard input
    pub file: PathBuf,
}

/// The pages the engine knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KnownPage {
    /// URP: the answer to a login (loginAction.do)
    UrpLogin,
    /// URP: the student's record, for name and identity card number (xjInfoAction.do)
    UrpStudent,
    /// URP: the courses of this term, by weekday (xkAction.do)
    UrpCourse,
    /// URP: the scores of this term (bxqcjcxAction.do)
    UrpScore,
    /// URP: empty classrooms, by floor (xszxcxAction.do)
    UrpClassroom,
    /// VPN: the page after a login, or the login page again (`login_psw.csp`)
    VpnLogin,
    /// VPN: the service page, which shows whether a session is alive (service.csp)
    VpnService,
    /// Library: a reader's loans (Borrowing.aspx)
    LibraryBorrowing,
    /// Library: books found in the catalogue (SearchResult.aspx)
    LibrarySearch,
    /// Library: the copies of one book (Book.aspx)
    LibraryBook,
    /// Physical education: the page after a login (index.aspx)
    PhysicalLogin,
    /// Physical education: the results of each year (welcome.aspx)
    PhysicalScores,
    /// Repairs: the form for a repair, for its token (wantrepair)
    RepairForm,
    /// University news: a list page
    NewsList,
    /// University news: an article
    NewsArticle,
    /// Logistics: a list page of its news (`GetNewsListbySub`)
    LogisticsList,
    /// Logistics: an article (`newsInfoDesc`)
    LogisticsArticle,
    /// Bulletin board: lectures and links to notices (hpugg.aspx)
    BulletinBoard,
    /// Bulletin board: a notice that is a text (ggxx.aspx)
    BulletinNotice,
    /// CAS: the login page, or the answer to a login (cas/login)
    CasLogin,
    /// CAS: a captcha, which is JSON (open/captcha)
    CasCaptcha,
    /// EAMS: the answer to a login (loginExt.action)
    EamsLogin,
    /// EAMS: the entry page of the weekly table, for its ids (courseTableForStd.action)
    EamsEntry,
    /// EAMS: the terms (dataQuery.action)
    EamsTerms,
    /// EAMS: begin and length of a term (base/calendar-info.action)
    EamsCalendar,
    /// EAMS: the weekly table as it is sent, not as a browser saves it (courseTableForStd!courseTable.action)
    EamsCourse,
    /// EAMS: the marks of a term or of all (person!search.action, person!historyCourseGrade.action)
    EamsScore,
    /// EAMS: the batches of examinations of a term (stdExamTable.action)
    EamsExamBatches,
    /// EAMS: the examinations of a batch (stdExamTable!examTable.action)
    EamsExam,
    /// EAMS: how far the student is with the teaching plan (myPlanCompl.action)
    EamsPlan,
    /// EAMS: how many evaluations are open (quality/stdEvaluate.action)
    EamsEvaluation,
    /// EAMS: the buildings that rooms can be searched in (classroom/apply/free.action)
    EamsBuildings,
    /// EAMS: the free rooms found (classroom/apply/free!search.action)
    EamsRooms,
    /// EAMS: the student's record (stdDetail.action)
    EamsRecord,
    /// EAMS: an answer that its mobile app gets, whichever it is (app-ws)
    EamsApp,
    /// jwglxt: the login page, or the login page as the answer to a login (`login_slogin.html`)
    ZfLogin,
    /// jwglxt: the weeks of a term (`bjkbdy_cxZcxx.html`)
    ZfWeeks,
    /// jwglxt: the times of the lessons (`xskbcx_cxRjc.html`)
    ZfTimes,
    /// jwglxt: the timetable of a term (`xskbcx_cxXsgrkb.html`)
    ZfTable,
    /// jwglxt: the first page of the marks (`cjcx_cxXsgrcj.html`)
    ZfScore,
    /// jwglxt: the first page of the examinations, or their names (`kscx_cxXsksxxIndex.html`,
    /// `common_cxKsmcByXnxq.html`)
    ZfExam,
    /// jwglxt: the plan, or the courses of one of its groups (`xsxyqk_cxXsxyqkIndex.html`,
    /// `xsxyqk_cxJxzxjhxfyqKcxx.html`)
    ZfPlan,
    /// jwglxt: the first page of the free rooms (`cdjy_cxKxcdlb.html`)
    ZfRooms,
    /// jwglxt: the buildings of a campus (`cdjy_cxXqjc.html`)
    ZfBuildings,
    /// jwglxt: the student's record, as JSON or as a page (`xsxxwh_cxCkDgxsxx.html`, `xsgrxxwh_cxXsgrxx.html`)
    ZfRecord,
    /// jwglxt: the menu (`index_cxMenuList.html`)
    ZfMenu,
    /// jwglxt: the slider's script, its pictures, or its verdict (`zfcaptchaLogin`)
    ZfSlider,
}

/// Runs the subcommand: 0 for a page that was read, else as in `--help`.
#[must_use]
pub fn run(args: &ParseArgs) -> ExitCode {
    let bytes = match read(&args.file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("cannot read {}: {error}", args.file.display());
            return ExitCode::FAILURE;
        }
    };
    let read = match read_as(args.page, &bytes) {
        Ok(read) => read,
        Err(error) => {
            let said = error.said().map(|said| format!("; it says: {}", said.as_str())).unwrap_or_default();
            eprintln!("{}: {error}{said}", error.code());
            return ExitCode::from(ANOTHER_PAGE);
        }
    };
    if is_part(args.page, &bytes) {
        eprintln!("partial: the page is one of several of its list");
    }
    for cell in &read.unread {
        eprintln!("unread {} {}: {}", cell.page, cell.column, cell.text.as_str());
    }
    match super::print(&format!("{:#}\n", read.data)) {
        Ok(()) if !read.unread.is_empty() => ExitCode::from(UNREAD_CELLS),
        outcome => super::exit(outcome),
    }
}

/// Reads at most one byte more than the largest page, so that an endless input ends as a page that is too large.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let input: Box<dyn Read> = if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    let mut bytes = Vec::new();
    input.take(MAX_PAGE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The API's `data` for this page, and its cells that were not understood.
fn read_as(page: KnownPage, bytes: &[u8]) -> Result<Reading<Value>, PageError> {
    let html = decode_answer(bytes, None, PageEncoding::Gbk)?;
    Ok(match page {
        KnownPage::UrpCourse => urp::parse_course::parse_course_table(&html, TERM_WEEKS)?.map(|table| json!(table)),
        KnownPage::PhysicalScores => physical::parse_scores::parse_physical(&html)?.map(|years| json!(years)),
        KnownPage::EamsCourse => eams::parse_table::parse_table(&html)?.map(|table| json!(table)),
        KnownPage::EamsScore => {
            let columns = eams::parse_scores::ScoreColumns::default();
            eams::parse_scores::parse_scores(&html, &columns)?.map(|grades| json!(grades))
        }
        KnownPage::EamsExam => eams::parse_exams::parse_exams(&html)?.map(|exams| json!(exams)),
        KnownPage::EamsPlan => eams::parse_plan::parse_plan(&html)?.map(|plan| json!(plan)),
        KnownPage::ZfTable => jwglxt::parse_table::parse_table(&html)?.map(|table| json!(table)),
        KnownPage::ZfScore => {
            jwglxt::parse_scores::parse_score_page(&html, 1)?.map(|leaf| json!(jwglxt::parse_scores::valid(leaf.rows)))
        }
        KnownPage::ZfExam if is_list(&html) => whole(jwglxt::parse_exams::parse_exam_names(&html)?),
        KnownPage::ZfExam => jwglxt::parse_exams::parse_exam_page(&html, 1)?.map(|leaf| json!(leaf.rows)),
        KnownPage::ZfPlan if is_list(&html) => jwglxt::parse_plan::parse_plan_courses(&html)?.map(|rows| json!(rows)),
        KnownPage::ZfPlan => jwglxt::parse_plan::parse_plan(&html)?.map(|plan| json!(plan)),
        _ => whole(data_of(page, bytes)?),
    })
}

/// Data of a page that has no cells to be left unread.
fn whole(data: impl Serialize) -> Reading<Value> {
    Reading { data: json!(data), unread: Vec::new() }
}

/// Whether an answer is a list in JSON.
fn is_list(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

/// Whether a page is one of several of a list.
fn is_part(page: KnownPage, bytes: &[u8]) -> bool {
    let Ok(html) = decode_answer(bytes, None, PageEncoding::Gbk) else { return false };
    match page {
        KnownPage::UrpScore => urp::parse_score::parse_score_page(&html).is_ok_and(|leaf| leaf.is_part()),
        KnownPage::LibraryBorrowing => {
            library::parse_borrowing::parse_loan_page(&html, 1).is_ok_and(|leaf| leaf.is_part())
        }
        KnownPage::LibrarySearch => library::parse_search::parse_search_page(&html, 1).is_ok_and(|leaf| leaf.is_part()),
        KnownPage::ZfScore => jwglxt::parse_scores::parse_score_page(&html, 1).is_ok_and(|read| read.data.is_part()),
        KnownPage::ZfExam => jwglxt::parse_exams::parse_exam_page(&html, 1).is_ok_and(|read| read.data.is_part()),
        KnownPage::ZfRooms => jwglxt::parse_rooms::parse_room_page(&html, 1).is_ok_and(|leaf| leaf.is_part()),
        _ => false,
    }
}

/// The API's `data` for this page alone.
fn data_of(page: KnownPage, bytes: &[u8]) -> Result<Value, PageError> {
    let html = decode_answer(bytes, None, PageEncoding::Gbk)?;
    let html = html.as_ref();
    Ok(match page {
        KnownPage::UrpLogin => logged_in(urp::parse_login::parse_login(html)?),
        KnownPage::UrpStudent => json!(urp::parse_student::parse_student(html)?),
        KnownPage::UrpCourse
        | KnownPage::PhysicalScores
        | KnownPage::EamsCourse
        | KnownPage::EamsScore
        | KnownPage::EamsExam
        | KnownPage::EamsPlan
        | KnownPage::ZfTable
        | KnownPage::ZfScore
        | KnownPage::ZfExam
        | KnownPage::ZfPlan => read_as(page, bytes)?.data,
        KnownPage::UrpScore => {
            let rows = urp::parse_score::parse_scores(html)?;
            rows.into_iter().map(|row| json!(row.score)).collect()
        }
        KnownPage::UrpClassroom => json!(urp::parse_classroom::parse_classrooms(html)?),
        KnownPage::VpnLogin => logged_in(vpn::parse::parse_login(html)?),
        KnownPage::VpnService => match vpn::parse::parse_service(html)? {
            VpnState::LoggedIn => logged_in(()),
            VpnState::LoginNeeded => return Err(PageError::SessionExpired(Layer::Vpn)),
        },
        KnownPage::LibraryBorrowing => json!(library::parse_borrowing::parse_borrowing(html)?),
        KnownPage::LibrarySearch => json!(library::parse_search::parse_search(html)?),
        KnownPage::LibraryBook => json!(library::parse_book::parse_copies(html)?),
        KnownPage::PhysicalLogin => logged_in(physical::parse_login::parse_login(html)?),
        KnownPage::RepairForm => json!(repair::parse::parse_repair_form(html)?),
        KnownPage::NewsList => json!(news::parse_list::parse_list(html, &at(NEWS)?.url)?),
        KnownPage::NewsArticle => json!(news::parse_article::parse_article(html, &at(NEWS)?)?),
        KnownPage::LogisticsList => json!(logistics::parse_list::parse_list(html, &at(LOGISTICS)?.url)?),
        KnownPage::LogisticsArticle => json!(logistics::parse_article::parse_article(html, &at(LOGISTICS)?)?),
        KnownPage::BulletinBoard => json!(bulletin::parse_board::parse_board(html, &at(BULLETIN)?.url)?),
        KnownPage::BulletinNotice => json!(bulletin::parse_notice::parse_notice(html, &at(BULLETIN)?)?),
        KnownPage::CasLogin => cas_login(&cas::parse_login::parse_login_form(html)?)?,
        KnownPage::CasCaptcha => {
            let picture = cas::parse_captcha::parse_captcha(html)?.picture;
            json!({ "mediaType": captcha::media_type(&picture), "bytes": picture.len() })
        }
        KnownPage::EamsLogin => logged_in(eams::parse_login::parse_login(html)?),
        KnownPage::EamsEntry => json!(eams::parse_entry::parse_entry(html)?),
        KnownPage::EamsTerms => json!(there("eams-terms", eams::parse_terms::parse_terms(html)?)?),
        KnownPage::EamsCalendar => json!(there("eams-calendar", eams::parse_calendar::parse_calendar(html)?)?),
        KnownPage::EamsExamBatches => json!(eams::parse_exams::parse_exam_batches(html)?),
        KnownPage::EamsEvaluation => json!(there("eams-evaluation", eams::parse_evaluation::parse_evaluation(html)?)?),
        KnownPage::EamsBuildings => json!(eams::parse_rooms::parse_buildings(html)?),
        KnownPage::EamsRooms => json!(eams::parse_rooms::parse_free_rooms(html)?),
        KnownPage::EamsRecord => json!(eams::parse_record::parse_record(html)?),
        KnownPage::EamsApp => json!(eams::parse_app::parse_app(html)?),
        KnownPage::ZfLogin => match jwglxt::parse_login::refusal(html) {
            // The login page without a message.
            PageError::SessionExpired(Layer::Jwglxt) => json!(jwglxt::parse_login::parse_login_page(html)?),
            refusal => return Err(refusal),
        },
        KnownPage::ZfWeeks => json!(jwglxt::terms::parse_weeks(html)?),
        KnownPage::ZfTimes => json!(jwglxt::terms::parse_times(html)?),
        KnownPage::ZfRooms => json!(jwglxt::parse_rooms::parse_room_page(html, 1)?.rows),
        KnownPage::ZfBuildings => json!(jwglxt::parse_rooms::parse_buildings(html)?),
        KnownPage::ZfRecord if html.trim_start().starts_with('<') => {
            json!(jwglxt::parse_record::parse_record_page(html)?)
        }
        KnownPage::ZfRecord => json!(jwglxt::parse_record::parse_record(html)?),
        KnownPage::ZfMenu => json!(jwglxt::parse_menu::parse_menu(html)?),
        KnownPage::ZfSlider => slider(html)?,
    })
}

/// The names of the fields that are sent back, and whether the page says that a captcha is wanted; a cookie may say so,
/// too. The values are secret.
fn cas_login(form: &cas::parse_login::LoginForm) -> Result<Value, PageError> {
    let captcha = match form.refusal() {
        None => false,
        Some(PageError::Barred(Barrier::Captcha, _)) => true,
        Some(refusal) => return Err(refusal),
    };
    let fields: Vec<_> = form.fields.iter().map(|(name, _)| name).collect();
    Ok(json!({ "fields": fields, "captchaWanted": captcha }))
}

/// What one of the three answers of the slider says.
fn slider(text: &str) -> Result<Value, PageError> {
    use jwglxt::parse_slider::{parse_slider_pictures, parse_slider_script, parse_slider_verdict};
    let is_data = text.trim_start().starts_with('{');
    Ok(if is_data && text.contains("\"imtk\"") {
        json!(parse_slider_pictures(text)?)
    } else if is_data {
        parse_slider_verdict(text)?;
        json!({ "verified": true })
    } else {
        json!({ "rtk": parse_slider_script(text)? })
    })
}

/// A link to a saved page, as far as it can be known. `address` is one of the constants above, so it is valid.
fn at(address: &str) -> Result<Link, PageError> {
    let url = Url::parse(address).map_err(|_| PageError::Changed { page: "saved", missing: "address" })?;
    Ok(Link { url, title: String::new(), date: None })
}

/// What a page shows that may show nothing; here the file is meant to show it.
fn there<T>(page: &'static str, data: Option<T>) -> Result<T, PageError> {
    data.ok_or(PageError::Changed { page, missing: "any data" })
}

/// The answer of the pages that only show whether a login worked.
fn logged_in((): ()) -> Value {
    json!({ "loggedIn": true })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use encoding_rs::GBK;

    use super::*;
    use crate::campus::page::fixture::bytes;

    #[test]
    fn every_known_page_prints_its_data() {
        let pages = [
            ("urp-login", "urp/login-success.gbk.html"),
            ("urp-student", "urp/student.gbk.html"),
            ("urp-course", "urp/course.gbk.html"),
            ("urp-score", "urp/score.gbk.html"),
            ("urp-classroom", "urp/classroom.html"),
            ("vpn-login", "vpn/service.html"),
            ("vpn-service", "vpn/service.html"),
            ("library-borrowing", "library/borrowing.html"),
            ("library-search", "library/search.html"),
            ("library-book", "library/book.html"),
            ("physical-login", "physical/welcome.html"),
            ("physical-scores", "physical/welcome.html"),
            ("repair-form", "repair/wantrepair.html"),
            ("news-list", "news/list.gbk.html"),
            ("news-article", "news/article.gbk.html"),
            ("logistics-list", "logistics/list.gbk.html"),
            ("logistics-article", "logistics/article.html"),
            ("bulletin-board", "bulletin/board.gbk.html"),
            ("bulletin-notice", "bulletin/notice.gbk.html"),
            ("cas-login", "cas/login.html"),
            ("cas-captcha", "cas/captcha.json"),
            ("eams-login", "eams/home.html"),
            ("eams-entry", "eams/entry.html"),
            ("eams-terms", "eams/terms.txt"),
            ("eams-calendar", "eams/calendar.html"),
            ("eams-course", "eams/course.html"),
            ("eams-score", "eams/score.html"),
            ("eams-exam-batches", "eams/exam-batches.html"),
            ("eams-exam", "eams/exam.html"),
            ("eams-plan", "eams/plan.html"),
            ("eams-evaluation", "eams/evaluation.html"),
            ("eams-buildings", "eams/buildings.html"),
            ("eams-rooms", "eams/rooms.html"),
            ("eams-record", "eams/record.html"),
            ("eams-app", "eams/app-table.json"),
            ("zf-login", "jwglxt/login-picture.html"),
            ("zf-weeks", "jwglxt/weeks.json"),
            ("zf-times", "jwglxt/times.json"),
            ("zf-table", "jwglxt/table.json"),
            ("zf-score", "jwglxt/score.json"),
            ("zf-exam", "jwglxt/exam.json"),
            ("zf-plan", "jwglxt/plan.html"),
            ("zf-rooms", "jwglxt/rooms.json"),
            ("zf-buildings", "jwglxt/buildings.json"),
            ("zf-record", "jwglxt/record.json"),
            ("zf-menu", "jwglxt/menu.json"),
            ("zf-slider", "jwglxt/slider-refresh.json"),
        ];
        assert_eq!(pages.len(), KnownPage::value_variants().len());
        for (name, file) in pages {
            let page = KnownPage::from_str(name, false).unwrap();
            let data = data_of(page, &bytes(file)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(data.is_array() || data.is_object(), "{name}");
        }
    }

    #[test]
    fn a_page_that_is_something_else_is_refused_by_every_page() {
        for page in KnownPage::value_variants() {
            let word = |file: &str| data_of(*page, &bytes(file)).unwrap_err().code();
            let login = if *page == KnownPage::VpnLogin { "CAMPUS_DOWN" } else { "SESSION_EXPIRED" };
            assert_eq!(word("vpn/login-page.html"), login, "{page:?}");
            assert_eq!(word("maintenance.gbk.html"), "CAMPUS_DOWN", "{page:?}");
            assert_eq!(word("garbage.html"), "CAMPUS_CHANGED", "{page:?}");
            assert_eq!(data_of(*page, &vec![0; MAX_PAGE_BYTES + 1]), Err(PageError::TooLarge), "{page:?}");
        }
    }

    #[test]
    fn a_page_with_cells_that_are_not_understood_has_an_exit_code_of_its_own() {
        let page = bytes("urp/course-named-weeks.gbk.html");
        let strange = GBK.encode(&GBK.decode(&page).0.replace("单周上课", "隔周上课")).0.into_owned();
        assert_eq!(read_as(KnownPage::UrpCourse, &page).unwrap().unread.len(), 0);
        assert_eq!(read_as(KnownPage::UrpCourse, &strange).unwrap().unread.len(), 1);
    }

    #[test]
    fn a_page_of_several_is_told() {
        assert!(is_part(KnownPage::UrpScore, &bytes("urp/score-two-pages.gbk.html")));
        assert!(is_part(KnownPage::LibraryBorrowing, &bytes("library/borrowing-two-pages.html")));
        assert!(is_part(KnownPage::ZfScore, &bytes("jwglxt/score-page-1.json")));
        assert!(!is_part(KnownPage::ZfScore, &bytes("jwglxt/score.json")));
        assert!(!is_part(KnownPage::ZfRooms, &bytes("jwglxt/rooms.json")));
        assert!(!is_part(KnownPage::ZfExam, &bytes("jwglxt/exam.json")));
        assert!(!is_part(KnownPage::UrpScore, &bytes("urp/score.gbk.html")));
        assert!(!is_part(KnownPage::LibraryBorrowing, &bytes("library/borrowing.html")));
    }

    #[test]
    fn what_the_vpn_answers_to_a_login_can_be_looked_at() {
        let error = data_of(KnownPage::VpnLogin, &bytes("vpn/licence-limit.html")).unwrap_err();
        assert_eq!(error.code(), "CAMPUS_DOWN");
    }

    #[test]
    fn what_the_cas_answers_to_a_login_can_be_looked_at_without_secrets() {
        let page = bytes("cas/login.html");
        let data = data_of(KnownPage::CasLogin, &page).unwrap();
        assert_eq!(data, json!({ "fields": ["lt", "execution", "_eventId", "source"], "captchaWanted": false }));
        let page = String::from_utf8(bytes("cas/wrong-captcha.html")).unwrap();
        let wanted =
            data_of(KnownPage::CasLogin, page.replace("验证码错误\"></span>", "请输入验证码\"></span>").as_bytes());
        assert_eq!(wanted.unwrap()["captchaWanted"], true);
        for (file, code) in [
            ("cas/wrong-password.html", "WRONG_PASSWORD"),
            ("cas/wrong-password-text.html", "WRONG_PASSWORD"),
            ("cas/locked.html", "ACCOUNT_LOCKED"),
            ("cas/wrong-captcha.html", "CAPTCHA_FAILED"),
        ] {
            assert_eq!(data_of(KnownPage::CasLogin, &bytes(file)).unwrap_err().code(), code, "{file}");
        }
        let data = data_of(KnownPage::CasCaptcha, &bytes("cas/captcha.json")).unwrap();
        assert_eq!(data, json!({ "mediaType": "image/jpeg", "bytes": 134 }));
    }

    #[test]
    fn a_jwglxt_record_is_read_in_both_forms_and_a_login_page_with_a_message_is_its_answer() {
        let student = |file: &str| data_of(KnownPage::ZfRecord, &bytes(file)).unwrap()["student"]["number"].clone();
        assert_eq!(student("jwglxt/record.json"), student("jwglxt/record.html"));
        assert_eq!(data_of(KnownPage::ZfRecord, &bytes("jwglxt/record-null.json")), Ok(Value::Null));
        let refused = |file: &str| data_of(KnownPage::ZfLogin, &bytes(file)).unwrap_err().code();
        assert_eq!(refused("jwglxt/login-wrong-password.html"), "WRONG_PASSWORD");
        assert_eq!(refused("jwglxt/login-wrong-captcha.html"), "CAPTCHA_FAILED");
    }

    #[test]
    fn pages_of_jwglxt_with_several_forms_are_read_in_each() {
        let told = |page, file: &str| data_of(page, &bytes(file)).unwrap();
        let names = told(KnownPage::ZfExam, "jwglxt/exam-names.json");
        assert_eq!((&names[0]["systemId"], &names[0]["name"]), (&json!("E7A1"), &json!("2026-2027-1期末考试")));
        assert_eq!(told(KnownPage::ZfExam, "jwglxt/exam-empty.json"), json!([]));
        let plan = told(KnownPage::ZfPlan, "jwglxt/plan-list.html");
        assert_eq!((&plan["plan"]["need"], &plan["counts"]["planned"]), (&json!(160.0), &json!(62)));
        assert_eq!(plan["leaves"][0], "0C51A2F0");
        assert_eq!(told(KnownPage::ZfPlan, "jwglxt/plan-courses.json")[3]["state"], "open");
        let key = told(KnownPage::ZfSlider, "jwglxt/slider-script.js");
        assert_eq!(key, json!({ "rtk": "5d0f7c3a-91b2-4e6d-8c47-2a3b4c5d6e7f" }));
        assert_eq!(told(KnownPage::ZfSlider, "jwglxt/slider-verify.json"), json!({ "verified": true }));
        let refused = data_of(KnownPage::ZfSlider, &bytes("jwglxt/slider-refused.json")).unwrap_err();
        assert_eq!(refused.code(), "CAPTCHA_FAILED");
    }

    #[test]
    fn scores_are_printed_as_the_api_shows_them() {
        let data = data_of(KnownPage::UrpScore, &bytes("urp/score.gbk.html")).unwrap();
        let fields: Vec<_> = data[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["average", "highest", "lowest", "mark", "name", "number", "rank"]);
    }

    #[test]
    fn signals_of_eams_are_told_on_each_of_its_pages() {
        let pages = KnownPage::value_variants().iter();
        let pages =
            pages.filter(|page| page.to_possible_value().is_some_and(|name| name.get_name().starts_with("eams")));
        for page in pages {
            let word = |file: &str| data_of(*page, &bytes(file)).unwrap_err().code();
            assert_eq!(word("eams/session-ended.html"), "SESSION_EXPIRED", "{page:?}");
            assert_eq!(word("eams/too-fast.html"), "CAMPUS_DOWN", "{page:?}");
            assert_eq!(word("eams/duplicate-login.html"), "CAMPUS_DOWN", "{page:?}");
        }
    }

    #[test]
    fn examinations_and_the_plan_are_printed_as_every_system_tells_them() {
        let exams = data_of(KnownPage::EamsExam, &bytes("eams/exam.html")).unwrap();
        let expected = json!({
            "name": "高等数学A(一),下", "code": "", "lesson": "990015010.001", "kind": "期末考试", "batch": "",
            "date": "2027-01-10", "begin": "14:00", "end": "15:50",
            "campus": "", "building": "", "room": "3103", "seat": "27", "state": "set", "note": "",
        });
        assert_eq!(exams[0], expected);
        assert_eq!((&exams[1]["date"], &exams[1]["state"]), (&Value::Null, &json!("unset")));
        let plan = data_of(KnownPage::EamsPlan, &bytes("eams/plan.html")).unwrap();
        assert_eq!((&plan["need"], &plan["checkedAt"]), (&json!(160.0), &json!("2026-09-01 03:10:22")));
        let group = &plan["nodes"][0];
        assert_eq!((&group["rule"], &group["state"]), (&json!("all"), &json!("missing")));
        let course = json!({
            "code": "990015010", "name": "高等数学A(一),下", "credit": "5.5", "score": "78", "state": "passed",
            "compulsory": null,
        });
        assert_eq!(group["nodes"][0]["courses"][0], course);
        let open = data_of(KnownPage::EamsEvaluation, &bytes("eams/evaluation.html"));
        assert_eq!(open, Ok(json!({ "open": 2 })));
        let strange = String::from_utf8(bytes("eams/exam.html")).unwrap().replace("14:00~15:50", "下午");
        assert_eq!(read_as(KnownPage::EamsExam, strange.as_bytes()).unwrap().unread.len(), 1);
    }

    #[test]
    fn a_page_of_eams_that_may_show_nothing_must_show_something() {
        for (page, file) in [
            (KnownPage::EamsTerms, "eams/terms-empty.txt"),
            (KnownPage::EamsCalendar, "eams/home.html"),
            (KnownPage::EamsEvaluation, "eams/home.html"),
        ] {
            assert_eq!(data_of(page, &bytes(file)).unwrap_err().code(), "CAMPUS_CHANGED", "{page:?}");
        }
    }

    #[test]
    fn the_character_set_of_a_saved_page_does_not_matter() {
        let gbk = bytes("urp/course.gbk.html");
        let utf8 = GBK.decode(&gbk).0;
        let marked = ["\u{FEFF}".as_bytes(), utf8.as_bytes()].concat();
        let data = data_of(KnownPage::UrpCourse, &gbk);
        assert!(data.is_ok());
        assert_eq!(data_of(KnownPage::UrpCourse, utf8.as_bytes()), data);
        assert_eq!(data_of(KnownPage::UrpCourse, &marked), data);
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_of_its_own() {
        let args = ParseArgs { page: KnownPage::UrpCourse, file: PathBuf::from("/nowhere/at/all") };
        assert!(read(&args.file).is_err());
        assert_eq!(format!("{:?}", run(&args)), format!("{:?}", ExitCode::FAILURE));
    }
}
