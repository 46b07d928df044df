//! The fault «slow way to a secondary»: engines and other members reach a secondary only over a slow and lossy line.
//!
//! They know it by its name, which Docker's name server tells them. For the time of the fault that name belongs to a
//! relay ([`crate::relay`]), and the member has another one that only the relay knows: no container of the stack is
//! changed or restarted. What the member itself asks of the others (it copies from the primary) goes the direct way.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::{
    Failure,
    bench::{Bench, ENGINES},
    fault::Struck,
    relay::Carried,
    stack::{MEMBERS, Stack, docker},
};

/// How bad the line is: a bad link to another continent, or an overloaded one nearby. In milliseconds for each
/// direction, and in percent.
const DELAY: &str = "200";
const LOSS: &str = "5";

/// How long the line is bad, in seconds.
const TIME: &str = "30";

/// How long the member is away first. Its direct connections are not refused, but fall silent; if it had the same address
/// again soon they would go on. After this time everybody has given them up: engines after 3 s (`HEARTBEAT` and
/// `CONNECT` in `src/store/mod.rs`), members after 2 s (`HEARTBEAT_TIMEOUT` in `src/store/replset.rs`).
const AWAY: Duration = Duration::from_secs(5);

/// Those who must have come through the relay: all engines and the other members. The spider may come, too.
const CALLERS: usize = ENGINES + MEMBERS.len() - 1;

/// Name of the relay's container; `docker/cluster-test.sh` removes it after a run that was cut off.
fn container(stack: &Stack) -> String {
    format!("{}-relay", stack.network("data"))
}

/// Makes the way to `member` slow and lossy for a while, then direct again.
///
/// # Errors
/// When Docker fails, or not everybody came through the relay.
pub async fn slow_way(bench: &Bench, member: &str) -> Result<Struck, Failure> {
    let stack = &bench.stack;
    let struck = Struck::by(stack.cut(member)).await?;
    let carried = through_relay(stack, member, Instant::now() + AWAY).await;
    // However that went, the member gets its name back.
    let _ = docker(&["rm", "--force", &container(stack)]).await;
    let _ = stack.cut(member).await;
    stack.plug(member).await?;
    let carried = carried?;
    if carried.callers.len() < CALLERS || carried.lost == 0 {
        return Err(format!("the line was not used by all, or lost nothing: {carried:?}").into());
    }
    Ok(struck)
}

/// Starts the relay under the name of `member`, connects the member under another name at `back`, and waits for the end
/// of the relay.
async fn through_relay(stack: &Stack, member: &str, back: Instant) -> Result<Carried, Failure> {
    let image = std::env::var("WEHPU_MONGO_IMAGE");
    // Any image with a C library will do.
    let image = image.map_err(|_| "WEHPU_MONGO_IMAGE is not set: start this with make cluster-test")?;
    let program = format!("{}:/cluster-test:ro", std::env::current_exe()?.to_string_lossy());
    let (name, network, hidden) = (container(stack), stack.network("data"), format!("{member}-behind-relay"));
    let target = format!("{hidden}:27017");
    let _ = docker(&["rm", "--force", &name]).await;
    let mut run = vec!["run", "--detach", "--name", &name, "--network", &network, "--network-alias", member];
    // As the members: a name that Docker does not know yet is not looked for outside for long.
    run.extend(["--dns-option", "timeout:1", "--dns-option", "attempts:1"]);
    run.extend(["--entrypoint", "/cluster-test", "--volume", &program, &image]);
    run.extend(["relay", "--to", &target, "--seconds", TIME, "--delay", DELAY, "--loss", LOSS]);
    docker(&run).await?;
    sleep_until(back).await;
    stack.plug_as(member, &hidden).await?;
    let status = docker(&["wait", &name]).await?;
    let said = docker(&["logs", &name]).await?;
    if status != "0" {
        return Err(format!("the relay ended with {status}").into());
    }
    Ok(serde_json::from_str(said.lines().last().unwrap_or_default())?)
}
