//! Holders get their value back as money: the end of the service, claims, files, exclusion.

mod attacks;
mod claims;
pub mod closing;
mod closing_attacks;
mod closing_quota;
mod ending;
mod exclusion;
mod open_ends;

use omamori::clock::{DAY, MINUTE, Micros};
use omamori::console::access::Role;
use omamori::gate::chart::AccountCode;
use omamori::refund::claim::{self, Claim};
use omamori::refund::end::Plan;
use omamori::refund::{end, figures};
use omamori::value::legs::operator_account;
use omamori::web::filters::japan;
use omamori_db::sql;
use serde_json::{Value, json};

use crate::incident::given;
use crate::settlement::payouts::with_sender;
use crate::support::answer::Answer;
use crate::support::app::{Node, TestApp};
use crate::support::confirm::Passkey;
use crate::support::customer::Customer;
use crate::support::desk::Person;
use crate::support::shop::Register;

/// Somebody with a passkey and ¥`yen`.
pub struct Holder {
    pub customer: Customer,
    pub passkey: Passkey,
}

impl Holder {
    pub async fn new(app: &TestApp, register: &Register, yen: i64) -> Self {
        let customer = Customer::new(&app.app).await;
        let passkey = Passkey::of(&app.app, &customer).await;
        customer.load(app, register, yen).await;
        Self { customer, passkey }
    }

    /// As if they had used the app in the last days.
    async fn comes_back(&self, app: &TestApp) {
        let used = sql("UPDATE session SET last_used_at = $1 WHERE customer_id = $2");
        let used = used.bind(app.now()).bind(&self.customer.customer_id);
        app.app.stores.registry.execute(used).await.unwrap();
    }

    pub async fn claims(&mut self, app: &TestApp, number: &str) -> Answer {
        self.comes_back(app).await;
        let account = account(number);
        self.customer.confirmed(app, &self.passkey, "/refunds", Some(&account)).await
    }

    pub async fn corrects(&mut self, app: &TestApp, number: &str) -> Answer {
        let account = account(number);
        let path = "/refunds/account";
        self.customer.confirmed(app, &self.passkey, path, Some(&account)).await
    }

    /// The newest claim.
    pub async fn claim(&self, app: &TestApp) -> Claim {
        let registry = &app.app.stores.registry;
        let id = &self.customer.customer_id;
        claim::of_customer(registry, id).await.unwrap().remove(0)
    }
}

pub fn account(number: &str) -> Value {
    json!({ "bank": "0009", "branch": "123", "kind": "1", "number": number,
        "holder": "おまもり　タロウ" })
}

/// An end in two days, with claims for 61 days after it.
pub fn plan(now: Micros) -> Plan {
    let day = |at: Micros| japan(at).date().to_string();
    Plan {
        ends_at: now + 2 * DAY,
        noticed_on: day(now),
        last_day: day(now + 63 * DAY),
        contact: "払い戻し窓口 0120-000-000".to_owned(),
    }
}

/// As it is posted.
pub fn proposed(plan: &Plan) -> Value {
    let mut body = serde_json::to_value(plan).unwrap();
    body["reason"] = json!("事業の廃止");
    body
}

/// Asks, lets another person agree, and carries out. Gives the approval.
pub async fn agreed(app: &TestApp, role: Role, path: &str, body: &Value) -> String {
    let asking = Person::new(&app.app, role).await;
    let second = Person::new(&app.app, Role::Finance).await;
    let asked = asking.post(app, path, body).await.ok();
    let approval = asked["approval_id"].as_str().unwrap().to_owned();
    let carry_out = format!("/approvals/{approval}/carry-out");
    let early = asking.post(app, &carry_out, &Value::Null).await;
    early.refused(omamori::web::codes::Code::ApprovalClosed);
    given(app, &approval, &second.staff_id).await;
    asking.post(app, &carry_out, &Value::Null).await.ok();
    approval
}

/// Announces an end and lets the time come.
pub async fn ended(app: &mut TestApp) {
    announced(app).await;
    app.clock.advance(2 * DAY);
    omamori::refund::work_due(&app.app).await.unwrap();
}

