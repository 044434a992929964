//! What the stories share: a server over a directory of its own, the desk, people with phones, and
//! people with wire clients.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use carnet_mobile::face::{Profile, SyncResult};
use carnet_tests::faults::Layer;
use carnet_tests::support::{
    Copy, Entered, Identity, Opened, Phone, Server, add_caregiver, add_professional, open_record,
};
use carnet_tests::wire_client::{Wire, WireDevice};
use sync_core::kind::{AllergyDraft, ConditionDraft, Criticality, OwnNoteDraft};
use sync_core::merge::EntryView;
use sync_core::policy::Profession;
use sync_core::{PersonId, RecordId};
use tokio::runtime::Runtime;

/// Stories are played in seconds, so limits meant for minutes do not bear on them.
pub const GENEROUS: &[&str] = &["--peer-rate", "1000000", "--session-rate", "1000000"];

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("a runtime for the wire clients"));

/// Waits for a wire client.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// One server, and room for phones.
pub struct Stage {
    // Before the directory, so that the server is gone when that is removed.
    server: Option<Server>,
    dir: tempfile::TempDir,
    arguments: Vec<String>,
    layer: Option<Arc<Layer>>,
}

impl Stage {
    /// A server as it starts with no configuration.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// A server with more arguments.
    pub fn with(arguments: &[&str]) -> Self {
        let mut stage = Self::unstarted(arguments);
        stage.start();
        stage
    }

    /// A server that was never started.
    pub fn unstarted(arguments: &[&str]) -> Self {
        let mut stage = Stage {
            server: None,
            dir: tempfile::tempdir().expect("a temporary directory"),
            arguments: Vec::new(),
            layer: None,
        };
        stage.set_arguments(arguments);
        stage
    }

    /// A server over a data directory that is there, which is moved here.
    pub fn over(data: &Path) -> Self {
        let mut stage = Self::unstarted(&[]);
        std::fs::rename(data, stage.data()).expect("moved");
        stage.start();
        stage
    }

    /// The running server.
    pub fn server(&self) -> &Server {
        self.server.as_ref().expect("it was started")
    }

    /// The server's directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// A place for something else.
    pub fn place(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts the server.
    pub fn start(&mut self) {
        self.server = Some(self.try_start().expect("the server starts"));
    }

    /// Starts the server, or says what it says.
    pub fn try_start(&self) -> Result<Server, String> {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let arguments = [GENEROUS, &arguments].concat();
        let environment = self.layer.as_ref().map(|layer| layer.environment());
        let environment = environment.unwrap_or_default();
        Server::start_in(&program(), &self.data(), &arguments, &environment)
            .map_err(|e| e.to_string())
    }

    /// Lays a fresh layer beneath the starts that follow, with a journal of its own. What commands do
    /// to the same data is not in it.
    pub fn lay_under(&mut self) {
        self.lay_under_files_of(&self.data());
    }

    /// The same beneath a directory of its own, made if it is not there.
    pub fn lay_under_files_of(&mut self, directory: &Path) {
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory);
        made.expect("a directory");
        let layer = Layer::new(directory, &self.place("books"));
        self.layer = Some(Arc::new(layer.expect("a layer beneath it")));
    }

    /// What lies beneath the server.
    pub fn layer(&self) -> Arc<Layer> {
        self.layer.clone().expect("it was laid")
    }

    /// Other arguments for the next start.
    pub fn set_arguments(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
    }

    /// Stops the server as an operator does.
    pub fn stop(&mut self) {
        self.keep_port();
        let server = self.server.take().expect("it runs");
        server.stop().expect("it stops");
    }

    /// Kills the server at whatever it is doing.
    pub fn kill(&mut self) {
        self.keep_port();
        let server = self.server.take().expect("it runs");
        server.kill().expect("it runs");
    }

    /// The next start takes the same port, so that phones find it again.
    fn keep_port(&mut self) {
        if !self.arguments.iter().any(|argument| argument == "--listen") {
            let address = self.server().url().trim_start_matches("http://").to_owned();
            self.arguments.extend(["--listen".to_owned(), address]);
        }
    }

    /// Runs a command over the server's data, with the layer beneath it.
    pub fn command(&self, arguments: &[&str]) -> String {
        let environment = self.layer().environment();
        Server::command_in(&program(), &self.data(), arguments, &environment).expect("it succeeds")
    }

    /// How far the journal of what lies beneath has come, if something does.
    pub fn position(&self) -> u64 {
        self.layer.as_ref().map_or(0, |layer| layer.position())
    }

    /// What the server wrote into its log.
    pub fn logs(&self) -> String {
        std::fs::read_to_string(self.data().join("server.log")).expect("the log is text")
    }

    /// A way to the server.
    pub fn wire(&self) -> Wire {
        Wire::new(self.server().url())
    }

    /// The desk opens a record.
    pub fn desk(&self, family_name: &str) -> Opened {
        let holder = Identity {
            family_name,
            given_names: "Camille",
            sex: "F",
            order: 77,
        };
        open_record(self.server(), &holder).expect("the desk opens the record")
    }

    /// Somebody with a phone of their own, and a record that the desk opened for them.
    pub fn holder(&self, name: &str) -> (Someone, RecordId) {
        let opened = self.desk(name);
        (self.enrol(name, &opened.code), opened.record)
    }

