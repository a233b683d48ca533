//! Random bytes from the system, for what nobody may guess.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// 32 random bytes.
pub(super) fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gives no random numbers".to_owned())?;
    Ok(bytes)
}

/// A new key: 43 characters that hold 256 random bits.
///
/// # Errors
/// Where the system gives no random numbers.
pub fn new_key() -> Result<String, String> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}
