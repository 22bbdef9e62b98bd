//! Where things get written, shown byte for byte.

use std::path::Path;

use fleet::bus::Delivered;

/// What takes a place and the bytes that lie there.
pub type Look<'a> = &'a mut dyn FnMut(&str, &[u8]);

/// A record: its key, its value and its headers, names included.
pub fn on_topic(record: &Delivered, look: Look<'_>) {
    let place = format!("{} @{}", record.topic_partition(), record.offset);
    look(&format!("{place} key"), record.key.as_deref().unwrap_or_default());
    look(&format!("{place} value"), record.value.as_deref().unwrap_or_default());
    for (index, (name, value)) in record.headers.0.iter().enumerate() {
        look(&format!("{place} name of header {index}"), name.as_bytes());
        look(&format!("{place} header {index}"), value);
    }
}

/// Every file below a directory, its name included.
pub fn files(directory: &Path, look: Look<'_>) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let path = entry.path();
        let name = path.display().to_string();
        look(&format!("the name of a file in {}", directory.display()), name.as_bytes());
        if path.is_dir() {
            files(&path, look);
        } else {
            look(&name, &std::fs::read(&path).expect("readable"));
        }
    }
}
