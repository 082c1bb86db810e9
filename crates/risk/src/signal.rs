//! The catalogue of signals, and their values at one act.
//!
//! A signal that is not known at an act has no value; a rule that needs it does what its
//! `on_unknown` says. `has(ip.country)` asks whether it is known.

use cel::common::types::{CelBool, CelInt, CelString};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::window::is_counted;

/// The type of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A whole number: a count, yen, minutes.
    Int,
    /// Yes or no.
    Bool,
    /// A word.
    Text,
}

macro_rules! signals {
    ($( $name:ident = $word:literal, $kind:ident, $unit:literal, $doc:literal, $ja:literal; )*) => {
        /// A named, typed, documented value.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Signal { $( #[doc = $doc] $name, )* }

        impl Signal {
            /// Every signal there is, in the order of their names.
            pub const ALL: &'static [Self] = &[$( Self::$name, )*];

            /// Its name in rules and records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            /// Its type.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $( Self::$name => Kind::$kind, )* }
            }

            /// What one of it is.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $( Self::$name => $unit, )* }
            }

            /// What it says.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $( Self::$name => $doc, )* }
            }

            /// The same in Japanese.
            #[must_use]
            pub const fn doc_ja(self) -> &'static str {
                match self { $( Self::$name => $ja, )* }
            }
        }
    };
}

