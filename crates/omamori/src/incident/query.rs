//! The question whom an incident touched: a span of time and groups of conditions. A decision
//! matches if all conditions of one group hold; a customer is found if one of their decisions does.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::Condition;
use crate::alert;
use crate::app::App;
use crate::case;
use crate::clock::{DAY, HOUR, Micros};
use crate::id::Kind;
use crate::notify::fill;
use crate::web::error::{Error, Result};
use crate::web::filters::japan;
use crate::web::text::Text;

const GROUPS_MAX: usize = 50;
const CONDITIONS_MAX: usize = 8;
/// The longest span that is looked through, and the longest time of an incident.
pub(super) const SPAN_MAX: Micros = 92 * DAY;

/// Which money of the customers found is disputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CohortMoney)]
pub enum Money {
    /// Only what was decided by a record that matches.
    Matched,
    /// All that moved from the first match on, until the end of the span: the largest extent.
    After,
}

/// The question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The first instant.
    pub from: Micros,
    /// The first instant after it; none for as long as is looked.
    pub until: Option<Micros>,
    /// Which money.
    pub money: Money,
    /// Any of these, each with all of its conditions.
    pub any: Vec<Vec<Condition>>,
}

/// The question as a person writes it: a group a line, its conditions between spaces.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CohortQuestion)]
pub struct Asked {
    /// Microseconds UTC.
    pub from: Micros,
    /// The same.
    #[serde(default)]
    pub until: Option<Micros>,
    /// Which money.
    pub money: Money,
    /// `device:dev_… act:payment`, a group a line.
    pub conditions: String,
}

impl Asked {
    /// The question, typed.
    ///
    /// # Errors
    /// A field that says nothing, or says what cannot be.
    pub fn read(&self) -> Result<Query> {
        let malformed = |field: &str| Error::field(field, "malformed");
        let mut any = Vec::new();
        for line in self.conditions.lines().filter(|line| !line.trim().is_empty()) {
            let words = line.split_whitespace().filter(|word| *word != "&");
            let group: Option<Vec<_>> = words.map(Condition::parse).collect();
            let group = group.filter(|group| group.len() <= CONDITIONS_MAX);
            any.push(group.ok_or_else(|| malformed("conditions"))?);
        }
        if any.is_empty() || any.len() > GROUPS_MAX {
            return Err(malformed("conditions"));
        }
        let query = Query { from: self.from, until: self.until, money: self.money, any };
        if query.from <= 0 || query.until.is_some_and(|until| until <= query.from) {
            return Err(Error::field("until", "out_of_range"));
        }
        if query.until.is_some_and(|until| until - query.from > SPAN_MAX) {
            return Err(Error::field("until", "out_of_range"));
        }
        Ok(query)
    }
}

impl Query {
    /// Until when decisions are looked at, if they are looked at until `at`.
    #[must_use]
    pub fn end(&self, at: Micros) -> Micros {
        self.until.unwrap_or(at.saturating_add(1)).min(self.from.saturating_add(SPAN_MAX))
    }

    /// As it was written: a group a line.
    #[must_use]
    pub fn written(&self) -> String {
        let group = |group: &Vec<Condition>| {
            group.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        self.any.iter().map(group).collect::<Vec<_>>().join("\n")
    }

    /// In words, a line for the span and the money and one for each group.
    #[must_use]
    pub fn words(&self, text: Text) -> Vec<String> {
        let moment = |at: Micros| japan(at).strftime("%Y/%m/%d %H:%M").to_string();
        let until = self.until.map_or_else(|| text.t("incident.now").to_owned(), moment);
        let span = [("from", moment(self.from)), ("until", until)];
        let money = match self.money {
            Money::Matched => text.t("incident.money_matched"),
            Money::After => text.t("incident.money_after"),
        };
        let mut lines = vec![format!("{} {money}", fill(text.t("incident.span"), &span))];
        for group in &self.any {
            let condition = |one: &Condition| {
                format!("{} {}", text.named("incident.is_", one.word()), one.value())
            };
            let words: Vec<_> = group.iter().map(condition).collect();
            lines.push(words.join(text.t("incident.and")));
        }
        lines
    }

    /// All that a case, an alert, a phone, a network, a store or somebody touched.
    ///
    /// # Errors
    /// A fault if the registry fails.
    pub async fn touching(app: &App, what: &str) -> Result<Option<Self>> {
        let now = app.clock.now();
        let (registry, what) = (&app.stores.registry, what.trim());
        let any = |from: Micros, any: Vec<Vec<Condition>>| {
            (!any.is_empty()).then_some(Self { from, until: None, money: Money::After, any })
        };
        if Kind::Case.parse(what).is_some() {
            let Some(case) = case::find(registry, what).await? else { return Ok(None) };
            let seen = case::evidence::of(registry, what).await?;
            let decision = &seen["decision"];
            let pointed = [
                case.customer_id.map(Condition::Customer),
                decision["device"].as_str().and_then(Condition::parse),
                decision["detail"]["ip"].as_str().and_then(Condition::parse),
            ];
            let groups = pointed.into_iter().flatten().map(|one| vec![one]).collect();
            return Ok(any(case.opened_at - DAY, groups));
        }
        if Kind::Alert.parse(what).is_some() {
            let Some(alert) = alert::find(registry, what).await? else { return Ok(None) };
            let pointed = match alert.kind.as_str() {
                "risk_rule" => Condition::parse(&format!("rule:{}", alert.subject)),
                "attack_wave" => Condition::parse("act:sign_in"),
                _ => None,
            };
            let groups = pointed.into_iter().map(|one| vec![one]).collect();
            return Ok(any(alert.first_at - HOUR, groups));
        }
        let group = Condition::parse(what).map(|one| vec![one]);
        Ok(any(now - DAY, group.into_iter().collect()))
    }
}
