//! Circles in a graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A directed graph: for each node the nodes that it leads to, each with the reason.
pub(crate) type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// For each node on a circle the shortest one through it, which starts and ends with the same node.
/// No two are the same.
pub(crate) fn circles(graph: &Graph) -> BTreeSet<Vec<String>> {
    graph
        .keys()
        .filter_map(|node| shortest(graph, node))
        .collect()
}

/// The shortest circle through `node`, turned so that it starts with its first node in order.
fn shortest(graph: &Graph, node: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([node]);
    while let Some(at) = waiting.pop_front() {
        for next in graph.get(at).into_iter().flat_map(BTreeMap::keys) {
            if next == node {
                let mut circle = vec![at.to_owned()];
                let mut before = at;
                while before != node {
                    before = came_from[before];
                    circle.push(before.to_owned());
                }
                circle.reverse();
                let first = circle.iter().enumerate().min_by_key(|(_, name)| *name)?.0;
                circle.rotate_left(first);
                circle.push(circle[0].clone());
                return Some(circle);
            }
            if !came_from.contains_key(next.as_str()) {
                came_from.insert(next, at);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        let mut graph = Graph::new();
        for (from, to) in edges {
            let from = graph.entry((*from).to_owned()).or_default();
            from.insert((*to).to_owned(), String::new());
        }
        circles(&graph)
            .iter()
            .map(|circle| circle.concat())
            .collect()
    }

    #[test]
    fn each_circle_is_found_once() {
        assert_eq!(found(&[("a", "b"), ("b", "c"), ("a", "c")]), [""; 0]);
        assert_eq!(found(&[("b", "a"), ("a", "b")]), ["aba"]);
        assert_eq!(found(&[("c", "a"), ("a", "b"), ("b", "c")]), ["abca"]);
        assert_eq!(
            found(&[
                ("x", "a"),
                ("a", "b"),
                ("b", "a"),
                ("c", "d"),
                ("d", "c"),
                ("b", "c")
            ]),
            ["aba", "cdc"]
        );
    }
}
