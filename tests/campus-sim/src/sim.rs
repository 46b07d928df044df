//! The simulator's state, and everything a test can do to it.

mod academic;

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Notify;

use crate::config::SimConfig;
use crate::counts::{Counter, Counts};
use crate::faults::{Fault, Faults};
use crate::feeds::Feeds;
use crate::outbox::{Issue, Outbox, Sent};
use crate::student::Student;
use crate::system::System;
use crate::systems::{self, vpn, wechat};
use crate::world::{Book, World, invent_feeds, lock};

/// The state of a simulator. Cheap to clone; all clones are one simulator.
#[derive(Debug, Clone)]
pub struct Sim(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: SimConfig,
    world: World,
    faults: Mutex<Faults>,
    faults_changed: Notify,
    counter: Counter,
    outbox: Outbox,
    feeds: Mutex<Feeds>,
    systems: systems::States,
}

impl Sim {
    pub(crate) fn new(config: SimConfig) -> Self {
        let world = World::new(config.seed, config.students);
        let feeds = Mutex::new(invent_feeds(config.seed));
        let systems = systems::States::new(&config);
        Self(Arc::new(Inner {
            config,
            world,
            faults: Mutex::default(),
            faults_changed: Notify::new(),
            counter: Counter::default(),
            outbox: Outbox::default(),
            feeds,
            systems,
        }))
    }

    pub(crate) fn config(&self) -> &SimConfig {
        &self.0.config
    }

    pub(crate) fn world(&self) -> &World {
        &self.0.world
    }

    pub(crate) fn faults(&self) -> &Mutex<Faults> {
        &self.0.faults
    }

    /// Tells the requests that are held when faults were set or cleared.
    pub(crate) fn faults_changed(&self) -> &Notify {
        &self.0.faults_changed
    }

    pub(crate) fn counter(&self) -> &Counter {
        &self.0.counter
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }

    pub(crate) fn feeds(&self) -> &Mutex<Feeds> {
        &self.0.feeds
    }

    pub(crate) fn systems(&self) -> &systems::States {
        &self.0.systems
    }

