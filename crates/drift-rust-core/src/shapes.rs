//! Shapes: the sequences of keys that objects have, learned once and then
//! recognised.
//!
//! Services send objects of the same few shapes again and again. A shape is a
//! node in a tree of keys: the empty object is the root, each key leads on to
//! another shape. What an object's keys cost to sort, to escape and to encode
//! is paid when a shape is first closed and kept in its [`Layout`]; from then on
//! a key is recognised by one comparison with the key that followed last time.
//!
//! A key is learned when it comes for the second time in its place: keys that
//! are data (maps from ids, random orders) would fill the table for nothing.
//! An object with a key that is not known keeps its keys for itself.
//!
//! Nothing here decides a result: a key is taken as known only when all its
//! bytes are equal, and what is kept is a function of those bytes. The tables
//! are bounded ([`MAX_SHAPES`], [`MAX_NAME_BYTES`], [`MAX_LAYOUT_MEMBERS`],
//! [`MAX_FRAGMENT_BYTES`], [`MAX_PROBES`]).

use crate::canonical::push_escaped;
use crate::document::{Frame, Node, PATIENCE};
use crate::out::BLOCK;
use crate::proto::fields::structure;
use crate::proto::wire::{WireType, push_varint};
use crate::schema_cache::SchemaCache;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shapes that one table holds.
const MAX_SHAPES: usize = 8192;

/// Bytes of keys that one table holds.
const MAX_NAME_BYTES: usize = 1 << 18;

/// Members of an object that is kept as a shape.
const MAX_MEMBERS: u32 = 256;

/// Places that a look-up visits: an attacker who chooses keys of one hash gets
/// objects without a shape, not a slow table.
const MAX_PROBES: usize = 16;

/// Members of all layouts of one table, and bytes of what is written before
/// their values.
const MAX_LAYOUT_MEMBERS: usize = 1 << 16;
const MAX_FRAGMENT_BYTES: usize = 1 << 21;

/// Shapes that a document may add, and one more for each object of a known shape.
const CREDIT: u32 = 512;

/// A table that is full learns no more; after so many documents it is given up
/// for an empty one, since what services send changes.
const DOCUMENTS_OF_A_FULL_TABLE: u32 = 256;

/// Places for keys that came once.
const SEEN: usize = 1 << 12;

/// What a table keeps of a document's memory, at most.
pub(crate) const MAX_KEPT_NODES: usize = 1 << 17;
const MAX_KEPT_SCRATCH_BYTES: usize = 1 << 20;

/// A shape by its place in the table; 0 is the empty object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ShapeId(pub(crate) u32);

impl ShapeId {
    pub(crate) const EMPTY: ShapeId = ShapeId(0);
}

/// A sequence of keys by its hash, also where the table has no shape for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trail(u64);

impl Trail {
    pub(crate) const EMPTY: Trail = Trail(0);
}

#[derive(Clone, Debug)]
struct Shape {
    trail: Trail,
    /// The first bytes of the key's token, `"key":`, as JSON text has it.
    head: [u64; 2],
    /// Which bits of `head` count.
    mask: [u64; 2],
    /// The whole token in `tokens`.
    token_start: u32,
    token_length: u32,
    name_start: u32,
    name_length: u32,
    parent: ShapeId,
    /// The shapes that followed last time and before another one did; `EMPTY`
    /// for none.
    next: ShapeId,
    other_next: ShapeId,
    /// The first shape of the object that was a value here last time, or an
    /// item of it; `EMPTY` for none.
    child: ShapeId,
    /// How many keys lead here.
    depth: u32,
    /// The layout plus one; 0 for none yet.
    layout: u32,
}

/// How the members of a shape are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// The first of its members in `Shapes::members`.
    first: u32,
    /// Distinct keys.
    pub(crate) count: u32,
    /// The text has the members in canonical order, each once.
    pub(crate) in_order: bool,
}

/// One member of a layout, in canonical order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    /// The member's place in the text.
    pub(crate) place: u32,
    name_start: u32,
    name_length: u32,
    /// `{"key":` or `,"key":` in `fragments`.
    pub(crate) json_start: u32,
    pub(crate) json_length: u32,
    /// The key field of a map entry and the tag of its value, in `fragments`.
    pub(crate) proto_start: u32,
    pub(crate) proto_length: u32,
}

