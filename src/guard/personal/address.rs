//! Postal addresses down to the house: 〒, prefecture, municipality, town, numbers, building.
//!
//! A part of town alone (「中央区銀座4丁目の工事」) is no person's address, so that the numbers have
//! to reach the house, unless a label says that it is one.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::context::{of_an_office, office_follows, office_on_line, pattern};
use super::reading::Reading;
use super::{Hit, Kind};

/// A number of a town, block or house.
const N: &str = r"(?:[0-9]{1,5}|[〇一二三四五六七八九十百千]{1,6})";

/// Down to the house: 1丁目2番3号, 2381番地1, 1-2-3, 北1条西2丁目3番地.
fn house() -> String {
    let more = format!(r"(?:\ ?(?:-|の)\ ?{N}){{0,3}}");
    [
        format!(r"{N}\ ?丁目\ ?(?:{N}\ ?(?:番地?|-|の)\ ?(?:の\ ?)?(?:{N})?(?:\ ?号)?{more}|{N}{more}|-\ ?{N}{more})"),
        format!(r"{N}\ ?番地?\ ?(?:の\ ?)?{N}\ ?号?{more}"),
        format!(r"{N}\ ?番地(?:\ ?の\ ?{N})?{more}"),
        format!(r"{N}\ ?(?:-|の)\ ?{N}(?:\ ?(?:-|の)\ ?{N}){{0,3}}(?:\ ?号)?"),
    ]
    .join("|")
}

/// What may follow the house: a building and a room.
const ROOM: &str = r"(?x)^(?:[\ 、]{0,2}(?:[\p{Han}ァ-ヶーA-Za-z・'’ヴ&ぁ-ん]{2,20}?)[\ ]?(?:[0-9A-Z]{1,4}(?:-[0-9]{1,4})?(?:号室|号棟|号|棟|階|F)(?:[0-9]{1,4}(?:号室|号))?|[0-9]{3,4}))|^\ ?[0-9]{3,4}号室|^[\ ]{0,2}[A-Z]?-?[0-9]{3,4}号室";

static PREFECTURES: &str = "北海道|東京都|京都府|大阪府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨|長野|岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分|宮崎|鹿児島|沖縄)県";

static FULL: LazyLock<Regex> = LazyLock::new(|| {
    let house = house();
    let postal = r"(?:〒?\ ?[0-9]{3}\ ?-\ ?[0-9]{4}[\ \n、,:]{0,3})";
    let town =
        r"(?:[\p{Han}ぁ-んァ-ヶー・]{1,7}?(?:市|区|町|村|郡))(?:[\p{Han}ヶケ]{1,6}(?:区|町|村))?";
    let gap = r"[\p{Han}ぁ-んァ-ヶーA-Za-z\ ・、]{0,22}?(?:[0-9一二三四五六七八九十]{1,2}条(?:[東西南北][0-9一二三四五六七八九十]{1,2}\ ?(?:丁目)?)?\ ?)?";
    pattern(&format!(
        r"(?x)(?P<postal>{postal})?(?:(?P<prefecture>{PREFECTURES})\ ?)?(?P<town>{town})\ ?(?P<gap>{gap})(?P<house>{house})"
    ))
});

static PREFECTURE: LazyLock<Regex> = LazyLock::new(|| pattern(PREFECTURES));

static LABELLED: LazyLock<Regex> = LazyLock::new(|| {
    let house = house();
    pattern(&format!(
        r"(?x)(?:現住所|前住所|新住所|旧住所|住所|居所|転出先|転入先|送付先|所在地|本籍地?|住まい|居住地)
        (?:地|\((?:[^()\n]{{1,8}})\))?
        \ ?(?:は|が|の|:|\n|\ |=|「)\ ?
        (?P<place>(?:〒?\ ?[0-9]{{3}}\ ?-\ ?[0-9]{{4}}[\ \n]?)?[\p{{Han}}ぁ-んァ-ヶーA-Za-z・\ ]{{1,26}}?
        (?:{house}|{N}\ ?(?:丁目|番地?|号)))"
    ))
});

static POSTAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)(?:〒\ ?(?P<mark>[0-9]{3}\ ?-?\ ?[0-9]{4})|郵便番号\ ?(?:は|:|\ |\n)?\ ?(?P<label>[0-9]{3}\ ?-?\ ?[0-9]{4}))",
    )
});

static BUILDING: LazyLock<Regex> = LazyLock::new(|| pattern(ROOM));

/// Begins a gap that makes another word of 市, 区, 町 or 村: 「区分」, 「市民」.
const OTHER_WORDS: &[char] = &[
    '分', '域', '間', '画', '民', '長', '議', '税', '債', '費', '営', '立', '有', '外', '章', '政',
    '役', '庁', '会', '道', '史', '報', '場', '制', '旗', '誌',
];

/// Words that no address holds between its town and its house.
const NO_ADDRESS: &[&str] = &[
    "第",
    "条例",
    "法律",
    "規則",
    "告示",
    "議案",
    "要綱",
    "様式",
    "別表",
    "施設",
    "センター",
    "会館",
    "会議",
    "学校",
    "基準",
    "計画",
    "手続",
    "届",
    "申請",
    "電話",
    "TEL",
    "令和",
    "平成",
    "昭和",
    "年度",
    "全国",
    "予算",
    "人口",
    "番号",
    "以上",
    "以下",
    "世帯数",
    "区分",
    "です",
    "ます",
    "した",
    "から",
    "ので",
    "では",
    "には",
    "とは",
    "、",
    "する",
    "によ",
    "おけ",
    "時点",
    "合計",
    "資料",
];

/// Words that begin the next entry of a form, not a building.
const NO_BUILDING: &[&str] = &[
    "電話", "TEL", "携帯", "連絡", "氏名", "生年", "FAX", "令和", "平成", "昭和", "年", "口座",
    "番号", "に住", "にお", "へ", "在住", "です", "から", "する", "した", "、", "を",
];

/// Municipalities that are none in particular.
const NONE_IN_PARTICULAR: &[&str] = &[
    "本市",
    "当市",
    "同市",
    "各市",
    "他市",
    "市区",
    "全市",
    "本町",
    "当町",
    "同町",
    "各町",
    "市町",
    "村町",
    "本村",
    "当村",
    "県市",
    "都市",
    "政令市",
    "中核市",
    "特別区",
    "行政区",
    "前市",
    "旧市",
];

/// Finds them in a plain reading.
pub(super) fn find(reading: &Reading, hits: &mut Vec<Hit>) {
    for found in FULL.captures_iter(&reading.text) {
        if let Some(range) = whole(reading, &found) {
            hits.push(Hit::new(Kind::Address, range));
        }
    }
    for found in LABELLED.captures_iter(&reading.text) {
        let Some(place) = found.name("place") else { continue };
        let no = NO_ADDRESS.iter().any(|word| place.as_str().contains(word));
        let range = with_building(reading, place.range());
        if !no && !office_before(reading, &range) {
            hits.push(Hit::new(Kind::Address, range));
        }
    }
    for found in POSTAL.captures_iter(&reading.text) {
        let number = found.name("mark").or_else(|| found.name("label"));
        let Some(number) = number else { continue };
        let longer = reading.after(number.end(), 1).starts_with(|c: char| c.is_ascii_digit());
        let office =
            of_an_office(reading, &number.range()) || office_on_line(reading, number.end());
        if !longer && !office {
            hits.push(Hit::new(Kind::Address, number.range()));
        }
    }
}

