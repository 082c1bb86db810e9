//! One browser with a profile of its own, as a person uses it: look, press, type.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use omamori::web::text::{Lang, Text};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;
use thirtyfour::{ChromeCapabilities, LoggingPrefsLogLevel, RequestData, SessionId, WindowHandle};

use super::authenticator::{Command, Sensor};
use super::chromedriver::{Chromedriver, program};

/// The longest that anything on a page is waited for; what is there sooner is taken sooner.
const PATIENCE: Duration = Duration::from_secs(45);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Nothing here may reach out: no update, no account, no component from elsewhere.
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox", // there is none for root, as which containers run tests
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// Looks until there is something to see.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    patiently(look).await.unwrap_or_else(|| panic!("waited in vain for {what}"))
}

/// What there was to see, if it came in time.
async fn patiently<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    });
    found.await.ok()
}

/// A browser.
pub struct Browser {
    /// Who uses it, for messages.
    name: &'static str,
    /// In which language its owner reads.
    pub text: Text,
    origin: String,
    driver: WebDriver,
    authenticator: Option<String>,
    /// Parts of messages that the test provokes on purpose.
    provoked: Vec<&'static str>,
    /// Parts of messages that may come or not, as it happens.
    tolerated: Vec<&'static str>,
    _profile: TempDir,
}

/// A command of the Chrome DevTools Protocol.
#[derive(Debug)]
struct DevTools<'a>(&'a str, Value);

impl thirtyfour::common::command::FormatRequestData for DevTools<'_> {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let path = format!("/session/{session}/goog/cdp/execute");
        RequestData::new(axum::http::Method::POST, path)
            .add_body(json!({ "cmd": self.0, "params": self.1 }))
    }
}

impl Browser {
    /// Starts one with the screen of a phone, and a camera that sees a film (Y4M).
    pub async fn open(
        name: &'static str,
        chromedriver: &Chromedriver,
        origin: &str,
        lang: Lang,
        camera: Option<&Path>,
    ) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut wanted = ChromeCapabilities::new();
        let binary = program(&["chromium", "chromium-browser"], "chromium");
        wanted.set_binary(&binary.to_string_lossy()).unwrap();
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        if let Some(film) = camera {
            wanted.add_arg("--use-fake-ui-for-media-stream").unwrap(); // the owner says yes
            wanted.add_arg("--use-fake-device-for-media-stream").unwrap();
            let film = format!("--use-file-for-fake-video-capture={}", film.display());
            wanted.add_arg(&film).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        let languages = json!({ "intl.accept_languages": lang.tag() });
        wanted.add_experimental_option("prefs", languages).unwrap();
        let driver = WebDriver::new(&chromedriver.address, wanted).await.unwrap();
        let text = Text::new(lang);
        let origin = origin.to_owned();
        let browser = Self {
            name,
            text,
            origin,
            driver,
            authenticator: None,
            provoked: Vec::new(),
            tolerated: Vec::new(),
            _profile: profile,
        };
        browser.screen(390, 844, 2).await;
        browser
    }