/// A table of shapes.
#[derive(Debug)]
pub(crate) struct Shapes {
    shapes: Vec<Shape>,
    /// Open addressing by trail; 0 is a free place.
    index: Vec<u32>,
    names: String,
    tokens: Vec<u8>,
    layouts: Vec<Layout>,
    members: Vec<Member>,
    /// What is written before the values; [`BLOCK`] bytes more than is used.
    fragments: Vec<u8>,
    /// Shapes that may still be made for this document: what is sent only once
    /// is not worth learning. Each object of a known shape earns one more.
    credit: u32,
    /// Parts of the trails that came once, by other parts of them.
    seen: Box<[u16]>,
    /// Documents since the table was full.
    documents_since_full: u32,
    /// How many unknown keys the next document may have before its objects are
    /// no longer looked up.
    pub(crate) patience: i32,
    /// Memory of the last document.
    pub(crate) spare: Spare,
    /// No other table of this process has or had it.
    pub(crate) number: u64,
    pub(crate) schemas: Mutex<SchemaCache>,
}

/// Memory that documents take turns with.
#[derive(Debug, Default)]
pub(crate) struct Spare {
    pub(crate) nodes: Vec<Node>,
    pub(crate) scratch: String,
    pub(crate) pending: Vec<Node>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) order: Vec<(u64, usize)>,
}

impl Spare {
    /// Empties what is kept, and frees what is too large to be.
    fn clear(&mut self) {
        fn clear<T>(memory: &mut Vec<T>, kept: usize) {
            memory.clear();
            if memory.capacity() > kept {
                *memory = Vec::new();
            }
        }
        clear(&mut self.nodes, MAX_KEPT_NODES);
        clear(&mut self.pending, MAX_KEPT_NODES);
        clear(&mut self.frames, crate::MAX_DEPTH_LIMIT * 2);
        clear(&mut self.order, MAX_KEPT_NODES);
        self.scratch.clear();
        if self.scratch.capacity() > MAX_KEPT_SCRATCH_BYTES {
            self.scratch = String::new();
        }
    }
}

impl Clone for Shapes {
    fn clone(&self) -> Shapes {
        Shapes {
            shapes: self.shapes.clone(),
            index: self.index.clone(),
            names: self.names.clone(),
            tokens: self.tokens.clone(),
            layouts: self.layouts.clone(),
            members: self.members.clone(),
            fragments: self.fragments.clone(),
            credit: self.credit,
            seen: self.seen.clone(),
            documents_since_full: self.documents_since_full,
            patience: self.patience,
            spare: Spare::default(),
            number: next_number(),
            schemas: Mutex::default(),
        }
    }
}

