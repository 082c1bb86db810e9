//! What took 7pay down, and what has taken others down since: each weakness beside the tests that
//! try it. The census fails for a weakness whose test is gone, and for a document that names one.
//!
//! Sources of the list: the reports on 7pay (July 2019: a list attack from abroad, accounts usable
//! on any phone, a reset mail to any address with a birth date that was often a default, an
//! external id taken without proof, a charge password that was often the login password, personal
//! data in answers), and OWASP ASVS 5.0.

mod browser;
mod documents;
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
        &["it/weakness/external_id.rs::an_id_without_a_proof_opens_nothing"],
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
        ],
    ),
    (
        "real-time phishing proxy",
        &[
            "identity/tests/phishing.rs::real_time_phishing_proxy",
            "identity/tests/phishing.rs::real_time_phishing_proxy_with_a_password",
        ],
    ),
    ("TOTP replay", &["identity/tests/password.rs::totp_replay"]),
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
    ("CSRF", &["identity/tests/stepup.rs::csrf_no_act_goes_without_the_phones_proof"]),
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
        ],
    ),
    ("timing of unknown accounts", &["identity/tests/password.rs::timing_of_unknown_accounts"]),
    (
        "enumeration of accounts by the answer",
        &[
            "identity/tests/password.rs::enumeration_of_accounts_by_signin",
            "identity/tests/password.rs::enumeration_of_accounts_by_signup",
            "identity/tests/signup.rs::a_number_with_an_account_is_answered_alike_and_cannot_be_taken_over",
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
