//! `wehpu-engine healthcheck`: readiness as an exit code, for images that have no shell and no curl.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use url::Url;

use super::Failure;
use crate::{config, outbound::Inside};

/// Ask whether a service is ready (exit code 0: yes).
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask this address instead of the engine's /readyz; any 2xx answer is healthy
    #[arg(long)]
    url: Option<Url>,
    /// Longest wait, in seconds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout: u64,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let url = if let Some(url) = args.url {
        url
    } else {
        let mut addr = config::read_admin_addr(config::environment()?)?;
        if addr.ip().is_unspecified() {
            addr.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        Url::parse(&format!("http://{addr}/readyz"))?
    };
    let status =
        Inside::new(Duration::from_secs(args.timeout))?.get(url.as_str()).await.map_err(|e| format!("{url}: {e}"))?;
    if !(200..300).contains(&status) {
        return Err(format!("{url}: answered {status}").into());
    }
    println!("{url}: healthy");
    Ok(())
}
