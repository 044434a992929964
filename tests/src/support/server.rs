//! The server in a process of its own.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use rustix::process::Pid;

use super::SupportError;

/// Tells the processor time of a process: `clock.c`.
const CLOCK: &str = concat!(env!("OUT_DIR"), "/clock");

const PLAYS: &str = "CARNET_TESTS_PLAYS";
const CARNET: &str = "carnet";
const PHONE: &str = "carnet-phone";

/// Becomes the program `carnet`, in either of its roles, or `carnet-phone`, if this process was started to be it. Every
/// program of this crate that starts servers asks this first.
pub fn be_carnet() -> Option<ExitCode> {
    if server::guard::is_worker() {
        return Some(server::guard::work());
    }
    let plays = std::env::var_os(PLAYS)?;
    if plays == PHONE {
        return Some(carnet_mobile::terminal::run());
    }
    (plays == CARNET).then(server::cli::main)
}

/// `carnet-phone` in a process of its own, on the phone in a folder, with nobody at the keyboard.
pub fn phone_in_terminal(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env(PLAYS, PHONE).stdin(Stdio::null());
    command.arg("--store").arg(folder).args(arguments);
    command
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    data: PathBuf,
    child: Child,
    _stdout: BufReader<ChildStdout>,
    url: String,
}

