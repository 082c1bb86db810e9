//! Signing out one session, and all but this one, from the settings.

use omamori::web::text::Lang;
use thirtyfour::Cookie;

use super::house::House;
use super::phone::Phone;

const END: &str = "[data-session-end]";
const END_OTHERS: &str = "[data-sessions-end-others]";

impl Phone {
    async fn session(&self) -> Cookie {
        let cookies = self.cookies().await;
        cookies.into_iter().find(|cookie| cookie.name == "omamori").unwrap()
    }

    /// Signs in once more, as on a phone whose cookies were cleared.
    async fn signs_in_again(&self) -> Cookie {
        self.devtools("Network.clearBrowserCookies", serde_json::json!({})).await;
        self.go("/signin").await;
        self.press("[data-signin-start]").await;
        self.arrives_at("/").await;
        self.code().await;
        self.session().await
    }

    /// Takes up a session that this phone has or had, with the right proof.
    async fn takes_up(&self, session: &Cookie) {
        self.go("/signin").await;
        self.plant(session.clone()).await;
        self.run(&format!(
            r#"return (async () => {{
                const {{ keepSession, toBase64url }} = await import("/assets/js/device.js");
                const token = new TextEncoder().encode("{}");
                const hash = await crypto.subtle.digest("SHA-256", token);
                await keepSession({{ ath: toBase64url(hash) }});
            }})()"#,
            session.value
        ))
        .await;
    }

    /// What the wallet answers to a session.
    async fn answered_with(&self, session: &Cookie) -> u64 {
        self.takes_up(session).await;
        self.fetch_status("/api/wallet/v1/me").await
    }

    /// How many other sessions the settings show.
    async fn other_sessions(&self) -> u64 {
        let count = format!("return document.querySelectorAll('{END}').length");
        self.run(&count).await.as_u64().unwrap()
    }
}

/// Goal: one session is signed out and only that one; then all others, and this one stays. A
/// session that was signed out opens nothing, though phone and proof are right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_and_all_others_are_signed_out() {
    let house = House::open().await;
    let mut phone = Phone::signed_up(&house, "phone", Lang::Ja).await;
    let others = [phone.session().await, phone.signs_in_again().await];
    let this = phone.signs_in_again().await;
    for session in others.iter().chain([&this]) {
        assert_eq!(phone.answered_with(session).await, 200);
    }
    phone.go("/settings").await;
    phone.see(END_OTHERS).await;
    assert_eq!(phone.other_sessions().await, 2);
    phone.picture("settings-sessions").await;
    phone.press(END).await;
    let one_left = async || (phone.other_sessions().await == 1).then_some(());
    phone.until("one other session", one_left).await;
    let mut answers = Vec::new();
    for session in &others {
        answers.push(phone.answered_with(session).await);
    }
    answers.sort_unstable();
    assert_eq!(answers, [200, 401], "one of them, and only one");

    phone.takes_up(&this).await;
    phone.go("/settings").await;
    phone.press(END_OTHERS).await;
    phone.gone(END_OTHERS).await;
    for session in &others {
        assert_eq!(phone.answered_with(session).await, 401);
    }
    assert_eq!(phone.answered_with(&this).await, 200);
    phone.go("/").await;
    phone.code().await;
    phone.provokes("status of 401");
    phone.close().await;
    house.close().await;
}
