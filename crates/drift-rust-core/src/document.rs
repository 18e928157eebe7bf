//! One arena tree per payload: what every output is written from.
//!
//! Holds the tree, its read access and the builder for native values. Leaves
//! out reading text (`parse`) and writing (`canonical`, `schema`, `proto`).

use crate::error::BuildError;
use crate::number;
use crate::parse::read_numbers;
use crate::path;
use crate::shapes::{MAX_KEPT_NODES, PooledShapes, ShapeId, Shapes, Spare, Trail};
use crate::{Profile, ValueOptions};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::OnceLock;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    /// An integer as its digits, in the text or the scratch space.
    Digits,
    /// An integer of a native value.
    Int,
    /// A double; its canonical text may stand in the input text.
    Float,
    Str,
    Array,
    Object,
}

/// One value: 16 bytes, positions instead of pointers.
///
/// `Str` and `Digits`: `meta` is the length in bytes, `data` the offset with
/// [`IN_SCRATCH`] as its top bit. `Int` and `Float`: `data` is the value,
/// `meta` the offset of its canonical text in the input and `small` that
/// text's length, 0 for none; so it is for `Null`, `False` and `True`, whose
/// `data` is 0. `Array` and `Object`: `data` is the index of the
/// container's header, behind which its children lie. An array's `meta` is the
/// number of its items; with [`FOLDED`] as `small` these are left in the text, see
/// [`Folded`]. An object's is its layout, its children the values in
/// canonical order; with [`WITH_KEYS`] as `small` it is the number of members,
/// and a member is two children, key and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    tag: u64,
    data: u64,
}

const IN_SCRATCH: u64 = 1 << 63;
const WITH_KEYS: u8 = 1;
const FOLDED: u8 = 1;
const META_SHIFT: u32 = 16;

impl Node {
    pub(crate) const NULL: Node = Node::plain(Kind::Null);

    const fn make(kind: Kind, small: u8, meta: usize, data: u64) -> Node {
        Node {
            tag: kind as u64 | (small as u64) << 8 | (meta as u64) << META_SHIFT,
            data,
        }
    }
    const fn plain(kind: Kind) -> Node {
        Node::make(kind, 0, 0, 0)
    }
    pub(crate) const fn boolean(value: bool) -> Node {
        Node::plain(if value { Kind::True } else { Kind::False })
    }
    /// `null`, `true` or `false` whose word stands in the text.
    const fn word_at(kind: Kind, offset: usize, length: u8) -> Node {
        Node::make(kind, length, offset, 0)
    }
    pub(crate) const fn null_at(offset: usize) -> Node {
        Node::word_at(Kind::Null, offset, 4)
    }
    pub(crate) const fn false_at(offset: usize) -> Node {
        Node::word_at(Kind::False, offset, 5)
    }
    pub(crate) const fn true_at(offset: usize) -> Node {
        Node::word_at(Kind::True, offset, 4)
    }
    /// A string; `escape_free` promises that it needs no escape in JSON.
    pub(crate) const fn string(
        offset: usize,
        length: usize,
        in_scratch: bool,
        escape_free: bool,
    ) -> Node {
        Node::make(
            Kind::Str,
            escape_free as u8,
            length,
            offset as u64 | if in_scratch { IN_SCRATCH } else { 0 },
        )
    }
    pub(crate) const fn digits(offset: usize, length: usize, in_scratch: bool) -> Node {
        Node::make(
            Kind::Digits,
            0,
            length,
            offset as u64 | if in_scratch { IN_SCRATCH } else { 0 },
        )
    }
    pub(crate) const fn int(value: i64) -> Node {
        Node::make(Kind::Int, 0, 0, value.cast_unsigned())
    }
    /// An integer whose digits stand in the text.
    pub(crate) const fn int_at(value: i64, offset: usize, length: u8) -> Node {
        Node::make(Kind::Int, length, offset, value.cast_unsigned())
    }
    /// A double whose canonical text is printed when it is needed.
    pub(crate) const fn float(value: f64) -> Node {
        Node::make(Kind::Float, 0, 0, value.to_bits())
    }
    /// A double whose token in the text is its canonical text already.
    pub(crate) const fn float_at(value: f64, offset: usize, length: u8) -> Node {
        Node::make(Kind::Float, length, offset, value.to_bits())
    }

    pub(crate) const fn kind(self) -> Kind {
        match self.tag as u8 {
            0 => Kind::Null,
            1 => Kind::False,
            2 => Kind::True,
            3 => Kind::Digits,
            4 => Kind::Int,
            5 => Kind::Float,
            6 => Kind::Str,
            7 => Kind::Array,
            _ => Kind::Object,
        }
    }
    const fn small(self) -> u8 {
        (self.tag >> 8) as u8
    }
    const fn meta(self) -> usize {
        (self.tag >> META_SHIFT) as usize
    }
    /// How many nodes a child of a container is: a value, or its key and it.
    pub(crate) const fn nodes_of_child(self) -> usize {
        match (self.kind(), self.small()) {
            (Kind::Object, WITH_KEYS) => 2,
            _ => 1,
        }
    }
    pub(crate) const fn escape_free(self) -> bool {
        self.small() != 0
    }
    /// Bytes of a string, items of an array.
    pub(crate) const fn len(self) -> usize {
        self.meta()
    }
    /// Where the bytes of a string or of digits start, and whether in the scratch space.
    pub(crate) const fn start(self) -> (usize, bool) {
        (
            (self.data & !IN_SCRATCH) as usize,
            self.data & IN_SCRATCH != 0,
        )
    }
    /// The offset and length of a number's canonical text in the input; length 0 for none.
    pub(crate) const fn number_text(self) -> (usize, usize) {
        (self.meta(), self.small() as usize)
    }
    /// The start and the end of the canonical text of a string or a word, or of a
    /// number but for `Digits`, in the input; `None` when it is not known to
    /// stand there.
    #[inline(always)]
    pub(crate) fn scalar_text(self) -> Option<(usize, usize)> {
        // Selected, not branched on: what comes next in a text is a guess.
        let is_string = self.kind() == Kind::Str;
        let in_scratch = is_string & (self.data & IN_SCRATCH != 0);
        let (start, length) = if is_string {
            ((self.data as usize).wrapping_sub(1), self.meta() + 2)
        } else {
            (self.meta(), self.small() as usize)
        };
        let is_known = self.small() != 0 && !in_scratch;
        is_known.then(|| (start, start.wrapping_add(length)))
    }
    /// The layout of an object that has one.
    pub(crate) const fn layout(self) -> Option<u32> {
        match self.small() {
            0 => Some(self.meta() as u32),
            _ => None,
        }
    }
    /// What a container's header holds: where its canonical text starts and ends
    /// in the input, or what the builder was given.
    const fn header(origin: usize, end: usize) -> Node {
        Node {
            tag: origin as u64,
            data: end as u64,
        }
    }
    pub(crate) const fn as_int(self) -> i64 {
        self.data.cast_signed()
    }
    pub(crate) const fn as_float(self) -> f64 {
        f64::from_bits(self.data)
    }
}

