//! Made-up data of made-up people, from a seed.

/// SplitMix64: the same numbers on every machine.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(super) fn pick<'t, T: ?Sized>(&mut self, list: &[&'t T]) -> &'t T {
        list[self.below(list.len() as u64) as usize]
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }

    fn digits_not_zero_first(&mut self, count: usize) -> String {
        format!("{}{}", 1 + self.below(9), self.digits(count - 1))
    }
}

const FAMILIES: &[&str] = &[
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "伊藤",
    "渡辺",
    "山本",
    "中村",
    "小林",
    "加藤",
    "吉田",
    "山田",
    "佐々木",
    "山口",
    "松本",
    "井上",
    "木村",
    "林",
    "斎藤",
    "清水",
    "山崎",
    "森",
    "池田",
    "橋本",
    "阿部",
    "石川",
    "長谷川",
    "五十嵐",
    "石井",
    "東",
    "川﨑",
    "渡邉",
    "齋藤",
    "髙橋",
    "大久保",
];
const RARE: &[&str] = &[
    "東海林",
    "薬師寺",
    "御手洗",
    "蛭田",
    "鬼頭",
    "月見里",
    "我妻",
    "小鳥遊",
    "勅使河原",
    "長宗我部",
    "米内",
    "鵜飼",
    "朝倉",
    "綿貫",
    "鷺沼",
    "樫村",
    "粟野",
    "槇原",
    "瓜生",
    "錦織",
    "日下部",
    "梁瀬",
    "穂積",
    "姉崎",
];
const GIVEN: &[&str] = &[
    "太郎",
    "花子",
    "一郎",
    "健一",
    "美咲",
    "翔",
    "大輔",
    "陽子",
    "直人",
    "由美子",
    "健太郎",
    "真由美",
    "誠",
    "恵",
    "法子",
    "国男",
    "隼人",
    "彩",
    "正",
    "千恵子",
    "雄一",
    "和也",
    "智美",
    "明",
    "日出男",
    "裕子",
];
const KANA_GIVEN: &[&str] = &["さくら", "ひろし", "みゆき", "マリア", "あかり", "ジョン", "ゆうき"];
const KANA: &[(&str, &str)] = &[
    ("ヤマダ", "タロウ"),
    ("サトウ", "ハナコ"),
    ("スズキ", "イチロウ"),
    ("ワタナベ", "ケンイチ"),
    ("ゴトウ", "ジュン"),
    ("チョウソカベ", "マサル"),
];
const FOREIGN: &[&str] = &[
    "グエン・ヴァン・アン",
    "マリア・サントス",
    "ジョン・スミス",
    "キム・ミンジ",
    "リー・ウェイ",
    "ラマ・ビシュヌ",
];
const LATIN: &[&str] =
    &["TARO YAMADA", "Maria Santos", "Nguyen Van An", "Suzuki, Hanako", "John A. Smith"];

fn family(rng: &mut Rng, rare: u64) -> &'static str {
    if rng.one_in(rare) { rng.pick(RARE) } else { rng.pick(FAMILIES) }
}

/// A family name that is met often, as colleagues call each other.
pub(super) fn family_name(rng: &mut Rng, rare: u64) -> String {
    family(rng, rare).to_owned()
}

/// Family and given name; `rare` of how many families one is unusual.
pub(super) fn full_name(rng: &mut Rng, rare: u64) -> String {
    let unusual = rng.one_in(rare);
    let family = if unusual { rng.pick(RARE) } else { rng.pick(FAMILIES) };
    // Kana run into the sentence where nothing parts them from a family that few know.
    let kana = !unusual && rng.one_in(9);
    let given = if kana { rng.pick(KANA_GIVEN) } else { rng.pick(GIVEN) };
    let blank = rng.pick(&["", "", "", " ", "　"]);
    format!("{family}{blank}{given}")
}

pub(super) fn kana_name(rng: &mut Rng) -> String {
    let (family, given) = KANA[rng.below(KANA.len() as u64) as usize];
    match rng.below(4) {
        0 => format!("{family}{given}"),
        1 => format!("{family}　{given}"),
        2 => half_kana(&format!("{family} {given}")),
        _ => format!("{family} {given}"),
    }
}

