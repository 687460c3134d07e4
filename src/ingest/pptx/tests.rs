use super::*;
use crate::ingest::office::fixture;

fn shape(kind: &str, paragraphs: &[&str]) -> String {
    let placeholder = match kind {
        "" => String::new(),
        kind => format!("<p:ph type='{kind}'/>"),
    };
    let paragraphs =
        paragraphs.iter().map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"));
    let paragraphs: String = paragraphs.collect();
    format!(
        "<p:sp><p:nvSpPr><p:cNvPr id='1'/><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr>\
         <p:txBody>{paragraphs}</p:txBody></p:sp>"
    )
}

fn slide(attributes: &str, shapes: &str) -> String {
    format!(
        "<p:sld xmlns:p='p' xmlns:a='a' {attributes}><p:cSld><p:spTree>{shapes}</p:spTree>\
         </p:cSld></p:sld>"
    )
}

/// Five slides whose files are numbered against the order, the second hidden, the third with
/// a table; the first has notes, the fourth only a picture, the fifth SmartArt and a chart.
fn parts() -> Vec<(&'static str, String)> {
    let top = [("r1", "officeDocument", "ppt/presentation.xml")];
    let main = [
        ("a", "slide", "slides/slide3.xml"),
        ("b", "slide", "slides/slide2.xml"),
        ("c", "slide", "slides/slide1.xml"),
        ("d", "slide", "slides/slide4.xml"),
        ("e", "slide", "slides/slide5.xml"),
    ];
    let presentation = "<p:presentation xmlns:p='p' xmlns:r='r'><p:sldIdLst><p:sldId id='256' \
        r:id='a'/><p:sldId id='257' r:id='b'/><p:sldId id='258' r:id='c'/><p:sldId id='259' \
        r:id='d'/><p:sldId id='260' r:id='e'/></p:sldIdLst></p:presentation>";
    let cell = |text: &str| {
        format!("<a:tc><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>")
    };
    let row = |one: &str, two: &str| format!("<a:tr>{}{}</a:tr>", cell(one), cell(two));
    let table = format!(
        "<p:graphicFrame><a:graphic><a:graphicData><a:tbl><a:tblPr firstRow='1'/>{}{}</a:tbl>\
         </a:graphicData></a:graphic></p:graphicFrame>",
        row("区分", "金額"),
        row("転入", "無料")
    );
    let body = shape("body", &["本文一", "本文二"]);
    let first = shape("title", &["窓口の案内"]) + &body + &shape("sldNum", &["1"]);
    let third = shape("ctrTitle", &["料金"]) + &shape("", &["一覧"]) + &table;
    let notes = shape("sldImg", &["絵"]) + &shape("body", &["発表者の覚え"]);
    let notes_relation = [("n", "notesSlide", "../notesSlides/notesSlide1.xml")];
    let diagram = "<p:graphicFrame><a:graphic><a:graphicData><dgm:relIds r:dm='d'/></a:graphicData>\
        </a:graphic></p:graphicFrame><p:graphicFrame><a:graphic><a:graphicData><c:chart r:id='x'/>\
        </a:graphicData></a:graphic></p:graphicFrame>";
    let diagram_relation = [("d", "diagramData", "../diagrams/data1.xml")];
    let data = "<dgm:dataModel><dgm:ptLst><dgm:pt><dgm:t><a:p><a:r><a:t>受付</a:t></a:r></a:p>\
        </dgm:t></dgm:pt>\
        <dgm:pt type='pres'><dgm:t><a:p><a:r><a:t>無</a:t></a:r></a:p></dgm:t></dgm:pt>\
        <dgm:pt><dgm:t><a:p><a:r><a:t>審査</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst>\
        </dgm:dataModel>";
    vec![
        ("_rels/.rels", fixture::relations(&top)),
        ("ppt/presentation.xml", presentation.to_owned()),
        ("ppt/_rels/presentation.xml.rels", fixture::relations(&main)),
        ("ppt/slides/slide3.xml", slide("", &first)),
        ("ppt/slides/_rels/slide3.xml.rels", fixture::relations(&notes_relation)),
        ("ppt/notesSlides/notesSlide1.xml", slide("", &notes)),
        ("ppt/slides/slide2.xml", slide("show='0'", &shape("body", &["非公開"]))),
        ("ppt/slides/slide1.xml", slide("", &third)),
        ("ppt/slides/slide4.xml", slide("", "<p:pic/>")),
        ("ppt/slides/slide5.xml", slide("", diagram)),
        ("ppt/slides/_rels/slide5.xml.rels", fixture::relations(&diagram_relation)),
        ("ppt/diagrams/data1.xml", data.to_owned()),
    ]
}

fn packed(parts: &[(&'static str, String)]) -> Vec<u8> {
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fixture::package(&parts)
}

#[test]
fn slides_in_their_order_with_notes_and_tables() {
    let document = read(&packed(&parts()), "資料").unwrap();
    assert_eq!(document.title, "窓口の案内");
    let number = |section: &Section| match section.locator {
        Locator::Slide { number } => number,
        _ => 0,
    };
    let found: Vec<_> = document
        .sections
        .iter()
        .map(|s| (number(s), s.headings.join("|"), s.text.as_str(), s.table))
        .collect();
    let own = |heading: &str| heading.to_owned();
    assert_eq!(
        found,
        [
            (1, own("窓口の案内"), "本文一\n本文二", false),
            (1, own("窓口の案内"), "ノート: 発表者の覚え", false),
            (3, own("料金"), "一覧", false),
            (3, own("料金"), "区分: 転入 / 金額: 無料", true),
            (5, own(""), "受付\n審査", false),
        ]
    );
    assert!(document.warnings[0].starts_with("スライド2は非表示"), "{:?}", document.warnings);
    assert!(document.warnings[1].starts_with("スライド4には文字"), "{:?}", document.warnings);
}

#[test]
fn what_cannot_be_read_is_named() {
    let mut parts = parts();
    parts.retain(|(name, _)| *name != "ppt/slides/slide1.xml");
    let missing = read(&packed(&parts), "x");
    assert_eq!(
        missing,
        Err(IngestError::Damaged("ppt/slides/slide1.xml: not in the file".to_owned()))
    );
    parts.retain(|(name, _)| !name.starts_with("ppt/_rels"));
    assert!(matches!(read(&packed(&parts), "x"), Err(IngestError::Damaged(_))));
    parts[1].1 = "<p:presentation/>".to_owned();
    assert_eq!(read(&packed(&parts), "x"), Err(IngestError::Empty));
}

#[test]
fn mutants_never_panic() {
    let parts = parts();
    let parts: Vec<_> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    fixture::survives_mutation(read, &parts);
}
