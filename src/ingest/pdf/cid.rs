//! Characters for glyphs whose font has no ToUnicode table.
//!
//! Two ways: a composite font of the Adobe-Japan1 collection (pTeX, macOS, old distillers)
//! names its glyphs by CID, and the collection's own table gives the character; a TrueType
//! program that travels in the file tells by its `cmap` which character a glyph draws.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use hayro_interpret::font::Glyph;
use hayro_interpret::hayro_cmap::{self, BfString, CMap, CMapName, CharacterCollection, CidFamily};
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as PdfString};

use super::chars::{self, UNKNOWN};
use super::sfnt;

/// The Unicode CMaps that are inverted.
const UNICODE_CMAPS: [CMapName<'static>; 2] = [CMapName::UniJisUtf16H, CMapName::UniJisUtf16V];

/// How the codes of one composite font become characters.
struct Composite {
    encoding: CMap,
    japanese: bool,
    /// It has a ToUnicode table of its own.
    explained: bool,
}

/// The fonts that share a name.
#[derive(Default)]
struct Namesakes {
    composites: Vec<Composite>,
    /// A font of single bytes has the name too: its codes are no CIDs.
    simple: bool,
}

impl Namesakes {
    fn are_japanese(&self) -> bool {
        !self.composites.is_empty() && self.composites.iter().all(|font| font.japanese)
    }
}

/// The fonts of one document.
pub(super) struct Fonts<'p> {
    pdf: &'p Pdf,
    names: OnceCell<HashMap<String, Namesakes>>,
    programs: RefCell<HashMap<u128, HashMap<u32, char>>>,
    collection: OnceCell<Option<CMap>>,
    inverted: OnceCell<HashMap<u32, char>>,
}

impl<'p> Fonts<'p> {
    pub(super) fn new(pdf: &'p Pdf) -> Self {
        Self {
            pdf,
            names: OnceCell::new(),
            programs: RefCell::new(HashMap::new()),
            collection: OnceCell::new(),
            inverted: OnceCell::new(),
        }
    }

    /// The character of a glyph whose font has no table of its own but is of the Japanese
    /// collection. The interpreter knows some of these too, with ① as 1 and ㈱ as 株.
    pub(super) fn exact(&self, glyph: &Glyph<'_>) -> Option<char> {
        let names = self.names.get_or_init(|| names(self.pdf));
        let certain = |fonts: &Namesakes| {
            let plain = fonts.composites.iter().all(|font| !font.explained);
            fonts.are_japanese() && plain && !fonts.simple
        };
        if !names.values().any(certain) {
            return None;
        }
        let Glyph::Outline(outline) = glyph else {
            return None;
        };
        let name = outline.font_data()?.postscript_name?;
        let fonts = names.get(&name).filter(|fonts| certain(fonts))?;
        self.by_cid(fonts, outline.char_code())
    }

    /// The character of a glyph by its font program or its CID.
    pub(super) fn lookup(&self, glyph: &Glyph<'_>) -> Option<char> {
        let Glyph::Outline(outline) = glyph else {
            return None;
        };
        let data = outline.font_data()?;
        let name = data.postscript_name.as_deref().unwrap_or_default();
        let namesakes = self.names.get_or_init(|| names(self.pdf)).get(name);
        // Only where every composite font of that name is of the Japanese collection.
        if let Some(fonts) = namesakes.filter(|fonts| fonts.are_japanese())
            && let Some(c) = self.by_cid(fonts, outline.char_code())
        {
            return Some(c);
        }
        let mut programs = self.programs.borrow_mut();
        let characters = programs.entry(data.cache_key).or_insert_with(|| {
            let bytes: &dyn AsRef<[u8]> = data.data.as_ref();
            sfnt::characters_by_glyph(bytes.as_ref())
        });
        characters.get(&outline.glyph_id().to_u32()).copied()
    }

    fn by_cid(&self, fonts: &Namesakes, code: u32) -> Option<char> {
        let cid = fonts.composites.iter().find_map(|font| cid_of(&font.encoding, code))?;
        self.japan1(cid)
    }

    /// Adobe-Japan1 CID → character: exactly where a character has that CID, otherwise (half
    /// widths, variants of a kanji) what the collection's table names.
    fn japan1(&self, cid: u32) -> Option<char> {
        if let Some(c) = self.inverted.get_or_init(invert).get(&cid) {
            return Some(*c);
        }
        let collection = self.collection.get_or_init(|| embedded(CMapName::AdobeJapan1Ucs2));
        let found = match collection.as_ref()?.lookup_bf_string(cid)? {
            BfString::Char(c) => Some(c),
            BfString::String(text) => text.chars().next(),
        };
        found.filter(|c| chars::ordinary(*c) != UNKNOWN)
    }
}

fn embedded(name: CMapName<'_>) -> Option<CMap> {
    CMap::parse(hayro_cmap::load_embedded(name)?, hayro_cmap::load_embedded)
}

fn cid_of(encoding: &CMap, code: u32) -> Option<u32> {
    (1..=4).find_map(|length| encoding.lookup_cid_code(code, length))
}