fn half_kana(text: &str) -> String {
    const PAIRS: &[(&str, &str)] = &[
        ("ダ", "ﾀﾞ"),
        ("ジュ", "ｼﾞｭ"),
        ("ゴ", "ｺﾞ"),
        ("ズ", "ｽﾞ"),
        ("ベ", "ﾍﾞ"),
        ("ヤ", "ﾔ"),
        ("マ", "ﾏ"),
        ("タ", "ﾀ"),
        ("ロ", "ﾛ"),
        ("ウ", "ｳ"),
        ("サ", "ｻ"),
        ("ト", "ﾄ"),
        ("ハ", "ﾊ"),
        ("ナ", "ﾅ"),
        ("コ", "ｺ"),
        ("ス", "ｽ"),
        ("キ", "ｷ"),
        ("イ", "ｲ"),
        ("チ", "ﾁ"),
        ("ワ", "ﾜ"),
        ("ケ", "ｹ"),
        ("ン", "ﾝ"),
        ("ョ", "ｮ"),
        ("ソ", "ｿ"),
        ("カ", "ｶ"),
        ("ル", "ﾙ"),
    ];
    PAIRS.iter().fold(text.to_owned(), |text, (wide, half)| text.replace(wide, half))
}

pub(super) fn foreign_name(rng: &mut Rng) -> String {
    rng.pick(FOREIGN).to_owned()
}

pub(super) fn latin_name(rng: &mut Rng) -> String {
    rng.pick(LATIN).to_owned()
}

/// The check digit as the ministerial order defines it, counted from the right.
fn my_number_check(eleven: &str) -> u32 {
    let sum: u32 = eleven
        .bytes()
        .rev()
        .zip(1..)
        .map(|(digit, n)| u32::from(digit - b'0') * if n <= 6 { n + 1 } else { n - 5 })
        .sum();
    let rest = sum % 11;
    if rest <= 1 { 0 } else { 11 - rest }
}

pub(super) fn my_number(rng: &mut Rng) -> String {
    let eleven = rng.digits_not_zero_first(11);
    let whole = format!("{eleven}{}", my_number_check(&eleven));
    grouped_by_four(rng, &whole)
}

/// Twelve digits that are no マイナンバー, since the check digit is wrong.
pub(super) fn twelve_wrong(rng: &mut Rng) -> String {
    let eleven = rng.digits_not_zero_first(11);
    let wrong = (my_number_check(&eleven) + 1 + rng.below(9) as u32) % 10;
    let wrong = if wrong == my_number_check(&eleven) { (wrong + 1) % 10 } else { wrong };
    format!("{eleven}{wrong}")
}

pub(super) fn twelve_right(rng: &mut Rng) -> String {
    let eleven = rng.digits_not_zero_first(11);
    format!("{eleven}{}", my_number_check(&eleven))
}

fn grouped_by_four(rng: &mut Rng, digits: &str) -> String {
    let parts = [&digits[..4], &digits[4..8], &digits[8..]];
    let written = match rng.below(7) {
        0 | 1 => digits.to_owned(),
        2 => parts.join(" "),
        3 => parts.join("　"),
        4 => digits.chars().map(String::from).collect::<Vec<_>>().join(" "),
        _ => parts.join(hyphen(rng)),
    };
    styled(rng, &written)
}

/// 法人番号: thirteen digits.
pub(super) fn corporate_number(rng: &mut Rng) -> String {
    rng.digits_not_zero_first(13)
}

pub(super) fn licence(rng: &mut Rng) -> String {
    let area = rng.pick(&["10", "30", "62", "45", "54", "73", "90", "31"]);
    let rest = format!("{area}{}", rng.digits(8));
    let weights = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let sum: u32 =
        rest.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    let whole = format!("{rest}{check}{}", rng.below(3));
    if rng.one_in(4) { grouped_by_four(rng, &whole) } else { styled(rng, &whole) }
}

