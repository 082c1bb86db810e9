//! Small bar plots, drawn on the server as SVG without styles of its own.

use std::collections::BTreeMap;

use super::figures::Counts;
use crate::clock::Micros;
use crate::web::filters::japan;

const HEIGHT: i64 = 56;

/// One bar.
pub struct Bar {
    pub x: i64,
    pub y: i64,
    pub height: i64,
    /// What a pointer on it shows.
    pub title: String,
}

/// A plot: bars from left to right, the newest at the right.
pub struct Plot {
    /// A key of the catalogue.
    pub name: &'static str,
    pub bars: Vec<Bar>,
    pub width: i64,
    /// Of the highest bar, in words.
    pub highest: String,
}

/// Draws one figure of each place in time.
pub fn plot(
    name: &'static str,
    counts: &BTreeMap<Micros, Counts>,
    figure: impl Fn(&Counts) -> i64,
    words: impl Fn(i64) -> String,
) -> Plot {
    let place = |(at, counts): (&Micros, &Counts)| {
        (japan(*at).strftime("%H:%M").to_string(), figure(counts))
    };
    draw(name, &counts.iter().map(place).collect::<Vec<_>>(), words)
}

/// Draws figures, each with the words for its place.
pub fn draw(name: &'static str, figures: &[(String, i64)], words: impl Fn(i64) -> String) -> Plot {
    let highest = figures.iter().map(|(_, value)| *value).max().unwrap_or_default();
    let width_of_bar = 480 / i64::try_from(figures.len().max(1)).unwrap_or(1);
    let bar = |(place, (at, value)): (usize, &(String, i64))| {
        // What is not nothing is seen.
        let height = if *value == 0 { 0 } else { (value * HEIGHT / highest.max(1)).max(2) };
        let title = format!("{at} — {}", words(*value));
        let x = i64::try_from(place).unwrap_or_default() * width_of_bar;
        Bar { x, y: HEIGHT - height, height, title }
    };
    Plot {
        name,
        bars: figures.iter().enumerate().map(bar).collect(),
        width: width_of_bar - 1,
        highest: words(highest),
    }
}