// Sorted by name: `Signal::of` searches by halving, and a test holds the order.
signals! {
    AccountAgeMinutes = "account.age_minutes", Int, "minutes", "Since sign-up.",
        "登録からの時間。";
    AccountCardFailures24h = "account.card_failures_24h", Int, "times", "Cards of this account that were declined or failed 3-D Secure.",
        "このアカウントで拒否された、または3Dセキュアに失敗したカード。";
    AccountCardTries24h = "account.card_tries_24h", Int, "times", "Registrations of cards that this account began.",
        "このアカウントが始めたカード登録。";
    AccountCards30d = "account.cards_30d", Int, "cards", "Different cards registered by this account.",
        "このアカウントに登録されたカードの種類数。";
    AccountContactChanges24h = "account.contact_changes_24h", Int, "times", "Changed phone numbers and e-mail addresses.",
        "電話番号とメールアドレスの変更。";
    AccountFactorChanges24h = "account.factor_changes_24h", Int, "times", "Changed passkeys, passwords and authenticators.",
        "パスキー、パスワード、認証アプリの変更。";
    AccountFailedSignins10m = "account.failed_signins_10m", Int, "times", "Wrong sign-ins on this account.",
        "このアカウントのサインイン失敗。";
    AccountFailedSignins24h = "account.failed_signins_24h", Int, "times", "Wrong sign-ins on this account.",
        "このアカウントのサインイン失敗。";
    AccountIsRecovered24h = "account.is_recovered_24h", Bool, "", "The account was recovered in the last 24 hours.",
        "直近24時間にアカウントが復旧された。";
    AccountNetworks24h = "account.networks_24h", Int, "networks", "Different networks that signed in to this account.",
        "このアカウントにサインインした通信元の数。";
    AccountRefunds30d = "account.refunds_30d", Int, "times", "Refunds that this account received.",
        "このアカウントが受けた返金。";
    ActAmount = "act.amount", Int, "yen", "The amount of this act.",
        "この操作の金額。";
    ActHour = "act.hour", Int, "hour", "The hour in Asia/Tokyo, 0 to 23.",
        "日本時間の時（0〜23）。";
    AsnAccountsFailed1h = "asn.accounts_failed_1h", Int, "accounts", "Different accounts with wrong sign-ins from this autonomous system.",
        "この自律システム（AS）からサインインに失敗したアカウントの数。";
    BalanceAfter = "balance.after", Int, "yen", "What the customer could spend after this act.",
        "この操作のあとにお客様が使える額。";
    CardAccounts30d = "card.accounts_30d", Int, "accounts", "Different accounts that registered or charged this card.",
        "このカードを登録または利用したアカウントの数。";
    CardAgeMinutes = "card.age_minutes", Int, "minutes", "Since the card was registered on this account.",
        "このアカウントにカードが登録されてからの時間。";
    CouponAccountsNetwork24h = "coupon.accounts_network_24h", Int, "accounts", "Different accounts that used a coupon from this network.",
        "この通信元からクーポンを使ったアカウントの数。";
    CouponAccountsNetworkStore24h = "coupon.accounts_network_store_24h", Int, "accounts", "Different accounts of this network that used a coupon in this store. At a register, the network where the account was last signed in.",
        "この通信元から、この店舗でクーポンを使ったアカウントの数。レジでは、最後にサインインした通信元で見ます。";
    CouponAccountsStore1h = "coupon.accounts_store_1h", Int, "accounts", "Different accounts that used a coupon in this store.",
        "この店舗でクーポンを使ったアカウントの数。";
    DeviceAccounts30d = "device.accounts_30d", Int, "accounts", "Different accounts that signed in or up on this phone.",
        "この端末で登録またはサインインしたアカウントの数。";
    DeviceAgeMinutes = "device.age_minutes", Int, "minutes", "Since this phone was enrolled.",
        "この端末が登録されてからの時間。";
    IpAsn = "ip.asn", Int, "number", "The autonomous system of the address.",
        "アドレスの自律システム（AS）番号。";
    IpCountry = "ip.country", Text, "ISO 3166-1 alpha-2", "The country of the address.",
        "アドレスの国。";
    NetworkAccounts30d = "network.accounts_30d", Int, "accounts", "Different accounts that this network was seen with; 64 stands for more.",
        "この通信元で見られたアカウントの数。64はそれ以上を表します。";
    NetworkAccountsFailed10m = "network.accounts_failed_10m", Int, "accounts", "Different accounts with wrong sign-ins from this network.",
        "この通信元からサインインに失敗したアカウントの数。";
    NetworkCardFailures1h = "network.card_failures_1h", Int, "times", "Cards declined or failed from this network.",
        "この通信元で拒否または失敗したカード。";
    NetworkCardTries1h = "network.card_tries_1h", Int, "times", "Registrations of cards begun from this network.",
        "この通信元から始まったカード登録。";
    NetworkCards1h = "network.cards_1h", Int, "cards", "Different cards tried from this network.",
        "この通信元で試されたカードの種類数。";
    NetworkSignups24h = "network.signups_24h", Int, "times", "Sign-ups from this network.",
        "この通信元からの新規登録。";
    ReceiveSenders24h = "receive.senders_24h", Int, "accounts", "Different customers whose sendings the receiver took.",
        "受け取り手に送金した、別々のお客様の数。";
    ReceiveYen24h = "receive.yen_24h", Int, "yen", "Taken by the receiver of what others sent.",
        "受け取り手が受け取った額。";
    ReceiverAgeMinutes = "receiver.age_minutes", Int, "minutes", "Since the receiver signed up.",
        "受け取り手の登録からの時間。";
    RefundAccountCount24h = "refund.account_count_24h", Int, "times", "Refunds that this account received.",
        "このアカウントが受けた返金。";
    RefundOtherSales24h = "refund.other_sales_24h", Int, "sales", "Different other sales of this store that were refunded to this account.",
        "この店舗からこのアカウントへ返金された、ほかの売上の数。";
    RefundOtherSales30d = "refund.other_sales_30d", Int, "sales", "Different other sales of this store that were refunded to this account.",
        "この店舗からこのアカウントへ返金された、ほかの売上の数。";
    RefundTerminalCount24h = "refund.terminal_count_24h", Int, "times", "Refunds at this terminal.",
        "このレジ端末での返金。";
    RefundTerminalYen24h = "refund.terminal_yen_24h", Int, "yen", "Refunded at this terminal.",
        "このレジ端末で返金した額。";
    RiskScore = "risk.score", Int, "points", "The sum of all rules that give points; not for those themselves.",
        "点数を付けるすべてのルールの合計。それらのルール自身では使えません。";
    SaleLargestItem = "sale.largest_item", Int, "yen", "The largest line of the sale, if the till sent lines.",
        "売上のうち最も高い明細（レジが明細を送った場合）。";
    SaleMostPieces = "sale.most_pieces", Int, "pieces", "The most pieces of one article, if the till sent lines.",
        "同じ商品の最大の点数（レジが明細を送った場合）。";
    SendCount1h = "send.count_1h", Int, "times", "Sent by this account.",
        "このアカウントが送った回数。";
    SendYen24h = "send.yen_24h", Int, "yen", "Sent by this account.",
        "このアカウントが送った額。";
    SessionFactor = "session.factor", Text, "", "How the session was signed in: passkey, password_totp, external_totp.",
        "サインインの方法：passkey、password_totp、external_totp。";
    SessionNewNetwork = "session.new_network", Bool, "", "The account was never signed in to from this network before.",
        "このアカウントに、この通信元からサインインしたことがない。";
    SinceCardRegisterMinutes = "since.card_register_minutes", Int, "minutes", "Since this account last registered a card.",
        "このアカウントが最後にカードを登録してからの時間。";
    SinceFactorChangeMinutes = "since.factor_change_minutes", Int, "minutes", "Since the last change of a factor.",
        "本人確認の方法を最後に変えてからの時間。";
    SinceReceiveMinutes = "since.receive_minutes", Int, "minutes", "Since the receiver last took what somebody sent.",
        "受け取り手が最後に送金を受け取ってからの時間。";
    SinceTopupCardMinutes = "since.topup_card_minutes", Int, "minutes", "Since the last top-up by card of this account.",
        "このアカウントが最後にカードでチャージしてからの時間。";
    SinceTopupMinutes = "since.topup_minutes", Int, "minutes", "Since the last top-up of this account.",
        "このアカウントが最後にチャージしてからの時間。";
    SpendCount10m = "spend.count_10m", Int, "times", "Payments of this account.",
        "このアカウントの支払い。";
    SpendStores1h = "spend.stores_1h", Int, "stores", "Different stores where this account paid.",
        "このアカウントが支払った店舗の数。";
    SpendYen1h = "spend.yen_1h", Int, "yen", "Paid by this account.",
        "このアカウントが支払った額。";
    SpendYen24h = "spend.yen_24h", Int, "yen", "Paid by this account.",
        "このアカウントが支払った額。";
    StoreKmFromLast = "store.km_from_last", Int, "kilometres", "From the store of the account's payment before, within the last hour.",
        "1時間以内の、ひとつ前の支払いの店舗からの距離。";
    TerminalSalesYen24h = "terminal.sales_yen_24h", Int, "yen", "Sold at this terminal.",
        "このレジ端末の売上額。";
    TerminalWrongCodes10m = "terminal.wrong_codes_10m", Int, "times", "Payment codes that this terminal sent and that were wrong.",
        "このレジ端末が送った、誤った支払いコード。";
    TopupCardCount10m = "topup.card_count_10m", Int, "times", "Card top-ups of this account.",
        "このアカウントのカードチャージ。";
    TopupCardCount1h = "topup.card_count_1h", Int, "times", "Card top-ups of this account.",
        "このアカウントのカードチャージ。";
    TopupCardYen24h = "topup.card_yen_24h", Int, "yen", "Topped up by card.",
        "カードでチャージした額。";
    TopupYen1h = "topup.yen_1h", Int, "yen", "Topped up in any way.",
        "チャージした額（すべての方法）。";
}

