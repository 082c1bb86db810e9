//! The inventory's part about merchants' people and what they are told.

use super::table::{Table, business, registry, until};
use crate::clock::DAY;

/// Its tables.
pub(super) const MERCHANTS: &[Table] = &[
    registry("merchant_letter", "", "telling a merchant's people by e-mail").kept(until(
        "90 days later",
        90 * DAY,
        "DELETE FROM merchant_letter WHERE (notice_id, contact_id) IN
             (SELECT notice_id, contact_id FROM merchant_letter WHERE created_at < $1 LIMIT $2)",
    )),
    registry(
        "merchant_notice",
        "who of a merchant did what in the back office",
        "telling a merchant's people",
    )
    .kept(until(
        "400 days later",
        400 * DAY,
        "DELETE FROM merchant_notice WHERE notice_id IN
             (SELECT notice_id FROM merchant_notice WHERE at < $1 LIMIT $2)",
    )),
    registry(
        "merchant_contact_check",
        "an e-mail address that is being verified",
        "telling a merchant's people by e-mail",
    )
    .kept(until(
        "a day later",
        DAY,
        "DELETE FROM merchant_contact_check WHERE check_id IN
             (SELECT check_id FROM merchant_contact_check WHERE created_at < $1 LIMIT $2)",
    )),
    registry(
        "merchant_contact",
        "e-mail addresses of a merchant's people",
        "telling a merchant's people by e-mail",
    )
    .kept(until(
        "ten days after it was replaced or its person removed",
        10 * DAY,
        "DELETE FROM merchant_contact WHERE contact_id IN
             (SELECT contact_id FROM merchant_contact WHERE replaced_at < $1 LIMIT $2)",
    )),
    business("merchant_mail_off", "", "what a merchant's people do not want by e-mail"),
];
