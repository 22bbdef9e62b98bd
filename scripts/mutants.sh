#!/usr/bin/env bash
# Seeds defects one by one into a scratch copy and shows what notices them: the simulation, or else the fleet's tests and those of the
# crates they are in. MUTANTS="a b" runs these alone, SECONDS_EACH says how long the simulation looks for each, SCRATCH where the copy
# is kept warm.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
scratch=${SCRATCH:-${TMPDIR:-/tmp}/waybill-mutants}
seconds=${SECONDS_EACH:-60}
list=$root/tests/simulation/mutants
report=$scratch.report
[ -d "$scratch/.git" ] || git clone --quiet --shared "$root" "$scratch"
git -C "$scratch" fetch --quiet "$root" HEAD
git -C "$scratch" checkout --quiet --force FETCH_HEAD
: >"$report"
caught=0 count=0
names=${MUTANTS:-$(cd "$list" && ls ./*.patch | sed 's|^\./||; s|\.patch$||')}
for name in $names; do
	count=$((count + 1))
	git -C "$scratch" checkout --quiet --force .
	git -C "$scratch" apply "$list/$name.patch"
	what=$(sed -n '1s/^# //p' "$list/$name.patch")
	log=$scratch.$name.log
	if ! (cd "$scratch" && cargo test --quiet --package tests --test simulation --no-run) >"$log" 2>&1; then
		by="does not build"
	elif (cd "$scratch" && UNSHRUNK=1 SEEDS= SECONDS=$seconds timeout $((seconds * 3 + 60)) \
		cargo test --quiet --package tests --test simulation -- --nocapture the_accounts regressions) >"$log" 2>&1; then
		mapfile -t crates < <(git -C "$scratch" diff --name-only | sed -n 's|^crates/\([^/]*\)/.*|--package=\1|p' | sort -u)
		if (cd "$scratch" && timeout 600 cargo test --quiet --package tests --test fleet --no-fail-fast &&
			timeout 600 cargo test --quiet "${crates[@]}" --lib --no-fail-fast) >"$log" 2>&1; then
			by="survived"
		else
			by="not by the simulation, but by $(grep -m1 -oE '[a-z_]+(::[a-z_]+)+' "$log" || echo 'a test that hangs')"
			caught=$((caught + 1))
		fi
	else
		# The first promise that was broken, without the names of requests.
		by=$(grep -m1 -A1 'breaks a promise' "$log" | tail -1 | sed -E 's/[0-9a-f]{8}-[0-9a-f-]{27}/…/g; s/^ +//' | cut -c1-90)
		by=${by:-"the run ended: $(grep -m1 'panicked at' "$log" | cut -c1-60)"}
		caught=$((caught + 1))
	fi
	printf '%-34s %-92s %s\n' "$name" "$by" "$what" | tee -a "$report"
done
git -C "$scratch" checkout --quiet --force .
echo "$caught of $count caught"