impl Signal {
    /// The signal of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let found = Self::ALL.binary_search_by(|signal| signal.as_str().cmp(name));
        found.ok().map(|index| Self::ALL[index])
    }
}

#[derive(Clone, Debug)]
enum Value {
    Int(CelInt),
    Bool(CelBool),
    Text(CelString<'static>),
}

impl Value {
    fn entry<M: SerializeMap>(&self, signal: Signal, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Int(value) => map.serialize_entry(signal.as_str(), value.inner()),
            Self::Bool(value) => map.serialize_entry(signal.as_str(), value.inner()),
            Self::Text(value) => map.serialize_entry(signal.as_str(), value.inner()),
        }
    }
}

/// The values known at one act.
#[derive(Clone, Debug)]
pub struct Signals(Box<[Option<Value>]>);

impl Default for Signals {
    fn default() -> Self {
        Self(vec![None; Signal::ALL.len()].into())
    }
}

/// What stands before a signal's name to ask whether it is known. Not a CEL identifier, so no
/// rule can write it by itself.
pub(crate) const KNOWN: &str = "has ";

impl Signals {
    /// Sets a number.
    ///
    /// # Panics
    /// If the signal is no number: a mistake of the program, not of its input.
    pub fn set_int(&mut self, signal: Signal, value: i64) {
        assert!(signal.kind() == Kind::Int, "{} is no number", signal.as_str());
        self.0[signal as usize] = Some(Value::Int(value.into()));
    }

    /// Sets a yes or no.
    ///
    /// # Panics
    /// If the signal is of another type.
    pub fn set_bool(&mut self, signal: Signal, value: bool) {
        assert!(signal.kind() == Kind::Bool, "{} is no yes or no", signal.as_str());
        self.0[signal as usize] = Some(Value::Bool(value.into()));
    }

    /// Sets a word.
    ///
    /// # Panics
    /// If the signal is of another type.
    pub fn set_text(&mut self, signal: Signal, value: &str) {
        assert!(signal.kind() == Kind::Text, "{} is no word", signal.as_str());
        self.0[signal as usize] = Some(Value::Text(value.to_owned().into()));
    }

