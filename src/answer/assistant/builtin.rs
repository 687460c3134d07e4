//! The starting set that every kura carries: `assistants/` of the repository.

use std::sync::{Arc, LazyLock};

use super::{Assistant, read_one};

/// File names without `.toml`, in the order of the list, and their text.
const FILES: [(&str, &str); 14] = [
    ("shitsumon", include_str!("../../../assistants/shitsumon.toml")),
    ("hourei", include_str!("../../../assistants/hourei.toml")),
    ("gikai-touben", include_str!("../../../assistants/gikai-touben.toml")),
    ("madoguchi", include_str!("../../../assistants/madoguchi.toml")),
    ("bunsho", include_str!("../../../assistants/bunsho.toml")),
    ("aisatsu", include_str!("../../../assistants/aisatsu.toml")),
    ("mail", include_str!("../../../assistants/mail.toml")),
    ("kouhou", include_str!("../../../assistants/kouhou.toml")),
    ("kikaku", include_str!("../../../assistants/kikaku.toml")),
    ("youyaku", include_str!("../../../assistants/youyaku.toml")),
    ("gijiroku", include_str!("../../../assistants/gijiroku.toml")),
    ("yasashii", include_str!("../../../assistants/yasashii.toml")),
    ("kousei", include_str!("../../../assistants/kousei.toml")),
    ("hikaku", include_str!("../../../assistants/hikaku.toml")),
];

static ALL: LazyLock<Vec<Arc<Assistant>>> = LazyLock::new(|| {
    let read = FILES.iter().filter_map(|(name, text)| read_one(text, name).0);
    read.map(Arc::new).collect()
});

/// The starting set, in the order of the list. That every file is read without a mistake is held
/// by a test.
pub fn built_in() -> &'static [Arc<Assistant>] {
    &ALL
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_starting_set_is_sound_and_carried() {
        for (name, text) in FILES {
            let (assistant, mistakes) = read_one(text, name);
            assert_eq!(mistakes, [], "{name}");
            let assistant = assistant.unwrap();
            assert_eq!(assistant.id, name);
            assert!(!assistant.examples.is_empty(), "{name} has no example");
            assert!(!assistant.purpose.is_empty(), "{name} says no purpose");
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assistants");
        let mut names: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        names.sort();
        let mut carried: Vec<String> =
            FILES.iter().map(|(name, _)| format!("{name}.toml")).collect();
        carried.sort();
        assert_eq!(names, carried);
        assert_eq!(built_in().len(), FILES.len());
    }
}
