//! Rows as lines of JSON: an array a row; bytes as `{"b":"base64"}`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use omamori_db::{Form, Query, Row, sql_built};
use serde_json::{Value, json};

use super::{BackupError, Result};

/// A column: its name and its form.
pub(super) type Column = (String, Form);

/// What the engine tells of a column.
pub(super) fn column(table: &str, row: &Row) -> Result<Column> {
    let (name, form) = (row.text("name")?, row.text("form")?);
    match Form::of(&form) {
        Some(form) => Ok((name, form)),
        None => Err(wrong(table, format!("column {name} is of type {form}"))),
    }
}

/// All rows of a table.
pub(super) fn select(table: &str, columns: &[Column]) -> Query {
    sql_built(format!("SELECT {} FROM \"{table}\"", names(columns)))
}

/// An insert of `row_count` rows, to be filled.
pub(super) fn insert(table: &str, columns: &[Column], row_count: usize) -> Query {
    let mut text = format!("INSERT INTO \"{table}\" ({}) VALUES ", names(columns));
    for row in 0..row_count {
        let first = row * columns.len() + 1;
        let places: Vec<_> = (first..first + columns.len()).map(|n| format!("${n}")).collect();
        let comma = if row == 0 { "" } else { ", " };
        text.push_str(&format!("{comma}({})", places.join(", ")));
    }
    sql_built(text)
}

fn names(columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    names.join(", ")
}

/// A row as a line, without its end.
pub(super) fn line(columns: &[Column], row: &Row) -> Result<String> {
    let mut cells = Vec::with_capacity(columns.len());
    for (place, (_, form)) in columns.iter().enumerate() {
        cells.push(match form {
            Form::Int => json!(row.int_optional(place)?),
            Form::Text => json!(row.text_optional(place)?),
            Form::Bytes => match row.bytes_optional(place)? {
                Some(bytes) => json!({ "b": STANDARD.encode(bytes) }),
                None => Value::Null,
            },
        });
    }
    Ok(Value::Array(cells).to_string())
}

/// Binds the cells of a line.
pub(super) fn bind(table: &str, columns: &[Column], line: &str, query: &mut Query) -> Result<()> {
    let cells: Vec<Value> =
        serde_json::from_str(line).map_err(|error| wrong(table, error.to_string()))?;
    if cells.len() != columns.len() {
        return Err(wrong(table, format!("a row of {} cells", cells.len())));
    }
    for (cell, (name, form)) in cells.into_iter().zip(columns) {
        match (form, cell) {
            (Form::Int, Value::Null) => query.push(None::<i64>),
            (Form::Text, Value::Null) => query.push(None::<String>),
            (Form::Bytes, Value::Null) => query.push(None::<Vec<u8>>),
            (Form::Int, Value::Number(number)) if number.is_i64() => query.push(number.as_i64()),
            (Form::Text, Value::String(text)) => query.push(text),
            (Form::Bytes, Value::Object(mut bytes)) => {
                let text = bytes.remove("b").unwrap_or_default();
                let decoded = STANDARD.decode(text.as_str().unwrap_or("?"));
                let decoded = decoded.map_err(|_| wrong(table, format!("bytes of {name}")))?;
                query.push(decoded);
            }
            _ => return Err(wrong(table, format!("a cell of {name} of another type"))),
        }
    }
    Ok(())
}

pub(super) fn wrong(table: &str, what: String) -> BackupError {
    BackupError::Table { table: table.to_owned(), what }
}
