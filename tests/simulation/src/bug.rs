//! Known bugs that can be switched on, to see that the checks catch them.

/// Each bug, with what it is called on the command line.
macro_rules! bugs {
    ($($(#[$meta:meta])* $bug:ident $name:literal,)+) => {
        /// A bug of the kind that real systems had. A simulation that does not catch it proves nothing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Bug {
            $($(#[$meta])* $bug,)+
        }

        impl Bug {
            /// All of them.
            pub const ALL: &[Bug] = &[$(Bug::$bug,)+];

            /// What it is called on the command line.
            pub fn name(self) -> &'static str {
                match self {
                    $(Bug::$bug => $name,)+
                }
            }
        }
    };
}

bugs! {
    /// The device keeps cursor and checkpoint in one transaction and the entries in a second.
    CursorBeforeEntries "cursor-before-entries",
    /// The server logs a change it has already once more, under a new tick.
    DuplicateAsNew "duplicate-as-new",
    /// The server never says what must be forgotten.
    HideWithoutForget "hide-without-forget",
    /// The server judges edits by rights without their revocations.
    RevocationIgnored "revocation-ignored",
    /// The end of a full resend sweeps entries away although they hold unsent edits.
    SweepDropsPending "sweep-drops-pending",
    /// The device takes a late answer although it goes on from elsewhere.
    OutOfTurnIgnored "out-of-turn-ignored",
    /// The server answers before its transaction is durable.
    AnswerBeforeCommit "answer-before-commit",
    /// The server tells that it holds an edit, and does not keep it.
    HeldNotKept "held-not-kept",
    /// The server looks at visibility flags only when an entry is changed, not when it is resent.
    ResendShowsHidden "resend-shows-hidden",
    /// The server goes on from a cursor made under other rights.
    EpochIgnored "epoch-ignored",
    /// The server gives entries out without an event in the access log.
    ReadNotLogged "read-not-logged",
    /// An unfinished walk through pages is answered as if it were finished.
    PageForgotten "page-forgotten",
    /// The server does not mind what earlier pages of a walk gave or took away.
    PagesForgotten "pages-forgotten",
    /// When copies are compared the server leaves the last change of an entry out of its version.
    LastChangeNotCompared "last-change-not-compared",
    /// What a comparison found to be missing is said to be given, and is not.
    WantedNotGiven "wanted-not-given",
    /// What shows by time alone is not news to the server.
    DueUnnoticed "due-unnoticed",
    /// The device keeps what the server lost, and does not hand it back.
    NotHandedBack "not-handed-back",
    /// The server destroys an entry and tells nobody.
    DestroyedUntold "destroyed-untold",
    /// The server destroys by a mark that the same request takes back in its next turn.
    MarkNotLeftToItsRequest "mark-not-left-to-its-request",
    /// A start does not decide on the marks that waited for the rest of their requests.
    MarkForgottenAtStart "mark-forgotten-at-start",
    /// A process judges by the rights that it remembers, whatever another has written since.
    OthersRightsUnminded "others-rights-unminded",
    /// A process tells those who are connected to it only of what it wrote itself.
    OthersCommitsUnheard "others-commits-unheard",
    /// The server says that it holds an edit only to the first who brings it.
    HeldToldOnce "held-told-once",
    /// The device goes on without an entry that it cannot read.
    RottenEntrySkipped "rotten-entry-skipped",
    /// Holding an edit is not told to the access log.
    HoldNotLogged "hold-not-logged",
    /// A line of the access log is gone once the next is written.
    LogLineDropped "log-line-dropped",
    /// A device waits for ever on a line on which nothing arrives any more.
    HalfOpenBelieved "half-open-believed",
    /// A device that could not send takes what it would have sent for answered.
    CutOffTakenForSent "cut-off-taken-for-sent",
    /// A device takes an answer whose frame is damaged for one that brings nothing.
    DamagedNewsSkipped "damaged-news-skipped",
    /// A device waits for its answer by a clock that is set while it waits.
    PatienceByClock "patience-by-clock",
    /// The server gives ticks by its clock alone, which may be set back.
    TickByClock "tick-by-clock",
    /// The server believes the clock of the device that hands an edit in.
    DeviceClockBelieved "device-clock-believed",
    /// The device sends an edit before it is durable there.
    SentBeforeDurable "sent-before-durable",
    /// A device that knows to be restored goes on under the names of the store it had.
    IncarnationKept "incarnation-kept",
    /// A device that was revoked is let in.
    RevokedLetIn "revoked-let-in",
    /// The device forgets a record, and keeps its unsent edits without the server's proof of what they
    /// follow.
    ProofNotKept "proof-not-kept",
    /// The server says that a transaction is durable before the disk has synced it.
    SyncSkipped "sync-skipped",
    /// What a crash left of a transaction is taken though its end is missing.
    TransactionInPart "transaction-in-part",
    /// A transaction whose end is there is taken though some of it is missing or torn.
    EndBelieved "end-believed",
    /// The server reads a row without looking whether it is the one that was written there.
    RotServed "rot-served",
    /// The server checks the signature of an edit for the record that the edit was made for.
    StrayEditTaken "stray-edit-taken",
    /// The server believes its own proof of an edit of another record.
    StrayProofTaken "stray-proof-taken",
    /// The server lets a checkpoint of another record vouch for an edit.
    StrayCheckpointTaken "stray-checkpoint-taken",
    /// The server lets a cursor of another record vouch for an edit.
    StrayCursorTaken "stray-cursor-taken",
    /// The device takes an answer of another record.
    StrayAnswerTaken "stray-answer-taken",
    /// The device takes a frame of another record.
    StrayFrameTaken "stray-frame-taken",
    /// The server judges by the rights of another record, which it has at hand.
    RightsOfAnotherRecord "rights-of-another-record",
}

impl Bug {
    /// Whether it can show only where there are two records.
    pub fn needs_two_records(self) -> bool {
        matches!(
            self,
            Bug::StrayEditTaken
                | Bug::StrayProofTaken
                | Bug::StrayCheckpointTaken
                | Bug::StrayCursorTaken
                | Bug::StrayAnswerTaken
                | Bug::StrayFrameTaken
                | Bug::RightsOfAnotherRecord
        )
    }
}

impl std::str::FromStr for Bug {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Bug::ALL.iter().copied();
        all.find(|bug| bug.name() == text).ok_or_else(|| {
            let names: Vec<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
            format!("no such bug; there are: {}", names.join(", "))
        })
    }
}
