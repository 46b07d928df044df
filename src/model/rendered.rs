//! Data in the form in which it is answered: JSON that is made once and sent many times.

use std::{marker::PhantomData, sync::Arc};

use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// The JSON of a `T`. Copies share it.
#[derive(Debug)]
pub struct Rendered<T> {
    json: Arc<RawValue>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Rendered<T> {
    fn clone(&self) -> Self {
        Self { json: Arc::clone(&self.json), of: PhantomData }
    }
}

impl<T> Rendered<T> {
    /// The JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// How many bytes it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.json.get().len()
    }
}

impl<T: Serialize> Rendered<T> {
    /// The JSON of `value`.
    ///
    /// # Errors
    /// When `value` has no JSON: a map with keys that are no texts.
    pub fn of(value: &T) -> serde_json::Result<Self> {
        Ok(Self { json: to_raw_value(value)?.into(), of: PhantomData })
    }
}

impl<T: DeserializeOwned> Rendered<T> {
    /// The data again.
    ///
    /// # Errors
    /// When `T` does not read what it writes.
    pub fn value(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.json())
    }
}

impl<T> Serialize for Rendered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_sent_as_it_was_rendered_and_can_be_had_again() {
        let rows = vec![("课".to_owned(), 1.0), ("表".to_owned(), 2.5)];
        let rendered = Rendered::of(&rows).unwrap();
        assert_eq!(serde_json::to_string(&Some(rendered.clone())).unwrap(), r#"[["课",1.0],["表",2.5]]"#);
        assert_eq!(rendered.value().unwrap(), rows);
    }
}