/// The range of an address, if it is somebody's.
fn whole(reading: &Reading, found: &Captures<'_>) -> Option<Range<usize>> {
    let (all, town, gap, house) =
        (found.get(0)?, found.name("town")?, found.name("gap")?, found.name("house")?);
    let followed = reading.after(house.end(), 1);
    if followed.starts_with(|c: char| c.is_ascii_digit() || c == '/' || c == '.' || c == '%') {
        return None;
    }
    let name = town.as_str();
    // What stood before a prefecture, or the particle of the sentence, was taken along.
    let begins = PREFECTURE.find(name).map(|prefecture| prefecture.start());
    let sure = found.name("prefecture").is_some() || found.name("postal").is_some();
    let cut = begins.or_else(|| (!sure).then(|| particle(name))).unwrap_or(0);
    let start = if cut > 0 { town.start() + cut } else { all.start() };
    let sure = sure || begins.is_some();
    let vague = !sure && NONE_IN_PARTICULAR.contains(&&name[cut..]);
    let gap = gap.as_str();
    let inside = ["内の", "内に", "内で", "内全", "内各"].iter().any(|word| gap.starts_with(word));
    let word = !sure && (gap.starts_with(OTHER_WORDS) || gap == "内" || inside);
    let no = NO_ADDRESS.iter().any(|word| gap.contains(word) || name[cut..].contains(word));
    let counted = ["人", "円", "年", "月", "世帯", "件", "名", "時", "回", "条", "項", "歳", "度"]
        .iter()
        .any(|unit| followed.starts_with(unit));
    if vague || word || no || counted || is_date_or_call(house.as_str()) {
        return None;
    }
    let range = with_building(reading, start..house.end());
    (!office_before(reading, &range)).then_some(range)
}

/// Bytes up to the last particle in a name that hiragana before the town may have brought along.
fn particle(name: &str) -> usize {
    let particles = ["は", "が", "に", "の", "を", "で", "と", "も", "から", "より"];
    let kept = ["つくば", "さいたま", "ひたちなか", "あきる野", "いわき", "みどり", "たつの"];
    if kept.iter().any(|town| name.starts_with(town)) {
        return 0;
    }
    let ends = particles.iter().filter_map(|word| name.rfind(word).map(|at| at + word.len()));
    ends.filter(|end| name[*end..].chars().count() >= 2).max().unwrap_or(0)
}

fn office_before(reading: &Reading, range: &Range<usize>) -> bool {
    of_an_office(reading, range) || office_follows(reading, range.end)
}

fn with_building(reading: &Reading, range: Range<usize>) -> Range<usize> {
    let after = reading.after(range.end, 34);
    let building = BUILDING.find(after).filter(|building| {
        let more = &after[building.end()..];
        let digit = building.as_str().ends_with(|c: char| c.is_ascii_digit());
        let call = digit
            && more.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '年' | '/'));
        !call && !NO_BUILDING.iter().any(|word| building.as_str().contains(word))
    });
    match building {
        Some(building) => range.start..range.end + building.end(),
        None => range,
    }
}

/// 2026-04-01 and 0422-12-3456 are no houses.
fn is_date_or_call(house: &str) -> bool {
    let groups: Vec<&str> = house.split('-').map(str::trim).collect();
    let year = groups.len() == 3 && groups[0].len() == 4 && groups[1].len() <= 2;
    year || house.starts_with('0')
}

#[cfg(test)]
mod tests {
    use crate::guard::personal::{Kind, find, find_kinds};

    #[test]
    fn whole_addresses_are_found() {
        for text in [
            "東京都千代田区丸の内1丁目2番3号",
            "東京都千代田区丸の内１－２－３",
            "神奈川県横浜市中区本町六丁目50番地の10",
            "横浜市中区本町6-50-10",
            "長野県北佐久郡軽井沢町大字長倉2381番地1",
            "北海道札幌市中央区北1条西2丁目3番地",
            "大阪府大阪市北区中之島1-3-20 ハイツ中之島203号室",
            "〒100-0001 東京都千代田区千代田1-1",
            "京都府京都市中京区寺町通御池上る上本能寺前町488番地",
        ] {
            let found = find(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].kind, &text[found[0].range.clone()]), (Kind::Address, text));
        }
        assert_eq!(find_kinds("住所は本町6丁目50番10号です"), [Kind::Address]);
        assert_eq!(find_kinds("〒123-4567"), [Kind::Address]);
    }

    #[test]
    fn parts_of_town_laws_and_offices_are_let_through() {
        for text in [
            "中央区銀座4丁目の道路工事について",
            "地方自治法第244条の2第3項",
            "横浜市告示第3-2号",
            "要介護区分2-1に当たる",
            "さいたま市 2026-04-01 現在",
            "〒100-8914 東京都千代田区永田町1-6-1 内閣府庁舎",
            "提出先：市役所市民課 横浜市中区本町6-50-10",
            "市町村民税の税率は3-2のとおり",
        ] {
            assert_eq!(find_kinds(text), [], "{text}");
        }
    }
}