pub async fn announced(app: &mut TestApp) {
    if app.app.config.settlement.sender.is_none() {
        with_sender(app).await;
    }
    agreed(app, Role::Admin, "/service-end", &proposed(&plan(app.now()))).await;
}

/// A file with all that waits, agreed on. Gives its id.
pub async fn file(app: &TestApp) -> String {
    let reason = json!({ "reason": "定例の振込" });
    app.clock.advance(MINUTE); // so that it is the newest
    agreed(app, Role::Finance, "/refund-files", &reason).await;
    omamori::refund::file::newest(&app.app, 1).await.unwrap().remove(0).file_id
}

pub async fn finance(app: &TestApp) -> Person {
    Person::new(&app.app, Role::Finance).await
}

pub async fn counted(app: &TestApp) -> figures::Figures {
    let end = end::standing(&app.app.stores.registry).await.unwrap().unwrap();
    figures::of(&app.app.stores, &end).await.unwrap()
}

/// What an account of the operator has: credits less debits.
pub fn of_operator(node: &Node, code: AccountCode) -> i64 {
    let account = node.app.gate.account(operator_account(code).id).unwrap_or_default();
    account.credits_posted.cast_signed() - account.debits_posted.cast_signed()
}

/// For pages: an end that is announced, and claims of a customer at each of their states, one with
/// words that would be markup, in a file. Gives the file's page.
pub async fn example(app: &TestApp, customer_id: &str) -> String {
    let registry = &app.app.stores.registry;
    let end = sql("INSERT INTO service_end (end_id, state, ends_at, noticed_on, last_day,
             claims_until, contact, proposed_by, agreed_by, agreed_at, told_after, told_at,
             reminded_after)
         VALUES ('eos_x', 'announced', $1, '2026-04-01', '2026-09-30', $2, '<script>', 'stf_x',
             'stf_y', $3, '', $3, '')");
    let end = end.bind(app.now() + 90 * DAY).bind(app.now() + 180 * DAY).bind(app.now());
    registry.execute(end).await.unwrap();
    app.app.gate.controls().reload(registry).await.unwrap();
    let leaving = sql("INSERT INTO refund_claim (claim_id, customer_id, basis, closing_reason,
             ground, state, yen, sealed, last_digits, asked_by, asked_at, account_at, reason,
             state_at)
         VALUES ('rcl_x', $1, 'closing', 'wishes', 'quota', 'review', CAST(900 AS BIGINT), $2,
             '567', '<script>', $3, $3, '', $3)");
    let leaving = leaving.bind(customer_id).bind(vec![0_u8]).bind(app.now());
    registry.execute(leaving).await.unwrap();
    let states = ["review", "waiting", "in_file", "sent", "returned", "refused"];
    for (number, state) in states.into_iter().enumerate() {
        let claim = sql("INSERT INTO refund_claim (claim_id, customer_id, basis, end_id, state,
                 yen, sealed, last_digits, asked_by, asked_at, account_at, reason, state_at)
             VALUES ($1, $2, 'service_end', 'eos_x', $3, CAST(900 AS BIGINT), $4, '567',
                 'customer', $5, $5, '<script>', $5)");
        let claim = claim.bind(format!("rcl_{number}")).bind(customer_id).bind(state);
        registry.execute(claim.bind(vec![0_u8]).bind(app.now())).await.unwrap();
    }
    let file = sql("INSERT INTO refund_file (file_id, state, pay_on, sealed, digest, claim_count,
             total_yen, made_by, made_at)
         VALUES ('rff_x', 'sent', '2026-04-02', $1, $2, CAST(1 AS BIGINT), CAST(900 AS BIGINT),
             'stf_x', $3)");
    let file = file.bind(vec![0_u8]).bind([0_u8; 32]).bind(app.now());
    registry.execute(file).await.unwrap();
    let line = sql("INSERT INTO refund_file_line (file_id, line, claim_id, yen, last_digits)
         VALUES ('rff_x', CAST(1 AS BIGINT), 'rcl_3', CAST(900 AS BIGINT), '567')");
    registry.execute(line).await.unwrap();
    "/console/refunds/rff_x".to_owned()
}
