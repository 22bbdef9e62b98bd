//! Bearer tokens for SASL OAUTHBEARER.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka::client::OAuthToken;
use serde_json::{Value, json};

use crate::settings::TokenSource;

/// How long an unsigned token lasts.
const UNSIGNED_LIFE: Duration = Duration::from_secs(3600);

/// A token to show to brokers now. The errors name the file, never what is in it.
pub(crate) fn token(source: &TokenSource) -> Result<OAuthToken, Box<dyn Error>> {
    match source {
        TokenSource::File(path) => read(path),
        TokenSource::Unsigned { principal } => Ok(unsigned(principal)),
    }
}

fn read(path: &Path) -> Result<OAuthToken, Box<dyn Error>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("the token file {} can't be read: {error}", path.display()))?;
    parse(text.trim()).ok_or_else(|| {
        format!("{} holds no JSON web token with the claims sub and exp: write a fresh one there", path.display())
            .into()
    })
}

/// Reads off a token whose it is and when it ends. Whether it is genuine is for the broker to judge.
fn parse(token: &str) -> Option<OAuthToken> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let lifetime_ms = claims.get("exp")?.as_f64()? * 1000.0;
    let principal_name = claims.get("sub")?.as_str()?.to_owned();
    Some(OAuthToken { token: token.to_owned(), principal_name, lifetime_ms: lifetime_ms as i64 })
}

fn unsigned(principal: &str) -> OAuthToken {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let end = now + UNSIGNED_LIFE;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": principal, "iat": now.as_secs(), "exp": end.as_secs() });
    let token = format!("{}.{}.", part(json!({ "alg": "none" })), part(claims));
    OAuthToken { token, principal_name: principal.to_owned(), lifetime_ms: end.as_millis() as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unsigned_token_reads_back() {
        let token = unsigned("waybill");
        let back = parse(&token.token).unwrap();
        assert_eq!(back.principal_name, "waybill");
        assert_eq!(back.lifetime_ms / 1000, token.lifetime_ms / 1000);
    }

    #[test]
    fn what_is_no_token_is_not_repeated() {
        let file = std::env::temp_dir().join(format!("waybill-token-{}", std::process::id()));
        std::fs::write(&file, "secret").unwrap();
        let error = token(&TokenSource::File(file.clone())).map(drop).unwrap_err().to_string();
        std::fs::remove_file(&file).unwrap();
        assert!(error.contains("holds no JSON web token") && !error.contains("secret"), "{error}");
    }
}
