//! From the production code of one file to the facts that invariants are about.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::{
    Attribute, Ident, ItemEnum, ItemImpl, ItemMod, ItemStruct, ItemUse, LitStr, Type, UseTree,
    Visibility, parse::Parser as _, punctuated::Punctuated, visit::Visit,
};

/// The facts of one file. Lines count from 1.
#[derive(Default)]
pub(crate) struct Facts {
    /// Imports. `self` and `super` at the start of a path are replaced by the module that they
    /// mean.
    pub(crate) uses: Vec<Use>,
    /// Paths of two segments or more outside of imports, also in macros and attributes.
    pub(crate) paths: Vec<Name>,
    /// String literals, also in macros and attributes.
    pub(crate) literals: Vec<Text>,
    /// Lines of doc comments.
    pub(crate) docs: Vec<Text>,
    /// Modules that the file declares and another file contains.
    pub(crate) modules: Vec<Declaration>,
    /// Implementations of a trait, and derived ones.
    pub(crate) impls: Vec<Implementation>,
}

/// A path in the code.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
}

/// One name that an import brings into scope; `name` is `None` for `*` and `_`.
pub(crate) struct Use {
    pub(crate) imported: Name,
    pub(crate) name: Option<String>,
}

/// A string, as the program sees it.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// `mod name;`.
pub(crate) struct Declaration {
    pub(crate) name: String,
    pub(crate) is_private: bool,
}

/// `impl trait_ for type_`, by the last segments of both.
pub(crate) struct Implementation {
    pub(crate) trait_: String,
    pub(crate) type_: String,
    pub(crate) line: usize,
}

impl Facts {
    /// The facts of the file of `module`, from its production code.
    ///
    /// # Errors
    ///
    /// A syntax error.
    pub(crate) fn of(code: TokenStream, module: &[String]) -> syn::Result<Self> {
        let mut facts = Self::default();
        facts.read_tokens(code.clone(), module)?;
        let file: syn::File = syn::parse2(code)?;
        facts.visit_file(&file);
        Ok(facts)
    }

    /// Reads what may stand inside of a macro, which only tokens show.
    fn read_tokens(&mut self, code: TokenStream, module: &[String]) -> syn::Result<()> {
        let tokens: Vec<_> = code.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Ident(ident) if ident == "use" && !is_punct(tokens.get(at), '<') => {
                    let is_end = |token: &TokenTree| is_punct(Some(token), ';');
                    let len = tokens[at..].iter().position(is_end).unwrap_or_default() + 1;
                    let import = tokens[at - 1..at + len].iter().cloned().collect();
                    self.read_use(&syn::parse2::<ItemUse>(import)?.tree, &[], module);
                    at += len;
                }
                TokenTree::Ident(ident) => {
                    let mut path = vec![ident.clone()];
                    while let Some(next) = segment_after(&tokens[at..]) {
                        path.push(next);
                        at += 3;
                    }
                    match (&path[..], tokens.get(at)) {
                        ([_, ..], Some(TokenTree::Group(body)))
                            if body.delimiter() == Delimiter::Brace
                                && is_ident(tokens.get(at.wrapping_sub(2)), "mod") =>
                        {
                            let inner = [module, &[ident.to_string()]].concat();
                            self.read_tokens(body.stream(), &inner)?;
                            at += 1;
                        }
                        ([_, _, ..], _) => self.paths.push(absolute(&path, module)),
                        _ => {}
                    }
                }
                TokenTree::Group(group) => match doc_text(group) {
                    Some(text) => self.docs.push(text),
                    None => self.read_tokens(group.stream(), module)?,
                },
                TokenTree::Literal(literal) => self.literals.extend(text(literal)),
                TokenTree::Punct(_) => {}
            }
        }
        Ok(())
    }

    fn read_use(&mut self, tree: &UseTree, prefix: &[Ident], module: &[String]) {
        let mut add = |last: &Ident, name: Option<&Ident>| {
            let mut path = prefix.to_vec();
            if last != "self" || path.is_empty() {
                path.push(last.clone());
            }
            let name = name.or(path.last()).map(ToString::to_string);
            self.uses.push(Use {
                imported: absolute(&path, module),
                name: name.filter(|name| name != "_"),
            });
        };
        match tree {
            UseTree::Path(path) => {
                let prefix = [prefix, std::slice::from_ref(&path.ident)].concat();
                self.read_use(&path.tree, &prefix, module);
            }
            UseTree::Name(name) => add(&name.ident, None),
            UseTree::Rename(rename) => add(&rename.ident, Some(&rename.rename)),
            UseTree::Glob(_) if prefix.is_empty() => {}
            UseTree::Glob(_) => self.uses.push(Use {
                imported: absolute(prefix, module),
                name: None,
            }),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.read_use(tree, prefix, module);
                }
            }
        }
    }

    fn read_derives(&mut self, attributes: &[Attribute], type_: &Ident) {
        for attribute in attributes {
            let Ok(list) = attribute.meta.require_list() else {
                continue;
            };
            if !list.path.is_ident("derive") {
                continue;
            }
            let traits = Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
            for path in traits.parse2(list.tokens.clone()).into_iter().flatten() {
                self.impls
                    .extend(path.segments.last().map(|last| Implementation {
                        trait_: last.ident.to_string(),
                        type_: type_.to_string(),
                        line: line(&last.ident),
                    }));
            }
        }
    }
}

