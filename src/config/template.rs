//! `{user}`, `{host}` and `{env:NAME}` in configured values.

use super::principal::Principal;

/// The longest value that a placeholder takes, in characters: what one file or path segment can be called.
const MAX_VALUE_LEN: usize = 255;

/// What a placeholder's value may have in it beside ASCII letters and digits. Each of these stands for itself in a URL's
/// path, in a file's name and in an argument; none of them ends a segment, starts an escape or looks like another
/// letter.
const VALUE_PUNCTUATION: &str = "._@+=-";

/// A configured value with placeholders in it.
///
/// `{user}`, `{host}` and `{env:NAME}` are filled in by [`Template::resolve`]; `{{` and `}}` stand for a brace itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    User,
    Host,
    Env(String),
}

/// What is wrong with a template or with what is to be put into it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// Some other placeholder.
    #[error(
        "has an unknown placeholder '{{{0}}}'; it takes '{{user}}', '{{host}}' and '{{env:NAME}}'"
    )]
    Unknown(String),
    /// `{` without `}`, at this character (from 1).
    #[error("has a '{{' at character {0} that nothing closes; '{{{{' is a brace itself")]
    Unclosed(usize),
    /// `}` without `{`, at this character (from 1).
    #[error("has a '}}' at character {0} that closes nothing; '}}}}' is a brace itself")]
    Unopened(usize),
    /// The variable is not set, or is not Unicode.
    #[error(
        "'{{env:{0}}}' cannot be filled in: the variable '{0}' is not set in the daemon's environment"
    )]
    NotSet(String),
    /// Nothing to put in.
    #[error("'{0}' cannot be filled in: it is empty")]
    Empty(String),
    /// `.` or `..`, which in a path is another place.
    #[error("'{0}' cannot be filled in: it is '.' or '..'")]
    Dots(String),
    /// A `-` at its start, which in an argument is an option.
    #[error("'{0}' cannot be filled in: it starts with '-'")]
    LeadingDash(String),
    /// More than 255 characters.
    #[error("'{0}' cannot be filled in: it has {1} characters; {MAX_VALUE_LEN} is the most")]
    TooLong(String, usize),
    /// A character that could change what the whole means.
    #[error(
        "'{placeholder}' cannot be filled in: it has {character:?} at character {at}; \
         it takes ASCII letters, digits and any of '{VALUE_PUNCTUATION}'"
    )]
    Character {
        /// As in the template: `{user}`.
        placeholder: String,
        /// The first such character.
        character: char,
        /// Where it stands, from 1.
        at: usize,
    },
}

