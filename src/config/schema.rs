//! The JSON Schema of the configuration, for editors and for [`super::check`].

use serde_json::Value;

use super::raw::File;

/// The JSON Schema (2020-12) of a configuration file, as `claviger config schema` prints it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = Value::from(schemars::schema_for!(File));
    tidy(&mut schema);
    schema
}

fn tidy(_: &mut Value) {}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn show() {
        println!("{:#}", schema());
    }
}