pub(super) fn pension(rng: &mut Rng) -> String {
    let (left, right) = (rng.digits_not_zero_first(4), rng.digits(6));
    let mark = if rng.one_in(4) { "" } else { hyphen(rng) };
    styled(rng, &format!("{left}{mark}{right}"))
}

pub(super) fn passport(rng: &mut Rng) -> String {
    let letters = rng.pick(&["TK", "TZ", "MU", "XS", "TR"]);
    let digits = rng.digits(7);
    styled(rng, &format!("{letters}{digits}"))
}

pub(super) fn residence_card(rng: &mut Rng) -> String {
    let (first, last) = (rng.pick(&["AB", "UH", "KC"]), rng.pick(&["CD", "EA", "MB"]));
    let digits = rng.digits(8);
    styled(rng, &format!("{first}{digits}{last}"))
}

pub(super) fn hyphen(rng: &mut Rng) -> &'static str {
    rng.pick(&["-", "-", "-", "‐", "－", "−", "–", "—", "ー"])
}

pub(super) fn mobile(rng: &mut Rng) -> String {
    let head = rng.pick(&["090", "080", "070", "050"]);
    let (middle, last) = (rng.digits_not_zero_first(4), rng.digits(4));
    let (h, written) = (hyphen(rng), rng.below(6));
    let plain = match written {
        0 => format!("{head}{middle}{last}"),
        1 => format!("{head} {middle} {last}"),
        2 => format!("{head}({middle}){last}"),
        3 => format!("+81 {}-{middle}-{last}", &head[1..]),
        _ => format!("{head}{h}{middle}{h}{last}"),
    };
    styled(rng, &plain)
}

pub(super) fn fixed_phone(rng: &mut Rng) -> String {
    let (area, exchange) = match rng.below(3) {
        0 => (rng.pick(&["03", "06"]), rng.digits_not_zero_first(4)),
        1 => (rng.pick(&["045", "052", "011", "082"]), rng.digits_not_zero_first(3)),
        _ => (rng.pick(&["0422", "0263", "0985", "0776"]), rng.digits_not_zero_first(2)),
    };
    let (number, h) = (rng.digits(4), hyphen(rng));
    let plain = match rng.below(6) {
        0 => format!("({area}){exchange}-{number}"),
        1 => format!("{area}({exchange}){number}"),
        2 => format!("+81-{}-{exchange}-{number}", &area[1..]),
        _ => format!("{area}{h}{exchange}{h}{number}"),
    };
    if rng.one_in(12) {
        return kanji_digits(&format!("{area}-{exchange}-{number}"));
    }
    styled(rng, &plain)
}

/// 0120, as companies and offices have it.
pub(super) fn free_phone(rng: &mut Rng) -> String {
    let (middle, last) = (rng.digits_not_zero_first(3), rng.digits(3));
    format!("0120-{middle}-{last}")
}

pub(super) fn email(rng: &mut Rng) -> String {
    let local =
        rng.pick(&["taro.yamada", "hanako_s", "k-suzuki1980", "watanabe+shiyakusho", "mori.k"]);
    let domain = rng.pick(&["example.jp", "mail.example.co.jp", "example.ne.jp", "example.com"]);
    let whole = format!("{local}@{domain}");
    if rng.one_in(6) { wide(&whole) } else { whole }
}

pub(super) fn account(rng: &mut Rng) -> String {
    let digits = rng.digits(7);
    styled(rng, &digits)
}

/// ゆうちょ: 記号 and 番号, with a hyphen between.
pub(super) fn post_account(rng: &mut Rng) -> String {
    let (middle, number) = (rng.digits(3), rng.digits_not_zero_first(7));
    styled(rng, &format!("1{middle}0-{number}1"))
}

pub(super) fn birth_date(rng: &mut Rng) -> String {
    let (era, letter, years) = match rng.below(4) {
        0 => ("昭和", "S", 1 + rng.below(63)),
        1 => ("平成", "H", 1 + rng.below(30)),
        2 => ("大正", "T", 5 + rng.below(10)),
        _ => ("令和", "R", 2 + rng.below(6)),
    };
    let (month, day) = (1 + rng.below(12), 1 + rng.below(28));
    let western = 1930 + rng.below(90);
    let written = match rng.below(9) {
        0 => format!("{letter}{years}.{month}.{day}"),
        1 => format!("{western}/{month:02}/{day:02}"),
        2 => format!("{western}-{month:02}-{day:02}"),
        3 => format!("{western}年{month}月{day}日"),
        4 => {
            let kanji = |n: u64| kura::text::to_kanji(n);
            return format!("{era}{}年{}月{}日", kanji(years), kanji(month), kanji(day));
        }
        _ => format!("{era}{years}年{month}月{day}日"),
    };
    styled(rng, &written)
}