/// Reads what stands outside of macros.
impl Visit<'_> for Facts {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        if module.content.is_none() {
            self.modules.push(Declaration {
                name: module.ident.to_string(),
                is_private: matches!(module.vis, Visibility::Inherited),
            });
        }
        syn::visit::visit_item_mod(self, module);
    }

    fn visit_item_impl(&mut self, item: &ItemImpl) {
        if let (Some((path, _)), Type::Path(type_)) = (&item.trait_, &*item.self_ty)
            && let (Some(trait_), Some(type_)) = (path.segments.last(), type_.path.segments.last())
        {
            self.impls.push(Implementation {
                trait_: trait_.ident.to_string(),
                type_: type_.ident.to_string(),
                line: line(&trait_.ident),
            });
        }
        syn::visit::visit_item_impl(self, item);
    }

    fn visit_item_struct(&mut self, item: &ItemStruct) {
        self.read_derives(&item.attrs, &item.ident);
    }

    fn visit_item_enum(&mut self, item: &ItemEnum) {
        self.read_derives(&item.attrs, &item.ident);
    }
}

/// `path`, as it is written in `module`, with `self` and `super` replaced.
fn absolute(path: &[Ident], module: &[String]) -> Name {
    let mut absolute = Vec::new();
    for segment in path {
        match segment.to_string().as_str() {
            "self" if absolute.is_empty() => absolute = module.to_vec(),
            "super" => {
                if absolute.is_empty() {
                    absolute = module.to_vec();
                }
                absolute.pop();
            }
            name => absolute.push(name.to_owned()),
        }
    }
    Name {
        path: absolute,
        line: path.first().map_or(1, line),
    }
}

/// The `name` of the `::name` that `tokens` starts with.
fn segment_after(tokens: &[TokenTree]) -> Option<Ident> {
    match tokens {
        [
            TokenTree::Punct(first),
            TokenTree::Punct(second),
            TokenTree::Ident(name),
            ..,
        ] if first.as_char() == ':'
            && first.spacing() == Spacing::Joint
            && second.as_char() == ':' =>
        {
            Some(name.clone())
        }
        _ => None,
    }
}

/// The line of a doc comment, if `group` is that of `#[doc = "…"]`.
fn doc_text(group: &proc_macro2::Group) -> Option<Text> {
    let tokens: Vec<_> = group.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(doc), _, TokenTree::Literal(literal)] if doc == "doc" => text(literal),
        _ => None,
    }
}

/// The string of a literal, unless it is a number, a character or bytes.
fn text(literal: &proc_macro2::Literal) -> Option<Text> {
    let string: LitStr = syn::parse2(TokenTree::from(literal.clone()).into()).ok()?;
    Some(Text {
        text: string.value(),
        line: literal.span().start().line,
    })
}

fn line(ident: &Ident) -> usize {
    ident.span().start().line
}

fn is_punct(token: Option<&TokenTree>, char: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == char)
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(ident)) if ident == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r##"
use std::fmt;
use super::{a::{self as b, C}, d::*};
mod inner {
    use super::E;
}
mod other;
#[derive(Clone, fmt::Debug)]
struct F;
impl fmt::Display for F {}
#[error("attribute {0}")]
fn g() {
    println!("macro {}", crate::h::I::j(r#"raw"#));
    b::k::<u8>(1, 'c', b"bytes");
}
"##;

    #[test]
    fn the_facts_of_a_file() {
        let module = ["crate", "m", "n"].map(str::to_owned);
        let facts = Facts::of(CODE.parse().unwrap(), &module).unwrap();
        let shown = |name: &Name| format!("{}:{}", name.line, name.path.join("::"));
        let uses: Vec<_> = facts
            .uses
            .iter()
            .map(|used| {
                let name = used.name.as_deref().unwrap_or("*");
                format!("{} as {name}", shown(&used.imported))
            })
            .collect();
        assert_eq!(
            uses,
            [
                "2:std::fmt as fmt",
                "3:crate::m::a as b",
                "3:crate::m::a::C as C",
                "3:crate::m::d as *",
                "5:crate::m::n::E as E",
            ]
        );
        let paths: Vec<_> = facts.paths.iter().map(shown).collect();
        assert_eq!(
            paths,
            [
                "8:fmt::Debug",
                "10:fmt::Display",
                "13:crate::h::I::j",
                "14:b::k"
            ]
        );
        let literals: Vec<_> = facts.literals.iter().map(|literal| &literal.text).collect();
        assert_eq!(literals, ["attribute {0}", "macro {}", "raw"]);
        let modules: Vec<_> = facts.modules.iter().map(|module| &module.name).collect();
        assert_eq!(modules, ["other"]);
        let impls: Vec<_> = facts.impls.iter().map(|found| &found.trait_).collect();
        assert_eq!(impls, ["Clone", "Debug", "Display"]);
    }
}
