//! What took 7pay down, and what has taken others down since: each weakness beside the tests that
//! try it. The census fails for a weakness whose test is gone, and for a document that names one.
//!
//! Sources of the list: the reports on 7pay (July 2019: a list attack from abroad, accounts usable
//! on any phone, a reset mail to any address with a birth date that was often a default, an
//! external id taken without proof, a charge password that was often the login password, personal
//! data in answers), and OWASP ASVS 5.0.

mod browser;
pub mod documents;
mod enumerable_ids;
mod external_id;
mod personal_data;

use std::path::Path;

/// A weakness, and where it is tried: `file::test`, files as in [`documents::find`].
const WEAKNESSES: &[(&str, &[&str])] = &[
    (
        "list attack with leaked passwords",
        &[
            "identity/tests/attack.rs::list_attack",
            "identity/tests/attack.rs::list_attack_without_two_attempts_alike",
            "identity/tests/attack.rs::one_password_over_many_accounts_is_seen_from_any_number_of_networks",
            "identity/tests/attack.rs::work_can_be_neither_precomputed_nor_reused",
            "identity/tests/attack.rs::x_forwarded_for_spoof",
            "identity/tests/password_moves.rs::list_attack_a_right_password_moves_nothing_without_the_owners_messages",
        ],
    ),
    (
        "second phone taking over silently",
        &[
            "identity/tests/moves.rs::second_phone_taking_over_silently_is_told_and_thrown_out_by_one_tap",
            "identity/tests/password.rs::second_phone_taking_over_silently",
            "identity/tests/signin.rs::a_copied_passkey_does_not_open_the_account_on_another_phone",
        ],
    ),
    (
        "reset to another address",
        &["identity/tests/recover.rs::reset_to_another_address_sends_nothing_there"],
    ),
    ("birth-date default", &["identity/tests/password.rs::birth_date_default"]),
    (
        "external id without proof",
        &[
            "it/weakness/external_id.rs::an_id_without_a_proof_opens_nothing",
            "identity/tests/external.rs::external_id_without_proof",
            "identity/tests/external.rs::a_misbehaving_issuer_proves_nothing",
            "identity/tests/external.rs::an_account_elsewhere_stands_in_for_the_password_and_for_nothing_else",
        ],
    ),
    (
        "login CSRF and mix-up of issuers",
        &[
            "identity/tests/external.rs::login_csrf_and_replay_a_return_is_for_one_browser_once",
            "identity/tests/external.rs::an_answer_of_another_issuer_is_none",
        ],
    ),
    (
        "requests to the inside (SSRF)",
        &[
            "identity/external/reach.rs::a_document_cannot_lead_inside",
            "identity/external/reach.rs::the_client_itself_connects_to_nothing_inside",
            "it/notices/push.rs::addresses_inside_and_broken_keys_are_refused",
        ],
    ),
    (
        "victims counted three times",
        &[
            "it/incident/cohort.rs::a_customer_is_counted_once_however_many_ways_lead_to_them",
            "it/incident/cohort.rs::a_count_again_gives_the_same_after_new_traffic",
            "it/incident/cohort.rs::a_victim_is_in_the_lists_once",
        ],
    ),
    (
        "a loss made good twice, or not at all",
        &[
            "it/incident/compensation.rs::a_compensation_that_is_killed_goes_on_and_pays_each_once",
            "it/incident/compensation.rs::two_nodes_at_once_pay_each_once",
            "it/incident/compensation.rs::a_loss_in_two_incidents_is_made_good_once",
            "it/incident/rounds.rs::plans_started_at_once_pay_each_transfer_once",
            "it/incident/rounds.rs::what_was_made_good_is_not_cleared_afterwards",
        ],
    ),
    (
        "a thief's sales paid out, or released by one person",
        &[
            "it/incident/holds.rs::a_held_sale_is_carried_on_and_paid_after_its_release",
            "it/incident/holds.rs::a_hold_while_a_settlement_runs_is_before_or_after_it",
            "it/incident/holds.rs::nobody_releases_a_sale_alone",
        ],
    ),
    (
        "charge password equal to login password",
        &["identity/tests/password.rs::charge_password_equal_to_login_password"],
    ),
    (
        "three charges of 30,000 yen in a minute",
        &[
            "it/limits.rs::top_ups_of_a_day_stay_within_their_limit",
            "it/limits.rs::top_ups_at_once_cannot_pass_a_limit_together",
            "it/limits.rs::a_new_phone_pays_little_on_its_first_day",
            "it/cardtopup/mod.rs::sixteen_top_ups_at_once_keep_the_limit",
        ],
    ),
    (
        "stolen cards and card testing",
        &[
            "it/cardtopup/mod.rs::a_failed_challenge_never_credits",
            "it/cardtopup/mod.rs::a_charge_without_3d_secure_goes_back",
            "it/cardtopup/mod.rs::cards_and_tries_are_limited",
            "it/cardtopup/mod.rs::one_card_on_many_accounts_is_refused_and_flagged",
            "it/cardtopup/mod.rs::a_forged_or_replayed_message_changes_nothing",
        ],
    ),
    (
        "points and coupons used twice",
        &[
            "it/value/points.rs::sixteen_sales_at_once_use_the_points_once",
            "it/value/points.rs::a_refund_does_not_leave_its_points",
            "it/value/coupons.rs::a_coupon_is_used_once_by_twelve_codes_at_once",
            "it/value/coupons.rs::a_budget_cannot_be_passed_by_sixteen_at_once",
        ],
    ),
    (
        "enumerable ids",
        &[
            "it/weakness/enumerable_ids.rs::ids_next_to_known_ones_are_nobodys",
            "it/wallet.rs::another_customers_payment_is_not_there",
            "identity/tests/codes.rs::answers_do_not_tell_which_device_numbers_exist",
        ],
    ),
    (
        "personal data in API answers",
        &["it/weakness/personal_data.rs::no_answer_holds_a_secret_or_another_persons_data"],
    ),
    (
        "SIM swap",
        &[
            "identity/tests/recover.rs::sim_swap_an_sms_alone_gives_nothing",
            "identity/tests/moves.rs::a_passkey_alone_and_an_sms_alone_move_nothing",
            "identity/tests/password_moves.rs::sim_swap_the_messages_alone_move_nothing_and_guessing_locks",
        ],
    ),
    (
        "real-time phishing proxy",
        &[
            "identity/tests/phishing.rs::real_time_phishing_proxy",
            "identity/tests/phishing.rs::real_time_phishing_proxy_with_a_password",
        ],
    ),
    (
        "TOTP replay",
        &[
            "identity/tests/password.rs::totp_replay",
            "identity/tests/stepup_totp.rs::totp_replay_a_code_confirms_once",
        ],
    ),
    (
        "DPoP replay",
        &[
            "identity/tests/session.rs::a_proof_works_once_and_for_its_request",
            "it/stolen.rs::a_proof_is_good_for_one_request",
        ],
    ),
    (
        "stolen session cookie",
        &[
            "it/stolen.rs::a_cookie_without_the_phones_key_shows_nothing",
            "it/stolen.rs::a_signed_out_session_is_gone_for_the_phone_too",
        ],
    ),
    (
        "session fixation",
        &[
            "identity/tests/stepup.rs::session_fixation_the_token_changes_with_the_strength",
            "it/weakness/browser.rs::session_fixation_a_cookie_of_the_attackers_choice_opens_nothing",
        ],
    ),
    (
        "CSRF",
        &[
            "identity/tests/stepup.rs::csrf_no_act_goes_without_the_phones_proof",
            "console/tests/people.rs::a_page_of_another_origin_changes_nothing",
        ],
    ),
    ("clickjacking", &["it/weakness/browser.rs::clickjacking"]),
    ("open redirect", &["it/weakness/browser.rs::open_redirect"]),
    (
        "recovery race",
        &[
            "identity/tests/recover.rs::recovery_race_the_later_one_ends_the_earlier_and_waits_its_own_day",
            "identity/tests/recover.rs::recovery_race_a_move_ends_it_and_so_does_its_undoing",
        ],
    ),
    (
        "push and SMS bombing",
        &[
            "identity/tests/attack.rs::sms_pumping",
            "identity/tests/signup.rs::a_number_gets_five_sms_in_a_day",
            "it/notices/outbox.rs::one_customer_gets_so_many_messages_a_day",
            "it/notices/contacts.rs::codes_to_one_address_are_few",
            "it/send/ways.rs::strangers_get_few_sms",
            "it/send/request.rs::nobody_is_pestered",
        ],
    ),
    ("timing of unknown accounts", &["identity/tests/password.rs::timing_of_unknown_accounts"]),
    (
        "enumeration of accounts by the answer",
        &[
            "identity/tests/password.rs::enumeration_of_accounts_by_signin",
            "identity/tests/password.rs::enumeration_of_accounts_by_signup",
            "identity/tests/signup.rs::a_number_with_an_account_is_answered_alike_and_cannot_be_taken_over",
            "identity/tests/external.rs::a_known_and_an_unknown_identity_look_alike",
            "it/send/ways.rs::an_answer_does_not_tell_whether_a_number_has_an_account",
        ],
    ),
    (
        "locking a customer out from afar",
        &[
            "identity/tests/password.rs::nobody_is_locked_out_from_afar_and_guessing_on_the_phone_locks_this_way_only",
        ],
    ),
    (
        "a payment code used twice or guessed",
        &[
            "it/sale.rs::sixteen_sales_with_one_code_are_one_payment",
            "it/code.rs::too_many_wrong_codes_lock_the_code_of_that_phone",
            "it/code.rs::too_many_wrong_codes_lock_the_terminal",
        ],
    ),
    (
        "a confirmation used for another act",
        &[
            "identity/tests/stepup.rs::a_confirmation_of_one_act_confirms_no_other",
            "identity/tests/stepup_totp.rs::a_code_given_for_one_act_or_address_confirms_no_other",
            "it/send/ways.rs::a_confirmation_is_for_this_amount_and_this_receiver",
        ],
    ),
    (
        "down to one factor",
        &[
            "identity/tests/factors.rs::the_last_strong_factor_stays_even_when_two_are_removed_at_once",
            "identity/tests/factors.rs::an_app_beside_a_passkey_opens_nothing_alone",
            "identity/tests/external.rs::the_last_way_in_cannot_be_unlinked",
        ],
    ),
    (
        "an account emptied by sending",
        &[
            "it/send/bounds.rs::nobody_sends_more_than_they_have_or_may",
            "it/send/bounds.rs::who_collects_from_many_is_flagged_and_then_refused",
            "it/send/races.rs::sends_at_once_cannot_pass_a_limit_together",
        ],
    ),
    (
        "a link with money caught or guessed",
        &[
            "it/send/link.rs::five_wrong_passcodes_return_the_money",
            "it/send/link.rs::guesses_at_once_are_no_more_than_guesses_in_a_row",
            "it/send/link.rs::nothing_at_rest_opens_a_link",
        ],
    ),
    (
        "one insider alone",
        &[
            "console/tests/approvals.rs::an_act_takes_another_person_with_the_role",
            "console/tests/approvals.rs::a_signed_word_is_good_for_one_approval_and_one_verdict",
            "it/census/roles.rs::every_route_of_the_console_asks_for_its_role",
            "it/console.rs::only_who_may_reads_a_contact_and_it_is_written_down",
        ],
    ),
    (
        "an insider who edits the log",
        &[
            "it/console.rs::an_act_without_its_entry_does_not_happen",
            "it/audit.rs::a_change_of_any_column_is_found",
            "it/audit.rs::a_chain_that_was_written_anew_is_found_by_a_checkpoint",
        ],
    ),
    (
        "a copy or a closing in a thief's hands",
        &[
            "identity/tests/closing.rs::a_copy_is_not_for_a_stolen_cookie_nor_of_somebody_else",
            "identity/tests/closing.rs::a_thief_s_deletion_is_told_and_called_off_by_the_owner",
            "identity/tests/closing.rs::the_new_owner_of_a_number_sees_nothing",
        ],
    ),
];

/// Goal: each weakness is tried by tests that exist and run.
#[test]
fn every_weakness_has_its_test() {
    let problems: Vec<String> = WEAKNESSES
        .iter()
        .flat_map(|(weakness, tests)| {
            assert!(!tests.is_empty(), "nothing tries: {weakness}");
            tests.iter().filter_map(move |test| {
                documents::check(test).err().map(|why| format!("{weakness}: {why}"))
            })
        })
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Goal: the documents on security name the files and tests that there are, and no others.
#[test]
fn documents_on_security_name_what_exists() {
    let folder = documents::repository().join("docs/security");
    let mut named = 0;
    let mut problems = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = Path::new(path.file_name().unwrap()).display().to_string();
        for reference in documents::references(&text) {
            named += 1;
            if let Err(why) = documents::check(reference) {
                problems.push(format!("{name}: {why}"));
            }
        }
    }
    assert!(named > 150, "the documents are not read: {named}");
    assert!(problems.is_empty(), "{problems:#?}");
}
