//! The service under test: replicas in this process, each with a socket of its own, on one database and one simulator.

use std::{
    net::SocketAddr,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Mutex,
    time::Duration,
};

use campus_sim::{CampusSim, SimConfig};
use futures_util::FutureExt;
use reqwest::{Client, Method, RequestBuilder, header::AUTHORIZATION};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wehpu_engine::{
    app::{App, AppState},
    clock::Clock,
    http,
    readthrough::each,
    store::{coherence, wait_for_primary},
};

use super::{Answer, PATIENCE, SchoolFile, Settings, Student, TestDatabase, eventually, raw, raw_cut_off};

/// Writes the profile of a school that a simulator plays.
type Profile = Box<dyn FnOnce(&CampusSim) -> String>;

/// What a test needs.
pub struct Setup {
    replicas: usize,
    migrated: bool,
    clock: Clock,
    profile: Option<Profile>,
    change: Box<dyn FnOnce(&mut Settings)>,
}

/// One replica, a migrated database, and a fixed clock.
pub fn setup() -> Setup {
    Setup { replicas: 1, migrated: true, clock: Clock::fixed(morning()), profile: None, change: Box::new(|_| {}) }
}

/// Ten o'clock (UTC) on the day after tomorrow: no rate limit's window ends soon, and no document is old enough for
/// MongoDB's TTL indexes, which use the real time, to remove it.
fn morning() -> chrono::DateTime<chrono::Utc> {
    const DAY: i64 = 86_400;
    let today = Clock::system().unix() / DAY * DAY;
    chrono::DateTime::from_timestamp(today + 2 * DAY + 10 * 3600, 0).unwrap()
}

impl Setup {
    /// Starts this many replicas.
    pub fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// Leaves the database empty and starts no replica.
    pub fn empty_database(self) -> Self {
        Self { replicas: 0, migrated: false, ..self }
    }

    /// Uses another clock.
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// At this school, as the simulator plays it.
    pub fn school(self, id: &'static str) -> Self {
        self.profile(move |sim| sim.profile(id).unwrap())
    }

    /// At the school of this profile.
    pub fn profile(self, profile: impl FnOnce(&CampusSim) -> String + 'static) -> Self {
        Self { profile: Some(Box::new(profile)), ..self }
    }

    /// Changes the settings.
    pub fn settings(self, change: impl FnOnce(&mut Settings) + 'static) -> Self {
        Self { change: Box::new(change), ..self }
    }

    /// Sets everything up, runs the test, and clears everything away, whether or not the test fails.
    pub async fn run(self, test: impl AsyncFnOnce(&TestApp)) {
        let app = Box::pin(TestApp::start(self)).await;
        let outcome = AssertUnwindSafe(Box::pin(test(&app))).catch_unwind().await;
        let unexpected = app.sim.unexpected_requests();
        app.end(outcome.is_ok()).await;
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        assert!(unexpected.is_empty(), "the simulator got requests it does not know: {unexpected:#?}");
    }
}

/// One running instance of the service.
#[derive(Clone)]
pub struct Replica {
    /// Its application state.
    pub app: AppState,
    /// `http://address:port`.
    pub url: String,
    /// The same address for sockets.
    pub addr: SocketAddr,
}

/// Everything a test can use.
pub struct TestApp {
    /// The simulated campus and other outside systems.
    pub sim: CampusSim,
    /// The time of all replicas.
    pub clock: Clock,
    /// The database.
    pub db: TestDatabase,
    /// The settings of all replicas.
    pub settings: Settings,
    /// The replicas started at the beginning.
    pub replicas: Vec<Replica>,
    client: Client,
    running: Mutex<Vec<(AppState, JoinHandle<()>)>>,
    _profile: Option<SchoolFile>,
}

impl TestApp {
    async fn start(setup: Setup) -> Self {
        let db = if setup.migrated { TestDatabase::migrated(&setup.clock).await } else { TestDatabase::create().await };
        let sim = CampusSim::start(SimConfig::default()).await.unwrap();
        let mut settings = Settings::new(&db.uri(), &sim);
        let profile = setup.profile.map(|profile| SchoolFile::write(&profile(&sim)));
        if let Some(file) = &profile {
            settings.at_school(file.path());
        }
        (setup.change)(&mut settings);
        let mut app = Self {
            sim,
            clock: setup.clock,
            db,
            settings,
            replicas: Vec::new(),
            client: client(),
            running: Mutex::default(),
            _profile: profile,
        };
        for _ in 0..setup.replicas {
            let replica = app.start_replica(|_| {}).await;
            app.replicas.push(replica);
        }
        app
    }

