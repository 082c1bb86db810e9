//! Who of a merchant may do what, and what somebody with a stolen session cannot.

use omamori::merchant::access::Role;
use omamori::web::codes::Code;
use serde_json::{Value, json};

use crate::support::app::TestApp;
use crate::support::shop::Register;
use crate::support::staff::Staff;
use crate::support::{at_once, on_both_engines};

on_both_engines!(
    an_owner_invites_a_clerk_who_sees_no_sales,
    a_stolen_session_invites_nobody,
    another_role_counts_from_the_next_request,
    somebody_removed_is_out_at_once,
    an_owner_is_always_left,
    owners_who_remove_each_other_leave_one,
    another_merchants_person_is_not_there,
);

const PEOPLE: &str = "/api/merchant/v1/people";

fn of(staff: &Staff, act: &str) -> String {
    format!("{PEOPLE}/{}/{act}", staff.user_id)
}

async fn owner(app: &TestApp) -> (Register, Staff) {
    let register = Register::new(&app.app).await;
    let owner = Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await;
    (register, owner)
}

async fn status(app: &TestApp, staff: &Staff, path: &str) -> u16 {
    staff.call(app, "GET", path, &Value::Null).await.status.as_u16()
}

/// Goal: the invitation works once; the clerk sees the stores, not the sales, and adds no terminal
/// and invites nobody.
async fn an_owner_invites_a_clerk_who_sees_no_sales(app: &mut TestApp) {
    let (register, mut owner) = owner(app).await;
    let wish = json!({ "name": "アルバイト", "role": "clerk" });
    let made = owner.confirmed(app, PEOPLE, &wish).await.ok();
    let address = made["address"].as_str().unwrap();
    let (_, invitation) = address.split_once("invite=").unwrap();
    let mut clerk = Staff::invited(app, invitation).await;
    let home = clerk.call(app, "GET", "/merchant", &Value::Null).await.text().to_owned();
    assert!(home.contains("新宿本店") && !home.contains("/merchant/sales"), "{home}");
    assert!(!home.contains("data-terminal-new") && !home.contains("data-key-rotate"));
    assert_eq!(status(app, &clerk, "/merchant/authorizations").await, 200);
    for page in ["/merchant/sales", "/merchant/settlements", "/merchant/people"] {
        assert_eq!(status(app, &clerk, page).await, 403, "{page}");
    }
    let wish = json!({ "store_id": register.store_id, "name": "x", "kind": "pos" });
    let added = clerk.call(app, "POST", "/api/merchant/v1/terminals", &wish).await;
    added.refused(Code::Forbidden);
    let wish = json!({ "name": "x", "role": "owner" });
    clerk.confirmed(app, PEOPLE, &wish).await.refused(Code::Forbidden);

    let again = json!({ "invite": invitation, "name": "x" });
    let path = "/api/merchant/v1/invites/options";
    clerk.call(app, "POST", path, &again).await.refused(Code::ProofFailed);
    let people = owner.call(app, "GET", "/merchant/people", &Value::Null).await.text().to_owned();
    assert!(people.contains("佐藤"), "{people}");
}

/// Goal: who has an owner's cookie and not the passkey makes no accomplice: no answer at all, the
/// answer to another act or another name, the answer of another session, the same answer twice.
async fn a_stolen_session_invites_nobody(app: &mut TestApp) {
    let (register, mut owner) = owner(app).await;
    let clerk = Staff::of_role(&app.app, &register.merchant_id, Role::Clerk).await;
    let wish = json!({ "name": "共犯", "role": "owner" });
    owner.call(app, "POST", PEOPLE, &wish).await.refused(Code::InvalidRequest);
    let mut tries = Vec::new();
    let harmless = json!({ "name": "共犯", "role": "clerk" });
    tries.push(owner.credential(app, PEOPLE, &harmless).await.unwrap());
    let role = json!({ "role": "owner" });
    tries.push(owner.credential(app, &of(&clerk, "role"), &role).await.unwrap());
    let right = owner.credential(app, PEOPLE, &wish).await.unwrap();
    // The same person's answer, given in another session.
    let token = std::mem::replace(&mut owner.token, "mse_another".to_owned());
    owner.sign_in(&app.app).await;
    tries.push(right.clone());
    for credential in &tries {
        let body = json!({ "request": wish, "credential": credential });
        owner.call(app, "POST", PEOPLE, &body).await.refused(Code::ProofFailed);
    }
    owner.token = token;
    let body = json!({ "request": wish, "credential": right });
    owner.call(app, "POST", PEOPLE, &body).await.refused(Code::ProofFailed); // used up
    let credential = owner.credential(app, PEOPLE, &wish).await.unwrap();
    let body = json!({ "request": wish, "credential": credential });
    owner.call(app, "POST", PEOPLE, &body).await.ok();
    owner.call(app, "POST", PEOPLE, &body).await.refused(Code::ProofFailed);
}