    /// Whether a value is known.
    #[must_use]
    pub fn knows(&self, signal: Signal) -> bool {
        self.0[signal as usize].is_some()
    }

    /// A word, if it is one and known.
    #[must_use]
    pub fn text(&self, signal: Signal) -> Option<&str> {
        match &self.0[signal as usize] {
            Some(Value::Text(value)) => Some(value.inner()),
            _ => None,
        }
    }

    /// A number, if it is one and known.
    #[must_use]
    pub fn int(&self, signal: Signal) -> Option<i64> {
        match &self.0[signal as usize] {
            Some(Value::Int(value)) => Some(*value.inner()),
            _ => None,
        }
    }
}

impl VariableResolver for Signals {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        if let Some(name) = variable.strip_prefix(KNOWN) {
            let known = Signal::of(name).is_some_and(|signal| self.knows(signal));
            return Some(CowVal::owned(CelBool::from(known)));
        }
        match self.0[Signal::of(variable)? as usize].as_ref()? {
            Value::Int(value) => Some(CowVal::Borrowed(value)),
            Value::Bool(value) => Some(CowVal::Borrowed(value)),
            Value::Text(value) => Some(CowVal::Borrowed(value)),
        }
    }
}

/// As a record keeps them: what is known, by name.
impl Serialize for Signals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (signal, value) in Signal::ALL.iter().zip(&self.0) {
            if let Some(value) = value {
                value.entry(*signal, &mut map)?;
            }
        }
        map.end()
    }
}

/// As a record keeps them, without what its reader can tell: windows that stood at zero.
#[derive(Debug)]
pub struct Sparse<'a>(pub &'a Signals);

impl Serialize for Sparse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (signal, value) in Signal::ALL.iter().zip(&self.0.0) {
            match value {
                Some(Value::Int(value)) if *value.inner() == 0 && is_counted(*signal) => {}
                Some(Value::Bool(value)) if !*value.inner() && is_counted(*signal) => {}
                Some(value) => value.entry(*signal, &mut map)?,
                None => {}
            }
        }
        map.end()
    }
}

/// From a record. Names that are no longer in the catalogue are passed over: a record outlives
/// them. A value of a wrong type is an error.
impl<'de> Deserialize<'de> for Signals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Known;
        impl<'de> Visitor<'de> for Known {
            type Value = Signals;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("signals by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Signals, A::Error> {
                let mut signals = Signals::default();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let Some(signal) = Signal::of(&name) else { continue };
                    let wrong = || de::Error::custom(format!("{name} has a value of a wrong type"));
                    match signal.kind() {
                        Kind::Int => signals.set_int(signal, value.as_i64().ok_or_else(wrong)?),
                        Kind::Bool => signals.set_bool(signal, value.as_bool().ok_or_else(wrong)?),
                        Kind::Text => signals.set_text(signal, value.as_str().ok_or_else(wrong)?),
                    }
                }
                Ok(signals)
            }
        }
        deserializer.deserialize_map(Known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_complete() {
        let names: Vec<_> = Signal::ALL.iter().map(|signal| signal.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for signal in Signal::ALL {
            assert_eq!(Signal::of(signal.as_str()), Some(*signal));
            assert!(signal.doc().ends_with('.'), "{}", signal.as_str());
            assert!(signal.doc_ja().ends_with('。'), "{}", signal.as_str());
            assert_eq!(signal.as_str().split('.').count(), 2, "{}", signal.as_str());
        }
    }

    #[test]
    fn values_come_back_from_their_record() {
        let mut signals = Signals::default();
        signals.set_int(Signal::ActAmount, -5);
        signals.set_bool(Signal::SessionNewNetwork, true);
        signals.set_text(Signal::IpCountry, "JP");
        let text = serde_json::to_string(&signals).unwrap();
        assert_eq!(text, r#"{"act.amount":-5,"ip.country":"JP","session.new_network":true}"#);
        let back: Signals = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
        assert_eq!(back.int(Signal::ActAmount), Some(-5));
        assert!(!back.knows(Signal::IpAsn));
    }

    #[test]
    fn a_record_with_a_float_for_money_is_refused_and_an_old_name_passed_over() {
        assert!(serde_json::from_str::<Signals>(r#"{"act.amount":1.5}"#).is_err());
        assert!(serde_json::from_str::<Signals>(r#"{"gone.signal":1.5}"#).is_ok());
    }
}
