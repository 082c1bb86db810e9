//! What our SMS say.

use crate::web::text::Lang;

/// The messages there are. Each names its purpose; none has a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Proves that the phone number is the person's.
    SignupCode {
        /// Six digits.
        code: &'a str,
    },
    /// To the holder of a number with an account, when someone signs up with it.
    SignupOfKnownNumber,
    /// The payment code was locked after wrong guesses.
    CodeLocked,
}

impl Message<'_> {
    /// The text, from the issuer `issuer`.
    #[must_use]
    pub fn text(&self, issuer: &str, lang: Lang) -> String {
        match (self, lang) {
            (Self::SignupCode { code }, Lang::Ja) => format!(
                "【{issuer}】新規登録の認証コード: {code}（10分間有効）誰にも教えないでください。\
                 電話やSMSでお聞きすることはありません。"
            ),
            (Self::SignupCode { code }, Lang::En) => format!(
                "{issuer}: {code} is your code to sign up (valid 10 minutes). \
                 Tell it to nobody; we never ask for it by phone or SMS."
            ),
            (Self::SignupOfKnownNumber, Lang::Ja) => format!(
                "【{issuer}】この番号で新規登録が試みられましたが、すでに登録済みです。\
                 ご本人の場合は登録した端末でログインしてください。心当たりがなければ操作は不要です。"
            ),
            (Self::SignupOfKnownNumber, Lang::En) => format!(
                "{issuer}: someone tried to sign up with this number, which has an account already. \
                 If it was you, sign in on your registered phone. If not, you need not do anything."
            ),
            (Self::CodeLocked, Lang::Ja) => format!(
                "【{issuer}】誤った支払いコードが続いたため、コードを一時的にロックしました。\
                 残高に影響はありません。しばらくすると自動で解除されます。"
            ),
            (Self::CodeLocked, Lang::En) => format!(
                "{issuer}: after several wrong payment codes, yours is locked for a while. \
                 Your balance is not affected. The lock ends by itself."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_names_us_and_has_no_link() {
        let all = [
            Message::SignupCode { code: "123456" },
            Message::SignupOfKnownNumber,
            Message::CodeLocked,
        ];
        for message in all {
            for lang in [Lang::Ja, Lang::En] {
                let text = message.text("お守りPay", lang);
                assert!(text.contains("お守りPay"));
                assert!(!text.contains("http") && !text.contains("://"));
                let has_code = matches!(message, Message::SignupCode { .. });
                assert_eq!(text.contains("123456"), has_code);
            }
        }
    }
}
