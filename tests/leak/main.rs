//! Protected health information stays where it belongs.
//!
//! Every field that the schemas mark as PHI gets a canary of its own, in requests that meet every fate the fleet knows. Then
//! everything that was written is searched for every canary in every form it might have taken: all topics but those of intake,
//! changelogs, the vault's files, the projections' database, what was logged, and what messages show of themselves. The fleet's
//! payers are models here, so the edge that opens dossiers and talks HTTP is searched by itself, in `edge`.

mod edge;
mod fates;
mod writings;

use std::collections::BTreeSet;

use tests::leak::Searcher;

#[test]
fn no_canary_is_found_in_anything_that_was_written() {
    let logged = writings::capture_logs();
    let directory = tempfile::tempdir().expect("a directory");
    let (world, canaries) = fates::run(directory.path());
    let searcher = Searcher::of(&canaries);
    // Where canaries may be, the same search finds every one of them.
    let known = writings::on_intake(&world).iter().flat_map(|value| searcher.search(value)).collect::<BTreeSet<_>>();
    let whole = canaries.iter().filter(|canary| canary.name.contains(" of good "));
    let missed: Vec<_> = whole.filter(|canary| !known.iter().any(|hit| hit.is(canary))).map(|one| &one.name).collect();
    assert!(missed.is_empty(), "the search does not find what was sent: {missed:#?}");

    let mut hits = Vec::new();
    let mut searched = 0;
    writings::all(&world, directory.path(), &logged, &mut |place, bytes| {
        searched += bytes.len();
        hits.extend(searcher.search(bytes).into_iter().map(|hit| format!("{place}: {hit}")));
    });
    hits.sort();
    hits.dedup();
    assert!(hits.is_empty(), "{} leaks, such as {:#?}", hits.len(), &hits[..hits.len().min(20)]);
    assert!(1_000_000 < searched, "only {searched} bytes were searched");
}
