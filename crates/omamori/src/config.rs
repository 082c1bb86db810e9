//! Settings: read once, from one TOML file, checked before anything starts.
//!
//! No setting weakens two-step sign-in or the binding to a phone: there is none to set.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

use crate::alert::AlertSettings;
use crate::case::CaseSettings;
use crate::control::{Door, Scope};
use crate::crowd::CrowdSettings;
use crate::gate::limits::Limits;
use crate::identity::external::ExternalSignIn;
use crate::load::LoadSettings;
use crate::observe::{MetricsSettings, TraceSettings};
use crate::pos::AuthorizationSettings;
use crate::secret::Secret;
use crate::settlement::SettlementSettings;
use crate::value::ValueSettings;

/// Everything an operator may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address customers type, `https://pay.example.jp`; the origin of passkeys and proofs.
    pub public_url: String,
    /// The issuer's name, shown to customers (法13条).
    pub issuer_name: String,
    /// The first six digits of a customer's code.
    pub code_prefix: String,
    /// Level 1 of the numbers in stores' QR codes, 13 digits, as Payments Japan allots it. The
    /// default is nobody's: wallets of others do not take such a code for one of theirs.
    pub jpqr_company: String,
    /// Where things are stored.
    pub store: Store,
    /// For `omamori surge` only, and no setting of the file: the ledger's
    /// `journal_keeps_nothing`.
    #[serde(skip)]
    pub journal_keeps_nothing: bool,
    /// The file with the master key (32 bytes, base64), readable by the service alone.
    pub key_file: PathBuf,
    /// How SMS are sent.
    pub sms: Sms,
    /// How e-mail is sent.
    pub mail: Mail,
    /// How web push is sent.
    pub push: Push,
    /// Who charges cards.
    pub card: Card,
    /// Proxies in front of us, as `["10.0.0.0/8"]`: whom `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// A service that knows breached passwords by the first five digits of their SHA-1, as
    /// `https://api.pwnedpasswords.com/range/`. Without it, the list that ships counts alone.
    pub breached_passwords: Option<String>,
    /// A file in MaxMind's format that knows who runs which network (GeoLite2-ASN, DB-IP Lite …).
    /// Without one, attacks are not counted by autonomous system.
    pub networks: Option<PathBuf>,
    /// A file in MaxMind's format that knows the countries of networks (GeoLite2-Country, DB-IP
    /// Lite …). Without one the country of a request is unknown to risk rules.
    pub countries: Option<PathBuf>,
    /// Whether a service that is new begins with the starter set of risk rules, as version 1; if
    /// not, it begins with none. Counts only until there is a version.
    pub starter_rules: bool,
    /// Issuers whose accounts may take the place of a password. Never of the second factor or the
    /// phone.
    pub external_sign_in: Vec<ExternalSignIn>,
    /// Limits in yen.
    pub limits: Limits,
    /// Points and free value.
    pub value: ValueSettings,
    /// How merchants are paid.
    pub settlement: SettlementSettings,
    /// For so many hours the old key of a terminal works beside the new one that takes its place.
    pub terminal_key_overlap_hours: u16,
    /// The operator's desk.
    pub desk: Desk,
    /// Value set aside for payments that come later.
    pub authorization: AuthorizationSettings,
    /// How soon cases should be decided.
    pub cases: CaseSettings,
    /// When somebody of the operator is told, and how.
    pub alerts: AlertSettings,
    /// How much a node takes on at once.
    pub load: LoadSettings,
    /// How many sign up in a minute before the others wait.
    pub waiting_room: CrowdSettings,
    /// Who may read the figures of the service.
    pub metrics: MetricsSettings,
    /// Where traces go.
    pub traces: TraceSettings,
    /// How long the service answers *not ready* before it stops, in seconds: as long as a load
    /// balancer needs to notice.
    pub drain_seconds: u16,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: "http://localhost:8080".to_owned(),
            issuer_name: "お守りPay".to_owned(),
            code_prefix: omamori_paycode::code::Prefix::DEFAULT.to_string(),
            jpqr_company: "0000000000000".to_owned(),
            store: Store::default(),
            journal_keeps_nothing: false,
            key_file: PathBuf::from("data/master.key"),
            sms: Sms::default(),
            mail: Mail::default(),
            push: Push::default(),
            card: Card::default(),
            trusted_proxies: Vec::new(),
            breached_passwords: None,
            networks: None,
            countries: None,
            starter_rules: true,
            external_sign_in: Vec::new(),
            limits: Limits::default(),
            value: ValueSettings::default(),
            settlement: SettlementSettings::default(),
            terminal_key_overlap_hours: 24,
            desk: Desk::default(),
            authorization: AuthorizationSettings::default(),
            cases: CaseSettings::default(),
            alerts: AlertSettings::default(),
            load: LoadSettings::default(),
            waiting_room: CrowdSettings::default(),
            metrics: MetricsSettings::default(),
            traces: TraceSettings::default(),
            drain_seconds: 0,
        }
    }
}