impl Server {
    /// Starts a server over a data directory, on a free port of the loopback address unless the
    /// arguments say `--listen`. Its logs go to `server.log` there. Further arguments are those of
    /// `carnet serve`.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start(data: &Path, arguments: &[&str]) -> Result<Self, SupportError> {
        let program = std::env::current_exe().map_err(SupportError::io("this program's path"))?;
        Self::start_with(&program, data, arguments)
    }

    /// The same with another program of this crate: tests name one that cargo built for them.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_with(
        program: &Path,
        data: &Path,
        arguments: &[&str],
    ) -> Result<Self, SupportError> {
        Self::start_in(program, data, arguments, &[])
    }

    /// The same with variables of its environment, which commands over the same data do not have.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn start_in(
        program: &Path,
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, OsString)],
    ) -> Result<Self, SupportError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(SupportError::io("the data directory"))?;
        let logs = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data.join("server.log"))
            .map_err(SupportError::io("the server's log file"))?;
        let mut child = carnet(program, data)
            .arg("serve")
            .args(if arguments.contains(&"--listen") {
                &[][..]
            } else {
                &["--listen", "127.0.0.1:0"]
            })
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(logs)
            .spawn()
            .map_err(SupportError::io("starting the server"))?;
        let stdout = child.stdout.take();
        let mut stdout = BufReader::new(stdout.ok_or(SupportError::Missing("no standard output"))?);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        read.map_err(SupportError::io("listening to the server"))?;
        let Some(url) = line.trim().strip_prefix("listening on ") else {
            // It is not needed any more, and may be gone already.
            let _ = child.kill().and_then(|()| child.wait());
            let said = std::fs::read_to_string(data.join("server.log")).unwrap_or_default();
            return Err(SupportError::Server {
                command: "serve".to_owned(),
                said: said.lines().last().unwrap_or(&line).to_owned(),
            });
        };
        Ok(Server {
            program: program.to_owned(),
            data: data.to_owned(),
            url: url.to_owned(),
            _stdout: stdout,
            child,
        })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Runs a command of `carnet` over the same data, with `--json`, and reads the answer.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn carnet(&self, arguments: &[&str]) -> Result<serde_json::Value, SupportError> {
        let text = self.carnet_text(&[arguments, &["--json"]].concat())?;
        serde_json::from_str(&text).map_err(|_| SupportError::Server {
            command: arguments.join(" "),
            said: text,
        })
    }

    /// Runs a command of `carnet` over the same data, and gives what it printed.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn carnet_text(&self, arguments: &[&str]) -> Result<String, SupportError> {
        Self::command_in(&self.program, &self.data, arguments, &[])
    }

    /// Runs a command of `carnet` over a data directory, with variables of its environment, and gives
    /// what it printed.
    ///
    /// # Errors
    /// When the command fails, with what it said.
    pub fn command_in(
        program: &Path,
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, OsString)],
    ) -> Result<String, SupportError> {
        let output = carnet(program, data)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .output()
            .map_err(SupportError::io("a command of the administrator"))?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(SupportError::Server {
                command: arguments.join(" "),
                said: text(&output.stderr),
            })
        }
    }

    /// Processor time it has used since it started, user and system, also of threads that ended.
    ///
    /// # Errors
    /// When the system does not tell: this is Linux's clock of a process, in nanoseconds, since the
    /// ticks of `stat` are coarser than what is measured here.
    pub fn cpu(&self) -> Result<Duration, SupportError> {
        let output = Command::new(CLOCK)
            .arg(self.child.id().to_string())
            .output()
            .map_err(SupportError::io("the server's clock"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let used = text.trim().parse().ok().filter(|_| output.status.success());
        let untold = SupportError::Missing("the server's processor time");
        used.map(Duration::from_nanos).ok_or(untold)
    }

    /// Processor time it has used since it had used so much.
    ///
    /// # Errors
    /// As [`Server::cpu`], and when it has used less since: then it is not what was measured before.
    pub fn cpu_since(&self, before: Duration) -> Result<Duration, SupportError> {
        let back = SupportError::Missing("a clock of the server that does not go back");
        self.cpu()?.checked_sub(before).ok_or(back)
    }

    /// Memory it holds, in bytes.
    pub fn resident(&self) -> Option<u64> {
        self.memory("VmRSS:")
    }

    /// The most memory it held since it started, or since [`Server::forget_peak`], in bytes.
    pub fn peak(&self) -> Option<u64> {
        self.memory("VmHWM:")
    }

    /// Takes what it holds now for the most it held.
    ///
    /// # Errors
    /// When the system knows no such thing: this is Linux's `clear_refs`.
    pub fn forget_peak(&self) -> Result<(), SupportError> {
        let file = format!("/proc/{}/clear_refs", self.child.id());
        std::fs::write(file, "5").map_err(SupportError::io("the server's peak of memory"))
    }

    fn memory(&self, name: &str) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// How many files and connections it has open.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn descriptors(&self) -> Result<usize, SupportError> {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        let open = open.map_err(SupportError::io("the server's descriptors"))?;
        Ok(open.count())
    }

    /// How many files and connections it may have open: its limit, and how far it may raise that.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn most_descriptors(&self) -> Result<(u64, u64), SupportError> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id()));
        let limits = limits.map_err(SupportError::io("the server's limits"))?;
        let files = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        let mut numbers = files.unwrap_or_default().split_whitespace();
        let mut number = || numbers.next()?.parse().ok();
        let untold = SupportError::Missing("the server's limit of open files");
        number().zip(number()).ok_or(untold)
    }

    /// The processes that it started and that have not ended.
    ///
    /// # Errors
    /// When the system does not tell: this is Linux's `/proc`.
    pub fn children(&self) -> Result<Vec<Pid>, SupportError> {
        let processes = std::fs::read_dir("/proc").map_err(SupportError::io("the processes"))?;
        let number = |name: OsString| name.to_str()?.parse::<i32>().ok();
        let numbers = processes.filter_map(|process| number(process.ok()?.file_name()));
        let is_its = |child: &i32| {
            // One that is gone meanwhile is nobody's.
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            // Its name may have anything in it; what follows is its state and its parent.
            let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            let mut rest = rest.split_whitespace();
            let state = rest.next().filter(|state| *state != "Z");
            state.is_some() && rest.next() == Some(&self.child.id().to_string())
        };
        Ok(numbers.filter(is_its).filter_map(Pid::from_raw).collect())
    }

    /// Asks it to stop, and waits until it has finished what it was doing.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn stop(mut self) -> Result<(), SupportError> {
        let asked = Command::new("sh")
            .args(["-c", &format!("kill -TERM {}", self.child.id())])
            .status();
        asked.map_err(SupportError::io("stopping the server"))?;
        self.wait()
    }

    /// Kills it at whatever instruction it is.
    ///
    /// # Errors
    /// When it is gone already.
    pub fn kill(mut self) -> Result<(), SupportError> {
        let killed = self.child.kill();
        killed.map_err(SupportError::io("killing the server"))?;
        self.wait()
    }

    /// Waits until it ends by itself, or because somebody stops it.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn wait(&mut self) -> Result<(), SupportError> {
        let ended = self.child.wait();
        ended
            .map(drop)
            .map_err(SupportError::io("waiting for the server"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever did not stop it does not need what it was doing; it may be gone already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn carnet(program: &Path, data: &Path) -> Command {
    let mut command = Command::new(program);
    command.env(PLAYS, CARNET).arg("--data").arg(data);
    command
}
