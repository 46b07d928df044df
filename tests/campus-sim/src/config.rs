//! Settings of a simulator.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// Settings of a simulator; the default suits a test: any free port, 400 students.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Address to listen on; port 0 takes a free one.
    pub bind: SocketAddr,
    /// How many ready-made students there are.
    pub students: usize,
    /// The same seed makes the same students, tables and books.
    pub seed: u64,
    /// Sessions of the campus systems end when they were not used for this long.
    pub session_ttl: Duration,
    /// Host name of the academic system behind the VPN.
    pub urp_host: String,
    /// Host name of the bulletin board behind the VPN.
    pub bulletin_host: String,
    /// Host name by which the CAS is called; under another one it does not answer.
    pub cas_host: String,
    /// Host name by which EAMS and jwglxt are called. It differs from the CAS's, so that cookies and redirects cross hosts as in life.
    pub academic_host: String,
    /// The only mini-program `WeChat` knows.
    pub wechat_app_id: String,
    /// Its secret.
    pub wechat_app_secret: String,
    /// The token that may create issues.
    pub github_token: String,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            students: 400,
            seed: 2017,
            session_ttl: Duration::from_mins(30),
            urp_host: "218.196.240.97".to_owned(),
            bulletin_host: "218.196.240.155".to_owned(),
            cas_host: "localhost".to_owned(),
            academic_host: "127.0.0.1".to_owned(),
            wechat_app_id: "wx-sim-appid".to_owned(),
            wechat_app_secret: "wx-sim-secret".to_owned(),
            github_token: "sim-github-token".to_owned(),
        }
    }
}
