#!/usr/bin/env python3
"""Seeds the defects of tests/simulation/mutants.toml, one by one, and shows what notices each.

All of them are put into a copy of the sources (target/mutants), each behind a switch, so that there is one build: some minutes the first
time. Then each is switched on in turn, and the simulation looks for it for SECONDS_EACH (30), until the first seed fails. It begins with
the seed that found this defect before, then takes those that found others, which are kept in target/mutants/seeds.json. What it does
not find is tried on the tests of the crates it is in, then on the fleet's. Most are found within seconds; what is noticed is printed as
it comes, and at the end what was not.

Defects of the bus over Kafka are looked for by the unit tests of that crate, then by the contract of the bus over the brokers that
WAYBILL_TEST_KAFKA names; without any they are left out: scripts/with.sh "kafka --empty" -- make sim-mutants.

MUTANTS="a b" runs these alone. The exit code is 1 if less than 95 % were noticed, or if a defect does not apply any more.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "target" / "mutants"
LIST = ROOT / "tests" / "simulation" / "mutants.toml"
SHARE = 95
# What a test of ours may take; whoever takes longer hangs, which is noticed too.
TIMEOUT_S = 300
HAS_KAFKA = bool(os.environ.get("WAYBILL_TEST_KAFKA"))
SWITCH = """
/// Whether a seeded defect is switched on.
pub fn seeded(name: &str) -> bool {
    static ON: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    ON.get_or_init(|| std::env::var("SEEDED").ok()).as_deref() == Some(name)
}
"""


def main():
    if {"-h", "--help"} & set(sys.argv[1:]):
        return print(__doc__.strip())
    mutants = tomllib.loads(LIST.read_text())
    names = os.environ.get("MUTANTS", "").split() or [name for name in mutants if HAS_KAFKA or not is_of_kafka(mutants[name])]
    unknown = [name for name in names if name not in mutants]
    if unknown:
        sys.exit(f"no such defect: {' '.join(unknown)}")
    seconds = int(os.environ.get("SECONDS_EACH") or 30)
    sources, stale = seed(mutants)
    write(sources)
    tests = build(["--package", "tests", "--test", "simulation"])
    kept = Seeds()
    if (found := simulate(tests, None, seconds, kept)) is not None:
        sys.exit(f"without any defect there is something wrong already: {found}")
    told, left = {}, []
    for count, name in enumerate(names, 1):
        began = time.monotonic()
        by = "does not apply any more" if name in stale else look(tests, (name, mutants[name]), seconds, kept)
        left += [name] if by is None else []
        told[name] = tell(f"{count}/{len(names)}", name, mutants, (began, by or "not by the simulation"))
    if left:
        crates = sorted({crate(edit) for name in left for edit in mutants[name]["edits"]})
        tests |= build([part for crate in crates for part in ("--package", crate)] + ["--tests"])
        suites = ["fleet", "contracts"] + ["broker"] * ("kafka" in crates and HAS_KAFKA)
        tests |= build(["--package", "tests"] + [part for suite in suites for part in ("--test", suite)])
    survivors = list(stale)
    for count, name in enumerate(left, 1):
        began = time.monotonic()
        by = noticed(tests, name, mutants[name])
        survivors += [name] if by is None else []
        told[name] = tell(f"{count}/{len(left)}", name, mutants, (began, by or "SURVIVES"))
    (SCRATCH / "report.txt").write_text("\n".join(told.values()) + "\n")
    share = 100 * (len(names) - len(survivors)) / len(names)
    print(f"\n{len(names) - len(survivors)} of {len(names)} noticed, {share:.0f} %; {len(names) - len(left)} by the simulation")
    for name in survivors:
        print(f"  not noticed: {name}: {mutants[name]['what']}")
    sys.exit(share < SHARE or bool(stale))


def tell(count, name, mutants, said):
    began, by = said
    line = f"{name:<34} {time.monotonic() - began:>4.0f} s  {by:<96} {mutants[name]['what']}"
    print(f"{count:>6} {line}", flush=True)
    return line


class Seeds:
    """The seeds that have found defects, by defect."""

    def __init__(self):
        self.path = SCRATCH / "seeds.json"
        self.found = json.loads(self.path.read_text()) if self.path.exists() else {}

    def first(self, name):
        """The seeds to begin with: the one that found this very defect, then those that found most of the others."""
        counts = {}
        for seed in self.found.values():
            counts[seed] = counts.get(seed, 0) + 1
        others = sorted(counts, key=lambda seed: -counts[seed])[:12]
        own = [self.found[name]] if name in self.found else []
        return own + [seed for seed in others if seed not in own]

    def keep(self, name, seed):
        self.found[name] = seed
        self.path.write_text(json.dumps(self.found, indent=1))


def crate(edit):
    return Path(edit["in"]).parts[1]


def is_of_kafka(mutant):
    return any(crate(edit) == "kafka" for edit in mutant["edits"])


def look(tests, mutant, seconds, kept):
    """What the simulation finds. It has a bus of its own, so nothing of the one over Kafka."""
    name, edits = mutant
    return None if is_of_kafka(edits) else simulate(tests, name, seconds, kept)


def seed(mutants):
    """The sources that change, with every defect behind its switch; and those defects that find nothing to change."""
    sources, stale = {}, []
    for name, mutant in mutants.items():
        for edit in mutant["edits"]:
            path = edit["in"]
            original = (ROOT / path).read_text()
            text = sources.setdefault(path, original)
            if edit.get("kind") == "text":
                find, put = edit["find"], edit["put"]
            else:
                find, put = edit["find"].strip("\n"), edit["put"].strip("\n")
            if original.count(find) != 1:
                stale.append(name)
                continue
            if edit.get("kind") != "text":
                switched = f'if crate::seeded("{name}") {{ {put} }} else {{ {find} }}'
                put = switched if find.endswith((";", "}")) else f"({switched})"
            # Where two defects are in one place, the sound text is the last.
            before, after = text.rsplit(find, 1)
            sources[path] = before + put + after
    for name in sorted({Path(path).parts[1] for path in sources}):
        path = f"crates/{name}/src/lib.rs"
        sources[path] = sources.get(path, (ROOT / path).read_text()) + SWITCH
    return sources, stale


def write(sources):
    """Brings the copy up to date; what is as it was keeps its time, so that little is built anew."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    for path in listed.stdout.split("\n"):
        if not path or not (ROOT / path).is_file():
            continue
        wanted = sources[path].encode() if path in sources else (ROOT / path).read_bytes()
        copy = SCRATCH / "source" / path
        if not copy.exists() or copy.read_bytes() != wanted:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(wanted)