/// The operator's desk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Desk {
    /// What one person of staff may refund alone in 24 hours, in yen; more takes two people.
    pub refund_alone_24h: i64,
    /// Budgets of the campaigns that one person may begin alone in 24 hours, in yen; more takes two
    /// people, and so does a campaign without a budget (points).
    pub campaign_alone_24h: i64,
    /// Doors that take two people to open again. Closing stays the act of one.
    pub doors_two_people: Vec<String>,
    /// Doors that also take two people to close for more than a store, a merchant or an issuer.
    pub doors_two_people_to_close: Vec<String>,
}

impl Desk {
    fn check(&self) -> Result<(), String> {
        if self.refund_alone_24h < 0 {
            return Err("desk.refund_alone_24h is an amount in yen, 0 or more".to_owned());
        }
        if self.campaign_alone_24h < 0 {
            return Err("desk.campaign_alone_24h is an amount in yen, 0 or more".to_owned());
        }
        let doors = self.doors_two_people.iter().chain(&self.doors_two_people_to_close);
        match doors.into_iter().find(|word| Door::of(word).is_none()) {
            Some(word) => Err(format!("desk.doors_two_people: there is no door {word}")),
            None => Ok(()),
        }
    }

    /// Whether a door takes two people to open again.
    #[must_use]
    pub fn opens_by_two(&self, door: Door) -> bool {
        self.doors_two_people.iter().any(|word| word == door.as_str())
    }

    /// Whether a door takes two people to close for a scope.
    #[must_use]
    pub fn closes_by_two(&self, door: Door, scope: &Scope) -> bool {
        let is_small = matches!(scope, Scope::Store(_) | Scope::Merchant(_) | Scope::Issuer(_));
        !is_small && self.doors_two_people_to_close.iter().any(|word| word == door.as_str())
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            refund_alone_24h: 10_000,
            campaign_alone_24h: 1_000_000,
            doors_two_people: Vec::new(),
            doors_two_people_to_close: Vec::new(),
        }
    }
}

/// Where things are stored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "engine", rename_all = "lowercase")]
pub enum Store {
    /// Embedded: one SQLite file a store in this folder. One node.
    Sqlite {
        /// The folder.
        folder: PathBuf,
    },
    /// A PostgreSQL database for any number of nodes.
    Postgres {
        /// `postgres://user:password@host/database`.
        address: Secret,
    },
}

impl Default for Store {
    fn default() -> Self {
        Self::Sqlite { folder: PathBuf::from("data") }
    }
}

/// How SMS are sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "adapter", rename_all = "lowercase")]
pub enum Sms {
    /// Nothing is sent: the text is shown on `/demo/sms`. Never for customers.
    #[default]
    Sandbox,
    /// An HTTP gateway: `POST url {"to","text"}` with a bearer token.
    Http {
        /// Where to post; plain http for loopback only.
        url: String,
        /// The gateway's token.
        token: Secret,
    },
}

/// How e-mail is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "adapter", rename_all = "lowercase")]
pub enum Mail {
    /// Nothing is sent: the letter is shown on `/demo/sms`. Never for customers.
    #[default]
    Sandbox,
    /// There is no e-mail, and customers are not asked for an address.
    None,
    /// A mail server.
    Smtp(Smtp),
}

/// A mail server that takes our letters.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its name, which its certificate must have.
    pub host: String,
    /// By default 465, with `starttls` 587, with `none` 25.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// `お守りPay <no-reply@pay.example.jp>`.
    pub from: String,
    /// With a password, or neither.
    pub user: Option<String>,
    /// With a user, or neither.
    pub password: Option<Secret>,
}

/// How the connection to the mail server is protected. It is never left to the server.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MailTls {
    /// TLS from the first byte (RFC 8314).
    #[default]
    Implicit,
    /// TLS after STARTTLS, and nothing without it.
    Starttls,
    /// Not at all: for a server on this machine only.
    None,
}

/// How web push is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "adapter", rename_all = "lowercase")]
pub enum Push {
    /// Nothing is sent: the message is shown on `/demo/sms`. Never for customers.
    #[default]
    Sandbox,
    /// There is no web push.
    None,
    /// The browsers' push services.
    Web {
        /// Where they can reach the operator: `mailto:` or `https://` (RFC 8292 §2.1).
        contact: String,
    },
}