/// A JSON value in canonical member order, read once and written many times.
///
/// Strings stay in the text they came from where that is possible, so a
/// document borrows its text (`'a`); one built from native values is `'static`.
///
/// ```
/// use drift_rust_core::{Document, ValueOptions};
/// let document = Document::parse(r#"{"b": 1, "a": [true]}"#, ValueOptions::default())?;
/// assert_eq!(document.to_canonical_json(), r#"{"a":[true],"b":1}"#);
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
///
/// A text that is not JSON is refused with the offset of the fault:
///
/// ```
/// use drift_rust_core::{Document, ValueOptions};
/// let error = Document::parse("[1,]", ValueOptions::default()).unwrap_err();
/// assert_eq!((error.code().as_str(), error.offset()), ("invalid_json", Some(3)));
/// ```
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: Cow<'a, str>,
    arena: Arena,
}

/// A long array of numbers in a large text, canonical: its items are read again
/// when they are needed, since 16 bytes for each are many times its text.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    /// Where every [`FOLDED_BLOCK`]th number starts in the text.
    pub(crate) starts: Vec<usize>,
    pub(crate) count: usize,
    first: Node,
    /// All items, once a reader of single values wanted them.
    items: OnceLock<Vec<Node>>,
}

/// The items of a shorter array are kept, and those in a shorter text: to read them
/// twice takes time, and memory is short only where the text is large.
const LEAST_FOLDED: usize = 1 << 10;
const LEAST_FOLDED_TEXT_BYTES: usize = 1 << 20;

/// Numbers that are read again at once.
pub(crate) const FOLDED_BLOCK: usize = 1 << 10;

impl Folded {
    /// Each block's place in the text, with the count of its numbers.
    pub(crate) fn blocks(&self) -> impl DoubleEndedIterator<Item = (usize, usize)> {
        self.starts.iter().enumerate().map(|(block, start)| {
            let before = block * FOLDED_BLOCK;
            (*start, (self.count - before).min(FOLDED_BLOCK))
        })
    }
}

/// The parts of a document that do not borrow its text.
#[derive(Clone, Debug)]
pub(crate) struct Arena {
    pub(crate) scratch: String,
    pub(crate) nodes: Vec<Node>,
    folded: Vec<Folded>,
    pub(crate) root: Node,
    pub(crate) profile: Profile,
    pub(crate) shapes: PooledShapes,
}

impl Drop for Arena {
    fn drop(&mut self) {
        if let Some(shapes) = self.shapes.get_mut() {
            shapes.spare.nodes = std::mem::take(&mut self.nodes);
            shapes.spare.scratch = std::mem::take(&mut self.scratch);
        }
    }
}

