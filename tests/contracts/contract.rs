//! Makes tests of the cases, for one kind of bus.

/// Makes a test of each case.
macro_rules! tests {
    ($bench:expr; $($cases:ident: $($case:ident),+;)+) => {
        $(mod $cases {
            $(#[test]
            fn $case() {
                crate::$cases::$case(&mut $bench);
            })+
        })+
    };
}

/// The contract for one kind of bus.
macro_rules! contract {
    ($bus:ident, $bench:expr) => {
        mod $bus {
            tests! { $bench;
                topics:
                    creating_topics_twice_is_fine,
                    another_partition_count_is_refused_and_nothing_is_created,
                    unknown_partitions_are_named;
                transactions:
                    records_keep_their_order_within_a_partition,
                    everything_of_a_record_comes_back,
                    a_transaction_is_seen_whole_once_committed,
                    aborted_records_are_never_seen,
                    offsets_move_with_the_records,
                    offsets_move_without_records,
                    an_empty_commit_succeeds,
                    a_newer_producer_fences_the_earlier_one,
                    a_stale_generation_commits_nothing,
                    a_record_too_large_is_refused_and_the_rest_goes_on,
                    a_record_as_large_as_allowed_comes_back;
                consuming:
                    a_group_starts_at_the_beginning_and_goes_on_where_it_was,
                    rewinding_after_an_abort_delivers_again,
                    taking_goes_on_at_the_place_that_was_sought,
                    paused_partitions_give_nothing_until_resumed,
                    taking_respects_its_limits,
                    taking_is_by_topic,
                    every_partition_has_its_turn,
                    a_large_record_passes_a_small_limit,
                    waiting_ends_when_records_come,
                    waiting_ends_when_woken,
                    waiting_ends_in_time;
                groups:
                    a_lone_member_owns_everything,
                    members_share_and_equal_numbers_meet,
                    a_newcomer_waits_for_the_release,
                    leaving_hands_over_at_once,
                    falling_silent_hands_over_when_the_session_ends,
                    an_instance_that_comes_back_gets_its_partitions_back,
                    what_was_committed_is_not_delivered_to_the_successor;
                reading:
                    a_reader_starts_where_it_is_told,
                    a_reader_waits_for_the_first_record,
                    a_reader_passes_over_what_was_aborted,
                    restoring_ends_at_the_high_watermark,
                    passing_over_what_was_aborted_ends_a_wait,
                    watermarks_are_in_order;
                compaction:
                    the_newest_record_of_each_key_stays_where_it_was;
            }
        }
    };
}