/// Who charges cards.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, tag = "adapter", rename_all = "lowercase")]
pub enum Card {
    /// There is no top-up by card.
    #[default]
    None,
    /// No card is charged: a gateway on this machine plays one, with test cards, pages and a 3-D
    /// Secure challenge of its own. Never for customers.
    Sandbox {
        /// The port of its pages; 0 for any that is free.
        #[serde(default)]
        port: u16,
    },
    /// Stripe.
    Stripe {
        /// `sk_live_…`, or a restricted key that may do what the manual lists.
        secret_key: Secret,
        /// `whsec_…`, of the endpoint `/api/card/v1/stripe`.
        webhook_secret: Secret,
        /// Where its API is, if not at `https://api.stripe.com`; plain http for loopback only.
        address: Option<String>,
    },
}

/// Whether an address is one of this machine, by plain http.
fn is_loopback(address: &str) -> bool {
    ["http://localhost", "http://127.0.0.1"].iter().any(|prefix| {
        address.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    })
}

/// Why the settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// The file is not as it must be.
    #[error("the settings are wrong")]
    Parse(#[from] toml::de::Error),
    /// A value is not usable.
    #[error("{0}")]
    Value(String),
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`ConfigError`], which says what to mend.
    pub fn read(path: &std::path::Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Read(path.to_owned(), error))?;
        let config: Self = toml::from_str(&text)?;
        config.check()?;
        Ok(config)
    }

    /// Whether the service is of this machine alone: for the demo and for tests.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.public_url)
    }

    /// Refuses what cannot work or is not safe.
    ///
    /// # Errors
    /// [`ConfigError::Value`].
    pub fn check(&self) -> Result<(), ConfigError> {
        if !is_loopback(&self.public_url) && !self.public_url.starts_with("https://") {
            return refuse("public_url must begin with https:// (http only for localhost)");
        }
        if self.public_url.ends_with('/') {
            return refuse("public_url is an origin: no path, no slash at its end");
        }
        if self.jpqr_company.len() != 13
            || !self.jpqr_company.bytes().all(|byte| byte.is_ascii_digit())
        {
            return refuse("jpqr_company must be 13 digits");
        }
        if self.terminal_key_overlap_hours > 24 * 30 {
            return refuse("terminal_key_overlap_hours must be at most 720");
        }
        self.check_mail()?;
        if let Push::Web { contact } = &self.push
            && !["mailto:", "https://"].iter().any(|scheme| contact.starts_with(scheme))
        {
            return refuse("push.contact must begin with mailto: or https://");
        }
        if self.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
            return refuse("trusted_proxies must not be everyone: name the proxies");
        }
        if let Some(address) = &self.breached_passwords
            && !(address.starts_with("https://") && address.ends_with('/'))
        {
            return refuse("breached_passwords must begin with https:// and end with a slash");
        }
        ExternalSignIn::check_all(&self.external_sign_in, is_loopback(&self.public_url))
            .map_err(ConfigError::Value)?;
        if let Card::Stripe { address: Some(address), .. } = &self.card
            && (address.ends_with('/')
                || !(address.starts_with("https://") || is_loopback(address)))
        {
            return refuse("card.address must be an origin that begins with https://");
        }
        self.desk.check().map_err(ConfigError::Value)?;
        self.alerts.check().map_err(ConfigError::Value)?;
        self.load.check().map_err(ConfigError::Value)?;
        self.metrics.check().map_err(ConfigError::Value)?;
        self.traces.check().map_err(ConfigError::Value)?;
        self.value.check().map_err(ConfigError::Value)?;
        self.settlement.check().map_err(ConfigError::Value)?;
        self.authorization.check().map_err(ConfigError::Value)?;
        self.cases.check().map_err(ConfigError::Value)?;
        self.limits.check().map_err(ConfigError::Value)
    }

    fn check_mail(&self) -> Result<(), ConfigError> {
        let Mail::Smtp(Smtp { host, tls, from, user, password, .. }) = &self.mail else {
            return Ok(());
        };
        if *tls == MailTls::None && !["localhost", "127.0.0.1", "::1"].contains(&&**host) {
            return refuse("mail.tls may be none only for a server on this machine");
        }
        if user.is_some() != password.is_some() {
            return refuse("mail.user and mail.password come together");
        }
        if from.parse::<lettre::message::Mailbox>().is_err() {
            return refuse("mail.from must be an address, as お守りPay <no-reply@pay.example.jp>");
        }
        Ok(())
    }

    /// True if an outside party is replaced by a sandbox adapter.
    #[must_use]
    pub const fn has_sandbox(&self) -> bool {
        matches!(self.sms, Sms::Sandbox)
            || matches!(self.mail, Mail::Sandbox)
            || matches!(self.push, Push::Sandbox)
            || matches!(self.card, Card::Sandbox { .. })
    }

    /// True if cookies can be marked `__Host-` and `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

fn refuse(why: &str) -> Result<(), ConfigError> {
    Err(ConfigError::Value(why.to_owned()))
}
