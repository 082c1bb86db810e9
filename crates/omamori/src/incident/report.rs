//! What is told of an incident: to everybody, to a victim, to the authority, to the board. Every
//! figure is the cohort's as it stands; words of staff are only the cause and what was restored.
//!
//! A report is a list of blocks, rendered as Markdown here and as a page by the console.

use super::act::{self, Planned, Progress};
use super::cohort::Lists;
use super::log::{Line, Times, timeline};
use super::row::Incident;
use crate::app::App;
use crate::clock::{DAY, MINUTE, Micros};
use crate::console::{Plot, draw};
use crate::notify::fill;
use crate::web::codes::Code;
use crate::web::error::Result;
use crate::web::filters::{japan, yen_text};
use crate::web::text::Text;

/// For whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everybody: a draft of a notice.
    Public,
    /// A victim.
    Letter,
    /// The Financial Services Agency (GL Ⅱ-3-1-1-2⑽: largest possible extent, state, cause).
    Authority,
    /// The operator's board.
    Board,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 4] = [Self::Public, Self::Letter, Self::Authority, Self::Board];

    /// The word of addresses and texts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Letter => "letter",
            Self::Authority => "authority",
            Self::Board => "board",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A table.
pub struct Table {
    /// What it is.
    pub name: String,
    /// The heads of its columns.
    pub head: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// A part of a report.
pub enum Block {
    /// Words.
    Words(String),
    /// Names with values.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Table),
    /// A plot.
    Plot(Plot),
}

/// A report.
pub struct Report {
    /// Its title.
    pub title: String,
    /// Its parts.
    pub blocks: Vec<Block>,
}

/// What all reports are made from.
struct Source {
    incident: Incident,
    lists: Lists,
    lines: Vec<Line>,
    times: Times,
    acts: Vec<(Planned, Progress)>,
    issuer: String,
    now: Micros,
    text: Text,
}

fn moment(at: Micros) -> String {
    japan(at).strftime("%Y/%m/%d %H:%M").to_string()
}

impl Report {
    /// Writes a report of an incident; a letter to one customer, if one is named.
    ///
    /// # Errors
    /// [`Code::NotFound`]: the customer is no victim; a fault.
    pub async fn of(
        app: &App,
        incident: &Incident,
        kind: Kind,
        customer: Option<&str>,
        text: Text,
    ) -> Result<Self> {
        let registry = &app.stores.registry;
        let lines = timeline(registry, incident).await?;
        let mut acts = Vec::new();
        for planned in act::of(registry, &incident.incident_id).await? {
            let progress = act::progress(registry, &planned.act_id).await?;
            acts.push((planned, progress));
        }
        let source = Source {
            lists: Lists::read(registry, &incident.incident_id).await?,
            times: Times::of(&lines),
            issuer: app.config.issuer_name.clone(),
            incident: incident.clone(),
            now: app.clock.now(),
            lines,
            acts,
            text,
        };
        let blocks = match kind {
            Kind::Public => source.public(),
            Kind::Letter => source.letter(customer)?,
            Kind::Authority => source.authority(),
            Kind::Board => source.board(),
        };
        let title = fill(&text.named("incident.report_title_", kind.as_str()), &source.values());
        Ok(Self { title, blocks })
    }

    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n", escaped(&self.title));
        for block in &self.blocks {
            text.push('\n');
            match block {
                Block::Words(words) => text.push_str(&format!("{}\n", escaped(words))),
                Block::Facts(facts) => {
                    for (name, value) in facts {
                        text.push_str(&format!("- **{}**: {}\n", escaped(name), escaped(value)));
                    }
                }
                Block::Table(table) => {
                    text.push_str(&format!("## {}\n\n", escaped(&table.name)));
                    let row = |cells: &[String]| {
                        let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
                        format!("| {} |\n", cells.join(" | "))
                    };
                    text.push_str(&row(&table.head));
                    text.push_str(&format!("|{}\n", "---|".repeat(table.head.len())));
                    table.rows.iter().for_each(|cells| text.push_str(&row(cells)));
                }
                Block::Plot(plot) => {
                    for bar in plot.bars.iter().filter(|bar| bar.height > 0) {
                        text.push_str(&format!("- {}\n", escaped(&bar.title)));
                    }
                }
            }
        }
        text
    }
}

/// Nothing that staff or stores wrote becomes markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => safe.push(' '),
            '|' | '<' | '>' | '*' | '_' | '`' | '[' | ']' | '(' | ')' | '#' | '\\' => {
                safe.push('\\');
                safe.push(c);
            }
            c => safe.push(c),
        }
    }
    safe
}

