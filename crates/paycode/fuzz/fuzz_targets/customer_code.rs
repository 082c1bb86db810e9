//! A text that is read as a customer's code is the text that the code is written as.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omamori_paycode::code::{CustomerCode, Prefix};

fuzz_target!(|text: &str| {
    if let Ok(code) = CustomerCode::parse(text, Prefix::DEFAULT) {
        assert_eq!(code.to_string(), text);
    }
});
