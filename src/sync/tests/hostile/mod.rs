//! Hostile sticks. Each test is named after its attack, and each imports in a process of its own
//! ([`case::refused`]): refused for the right reason, told in the ledger, nothing written outside
//! staging, the generation in use untouched, at most 64 MiB of memory taken.
//!
//! # The conformance cases of The Update Framework
//!
//! Their suite (theupdateframework/tuf-conformance) drives a client against a repository with
//! four roles. Here one signed manifest stands for timestamp, snapshot and targets, and a stick
//! for the repository; a case about the order or version of those three is met by the counter.
//!
//! - `test_basic_init_and_refresh`, `test_client_downloads_expected_file`, `…_in_sub_dir`:
//!   `taken::the_draft_that_the_attacks_change` (paths come from roles, never from the stick)
//! - `test_invalid_initial_root`: `keys::anchor_without_a_version_is_refused`
//! - `test_unsigned_initial_root`: `keys::anchor_without_its_own_signatures_is_refused`
//! - `test_timestamp_content_changes`, `test_timestamp_eq_versions_check`:
//!   `lists::same_counter_with_other_content_is_refused`
//! - `test_new_targets_hash_mismatch`: `chunks::list_of_another_file_is_refused`
//! - `test_new_targets_version_mismatch`, `test_new_snapshot_version_mismatch`:
//!   `lists::manifest_for_an_older_root_is_refused`, `…_for_a_root_to_come_is_refused`
//! - `test_repository_substitutes_target_file`: `chunks::chunk_swapped_for_another_is_refused`
//! - `test_multiple_changes_to_target`: `chunks::chunk_changed_after_the_check_is_refused`
//! - `test_root_has_keys_but_not_snapshot`: `keys::manifest_signed_by_root_keys_is_refused`
//! - `test_snapshot_threshold`: `keys::threshold_above_the_keys_is_refused`,
//!   `keys::one_signature_of_two_is_refused`
//! - `test_duplicate_keys_root`: `keys::one_key_under_two_ids_counts_once`,
//!   `keys::one_key_with_two_numbers_counts_once`
//! - `test_simple_snapshot_rollback`, `test_snapshot_rollback` (2), `test_targets_rollback` (2),
//!   `test_new_timestamp_version_rollback`: `lists::downgraded_counter_is_refused`,
//!   `lists::withdrawn_release_is_refused`
//! - `test_root_expired`: `keys::expired_root_is_refused` (the root is kept, the bundle refused)
//! - `test_root_rotation` (15): `tuf::root_rotations`
//! - `test_non_root_rotations` (10): `tuf::rotations_of_other_roles`
//! - `test_unusual_role_name` (4): `lists::traversal_in_a_file_id_is_refused` and those beside it
//!
//! The opposite of the suite, on purpose: `test_custom_fields`, `test_wrong_hashing_algorithm`
//! (unknown fields are ignored there and refused here: one program writes and reads this format).
//!
//! Not applicable: `test_timestamp_expired`, `test_snapshot_expired`, `test_targets_expired`,
//! `test_expired_metadata` (no clock can be trusted offline; only roots expire, age is shown);
//! `test_new_…_fast_forward_recovery` (3; a counter is set by a threshold of people, and a newer
//! root already refuses every manifest of the old keys); `test_implicit_refresh` (there is one
//! call); `test_graph_traversal` (12), `test_targetfile_search` (5; no delegation);
//! `test_static_repo` (their wire format).

mod bases;
mod case;
mod chunks;
mod keys;
mod lists;
mod medium;
mod press;
mod taken;
mod tuf;

/// Tests of attacks, each with the reason that the import must give.
macro_rules! attacks {
    ($($(#[$meta:meta])* $name:ident => $reason:ident, $attack:expr;)+) => {
        $(
            $(#[$meta])*
            #[test]
            fn $name() {
                let name = concat!(module_path!(), "::", stringify!($name));
                super::case::refused(name, $attack, crate::sync::Reason::$reason);
            }
        )+

        pub(super) const COUNT: usize = [$(stringify!($name)),+].len();
    };
}
use attacks;

#[test]
fn there_are_enough_attacks() {
    let all = keys::COUNT + lists::COUNT + chunks::COUNT + bases::COUNT + medium::COUNT;
    assert!(all >= 100, "{all}");
}
