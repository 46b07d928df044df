//! `wehpu-engine serve`: one replica, from start to drain.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use futures_util::FutureExt;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::Failure;
use crate::{
    app::{App, AppState},
    clock::Clock,
    config::Config,
    http::{self, admin::Readiness},
    shutdown::{Shutdown, metrics_upkeep},
    store::migrations::{self, MigrationError},
    telemetry,
};

/// How often the database is asked whether it is there.
const WATCH: Duration = Duration::from_secs(1);

/// Longest wait for its answer.
const WATCH_PATIENCE: Duration = Duration::from_secs(3);

pub async fn run() -> Result<(), Failure> {
    let config = Config::read(super::environment()?)?;
    let metrics = telemetry::init_metrics()?;
    let listen = config.listen.clone();
    let app = App::new(config, Clock::system()).await?;
    let readiness = Readiness::default();
    let shutdown = Shutdown::new()?;

    let api = bind(listen.bind, "WEHPU_BIND_ADDR").await?;
    let admin = bind(listen.admin, "WEHPU_ADMIN_ADDR").await?;
    tracing::info!(api = %listen.bind, admin = %listen.admin, version = env!("CARGO_PKG_VERSION"), "listening");

    let mut parts: JoinSet<&'static str> = JoinSet::new();
    // The admin listener outlives the public one: it says «draining» to the end.
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
    let watched = (app.clone(), readiness.clone());
    parts.spawn(async move {
        match watch_database(&watched.0, &watched.1).await {
            Err(error) => tracing::error!(%error, "the schema does not fit this version; run `wehpu-engine migrate`"),
        }
        "database watch"
    });
    // Ends when it was told to stop and its connections have finished; a panic in it is in the log.
    let served = tokio::spawn(serve(api, http::router(app.clone()), shutdown.stop.clone())).map(|_| ()).shared();
    let part_ended = async {
        tokio::select! {
            part = parts.join_next() => part.and_then(Result::ok).unwrap_or("a background task"),
            () = served.clone() => "public listener",
        }
    };

    shutdown.supervise(&readiness, &app.tasks, part_ended, served.clone()).await?;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(addr: SocketAddr, variable: &str) -> Result<TcpListener, String> {
    TcpListener::bind(addr).await.map_err(|e| format!("{variable}: cannot listen on {addr}: {e}"))
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    // `axum::serve` does not fail: errors of single connections are theirs.
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let _ = axum::serve(listener, service).with_graceful_shutdown(async move { stop.cancelled().await }).await;
}

/// Keeps readiness up to date. Waits for the database as long as it takes; ends only when the schema is behind.
async fn watch_database(app: &AppState, readiness: &Readiness) -> Result<std::convert::Infallible, MigrationError> {
    let mut every = tokio::time::interval(WATCH);
    loop {
        every.tick().await;
        let reachable = matches!(tokio::time::timeout(WATCH_PATIENCE, app.store.ping()).await, Ok(Ok(())));
        readiness.set_database(reachable);
        if reachable && !readiness.is_migrated() && is_migrated(app).await? {
            readiness.set_migrated();
            tracing::info!("ready");
            app.tasks.spawn(app.objects.clone().sweep());
        }
    }
}

/// Whether the schema is current; `false` when the database cannot tell at the moment.
async fn is_migrated(app: &AppState) -> Result<bool, MigrationError> {
    match migrations::status(app.store.database()).await {
        Ok(records) => match records.into_iter().find(|record| record.applied_at.is_none()) {
            Some(record) => Err(MigrationError::Behind(record.id)),
            None => Ok(true),
        },
        Err(MigrationError::Store(error)) => {
            tracing::info!(%error, "waiting for the database");
            Ok(false)
        }
        Err(e) => Err(e),
    }
}
