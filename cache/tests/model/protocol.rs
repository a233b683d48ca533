//! The protocol: its state, the steps that readers and writers take, and what may go wrong between any two.
//!
//! One entry, which depends on one scope and is known to writes by an index alone. Odd versions are deletions: what a
//! reader finds then is that the value is absent. Leases are left out: any number of readers may lead.

use stateright::{Model, Property};

const READERS: usize = 2;
const WRITERS: usize = 2;

/// The parts of the protocol, each of which can be taken out.
#[derive(Clone, Copy, Debug)]
pub struct Parts {
    /// A hit counts only if its stamp names the generation that stands.
    pub stamps: bool,
    /// A fill must find the generation that its reader took.
    pub generations: bool,
    /// A write deletes the generation at its beginning.
    pub begin_invalidates: bool,
    /// A write deletes the generation at its end.
    pub end_invalidates: bool,
    /// Nothing is filled, and no generation made, while a fence stands.
    pub fences: bool,
    /// A new connection compares the run id.
    pub run_id: bool,
}

impl Parts {
    pub const ALL: Parts = Parts {
        stamps: true,
        generations: true,
        begin_invalidates: true,
        end_invalidates: true,
        fences: true,
        run_id: true,
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    Available,
    Consistent,
}

/// What may go wrong beside processes that die and things that run out, which they always may.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Redis drops any key but a fence, any number of times. (That it is emptied is several of these.)
    pub evicts: bool,
    /// Redis drops a fence, any number of times.
    pub evicts_fences: bool,
    /// How many steps of writers on Redis may be lost.
    pub lost: u8,
    /// Redis comes back, once, with what it held at some earlier time.
    pub restored: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    pub parts: Parts,
    pub policy: Policy,
    pub faults: Faults,
}

