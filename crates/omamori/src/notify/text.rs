//! What the messages say that go out directly.

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
    /// Proves that an address or another number is the customer's.
    ContactCode {
        /// Six digits.
        code: &'a str,
    },
    /// The second proof of a move to another phone.
    MoveCode {
        /// Six digits.
        code: &'a str,
    },
    /// The second proof of a recovery.
    RecoveryCode {
        /// Six digits.
        code: &'a str,
    },
    /// The payment code was locked after wrong guesses.
    CodeLocked,
    /// Somebody sent money to a number without an account.
    MoneyWaits {
        /// The sender's number, masked.
        from: &'a str,
    },
}

impl Message<'_> {
    /// The text, from the issuer `issuer`.
    #[must_use]
    pub fn text(&self, issuer: &str, lang: Lang) -> String {
        match (self, lang) {
            (Self::SignupCode { code }, Lang::Ja) => format!(
                "【{issuer}】新規登録の認証コード: {code}（10分間有効）。誰にも教えないでください。\
                 電話やSMSでお聞きすることはありません。"
            ),
            (Self::SignupCode { code }, Lang::En) => format!(
                "{issuer}: {code} is your code to sign up (valid 10 minutes). \
                 Tell it to nobody; we never ask for it by phone or SMS."
            ),
            (Self::SignupOfKnownNumber, Lang::Ja) => format!(
                "【{issuer}】この番号で新規登録が試みられましたが、すでに登録済みです。\
                 ご本人の場合は登録した端末でサインインしてください。心当たりがなければ操作は不要です。"
            ),
            (Self::SignupOfKnownNumber, Lang::En) => format!(
                "{issuer}: someone tried to sign up with this number, which has an account already. \
                 If it was you, sign in on your registered phone. If not, you need not do anything."
            ),
            (Self::ContactCode { code }, Lang::Ja) => format!(
                "【{issuer}】連絡先の変更の認証コード: {code}（10分間有効）。誰にも教えないでください。\
                 心当たりがなければ、このメッセージは破棄してください。"
            ),
            (Self::ContactCode { code }, Lang::En) => format!(
                "{issuer}: {code} is your code to change a contact (valid 10 minutes). \
                 Tell it to nobody. If you did not ask for it, ignore this message."
            ),
            (Self::MoneyWaits { from }, Lang::Ja) => format!(
                "【{issuer}】{from} の方から送金があります。48時間以内に、この番号で登録すると\
                 受け取れます。受け取られない場合は送り主に戻ります。このSMSにリンクはありません。"
            ),
            (Self::MoneyWaits { from }, Lang::En) => format!(
                "{issuer}: {from} sent you money. Sign up with this number within 48 hours to \
                 receive it; otherwise it goes back. This message has no link."
            ),
            (Self::MoveCode { code }, Lang::Ja) => format!(
                "【{issuer}】機種変更の認証コード: {code}（10分間有効）。別の端末への変更に使われます。\
                 誰にも教えないでください。心当たりがなければ入力しないでください。"
            ),
            (Self::MoveCode { code }, Lang::En) => format!(
                "{issuer}: {code} is your code to move to another phone (valid 10 minutes). \
                 Tell it to nobody. If you are not changing phones, do not enter it."
            ),
            (Self::RecoveryCode { code }, Lang::Ja) => format!(
                "【{issuer}】アカウント復旧の認証コード: {code}（10分間有効）。誰にも教えないでください。\
                 心当たりがなければ、登録済みの端末でアカウントを停止してください。"
            ),
            (Self::RecoveryCode { code }, Lang::En) => format!(
                "{issuer}: {code} is your code to recover your account (valid 10 minutes). \
                 Tell it to nobody. If it was not you, stop your account on your registered phone."
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

/// How a message names who sends it.
pub(crate) fn sender(issuer: &str, lang: Lang) -> String {
    match lang {
        Lang::Ja => format!("【{issuer}】"),
        Lang::En => format!("{issuer}: "),
    }
}

/// Adds a sentence, with the full stop that a title has not.
pub(super) fn sentence(text: &mut String, part: &str, lang: Lang) {
    let part = part.trim_end();
    let (stop, gap) = match lang {
        Lang::Ja => ("。", ""),
        Lang::En => (".", " "),
    };
    text.push_str(part);
    if !part.ends_with(['。', '.', '！', '？', '!', '?']) {
        text.push_str(stop);
    }
    text.push_str(gap);
}

/// The subject of a letter with a code: the code itself is not in it, for locked screens show it.
pub(crate) fn code_subject(issuer: &str, lang: Lang) -> String {
    let words = match lang {
        Lang::Ja => "認証コードのお知らせ",
        Lang::En => "your code",
    };
    sender(issuer, lang) + words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_names_us_and_has_no_link() {
        let all = [
            Message::SignupCode { code: "123456" },
            Message::SignupOfKnownNumber,
            Message::ContactCode { code: "123456" },
            Message::MoveCode { code: "123456" },
            Message::RecoveryCode { code: "123456" },
            Message::CodeLocked,
        ];
        for message in all {
            for lang in [Lang::Ja, Lang::En] {
                let text = message.text("お守りPay", lang);
                assert!(text.contains("お守りPay"));
                assert!(!text.contains("http") && !text.contains("://"));
                let has_code = text.contains("認証コード") || text.contains("your code to");
                assert_eq!(text.contains("123456"), has_code);
            }
        }
    }
}
