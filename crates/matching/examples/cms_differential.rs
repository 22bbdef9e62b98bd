//! The differential beside the published reference: `cases FROM TO` writes cases, `compare FROM TO` judges them and compares with
//! the verdicts on stdin, and `freeze FROM TO` prints those as the crate's tests keep them. `scripts/cms_differential.sh` runs them in turn.

#[path = "../tests/cms/mod.rs"]
mod cms;
#[path = "../tests/cms/compare.rs"]
mod compare;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.as_slice() {
        ["cases", from, to] => {
            for case in number(from)?..number(to)? {
                serde_json::to_writer(&mut out, &cms::Case::numbered(case))?;
                writeln!(out)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        ["compare", from, to] => {
            let report = compare::compare(number(from)?..number(to)?, &io::read_to_string(io::stdin())?)?;
            write!(out, "{report}")?;
            Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        ["freeze", from, to] => {
            write!(out, "{}", compare::frozen(number(from)?..number(to)?, &io::read_to_string(io::stdin())?)?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => Err(io::Error::other("cases FROM TO | compare FROM TO | freeze FROM TO")),
    }
}
