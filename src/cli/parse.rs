//! `wehpu-engine parse`: what the engine reads in a campus page saved to a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use url::Url;

use crate::campus::feed::Link;
use crate::campus::page::{Layer, MAX_PAGE_BYTES, PageEncoding, PageError, Reading, decode_answer};
use crate::campus::vpn::parse::VpnState;
use crate::campus::{bulletin, library, logistics, news, physical, repair, urp, vpn};

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
/// Standard output holds only what the API would put into `data` for that page; it is empty when the file holds another
/// page.
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
        _ => Reading { data: data_of(page, bytes)?, unread: Vec::new() },
    })
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
        KnownPage::UrpCourse | KnownPage::PhysicalScores => read_as(page, bytes)?.data,
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
    })
}

/// A link to a saved page, as far as it can be known. `address` is one of the constants above, so it is valid.
fn at(address: &str) -> Result<Link, PageError> {
    let url = Url::parse(address).map_err(|_| PageError::Changed { page: "saved", missing: "address" })?;
    Ok(Link { url, title: String::new(), date: None })
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
        assert!(!is_part(KnownPage::UrpScore, &bytes("urp/score.gbk.html")));
        assert!(!is_part(KnownPage::LibraryBorrowing, &bytes("library/borrowing.html")));
    }

    #[test]
    fn what_the_vpn_answers_to_a_login_can_be_looked_at() {
        let error = data_of(KnownPage::VpnLogin, &bytes("vpn/licence-limit.html")).unwrap_err();
        assert_eq!(error.code(), "CAMPUS_DOWN");
    }

    #[test]
    fn scores_are_printed_as_the_api_shows_them() {
        let data = data_of(KnownPage::UrpScore, &bytes("urp/score.gbk.html")).unwrap();
        let fields: Vec<_> = data[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["average", "highest", "lowest", "mark", "name", "number", "rank"]);
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
