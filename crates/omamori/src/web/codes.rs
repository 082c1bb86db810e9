//! The stable codes of every refusal, with the text for the developer, the clerk and the customer.
//!
//! A code never changes its meaning and never disappears; texts may be improved.

use axum::http::StatusCode;

use super::code_table::codes;
pub use super::text::Both;

codes! {
    /// A field is missing, of a wrong type, out of range or unknown; `fields` says which.
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request is not well formed; see fields.",
        clerk: "入力内容を確認してください。" / "Check what was entered.",
        customer: "入力内容を確認してください。" / "Please check what you entered.";
    /// No valid key, session or proof came with the request.
    Unauthorized = "unauthorized", UNAUTHORIZED, "No valid credential came with the request.",
        clerk: "端末の登録を確認してください。" / "Check that this terminal is set up.",
        customer: "もう一度サインインしてください。" / "Please sign in again.";
    /// The caller is known and may not do this.
    Forbidden = "forbidden", FORBIDDEN, "The caller may not do this.",
        clerk: "この操作は許可されていません。" / "This is not permitted.",
        customer: "この操作は許可されていません。" / "This is not permitted.";
    /// This phone is not the one that the account is bound to.
    DeviceNotEnrolled = "device_not_enrolled", FORBIDDEN, "This device is not bound to the account.",
        clerk: "お客様の端末が登録されていません。" / "The customer's phone is not registered.",
        customer: "この端末は登録されていません。登録済みの端末でサインインしてください。" / "This phone is not registered. Sign in on your registered phone.";
    /// A phone that took another's place lately, or an undone move: some things wait for a day.
    TooSoon = "too_soon", FORBIDDEN, "Not within 24 hours of a move or of its undoing.",
        clerk: "端末の変更から24時間は操作できません。" / "Not possible within 24 hours of a change of phone.",
        customer: "安全のため、機種変更やその取り消しから24時間はこの操作ができません。" / "To keep you safe, this is not possible within 24 hours of moving to another phone or undoing that.";
    /// The customer's recovery has not waited long enough.
    RecoveryCooling = "recovery_cooling", FORBIDDEN, "The recovery can be finished 24 hours after it began.",
        clerk: "復旧の手続き中です。" / "The account is being recovered.",
        customer: "復旧は、手続きの開始から24時間後に完了できます。" / "You can finish the recovery 24 hours after it began.";
    /// Nobody agrees to what they asked for themselves.
    SecondPersonNeeded = "second_person_needed", FORBIDDEN, "Another person has to decide this.",
        clerk: "別の担当者の承認が必要です。" / "Another person has to approve this.",
        customer: "ご自身の申請は承認できません。別の担当者に依頼してください。" / "You asked for this yourself. Another person has to decide it.";
    /// Decided, carried out or expired already.
    ApprovalClosed = "approval_closed", CONFLICT, "This approval is decided, used or expired, or its subject changed.",
        clerk: "この承認はすでに処理されています。" / "This approval is closed.",
        customer: "この承認はすでに処理されたか、期限が切れています。" / "This approval was decided, used or has expired.";
    /// The customer has not confirmed the newest terms.
    TermsUnconfirmed = "terms_unconfirmed", CONFLICT, "The customer has to confirm the terms in the wallet before the first top-up.",
        clerk: "お客様のアプリの「チャージ」で、はじめに重要事項を確認してもらってください。" / "Ask the customer to open Top up in the app and confirm the terms first.",
        customer: "はじめてのチャージの前に、「チャージ」の画面で重要事項をご確認ください。" / "Before the first top-up, please confirm the terms on the Top up page.";
    /// Nobody would be left who may say who else signs in.
    LastOwner = "last_owner", CONFLICT, "The merchant would be left without an owner who can sign in.",
        clerk: "オーナーが1人もいなくなるため、変更できません。" / "At least one owner must remain.",
        customer: "オーナーが1人もいなくなるため、変更できません。" / "At least one owner must remain.";
    /// The use of the service has ended, as announced.
    ServiceEnded = "service_ended", UNPROCESSABLE_ENTITY, "The service has ended; see /end-of-service. Refunds, cancels and voids still work.",
        clerk: "サービスは終了しました。お支払いもチャージもできません。ほかの方法をご案内ください。" / "The service has ended: nothing can be paid or topped up. Please offer another way to pay.",
        customer: "サービスは終了しました。残高の払い戻しは「サービスの終了」のページでご案内しています。" / "The service has ended. The page about its end says how you get your balance back.";
    /// An end stands already, or cannot be called off any more.
    ServiceEndStands = "service_end_stands", CONFLICT, "The end of the service is announced already, or use has ended and it cannot be called off.",
        clerk: "サービスの終了はすでに決まっています。" / "The end of the service stands.",
        customer: "サービスの終了はすでに決まっています。" / "The end of the service stands.";
    /// Refunds are claimed from the end of use to the last day of claims.
    RefundNotOpen = "refund_not_open", CONFLICT, "Refunds can be claimed from the end of use to the last day of claims; see /end-of-service.",
        clerk: "いまは払い戻しの申し出を受け付けていません。" / "Refunds cannot be claimed now.",
        customer: "いまは払い戻しの申し出を受け付けていません。期間は「サービスの終了」のページをご覧ください。" / "Refunds cannot be claimed now. The page about the end of the service says from when to when.";
    /// There is no paid value to give back.
    RefundNothing = "refund_nothing", CONFLICT, "There is no paid value that could be paid back now.",
        clerk: "払い戻せる残高がありません。" / "There is nothing to pay back.",
        customer: "払い戻せる残高がありません。" / "There is no balance that could be paid back.";
    /// A claim is being paid: nothing can be changed until the bank has answered.
    RefundUnderWay = "refund_under_way", CONFLICT, "The claim is being written down or paid; it cannot be changed now.",
        clerk: "払い戻しの手続き中です。" / "The refund is under way.",
        customer: "払い戻しの手続き中のため、いまは変更できません。" / "Your refund is under way and cannot be changed now.";
    /// Refunds to who simply asks are bounded in each base period (府令42条1号, 2号).
    RefundQuota = "refund_quota", CONFLICT, "The quota of the base period has no room for this refund.",
        clerk: "この基準期間の払い戻しの限度額を超えます。" / "The refund quota of this base period has no room for it.",
        customer: "法令の限度額を超えるため、いまは払い戻しできません。" / "The law's limit leaves no room for this refund now.";
    /// No page or resource has this address.
    NotFound = "not_found", NOT_FOUND, "There is nothing at this address.",
        clerk: "見つかりません。" / "Not found.",
        customer: "ページが見つかりません。" / "This page does not exist.";
    /// The resource does not take this HTTP method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This address does not take this method.",
        clerk: "操作を確認してください。" / "Check the operation.",
        customer: "操作を確認してください。" / "Please check the operation.";
    /// This merchant has no payment with this id.
    PaymentNotFound = "payment_not_found", NOT_FOUND, "No payment of this merchant has this merchant_payment_id.",
        clerk: "この取引は見つかりません。決済は成立していません。" / "No such payment. Nothing was charged under this id.",
        customer: "取引が見つかりません。" / "The payment was not found.";
    /// This merchant has no refund with this id.
    RefundNotFound = "refund_not_found", NOT_FOUND, "No refund of this merchant has this merchant_refund_id.",
        clerk: "この返金は見つかりません。" / "No such refund.",
        customer: "返金が見つかりません。" / "The refund was not found.";
    /// This merchant has no top-up with this id.
    TopupNotFound = "topup_not_found", NOT_FOUND, "No top-up of this merchant has this merchant_topup_id.",
        clerk: "このチャージは見つかりません。" / "No such top-up.",
        customer: "チャージが見つかりません。" / "The top-up was not found.";
    /// The same merchant_payment_id came before with another amount or another code.
    PaymentIdReused = "merchant_payment_id_reused", CONFLICT, "This merchant_payment_id belongs to another payment.",
        clerk: "同じ取引番号がすでに使われています。新しい番号でやり直してください。" / "This payment id is already taken. Start again with a new one.",
        customer: "お支払いは行われていません。" / "You were not charged.";
    /// This merchant has no authorization with this id.
    AuthorizationNotFound = "authorization_not_found", NOT_FOUND, "No authorization of this merchant has this merchant_authorization_id.",
        clerk: "この取り置きは見つかりません。" / "No such authorization. Nothing is reserved under this id.",
        customer: "取り置きが見つかりません。" / "The reservation was not found.";
    /// The same merchant_authorization_id came before with other content.
    AuthorizationIdReused = "merchant_authorization_id_reused", CONFLICT, "This merchant_authorization_id belongs to another authorization.",
        clerk: "同じ取り置き番号がすでに使われています。新しい番号でやり直してください。" / "This authorization id is already taken. Start again with a new one.",
        customer: "取り置きは行われていません。" / "Nothing was reserved.";
    /// The authorization was captured: a refund or cancel of its payment is the way.
    AuthorizationCaptured = "authorization_captured", CONFLICT, "The authorization was captured already; refund or cancel its payment instead.",
        clerk: "この取り置きは確定済みです。返金または取消を使ってください。" / "It was captured already. Refund or cancel the payment instead.",
        customer: "この取り置きは支払い済みです。" / "This reservation was paid already.";
    /// The authorization was voided, possibly before it arrived.
    AuthorizationVoided = "authorization_voided", CONFLICT, "The authorization was voided, possibly before it arrived.",
        clerk: "この取り置きは解除済みです。" / "This authorization was voided.",
        customer: "この取り置きは解除されました。" / "This reservation was released.";
    /// The time of the authorization is over.
    AuthorizationExpired = "authorization_expired", CONFLICT, "The authorization has expired; what it reserved is the customer's again.",
        clerk: "この取り置きは期限切れです。お客様にもう一度コードの提示をお願いしてください。" / "This authorization has expired. Ask the customer for a new code.",
        customer: "この取り置きは期限が切れ、残高に戻りました。" / "This reservation has expired and is back in your balance.";
    /// More than was authorized.
    CaptureExceedsAuthorization = "capture_exceeds_authorization", UNPROCESSABLE_ENTITY, "A capture may not pass what was authorized.",
        clerk: "確定額が取り置き額を超えています。" / "This is more than what was authorized.",
        customer: "お支払いは行われていません。" / "You were not charged.";
    /// Staff look at the payment before it goes through: ask again.
    PaymentHeld = "payment_held", CONFLICT, "The payment is held until staff have looked at it; nothing is paid yet. Ask again with the same id; see Retry-After.",
        clerk: "確認中です。商品はまだお渡しせず、結果が出るまでお待ちください。" / "The payment is being checked. Wait for the result before you hand anything over.",
        customer: "安全のため、お支払いを確認しています。金額は取り置きされています。" / "We are checking this payment to keep you safe. The amount is reserved meanwhile.";
    /// Staff refused the payment, or nobody decided in time.
    PaymentRefused = "payment_refused", UNPROCESSABLE_ENTITY, "The held payment was refused or not decided in time; nothing was paid.",
        clerk: "このお支払いは成立しませんでした。ほかの方法をご案内ください。" / "This payment was not made. Please offer another way to pay.",
        customer: "お支払いは成立しませんでした。取り置きした金額は残高に戻りました。" / "The payment was not made. The reserved amount is back in your balance.";
    /// The same merchant_refund_id came before for another payment or amount.
    RefundIdReused = "merchant_refund_id_reused", CONFLICT, "This merchant_refund_id belongs to another refund.",
        clerk: "同じ返金番号がすでに使われています。" / "This refund id is already taken.",
        customer: "返金は行われていません。" / "Nothing was refunded.";
    /// The same merchant_topup_id came before with another amount or code.
    TopupIdReused = "merchant_topup_id_reused", CONFLICT, "This merchant_topup_id belongs to another top-up.",
        clerk: "同じチャージ番号がすでに使われています。" / "This top-up id is already taken.",
        customer: "チャージは行われていません。" / "Nothing was topped up.";
    /// The code shown has paid for something already.
    CodeAlreadyUsed = "code_already_used", CONFLICT, "This code was used for another operation.",
        clerk: "このコードは使用済みです。お客様にコードの更新をお願いしてください。" / "This code was used already. Ask the customer to refresh it.",
        customer: "このコードは使用済みです。コードを更新してください。" / "This code was used already. Please refresh it.";
    /// The code was right some minutes ago.
    CodeExpired = "code_expired", UNPROCESSABLE_ENTITY, "The code's time step is over.",
        clerk: "コードの有効期限が切れています。お客様にコードの更新をお願いしてください。" / "The code has expired. Ask the customer to refresh it.",
        customer: "コードの有効期限が切れました。更新してください。" / "The code has expired. Please refresh it.";
    /// The one-time part is not one of this device's.
    CodeWrong = "code_wrong", UNPROCESSABLE_ENTITY, "The one-time part is wrong for this device.",
        clerk: "コードを確認できません。もう一度読み取ってください。" / "The code cannot be verified. Scan it again.",
        customer: "コードを確認できませんでした。更新してください。" / "The code could not be verified. Please refresh it.";
    /// One digit was misread or mistyped.
    CodeCheckDigit = "code_check_digit", UNPROCESSABLE_ENTITY, "The check digit does not fit: misread or mistyped.",
        clerk: "読み取りエラーです。もう一度読み取ってください。" / "Misread. Scan the code again.",
        customer: "もう一度コードを読み取ってもらってください。" / "Please have the code scanned again.";
    /// The digits are another operator's.
    CodeUnknownPrefix = "code_unknown_prefix", UNPROCESSABLE_ENTITY, "The code does not begin with this operator's prefix.",
        clerk: "お守りPayのコードではありません。" / "This is not an Omamori code.",
        customer: "お守りPayのコードを表示してください。" / "Please show your Omamori code.";
    /// Too many wrong codes named this device; showing a code is paused there.
    CodeLocked = "code_locked", UNPROCESSABLE_ENTITY, "Too many wrong codes for this device; its code is locked for a while.",
        clerk: "このお客様のコードは一時的にロックされています。" / "This customer's code is locked for a while.",
        customer: "誤ったコードが続いたため、コードを一時的にロックしました。" / "After several wrong codes, your code is locked for a while.";
    /// The terminal sent too many wrong codes.
    TerminalLocked = "terminal_locked", TOO_MANY_REQUESTS, "Too many wrong codes from this terminal; wait.",
        clerk: "誤ったコードが続いたため、この端末は一時停止中です。しばらくお待ちください。" / "Too many wrong codes: this terminal is paused for a while.",
        customer: "しばらくお待ちください。" / "Please wait a moment.";
    /// The balance is lower than the amount.
    InsufficientFunds = "insufficient_funds", UNPROCESSABLE_ENTITY, "The balance is lower than the amount.",
        clerk: "残高不足です。チャージまたは別の支払方法をご案内ください。" / "Not enough balance. Offer a top-up or another way to pay.",
        customer: "残高が不足しています。" / "Your balance is too low.";
    /// Fewer points than asked for.
    InsufficientPoints = "insufficient_points", UNPROCESSABLE_ENTITY, "The customer has fewer points than that.",
        clerk: "ポイントが不足しています。" / "Not enough points.",
        customer: "ポイントが不足しています。" / "You do not have that many points.";
    /// The same conversion_id came before with another number of points.
    ConversionIdReused = "conversion_id_reused", CONFLICT, "This conversion_id belongs to another conversion.",
        clerk: "同じ番号がすでに使われています。" / "This id is already taken.",
        customer: "ポイントは交換されていません。もう一度お試しください。" / "No points were exchanged. Please try again.";
    /// The coupon is not for this customer, not now or not any more.
    CouponNotOffered = "coupon_not_offered", UNPROCESSABLE_ENTITY, "This coupon is not offered to this customer now.",
        clerk: "このクーポンは利用できません。" / "This coupon cannot be used.",
        customer: "このクーポンは現在ご利用いただけません。" / "This coupon is not available to you now.";
    /// As many coupons are set as one customer may have.
    TooManyCoupons = "too_many_coupons", UNPROCESSABLE_ENTITY, "The customer has set as many coupons as are allowed.",
        clerk: "セットできるクーポンの上限です。" / "No more coupons can be set.",
        customer: "セットできるクーポンは50枚までです。" / "You can set up to 50 coupons.";
    /// A merchant has as many webhooks as one may have.
    TooManyWebhooks = "too_many_webhooks", UNPROCESSABLE_ENTITY, "The merchant has as many webhooks as are allowed.",
        clerk: "登録できるWebhookの上限です。" / "No more webhooks can be added.",
        customer: "登録できるWebhookは5件までです。" / "You can have up to five webhooks.";
    /// A rolling limit of the customer would be passed.
    LimitPayment24h = "limit_payment_24h", UNPROCESSABLE_ENTITY, "The customer's payment limit of 24 hours would be passed.",
        clerk: "お客様の24時間の利用上限を超えます。" / "The customer's 24-hour limit would be passed.",
        customer: "24時間の支払い上限を超えます。" / "This would pass your 24-hour payment limit.";
    /// A rolling limit of the customer would be passed.
    LimitPayment30d = "limit_payment_30d", UNPROCESSABLE_ENTITY, "The customer's payment limit of 30 days would be passed.",
        clerk: "お客様の30日間の利用上限を超えます。" / "The customer's 30-day limit would be passed.",
        customer: "30日間の支払い上限を超えます。" / "This would pass your 30-day payment limit.";
    /// A limit that the customer has set for themselves would be passed.
    LimitOwn = "limit_own", UNPROCESSABLE_ENTITY, "A limit that the customer has set for themselves would be passed.",
        clerk: "お客様がご自身で設定した上限を超えます。" / "A limit that the customer has set would be passed.",
        customer: "ご自身で設定した上限を超えます。設定の「利用可能額」で確認できます。" / "This would pass a limit that you have set. See Limits in the settings.";
    /// To lower a limit it must be lower than the one that holds.
    LimitNotLower = "limit_not_lower", CONFLICT, "The limit that holds is lower: to raise it is another request, with a confirmation.",
        clerk: "上限の変更はアプリで行います。" / "Limits are changed in the app.",
        customer: "いまの上限より低くありません。画面を開き直してください。" / "That is not lower than your limit of now. Please reload the page.";
    /// What auto top-up may load in 30 days would be passed.
    LimitTopupAuto = "limit_topup_auto", UNPROCESSABLE_ENTITY, "The customer's own limit of auto top-up in 30 days would be passed.",
        clerk: "オートチャージの上限（30日間）を超えます。" / "The 30-day limit of auto top-up would be passed.",
        customer: "オートチャージの上限（30日間）を超えます。" / "This would pass your 30-day limit of auto top-up.";
    /// The first 24 hours of a phone have a lower limit.
    LimitNewDevice = "limit_new_device", UNPROCESSABLE_ENTITY, "The limit of a device's first 24 hours would be passed.",
        clerk: "登録から24時間は利用上限が低くなっています。" / "A phone's first 24 hours have a lower limit.",
        customer: "端末の登録から24時間は、支払い上限が1万円です。" / "For 24 hours after registering a phone you can pay up to ¥10,000.";
    /// All top-ups of 24 hours together would pass the limit.
    LimitTopup24h = "limit_topup_24h", UNPROCESSABLE_ENTITY, "The customer's top-up limit of 24 hours would be passed.",
        clerk: "お客様の24時間のチャージ上限を超えます。" / "The customer's 24-hour top-up limit would be passed.",
        customer: "24時間のチャージ上限を超えます。" / "This would pass your 24-hour top-up limit.";
    /// The amount of one top-up is over the limit of this way of top-up.
    LimitTopupAmount = "limit_topup_amount", UNPROCESSABLE_ENTITY, "One top-up of this kind may not be this large.",
        clerk: "1回のチャージ上限を超えています。" / "This is over the limit of one top-up.",
        customer: "1回のチャージ上限を超えています。" / "This is over the limit of one top-up.";
    /// A rolling limit of the customer would be passed.
    LimitTopupCard24h = "limit_topup_card_24h", UNPROCESSABLE_ENTITY, "The customer's limit of top-ups by card in 24 hours would be passed.",
        clerk: "カードのチャージ上限（24時間）を超えます。" / "The 24-hour limit of top-ups by card would be passed.",
        customer: "カードのチャージ上限（24時間）を超えます。" / "This would pass your 24-hour limit of top-ups by card.";
    /// A rolling limit of the customer would be passed.
    LimitTopupCard30d = "limit_topup_card_30d", UNPROCESSABLE_ENTITY, "The customer's limit of top-ups by card in 30 days would be passed.",
        clerk: "カードのチャージ上限（30日間）を超えます。" / "The 30-day limit of top-ups by card would be passed.",
        customer: "カードのチャージ上限（30日間）を超えます。" / "This would pass your 30-day limit of top-ups by card.";
    /// The ATM has no session under this id.
    AtmSessionNotFound = "atm_session_not_found", NOT_FOUND, "This ATM has no session under this merchant_topup_id.",
        clerk: "ATMの手続きが見つかりません。" / "No such session.",
        customer: "ATMの手続きが見つかりません。ATMで最初からやり直してください。" / "The ATM knows nothing of this. Start again at the ATM.";
    /// Nobody has typed the number yet.
    AtmSessionOpen = "atm_session_open", CONFLICT, "No customer has typed the number yet.",
        clerk: "お客様がまだ番号を入力していません。" / "The customer has not typed the number yet.",
        customer: "ATMに表示された番号を入力してください。" / "Type the number that the ATM shows.";
    /// The session is over: give the cash back.
    AtmSessionEnded = "atm_session_ended", UNPROCESSABLE_ENTITY, "The session was called off or took too long; give the cash back.",
        clerk: "手続きは終了しました。現金を返却してください。" / "The session is over. Give the cash back.",
        customer: "手続きは終了しました。ATMで最初からやり直してください。" / "This is over. Start again at the ATM.";
    /// The number leads to no ATM: wrong, used or expired.
    AtmNumberWrong = "atm_number_wrong", UNPROCESSABLE_ENTITY, "The number leads to no ATM: it is wrong, used or expired.",
        clerk: "番号が正しくありません。" / "The number is wrong.",
        customer: "番号が正しくないか、有効期限が切れています。ATMの画面をご確認ください。" / "The number is wrong or has expired. Look at the ATM's screen.";
    /// The customer has no such card, or it may not be used.
    CardNotFound = "card_not_found", NOT_FOUND, "The customer has no such card.",
        clerk: "カードが見つかりません。" / "No such card.",
        customer: "カードが見つかりません。" / "The card was not found.";
    /// So many cards may be registered and not more.
    CardsMax = "cards_max", UNPROCESSABLE_ENTITY, "The customer has as many cards as may be registered.",
        clerk: "登録できるカードの上限です。" / "No more cards may be registered.",
        customer: "登録できるカードは3枚までです。使わないカードを削除してください。" / "You can register up to 3 cards. Remove one that you do not use.";
    /// Too many cards were tried lately.
    CardTries = "card_tries", TOO_MANY_REQUESTS, "Too many registrations of cards were begun or failed lately.",
        clerk: "カード登録の回数が上限に達しました。" / "Too many cards were tried.",
        customer: "カード登録の回数が上限に達しました。しばらくたってからお試しください。" / "Too many cards were tried. Please wait before the next one.";
    /// The card gateway does not answer, and nothing was asked of a card.
    GatewayUnavailable = "gateway_unavailable", SERVICE_UNAVAILABLE, "The card gateway does not answer; no card was charged.",
        clerk: "カード会社に接続できません。" / "The card gateway does not answer.",
        customer: "カード会社に接続できません。少したってからお試しください。" / "The card company does not answer. Please try again in a while.";
    /// The balance would pass the largest one allowed.
    LimitBalance = "limit_balance", UNPROCESSABLE_ENTITY, "The balance would pass the largest one allowed.",
        clerk: "残高の上限を超えます。" / "The customer's balance would pass its limit.",
        customer: "残高の上限を超えます。" / "Your balance would pass its limit.";
    /// Refunds would pass what was paid.
    RefundExceedsPayment = "refund_exceeds_payment", UNPROCESSABLE_ENTITY, "Refunds may not pass what was paid.",
        clerk: "返金額が支払額を超えています。" / "The refund is more than what is left of the payment.",
        customer: "返金は行われていません。" / "Nothing was refunded.";
    /// A payment that was refunded, in part or whole, cannot be canceled.
    PaymentAlreadyRefunded = "payment_already_refunded", CONFLICT, "The payment has refunds; refund the rest instead.",
        clerk: "返金済みの取引は取消できません。残額は返金してください。" / "It has refunds already. Refund the rest instead.",
        customer: "この取引は返金済みです。" / "This payment was refunded already.";
    /// The payment was canceled.
    PaymentCanceled = "payment_canceled", CONFLICT, "This payment was canceled, possibly before it arrived.",
        clerk: "この取引は取消済みです。" / "This payment was canceled.",
        customer: "この取引は取り消されました。" / "This payment was canceled.";
    /// This merchant, or this customer, has no order with this id.
    OrderNotFound = "order_not_found", NOT_FOUND, "There is no such order.",
        clerk: "この注文は見つかりません。" / "No such order.",
        customer: "お支払いの内容が見つかりません。お店にご確認ください。" / "There is nothing to pay under this code. Please ask the store.";
    /// The order was paid already.
    OrderPaid = "order_paid", CONFLICT, "The order is paid; it can be refunded or canceled as a payment.",
        clerk: "この注文はすでに支払い済みです。" / "This order is already paid.",
        customer: "この注文はすでに支払い済みです。重ねて支払う必要はありません。" / "This was already paid. You do not need to pay again.";
    /// The order's time is over.
    OrderExpired = "order_expired", UNPROCESSABLE_ENTITY, "The order's time is over.",
        clerk: "この注文は有効期限が切れています。新しいQRを表示してください。" / "The order's time is over. Show a new QR.",
        customer: "有効期限が切れています。お店に新しいQRコードを表示してもらってください。" / "This code's time is over. Ask the store to show a new one.";
    /// A text that was scanned is no store's code, or is damaged.
    QrUnreadable = "qr_unreadable", UNPROCESSABLE_ENTITY, "The text is no code to pay, or it is damaged.",
        clerk: "お店のQRコードではありません。" / "Not a store's QR code.",
        customer: "お支払い用のQRコードではないか、壊れています。もう一度読み取ってください。" / "This is not a code to pay with, or it is damaged. Please scan it again.";
    /// A store's code of which this operator knows nothing.
    QrOfOthers = "qr_of_others", UNPROCESSABLE_ENTITY, "A store's code, but of no store of this operator.",
        clerk: "他社のQRコードです。" / "This QR code is of another service.",
        customer: "このお店のQRコードは、他の決済サービスのものです。ここではお支払いいただけません。" / "This store's QR code is of another payment service. You cannot pay with it here.";
    /// The top-up was canceled.
    TopupCanceled = "topup_canceled", CONFLICT, "This top-up was canceled, possibly before it arrived.",
        clerk: "このチャージは取消済みです。" / "This top-up was canceled.",
        customer: "このチャージは取り消されました。" / "This top-up was canceled.";
    /// A cancel comes too late; a refund is the way.
    CancelTooLate = "cancel_too_late", UNPROCESSABLE_ENTITY, "A payment can be canceled until 00:15 JST of the next day; refund it instead.",
        clerk: "取消できる時間を過ぎました。返金を使ってください。" / "Too late to cancel. Use a refund.",
        customer: "取消できる時間を過ぎました。" / "It is too late to cancel.";
    /// The value of a top-up was spent before the cancel came.
    TopupAlreadySpent = "topup_already_spent", UNPROCESSABLE_ENTITY, "The balance is lower than the top-up: it was spent.",
        clerk: "チャージした残高がすでに使われています。" / "The money topped up was spent already.",
        customer: "チャージした残高がすでに使われています。" / "The money topped up was spent already.";
    /// No send of this customer, in either direction, has this id.
    SendNotFound = "send_not_found", NOT_FOUND, "No send of or to this customer has this id.",
        clerk: "送金が見つかりません。" / "No such transfer.",
        customer: "この送金は見つかりません。" / "This transfer was not found.";
    /// The same client id came before with other content.
    SendIdReused = "send_id_reused", CONFLICT, "This client id belongs to another send or request.",
        clerk: "同じ番号がすでに使われています。" / "This id is already taken.",
        customer: "送金は行われていません。もう一度はじめからお試しください。" / "Nothing was sent. Please start again.";
    /// A send or a request would go to its own maker.
    SendToSelf = "send_to_self", UNPROCESSABLE_ENTITY, "A customer cannot send to themselves.",
        clerk: "自分には送れません。" / "Not to oneself.",
        customer: "自分自身には送れません。" / "You cannot send money to yourself.";
    /// It was taken, declined, called back, or its time is over.
    SendEnded = "send_ended", CONFLICT, "The send was taken or returned already.",
        clerk: "この送金は終了しています。" / "This transfer is over.",
        customer: "この送金は、すでに受け取られたか、送り主に戻りました。" / "This money was already received or went back to the sender.";
    /// The sender's account is stopped; it can be taken later, or goes back.
    SendHeld = "send_held", UNPROCESSABLE_ENTITY, "The send cannot be taken at the moment.",
        clerk: "この送金は現在受け取れません。" / "This transfer cannot be received at the moment.",
        customer: "この送金は、確認のためいま受け取れません。受け取れないまま48時間が過ぎると送り主に戻ります。" / "This money is being checked and cannot be received now. After 48 hours it goes back to the sender.";
    /// One send is over the limit.
    LimitSendAmount = "limit_send_amount", UNPROCESSABLE_ENTITY, "One send may not be this large.",
        clerk: "1回の送金上限を超えています。" / "This is over the limit of one transfer.",
        customer: "1回に送れる金額の上限を超えています。" / "This is over the limit for one transfer.";
    /// A rolling limit of the sender would be passed.
    LimitSend24h = "limit_send_24h", UNPROCESSABLE_ENTITY, "The sender's limit of 24 hours would be passed.",
        clerk: "24時間の送金上限を超えます。" / "The 24-hour sending limit would be passed.",
        customer: "24時間に送れる金額の上限を超えます。" / "This would pass your 24-hour sending limit.";
    /// A rolling limit of the sender would be passed.
    LimitSend30d = "limit_send_30d", UNPROCESSABLE_ENTITY, "The sender's limit of 30 days would be passed.",
        clerk: "30日間の送金上限を超えます。" / "The 30-day sending limit would be passed.",
        customer: "30日間に送れる金額の上限を超えます。" / "This would pass your 30-day sending limit.";
    /// The receiver got so much, or from so many, that nothing more is taken.
    LimitReceive = "limit_receive", UNPROCESSABLE_ENTITY, "The receiver's limit of 30 days would be passed.",
        clerk: "30日間の受け取り上限を超えます。" / "The 30-day receiving limit would be passed.",
        customer: "30日間に受け取れる上限に達しています。" / "You have reached your 30-day receiving limit.";
    /// No link with this token, or the passcode is wrong: the same for both.
    LinkWrong = "link_wrong", UNPROCESSABLE_ENTITY, "The link or the passcode is wrong, or the link is over.",
        clerk: "リンクまたはパスコードが違います。" / "The link or the passcode is wrong.",
        customer: "リンクかパスコードが違うか、期限が切れています。5回まちがえると送り主に戻ります。" / "The link or the passcode is wrong or has expired. After 5 wrong tries the money goes back.";
    /// The code that a friend showed is not one, or not any more.
    FriendCodeUnknown = "friend_code_unknown", UNPROCESSABLE_ENTITY, "No customer shows this code now.",
        clerk: "コードが見つかりません。" / "No such code.",
        customer: "コードを確認できません。相手の画面で新しいコードを表示してもらってください。" / "This code is not valid. Ask your friend to show a new one.";
    /// No request for money with this id or link.
    RequestNotFound = "money_request_not_found", NOT_FOUND, "There is no such request for money.",
        clerk: "請求が見つかりません。" / "No such request.",
        customer: "この請求は見つかりません。" / "This request was not found.";
    /// It is paid, called off, or too old.
    RequestClosed = "money_request_closed", CONFLICT, "The request is paid, canceled, expired or of another amount.",
        clerk: "この請求は終了しています。" / "This request is over.",
        customer: "この請求は、支払い済みか、取り消されました。" / "This request was already paid or canceled.";
    /// Staff have closed this function.
    FunctionClosed = "function_closed", UNPROCESSABLE_ENTITY, "This function is closed by the operator; see /status.",
        clerk: "この機能は現在停止しています。" / "This function is closed at the moment.",
        customer: "この機能は現在停止しています。" / "This function is closed at the moment.";
    /// A risk rule wants the customer to confirm at the phone.
    ConfirmationRequired = "confirmation_required", UNPROCESSABLE_ENTITY, "The customer must confirm this in the app, then show a new code.",
        clerk: "お客様のアプリで本人確認が必要です。確認後、もう一度コードを表示してもらってください。" / "The customer must confirm in the app, then show the code again.",
        customer: "アプリで本人確認をしてから、もう一度お試しください。" / "Confirm in the app that it is you, then try again.";
    /// A risk rule wants a person of staff to look at it first.
    HeldForReview = "held_for_review", UNPROCESSABLE_ENTITY, "This needs a review by the operator.",
        clerk: "確認が必要なため、この取引はお受けできません。別のお支払い方法をご案内ください。" / "This needs a review and cannot be done now. Please offer another way to pay.",
        customer: "安全確認のため、この操作は保留されました。サポートにお問い合わせください。" / "For your safety this was put on hold. Please contact support.";
    /// A risk rule refuses it.
    RiskRefused = "risk_refused", UNPROCESSABLE_ENTITY, "The operator's rules refuse this.",
        clerk: "この取引はお受けできません。別のお支払い方法をご案内ください。" / "This cannot be done. Please offer another way to pay.",
        customer: "安全上の理由により、この操作はできません。心当たりがない場合はサポートにお問い合わせください。" / "For safety reasons this is not possible. If you do not know why, please contact support.";
    /// A set of risk rules may not be published; `reason` says why.
    RulesRefused = "rules_refused", UNPROCESSABLE_ENTITY, "These risk rules may not be published; see reason.",
        clerk: "このルールは公開できません。" / "These rules may not be published.",
        customer: "このルールは公開できません。" / "These rules may not be published.";
    /// The customer's account is stopped.
    AccountFrozen = "account_frozen", UNPROCESSABLE_ENTITY, "The account is stopped.",
        clerk: "このお客様のアカウントは停止中です。" / "This customer's account is stopped.",
        customer: "アカウントが停止されています。サポートにご連絡ください。" / "Your account is stopped. Please contact support.";
    /// The account cannot be closed: it holds value.
    ClosingBalance = "closing_balance", UNPROCESSABLE_ENTITY, "The account holds value and cannot be closed.",
        clerk: "残高があるため退会できません。" / "The account holds value and cannot be closed.",
        customer: "残高が残っているため退会できません。残高を使い切ってから、もう一度お手続きください。" / "Your balance is not empty. Spend it first, then close your account.";
    /// The account cannot be closed: something is under way on it.
    ClosingPending = "closing_pending", UNPROCESSABLE_ENTITY, "Transfers are under way; ask again when they are done.",
        clerk: "処理中の取引があるため退会できません。" / "Something is under way on the account.",
        customer: "処理中の取引があります。完了してから、もう一度お手続きください。" / "A transaction is still under way. Try again when it is done.";
    /// The account cannot be closed: a payment can still be refunded.
    ClosingRefunds = "closing_refunds", UNPROCESSABLE_ENTITY, "A payment of the last 14 days may still be refunded; ask again later.",
        clerk: "返金の可能性がある取引があるため退会できません。" / "A recent payment may still be refunded.",
        customer: "最後のお支払いから14日間は、返金に備えて退会できません。14日たってから、もう一度お手続きください。" / "A payment of the last 14 days may still be refunded. Close your account when 14 days have passed.";
    /// The account cannot be closed: the operator must keep it.
    ClosingHeld = "closing_held", UNPROCESSABLE_ENTITY, "The account is under a hold and cannot be closed.",
        clerk: "このアカウントは退会できません。サポートにご連絡ください。" / "This account cannot be closed now.",
        customer: "現在、このアカウントは退会できません。サポートにご連絡ください。" / "This account cannot be closed at the moment. Please contact support.";
    /// The case is decided: nothing is added to it.
    CaseClosed = "case_closed", CONFLICT, "The case is decided.",
        clerk: "この件は解決済みです。" / "This case is decided.",
        customer: "この件は調査が終わっているため、追記できません。" / "This case is decided, so nothing can be added.";
    /// The incident is closed.
    IncidentClosed = "incident_closed", CONFLICT, "The incident is closed.",
        clerk: "このインシデントは終了しています。" / "This incident is closed.",
        customer: "このインシデントは終了しています。" / "This incident is closed.";
    /// An act on the incident's cohort is being carried out, or sales are held for it.
    IncidentBusy = "incident_busy", CONFLICT, "An act is being carried out, or sales are still held.",
        clerk: "実行中の対応か、保留中の売上があります。完了・解除してから終了してください。" / "An act is being carried out, or sales are still held. Finish and release first.",
        customer: "実行中の対応か、保留中の売上があります。" / "An act is being carried out, or sales are held.";
    /// The transfer is made good already: what was said of it stands.
    IncidentPaid = "incident_paid", CONFLICT, "The transfer is made good already.",
        clerk: "この取引は補償済み、または補償の実行中です。" / "This transfer is made good already, or it is being made good.",
        customer: "この取引は補償済みです。" / "This transfer is made good already.";
    /// The customer is in the lists of the incident already.
    IncidentMember = "incident_member", CONFLICT, "The customer is in the incident's lists already.",
        clerk: "このお客様はすでに対象に含まれています。" / "This customer is in the lists already.",
        customer: "すでに対象に含まれています。" / "Already in the lists.";
    /// The act concerns nobody.
    IncidentEmpty = "incident_empty", UNPROCESSABLE_ENTITY, "The act concerns nobody of the cohort.",
        clerk: "対象がありません。名簿の確認状況を見直してください。" / "This concerns nobody. Look at the lists: who is confirmed?",
        customer: "対象がありません。" / "This concerns nobody.";
    /// Somebody else has the case in hand, or it has changed: look again.
    CaseChanged = "case_changed", CONFLICT, "The case is decided, or in other hands; look again.",
        clerk: "ほかの担当者が対応中か、解決済みです。画面を更新してください。" / "A colleague has this case in hand, or it is decided. Look again.",
        customer: "状況が変わりました。画面を更新してください。" / "Something has changed. Please look again.";
    /// A closing is under way already.
    ClosingUnderWay = "closing_under_way", CONFLICT, "A closing of this account is under way.",
        clerk: "退会の手続き中です。" / "The account is being closed.",
        customer: "退会の手続き中です。" / "Your account is being closed already.";
    /// The SMS code or another proof is wrong or too old.
    ProofFailed = "proof_failed", UNPROCESSABLE_ENTITY, "The code or proof is wrong, used or too old.",
        clerk: "確認できませんでした。" / "It could not be verified.",
        customer: "確認できませんでした。お確かめのうえ、もう一度お試しください。" / "It could not be confirmed. Please check and try again.";
    /// Too many requests of this kind.
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests; see Retry-After.",
        clerk: "しばらくしてからやり直してください。" / "Try again in a while.",
        customer: "しばらくしてからやり直してください。" / "Please try again in a while.";
    /// Much goes wrong where this request comes from: it must bring a proof of work.
    WorkRequired = "work_required", TOO_MANY_REQUESTS, "Bring a proof of work in the header omamori-work and ask again.",
        clerk: "しばらくしてからやり直してください。" / "Try again in a while.",
        customer: "安全の確認に少し時間がかかります。もう一度お試しください。" / "A safety check takes a moment. Please try again.";
    /// The body is larger than this address takes.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large.",
        clerk: "送信内容が大きすぎます。" / "The request is too large.",
        customer: "送信内容が大きすぎます。" / "The request is too large.";
    /// The body is not JSON by its Content-Type.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "Send application/json.",
        clerk: "端末の設定を確認してください。" / "Check the terminal's settings.",
        customer: "もう一度お試しください。" / "Please try again.";
    /// The service is busy or stopping. The state of a money operation is unknown: ask again.
    Busy = "busy", SERVICE_UNAVAILABLE, "Busy; the state may be unknown: ask again with the same id.",
        clerk: "混み合っています。結果を照会してください。" / "Busy. Check the result of the operation.",
        customer: "混み合っています。少しお待ちください。" / "We are busy. Please wait a moment.";
    /// Many want to sign up at once: each has a time to come.
    WaitingRoom = "waiting_room", SERVICE_UNAVAILABLE, "Sign-up has a queue: open /signup, wait for the time that it tells, and try again.",
        clerk: "ただいま新規登録が混み合っています。" / "Many people are signing up right now.",
        customer: "ただいま新規登録が混み合っています。順番にご案内します。" / "Many people are signing up right now. You will get a place in the queue.";
    /// A fault of ours. The state of a money operation is unknown: ask again.
    Internal = "internal_error", INTERNAL_SERVER_ERROR, "A fault on our side; the state may be unknown: ask again with the same id.",
        clerk: "システムエラーです。結果を照会してください。" / "System error. Check the result of the operation.",
        customer: "システムエラーが発生しました。" / "Something went wrong on our side.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_and_never_success() {
        let words: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.status().as_u16() >= 400));
    }
}
