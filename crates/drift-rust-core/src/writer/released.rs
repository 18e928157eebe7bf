//! The Struct of a large document that nothing else is written from: its nodes
//! are given back from their end while what is written grows, so that both are
//! not there as a whole.
//!
//! A Struct is written from its end too, and the nodes of what lies in a container
//! stand in front of the container's children. So these are copied, where they are
//! few beside what lies in them, and the nodes go from the last child to the first.

use super::{HashAlong, Walk};
use crate::document::{Document, Kind, Node};
use crate::proto::fields::structure;
use crate::proto::reverse::ReverseBuffer;

/// A document of fewer nodes, 16 MB, is written as a whole.
pub(crate) const LEAST_RELEASED_NODES: usize = 1 << 20;

/// How many nodes are given back at once, 4 MB.
const NODES_AT_ONCE: usize = 1 << 18;

/// A container has few children when that many times as many nodes lie in it.
const FEW: usize = 8;

/// Does what [`prepend_struct`](super::prepend_struct) does for the root, an
/// object, and leaves the document without its nodes.
pub(crate) fn prepend_struct_released(
    document: &mut Document<'_>,
    depth: usize,
    proto: &mut ReverseBuffer,
    along: &mut HashAlong<'_>,
) -> usize {
    prepend_by(document, depth, proto, along, NODES_AT_ONCE)
}

fn prepend_by(
    document: &mut Document<'_>,
    depth: usize,
    proto: &mut ReverseBuffer,
    along: &mut HashAlong<'_>,
    nodes_at_once: usize,
) -> usize {
    let root = document.root_node();
    let place = proto.place();
    let mut released = Released {
        document,
        proto,
        along,
        nodes_at_once,
        deepest: depth,
    };
    let place = released.container(place, root, 0, depth);
    let deepest = released.deepest;
    proto.set_place(place);
    deepest
}

struct Released<'r, 'a, 'h> {
    document: &'r mut Document<'a>,
    proto: &'r mut ReverseBuffer,
    along: &'r mut HashAlong<'h>,
    nodes_at_once: usize,
    /// The depth of the deepest message written.
    deepest: usize,
}

impl Released<'_, '_, '_> {
    /// Writes with the nodes that are left.
    fn walk(&mut self, write: impl FnOnce(&mut Walk<'_, '_>) -> usize) -> usize {
        let mut walk = Walk::new(self.document, self.proto, self.along);
        walk.deepest = self.deepest;
        let place = write(&mut walk);
        self.deepest = walk.deepest;
        place
    }

    /// What lies in a container whose nodes start at `start`; `depth` is that of
    /// its message.
    fn container(&mut self, mut place: usize, node: Node, start: usize, depth: usize) -> usize {
        let count = self.document.stored_children(node);
        let within = self.document.nodes_end(node).saturating_sub(start);
        if count == 0 || count.saturating_mul(FEW) > within {
            return self.walk(|walk| match node.kind() {
                Kind::Array => walk.items(place, node, depth),
                _ => walk.members(place, node, depth),
            });
        }
        let children = self.document.children(node).to_vec();
        let width = node.nodes_of_child();
        // Where the nodes of the first entry end, of the first two, and so on.
        let ends: Vec<usize> = children
            .chunks(width)
            .scan(start, |end, entry| {
                let own = self.document.nodes_end(value_of(entry));
                *end = own.max(*end);
                Some(*end)
            })
            .collect();
        let end_of = |count: usize| match count.checked_sub(1) {
            Some(last) => ends.get(last).copied().unwrap_or(start),
            None => start,
        };
        let mut rest = ends.len();
        while let Some(last) = rest.checked_sub(1) {
            self.document.release_behind(end_of(rest));
            let keep = end_of(rest).saturating_sub(self.nodes_at_once);
            let from = ends.partition_point(|end| *end <= keep).min(last);
            let due = children.get(from * width..rest * width).unwrap_or_default();
            place = if from == last {
                // It has all of the nodes that are due, or more.
                self.large_entry(place, node, due, (last, end_of(last)), depth)
            } else {
                self.walk(|walk| {
                    let entries = due.chunks(width).zip(from..rest).rev();
                    entries.fold(place, |place, (entry, rank)| {
                        let mark = walk.out.len_at(place);
                        let place = walk.value_of_entry(place, node, entry, depth);
                        walk.close_entry_of(place, node, entry, rank, mark)
                    })
                })
            };
            rest = from;
        }
        self.walk(|walk| {
            let below = if node.kind() == Kind::Array { 1 } else { 2 };
            walk.reached(false, depth, below);
            place
        })
    }

    /// An entry by its rank and where its nodes start.
    fn large_entry(
        &mut self,
        place: usize,
        container: Node,
        entry: &[Node],
        (rank, start): (usize, usize),
        depth: usize,
    ) -> usize {
        let mark = self.proto.len_at(place);
        let value = value_of(entry);
        let in_array = container.kind() == Kind::Array;
        let field = match value.kind() {
            Kind::Array => structure::LIST_VALUE,
            Kind::Object => structure::STRUCT_VALUE,
            _ => {
                return self.walk(|walk| {
                    let place = walk.value_of_entry(place, container, entry, depth);
                    walk.close_entry_of(place, container, entry, rank, mark)
                });
            }
        };
        let below = if in_array { 2 } else { 3 };
        let place = self.container(place, value, start, depth + below);
        self.walk(|walk| {
            let place = match in_array {
                true => walk.close_container::<true>(place, field, mark),
                false => walk.close_container::<false>(place, field, mark),
            };
            walk.close_entry_of(place, container, entry, rank, mark)
        })
    }
}