/// What Redis holds.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Keys {
    /// The version that the value is of.
    value: Option<u8>,
    /// The generation that it was filled under; and the version, where the stamp says that the value is absent.
    stamp: Option<(u8, Option<u8>)>,
    generation: Option<u8>,
    indexed: bool,
    /// By writer.
    fences: [bool; WRITERS],
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum Reader {
    Idle,
    Leads(Option<u8>),
    HasRead(Option<u8>, u8),
    Done,
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Writer {
    Idle,
    Begun,
    HasWritten(u8),
    Done,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub struct State {
    /// The version in the source: how many writes it has applied.
    source: u8,
    /// The latest version that a client was told is written.
    acknowledged: u8,
    /// Generations are random, so one never comes back.
    next_generation: u8,
    keys: Keys,
    readers: [Reader; READERS],
    writers: [Writer; WRITERS],
    lost: u8,
    snapshot: Option<Keys>,
    /// Redis has come back, and nobody has connected to it yet.
    is_new: bool,
    was_restored: bool,
}

/// One step, of a part or of fate.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub enum Action {
    Acquire(usize),
    ReadSource(usize),
    Fill(usize),
    ReaderDies(usize),
    Begin(usize),
    BeginLost(usize),
    Write(usize),
    End(usize),
    EndLost(usize),
    WriterDies(usize),
    FenceExpires(usize),
    FenceEvicted(usize),
    ValueGone,
    StampGone,
    GenerationGone,
    IndexGone,
    Snapshot,
    Restored,
}

impl Protocol {
    fn fenced(&self, keys: &Keys) -> bool {
        self.parts.fences && keys.fences.contains(&true)
    }

    /// The first step on a connection to a Redis that came back.
    fn connect(&self, state: &mut State) {
        if std::mem::take(&mut state.is_new) && self.parts.run_id {
            state.keys.generation = None;
        }
    }

    /// The version that a hit finds.
    fn hit(&self, state: &State) -> Option<u8> {
        if state.is_new && self.parts.run_id {
            return None;
        }
        let (filled_under, absent) = state.keys.stamp?;
        if self.parts.stamps && state.keys.generation != Some(filled_under) {
            return None;
        }
        absent.or(state.keys.value)
    }

    fn invalidate(&self, keys: &mut Keys, generation: bool) {
        if generation {
            keys.generation = None;
        }
        if std::mem::take(&mut keys.indexed) {
            keys.value = None;
            keys.stamp = None;
        }
    }

    fn fill(&self, state: &mut State, taken: Option<u8>, version: u8) {
        let unchanged = taken.is_some() && state.keys.generation == taken || !self.parts.generations;
        if !unchanged || self.fenced(&state.keys) {
            return;
        }
        let absent = version % 2 == 1;
        state.keys.value = (!absent).then_some(version);
        state.keys.stamp = taken.map(|taken| (taken, absent.then_some(version)));
        state.keys.indexed = true;
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            source: 0,
            acknowledged: 0,
            next_generation: 0,
            keys: Keys::default(),
            readers: [Reader::Idle, Reader::Idle],
            writers: [Writer::Idle, Writer::Idle],
            lost: 0,
            snapshot: None,
            is_new: false,
            was_restored: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (reader, at) in state.readers.iter().enumerate() {
            match at {
                Reader::Idle if self.hit(state).is_none() && !self.fenced(&state.keys) => {
                    actions.push(Action::Acquire(reader));
                }
                Reader::Leads(_) => actions.extend([Action::ReadSource(reader), Action::ReaderDies(reader)]),
                Reader::HasRead(..) => actions.extend([Action::Fill(reader), Action::ReaderDies(reader)]),
                Reader::Idle | Reader::Done => {}
            }
        }
        let may_lose = state.lost < self.faults.lost;
        for (writer, at) in state.writers.iter().enumerate() {
            match at {
                Writer::Idle => actions.push(Action::Begin(writer)),
                Writer::Begun => actions.extend([Action::Write(writer), Action::WriterDies(writer)]),
                Writer::HasWritten(_) => actions.extend([Action::End(writer), Action::WriterDies(writer)]),
                // It stands for longer than any write takes; a reader may take for as long as it likes.
                Writer::Done if state.keys.fences[writer] => actions.push(Action::FenceExpires(writer)),
                Writer::Done => {}
            }
            match at {
                Writer::Idle if may_lose => actions.push(Action::BeginLost(writer)),
                Writer::HasWritten(_) if may_lose => actions.push(Action::EndLost(writer)),
                _ => {}
            }
            if self.faults.evicts_fences && state.keys.fences[writer] {
                actions.push(Action::FenceEvicted(writer));
            }
        }
        // Values and stamps expire, too.
        if state.keys.value.is_some() {
            actions.push(Action::ValueGone);
        }
        if state.keys.stamp.is_some() {
            actions.push(Action::StampGone);
        }
        if self.faults.evicts && state.keys.generation.is_some() {
            actions.push(Action::GenerationGone);
        }
        if self.faults.evicts && state.keys.indexed {
            actions.push(Action::IndexGone);
        }
        if self.faults.restored && !state.was_restored {
            actions.push(if state.snapshot.is_none() { Action::Snapshot } else { Action::Restored });
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Acquire(_) | Action::Fill(_) | Action::Begin(_) | Action::End(_) => self.connect(&mut state),
            _ => {}
        }
        match action {
            Action::Acquire(reader) => {
                if state.keys.generation.is_none() {
                    state.keys.generation = Some(state.next_generation);
                    state.next_generation += 1;
                }
                state.readers[reader] = Reader::Leads(state.keys.generation);
            }
            Action::ReadSource(reader) => {
                let Reader::Leads(taken) = state.readers[reader] else { return None };
                state.readers[reader] = Reader::HasRead(taken, state.source);
            }
            Action::Fill(reader) => {
                let Reader::HasRead(taken, version) = state.readers[reader] else { return None };
                state.readers[reader] = Reader::Done;
                self.fill(&mut state, taken, version);
            }
            Action::ReaderDies(reader) => state.readers[reader] = Reader::Done,
            Action::Begin(writer) => {
                self.invalidate(&mut state.keys, self.parts.begin_invalidates);
                state.keys.fences[writer] = true;
                state.writers[writer] = Writer::Begun;
            }
            Action::BeginLost(writer) => {
                state.lost += 1;
                state.writers[writer] = match self.policy {
                    Policy::Available => Writer::Begun,
                    Policy::Consistent => Writer::Done,
                };
            }
            Action::Write(writer) => {
                state.source += 1;
                state.writers[writer] = Writer::HasWritten(state.source);
            }
            Action::End(writer) | Action::EndLost(writer) => {
                let Writer::HasWritten(version) = state.writers[writer] else { return None };
                state.writers[writer] = Writer::Done;
                let recorded = matches!(action, Action::End(_));
                if recorded {
                    self.invalidate(&mut state.keys, self.parts.end_invalidates);
                    state.keys.fences[writer] = false;
                } else {
                    state.lost += 1;
                }
                if recorded || self.policy == Policy::Available {
                    state.acknowledged = state.acknowledged.max(version);
                }
            }
            Action::WriterDies(writer) => state.writers[writer] = Writer::Done,
            Action::FenceExpires(writer) | Action::FenceEvicted(writer) => state.keys.fences[writer] = false,
            Action::ValueGone => state.keys.value = None,
            Action::StampGone => state.keys.stamp = None,
            Action::GenerationGone => state.keys.generation = None,
            Action::IndexGone => state.keys.indexed = false,
            Action::Snapshot => state.snapshot = Some(state.keys.clone()),
            Action::Restored => {
                state.keys = state.snapshot.take()?;
                (state.is_new, state.was_restored) = (true, true);
            }
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![Property::always("promise", |protocol: &Protocol, state: &State| {
            protocol.hit(state).is_none_or(|version| version >= state.acknowledged)
        })]
    }
}
