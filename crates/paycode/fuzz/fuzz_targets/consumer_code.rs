//! A consumer's code that is read is written as the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omamori_paycode::cpm::{ConsumerCode, CpmFault};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(code) = ConsumerCode::from_bytes(bytes) {
        match code.write() {
            Ok(text) => assert_eq!(ConsumerCode::parse(&text), Ok(code)),
            Err(error) => assert_eq!(error.fault, CpmFault::TextTooLong),
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(code) = ConsumerCode::parse(text)
    {
        assert_eq!(code.write().as_deref(), Ok(text));
        for application in &code.applications {
            let _ = application.track_2_account_number();
        }
    }
});
