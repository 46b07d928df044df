//! `wehpu-engine serve`: one replica, from start to drain.

use std::{convert::Infallible, time::Duration};

use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    accounts::retention,
    app::App,
    clock::Clock,
    config::Config,
    http::{self, listener::serve},
    service::{Readiness, Shutdown, bind, metrics_upkeep, watch_database},
    store::coherence,
    telemetry,
};

/// How often files are tidied up and measured, and the database's disk is measured.
const UPKEEP: Duration = Duration::from_mins(5);

/// Longest wait for leaving the list of engines.
const LEAVE: Duration = Duration::from_secs(2);

/// The periodic work of every replica. Never ends.
async fn upkeep(app: &App) -> Infallible {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        every.tick().await;
        // Spawned as tasks, so that a shutdown waits for a removal that has begun.
        let _ = app.tasks.spawn(app.objects.clone().tidy()).await;
        if let Err(error) = app.store.measure_disk().await {
            tracing::warn!(%error, "the database's disk could not be measured");
        }
    }
}

pub async fn run() -> Result<(), Failure> {
    let config = Config::read(super::environment()?)?;
    let metrics = telemetry::init_metrics()?;
    let (listen, clock) = (config.listen.clone(), Clock::off_by(config.clock_offset));
    let outdated = config.school.outdated(clock.campus_date());
    for warning in config.warnings.iter().chain(&outdated) {
        tracing::warn!(warning, "odd setting");
    }
    let app = App::new(config, clock).await?;
    let readiness = Readiness::default();
    let shutdown = Shutdown::new()?;

    let api = bind(listen.bind, "WEHPU_BIND_ADDR").await?;
    let admin = bind(listen.admin, "WEHPU_ADMIN_ADDR").await?;
    let told_at = coherence::listen(listen.engines)
        .await
        .map_err(|e| format!("WEHPU_ENGINES_ADDR: cannot listen on {}: {e}", listen.engines))?;
    tracing::info!(api = %listen.bind, admin = %listen.admin, version = env!("CARGO_PKG_VERSION"), "listening");

    let mut parts: JoinSet<&'static str> = JoinSet::new();
    // The admin listener outlives the public one: it answers «draining» to the end.
    let admin_router = http::admin::router(readiness.clone(), metrics.clone());
    parts.spawn(async move {
        serve(admin, admin_router, CancellationToken::new()).await;
        "admin listener"
    });
    parts.spawn(async move {
        metrics_upkeep(metrics).await;
        "metrics upkeep"
    });
    let following = app.clone();
    parts.spawn(async move { match following.revoked.follow().await {} });
    let following = app.clone();
    parts.spawn(async move { match following.terms.follow().await {} });
    let (keeping, stop) = (app.clone(), shutdown.stop.clone());
    parts.spawn(async move { match retention::follow(keeping, stop).await {} });
    let current = CancellationToken::new();
    let remembering = (app.clone(), current.clone());
    parts.spawn(async move {
        let (app, current) = remembering;
        current.cancelled().await;
        match app.store.coherence.follow(&told_at).await {}
    });
    let kept = (app.clone(), current.clone());
    parts.spawn(async move {
        let (app, current) = kept;
        current.cancelled().await;
        match upkeep(&app).await {}
    });
    let watched = (app.clone(), readiness.clone());
    parts.spawn(async move {
        let (app, readiness) = watched;
        match watch_database(&app.store, &readiness, || current.cancel()).await {
            Err(error) => tracing::error!(%error, "the schema does not fit this version; run `wehpu-engine migrate`"),
        }
        "database watch"
    });
    // Ends when it is told to stop and its connections have finished; a panic in it is logged.
    let served = tokio::spawn(serve(api, http::router(app.clone()), shutdown.stop.clone())).map(|_| ()).shared();
    let part_ended = async {
        tokio::select! {
            part = parts.join_next() => part.and_then(Result::ok).unwrap_or("a background task"),
            () = served.clone() => "public listener",
        }
    };

    shutdown.supervise(&readiness, &app.tasks, part_ended, served.clone()).await?;
    // An engine that is gone without leaving would cost the next write a second.
    let _ = tokio::time::timeout(LEAVE, app.store.coherence.leave()).await;
    tracing::info!("stopped");
    Ok(())
}
