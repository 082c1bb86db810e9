//! The inventory: every table of registry and evidence, and what becomes of its rows.

use AtClosing as End;
use Exported as Copied;

use super::merchants::MERCHANTS;
pub use super::table::{As, AtClosing, Exported, Kept, Store, Table};
use super::table::{business, joined, registry, rows, until};
use crate::clock::{DAY, HOUR, Micros};

/// Books are kept five years (法22条, 府令46条); 366 days a year, to be on the safe side.
pub(super) const BOOKS: Micros = 5 * 366 * DAY;

/// Every table of registry and evidence. At a closing it is followed from the top to the bottom, so
/// what refers to a row stands above it.
pub const INVENTORY: &[Table] = &joined::<{ MERCHANTS.len() + OTHERS.len() }>(MERCHANTS, OTHERS);

const OTHERS: &[Table] = &[
    registry("session", "when and on which phone somebody is signed in", "staying signed in")
        .kept(until("it expires, 90 days at most", 0, "DELETE FROM session WHERE token_hash IN
             (SELECT token_hash FROM session WHERE expires_at < $1 LIMIT $2)"))
        .exported(rows("sessions", "SELECT session_id, device_id, strength, created_at, last_used_at,
                expires_at FROM session WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("session_id", As::Text), ("device_id", As::Text), ("opened_with", As::Text),
              ("created_at", As::Time), ("last_used_at", As::Time), ("expires_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM session WHERE customer_id = $1")),
    registry("push_subscription", "the address of a browser at its push service", "telling by push")
        .exported(rows("push_subscriptions", "SELECT subscription_id, device_id, created_at
             FROM push_subscription WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("subscription_id", As::Text), ("device_id", As::Text), ("created_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM push_subscription WHERE customer_id = $1")),
    registry("recovery_ticket", "a hash of what support gave in place of a recovery code", "getting back in with help")
        .kept(until("90 days after it expired", 90 * DAY, "DELETE FROM recovery_ticket WHERE ticket_hash IN
             (SELECT ticket_hash FROM recovery_ticket WHERE expires_at < $1 LIMIT $2)"))
        .exported(rows("help_of_support", "SELECT created_at, expires_at, used_at FROM recovery_ticket
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("created_at", As::Time), ("expires_at", As::Time), ("used_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM recovery_ticket WHERE customer_id = $1")),
    registry("totp_offer", "the sealed secret of an app that is being set up", "adding a second factor")
        .kept(until("it expires, within minutes", 0, "DELETE FROM totp_offer WHERE owner IN
             (SELECT owner FROM totp_offer WHERE expires_at < $1 LIMIT $2)"))
        .exported(Copied::No("gone within minutes"))
        .at_closing(End::Stays("gone within minutes")),
    registry("external_identity", "a keyed hash of who somebody is at another service", "signing in with an account elsewhere")
        .exported(rows("accounts_elsewhere", "SELECT provider, linked_at FROM external_identity
             WHERE customer_id = $1 ORDER BY linked_at LIMIT 10000",
            &[("provider", As::Text), ("linked_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM external_identity WHERE customer_id = $1")),
    registry("external_flow", "a trip of a browser to another service and back", "signing in with an account elsewhere")
        .kept(until("it expires, within minutes", 0, "DELETE FROM external_flow WHERE flow_hash IN
             (SELECT flow_hash FROM external_flow WHERE expires_at < $1 LIMIT $2)"))
        .exported(Copied::No("gone within minutes"))
        .at_closing(End::Stays("gone within minutes")),
    registry("send", "to which number money was sent, what the sender calls the receiver, a few words", "sending")
        .kept(until("five years later (法22条); the number 30 days", BOOKS, "DELETE FROM send WHERE send_id IN
             (SELECT send_id FROM send WHERE created_at < $1 LIMIT $2)"))
        .exported(rows("sends", "SELECT send_id, to_kind, to_phone, to_name, created_at, ended_at
             FROM send WHERE sender_id = $1 ORDER BY created_at LIMIT 10000",
            &[("send_id", As::Text), ("way", As::Text), ("to_phone", As::Text),
              ("to_name", As::Text), ("created_at", As::Time), ("ended_at", As::Time)]))
        .at_closing(End::Emptied("the books name it", "UPDATE send
             SET to_phone = NULL, to_name = '', message = '' WHERE sender_id = $1")),
    business("store_qr", "", "stores' printed QR codes"),
    registry("orders", "which printed QR somebody scanned, and the amount; what was bought", "paying what a store asks for")
        .kept(until("30 days after it expired; the payment is in the books", 30 * DAY, "DELETE FROM orders WHERE order_id IN
             (SELECT order_id FROM orders WHERE expires_at < $1 LIMIT $2)"))
        .exported(rows("store_qr_orders", "SELECT order_id, store_id, wanted_yen, created_at, expires_at
             FROM orders WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("order_id", As::Text), ("store_id", As::Text), ("wanted_yen", As::Int),
              ("created_at", As::Time), ("expires_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM orders WHERE customer_id = $1")),
    registry("money_request", "whom somebody asked for money, and a few words", "requests and split bills")
        .kept(until("400 days later", 400 * DAY, "DELETE FROM money_request WHERE request_id IN
             (SELECT request_id FROM money_request WHERE created_at < $1 LIMIT $2)"))
        .exported(rows("requests", "SELECT request_id, wanted_yen, to_phone, to_name, created_at,
                canceled_at, expires_at FROM money_request WHERE asker_id = $1
             ORDER BY created_at LIMIT 10000",
            &[("request_id", As::Text), ("yen", As::Int), ("to_phone", As::Text),
              ("to_name", As::Text), ("created_at", As::Time), ("canceled_at", As::Time),
              ("expires_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM money_request WHERE asker_id = $1")),
    registry("friend_code", "a hash of the code that a friend scans", "receiving from a friend")
        .kept(until("it expires, within minutes", 0, "DELETE FROM friend_code WHERE code_hash IN
             (SELECT code_hash FROM friend_code WHERE expires_at < $1 LIMIT $2)"))
        .exported(Copied::No("gone within minutes"))
        .at_closing(End::Deleted("DELETE FROM friend_code WHERE customer_id = $1")),
    registry("send_block", "whom somebody wants to hear nothing of", "keeping pests out")
        .exported(rows("blocked", "SELECT created_at FROM send_block WHERE customer_id = $1
             ORDER BY created_at LIMIT 10000", &[("created_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM send_block WHERE customer_id = $1")),
    registry("review_flag", "why staff look at an account", "finding who collects from many (府令23条の3)")
        .kept(until("five years after it was closed", BOOKS, "DELETE FROM review_flag WHERE flag_id IN
             (SELECT flag_id FROM review_flag WHERE closed_at < $1 LIMIT $2)"))
        .exported(Copied::No("of the operator's duty; telling could defeat it"))
        .at_closing(End::Stays("it holds ids only")),
    registry("card_dispute", "that a card's holder had a top-up charged back; ids only", "chargebacks")
        .kept(until("five years after it was settled (法22条)", BOOKS, "DELETE FROM card_dispute WHERE dispute_id IN
             (SELECT dispute_id FROM card_dispute WHERE done_at < $1 LIMIT $2)"))
        .exported(Copied::Otherwise("`payments` has what was taken back"))
        .at_closing(End::Stays("it holds ids only")),
    registry("card_topup", "when and by which card somebody topped up; ids only", "top-ups by card, the card gateway's answers")
        .kept(until("five years after its end (法22条)", BOOKS, "DELETE FROM card_topup WHERE topup_id IN
             (SELECT topup_id FROM card_topup WHERE done_at < $1 AND NOT EXISTS
                 (SELECT dispute_id FROM card_dispute
                  WHERE card_dispute.topup_id = card_topup.topup_id) LIMIT $2)"))
        .exported(rows("card_topups", "SELECT topup_id, card_id, kind, amount, state, reason, created_at,
                done_at FROM card_topup WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("topup_id", As::Text), ("card_id", As::Text), ("kind", As::Text), ("yen", As::Int),
              ("state", As::Text), ("reason", As::Text), ("created_at", As::Time),
              ("done_at", As::Time)]))
        .at_closing(End::Stays("it holds ids only")),
    registry("card_setup", "when somebody registered a card, or tried to", "registering cards, bounding tries")
        .kept(until("400 days after its end", 400 * DAY, "DELETE FROM card_setup WHERE setup_id IN
             (SELECT setup_id FROM card_setup WHERE done_at < $1 LIMIT $2)"))
        .exported(rows("card_registrations", "SELECT setup_id, state, reason, created_at, done_at
             FROM card_setup WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("setup_id", As::Text), ("state", As::Text), ("reason", As::Text),
              ("created_at", As::Time), ("done_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM card_setup WHERE customer_id = $1")),
    registry("card", "brand, last four digits and expiry of a card; never its number", "top-ups by card")
        .exported(rows("cards", "SELECT card_id, state, brand, last4, exp_month, exp_year, created_at,
                removed_at FROM card WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("card_id", As::Text), ("state", As::Text), ("brand", As::Text), ("last4", As::Text),
              ("exp_month", As::Int), ("exp_year", As::Int), ("created_at", As::Time),
              ("removed_at", As::Time)]))
        .at_closing(End::Emptied("the books name its id; the card gateway is told to forget it", "UPDATE card
             SET state = 'removed', removed_at = COALESCE(removed_at, created_at), brand = '',
                 last4 = '', exp_month = CAST(0 AS BIGINT), exp_year = CAST(0 AS BIGINT)
             WHERE customer_id = $1")),
    registry("card_print", "keyed hashes by which a card is known again; no account", "bounding the accounts of one card")
        .kept(until("31 days after the card was last registered", 31 * DAY, "DELETE FROM card_print
             WHERE fingerprint IN (SELECT fingerprint FROM card_print WHERE registered_at < $1 LIMIT $2)"))
        .exported(Copied::No("it names no account"))
        .at_closing(End::Stays("it names no account")),
    registry("topup_review", "why staff look at top-ups of an account", "chargebacks, cards on several accounts")
        .kept(until("five years after it was closed", BOOKS, "DELETE FROM topup_review WHERE review_id IN
             (SELECT review_id FROM topup_review WHERE reviewed_at < $1 LIMIT $2)"))
        .exported(Copied::No("of the operator's duty; telling could defeat it"))
        .at_closing(End::Stays("it holds ids only")),
    registry("case_link", "", "which cases belong together")
        .kept(until("five years after one of them was decided", BOOKS, "DELETE FROM case_link
             WHERE (case_id, other_id) IN (SELECT l.case_id, l.other_id FROM case_link l
                 JOIN case_file c ON c.case_id = l.case_id OR c.case_id = l.other_id
                 WHERE c.state = 'decided' AND c.state_at < $1 LIMIT $2)"))
        .at_closing(End::Stays("it holds ids only")),
    registry("case_note", "what the customer and staff wrote about a payment that the customer does not know", "cases: disputes, fraud")
        .kept(until("five years after the case was decided", BOOKS, "DELETE FROM case_note
             WHERE note_id IN (SELECT n.note_id FROM case_note n
                 JOIN case_file c ON c.case_id = n.case_id
                 WHERE c.state = 'decided' AND c.state_at < $1 LIMIT $2)"))
        .exported(rows("case_words", "SELECT n.case_id, n.kind, n.body, n.at FROM case_note n
             JOIN case_file c ON c.case_id = n.case_id
             WHERE c.customer_id = $1 AND n.kind IN ('message', 'reply')
               AND c.kind IN ('dispute', 'held_payment') ORDER BY n.at LIMIT 10000",
            &[("case_id", As::Text), ("kind", As::Text), ("text", As::Text), ("at", As::Time)]))
        .at_closing(End::Emptied("that something was said stays with the case", "UPDATE case_note SET body = ''
             WHERE customer_id = $1")),
    registry("case_subject", "which payments a case is about; ids only", "cases: disputes, fraud")
        .kept(until("five years after the case was decided", BOOKS, "DELETE FROM case_subject
             WHERE (subject_id, case_id) IN (SELECT s.subject_id, s.case_id FROM case_subject s
                 JOIN case_file c ON c.case_id = s.case_id
                 WHERE c.state = 'decided' AND c.state_at < $1 LIMIT $2)"))
        .exported(Copied::Otherwise("`cases` has them"))
        .at_closing(End::Stays("it holds ids only")),
    registry("case_file", "what staff look into, with what was seen: decisions, phones, network addresses", "cases: disputes, fraud")
        .kept(until("five years after it was decided", BOOKS, "DELETE FROM case_file WHERE case_id IN
             (SELECT case_id FROM case_file WHERE state = 'decided' AND state_at < $1 LIMIT $2)"))
        .exported(rows("cases", "SELECT c.case_id, c.kind, s.subject_id,
                CASE WHEN c.amount_yen IS NULL THEN CAST(0 AS BIGINT) ELSE c.amount_yen END AS yen,
                c.opened_at, c.state, c.outcome FROM case_file c
             JOIN case_subject s ON s.case_id = c.case_id
             WHERE c.customer_id = $1 AND c.kind IN ('dispute', 'held_payment')
             ORDER BY c.opened_at LIMIT 10000",
            &[("case_id", As::Text), ("kind", As::Text), ("about", As::Text), ("yen", As::Int),
              ("opened_at", As::Time), ("state", As::Text), ("outcome", As::Text)]))
        .at_closing(End::Emptied("id, outcome and amount stay with the books; while a case is \
            undecided there is no closing", "UPDATE case_file SET evidence = ''
             WHERE customer_id = $1")),
    registry("auto_topup", "that somebody tops up automatically, below what, how much; ids only", "auto top-up")
        .exported(rows("auto_topup", "SELECT card_id, threshold, amount, month_max, state, reason, changed_at
             FROM auto_topup WHERE customer_id = $1 LIMIT 1",
            &[("card_id", As::Text), ("threshold_yen", As::Int), ("yen", As::Int),
              ("yen_of_30_days", As::Int), ("state", As::Text), ("reason", As::Text),
              ("changed_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM auto_topup WHERE customer_id = $1")),
    registry("auto_consent", "what somebody agreed to be charged for without them; ids only", "evidence of the consent")
        .kept(until("five years after it was given or refused (法22条)", BOOKS, "DELETE FROM auto_consent WHERE consent_id IN
             (SELECT consent_id FROM auto_consent WHERE done_at < $1 LIMIT $2)"))
        .exported(rows("auto_consents", "SELECT consent_id, card_id, threshold, amount, month_max, state,
                reason, created_at, done_at FROM auto_consent
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("consent_id", As::Text), ("card_id", As::Text), ("threshold_yen", As::Int),
              ("yen", As::Int), ("yen_of_30_days", As::Int), ("state", As::Text),
              ("reason", As::Text), ("created_at", As::Time), ("done_at", As::Time)]))
        .at_closing(End::Stays("it holds ids only")),
    registry("auto_order", "that a balance fell below a threshold", "starting a top-up; gone within seconds")
        .exported(Copied::No("gone within seconds; `card_topups` has what came of it"))
        .at_closing(End::Deleted("DELETE FROM auto_order WHERE customer_id = $1")),
    registry("atm_session", "at which ATM somebody typed its number, and when; ids only", "top-ups at an ATM")
        .kept(until("400 days after its number ended", 400 * DAY, "DELETE FROM atm_session WHERE session_id IN
             (SELECT session_id FROM atm_session WHERE expires_at < $1 LIMIT $2)"))
        .exported(rows("atm_sessions", "SELECT session_id, terminal_id, claimed_at, ended_at FROM atm_session
             WHERE customer_id = $1 ORDER BY claimed_at LIMIT 10000",
            &[("session_id", As::Text), ("terminal_id", As::Text), ("claimed_at", As::Time),
              ("ended_at", As::Time)]))
        .at_closing(End::Stays("it holds ids only")),
    registry("own_limit", "limits that somebody set for themselves", "keeping them")
        .exported(rows("own_limits", "SELECT kind, yen, raise_to, raise_at, changed_at FROM own_limit
             WHERE customer_id = $1 ORDER BY kind LIMIT 100",
            &[("limit", As::Text), ("yen", As::Int), ("raise_to", As::Int), ("raise_at", As::Time),
              ("changed_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM own_limit WHERE customer_id = $1")),
    registry("coupon_set", "which coupons somebody took", "using coupons")
        .exported(rows("coupons", "SELECT campaign_id, set_at FROM coupon_set
             WHERE customer_id = $1 ORDER BY set_at LIMIT 10000",
            &[("campaign_id", As::Text), ("set_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM coupon_set WHERE customer_id = $1")),
    registry("device_move", "names of the old and the new phone", "moving to another phone, undo")
        .kept(until("400 days after the move", 400 * DAY, "DELETE FROM device_move WHERE move_id IN
             (SELECT move_id FROM device_move WHERE created_at < $1 LIMIT $2)"))
        .exported(rows("moves", "SELECT move_id, state, name, created_at, done_at, undone_at
             FROM device_move WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("move_id", As::Text), ("state", As::Text), ("to_phone", As::Text),
              ("created_at", As::Time), ("done_at", As::Time), ("undone_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM device_move WHERE customer_id = $1")),
    registry("recovery", "the name of the phone that asked", "getting back in without passkey or phone")
        .kept(until("30 days after it expired", 30 * DAY, "DELETE FROM recovery WHERE recovery_id IN
             (SELECT recovery_id FROM recovery WHERE expires_at < $1 LIMIT $2)"))
        .exported(rows("recoveries", "SELECT recovery_id, state, name, created_at, ready_at, done_at,
                canceled_at FROM recovery WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("recovery_id", As::Text), ("state", As::Text), ("phone", As::Text),
              ("created_at", As::Time), ("ready_at", As::Time), ("done_at", As::Time),
              ("canceled_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM recovery WHERE customer_id = $1")),
    registry("device", "names of phones, their public keys, when they were used", "binding the account to a phone")
        .exported(rows("phones", "SELECT device_id, name, state, enrolled_at, last_used_at, ended_at
             FROM device WHERE customer_id = $1 ORDER BY enrolled_at LIMIT 10000",
            &[("device_id", As::Text), ("name", As::Text), ("state", As::Text),
              ("enrolled_at", As::Time), ("last_used_at", As::Time), ("ended_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM device WHERE customer_id = $1")),
    registry("passkey", "public keys of passkeys, the name of the phone they were made on", "signing in")
        .exported(rows("passkeys", "SELECT name, created_at, last_used_at FROM passkey
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("name", As::Text), ("created_at", As::Time), ("last_used_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM passkey WHERE customer_id = $1")),
    registry("password", "a hash of the password", "signing in where a phone has no passkey")
        .exported(rows("password", "SELECT changed_at FROM password WHERE customer_id = $1",
            &[("changed_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM password WHERE customer_id = $1")),
    registry("totp", "the sealed secret of an authenticator app", "the second factor beside a password")
        .exported(rows("authenticator_app", "SELECT created_at FROM totp WHERE customer_id = $1",
            &[("created_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM totp WHERE customer_id = $1")),
    registry("recovery_code", "hashes of recovery codes", "getting back in")
        .exported(rows("recovery_codes", "SELECT created_at, used_at FROM recovery_code
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("created_at", As::Time), ("used_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM recovery_code WHERE customer_id = $1")),
    registry("signup", "a phone number that is being verified", "signing up")
        .kept(until("it expires, within the hour", 0, "DELETE FROM signup WHERE signup_id IN
             (SELECT signup_id FROM signup WHERE expires_at < $1 LIMIT $2)"))
        .exported(Copied::No("gone within the hour"))
        .at_closing(End::Deleted("DELETE FROM signup WHERE customer_id = $1")),
    registry("ceremony", "a challenge for a passkey", "signing in and confirming")
        .kept(until("it expires, within minutes", 0, "DELETE FROM ceremony WHERE challenge IN
             (SELECT challenge FROM ceremony WHERE expires_at < $1 LIMIT $2)"))
        .exported(Copied::No("gone within minutes"))
        .at_closing(End::Stays("gone within minutes")),
    registry("sms_sent", "phone numbers that codes went to", "bounding SMS to a number")
        .kept(until("24 hours after it was sent", DAY, "DELETE FROM sms_sent WHERE (phone, sent_at) IN
             (SELECT phone, sent_at FROM sms_sent WHERE sent_at < $1 LIMIT $2)"))
        .exported(Copied::No("of a number, not of an account; gone after a day"))
        .at_closing(End::Stays("gone after a day")),
    registry("contact", "e-mail addresses and earlier phone numbers", "telling, recovery")
        .kept(until("7 days after it was replaced", 7 * DAY, "DELETE FROM contact WHERE contact_id IN
             (SELECT contact_id FROM contact WHERE replaced_at <= $1 LIMIT $2)"))
        .exported(rows("contacts", "SELECT kind, value, verified_at, replaced_at FROM contact
             WHERE customer_id = $1 ORDER BY contact_id LIMIT 10000",
            &[("kind", As::Text), ("value", As::Text), ("verified_at", As::Time),
              ("replaced_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM contact WHERE customer_id = $1")),
    registry("contact_check", "an address that is being verified", "changing a contact, bounding codes")
        .kept(until("24 hours after it began", DAY, "DELETE FROM contact_check WHERE check_id IN
             (SELECT check_id FROM contact_check WHERE created_at <= $1 LIMIT $2)"))
        .exported(rows("contact_checks", "SELECT kind, value, created_at FROM contact_check
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("kind", As::Text), ("value", As::Text), ("created_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM contact_check WHERE customer_id = $1")),
    registry("notice", "what happened on the account, with names of phones and masked addresses", "telling in the app")
        .kept(until("400 days later", 400 * DAY, "DELETE FROM notice WHERE notice_id IN
             (SELECT notice_id FROM notice WHERE at < $1 LIMIT $2)"))
        .exported(rows("notices", "SELECT kind, params, at, seen_at FROM notice
             WHERE customer_id = $1 ORDER BY at LIMIT 10000",
            &[("kind", As::Text), ("about", As::Json), ("at", As::Time), ("seen_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM notice WHERE customer_id = $1")),
    registry("delivery", "what is on its way, with the address, sealed and erased when sent", "SMS, e-mail and push")
        .kept(until("7 days after it was sent or given up", 7 * DAY, "DELETE FROM delivery WHERE delivery_id IN
             (SELECT delivery_id FROM delivery WHERE created_at < $1 AND state <> 'waiting' LIMIT $2)"))
        .exported(rows("messages", "SELECT channel, about, state, created_at, done_at FROM delivery
             WHERE customer_id = $1 ORDER BY created_at LIMIT 10000",
            &[("channel", As::Text), ("about", As::Text), ("state", As::Text),
              ("created_at", As::Time), ("done_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM delivery WHERE customer_id = $1")),
    registry("money_mail", "the wish to be told of payments by e-mail", "telling of payments")
        .exported(rows("money_by_email", "SELECT chosen_at FROM money_mail WHERE customer_id = $1",
            &[("chosen_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM money_mail WHERE customer_id = $1")),
    registry("customer_hold", "why and until when an account must be kept", "duties by law, disputes")
        .kept(until("five years after its end", BOOKS, "DELETE FROM customer_hold WHERE hold_id IN
             (SELECT hold_id FROM customer_hold WHERE held_until < $1 LIMIT $2)"))
        .exported(Copied::No("of the operator's duty; telling could defeat it"))
        .at_closing(End::Stays("there is no closing while one stands; ended ones are proof")),
    registry("account_closing", "when an account was to be closed; ids only", "proof of the closing")
        .kept(until("five years after its end", BOOKS, "DELETE FROM account_closing WHERE closing_id IN
             (SELECT closing_id FROM account_closing WHERE ended_at < $1 LIMIT $2)"))
        .exported(rows("closings", "SELECT closing_id, state, asked_by, asked_at, due_at, ended_at
             FROM account_closing WHERE customer_id = $1 ORDER BY asked_at LIMIT 10000",
            &[("closing_id", As::Text), ("state", As::Text), ("asked_by", As::Text),
              ("asked_at", As::Time), ("due_at", As::Time), ("ended_at", As::Time)]))
        .at_closing(End::Stays("it holds ids only")),
    registry("terms_confirmation", "which version of the terms somebody confirmed, and when", "the first top-up (法13条)")
        .exported(rows("terms", "SELECT version, confirmed_at FROM terms_confirmation
             WHERE customer_id = $1 ORDER BY version LIMIT 10000",
            &[("version", As::Int), ("confirmed_at", As::Time)]))
        .at_closing(End::Stays("the operator must be able to show it; ids only")),
    registry("customer", "the phone number, the language, failed sign-ins", "the account")
        .exported(rows("profile", "SELECT customer_id, phone, status, language, signin_failures, uses_points,
                created_at
             FROM customer WHERE customer_id = $1",
            &[("customer_id", As::Text), ("phone", As::Text), ("status", As::Text),
              ("language", As::Text), ("signin_failures", As::Int),
              ("uses_points", As::Int), ("created_at", As::Time)]))
        .at_closing(End::Emptied("the id stays, which the books name", "UPDATE customer
             SET phone = '', status = 'closed', stopped_by = NULL, language = 'ja',
                 signin_failures = CAST(0 AS BIGINT), signin_locked_until = CAST(0 AS BIGINT),
                 uses_points = CAST(0 AS BIGINT), has_coupons = CAST(0 AS BIGINT)
             WHERE customer_id = $1")),
    registry("attack_wave", "networks that an attack came from", "recognising attacks")
        .kept(until("400 days later", 400 * DAY, "DELETE FROM attack_wave WHERE wave_id IN
             (SELECT wave_id FROM attack_wave WHERE closed_at < $1 LIMIT $2)")),
    registry("change_log", "", "what nodes must forget")
        .kept(until("an hour later", HOUR, "DELETE FROM change_log WHERE change_id IN
             (SELECT change_id FROM change_log WHERE at < $1 LIMIT $2)")),
    registry("waiting_ticket", "", "how often a ticket of the waiting room was used")
        .kept(until("it is not good any more", 0, "DELETE FROM waiting_ticket WHERE ticket_id IN
             (SELECT ticket_id FROM waiting_ticket WHERE good_until < $1 LIMIT $2)")),
    registry("alert", "", "what the operator should look at")
        .kept(until("400 days after its end", 400 * DAY, "DELETE FROM alert WHERE alert_id IN
             (SELECT alert_id FROM alert WHERE ended_at < $1 LIMIT $2)")),
    registry("alert_delivery", "", "alerts on their way by e-mail and webhook")
        .kept(until("30 days later", 30 * DAY, "DELETE FROM alert_delivery WHERE delivery_id IN
             (SELECT delivery_id FROM alert_delivery WHERE created_at < $1 LIMIT $2)")),
    business("waiting_room", "", "the next time in the queue for sign-up"),
    business("merchant", "", "who sells"),
    business("store", "", "where"),
    business("terminal", "", "with which register"),
    business("product", "", "goods on the web register"),
    registry("checkout", "", "leading customers of online shops to an order and back; ids and addresses of shops only")
        .kept(until("30 days after the order expired", 30 * DAY, "DELETE FROM checkout WHERE order_id IN
             (SELECT order_id FROM checkout WHERE expires_at < $1 LIMIT $2)")),
    business("online_shop", "", "where an online shop's pages are"),
    registry("webhook_delivery", "", "telling merchants' servers, and the log of it")
        .kept(until("30 days later", 30 * DAY, "DELETE FROM webhook_delivery WHERE (endpoint_id, event_id) IN
             (SELECT endpoint_id, event_id FROM webhook_delivery WHERE created_at < $1 LIMIT $2)")),
    registry("webhook_event", "", "telling merchants' servers what became of payments")
        .kept(until("30 days later", 30 * DAY, "DELETE FROM webhook_event WHERE event_id IN
             (SELECT event_id FROM webhook_event WHERE created_at < $1 LIMIT $2)")),
    business("webhook_endpoint", "", "which of a merchant's servers are told"),
    business("merchant_user", "names of a merchant's people, their passkeys", "signing in to the back office"),
    registry("merchant_session", "when a merchant's people are signed in", "staying signed in")
        .kept(until("it expires", 0, "DELETE FROM merchant_session WHERE token_hash IN
             (SELECT token_hash FROM merchant_session WHERE expires_at < $1 LIMIT $2)")),
    business("campaign", "", "what coupons and points are promised"),
    business("value_sweep", "", "how far the telling and ending of value is"),
    business("till_session", "", "a browser that is a register"),
    business("settlement_terms", "", "on which terms merchants are paid"),
    business("payout_account", "a merchant's bank account and its holder, sealed", "paying merchants"),
    business("settlement", "", "merchants' statements"),
    business("settlement_run", "", "how far settling all merchants is"),
    business("payout_file", "the bank accounts of merchants, sealed", "paying merchants"),
    business("payout", "", "what merchants are paid"),
    business("reconciliation", "", "comparing money with what others say"),
    business("reconciliation_difference", "", "comparing money with what others say; ids only"),
    business("push_key", "", "our name at push services, sealed"),
    business("staff", "names of the operator's people, their passkeys", "signing in to the console"),
    registry("staff_session", "when the operator's people are signed in", "staying signed in")
        .kept(until("it expires", 0, "DELETE FROM staff_session WHERE token_hash IN
             (SELECT token_hash FROM staff_session WHERE expires_at < $1 LIMIT $2)")),
    business("approval", "what two of the operator's people agreed on", "two-person acts"),
    business("audit_entry", "what the operator's people did; of customers ids only", "proof for ever"),
    business("sale_hold", "", "sales of merchants that are not paid out for now"),
    business("incident_paid", "", "which of two acts makes a loss good"),
    registry("incident_act_move", "which transfers of somebody an act makes good", "making losses good")
        .kept(until("with the transfer's place in the incident (法22条)", BOOKS,
            "DELETE FROM incident_act_move WHERE (act_id, transfer_id) IN
             (SELECT m.act_id, m.transfer_id FROM incident_act_move m
              JOIN incident_act a ON a.act_id = m.act_id WHERE a.planned_at < $1 LIMIT $2)"))
        .exported(Copied::Otherwise("they are in `incident_transfers`"))
        .at_closing(End::Stays("the books name it, under the id alone")),
    registry("incident_act_row", "which incident's acts concerned somebody", "carrying out acts once")
        .kept(until("five years after it was done (法22条)", BOOKS, "DELETE FROM incident_act_row
             WHERE (act_id, subject) IN (SELECT act_id, subject FROM incident_act_row
                 WHERE done_at < $1 LIMIT $2)"))
        .exported(Copied::Otherwise("what was done is in `notices` and `incidents`"))
        .at_closing(End::Stays("proof that it was done, under the id alone")),
    registry("incident_move", "which transfers of somebody are disputed in an incident", "making losses good")
        .kept(until("five years later (法22条)", BOOKS, "DELETE FROM incident_move
             WHERE (incident_id, transfer_id) IN (SELECT incident_id, transfer_id
                 FROM incident_move WHERE at < $1 LIMIT $2)"))
        .exported(rows("incident_transfers", "SELECT incident_id, kind, in_yen, out_yen, back_yen,
                store_id, at FROM incident_move WHERE customer_id = $1 ORDER BY at LIMIT 10000",
            &[("incident_id", As::Text), ("kind", As::Text), ("yen_in", As::Int),
              ("yen_out", As::Int), ("yen_back", As::Int), ("store_id", As::Text),
              ("at", As::Time)]))
        .at_closing(End::Stays("the books name it, under the id alone")),
    registry("incident_receiver", "that somebody received what a victim of an incident lost", "incidents: stopping accomplices")
        .kept(until("five years later (法22条)", BOOKS, "DELETE FROM incident_receiver
             WHERE (incident_id, customer_id) IN (SELECT incident_id, customer_id
                 FROM incident_receiver WHERE first_at < $1 LIMIT $2)"))
        .exported(Copied::No("of the operator's duty; telling could defeat it"))
        .at_closing(End::Stays("it holds ids only")),
    registry("incident_member", "in which incident somebody is a victim", "incidents: telling, making good")
        .kept(until("five years later (法22条)", BOOKS, "DELETE FROM incident_member
             WHERE (incident_id, customer_id) IN (SELECT incident_id, customer_id
                 FROM incident_member WHERE added_at < $1 LIMIT $2)"))
        .exported(rows("incidents", "SELECT incident_id, state, first_at, told_at
                FROM incident_member WHERE customer_id = $1 ORDER BY first_at LIMIT 10000",
            &[("incident_id", As::Text), ("state", As::Text), ("first_at", As::Time),
              ("told_at", As::Time)]))
        .at_closing(End::Stays("a payout may be owed, under the id alone")),
    business("service_end", "", "the end of the service, as two people agreed on it"),
    business("refund_exclusion", "", "runs over those who did not claim, and who agreed"),
    registry("refund_exclusion_row", "that somebody did not claim in time, and how much it was", "the end of the service (法20条2項)")
        .kept(until("five years after it was done (法22条)", BOOKS, "DELETE FROM refund_exclusion_row
             WHERE (exclusion_id, customer_id) IN (SELECT exclusion_id, customer_id
                 FROM refund_exclusion_row WHERE done_at < $1 LIMIT $2)"))
        .exported(rows("refund_exclusions", "SELECT outcome, yen, done_at FROM refund_exclusion_row
                WHERE customer_id = $1 AND state = 'done' ORDER BY done_at LIMIT 10000",
            &[("outcome", As::Text), ("yen", As::Int), ("done_at", As::Time)]))
        .at_closing(End::Stays("the books name it, under the id alone")),
    registry("refund_file_line", "which claim was in which file, and the end of its account's number", "paying refunds")
        .kept(until("five years after the file was sent or dropped (法22条)", BOOKS, "DELETE FROM refund_file_line
             WHERE (file_id, line) IN (SELECT l.file_id, l.line FROM refund_file_line l
                 JOIN refund_file f ON f.file_id = l.file_id
                 WHERE f.sent_at < $1 OR (f.state = 'dropped' AND f.made_at < $1) LIMIT $2)"))
        .exported(Copied::Otherwise("`refunds` has what was paid"))
        .at_closing(End::Stays("proof of what was paid")),
    business("refund_quota", "", "what may be refunded in a base period to closing accounts"),
    business("refund_file", "", "files of refunds for the bank, sealed, and who agreed"),
    registry("refund_claim", "why and to which bank account somebody's value is paid back, sealed", "refunds (法20条)")
        .kept(until("five years after it was paid or refused (法22条)", BOOKS, "DELETE FROM refund_claim
             WHERE claim_id IN (SELECT claim_id FROM refund_claim
                 WHERE ((state = 'sent' AND sent_at < $1) OR (state = 'refused' AND state_at < $1))
                 AND NOT EXISTS (SELECT 1 FROM refund_file_line l
                     WHERE l.claim_id = refund_claim.claim_id) LIMIT $2)"))
        .exported(rows("refunds", "SELECT claim_id, closing_reason, state, yen, last_digits, asked_at,
                    sent_at FROM refund_claim WHERE customer_id = $1 ORDER BY asked_at LIMIT 10000",
            &[("claim_id", As::Text), ("closing_reason", As::Text), ("state", As::Text),
              ("yen", As::Int), ("account_ends_with", As::Text), ("asked_at", As::Time), ("sent_at", As::Time)]))
        .at_closing(End::Stays("proof of to whom it was paid; the account is sealed")),
    business("incident", "", "incidents: what happened, why, since when"),
    business("incident_cohort", "", "the question whom an incident touched"),
    business("incident_counting", "", "a count that is being made"),
    business("incident_count", "", "how many were found, and up to where"),
    business("incident_log", "", "what was done in an incident, and by whom"),
    business("incident_act", "", "acts on a cohort, and who agreed"),
    business("published_text", "", "terms and compensation policy, every version"),
    business("control", "", "functions that staff closed, and who did"),
    business("risk_version", "", "the rules of risk, every version"),
    business("risk_publication", "", "which version of the rules was in force when"),
    business("risk_draft", "", "rules that staff are writing"),
    business("risk_label", "", "which decisions turned out to be fraud"),
    registry("act_confirmation", "what a register was told to let the customer confirm", "fraud")
        .kept(until("a year after it was asked", 366 * DAY, "DELETE FROM act_confirmation
             WHERE confirmation_id IN (SELECT confirmation_id FROM act_confirmation
                 WHERE asked_at < $1 LIMIT $2)"))
        .exported(rows("confirmations", "SELECT confirmation_id, act, store_id, amount, asked_at,
                confirmed_at, declined_at FROM act_confirmation WHERE customer_id = $1
                ORDER BY asked_at LIMIT 10000",
            &[("confirmation_id", As::Text), ("act", As::Text), ("store_id", As::Text),
                ("amount", As::Int), ("asked_at", As::Time), ("confirmed_at", As::Time),
                ("declined_at", As::Time)]))
        .at_closing(End::Deleted("DELETE FROM act_confirmation WHERE customer_id = $1")),
    business("audit_head", "", "the length of the audit log"),
    business("ledger_follower", "", "how far the money notices are"),
    Table { store: Store::Evidence, ..registry("decision_batch",
        "who did what when, from which network address and phone; what was bought", "books, fraud, disputes") }
        .kept(until("five years later (法22条)", 0, "DELETE FROM decision_batch
             WHERE (node, first_number) IN (SELECT node, first_number FROM decision_batch AS old
                 WHERE first_at < $1 - CAST(158112000000000 AS BIGINT) AND delete_after < $1
                   AND EXISTS (SELECT 1 FROM decision_batch AS next WHERE next.node = old.node
                       AND next.first_number > old.first_number AND next.delete_after < $1)
                 LIMIT $2)"))
        .exported(Copied::Otherwise("`decisions` and `payments`, without what concerns others"))
        .at_closing(End::Otherwise("network address, phone and session are taken out; the sale \
            itself stays with the books, under the id alone")),
    Table { store: Store::Evidence, ..business("decision_node", "", "numbering of decisions") },
];
