//! The source tree: the crates with their modules, read once.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use proc_macro2::TokenStream;

use crate::{
    facts::{Declaration, Facts, Implementation, Name, Text, Use},
    tokens,
};

/// The first file of each crate.
const CRATES: [&str; 3] = [
    "src/lib.rs",
    "helper-shim/src/main.rs",
    "helper-shim/wire/src/lib.rs",
];

/// The files of one crate that are not only for tests, by their modules' paths.
pub(crate) struct Crate {
    pub(crate) modules: BTreeMap<Vec<String>, SourceFile>,
}

/// One file: a module.
pub(crate) struct SourceFile {
    /// From the root of the repository, with `/`.
    pub(crate) file: String,
    /// The path of the module: `crate`, then a name for each level.
    pub(crate) module: Vec<String>,
    /// Whether only the module above, and what is below that, can name it.
    is_private: bool,
    /// Everything that the file names, in imports and elsewhere, with imported names replaced by
    /// what they stand for. Paths of this crate start with `crate`, others with a crate's name.
    pub(crate) names: Vec<Name>,
    /// String literals.
    pub(crate) literals: Vec<Text>,
    /// Lines of doc comments.
    pub(crate) docs: Vec<Text>,
    /// Implementations of traits.
    pub(crate) impls: Vec<Implementation>,
    /// What an imported name stands for.
    imported: HashMap<String, Vec<String>>,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The crates of the repository.
pub(crate) fn tree() -> &'static [Crate] {
    static TREE: OnceLock<Vec<Crate>> = OnceLock::new();
    TREE.get_or_init(|| CRATES.map(Crate::load).into())
}

/// The files of all crates.
pub(crate) fn files() -> impl Iterator<Item = &'static SourceFile> {
    tree().iter().flat_map(|of| of.modules.values())
}

impl Crate {
    fn load(first: &str) -> Self {
        let mut parsed = BTreeMap::new();
        let mut waiting = vec![(PathBuf::from(first), vec!["crate".to_owned()], false)];
        while let Some((file, module, is_private)) = waiting.pop() {
            let facts = parse(&file, &module);
            for Declaration { name, is_private } in &facts.modules {
                let below = [&module[..], std::slice::from_ref(name)].concat();
                waiting.push((file_of(&file, name), below, *is_private));
            }
            let file = file.to_str().unwrap().replace('\\', "/");
            parsed.insert(module, (file, is_private, facts));
        }
        let paths: Vec<_> = parsed.keys().cloned().collect();
        let modules = parsed
            .into_iter()
            .map(|(module, (file, is_private, facts))| {
                let source = SourceFile::new(file, module.clone(), is_private, facts, &paths);
                (module, source)
            });
        Self {
            modules: modules.collect(),
        }
    }

    /// The deepest module on the way to `path` that `from` can name; `None` for another crate's.
    pub(crate) fn module_of(&self, path: &[String], from: &[String]) -> Option<&SourceFile> {
        let mut found = self.modules.get(&path[..1])?;
        for depth in 2..=path.len() {
            match self.modules.get(&path[..depth]) {
                Some(below) if !below.is_private || from.starts_with(&found.module) => {
                    found = below;
                }
                _ => break,
            }
        }
        Some(found)
    }

    /// As [`Crate::module_of`]; an import of a module above `from`, which is there for those below
    /// to use, counts as what it stands for.
    pub(crate) fn origin_of(&self, path: &[String], from: &[String]) -> Option<&SourceFile> {
        let found = self.module_of(path, from)?;
        let imported = path
            .get(found.module.len())
            .and_then(|name| found.imported.get(name));
        match imported {
            Some(path) if from.starts_with(&found.module) && from != found.module => {
                self.origin_of(path, from)
            }
            _ => Some(found),
        }
    }
}

impl SourceFile {
    fn new(
        file: String,
        module: Vec<String>,
        is_private: bool,
        facts: Facts,
        modules: &[Vec<String>],
    ) -> Self {
        // A path that starts with a module below this one.
        let below = |path: Vec<String>| {
            let inner = [&module[..], &path[..1]].concat();
            if modules.contains(&inner) {
                [&module[..], &path[..]].concat()
            } else {
                path
            }
        };
        let mut names = Vec::new();
        let mut imported = HashMap::new();
        for Use {
            imported: Name { path, line },
            name,
        } in facts.uses
        {
            let path = below(path);
            imported.extend(name.map(|name| (name, path.clone())));
            names.push(Name { path, line });
        }
        for Name { path, line } in facts.paths {
            let path = match imported.get(&path[0]) {
                Some(start) => [&start[..], &path[1..]].concat(),
                None => below(path),
            };
            names.push(Name { path, line });
        }
        Self {
            file,
            module,
            is_private,
            names,
            literals: facts.literals,
            docs: facts.docs,
            impls: facts.impls,
            imported,
        }
    }
}

fn parse(file: &Path, module: &[String]) -> Facts {
    let text = fs::read_to_string(root().join(file))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let tokens = text.parse::<TokenStream>().map_err(syn::Error::from);
    tokens
        .and_then(|tokens| Facts::of(tokens::production(tokens), module))
        .unwrap_or_else(|error| {
            let line = error.span().start().line;
            panic!("{}:{line}: {error}", file.display())
        })
}

/// The file of the module `name` that `above` declares.
pub(crate) fn file_of(above: &Path, name: &str) -> PathBuf {
    let is_first =
        ["lib.rs", "main.rs", "mod.rs"].contains(&above.file_name().unwrap().to_str().unwrap());
    let directory = if is_first {
        above.parent().unwrap().to_owned()
    } else {
        above.with_extension("")
    };
    let folder = directory.join(name).join("mod.rs");
    if root().join(&folder).exists() {
        folder
    } else {
        directory.join(name).with_extension("rs")
    }
}