/// CID → character from the Unicode CMaps; the horizontal form wins.
fn invert() -> HashMap<u32, char> {
    let mut characters = HashMap::new();
    let maps: Vec<CMap> = UNICODE_CMAPS.into_iter().filter_map(embedded).collect();
    // Of several characters with one glyph, first those that people write.
    for (map, second_choice) in maps.iter().flat_map(|map| [(map, false), (map, true)]) {
        let candidates = ('\u{20}'..='\u{2FA1F}').filter(|c| !c.is_control());
        for c in candidates.filter(|c| is_second_choice(*c) == second_choice) {
            let mut units = [0u16; 2];
            let (code, length) = match c.encode_utf16(&mut units) {
                [unit] => (u32::from(*unit), 2),
                [high, low] => (u32::from(*high) << 16 | u32::from(*low), 4),
                _ => continue,
            };
            if let Some(cid) = map.lookup_cid_code(code, length).filter(|cid| *cid > 0) {
                characters.entry(cid).or_insert(c);
            }
        }
    }
    characters
}

/// Spaces by width, radicals, compatibility and presentation forms, and the dashes that
/// Japanese keyboards do not give.
fn is_second_choice(c: char) -> bool {
    matches!(u32::from(c),
        0x2000..=0x200B | 0x2014 | 0x2212 | 0x2E80..=0x2FDF | 0xF900..=0xFAFF | 0xFE10..=0xFE4F
        | 0x2_F800..=0x2_FA1F)
}

/// Every font of the document, by its name without the subset's prefix.
fn names(pdf: &Pdf) -> HashMap<String, Namesakes> {
    let mut names: HashMap<String, Namesakes> = HashMap::new();
    for object in pdf.objects() {
        let Some(dict) = object.into_dict() else {
            continue;
        };
        let subtype = dict.get::<Name<'_>>(b"Subtype");
        let (Some(subtype), Some(name)) = (subtype, dict.get::<Name<'_>>(b"BaseFont")) else {
            continue;
        };
        let name = name.as_str();
        let bare = match name.split_once('+') {
            Some((prefix, rest)) if prefix.len() == 6 => rest,
            _ => name,
        };
        match subtype.as_ref() {
            b"Type0" => {
                if let Some(font) = composite(&dict) {
                    names.entry(bare.to_owned()).or_default().composites.push(font);
                }
            }
            b"Type1" | b"TrueType" | b"MMType1" => {
                names.entry(bare.to_owned()).or_default().simple = true;
            }
            _ => {}
        }
    }
    names
}

fn composite(dict: &Dict<'_>) -> Option<Composite> {
    let encoding = match dict.get::<Object<'_>>(b"Encoding")? {
        Object::Name(name) => named_encoding(CMapName::from_bytes(name.as_ref()))?,
        Object::Stream(stream) => stream_encoding(&stream)?,
        _ => return None,
    };
    let own = encoding.metadata().character_collection.clone();
    let family = own
        .map(|CharacterCollection { family, .. }| family)
        .filter(|family| *family != CidFamily::AdobeIdentity)
        .or_else(|| descendant_family(dict));
    let japanese = family == Some(CidFamily::AdobeJapan1);
    Some(Composite { encoding, japanese, explained: dict.contains_key(b"ToUnicode") })
}

fn named_encoding(name: CMapName<'_>) -> Option<CMap> {
    match name {
        CMapName::IdentityH => Some(CMap::identity_h()),
        CMapName::IdentityV => Some(CMap::identity_v()),
        other => embedded(other),
    }
}

fn stream_encoding(stream: &Stream<'_>) -> Option<CMap> {
    CMap::parse(&stream.decoded_data().ok()?, hayro_cmap::load_embedded)
}

fn descendant_family(dict: &Dict<'_>) -> Option<CidFamily> {
    let descendant = dict.get::<Array<'_>>(b"DescendantFonts")?.iter::<Dict<'_>>().next()?;
    let info = descendant.get::<Dict<'_>>(b"CIDSystemInfo")?;
    let registry = info.get::<PdfString<'_>>(b"Registry")?;
    let ordering = info.get::<PdfString<'_>>(b"Ordering")?;
    Some(CidFamily::from_registry_ordering(registry.as_bytes(), ordering.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_collection_names_kanji_kana_and_signs() {
        let characters = invert();
        // CIDs 842 (ぁ), 1125 (亜) and 633 (全角スペース) are fixed by Adobe-Japan1-0.
        for (cid, c) in [(842, 'ぁ'), (1125, '亜'), (633, '\u{3000}')] {
            assert_eq!(characters.get(&cid), Some(&c), "{cid}");
        }
        assert!(characters.len() > 15_000, "{}", characters.len());
    }

    #[test]
    fn the_collections_table_agrees_with_the_unicode_cmaps() {
        let table = embedded(CMapName::AdobeJapan1Ucs2).unwrap();
        let inverted = invert();
        let same = (842..7000)
            .filter(|cid| match table.lookup_bf_string(*cid) {
                Some(BfString::Char(c)) => inverted.get(cid) == Some(&chars::ordinary(c)),
                _ => false,
            })
            .count();
        assert!(same > 5900, "{same}");
    }
}
