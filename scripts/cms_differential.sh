#!/usr/bin/env bash
# Judges generated cases by the deployed matching rules and by the published reference, and compares:
#   scripts/cms_differential.sh [CASES]
# The reference is fetched by pip into target/cms-differential. It needs Python 3.12 or later: PYTHON names one that is not found by
# itself. FREEZE=1 writes the reference's verdicts on the first 4,000 cases anew, for cargo's tests.
set -euo pipefail
cd "$(dirname "$0")/.."

cases=${1:-20000}
frozen=4000
reference=cms-hte-patient-matching==0.0.12
dir=target/cms-differential
verdicts=crates/matching/tests/cms/verdicts.txt

say() { echo "cms-differential: $*" >&2; }

# Prints the first Python that is new enough.
python() {
    local found
    for found in ${PYTHON:+"$PYTHON"} python3 python3.12 python3.13 python3.14 "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do
        if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
            echo "$found"
            return
        fi
    done
    say "the reference needs Python 3.12 or later and none was found; install one (Debian: python3.12-venv) or set PYTHON=/path/to/it"
    return 1
}

[[ $cases =~ ^[1-9][0-9]*$ ]] || { say "the number of cases is a number, not $cases"; exit 64; }
mkdir -p "$dir"
if [ ! -f "$dir/venv/$reference" ]; then
    python=$(python)
    say "fetching $reference for $("$python" --version)"
    rm -rf "$dir/venv"
    "$python" -m venv "$dir/venv" || { say "that Python has no venv; install its venv package"; exit 1; }
    "$dir/venv/bin/pip" install --quiet --disable-pip-version-check "$reference" || { say "pip can't fetch it; look above"; exit 1; }
    touch "$dir/venv/$reference"
fi

cargo build --release --quiet --package matching --example cms_differential
ours=target/release/examples/cms_differential

say "asking the reference about $cases cases"
"$ours" cases 0 "$cases" >"$dir/cases.jsonl"
PYTHONHASHSEED=0 "$dir/venv/bin/python" tests/cms/reference.py <"$dir/cases.jsonl" >"$dir/verdicts.jsonl"
if [ -n "${FREEZE:-}" ]; then
    [ "$cases" -ge "$frozen" ] || { say "freezing takes $frozen cases"; exit 64; }
    "$ours" freeze 0 "$frozen" <"$dir/verdicts.jsonl" >"$verdicts.tmp"
    mv "$verdicts.tmp" "$verdicts"
    say "wrote $verdicts"
fi
"$ours" compare 0 "$cases" <"$dir/verdicts.jsonl"
