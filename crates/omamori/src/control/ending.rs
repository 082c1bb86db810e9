//! The end of the service: from its instant on nothing is paid in, paid or sent. What is owed to
//! customers and stores goes on: refunds, cancels, captures of what was set aside, settlements.

use omamori_db::{Db, sql};

use crate::clock::Micros;
use crate::gate::Act;
use crate::web::filters::japan;

/// An announced end that was not called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// From here on nothing is topped up or paid.
    pub ends_at: Micros,
    /// The first instant after the last day of claims.
    pub claims_until: Micros,
}

/// How far an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Announced.
    Announced,
    /// Use has ended, and refunds are claimed.
    Claims,
    /// No claim is taken any more.
    Over,
}

/// What every page says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Banner {
    /// The end.
    pub ending: Ending,
    /// How far it is.
    pub stage: Stage,
}

impl Banner {
    /// Whether refunds are claimed now.
    #[must_use]
    pub fn takes_claims(&self) -> bool {
        self.stage == Stage::Claims
    }

    /// Whether it is only announced.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.stage == Stage::Announced
    }

    /// Whether use has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !self.is_ahead()
    }

    /// When use ends, as pages have it.
    #[must_use]
    pub fn ends(&self) -> String {
        japan(self.ending.ends_at).strftime("%Y/%m/%d %H:%M").to_string()
    }

    /// The last day of claims, as pages have it.
    #[must_use]
    pub fn last_day(&self) -> String {
        japan(self.ending.claims_until - 1).strftime("%Y/%m/%d").to_string()
    }
}

impl Ending {
    /// The one that the registry has.
    pub(super) async fn load(registry: &Db) -> omamori_db::Result<Option<Self>> {
        let query = sql("SELECT ends_at, claims_until FROM service_end WHERE state = 'announced'");
        let row = registry.optional(query).await?;
        row.map(|row| {
            Ok(Self { ends_at: row.int("ends_at")?, claims_until: row.int("claims_until")? })
        })
        .transpose()
    }

    /// How far it is.
    #[must_use]
    pub const fn stage(&self, now: Micros) -> Stage {
        if now < self.ends_at {
            Stage::Announced
        } else if now < self.claims_until {
            Stage::Claims
        } else {
            Stage::Over
        }
    }

    /// What pages say of it now.
    #[must_use]
    pub const fn banner(self, now: Micros) -> Banner {
        Banner { ending: self, stage: self.stage(now) }
    }

    /// Whether it stops an act.
    pub(super) const fn stops(&self, act: Act, now: Micros) -> bool {
        now >= self.ends_at
            && matches!(
                act,
                Act::SignUp
                    | Act::CodeUse
                    | Act::Payment
                    | Act::Authorize
                    | Act::StoreQr
                    | Act::Checkout
                    | Act::Send
                    | Act::SendTake
                    | Act::FriendCodeMake
                    | Act::MoneyRequest
                    | Act::CardRegister
                    | Act::CardAdd
                    | Act::TopupCash
                    | Act::TopupCard
                    | Act::TopupAuto
                    | Act::TopupAtm
                    | Act::AtmClaim
                    | Act::AutoTopupSet
                    | Act::PointsConvert
                    | Act::CouponSet
                    | Act::CampaignCreate
            )
    }
}
