//! The stack of containers, through the command line of Docker and compose. `docker/cluster-test.sh` chooses the stack
//! by the environment (`COMPOSE_PROJECT_NAME`, `COMPOSE_FILE`).

use std::{collections::BTreeMap, process::Stdio};

use tokio::process::Command;

use crate::Failure;

/// Names of the three members, and of their services.
pub const MEMBERS: [&str; 3] = ["mongo1", "mongo2", "mongo3"];

/// Runs a program to its end. Returns its output.
///
/// # Errors
/// A line with the command and the end of its error output, when it cannot be started or does not exit with 0.
pub async fn run(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).kill_on_drop(true).output().await?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), said.trim().lines().last().unwrap_or_default()).into())
}

/// `docker …`.
pub async fn docker(arguments: &[&str]) -> Result<String, Failure> {
    run("docker", arguments).await
}

/// The containers of the project.
#[derive(Debug, Clone)]
pub struct Stack {
    project: String,
}

impl Stack {
    /// The stack in the environment.
    ///
    /// # Errors
    /// When `COMPOSE_PROJECT_NAME` is missing: otherwise the stack of `make up` would be killed.
    pub fn from_environment() -> Result<Self, Failure> {
        let project = std::env::var("COMPOSE_PROJECT_NAME");
        Ok(Self { project: project.map_err(|_| "COMPOSE_PROJECT_NAME is not set: start this with make cluster-test")? })
    }

    /// Ids of the running containers of a service.
    pub async fn containers(&self, service: &str) -> Result<Vec<String>, Failure> {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let service = format!("label=com.docker.compose.service={service}");
        let oneoff = "label=com.docker.compose.oneoff=False";
        let listed = docker(&["ps", "-q", "--filter", &project, "--filter", &service, "--filter", oneoff]).await?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Name of the only container of a service, running or not.
    #[must_use]
    pub fn single(&self, service: &str) -> String {
        format!("{}-{service}-1", self.project)
    }

    /// Name of a network of the project.
    #[must_use]
    pub fn network(&self, name: &str) -> String {
        format!("{}_{name}", self.project)
    }

    /// Address of the only container of a service on a network of the project; `None` while it has none.
    pub async fn address(&self, service: &str, network: &str) -> Result<Option<String>, Failure> {
        self.address_of(&self.single(service), network).await
    }

    /// Address of a container on a network of the project; `None` while it has none.
    pub async fn address_of(&self, container: &str, network: &str) -> Result<Option<String>, Failure> {
        let format = format!(
            "{{{{with index .NetworkSettings.Networks \"{}\"}}}}{{{{.IPAddress}}}}{{{{end}}}}",
            self.network(network)
        );
        let address = docker(&["inspect", "--format", &format, container]).await?;
        Ok(Some(address).filter(|address| !address.is_empty()))
    }

    /// The host's own address on a network of the project. Connections to a published port there reach the container
    /// like those from outside. At 127.0.0.1 Docker's forwarder would answer, which sometimes keeps a client waiting
    /// after the container has closed the connection.
    pub async fn gateway(&self, network: &str) -> Result<String, Failure> {
        let format = "{{range .IPAM.Config}}{{.Gateway}}{{end}}";
        docker(&["network", "inspect", "--format", format, &self.network(network)]).await
    }

    /// Cuts a member off the database's network without notice, like a pulled plug.
    pub async fn cut(&self, member: &str) -> Result<(), Failure> {
        docker(&["network", "disconnect", &self.network("data"), &self.single(member)]).await.map(drop)
    }

    /// Connects a member again, under its name.
    pub async fn plug(&self, member: &str) -> Result<(), Failure> {
        self.plug_as(member, member).await
    }

    /// Connects a member again, under another name.
    pub async fn plug_as(&self, member: &str, name: &str) -> Result<(), Failure> {
        docker(&["network", "connect", "--alias", name, &self.network("data"), &self.single(member)]).await.map(drop)
    }

    /// Sends a signal to the main process of a container from outside, as the kernel or a crash would. Docker's restart
    /// policy then applies, which it does not after `docker kill`.
    pub async fn signal(&self, container: &str, signal: &str) -> Result<(), Failure> {
        self.signal_all(&[container.to_owned()], signal).await
    }

    /// Ids of all running containers but those of some services.
    pub async fn all_but(&self, services: &[&str]) -> Result<Vec<String>, Failure> {
        let project = format!("label=com.docker.compose.project={}", self.project);
        let format = "{{.ID}} {{.Label \"com.docker.compose.service\"}}";
        let listed = docker(&["ps", "--filter", &project, "--format", format]).await?;
        let wanted = listed.lines().filter_map(|line| line.split_once(' '));
        Ok(wanted.filter(|(_, service)| !services.contains(service)).map(|(id, _)| id.to_owned()).collect())
    }

    /// Sends a signal to the main processes of all these containers at the same moment, as [`Stack::signal`] does to one.
    pub async fn signal_all(&self, containers: &[String], signal: &str) -> Result<(), Failure> {
        let mut inspect = vec!["inspect", "--format", "{{.State.Pid}}"];
        inspect.extend(containers.iter().map(String::as_str));
        let pids = docker(&inspect).await?;
        let mut kill = vec!["-s", signal];
        kill.extend(pids.lines());
        run("kill", &kill).await.map(drop)
    }

    /// Restarts of each container so far, by id: an unexpected one is a crash.
    pub async fn restarts(&self, service: &str) -> Result<BTreeMap<String, u32>, Failure> {
        let mut restarts = BTreeMap::new();
        for container in self.containers(service).await? {
            let count = docker(&["inspect", "--format", "{{.RestartCount}}", &container]).await?;
            restarts.insert(container, count.parse().unwrap_or_default());
        }
        Ok(restarts)
    }
}