impl Template {
    /// Parses.
    ///
    /// # Errors
    ///
    /// [`TemplateError::Unknown`], [`TemplateError::Unclosed`] and [`TemplateError::Unopened`], each the end of a
    /// sentence that starts with the key.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let place = |rest: &str| text[..text.len() - rest.len()].chars().count() + 1;
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if rest.starts_with('}') {
                return Err(TemplateError::Unopened(place(rest)));
            } else {
                let inner = &rest[1..];
                let end = inner.find(['{', '}']).unwrap_or(inner.len());
                if !inner[end..].starts_with('}') {
                    return Err(TemplateError::Unclosed(place(rest)));
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::placeholder(&inner[..end])?);
                rest = &inner[end + 1..];
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self {
            text: text.to_owned(),
            pieces,
        })
    }

    /// Fills in.
    ///
    /// What is put in is 1 to 255 ASCII letters, digits and `. _ @ + = -`, not `.`, not `..` and without a `-` at its
    /// start. It is never escaped, so it adds no segment to a path, no query to a URL and no option to a command: a
    /// login name that does not fit (one with a space in it) is an error, not another name.
    ///
    /// # Errors
    ///
    /// The other variants of [`TemplateError`], each a whole sentence.
    pub(crate) fn resolve(&self, principal: &Principal) -> Result<String, TemplateError> {
        let mut text = String::with_capacity(self.text.len());
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::User => text.push_str(check("{user}", &principal.user)?),
                Piece::Host => text.push_str(check("{host}", &principal.host)?),
                Piece::Env(name) => {
                    let value = principal.env.get(name);
                    let value = value.ok_or_else(|| TemplateError::NotSet(name.clone()))?;
                    text.push_str(check(&format!("{{env:{name}}}"), value)?);
                }
            }
        }
        Ok(text)
    }

    /// The template as it is written in the file.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The variables that it takes from the environment.
    pub(crate) fn env_names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Env(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

impl Piece {
    fn placeholder(inner: &str) -> Result<Self, TemplateError> {
        match inner {
            "user" => Ok(Self::User),
            "host" => Ok(Self::Host),
            _ => match inner.strip_prefix("env:") {
                Some(name) if is_env_name(name) => Ok(Self::Env(name.to_owned())),
                _ => Err(TemplateError::Unknown(inner.escape_debug().to_string())),
            },
        }
    }
}

/// Whether `name` can be an environment variable's, as POSIX has it (IEEE Std 1003.1, 8.1), in either case.
pub(super) fn is_env_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn check<'a>(placeholder: &str, value: &'a str) -> Result<&'a str, TemplateError> {
    let placeholder = || placeholder.to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || VALUE_PUNCTUATION.contains(c);
    if value.is_empty() {
        return Err(TemplateError::Empty(placeholder()));
    }
    if let Some((at, character)) = value.chars().enumerate().find(|(_, c)| !fits(*c)) {
        return Err(TemplateError::Character {
            placeholder: placeholder(),
            character,
            at: at + 1,
        });
    }
    if value.len() > MAX_VALUE_LEN {
        return Err(TemplateError::TooLong(placeholder(), value.len()));
    }
    if value == "." || value == ".." {
        return Err(TemplateError::Dots(placeholder()));
    }
    if value.starts_with('-') {
        return Err(TemplateError::LeadingDash(placeholder()));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn principal(user: &str) -> Principal {
        Principal {
            user: user.to_owned(),
            host: "laptop-7".to_owned(),
            env: [("TEAM".to_owned(), "core".to_owned())].into(),
        }
    }

    fn resolve(template: &str, user: &str) -> Result<String, String> {
        let template = Template::parse(template).map_err(|error| error.to_string())?;
        template
            .resolve(&principal(user))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_placeholder_and_escape() {
        for (template, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("{user}", "ana"),
            (
                "secret/{user}/{host}/{env:TEAM}",
                "secret/ana/laptop-7/core",
            ),
            ("{user}{user}", "anaana"),
            ("{{user}}", "{user}"),
            ("{{{user}}}", "{ana}"),
            ("ü{user}ü", "üanaü"),
        ] {
            assert_eq!(
                resolve(template, "ana").as_deref(),
                Ok(expected),
                "{template}"
            );
        }
    }

    #[test]
    fn the_text_is_kept() {
        assert_eq!(
            Template::parse("a/{{{user}").unwrap().as_str(),
            "a/{{{user}"
        );
    }

    #[test]
    fn mistakes_in_a_template() {
        let takes = "it takes '{user}', '{host}' and '{env:NAME}'";
        for (template, expected) in [
            (
                "{usr}",
                format!("has an unknown placeholder '{{usr}}'; {takes}"),
            ),
            ("{}", format!("has an unknown placeholder '{{}}'; {takes}")),
            (
                "{env:}",
                format!("has an unknown placeholder '{{env:}}'; {takes}"),
            ),
            (
                "{env:A-B}",
                format!("has an unknown placeholder '{{env:A-B}}'; {takes}"),
            ),
            (
                "{ENV:A}",
                format!("has an unknown placeholder '{{ENV:A}}'; {takes}"),
            ),
            (
                "{\n}",
                format!("has an unknown placeholder '{{\\n}}'; {takes}"),
            ),
            (
                "ü{user",
                "has a '{' at character 2 that nothing closes; '{{' is a brace itself".into(),
            ),
            (
                "{us{er}",
                "has a '{' at character 1 that nothing closes; '{{' is a brace itself".into(),
            ),
            (
                "a}b",
                "has a '}' at character 2 that closes nothing; '}}' is a brace itself".into(),
            ),
            (
                "{user}}",
                "has a '}' at character 7 that closes nothing; '}}' is a brace itself".into(),
            ),
        ] {
            assert_eq!(resolve(template, "ana"), Err(expected), "{template}");
        }
    }

    #[test]
    fn values_that_are_refused() {
        let takes = "it takes ASCII letters, digits and any of '._@+=-'";
        let because = |reason: &str| format!("'{{user}}' cannot be filled in: it {reason}");
        for (user, expected) in [
            ("", because("is empty")),
            (".", because("is '.' or '..'")),
            ("..", because("is '.' or '..'")),
            ("-rf", because("starts with '-'")),
            ("a/b", because(&format!("has '/' at character 2; {takes}"))),
            (
                "a\\b",
                because(&format!("has '\\\\' at character 2; {takes}")),
            ),
            (
                "john smith",
                because(&format!("has ' ' at character 5; {takes}")),
            ),
            (
                "a\n",
                because(&format!("has '\\n' at character 2; {takes}")),
            ),
            ("%2e", because(&format!("has '%' at character 1; {takes}"))),
            ("a?", because(&format!("has '?' at character 2; {takes}"))),
            ("a#", because(&format!("has '#' at character 2; {takes}"))),
            (
                "müller",
                because(&format!("has 'ü' at character 2; {takes}")),
            ),
            (
                &"u".repeat(256),
                because("has 256 characters; 255 is the most"),
            ),
        ] {
            assert_eq!(resolve("x/{user}", user), Err(expected), "{user:?}");
        }
        assert_eq!(
            resolve("{user}", "a.b_c@d+e=f-9").as_deref(),
            Ok("a.b_c@d+e=f-9")
        );
    }

    #[test]
    fn a_variable_that_is_not_set() {
        assert_eq!(
            resolve("{env:NOPE}", "ana").unwrap_err(),
            "'{env:NOPE}' cannot be filled in: the variable 'NOPE' is not set in the daemon's environment"
        );
    }

    #[test]
    fn the_variables_are_listed() {
        let template = Template::parse("{env:A}/{user}/{env:B_2}").unwrap();
        assert_eq!(template.env_names().collect::<Vec<_>>(), ["A", "B_2"]);
    }

    proptest! {
        #[test]
        fn no_value_adds_a_segment(user in ".{0,8}|[./%-]{0,4}", host in "\\PC{0,8}") {
            let template = Template::parse("secret/x-{user}/{host}/.{user}").unwrap();
            let principal = Principal { user, host, ..principal("") };
            if let Ok(path) = template.resolve(&principal) {
                let segments = path.split('/').collect::<Vec<_>>();
                prop_assert_eq!(segments.len(), 4);
                prop_assert!(segments.iter().all(|segment| !["", ".", ".."].contains(segment)));
                let url = url::Url::parse(&format!("https://vault.example/v1/{path}")).unwrap();
                prop_assert_eq!(url.path(), format!("/v1/{path}"));
            }
        }

        #[test]
        fn no_template_panics(text in "[{}user:ü]{0,16}|.{0,16}") {
            let _ = Template::parse(&text);
        }

        #[test]
        fn escaped_text_is_itself(text in ".{0,16}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            let template = Template::parse(&escaped).unwrap();
            prop_assert_eq!(template.resolve(&principal("ana")), Ok(text));
        }
    }
}
