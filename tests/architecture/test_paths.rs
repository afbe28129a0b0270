//! The paths of all tests, as `cargo test` prints them, from the source files of every system.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::{
    source_tree::{file_of, root},
    tokens::attributes,
};

/// The first files of the programs that `cargo test` runs.
const FIRST: [&str; 12] = [
    "src/lib.rs",
    "src/main.rs",
    "tests/architecture/main.rs",
    "tests/fuzz/short.rs",
    "tests/it/main.rs",
    "helper-shim/src/main.rs",
    "helper-shim/tests/shim/main.rs",
    "helper-shim/wire/src/lib.rs",
    "helper-shim/wire/tests/compatibility.rs",
    "helper-shim/wire/tests/differential/main.rs",
    "helper-shim/wire/tests/golden.rs",
    "helper-shim/wire/tests/properties.rs",
];

/// The paths of the tests of all programs: modules and function.
pub(crate) fn test_paths() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for first in FIRST {
        File::new(first.into()).read(&mut found, &[]);
    }
    found
}

/// A source file, and the macros that it has defined so far.
struct File {
    path: PathBuf,
    macros: HashMap<String, TokenStream>,
}

impl File {
    fn new(path: PathBuf) -> Self {
        let macros = HashMap::new();
        Self { path, macros }
    }

    fn read(mut self, found: &mut BTreeSet<String>, module: &[String]) {
        let text = fs::read_to_string(root().join(&self.path))
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        self.walk(text.parse().unwrap(), found, module, None);
    }

    /// Adds the tests of `stream`, which is in `module`. Modules and functions that are called as a
    /// macro's argument are called `argument`.
    fn walk(
        &mut self,
        stream: TokenStream,
        found: &mut BTreeSet<String>,
        module: &[String],
        argument: Option<&str>,
    ) {
        let tokens: Vec<_> = stream.into_iter().collect();
        let mut before = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let more = attributes(&tokens[at..]);
            at += 2 * more.len();
            before.extend(more);
            let rest = &tokens[at..];
            match rest {
                [TokenTree::Ident(keyword), rest @ ..] if keyword == "mod" => {
                    if let Some((name, rest)) = name(rest, argument) {
                        let below = [module, &[name]].concat();
                        self.enter(rest.first(), found, &below, argument, &before);
                    }
                    // The group is not part of `module`.
                    at += rest.iter().take_while(|token| !ends(token)).count() + 2;
                    before.clear();
                    continue;
                }
                [TokenTree::Ident(keyword), rest @ ..] if keyword == "fn" => {
                    if let Some((name, _)) = name(rest, argument)
                        && before.iter().any(is_test)
                    {
                        found.insert([module, &[name]].concat().join("::"));
                    }
                    before.clear();
                }
                [
                    TokenTree::Ident(macro_rules),
                    TokenTree::Punct(_),
                    TokenTree::Ident(name),
                    TokenTree::Group(rules),
                    ..,
                ] if macro_rules == "macro_rules" => {
                    self.macros.insert(name.to_string(), rules.stream());
                    at += 4;
                    continue;
                }
                [
                    TokenTree::Ident(name),
                    TokenTree::Punct(bang),
                    TokenTree::Group(arguments),
                    ..,
                ] if bang.as_char() == '!' => {
                    if let Some(rules) = self.macros.get(&name.to_string()).cloned() {
                        for argument in first_names(arguments) {
                            self.walk(rules.clone(), found, module, Some(&argument));
                        }
                        at += 3;
                        continue;
                    }
                }
                [TokenTree::Group(group), ..] => {
                    self.walk(group.stream(), found, module, argument);
                }
                _ => {}
            }
            if rest.first().is_some_and(ends) {
                before.clear();
            }
            at += 1;
        }
    }

    /// Adds the tests of a module, which is `content`, or else another file.
    fn enter(
        &mut self,
        content: Option<&TokenTree>,
        found: &mut BTreeSet<String>,
        module: &[String],
        argument: Option<&str>,
        attributes: &[Group],
    ) {
        if let Some(TokenTree::Group(content)) = content {
            return self.walk(content.stream(), found, module, argument);
        }
        let file = match attributes.iter().find_map(named_file) {
            Some(file) => self.path.with_file_name(file),
            None if FIRST.iter().any(|first| Path::new(first) == self.path) => {
                file_of(&self.path.with_file_name("main.rs"), module.last().unwrap())
            }
            None => file_of(&self.path, module.last().unwrap()),
        };
        Self::new(file).read(found, module);
    }
}

/// The name at the start of `tokens`, and what follows it. A variable of a macro is `argument`.
fn name<'a>(tokens: &'a [TokenTree], argument: Option<&str>) -> Option<(String, &'a [TokenTree])> {
    match tokens {
        [TokenTree::Ident(name), rest @ ..] => Some((name.to_string(), rest)),
        [TokenTree::Punct(dollar), TokenTree::Ident(_), rest @ ..] if dollar.as_char() == '$' => {
            Some((argument?.to_owned(), rest))
        }
        _ => None,
    }
}

/// Whether an item may end with this token.
fn ends(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    }
}

/// Whether the attribute is `test`, `tokio::test` or `tokio::test(…)`.
fn is_test(attribute: &Group) -> bool {
    let path = attribute.stream().into_iter();
    let path = path.take_while(|token| !matches!(token, TokenTree::Group(_)));
    matches!(path.last(), Some(TokenTree::Ident(last)) if last == "test")
}

/// The file of a module with `path = "…"`.
fn named_file(attribute: &Group) -> Option<String> {
    let attribute: syn::MetaNameValue = syn::parse2(attribute.stream()).ok()?;
    match attribute.value {
        syn::Expr::Lit(value) if attribute.path.is_ident("path") => match value.lit {
            syn::Lit::Str(file) => Some(file.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The first names of a macro's arguments, which commas separate.
fn first_names(arguments: &Group) -> Vec<String> {
    let tokens: Vec<_> = arguments.stream().into_iter().collect();
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ',');
    let arguments = tokens.split(is_comma);
    arguments
        .filter_map(|argument| match argument.first() {
            Some(TokenTree::Ident(name)) => Some(name.to_string()),
            _ => None,
        })
        .collect()
}

#[test]
fn tests_are_found_in_modules_files_and_macros() {
    const CODE: &str = "
        #[test] fn a() {}
        fn helper() {}
        #[cfg(test)] mod b {
            #[tokio::test(start_paused = true)] async fn c() {}
            #[should_panic] #[test] fn d() { e(); }
            fn f() {}
        }
        proptest! { #[test] fn g(h in 0..1) {} }
        macro_rules! sources {
            ($($name:ident => $type:ty,)+) => {$( mod $name { #[test] fn i() {} } )+};
        }
        sources! { j => k::L, m => N, }
        #[path = \"main.rs\"] mod o;
        struct P; #[test] fn q() {}
    ";
    let mut found = BTreeSet::new();
    let mut file = File::new("helper-shim/tests/shim/none.rs".into());
    file.walk(CODE.parse().unwrap(), &mut found, &[], None);
    let (of_file, own): (Vec<_>, Vec<_>) = found.iter().partition(|path| path.starts_with("o::"));
    assert_eq!(own, ["a", "b::c", "b::d", "g", "j::i", "m::i", "q"]);
    let denied = "o::trust::a_directory_that_is_a_link_is_denied";
    assert!(of_file.iter().any(|path| *path == denied), "{of_file:?}");
}