impl<'a> Document<'a> {
    pub(crate) fn from_parts(text: Cow<'a, str>, arena: Arena) -> Document<'a> {
        Document { text, arena }
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        self.value(self.arena.root)
    }

    /// The profile whose rules the document was read by.
    pub fn profile(&self) -> Profile {
        self.arena.profile
    }

    pub(crate) fn root_node(&self) -> Node {
        self.arena.root
    }

    /// A rough size of the value in bytes of JSON, to size a buffer with.
    pub(crate) fn size_hint(&self) -> usize {
        self.text
            .len()
            .max(self.arena.scratch.len() + self.arena.nodes.len() * 4)
    }

    pub(crate) fn string_of(&self, node: Node) -> &str {
        string_in(&self.text, &self.arena.scratch, node)
    }

    /// The input text and the scratch space, in which strings lie.
    pub(crate) fn sources(&self) -> (&[u8], &[u8]) {
        (self.text.as_bytes(), self.arena.scratch.as_bytes())
    }

    pub(crate) fn shapes(&self) -> Option<&Shapes> {
        self.arena.shapes.get()
    }

    /// About how many bytes of Struct the value takes.
    pub(crate) fn struct_size_hint(&self) -> usize {
        // An item of a list takes 11 bytes however short its number is.
        let folded = self.arena.folded.iter().map(|folded| folded.count * 11);
        self.size_hint() * 2 + folded.sum::<usize>()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The numbers of an array that are left in the text.
    #[inline(always)]
    pub(crate) fn folded(&self, array: Node) -> Option<&Folded> {
        match array.small() {
            FOLDED if array.kind() == Kind::Array => self.folded_at(array),
            _ => None,
        }
    }

    #[cold]
    fn folded_at(&self, array: Node) -> Option<&Folded> {
        // Behind the header stands which one it is.
        let number = self.arena.nodes.get(array.data as usize + 1)?.tag as usize;
        self.arena.folded.get(number)
    }

    #[cold]
    #[inline(never)]
    fn unfolded(&self, array: Node) -> &[Node] {
        let Some(folded) = self.folded_at(array) else {
            return &[];
        };
        folded.items.get_or_init(|| {
            let mut items = Vec::with_capacity(folded.count);
            for (start, count) in folded.blocks() {
                read_numbers(&self.text, start, count, &mut items);
            }
            items
        })
    }

    /// The first item of an array.
    pub(crate) fn first_item(&self, array: Node) -> Option<Node> {
        match self.folded(array) {
            Some(folded) => Some(folded.first),
            None => self.children(array).first().copied(),
        }
    }

    /// The number of distinct members of an object.
    pub(crate) fn member_count(&self, object: Node) -> usize {
        match (object.layout(), self.shapes()) {
            (Some(layout), Some(shapes)) => shapes.layout_at(layout).count as usize,
            (Some(_), None) => 0,
            (None, _) => object.meta(),
        }
    }

    /// The header of a container: where its canonical text starts and ends in
    /// the input (an end of 0 for none), or the mark the builder was given.
    pub(crate) fn header(&self, container: Node) -> (usize, usize) {
        self.arena
            .nodes
            .get(container.data as usize)
            .map_or((0, 0), |header| (header.tag as usize, header.data as usize))
    }

    /// The items of an array, or the values of an object that has a layout.
    #[inline]
    pub(crate) fn children(&self, node: Node) -> &[Node] {
        let first = node.data as usize + 1;
        let count = match node.kind() {
            Kind::Array if node.small() == FOLDED => return self.unfolded(node),
            Kind::Array => node.meta(),
            Kind::Object => match node.layout() {
                Some(_) => self.member_count(node),
                None => 2 * node.meta(),
            },
            _ => return &[],
        };
        self.arena
            .nodes
            .get(first..first + count)
            .unwrap_or_default()
    }

    /// How many of a container's children are nodes: all, or none where they are
    /// left in the text.
    pub(crate) fn stored_children(&self, container: Node) -> usize {
        match self.folded(container) {
            Some(_) => 0,
            None => self.children(container).len(),
        }
    }

    /// Behind which node there are none of a value; 0 for one without any.
    pub(crate) fn nodes_end(&self, node: Node) -> usize {
        let behind_header = match node.kind() {
            Kind::Array | Kind::Object => node.data as usize + 1,
            _ => return 0,
        };
        // Which one it is stands behind the header of a folded array.
        let folded = usize::from(self.folded(node).is_some());
        behind_header + folded + self.stored_children(node)
    }

    /// How many nodes there are.
    pub(crate) fn node_count(&self) -> usize {
        self.arena.nodes.len()
    }

    /// Gives the nodes from a place on back. What refers to them must not be read
    /// any more.
    pub(crate) fn release_behind(&mut self, count: usize) {
        self.arena.nodes.truncate(count);
        self.arena.nodes.shrink_to_fit();
    }

    /// The members of an object node in canonical order; none for anything else.
    pub(crate) fn members(
        &self,
        object: Node,
    ) -> impl DoubleEndedIterator<Item = (&str, Node)> + ExactSizeIterator {
        let (children, layout) = match object.kind() {
            Kind::Object => (self.children(object), object.layout()),
            _ => (&[][..], None),
        };
        let shapes = self.shapes();
        let known = match (layout, shapes) {
            (Some(layout), Some(shapes)) => shapes.members(shapes.layout_at(layout)),
            _ => &[],
        };
        let count = match layout {
            Some(_) => children.len(),
            None => children.len() / 2,
        };
        (0..count).map(move |rank| match (layout, shapes) {
            (Some(_), Some(shapes)) => (
                known
                    .get(rank)
                    .map_or("", |member| shapes.member_name(member)),
                children.get(rank).copied().unwrap_or(Node::NULL),
            ),
            _ => (
                children
                    .get(2 * rank)
                    .map_or("", |key| self.string_of(*key)),
                children.get(2 * rank + 1).copied().unwrap_or(Node::NULL),
            ),
        })
    }

    /// The nearest double of a number node; integers beyond the range of a
    /// double give the largest finite one of their sign.
    pub(crate) fn double_of(&self, node: Node) -> f64 {
        match node.kind() {
            Kind::Float => node.as_float(),
            Kind::Int => node.as_int() as f64,
            Kind::Digits => number::integer_to_f64_clamped(self.string_of(node)),
            _ => 0.0,
        }
    }

    pub(crate) fn value(&self, node: Node) -> Value<'_> {
        match node.kind() {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Int => Value::Int(node.as_int()),
            Kind::Digits => {
                let digits = self.string_of(node);
                match digits.parse() {
                    Ok(value) => Value::Int(value),
                    Err(_) => Value::BigInt(digits),
                }
            }
            Kind::Float => Value::Float(node.as_float()),
            Kind::Str => Value::Str(self.string_of(node)),
            Kind::Array => Value::Array(Array {
                document: self,
                node,
            }),
            Kind::Object => Value::Object(Object {
                document: self,
                node,
            }),
        }
    }
}

/// The bytes of a `Str` or `Digits` node.
fn string_in<'t>(text: &'t str, scratch: &'t str, node: Node) -> &'t str {
    if node.data & IN_SCRATCH == 0 {
        slice(text, node.data as usize, node.meta())
    } else {
        slice(scratch, (node.data ^ IN_SCRATCH) as usize, node.meta())
    }
}

#[allow(
    clippy::indexing_slicing,
    reason = "the positions were made by the parser or builder at character boundaries of this string"
)]
fn slice(source: &str, offset: usize, length: usize) -> &str {
    &source[offset..offset + length]
}

/// A value of a [`Document`], for reading.
#[derive(Clone, Copy, Debug)]
pub enum Value<'d> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// The decimal digits of any other integer, with a sign if negative.
    BigInt(&'d str),
    /// A finite double.
    Float(f64),
    /// A string, unescaped.
    Str(&'d str),
    /// An array.
    Array(Array<'d>),
    /// An object.
    Object(Object<'d>),
}

/// An array of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Array<'d> {
    document: &'d Document<'d>,
    node: Node,
}

impl<'d> Array<'d> {
    /// The number of items.
    pub fn len(&self) -> usize {
        self.node.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The mark that it was built with, see [`DocumentBuilder::begin_array_marked`].
    pub fn mark(&self) -> usize {
        self.document.header(self.node).0
    }
    /// The items in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value<'d>> + use<'d> {
        let document = self.document;
        document
            .children(self.node)
            .iter()
            .map(move |node| document.value(*node))
    }
}

/// An object of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Object<'d> {
    document: &'d Document<'d>,
    node: Node,
}

impl<'d> Object<'d> {
    /// The number of distinct keys.
    pub fn len(&self) -> usize {
        self.document.member_count(self.node)
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The mark that it was built with, see [`DocumentBuilder::begin_object_marked`].
    pub fn mark(&self) -> usize {
        self.document.header(self.node).0
    }
    /// For each member in canonical order, which one it was as they came,
    /// counted from 0; `None` when that was not kept: it is for objects whose
    /// sequence of keys came before.
    ///
    /// ```
    /// use drift_rust_core::{DocumentBuilder, Value, ValueOptions};
    /// let mut builder = DocumentBuilder::new(ValueOptions::default());
    /// builder.begin_object_marked(7)?;
    /// for key in ["b", "a"] {
    ///     builder.key(key);
    ///     builder.null();
    /// }
    /// builder.end();
    /// let document = builder.finish()?;
    /// let Value::Object(object) = document.root() else { panic!() };
    /// assert_eq!(object.mark(), 7);
    /// assert!(object.places().is_none_or(|places| places.eq([1, 0])));
    /// # Ok::<(), drift_rust_core::BuildError>(())
    /// ```
    pub fn places(&self) -> Option<impl ExactSizeIterator<Item = usize> + use<'d>> {
        let shapes = self.document.shapes()?;
        let layout = shapes.layout_at(self.node.layout()?);
        let members = shapes.members(layout);
        Some(members.iter().map(|member| member.place as usize))
    }
    /// The members in canonical key order.
    pub fn iter(&self) -> impl Iterator<Item = (&'d str, Value<'d>)> + use<'d> {
        let document = self.document;
        document
            .members(self.node)
            .map(move |(key, value)| (key, document.value(value)))
    }
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value<'d>> {
        self.iter()
            .find_map(|(name, value)| (name == key).then_some(value))
    }
}