impl Source {
    /// What texts have places for.
    fn values(&self) -> Vec<(&'static str, String)> {
        let extent = &self.lists.extent;
        let last = extent.last_loss_at.map_or_else(|| "–".to_owned(), moment);
        vec![
            ("issuer", self.issuer.clone()),
            ("kind", self.text.named("incident.kind_", self.incident.kind.as_str())),
            ("from", moment(self.times.began)),
            ("until", last),
            ("customers", extent.customers.to_string()),
            ("loss", yen_text(extent.loss)),
            ("at", moment(self.now)),
        ]
    }

    fn words(&self, key: &str) -> Block {
        Block::Words(fill(self.text.t(key), &self.values()))
    }

    fn fact(&self, key: &str, value: impl Into<String>) -> (String, String) {
        (self.text.t(key).to_owned(), value.into())
    }

    fn optional(&self, key: &str, at: Option<Micros>) -> (String, String) {
        self.fact(key, at.map_or_else(|| "–".to_owned(), moment))
    }

    fn public(&self) -> Vec<Block> {
        vec![
            self.words("incident.public_intro"),
            Block::Facts(self.extent()),
            self.doors(),
            self.words("incident.public_compensation"),
            self.words("incident.public_check"),
            self.words("incident.public_contact"),
        ]
    }

    fn extent(&self) -> Vec<(String, String)> {
        let extent = &self.lists.extent;
        vec![
            self.fact("incident.first_event", moment(self.times.began)),
            self.optional("incident.last_loss", extent.last_loss_at),
            self.fact("incident.extent_customers", extent.customers.to_string()),
            self.fact("incident.extent_loss", yen_text(extent.loss)),
            self.fact("incident.as_of", moment(self.now)),
        ]
    }

    fn letter(&self, customer: Option<&str>) -> Result<Vec<Block>> {
        let mut blocks = vec![self.words("incident.letter_intro")];
        if let Some(customer) = customer {
            let is_victim = |state: &str| state == "confirmed";
            let mut members = self.lists.members.iter();
            members
                .find(|member| member.customer_id == customer && is_victim(&member.state))
                .ok_or(Code::NotFound)?;
            let moves = self.lists.moves.iter().filter(|one| one.customer_id == customer);
            let row = |one: &super::moves::Move| {
                let kind = self.text.named("entry.", &one.kind);
                vec![moment(one.at), kind, yen_text(one.came - one.gone())]
            };
            blocks.push(self.table(
                "incident.letter_moves",
                &["incident.at", "incident.way", "incident.yen"],
                moves.map(row).collect(),
            ));
            let loss = yen_text(self.lists.losses().get(customer).copied().unwrap_or_default());
            blocks.push(Block::Facts(vec![self.fact("incident.letter_loss", loss)]));
        }
        blocks.push(self.words("incident.letter_compensation"));
        blocks.push(self.words("incident.letter_advice"));
        blocks.push(self.words("incident.public_contact"));
        Ok(blocks)
    }

    fn authority(&self) -> Vec<Block> {
        let (incident, lists) = (&self.incident, &self.lists);
        let or_open = |words: &str| match words {
            "" => self.text.t("incident.under_investigation").to_owned(),
            words => words.to_owned(),
        };
        let told = lists.members.iter().filter(|member| member.told_at.is_some()).count();
        let mut facts = vec![
            self.fact("incident.issuer", self.issuer.clone()),
            self.fact("incident.number", incident.incident_id.clone()),
            self.fact("incident.title_field", incident.title.clone()),
            self.fact("incident.kind", self.text.named("incident.kind_", incident.kind.as_str())),
        ];
        facts.extend(self.extent());
        facts.extend([
            self.optional("incident.first_alert", self.times.first_alert),
            self.optional("incident.first_door", self.times.first_door),
            self.fact("incident.confirmed_customers", lists.confirmed.customers.to_string()),
            self.fact("incident.confirmed_loss", yen_text(lists.confirmed.loss)),
            self.fact("incident.told", told.to_string()),
            self.optional("incident.published", incident.published_at),
            self.fact("incident.cause", or_open(&incident.cause)),
            self.fact("incident.standing", or_open(&incident.standing)),
            self.fact(
                "incident.state",
                self.text
                    .named("incident.state_", if incident.is_open() { "open" } else { "closed" }),
            ),
            // GL Ⅱ-3-1-1-2⑽: again after a month at the latest; the PPC's terms are 3–5 days, and
            // 60 days where somebody meant it.
            self.fact("incident.next_report", moment(incident.opened_at + 30 * DAY)),
            self.fact("incident.ppc_first", moment(incident.opened_at + 3 * DAY)),
            self.fact("incident.ppc_full", moment(incident.opened_at + 60 * DAY)),
        ]);
        vec![self.words("incident.authority_intro"), Block::Facts(facts), self.doors(), self.acts()]
    }

