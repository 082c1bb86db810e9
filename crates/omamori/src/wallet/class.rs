//! What lines of the history are summed up under.

/// Under what lines are searched and summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Sales.
    Paid,
    /// What came back of sales.
    Refunded,
    /// Money that came in, less what was taken back of it.
    Topup,
    /// Sent to others.
    Sent,
    /// Received from others.
    Received,
    /// Balance that was not paid in: from points, given free.
    Points,
}

impl Class {
    /// Every class there is.
    pub const ALL: [Self; 6] =
        [Self::Paid, Self::Refunded, Self::Topup, Self::Sent, Self::Received, Self::Points];

    /// The word of tables, texts and searches.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Topup => "topup",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Points => "points",
        }
    }

    /// The class of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}
