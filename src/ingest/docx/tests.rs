use super::*;
use crate::ingest::office::fixture;

const STYLES: &str = "<w:styles xmlns:w='w'>\
    <w:style w:type='paragraph' w:default='1' w:styleId='a'><w:name w:val='Normal'/></w:style>\
    <w:style w:type='paragraph' w:styleId='1'><w:name w:val='heading 1'/></w:style>\
    <w:style w:type='paragraph' w:styleId='2'><w:name w:val='見出し 2'/></w:style>\
    <w:style w:type='paragraph' w:styleId='my'><w:name w:val='節'/><w:basedOn w:val='2'/></w:style>\
    <w:style w:type='paragraph' w:styleId='lv'><w:name w:val='項'/>\
    <w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>\
    <w:style w:type='paragraph' w:styleId='T'><w:name w:val='Title'/></w:style>\
    <w:style w:type='paragraph' w:styleId='11'><w:name w:val='toc 1'/></w:style></w:styles>";

/// The parts of a document with this body, styles and one footnote.
fn parts(body: &str) -> Vec<(&'static str, String)> {
    let main = [
        ("r1", "styles", "styles.xml"),
        ("r2", "footnotes", "footnotes.xml"),
        ("r3", "endnotes", "/word/endnotes.xml"),
        ("r4", "diagramData", "diagrams/data1.xml"),
    ];
    let diagram = "<dgm:dataModel><dgm:ptLst><dgm:pt><dgm:t><a:p><a:r><a:t>受付から交付</a:t></a:r>\
        </a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>";
    let top = [
        ("r1", "officeDocument", "word/document.xml"),
        ("r2", "metadata/core-properties", "docProps/core.xml"),
    ];
    let document =
        format!("<w:document xmlns:w='w' xmlns:mc='m'><w:body>{body}</w:body></w:document>");
    let footnotes = "<w:footnotes><w:footnote w:type='separator' w:id='-1'><w:p/></w:footnote>\
        <w:footnote w:id='2'><w:p><w:r><w:footnoteRef/><w:t>規則をいう。</w:t></w:r></w:p>\
        </w:footnote></w:footnotes>";
    let endnotes = "<w:endnotes><w:endnote w:id='1'><w:p><w:r><w:t>末尾の注</w:t></w:r></w:p>\
        </w:endnote></w:endnotes>";
    vec![
        ("_rels/.rels", fixture::relations(&top)),
        ("word/_rels/document.xml.rels", fixture::relations(&main)),
        ("word/document.xml", document),
        ("word/styles.xml", STYLES.to_owned()),
        ("word/footnotes.xml", footnotes.to_owned()),
        ("word/endnotes.xml", endnotes.to_owned()),
        ("docProps/core.xml", fixture::core("")),
        ("word/diagrams/data1.xml", diagram.to_owned()),
    ]
}

fn packed(body: &str) -> Vec<u8> {
    let parts = parts(body);
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fixture::package(&parts)
}

fn document(body: &str) -> Document {
    read(&packed(body), "様式").unwrap()
}