    fn board(&self) -> Vec<Block> {
        let after = |at: Option<Micros>| {
            at.map_or_else(
                || "–".to_owned(),
                |at| {
                    let minutes = (at - self.times.began).max(0) / MINUTE;
                    let values = [("minutes", minutes.to_string())];
                    format!("{} ({})", moment(at), fill(self.text.t("incident.after"), &values))
                },
            )
        };
        let (lists, confirmed) = (&self.lists, &self.lists.confirmed);
        let clock = vec![
            self.fact("incident.first_event", moment(self.times.began)),
            self.fact("incident.first_alert", after(self.times.first_alert)),
            self.fact("incident.first_door", after(self.times.first_door)),
            self.fact("incident.last_loss", after(lists.extent.last_loss_at)),
            self.fact("incident.extent_customers", lists.extent.customers.to_string()),
            self.fact("incident.extent_loss", yen_text(lists.extent.loss)),
            self.fact("incident.confirmed_customers", confirmed.customers.to_string()),
            self.fact("incident.confirmed_loss", yen_text(confirmed.loss)),
            self.fact("incident.as_of", moment(self.now)),
        ];
        let mut blocks = vec![Block::Words(self.incident.title.clone()), Block::Facts(clock)];
        blocks.extend(plots(&lists.extent).map(Block::Plot));
        let way = |way: &super::figures::ByWay| {
            vec![self.text.named("entry.", &way.way), way.count.to_string(), yen_text(way.yen)]
        };
        let columns = ["incident.way", "incident.times", "incident.yen"];
        let ways = |ways: &[super::figures::ByWay]| ways.iter().map(way).collect();
        blocks.push(self.table("incident.ways_in", &columns, ways(&lists.extent.ways_in)));
        blocks.push(self.table("incident.ways_out", &columns, ways(&lists.extent.ways_out)));
        let store = |store: &super::figures::ByStore| {
            vec![store.store_id.clone(), store.customers.to_string(), yen_text(store.yen)]
        };
        blocks.push(self.table(
            "incident.stores",
            &["incident.store", "incident.customers", "incident.yen"],
            lists.extent.stores.iter().map(store).collect(),
        ));
        let network = |network: &super::figures::ByNetwork| {
            let asn =
                if network.asn == 0 { "–".to_owned() } else { format!("AS{}", network.asn) };
            let country = Some(network.country.clone()).filter(|country| !country.is_empty());
            vec![country.unwrap_or_else(|| "–".to_owned()), asn, network.customers.to_string()]
        };
        blocks.push(self.table(
            "incident.networks",
            &["incident.country", "incident.asn", "incident.customers"],
            lists.extent.networks.iter().map(network).collect(),
        ));
        blocks.push(self.acts());
        blocks.push(self.doors());
        blocks
    }

    fn table(&self, name: &str, head: &[&str], rows: Vec<Vec<String>>) -> Block {
        // An empty table looks as if something were missing.
        let nothing = || vec![vec!["–".to_owned(); head.len()]];
        let rows = if rows.is_empty() { nothing() } else { rows };
        Block::Table(Table {
            name: self.text.t(name).to_owned(),
            head: head.iter().map(|key| self.text.t(key).to_owned()).collect(),
            rows,
        })
    }

    fn doors(&self) -> Block {
        let closed = self.lines.iter().filter(|line| line.event == "door_closed");
        let row = |line: &Line| {
            let door = line.detail.split(' ').next().unwrap_or_default();
            vec![moment(line.at), self.text.named("door.", door)]
        };
        let head = ["incident.at", "incident.door"];
        self.table("incident.doors_closed", &head, closed.map(row).collect())
    }

    fn acts(&self) -> Block {
        let began = self.acts.iter().filter(|(planned, _)| planned.started_at.is_some());
        let row = |(planned, progress): &(Planned, Progress)| {
            vec![
                planned.started_at.map(moment).unwrap_or_default(),
                self.text.named("incident.act_", planned.parameters.kind.as_str()),
                format!("{} / {}", progress.done, planned.rows),
                yen_text(progress.moved),
            ]
        };
        self.table(
            "incident.acts",
            &["incident.at", "incident.act", "incident.progress", "incident.yen"],
            began.rev().map(row).collect(),
        )
    }
}

/// Yen out, yen in and customers over time.
pub fn plots(figures: &super::figures::Figures) -> impl Iterator<Item = Plot> {
    let when = |at: Micros| japan(at).strftime("%m/%d %H:%M").to_string();
    let of = |figure: fn(&super::figures::ByTime) -> i64| -> Vec<(String, i64)> {
        figures.course.iter().map(|one| (when(one.at), figure(one))).collect()
    };
    [
        draw("incident.plot_out", &of(|one| one.out), yen_text),
        draw("incident.plot_in", &of(|one| one.came), yen_text),
        draw("incident.plot_customers", &of(|one| one.customers), |count| count.to_string()),
    ]
    .into_iter()
}