impl Shapes {
    pub(crate) fn new() -> Shapes {
        Shapes {
            shapes: vec![Shape {
                trail: Trail::EMPTY,
                head: [0; 2],
                mask: [0; 2],
                token_start: 0,
                token_length: 0,
                name_start: 0,
                name_length: 0,
                parent: ShapeId::EMPTY,
                next: ShapeId::EMPTY,
                other_next: ShapeId::EMPTY,
                child: ShapeId::EMPTY,
                depth: 0,
                layout: 0,
            }],
            index: vec![0; 256],
            names: String::new(),
            tokens: Vec::new(),
            layouts: Vec::new(),
            members: Vec::new(),
            fragments: vec![0; BLOCK],
            credit: CREDIT,
            seen: vec![0; SEEN].into(),
            documents_since_full: 0,
            patience: PATIENCE,
            spare: Spare::default(),
            number: next_number(),
            schemas: Mutex::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.shapes.len() >= MAX_SHAPES
            || self.names.len() >= MAX_NAME_BYTES / 8 * 7
            || self.members.len() >= MAX_LAYOUT_MEMBERS / 8 * 7
            || self.fragments.len() >= MAX_FRAGMENT_BYTES / 8 * 7
    }

    fn may_be_kept(&mut self) -> bool {
        self.documents_since_full += u32::from(self.is_full());
        self.documents_since_full <= DOCUMENTS_OF_A_FULL_TABLE
    }

    /// The shape that followed this one last time, in an object that is a value
    /// of `context`.
    #[inline(always)]
    pub(crate) fn next_of(&self, shape: ShapeId, context: ShapeId) -> ShapeId {
        if shape == ShapeId::EMPTY {
            return self
                .shapes
                .get(context.0 as usize)
                .map_or(ShapeId::EMPTY, |context| context.child);
        }
        self.shapes
            .get(shape.0 as usize)
            .map_or(ShapeId::EMPTY, |shape| shape.next)
    }

    /// Whether the token of a shape's last key stands at this place of a text;
    /// gives the token's length.
    #[inline]
    pub(crate) fn token_at(&self, shape: ShapeId, text: &[u8], at: usize) -> Option<usize> {
        let shape = self.shapes.get(shape.0 as usize)?;
        let chunk = text.get(at..)?.first_chunk::<16>()?;
        let ([low, high], _) = chunk.as_chunks::<8>() else {
            return None;
        };
        let other = (u64::from_le_bytes(*low) ^ shape.head[0]) & shape.mask[0]
            | (u64::from_le_bytes(*high) ^ shape.head[1]) & shape.mask[1];
        // The empty shape has no key, and so no bits that count.
        if other != 0 || shape.mask[0] == 0 {
            return None;
        }
        let length = shape.token_length as usize;
        if length <= 16 {
            return Some(length);
        }
        let start = shape.token_start as usize;
        let token = self.tokens.get(start..start + length)?;
        (text.get(at..at + length)? == token).then_some(length)
    }

    /// The number of keys that lead to a shape.
    pub(crate) fn depth(&self, shape: ShapeId) -> usize {
        self.shapes
            .get(shape.0 as usize)
            .map_or(0, |shape| shape.depth as usize)
    }

    /// The keys that lead to a shape, last first.
    pub(crate) fn keys_back(&self, shape: ShapeId) -> impl Iterator<Item = &str> {
        let mut at = shape;
        std::iter::from_fn(move || {
            if at == ShapeId::EMPTY {
                return None;
            }
            let shape = self.shapes.get(at.0 as usize)?;
            at = shape.parent;
            Some(self.name(shape.name_start, shape.name_length))
        })
    }

    fn name(&self, start: u32, length: u32) -> &str {
        self.names
            .get(start as usize..(start + length) as usize)
            .unwrap_or_default()
    }

    /// The shape that a key leads to in an object that is a value of `context`,
    /// made when the key came here before; otherwise the trail it leads to.
    #[inline]
    pub(crate) fn step(
        &mut self,
        from: ShapeId,
        context: ShapeId,
        key: &str,
    ) -> Result<ShapeId, Trail> {
        let predicted = self.next_of(from, context);
        if self.is_key_of(predicted, key) {
            return Ok(predicted);
        }
        let other = self
            .shapes
            .get(from.0 as usize)
            .map_or(ShapeId::EMPTY, |shape| shape.other_next);
        let next = if self.is_key_of(other, key) {
            other
        } else {
            self.find_or_learn(from, key)?
        };
        if from != ShapeId::EMPTY
            && let Some(shape) = self.shapes.get_mut(from.0 as usize)
        {
            shape.other_next = shape.next;
            shape.next = next;
        } else if let Some(context) = self.shapes.get_mut(context.0 as usize) {
            context.child = next;
        }
        Ok(next)
    }

    /// Whether a shape's last key is this one; the empty shape has none.
    #[inline]
    fn is_key_of(&self, shape: ShapeId, key: &str) -> bool {
        shape != ShapeId::EMPTY
            && self
                .shapes
                .get(shape.0 as usize)
                .is_some_and(|shape| self.name(shape.name_start, shape.name_length) == key)
    }

    fn find_or_learn(&mut self, from: ShapeId, key: &str) -> Result<ShapeId, Trail> {
        let trail = match self.shapes.get(from.0 as usize) {
            Some(shape) => follow(shape.trail, key),
            None => return Err(Trail::EMPTY),
        };
        let mask = self.index.len() - 1;
        for probe in 0..MAX_PROBES {
            let place = (trail.0 as usize).wrapping_add(probe) & mask;
            let slot = self.index.get(place).copied().unwrap_or(0);
            if slot == 0 {
                return self
                    .came_before(trail)
                    .then(|| self.make(from, key, trail, place))
                    .flatten()
                    .ok_or(trail);
            }
            if self
                .shapes
                .get(slot as usize)
                .is_some_and(|shape| shape.parent == from)
                && self.is_key_of(ShapeId(slot), key)
            {
                return Ok(ShapeId(slot));
            }
        }
        Err(trail)
    }

    /// Where a key leads in an object that keeps its keys; the table remembers
    /// that it came.
    pub(crate) fn pass(&mut self, trail: Trail, key: &str) -> Trail {
        let trail = follow(trail, key);
        self.came_before(trail);
        trail
    }

    /// Whether a trail came before, as far as is remembered.
    fn came_before(&mut self, trail: Trail) -> bool {
        let mark = (trail.0 >> 48) as u16 | 1;
        let place = (trail.0 >> 32) as usize % SEEN;
        match self.seen.get_mut(place) {
            Some(slot) if *slot == mark => true,
            Some(slot) => {
                *slot = mark;
                false
            }
            None => false,
        }
    }

    fn make(&mut self, parent: ShapeId, key: &str, trail: Trail, place: usize) -> Option<ShapeId> {
        let depth = self.shapes.get(parent.0 as usize)?.depth + 1;
        if self.credit == 0
            || self.shapes.len() >= MAX_SHAPES
            || depth > MAX_MEMBERS
            || self.names.len() + key.len() > MAX_NAME_BYTES
        {
            return None;
        }
        self.credit -= 1;
        let mut token = String::with_capacity(key.len() + 3);
        token.push('"');
        push_escaped(&mut token, key);
        token.push_str("\":");
        let mut head = [0; 16];
        for (slot, byte) in head.iter_mut().zip(token.bytes()) {
            *slot = byte;
        }
        let counted = token.len().min(16) as u32;
        let id = self.shapes.len() as u32;
        self.shapes.push(Shape {
            trail,
            head: halves(u128::from_le_bytes(head)),
            mask: halves(u128::MAX >> (128 - 8 * counted)),
            token_start: self.tokens.len() as u32,
            token_length: token.len() as u32,
            name_start: self.names.len() as u32,
            name_length: key.len() as u32,
            parent,
            next: ShapeId::EMPTY,
            other_next: ShapeId::EMPTY,
            child: ShapeId::EMPTY,
            depth,
            layout: 0,
        });
        self.names.push_str(key);
        self.tokens.extend_from_slice(token.as_bytes());
        if let Some(slot) = self.index.get_mut(place) {
            *slot = id;
        }
        if self.shapes.len() * 2 > self.index.len() {
            self.grow();
        }
        Some(ShapeId(id))
    }

    fn grow(&mut self) {
        let size = self.index.len() * 4;
        self.index.clear();
        self.index.resize(size, 0);
        for (id, shape) in self.shapes.iter().enumerate().skip(1) {
            for probe in 0..MAX_PROBES {
                let place = (shape.trail.0 as usize).wrapping_add(probe) & (size - 1);
                // A shape that finds no place is made once more when it is
                // looked for; both are the same shape by their keys, and no
                // result compares shapes by number alone but within a document's
                // own cache, where two numbers mean two entries.
                if let Some(slot @ 0) = self.index.get_mut(place) {
                    *slot = id as u32;
                    break;
                }
            }
        }
    }

    /// The layout of a shape; `None` when the table has no room for it.
    #[inline]
    pub(crate) fn layout(&mut self, shape: ShapeId) -> Option<u32> {
        match self.shapes.get(shape.0 as usize) {
            Some(shape) if shape.layout > 0 => {
                self.credit = (self.credit + 1).min(CREDIT);
                Some(shape.layout - 1)
            }
            _ => self.make_layout(shape),
        }
    }

    #[cold]
    fn make_layout(&mut self, id: ShapeId) -> Option<u32> {
        if self.members.len() >= MAX_LAYOUT_MEMBERS || self.fragments.len() >= MAX_FRAGMENT_BYTES {
            return None;
        }
        let keys: Vec<&str> = self.keys_back(id).collect();
        let written = keys.len() as u32;
        let key_at = |place: u32| {
            let back = keys.len().wrapping_sub(1).wrapping_sub(place as usize);
            keys.get(back).copied().unwrap_or_default()
        };
        let mut order: Vec<u32> = (0..written).collect();
        order.sort_unstable_by(|a, b| key_at(*a).cmp(key_at(*b)).then(a.cmp(b)));
        // Of equal keys the last one stays.
        let mut kept: Vec<u32> = Vec::with_capacity(order.len());
        for place in &order {
            match kept.last_mut() {
                Some(last) if key_at(*last) == key_at(*place) => *last = *place,
                _ => kept.push(*place),
            }
        }
        let mut members = Vec::with_capacity(kept.len());
        let mut fragments = Vec::new();
        let base = (self.fragments.len() - BLOCK) as u32;
        let mut names = Vec::with_capacity(keys.len());
        let mut at = id;
        while let Some(shape) = self.shapes.get(at.0 as usize).filter(|_| at.0 != 0) {
            names.push((shape.name_start, shape.name_length));
            at = shape.parent;
        }
        names.reverse();
        for (rank, place) in kept.iter().enumerate() {
            let key = key_at(*place);
            let json_start = base + fragments.len() as u32;
            let mut token = String::from(if rank == 0 { "{\"" } else { ",\"" });
            push_escaped(&mut token, key);
            token.push_str("\":");
            fragments.extend_from_slice(token.as_bytes());
            let proto_start = base + fragments.len() as u32;
            let mut entry = Vec::new();
            if !key.is_empty() {
                push_varint(&mut entry, tag(structure::ENTRY_KEY));
                push_varint(&mut entry, key.len() as u64);
                entry.extend_from_slice(key.as_bytes());
            }
            push_varint(&mut entry, tag(structure::ENTRY_VALUE));
            fragments.extend_from_slice(&entry);
            let (name_start, name_length) = names.get(*place as usize).copied().unwrap_or_default();
            members.push(Member {
                place: *place,
                name_start,
                name_length,
                json_start,
                json_length: token.len() as u32,
                proto_start,
                proto_length: entry.len() as u32,
            });
        }
        let layout = Layout {
            first: self.members.len() as u32,
            count: kept.len() as u32,
            in_order: kept.iter().copied().eq(0..written),
        };
        self.members.extend(members);
        self.fragments.truncate(base as usize);
        self.fragments.extend(fragments);
        self.fragments.extend([0; BLOCK]);
        let number = self.layouts.len() as u32;
        self.layouts.push(layout);
        if let Some(shape) = self.shapes.get_mut(id.0 as usize) {
            shape.layout = number + 1;
        }
        Some(number)
    }

    #[inline]
    pub(crate) fn layout_at(&self, number: u32) -> Layout {
        self.layouts
            .get(number as usize)
            .copied()
            .unwrap_or(Layout {
                first: 0,
                count: 0,
                in_order: true,
            })
    }

    #[inline]
    pub(crate) fn members(&self, layout: Layout) -> &[Member] {
        let first = layout.first as usize;
        self.members
            .get(first..first + layout.count as usize)
            .unwrap_or_default()
    }

    pub(crate) fn member_name(&self, member: &Member) -> &str {
        self.name(member.name_start, member.name_length)
    }

    #[inline]
    pub(crate) fn fragments(&self) -> &[u8] {
        &self.fragments
    }
}

fn tag(field: u32) -> u64 {
    u64::from(field << 3 | WireType::Length as u32)
}

/// The lower and the upper half of a number.
fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// Where a key leads on from a trail.
fn follow(trail: Trail, key: &str) -> Trail {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut state = trail.0.rotate_left(7) ^ (key.len() as u64).wrapping_mul(FACTOR);
    let (chunks, rest) = key.as_bytes().as_chunks::<8>();
    let mut mix = |word: u64| {
        state = (state.rotate_left(23) ^ word).wrapping_mul(FACTOR);
        state ^= state >> 29;
    };
    for chunk in chunks {
        mix(u64::from_le_bytes(*chunk));
    }
    mix(rest
        .iter()
        .fold(1, |word, byte| word << 8 | u64::from(*byte)));
    Trail(state ^ state >> 32)
}

fn next_number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Tables that no document uses now. Taking and giving back never waits: a
/// place that another thread holds at this moment, or that was locked by a
/// thread of a process before it forked, is passed over.
static POOL: [Mutex<Option<Box<Shapes>>>; 8] = [const { Mutex::new(None) }; 8];

/// A table on loan from the pool; it goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct PooledShapes(Option<Box<Shapes>>);

impl PooledShapes {
    pub(crate) fn take() -> PooledShapes {
        let kept = POOL
            .iter()
            .find_map(|place| place.try_lock().ok().and_then(|mut place| place.take()));
        let mut shapes = kept.unwrap_or_else(|| Box::new(Shapes::new()));
        shapes.credit = CREDIT;
        PooledShapes(Some(shapes))
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<&Shapes> {
        self.0.as_deref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut Shapes> {
        self.0.as_deref_mut()
    }

    /// No table: for documents whose objects all keep their keys.
    pub(crate) fn none() -> PooledShapes {
        PooledShapes(None)
    }
}

impl Clone for PooledShapes {
    fn clone(&self) -> PooledShapes {
        PooledShapes(self.0.clone())
    }
}

impl Drop for PooledShapes {
    fn drop(&mut self) {
        let Some(mut shapes) = self.0.take() else {
            return;
        };
        if !shapes.may_be_kept() {
            return;
        }
        shapes.spare.clear();
        for place in &POOL {
            if let Ok(mut place) = place.try_lock()
                && place.is_none()
            {
                *place = Some(shapes);
                return;
            }
        }
    }
}