    /// Starts another replica; `change` changes its settings.
    pub async fn start_replica(&self, change: impl FnOnce(&mut Settings)) -> Replica {
        let mut settings = self.settings.clone();
        change(&mut settings);
        let app = App::new(settings.config(), self.clock.clone()).await.unwrap();
        // Waits for the primary, if there is one: another member that answers first may lag behind.
        let _ = wait_for_primary(&app.store, Duration::ZERO).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = http::router(app.clone());
        let following = app.clone();
        let told_at = coherence::listen(settings.config().listen.engines).await.unwrap();
        let serving = tokio::spawn(async move {
            tokio::select! {
                () = http::listener::serve(listener, router, CancellationToken::new()) => {}
                never = following.revoked.follow() => match never {},
                never = following.store.coherence.follow(&told_at) => match never {},
            }
        });
        let leased = async || (app.store.coherence.is_leased() || !app.store.coherence.is_on()).then_some(());
        eventually("the replica keeps what it reads", leased).await;
        self.running.lock().unwrap().push((app.clone(), serving));
        Replica { app, url: format!("http://{addr}"), addr }
    }

    /// A request to the first replica, without a token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_at(&self.replicas[0].url, method, path)
    }

    /// A request to the service at `base`.
    pub fn request_at(&self, base: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{base}{path}"))
    }

    /// `GET path` without a token.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// `GET path` with this whole `Authorization` header.
    pub async fn get_as(&self, authorization: &str, path: &str) -> Answer {
        let request = self.request(Method::GET, path).header(AUTHORIZATION, authorization);
        Answer::of(request.send().await.unwrap()).await
    }

    /// `POST path` with a form, without a token.
    pub async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(Method::POST, path).form(fields).send().await.unwrap()).await
    }

    /// `POST path` with JSON, without a token.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body).send().await.unwrap()).await
    }

    /// Sends exactly these bytes to the first replica.
    pub async fn raw(&self, request: &[u8]) -> Answer {
        let (status, headers, body) = raw(self.replicas[0].addr, request).await;
        Answer::check(status, headers, &body)
    }

    /// Sends the beginning of a request to the first replica, then nothing more.
    pub async fn raw_cut_off(&self, beginning: &[u8]) -> Answer {
        let (status, headers, body) = raw_cut_off(self.replicas[0].addr, beginning).await;
        Answer::check(status, headers, &body)
    }

    /// Logs this WeChat user in at the first replica with a new code.
    pub async fn log_in(&self, open_id: &str) -> Answer {
        self.post_form("/api/login", &[("code", &self.sim.wechat_code(open_id))]).await
    }

    /// The simulator's student with this index, logged in, not bound.
    pub async fn student(&self, index: usize) -> Student<'_> {
        Student::log_in(self, &format!("oWxTest{index:021}"), self.sim.student_at(index)).await
    }

    /// The simulator's student with this index, logged in and bound; the index counts from zero.
    pub async fn bound(&self, index: usize) -> Student<'_> {
        let student = self.student(index).await;
        student.bind().await;
        self.sim.reset_counts();
        student
    }

    /// The collections of student data.
    pub fn student_collections(&self) -> Vec<String> {
        let kinds = each(&self.replicas[0].app.store.student_data);
        kinds.map(|kind| kind.stored.collection().to_owned()).into()
    }

    /// How many requests the campus got since the last reset: to the VPN, and through it to the URP.
    pub fn campus_requests(&self) -> u64 {
        self.sim.count(campus_sim::System::Vpn) + self.sim.count(campus_sim::System::Urp)
    }

    /// Waits until no replica has background work left.
    pub async fn idle(&self) {
        let nothing_left = async || {
            let running = self.running.lock().unwrap();
            running.iter().all(|(app, _)| app.tasks.is_empty()).then_some(())
        };
        eventually("background work has ended", nothing_left).await;
    }

    /// Moves the clock past the freshness of a course table, after every member has the stored data.
    pub async fn next_day(&self) {
        self.db.replicated().await;
        self.clock.advance(Duration::from_hours(25));
    }

    async fn end(self, passed: bool) {
        // Without the campus, background work ends soon; until then somebody may still write to the database.
        drop(self.sim);
        let running = self.running.into_inner().unwrap();
        for (app, serving) in &running {
            serving.abort();
            app.tasks.close();
        }
        let mut silent = true;
        for (app, _) in &running {
            silent &= tokio::time::timeout(Duration::from_secs(5), app.tasks.wait()).await.is_ok();
        }
        self.db.end(passed && silent).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a client that plays the students, not one of the service")]
fn client() -> Client {
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}
