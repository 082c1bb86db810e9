//! Bytes that look random and are the same in every run.

use std::sync::atomic::{AtomicU64, Ordering};

use omamori::rng::Rng;
use sha2::{Digest, Sha256};

/// SHA-256 over a counter. Restarts and nodes of one test share it, so that nothing repeats.
#[derive(Default)]
pub struct TestRng(AtomicU64);

impl Rng for TestRng {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            let block = Sha256::digest(count.to_be_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
