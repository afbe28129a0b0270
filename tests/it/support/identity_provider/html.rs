//! The forms of a login page, as far as the tests' providers use HTML.

/// A form with its hidden and prefilled fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// Where it is sent; empty for the page's own URL.
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

/// The first form of a page.
pub(super) fn form(html: &str) -> Option<Form> {
    let start = html.find("<form")?;
    let (tag, rest) = html[start..].split_once('>')?;
    let (content, _) = rest.split_once("</form>")?;
    let fields = content
        .split("<input")
        .skip(1)
        .filter_map(|input| input.split('>').next())
        .filter_map(|input| {
            let value = attribute(input, "value").unwrap_or_default();
            Some((attribute(input, "name")?, value))
        });
    Some(Form {
        action: attribute(tag, "action").unwrap_or_default(),
        fields: fields.collect(),
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}
