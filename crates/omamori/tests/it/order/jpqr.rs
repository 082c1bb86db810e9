//! An independent reader of EMVCo QR texts (`cemacqr`) looks at what stores show.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::store_qr::{dynamic_text, static_text};
use crate::support::app::TestApp;
use crate::support::on_both_engines;
use crate::support::shop::Register;

on_both_engines!(each_text_parses_in_an_independent_reader);

fn run(command: &str, text: &str) -> Value {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/checkers/bin/cemacqr");
    assert!(program.is_file(), "cemacqr is not installed (tools/checkers does)");
    let output = Command::new(program).args([command, "--json", text]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"))
}

/// What the reader finds in a text; it must have nothing to say against it.
pub fn read(text: &str) -> Value {
    let said = run("check", text);
    assert_eq!((&said["ok"], &said["fully_checked"]), (&true.into(), &true.into()), "{said}");
    run("parse", text)
}

/// The value of a data object that it found.
pub fn value<'a>(read: &'a Value, id: &str) -> Option<&'a str> {
    let objects = read["objects"].as_array().unwrap();
    objects.iter().find(|object| object["id"] == id)?["value"].as_str()
}

/// Goal: printed codes of stores with all sorts of names, and orders of all sorts of amounts; and
/// that the reader would say if something was wrong.
async fn each_text_parses_in_an_independent_reader(app: &mut TestApp) {
    let mut register = Register::new(&app.app).await;
    let home = register.store_id.clone();
    let names =
        ["A", "新宿本店", "カフェ・ド・こもれび 吉祥寺駅前 二号店", "ﾆﾎﾝ ｽﾄｱ", "🍙", "𠮷野や"];
    for name in names {
        register.store_id =
            omamori::merchant::create_store(&app.app, &register.merchant_id, name).await.unwrap();
        let read = read(&static_text(app, &register).await);
        assert_eq!((value(&read, "01"), value(&read, "54")), (Some("11"), None));
        assert_eq!((value(&read, "53"), value(&read, "58")), (Some("392"), Some("JP")));
        let local = value(&read, "64").unwrap();
        assert!(local.starts_with("0002JA") && local.contains(name.chars().next().unwrap()));
        let account = &read["merchant_accounts"]["26"];
        assert_eq!(account["00"], "jp.or.paymentsjapan");
        let levels = ["01", "02", "03", "04"].map(|level| account[level].as_str().unwrap());
        assert_eq!(levels.map(str::len), [13, 4, 6, 6]);
    }
    register.store_id = home;
    for (id, amount) in [("s-1", 1), ("s-2", 498), ("s-3", 49_999), ("s-4", 100_000)] {
        let text = dynamic_text(app, &register, id, amount).await;
        let read = read(&text);
        assert_eq!(value(&read, "01"), Some("12"));
        assert_eq!(value(&read, "54").map(str::to_owned), Some(amount.to_string()));
        let altered = text.replacen(&format!("{amount}5802JP"), &format!("{amount}5802KR"), 1);
        assert_ne!(altered, text);
        assert_eq!(run("check", &altered)["ok"], false, "the reader believes anything");
    }
}
