//! What readers ask, one file per reader. Every answer serialises as it stands, for the command line and its `--json`.

pub mod request;