/// An item, or the value of a member behind its key.
fn value_of(entry: &[Node]) -> Node {
    entry.last().copied().unwrap_or(Node::NULL)
}

impl Walk<'_, '_> {
    /// The value of an item or a member; `depth` is that of its container.
    fn value_of_entry(
        &mut self,
        place: usize,
        container: Node,
        entry: &[Node],
        depth: usize,
    ) -> usize {
        let value = value_of(entry);
        match container.kind() {
            Kind::Array => self.value::<true>(place, value, depth + 1),
            _ => self.value::<false>(place, value, depth + 2),
        }
    }

    /// What stands in front of the value, which was written since `mark`.
    fn close_entry_of(
        &mut self,
        place: usize,
        container: Node,
        entry: &[Node],
        rank: usize,
        mark: usize,
    ) -> usize {
        if container.kind() == Kind::Array {
            self.along.go_on(self.out.len_at(place));
            return place;
        }
        if let [key, _] = entry {
            return self.close_own_member(place, *key, mark);
        }
        let layout = container.layout().zip(self.shapes);
        let members =
            layout.map(|(layout, shapes)| (shapes, shapes.members(shapes.layout_at(layout))));
        match members.and_then(|(shapes, members)| Some((shapes, members.get(rank)?))) {
            Some((shapes, member)) => self.close_known_member(place, shapes, member, mark),
            // An object without keys of its own has a layout.
            None => place,
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic, reason = "a failed test is what a panic is for")]
mod tests {
    use super::*;
    use crate::ValueOptions;
    use crate::proto::struct_value::encode_struct;

    fn check(text: &str) {
        let parse = || {
            Document::parse(text, ValueOptions::default())
                .unwrap_or_else(|error| panic!("{error}: {text}"))
        };
        let expected = encode_struct(&parse());
        let whole = parse();
        let mut proto = ReverseBuffer::with_capacity(0);
        let deepest = super::super::prepend_struct(
            &whole,
            whole.root_node(),
            3,
            &mut proto,
            &mut HashAlong::nothing(),
        );
        for nodes_at_once in [0, 1, 2, 3, 7, 20, 100, 1000] {
            let mut document = parse();
            let text = document.canonical_text();
            let mut along = HashAlong::of(&text);
            let mut proto = ReverseBuffer::with_capacity(0);
            let reached = prepend_by(&mut document, 3, &mut proto, &mut along, nodes_at_once);
            assert_eq!(
                reached,
                deepest,
                "{text:?} {nodes_at_once}",
                text = text.as_slice()
            );
            assert!(
                *proto.finish() == *expected,
                "{nodes_at_once}: {:?}",
                text.as_slice()
            );
            assert_eq!(along.finish(), text.digest(crate::HashAlgorithm::Sha256));
        }
    }

    #[test]
    fn a_struct_is_the_same_however_few_nodes_are_given_back_at_once() {
        let row = |place: usize| {
            format!(
                r#"{{"id":{place},"tags":["a","é",[{place}],{{}}],"n":{{"z":1.5,"a":[]}},"k{}":null}}"#,
                place % 7
            )
        };
        let rows = |count: usize| (0..count).map(row).collect::<Vec<_>>().join(",");
        let many = rows(300);
        for text in [
            "{}".to_owned(),
            r#"{"a":1}"#.to_owned(),
            r#"{"a":[]}"#.to_owned(),
            format!(r#"{{"rows":[{many}]}}"#),
            format!(
                r#"{{"b":[{many}],"a":[{}],"c":"\u0041","":true}}"#,
                rows(40)
            ),
            format!(r#"{{"a":[[{many}],[{many}],1,2,"x",[{}]]}}"#, rows(3)),
            format!(r#"{{"deep":{{"deeper":[{{"z":[{many}],"a":{{"q":[{many}]}}}},7]}}}}"#),
            // One key a row that no other row has, so that objects keep their keys.
            format!(
                "{{{}}}",
                (0..500)
                    .map(|place| format!(r#""key{}":{}"#, 999 - place, row(place)))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
            format!(r#"{{"strings":[{}]}}"#, vec![r#""a\n""#; 2000].join(",")),
        ] {
            check(&text);
        }
    }

    #[test]
    fn numbers_that_are_left_in_the_text_are_written_from_there() {
        let numbers = (0..100_000)
            .map(|n| (n % 1000).to_string())
            .collect::<Vec<_>>()
            .join(",");
        check(&format!(
            r#"{{"a":[[{numbers}],[1,2],[{numbers}]],"b":{{"c":[{numbers}]}}}}"#
        ));
    }
}
