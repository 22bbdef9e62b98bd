//! Panics, told without what they say: a panic's message may quote the very text it stumbled over.

use std::cell::RefCell;
use std::panic;

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on a panic is logged by its place alone, in this process.
pub fn install() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name().unwrap_or("unnamed"), "a defect: panicked");
        PLACE.with_borrow_mut(|last| *last = Some(place));
    }));
}

/// Where this thread panicked last, as `file:line`; forgets it. None if nothing was installed.
pub fn take_place() -> Option<String> {
    PLACE.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_known_by_its_place_and_nothing_else() {
        install();
        let caught = panic::catch_unwind(|| panic!("Okonkwo"));
        let _ = panic::take_hook();
        assert!(caught.is_err());
        let place = take_place().expect("a place");
        assert!(place.starts_with("crates/telemetry/src/panics.rs:") && !place.contains("Okonkwo"), "{place}");
        assert_eq!(take_place(), None);
    }
}