const PLACES: &[(&str, &str)] = &[
    ("東京都", "千代田区丸の内"),
    ("東京都", "八王子市元本郷町"),
    ("神奈川県", "横浜市中区本町"),
    ("大阪府", "大阪市北区中之島"),
    ("北海道", "札幌市中央区大通西"),
    ("京都府", "京都市中京区寺町通御池上る上本能寺前町"),
    ("長野県", "北佐久郡軽井沢町大字長倉"),
    ("愛知県", "名古屋市中区三の丸"),
    ("沖縄県", "那覇市泉崎"),
    ("福岡県", "福岡市博多区東公園"),
    ("島根県", "松江市殿町"),
    ("埼玉県", "さいたま市浦和区高砂"),
    ("千葉県", "長生郡一宮町一宮"),
    ("岩手県", "盛岡市内丸"),
    ("茨城県", "つくば市研究学園"),
    ("鹿児島県", "鹿児島市鴨池新町"),
    ("三重県", "津市広明町"),
    ("奈良県", "吉野郡十津川村大字小原"),
];

pub(super) fn address(rng: &mut Rng) -> String {
    let (prefecture, place) = PLACES[rng.below(PLACES.len() as u64) as usize];
    let n = |rng: &mut Rng, most: u64| 1 + rng.below(most);
    let (block, lot, house) = (n(rng, 8), n(rng, 60), n(rng, 30));
    let h = hyphen(rng);
    let numbers = match rng.below(8) {
        0 => format!("{block}丁目{lot}番{house}号"),
        1 => format!("{block}丁目{lot}番地{house}"),
        2 => format!("{lot}番地の{house}"),
        3 => format!("{}番地", n(rng, 3000)),
        4 => format!("{block}丁目{lot}{h}{house}"),
        5 => {
            let kanji = |n: u64| kura::text::to_kanji(n);
            format!("{}丁目{}番{}号", kanji(block), kanji(lot), kanji(house))
        }
        _ => format!("{block}{h}{lot}{h}{house}"),
    };
    let building = match rng.below(6) {
        0 => format!(" コーポ青葉{}号室", 101 + rng.below(300)),
        1 => format!("　グランドハイツ{}", 101 + rng.below(900)),
        2 => format!("ひかり荘{}号室", 1 + rng.below(20)),
        _ => String::new(),
    };
    let head = if rng.one_in(4) { "" } else { prefecture };
    let postal = if rng.one_in(4) {
        format!("〒{}{}{} ", rng.digits(3), hyphen(rng), rng.digits(4))
    } else {
        String::new()
    };
    let numbers = styled(rng, &numbers);
    format!("{postal}{head}{place}{numbers}{building}")
}

/// Now and then in full width.
fn styled(rng: &mut Rng, text: &str) -> String {
    if rng.one_in(4) { wide(text) } else { text.to_owned() }
}

pub(super) fn wide(text: &str) -> String {
    let change = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        ' ' => '　',
        c => c,
    };
    text.chars().map(change).collect()
}

fn kanji_digits(text: &str) -> String {
    let digit = |c: char| match c.to_digit(10) {
        Some(digit) => "〇一二三四五六七八九".chars().nth(digit as usize).unwrap(),
        None if c == '-' => '－',
        None => c,
    };
    text.chars().map(digit).collect()
}

/// A plain number for fees, counts and articles.
pub(super) fn number(rng: &mut Rng, most: u64) -> String {
    (1 + rng.below(most)).to_string()
}

pub(super) fn digits(rng: &mut Rng, count: usize) -> String {
    rng.digits_not_zero_first(count)
}
