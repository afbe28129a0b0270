//! From the tokens of a file to its production code: everything that `cfg(test)` does not select.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Keywords of items that end with a semicolon, even if braces come first.
const ENDS_WITH_SEMICOLON: [&str; 5] = ["const", "let", "static", "type", "use"];

/// Keywords that start an item or statement, as opposed to a field, a variant or a match arm.
const STARTS_ITEM: [&str; 9] = [
    "enum", "extern", "fn", "impl", "mod", "pub", "struct", "trait", "unsafe",
];

/// `stream` without the items, fields, arms and statements that only a test build contains.
pub(crate) fn production(stream: TokenStream) -> TokenStream {
    let tokens: Vec<_> = stream.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let attributes = attributes(&tokens[at..]);
        if attributes.iter().any(is_test_only) {
            at += 2 * attributes.len();
            at += item_len(&tokens[at..]);
            continue;
        }
        let end = at + (2 * attributes.len()).max(1);
        for token in &tokens[at..end] {
            kept.push(match token {
                TokenTree::Group(group) => {
                    let mut inner = Group::new(group.delimiter(), production(group.stream()));
                    inner.set_span(group.span());
                    TokenTree::Group(inner)
                }
                other => other.clone(),
            });
        }
        at = end;
    }
    kept.into_iter().collect()
}

/// The attributes that `tokens` starts with. Each one is two tokens: `#` and a group.
pub(crate) fn attributes(tokens: &[TokenTree]) -> Vec<Group> {
    tokens
        .chunks_exact(2)
        .map_while(|pair| match pair {
            [TokenTree::Punct(hash), TokenTree::Group(group)]
                if hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                Some(group.clone())
            }
            _ => None,
        })
        .collect()
}

/// Whether the attribute is `test`, `cfg(test)` or `cfg(all(test, …))`.
fn is_test_only(attribute: &Group) -> bool {
    let tokens: Vec<_> = attribute.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(test)] => test == "test",
        [TokenTree::Ident(cfg), TokenTree::Group(predicate)] if cfg == "cfg" => {
            let predicate: Vec<_> = predicate.stream().into_iter().collect();
            match &predicate[..] {
                [TokenTree::Ident(test)] => test == "test",
                [TokenTree::Ident(all), TokenTree::Group(of)] if all == "all" => of
                    .stream()
                    .into_iter()
                    .any(|token| matches!(token, TokenTree::Ident(test) if test == "test")),
                _ => false,
            }
        }
        _ => false,
    }
}

/// The number of tokens of the item, statement, field or arm that `tokens` starts with.
fn item_len(tokens: &[TokenTree]) -> usize {
    // What comes before any punctuation: `pub const fn name`.
    let words: Vec<_> = tokens
        .iter()
        .map_while(|token| match token {
            TokenTree::Ident(ident) => Some(ident.to_string()),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Parenthesis => {
                Some(String::new())
            }
            _ => None,
        })
        .filter(|word| !word.is_empty())
        .collect();
    let starts_item = |word: &String| STARTS_ITEM.contains(&word.as_str());
    let ends_with_semicolon = words
        .iter()
        .find(|word| *word != "pub")
        .is_some_and(|word| ENDS_WITH_SEMICOLON.contains(&word.as_str()))
        && !words.iter().any(|word| word == "fn");
    let is_item = ends_with_semicolon || words.iter().any(starts_item);
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(punct) => punct.as_char() == ';' || (punct.as_char() == ',' && !is_item),
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !ends_with_semicolon,
        _ => false,
    };
    tokens
        .iter()
        .position(ends)
        .map_or(tokens.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_code_is_removed() {
        for (text, expected) in [
            ("#[cfg(test)] mod tests; fn a() {}", "fn a() {}"),
            (
                "#[cfg(unix)] #[cfg(test)] mod tests { x } fn a() {}",
                "fn a() {}",
            ),
            ("#[cfg(test)] use a::{b, c}; fn a() {}", "fn a() {}"),
            (
                "#[cfg(all(test, unix))] fn b<A, B>() {} fn a() {}",
                "fn a() {}",
            ),
            (
                "#[cfg(test)] pub(crate) const fn b() {} fn a() {}",
                "fn a() {}",
            ),
            (
                "#[cfg(test)] const B: C = C { d: 1 }; fn a() {}",
                "fn a() {}",
            ),
            ("struct A { #[cfg(test)] b: B, c: C }", "struct A { c: C }"),
            (
                "impl A { #[test] fn b() {} fn c() {} }",
                "impl A { fn c() {} }",
            ),
            (
                "#[cfg(any(test, unix))] fn a() {}",
                "#[cfg(any(test, unix))] fn a() {}",
            ),
        ] {
            let parse = |text: &str| text.parse::<TokenStream>().unwrap();
            assert_eq!(
                production(parse(text)).to_string(),
                parse(expected).to_string(),
                "{text}"
            );
        }
    }
}