    /// Sets the size of the page in CSS pixels, and how many pixels of the screen each is wide.
    /// Below the width of a tablet it is a phone, whose scroll bars take no room.
    pub async fn screen(&self, width: u32, height: u32, scale: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": scale, "mobile": width < 700,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Says something to the browser itself.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let answer = self.driver.handle().cmd(DevTools(command, parameters)).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}")).value_json().unwrap()
    }

    /// What the phone's own radio says, without which no page is told that the network is back.
    pub async fn says_offline(&self, offline: bool) {
        let conditions = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", conditions).await;
    }

    /// Opens a page of ours.
    pub async fn go(&self, path: &str) {
        let address = format!("{}{path}", self.origin);
        self.within(path, self.driver.goto(address)).await.unwrap();
    }

    /// Asks for the page once more.
    pub async fn reload(&self) {
        self.within("a reload", self.driver.refresh()).await.unwrap();
    }

    /// The path of the page.
    pub async fn path(&self) -> String {
        self.run("return location.pathname").await.as_str().unwrap().to_owned()
    }

    /// Waits until the page is the one at `path`.
    pub async fn arrives_at(&self, path: &str) {
        let at = async || (self.path().await == path).then_some(());
        self.until(&format!("the page {path}"), at).await;
    }

    /// The document as it is now.
    pub async fn html(&self) -> String {
        let html = self.run("return document.documentElement.outerHTML").await;
        html.as_str().unwrap().to_owned()
    }

    /// Runs a script in the page.
    pub async fn run(&self, script: &str) -> Value {
        let returned = self.within(script, self.driver.execute(script, Vec::new())).await;
        returned.unwrap_or_else(|error| panic!("{}: {script}: {error}", self.name)).json().clone()
    }

    /// The text of the first visible element, if there is one now.
    pub async fn glimpse(&self, css: &str) -> Option<String> {
        const LOOK: &str = "const seen = [...document.querySelectorAll(arguments[0])]\
            .find((element) => element.checkVisibility()); return seen ? seen.innerText : null";
        let arguments = vec![Value::from(css)];
        // In the middle of a navigation there is no document to look at.
        let seen = self.driver.execute(LOOK, arguments).await.ok()?;
        seen.json().as_str().map(str::to_owned)
    }

    /// Waits until an element is visible; its text.
    pub async fn see(&self, css: &str) -> String {
        self.until(css, async || self.glimpse(css).await).await
    }

    /// Waits until a visible element contains a text.
    pub async fn read(&self, css: &str, text: &str) {
        let found = async || self.glimpse(css).await.filter(|seen| seen.contains(text));
        self.until(&format!("{text:?} in {css}"), found).await;
    }

    /// Waits until no such element is visible.
    pub async fn gone(&self, css: &str) {
        let gone = async || self.glimpse(css).await.is_none().then_some(());
        self.until(&format!("the end of {css}"), gone).await;
    }

    /// Presses what is visible and not disabled.
    pub async fn press(&self, css: &str) {
        self.until(&format!("{css} to press"), async || {
            let element = self.ready(css).await?;
            // Out from under the bar at the foot of a phone's screen.
            const TO_THE_MIDDLE: &str = "arguments[0].scrollIntoView({ block: 'center' })";
            let arguments = vec![element.to_json().ok()?];
            self.driver.execute(TO_THE_MIDDLE, arguments).await.ok()?;
            element.click().await.ok() // covered or just moved: once more
        })
        .await;
    }

    /// Types into a field in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) {
        self.until(&format!("{css} to type into"), async || {
            let field = self.ready(css).await?;
            field.clear().await.ok()?;
            field.send_keys(text).await.ok()
        })
        .await;
    }

    /// Chooses a file in a field that need not be visible.
    pub async fn choose_file(&self, css: &str, file: &Path) {
        let field = self.driver.find(By::Css(css)).await.unwrap();
        field.send_keys(file.to_str().unwrap()).await.unwrap();
    }

    /// Types digits and Enter without aiming at a field, as a scanner that plays a keyboard does.
    pub async fn type_like_a_scanner(&self, digits: &str) {
        let keys = self.driver.action_chain().send_keys(digits).send_keys(Key::Enter);
        keys.perform().await.unwrap();
    }

    /// Whether a button can be pressed.
    pub async fn is_enabled(&self, css: &str) -> bool {
        self.driver.find(By::Css(css)).await.unwrap().is_enabled().await.unwrap()
    }

    /// What the screen shows.
    pub async fn screenshot(&self) -> Vec<u8> {
        self.within("a screenshot", self.driver.screenshot_as_png()).await.unwrap()
    }

    /// The tab that is in front.
    pub async fn tab(&self) -> WindowHandle {
        self.driver.window().await.unwrap()
    }

    /// Opens one more tab and brings it to the front.
    pub async fn another_tab(&self) {
        let tab = self.driver.new_tab().await.unwrap();
        self.to_tab(tab).await;
    }

    /// Brings a tab to the front.
    pub async fn to_tab(&self, tab: WindowHandle) {
        self.driver.switch_to_window(tab).await.unwrap();
    }

    /// Answers the page's next "are you sure?" with yes.
    pub async fn accept_question(&self) {
        self.until("a question", async || self.driver.accept_alert().await.ok()).await;
    }

    /// All cookies.
    pub async fn cookies(&self) -> Vec<Cookie> {
        self.driver.get_all_cookies().await.unwrap()
    }

    /// Puts a cookie of somebody else into this browser.
    pub async fn plant(&self, cookie: Cookie) {
        self.driver.add_cookie(cookie).await.unwrap();
    }

    /// What the page may reach with its own script and this browser's cookies: a status.
    pub async fn fetch_status(&self, path: &str) -> u64 {
        const ASK: &str = "const [path, done] = arguments; fetch(path).then((a) => done(a.status))";
        let status = self.driver.execute_async(ASK, vec![Value::from(path)]).await.unwrap();
        status.json().as_u64().unwrap()
    }

    /// Attaches a fingerprint sensor in place of the one before.
    pub async fn sensor(&mut self, sensor: Sensor) {
        if let Some(id) = self.authenticator.take() {
            self.driver.handle().cmd(Command::Remove(&id)).await.unwrap();
        }
        let added = self.driver.handle().cmd(Command::Add(sensor)).await.unwrap();
        self.authenticator = Some(added.value().unwrap());
    }

    /// The passkeys in the sensor, private keys included: what no real one gives away.
    pub async fn passkeys(&self) -> Vec<Value> {
        let id = self.authenticator.as_deref().unwrap();
        self.driver.handle().cmd(Command::Credentials(id)).await.unwrap().value().unwrap()
    }

    /// Puts a copied passkey into the sensor.
    pub async fn import_passkey(&self, passkey: &Value) {
        let id = self.authenticator.as_deref().unwrap();
        self.driver.handle().cmd(Command::AddCredential(id, passkey)).await.unwrap();
    }

    /// The test makes the browser complain with a message that contains this.
    pub fn provokes(&mut self, part: &'static str) {
        self.provoked.push(part);
    }

    /// The browser may complain with a message that contains this: a network that was cut is
    /// noticed by whatever happens to use it.
    pub fn tolerates(&mut self, part: &'static str) {
        self.tolerated.push(part);
    }

    /// Ends the browser. It must not have complained about anything that was not provoked: no
    /// error of a script, no violation of the content security policy, no missing file.
    pub async fn close(self) {
        let log = self.driver.browser_log().await.unwrap();
        let complaints = log.into_iter().filter(|entry| entry.level == "SEVERE");
        let complaints: Vec<_> = complaints.map(|entry| entry.message).collect();
        let (expected, unexpected): (Vec<_>, Vec<_>) = complaints
            .iter()
            .filter(|message| !self.tolerated.iter().any(|part| message.contains(part)))
            .partition(|message| self.provoked.iter().any(|part| message.contains(part)));
        assert!(unexpected.is_empty(), "{}: the browser complains: {unexpected:#?}", self.name);
        for part in &self.provoked {
            let came = expected.iter().any(|message| message.contains(part));
            assert!(came, "{}: the browser should have complained: {part}", self.name);
        }
        self.driver.quit().await.unwrap();
    }

    /// The first such element that can be used now: visible, not disabled, on a page whose scripts
    /// have all run.
    async fn ready(&self, css: &str) -> Option<WebElement> {
        const SCRIPTS_HAVE_RUN: &str = "const done = arguments[0]; \
            const scripts = [...document.querySelectorAll('script[type=module]')]; \
            Promise.all(scripts.map(({ src }) => import(src))).then(() => done(true))";
        self.driver.execute_async(SCRIPTS_HAVE_RUN, Vec::new()).await.ok()?;
        for element in self.driver.find_all(By::Css(css)).await.ok()? {
            if element.is_displayed().await.ok()? && element.is_enabled().await.ok()? {
                return Some(element);
            }
        }
        None
    }

    /// As [`until`]; in vain, it shows where the browser stood.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
        match patiently(look).await {
            Some(found) => found,
            None => self.give_up(what).await,
        }
    }

    async fn within<T>(&self, what: &str, act: impl Future<Output = T>) -> T {
        match tokio::time::timeout(PATIENCE, act).await {
            Ok(done) => done,
            Err(_) => panic!("{}: {what} did not end", self.name),
        }
    }

    async fn give_up(&self, what: &str) -> ! {
        let shown = self.glimpse("body").await.unwrap_or_default();
        let address = self.driver.current_url().await.map(|url| url.to_string());
        let log = self.driver.browser_log().await.unwrap_or_default();
        let log: Vec<_> = log.into_iter().map(|entry| entry.message).collect();
        panic!(
            "{}: waited in vain for {what} at {}\n{shown}\n{log:#?}",
            self.name,
            address.unwrap_or_default()
        );
    }
}