/// The order of keys in the profile `rfc8785`: by UTF-16 code units.
///
/// It differs from the order of the UTF-8 bytes only where a character beyond
/// U+FFFF (lead bytes F0..F4, in UTF-16 a surrogate from D800 on) meets one of
/// U+E000..U+FFFF (lead bytes EE, EF); equal lead bytes leave the decision to
/// bytes that sort alike in both.
pub(crate) fn compare_utf16(left: &str, right: &str) -> Ordering {
    let mut pairs = left.bytes().zip(right.bytes());
    match pairs.find(|(a, b)| a != b) {
        None => left.len().cmp(&right.len()),
        Some((a, b)) => match (a >= 0xF0, b >= 0xF0) {
            (true, false) if b >= 0xEE => Ordering::Less,
            (false, true) if a >= 0xEE => Ordering::Greater,
            _ => a.cmp(&b),
        },
    }
}

/// What a container that is being read is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Open {
    Array,
    /// An object whose keys so far are this shape; only its values wait.
    Shape(ShapeId),
    /// An object whose keys wait with its values, and where they lead.
    WithKeys(Trail),
}

/// A container that is being read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) open: Open,
    /// Where the container's children start on the pending stack.
    pub(crate) start: usize,
    /// Where it starts in the text, or the mark the builder was given.
    pub(crate) origin: usize,
    /// The shape in whose last value it lies, directly or in arrays: what the
    /// keys of objects in the same place are expected to be.
    pub(crate) context: ShapeId,
}

/// See [`Assembler::patience`]: about 700 keys that nobody expected, and that
/// every third or more of them is one.
const COST_OF_A_SURPRISE: i32 = 3;
pub(crate) const PATIENCE: i32 = 2048;
const MOST_PATIENCE: i32 = 1 << 14;
/// After a document that used it all up.
const PATIENCE_AFTER_NONE: i32 = 256;

/// The part of reading that text and native values share: values wait on
/// `pending` until their container closes, then they are laid into the arena
/// side by side, members sorted.
pub(crate) struct Assembler {
    pub(crate) arena: Arena,
    pub(crate) pending: Vec<Node>,
    /// The open containers, outermost first.
    pub(crate) frames: Vec<Frame>,
    /// The places of the members of the object with keys of its own that was
    /// closed last, in canonical order; empty when they stood in that order.
    order: Vec<(u64, usize)>,
    repeated_keys: RepeatedKeys,
    /// What is left of the patience with objects of unknown keys: each key that
    /// was not the expected one takes [`COST_OF_A_SURPRISE`], each member of an
    /// object of a known shape gives one back. Below 0 objects are no longer
    /// looked up.
    patience: i32,
    /// The members of the container that was closed last stood in canonical
    /// order, each once.
    pub(crate) in_order: bool,
    /// The number, in the order of the text, of the first repeated key of the
    /// object that was closed last; only with [`RepeatedKeys::Refuse`].
    pub(crate) repetition: Option<usize>,
}

/// What becomes of a key that stands twice in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepeatedKeys {
    /// The last one stays.
    LastWins,
    /// All members stay as they came, unsorted (for reading schema merges,
    /// whose faults are reported in the order in which they stand).
    Keep,
    /// [`Assembler::repetition`] is the first one.
    Refuse,
}

impl Assembler {
    pub(crate) fn new(profile: Profile, repeated_keys: RepeatedKeys) -> Assembler {
        let mut shapes = match (profile, repeated_keys) {
            (Profile::Drift, RepeatedKeys::LastWins) => PooledShapes::take(),
            _ => PooledShapes::none(),
        };
        let (spare, patience) = match shapes.get_mut() {
            Some(shapes) => (std::mem::take(&mut shapes.spare), shapes.patience),
            None => (Spare::default(), 0),
        };
        Assembler {
            arena: Arena {
                scratch: spare.scratch,
                nodes: spare.nodes,
                folded: Vec::new(),
                root: Node::NULL,
                profile,
                shapes,
            },
            pending: spare.pending,
            frames: spare.frames,
            order: spare.order,
            repeated_keys,
            patience,
            in_order: true,
            repetition: None,
        }
    }

    /// The arena, once its root is set.
    pub(crate) fn finish(mut self) -> Arena {
        if let Some(shapes) = self.arena.shapes.get_mut() {
            if self.pending.capacity() <= MAX_KEPT_NODES {
                // A larger one would be there beside the outputs for nothing.
                shapes.spare.pending = self.pending;
            }
            shapes.spare.frames = self.frames;
            shapes.spare.order = self.order;
            shapes.patience = match self.patience {
                ..0 => PATIENCE_AFTER_NONE,
                _ => PATIENCE,
            };
        }
        self.arena
    }

    fn open(&mut self, open: Open, origin: usize) {
        let context = match self.frames.last() {
            Some(frame) => match frame.open {
                Open::Shape(shape) => shape,
                Open::Array => frame.context,
                Open::WithKeys(_) => ShapeId::EMPTY,
            },
            None => ShapeId::EMPTY,
        };
        self.frames.push(Frame {
            open,
            start: self.pending.len(),
            origin,
            context,
        });
    }

    pub(crate) fn open_array(&mut self, origin: usize) {
        self.open(Open::Array, origin);
    }

    pub(crate) fn open_object(&mut self, origin: usize) {
        let open = match self.arena.shapes.get() {
            Some(_) if self.patience >= 0 => Open::Shape(ShapeId::EMPTY),
            _ => Open::WithKeys(Trail::EMPTY),
        };
        self.open(open, origin);
    }

    /// The key of the next member of the innermost object, whose text is a
    /// string node in the text or the scratch space.
    pub(crate) fn key(&mut self, text: &str, key: Node) {
        let Some(frame) = self.frames.last_mut() else {
            // The builder's misuse; `finish` finds it.
            self.pending.push(key);
            return;
        };
        if matches!(frame.open, Open::WithKeys(_)) && self.patience < 0 {
            self.pending.push(key);
            return;
        }
        if let Some(shapes) = self.arena.shapes.get_mut() {
            let name = string_in(text, &self.arena.scratch, key);
            self.patience -= COST_OF_A_SURPRISE;
            match frame.open {
                Open::Shape(shape) => match shapes.step(shape, frame.context, name) {
                    Ok(next) => {
                        frame.open = Open::Shape(next);
                        return;
                    }
                    Err(trail) => self.write_keys_out(shape, trail),
                },
                Open::WithKeys(trail) => frame.open = Open::WithKeys(shapes.pass(trail, name)),
                Open::Array => {}
            }
        }
        self.pending.push(key);
    }

