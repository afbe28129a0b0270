//! Imports point one way: if `a` uses `b`, then `b` does not use `a`, not even through others.
//!
//! A module may use the modules above and below itself. A re-export counts as the module that
//! contains it.

use std::collections::BTreeMap;

use crate::{
    circles::{Graph, circles},
    source_tree::{Crate, tree},
    violations::Violations,
};

#[test]
fn no_files_import_in_a_circle() {
    let mut violations = Violations::default();
    for of in tree() {
        let mut graph = Graph::new();
        for import in imports(of) {
            let reasons = graph.entry(import.from_file).or_default();
            reasons.entry(import.to_file).or_insert(import.reason);
        }
        report(&graph, &mut violations);
    }
    violations.assert_none("files import in a circle: move what they share to a file below both");
}

#[test]
fn no_folders_import_in_a_circle() {
    let mut violations = Violations::default();
    for of in tree() {
        // For each module the graph of the modules directly below it.
        let mut graphs = BTreeMap::<Vec<String>, Graph>::new();
        for import in imports(of) {
            let pairs = import.from.iter().zip(&import.to);
            let shared = pairs.take_while(|(from, to)| from == to).count();
            let graph = graphs.entry(import.from[..shared].to_vec()).or_default();
            let reasons = graph.entry(import.from[..=shared].join("::")).or_default();
            let to = import.to[..=shared].join("::");
            reasons.entry(to).or_insert(import.reason);
        }
        for graph in graphs.values() {
            report(graph, &mut violations);
        }
    }
    violations.assert_none("folders import in a circle: one of them must not know the other");
}

#[test]
fn the_map_in_lib_rs_is_true() {
    let library = &tree()[0];
    let lib = &library.modules[&vec!["crate".to_owned()]];
    let map = lib.docs.iter().map(|line| line.text.trim());
    let map: Vec<_> = map
        .skip_while(|line| *line != "```text")
        .skip(1)
        .take_while(|line| *line != "```")
        .flat_map(|line| line.split(" · "))
        .collect();
    let mut violations = Violations::default();
    for module in library.modules.keys().filter(|module| module.len() == 2) {
        if !map.contains(&module[1].as_str()) {
            violations.at(&lib.file, 1, format!("{} is not in the map", module[1]));
        }
    }
    for name in &map {
        if !library
            .modules
            .keys()
            .any(|module| module.get(1).is_some_and(|known| known == name))
        {
            violations.at(&lib.file, 1, format!("{name} does not exist"));
        }
    }
    let place = |module: &[String]| map.iter().position(|name| *name == module[1]);
    for import in imports(library) {
        if import.from[1] != import.to[1] && place(&import.from) > place(&import.to) {
            violations.add(format!("{} points upwards", import.reason));
        }
    }
    violations.assert_none("correct the import, or the map of modules in the documentation");
}

/// A use of one module by another that is neither above nor below it.
struct Import {
    from: Vec<String>,
    from_file: String,
    to: Vec<String>,
    to_file: String,
    /// File, line and path.
    reason: String,
}

fn imports(of: &Crate) -> impl Iterator<Item = Import> {
    of.modules.values().flat_map(move |file| {
        file.names.iter().filter_map(move |name| {
            let from = &file.module;
            let target = of.origin_of(&name.path, from)?;
            let to = &target.module;
            if from.starts_with(to) || to.starts_with(from) {
                return None;
            }
            Some(Import {
                from: from.clone(),
                from_file: file.file.clone(),
                to: to.clone(),
                to_file: target.file.clone(),
                reason: format!("{}:{}: {}", file.file, name.line, name.path.join("::")),
            })
        })
    })
}

fn report(graph: &Graph, violations: &mut Violations) {
    for circle in circles(graph) {
        let steps: Vec<_> = circle
            .windows(2)
            .map(|step| format!("    {}", graph[&step[0]][&step[1]]))
            .collect();
        violations.add(format!("{}\n{}", circle.join(" → "), steps.join("\n")));
    }
}
