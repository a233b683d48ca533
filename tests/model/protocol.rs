//! The protocol: its state, the steps that readers and writers take, and what may go wrong between any two.

use std::fmt;

use stateright::{Model, Property};

const READERS: usize = 2;
const WRITERS: usize = 2;
/// The document, and the listing that holds it; each is an entry and the scope that it depends on.
const SCOPES: usize = 2;

/// The parts of the protocol, each of which can be taken out.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// A fill must find the generation that its reader took.
    pub generations: bool,
    /// A reader that finds no generation makes one.
    pub made_when_taken: bool,
    /// Nothing is filled, and no generation taken, while a fence stands.
    pub fences: bool,
    /// A fence stands until its writer has ended, and every reader from before it is too old to fill.
    pub fences_outlive: bool,
    /// The end of a write deletes the values.
    pub deletes: bool,
}

impl Parts {
    pub const ALL: Parts =
        Parts { generations: true, made_when_taken: true, fences: true, fences_outlive: true, deletes: true };
}

/// The variable `cache_write_policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Available,
    Consistent,
}

/// What may go wrong beside components that die and things that run out, which they always may.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// How often Redis may be emptied.
    pub emptied: u8,
    /// How many steps of writers on Redis may be lost.
    pub lost: u8,
}

impl Faults {
    pub const CRASHES: Faults = Faults { emptied: 0, lost: 0 };
    pub const EMPTIED: Faults = Faults { emptied: 2, lost: 0 };
    pub const LOST: Faults = Faults { emptied: 0, lost: 1 };
    pub const BOTH: Faults = Faults { emptied: 1, lost: 1 };
}

/// The model.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    pub parts: Parts,
    pub policy: Policy,
    pub faults: Faults,
}

/// What Redis holds for one entry and its scope.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Cell {
    value: Option<u8>,
    generation: Option<u8>,
    /// The reader that holds the lease.
    lease: Option<usize>,
    /// By writer.
    fences: [bool; WRITERS],
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Reader {
    Idle,
    /// Has the lease, and what it took with it.
    Leads {
        scope: usize,
        generation: Option<u8>,
        too_old: bool,
    },
    /// Has read the store, too.
    HasRead {
        scope: usize,
        generation: Option<u8>,
        too_old: bool,
        value: u8,
    },
    Done,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Writer {
    Idle,
    Begun,
    /// Has written this version to the store.
    HasWritten(u8),
    Done,
}

/// Everything there is.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    /// The version in the store: how many writes it has applied.
    store: u8,
    /// The latest version that a client was told is written.
    acknowledged: u8,
    /// The next generation. It comes from Redis's clock, so it never comes back.
    next_generation: u8,
    cells: [Cell; SCOPES],
    readers: [Reader; READERS],
    writers: [Writer; WRITERS],
    emptied: u8,
    lost: u8,
}

/// One step, of a part or of fate.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum Action {
    Take { reader: usize, scope: usize },
    ReadStore { reader: usize },
    Fill { reader: usize },
    ReaderDies { reader: usize },
    Begin { writer: usize },
    BeginLost { writer: usize },
    Write { writer: usize },
    End { writer: usize },
    EndLost { writer: usize },
    WriterDies { writer: usize },
    ValueExpires { scope: usize },
    LeaseExpires { scope: usize },
    FenceExpires { writer: usize },
    RedisEmptied,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ENTRIES: [&str; SCOPES] = ["the document", "the listing"];
        match self {
            Action::Take { reader, scope } => {
                write!(f, "reader {reader} misses {} and takes lease and generation", ENTRIES[*scope])
            }
            Action::ReadStore { reader } => write!(f, "reader {reader} reads the store"),
            Action::Fill { reader } => write!(f, "reader {reader} fills"),
            Action::ReaderDies { reader } => write!(f, "reader {reader} dies"),
            Action::Begin { writer } => write!(f, "writer {writer} begins: deletes the values, puts up its fences"),
            Action::BeginLost { writer } => write!(f, "writer {writer} begins, and its step on Redis is lost"),
            Action::Write { writer } => write!(f, "writer {writer} writes to the store"),
            Action::End { writer } => {
                write!(f, "writer {writer} ends: deletes the values, changes the generations, lifts its fences")
            }
            Action::EndLost { writer } => write!(f, "writer {writer} ends, and its step on Redis is lost"),
            Action::WriterDies { writer } => write!(f, "writer {writer} dies"),
            Action::ValueExpires { scope } => write!(f, "the value of {} expires", ENTRIES[*scope]),
            Action::LeaseExpires { scope } => write!(f, "the lease on {} expires", ENTRIES[*scope]),
            Action::FenceExpires { writer } => write!(f, "the fences of writer {writer} expire"),
            Action::RedisEmptied => write!(f, "Redis is emptied"),
        }
    }
}

impl Protocol {
    fn acknowledge(state: &mut State, version: u8) {
        state.acknowledged = state.acknowledged.max(version);
    }

    fn fenced(&self, cell: &Cell) -> bool {
        self.parts.fences && cell.fences.contains(&true)
    }

    fn reader_actions(&self, state: &State, reader: usize, actions: &mut Vec<Action>) {
        match &state.readers[reader] {
            Reader::Idle => {
                for (scope, cell) in state.cells.iter().enumerate() {
                    // A hit, a fence or another's lease: it is answered without a change to anything.
                    if cell.value.is_none() && cell.lease.is_none() && !self.fenced(cell) {
                        actions.push(Action::Take { reader, scope });
                    }
                }
            }
            Reader::Leads { .. } => actions.extend([Action::ReadStore { reader }, Action::ReaderDies { reader }]),
            Reader::HasRead { .. } => actions.extend([Action::Fill { reader }, Action::ReaderDies { reader }]),
            Reader::Done => {}
        }
    }

