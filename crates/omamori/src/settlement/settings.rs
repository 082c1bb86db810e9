//! What the operator sets about settlements.

use omamori_zengin::{
    Account, AccountKind, AccountNumber, BankCode, BranchCode, Kana, Office, Sender,
};
use serde::Deserialize;

use super::terms::Terms;

/// How a fraction of a yen of consumption tax is rounded, once a statement (消費税法施行令70条の10:
/// once an invoice and rate, in the issuer's way).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Towards zero (切捨て).
    #[default]
    Down,
    /// To the nearest, halves up (四捨五入).
    HalfUp,
    /// Away from zero (切上げ).
    Up,
}

impl Rounding {
    /// `amount × per ÷ whole`, rounded by its absolute value, so that a refund is the mirror of a
    /// sale.
    #[must_use]
    pub fn share(self, amount: i64, per: i64, whole: i64) -> i64 {
        let product = i128::from(amount.unsigned_abs()) * i128::from(per);
        let whole = i128::from(whole);
        let added = match self {
            Self::Down => 0,
            Self::HalfUp => whole / 2,
            Self::Up => whole - 1,
        };
        let share = i64::try_from((product + added) / whole).unwrap_or(i64::MAX);
        if amount < 0 { -share } else { share }
    }
}

/// Settlements.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SettlementSettings {
    /// The terms of merchants that have none of their own.
    pub terms: Terms,
    /// Consumption tax on the fee, percent.
    pub tax_percent: i64,
    /// How its fractions are rounded.
    pub tax_rounding: Rounding,
    /// For so many days nothing is paid to an account that was just changed.
    pub account_wait_days: i64,
    /// Who pays, for the file to the bank. Without it there is no file.
    pub sender: Option<SenderSettings>,
}

impl Default for SettlementSettings {
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            tax_percent: 10,
            tax_rounding: Rounding::Down,
            account_wait_days: 3,
            sender: None,
        }
    }
}

impl SettlementSettings {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// What to mend.
    pub fn check(&self) -> Result<(), String> {
        if !(0..=100).contains(&self.tax_percent) {
            return Err("settlement.tax_percent must be 0 to 100".to_owned());
        }
        if !(1..=90).contains(&self.account_wait_days) {
            return Err("settlement.account_wait_days must be 1 to 90".to_owned());
        }
        if self.terms.check().is_err() {
            return Err("settlement.terms are out of range".to_owned());
        }
        let sender = self.sender.as_ref().map(SenderSettings::sender).transpose();
        sender.map(drop).map_err(|what| format!("settlement.sender: {what}"))
    }
}

/// The operator's account at its bank, as the bank wrote it down for transfers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// The number that the bank gave (委託者コード), up to ten digits.
    pub code: u64,
    /// The name, in kana.
    pub name: String,
    /// Four digits.
    pub bank: String,
    /// In kana; may be empty.
    #[serde(default)]
    pub bank_name: String,
    /// Three digits.
    pub branch: String,
    /// In kana; may be empty.
    #[serde(default)]
    pub branch_name: String,
    /// Whether it is a current account (当座); an ordinary one if not.
    #[serde(default)]
    pub is_current: bool,
    /// Seven digits.
    pub number: String,
}

impl SenderSettings {
    /// As the file has it.
    ///
    /// # Errors
    /// What does not fit.
    pub fn sender(&self) -> Result<Sender, String> {
        let kana = |text: &str| Kana::convert(text).map_err(|error| error.to_string());
        let of = |error: omamori_zengin::OutOfRange| error.to_string();
        let office = Office {
            bank: BankCode::parse(&self.bank).map_err(of)?,
            bank_name: kana(&self.bank_name)?,
            branch: BranchCode::parse(&self.branch).map_err(of)?,
            branch_name: kana(&self.branch_name)?,
        };
        let kind = if self.is_current { AccountKind::Current } else { AccountKind::Ordinary };
        let number = AccountNumber::parse(&self.number).map_err(of)?;
        let name = kana(&self.name)?;
        if name.width() == 0 || name.width() > 40 || self.code > 9_999_999_999 {
            return Err("name (1 to 40 characters) or code (up to ten digits)".to_owned());
        }
        if office.bank_name.width() > 15 || office.branch_name.width() > 15 {
            return Err("names of bank and branch have at most 15 characters".to_owned());
        }
        Ok(Sender { code: self.code, name, account: Account { office, kind, number } })
    }
}
