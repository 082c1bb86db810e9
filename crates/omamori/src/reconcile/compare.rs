//! Two lists of the same money, and where they differ. Pure.

use std::collections::BTreeMap;

use jiff::civil::Date;

/// Money that one side knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// By which both sides know it.
    pub reference: String,
    /// Yen; below zero where it went back.
    pub yen: i64,
    /// On which day in Japan.
    pub day: Date,
    /// Whether it lies in the period. What lies around it counts only for a reference that has
    /// something in it: clocks differ, and a refund may come after midnight.
    pub inside: bool,
}

/// What does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The other side does not know of it.
    OnlyOurs,
    /// We do not.
    OnlyTheirs,
    /// Both do, with other amounts.
    Amount,
}

impl What {
    /// The word of tables and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnlyOurs => "only_ours",
            Self::OnlyTheirs => "only_theirs",
            Self::Amount => "amount",
        }
    }
}

/// A reference on which the sides differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// By which both sides know it.
    pub reference: String,
    /// The first day on which anybody knows of it, in the period.
    pub day: Date,
    /// How.
    pub what: What,
    /// Our yen.
    pub ours: i64,
    /// Theirs.
    pub theirs: i64,
}

#[derive(Default)]
struct Both {
    ours: Option<i64>,
    theirs: Option<i64>,
    day: Option<Date>,
}

impl Both {
    fn seen(&mut self, line: &Line) {
        if line.inside {
            self.day = Some(self.day.map_or(line.day, |day| day.min(line.day)));
        }
    }
}

/// The differences, in the order of references. Several lines of one reference are one sum.
#[must_use]
pub fn compare(ours: &[Line], theirs: &[Line]) -> Vec<Difference> {
    let mut all: BTreeMap<&str, Both> = BTreeMap::new();
    for line in ours {
        let both = all.entry(&line.reference).or_default();
        *both.ours.get_or_insert(0) += line.yen;
        both.seen(line);
    }
    for line in theirs {
        let both = all.entry(&line.reference).or_default();
        *both.theirs.get_or_insert(0) += line.yen;
        both.seen(line);
    }
    let differs = |(reference, both): (&str, Both)| {
        let (ours, theirs) = (both.ours.unwrap_or(0), both.theirs.unwrap_or(0));
        let what = match (both.ours, both.theirs) {
            // Nothing, told by one side alone, is nothing: charged and given back.
            _ if ours == theirs => return None,
            (Some(_), None) => What::OnlyOurs,
            (None, Some(_)) => What::OnlyTheirs,
            _ => What::Amount,
        };
        Some(Difference { reference: reference.to_owned(), day: both.day?, what, ours, theirs })
    };
    all.into_iter().filter_map(differs).collect()
}

/// How many lines lie in the period, and their sum.
#[must_use]
pub fn totals(lines: &[Line]) -> (i64, i64) {
    let inside = || lines.iter().filter(|line| line.inside);
    (i64::try_from(inside().count()).unwrap_or(i64::MAX), inside().map(|line| line.yen).sum())
}