    /// Modulus of the VPN's key, upper-case hexadecimal; the exponent is [`crate::RSA_EXPONENT`].
    #[must_use]
    pub fn rsa_modulus_hex(&self) -> &'static str {
        vpn::RSA_MODULUS_HEX
    }

    // Students

    /// The ready-made student with this index: number `311509` and six digits.
    #[must_use]
    pub fn student_at(&self, index: usize) -> Student {
        let number = World::number_of(index);
        self.0.world.student(&number).unwrap_or_else(|| self.0.world.invent(&number))
    }

    /// The student with this number.
    #[must_use]
    pub fn student(&self, number: &str) -> Option<Student> {
        self.0.world.student(number)
    }

    /// A complete student invented for this number, not yet added.
    #[must_use]
    pub fn invent_student(&self, number: &str) -> Student {
        self.0.world.invent(number)
    }

    /// Up to `limit` students after the first `offset`.
    #[must_use]
    pub fn students(&self, offset: usize, limit: usize) -> Vec<Student> {
        self.0.world.students(offset, limit).collect()
    }

    /// Adds a student, or puts him in the place of the one with the same number.
    pub fn put_student(&self, student: Student) {
        self.0.world.put(student);
    }

    /// Changes a student.
    ///
    /// # Panics
    /// When there is no student with this number.
    pub fn edit_student(&self, number: &str, change: impl FnOnce(&mut Student)) {
        assert!(self.0.world.edit(number, change), "there is no student {number}");
    }

    /// Removes a student. Sessions he has are answered with the login page from then on.
    ///
    /// # Panics
    /// When there is no student with this number.
    pub fn remove_student(&self, number: &str) {
        assert!(self.0.world.remove(number), "there is no student {number}");
    }

    /// Changes the password a student has at the VPN, the academic systems, the CAS or the library.
    ///
    /// # Panics
    /// When there is no such student, or the system has no password of its own.
    pub fn set_password(&self, number: &str, system: System, password: &str) {
        self.edit_student(number, |student| match system {
            System::Vpn => password.clone_into(&mut student.vpn_password),
            System::Urp => password.clone_into(&mut student.urp_password),
            System::Cas => password.clone_into(&mut student.cas_password),
            System::Eams => password.clone_into(&mut student.eams_password),
            System::Jwglxt => password.clone_into(&mut student.zf_password),
            System::Library => password.clone_into(&mut student.library_password),
            other => panic!("{other} has no password of its own"),
        });
    }

    /// Removes all rows of a student's course table.
    ///
    /// # Panics
    /// When there is no student with this number.
    pub fn clear_courses(&self, number: &str) {
        self.edit_student(number, |student| student.courses.clear());
    }

    /// Removes all scores of a student.
    ///
    /// # Panics
    /// When there is no student with this number.
    pub fn clear_scores(&self, number: &str) {
        self.edit_student(number, |student| student.scores.clear());
    }

    /// Books of the library whose title contains `words`.
    #[must_use]
    pub fn find_books(&self, words: &str) -> Vec<Book> {
        self.0.world.find_books(words)
    }

    // Faults

    /// Has a system misbehave, in place of the fault set for the same system and operation.
    ///
    /// # Panics
    /// When the fault makes no sense for that system, as `errcode` elsewhere than at `WeChat`.
    pub fn set_fault(&self, system: System, fault: Fault) {
        if let Err(why) = self.try_set_fault(system, fault) {
            panic!("{why}");
        }
    }

    pub(crate) fn try_set_fault(&self, system: System, fault: Fault) -> Result<(), String> {
        fault.check(system)?;
        if fault.times != Some(0) {
            lock(&self.0.faults).set(system, fault);
            self.0.faults_changed.notify_waiters();
        }
        Ok(())
    }

    /// Has one system behave again.
    pub fn clear_fault(&self, system: System) {
        lock(&self.0.faults).clear(Some(system));
        self.0.faults_changed.notify_waiters();
    }

    /// Has all systems behave again. Requests that are held are answered, those that hang go on hanging.
    pub fn clear_faults(&self) {
        lock(&self.0.faults).clear(None);
        self.0.faults_changed.notify_waiters();
    }

    // Counts

    /// Requests a system got since the last reset.
    #[must_use]
    pub fn count(&self, system: System) -> u64 {
        self.0.counter.of(system.name())
    }

    /// Requests to one operation (`urp.course`), or logins with one outcome (`urp.login.wrong_captcha`).
    #[must_use]
    pub fn count_of(&self, name: &str) -> u64 {
        self.0.counter.of(name)
    }

    /// Waits until there were `count` requests (or outcomes) of that name since the last reset.
    pub async fn wait_for(&self, name: &str, count: u64) {
        self.0.counter.reached(name, count).await;
    }

    /// Most requests of a system that were under way at the same time.
    #[must_use]
    pub fn peak(&self, system: System) -> usize {
        self.0.counter.snapshot().systems.get(system.name()).map_or(0, |counts| counts.peak)
    }

    /// Everything counted.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0.counter.snapshot()
    }

    /// Starts counting from zero.
    pub fn reset_counts(&self) {
        self.0.counter.reset();
    }

    /// Requests to paths nobody answers, as `METHOD /path?query`.
    #[must_use]
    pub fn unexpected_requests(&self) -> Vec<String> {
        self.0.counter.snapshot().unexpected
    }

    /// For the end of a test.
    ///
    /// # Panics
    /// When a request came that no system answers.
    pub fn assert_no_unexpected_traffic(&self) {
        let unexpected = self.unexpected_requests();
        assert!(unexpected.is_empty(), "the simulator got requests it does not know: {unexpected:#?}");
    }

    // Sessions and captchas

    /// Ends the sessions of one system, or of all. Those of the academic system (URP) end without the VPN's around them;
    /// those of the CAS are its ticket cookies.
    pub fn expire_sessions(&self, system: Option<System>) {
        self.0.systems.expire_sessions(system);
    }

    /// The next `count` captcha answers are called wrong even when they are right.
    pub fn reject_captchas(&self, count: u32) {
        self.0.systems.urp.reject_captchas(count);
    }

    /// What the captcha says that was last shown to this VPN session (the value of its `TWFID` cookie).
    #[must_use]
    pub fn captcha_answer(&self, vpn_session: &str) -> Option<String> {
        self.0.systems.vpn.sessions.with(vpn_session, |session| session.urp.captcha.clone())?
    }

    // WeChat

    /// A fresh code for `wx.login` of this user: single use, five minutes.
    #[must_use]
    pub fn wechat_code(&self, openid: &str) -> String {
        self.0.systems.wechat.mint_code(openid)
    }

    /// A user's profile as the client would send it along with this code, encrypted under the session key the code
    /// stands for, with the watermark `WeChat` adds.
    #[must_use]
    pub fn wechat_encrypt(&self, code: &str, profile: &Value) -> wechat::Encrypted {
        wechat::encrypt(&self.0.config, code, profile)
    }

    /// The session key a code yields, base64; for tests of the encryption itself.
    #[must_use]
    pub fn wechat_session_key(&self, code: &str) -> String {
        wechat::session_key(&self.0.config, code)
    }

    /// Access tokens handed out so far are answered with 42001.
    pub fn expire_access_tokens(&self) {
        self.0.systems.wechat.expire_access_tokens();
    }

    /// How many messages of a template a user still accepts: `None` = any number, which is the default.
    pub fn set_subscription(&self, openid: &str, template_id: &str, count: Option<u32>) {
        self.0.systems.wechat.set_subscription(openid, template_id, count);
    }

    // GitHub

    /// Puts an issue in the place of the one with the same number. Every repository starts with issue 5, a list of
    /// donations.
    pub fn put_issue(&self, issue: Issue) {
        self.0.systems.github.put(issue);
    }

    // What was sent

    /// Messages, text checks, issues and repair orders that were accepted.
    #[must_use]
    pub fn sent(&self) -> Sent {
        self.0.outbox.snapshot()
    }

    /// Forgets what was sent.
    pub fn clear_sent(&self) {
        self.0.outbox.clear();
    }
}
