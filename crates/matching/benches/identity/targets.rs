//! What was aimed at, beside what the best open peer reaches and what was measured.

use serde_json::{Value, json};

/// A figure to be reached on a kind of set.
struct Target {
    set: Kind,
    /// The figure's name, as [`measure`](crate::measure) gives it, and as it is shown.
    figure: &'static str,
    shown: &'static str,
    /// What the best open peer reaches; empty where none was measured.
    peer: &'static str,
    bound: Bound,
}

/// A bound that a figure keeps.
#[derive(Clone, Copy)]
enum Bound {
    Least(f64),
    Most(f64),
}

/// A kind of set, told by its name and size.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The generated sets that peers were measured on, of 100,000 members and of a million.
    Typical,
    TypicalLarge,
    Dirty,
    Febrl4,
    Febrl4WithoutSsn,
    /// Worlds of the sandbox, in place of the cultures, moves and mixtures that a stranger would choose.
    Cultures,
    Moves,
    Mixtures,
    /// Any of about 100,000 members; of about a million.
    Any,
    AnyLarge,
}

use Bound::{Least, Most};

/// Peers: Splink 5.0.0 with 16 blocking rules, term frequencies, EM without labels and a guard on given name and birth date; on FEBRL
/// with addresses. Figures of generated sets are of two cores.
const TARGETS: &[Target] = &[
    target(Kind::Febrl4, "f1", "F1", ".9998", Least(0.9998)),
    target(Kind::Febrl4WithoutSsn, "f1", "F1", ".9988", Least(0.9990)),
    target(Kind::Typical, "f1", "F1", ".992", Least(0.9975)),
    target(Kind::Typical, "false_merges_per_10k", "false merges per 10,000", "11", Most(4.0)),
    target(Kind::Typical, "review_share", "review share", ".065", Most(0.01)),
    target(Kind::Typical, "brier", "Brier score", ".061", Most(0.003)),
    target(Kind::Typical, "ece", "expected calibration error", "", Most(0.003)),
    target(Kind::Typical, "candidate_recall", "candidate recall", ".9992", Least(0.9997)),
    target(Kind::Dirty, "f1", "F1", ".965", Least(0.986)),
    target(Kind::Dirty, "false_merges_per_10k", "false merges per 10,000", "22", Most(10.0)),
    target(Kind::Dirty, "review_share", "review share", ".07", Most(0.025)),
    target(Kind::Dirty, "candidate_recall", "candidate recall", ".985", Least(0.995)),
    target(Kind::TypicalLarge, "f1", "F1", ".985", Least(0.996)),
    target(Kind::TypicalLarge, "false_merges_per_10k", "false merges per 10,000", "15", Most(5.0)),
    target(Kind::TypicalLarge, "review_share", "review share", ".076", Most(0.01)),
    target(Kind::Cultures, "f1", "F1", ".94 to .975", Least(0.993)),
    target(Kind::Cultures, "false_merges_per_10k", "false merges per 10,000", "", Most(8.0)),
    target(Kind::Moves, "f1", "F1", ".94 to .975", Least(0.991)),
    target(Kind::Moves, "false_merges_per_10k", "false merges per 10,000", "", Most(12.0)),
    target(Kind::Mixtures, "f1", "F1", ".94 to .975", Least(0.975)),
    target(Kind::Mixtures, "false_merges_per_10k", "false merges per 10,000", "", Most(15.0)),
    target(Kind::Any, "matches_per_s_core", "matches per second and core", "24,000", Least(600e3)),
    target(Kind::Any, "p99_us", "one decision, p99, µs", "599,000", Most(10.0)),
    target(Kind::Any, "explained_p99_us", "the same with explanation", "", Most(20.0)),
    target(Kind::Any, "bytes_per_member", "bytes a member, records and index", "2,300", Most(130.0)),
    target(Kind::Any, "bytes_per_member_with_strings", "bytes a member, all", "", Most(190.0)),
    target(Kind::Any, "build_per_s_core", "members built per second and core", "", Least(1e6)),
    target(Kind::AnyLarge, "matches_per_s_core", "matches per second and core", "5,000", Least(300e3)),
    target(Kind::AnyLarge, "p99_us", "one decision, p99, µs", "", Most(25.0)),
    target(Kind::AnyLarge, "explained_p99_us", "the same with explanation", "", Most(50.0)),
    target(Kind::AnyLarge, "bytes_per_member", "bytes a member, records and index", "2,300", Most(130.0)),
    target(Kind::AnyLarge, "bytes_per_member_with_strings", "bytes a member, all", "", Most(190.0)),
    target(Kind::AnyLarge, "build_per_s_core", "members built per second and core", "", Least(1e6)),
    target(Kind::AnyLarge, "snapshot_load_ms", "restart from a snapshot, ms", "6,000 to 12,000", Most(300.0)),
];

