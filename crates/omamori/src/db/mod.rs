//! The stores (what, where, which schema) and their migrations.
//!
//! journal and ledger views belong to `omamori-ledger`; here are the registry (who and what) and
//! the evidence (why). On SQLite each store is a file; on PostgreSQL they share one database.

pub mod changes;

use std::path::Path;

use omamori_db::{Db, Durability, Result, Step};

use crate::config::Store;

/// A step of a schema, from its file under `migrations/`.
macro_rules! step {
    ($version:literal, $name:literal, $file:literal) => {
        Step {
            version: $version,
            name: $name,
            text: include_str!(concat!("../../../../migrations/", $file)),
        }
    };
}

/// The registry's schema, step by step. Applied steps are never edited.
pub const REGISTRY: &[Step] = &[
    step!(1, "customers", "registry/0001_customers.sql"),
    step!(2, "merchants", "registry/0002_merchants.sql"),
    step!(3, "changes", "registry/0003_changes.sql"),
    step!(4, "notices", "registry/0004_notices.sql"),
    step!(5, "moves", "registry/0005_moves.sql"),
    step!(6, "passwords", "registry/0006_passwords.sql"),
    step!(7, "factors", "registry/0007_factors.sql"),
    step!(8, "external", "registry/0008_external.sql"),
    step!(9, "closings", "registry/0009_closings.sql"),
    step!(10, "money notices", "registry/0010_money_notices.sql"),
    step!(11, "staff", "registry/0011_staff.sql"),
    step!(12, "audit", "registry/0012_audit.sql"),
    step!(13, "cards", "registry/0013_cards.sql"),
    step!(15, "value", "registry/0015_value.sql"),
    step!(16, "campaigns", "registry/0016_campaigns.sql"),
    step!(17, "sends", "registry/0017_sends.sql"),
    step!(18, "controls", "registry/0018_controls.sql"),
    step!(19, "own limits", "registry/0019_own_limits.sql"),
    step!(20, "auto top-ups", "registry/0020_auto_topups.sql"),
    step!(21, "orders", "registry/0021_orders.sql"),
    step!(22, "store qr", "registry/0022_store_qr.sql"),
    step!(24, "webhooks", "registry/0024_webhooks.sql"),
    step!(25, "checkout", "registry/0025_checkout.sql"),
    step!(26, "cases", "registry/0026_cases.sql"),
    step!(28, "risk rules", "registry/0028_risk_rules.sql"),
    step!(29, "act confirmations", "registry/0029_act_confirmations.sql"),
    step!(30, "waiting room", "registry/0030_waiting_room.sql"),
    step!(31, "alerts", "registry/0031_alerts.sql"),
    step!(33, "settlements", "registry/0033_settlements.sql"),
    step!(35, "published texts", "registry/0035_published_texts.sql"),
    step!(36, "incidents", "registry/0036_incidents.sql"),
    step!(37, "incident acts", "registry/0037_incident_acts.sql"),
    step!(38, "incident paid", "registry/0038_incident_paid.sql"),
    step!(40, "merchant people", "registry/0040_merchant_people.sql"),
    step!(41, "payout account changes", "registry/0041_payout_account_changes.sql"),
    step!(42, "reconciliations", "registry/0042_reconciliations.sql"),
    step!(43, "terms confirmations", "registry/0043_terms_confirmations.sql"),
    step!(44, "service end", "registry/0044_service_end.sql"),
    step!(45, "refunds", "registry/0045_refunds.sql"),
    step!(47, "sale holds", "registry/0047_sale_holds.sql"),
    step!(48, "incident rounds", "registry/0048_incident_rounds.sql"),
    step!(49, "incident counting", "registry/0049_incident_counting.sql"),
    step!(50, "settlement runs", "registry/0050_settlement_runs.sql"),
    step!(51, "webhook turns", "registry/0051_webhook_turns.sql"),
    step!(52, "incident findings", "registry/0052_incident_findings.sql"),
    step!(54, "stops", "registry/0054_stops.sql"),
    step!(55, "closing_refunds", "registry/0055_closing_refunds.sql"),
    step!(56, "refund files taken", "registry/0056_refund_files_taken.sql"),
    step!(57, "card prints", "registry/0057_card_prints.sql"),
    step!(58, "chargeback returns", "registry/0058_chargeback_returns.sql"),
    step!(59, "refused payouts", "registry/0059_refused_payouts.sql"),
    step!(60, "merchant notices", "registry/0060_merchant_notices.sql"),
    step!(61, "incident receivers", "registry/0061_incident_receivers.sql"),
];

/// The evidence's schema, step by step.
pub const EVIDENCE: &[Step] = &[
    step!(1, "decisions", "evidence/0001_decisions.sql"),
    step!(3, "decision seals", "evidence/0003_decision_seals.sql"),
];

/// Open connections to all stores.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Value: every batch, append only.
    pub journal: Db,
    /// Derived from the others; may be deleted.
    pub views: Db,
    /// Who and what. Never a balance.
    pub registry: Db,
    /// Why: decisions with their signals.
    pub evidence: Db,
}

impl Stores {
    /// Opens all stores and brings their schemas up to date.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn open(store: &Store) -> Result<Self> {
        let stores = Self::open_as_they_are(store).await?;
        stores.registry.migrate("registry", REGISTRY).await?;
        stores.evidence.migrate("evidence", EVIDENCE).await?;
        Ok(stores)
    }

    /// Opens all stores with the schemas that they have: beside a running service, whose version
    /// may be another.
    ///
    /// # Errors
    /// [`omamori_db::Error`].
    pub async fn open_as_they_are(store: &Store) -> Result<Self> {
        match store {
            Store::Sqlite { folder } => Self::open_folder(folder).await,
            Store::Postgres { address } => {
                let db = Db::open(address.reveal(), Durability::Full).await?;
                Ok(Self {
                    journal: db.clone(),
                    views: db.clone(),
                    registry: db.clone(),
                    evidence: db,
                })
            }
        }
    }

    async fn open_folder(folder: &Path) -> Result<Self> {
        let file = |name: &str| format!("sqlite:{}", folder.join(name).display());
        Ok(Self {
            journal: Db::open(&file("journal.sqlite"), Durability::Full).await?,
            views: Db::open(&file("views.sqlite"), Durability::Rebuildable).await?,
            registry: Db::open(&file("registry.sqlite"), Durability::Full).await?,
            evidence: Db::open(&file("evidence.sqlite"), Durability::Full).await?,
        })
    }

    /// Closes all; what is open finishes first.
    pub async fn close(&self) {
        for db in [&self.journal, &self.views, &self.registry, &self.evidence] {
            db.close().await;
        }
    }
}
