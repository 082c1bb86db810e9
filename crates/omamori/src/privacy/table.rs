//! What the inventory says of a table: the words, without the list.

use crate::clock::Micros;

/// Which store a table is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// Who and what.
    Registry,
    /// Why.
    Evidence,
}

/// When rows go by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// With the customer's account.
    WithAccount,
    /// For good, or until the operator removes them: no customer's data.
    Always,
    /// Until `after` a column's instant.
    Until {
        /// In words, after "until".
        words: &'static str,
        /// Deletes at most `$2` rows whose instant is before `$1`.
        sweep: &'static str,
        /// How long after that instant.
        after: Micros,
    },
}

/// A column of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// As it is.
    Text,
    /// A number.
    Int,
    /// An instant, as RFC 3339; null where there is none.
    Time,
    /// JSON that we wrote.
    Json,
}

/// What a customer's copy has of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    /// The rows of customer `$1`, as an array of this name.
    Rows {
        /// The array.
        name: &'static str,
        /// Selects the columns below, in their order.
        select: &'static str,
        /// Their names in the copy, and what they are.
        columns: &'static [(&'static str, As)],
    },
    /// It is in the copy by a way of its own.
    Otherwise(&'static str),
    /// Nothing, and why.
    No(&'static str),
}

/// What closing an account does to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtClosing {
    /// The rows of customer `$1` go.
    Deleted(&'static str),
    /// The rows stay; the statement takes from those of customer `$1` what names a person.
    Emptied(&'static str, &'static str),
    /// It is done by a way of its own.
    Otherwise(&'static str),
    /// Nothing, and why.
    Stays(&'static str),
}

/// A table.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// Where.
    pub store: Store,
    /// Its name.
    pub name: &'static str,
    /// What it holds of a person; empty if nothing.
    pub holds: &'static str,
    /// What for.
    pub purpose: &'static str,
    /// When its rows go.
    pub kept: Kept,
    /// What a copy has of it.
    pub exported: Exported,
    /// What closing does.
    pub at_closing: AtClosing,
}

const NOT_OF_CUSTOMERS: Exported = Exported::No("not about customers");
const NOBODY: AtClosing = AtClosing::Stays("not about customers");

/// A table of the registry: with the account, and nothing of customers, until more is said.
pub(super) const fn registry(
    name: &'static str,
    holds: &'static str,
    purpose: &'static str,
) -> Table {
    Table {
        store: Store::Registry,
        name,
        holds,
        purpose,
        kept: Kept::WithAccount,
        exported: NOT_OF_CUSTOMERS,
        at_closing: NOBODY,
    }
}

/// What the operator's own business needs: no customer's data.
pub(super) const fn business(
    name: &'static str,
    holds: &'static str,
    purpose: &'static str,
) -> Table {
    Table { kept: Kept::Always, ..registry(name, holds, purpose) }
}

impl Table {
    pub(super) const fn kept(self, kept: Kept) -> Self {
        Self { kept, ..self }
    }

    pub(super) const fn exported(self, exported: Exported) -> Self {
        Self { exported, ..self }
    }

    pub(super) const fn at_closing(self, at_closing: AtClosing) -> Self {
        Self { at_closing, ..self }
    }

    /// Whether it holds something of a person.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        !self.holds.is_empty()
    }
}

/// Kept until `after` an instant, which `sweep` looks at.
pub(super) const fn until(words: &'static str, after: Micros, sweep: &'static str) -> Kept {
    Kept::Until { words, sweep, after }
}

/// Rows in a customer's copy.
pub(super) const fn rows(
    name: &'static str,
    select: &'static str,
    columns: &'static [(&'static str, As)],
) -> Exported {
    Exported::Rows { name, select, columns }
}

/// Two lists as one.
pub(super) const fn joined<const COUNT: usize>(first: &[Table], then: &[Table]) -> [Table; COUNT] {
    let mut all = [then[0]; COUNT];
    let mut place = 0;
    while place < COUNT {
        all[place] = if place < first.len() { first[place] } else { then[place - first.len()] };
        place += 1;
    }
    all
}