    fn writer_actions(&self, state: &State, writer: usize, actions: &mut Vec<Action>) {
        let may_lose = state.lost < self.faults.lost;
        match state.writers[writer] {
            Writer::Idle => {
                actions.push(Action::Begin { writer });
                if may_lose {
                    actions.push(Action::BeginLost { writer });
                }
            }
            Writer::Begun => actions.extend([Action::Write { writer }, Action::WriterDies { writer }]),
            Writer::HasWritten(_) => {
                actions.extend([Action::End { writer }, Action::WriterDies { writer }]);
                if may_lose {
                    actions.push(Action::EndLost { writer });
                }
            }
            Writer::Done => {}
        }
        let stands = state.cells.iter().any(|cell| cell.fences[writer]);
        if stands && (state.writers[writer] == Writer::Done || !self.parts.fences_outlive) {
            actions.push(Action::FenceExpires { writer });
        }
    }

    fn take(&self, state: &mut State, reader: usize, scope: usize) {
        let cell = &mut state.cells[scope];
        cell.lease = Some(reader);
        if cell.generation.is_none() && self.parts.made_when_taken {
            cell.generation = Some(state.next_generation);
            state.next_generation += 1;
        }
        state.readers[reader] = Reader::Leads { scope, generation: cell.generation, too_old: false };
    }

    fn fill(&self, state: &mut State, reader: usize) {
        let done = std::mem::replace(&mut state.readers[reader], Reader::Done);
        let Reader::HasRead { scope, generation, too_old, value } = done else { return };
        let cell = &mut state.cells[scope];
        let unchanged = cell.generation == generation || !self.parts.generations;
        if unchanged && !self.fenced(cell) && !too_old {
            cell.value = Some(value);
        }
        if cell.lease == Some(reader) {
            cell.lease = None;
        }
    }

    fn end(&self, state: &mut State, writer: usize) {
        for cell in &mut state.cells {
            if self.parts.deletes {
                cell.value = None;
            }
            cell.generation = Some(state.next_generation);
            cell.fences[writer] = false;
            state.next_generation += 1;
        }
    }

    /// Its time is longer than the longest write and the longest read together, so by then every reader from before it
    /// is too old to fill; and a reader from after it there is none.
    fn fence_expires(&self, state: &mut State, writer: usize) {
        for (at, cell) in state.cells.iter_mut().enumerate() {
            if !std::mem::take(&mut cell.fences[writer]) || !self.parts.fences_outlive {
                continue;
            }
            for reader in &mut state.readers {
                if let Reader::Leads { scope, too_old, .. } | Reader::HasRead { scope, too_old, .. } = reader
                    && *scope == at
                {
                    *too_old = true;
                }
            }
        }
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        // The caches hold what the store holds, or nothing: both entries are alike in this.
        [None, Some(0)]
            .map(|value| State {
                store: 0,
                acknowledged: 0,
                next_generation: 0,
                cells: [Cell { value, ..Cell::default() }, Cell { value, ..Cell::default() }],
                readers: [Reader::Idle, Reader::Idle],
                writers: [Writer::Idle, Writer::Idle],
                emptied: 0,
                lost: 0,
            })
            .into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for reader in 0..READERS {
            self.reader_actions(state, reader, actions);
        }
        for writer in 0..WRITERS {
            self.writer_actions(state, writer, actions);
        }
        for (scope, cell) in state.cells.iter().enumerate() {
            if cell.value.is_some() {
                actions.push(Action::ValueExpires { scope });
            }
            if cell.lease.is_some() {
                actions.push(Action::LeaseExpires { scope });
            }
        }
        if state.emptied < self.faults.emptied && state.cells.iter().any(|cell| *cell != Cell::default()) {
            actions.push(Action::RedisEmptied);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Take { reader, scope } => self.take(&mut state, reader, scope),
            Action::ReadStore { reader } => {
                if let Reader::Leads { scope, generation, too_old } = state.readers[reader] {
                    state.readers[reader] = Reader::HasRead { scope, generation, too_old, value: state.store };
                }
            }
            Action::Fill { reader } => self.fill(&mut state, reader),
            Action::ReaderDies { reader } => state.readers[reader] = Reader::Done,
            Action::Begin { writer } => {
                for cell in &mut state.cells {
                    cell.value = None;
                    cell.fences[writer] = true;
                }
                state.writers[writer] = Writer::Begun;
            }
            Action::BeginLost { writer } => {
                state.lost += 1;
                state.writers[writer] = match self.policy {
                    Policy::Available => Writer::Begun,
                    Policy::Consistent => Writer::Done,
                };
            }
            Action::Write { writer } => {
                state.store += 1;
                state.writers[writer] = Writer::HasWritten(state.store);
            }
            Action::End { writer } | Action::EndLost { writer } => {
                let Writer::HasWritten(version) = state.writers[writer] else { return None };
                state.writers[writer] = Writer::Done;
                let recorded = matches!(action, Action::End { .. });
                if recorded {
                    self.end(&mut state, writer);
                } else {
                    state.lost += 1;
                }
                if recorded || self.policy == Policy::Available {
                    Self::acknowledge(&mut state, version);
                }
            }
            Action::WriterDies { writer } => state.writers[writer] = Writer::Done,
            Action::ValueExpires { scope } => state.cells[scope].value = None,
            Action::LeaseExpires { scope } => state.cells[scope].lease = None,
            Action::FenceExpires { writer } => self.fence_expires(&mut state, writer),
            Action::RedisEmptied => {
                state.cells = Default::default();
                state.emptied += 1;
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("promise", |_: &Protocol, state: &State| {
            state.cells.iter().all(|cell| cell.value.is_none_or(|value| value >= state.acknowledged))
        })]
    }
}
