//! How much may be refunded in a base period to holders who simply ask (法20条5項, 府令42条1号, 2号).
//!
//! Refunds are prohibited but for a few cases. Two of them are counted: so much in the period that
//! it stays within a fifth of what the period before issued, or within a twentieth of what was
//! unused at the last base date. Either is enough. A holder's unavoidable reasons (3号) and refunds
//! that the authority approved (4号) are not counted here: that is a reading of the law for the
//! operator's lawyer to confirm. Where the total of all refunds (払戻金額の総額) is read with them,
//! less is left.

/// What is left of each of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Of a fifth of what the period before issued.
    pub of_issue: i64,
    /// Of a twentieth of what was unused at the last base date.
    pub of_unused: i64,
}

impl Quota {
    /// After `refunded` in the period. A share is rounded down: a yen beyond it would be too much.
    #[must_use]
    pub fn new(issued_before: i64, unused_at_base: i64, refunded: i64) -> Self {
        let left = |share: i64| (share - refunded).max(0);
        Self { of_issue: left(issued_before.max(0) / 5), of_unused: left(unused_at_base / 20) }
    }

    /// The most that may still be refunded: either of the two is enough.
    #[must_use]
    pub fn most(&self) -> i64 {
        self.of_issue.max(self.of_unused)
    }

    /// Whether so much more may be refunded.
    #[must_use]
    pub fn allows(&self, amount: i64) -> bool {
        amount <= self.most()
    }
}
