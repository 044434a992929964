//! Known bugs that can be switched on, to see that the checks catch them.

/// A bug of the kind that real systems had. A simulation that does not catch it proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// The device keeps cursor and checkpoint in one transaction and the entries in a second.
    CursorBeforeEntries,
    /// The server logs a change it has already once more, under a new tick.
    DuplicateAsNew,
    /// The server never says what must be forgotten.
    HideWithoutForget,
    /// The server judges edits by rights without their revocations.
    RevocationIgnored,
    /// The end of a full resend sweeps entries away although they hold unsent edits.
    SweepDropsPending,
    /// The device takes a late answer although it goes on from elsewhere.
    OutOfTurnIgnored,
    /// The server answers before its transaction is durable.
    AnswerBeforeCommit,
    /// The server tells that it holds an edit, and does not keep it.
    HeldNotKept,
    /// The server looks at visibility flags only when an entry is changed, not when it is resent.
    ResendShowsHidden,
    /// The server goes on from a cursor made under other rights.
    EpochIgnored,
    /// The server gives entries out without an event in the access log.
    ReadNotLogged,
    /// An unfinished walk through pages is answered as if it were finished.
    PageForgotten,
    /// The server does not mind what earlier pages of a walk gave or took away.
    PagesForgotten,
    /// What shows by time alone is not news to the server.
    DueUnnoticed,
    /// The device keeps what the server lost, and does not hand it back.
    NotHandedBack,
    /// The server destroys an entry and tells nobody.
    DestroyedUntold,
    /// The server destroys by a mark that the same request takes back in its next turn.
    MarkNotLeftToItsRequest,
    /// A start does not decide on the marks that waited for the rest of their requests.
    MarkForgottenAtStart,
    /// A process judges by the rights that it remembers, whatever another has written since.
    OthersRightsUnminded,
    /// A process tells those who are connected to it only of what it wrote itself.
    OthersCommitsUnheard,
    /// The server says that it holds an edit only to the first who brings it.
    HeldToldOnce,
    /// The device goes on without an entry that it cannot read.
    RottenEntrySkipped,
    /// Holding an edit is not told to the access log.
    HoldNotLogged,
    /// A line of the access log is gone once the next is written.
    LogLineDropped,
}

impl Bug {
    /// All of them.
    pub const ALL: [Bug; 24] = [
        Bug::CursorBeforeEntries,
        Bug::DuplicateAsNew,
        Bug::HideWithoutForget,
        Bug::RevocationIgnored,
        Bug::SweepDropsPending,
        Bug::OutOfTurnIgnored,
        Bug::AnswerBeforeCommit,
        Bug::HeldNotKept,
        Bug::ResendShowsHidden,
        Bug::EpochIgnored,
        Bug::ReadNotLogged,
        Bug::PageForgotten,
        Bug::PagesForgotten,
        Bug::DueUnnoticed,
        Bug::NotHandedBack,
        Bug::DestroyedUntold,
        Bug::MarkNotLeftToItsRequest,
        Bug::MarkForgottenAtStart,
        Bug::OthersRightsUnminded,
        Bug::OthersCommitsUnheard,
        Bug::HeldToldOnce,
        Bug::RottenEntrySkipped,
        Bug::HoldNotLogged,
        Bug::LogLineDropped,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Bug::CursorBeforeEntries => "cursor-before-entries",
            Bug::DuplicateAsNew => "duplicate-as-new",
            Bug::HideWithoutForget => "hide-without-forget",
            Bug::RevocationIgnored => "revocation-ignored",
            Bug::SweepDropsPending => "sweep-drops-pending",
            Bug::OutOfTurnIgnored => "out-of-turn-ignored",
            Bug::AnswerBeforeCommit => "answer-before-commit",
            Bug::HeldNotKept => "held-not-kept",
            Bug::ResendShowsHidden => "resend-shows-hidden",
            Bug::EpochIgnored => "epoch-ignored",
            Bug::ReadNotLogged => "read-not-logged",
            Bug::PageForgotten => "page-forgotten",
            Bug::PagesForgotten => "pages-forgotten",
            Bug::DueUnnoticed => "due-unnoticed",
            Bug::NotHandedBack => "not-handed-back",
            Bug::DestroyedUntold => "destroyed-untold",
            Bug::MarkNotLeftToItsRequest => "mark-not-left-to-its-request",
            Bug::MarkForgottenAtStart => "mark-forgotten-at-start",
            Bug::OthersRightsUnminded => "others-rights-unminded",
            Bug::OthersCommitsUnheard => "others-commits-unheard",
            Bug::HeldToldOnce => "held-told-once",
            Bug::RottenEntrySkipped => "rotten-entry-skipped",
            Bug::HoldNotLogged => "hold-not-logged",
            Bug::LogLineDropped => "log-line-dropped",
        }
    }
}

impl std::str::FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Bug::ALL.into_iter().find(|bug| bug.name() == text);
        found.ok_or_else(|| {
            let names: Vec<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
            format!("no such bug; there are: {}", names.join(", "))
        })
    }
}
