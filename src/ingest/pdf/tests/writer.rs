//! Writes tiny PDF files, so that the tests need none from elsewhere.

use std::fmt::Write as _;

/// How a test file encodes its Japanese; none of the fonts is embedded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Font {
    /// UTF-16BE codes.
    UniJis,
    /// The same, set vertically.
    UniJisVertical,
    /// Shift_JIS codes.
    Rksj,
    /// CIDs of Adobe-Japan1; only characters of [`cid`].
    Identity,
    /// Codes that no table explains.
    Private,
}

impl Font {
    fn encoding(self) -> &'static str {
        match self {
            Self::UniJis => "UniJIS-UCS2-H",
            Self::UniJisVertical => "UniJIS-UCS2-V",
            Self::Rksj => "90ms-RKSJ-H",
            Self::Identity | Self::Private => "Identity-H",
        }
    }

    fn hex(self, text: &str) -> String {
        let bytes: Vec<u8> = match self {
            Self::UniJis | Self::UniJisVertical | Self::Private => {
                text.encode_utf16().flat_map(u16::to_be_bytes).collect()
            }
            Self::Rksj => encoding_rs::SHIFT_JIS.encode(text).0.into_owned(),
            Self::Identity => text.chars().flat_map(|c| cid(c).to_be_bytes()).collect(),
        };
        bytes.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02X}").unwrap();
            hex
        })
    }
}

/// Adobe-Japan1 CIDs: hiragana follow each other from 842 (ぁ), ideographs by JIS from 1125.
fn cid(c: char) -> u16 {
    match c {
        'ぁ'..='ん' => 842 + (u32::from(c) - u32::from('ぁ')) as u16,
        '亜' => 1125,
        '。' => 635,
        _ => panic!("no CID for {c}"),
    }
}

/// A file under construction: one content stream a page.
pub(super) struct Writer {
    font: Font,
    title: Option<String>,
    pages: Vec<String>,
    extra: String,
}

impl Writer {
    pub(super) fn new(font: Font) -> Self {
        Self { font, title: None, pages: Vec::new(), extra: String::new() }
    }

    /// Sets the document's own title.
    pub(super) fn title(mut self, title: &str) -> Self {
        self.title = Some(title.to_owned());
        self
    }

    /// Begins a page of A4.
    pub(super) fn page(mut self) -> Self {
        self.pages.push(String::new());
        self
    }

    /// Text at a place, in points from the bottom left.
    pub(super) fn text(self, size: f32, x: f32, y: f32, text: &str) -> Self {
        let hex = self.font.hex(text);
        self.raw(&format!("BT /F1 {size} Tf 1 0 0 1 {x} {y} Tm <{hex}> Tj ET\n"))
    }

    /// Lines one below the other.
    pub(super) fn lines(self, size: f32, x: f32, y: f32, lines: &[&str]) -> Self {
        let step = size * 1.6;
        let numbered = lines.iter().enumerate();
        numbered.fold(self, |page, (n, line)| page.text(size, x, y - n as f32 * step, line))
    }

    /// A ruled grid; positions of its rulings.
    pub(super) fn grid(mut self, xs: &[f32], ys: &[f32]) -> Self {
        let (left, right) = (xs[0], xs[xs.len() - 1]);
        let (top, bottom) = (ys[0], ys[ys.len() - 1]);
        for y in ys {
            self = self.raw(&format!("{left} {y} m {right} {y} l S\n"));
        }
        for x in xs {
            self = self.raw(&format!("{x} {bottom} {} {} re f\n", 0.5, top - bottom));
        }
        self
    }

    /// An image of 8×8 grey points over the page.
    pub(super) fn image(self) -> Self {
        let pixels = "80".repeat(64);
        self.raw(&format!(
            "q 500 0 0 700 40 70 cm BI /W 8 /H 8 /CS /G /BPC 8 /F /AHx ID {pixels}> EI Q\n"
        ))
    }

    /// Operators as they are.
    pub(super) fn raw(mut self, operators: &str) -> Self {
        self.pages.last_mut().unwrap().push_str(operators);
        self
    }

    /// Forms under the names X1, X2, … of the resources: their content streams.
    pub(super) fn forms(mut self, contents: &[&str]) -> Self {
        for content in contents {
            let number = 100 + self.extra.matches(" obj").count();
            let length = content.len();
            self.extra += &format!(
                "{number} 0 obj\n<</Type/XObject/Subtype/Form/BBox[0 0 600 900]/Length {length}>>\n\
                 stream\n{content}\nendstream\nendobj\n"
            );
        }
        self
    }

    /// The file's bytes. It has no cross-reference table: readers rebuild it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let kids: Vec<String> =
            (0..self.pages.len()).map(|n| format!("{} 0 R", 10 + 2 * n)).collect();
        let ordering = match self.font {
            Font::Private => "Identity",
            _ => "Japan1",
        };
        let forms: String = (0..self.extra.matches(" obj").count())
            .map(|n| format!("/X{} {} 0 R", n + 1, 100 + n))
            .collect();
        let mut file = format!(
            "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n\
             2 0 obj\n<</Type/Pages/Kids[{}]/Count {}/MediaBox[0 0 595 842]\
             /Resources<</Font<</F1 3 0 R>>/XObject<<{forms}>>>>>>\nendobj\n\
             3 0 obj\n<</Type/Font/Subtype/Type0/BaseFont/Test-Min/Encoding/{}\
             /DescendantFonts[4 0 R]>>\nendobj\n\
             4 0 obj\n<</Type/Font/Subtype/CIDFontType0/BaseFont/Test-Min/DW 1000\
             /CIDSystemInfo<</Registry(Adobe)/Ordering({ordering})/Supplement 2>>\
             /FontDescriptor 5 0 R>>\nendobj\n\
             5 0 obj\n<</Type/FontDescriptor/FontName/Test-Min/Flags 4>>\nendobj\n",
            kids.join(" "),
            self.pages.len(),
            self.font.encoding(),
        );
        let title = self.title.as_deref().unwrap_or_default();
        let hex = Font::UniJis.hex(title);
        file += &format!("6 0 obj\n<</Title<FEFF{hex}>>>\nendobj\n");
        for (n, content) in self.pages.iter().enumerate() {
            let (page, stream, length) = (10 + 2 * n, 11 + 2 * n, content.len());
            file += &format!(
                "{page} 0 obj\n<</Type/Page/Parent 2 0 R/Contents {stream} 0 R>>\nendobj\n\
                 {stream} 0 obj\n<</Length {length}>>\nstream\n{content}\nendstream\nendobj\n"
            );
        }
        file += &self.extra;
        file += "trailer\n<</Root 1 0 R/Info 6 0 R/Size 200>>\n%%EOF\n";
        file.into_bytes()
    }
}