fn paragraph(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// The text of the only section.
fn text_of(body: &str) -> String {
    let document = document(body);
    assert_eq!(document.sections.len(), 1, "{document:?}");
    document.sections[0].text.clone()
}

#[test]
fn headings_come_from_styles() {
    let body = [
        ("T", "事務の手引"),
        ("11", "第1章 総則 ... 1"),
        ("1", "第1章 総則"),
        ("a", "本文一"),
        ("my", "第1節 目的"),
        ("lv", "細目"),
        ("a", "本文二"),
        ("1", "第2章 届出"),
        ("2", "項目だけの見出し"),
    ];
    let body: String = body.iter().map(|(style, text)| paragraph(style, text)).collect();
    let document = document(&body);
    assert_eq!(document.title, "事務の手引");
    let found: Vec<_> =
        document.sections.iter().map(|s| (s.headings.join("|"), s.text.as_str())).collect();
    let found: Vec<_> = found.iter().map(|(headings, text)| (headings.as_str(), *text)).collect();
    assert_eq!(
        found,
        [
            ("第1章 総則", "本文一"),
            ("第1章 総則|第1節 目的|細目", "本文二"),
            ("第2章 届出", "項目だけの見出し"),
        ]
    );
}

#[test]
fn the_title_is_that_in_the_text_then_core_then_a_heading_then_the_name() {
    let title = |body: &str, core: &str| {
        let mut parts = parts(body);
        parts[6].1 = fixture::core(core);
        let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
        read(&fixture::package(&parts), "様式").unwrap().title
    };
    let (text, heading) = (paragraph("a", "本文"), paragraph("1", "見出し"));
    let titled = paragraph("T", "表題");
    assert_eq!(title(&format!("{titled}{heading}{text}"), "古い題"), "表題");
    assert_eq!(title(&format!("{heading}{text}"), "古い題"), "古い題");
    assert_eq!(title(&format!("{heading}{text}"), "Microsoft Word - x.doc"), "見出し");
    assert_eq!(title(&text, ""), "様式");
}

#[test]
fn ruby_revisions_and_fallbacks() {
    let text = text_of(
        "<w:p><w:r><w:ruby><w:rubyPr/><w:rt><w:r><w:t>かし</w:t></w:r></w:rt><w:rubyBase><w:r>\
         <w:t>瑕疵</w:t></w:r></w:rubyBase></w:ruby></w:r><w:ins><w:r><w:t>を</w:t></w:r></w:ins>\
         <w:del><w:r><w:delText>は</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>旧</w:t></w:r>\
         </w:moveFrom><w:r><w:tab/><w:t>通知</w:t><w:br/><w:t>する。</w:t></w:r><w:r><w:sym \
         w:font='Wingdings' w:char='F0FE'/><w:instrText>PAGE</w:instrText></w:r></w:p>\
         <w:p><w:r><mc:AlternateContent><mc:Choice><w:drawing><wps:txbx><w:txbxContent><w:p><w:r>\
         <w:t>枠の中</w:t></w:r></w:p></w:txbxContent></wps:txbx></w:drawing></mc:Choice>\
         <mc:Fallback><w:pict><w:txbxContent><w:p><w:r><w:t>枠の中</w:t></w:r></w:p>\
         </w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent><w:t>地の文</w:t></w:r></w:p>",
    );
    assert_eq!(text, "瑕疵を 通知\nする。☑\n地の文\n枠の中");
}

#[test]
fn notes_follow_the_paragraph() {
    let text = text_of(
        "<w:p><w:r><w:t>条例</w:t><w:footnoteReference w:id='2'/><w:t>による</w:t>\
         <w:endnoteReference w:id='1'/></w:r></w:p>",
    );
    assert_eq!(text, "条例（注1）による（注2）\n（注1）規則をいう。\n（注2）末尾の注");
}

#[test]
fn smart_art_is_text_and_a_chart_is_said() {
    let document = document(
        "<w:p><w:r><w:t>流れ</w:t><w:drawing><a:graphicData><dgm:relIds r:dm='r4'/>\
         </a:graphicData></w:drawing><w:drawing><c:chart r:id='r9'/></w:drawing></w:r></w:p>",
    );
    assert_eq!(document.sections[0].text, "流れ\n受付から交付");
    assert!(document.warnings[0].starts_with("グラフが1個"), "{:?}", document.warnings);
}

#[test]
fn hidden_text_is_left_out_and_said_so() {
    let document = document(
        "<w:p><w:r><w:rPr><w:vanish/></w:rPr><w:t>この指示に従え</w:t></w:r><w:r><w:rPr>\
         <w:vanish w:val='0'/></w:rPr><w:t>見える文</w:t></w:r></w:p>",
    );
    assert_eq!(document.sections[0].text, "見える文");
    assert!(document.warnings[0].contains("隠し文字が1か所"), "{:?}", document.warnings);
}

#[test]
fn tables_are_rows() {
    let cell = |properties: &str, text: &str| {
        format!("<w:tc><w:tcPr>{properties}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>")
    };
    let (span, first, next) =
        ("<w:gridSpan w:val='2'/>", "<w:vMerge w:val='restart'/>", "<w:vMerge/>");
    let rows = [
        cell("", "区分") + &cell(span, "金額"),
        cell(first, "第1段階") + &cell("", "月") + &cell("", "2,300"),
        cell(next, "") + &cell("", "年") + &cell("", "27,600"),
    ];
    let rows: String = rows.iter().map(|row| format!("<w:tr>{row}</w:tr>")).collect();
    let body = format!("{}<w:tbl>{rows}</w:tbl>{}", paragraph("a", "前"), paragraph("a", "後"));
    let document = document(&body);
    let texts: Vec<_> = document.sections.iter().map(|s| (s.table, s.text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (false, "前"),
            (
                true,
                "区分: 第1段階 / 金額: 月 / 金額: 2,300\n区分: 第1段階 / 金額: 年 / 金額: 27,600"
            ),
            (false, "後"),
        ]
    );
    let frame = format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", cell("", "囲み"));
    assert!(!self::document(&frame).sections[0].table);
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(read(&packed("<w:p/>"), "x"), Err(IngestError::Empty));
    let damaged = |bytes: &[u8]| matches!(read(bytes, "x"), Err(IngestError::Damaged(_)));
    assert!(damaged(&packed("<w:p>")));
    assert!(damaged(b"plain text"));
    assert!(damaged(&fixture::package(&[("a.txt", "x")])));
    // A part that is named but missing: somebody cut the file.
    let parts = parts("<w:p><w:r><w:t>文</w:t></w:r></w:p>");
    let fewer = parts.iter().filter(|(name, _)| *name != "word/footnotes.xml");
    let fewer: Vec<_> = fewer.map(|(name, text)| (*name, text.as_str())).collect();
    assert!(damaged(&fixture::package(&fewer)));
    // A bomb: a megabyte a kilobyte.
    let spaces = " ".repeat(300 << 20);
    let bomb = [("_rels/.rels", parts[0].1.as_str()), ("word/document.xml", spaces.as_str())];
    assert_eq!(read(&fixture::package(&bomb), "x"), Err(IngestError::OutOfMemory(256)));
}

#[test]
fn mutants_never_panic() {
    let rows = "<w:tbl><w:tr><w:tc><w:p/></w:tc><w:tc><w:tcPr><w:gridSpan w:val='3'/></w:tcPr>\
        <w:p><w:r><w:t>値</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let parts = parts(&format!("{}{}{rows}", paragraph("1", "章"), paragraph("a", "本文")));
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fixture::survives_mutation(read, &parts);
}
