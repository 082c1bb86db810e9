//! A store's code that is read can be written, and is then read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use omamori_paycode::mpm::{MerchantCode, MpmError, MpmFault};

fuzz_target!(|text: &str| {
    let mut read = MerchantCode::parse(text);
    // The fuzzer would never find a right CRC: tell it.
    if let Err(MpmError { fault: MpmFault::WrongCrc { computed }, .. }) = read {
        let (end, _) = text.char_indices().rev().nth(3).expect("a CRC has four characters");
        read = MerchantCode::parse(&format!("{}{computed:04X}", &text[..end]));
    }
    if let Ok(code) = read {
        let written = code.write().expect("what was read can be written");
        assert_eq!(MerchantCode::parse(&written), Ok(code.clone()));
        let _ = code.jpqr();
    }
});
