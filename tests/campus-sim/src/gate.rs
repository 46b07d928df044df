//! The gate that every request to a system passes: it counts the request and applies the faults.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::call::{Call, Wire};
use crate::counts::UnderWay;
use crate::faults::{Fault, Mode};
use crate::page;
use crate::rng::Rng;
use crate::sim::Sim;
use crate::system::Operation;
use crate::world::lock;

/// A request that was let through, with what its handler must heed.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    /// Treat every session as expired.
    pub(crate) expired: bool,
    /// Show the table without rows.
    pub(crate) empty: bool,
    /// Answer with this error code.
    pub(crate) errcode: Option<i64>,
    /// Answer 500, the session has ended.
    pub(crate) dead: bool,
    /// Say this in place of what was asked for.
    pub(crate) says: Option<String>,
    /// How the system misbehaves, if it does.
    struck: Option<Mode>,
    /// How the form of the answer differs.
    forms: Vec<Fault>,
    _under_way: UnderWay<'a>,
}

impl Visit<'_> {
    /// Whether the system is to misbehave in this way.
    pub(crate) fn is_struck(&self, mode: Mode) -> bool {
        self.struck == Some(mode)
    }

    /// The change of the answer's form of this mode, if there is one.
    pub(crate) fn form(&self, mode: Mode) -> Option<&Fault> {
        self.forms.iter().find(|fault| fault.mode == mode)
    }
}

/// The answer to a request that was not let through.
#[derive(Debug)]
pub(crate) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl Sim {
    /// Counts a request and lets the fault that is set strike it.
    pub(crate) async fn admit(&self, operation: Operation, wire: &Wire) -> Result<Visit<'_>, Refused> {
        let under_way = self.counter().begin(operation);
        let (fault, forms) = {
            let mut faults = lock(self.faults());
            (faults.take(operation), faults.take_forms(operation))
        };
        if let Some(fault) = &fault {
            self.strike(fault, operation, wire).await?;
        }
        let is = |mode| fault.as_ref().is_some_and(|fault| fault.mode == mode);
        Ok(Visit {
            expired: is(Mode::Expired) || is(Mode::Dead),
            dead: is(Mode::Dead),
            says: fault.as_ref().and_then(|fault| fault.text.clone()),
            empty: is(Mode::Empty),
            errcode: fault.as_ref().and_then(|fault| fault.errcode),
            struck: fault.map(|fault| fault.mode),
            forms,
            _under_way: under_way,
        })
    }

    /// For a request that another system will count: it is counted here only if it gets no further than this one.
    /// Answers whether sessions are to be treated as expired.
    pub(crate) async fn pass_on(&self, operation: Operation, wire: &Wire) -> Result<bool, Refused> {
        let fault = lock(self.faults()).take(operation);
        match fault {
            None => Ok(false),
            Some(fault) if matches!(fault.mode, Mode::Expired | Mode::Dead) => Ok(true),
            Some(fault) => {
                let goes_on = matches!(fault.mode, Mode::Slow | Mode::Hold);
                let _under_way = (!goes_on).then(|| self.counter().begin(operation));
                self.strike(&fault, operation, wire).await?;
                Ok(false)
            }
        }
    }

    /// What a fault does before, or in place of, the system's own answer.
    async fn strike(&self, fault: &Fault, operation: Operation, wire: &Wire) -> Result<(), Refused> {
        match fault.mode {
            Mode::Slow => {
                tokio::time::sleep(Duration::from_millis(fault.millis.unwrap_or(0))).await;
                Ok(())
            }
            Mode::Hang => std::future::pending().await,
            Mode::Hold => {
                self.let_go(operation).await;
                Ok(())
            }
            Mode::Drop => {
                wire.cut();
                std::future::pending().await
            }
            Mode::NotFound => Err(page::not_found().into()),
            Mode::ServerError => Err(page::server_error().into()),
            Mode::Garbage => {
                let mut noise = vec![0; 3000];
                Rng::unrepeatable().fill(&mut noise);
                Err(page::bytes("text/html", noise).into())
            }
            Mode::Maintenance => Err(page::maintenance(operation.system).into()),
            // The rest is the handler's to heed.
            _ => Ok(()),
        }
    }

    /// Ends as soon as requests of this operation are held no more.
    async fn let_go(&self, operation: Operation) {
        loop {
            // Asked for before looking, so that a change in between is not missed.
            let changed = self.faults_changed().notified();
            let held = lock(self.faults()).holds(operation);
            if !held {
                return;
            }
            changed.await;
        }
    }

    /// Answers a request nobody expected: loudly, and it is remembered.
    pub(crate) fn unexpected(&self, call: &Call, why: &str) -> Response {
        let line = call.line();
        tracing::warn!(request = %line, why, "unexpected request");
        let answer = format!("campus-sim: unexpected request: {line}: {why}\n");
        self.counter().unexpected(line);
        (StatusCode::NOT_IMPLEMENTED, answer).into_response()
    }
}