/// Goal: a manager who becomes a clerk sees no sales with the next request; nobody gives a role
/// that there is not.
async fn another_role_counts_from_the_next_request(app: &mut TestApp) {
    let (register, mut owner) = owner(app).await;
    let manager = Staff::of_role(&app.app, &register.merchant_id, Role::Manager).await;
    assert_eq!(status(app, &manager, "/merchant/sales").await, 200);
    assert_eq!(status(app, &manager, "/merchant/people").await, 403);
    let path = of(&manager, "role");
    assert!(owner.confirmed(app, &path, &json!({ "role": "clerk" })).await.status.is_success());
    assert_eq!(status(app, &manager, "/merchant/sales").await, 403);
    let odd = owner.confirmed(app, &path, &json!({ "role": "god" })).await;
    odd.refused(Code::InvalidRequest);
}

/// Goal: session, passkey and open invitation of somebody who was removed are worth nothing.
async fn somebody_removed_is_out_at_once(app: &mut TestApp) {
    let (register, mut owner) = owner(app).await;
    let manager = Staff::with_passkey(&app.app, &register.merchant_id, Role::Manager).await;
    assert_eq!(status(app, &manager, "/merchant/sales").await, 200);
    let path = of(&manager, "remove");
    assert!(owner.confirmed(app, &path, &json!({})).await.status.is_success());
    assert_eq!(status(app, &manager, "/merchant/sales").await, 303);
    manager.sign_in(&app.app).await; // as if the session had been opened meanwhile
    assert_eq!(status(app, &manager, "/merchant/sales").await, 303);
    owner.confirmed(app, &path, &json!({})).await.refused(Code::NotFound);
}

/// Goal: the only owner neither leaves nor steps down, not even for one who has not come yet.
async fn an_owner_is_always_left(app: &mut TestApp) {
    let (_, mut owner) = owner(app).await;
    owner.confirmed(app, PEOPLE, &json!({ "name": "x", "role": "owner" })).await.ok();
    let (role, remove) = (of(&owner, "role"), of(&owner, "remove"));
    let down = owner.confirmed(app, &role, &json!({ "role": "manager" })).await;
    down.refused(Code::LastOwner);
    owner.confirmed(app, &remove, &json!({})).await.refused(Code::LastOwner);
    assert_eq!(status(app, &owner, "/merchant/people").await, 200);
}

/// Goal: two owners who remove each other at the same time: one of them stays.
async fn owners_who_remove_each_other_leave_one(app: &mut TestApp) {
    let (register, mut first) = owner(app).await;
    let mut second = Staff::with_passkey(&app.app, &register.merchant_id, Role::Owner).await;
    let (to_second, to_first) = (of(&second, "remove"), of(&first, "remove"));
    let mut requests = Vec::new();
    for (staff, path) in [(&mut first, to_second), (&mut second, to_first)] {
        let credential = staff.credential(app, &path, &json!({})).await.unwrap();
        let body = json!({ "request": {}, "credential": credential });
        requests.push(staff.request("POST", &path, &body));
    }
    let node = (*app).clone();
    let ends = at_once(requests.into_iter().map(|request| {
        let node = node.clone();
        async move { node.call(request).await.status.as_u16() }
    }))
    .await;
    assert_eq!(ends.iter().filter(|status| **status == 204).count(), 1, "{ends:?}");
    let mut left = 0;
    for staff in [&first, &second] {
        left += u16::from(status(app, staff, "/merchant/people").await == 200);
    }
    assert_eq!(left, 1);
}

/// Goal: people of another merchant are not there.
async fn another_merchants_person_is_not_there(app: &mut TestApp) {
    let (_, mut owner) = owner(app).await;
    let other = Register::new(&app.app).await;
    let theirs = Staff::of_role(&app.app, &other.merchant_id, Role::Owner).await;
    let (role, remove) = (of(&theirs, "role"), of(&theirs, "remove"));
    let down = owner.confirmed(app, &role, &json!({ "role": "clerk" })).await;
    down.refused(Code::NotFound);
    owner.confirmed(app, &remove, &json!({})).await.refused(Code::NotFound);
    assert_eq!(status(app, &theirs, "/merchant/people").await, 200);
}