const fn target(set: Kind, figure: &'static str, shown: &'static str, peer: &'static str, bound: Bound) -> Target {
    Target { set, figure, shown, peer, bound }
}

// === impl Kind ===

impl Kind {
    fn holds(self, name: &str, members: u64) -> bool {
        let (is_small, is_large) = ((50_000..500_000).contains(&members), 500_000 <= members);
        match self {
            Self::Typical => name.starts_with("typical") && is_small,
            Self::TypicalLarge => name.starts_with("typical") && is_large,
            Self::Dirty => name.starts_with("dirty") && is_small,
            Self::Febrl4 => name == "febrl4",
            Self::Febrl4WithoutSsn => name.starts_with("febrl4-"),
            Self::Cultures => name.starts_with("immigrant") && is_small,
            Self::Moves => name.starts_with("mixed") && is_small,
            Self::Mixtures => name.starts_with("careless") && is_small,
            Self::Any => is_small,
            Self::AnyLarge => is_large,
        }
    }
}

// === impl Bound ===

impl Bound {
    fn is_kept(self, measured: f64) -> bool {
        match self {
            Self::Least(least) => least <= measured,
            Self::Most(most) => measured <= most,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Least(least) => format!("≥ {}", figure(least)),
            Self::Most(most) => format!("≤ {}", figure(most)),
        }
    }
}

/// A figure as short as it can be read.
fn figure(value: f64) -> String {
    if 1000.0 <= value {
        format!("{:.0} k", value / 1e3)
    } else if 1.0 < value {
        format!("{value:.1}")
    } else {
        format!("{value:.4}")
    }
}

/// All targets of the sets that were measured, as lines to be read and as data: `met`, `missed`, and each with its figures.
pub(crate) fn judge(answers: &[Value]) -> (String, Value) {
    let mut lines =
        format!("{:<22} {:<34} {:>16} {:>11} {:>10}\n", "set", "figure", "best open peer", "target", "measured");
    let (mut rows, mut missed) = (Vec::new(), Vec::new());
    for answer in answers {
        let (name, members) = (answer["name"].as_str().unwrap_or_default(), answer["members"].as_u64().unwrap_or(0));
        for Target { figure: of, shown, peer, bound, .. } in
            TARGETS.iter().filter(|target| target.set.holds(name, members))
        {
            let Some(measured) = answer[*of].as_f64() else { continue };
            let is_met = bound.is_kept(measured);
            let (aim, has) = (bound.shown(), figure(measured));
            let verdict = if is_met { "" } else { "  missed" };
            lines += &format!("{name:<22} {shown:<34} {peer:>16} {aim:>11} {has:>10}{verdict}\n");
            if !is_met {
                missed.push(format!("{name}: {shown} {has}, target {aim}"));
            }
            rows.push(json!({
                "set": name, "figure": of, "best_open_peer": peer, "target": aim, "measured": measured, "met": is_met,
            }));
        }
    }
    lines += &format!("\n{} of {} targets met.", rows.len() - missed.len(), rows.len());
    if !missed.is_empty() {
        lines += &format!(" Not met:\n  {}", missed.join("\n  "));
    }
    (lines, json!({ "targets": rows, "missed": missed }))
}
