//! `waybill reasons`: the catalogue of codes.

use domain::Code;

use crate::exit::Failure;

/// Prints every code with its meaning and remedy.
#[expect(clippy::print_stdout, reason = "this is the command's answer")]
pub(crate) fn print(json: bool) -> Result<(), Failure> {
    if json {
        let entry = |code: &Code| {
            let chapter = code.chapter().as_str();
            serde_json::json!({"code": code.as_str(), "of": chapter, "meaning": code.meaning(), "remedy": code.remedy()})
        };
        println!("{}", serde_json::Value::Array(Code::ALL.iter().map(entry).collect()));
        return Ok(());
    }
    for code in Code::ALL {
        println!("{:<28} {}\n{:<28} → {}", code.as_str(), code.meaning(), "", code.remedy());
    }
    Ok(())
}