    /// Gives the innermost object its own keys, because the next one is not
    /// known where it stands, or the table of shapes is full.
    fn write_keys_out(&mut self, shape: ShapeId, trail: Trail) {
        let Arena {
            scratch, shapes, ..
        } = &mut self.arena;
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.open = Open::WithKeys(trail);
        let Some(shapes) = shapes.get() else {
            return;
        };
        // From the last value to the first, each moves to its new place.
        let values = self.pending.len().saturating_sub(frame.start);
        self.pending.resize(self.pending.len() + values, Node::NULL);
        let members = self.pending.get_mut(frame.start..).unwrap_or_default();
        for (place, name) in (0..values).rev().zip(shapes.keys_back(shape)) {
            let key = Node::string(scratch.len(), name.len(), true, false);
            scratch.push_str(name);
            let value = members.get(place).copied().unwrap_or(Node::NULL);
            if let Some([key_slot, value_slot]) = members
                .get_mut(2 * place..)
                .and_then(|members| members.first_chunk_mut())
            {
                [*key_slot, *value_slot] = [key, value];
            }
        }
    }

    /// Closes the innermost container; its text ends before `behind` and is
    /// canonical when it starts at or after `not_canonical`. What else is to say
    /// of it stands in [`in_order`](Self::in_order) and
    /// [`repetition`](Self::repetition): a node alone is returned in registers,
    /// where more would be put together in memory and be waited for there.
    #[inline(always)]
    pub(crate) fn close(&mut self, text: &str, behind: usize, not_canonical: usize) -> Node {
        // The frame's parts are read one by one: some were written just now, and
        // to copy it as a whole waits for them (measured: a tenth of reading).
        let Some(Frame {
            open,
            start,
            origin,
            ..
        }) = self.frames.last()
        else {
            return Node::NULL;
        };
        let (start, origin) = (*start, *origin);
        let end = if not_canonical <= origin { behind } else { 0 };
        let header = self.arena.nodes.len();
        let start = start.min(self.pending.len());
        let (node, in_order) = match open {
            Open::Array => {
                let nodes = &mut self.arena.nodes;
                nodes.push(Node::header(origin, end));
                let items = self.pending.get(start..).unwrap_or_default();
                let small = if items.len() >= LEAST_FOLDED
                    && text.len() >= LEAST_FOLDED_TEXT_BYTES
                    && end > 0
                {
                    lay_or_fold(items, &mut self.arena)
                } else {
                    nodes.extend_from_slice(items);
                    0
                };
                let node = Node::make(Kind::Array, small, items.len(), header as u64);
                (node, true)
            }
            Open::Shape(shape) => {
                let shape = *shape;
                let Some((number, layout)) = self.arena.shapes.get_mut().and_then(|shapes| {
                    let number = shapes.layout(shape)?;
                    Some((number, shapes.layout_at(number)))
                }) else {
                    return self.close_without_layout(shape, text, behind, not_canonical);
                };
                let nodes = &mut self.arena.nodes;
                let values = self.pending.get(start..).unwrap_or_default();
                self.patience = (self.patience + values.len() as i32).min(MOST_PATIENCE);
                if layout.in_order {
                    nodes.push(Node::header(origin, end));
                    nodes.extend_from_slice(values);
                } else {
                    nodes.push(Node::header(origin, 0));
                    if let Some(shapes) = self.arena.shapes.get() {
                        nodes.extend(shapes.members(layout).iter().map(|member| {
                            values
                                .get(member.place as usize)
                                .copied()
                                .unwrap_or(Node::NULL)
                        }));
                    }
                }
                (
                    Node::make(Kind::Object, 0, number as usize, header as u64),
                    layout.in_order,
                )
            }
            Open::WithKeys(_) => {
                return self.close_own_keys(text, start, behind, not_canonical);
            }
        };
        self.frames.pop();
        self.pending.truncate(start);
        self.in_order = in_order;
        node
    }

    /// Closes an object that keeps its own keys.
    #[inline(never)]
    fn close_own_keys(
        &mut self,
        text: &str,
        start: usize,
        behind: usize,
        not_canonical: usize,
    ) -> Node {
        let origin = self.frames.pop().map_or(0, |frame| frame.origin);
        let header = self.arena.nodes.len();
        self.arena.nodes.push(Node::header(origin, 0));
        let node = self.close_with_keys(text, start, header);
        self.in_order = self.order.is_empty() && self.repeated_keys == RepeatedKeys::LastWins;
        if self.in_order
            && not_canonical <= origin
            && let Some(slot) = self.arena.nodes.get_mut(header)
        {
            *slot = Node::header(origin, behind);
        }
        self.pending.truncate(start);
        node
    }

    /// An object whose shape is known and has no room for a layout.
    #[cold]
    #[inline(never)]
    fn close_without_layout(
        &mut self,
        shape: ShapeId,
        text: &str,
        behind: usize,
        not_canonical: usize,
    ) -> Node {
        self.write_keys_out(shape, Trail::EMPTY);
        let start = self.frames.last().map_or(0, |frame| frame.start);
        self.close_own_keys(text, start, behind, not_canonical)
    }

