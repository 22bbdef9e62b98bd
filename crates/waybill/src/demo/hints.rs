//! How to look further: commands that work as they are printed, from where the demo was run.

use std::path::Path;

use projections::Location;
use serde::Serialize;

use super::directory::CONFIG;

/// A command, and what it shows.
#[derive(Serialize)]
pub(super) struct Hint {
    shows: &'static str,
    command: String,
}

/// The question the demo suggests to ask in SQL.
const SQL: &str =
    "SELECT partner, fulfilled_pct, failed_attempts, fulfil_mean_ms FROM v_partner_scorecard ORDER BY partner";

/// The commands for what lies in a demo's directory. `request` is worth tracing, `letter` worth a look.
pub(super) fn hints((dir, projections): (&Path, &Location), request: Option<&str>, letter: Option<&str>) -> Vec<Hint> {
    let waybill = format!("{} --config {}", program(), quoted(&dir.join(CONFIG)));
    let mut hints = vec![Hint { shows: "how many requests are where", command: format!("{waybill} status") }];
    let owned = format!("{waybill} requests --state exception");
    hints.push(Hint { shows: "those in a person's hands", command: owned });
    if let Some(request) = request {
        hints.push(Hint { shows: "one request's timeline", command: format!("{waybill} trace {request}") });
    }
    hints.push(Hint { shows: "the dead letters", command: format!("{waybill} letters list") });
    if let Some(letter) = letter {
        hints.push(Hint { shows: "one of them", command: format!("{waybill} letters show {letter}") });
    }
    let rebuild = format!("{waybill} projections rebuild");
    hints.push(Hint { shows: "the rows made once more, and proved equal", command: rebuild });
    let sql = match projections {
        Location::File(path) => format!("sqlite3 -readonly -box {} \"{SQL}\"", quoted(path)),
        Location::Postgres(server) => {
            let (schema, address) = (server.schema(), server.address());
            format!("PGOPTIONS='-c search_path={schema}' psql '{address}' -c \"{SQL}\"")
        }
    };
    hints.push(Hint { shows: "anything, in SQL (crates/projections/README.md has the tables)", command: sql });
    hints
}

impl Hint {
    /// As a comment and the line to paste.
    pub(super) fn lines(&self) -> String {
        format!("  # {}\n  {}\n", self.shows, self.command)
    }
}

/// This program, as a shell in the same folder finds it.
fn program() -> String {
    let Ok(program) = std::env::current_exe() else { return "waybill".to_owned() };
    let folder = std::env::current_dir().unwrap_or_default();
    quoted(program.strip_prefix(folder).unwrap_or(&program))
}

/// A path, quoted if a shell would read more into it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "/._-+@".contains(character);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_only_where_a_shell_would_mind() {
        assert_eq!(quoted(Path::new(".waybill/demo")), ".waybill/demo");
        assert_eq!(quoted(Path::new("a demo's")), "'a demo'\\''s'");
    }
}
