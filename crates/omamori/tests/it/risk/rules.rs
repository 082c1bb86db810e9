//! Rules in force, for tests.

use omamori::app::App;
use omamori::risk::rules;

/// A rule that is live, as a file has it.
pub fn rule(id: &str, acts: &str, when: &str, effect: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\ntitle = {{ ja = \"{id}\", en = \"{id}\" }}\nreason = \"a test\"\n\
         acts = [{acts}]\nwhen = \"{when}\"\neffect = {effect}\nmode = \"live\"\n"
    )
}

/// Puts a text in force on this node, as two people do at the console.
pub async fn publish(app: &App, text: &str) -> i64 {
    let mut tx = app.stores.registry.begin().await.unwrap();
    let version = rules::propose(app, &mut tx, text, "a test", "stf_1").await.unwrap();
    rules::publish_in(app, &mut tx, version, "stf_1").await.unwrap();
    tx.commit().await.unwrap();
    app.gate.risk().reload().await.unwrap();
    version
}
