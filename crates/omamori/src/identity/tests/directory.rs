//! Phones in memory.

use std::sync::Arc;

use super::House;
use super::phone::Phone;
use crate::identity::directory::read_all;

/// Once they were read, a payment asks the registry nothing: here it is gone.
#[tokio::test]
async fn phones_are_read_ahead() {
    let house = House::open().await;
    let phone = Phone::signed_up(&house).await;
    let app = &house.app;
    app.identity.forget(phone.number());
    read_all(Arc::downgrade(app)).await;
    app.stores.registry.close().await;
    let entry = app.identity.device(app, phone.number()).await.unwrap().unwrap();
    assert!(entry.active && !entry.frozen);
}