def build(wanted):
    """The test programs, by package and target, with where they run."""
    print(f"building {' '.join(wanted)} with all defects in {SCRATCH}", flush=True)
    command = ["cargo", "test", "--no-run", "--message-format", "json", *wanted]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(SCRATCH / "target")}
    built = subprocess.run(command, cwd=SCRATCH / "source", env=environment, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    if built.returncode:
        said = [message["message"]["rendered"] for message in messages if message["reason"] == "compiler-message"]
        sys.exit("".join(text for text in said if text.startswith("error"))[:4000] + "the defects do not build")
    programs = {}
    for message in messages:
        if message["reason"] == "compiler-artifact" and message.get("executable") and message["profile"]["test"]:
            package = Path(message["manifest_path"]).parent
            programs[package.name, message["target"]["name"]] = (message["executable"], package)
    return programs


def run(program, defect, arguments=(), timeout=TIMEOUT_S, **more):
    """Runs one test program; what it said if it failed."""
    environment = {**os.environ, "RUST_BACKTRACE": "0", **more}
    environment.pop("SEEDED", None)
    if defect:
        environment["SEEDED"] = defect
    executable, folder = program
    try:
        ran = subprocess.run([executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return "it hangs"
    return ran.stdout + ran.stderr if ran.returncode else None


def simulate(tests, defect, seconds, kept):
    """The first promise that the simulation finds broken, without the names of requests."""
    first = " ".join(str(seed) for seed in kept.first(defect))
    said = run(tests["tests", "simulation"], defect, ["--nocapture", "the_accounts", "regressions"], 2 * seconds + 20,
               UNSHRUNK="1", SEEDS="", FIRST=first, SECONDS=str(seconds))
    if said is None:
        return None
    if defect and (seed := re.search(r"^seed (\d+) breaks", said, re.MULTILINE)):
        kept.keep(defect, int(seed.group(1)))
    found = re.search(r"breaks a promise:\n\s*(.*)", said) or re.search(r"panicked at (.*)", said)
    return re.sub(r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b", "…", found.group(1) if found else said[-90:])[:94]


def noticed(tests, name, mutant):
    """What of the other tests notices a defect, if any does."""
    crates = {crate(edit) for edit in mutant["edits"]}
    others = [key for key in tests if key[0] in crates]
    if "kafka" in crates:
        others += [("tests", "broker")] * HAS_KAFKA
    else:
        others += [("tests", "contracts")] * ("local" in crates) + [("tests", "fleet")]
    for key in others:
        is_broker = key[1] == "broker"
        arguments = ["--test-threads", "3", "--skip", "security::"] if is_broker else []
        said = first_failure(tests[key], name, arguments, TIMEOUT_S * (3 if is_broker else 1))
        if said is not None:
            return f"by {key[0]}: {said}"
    return None


def first_failure(program, defect, arguments, timeout):
    """The first test of a program that fails; what else goes wrong, else. The others are not waited for."""
    executable, folder = program
    environment = {**os.environ, "RUST_BACKTRACE": "0", "SEEDED": defect}
    # A group of its own: tests have children, which would outlive them.
    running = subprocess.Popen([executable, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, start_new_session=True)
    end = lambda: os.killpg(running.pid, signal.SIGKILL)
    with running:
        alarm = threading.Timer(timeout, end)
        alarm.start()
        said, failed = "", None
        for line in running.stdout:
            said = line.strip() or said
            if failed := re.match(r"test (\S+).* FAILED$", line.strip()):
                end()
                break
        is_late = not alarm.is_alive()
        alarm.cancel()
    if failed:
        return failed.group(1)
    return "it hangs" if is_late else said[-60:] if running.returncode else None


if __name__ == "__main__":
    main()
