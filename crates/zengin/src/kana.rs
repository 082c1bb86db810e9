//! Names in the characters that banks take: JIS X 0201 without lower case and small kana.

/// Full-width katakana and what they become. Small ones become large, ヲ becomes ｵ: banks keep
/// account names in that way.
const KATAKANA: &str = "\
    ァｱ アｱ ィｲ イｲ ゥｳ ウｳ ェｴ エｴ ォｵ オｵ カｶ ガｶﾞ キｷ ギｷﾞ クｸ グｸﾞ ケｹ ゲｹﾞ コｺ ゴｺﾞ サｻ ザｻﾞ \
    シｼ ジｼﾞ スｽ ズｽﾞ セｾ ゼｾﾞ ソｿ ゾｿﾞ タﾀ ダﾀﾞ チﾁ ヂﾁﾞ ッﾂ ツﾂ ヅﾂﾞ テﾃ デﾃﾞ トﾄ ドﾄﾞ ナﾅ ニﾆ \
    ヌﾇ ネﾈ ノﾉ ハﾊ バﾊﾞ パﾊﾟ ヒﾋ ビﾋﾞ ピﾋﾟ フﾌ ブﾌﾞ プﾌﾟ ヘﾍ ベﾍﾞ ペﾍﾟ ホﾎ ボﾎﾞ ポﾎﾟ マﾏ ミﾐ \
    ムﾑ メﾒ モﾓ ャﾔ ヤﾔ ュﾕ ユﾕ ョﾖ ヨﾖ ラﾗ リﾘ ルﾙ レﾚ ロﾛ ヮﾜ ワﾜ ヰｲ ヱｴ ヲｵ ンﾝ ヴｳﾞ ヵｶ ヶｹ \
    ヷﾜﾞ ヺｵﾞ ｧｱ ｨｲ ｩｳ ｪｴ ｫｵ ｬﾔ ｭﾕ ｮﾖ ｯﾂ ｦｵ";

/// Signs that a transfer may carry, besides the space, digits, capitals and kana.
const SIGNS: &str = "\\,()-/.｢｣";

/// A text in the characters that banks take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kana(String);

/// A character that no bank takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the character {character:?} (number {place}) cannot stand in a bank transfer")]
pub struct KanaError {
    /// Which.
    pub character: char,
    /// Where, counted in characters from 1.
    pub place: usize,
}

impl Kana {
    /// Converts a name: hiragana and full-width letters too; kanji are refused, because nobody can
    /// know how they are read. Spaces at both ends go.
    ///
    /// # Errors
    /// The first character that has no counterpart.
    pub fn convert(text: &str) -> Result<Self, KanaError> {
        let mut made = String::with_capacity(text.len());
        for (index, character) in text.chars().enumerate() {
            convert(character, &mut made).ok_or(KanaError { character, place: index + 1 })?;
        }
        Ok(Self(made.trim_matches(' ').to_owned()))
    }

    /// A text that is in these characters already, without spaces at its ends.
    #[must_use]
    pub fn exact(text: &str) -> Option<Self> {
        let fits = text.chars().all(is_allowed) && text.trim_matches(' ') == text;
        fits.then(|| Self(text.to_owned()))
    }

    /// The text, half-width kana as Unicode has them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How many bytes it takes in a record: as many as characters.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.chars().count()
    }

    /// Its bytes in JIS X 0201.
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.chars().map(byte_of)
    }

    /// From the bytes of a record's field, whose spaces at the end only fill it.
    pub(crate) fn of_field(bytes: &[u8]) -> Option<Self> {
        let text: Option<String> = bytes.iter().map(|byte| char_of(*byte)).collect();
        let text = text?;
        Self::exact(text.trim_end_matches(' '))
    }
}

/// Whether banks take a character as it is.
fn is_allowed(character: char) -> bool {
    matches!(character, ' ' | '0'..='9' | 'A'..='Z' | 'ｱ'..='ﾝ' | 'ﾞ' | 'ﾟ')
        || SIGNS.contains(character)
}

/// Half-width kana of Unicode stand in the order of JIS X 0201, 0xA1 at U+FF61.
fn byte_of(character: char) -> u8 {
    let number = u32::from(character);
    let shifted = if number >= 0xff61 { number - 0xff61 + 0xa1 } else { number };
    u8::try_from(shifted).unwrap_or(b' ')
}

fn char_of(byte: u8) -> Option<char> {
    let character = match byte {
        0xa1..=0xdf => char::from_u32(0xff61 + u32::from(byte) - 0xa1)?,
        _ => char::from(byte),
    };
    is_allowed(character).then_some(character)
}

fn convert(character: char, made: &mut String) -> Option<()> {
    let plain = match character {
        '\u{3000}' => ' ',
        // Full-width forms of ASCII stand in its order.
        '！'..='～' => char::from_u32(u32::from(character) - 0xfee0)?,
        // Hiragana stand in the order of katakana.
        'ぁ'..='ゖ' => char::from_u32(u32::from(character) + 0x60)?,
        'ー' | 'ｰ' | '‐' | '‑' | '–' | '—' | '―' | '−' => '-',
        '「' => '｢',
        '」' => '｣',
        '¥' | '￥' => '\\',
        '・' | '･' => '.',
        '、' | '､' => ',',
        '\u{3099}' | '゛' => 'ﾞ',
        '\u{309a}' | '゜' => 'ﾟ',
        other => other,
    };
    let plain = plain.to_ascii_uppercase();
    if is_allowed(plain) {
        made.push(plain);
        return Some(());
    }
    let pair = KATAKANA.split(' ').find(|pair| pair.starts_with(plain))?;
    made.extend(pair.chars().skip(1));
    Some(())
}
