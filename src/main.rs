//! Parses the command line and runs the subcommand.

use std::process::ExitCode;

use clap::Parser;
use wehpu_engine::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