    #[allow(
        clippy::indexing_slicing,
        reason = "all indices lie between start and the length of pending, which only this module fills, two nodes a member"
    )]
    fn close_with_keys(&mut self, text: &str, start: usize, first: usize) -> Node {
        let Arena {
            scratch,
            nodes,
            profile,
            ..
        } = &mut self.arena;
        let (members, _) = self.pending[start..].as_chunks::<2>();
        let count = members.len();
        let order = &mut self.order;
        order.clear();
        let prefix_of = |key: Node| match profile {
            Profile::Drift => key_prefix(text, scratch, key),
            // In UTF-16 order the bytes do not decide.
            Profile::Rfc8785 => 0,
        };
        if self.repeated_keys == RepeatedKeys::Keep {
            nodes.extend_from_slice(members.as_flattened());
            return Node::make(Kind::Object, WITH_KEYS, count, first as u64);
        }
        if count <= FEW_KEYS && self.repeated_keys == RepeatedKeys::LastWins {
            let mut few = FewKeys::default();
            for [key, _] in members {
                few.push(prefix_of(*key));
            }
            if few.ascends {
                nodes.extend_from_slice(members.as_flattened());
                return Node::make(Kind::Object, WITH_KEYS, count, first as u64);
            }
            if few.sort() {
                nodes.reserve(2 * count);
                for place in few.places() {
                    order.push((0, place));
                    nodes.extend_from_slice(&members[place]);
                }
                return Node::make(Kind::Object, WITH_KEYS, count, first as u64);
            }
        }
        // Keys mostly differ within their first eight bytes: compare those as
        // one integer, the whole key only on a tie.
        let prefixes = members.iter().map(|[key, _]| prefix_of(*key));
        order.extend(prefixes.zip(0..));
        let compare = |a: (u64, usize), b: (u64, usize)| -> Ordering {
            a.0.cmp(&b.0).then_with(|| {
                let (a, b) = (members[a.1][0], members[b.1][0]);
                let (a, b) = (string_in(text, scratch, a), string_in(text, scratch, b));
                match profile {
                    Profile::Drift => a.cmp(b),
                    Profile::Rfc8785 => compare_utf16(a, b),
                }
            })
        };
        if order
            .windows(2)
            .all(|pair| compare(pair[0], pair[1]) == Ordering::Less)
        {
            order.clear();
            nodes.extend_from_slice(members.as_flattened());
            return Node::make(Kind::Object, WITH_KEYS, count, first as u64);
        }
        order.sort_unstable_by(|a, b| compare(*a, *b).then(a.1.cmp(&b.1)));
        let mut repeated = None;
        let mut kept = 0;
        for rank in 0..order.len() {
            let overwritten = order
                .get(rank + 1)
                .is_some_and(|next| compare(order[rank], *next) == Ordering::Equal);
            if overwritten {
                // The places of equal keys ascend, so the next one is the repetition.
                let repetition = order[rank + 1].1;
                repeated = Some(repeated.map_or(repetition, |known: usize| known.min(repetition)));
                continue;
            }
            nodes.extend_from_slice(&members[order[rank].1]);
            order[kept] = order[rank];
            kept += 1;
        }
        order.truncate(kept);
        if self.repeated_keys == RepeatedKeys::Refuse {
            self.repetition = repeated;
        }
        Node::make(Kind::Object, WITH_KEYS, kept, first as u64)
    }
}

/// Lays the items of a long array into the arena, or leaves them in the text
/// where they are numbers that stand there as they are written; gives what the
/// array's node has as `small`.
#[cold]
#[inline(never)]
fn lay_or_fold(items: &[Node], arena: &mut Arena) -> u8 {
    let stands_in_text =
        |item: &Node| matches!(item.kind(), Kind::Int | Kind::Float) && item.number_text().1 > 0;
    match items.first() {
        Some(first) if arena.profile == Profile::Drift && items.iter().all(stands_in_text) => {
            let starts = items.iter().step_by(FOLDED_BLOCK);
            arena.nodes.push(Node::header(arena.folded.len(), 0));
            arena.folded.push(Folded {
                starts: starts.map(|item| item.number_text().0).collect(),
                count: items.len(),
                first: *first,
                items: OnceLock::new(),
            });
            FOLDED
        }
        _ => {
            arena.nodes.extend_from_slice(items);
            0
        }
    }
}

/// How many [`FewKeys`] are at most.
const FEW_KEYS: usize = 8;

/// The low bits of a key's prefix, in which its place stands.
const PLACE: u64 = FEW_KEYS as u64 - 1;

/// Keys of an object that has only a few, as numbers that are sorted without a
/// branch on which is greater: that would be a guess.
struct FewKeys {
    /// The prefix of each key but for its low bits, in which the key's place
    /// stands; so no two are equal.
    keys: [u64; FEW_KEYS],
    count: usize,
    /// Each was pushed behind a lower one, and they differ not only in their places.
    ascends: bool,
}

impl Default for FewKeys {
    fn default() -> FewKeys {
        FewKeys {
            keys: [0; FEW_KEYS],
            count: 0,
            ascends: true,
        }
    }
}

impl FewKeys {
    #[inline(always)]
    fn push(&mut self, prefix: u64) {
        let before = self.count.checked_sub(1).and_then(|at| self.keys.get(at));
        let is_next = before.is_none_or(|before| before | PLACE < prefix);
        self.ascends &= is_next;
        if let Some(slot) = self.keys.get_mut(self.count) {
            *slot = prefix & !PLACE | self.count as u64;
            self.count += 1;
        }
    }

    /// Sorts the keys; `false` when that is not decided by what is known of them.
    #[inline(always)]
    fn sort(&mut self) -> bool {
        for end in 1..self.count.min(FEW_KEYS) {
            let (sorted, rest) = self.keys.split_at_mut(end);
            let [next, ..] = rest else { break };
            // The key passes all that are sorted, and leaves the lower one of
            // both behind.
            for key in sorted {
                let higher = (*key).max(*next);
                *key = (*key).min(*next);
                *next = higher;
            }
        }
        let sorted = self.keys.get(..self.count).unwrap_or_default();
        sorted.windows(2).fold(true, |differ, pair| match pair {
            [low, high] => differ & (low | PLACE < *high),
            _ => differ,
        })
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        let keys = self.keys.iter().take(self.count);
        keys.map(|key| (key & PLACE) as usize)
    }
}

/// The first eight bytes of a key as a big-endian integer, padded with zeros.
#[inline(always)]
fn key_prefix(text: &str, scratch: &str, key: Node) -> u64 {
    let (start, in_scratch) = key.start();
    let source = if in_scratch { scratch } else { text };
    let rest = source.as_bytes().get(start..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        // What stands behind a shorter key is masked out.
        Some(chunk) => {
            let behind = u64::MAX.unbounded_shr(8 * key.len().min(8) as u32);
            u64::from_be_bytes(*chunk) & !behind
        }
        None => rest
            .iter()
            .take(key.len())
            .zip((0..8u32).rev())
            .fold(0, |prefix, (byte, place)| {
                prefix | u64::from(*byte) << (place * 8)
            }),
    }
}

/// A key and the keys before it in an object, see [`DocumentBuilder::repeat_key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStep {
    /// The number of the table that the shapes are in: tables grow and never
    /// change, and no two of a process have one number.
    table: u64,
    from: ShapeId,
    to: ShapeId,
}

/// The order of an object's members, see [`DocumentBuilder::end_object`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberOrder {
    /// The layout.
    number: Option<u32>,
    in_order: bool,
    /// The members of an object without a layout.
    count: usize,
}

impl MemberOrder {
    /// Whether the members came in canonical order, each once.
    pub fn in_order(self) -> bool {
        self.in_order
    }
    /// A number that only objects of one builder share whose keys came alike;
    /// `None` for an object whose keys are not known.
    pub fn number(self) -> Option<u32> {
        self.number
    }
}

