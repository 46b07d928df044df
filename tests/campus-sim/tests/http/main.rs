//! The simulator over HTTP, as the engine and a person with `curl` see it.

// `cfg(test)` is always true here; it tells clippy that helpers may unwrap.
#[cfg(test)]
mod academic;
#[cfg(test)]
mod bulletin;
#[cfg(test)]
mod cas;
#[cfg(test)]
mod control;
#[cfg(test)]
mod eams;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod feeds;
#[cfg(test)]
mod github;
#[cfg(test)]
mod jwglxt;
#[cfg(test)]
mod library;
#[cfg(test)]
mod logistics;
#[cfg(test)]
mod news;
#[cfg(test)]
mod physical;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod support;
#[cfg(test)]
mod urp;
#[cfg(test)]
mod vpn;
#[cfg(test)]
mod wechat;
