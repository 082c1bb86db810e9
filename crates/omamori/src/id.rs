//! Identifiers: 128 bits, shown as a kind and 26 characters (`cus_01h…`), so that a person can
//! read in a log what a thing is.
//!
//! Identifiers of ledger transfers are derived by hashing ([`derive`]), so that a retry of the
//! same request is the same transfer; all others are random.

use sha2::{Digest, Sha256};

use crate::rng::{Rng, random};

/// Crockford's base 32, lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const DIGITS: usize = 26;

/// What an identifier names; gives the textual prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A customer.
    Customer,
    /// A customer's phone.
    Device,
    /// A signed-in browser.
    Session,
    /// A sign-up under way.
    Signup,
    /// A move to another phone.
    Move,
    /// A recovery under way.
    Recovery,
    /// A merchant.
    Merchant,
    /// A merchant's person.
    MerchantUser,
    /// A merchant's store.
    Store,
    /// A till of a store.
    Terminal,
    /// A payment (its capture transfer).
    Payment,
    /// Value set aside for a payment.
    Authorization,
    /// What a merchant asks a customer to pay.
    Order,
    /// A refund.
    Refund,
    /// A top-up.
    Topup,
    /// Value sent to somebody.
    Send,
    /// Money that was asked for.
    MoneyRequest,
    /// A reason for staff to look at an account.
    ReviewFlag,
    /// A registered card.
    Card,
    /// A registration of a card.
    CardSetup,
    /// A consent to auto top-up.
    AutoConsent,
    /// A number that an ATM shows.
    AtmSession,
    /// Something of top-ups for staff to look at.
    TopupReview,
    /// A campaign.
    Campaign,
    /// Points that became balance.
    Conversion,
    /// A decision of the gate.
    Decision,
    /// One HTTP request.
    Request,
    /// A notice to a customer.
    Notice,
    /// A notice to a merchant.
    MerchantNotice,
    /// A message of the outbox.
    Delivery,
    /// An address of a customer.
    Contact,
    /// An address that is being verified.
    ContactCheck,
    /// Where a phone's browser takes web push.
    PushSubscription,
    /// An attack by a list of passwords.
    AttackWave,
    /// Something that the operator should look at.
    Alert,
    /// A door that staff closed.
    Control,
    /// A request to close an account.
    Closing,
    /// A legal hold on an account.
    Hold,
    /// One of the operator's people.
    Staff,
    /// What two of the operator's people must agree on.
    Approval,
    /// Where a merchant is told.
    WebhookEndpoint,
    /// What a merchant is told.
    Event,
    /// What a customer is to confirm at the phone.
    Confirmation,
    /// What staff look into.
    Case,
    /// What is said in a case.
    CaseNote,
    /// A merchant's statement.
    Settlement,
    /// Settling all merchants up to a day.
    SettlementRun,
    /// A payout to a merchant.
    Payout,
    /// A file of payouts.
    PayoutFile,
    /// Money that was compared with what others say.
    Reconciliation,
    /// Where it differs.
    Difference,
    /// An incident.
    Incident,
    /// An act on an incident's cohort.
    IncidentAct,
    /// The end of the service.
    ServiceEnd,
    /// Value that its holder wants back as money.
    RefundClaim,
    /// A file of refunds.
    RefundFile,
    /// A run over those who did not claim.
    Exclusion,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Customer => "cus",
            Self::Device => "dev",
            Self::Session => "ses",
            Self::Signup => "sup",
            Self::Move => "mov",
            Self::Recovery => "rec",
            Self::Merchant => "mer",
            Self::MerchantUser => "mus",
            Self::Store => "sto",
            Self::Terminal => "ter",
            Self::Payment => "pay",
            Self::Authorization => "aut",
            Self::Order => "ord",
            Self::Refund => "rfd",
            Self::Topup => "top",
            Self::Send => "snd",
            Self::MoneyRequest => "ask",
            Self::ReviewFlag => "flg",
            Self::Card => "crd",
            Self::CardSetup => "cds",
            Self::AutoConsent => "aco",
            Self::AtmSession => "ats",
            Self::TopupReview => "trv",
            Self::Campaign => "cmp",
            Self::Conversion => "cnv",
            Self::Decision => "dec",
            Self::Request => "req",
            Self::Notice => "ntc",
            Self::MerchantNotice => "mnt",
            Self::Delivery => "dlv",
            Self::Contact => "con",
            Self::ContactCheck => "chk",
            Self::PushSubscription => "psh",
            Self::AttackWave => "atk",
            Self::Alert => "alt",
            Self::Control => "ctl",
            Self::Closing => "cls",
            Self::Hold => "hld",
            Self::Staff => "stf",
            Self::Approval => "apr",
            Self::WebhookEndpoint => "whe",
            Self::Event => "evt",
            Self::Confirmation => "acf",
            Self::Case => "cse",
            Self::CaseNote => "cnt",
            Self::Settlement => "stl",
            Self::SettlementRun => "srn",
            Self::Payout => "pot",
            Self::PayoutFile => "pof",
            Self::Reconciliation => "rcn",
            Self::Difference => "rdf",
            Self::Incident => "inc",
            Self::IncidentAct => "iac",
            Self::ServiceEnd => "eos",
            Self::RefundClaim => "rcl",
            Self::RefundFile => "rff",
            Self::Exclusion => "exc",
        }
    }

    /// `pay_0123…`: the public text of `id`.
    #[must_use]
    pub fn text(self, id: u128) -> String {
        let mut text = String::with_capacity(DIGITS + 4);
        text.push_str(self.prefix());
        text.push('_');
        for place in (0..DIGITS).rev() {
            let digit = (id >> (place * 5)) & 31;
            text.push(char::from(ALPHABET[digit as usize]));
        }
        text
    }

    /// The number in a public text, if it is one of this kind and canonical.
    #[must_use]
    pub fn parse(self, text: &str) -> Option<u128> {
        let digits = text.strip_prefix(self.prefix())?.strip_prefix('_')?;
        if digits.len() != DIGITS {
            return None;
        }
        let mut id: u128 = 0;
        for (index, byte) in digits.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&b| b == byte)? as u128;
            if index == 0 && digit > 7 {
                return None; // 26 digits hold 130 bits
            }
            id = id << 5 | digit;
        }
        Some(id)
    }

    /// A new random identifier of this kind, as text.
    #[must_use]
    pub fn random_text(self, rng: &dyn Rng) -> String {
        self.text(random_id(rng))
    }
}