    /// A caregiver is entered.
    pub fn enter_caregiver(&self, name: &str) -> Entered {
        add_caregiver(self.server(), name, "Awa").expect("entered")
    }

    /// A caregiver with a phone.
    pub fn caregiver(&self, name: &str) -> Someone {
        self.enrol(name, &self.enter_caregiver(name).code)
    }

    /// A professional is entered.
    pub fn professional(&self, name: &str, profession: Profession) -> Entered {
        let number = number_of(name);
        add_professional(self.server(), name, "Dominique", profession, number).expect("entered")
    }

    /// A professional with a phone.
    pub fn on_phone(&self, name: &str, profession: Profession) -> Someone {
        let entered = self.professional(name, profession);
        self.enrol(name, &entered.code)
    }

    /// Enrols on a fresh phone.
    pub fn enrol(&self, name: &str, code: &str) -> Someone {
        let phone = Phone::open(&self.place(name)).expect("a phone");
        Someone::enrol(self, &phone, code)
    }

    /// Enrols with a wire client.
    pub fn wire_device(&self, code: &str) -> WireDevice {
        now(WireDevice::enrol(&self.wire(), code)).expect("the code is good")
    }
}

/// What makes a professional's number.
pub fn number_of(name: &str) -> u32 {
    name.bytes().fold(7, |number, byte| {
        (number * 31 + u32::from(byte)) % 10_000_000
    })
}

/// A program of this crate that plays `carnet`.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_demo"))
}

/// A person on a phone.
#[derive(Clone)]
pub struct Someone {
    /// The phone.
    pub phone: Phone,
    /// Their profile on it.
    pub profile: Arc<Profile>,
    /// Who they are.
    pub person: PersonId,
}

impl Someone {
    /// Enrols on a phone.
    pub fn enrol(stage: &Stage, phone: &Phone, code: &str) -> Self {
        let url = stage.server().url();
        let profile = phone.enrol(url, code).expect("the code is good");
        let person = profile.info().expect("a profile").person;
        Someone {
            phone: phone.clone(),
            profile,
            person: person.parse().expect("a person"),
        }
    }

    /// Their copy of a record.
    pub fn copy(&self, record: RecordId) -> Copy {
        self.phone
            .copy(&self.profile, record)
            .expect("the record is open to them")
    }

    /// Their copy of a record, synced.
    pub fn synced(&self, record: RecordId) -> Copy {
        let copy = self.copy(record);
        sync(&copy);
        copy
    }

    /// The same person on another phone, invited from this one.
    pub fn invite(&self, stage: &Stage, name: &str) -> Self {
        let invitation = self.profile.invite().expect("an invitation");
        stage.enrol(name, &invitation.code)
    }

    /// A right names people by their identifiers.
    pub fn id(&self) -> String {
        self.person.to_string()
    }
}

/// Syncs, which must succeed.
pub fn sync(copy: &Copy) -> SyncResult {
    copy.sync().expect("the server answers")
}

/// Syncs several copies, until each has what the others sent.
pub fn sync_all(copies: &[&Copy]) {
    for _ in 0..2 {
        for copy in copies {
            sync(copy);
        }
    }
}

/// What a person sees.
pub fn views(copy: &Copy) -> Vec<EntryView> {
    copy.views().expect("the phone's store is whole")
}

/// What stands in a person's list, rights and decisions apart.
pub fn labels(copy: &Copy) -> BTreeSet<String> {
    let views = views(copy).into_iter();
    views
        .filter(|view| view.kind.right().is_none() && !view.in_error())
        .filter(|view| view.kind.code() != "review-decision")
        .map(|view| view.label)
        .collect()
}

/// One entry in a person's list.
pub fn view(copy: &Copy, label: &str) -> EntryView {
    let found = views(copy).into_iter().find(|view| view.label == label);
    found.unwrap_or_else(|| panic!("{label} is not in {:?}", labels(copy)))
}

/// The flags a person sees, by entry.
pub fn flags(copy: &Copy) -> BTreeSet<(String, String)> {
    let of_one = |view: &EntryView| {
        let label = view.label.clone();
        let codes = view.flags.iter().map(|flag| flag.code.code().to_owned());
        codes
            .map(move |code| (label.clone(), code))
            .collect::<Vec<_>>()
    };
    views(copy).iter().flat_map(of_one).collect()
}

/// The codes of a person's to-review list.
pub fn to_review(copy: &Copy) -> BTreeSet<String> {
    let items = copy.record.to_review().expect("the store is whole");
    items.into_iter().map(|item| item.code).collect()
}

/// An allergy.
pub fn allergy(substance: &str) -> AllergyDraft {
    AllergyDraft {
        substance: substance.into(),
        criticality: Some(Criticality::High),
        ..AllergyDraft::default()
    }
}

/// A condition.
pub fn condition(name: &str) -> ConditionDraft {
    ConditionDraft {
        label: name.into(),
        ..ConditionDraft::default()
    }
}

/// An own note.
pub fn note(title: &str, text: &str) -> OwnNoteDraft {
    OwnNoteDraft {
        title: title.into(),
        text: Some(text.to_owned()),
        ..OwnNoteDraft::default()
    }
}

/// The labels as a story writes them.
pub fn set<const N: usize>(labels: [&str; N]) -> BTreeSet<String> {
    labels.into_iter().map(str::to_owned).collect()
}

/// All files below a folder, with their bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).expect("a readable file");
            found.push((path, bytes));
        }
    }
    found
}
