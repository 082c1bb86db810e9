//! How many codes go to one number in a day, whatever for.

use omamori_db::{Tx, sql};

use crate::clock::{DAY, Micros};
use crate::identity::Phone;
use crate::web::codes::Code;
use crate::web::error::{Error, Result};

/// SMS to one number in 24 hours for one purpose: what a person needs, and no business for whoever
/// is paid by the message (SMS pumping).
const SMS_PER_DAY: i64 = 5;

/// Counts one more SMS to a number for a purpose, and sweeps what is past. Each purpose has a quota
/// of its own, so that who uses up one does not close the others.
///
/// # Errors
/// [`Code::TooManyRequests`]; a fault if the registry fails.
pub async fn count_sms(
    tx: &mut Tx,
    phone: &Phone,
    purpose: &'static str,
    now: Micros,
) -> Result<()> {
    let past = sql("DELETE FROM sms_sent WHERE phone = $1 AND sent_at <= $2");
    tx.execute(past.bind(phone.as_str()).bind(now - DAY)).await?;
    let insert = sql("INSERT INTO sms_sent (phone, sent_at, purpose)
         SELECT $1, CAST($2 AS BIGINT), $3
         WHERE (SELECT CAST(COUNT(*) AS BIGINT) FROM sms_sent
                WHERE phone = $1 AND purpose = $3) < $4");
    let insert = insert.bind(phone.as_str()).bind(now).bind(purpose).bind(SMS_PER_DAY);
    if tx.execute(insert).await? != 1 {
        return Err(Error::RetryAfter(Code::TooManyRequests, 3_600));
    }
    Ok(())
}