/// A random 128-bit identifier that the ledger accepts (neither 0 nor the largest).
#[must_use]
pub fn random_id(rng: &dyn Rng) -> u128 {
    usable(u128::from_be_bytes(random(rng)))
}

/// A 128-bit identifier from a purpose and parts: the same parts, the same identifier.
///
/// The parts are length-prefixed, so no two lists of parts run together.
#[must_use]
pub fn derive(purpose: &str, parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    hash.update(b"omamori id v1\0");
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    usable(u128::from_be_bytes(id))
}

/// The ledger reserves 0 and the largest number.
fn usable(id: u128) -> u128 {
    match id {
        0 => 1,
        u128::MAX => u128::MAX - 1,
        id => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_are_one_to_one() {
        for id in [1, 31, 32, u128::MAX - 1, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef] {
            let text = Kind::Payment.text(id);
            assert_eq!(Kind::Payment.parse(&text), Some(id));
            assert_eq!(Kind::Refund.parse(&text), None, "another kind is refused");
        }
        assert_eq!(Kind::Payment.parse("pay_zzzzzzzzzzzzzzzzzzzzzzzzzz"), None, "131 bits");
        assert_eq!(Kind::Payment.parse("pay_0000000000000000000000000I"), None);
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(derive("a", &[b"bc", b"d"]), derive("a", &[b"b", b"cd"]));
        assert_ne!(derive("a", &[b"b"]), derive("ab", &[]));
        assert_eq!(derive("a", &[b"b"]), derive("a", &[b"b"]));
    }
}