/// Builds a [`Document`] from native values, one call a value.
///
/// The builder checks depth and order of calls and knows the path of the value
/// it stands at, so that a binding can name it in its own errors.
///
/// ```
/// use drift_rust_core::{DocumentBuilder, ValueOptions};
/// let mut builder = DocumentBuilder::new(ValueOptions::default());
/// builder.begin_object()?;
/// builder.key("n");
/// builder.int(1);
/// builder.key("a");
/// builder.float(f64::NAN);
/// builder.end();
/// assert_eq!(builder.finish()?.to_canonical_json(), r#"{"a":null,"n":1}"#);
/// # Ok::<(), drift_rust_core::BuildError>(())
/// ```
pub struct DocumentBuilder {
    assembler: Assembler,
    max_depth: usize,
    fault: Option<BuildError>,
}

impl DocumentBuilder {
    /// A builder with nothing in it.
    pub fn new(options: ValueOptions) -> DocumentBuilder {
        let repeated = match options.profile {
            Profile::Drift => RepeatedKeys::LastWins,
            Profile::Rfc8785 => RepeatedKeys::Refuse,
        };
        DocumentBuilder::with_repeated_keys(options, repeated)
    }

    pub(crate) fn with_repeated_keys(
        options: ValueOptions,
        repeated: RepeatedKeys,
    ) -> DocumentBuilder {
        DocumentBuilder {
            assembler: Assembler::new(options.profile, repeated),
            max_depth: options.max_depth(),
            fault: None,
        }
    }

    /// Opens an array; its items follow until [`end`](Self::end).
    ///
    /// # Errors
    /// [`BuildError::DepthExceeded`] beyond the depth limit of the options.
    pub fn begin_array(&mut self) -> Result<(), BuildError> {
        self.begin_array_marked(0)
    }

    /// The same with a mark that [`Array::mark`] gives back: a binding's way to
    /// find the native value that an array was built from.
    ///
    /// # Errors
    /// As [`begin_array`](Self::begin_array).
    pub fn begin_array_marked(&mut self, mark: usize) -> Result<(), BuildError> {
        self.check_depth()?;
        self.assembler.open_array(mark);
        Ok(())
    }

    /// Opens an object; [`key`](Self::key) and a value alternate until [`end`](Self::end).
    ///
    /// # Errors
    /// [`BuildError::DepthExceeded`] beyond the depth limit of the options.
    pub fn begin_object(&mut self) -> Result<(), BuildError> {
        self.begin_object_marked(0)
    }

    /// The same with a mark that [`Object::mark`] gives back.
    ///
    /// # Errors
    /// As [`begin_object`](Self::begin_object).
    pub fn begin_object_marked(&mut self, mark: usize) -> Result<(), BuildError> {
        self.check_depth()?;
        self.assembler.open_object(mark);
        Ok(())
    }

    fn check_depth(&self) -> Result<(), BuildError> {
        if self.remaining_depth() == 0 {
            return Err(BuildError::DepthExceeded {
                path: self.path(),
                limit: self.max_depth,
            });
        }
        Ok(())
    }

    /// Closes the innermost open array or object.
    pub fn end(&mut self) {
        self.close_innermost();
    }

    /// Closes the innermost object like [`end`](Self::end) and tells in which
    /// order its members are; `None` when it was no object.
    ///
    /// ```
    /// use drift_rust_core::{DocumentBuilder, ValueOptions};
    /// let mut builder = DocumentBuilder::new(ValueOptions::default());
    /// builder.begin_object()?;
    /// for key in ["b", "a"] {
    ///     builder.key(key);
    ///     builder.null();
    /// }
    /// let order = builder.end_object().unwrap();
    /// assert!(!order.in_order());
    /// assert_eq!(builder.places(order).collect::<Vec<_>>(), [1, 0]);
    /// # Ok::<(), drift_rust_core::BuildError>(())
    /// ```
    pub fn end_object(&mut self) -> Option<MemberOrder> {
        let node = self.close_innermost()?;
        let in_order = self.assembler.in_order;
        if node.kind() != Kind::Object {
            return None;
        }
        Some(match node.layout() {
            Some(number) => MemberOrder {
                number: Some(number),
                in_order,
                count: 0,
            },
            None => MemberOrder {
                number: None,
                in_order: self.assembler.order.is_empty(),
                count: node.meta(),
            },
        })
    }

