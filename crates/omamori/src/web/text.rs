//! Japanese and English. One catalogue file a language, shared with the browser.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::LazyLock;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::control::Banner;

/// Whether a character changes what people read and is not seen itself: a control character, or a
/// mark that turns the direction of writing, which makes a text say what it does not (Unicode TR 36
/// §2.5).
#[must_use]
pub fn is_hidden(c: char) -> bool {
    const TURNS: [std::ops::RangeInclusive<char>; 3] =
        ['\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];
    c.is_control() || TURNS.iter().any(|range| range.contains(&c))
}

/// The cookie in which a person's choice of language is kept.
pub const LANGUAGE_COOKIE: &str = "omamori_lang";

/// One text in both languages of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Both {
    /// Japanese.
    pub ja: &'static str,
    /// English.
    pub en: &'static str,
}

/// A language of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// 日本語.
    #[default]
    Ja,
    /// English.
    En,
}

impl Lang {
    /// The BCP 47 tag.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Ja => "ja",
            Self::En => "en",
        }
    }

    /// The language of a tag, if it is one of ours.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        match tag.split('-').next() {
            Some("ja") => Some(Self::Ja),
            Some("en") => Some(Self::En),
            _ => None,
        }
    }

    /// The first of ours that the browser asks for.
    fn negotiate(accept_language: &str) -> Option<Self> {
        accept_language
            .split(',')
            .find_map(|part| Self::parse(part.split(';').next().unwrap_or_default().trim()))
    }
}

type Catalogue = HashMap<&'static str, &'static str>;

static JA: LazyLock<Catalogue> = LazyLock::new(|| load(include_str!("../../assets/i18n/ja.json")));
static EN: LazyLock<Catalogue> = LazyLock::new(|| load(include_str!("../../assets/i18n/en.json")));

#[expect(clippy::expect_used, reason = "the catalogue is part of the binary; a test parses it")]
fn load(json: &'static str) -> Catalogue {
    let parsed: HashMap<String, String> =
        serde_json::from_str(json).expect("a catalogue is a flat JSON object of strings");
    // The catalogue lives as long as the process: leaked once, borrowed everywhere.
    parsed.into_iter().map(|(k, v)| (&*String::leak(k), &*String::leak(v))).collect()
}

/// The texts of one language. As an extractor: the language of the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Which language.
    pub lang: Lang,
    /// What every page says of the end of the service, if it was announced.
    pub banner: Option<Banner>,
}

impl Text {
    /// The texts of a language.
    #[must_use]
    pub const fn new(lang: Lang) -> Self {
        Self { lang, banner: None }
    }

    /// Whether the use of the service has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.banner.is_some_and(|banner| banner.has_ended())
    }

    /// The BCP 47 tag of the language.
    #[must_use]
    pub const fn lang(&self) -> &'static str {
        self.lang.tag()
    }

    /// Picks the language from a text that is in both.
    #[must_use]
    pub const fn pick(&self, both: Both) -> &'static str {
        match self.lang {
            Lang::Ja => both.ja,
            Lang::En => both.en,
        }
    }

    /// The text of a key. An unknown key is shown as `?`; a test keeps that from happening.
    #[must_use]
    pub fn t(&self, key: &str) -> &'static str {
        let catalogue = match self.lang {
            Lang::Ja => &JA,
            Lang::En => &EN,
        };
        catalogue.get(key).copied().unwrap_or("?")
    }

    /// The text of `{family}{word}`, or the word itself if the catalogue has none: for words that
    /// other features may add to.
    #[must_use]
    pub fn named(&self, family: &str, word: impl std::fmt::Display) -> String {
        let word = word.to_string();
        match self.t(&format!("{family}{word}")) {
            "?" => word,
            name => name.to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Text {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let banner = parts.extensions.get::<Banner>().copied();
        Ok(Self { banner, ..Self::of(&parts.headers) })
    }
}

impl Text {
    /// The language that the headers of a request ask for: the cookie first, then the browser's
    /// own list, then Japanese.
    #[must_use]
    pub fn of(headers: &axum::http::HeaderMap) -> Self {
        let chosen = super::page::cookie(headers, LANGUAGE_COOKIE).and_then(Lang::parse);
        let asked = || {
            headers
                .get(header::ACCEPT_LANGUAGE)
                .and_then(|v| v.to_str().ok())
                .and_then(Lang::negotiate)
        };
        Self::new(chosen.or_else(asked).unwrap_or_default())
    }
}
