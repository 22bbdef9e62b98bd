//! `waybill reasons`: the catalogue of codes.

use domain::Code;

use crate::exit::Failure;
use crate::show;

/// Prints every code with its meaning and remedy.
pub(crate) fn print(json: bool) -> Result<(), Failure> {
    if json {
        let entry = |code: &Code| {
            let chapter = code.chapter().as_str();
            serde_json::json!({"code": code.as_str(), "of": chapter, "meaning": code.meaning(), "remedy": code.remedy()})
        };
        return show::print(&serde_json::Value::Array(Code::ALL.iter().map(entry).collect()), json);
    }
    let entry = |code: &Code| format!("{:<28} {}\n{:<28} → {}\n", code.as_str(), code.meaning(), "", code.remedy());
    show::tell(&Code::ALL.iter().map(entry).collect::<String>())
}
