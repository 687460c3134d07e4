//! Text in DrawingML: the bodies of shapes, cells and SmartArt, in slides and Word documents.

use super::tidy_lines;
use super::xml::Element;

/// The paragraphs of a text body, a line each.
pub(crate) fn paragraphs(body: &Element) -> String {
    let mut text = String::new();
    for paragraph in body.elements().filter(|child| child.name() == "p") {
        runs(paragraph, &mut text);
        text.push('\n');
    }
    tidy_lines(&text)
}

fn runs(parent: &Element, text: &mut String) {
    for child in parent.elements() {
        match child.name() {
            "t" => text.push_str(&child.text()),
            "br" => text.push('\n'),
            "tab" => text.push(' '),
            "fld" if child.attr("type") == "slidenum" => {}
            "AlternateContent" => {
                if let Some(choice) = child.child("Choice").or_else(|| child.child("Fallback")) {
                    runs(choice, text);
                }
            }
            "pPr" | "rPr" | "endParaRPr" | "rt" => {}
            _ => runs(child, text),
        }
    }
}

/// The text of SmartArt from its data part, a line for each point; empty when there is none.
pub(crate) fn diagram(data: &Element) -> String {
    let points = data.child("ptLst").into_iter().flat_map(Element::elements);
    // Points of other types hold the layout, and repeat the text.
    let own = points.filter(|point| matches!(point.attr("type"), "" | "node" | "asst" | "doc"));
    let texts: Vec<_> = own.filter_map(|point| point.child("t")).map(paragraphs).collect();
    tidy_lines(&texts.join("\n"))
}