    /// For each member of an object in canonical order, which one it was as
    /// they came, counted from 0; of members with one key the last. An order
    /// without a number is known until the next object closes.
    pub fn places(&self, order: MemberOrder) -> impl ExactSizeIterator<Item = usize> + use<'_> {
        let members = match (order.number, self.assembler.arena.shapes.get()) {
            (Some(number), Some(shapes)) => shapes.members(shapes.layout_at(number)),
            _ => &[],
        };
        let count = members.len().max(order.count);
        let own = match order.number {
            None => self.assembler.order.as_slice(),
            Some(_) => &[],
        };
        (0..count).map(move |rank| match (members.get(rank), own.get(rank)) {
            (Some(member), _) => member.place as usize,
            (None, Some((_, place))) => *place,
            (None, None) => rank,
        })
    }

    fn close_innermost(&mut self) -> Option<Node> {
        let Some(frame) = self.assembler.frames.last() else {
            self.misuse("end without begin");
            return None;
        };
        let children = self.assembler.pending.len().saturating_sub(frame.start);
        let complete = match frame.open {
            Open::Array => true,
            Open::Shape(shape) => self.keys_of(shape) == children,
            Open::WithKeys(_) => children.is_multiple_of(2),
        };
        if !complete {
            self.assembler.frames.pop();
            self.misuse("a key without its value");
            return None;
        }
        let node = self.assembler.close("", 0, 0);
        if self.assembler.repetition.take().is_some() {
            let path = self.path();
            self.fault.get_or_insert(BuildError::DuplicateKey { path });
            self.assembler.pending.push(Node::NULL);
            return None;
        }
        self.assembler.pending.push(node);
        Some(node)
    }

    fn keys_of(&self, shape: ShapeId) -> usize {
        let shapes = self.assembler.arena.shapes.get();
        shapes.map_or(0, |shapes| shapes.depth(shape))
    }

    /// The key of the member that follows.
    pub fn key(&mut self, key: &str) {
        self.key_step(key);
    }

    /// The same, and gives what [`repeat_key`](Self::repeat_key) takes; `None`
    /// for a key that is not known where it stands.
    pub fn key_step(&mut self, key: &str) -> Option<KeyStep> {
        let assembler = &mut self.assembler;
        let patience = assembler.patience;
        if let (Some(frame), Some(shapes)) = (
            assembler.frames.last_mut(),
            assembler.arena.shapes.get_mut(),
        ) {
            match frame.open {
                Open::WithKeys(_) if patience < 0 => {}
                Open::Shape(from) => {
                    let expected = shapes.next_of(from, frame.context);
                    let step = shapes.step(from, frame.context, key);
                    if step != Ok(expected) {
                        assembler.patience -= COST_OF_A_SURPRISE;
                    }
                    match step {
                        Ok(to) => {
                            frame.open = Open::Shape(to);
                            return Some(KeyStep {
                                table: shapes.number,
                                from,
                                to,
                            });
                        }
                        Err(trail) => assembler.write_keys_out(from, trail),
                    }
                }
                Open::WithKeys(trail) => {
                    assembler.patience -= COST_OF_A_SURPRISE;
                    frame.open = Open::WithKeys(shapes.pass(trail, key));
                }
                Open::Array => {}
            }
        }
        let scratch = &mut self.assembler.arena.scratch;
        let node = Node::string(scratch.len(), key.len(), true, false);
        scratch.push_str(key);
        self.push(node);
        None
    }

    /// The key of the member that follows, which is the one that gave the step:
    /// a binding's way to pass a key that its host says is the same object,
    /// without reading it. `false`, and nothing is done, when the keys before
    /// it in this object are not those that stood before it then.
    ///
    /// ```
    /// use drift_rust_core::{DocumentBuilder, ValueOptions};
    /// let mut builder = DocumentBuilder::new(ValueOptions::default());
    /// builder.begin_array()?;
    /// let mut known = None;
    /// for number in 0..4 {
    ///     builder.begin_object()?;
    ///     if !known.is_some_and(|step| builder.repeat_key(step)) {
    ///         // A key is learned when it comes again in its place.
    ///         known = builder.key_step("a");
    ///     }
    ///     builder.int(number);
    ///     assert!(!known.is_some_and(|step| builder.repeat_key(step)));
    ///     builder.end();
    /// }
    /// assert!(known.is_some());
    /// builder.end();
    /// assert_eq!(builder.finish()?.to_canonical_json(), r#"[{"a":0},{"a":1},{"a":2},{"a":3}]"#);
    /// # Ok::<(), drift_rust_core::BuildError>(())
    /// ```
    #[inline]
    pub fn repeat_key(&mut self, step: KeyStep) -> bool {
        if let Some(frame) = self.assembler.frames.last_mut()
            && frame.open == Open::Shape(step.from)
            && let Some(shapes) = self.assembler.arena.shapes.get()
            && shapes.number == step.table
        {
            frame.open = Open::Shape(step.to);
            return true;
        }
        false
    }

    /// A number for the keys so far of the innermost object, to look a
    /// [`KeyStep`] up by: equal keys have one number, others mostly another.
    #[inline]
    pub fn keys_so_far(&self) -> u32 {
        match self.assembler.frames.last() {
            Some(Frame {
                open: Open::Shape(shape),
                ..
            }) => shape.0,
            _ => 0,
        }
    }

    /// A string.
    pub fn string(&mut self, value: &str) {
        let scratch = &mut self.assembler.arena.scratch;
        let offset = scratch.len();
        scratch.push_str(value);
        let node = Node::string(offset, value.len(), true, false);
        self.push(node);
    }

    /// An integer of 64 bits.
    pub fn int(&mut self, value: i64) {
        match self.assembler.arena.profile {
            Profile::Drift => self.push(Node::int(value)),
            Profile::Rfc8785 => self.push(Node::float(value as f64)),
        }
    }

    /// An integer of any size, as decimal digits with an optional `-`.
    pub fn big_int(&mut self, digits: &str) {
        let body = digits.strip_prefix('-').unwrap_or(digits);
        let well_formed = !body.is_empty()
            && body.bytes().all(|byte| byte.is_ascii_digit())
            && (body.len() == 1 || !body.starts_with('0'))
            && digits != "-0";
        if !well_formed {
            self.misuse("big_int takes decimal digits without leading zeros");
            return;
        }
        if self.assembler.arena.profile == Profile::Rfc8785 {
            let value = number::parse_f64(digits);
            if value.is_infinite() {
                let path = self.path();
                self.fault
                    .get_or_insert(BuildError::NumberOutOfRange { path });
            }
            self.push(Node::float(value));
            return;
        }
        let scratch = &mut self.assembler.arena.scratch;
        let offset = scratch.len();
        scratch.push_str(digits);
        self.push(Node::digits(offset, digits.len(), true));
    }

    /// A double; NaN and infinities are `null`, as in JavaScript's JSON.
    pub fn float(&mut self, value: f64) {
        self.push(if value.is_finite() {
            Node::float(value)
        } else {
            Node::NULL
        });
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.push(Node::boolean(value));
    }

    /// `null`.
    pub fn null(&mut self) {
        self.push(Node::NULL);
    }

    fn push(&mut self, node: Node) {
        self.assembler.pending.push(node);
    }

    fn misuse(&mut self, reason: &'static str) {
        let path = self.path();
        self.fault
            .get_or_insert(BuildError::Internal { path, reason });
    }

    /// How many more levels may be opened.
    pub(crate) fn remaining_depth(&self) -> usize {
        self.max_depth.saturating_sub(self.assembler.frames.len())
    }

    /// The path of the value that would be added now (`$.rows[3].when`).
    pub fn path(&self) -> String {
        let mut path = String::from("$");
        let Assembler {
            arena,
            pending,
            frames,
            ..
        } = &self.assembler;
        let ends = frames
            .iter()
            .skip(1)
            .map(|frame| frame.start)
            .chain([pending.len()]);
        for (frame, end) in frames.iter().zip(ends) {
            let children = end.saturating_sub(frame.start);
            match frame.open {
                Open::Array => path::push_index(&mut path, children),
                // A key waits for its value.
                Open::Shape(shape) if self.keys_of(shape) > children => {
                    let shapes = arena.shapes.get();
                    if let Some(key) = shapes.and_then(|shapes| shapes.keys_back(shape).next()) {
                        path::push_member(&mut path, key);
                    }
                }
                Open::WithKeys(_) if children % 2 == 1 => {
                    if let Some(key) = end.checked_sub(1).and_then(|last| pending.get(last)) {
                        path::push_member(&mut path, string_in("", &arena.scratch, *key));
                    }
                }
                Open::Shape(_) | Open::WithKeys(_) => {}
            }
        }
        path
    }

    /// The document.
    ///
    /// # Errors
    /// [`BuildError::Internal`] when the calls were not balanced, and with
    /// profile `rfc8785` the fault of a number or a repeated key.
    pub fn finish(mut self) -> Result<Document<'static>, BuildError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match (
            self.assembler.frames.is_empty(),
            self.assembler.pending.as_slice(),
        ) {
            (true, [root]) => {
                self.assembler.arena.root = *root;
                Ok(Document::from_parts(
                    Cow::Borrowed(""),
                    self.assembler.finish(),
                ))
            }
            _ => Err(BuildError::Internal {
                path: self.path(),
                reason: "finish needs exactly one complete value",
            }),
        }
    }
}
