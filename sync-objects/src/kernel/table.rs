//! The objects: where they live, how they are found, when they go.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sync_proto::message::WireHandle;
use sync_proto::{
    Data, ErrorKind, Fingerprint, Handle, Interface, Meter, ObjectId, Refusal, Token, WeakHandle,
};

use super::holds::Hold;
use super::line::Lines;
use super::memory::{HOLD, OBJECT};
use super::timers::TimerKey;
use super::{Core, Limits};
use crate::object::Object;

/// An object's identity holds its place in the table in this many low bits, and above them the
/// number of its creation, so that an identity is never given twice.
const PLACE_BITS: u32 = 24;

/// The most objects that can live at once; [`Limits::objects`] is at most this.
pub(crate) const OBJECTS_MAX: usize = 1 << PLACE_BITS;

/// An object with all that the kernel keeps for it.
pub(crate) struct Slot {
    pub(crate) id: ObjectId,
    pub(crate) interface: &'static Interface,
    pub(crate) body: Body,
    pub(crate) handle: WeakHandle,
    /// The bytes that are counted for it.
    pub(crate) weight: usize,
    pub(crate) lines: Lines,
    pub(crate) holds: BTreeMap<Token, Hold>,
    /// Those of them that callers wait for, by the number of the line: most are none.
    pub(crate) owners: BTreeSet<(u64, Token)>,
    pub(crate) alarms: BTreeMap<u64, TimerKey>,
}

/// The object itself.
pub(crate) enum Body {
    Here(Box<dyn Object>),
    /// Its code runs: it was taken out of its slot for this step.
    AtWork,
    /// Its code panicked; the text says how.
    Broken(String),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Here(_) => "Here",
            Self::AtWork => "AtWork",
            Self::Broken(_) => "Broken",
        })
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.interface.name)
    }
}

/// All objects, by their place.
#[derive(Debug)]
pub(crate) struct Objects {
    slots: slab::Slab<Slot>,
    created: u64,
}

impl Objects {
    pub(crate) fn new() -> Self {
        Self { slots: slab::Slab::new(), created: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().map(|(_, slot)| slot)
    }

    pub(crate) fn get_mut(&mut self, object: ObjectId) -> Option<&mut Slot> {
        self.slots.get_mut(place(object)).filter(|slot| slot.id == object)
    }
}

impl Slot {
    /// Counts the object by what it says that it keeps.
    pub(crate) fn weigh(&mut self, weight: usize, meter: &Meter) {
        let before = std::mem::replace(&mut self.weight, OBJECT + weight);
        // The meter's word is every thread's, and most calls change no weight.
        if before != self.weight {
            meter.add(self.weight);
            meter.subtract(before);
        }
    }
}

fn place(object: ObjectId) -> usize {
    // The mask keeps 24 bits: no place is cut.
    (object.0 & (OBJECTS_MAX as u64 - 1)) as usize
}

impl Core {
    pub(crate) fn slot(&self, object: ObjectId) -> Option<&Slot> {
        self.objects.slots.get(place(object)).filter(|slot| slot.id == object)
    }

    pub(crate) fn slot_mut(&mut self, object: ObjectId) -> Option<&mut Slot> {
        self.objects.get_mut(object)
    }

    /// Puts an object into the table; it lives as long as a clone of the handle does.
    pub(crate) fn install(
        &mut self,
        interface: &'static Interface,
        object: Box<dyn Object>,
    ) -> Result<Handle, Refusal> {
        let Limits { objects: limit, .. } = self.limits;
        if self.objects.len() > limit.min(OBJECTS_MAX - 1) {
            super::run::discard(object, interface.name);
            let why = format!("the manager has {limit} objects, which is the limit");
            return Err(Refusal::new(ErrorKind::LimitReached, why));
        }
        let weight = OBJECT + super::run::weight_of(&*object);
        if let Err(refusal) = self.afford_object(weight) {
            super::run::discard(object, interface.name);
            return Err(refusal);
        }
        self.meter.add(weight);
        let entry = self.objects.slots.vacant_entry();
        let id = ObjectId(self.objects.created << PLACE_BITS | entry.key() as u64);
        let handle = Handle::new(id, interface.fingerprint, Arc::clone(&self.ledger) as _);
        entry.insert(Slot {
            id,
            interface,
            body: Body::Here(object),
            handle: handle.downgrade(),
            weight,
            lines: Lines::default(),
            holds: BTreeMap::new(),
            owners: BTreeSet::new(),
            alarms: BTreeMap::new(),
        });
        self.objects.created += 1;
        Ok(handle)
    }

    /// Makes an object of a registered type.
    pub(crate) fn make(
        &self,
        name: &str,
        fingerprint: Fingerprint,
        args: Data,
    ) -> Result<(&'static Interface, Box<dyn Object>), Refusal> {
        let (interface, constructor) = self.registry.find(name, fingerprint)?;
        Ok((interface, super::run::guarded(|| constructor(args), interface.name)?))
    }

    /// Turns a message's handle into one that counts.
    pub(crate) fn resolve(&self, wire: WireHandle) -> Result<Handle, Refusal> {
        let slot = self.slot(wire.object).ok_or_else(|| gone(wire.object))?;
        if slot.interface.fingerprint != wire.interface {
            let (object, name) = (wire.object, slot.interface.name);
            let why = format!("object {object} is a {name}, not what the handle says");
            return Err(Refusal::new(ErrorKind::WrongType, why));
        }
        slot.handle.upgrade().ok_or_else(|| gone(wire.object))
    }

    pub(crate) fn check_interface(
        &self,
        object: ObjectId,
        wanted: &'static Interface,
    ) -> Result<(), Refusal> {
        let slot = self.slot(object).ok_or_else(|| gone(object))?;
        if slot.interface.fingerprint == wanted.fingerprint {
            return Ok(());
        }
        let (found, ours, wanted, theirs) =
            (slot.interface.name, slot.interface.fingerprint, wanted.name, wanted.fingerprint);
        let why = format!(
            "object {object} is a {found} ({ours}), but a {wanted} ({theirs}) was expected"
        );
        Err(Refusal::new(ErrorKind::WrongType, why))
    }

    /// Takes an object that nothing holds out of the table. Nobody waits for it: a call that waits
    /// keeps its object.
    pub(crate) fn drop_object(&mut self, object: ObjectId) {
        if self.slot(object).is_none_or(|slot| slot.handle.count() > 0) {
            return;
        }
        let slot = self.objects.slots.remove(place(object));
        self.meter.subtract(slot.weight + HOLD * slot.holds.len());
        for key in slot.alarms.values() {
            self.timers.clear(*key);
        }
        for (token, hold) in &slot.holds {
            if let Some(session) = self.sessions.get_mut(&hold.caller.session) {
                session.holds.remove(&(object, *token));
            }
        }
        super::run::discard(slot.body, slot.interface.name);
    }
}

pub(crate) fn gone(object: ObjectId) -> Refusal {
    let why = format!("there is no object {object}: its last handle was dropped");
    Refusal::new(ErrorKind::NotFound, why)
}
